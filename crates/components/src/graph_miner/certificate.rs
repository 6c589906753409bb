//! The planted cases: two neighbours for the probe, a world of patterns for the certificate.

use souffleur_core::component::{KnownAnswer, Measurement};
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;
use souffleur_simulator::{Deed, PLANTED, Place, Planted, pattern_world};

use super::GraphMiner;
use super::params::Params;
use crate::bridge::Phases;
use crate::bridge::mining::structure::structures;
use crate::bridge::mining::miner::{self, CERTIFIED_SESSIONS};
use crate::bridge::mining::{Action, Consequent, Ground, PatternAnswer, PatternQuery, Sessions};

/// Sessions of the probe.
const PROBE_SESSIONS: usize = 1500;
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
    let world = pattern_world(seed, CERTIFIED_SESSIONS, &PLANTED);
    let sessions = Sessions::of(&world.batch, 0, job)?;
    let phases = Phases::new(job, 1);
    let mined = structures(&Ground::matched(&sessions, &phases)?, &Params::default().settings(), &phases)?;
    miner::certified((&mined.found, mined.compared), &world, SEEN, job)
}

#[cfg(test)]
mod tests {
    

    use super::*;
    use crate::bridge::certified;
    

    #[test]
    fn every_bar_is_cleared_by_the_first_seed() {
        certified::clears_every_bar::<GraphMiner>(1);
    }

    #[test]
    fn neighbours_that_harm_fail_the_probe() {
        certified::probe_fails_where::<GraphMiner>(certified::turn_outcomes);
    }
}
