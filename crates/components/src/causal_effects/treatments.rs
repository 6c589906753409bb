//! Which rules were applied where, and what each can be compared with.

use std::sync::Arc;

use souffleur_core::batch::SessionRules;
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;

use super::params::Params;
use super::report::{Comparison, Evidence, Refused};

/// Share of logged choices from which a rule's probabilities count as logged.
const LOGGED_MINIMUM: f64 = 0.9;
/// Among sessions without any other rule, the share with this one must lie between this and 1 less this for rules to count as
/// applied side by side.
const SIDE_BY_SIDE: f64 = 0.05;
/// Rows between two signs of life.
const ROWS_PER_CHECK: usize = 4096;

/// A rule that can be judged.
pub(super) struct Treatment {
    pub(super) rule_id: Arc<str>,
    pub(super) uses: usize,
    /// Whether it was applied, for each kept row.
    pub(super) applied: Vec<bool>,
    /// The logged probability of its choice where it was applied, `NaN` elsewhere.
    pub(super) logged: Vec<f64>,
    pub(super) evidence: Evidence,
}

/// The rules of the kept rows.
pub(super) struct Treatments {
    pub(super) rules: Vec<Treatment>,
    pub(super) refused: Vec<Refused>,
}

fn is_probability(value: f64) -> bool {
    value > 0.0 && value < 1.0
}

impl Treatments {
    /// Reads the rules of `kept` rows. Those applied, and left out, often enough are judged, the most used ones first.
    pub(super) fn of(
        params: &Params,
        rules: &SessionRules,
        kept: &[usize],
        job: &Job,
    ) -> Result<Self, ComponentError> {
        let nothing = || (vec![false; kept.len()], vec![f64::NAN; kept.len()]);
        let mut columns: Vec<Option<(Vec<bool>, Vec<f64>)>> = vec![None; rules.rule_ids.len()];
        for (i, row) in kept.iter().enumerate() {
            if i % ROWS_PER_CHECK == 0 {
                job.check()?;
            }
            for at in rules.of(*row) {
                let (applied, logged) = columns[rules.rule[at] as usize].get_or_insert_with(nothing);
                // Applied twice is applied; the first choice is what led to it.
                if !applied[i] {
                    applied[i] = true;
                    let p = f64::from(rules.propensity[at]);
                    logged[i] = if is_probability(p) { p } else { f64::NAN };
                }
            }
        }
        let known = columns.into_iter().zip(&rules.rule_ids).filter_map(|(column, id)| Some((id, column?)));
        let mut found: Vec<Treatment> = known.map(|(id, (applied, logged))| Treatment::of(id, applied, logged)).collect();
        found.sort_by(|a, b| b.uses.cmp(&a.uses).then(a.rule_id.cmp(&b.rule_id)));
        let mut chosen = Self { rules: Vec::new(), refused: Vec::new() };
        for rule in found {
            match chosen.refusal(params, &rule) {
                Some(reason) => chosen.refused.push(Refused { rule_id: rule.rule_id.to_string(), reason }),
                None => chosen.rules.push(rule),
            }
        }
        Ok(chosen)
    }

    fn refusal(&self, params: &Params, rule: &Treatment) -> Option<String> {
        let (uses, least) = (rule.uses, params.rule_uses_minimum);
        let without = rule.applied.len() - uses;
        if uses < least {
            return Some(format!("it was applied in {uses} sessions; at least {least} are needed"));
        }
        if without < least {
            return Some(format!("it was left out in {without} sessions only; at least {least} are needed to compare with"));
        }
        (self.rules.len() == params.rules_max)
            .then(|| format!("only the {} rules applied most often are judged", params.rules_max))
    }

    /// What a rule can be compared with: the same session without it, if sessions without any other rule were handled both
    /// with it and without it often enough; else it is chosen instead of others, and given these it is no choice at all.
    pub(super) fn comparison(&self, rule: usize, uses_minimum: usize) -> Comparison {
        let treatment = &self.rules[rule];
        let others = || self.rules.iter().enumerate().filter(|(other, _)| *other != rule).map(|(_, other)| other);
        let alone = (0..treatment.applied.len()).filter(|row| !others().any(|other| other.applied[*row]));
        let (mut with, mut all) = (0, 0);
        for row in alone {
            all += 1;
            with += usize::from(treatment.applied[row]);
        }
        let share = with as f64 / f64::from(u32::try_from(all.max(1)).unwrap_or(u32::MAX));
        if all >= uses_minimum && (SIDE_BY_SIDE..=1.0 - SIDE_BY_SIDE).contains(&share) {
            Comparison::WithoutIt
        } else {
            Comparison::WhatElseWasDone
        }
    }
}

impl Treatment {
    fn of(id: &Arc<str>, applied: Vec<bool>, logged: Vec<f64>) -> Self {
        let uses = applied.iter().filter(|applied| **applied).count();
        let known = logged.iter().filter(|p| !p.is_nan()).count();
        let enough = known as f64 >= LOGGED_MINIMUM * uses as f64;
        let evidence = if enough { Evidence::Logged } else { Evidence::Estimated };
        // A few logged probabilities among estimated ones would weigh rows by two measures.
        let logged = if enough { logged } else { vec![f64::NAN; applied.len()] };
        Self { rule_id: Arc::clone(id), uses, applied, logged, evidence }
    }
}
