//! Association rules: which items foretell which others, and how much better than chance.

use std::collections::HashMap;
use std::ops::ControlFlow;

use linfa::ParamGuard;

use super::algorithm::Itemset;
use crate::patterns::{Mined, PatternsError, PatternsParamsError, Stop, paced};
use crate::watch::{Interrupted, Watch};

/// Work for each support that is looked up or noted, in steps of [`paced`].
const STEPS: u64 = 50;

/// A rule: transactions that hold all items of the antecedent often hold those of the consequent.
///
/// `P` is the share of the transactions that hold some items, `a` and `c` are antecedent and consequent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AssociationRule {
    /// Items, ascending.
    pub antecedent: Vec<u32>,
    /// Items, ascending; none of the antecedent.
    pub consequent: Vec<u32>,
    /// Transactions that hold the items of both.
    pub support: u32,
    /// `P(a, c) / P(a)`: how often the rule is right; 0 to 1.
    pub confidence: f64,
    /// `P(a, c) / (P(a) P(c))` (Brin et al. 1997): how many times as often as by chance both occur; 1 if independent.
    pub lift: f64,
    /// `P(a, c) - P(a) P(c)` (Piatetsky-Shapiro 1991): the share of transactions beyond chance; -.25 to .25, 0 if independent.
    pub leverage: f64,
    /// `(1 - P(c)) / (1 - confidence)` (Brin et al. 1997): how many times as often the rule would be wrong by chance; 1 if
    /// independent, infinite if it is never wrong.
    pub conviction: f64,
}

/// Checked hyperparameters of association rules; made by [`AssociationRulesParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AssociationRulesValidParams {
    min_confidence: f64,
    min_lift: f64,
    max_consequent: usize,
    max_patterns: u64,
}

impl AssociationRulesValidParams {
    /// Least confidence of a rule.
    pub fn min_confidence(&self) -> f64 {
        self.min_confidence
    }
    /// Least lift of a rule.
    pub fn min_lift(&self) -> f64 {
        self.min_lift
    }
    /// Most items of a consequent.
    pub fn max_consequent(&self) -> usize {
        self.max_consequent
    }
    /// Most rules reported.
    pub fn max_patterns(&self) -> u64 {
        self.max_patterns
    }
}

/// Unchecked hyperparameters: rules of a confidence of .8 or more, of any lift, with any number of items, up to 10 million of
/// them, unless told otherwise.
///
/// # What it does
/// Splits each frequent itemset in all ways and keeps the rules that are right often enough. Moving an item from the antecedent
/// to the consequent never makes a rule more often right, so what fails is not split further (Agrawal and Srikant 1994).
///
/// # Cost
/// One look-up of a support for each split tried; memory for a table of the itemsets.
///
/// # Example
/// ```
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::itemsets::{AssociationRulesParams, FrequentItemsets, Transactions};
/// use souffleur_algorithms::patterns::MinSupport;
///
/// let baskets = Transactions::from_rows([vec![1, 2], vec![1, 2, 3], vec![3], vec![2, 3]], &())?;
/// let sets = FrequentItemsets::params(MinSupport::Rows(2)).check()?.collect(&baskets, &())?;
/// let rules = AssociationRulesParams::new().check()?.collect(&sets, baskets.len(), &())?;
/// assert_eq!((&rules[0].antecedent[..], &rules[0].consequent[..]), (&[1][..], &[2][..]));
/// assert_eq!((rules.len(), rules[0].confidence, rules[0].lift), (1, 1.0, 4.0 / 3.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AssociationRulesParams(AssociationRulesValidParams);

impl Default for AssociationRulesParams {
    fn default() -> Self {
        Self(AssociationRulesValidParams {
            min_confidence: 0.8,
            min_lift: 0.0,
            max_consequent: usize::MAX,
            max_patterns: 10_000_000,
        })
    }
}

impl AssociationRulesParams {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }
    /// Least confidence of a rule, 0 to 1.
    #[must_use]
    pub fn min_confidence(mut self, min_confidence: f64) -> Self {
        self.0.min_confidence = min_confidence;
        self
    }
    /// Least lift of a rule, 0 or more; above 1 leaves what chance explains out.
    #[must_use]
    pub fn min_lift(mut self, min_lift: f64) -> Self {
        self.0.min_lift = min_lift;
        self
    }
    /// Most items of a consequent, 1 or more.
    #[must_use]
    pub fn max_consequent(mut self, max_consequent: usize) -> Self {
        self.0.max_consequent = max_consequent;
        self
    }
    /// Most rules reported, 1 or more: after them the search ends.
    #[must_use]
    pub fn max_patterns(mut self, max_patterns: u64) -> Self {
        self.0.max_patterns = max_patterns;
        self
    }
}

impl ParamGuard for AssociationRulesParams {
    type Checked = AssociationRulesValidParams;
    type Error = PatternsParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        for (name, value, max) in
            [("min_confidence", params.min_confidence, 1.0), ("min_lift", params.min_lift, f64::from(u32::MAX))]
        {
            if !(0.0..=max).contains(&value) {
                return Err(PatternsParamsError::Threshold { name, value, min: 0.0, max });
            }
        }
        if params.max_consequent == 0 {
            return Err(PatternsParamsError::Length { name: "max_consequent", value: 0, min: 1, max: usize::MAX });
        }
        if params.max_patterns == 0 {
            return Err(PatternsParamsError::Patterns);
        }
        Ok(params)
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl AssociationRulesValidParams {
    /// Shows `visit` each rule that the frequent itemsets of so many transactions make: for each set in the order given, by
    /// its consequents in their order. The search ends when `visit` breaks.
    ///
    /// # Errors
    /// A part of a set is missing among the sets (they must be all frequent ones, as found by
    /// [`ItemsetTarget::All`](super::ItemsetTarget::All)), or the watch interrupts.
    pub fn mine(
        &self,
        itemsets: &[Itemset],
        transactions: usize,
        watch: &dyn Watch,
        mut visit: impl FnMut(&AssociationRule) -> ControlFlow<()>,
    ) -> Result<Mined, PatternsError> {
        let mut spend = paced(watch, STEPS * itemsets.len() as u64);
        let mut supports = HashMap::with_capacity(itemsets.len());
        let mut total = 0;
        for set in itemsets {
            supports.insert(&set.items[..], set.support);
            total += set.items.len() as u64;
            spend(STEPS)?;
        }
        let mut splitter = Splitter {
            params: self,
            supports,
            transactions: transactions as f64,
            rule: AssociationRule::default(),
            reported: 0,
            visit: &mut visit,
            spend: &mut paced(watch, STEPS * total),
        };
        for (position, set) in itemsets.iter().enumerate().filter(|(_, set)| set.items.len() > 1) {
            splitter.rule.consequent.clear();
            splitter.rule.support = set.support;
            match splitter.split(&set.items, 0) {
                Ok(()) => {}
                Err(Refused::Missing) => return Err(PatternsError::MissingPart(position)),
                Err(Refused::Stop(Stop::Interrupted)) => return Err(Interrupted.into()),
                Err(Refused::Stop(Stop::Enough)) => return Ok(Mined { patterns: splitter.reported, complete: false }),
            }
        }
        Ok(Mined { patterns: splitter.reported, complete: true })
    }

    /// All rules, at most `max_patterns`, in memory; in the order of [`mine`](Self::mine).
    ///
    /// # Errors
    /// As [`mine`](Self::mine).
    pub fn collect(
        &self,
        itemsets: &[Itemset],
        transactions: usize,
        watch: &dyn Watch,
    ) -> Result<Vec<AssociationRule>, PatternsError> {
        let mut found = Vec::new();
        self.mine(itemsets, transactions, watch, |rule| {
            found.push(rule.clone());
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }
}

/// Why no more rules are made.
enum Refused {
    /// The support of an antecedent or a consequent is not known.
    Missing,
    Stop(Stop),
}

impl From<Stop> for Refused {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// Makes the rules of one set after the other.
struct Splitter<'a> {
    params: &'a AssociationRulesValidParams,
    supports: HashMap<&'a [u32], u32>,
    transactions: f64,
    rule: AssociationRule,
    reported: u64,
    visit: &'a mut dyn FnMut(&AssociationRule) -> ControlFlow<()>,
    spend: &'a mut dyn FnMut(u64) -> Result<(), Stop>,
}

impl Splitter<'_> {
    /// Moves each item from `from` on to the consequent, and further ones as long as the rule is right often enough.
    fn split(&mut self, items: &[u32], from: usize) -> Result<(), Refused> {
        if self.rule.consequent.len() == self.params.max_consequent.min(items.len() - 1) {
            return Ok(());
        }
        for at in from..items.len() {
            self.rule.consequent.push(items[at]);
            if self.judge(items)? {
                self.split(items, at + 1)?;
            }
            self.rule.consequent.pop();
        }
        Ok(())
    }

    /// Reports the rule if it is good enough. Returns whether it is right often enough.
    fn judge(&mut self, items: &[u32]) -> Result<bool, Refused> {
        (self.spend)(STEPS)?;
        let rule = &mut self.rule;
        rule.antecedent.clear();
        rule.antecedent.extend(items.iter().filter(|item| !rule.consequent.contains(item)));
        let share = |items: &[u32]| self.supports.get(items).map(|support| f64::from(*support) / self.transactions);
        let (Some(antecedent), Some(both)) = (share(&rule.antecedent), share(items)) else {
            return Err(Refused::Missing);
        };
        rule.confidence = both / antecedent;
        if rule.confidence < self.params.min_confidence {
            return Ok(false);
        }
        let consequent = share(&rule.consequent).ok_or(Refused::Missing)?;
        rule.lift = rule.confidence / consequent;
        rule.leverage = both - antecedent * consequent;
        rule.conviction =
            if rule.confidence >= 1.0 { f64::INFINITY } else { (1.0 - consequent) / (1.0 - rule.confidence) };
        if rule.lift >= self.params.min_lift {
            if self.reported == self.params.max_patterns {
                return Err(Stop::Enough.into());
            }
            self.reported += 1;
            if (self.visit)(rule).is_break() {
                return Err(Stop::Enough.into());
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::itemsets::{FrequentItemsets, ItemsetTarget, Transactions};
    use crate::patterns::MinSupport;
    use crate::patterns::refusing::ends_when_refused;

    fn sets(rows: &[Vec<u32>], min_support: u32, target: ItemsetTarget) -> Vec<Itemset> {
        let params = FrequentItemsets::params(MinSupport::Rows(min_support)).target(target).check().unwrap();
        params.collect(&Transactions::from_rows(rows, &()).unwrap(), &()).unwrap()
    }

    /// The rules, by counting both sides of every split among the transactions.
    fn oracle(rows: &[Vec<u32>], sets: &[Itemset], min_confidence: f64, min_lift: f64) -> Vec<AssociationRule> {
        let share = |items: &[u32]| {
            rows.iter().filter(|row| items.iter().all(|item| row.contains(item))).count() as f64 / rows.len() as f64
        };
        let mut rules = Vec::new();
        for set in sets {
            for split in 1..(1u32 << set.items.len()) - 1 {
                let side = |wanted: u32| {
                    let kept = (0..).zip(&set.items).filter(move |(at, _)| split >> at & 1 == wanted);
                    kept.map(|(_, item)| *item).collect::<Vec<u32>>()
                };
                let (antecedent, consequent) = (side(0), side(1));
                let (a, c, both) = (share(&antecedent), share(&consequent), share(&set.items));
                let confidence = both / a;
                if confidence >= min_confidence && confidence / c >= min_lift {
                    rules.push(AssociationRule {
                        antecedent,
                        consequent,
                        support: set.support,
                        confidence,
                        lift: confidence / c,
                        leverage: both - a * c,
                        conviction: if both == a { f64::INFINITY } else { (1.0 - c) / (1.0 - confidence) },
                    });
                }
            }
        }
        sorted(rules)
    }

    fn sorted(mut rules: Vec<AssociationRule>) -> Vec<AssociationRule> {
        rules.sort_by(|a, b| (&a.antecedent, &a.consequent).cmp(&(&b.antecedent, &b.consequent)));
        rules
    }

    proptest! {
        #[test]
        fn rules_are_those_of_counting_every_split(
            rows in prop::collection::vec(prop::collection::vec(0u32..6, 0..7), 1..20),
            min_support in 1u32..4,
            min_confidence in prop_oneof![Just(0.0), 0.0..1.0, Just(1.0)],
            min_lift in prop_oneof![Just(0.0), 0.5..2.0],
        ) {
            let sets = sets(&rows, min_support, ItemsetTarget::All);
            let params = AssociationRulesParams::new().min_confidence(min_confidence).min_lift(min_lift);
            let found = params.check().unwrap().collect(&sets, rows.len(), &()).unwrap();
            prop_assert_eq!(sorted(found), oracle(&rows, &sets, min_confidence, min_lift));
        }
    }

    #[test]
    fn limits_hold_and_what_is_missing_is_named() {
        let rows: Vec<Vec<u32>> = vec![vec![1, 2, 3, 4]; 3];
        let all = sets(&rows, 2, ItemsetTarget::All);
        let rules = |params: AssociationRulesParams| params.check().unwrap().collect(&all, 3, &()).unwrap();
        // Each of 4 items may be on either side or absent, less those with an empty side.
        assert_eq!(rules(AssociationRulesParams::new()).len(), 81 - 2 * 16 + 1);
        let single = rules(AssociationRulesParams::new().max_consequent(1));
        assert_eq!(single.len(), 4 * 7);
        assert!(single.iter().all(|rule| rule.consequent.len() == 1 && rule.conviction.is_infinite()));
        let few = AssociationRulesParams::new().max_patterns(5).check().unwrap();
        let mined = few.mine(&all, 3, &(), |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(mined, Mined { patterns: 5, complete: false });
        assert_eq!(few.collect(&all, 3, &()).unwrap(), rules(AssociationRulesParams::new())[..5]);
        let closed = sets(&rows, 2, ItemsetTarget::Closed);
        assert_eq!(few.collect(&closed, 3, &()), Err(PatternsError::MissingPart(0)));
    }

    #[test]
    fn the_table_of_supports_is_made_under_the_watch() {
        let sets: Vec<Itemset> = (0..100_000).map(|item| Itemset { items: vec![item], support: 1 }).collect();
        let params = AssociationRulesParams::new().check().unwrap();
        let least = sets.len() as u64 * STEPS / (1 << 20);
        ends_when_refused(least, |watch| params.collect(&sets, 9, watch).is_err());
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        let error = |params: AssociationRulesParams| params.check().unwrap_err().to_string();
        assert!(error(AssociationRulesParams::new().min_confidence(1.1)).starts_with("min_confidence is 1.1"));
        assert!(error(AssociationRulesParams::new().min_lift(f64::NAN)).starts_with("min_lift is NaN"));
        assert!(error(AssociationRulesParams::new().max_consequent(0)).starts_with("max_consequent is 0"));
        assert!(error(AssociationRulesParams::new().max_patterns(0)).starts_with("max_patterns is 0"));
    }
}
