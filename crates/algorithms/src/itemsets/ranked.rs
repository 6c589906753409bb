//! Items in the order of their support, and transactions of nothing but frequent ones.

use rayon::prelude::*;

use crate::patterns::{CodedRows, Stop};
use crate::watch::{Progress, Watch};

/// The rank of an item that is not frequent.
pub(super) const NONE: u32 = u32::MAX;
/// Transactions, or items of them, that are read between two calls of the watch.
const PER_TICK: usize = 1 << 14;
/// Items of long transactions that are sorted between two calls.
const ITEMS_PER_TICK: usize = 1 << 18;

/// The frequent items, the most frequent first; of equally frequent ones the lesser name first.
pub(super) struct Ranking {
    /// Rank of each item as it is coded, or [`NONE`].
    pub(super) rank_of: Vec<u32>,
    /// Name of the item of each rank.
    pub(super) names: Vec<u32>,
    /// Transactions with the item of each rank.
    pub(super) supports: Vec<u32>,
}

impl Ranking {
    pub(super) fn new(rows: &CodedRows, min_support: u32, watch: &dyn Watch) -> Result<Self, Stop> {
        let supports = count(rows, watch)?;
        let mut frequent: Vec<(u32, u32)> =
            (0..).zip(supports).filter(|(_, support)| *support >= min_support).collect();
        frequent.sort_by_key(|(item, support)| (std::cmp::Reverse(*support), *item));
        let mut rank_of = vec![NONE; rows.names().len()];
        (0..).zip(&frequent).for_each(|(rank, (item, _))| rank_of[*item as usize] = rank);
        let names = frequent.iter().map(|(item, _)| rows.names()[*item as usize]).collect();
        Ok(Self { rank_of, names, supports: frequent.iter().map(|(_, support)| *support).collect() })
    }

    /// Number of frequent items.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Occurrences of frequent items in all transactions.
    pub(super) fn occurrences(&self) -> u64 {
        self.supports.iter().map(|support| u64::from(*support)).sum()
    }
}

/// Transactions with each item.
fn count(rows: &CodedRows, watch: &dyn Watch) -> Result<Vec<u32>, Stop> {
    let (items, kinds) = (rows.items(), rows.names().len());
    let progress = Progress::new(watch, items.len() as u64);
    let add = |mut counts: Vec<u32>, chunk: &[u32]| {
        chunk.iter().for_each(|item| counts[*item as usize] += 1);
        progress.advance(chunk.len() as u64)?;
        Ok::<_, Stop>(counts)
    };
    // Each thread has counts of its own, which pays only where these are few against the items.
    let per_thread = (items.len() / rayon::current_num_threads()).max(8 * kinds).max(PER_TICK);
    let parts = items.par_chunks(per_thread);
    let sum = |mut a: Vec<u32>, b: Vec<u32>| {
        a.iter_mut().zip(&b).for_each(|(a, b)| *a += b);
        Ok(a)
    };
    let count = |part: &[u32]| part.chunks(PER_TICK).try_fold(vec![0; kinds], add);
    parts.map(count).try_reduce(|| vec![0; kinds], sum)
}

/// The transactions as ascending ranks of their frequent items.
pub(super) struct RankedRows {
    /// Where each begins, and the end of the last one.
    offsets: Vec<u32>,
    ranks: Vec<u32>,
}

impl Default for RankedRows {
    fn default() -> Self {
        Self { offsets: vec![0], ranks: Vec::new() }
    }
}

impl RankedRows {
    pub(super) fn new(rows: &CodedRows, ranking: &Ranking, watch: &dyn Watch) -> Result<Self, Stop> {
        let progress = Progress::new(watch, u64::from(rows.len()));
        let part = |start: u32| {
            let end = rows.len().min(start + PER_TICK as u32);
            let (mut ends, mut ranks) = (Vec::with_capacity(PER_TICK), Vec::new());
            let mut ask_at = ITEMS_PER_TICK;
            for row in rows.rows(start, end) {
                let begin = ranks.len();
                ranks.extend(row.iter().map(|item| ranking.rank_of[*item as usize]).filter(|rank| *rank != NONE));
                ranks[begin..].sort_unstable();
                ends.push(ranks.len() as u32);
                if ranks.len() >= ask_at {
                    progress.advance(0)?;
                    ask_at = ranks.len() + ITEMS_PER_TICK;
                }
            }
            progress.advance(u64::from(end - start))?;
            Ok::<_, Stop>((ends, ranks))
        };
        let starts: Vec<u32> = (0..rows.len()).step_by(PER_TICK).collect();
        let parts: Vec<_> = starts.into_par_iter().map(part).collect::<Result<_, _>>()?;
        let (mut offsets, mut ranks) = (vec![0], Vec::with_capacity(ranking.occurrences() as usize));
        for (part_ends, part_ranks) in &parts {
            let begin = ranks.len() as u32;
            offsets.extend(part_ends.iter().map(|end| begin + end));
            ranks.extend_from_slice(part_ranks);
            progress.advance(0)?;
        }
        Ok(Self { offsets, ranks })
    }

    /// Adds a transaction of ascending ranks.
    pub(super) fn push(&mut self, row: &[u32]) {
        self.ranks.extend_from_slice(row);
        self.offsets.push(self.ranks.len() as u32);
    }

    /// Where each begins and the end of the last one, and their ranks.
    pub(super) fn into_parts(self) -> (Vec<u32>, Vec<u32>) {
        (self.offsets, self.ranks)
    }

    pub(super) fn len(&self) -> u32 {
        self.offsets.len() as u32 - 1
    }

    pub(super) fn row(&self, row: u32) -> &[u32] {
        let row = row as usize;
        &self.ranks[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    /// Estimates how many transactions there are for each different one, among those of at least mean length: from the
    /// pairs of equal ones in a sample of `m`, as `m^2 / 2` pairs among `d` equally likely ones hold `m^2 / 2d` equal pairs.
    pub(super) fn repetition(&self) -> f64 {
        const SAMPLE: usize = 4096;
        let length = self.ranks.len() / (self.len() as usize).max(1);
        let long = (0..self.len()).step_by((self.len() as usize / SAMPLE).max(1)).map(|row| self.row(row));
        let mut sample: Vec<&[u32]> = long.filter(|row| row.len() >= length.max(2)).collect();
        sample.sort_unstable();
        let pairs = |rows: &[&[u32]]| (rows.len() * rows.len().saturating_sub(1) / 2) as f64;
        let equal: f64 = sample.chunk_by(|a, b| a == b).map(pairs).sum();
        f64::from(self.len()) * equal / pairs(&sample).max(1.0)
    }
}
