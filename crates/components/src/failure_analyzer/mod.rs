//! Which prompts will fail, how sure that is, and which past failures they resemble.

mod advice;
mod answer;
mod certificate;
mod contributions;
mod evaluate;
mod model;
mod modes;
mod params;
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

pub use advice::{Advice, AdviceReport, Evidence, Preventable, Refused, RuleEffect, Suggestion};
pub use answer::{Answer, Conformal, Contribution, Query, SimilarFailure};
pub use model::Model;
pub use modes::{Driver, ModeReport};
pub use params::Params;
pub use report::{HeldOut, Report, Signal};

/// The catalogue's row.
pub const ENTRY: Entry = Entry::of::<FailureAnalyzer>();

/// Learns from sessions whose outcome is known how likely a prompt is to fail.
///
/// An isolation forest (Liu, Ting & Zhou 2008) says how unusual a prompt is; gradient-boosted trees turn the 31 features
/// and that score into log-odds of failure; isotonic regression or Platt scaling, whichever does better on held-out
/// sessions, turns these into a probability. Conformal prediction says which outcomes can be ruled out; failures are
/// clustered by what made them fail (HDBSCAN* on the contributions) into modes. What each rule does to whom is learnt doubly
/// robust from the choices of the log, and the advice that follows is replayed on sessions it was not learnt from.
/// Training takes `O(folds · rounds · n · 32)`, and `O(rules · n · 32²)` for the advice; an answer `O(failures · 31)`.
#[derive(Clone, Copy, Debug)]
pub struct FailureAnalyzer;

const fn bar(metric: &'static str, direction: Direction, value: f64) -> Bar {
    Bar { metric, direction, value, over: Over::Worst }
}

impl Component for FailureAnalyzer {
    const SPEC: ComponentSpec = ComponentSpec {
        name: "failure_analyzer",
        tier: Tier::Learning,
        summary: "Predicts the probability that a prompt fails, says why, how and what helps, and names past failures like it.",
        inputs: &[],
        consumes: &[],
        cadence: Cadence::NewRows(1000),
        minimum_rows: 2 * train::CLASS_MINIMUM,
        budgets: Budgets { train_ms: 300_000, answer_ms: 1_000 },
        snapshot_version: 3,
    };

    const HEADLINE: Option<(&'static str, Direction)> = Some(("auroc", Direction::AtLeast));
    const BARS: &'static [Bar] = &[
        bar("accuracy", Direction::AtLeast, 0.80),
        bar("false_positive_rate", Direction::AtMost, 0.15),
        bar("calibration_error", Direction::AtMost, 0.03),
        Bar { metric: "conformal_coverage", direction: Direction::AtLeast, value: 0.88, over: Over::Mean },
        Bar { metric: "mode_ari", direction: Direction::AtLeast, value: 0.7, over: Over::Mean },
        // Of the failures that the best rule for each session would have spared; see the certificate.
        bar("preventable_reduction", Direction::AtLeast, 0.40),
        bar("replay_error", Direction::AtMost, 0.02),
        Bar { metric: "replay_covered", direction: Direction::AtLeast, value: 0.85, over: Over::Mean },
        Bar { metric: "missed_failures", direction: Direction::AtMost, value: 0.12, over: Over::Mean },
    ];

    type Params = Params;
    type Model = Model;
    type Report = Report;
    type Query = Query;
    type Answer = Answer;

    fn query(_: &Params) -> DataQuery {
        DataQuery { session_rules: true, ..DataQuery::quality_labeled_data() }
    }

    fn train(
        params: &Params,
        _: Option<&Model>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<Trained<Self>, ComponentError> {
        let train::Run { model, report, .. } = train::train(params, batch, job)?;
        let held = &report.held_out;
        let metrics = vec![
            Measurement::new("accuracy", held.accuracy),
            Measurement::new("false_positive_rate", held.false_positive_rate),
            Measurement::new("calibration_error", held.calibration_error),
            Measurement::new("auroc", held.auroc),
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
