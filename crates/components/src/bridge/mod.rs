//! What stands between the runtime and the algorithms, for all components: a job seen as a watch, a question as a row, a
//! group of rows in words.

pub(crate) mod asked;
pub(crate) mod contrast;
mod phases;
#[cfg(test)]
pub(crate) mod stopped_clock;

pub(crate) use phases::Phases;
