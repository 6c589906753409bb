//! Transactions of at most 64 items as words: what FP-growth keeps below sets that leave few items, each different
//! transaction once.

use rayon::prelude::*;

use super::extract::{extract, has_bmi2};
use super::ranked::{NONE, Ranking};
use super::subset_table::SubsetTable;
use super::vertical::{Entry, entries};
use crate::patterns::{CodedRows, Outlet, RUN, Stop, merge_runs};
use crate::watch::{Progress, Watch};

/// Transactions that are looked at between two calls of the watch.
const PER_TICK: usize = 1 << 14;

/// Equal transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BitRow {
    /// The first of `n` items, the most common one, is bit `n - 1`. So what stands above an item is what is left when the
    /// lower bits are dropped, and sorted transactions stay sorted.
    bits: u64,
    count: u32,
}

/// Transactions under some items, and the items that are frequent there.
#[derive(Default)]
pub(super) struct BitRows {
    pub(super) items: Vec<Entry>,
    rows: Vec<BitRow>,
}

/// Where the transactions under one more item go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Below {
    /// Into the table: all sets of them are known.
    Table,
    /// Into other rows.
    Rows,
}

impl BitRows {
    /// Most items.
    pub(super) const ITEMS_MAX: usize = 64;

    /// All transactions. There must be at most [`Self::ITEMS_MAX`] frequent items.
    pub(super) fn new(rows: &CodedRows, ranking: &Ranking, watch: &dyn Watch) -> Result<Self, Stop> {
        let progress = Progress::new(watch, u64::from(rows.len()));
        let last = ranking.len() as u32 - 1;
        let bit_of: Vec<u64> =
            ranking.rank_of.iter().map(|rank| if *rank == NONE { 0 } else { 1 << (last - rank) }).collect();
        let order = |a: &BitRow, b: &BitRow| a.bits.cmp(&b.bits);
        let join = |kept: &mut BitRow, gone: &BitRow| kept.count += gone.count;
        let run = |start: u32| {
            let end = rows.len().min(start + RUN as u32);
            let bits = rows.rows(start, end).map(|row| row.iter().fold(0, |bits, item| bits | bit_of[*item as usize]));
            let mut words: Vec<u64> = bits.filter(|bits| *bits != 0).collect();
            words.sort_unstable();
            let equal = words.chunk_by(|a, b| a == b);
            let run: Vec<BitRow> = equal.map(|rows| BitRow { bits: rows[0], count: rows.len() as u32 }).collect();
            progress.advance(u64::from(end - start))?;
            Ok::<_, Stop>(run)
        };
        let starts: Vec<u32> = (0..rows.len()).step_by(RUN).collect();
        let runs = starts.into_par_iter().map(run).collect::<Result<_, _>>()?;
        Ok(Self { items: entries(ranking), rows: merge_runs(runs, order, join, watch)? })
    }

    /// Makes it empty, for these items.
    pub(super) fn start(&mut self, items: impl Iterator<Item = Entry>) {
        self.items.clear();
        self.items.extend(items);
        self.rows.clear();
    }

    /// Adds transactions; those that equal the one before are put together.
    #[inline(always)]
    pub(super) fn add(&mut self, bits: u64, count: u32) {
        match self.rows.last_mut() {
            Some(last) if last.bits == bits => last.count += count,
            _ if bits == 0 => {}
            _ => self.rows.push(BitRow { bits, count }),
        }
    }

    /// Finds the items above item `at` that are frequent with it, and puts the transactions that hold it into `table` or
    /// into `out`; the items are in `out` either way. `held` is memory.
    pub(super) fn under(
        &self,
        at: usize,
        min_support: u32,
        held: &mut Vec<BitRow>,
        (table, out): (&mut SubsetTable, &mut Self),
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<Below, Stop> {
        self.hold(at, held, outlet)?;
        out.rows.clear();
        out.items.clear();
        let above = &self.items[..at];
        if SubsetTable::pays(at as u32, held.len()) {
            out.items.extend_from_slice(above);
            table.start(at as u32);
            held.iter().for_each(|row| table.add(row.bits, row.count));
            outlet.spend(2 * held.len() as u64 + table.finish())?;
            return Ok(Below::Table);
        }
        let mut supports = [0; Self::ITEMS_MAX];
        for part in held.chunks(PER_TICK) {
            outlet.spend(count(part, &mut supports))?;
        }
        let mut kept = 0;
        for (place, entry) in above.iter().enumerate() {
            let bit = at - 1 - place;
            if supports[bit] >= min_support {
                kept |= 1 << bit;
                out.items.push(Entry { rank: entry.rank, support: supports[bit] });
            }
        }
        let items = out.items.len() as u32;
        let below = if SubsetTable::pays(items, held.len()) { Below::Table } else { Below::Rows };
        if below == Below::Table {
            table.start(items);
        }
        for part in held.chunks(PER_TICK) {
            match below {
                Below::Table => extract_each(part, kept, |row| table.add(row.bits, row.count)),
                Below::Rows => extract_each(part, kept, |row| out.add(row.bits, row.count)),
            }
            outlet.spend(3 * part.len() as u64)?;
        }
        if below == Below::Table {
            outlet.spend(table.finish())?;
        }
        Ok(below)
    }

    /// Lists the transactions that hold item `at`, with the items above it.
    fn hold(&self, at: usize, held: &mut Vec<BitRow>, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        let bit = self.items.len() - 1 - at;
        held.clear();
        for part in self.rows.chunks(PER_TICK) {
            // Each is written, and overwritten by the next if it does not hold the item: which do cannot be foretold.
            let start = held.len();
            held.resize(start + part.len(), BitRow { bits: 0, count: 0 });
            let mut end = start;
            for row in part {
                held[end] = BitRow { bits: row.bits >> bit >> 1, count: row.count };
                end += (row.bits >> bit & 1) as usize;
            }
            held.truncate(end);
            outlet.spend(part.len() as u64)?;
        }
        Ok(())
    }
}

/// Adds the transactions with each bit. Returns the work this took.
fn count(rows: &[BitRow], supports: &mut [u32; 64]) -> u64 {
    let mut steps = rows.len() as u64;
    for row in rows {
        let mut bits = row.bits;
        steps += u64::from(bits.count_ones());
        while bits != 0 {
            supports[bits.trailing_zeros() as usize] += row.count;
            bits &= bits - 1;
        }
    }
    2 * steps
}

/// Calls `each` with the transactions that are left with the bits under a mask.
fn extract_each(rows: &[BitRow], mask: u64, each: impl FnMut(BitRow)) {
    #[cfg(target_arch = "x86_64")]
    if has_bmi2() {
        // SAFETY: the processor has the instructions that the function is compiled for.
        unsafe { extract_each_bmi2(rows, mask, each) };
        return;
    }
    extract_each_with(rows, mask, each, extract);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi2,popcnt")]
fn extract_each_bmi2(rows: &[BitRow], mask: u64, each: impl FnMut(BitRow)) {
    extract_each_with(rows, mask, each, |bits, mask| std::arch::x86_64::_pext_u64(bits, mask));
}

#[inline(always)]
fn extract_each_with(rows: &[BitRow], mask: u64, mut each: impl FnMut(BitRow), extract: impl Fn(u64, u64) -> u64) {
    rows.iter().for_each(|row| each(BitRow { bits: extract(row.bits, mask), count: row.count }));
}
