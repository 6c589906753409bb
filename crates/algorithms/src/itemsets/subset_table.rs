//! All sets of a few items at once: a table of how many transactions hold each.

use multiversion::multiversion;

/// Supports of all sets of some items. Item `p` of `n` is bit `n - 1 - p` of a set's place in the table.
#[derive(Default)]
pub(super) struct SubsetTable {
    items: u32,
    supports: Vec<u32>,
}

impl SubsetTable {
    /// Most items: 256 KiB.
    pub(super) const ITEMS_MAX: u32 = 16;

    /// Whether a table is quicker than to look at so many transactions item by item.
    pub(super) fn pays(items: u32, rows: usize) -> bool {
        /// Fields of the table that cost as much as one transaction.
        const FIELDS_PER_ROW: usize = 16;
        /// Fields that are always cheap.
        const FIELDS_MIN: usize = 1 << 8;
        items <= Self::ITEMS_MAX && 1 << items <= FIELDS_MIN.max(FIELDS_PER_ROW * rows)
    }

    /// Makes it empty, for so many items.
    pub(super) fn start(&mut self, items: u32) {
        self.items = items;
        self.supports.clear();
        self.supports.resize(1 << items, 0);
    }

    /// Adds transactions of exactly these items.
    #[inline(always)]
    pub(super) fn add(&mut self, set: u64, count: u32) {
        self.supports[set as usize] += count;
    }

    /// Makes supports of the numbers of transactions. Returns the work this took.
    pub(super) fn finish(&mut self) -> u64 {
        add_supersets(&mut self.supports);
        (self.supports.len() as u64 * u64::from(self.items)) / 8 + 8
    }

    /// Number of items.
    pub(super) fn items(&self) -> u32 {
        self.items
    }

    /// The set with an item more.
    #[inline(always)]
    pub(super) fn with(&self, set: usize, item: u32) -> usize {
        set | 1 << (self.items - 1 - item)
    }

    /// Transactions that hold a set.
    #[inline(always)]
    pub(super) fn support(&self, set: usize) -> u32 {
        self.supports[set]
    }
}

/// Adds to the count of each set those of all larger ones that contain it, one item after the other.
#[multiversion(targets("x86_64+avx2", "x86_64+sse2"))]
fn add_supersets(counts: &mut [u32]) {
    let mut half = 1;
    while half < counts.len() {
        for pair in counts.chunks_exact_mut(2 * half) {
            let (without, with) = pair.split_at_mut(half);
            without.iter_mut().zip(with).for_each(|(without, with)| *without += *with);
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn supports_are_those_of_counting(rows in prop::collection::vec((0u64..64, 1u32..9), 0..30)) {
            let mut table = SubsetTable::default();
            table.start(6);
            rows.iter().for_each(|(row, count)| table.add(*row, *count));
            table.finish();
            for set in 0..64 {
                let holders = rows.iter().filter(|(row, _)| row & set == set);
                prop_assert_eq!(table.support(set as usize), holders.map(|(_, count)| count).sum::<u32>());
            }
            prop_assert_eq!(table.with(table.with(0, 0), 5), 0b10_0001);
        }
    }
}
