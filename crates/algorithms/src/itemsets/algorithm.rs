//! The miner: which algorithm, and what it shows the visitor.

use std::ops::ControlFlow;

use super::distinct::DistinctRows;
use super::eclat::Eclat;
use super::fp_growth::{FpDatabase, FpGrowth};
use super::hyperparams::{ItemsetAlgorithm, ItemsetTarget, ItemsetsParams, ItemsetsValidParams};
use super::inverted::Inverted;
use super::ranked::{RankedRows, Ranking};
use super::transactions::Transactions;
use super::vertical::{Blocks, Database};
use crate::patterns::{MinSupport, Mined, Outlet, PatternsError, Stop, Visit, in_order};
use crate::watch::Watch;

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
///   transactions in a prefix tree, in which a node's path lies in one piece (after Racz 2004, "nonordfp", FIMI), and a smaller
///   database below each set: a tree again, words of bits where at most 64 items are left, and where very few are left a table
///   of all their sets.
///
/// Where a pair of items is cheaper to count on bits than transaction by transaction, Eclat is quicker; else FP-growth is, or for
/// closed and maximal sets Eclat that begins with lists instead of bits, of each different transaction once if a sample shows
/// that they repeat each other. The result does not depend on the choice, nor on the number of threads: sets come with their
/// rarest item going from the rarest to the most common, and each before those that it is the beginning of.
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
/// let baskets = Transactions::from_rows([[1, 2, 3], [1, 2, 4], [2, 3, 1], [5, 1, 4]], &())?;
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
        Ok(self.search(transactions, None, watch, &mut visit)?)
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
        let chosen = plan.unwrap_or_else(|| Plan::of(self, &ranking, rows.len()));
        if chosen == Plan::Blocks {
            return self.eclat(&Blocks::new(rows, &ranking, watch)?, &ranking, min_support, watch, visit);
        }
        if chosen == Plan::FpGrowth {
            return self.fp_growth(&FpDatabase::new(rows, &ranking, watch)?, &ranking, min_support, watch, visit);
        }
        let rows = RankedRows::new(rows, &ranking, watch)?;
        if chosen == Plan::Distinct || plan.is_none() && rows.repetition() >= REPETITION {
            let distinct = DistinctRows::new(&rows, ranking.len(), watch)?;
            drop(rows);
            let lists = Inverted::of_distinct(distinct, &ranking, watch)?;
            return self.eclat(&lists, &ranking, min_support, watch, visit);
        }
        self.eclat(&Inverted::new(rows, &ranking, watch)?, &ranking, min_support, watch, visit)
    }

    fn fp_growth(
        &self,
        database: &FpDatabase,
        ranking: &Ranking,
        min_support: u32,
        watch: &dyn Watch,
        visit: &mut Visit<'_>,
    ) -> Result<Mined, Stop> {
        let scratch = || FpGrowth::new(&ranking.names, min_support, self.max_length());
        let last = ranking.len() - 1;
        let mine = |search: &mut FpGrowth<'_>, unit: usize, outlet: &mut Outlet<'_, '_>| {
            search.mine(database, last - unit, outlet)
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
    /// The same on each different transaction once.
    Distinct,
    FpGrowth,
}

/// Transactions for each different one from which on Eclat is quicker on each different one once: its bits are then counted
/// digit by digit of how many there are of each.
const REPETITION: f64 = 8.0;

impl Plan {
    /// Compares what the first two items of all sets cost: on bits a pass over all transactions for each pair of items, on
    /// lists or in a tree one step for each pair of items of each transaction.
    fn of(params: &ItemsetsValidParams, ranking: &Ranking, rows: u32) -> Self {
        /// Words of bits that are compared while one pair of items of a transaction is counted.
        const WORDS_PER_PAIR: f64 = 8.0;
        let (items, rows) = (ranking.len() as f64, f64::from(rows));
        let occurrences = ranking.occurrences() as f64;
        let words = items * items / 2.0 * (rows / 64.0);
        let pairs = occurrences * occurrences / rows / 2.0;
        let dense = words <= WORDS_PER_PAIR * pairs;
        match (params.algorithm(), params.target()) {
            (ItemsetAlgorithm::FpGrowth, _) => Self::FpGrowth,
            _ if dense => Self::Blocks,
            (ItemsetAlgorithm::Automatic, ItemsetTarget::All) => Self::FpGrowth,
            _ => Self::Inverted,
        }
    }
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
