//! The contract a component keeps. Writing one means writing this and nothing else.

use std::time::Duration;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::batch::TrainingBatch;
use crate::error::ComponentError;
use crate::job::Job;
use crate::params::Hyperparams;
use crate::query::Query;

/// The checked hyperparameters of `C`.
pub type Checked<C> = <<C as Component>::Params as Hyperparams>::Checked;

/// A machine-learning component: turns a batch into a model and a report, and a model into answers.
///
/// `train` and `answer` are pure: time, randomness, cancellation and progress arrive in the [`Job`].
/// The runtime keeps the previous model until the new one is committed, so a run that fails, panics or is
/// cancelled costs nothing.
pub trait Component: Send + Sync + Sized + 'static {
    /// Who it is and what it needs.
    const SPEC: ComponentSpec;

    /// The bars its certificate must clear.
    const BARS: &'static [Bar];

    /// The figure among a run's metrics that says how good a model is, and which side is better. A model that is worse
    /// in it than the live one by more than the tolerance is not promoted; without one every model is.
    const HEADLINE: Option<(&'static str, Direction)> = None;

    /// Its configuration section.
    type Params: Hyperparams;
    /// What was learnt.
    type Model: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What a training run found, for people and for other components.
    type Report: Serialize + JsonSchema;
    /// What it can be asked.
    type Query: Serialize + DeserializeOwned + JsonSchema;
    /// What it answers.
    type Answer: Serialize + JsonSchema;

    /// The data it trains on.
    fn query(params: &Checked<Self>) -> Query;

    /// Learns from `batch`, starting from `previous` where that helps.
    ///
    /// # Errors
    /// Too few rows, unusable data, or an interruption passed on from [`Job::check`].
    fn train(
        params: &Checked<Self>,
        previous: Option<&Self::Model>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<Trained<Self>, ComponentError>;

    /// Answers a question from a trained model.
    ///
    /// # Errors
    /// A question the model cannot answer.
    fn answer(params: &Checked<Self>, model: &Self::Model, query: Self::Query) -> Result<Self::Answer, ComponentError>;

    /// A small planted case whose right answer is known. Health checks run it through the live path.
    fn probe() -> KnownAnswer<Self>;

    /// Measures the component on planted truth drawn from `seed`.
    ///
    /// # Errors
    /// Whatever kept it from being measured; the certificate then counts as failed.
    fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError>;
}

/// What a training run brings home.
#[derive(Clone, Debug)]
pub struct Trained<C: Component> {
    /// The new model.
    pub model: C::Model,
    /// What was found.
    pub report: C::Report,
    /// Figures about the model itself, measured on data it was not trained on.
    pub metrics: Vec<Measurement>,
}

/// A case whose answer is known.
pub struct KnownAnswer<C: Component> {
    /// What to train on.
    pub batch: TrainingBatch,
    /// What to ask.
    pub query: C::Query,
    /// Says what is wrong with an answer.
    pub verify: fn(&C::Answer) -> Result<(), String>,
}

/// A figure with its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measurement {
    /// The metric, unit last.
    pub metric: String,
    /// Its value.
    pub value: f64,
}

impl Measurement {
    /// A figure with its name.
    pub fn new(metric: impl Into<String>, value: f64) -> Self {
        Self { metric: metric.into(), value }
    }
}

/// A bar a certificate must clear.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bar {
    /// The metric it is about.
    pub metric: &'static str,
    /// From which side.
    pub direction: Direction,
    /// The value to reach.
    pub value: f64,
    /// Over the seeds, which figure is held against it.
    pub over: Over,
}

/// The side from which a bar is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The figure must be the bar or more.
    AtLeast,
    /// The figure must be the bar or less.
    AtMost,
}

/// Which of the figures of several seeds counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// Their mean.
    Mean,
    /// The worst of them.
    Worst,
}

impl Bar {
    /// The figure of several seeds that is held against the bar; `NaN` if there is none.
    #[must_use]
    pub fn figure(&self, values: &[f64]) -> f64 {
        match (self.over, self.direction) {
            (Over::Mean, _) => values.iter().sum::<f64>() / values.len() as f64,
            (Over::Worst, Direction::AtLeast) => values.iter().copied().fold(f64::NAN, f64::min),
            (Over::Worst, Direction::AtMost) => values.iter().copied().fold(f64::NAN, f64::max),
        }
    }

    /// Whether a figure clears the bar; `NaN` never does.
    #[must_use]
    pub fn cleared_by(&self, figure: f64) -> bool {
        match self.direction {
            Direction::AtLeast => figure >= self.value,
            Direction::AtMost => figure <= self.value,
        }
    }
}

/// The groups components come in, and what a failing probe of one weighs in the whole's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// The loop cannot run without it.
    Core,
    /// Finds structure in the history.
    Learning,
    /// Searches for better settings.
    Optimization,
    /// Says what is true and what is chance.
    Evaluation,
    /// Turns text and context into numbers.
    Analysis,
    /// Guards people and data.
    Security,
    /// Watches the runtime.
    Monitoring,
    /// Carries models from candidate to archive.
    Lifecycle,
}

impl Tier {
    /// The tier's weight in the whole's health score.
    #[must_use]
    pub fn weight(self) -> f64 {
        match self {
            Self::Core => 3.0,
            Self::Learning | Self::Evaluation | Self::Security => 2.0,
            Self::Optimization | Self::Analysis | Self::Monitoring | Self::Lifecycle => 1.0,
        }
    }
}

/// When the supervisor trains a component unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cadence {
    /// Only when asked.
    Manual,
    /// When this many rows are new since its last run.
    NewRows(u32),
}

/// What a component may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Budgets {
    /// Longest a training run may take.
    pub train_ms: u64,
    /// Longest an answer may take.
    pub answer_ms: u64,
}

impl Budgets {
    /// [`train_ms`](Self::train_ms) as a duration.
    #[must_use]
    pub fn train(&self) -> Duration {
        Duration::from_millis(self.train_ms)
    }

    /// [`answer_ms`](Self::answer_ms) as a duration.
    #[must_use]
    pub fn answer(&self) -> Duration {
        Duration::from_millis(self.answer_ms)
    }
}

/// Who a component is and what it needs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ComponentSpec {
    /// Its name: the file, the configuration section, the route, the metric label.
    pub name: &'static str,
    /// The group it belongs to.
    pub tier: Tier,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// The feature columns it learns from; empty means all 31. An outcome here is refused at start.
    pub inputs: &'static [&'static str],
    /// The components whose newest report it needs.
    pub consumes: &'static [&'static str],
    /// When it is trained unasked.
    pub cadence: Cadence,
    /// Fewest rows it can learn from.
    pub minimum_rows: usize,
    /// What it may use up.
    pub budgets: Budgets,
    /// Version of its snapshot's layout; a snapshot of another version is not read.
    pub snapshot_version: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_cleared_from_its_side_only() {
        let bar = Bar { metric: "m", direction: Direction::AtMost, value: 0.1, over: Over::Worst };
        assert!(bar.cleared_by(bar.figure(&[0.05, 0.1])));
        assert!(!bar.cleared_by(bar.figure(&[0.05, 0.11])));
        assert!(!bar.cleared_by(bar.figure(&[])));
        let mean = Bar { over: Over::Mean, ..bar };
        assert!(!mean.cleared_by(mean.figure(&[])));
    }
}
