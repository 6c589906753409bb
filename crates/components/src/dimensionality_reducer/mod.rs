//! How few numbers describe a session, and what they keep.

mod answer;
mod axes;
mod certificate;
mod downstream;
mod follow;
mod model;
mod params;
mod reducer;
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

pub use answer::Answer;
pub use model::Model;
pub use params::Params;
pub use reducer::Method;
pub use report::{Action, Axis, CandidateReport, Change, Report, Update};

/// The catalogue's row.
pub const ENTRY: Entry = Entry::of::<DimensionalityReducer>();

/// Describes sessions by fewer numbers than features, and follows new sessions.
///
/// Principal components, alone and with the direction that outcomes follow, autoencoders and UMAP (McInnes et al. 2018) of
/// several sizes are learnt from three quarters of the
/// different sessions and judged on the rest: the share of the variance that comes back, neighbourhoods (Venna and Kaski
/// 2001), and the loss of a logistic regression on the coordinates against one on all features. The report states the rule of
/// choice. Later runs look at new sessions through the reduction in force and at the dimensions they spread over (TwoNN, Facco
/// et al. 2017): it is kept while it fits; else principal components are found again from running sums of all sessions, or all
/// is tried again. Choosing takes `O(rows_max² + epochs · rows_max · hidden · 31)` for each candidate; following `O(new · 31²)`; an
/// answer `O(rows_max · 31)` at most.
#[derive(Clone, Copy, Debug)]
pub struct DimensionalityReducer;

const fn bar(metric: &'static str, direction: Direction, value: f64, over: Over) -> Bar {
    Bar { metric, direction, value, over }
}

impl Component for DimensionalityReducer {
    const SPEC: ComponentSpec = ComponentSpec {
        name: "dimensionality_reducer",
        tier: Tier::Optimization,
        summary: "Describes sessions by few numbers that keep what counts, and says when they no longer do.",
        inputs: &[],
        consumes: &[],
        cadence: Cadence::NewRows(2000),
        minimum_rows: train::DISTINCT_MINIMUM,
        budgets: Budgets { train_ms: 300_000, answer_ms: 1_000 },
        snapshot_version: 1,
    };

    const BARS: &'static [Bar] = &[
        bar("information_kept", Direction::AtLeast, 0.95, Over::Worst),
        bar("training_work_saved", Direction::AtLeast, 0.3, Over::Worst),
        bar("loss_ratio", Direction::AtMost, 1.01, Over::Mean),
        bar("changes_noticed", Direction::AtLeast, 1.0, Over::Worst),
        bar("information_after_change", Direction::AtLeast, 0.95, Over::Worst),
        bar("false_changes", Direction::AtMost, 0.0, Over::Worst),
    ];

    type Params = Params;
    type Model = Model;
    type Report = Report;
    type Query = Asked;
    type Answer = Answer;

    fn query(_: &Params) -> DataQuery {
        DataQuery::all_features()
    }

    fn train(
        params: &Params,
        previous: Option<&Model>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<Trained<Self>, ComponentError> {
        // A model of another layout cannot be followed up.
        let previous = previous.filter(|model| model.is_sound());
        let (model, report) = train::train(params, previous, batch, job)?;
        let metrics = vec![
            Measurement::new("components", report.chosen.components as f64),
            Measurement::new("information_kept", report.chosen.information_kept),
            Measurement::new("neighbor_recall", report.chosen.neighbor_recall),
            Measurement::new("training_work_saved", report.chosen.training_work_saved),
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
