//! The planted cases: one rule in one domain for the probe, a world of patterns for the certificate.

use souffleur_core::component::{KnownAnswer, Measurement};
use souffleur_core::error::ComponentError;
use souffleur_core::features::DOMAIN_START;
use souffleur_core::job::Job;
use souffleur_simulator::{Deed, PLANTED, Place, Planted, pattern_world};

use super::AssociationMiner;
use super::params::Params;
use crate::bridge::Phases;
use crate::bridge::matched::Circumstance;
use crate::bridge::mining::association::associations;
use crate::bridge::mining::miner::{self, CERTIFIED_SESSIONS};
use crate::bridge::mining::{Consequent, PatternAnswer, PatternQuery, Sessions};

/// Sessions of the probe.
const PROBE_SESSIONS: usize = 1500;
/// The planted patterns that rules and contexts show.
const SEEN: std::ops::Range<usize> = 0..6;

/// A rule that helps in finance, and nowhere else.
pub(super) fn probe() -> KnownAnswer<AssociationMiner> {
    let planted = [Planted { place: Place::Above(DOMAIN_START, 0.5), deed: Deed::Apply(3) }];
    let batch = pattern_world(0x4153, PROBE_SESSIONS, &planted).batch;
    let query = PatternQuery { rule: Some("step_by_step".to_owned()), ..PatternQuery::default() };
    KnownAnswer { batch, query, verify }
}

fn verify(answer: &PatternAnswer) -> Result<(), String> {
    let finance = [Circumstance::Member { column: DOMAIN_START }];
    match answer.patterns.first() {
        Some(first) if first.circumstances == finance && first.consequent == Consequent::Success => Ok(()),
        other => Err(format!("the rule that helps in finance is known by {:?}", other.map(|one| &one.words))),
    }
}

/// How much of what is found is so, and how much of what rules and contexts show is found.
pub(super) fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let world = pattern_world(seed, CERTIFIED_SESSIONS, &PLANTED);
    let sessions = Sessions::of(&world.batch, 0, job)?;
    let mined = associations(&sessions, &Params::default().settings(), &Phases::new(job, 1))?;
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
        certified::clears_every_bar::<AssociationMiner>(1);
    }

    #[test]
    fn a_rule_that_harms_fails_the_probe() {
        certified::probe_fails_where::<AssociationMiner>(certified::turn_outcomes);
    }

    #[test]
    fn support_is_raised_where_sets_are_too_many() {
        let batch = probe().batch;
        let params = Params { itemsets_max: 100, ..Params::default() };
        let trained = AssociationMiner::train(&params, None, &batch, &job(1)).unwrap();
        let report = trained.report;
        assert!(report.frequent_sets <= 100 && report.support > 0.05, "{} {}", report.frequent_sets, report.support);
        assert!(report.summary[0].contains("more were as frequent as 5.0 %"), "{}", report.summary[0]);
    }
}
