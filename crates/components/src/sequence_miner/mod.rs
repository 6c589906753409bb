//! Which orders of rules go with success.

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
use crate::bridge::mining::order::orders;
use crate::bridge::mining::{Ground, PatternAnswer, PatternQuery, Sessions, answer};

pub use params::Params;
pub use crate::bridge::mining::FrequentPattern;
pub use crate::bridge::mining::miner::FoundPatterns as Model;
pub use report::Report;

/// The catalogue's row.
pub const ENTRY: Entry = Entry::of::<SequenceMiner>();

/// Finds the orders of rules that go with success, within a session and over the revisions of a prompt.
///
/// A sequence is a session: the rules of up to three earlier revisions of its prompt, then its own in order. A batch carries no
/// texts: sessions equal in the text's features and in their context are revisions of one prompt. Closed frequent orders are
/// found by BIDE, those with limits on gaps and span by `PrefixSpan` (Wang & Han 2004, Pei et al. 2004). An order is compared
/// with other orders of the same rules in sessions of equal prospects: strata of equal prognosis (Hansen 2008), differences by
/// Mantel & Haenszel, and the false discovery rate is held (Benjamini & Hochberg 1995). Time grows with the frequent orders
/// times `n`; memory with `sequences_max`.
#[derive(Clone, Copy, Debug)]
pub struct SequenceMiner;

impl Component for SequenceMiner {
    const SPEC: ComponentSpec = ComponentSpec {
        name: "sequence_miner",
        tier: Tier::Learning,
        summary: "Finds which orders of rules go with success, in a session and over the revisions of a prompt.",
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
        let mined = orders(&ground, &params.settings(), &phases)?;
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
