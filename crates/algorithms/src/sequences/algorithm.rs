//! The miner: its input, its result, and what it shows the visitor.

use std::ops::ControlFlow;

use super::hyperparams::{SequencesParams, SequencesValidParams};
use super::prefix_span::{PrefixSpan, Task};
use super::projected::Events;
use super::windows::Windows;
use crate::patterns::{CodedRows, Coding, MinSupport, Mined, Outlet, PatternsError, Stop, Visit, in_order};
use crate::watch::Watch;

/// Sequences of items. An item is any `u32`; 4 bytes are kept for each, and 4 for each sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequences(CodedRows);

impl Sequences {
    /// Reads one sequence for each row. An item may occur in it any number of times.
    ///
    /// # Errors
    /// More than 4,294,967,294 items in all, or as many rows; or the watch interrupts.
    pub fn from_rows<R: AsRef<[u32]>>(
        rows: impl IntoIterator<Item = R>,
        watch: &dyn Watch,
    ) -> Result<Self, PatternsError> {
        CodedRows::read(rows, Coding::Sequences, watch).map(Self)
    }
    /// Number of sequences.
    pub fn len(&self) -> usize {
        self.0.len() as usize
    }
    /// Whether there is no sequence.
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }
    /// The items that occur, ascending.
    pub fn items(&self) -> &[u32] {
        self.0.names()
    }
}

/// A pattern, and how many sequences contain it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SequencePattern {
    /// The items in their order.
    pub items: Vec<u32>,
    /// Sequences that contain them in this order.
    pub support: u32,
}

/// Frequent sequences: the patterns that at least `min_support` sequences contain (Agrawal and Srikant 1995, "Mining
/// sequential patterns", ICDE). A sequence contains a pattern if it has all its items in their order, whatever lies in
/// between.
///
/// # What it does
/// Grows patterns by one item at a time, in the parts of the sequences that come after them (`PrefixSpan`, Pei et al. 2004,
/// "Mining sequential patterns by pattern-growth", IEEE TKDE). A part is not copied, it is a place in its sequence; and
/// each item knows where it was last in its sequence, so that what is new after a place is told by one comparison. Pairs are
/// counted first, and a pattern that by them has no continuation is not looked at.
///
/// With [`closed`](SequencesParams::closed) only those that no longer pattern that contains them is as frequent as: BIDE
/// (Wang and Han 2004, "BIDE: efficient mining of frequent closed sequences", ICDE) decides this from the sequences alone and
/// keeps no pattern to compare others with.
///
/// Limits on [gaps](SequencesParams::max_gap) and on the [span](SequencesParams::max_span) ask for one occurrence that
/// keeps them all. Then each place of a pattern is followed, not only the first.
///
/// Patterns come in the order of their items, each before those that it is the beginning of, whatever the number of threads.
///
/// # Cost
/// In proportion to the patterns found times the items after them: there may be exponentially many, so choose `min_support`
/// with care and mind `max_patterns`. Memory: 8 bytes for each item of the input and, for each thread of the current rayon
/// pool, for each length of a pattern 8 bytes for each place of the patterns one item longer.
///
/// # Errors
/// Named by [`PatternsError`].
///
/// # Example
/// ```
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::patterns::MinSupport;
/// use souffleur_algorithms::sequences::{FrequentSequences, Sequences};
///
/// let visits = Sequences::from_rows(vec![vec![1, 5, 2, 3], vec![1, 2, 2, 3], vec![3, 1, 2]], &())?;
/// let found = FrequentSequences::params(MinSupport::Rows(2)).closed(true).check()?.collect(&visits, &())?;
/// let items: Vec<&[u32]> = found.iter().map(|pattern| &pattern.items[..]).collect();
/// assert_eq!(items, [&[1, 2][..], &[1, 2, 3], &[3]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FrequentSequences;

impl FrequentSequences {
    /// Hyperparameters to find the patterns with this support with.
    pub fn params(min_support: MinSupport) -> SequencesParams {
        SequencesParams::new(min_support)
    }
}

impl SequencesValidParams {
    /// Shows `visit` each pattern: its items and the number of sequences that contain it. The search ends when `visit`
    /// breaks. It is called by one thread at a time and must not wait for other work of the same rayon pool.
    ///
    /// # Errors
    /// The watch interrupts.
    pub fn mine(
        &self,
        sequences: &Sequences,
        watch: &dyn Watch,
        mut visit: impl FnMut(&[u32], u32) -> ControlFlow<()> + Send,
    ) -> Result<Mined, PatternsError> {
        let mut visit = |support: u32, items: &[u32]| visit(items, support);
        Ok(self.search(&sequences.0, watch, &mut visit)?)
    }

    fn search(&self, rows: &CodedRows, watch: &dyn Watch, visit: &mut Visit<'_>) -> Result<Mined, Stop> {
        let min_support = self.min_support().of(rows.len());
        let max = self.max_patterns();
        if self.limits_windows() {
            let scratch = || Windows::new(rows, min_support, self);
            let first = scratch().first(watch)?;
            let mine =
                |search: &mut Windows<'_>, unit: usize, outlet: &mut Outlet<'_, '_>| search.mine(&first[unit], outlet);
            return Ok(in_order(first.len(), max, watch, scratch, mine, visit)?);
        }
        let task =
            Task::new(Events::new(rows, min_support, watch)?, min_support, self.max_length(), self.closed(), watch)?;
        let mine = |search: &mut PrefixSpan<'_>, unit: usize, outlet: &mut Outlet<'_, '_>| search.mine(unit, outlet);
        Ok(in_order(task.units(), max, watch, || PrefixSpan::new(&task), mine, visit)?)
    }

    /// All patterns, at most `max_patterns`, in memory; in the order of [`mine`](Self::mine).
    ///
    /// # Errors
    /// As [`mine`](Self::mine).
    pub fn collect(&self, sequences: &Sequences, watch: &dyn Watch) -> Result<Vec<SequencePattern>, PatternsError> {
        let mut found = Vec::new();
        self.mine(sequences, watch, |items, support| {
            found.push(SequencePattern { items: items.to_vec(), support });
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
