//! Tests that a long call asks its watch often enough and ends at once when the watch refuses.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::watch::{Interrupted, Watch};

/// Refuses from a call on, and counts calls.
struct Refusing {
    from: u64,
    calls: AtomicU64,
}

impl Watch for Refusing {
    fn tick(&self, _done: u64, _total: u64) -> Result<(), Interrupted> {
        let before = self.calls.fetch_add(1, Ordering::Relaxed);
        if before < self.from { Ok(()) } else { Err(Interrupted) }
    }
}

/// Runs `call` on one thread; it tells whether it was interrupted. Its watch must be asked at least `least` times, which the
/// caller derives from the work, and once it has refused must not be asked again, or once more where one stage ends another.
pub(crate) fn ends_when_refused(least: u64, call: impl Fn(&dyn Watch) -> bool + Sync) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let run = |from: u64| {
        let watch = Refusing { from, calls: AtomicU64::new(0) };
        let interrupted = pool.install(|| call(&watch));
        (interrupted, watch.calls.into_inner())
    };
    let (interrupted, calls) = run(u64::MAX);
    assert!(!interrupted && calls >= least, "asked {calls} times, not {least}");
    for from in (0..calls).step_by((calls as usize / 25).max(1)).chain([calls - 1]) {
        let (interrupted, asked) = run(from);
        assert!(interrupted && asked <= from + 2, "asked {asked} times, refused {from} of {calls}");
    }
}
