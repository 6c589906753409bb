//! A table that grows by whole blocks at its end and is forgotten by whole blocks at its beginning.

use std::collections::VecDeque;

use crate::loader::memory::Ticket;

/// One stretch of a table, with a fixed number of rows it can hold.
pub(crate) trait Block {
    /// Rows a block holds.
    const ROWS: usize;
    /// Bytes one row takes.
    const ROW_BYTES: usize;

    /// An empty block with room for all its rows.
    fn empty(ticket: Ticket) -> Self;

    /// The rows' places in the global order, strictly increasing.
    fn seqs(&self) -> &[i64];
}

/// Rows in blocks. Row numbers count from the beginning of the history and stay when old blocks go.
#[derive(Debug)]
pub(crate) struct Table<B> {
    blocks: VecDeque<B>,
    first: usize,
}

impl<B> Default for Table<B> {
    fn default() -> Self {
        Self { blocks: VecDeque::new(), first: 0 }
    }
}

impl<B: Block> Table<B> {
    /// The number of the oldest row that is still here.
    pub(crate) fn first(&self) -> usize {
        self.first
    }

    /// One more than the number of the newest row.
    pub(crate) fn end(&self) -> usize {
        match self.blocks.back() {
            Some(last) => self.first + (self.blocks.len() - 1) * B::ROWS + last.seqs().len(),
            None => self.first,
        }
    }

    /// The block of a row, and the row's place in it.
    pub(crate) fn at(&self, row: usize) -> Option<(&B, usize)> {
        let offset = row.checked_sub(self.first)?;
        let block = self.blocks.get(offset / B::ROWS)?;
        let place = offset % B::ROWS;
        (place < block.seqs().len()).then_some((block, place))
    }

    /// The blocks with the number of their first row, oldest first.
    pub(crate) fn blocks(&self) -> impl DoubleEndedIterator<Item = (usize, &B)> + ExactSizeIterator {
        let first = self.first;
        self.blocks.iter().enumerate().map(move |(i, block)| (first + i * B::ROWS, block))
    }

    /// The blocks with the number of their first row, for change.
    pub(crate) fn blocks_mut(&mut self) -> impl Iterator<Item = (usize, &mut B)> {
        let first = self.first;
        self.blocks.iter_mut().enumerate().map(move |(i, block)| (first + i * B::ROWS, block))
    }

    /// The number of the first row after `seq`.
    pub(crate) fn after(&self, seq: i64) -> usize {
        let whole = self.blocks.partition_point(|block| block.seqs().last().is_some_and(|&last| last <= seq));
        let inside = self.blocks.get(whole).map_or(0, |block| block.seqs().partition_point(|&s| s <= seq));
        (self.first + whole * B::ROWS + inside).min(self.end())
    }

    /// The number of the row at `seq`.
    pub(crate) fn find(&self, seq: i64) -> Option<usize> {
        let row = self.after(seq.checked_sub(1)?);
        let (block, place) = self.at(row)?;
        (block.seqs().get(place) == Some(&seq)).then_some(row)
    }

    /// Bytes of the blocks that `rows` more rows will need.
    pub(crate) fn growth_bytes(&self, rows: usize) -> usize {
        let room = self.blocks.back().map_or(0, |last| B::ROWS - last.seqs().len());
        rows.saturating_sub(room).div_ceil(B::ROWS) * B::ROWS * B::ROW_BYTES
    }

    /// The block the next row goes to. A new one is paid for from `purse`.
    pub(crate) fn open(&mut self, purse: &mut Ticket) -> &mut B {
        if self.blocks.back().is_none_or(|last| last.seqs().len() >= B::ROWS) {
            self.blocks.push_back(B::empty(purse.split(B::ROWS * B::ROW_BYTES)));
        }
        let last = self.blocks.len() - 1;
        &mut self.blocks[last]
    }

    /// The place in the global order of the last row of the oldest block, if that block is full.
    pub(crate) fn oldest_full(&self) -> Option<i64> {
        let oldest = self.blocks.front().filter(|oldest| oldest.seqs().len() >= B::ROWS)?;
        oldest.seqs().last().copied()
    }

    /// Forgets the full blocks that hold nothing after `seq`.
    pub(crate) fn forget(&mut self, seq: i64) {
        while self.oldest_full().is_some_and(|last| last <= seq) {
            self.blocks.pop_front();
            self.first += B::ROWS;
        }
    }
}
