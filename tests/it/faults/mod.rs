//! What must hold whatever happens to the process: nothing acknowledged is lost, nothing is there twice, health tells
//! the truth.

mod disk;
mod kill;
mod ledger;
#[cfg(feature = "postgres")]
mod shared;
mod terminate;
