//! Frequent itemsets: which things occur together often, and which of them foretell others.

mod algorithm;
mod association_rules;
mod bit_rows;
mod distinct;
mod eclat;
mod extract;
mod fp_growth;
mod fp_tree;
mod hyperparams;
mod inverted;
mod ranked;
mod subset_table;
mod transactions;
mod vertical;

pub use algorithm::{FrequentItemsets, Itemset};
pub use association_rules::{AssociationRule, AssociationRulesParams, AssociationRulesValidParams};
pub use hyperparams::{ItemsetAlgorithm, ItemsetTarget, ItemsetsParams, ItemsetsValidParams};
pub use transactions::Transactions;
