//! Which contexts prompts come from, and which rules work in each.

mod answer;
mod certificate;
mod clusters;
mod drift;
mod failed;
mod model;
mod params;
mod preference;
mod projection;
mod report;
mod search;
mod summary;
mod train;

use souffleur_core::batch::TrainingBatch;
use souffleur_core::catalogue::Entry;
use souffleur_core::component::{
    Bar, Budgets, Cadence, Component, ComponentSpec, Direction, KnownAnswer, Measurement, Over, Tier, Trained,
};
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;
use souffleur_core::query::Query as DataQuery;

use crate::bridge::asked::Asked;

pub use answer::{Alternative, Answer};
pub use model::Model;
pub use params::Params;
pub use preference::{Evidence, Preference, Verdict};
pub use report::{ContextReport, Report, Update};

/// The catalogue's row.
pub const ENTRY: Entry = Entry::of::<ContextLearner>();

/// Learns which kinds of sessions there are from what describes a context, and which rules work in each.
///
/// HDBSCAN* (Campello, Moulavi & Sander 2013) clusters the distinct sessions on all columns and along few principal
/// components, at several sizes and by both ways of selection. Of the results of the highest density-based validity
/// (Moulavi et al. 2014) the most detailed one stands that comes back in resamples (Hennig 2007) and that the others agree
/// with. New sessions are attached to known
/// contexts; all are clustered again when many belong to none, the shares of the contexts move, or the history has grown.
/// Contexts keep their numbers, recognised by the rows they share (Jaccard, matched by the Hungarian method). Rule
/// effects are weighted by logged propensities, partially pooled over contexts and corrected for multiplicity.
#[derive(Clone, Copy, Debug)]
pub struct ContextLearner;

impl Component for ContextLearner {
    const SPEC: ComponentSpec = ComponentSpec {
        name: "context_learner",
        tier: Tier::Learning,
        summary: "Finds the contexts prompts come from, describes them, and says which rules work in each.",
        inputs: &[],
        consumes: &[],
        cadence: Cadence::NewRows(1000),
        minimum_rows: train::DISTINCT_MINIMUM,
        budgets: Budgets { train_ms: 300_000, answer_ms: 1_000 },
        snapshot_version: 2,
    };

    const HEADLINE: Option<(&'static str, Direction)> = Some(("bootstrap_ari", Direction::AtLeast));
    const BARS: &'static [Bar] = &[
        Bar { metric: "context_accuracy", direction: Direction::AtLeast, value: 0.85, over: Over::Worst },
        Bar { metric: "bootstrap_ari", direction: Direction::AtLeast, value: 0.9, over: Over::Worst },
        Bar { metric: "preference_coverage", direction: Direction::AtLeast, value: 0.93, over: Over::Mean },
        Bar { metric: "preference_regret", direction: Direction::AtMost, value: 0.02, over: Over::Worst },
    ];

    type Params = Params;
    type Model = Model;
    type Report = Report;
    type Query = Asked;
    type Answer = Answer;

    fn query(_: &Params) -> DataQuery {
        DataQuery { session_rules: true, ..DataQuery::all_features() }
    }

    fn train(
        params: &Params,
        previous: Option<&Model>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<Trained<Self>, ComponentError> {
        // A model of another layout than these parameters make cannot be added to.
        let previous = previous.filter(|model| model.is_sound());
        let (model, report) = train::train(params, previous, batch, job)?;
        let metrics = vec![
            Measurement::new("contexts", report.contexts.len() as f64),
            Measurement::new("unknown_share", report.unknown_share),
            Measurement::new("bootstrap_ari", report.bootstrap_ari),
            Measurement::new("dbcv", report.dbcv),
        ];
        Ok(Trained { model, report, metrics })
    }

    fn answer(_: &Params, model: &Model, query: Asked) -> Result<Answer, ComponentError> {
        answer::answer(model, &query)
    }

    fn probe() -> KnownAnswer<Self> {
        certificate::probe()
    }

    fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
        certificate::certify(seed, job)
    }
}
