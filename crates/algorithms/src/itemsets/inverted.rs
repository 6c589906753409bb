//! Transactions as lists: for each item the transactions that hold it. The right form where most bits would be zero.

use super::ranked::{RankedRows, Ranking};
use super::vertical::{Conditional, Database, Entry, entries};
use crate::patterns::{Outlet, Stop, paced};
use crate::watch::Watch;

/// All transactions, and where each item is.
pub(super) struct Inverted {
    entries: Vec<Entry>,
    rows: RankedRows,
    /// Where the list of each rank begins.
    offsets: Vec<usize>,
    holders: Vec<u32>,
}

impl Inverted {
    pub(super) fn new(rows: RankedRows, ranking: &Ranking, watch: &dyn Watch) -> Result<Self, Stop> {
        let mut spend = paced(watch, ranking.occurrences());
        let entries = entries(ranking);
        let mut offsets = vec![0];
        offsets.extend(ranking.supports.iter().scan(0, |end, support| {
            *end += *support as usize;
            Some(*end)
        }));
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
        Ok(Self { entries, rows, offsets, holders })
    }

    /// The transactions that hold an item.
    fn holders(&self, at: usize) -> impl Iterator<Item = &[u32]> {
        self.holders[self.offsets[at]..self.offsets[at + 1]].iter().map(|row| self.rows.row(*row))
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
        self.holders(at).try_for_each(|row| {
            row.iter().take_while(|rank| (**rank as usize) < upto).for_each(|rank| supports[*rank as usize] += 1);
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
        out.reset(self.entries[at].support);
        let last = sources.iter().max().map_or(0, |last| *last as usize);
        let mut entry_of = vec![usize::MAX; last + 1];
        sources.iter().enumerate().for_each(|(entry, source)| entry_of[*source as usize] = entry);
        for (number, row) in self.holders(at).enumerate() {
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
