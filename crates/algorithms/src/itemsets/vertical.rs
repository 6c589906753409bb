//! Transactions as bits: for each item one bit for each transaction, set where the item is in it.

use multiversion::multiversion;
use rayon::prelude::*;

use super::extract::{extract, has_bmi2};
use super::ranked::{NONE, Ranking};
use crate::patterns::{CodedRows, Outlet, Stop};
use crate::watch::{Progress, Watch};

/// Words of one item in a block: 4096 transactions. The blocks of a few dozen items fit into the nearest cache.
const BLOCK_WORDS: usize = 64;
/// Transactions of a block.
const BLOCK_ROWS: u32 = 64 * BLOCK_WORDS as u32;

/// One item in the transactions that all items chosen so far have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) rank: u32,
    pub(super) support: u32,
}

/// Items and the transactions that hold them.
pub(super) trait Database {
    /// Items that may be chosen next, by ascending rank, and after them those that may not.
    fn entries(&self) -> &[Entry];

    /// Adds to `supports[e]`, for each entry `e` up to before `upto`, the transactions that it shares with entry `at`.
    fn joint_supports(
        &self,
        at: usize,
        upto: usize,
        supports: &mut [u32],
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop>;

    /// Keeps the transactions that hold entry `at`, for the entries in `sources`. `out` has its entries already.
    fn project(
        &self,
        at: usize,
        sources: &[u32],
        out: &mut Conditional,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop>;
}

/// The database under some items: only transactions that hold them all, item after item.
#[derive(Default)]
pub(super) struct Conditional {
    pub(super) entries: Vec<Entry>,
    /// How many of the entries, the first ones, may be chosen.
    pub(super) candidates: usize,
    /// Words of each item.
    width: usize,
    bits: Vec<u64>,
    /// How many there are of each transaction, a binary digit after the other, the lowest first, as wide as an item; nothing
    /// if it is one of each.
    digits: Vec<u64>,
}

impl Conditional {
    /// Makes room for `rows` transactions, with no bit set, and for `digits` binary digits of how many there are of each.
    pub(super) fn reset(&mut self, rows: usize, digits: usize) {
        self.width = rows.div_ceil(64);
        self.bits.clear();
        self.bits.resize(self.width * self.entries.len(), 0);
        self.digits.clear();
        self.digits.resize(self.width * digits, 0);
    }

    /// Notes how many there are of transaction `row`.
    #[inline(always)]
    pub(super) fn count(&mut self, row: usize, count: u32) {
        for (digit, words) in self.digits.chunks_exact_mut(self.width).enumerate() {
            words[row / 64] |= u64::from(count >> digit & 1) << (row % 64);
        }
    }

    /// Notes that transaction `row` holds entry `entry`.
    #[inline(always)]
    pub(super) fn set(&mut self, entry: usize, row: usize) {
        self.bits[entry * self.width + row / 64] |= 1 << (row % 64);
    }

    fn words(&self, entry: usize) -> &[u64] {
        &self.bits[entry * self.width..][..self.width]
    }
}

impl Database for Conditional {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn joint_supports(
        &self,
        at: usize,
        upto: usize,
        supports: &mut [u32],
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        let (row, others) = (self.words(at), &self.bits[..upto * self.width]);
        if self.digits.is_empty() {
            joint_supports(row, others, supports);
            return outlet.spend((upto * (4 + self.width / 4)) as u64);
        }
        joint_supports_of_counted(row, others, &self.digits, supports);
        outlet.spend((upto * (4 + self.digits.len() / 4)) as u64)
    }

    fn project(
        &self,
        at: usize,
        sources: &[u32],
        out: &mut Conditional,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        let mask = self.words(at);
        let rows = if self.digits.is_empty() { self.entries[at].support as usize } else { ones(mask) };
        let sparse = 2 * rows <= 64 * self.width;
        out.reset(if sparse { rows } else { 64 * self.width }, self.digits.len() / self.width);
        let sources = sources.iter().map(|source| self.words(*source as usize));
        let width = out.width;
        let targets = out.bits.chunks_exact_mut(width).chain(out.digits.chunks_exact_mut(width));
        let mut words = 0;
        for (source, out) in sources.chain(self.digits.chunks_exact(self.width)).zip(targets) {
            if sparse {
                project(mask, source, out, 0);
            } else {
                out.iter_mut().zip(mask.iter().zip(source)).for_each(|(out, (mask, source))| *out = mask & source);
            }
            words += 4 + self.width as u64;
        }
        outlet.spend(words)
    }
}

/// Bits that are set.
fn ones(words: &[u64]) -> usize {
    words.iter().map(|word| word.count_ones() as usize).sum()
}

/// All transactions, block after block, within a block item after item.
pub(super) struct Blocks {
    entries: Vec<Entry>,
    bits: Vec<u64>,
}

impl Blocks {
    pub(super) fn new(rows: &CodedRows, ranking: &Ranking, watch: &dyn Watch) -> Result<Self, Stop> {
        let progress = Progress::new(watch, u64::from(rows.len()));
        let block_bits = ranking.len() * BLOCK_WORDS;
        let blocks = rows.len().div_ceil(BLOCK_ROWS) as usize;
        let mut bits = vec![0u64; blocks * block_bits];
        bits.par_chunks_mut(block_bits).enumerate().try_for_each(|(block, bits)| {
            let start = block as u32 * BLOCK_ROWS;
            let end = rows.len().min(start + BLOCK_ROWS);
            for (at, row) in rows.rows(start, end).enumerate() {
                for item in row {
                    let rank = ranking.rank_of[*item as usize];
                    if rank != NONE {
                        bits[rank as usize * BLOCK_WORDS + at / 64] |= 1 << (at % 64);
                    }
                }
            }
            progress.advance(u64::from(end - start))
        })?;
        Ok(Self { entries: entries(ranking), bits })
    }

    fn blocks(&self) -> std::slice::ChunksExact<'_, u64> {
        self.bits.chunks_exact(BLOCK_WORDS * self.entries.len())
    }
}

/// All frequent items.
pub(super) fn entries(ranking: &Ranking) -> Vec<Entry> {
    (0..).zip(&ranking.supports).map(|(rank, support)| Entry { rank, support: *support }).collect()
}

/// The words of one item in a block.
fn of(block: &[u64], entry: usize) -> &[u64] {
    &block[entry * BLOCK_WORDS..][..BLOCK_WORDS]
}

impl Database for Blocks {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn joint_supports(
        &self,
        at: usize,
        upto: usize,
        supports: &mut [u32],
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        self.blocks().try_for_each(|block| {
            joint_supports(of(block, at), &block[..upto * BLOCK_WORDS], supports);
            outlet.spend((upto * BLOCK_WORDS / 4) as u64)
        })
    }

    fn project(
        &self,
        at: usize,
        sources: &[u32],
        out: &mut Conditional,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        out.reset(self.entries[at].support as usize, 0);
        let mut start = 0;
        for block in self.blocks() {
            let mask = of(block, at);
            for (source, out) in sources.iter().zip(out.bits.chunks_exact_mut(out.width)) {
                project(mask, of(block, *source as usize), out, start);
            }
            start += ones(mask);
            outlet.spend((sources.len() * BLOCK_WORDS) as u64)?;
        }
        Ok(())
    }
}

/// Adds to `supports[e]` the bits that `row` has in common with the `e`-th of the rows in `others`.
#[multiversion(targets(
    "x86_64+avx512f+avx512vl+avx512dq+avx512bw+avx512vpopcntdq+popcnt",
    "x86_64+avx2+popcnt",
    "x86_64+popcnt"
))]
fn joint_supports(row: &[u64], others: &[u64], supports: &mut [u32]) {
    for (support, other) in supports.iter_mut().zip(others.chunks_exact(row.len())) {
        let common: u64 = row.iter().zip(other).map(|(a, b)| u64::from((a & b).count_ones())).sum();
        // There are fewer than 2^32 transactions.
        *support += common as u32;
    }
}

/// The same for transactions of which there are several, with the digits of how many.
#[multiversion(targets(
    "x86_64+avx512f+avx512vl+avx512dq+avx512bw+avx512vpopcntdq+popcnt",
    "x86_64+avx2+popcnt",
    "x86_64+popcnt"
))]
fn joint_supports_of_counted(row: &[u64], others: &[u64], digits: &[u64], supports: &mut [u32]) {
    for (support, other) in supports.iter_mut().zip(others.chunks_exact(row.len())) {
        for (digit, with) in digits.chunks_exact(row.len()).enumerate() {
            let common = row.iter().zip(other).zip(with).map(|((a, b), with)| u64::from((a & b & with).count_ones()));
            *support += (common.sum::<u64>() as u32) << digit;
        }
    }
}

/// Writes the bits of `source` at which `mask` has ones, one after the other, to `out` from bit `start` on. Bits of `out`
/// from there on are zero.
fn project(mask: &[u64], source: &[u64], out: &mut [u64], start: usize) {
    #[cfg(target_arch = "x86_64")]
    if has_bmi2() {
        // SAFETY: the processor has the instructions that the function is compiled for.
        unsafe { project_bmi2(mask, source, out, start) };
        return;
    }
    project_with(mask, source, out, start, extract);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi2,popcnt")]
fn project_bmi2(mask: &[u64], source: &[u64], out: &mut [u64], start: usize) {
    project_with(mask, source, out, start, |source, mask| std::arch::x86_64::_pext_u64(source, mask));
}

#[inline(always)]
fn project_with(mask: &[u64], source: &[u64], out: &mut [u64], start: usize, extract: impl Fn(u64, u64) -> u64) {
    let (mut at, mut filled) = (start / 64, (start % 64) as u32);
    let mut word = out.get(at).copied().unwrap_or(0);
    for (mask, source) in mask.iter().zip(source) {
        let bits = extract(*source, *mask);
        word |= bits << filled;
        if let Some(out) = out.get_mut(at) {
            *out = word;
        }
        // Selections instead of branches: whether a word is full cannot be foretold.
        let spilt = (bits >> 1) >> (63 - filled);
        filled += mask.count_ones();
        let full = filled >= 64;
        word = if full { spilt } else { word };
        at += usize::from(full);
        filled %= 64;
    }
    if let Some(out) = out.get_mut(at) {
        *out = word;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bits(words: &[u64]) -> Vec<bool> {
        words.iter().flat_map(|word| (0..64).map(move |at| (word >> at) & 1 == 1)).collect()
    }

    proptest! {
        #[test]
        fn a_projection_keeps_the_bits_under_the_mask_in_their_order(
            words in prop::collection::vec((prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)], any::<u64>()), 0..9),
            start in 0usize..200,
        ) {
            let (mask, source): (Vec<u64>, Vec<u64>) = words.into_iter().unzip();
            let kept: Vec<bool> =
                bits(&mask).iter().zip(bits(&source)).filter(|(mask, _)| **mask).map(|(_, bit)| bit).collect();
            let mut fast = vec![0; (start + kept.len()).div_ceil(64)];
            let mut portable = fast.clone();
            project(&mask, &source, &mut fast, start);
            project_with(&mask, &source, &mut portable, start, extract);
            prop_assert_eq!(&fast, &portable);
            prop_assert_eq!(&bits(&fast)[start..][..kept.len()], &kept[..]);
            prop_assert!(bits(&fast)[..start].iter().all(|bit| !bit));
        }

        #[test]
        fn joint_supports_are_counted(row in prop::collection::vec(any::<u64>(), 1..40), seed: u64) {
            let others: Vec<u64> = (0..3 * row.len() as u64).map(|k| (k + 1).wrapping_mul(seed | 1).rotate_left(17)).collect();
            let mut supports = [5; 3];
            joint_supports(&row, &others, &mut supports);
            // Each transaction there is five times.
            let digits: Vec<u64> = [u64::MAX, 0, u64::MAX].iter().flat_map(|digit| row.iter().map(|_| *digit)).collect();
            let mut counted = [25; 3];
            joint_supports_of_counted(&row, &others, &digits, &mut counted);
            prop_assert_eq!(counted, supports.map(|support| 5 * support));
            for (support, other) in supports.iter().zip(others.chunks(row.len())) {
                let common = bits(&row).iter().zip(bits(other)).filter(|(a, b)| **a && *b).count();
                prop_assert_eq!(*support as usize, 5 + common);
            }
        }
    }
}
