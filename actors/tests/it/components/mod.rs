//! A component that does on purpose what components do by accident.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use souffleur_core::batch::TrainingBatch;
use souffleur_core::catalogue::Entry;
use souffleur_core::component::{
    Bar, Budgets, Cadence, Component, ComponentSpec, KnownAnswer, Measurement, Tier, Trained,
};
use souffleur_core::error::{ComponentError, Invalid};
use souffleur_core::ids::DataVersion;
use souffleur_core::job::Job;
use souffleur_core::params::Hyperparams;
use souffleur_core::query::Query;

pub mod batch;

/// What to do in one call.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// What was asked.
    #[default]
    Right,
    /// The wrong thing.
    Wrong,
    /// Work for so many milliseconds, giving signs of life.
    Work(u64),
    /// Work for so many milliseconds without a sign of life, deaf to cancellation.
    Deaf(u64),
    /// Panic.
    Panic,
    /// Fail with an error.
    Fail,
}

/// One list of steps per kind of call: the n-th call does the n-th step, later ones repeat the last.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Tells this script's counts from those of other tests.
    pub key: String,
    /// Reading the parameters. The first call is made by the check before the start.
    pub params: Vec<Step>,
    /// Training.
    pub train: Vec<Step>,
    /// Training on the probe's case.
    pub probe: Vec<Step>,
    /// Answering.
    pub answer: Vec<Step>,
    /// Whether the model panics when it is dropped.
    pub model_panics_when_dropped: bool,
    /// Whether the model panics when it is read back.
    pub model_panics_when_read: bool,
}

static CALLS: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// How often a script's kind of call was made.
pub fn calls(key: &str, kind: &str) -> usize {
    let calls = CALLS.lock().unwrap_or_else(PoisonError::into_inner);
    calls.get(&format!("{key}/{kind}")).copied().unwrap_or(0)
}

impl Script {
    fn step(&self, kind: &str, steps: &[Step]) -> Step {
        let mut calls = CALLS.lock().unwrap_or_else(PoisonError::into_inner);
        let count = calls.entry(format!("{}/{kind}", self.key)).or_default();
        let step = steps.get(*count).or(steps.last()).cloned().unwrap_or_default();
        *count += 1;
        step
    }
}

impl Hyperparams for Script {
    type Checked = Script;

    fn check(self) -> Result<Script, Invalid> {
        match self.step("params", &self.params) {
            Step::Panic => panic!("scripted panic while reading parameters"),
            Step::Fail => Err(Invalid::new("params", "scripted", "nothing would be right")),
            _ => Ok(self),
        }
    }
}

/// What a run learnt: how many runs came before it, and from how many rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Model {
    generation: u64,
    rows: usize,
    panics_when_dropped: bool,
    #[serde(deserialize_with = "may_panic")]
    panics_when_read: bool,
}

fn may_panic<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let panics = bool::deserialize(deserializer)?;
    assert!(!panics, "scripted panic while reading a model");
    Ok(panics)
}

impl Drop for Model {
    fn drop(&mut self) {
        assert!(!self.panics_when_dropped || std::thread::panicking(), "scripted panic while dropping a model");
    }
}

/// What a run found.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Rows it saw.
    pub rows: usize,
    /// Producers whose report it was handed.
    pub products: Vec<String>,
}

/// What can be asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Comes back in the answer.
    #[serde(default)]
    pub echo: u64,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// How many runs came before the model's.
    pub generation: u64,
    /// Rows the model was trained on.
    pub rows: usize,
    /// What was asked.
    pub echo: u64,
}

fn work(ms: u64, job: &Job) -> Result<(), ComponentError> {
    for done in 0..ms {
        job.tick(done, ms)?;
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(job.check()?)
}

/// Marks the probe's batch.
const PROBE: DataVersion = DataVersion { watermark: souffleur_core::ids::Seq(-1), schema_hash: 0 };

fn train(
    script: &Script,
    previous: Option<&Model>,
    batch: &TrainingBatch,
    job: &Job,
) -> Result<(Model, Report), ComponentError> {
    let probing = batch.version == PROBE;
    let step = if probing { script.step("probe", &script.probe) } else { script.step("train", &script.train) };
    let mut rows = batch.len();
    match step {
        Step::Right => work(0, job)?,
        Step::Wrong => rows += 1,
        Step::Work(ms) => work(ms, job)?,
        Step::Deaf(ms) => std::thread::sleep(Duration::from_millis(ms)),
        Step::Panic => panic!("scripted panic while training"),
        Step::Fail => return Err(ComponentError::Data("scripted failure".to_owned())),
    }
    let model = Model {
        generation: previous.map_or(0, |previous| previous.generation + 1),
        rows,
        panics_when_dropped: script.model_panics_when_dropped && !probing,
        panics_when_read: script.model_panics_when_read,
    };
    Ok((model, Report { rows, products: batch.products.keys().cloned().collect() }))
}

fn answer(script: &Script, model: &Model, ask: &Ask) -> Result<Answer, ComponentError> {
    // The probe's echo.
    if ask.echo != u64::MAX {
        match script.step("answer", &script.answer) {
            Step::Work(ms) | Step::Deaf(ms) => std::thread::sleep(Duration::from_millis(ms)),
            Step::Panic => panic!("scripted panic while answering"),
            Step::Fail => return Err(ComponentError::Query("scripted failure".to_owned())),
            Step::Right | Step::Wrong => {}
        }
    }
    Ok(Answer { generation: model.generation, rows: model.rows, echo: ask.echo })
}

fn known_answer<C: Component<Query = Ask, Answer = Answer>>() -> KnownAnswer<C> {
    KnownAnswer {
        batch: batch::of_rows(3, PROBE),
        query: Ask { echo: u64::MAX },
        verify: |answer| match answer.rows {
            3 => Ok(()),
            rows => Err(format!("{rows} rows instead of 3")),
        },
    }
}

const SPEC: ComponentSpec = ComponentSpec {
    name: "scripted",
    tier: Tier::Learning,
    summary: "does what its script says",
    inputs: &[],
    consumes: &[],
    cadence: Cadence::Manual,
    minimum_rows: 2,
    budgets: Budgets { train_ms: 2_000, answer_ms: 300 },
    snapshot_version: 1,
};

/// Declares a component that follows its script, under another spec.
macro_rules! scripted {
    ($(#[$doc:meta])* $name:ident, $spec:expr) => {
        $(#[$doc])*
        pub struct $name;

        impl Component for $name {
            const SPEC: ComponentSpec = $spec;
            const BARS: &'static [Bar] = &[];
            type Params = Script;
            type Model = Model;
            type Report = Report;
            type Query = Ask;
            type Answer = Answer;

            fn query(_: &Script) -> Query {
                Query::default()
            }

            fn train(
                script: &Script,
                previous: Option<&Model>,
                batch: &TrainingBatch,
                job: &Job,
            ) -> Result<Trained<Self>, ComponentError> {
                let (model, report) = train(script, previous, batch, job)?;
                Ok(Trained { model, report, metrics: vec![Measurement::new("rows", batch.len() as f64)] })
            }

            fn answer(script: &Script, model: &Model, query: Ask) -> Result<Answer, ComponentError> {
                answer(script, model, &query)
            }

            fn probe() -> KnownAnswer<Self> {
                known_answer()
            }

            fn certify(_: u64, _: &Job) -> Result<Vec<Measurement>, ComponentError> {
                Ok(Vec::new())
            }
        }
    };
}

scripted!(
    /// Trains when asked to.
    Scripted,
    SPEC
);
scripted!(
    /// Trains whenever ten rows are new.
    Eager,
    ComponentSpec { name: "eager", cadence: Cadence::NewRows(10), ..SPEC }
);
scripted!(
    /// Consumes from `scripted`.
    Consumer,
    ComponentSpec { name: "consumer", consumes: &["scripted"], ..SPEC }
);

/// [`Scripted`] in a catalogue.
pub const SCRIPTED: Entry = Entry::of::<Scripted>();
/// [`Eager`] in a catalogue.
pub const EAGER: Entry = Entry::of::<Eager>();
/// [`Consumer`] in a catalogue.
pub const CONSUMER: Entry = Entry::of::<Consumer>();
