//! A component small enough to know every answer of, and with every fault a component can have.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use souffleur_core::batch::{DataQuality, Outcomes, Rows, TrainingBatch};
use souffleur_core::catalogue::Entry;
use souffleur_core::component::{
    Bar, Budgets, Cadence, Component, ComponentSpec, Direction, KnownAnswer, Measurement, Tier, Trained,
};
use souffleur_core::error::{ComponentError, Invalid};
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::job::Job;
use souffleur_core::params::Hyperparams;
use souffleur_core::query::{FeatureSet, Query};
use souffleur_core::runner::{ErasedModel, ErasedParams, ErasedTrained, Runner, Schemas};

/// Learns the mean success of all sessions.
pub struct MeanSuccess;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Weight of what was believed before.
    prior_weight: f64,
    /// How long training is drawn out, in milliseconds.
    work_ms: u64,
    /// Whether it keeps a processor busy meanwhile.
    busy: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self { prior_weight: 0.0, work_ms: 0, busy: false }
    }
}

impl Hyperparams for Params {
    type Checked = Self;

    fn check(self) -> Result<Self, Invalid> {
        if !(0.0..=1e6).contains(&self.prior_weight) {
            let problem = format!("is {}", self.prior_weight);
            return Err(Invalid::new("prior_weight", problem, "it must lie in [0, 1000000]"));
        }
        Ok(self)
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Mean(f64);

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The mean.
    mean: f64,
    /// Sessions it was taken over.
    sessions: usize,
}

/// What to do with the mean.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Tell it, moved by this much.
    MovedBy(f64),
    /// Fail.
    Panic,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    /// The mean, moved.
    value: f64,
}

impl Component for MeanSuccess {
    const SPEC: ComponentSpec = ComponentSpec {
        name: "mean_success",
        tier: Tier::Learning,
        summary: "The mean success of all sessions.",
        inputs: &[],
        consumes: &[],
        cadence: Cadence::Manual,
        minimum_rows: 2,
        budgets: Budgets { train_ms: 20_000, answer_ms: 2_000 },
        snapshot_version: 1,
    };
    const BARS: &'static [Bar] = &[];

    type Params = Params;
    type Model = Mean;
    type Report = Report;
    type Query = Question;
    type Answer = Answer;

    fn query(_: &Params) -> Query {
        Query::training_data(FeatureSet::None)
    }

    fn train(
        params: &Params,
        _: Option<&Mean>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<Trained<Self>, ComponentError> {
        let known: Vec<f64> =
            batch.outcomes.success_score.iter().filter(|s| !s.is_nan()).map(|s| f64::from(*s)).collect();
        if known.len() < 2 {
            return Err(ComponentError::TooFewRows { what: "labelled sessions", have: known.len(), need: 2 });
        }
        for done in 0..params.work_ms {
            job.tick(done, params.work_ms)?;
            let began = Instant::now();
            while params.busy && began.elapsed() < Duration::from_millis(1) {
                std::hint::black_box(batch.outcomes.success_score.iter().sum::<f32>());
            }
            if !params.busy {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        let weight = params.prior_weight;
        let mean = (known.iter().sum::<f64>() + weight * 0.5) / (known.len() as f64 + weight);
        let report = Report { mean, sessions: known.len() };
        Ok(Trained { model: Mean(mean), report, metrics: vec![Measurement::new("mean", mean)] })
    }

    fn answer(_: &Params, model: &Mean, query: Question) -> Result<Answer, ComponentError> {
        match query {
            Question::MovedBy(by) if by.abs() <= 1.0 => Ok(Answer { value: model.0 + by }),
            Question::MovedBy(by) => Err(ComponentError::Query(format!("moved_by is {by}; it must lie in [-1, 1]"))),
            Question::Panic => panic!("asked to"),
        }
    }

    fn probe() -> KnownAnswer<Self> {
        let success_score = vec![0.25, 0.75];
        let rows = Rows {
            seq: vec![Seq(1), Seq(2)],
            session: vec![Seq(1), Seq(2)],
            event_time_us: vec![0, 1],
            synthetic: vec![false; 2],
        };
        let batch = TrainingBatch {
            query: Query::training_data(FeatureSet::None),
            version: DataVersion::default(),
            columns: Vec::new(),
            features: Default::default(),
            rows,
            outcomes: Outcomes { success_score, ..Outcomes::default() },
            applications: None,
            session_rules: None,
            metrics: Vec::new(),
            documents: Vec::new(),
            products: Default::default(),
            quality: DataQuality::default(),
        };
        let verify = |answer: &Answer| {
            if (answer.value - 0.5).abs() < 1e-9 { Ok(()) } else { Err(format!("{} is not 0.5", answer.value)) }
        };
        KnownAnswer { batch, query: Question::MovedBy(0.0), verify }
    }

    fn certify(_: u64, _: &Job) -> Result<Vec<Measurement>, ComponentError> {
        Ok(Vec::new())
    }
}

/// The component's row of a catalogue.
pub fn entry() -> Entry {
    Entry::of::<MeanSuccess>()
}

/// [`MeanSuccess`] under another name, with something of it declared otherwise.
macro_rules! like_mean_success {
    ($(#[$attribute:meta])* $name:ident, $spec:expr $(, $headline:expr)?) => {
        $(#[$attribute])*
        struct $name;

        $(#[$attribute])*
        impl Component for $name {
            const SPEC: ComponentSpec = $spec;
            const BARS: &'static [Bar] = &[];
            $(const HEADLINE: Option<(&'static str, Direction)> = $headline;)?

            type Params = Params;
            type Model = Mean;
            type Report = Report;
            type Query = Question;
            type Answer = Answer;

            fn query(params: &Params) -> Query {
                MeanSuccess::query(params)
            }

            fn train(
                params: &Params,
                previous: Option<&Mean>,
                batch: &TrainingBatch,
                job: &Job,
            ) -> Result<Trained<Self>, ComponentError> {
                let Trained { model, report, metrics } = MeanSuccess::train(params, previous, batch, job)?;
                Ok(Trained { model, report, metrics })
            }

            fn answer(params: &Params, model: &Mean, query: Question) -> Result<Answer, ComponentError> {
                MeanSuccess::answer(params, model, query)
            }

            fn probe() -> KnownAnswer<Self> {
                let KnownAnswer { batch, query, verify } = MeanSuccess::probe();
                KnownAnswer { batch, query, verify }
            }

            fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
                MeanSuccess::certify(seed, job)
            }
        }
    };
}

like_mean_success! {
    /// [`MeanSuccess`] whose mean is the figure a model is judged by.
    JudgedMean,
    ComponentSpec { name: "judged_mean", ..MeanSuccess::SPEC },
    Some(("mean", Direction::AtLeast))
}

/// The row of a component whose models are judged by their mean.
pub fn judged() -> Entry {
    Entry::of::<JudgedMean>()
}

/// New rows after which [`EagerMean`] trains again.
#[cfg(feature = "postgres")]
pub const EAGER_ROWS: u64 = 25;

like_mean_success! {
    /// [`MeanSuccess`] that trains without being asked.
    #[cfg(feature = "postgres")]
    EagerMean,
    ComponentSpec { name: "eager_mean", cadence: Cadence::NewRows(EAGER_ROWS as u32), ..MeanSuccess::SPEC }
}

/// A row of a catalogue with [`EagerMean`] under this name.
#[cfg(feature = "postgres")]
pub fn eager(name: &'static str) -> Entry {
    Entry { name: name.into(), runner: Entry::of::<EagerMean>().runner }
}

/// [`MeanSuccess`] whose description panics: a fault in the service itself, outside the runtime's fence.
struct BrokenDescription;

impl Runner for BrokenDescription {
    fn spec(&self) -> &'static ComponentSpec {
        entry().runner.spec()
    }

    fn bars(&self) -> &'static [Bar] {
        panic!("no bars today")
    }

    fn schemas(&self) -> Schemas {
        entry().runner.schemas()
    }

    fn default_params(&self) -> Result<Value, ComponentError> {
        entry().runner.default_params()
    }

    fn params(&self, section: &Value) -> Result<ErasedParams, ComponentError> {
        entry().runner.params(section)
    }

    fn query(&self, params: &ErasedParams) -> Result<Query, ComponentError> {
        entry().runner.query(params)
    }

    fn train(
        &self,
        params: &ErasedParams,
        previous: Option<&ErasedModel>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<ErasedTrained, ComponentError> {
        entry().runner.train(params, previous, batch, job)
    }

    fn answer(&self, params: &ErasedParams, model: &ErasedModel, query: &Value) -> Result<Value, ComponentError> {
        entry().runner.answer(params, model, query)
    }

    fn restore(&self, snapshot: &[u8]) -> Result<ErasedModel, ComponentError> {
        entry().runner.restore(snapshot)
    }

    fn probe(&self, params: &ErasedParams, job: &Job) -> Result<(), ComponentError> {
        entry().runner.probe(params, job)
    }

    fn example(&self) -> Result<(TrainingBatch, Value), ComponentError> {
        entry().runner.example()
    }

    fn certify(&self, seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
        entry().runner.certify(seed, job)
    }
}

/// The broken one's row of a catalogue.
pub fn broken() -> Entry {
    Entry { name: "broken_description".into(), runner: &BrokenDescription }
}
