//! Each different transaction once.

use rayon::prelude::*;

use super::ranked::RankedRows;
use crate::patterns::{RUN, Stop, merge_runs, paced, sort_run};
use crate::watch::{Progress, Watch};

/// The different transactions that hold any item, sorted.
pub(super) struct DistinctRows {
    rows: RankedRows,
    /// How many there are of each.
    counts: Vec<u32>,
}

impl DistinctRows {
    /// `kinds` is the number of items.
    pub(super) fn new(rows: &RankedRows, kinds: usize, watch: &dyn Watch) -> Result<Self, Stop> {
        let order = sorted(rows, kinds, watch)?;
        let (mut distinct, mut counts) = (RankedRows::default(), Vec::with_capacity(order.len()));
        let mut spend = paced(watch, 16 * order.len() as u64);
        for Keyed { row, count, .. } in order {
            distinct.push(rows.row(row));
            counts.push(count);
            spend(16 + rows.row(row).len() as u64)?;
        }
        Ok(Self { rows: distinct, counts })
    }

    /// The transactions, and how many there are of each.
    pub(super) fn into_parts(self) -> (RankedRows, Vec<u32>) {
        (self.rows, self.counts)
    }
}

/// A transaction, and its first items in one word, so that sorting compares words.
#[derive(Debug, Clone, Copy)]
struct Keyed {
    key: u64,
    row: u32,
    count: u32,
}

/// The different transactions, sorted, with how many there are of each.
fn sorted(rows: &RankedRows, kinds: usize, watch: &dyn Watch) -> Result<Vec<Keyed>, Stop> {
    let progress = Progress::new(watch, u64::from(rows.len()));
    let keys = Keys::new(kinds);
    let order = |a: &Keyed, b: &Keyed| {
        a.key.cmp(&b.key).then_with(|| {
            let rest = |row: u32| if keys.is_whole(a.key) { &[][..] } else { keys.rest(rows.row(row)) };
            rest(a.row).cmp(rest(b.row))
        })
    };
    let join = |kept: &mut Keyed, gone: &Keyed| kept.count += gone.count;
    let run = |start: u32| {
        let end = rows.len().min(start + RUN as u32);
        let keyed = |row: u32| Keyed { key: keys.of(rows.row(row)), row, count: 1 };
        let mut run: Vec<Keyed> = (start..end).map(keyed).filter(|keyed| keyed.key != 0).collect();
        sort_run(&mut run, order, join);
        progress.advance(u64::from(end - start))?;
        Ok::<_, Stop>(run)
    };
    let starts: Vec<u32> = (0..rows.len()).step_by(RUN).collect();
    let runs = starts.into_par_iter().map(run).collect::<Result<_, _>>()?;
    merge_runs(runs, order, join, watch)
}

/// The first items of a transaction in one word.
struct Keys {
    bits: u32,
    items: usize,
}

impl Keys {
    fn new(kinds: usize) -> Self {
        // Zero stands for the end of a transaction, so that a shorter one comes first.
        let bits = (kinds as u64 + 1).next_power_of_two().trailing_zeros().max(1);
        Self { bits, items: (64 / bits) as usize }
    }

    fn of(&self, row: &[u32]) -> u64 {
        let items = row.iter().map(|rank| u64::from(*rank) + 1).chain(std::iter::repeat(0)).take(self.items);
        items.fold(0, |key, item| (key << self.bits) | item)
    }

    /// Whether a transaction with this key is shorter than the key.
    fn is_whole(&self, key: u64) -> bool {
        key & ((1 << self.bits) - 1) == 0
    }

    /// What of a transaction is not in its key.
    fn rest<'a>(&self, row: &'a [u32]) -> &'a [u32] {
        row.get(self.items..).unwrap_or_default()
    }
}
