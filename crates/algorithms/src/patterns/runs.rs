//! Sorted runs put together into one, in which what is equal stands once.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::stream::Stop;
use crate::watch::{Progress, Watch};

/// Values of a run that is sorted in one go: a millisecond or so.
pub(crate) const RUN: usize = 1 << 15;
/// Values that are merged between two calls of the watch.
const PER_TICK: usize = 1 << 16;

/// Sorts a run and puts what is equal together by `join`, which is given the one that stays and the one that goes.
pub(crate) fn sort_run<T>(run: &mut Vec<T>, order: impl Fn(&T, &T) -> Ordering, join: impl Fn(&mut T, &T)) {
    run.sort_unstable_by(&order);
    run.dedup_by(|next, kept| {
        let equal = order(next, kept) == Ordering::Equal;
        if equal {
            join(kept, next);
        }
        equal
    });
}

/// Puts sorted runs without equal values together into one, on all threads; `order` and `join` as for [`sort_run`]. The
/// watch is asked within each merge, so no run may be much longer than [`RUN`].
pub(crate) fn merge_runs<T: Copy + Send + Sync>(
    mut runs: Vec<Vec<T>>,
    order: impl Fn(&T, &T) -> Ordering + Sync,
    join: impl Fn(&mut T, &T) + Sync,
    watch: &dyn Watch,
) -> Result<Vec<T>, Stop> {
    let passes = u64::from(runs.len().next_power_of_two().trailing_zeros());
    let progress = Progress::new(watch, passes * runs.iter().map(|run| run.len() as u64).sum::<u64>());
    while runs.len() > 1 {
        let merged = |pair: &mut [Vec<T>]| match pair {
            [a, b] => merge(&std::mem::take(a), &std::mem::take(b), &order, &join, &progress),
            rest => Ok(rest.iter_mut().flat_map(std::mem::take).collect()),
        };
        runs = runs.par_chunks_mut(2).map(merged).collect::<Result<_, _>>()?;
    }
    Ok(runs.pop().unwrap_or_default())
}

fn merge<T: Copy>(
    mut a: &[T],
    mut b: &[T],
    order: impl Fn(&T, &T) -> Ordering,
    join: impl Fn(&mut T, &T),
    progress: &Progress<'_>,
) -> Result<Vec<T>, Stop> {
    let mut merged = Vec::with_capacity(a.len() + b.len());
    let mut ask_at = PER_TICK;
    while let ([first_a, rest_a @ ..], [first_b, rest_b @ ..]) = (a, b) {
        let ordering = order(first_a, first_b);
        // Selections instead of branches: which comes first cannot be foretold.
        let takes_a = ordering != Ordering::Greater;
        merged.push(if takes_a { *first_a } else { *first_b });
        a = if takes_a { rest_a } else { a };
        b = if takes_a { b } else { rest_b };
        if ordering == Ordering::Equal {
            if let Some(kept) = merged.last_mut() {
                join(kept, first_b);
            }
            b = rest_b;
        }
        if merged.len() >= ask_at {
            progress.advance(PER_TICK as u64)?;
            ask_at += PER_TICK;
        }
    }
    for rest in a.chunks(PER_TICK).chain(b.chunks(PER_TICK)) {
        merged.extend_from_slice(rest);
        progress.advance(rest.len() as u64)?;
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_become_one_with_what_is_equal_put_together(
            runs in prop::collection::vec(prop::collection::vec(0u32..30, 0..40), 0..9)
        ) {
            let order = |a: &(u32, u32), b: &(u32, u32)| a.0.cmp(&b.0);
            let join = |kept: &mut (u32, u32), gone: &(u32, u32)| kept.1 += gone.1;
            let mut expected = std::collections::BTreeMap::new();
            runs.iter().flatten().for_each(|value| *expected.entry(*value).or_insert(0) += 1);
            let mut sorted: Vec<Vec<(u32, u32)>> =
                runs.iter().map(|run| run.iter().map(|value| (*value, 1)).collect()).collect();
            sorted.iter_mut().for_each(|run| sort_run(run, order, join));
            let merged = merge_runs(sorted, order, join, &()).unwrap();
            prop_assert_eq!(merged, expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_watch_is_asked_while_runs_are_merged() {
        let asked = std::sync::atomic::AtomicU64::new(0);
        let watch = |_: u64, _: u64| {
            let before = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if before < 3 { Ok(()) } else { Err(crate::watch::Interrupted) }
        };
        let runs = (0..8u64).map(|run| (0..RUN as u64).map(|at| 8 * at + run).collect()).collect();
        assert_eq!(merge_runs(runs, u64::cmp, |_, _| {}, &watch), Err(Stop::Interrupted));
        // Each of the threads that were under way asked once more at most.
        assert!(asked.into_inner() <= 4 + rayon::current_num_threads() as u64);
    }
}
