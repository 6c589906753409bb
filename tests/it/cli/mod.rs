//! The command line, as users meet it: the real program.

mod certify;
mod demo;
mod errors;
mod export;
mod help;
mod import;
mod listings;
mod operations;
#[cfg(feature = "postgres")]
mod postgres;
mod recorded;
mod remote;
mod retention;
mod simulate;
