//! What stands between the runtime and the algorithms, for all components: a job seen as a watch, a question as a row, equal
//! rows as one, a group of rows in words, like compared with like, the prospects of a session.

pub(crate) mod asked;
#[cfg(test)]
pub(crate) mod certified;
pub(crate) mod contrast;
pub(crate) mod distinct;
pub(crate) mod matched;
pub(crate) mod mining;
mod phases;
pub(crate) mod prognosis;
pub(crate) mod space;
#[cfg(test)]
pub(crate) mod stopped_clock;
pub(crate) mod verdict;
pub(crate) mod words;

pub(crate) use phases::Phases;
