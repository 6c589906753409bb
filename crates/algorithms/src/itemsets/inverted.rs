//! Transactions as lists: for each item the transactions that hold it. The right form where most bits would be zero.

use super::distinct::DistinctRows;
use super::ranked::{RankedRows, Ranking};
use super::vertical::{Conditional, Database, Entry, entries};
use crate::patterns::{Outlet, Stop, paced};
use crate::watch::Watch;

/// All transactions, and where each item is.
pub(super) struct Inverted {
    entries: Vec<Entry>,
    rows: RankedRows,
    /// How many there are of each transaction; nothing if it is one of each.
    counts: Vec<u32>,
    /// Digits of the greatest count in binary; 0 if it is one of each.
    digits: usize,
    /// Where the list of each rank begins.
    offsets: Vec<usize>,
    holders: Vec<u32>,
}

impl Inverted {
    /// Every transaction for itself.
    pub(super) fn new(rows: RankedRows, ranking: &Ranking, watch: &dyn Watch) -> Result<Self, Stop> {
        Self::with_counts(rows, Vec::new(), ranking, watch)
    }

    /// Each different transaction once.
    pub(super) fn of_distinct(rows: DistinctRows, ranking: &Ranking, watch: &dyn Watch) -> Result<Self, Stop> {
        let (rows, counts) = rows.into_parts();
        Self::with_counts(rows, counts, ranking, watch)
    }

    fn with_counts(rows: RankedRows, counts: Vec<u32>, ranking: &Ranking, watch: &dyn Watch) -> Result<Self, Stop> {
        let mut spend = paced(watch, 2 * ranking.occurrences());
        let entries = entries(ranking);
        let mut offsets = vec![0; entries.len() + 1];
        for row in 0..rows.len() {
            spend(rows.row(row).len() as u64)?;
            rows.row(row).iter().for_each(|rank| offsets[*rank as usize + 1] += 1);
        }
        let mut end = 0;
        for offset in &mut offsets {
            end += *offset;
            *offset = end;
        }
        let mut next = offsets.clone();
        let mut holders = vec![0; next.last().copied().unwrap_or(0)];
        for row in 0..rows.len() {
            spend(rows.row(row).len() as u64)?;
            for rank in rows.row(row) {
                let place = &mut next[*rank as usize];
                holders[*place] = row;
                *place += 1;
            }
        }
        let digits = counts.iter().max().map_or(0, |most| (u32::BITS - most.leading_zeros()) as usize);
        Ok(Self { entries, rows, counts, digits, offsets, holders })
    }

    /// The transactions that hold an item, and how many there are of each.
    fn holders(&self, at: usize) -> impl ExactSizeIterator<Item = (&[u32], u32)> {
        let holders = &self.holders[self.offsets[at]..self.offsets[at + 1]];
        holders.iter().map(|row| (self.rows.row(*row), self.counts.get(*row as usize).copied().unwrap_or(1)))
    }
}

impl Database for Inverted {
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
        self.holders(at).try_for_each(|(row, count)| {
            row.iter().take_while(|rank| (**rank as usize) < upto).for_each(|rank| supports[*rank as usize] += count);
            outlet.spend(4 + row.len() as u64)
        })
    }

    fn project(
        &self,
        at: usize,
        sources: &[u32],
        out: &mut Conditional,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        out.reset(self.holders(at).len(), self.digits);
        let last = sources.iter().max().map_or(0, |last| *last as usize);
        let mut entry_of = vec![usize::MAX; last + 1];
        sources.iter().enumerate().for_each(|(entry, source)| entry_of[*source as usize] = entry);
        for (number, (row, count)) in self.holders(at).enumerate() {
            out.count(number, count);
            for rank in row.iter().take_while(|rank| **rank as usize <= last) {
                let entry = entry_of[*rank as usize];
                if entry != usize::MAX {
                    out.set(entry, number);
                }
            }
            outlet.spend(4 + row.len() as u64)?;
        }
        Ok(())
    }
}
