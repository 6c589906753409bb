//! What each rule does to the outcome, with what chose it taken out.

mod answer;
mod certificate;
mod graph;
mod model;
mod params;
mod report;
mod summary;
mod train;
mod treatments;

use souffleur_core::batch::TrainingBatch;
use souffleur_core::catalogue::Entry;
use souffleur_core::component::{
    Bar, Budgets, Cadence, Component, ComponentSpec, Direction, KnownAnswer, Measurement, Over, Tier, Trained,
};
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;
use souffleur_core::query::Query as DataQuery;

pub use answer::{Answer, KnownEffect, Query};
pub use model::Model;
pub use params::{Outcome, Params};
pub use report::{
    Attempt, CausalGraph, Comparison, Effect, Evidence, Overlap, Refused, Report, RuleEffect, Strength, Verdict,
};

/// The catalogue's row.
pub const ENTRY: Entry = Entry::of::<CausalEffects>();

/// Learns from sessions what each rule does to the outcome.
///
/// Each rule is a treatment. The order of events declares the causal graph: context, then the scores before improvement, then
/// rules, then the outcome; what to adjust for follows from it by the back-door criterion (Pearl 1995). Where rules are
/// applied side by side, a session is compared with what it would have been without the rule; where one is chosen instead of
/// another, with what else was done. Double machine learning with cross-fitting (Chernozhukov et al. 2018) estimates the
/// effect, on average and by features, from logged probabilities of the choice where there are some; sessions with equal
/// features count as one source of evidence. Rules without overlap are refused, with the reason.
/// Training takes `O(rules · (1 + 3 refuter_repeats) · folds · n · 32²)`, an answer `O(rules · 31)`.
#[derive(Clone, Copy, Debug)]
pub struct CausalEffects;

const fn bar(metric: &'static str, direction: Direction, value: f64) -> Bar {
    Bar { metric, direction, value, over: Over::Mean }
}

impl Component for CausalEffects {
    const SPEC: ComponentSpec = ComponentSpec {
        name: "causal_effects",
        tier: Tier::Evaluation,
        summary: "Estimates what each rule does to the outcome, with what chose it taken out, on average and for a prompt.",
        inputs: &[],
        consumes: &[],
        cadence: Cadence::NewRows(2000),
        minimum_rows: train::SESSIONS_MINIMUM,
        budgets: Budgets { train_ms: 300_000, answer_ms: 1_000 },
        snapshot_version: 1,
    };

    const BARS: &'static [Bar] = &[
        bar("cate_r_squared", Direction::AtLeast, 0.7),
        bar("interval_coverage", Direction::AtLeast, 0.93),
        bar("interval_coverage_most", Direction::AtMost, 0.97),
        bar("spurious_reduction", Direction::AtLeast, 0.6),
    ];

    type Params = Params;
    type Model = Model;
    type Report = Report;
    type Query = Query;
    type Answer = Answer;

    fn query(params: &Params) -> DataQuery {
        DataQuery { session_rules: true, limit: Some(params.sessions_max), ..DataQuery::all_features() }
    }

    fn train(
        params: &Params,
        _: Option<&Model>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<Trained<Self>, ComponentError> {
        let (model, report) = train::train(params, batch, job)?;
        let metrics = vec![
            Measurement::new("rules_judged", report.rules.len() as f64),
            Measurement::new("rules_refused", report.refused.len() as f64),
        ];
        Ok(Trained { model, report, metrics })
    }

    fn answer(params: &Params, model: &Model, query: Query) -> Result<Answer, ComponentError> {
        answer::answer(params, model, &query)
    }

    fn probe() -> KnownAnswer<Self> {
        certificate::probe()
    }

    fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
        certificate::certify(seed, job)
    }
}
