//! The planted cases: two neighbours for the probe, a world of patterns for the certificate.

use souffleur_core::component::{KnownAnswer, Measurement};
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;
use souffleur_simulator::{Deed, PLANTED, Place, Planted, pattern_world};

use super::GraphMiner;
use super::params::Params;
use crate::bridge::Phases;
use crate::bridge::mining::structure::structures;
use crate::bridge::mining::planted::Score;
use crate::bridge::mining::{Action, Consequent, Ground, PatternAnswer, PatternQuery, Sessions};

/// Sessions of the probe and of the certificate.
const PROBE_SESSIONS: usize = 1500;
const SESSIONS: usize = 12_000;
/// The planted patterns that structures show.
const SEEN: std::ops::Range<usize> = 11..16;

/// Two rules that help side by side, and harm apart.
pub(super) fn probe() -> KnownAnswer<GraphMiner> {
    let planted = [Planted { place: Place::Anywhere, deed: Deed::Next(3, 7) }; 2];
    let batch = pattern_world(0x474D, PROBE_SESSIONS, &planted).batch;
    let query = PatternQuery { rule: Some("step_by_step".to_owned()), ..PatternQuery::default() };
    KnownAnswer { batch, query, verify }
}

fn verify(answer: &PatternAnswer) -> Result<(), String> {
    let neighbours = Action::Adjacent { paths: vec![vec!["step_by_step".to_owned(), "name_audience".to_owned()]] };
    match answer.patterns.first() {
        Some(first) if first.action == neighbours && first.consequent == Consequent::Success => Ok(()),
        other => Err(format!("the neighbours that help are known as {:?}", other.map(|one| &one.words))),
    }
}

/// How much of what is found is so, and how much of what structures show is found.
pub(super) fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let world = pattern_world(seed, SESSIONS, &PLANTED);
    let sessions = Sessions::of(&world.batch, 0, job)?;
    let phases = Phases::new(job, 1);
    let mined = structures(&Ground::matched(&sessions, &phases)?, &Params::default().settings(), &phases)?;
    let mut measured = Score::of(&mined.found, &world, &PLANTED[SEEN], job)?.measured();
    measured.push(Measurement::new("compared", mined.compared as f64));
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use souffleur_core::component::Component;

    use super::*;
    use crate::bridge::stopped_clock::job;

    #[test]
    fn every_bar_is_cleared_by_the_first_seed() {
        let measured = certify(0, &job(0)).unwrap();
        for bar in GraphMiner::BARS {
            let value = measured.iter().find(|m| m.metric == bar.metric).unwrap().value;
            assert!(bar.cleared_by(value), "{} is {value}, the bar is {}: {measured:?}", bar.metric, bar.value);
        }
    }

    #[test]
    fn neighbours_that_harm_fail_the_probe() {
        let case = probe();
        let answer = |batch| {
            let params = Params::default();
            let trained = GraphMiner::train(&params, None, batch, &job(1)).unwrap();
            GraphMiner::answer(&params, &trained.model, case.query.clone()).unwrap()
        };
        assert_eq!((case.verify)(&answer(&case.batch)), Ok(()));
        let mut turned = case.batch.clone();
        turned.outcomes.success_score.iter_mut().for_each(|score| *score = 1.0 - *score);
        assert!((case.verify)(&answer(&turned)).is_err());
    }
}
