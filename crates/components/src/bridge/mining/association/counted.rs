//! Frequent sets with their successes, and the tests that need no more than these.

use std::collections::HashMap;

use souffleur_algorithms::fisher_exact::fisher_exact;
use souffleur_algorithms::multiple_testing::two_sided_p;
use souffleur_algorithms::stratified_tables::{RiskDifference, Table, risk_difference};

/// What is general must hold where its special case does not by this probability, both sides.
const ELSEWHERE: f64 = 0.1;

/// Of each frequent set how many sessions hold it, and how many of these succeeded.
pub(super) struct Counted(HashMap<Vec<u32>, (usize, usize)>);

/// A set that was tested as what foretells success, or a rule.
pub(super) struct Tested {
    pub(super) items: Vec<u32>,
    /// The rule foretold; success if none.
    pub(super) rule: Option<u32>,
    /// The least sure of its comparisons.
    pub(super) table: Table,
    pub(super) rate: f64,
    pub(super) difference: f64,
    pub(super) standard_error: f64,
    pub(super) p_value: f64,
}

impl Tested {
    /// The item that makes this a special case of a more general one, as good or bad, if it is one.
    pub(super) fn more_than(&self, general: &Self) -> Option<u32> {
        let same = self.rule == general.rule && (self.difference > 0.0) == (general.difference > 0.0);
        let larger = self.items.len() == general.items.len() + 1;
        if !same || !larger || !general.items.iter().all(|item| self.items.contains(item)) {
            return None;
        }
        self.items.iter().find(|item| !general.items.contains(item)).copied()
    }
}

impl Counted {
    pub(super) fn new(sessions: usize, succeeded: usize) -> Self {
        Self(HashMap::from([(Vec::new(), (sessions, succeeded))]))
    }

    pub(super) fn insert(&mut self, items: &[u32], sessions: usize, succeeded: usize) {
        self.0.insert(items.to_vec(), (sessions, succeeded));
    }

    /// Sessions with a set, and those of them with the consequent; nothing where the set is not frequent.
    fn of(&self, items: &[u32], rule: Option<u32>) -> Option<(usize, usize)> {
        let (sessions, succeeded) = *self.0.get(items)?;
        match rule {
            None => Some((sessions, succeeded)),
            Some(rule) => {
                let mut both = items.to_vec();
                both.insert(both.partition_point(|item| *item < rule), rule);
                Some((sessions, self.0.get(&both)?.0))
            }
        }
    }

    /// Sessions with the set against those with all of it but `item`.
    fn table(&self, items: &[u32], item: u32, rule: Option<u32>) -> Option<Table> {
        let without: Vec<u32> = items.iter().filter(|other| **other != item).copied().collect();
        let ((n, with), (all, all_with)) = (self.of(items, rule)?, self.of(&without, rule)?);
        Some(Table {
            first: n as u64,
            first_with: with as u64,
            second: (all - n) as u64,
            second_with: (all_with - with) as u64,
        })
    }

    /// Sessions with the set against those with all of it but `item`, where `more` is not there.
    fn table_without(&self, items: &[u32], item: u32, more: u32, rule: Option<u32>) -> Option<Table> {
        let without: Vec<u32> = items.iter().filter(|other| **other != more).copied().collect();
        let (whole, there) = (self.table(&without, item, rule)?, self.table(items, item, rule)?);
        Some(Table {
            first: whole.first - there.first,
            first_with: whole.first_with - there.first_with,
            second: whole.second - there.second,
            second_with: whole.second_with - there.second_with,
        })
    }

    /// Tests a set against what is left when any one of its items is taken away (Webb 2007, "Discovering significant
    /// patterns", Machine Learning 68: a rule must be productive), and each of its items for whether it does more beside each
    /// other one than without it. Its p-value is the greatest of these.
    pub(super) fn test(&self, items: &[u32], rule: Option<u32>, minimum: u64) -> Option<Tested> {
        let mut weakest: Option<Tested> = None;
        for item in items {
            let table = self.table(items, *item, rule)?;
            if table.first < minimum || table.second < minimum {
                return None;
            }
            let effect = risk_difference(&[table])?;
            let one = Tested {
                items: items.to_vec(),
                rule,
                table,
                rate: effect.first_rate,
                difference: effect.difference,
                standard_error: effect.standard_error,
                p_value: fisher_exact(&table).max(self.p_of_synergy(items, *item, rule, &effect)),
            };
            weakest = match weakest {
                // What helps in one comparison and harms in another does neither.
                Some(other) if (other.difference > 0.0) != (one.difference > 0.0) => {
                    Some(Tested { p_value: 1.0, ..other })
                }
                Some(other) if other.p_value >= one.p_value => Some(other),
                _ => Some(one),
            };
        }
        weakest
    }

    /// Probability that an item does so much more beside each other one than without it, where it does the same.
    fn p_of_synergy(&self, items: &[u32], item: u32, rule: Option<u32>, effect: &RiskDifference) -> f64 {
        let others = items.iter().filter(|other| **other != item);
        let p = |more: &u32| {
            let outside = risk_difference(&[self.table_without(items, item, *more, rule)?])?;
            let more = (effect.difference - outside.difference) * effect.difference.signum();
            let z = more / effect.standard_error.hypot(outside.standard_error);
            Some(if z > 0.0 { two_sided_p(z) } else { 1.0 })
        };
        others.filter_map(p).fold(0.0, f64::max)
    }

    /// Whether a set still foretells where a further item is not there.
    pub(super) fn holds_without(&self, one: &Tested, more: u32) -> bool {
        let mut special = one.items.clone();
        special.insert(special.partition_point(|item| *item < more), more);
        one.items.iter().all(|item| {
            let Some(left) = self.table_without(&special, *item, more, one.rule) else { return true };
            let same = risk_difference(&[left]).is_some_and(|e| e.difference * one.difference > 0.0);
            same && fisher_exact(&left) <= ELSEWHERE
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1000 sessions: item 0 in 400, item 1 in 300, both in 150; success 90 % with both, else 50 %.
    fn counted() -> Counted {
        let mut counted = Counted::new(1000, 560);
        counted.insert(&[0], 400, 260);
        counted.insert(&[1], 300, 210);
        counted.insert(&[0, 1], 150, 135);
        counted
    }

    #[test]
    fn a_set_must_beat_all_it_is_made_of() {
        let counted = counted();
        let both = counted.test(&[0, 1], None, 30).unwrap();
        assert!(both.p_value < 1e-9 && (both.difference - 0.4).abs() < 1e-12, "{}", both.p_value);
        let alone = counted.test(&[0], None, 30).unwrap();
        assert!(alone.p_value < 1e-5);
        assert_eq!((both.more_than(&alone), alone.more_than(&both)), (Some(1), None));
        // What item 0 does alone is all done where item 1 is.
        assert!(!counted.holds_without(&alone, 1));
        assert!(counted.test(&[0, 1], None, 200).is_none(), "too few sessions");
    }

    #[test]
    fn a_rule_is_foretold_by_how_often_it_is_there() {
        let found = counted().test(&[0], Some(1), 30).unwrap();
        assert_eq!(found.table, Table { first: 400, first_with: 150, second: 600, second_with: 150 });
        assert!(found.p_value < 1e-3 && found.difference > 0.0);
    }
}
