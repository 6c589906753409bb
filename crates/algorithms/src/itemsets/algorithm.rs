//! The miner: which algorithm, and what it shows the visitor.

use std::ops::ControlFlow;

use super::eclat::Eclat;
use super::fp_growth::FpGrowth;
use super::fp_tree::FpTree;
use super::hyperparams::{ItemsetAlgorithm, ItemsetTarget, ItemsetsParams, ItemsetsValidParams};
use super::inverted::Inverted;
use super::ranked::{RankedRows, Ranking};
use super::transactions::Transactions;
use super::vertical::{Blocks, Database};
use crate::patterns::{MinSupport, Mined, Outlet, PatternsError, Stop, Visit, in_order};
use crate::watch::{Interrupted, Watch};

/// A set of items, and how many transactions hold all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Itemset {
    /// The items, ascending.
    pub items: Vec<u32>,
    /// Transactions that hold them all.
    pub support: u32,
}

/// Frequent itemsets: the sets of items that at least `min_support` transactions hold (Agrawal and Srikant 1994, "Fast
/// algorithms for mining association rules", VLDB).
///
/// # What it does
/// Finds all of them, or the closed or maximal ones, by a depth-first search in one of two ways:
/// - Eclat (Zaki 2000, "Scalable algorithms for association mining", IEEE TKDE) keeps for each item one bit for each
///   transaction. Sets are joined word by word, and below a set only the transactions that hold it are kept, closed up.
///   For closed and maximal sets, items in all transactions of a set join it at once, and what an item that was passed
///   over covers is left out (Uno et al. 2004, "LCM ver. 2", FIMI): no set found is kept to compare others with.
/// - FP-growth (Han, Pei and Yin 2000, "Mining frequent patterns without candidate generation", SIGMOD) keeps the
///   transactions in a prefix tree and builds a smaller one below each set.
///
/// Eclat is quick in general (where items are many and rare it begins with lists instead of bits), FP-growth where items are
/// many and transactions repeat each other: that is estimated from a sample. The result does not depend on the choice, nor on the number of threads: sets come with their rarest item
/// going from the rarest to the most common, and each before those that it is the beginning of.
///
/// # Cost
/// In proportion to the sets found times what is left of the transactions below them: there may be exponentially many, so
/// choose `min_support` with care and mind `max_patterns`. Memory: bits or a tree of the frequent items (no more than
/// some 20 bytes for each of their occurrences), and a few MB for each thread of the current rayon pool, however many sets
/// there are.
///
/// # Errors
/// Named by [`PatternsError`].
///
/// # Example
/// ```
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::itemsets::{FrequentItemsets, Transactions};
/// use souffleur_algorithms::patterns::MinSupport;
///
/// let baskets = Transactions::from_rows([[1, 2, 3], [1, 2, 4], [2, 3, 1], [5, 1, 4]])?;
/// let found = FrequentItemsets::params(MinSupport::Share(0.5)).check()?.collect(&baskets, &())?;
/// assert!(found.iter().any(|set| set.items == [1, 2] && set.support == 3));
/// assert!(found.iter().all(|set| set.support >= 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FrequentItemsets;

impl FrequentItemsets {
    /// Hyperparameters to find the sets with this support with.
    pub fn params(min_support: MinSupport) -> ItemsetsParams {
        ItemsetsParams::new(min_support)
    }
}

impl ItemsetsValidParams {
    /// Shows `visit` each set: its items, ascending, and the number of transactions that hold them. The search ends when
    /// `visit` breaks. It is called by one thread at a time and must not wait for other work of the same rayon pool.
    ///
    /// # Errors
    /// The watch interrupts.
    pub fn mine(
        &self,
        transactions: &Transactions,
        watch: &dyn Watch,
        mut visit: impl FnMut(&[u32], u32) -> ControlFlow<()> + Send,
    ) -> Result<Mined, PatternsError> {
        let mut visit = |support: u32, items: &[u32]| visit(items, support);
        match self.search(transactions, None, watch, &mut visit) {
            Ok(mined) => Ok(mined),
            Err(_) => Err(Interrupted.into()),
        }
    }

    /// All sets, at most `max_patterns`, in memory; in the order of [`mine`](Self::mine).
    ///
    /// # Errors
    /// As [`mine`](Self::mine).
    pub fn collect(&self, transactions: &Transactions, watch: &dyn Watch) -> Result<Vec<Itemset>, PatternsError> {
        let mut found = Vec::new();
        self.mine(transactions, watch, |items, support| {
            found.push(Itemset { items: items.to_vec(), support });
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// By the plan given, or the one that is likely the fastest.
    fn search(
        &self,
        transactions: &Transactions,
        plan: Option<Plan>,
        watch: &dyn Watch,
        visit: &mut Visit<'_>,
    ) -> Result<Mined, Stop> {
        let rows = transactions.coded();
        let min_support = self.min_support().of(rows.len());
        let ranking = Ranking::new(rows, min_support, watch)?;
        if ranking.len() == 0 {
            return Ok(Mined { patterns: 0, complete: true });
        }
        if plan.unwrap_or_else(|| Plan::of_bits(self, &ranking, rows.len())) == Plan::Blocks {
            return self.eclat(&Blocks::new(rows, &ranking, watch)?, &ranking, min_support, watch, visit);
        }
        let rows = RankedRows::new(rows, &ranking, watch)?;
        if plan.unwrap_or_else(|| Plan::of_lists(self, &rows)) == Plan::Inverted {
            return self.eclat(&Inverted::new(rows, &ranking, watch)?, &ranking, min_support, watch, visit);
        }
        let tree = FpTree::new(&rows, &ranking, watch)?;
        drop(rows);
        let scratch = || FpGrowth::new(&ranking.names, min_support, self.max_length());
        let last = ranking.len() - 1;
        let mine = |search: &mut FpGrowth<'_>, unit: usize, outlet: &mut Outlet<'_, '_>| {
            search.mine(&tree, last - unit, outlet)
        };
        Ok(in_order(ranking.len(), self.max_patterns(), watch, scratch, mine, visit)?)
    }

    fn eclat(
        &self,
        database: &(impl Database + Sync),
        ranking: &Ranking,
        min_support: u32,
        watch: &dyn Watch,
        visit: &mut Visit<'_>,
    ) -> Result<Mined, Stop> {
        let scratch = || Eclat::new(&ranking.names, min_support, self.max_length(), self.target());
        let last = ranking.len() - 1;
        let mine = |search: &mut Eclat<'_>, unit: usize, outlet: &mut Outlet<'_, '_>| {
            search.mine(database, last - unit, outlet)
        };
        Ok(in_order(ranking.len(), self.max_patterns(), watch, scratch, mine, visit)?)
    }
}

/// How the transactions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// Eclat on bits from the start.
    Blocks,
    /// Eclat on lists above the first item, on bits below it.
    Inverted,
    FpGrowth,
}

impl Plan {
    /// Bits from the start, or not. Compares what the first two items of all sets cost: on bits a pass over all
    /// transactions for each pair of items, on lists one step for each pair of items of each transaction.
    fn of_bits(params: &ItemsetsValidParams, ranking: &Ranking, rows: u32) -> Self {
        /// Words of bits that are compared while one pair of items of a transaction is counted.
        const WORDS_PER_PAIR: f64 = 8.0;
        let (items, rows) = (ranking.len() as f64, f64::from(rows));
        let occurrences = ranking.occurrences() as f64;
        let words = items * items / 2.0 * (rows / 64.0);
        let pairs = occurrences * occurrences / rows / 2.0;
        let dense = words <= WORDS_PER_PAIR * pairs;
        if dense && params.algorithm() != ItemsetAlgorithm::FpGrowth { Self::Blocks } else { Self::Inverted }
    }

    /// Lists, or a tree: one step for each transaction against several for each that differs from the others.
    fn of_lists(params: &ItemsetsValidParams, rows: &RankedRows) -> Self {
        /// Transactions for each different one from which on a tree is quicker than lists.
        const REPETITION: f64 = 8.0;
        let tree = match params.algorithm() {
            ItemsetAlgorithm::Automatic => params.target() == ItemsetTarget::All && rows.repetition() >= REPETITION,
            ItemsetAlgorithm::FpGrowth => true,
            ItemsetAlgorithm::Eclat => false,
        };
        if tree { Self::FpGrowth } else { Self::Inverted }
    }
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
