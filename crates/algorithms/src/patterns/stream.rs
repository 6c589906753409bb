//! Patterns found by several threads, shown to one visitor in one order.
//!
//! The search is cut into units (the subtrees below each first item), which threads take one after the other. The
//! thread whose unit is next in the order hands its patterns on as it finds them; the others keep theirs back until
//! their turn comes, and wait when they have kept back too much. So the order is that of a single thread, and memory
//! is bounded whatever the number of patterns. The unit whose turn it is was taken before all others that are under
//! way, so it is never the one that waits.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::errors::PatternsError;
use super::support::Mined;
use crate::watch::{Interrupted, Progress, Watch};

/// Words of patterns after which a thread asks whether its turn has come.
const CHUNK_WORDS: usize = 1 << 14;
/// Words that one thread keeps back, and that all finished units together keep back: 4 MiB each.
const AHEAD_WORDS: usize = 1 << 20;
/// Work between two calls of the watch, in steps of about a nanosecond.
const STEPS_PER_TICK: u64 = 1 << 20;
/// How long a thread sleeps before it looks whether the caller has interrupted.
const WAIT: Duration = Duration::from_millis(20);

/// Sees one pattern after the other: its support and the words that make it up.
pub(crate) type Visit<'a> = dyn FnMut(u32, &[u32]) -> ControlFlow<()> + Send + 'a;

/// Why a unit is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The caller interrupted.
    Interrupted,
    /// No more patterns are wanted.
    Enough,
}

impl From<Interrupted> for Stop {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

/// What a caller is told who did not say that it is enough.
impl From<Stop> for PatternsError {
    fn from(_: Stop) -> Self {
        Interrupted.into()
    }
}

/// What is shared by all threads.
struct Stream<'a> {
    order: Mutex<Order<'a>>,
    turn_passed: Condvar,
    /// Set once no thread need go on.
    stopped: AtomicBool,
    progress: Progress<'a>,
}

struct Order<'a> {
    /// The unit whose turn it is.
    turn: usize,
    /// Patterns of finished units, and how many words they have together.
    finished: BTreeMap<usize, Vec<u32>>,
    finished_words: usize,
    visit: &'a mut Visit<'a>,
    reported: u64,
    max_patterns: u64,
    end: Option<Stop>,
}

impl Order<'_> {
    /// Shows the visitor the patterns of a buffer.
    fn deliver(&mut self, buffer: &[u32]) -> Result<(), Stop> {
        let mut rest = buffer;
        while let [words, support, tail @ ..] = rest {
            if self.reported == self.max_patterns {
                return Err(Stop::Enough);
            }
            let (pattern, tail) = tail.split_at(*words as usize);
            self.reported += 1;
            if (self.visit)(*support, pattern).is_break() {
                return Err(Stop::Enough);
            }
            rest = tail;
        }
        Ok(())
    }

    /// Ends the turn of a unit, and those of the finished ones that follow it.
    fn pass(&mut self) -> Result<(), Stop> {
        self.turn += 1;
        while let Some(buffer) = self.finished.remove(&self.turn) {
            self.finished_words -= buffer.len();
            self.deliver(&buffer)?;
            self.turn += 1;
        }
        Ok(())
    }
}

/// Asks the watch every millisecond or so of the work that the function is told of, out of `total`.
pub(crate) fn paced(watch: &dyn Watch, total: u64) -> impl FnMut(u64) -> Result<(), Stop> {
    let progress = Progress::new(watch, total);
    let mut steps = 0;
    move |more| {
        steps += more;
        if steps >= STEPS_PER_TICK {
            progress.advance(std::mem::take(&mut steps))?;
        }
        Ok(())
    }
}

/// Where one thread puts the patterns of the unit it works on.
pub(crate) struct Outlet<'s, 'a> {
    stream: &'s Stream<'a>,
    unit: usize,
    buffer: Vec<u32>,
    /// Length of the buffer at which to ask whether the turn has come.
    ask_at: usize,
    steps: u64,
}

impl Outlet<'_, '_> {
    /// Takes one pattern.
    pub(crate) fn emit(&mut self, support: u32, pattern: &[u32]) -> Result<(), Stop> {
        // Patterns are at most a few thousand words long.
        self.buffer.extend([pattern.len() as u32, support]);
        self.buffer.extend_from_slice(pattern);
        if self.buffer.len() < self.ask_at { Ok(()) } else { self.hand_on() }
    }

    /// Counts work, and asks the watch every millisecond or so.
    #[inline]
    pub(crate) fn spend(&mut self, steps: u64) -> Result<(), Stop> {
        self.steps += steps;
        if self.steps < STEPS_PER_TICK {
            return Ok(());
        }
        self.steps = 0;
        if self.stream.stopped.load(Ordering::Relaxed) {
            return Err(Stop::Enough);
        }
        Ok(self.stream.progress.advance(0)?)
    }

    /// Shows the visitor what is there if it is this unit's turn; waits for the turn only if too much is there.
    fn hand_on(&mut self) -> Result<(), Stop> {
        let mut order = self.stream.lock()?;
        while order.turn != self.unit {
            if self.buffer.len() < AHEAD_WORDS {
                self.ask_at = self.buffer.len() + CHUNK_WORDS;
                return Ok(());
            }
            order = self.stream.wait(order)?;
        }
        order.deliver(&self.buffer)?;
        drop(order);
        self.buffer.clear();
        self.ask_at = CHUNK_WORDS;
        Ok(())
    }

    /// The unit is done: its patterns are shown or kept for their turn.
    fn finish(&mut self, unit: usize) -> Result<(), Stop> {
        let mut order = self.stream.lock()?;
        while order.turn != unit {
            if order.finished_words + self.buffer.len() <= AHEAD_WORDS {
                order.finished_words += self.buffer.len();
                order.finished.insert(unit, std::mem::take(&mut self.buffer));
                return Ok(());
            }
            order = self.stream.wait(order)?;
        }
        order.deliver(&self.buffer)?;
        order.pass()?;
        drop(order);
        self.stream.turn_passed.notify_all();
        self.buffer.clear();
        Ok(())
    }
}

impl<'a> Stream<'a> {
    /// A visitor that panicked wants no more patterns.
    fn lock(&self) -> Result<MutexGuard<'_, Order<'a>>, Stop> {
        self.order.lock().map_err(|_| Stop::Enough)
    }

    /// Sleeps until a turn has passed, not longer than a watch may wait.
    fn wait<'b>(&self, order: MutexGuard<'b, Order<'a>>) -> Result<MutexGuard<'b, Order<'a>>, Stop> {
        let (order, _) = self.turn_passed.wait_timeout(order, WAIT).map_err(|_| Stop::Enough)?;
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Stop::Enough);
        }
        self.progress.advance(0)?;
        Ok(order)
    }

    fn stop(&self, why: Stop) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Ok(mut order) = self.order.lock() {
            order.end.get_or_insert(why);
        }
        self.turn_passed.notify_all();
    }

    /// Works on one unit after the other, until there are no more.
    fn work<S>(
        &self,
        (units, next): (usize, &AtomicUsize),
        scratch: &mut S,
        mine: &(impl Fn(&mut S, usize, &mut Outlet<'_, '_>) -> Result<(), Stop> + Sync),
    ) -> Result<(), Stop> {
        let mut outlet = Outlet { stream: self, unit: 0, buffer: Vec::new(), ask_at: CHUNK_WORDS, steps: 0 };
        loop {
            // Relaxed: the counter publishes no other data.
            outlet.unit = next.fetch_add(1, Ordering::Relaxed);
            if outlet.unit >= units {
                return Ok(());
            }
            if self.stopped.load(Ordering::Relaxed) {
                return Err(Stop::Enough);
            }
            outlet.ask_at = CHUNK_WORDS;
            mine(scratch, outlet.unit, &mut outlet)?;
            outlet.finish(outlet.unit)?;
            self.progress.advance(1)?;
        }
    }
}

/// Stops the others if the thread that holds it unwinds.
struct StopIfPanicking<'a, 'b>(&'a Stream<'b>);

impl Drop for StopIfPanicking<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop(Stop::Enough);
        }
    }
}

/// Calls `mine` for each unit, on all threads of the current rayon pool, and shows `visit` the patterns that it emits,
/// those of unit 0 first. `scratch` makes the memory that each thread keeps from one unit to the next.
///
/// `visit` is called under a lock, from whichever thread has the turn. It must not wait for other work of the same pool.
pub(crate) fn in_order<'a, S>(
    units: usize,
    max_patterns: u64,
    watch: &'a dyn Watch,
    scratch: impl Fn() -> S + Sync,
    mine: impl Fn(&mut S, usize, &mut Outlet<'_, '_>) -> Result<(), Stop> + Sync,
    visit: &'a mut Visit<'a>,
) -> Result<Mined, Interrupted> {
    let order =
        Order { turn: 0, finished: BTreeMap::new(), finished_words: 0, visit, reported: 0, max_patterns, end: None };
    let stream = Stream {
        order: Mutex::new(order),
        turn_passed: Condvar::new(),
        stopped: AtomicBool::new(false),
        progress: Progress::new(watch, units as u64),
    };
    stream.progress.advance(0)?;
    let next = AtomicUsize::new(0);
    let work = || {
        let _guard = StopIfPanicking(&stream);
        if let Err(why) = stream.work((units, &next), &mut scratch(), &mine) {
            stream.stop(why);
        }
    };
    rayon::scope(|scope| {
        let work = &work;
        (1..rayon::current_num_threads().min(units)).for_each(|_| scope.spawn(move |_| work()));
        work();
    });
    let Ok(order) = stream.order.into_inner() else { return Err(Interrupted) };
    match order.end {
        Some(Stop::Interrupted) => Err(Interrupted),
        end => Ok(Mined { patterns: order.reported, complete: end.is_none() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unit `u` emits `u % 7 * many` patterns `[u, 0]`, `[u, 1]` ...
    fn run(threads: usize, many: u32, max_patterns: u64, watch: &dyn Watch) -> (Result<Mined, Interrupted>, Vec<u32>) {
        let mut seen = Vec::new();
        let mine = |_: &mut (), unit: usize, outlet: &mut Outlet<'_, '_>| {
            (0..unit as u32 % 7 * many).try_for_each(|k| outlet.emit(k, &[unit as u32, k]))
        };
        let mut visit = |support: u32, pattern: &[u32]| {
            assert_eq!(support, pattern[1]);
            seen.extend_from_slice(pattern);
            ControlFlow::Continue(())
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mined = pool.install(|| in_order(40, max_patterns, watch, || (), mine, &mut visit));
        (mined, seen)
    }

    #[test]
    fn the_order_is_that_of_one_thread() {
        // More than a thread may keep back, and few.
        for many in [3, 60_000] {
            let (mined, expected) = run(1, many, u64::MAX, &());
            let total = (0..40).map(|unit| u64::from(unit % 7 * many)).sum();
            assert_eq!(mined, Ok(Mined { patterns: total, complete: true }));
            assert_eq!(expected.len() as u64, 2 * total);
            for threads in [2, 5] {
                assert!(run(threads, many, u64::MAX, &()) == (mined, expected.clone()), "{threads} threads");
            }
        }
    }

    #[test]
    fn the_first_patterns_are_the_same_however_many_are_wanted() {
        let (mined, all) = run(1, 50, u64::MAX, &());
        let total = mined.unwrap().patterns;
        for wanted in [1, 49, 50, 51, 400, total - 1, total, total + 1] {
            for threads in [1, 3] {
                let (mined, seen) = run(threads, 50, wanted, &());
                let patterns = wanted.min(total);
                assert_eq!(mined, Ok(Mined { patterns, complete: wanted >= total }));
                assert_eq!(seen[..], all[..2 * patterns as usize]);
            }
        }
    }

    #[test]
    fn an_interruption_stops_all_threads() {
        let watch = |done: u64, _: u64| if done < 5 { Ok(()) } else { Err(Interrupted) };
        for threads in [1, 4] {
            assert_eq!(run(threads, 60_000, u64::MAX, &watch).0, Err(Interrupted));
        }
        assert_eq!(run(2, 5, 3, &|_: u64, _: u64| Err(Interrupted)).0, Err(Interrupted));
    }

    #[test]
    fn a_panic_of_the_visitor_reaches_the_caller() {
        let caught = std::panic::catch_unwind(|| {
            let mine = |_: &mut (), unit: usize, outlet: &mut Outlet<'_, '_>| {
                (0..100_000).try_for_each(|k| outlet.emit(k, &[unit as u32, k]))
            };
            let mut visit =
                |_: u32, pattern: &[u32]| if pattern[0] == 3 { panic!("seen") } else { ControlFlow::Continue(()) };
            in_order(9, u64::MAX, &(), || (), mine, &mut visit)
        });
        assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "seen");
    }

    #[test]
    fn nothing_to_mine_is_complete() {
        let mined = in_order(0, 1, &(), || (), |(), _, _| Ok(()), &mut |_, _| ControlFlow::Break(()));
        assert_eq!(mined, Ok(Mined { patterns: 0, complete: true }));
    }
}
