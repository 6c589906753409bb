//! Rows of items, whose names are replaced by small numbers.

use super::errors::PatternsError;

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
    ) -> Result<Self, PatternsError> {
        let (mut offsets, mut items) = (vec![0], Vec::new());
        for row in rows {
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
        let names = encode(&mut items);
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
pub(crate) fn encode(items: &mut [u32]) -> Vec<u32> {
    let Some(last) = items.iter().max().map(|last| *last as usize) else { return Vec::new() };
    // A table of all possible names is the fastest, if it is not much larger than the rows.
    if last <= 4 * items.len() + (1 << 16) {
        let mut code = vec![0; last + 1];
        items.iter().for_each(|item| code[*item as usize] = 1);
        let names: Vec<u32> = (0u32..).zip(&code).filter(|(_, there)| **there == 1).map(|(name, _)| name).collect();
        (0u32..).zip(&names).for_each(|(place, name)| code[*name as usize] = place);
        items.iter_mut().for_each(|item| *item = code[*item as usize]);
        return names;
    }
    let mut names = items.to_vec();
    names.sort_unstable();
    names.dedup();
    // Every item is among the names: a search that fails gives the place where it would be.
    items.iter_mut().for_each(|item| *item = names.binary_search(item).unwrap_or_else(|place| place) as u32);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_and_sets_are_put_in_order() {
        for far in [9, u32::MAX] {
            let rows = [vec![far, 3, 3, 5], vec![], vec![5, far], vec![3]];
            let sets = CodedRows::read(&rows, Coding::Sets).unwrap();
            assert_eq!((sets.len(), sets.names()), (4, &[3, 5, far][..]));
            assert!(sets.rows(0, 4).eq([&[0, 1, 2][..], &[], &[1, 2], &[0]]));
            let sequences = CodedRows::read(&rows, Coding::Sequences).unwrap();
            assert_eq!(
                (sequences.row(0), sequences.row(1), sequences.row(2)),
                (&[2, 0, 0, 1][..], &[][..], &[1, 2][..])
            );
        }
        assert_eq!(CodedRows::read([[0; 0]; 0], Coding::Sets).unwrap().len(), 0);
    }
}
