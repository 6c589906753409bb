//! Rules known to be stored. A rule is never taken away, so what is known of it stays true.

use std::collections::HashMap;

/// Names that are remembered; beyond it all are forgotten, and looked up again.
const REMEMBERED: usize = 16_384;

/// The numbers of rules, by name.
#[derive(Default)]
pub(crate) struct KnownRules(HashMap<String, i64>);

impl KnownRules {
    pub(crate) fn get(&self, rule_id: &str) -> Option<i64> {
        self.0.get(rule_id).copied()
    }

    pub(crate) fn insert(&mut self, rule_id: &str, seq: i64) {
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(rule_id.to_owned(), seq);
    }

    /// Forgets all: some may have been part of what was undone.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
