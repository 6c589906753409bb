//! Which item often follows which. What may follow a pattern must often follow each of its items, so most patterns are known
//! to have no continuation before any sequence is looked at.

use rayon::prelude::*;

use super::projected::{Child, Events};
use crate::patterns::Stop;
use crate::watch::{Progress, Watch};

/// Most items for which the pairs are counted: 4 MiB of counts for each thread.
const ITEMS_MAX: usize = 1024;
/// Fewest sequences that are worth counts of their own.
const ROWS_MIN: usize = 1 << 12;
/// Pairs that are counted between two calls of the watch.
const PAIRS_PER_TICK: usize = 1 << 19;

/// The frequent patterns of two items.
pub(super) struct Followers {
    items: usize,
    /// Sequences with each pair.
    supports: Vec<u32>,
    min_support: u32,
    /// Words of each item in `frequent`.
    width: usize,
    /// For each item one bit for each item, set where this often follows that.
    frequent: Vec<u64>,
}

impl Followers {
    /// Counts all pairs, if there are not too many.
    pub(super) fn new(
        events: &Events,
        items: usize,
        min_support: u32,
        watch: &dyn Watch,
    ) -> Result<Option<Self>, Stop> {
        if items > ITEMS_MAX {
            return Ok(None);
        }
        let progress = Progress::new(watch, u64::from(events.rows()));
        let rows: Vec<u32> = (0..events.rows()).collect();
        // Each thread has counts of its own.
        let parts = rows.par_chunks(rows.len().div_ceil(rayon::current_num_threads()).max(ROWS_MIN));
        let count = |part: &[u32]| {
            let mut supports = vec![0; items * items];
            let (mut rows, mut pairs) = (0, 0);
            for row in part {
                pairs += count_pairs(events, *row, items, &mut supports);
                rows += 1;
                if pairs >= PAIRS_PER_TICK {
                    progress.advance(rows)?;
                    (rows, pairs) = (0, 0);
                }
            }
            progress.advance(rows)?;
            Ok::<_, Stop>(supports)
        };
        let sum = |mut a: Vec<u32>, b: Vec<u32>| {
            a.iter_mut().zip(&b).for_each(|(a, b)| *a += b);
            Ok(a)
        };
        let supports = parts.map(count).try_reduce(|| vec![0; items * items], sum)?;
        let width = items.div_ceil(64);
        let mut frequent = vec![0; items * width];
        for (pair, _) in supports.iter().enumerate().filter(|(_, support)| **support >= min_support) {
            frequent[pair / items * width + pair % items / 64] |= 1 << (pair % items % 64);
        }
        Ok(Some(Self { items, supports, min_support, width, frequent }))
    }

    /// What often follows an item, in the order of the names.
    pub(super) fn children(&self, item: u32) -> impl Iterator<Item = Child> {
        let supports = &self.supports[item as usize * self.items..][..self.items];
        let frequent = (0..).zip(supports).filter(|(_, support)| **support >= self.min_support);
        frequent.map(|(item, support)| Child::new(item, *support))
    }

    /// Tells each of the patterns that continue another one whether anything may follow it: what does follows the other one
    /// too. `set` is memory.
    pub(super) fn judge(&self, children: &mut [Child], set: &mut Vec<u64>) {
        set.clear();
        set.resize(self.width, 0);
        children.iter().for_each(|child| set[child.item as usize / 64] |= 1 << (child.item % 64));
        for child in children {
            let after = &self.frequent[child.item as usize * self.width..][..self.width];
            child.promising = set.iter().zip(after).any(|(others, after)| others & after != 0);
        }
    }
}

/// Counts each pair of items that a sequence has in this order once. Returns how many pairs were looked at.
fn count_pairs(events: &Events, row: u32, items: usize, supports: &mut [u32]) -> usize {
    let begin = events.begin(row);
    let all = events.events(begin, events.end(row));
    let mut pairs = all.len();
    for (at, first) in (begin + 1..).zip(all).filter(|(_, event)| event.after_last <= begin) {
        let supports = &mut supports[first.item as usize * items..][..items];
        let rest = &all[(at - begin) as usize..];
        pairs += rest.len();
        for second in rest {
            supports[second.item as usize] += u32::from(second.after_last <= at);
        }
    }
    pairs
}
