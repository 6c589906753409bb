//! Orders of rules that go with success.
//!
//! A sequence is a session: the rules of the earlier revisions of its prompt, the oldest first, then its own in order. An order
//! is compared with other orders of the same rules, so that what the rules do by themselves does not count.

use std::ops::ControlFlow;

use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::patterns::MinSupport;
use souffleur_algorithms::sequences::{FrequentSequences, SequencePattern, Sequences};
use souffleur_core::error::ComponentError;

use super::action::{Resolved, Within};
use super::judge::{Candidate, Ground, Settings, judge};
use super::limit::raised;
use super::pattern::{Blocks, Kind, Pattern};
use crate::bridge::Phases;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderSettings {
    /// Least share of sessions.
    pub(crate) support: f64,
    /// Most rules of an order.
    pub(crate) length_max: usize,
    /// How far apart they may lie; orders are closed where there is no limit.
    pub(crate) within: Within,
    /// Most frequent orders kept in memory.
    pub(crate) sequences_max: u64,
    /// When a pattern counts.
    pub(crate) judge: Settings,
}

/// What was found.
pub(crate) struct Orders {
    /// The support that kept orders within the limit.
    pub(crate) support: f64,
    /// Sessions with an earlier revision.
    pub(crate) revised: usize,
    /// Frequent orders of two rules or more, the most frequent first, in words with their shares.
    pub(crate) frequent: Vec<(String, f64)>,
    pub(crate) compared: usize,
    /// The surest first.
    pub(crate) found: Vec<Pattern>,
    pub(crate) blocks: Blocks,
}

/// Finds orders that go with success.
///
/// # Errors
/// The job was interrupted.
pub(crate) fn orders(
    ground: &Ground<'_>,
    settings: &OrderSettings,
    phases: &Phases<'_>,
) -> Result<Orders, ComponentError> {
    let sessions = ground.sessions;
    let rules = sessions.rules() as u32;
    let coded = (0..sessions.len()).map(|i| {
        let applied = sessions.applied(i);
        applied.earlier.iter().copied().chain(applied.own.iter().map(|rule| rules + rule)).collect::<Vec<u32>>()
    });
    let sequences = Sequences::from_rows(coded, &phases.watch()).map_err(|e| phases.failed(&e))?;
    let (support, mut found) = frequent(&sequences, settings, phases)?;
    found.sort_by(|a, b| b.support.cmp(&a.support).then_with(|| a.items.cmp(&b.items)));
    let all = sessions.len().max(1) as f64;
    let (mut candidates, mut frequent, mut blocks) = (Vec::new(), Vec::new(), Blocks::default());
    for (done, SequencePattern { items, support }) in found.iter().enumerate() {
        if done % 256 == 0 {
            phases.job().check()?;
        }
        let (earlier, own): (Vec<u32>, Vec<u32>) = items.iter().partition(|item| **item < rules);
        // What was done earlier is no advice by itself, and one rule is no order.
        if own.is_empty() || items.len() < 2 {
            continue;
        }
        let own = own.into_iter().map(|item| item - rules).collect();
        let action = Resolved::InOrder { earlier, own, within: settings.within };
        let named = action.named(sessions);
        frequent.push((named.words(), f64::from(*support) / all));
        blocks.actions.push(named);
        candidates.push(Candidate { kind: Kind::Sequence, circumstances: Vec::new(), action });
    }
    let judged = judge(ground, settings.judge, &candidates, &[], phases)?;
    Ok(Orders {
        support,
        revised: (0..sessions.len()).filter(|i| !sessions.applied(*i).earlier.is_empty()).count(),
        frequent,
        compared: judged.compared,
        found: judged.found.into_iter().map(|known| known.pattern).collect(),
        blocks,
    })
}

/// Frequent sequences, and the support that keeps them within the limit.
fn frequent(
    sequences: &Sequences,
    settings: &OrderSettings,
    phases: &Phases<'_>,
) -> Result<(f64, Vec<SequencePattern>), ComponentError> {
    let Within { gap_max, span_max } = settings.within;
    raised(settings.support, 1.0, |support| {
        let params = FrequentSequences::params(MinSupport::Share(support))
            .max_length(settings.length_max)
            .max_patterns(settings.sequences_max)
            .closed(gap_max.is_none() && span_max.is_none());
        let params = gap_max.map_or(params, |gap| params.max_gap(gap));
        let params = span_max.map_or(params, |span| params.max_span(span));
        let params = params.check().map_err(|e| phases.failed(&e))?;
        let mut found = Vec::new();
        let keep = |items: &[u32], support: u32| {
            found.push(SequencePattern { items: items.to_vec(), support });
            ControlFlow::Continue(())
        };
        let mined = params.mine(sequences, &phases.watch(), keep).map_err(|e| phases.failed(&e))?;
        Ok((mined.complete, found))
    })
}
