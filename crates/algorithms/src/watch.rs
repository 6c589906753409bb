//! How a caller follows a long computation and stops it.

use std::sync::atomic::{AtomicU64, Ordering};

/// The caller asked the computation to stop; nothing was learnt from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted by the caller before the computation was complete")]
pub struct Interrupted;

/// Called from inside long loops, from worker threads too, at least every few milliseconds of work.
///
/// `()` watches nothing; a closure `Fn(u64, u64) -> Result<(), Interrupted> + Sync` is a watch:
///
/// ```
/// use souffleur_algorithms::{Interrupted, Watch};
/// let stop_at_half = |done: u64, total: u64| if 2 * done > total { Err(Interrupted) } else { Ok(()) };
/// assert_eq!(stop_at_half.tick(3, 10), Ok(()));
/// assert_eq!(stop_at_half.tick(6, 10), Err(Interrupted));
/// ```
pub trait Watch: Sync {
    /// `done` of `total` units of work are complete; the unit is the algorithm's own. Parallel workers may report
    /// slightly out of order, and each phase (checking the input, then learning) counts from 0 to a total of its own.
    /// An error stops the computation.
    ///
    /// # Errors
    /// [`Interrupted`] when the computation should stop.
    fn tick(&self, done: u64, total: u64) -> Result<(), Interrupted>;
}

impl Watch for () {
    fn tick(&self, _done: u64, _total: u64) -> Result<(), Interrupted> {
        Ok(())
    }
}

impl<F: Fn(u64, u64) -> Result<(), Interrupted> + Sync> Watch for F {
    fn tick(&self, done: u64, total: u64) -> Result<(), Interrupted> {
        self(done, total)
    }
}

/// Counts work done by several threads towards one total.
pub(crate) struct Progress<'a> {
    watch: &'a dyn Watch,
    done: AtomicU64,
    total: u64,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(watch: &'a dyn Watch, total: u64) -> Self {
        Self { watch, done: AtomicU64::new(0), total }
    }

    /// Adds `units` of finished work and asks whether to go on.
    pub(crate) fn advance(&self, units: u64) -> Result<(), Interrupted> {
        // Relaxed: the count publishes no other data.
        let done = self.done.fetch_add(units, Ordering::Relaxed) + units;
        self.watch.tick(done.min(self.total), self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_adds_up_and_never_passes_its_total() {
        let seen = std::sync::Mutex::new(Vec::new());
        let watch = |done: u64, total: u64| {
            seen.lock().unwrap().push((done, total));
            Ok(())
        };
        let progress = Progress::new(&watch, 5);
        for _ in 0..3 {
            progress.advance(2).unwrap();
        }
        assert_eq!(*seen.lock().unwrap(), [(2, 5), (4, 5), (5, 5)]);
    }

    #[test]
    fn an_interruption_reaches_the_worker() {
        let watch = |_: u64, _: u64| Err(Interrupted);
        assert_eq!(Progress::new(&watch, 5).advance(1), Err(Interrupted));
        assert_eq!(().tick(1, 1), Ok(()));
    }
}
