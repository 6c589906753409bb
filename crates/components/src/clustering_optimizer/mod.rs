//! Which clustering of all sessions is best, and what successful optimisations have in common.

mod answer;
mod certificate;
mod model;
mod params;
mod patterns;
mod report;
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
pub use patterns::Pattern;
pub use report::{ClusterReport, Patterns, Report, Setting};

/// The catalogue's row.
pub const ENTRY: Entry = Entry::of::<ClusteringOptimizer>();

/// Finds the best clustering of all sessions, and the patterns that successful ones share.
///
/// No reduction and several numbers of principal components, chosen by the intrinsic dimension (Facco et al. 2017), each with
/// k-means, Gaussian mixtures and HDBSCAN* at several settings, are held against silhouette, density-based validity and
/// stability in resamples. Successive halving gives resamples to what could still win, so the winner is the exhaustive grid's.
/// Patterns are rules, alone or two together, under a circumstance; sessions are compared with others of equal prognosis, and
/// the false discovery rate is held. The search takes `O(settings · rows_max² · 31)`, patterns
/// `O(rules · circumstances · n / 64)`; an answer `O(rows_max · 31)` at most.
#[derive(Clone, Copy, Debug)]
pub struct ClusteringOptimizer;

const fn bar(metric: &'static str, direction: Direction, value: f64, over: Over) -> Bar {
    Bar { metric, direction, value, over }
}

impl Component for ClusteringOptimizer {
    const SPEC: ComponentSpec = ComponentSpec {
        name: "clustering_optimizer",
        tier: Tier::Optimization,
        summary: "Finds the best clustering of all sessions, and what successful optimisations have in common.",
        inputs: &[],
        consumes: &[],
        cadence: Cadence::NewRows(5000),
        minimum_rows: train::DISTINCT_MINIMUM,
        budgets: Budgets { train_ms: 600_000, answer_ms: 1_000 },
        snapshot_version: 1,
    };

    const HEADLINE: Option<(&'static str, Direction)> = Some(("silhouette", Direction::AtLeast));
    const BARS: &'static [Bar] = &[
        bar("silhouette", Direction::AtLeast, 0.6, Over::Worst),
        bar("grid_score_reached", Direction::AtLeast, 1.0, Over::Worst),
        bar("grid_fits_share", Direction::AtMost, 0.7, Over::Worst),
        bar("pattern_rate", Direction::AtLeast, 2.0, Over::Worst),
        bar("pattern_false_discoveries", Direction::AtMost, 0.05, Over::Mean),
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
        _: Option<&Model>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<Trained<Self>, ComponentError> {
        let (model, report) = train::train(params, batch, job)?;
        let metrics = vec![
            Measurement::new("clusters", report.best.clusters as f64),
            Measurement::new("silhouette", report.best.silhouette),
            Measurement::new("stability", report.best.stability),
            Measurement::new("patterns", report.patterns.found.len() as f64),
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
