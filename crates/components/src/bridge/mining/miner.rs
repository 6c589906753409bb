//! What the catalogue rows of the miners have in common.

use serde::{Deserialize, Serialize};
use souffleur_core::component::{Bar, Direction, Measurement, Over};
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;
use souffleur_core::query::Query;
use souffleur_simulator::{PLANTED, PatternWorld};

use super::pattern::Pattern;
use super::planted::Score;

/// Fewest sessions with an outcome.
pub(crate) const SESSIONS_MINIMUM: usize = 60;
/// Sessions of a certificate.
pub(crate) const CERTIFIED_SESSIONS: usize = 12_000;

/// What a miner must reach.
pub(crate) const BARS: &[Bar] = &[
    Bar { metric: "precision", direction: Direction::AtLeast, value: 0.8, over: Over::Worst },
    Bar { metric: "planted_recovered", direction: Direction::AtLeast, value: 0.8, over: Over::Worst },
];

/// What a miner learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundPatterns {
    pub(crate) found: Vec<Pattern>,
}

/// The sessions with the rules applied in each.
pub(crate) fn sessions_and_rules() -> Query {
    Query { session_rules: true, ..Query::all_features() }
}

/// The figures of a run.
pub(crate) fn metrics(found: &[Pattern], compared: usize) -> Vec<Measurement> {
    vec![Measurement::new("patterns", found.len() as f64), Measurement::new("compared", compared as f64)]
}

/// How much of what was found in a world of all planted patterns is so, and how much of what the miner can see of them, `seen`,
/// was found.
pub(crate) fn certified(
    (found, compared): (&[Pattern], usize),
    world: &PatternWorld,
    seen: std::ops::Range<usize>,
    job: &Job,
) -> Result<Vec<Measurement>, ComponentError> {
    let mut measured = Score::of(found, world, PLANTED.get(seen).unwrap_or_default(), job)?.measured();
    measured.push(Measurement::new("compared", compared as f64));
    Ok(measured)
}
