//! The planted cases: one order for the probe, a world of patterns for the certificate.

use souffleur_core::component::{KnownAnswer, Measurement};
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;
use souffleur_simulator::{Deed, PLANTED, Place, Planted, pattern_world};

use super::SequenceMiner;
use super::params::Params;
use crate::bridge::Phases;
use crate::bridge::mining::order::orders;
use crate::bridge::mining::miner::{self, CERTIFIED_SESSIONS};
use crate::bridge::mining::{Action, Consequent, Ground, PatternAnswer, PatternQuery, Sessions, Within};

/// Sessions of the probe.
const PROBE_SESSIONS: usize = 1500;
/// The planted patterns that orders show.
const SEEN: std::ops::Range<usize> = 6..11;

/// Two rules that help in one order, and harm in the other.
pub(super) fn probe() -> KnownAnswer<SequenceMiner> {
    let planted = [Planted { place: Place::Anywhere, deed: Deed::Order(3, 7) }; 2];
    let batch = pattern_world(0x534D, PROBE_SESSIONS, &planted).batch;
    let query = PatternQuery { rule: Some("step_by_step".to_owned()), ..PatternQuery::default() };
    KnownAnswer { batch, query, verify }
}

fn verify(answer: &PatternAnswer) -> Result<(), String> {
    let order = Action::InOrder {
        earlier: Vec::new(),
        rules: vec!["step_by_step".to_owned(), "name_audience".to_owned()],
        within: Within::default(),
    };
    match answer.patterns.first() {
        Some(first) if first.action == order && first.consequent == Consequent::Success => Ok(()),
        other => Err(format!("the order that helps is known as {:?}", other.map(|one| &one.words))),
    }
}

/// How much of what is found is so, and how much of what orders show is found.
pub(super) fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let world = pattern_world(seed, CERTIFIED_SESSIONS, &PLANTED);
    let sessions = Sessions::of(&world.batch, 0, job)?;
    let phases = Phases::new(job, 1);
    let mined = orders(&Ground::matched(&sessions, &phases)?, &Params::default().settings(), &phases)?;
    miner::certified((&mined.found, mined.compared), &world, SEEN, job)
}

#[cfg(test)]
mod tests {
    use souffleur_core::component::Component;

    use super::*;
    use crate::bridge::certified;
    use crate::bridge::stopped_clock::job;

    #[test]
    fn every_bar_is_cleared_by_the_first_seed() {
        certified::clears_every_bar::<SequenceMiner>(1);
    }

    #[test]
    fn the_wrong_order_fails_the_probe() {
        certified::probe_fails_where::<SequenceMiner>(certified::turn_outcomes);
    }

    #[test]
    fn what_an_earlier_revision_did_is_seen() {
        use souffleur_core::batch::SessionRules;
        // Each prompt is tried twice; what succeeds the second time is rule 1 after rule 0 the first time.
        let mut batch = probe().batch;
        let mut rules = SessionRules { rule_ids: vec!["first".into(), "other".into(), "second".into()], ..SessionRules::default() };
        for row in 0..batch.len() {
            let (revision, prompt) = (row % 2, row / 2);
            let rule = if revision == 1 { 2 } else { u32::from(prompt % 2 == 1) };
            rules.rule.push(rule);
            rules.improvement_score.push(f32::NAN);
            rules.propensity.push(f32::NAN);
            rules.starts.push(rules.rule.len() as u32);
            let lucky = row * 7919 % 101 < 40;
            let helped = revision == 1 && prompt % 2 == 0 && row * 104_729 % 97 < 60;
            batch.outcomes.success_score[row] = if lucky || helped { 0.75 } else { 0.25 };
        }
        batch.session_rules = Some(rules);
        let first = batch.features.clone();
        let pairs = (0..batch.len()).map(|row| row / 2 * 2).collect::<Vec<_>>();
        batch.features = first.select(ndarray::Axis(0), &pairs).into();
        let params = Params::default();
        let report = SequenceMiner::train(&params, None, &batch, &job(1)).unwrap().report;
        assert_eq!(report.revised_sessions, batch.len() / 2);
        let words: Vec<&str> = report.found.iter().map(|one| one.words.as_str()).collect();
        assert_eq!(words, ["first in an earlier revision, then second"]);
    }
}
