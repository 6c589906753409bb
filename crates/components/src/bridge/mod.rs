//! What stands between the runtime and the algorithms, for all components: a job seen as a watch, a question as a row, equal
//! rows as one, a group of rows in words.

pub(crate) mod asked;
pub(crate) mod contrast;
pub(crate) mod distinct;
mod phases;
#[cfg(test)]
pub(crate) mod stopped_clock;
mod words;

pub(crate) use phases::Phases;
