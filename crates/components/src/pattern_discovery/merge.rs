//! How what the miners found becomes one catalogue.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use souffleur_core::error::ComponentError;

use super::report::Discovered;
use crate::bridge::Phases;
use crate::bridge::matched::Circumstance;
use crate::bridge::mining::structure::TEXT;
use crate::bridge::mining::{
    Action, Blocks, Candidate, Ground, Kind, Known, Pattern, Resolved, SAME_JACCARD, Settings, judge,
};

/// What is read of a miner's report.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Product {
    pub(super) compared: usize,
    pub(super) found: Vec<Pattern>,
    pub(super) blocks: Blocks,
}

/// What is read of the reports of all miners, by their names.
pub(super) type Products = Vec<(&'static str, Product)>;

/// How much is put together.
#[derive(Clone, Copy, Debug)]
pub(super) struct MergeSettings {
    /// Most actions of each miner, and most circumstances of each, that are crossed: the most frequent ones.
    pub(super) actions_max: usize,
    pub(super) circumstances_max: usize,
    pub(super) judge: Settings,
}

/// The catalogue, and how it came about.
pub(super) struct Merged {
    /// Comparisons made here and by the miners.
    pub(super) compared: usize,
    /// The surest first.
    pub(super) found: Vec<Discovered>,
}

/// Crosses what one miner sees done with where another one sees it, compares all of it with sessions of equal prospects, and
/// keeps what holds, each time once. `products` go by the names of the miners.
pub(super) fn merge(
    products: &[(&str, Product)],
    ground: &Ground<'_>,
    settings: &MergeSettings,
    phases: &Phases<'_>,
) -> Result<Merged, ComponentError> {
    let candidates = candidates(products, ground, settings);
    let of_context = |pattern: &&Pattern| pattern.action.rules().is_empty();
    let contexts: Vec<&Pattern> = products.iter().flat_map(|(_, p)| &p.found).filter(of_context).collect();
    // What the miners compared to come by their patterns counts, by p-values where these are told.
    let mut elsewhere: Vec<f64> = contexts.iter().map(|pattern| pattern.effect.p_value).collect();
    elsewhere.resize(products.iter().map(|(_, p)| p.compared).sum::<usize>().max(elsewhere.len()), 1.0);
    let judged = judge(ground, settings.judge, &candidates, &elsewhere, phases)?;
    let mut known = judged.found;
    for (pattern, rate) in contexts.into_iter().zip(&judged.elsewhere) {
        phases.job().check()?;
        if *rate <= settings.judge.fdr {
            let mut pattern = pattern.clone();
            pattern.effect.false_discovery_rate = *rate;
            let under = pattern.circumstances.iter().map(|c| ground.under(*c));
            let sessions = under.reduce(|a, b| a.and(&b)).unwrap_or_else(|| ground.with(&Resolved::Together(Vec::new())));
            known.push(Known { pattern, sessions });
        }
    }
    let p = |known: &Known| known.pattern.effect.p_value;
    known.sort_by(|a, b| p(a).total_cmp(&p(b)).then_with(|| a.pattern.words.cmp(&b.pattern.words)));
    let mut kept: Vec<(Known, f64)> = Vec::new();
    for one in known {
        phases.job().check()?;
        let nearest = kept.iter().map(|(other, _)| one.sessions.jaccard(&other.sessions)).fold(0.0, f64::max);
        if nearest < SAME_JACCARD {
            kept.push((one, 1.0 - nearest));
        }
    }
    let discovered = |(known, novelty): (Known, f64)| Discovered {
        actionable: known.pattern.is_actionable(),
        seen_by: seen_by(products, &known.pattern),
        pattern: known.pattern,
        novelty,
    };
    Ok(Merged {
        compared: judged.compared + elsewhere.len(),
        found: kept.into_iter().map(discovered).collect(),
    })
}

/// The miners that found the pattern by themselves.
fn seen_by(products: &[(&str, Product)], pattern: &Pattern) -> Vec<String> {
    let same = |other: &Pattern| {
        other.action == pattern.action
            && other.circumstances == pattern.circumstances
            && other.consequent == pattern.consequent
    };
    let found = products.iter().filter(|(_, product)| product.found.iter().any(same));
    found.map(|(name, _)| (*name).to_owned()).collect()
}

/// What the miners found, and every action of one under every circumstance of another.
fn candidates(products: &[(&str, Product)], ground: &Ground<'_>, settings: &MergeSettings) -> Vec<Candidate> {
    let mut circumstances: Vec<Circumstance> = Vec::new();
    let mut actions = BTreeSet::new();
    for (_, Product { blocks, .. }) in products {
        for circumstance in blocks.circumstances.iter().take(settings.circumstances_max) {
            if !circumstances.contains(circumstance) {
                circumstances.push(*circumstance);
            }
        }
        let known = blocks.actions.iter().filter(|action| !action.rules().is_empty());
        actions.extend(known.take(settings.actions_max).filter_map(|action| action.resolve(ground.sessions)));
    }
    let mut candidates = Vec::new();
    for action in actions {
        let under = circumstances.iter().map(|circumstance| vec![*circumstance]);
        for circumstances in std::iter::once(Vec::new()).chain(under) {
            let kind = kind(&action.named(ground.sessions), &circumstances);
            candidates.push(Candidate { kind, circumstances, action: action.clone() });
        }
    }
    for pattern in products.iter().flat_map(|(_, product)| &product.found) {
        let Some(action) = pattern.action.resolve(ground.sessions) else { continue };
        let kind = kind(&pattern.action, &pattern.circumstances);
        let candidate = Candidate { kind, circumstances: pattern.circumstances.clone(), action };
        let crossed = candidate.circumstances.len() <= 1 && candidates.contains(&candidate);
        if !pattern.action.rules().is_empty() && !crossed {
            candidates.push(candidate);
        }
    }
    candidates
}

/// Which miner could see this; combined if none can.
fn kind(action: &Action, circumstances: &[Circumstance]) -> Kind {
    let of_text = |c: &Circumstance| c.column().is_some_and(|column| TEXT.contains(&column));
    let (text, context) = (circumstances.iter().any(of_text), !circumstances.iter().all(of_text));
    match action {
        Action::Together { .. } if !text => Kind::Association,
        Action::Together { .. } | Action::Adjacent { .. } if !context => Kind::Structure,
        Action::InOrder { .. } if circumstances.is_empty() => Kind::Sequence,
        _ => Kind::Combined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_miner_can_see_alone_is_combined() {
        let (text, context) = (Circumstance::Member { column: 13 }, Circumstance::Member { column: 22 });
        let rules = || vec!["a".to_owned(), "b".to_owned()];
        let together = Action::Together { rules: rules() };
        let order = Action::InOrder { earlier: Vec::new(), rules: rules(), within: Default::default() };
        let next = Action::Adjacent { paths: vec![rules()] };
        assert_eq!((kind(&together, &[]), kind(&together, &[context])), (Kind::Association, Kind::Association));
        assert_eq!((kind(&together, &[text]), kind(&next, &[text])), (Kind::Structure, Kind::Structure));
        assert_eq!((kind(&order, &[]), kind(&order, &[text])), (Kind::Sequence, Kind::Combined));
        assert_eq!((kind(&next, &[context]), kind(&together, &[text, context])), (Kind::Combined, Kind::Combined));
    }
}
