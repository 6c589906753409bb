//! Which rules and contexts go together, and which of them with success.

mod certificate;
mod params;
mod report;

use serde::{Deserialize, Serialize};
use souffleur_core::batch::TrainingBatch;
use souffleur_core::catalogue::Entry;
use souffleur_core::component::{
    Bar, Budgets, Cadence, Component, ComponentSpec, KnownAnswer, Measurement, Tier, Trained,
};
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;
use souffleur_core::query::Query as DataQuery;

use crate::bridge::Phases;
use crate::bridge::mining::miner::{self, SESSIONS_MINIMUM};
use crate::bridge::mining::association::associations;
use crate::bridge::mining::{Pattern, PatternAnswer, PatternQuery, Sessions, answer};

pub use params::Params;
pub use report::{FrequentSet, Report};

/// The catalogue's row.
pub const ENTRY: Entry = Entry::of::<AssociationMiner>();

/// Finds the rules and circumstances that go with success, and those that go with the use of a rule.
///
/// A transaction is a session: the rules applied in it and its context before that (project type, domain, thirds of
/// complexity, team size and scores). Frequent sets are found by FP-growth or Eclat (Han et al. 2000, Zaki 2000); each is
/// tested against what is left when one of its items is taken away (Fisher 1935, Webb 2007), so that no pattern is told that its
/// parts explain. The false discovery rate is held over all tests (Benjamini & Hochberg 1995). Time grows with the frequent
/// sets times `n / 64`; memory with `itemsets_max`.
#[derive(Clone, Copy, Debug)]
pub struct AssociationMiner;

/// What it learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    found: Vec<Pattern>,
    choices: Vec<Pattern>,
}

impl Component for AssociationMiner {
    const SPEC: ComponentSpec = ComponentSpec {
        name: "association_miner",
        tier: Tier::Learning,
        summary: "Finds which rules and contexts go together, and which of them with success.",
        inputs: &[],
        consumes: &[],
        cadence: Cadence::NewRows(2000),
        minimum_rows: SESSIONS_MINIMUM,
        budgets: Budgets { train_ms: 300_000, answer_ms: 1_000 },
        snapshot_version: 1,
    };

    const BARS: &'static [Bar] = miner::BARS;

    type Params = Params;
    type Model = Model;
    type Report = Report;
    type Query = PatternQuery;
    type Answer = PatternAnswer;

    fn query(_: &Params) -> DataQuery {
        miner::sessions_and_rules()
    }

    fn train(
        params: &Params,
        _: Option<&Model>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<Trained<Self>, ComponentError> {
        let sessions = Sessions::of(batch, SESSIONS_MINIMUM, job)?;
        let mined = associations(&sessions, &params.settings(), &Phases::new(job, 1))?;
        let report = Report::new(sessions.len(), params.support, mined);
        let mut metrics = miner::metrics(&report.found, report.compared);
        metrics.insert(1, Measurement::new("choices", report.choices.len() as f64));
        let model = Model { found: report.found.clone(), choices: report.choices.clone() };
        Ok(Trained { model, report, metrics })
    }

    fn answer(_: &Params, model: &Model, query: PatternQuery) -> Result<PatternAnswer, ComponentError> {
        answer(model.found.iter().chain(&model.choices), &query)
    }

    fn probe() -> KnownAnswer<Self> {
        certificate::probe()
    }

    fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
        certificate::certify(seed, job)
    }
}
