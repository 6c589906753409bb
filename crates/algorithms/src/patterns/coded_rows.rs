//! Rows of items, whose names are replaced by small numbers.

use rayon::prelude::*;

use super::errors::PatternsError;
use super::runs::{RUN, merge_runs, sort_run};
use super::stream::{Stop, paced};
use crate::watch::{Progress, Watch};

/// Rows of items one after the other; an item is a number below `names.len()`, in the order of the names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodedRows {
    /// Where each row begins, and the end of the last one.
    offsets: Vec<u32>,
    items: Vec<u32>,
    /// The name of each item, ascending.
    names: Vec<u32>,
}

/// What a row means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Items of a row ascend, each is there once.
    Sets,
    /// The items of a row stand as given.
    Sequences,
}

impl CodedRows {
    /// Reads rows of names.
    pub(crate) fn read<R: AsRef<[u32]>>(
        rows: impl IntoIterator<Item = R>,
        coding: Coding,
        watch: &dyn Watch,
    ) -> Result<Self, PatternsError> {
        /// Work for each row and for each item, in steps of [`paced`], and items of a row as a guess.
        const ROW: u64 = 8;
        const ITEM: u64 = 4;
        const LENGTH: u64 = 10;
        let (mut offsets, mut items) = (vec![0], Vec::new());
        let rows = rows.into_iter();
        let (least, most) = rows.size_hint();
        let mut spend = paced(watch, most.unwrap_or(least) as u64 * (ROW + ITEM * LENGTH));
        for row in rows {
            spend(ROW + ITEM * row.as_ref().len() as u64)?;
            let start = items.len();
            items.extend_from_slice(row.as_ref());
            if coding == Coding::Sets {
                sort_row(&mut items, start);
            }
            // One less than the type holds, so that a row or a position past the last one has a number too.
            let end = u32::try_from(items.len()).ok().filter(|end| *end < u32::MAX);
            offsets.push(end.ok_or(PatternsError::TooMany(items.len(), "items"))?);
        }
        if u32::try_from(offsets.len()).is_err() {
            return Err(PatternsError::TooMany(offsets.len() - 1, "rows"));
        }
        let names = encode(&mut items, watch)?;
        Ok(Self { offsets, items, names })
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> u32 {
        // Checked when the rows were read.
        self.offsets.len() as u32 - 1
    }

    pub(crate) fn row(&self, row: u32) -> &[u32] {
        let row = row as usize;
        &self.items[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    /// The rows from `start` to before `end`.
    pub(crate) fn rows(&self, start: u32, end: u32) -> impl Iterator<Item = &[u32]> {
        let offsets = &self.offsets[start as usize..=end as usize];
        offsets.windows(2).map(|ends| &self.items[ends[0] as usize..ends[1] as usize])
    }

    /// Items of all rows.
    pub(crate) fn items(&self) -> &[u32] {
        &self.items
    }

    pub(crate) fn names(&self) -> &[u32] {
        &self.names
    }
}

/// Sorts the last row, from `start`, and drops what is there twice. Most rows come sorted.
fn sort_row(items: &mut Vec<u32>, start: usize) {
    if items[start..].windows(2).all(|pair| pair[0] < pair[1]) {
        return;
    }
    items[start..].sort_unstable();
    let mut kept = start;
    for at in start..items.len() {
        if kept == start || items[kept - 1] != items[at] {
            items[kept] = items[at];
            kept += 1;
        }
    }
    items.truncate(kept);
}

/// Replaces each name by its place among the names, which are given back ascending.
pub(crate) fn encode(items: &mut [u32], watch: &dyn Watch) -> Result<Vec<u32>, Stop> {
    let progress = Progress::new(watch, 2 * items.len() as u64);
    let last_of = |part: &[u32]| {
        progress.advance(part.len() as u64)?;
        Ok::<_, Stop>(part.iter().max().copied())
    };
    let Some(last) = items.par_chunks(RUN).map(last_of).try_reduce(|| None, |a, b| Ok(a.max(b)))? else {
        return Ok(Vec::new());
    };
    let last = last as usize;
    // A table of all possible names is the fastest, if it is not much larger than the rows.
    if last <= 4 * items.len() + (1 << 16) {
        return encode_by_table(items, last, watch);
    }
    let run = |part: &[u32]| {
        let mut names = part.to_vec();
        sort_run(&mut names, u32::cmp, |_, _| {});
        progress.advance(part.len() as u64)?;
        Ok::<_, Stop>(names)
    };
    let runs = items.par_chunks(RUN).map(run).collect::<Result<_, _>>()?;
    let names: Vec<u32> = merge_runs(runs, u32::cmp, |_, _| {}, watch)?;
    let progress = Progress::new(watch, items.len() as u64);
    items.par_chunks_mut(RUN).try_for_each(|part| {
        // Every item is among the names: a search that fails gives the place where it would be.
        part.iter_mut().for_each(|item| *item = names.binary_search(item).unwrap_or_else(|place| place) as u32);
        progress.advance(part.len() as u64)
    })?;
    Ok(names)
}

/// The same by a table of all names up to the last one.
fn encode_by_table(items: &mut [u32], last: usize, watch: &dyn Watch) -> Result<Vec<u32>, Stop> {
    let mut spend = paced(watch, 2 * (items.len() + last) as u64);
    let mut code = vec![0; last + 1];
    for part in items.chunks(RUN) {
        part.iter().for_each(|item| code[*item as usize] = 1);
        spend(part.len() as u64)?;
    }
    let mut names = Vec::new();
    for (start, part) in (0u32..).step_by(RUN).zip(code.chunks_mut(RUN)) {
        for (name, code) in (start..).zip(part).filter(|(_, there)| **there == 1) {
            *code = names.len() as u32;
            names.push(name);
        }
        spend(2 * RUN as u64)?;
    }
    for part in items.chunks_mut(RUN) {
        part.iter_mut().for_each(|item| *item = code[*item as usize]);
        spend(part.len() as u64)?;
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patterns::refusing::ends_when_refused;

    #[test]
    fn names_are_replaced_and_sets_are_put_in_order() {
        for far in [9, u32::MAX] {
            let rows = [vec![far, 3, 3, 5], vec![], vec![5, far], vec![3]];
            let sets = CodedRows::read(&rows, Coding::Sets, &()).unwrap();
            assert_eq!((sets.len(), sets.names()), (4, &[3, 5, far][..]));
            assert!(sets.rows(0, 4).eq([&[0, 1, 2][..], &[], &[1, 2], &[0]]));
            let sequences = CodedRows::read(&rows, Coding::Sequences, &()).unwrap();
            assert_eq!(
                (sequences.row(0), sequences.row(1), sequences.row(2)),
                (&[2, 0, 0, 1][..], &[][..], &[1, 2][..])
            );
        }
        assert_eq!(CodedRows::read([[0; 0]; 0], Coding::Sets, &()).unwrap().len(), 0);
    }

    #[test]
    fn reading_asks_the_watch_all_along() {
        // Names that a table holds, and others that are sorted.
        for spread in [1, 40_009] {
            let rows: Vec<[u32; 8]> = (0..1 << 16)
                .map(|row: u32| std::array::from_fn(|at| row.wrapping_mul(7919) % 1009 * spread + at as u32 * spread))
                .collect();
            let items = 8 << 16;
            let steps_per_tick = 1 << 20;
            // The rows, and the names item by item: the table is counted in steps, runs each for itself.
            let least = 40 * (1 << 16) / steps_per_tick
                + if spread == 1 { items / RUN as u64 + items / steps_per_tick } else { 3 * items / RUN as u64 };
            ends_when_refused(least, |watch| CodedRows::read(&rows, Coding::Sets, watch).is_err());
        }
    }
}
