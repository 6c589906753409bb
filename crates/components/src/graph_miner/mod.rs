//! Which structures of prompt and rules go with success.

mod certificate;
mod params;
mod report;

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
use crate::bridge::mining::structure::structures;
use crate::bridge::mining::{Ground, PatternAnswer, PatternQuery, Sessions, answer};

pub use params::Params;
pub use crate::bridge::mining::FrequentPattern;
pub use crate::bridge::mining::miner::FoundPatterns as Model;
pub use report::Report;

/// The catalogue's row.
pub const ENTRY: Entry = Entry::of::<GraphMiner>();

/// Finds the structures of prompt and rules that go with success.
///
/// A graph is a session: the prompt, joined to the traits of its text and to the rules applied, of which neighbours are joined
/// as well. A batch carries no texts: sections are seen through the ten features of the text. Closed frequent subgraphs are found
/// by gSpan (Yan & Han 2002). Neighbours are compared with the same rules apart, rules on a trait with the same trait without
/// them, in sessions of equal prospects: strata of equal prognosis (Hansen 2008), differences by Mantel & Haenszel, and the false
/// discovery rate is held (Benjamini & Hochberg 1995). Time grows with the frequent structures times `graphs_max`; memory with
/// `structures_max`.
#[derive(Clone, Copy, Debug)]
pub struct GraphMiner;

impl Component for GraphMiner {
    const SPEC: ComponentSpec = ComponentSpec {
        name: "graph_miner",
        tier: Tier::Learning,
        summary: "Finds which structures of prompt and rules go with success.",
        inputs: &[],
        consumes: &[],
        cadence: Cadence::NewRows(2000),
        minimum_rows: SESSIONS_MINIMUM,
        budgets: Budgets { train_ms: 600_000, answer_ms: 1_000 },
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
        let mut phases = Phases::new(job, 2);
        let ground = Ground::matched(&sessions, &phases)?;
        phases.next()?;
        let mined = structures(&ground, &params.settings(), &phases)?;
        let report = Report::new(sessions.len(), params, mined);
        let metrics = miner::metrics(&report.found, report.compared);
        Ok(Trained { model: Model { found: report.found.clone() }, report, metrics })
    }

    fn answer(_: &Params, model: &Model, query: PatternQuery) -> Result<PatternAnswer, ComponentError> {
        answer(model.found.iter(), &query)
    }

    fn probe() -> KnownAnswer<Self> {
        certificate::probe()
    }

    fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
        certificate::certify(seed, job)
    }
}
