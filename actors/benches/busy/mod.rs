//! A component that keeps a core busy while it trains, on a kernel with a store in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ndarray::ArcArray2;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_actors::{AnswerCache, Handle, KernelSettings};
use souffleur_core::batch::{DataQuality, Outcomes, Rows, TrainingBatch};
use souffleur_core::catalogue::Entry;
use souffleur_core::clock::Clock;
use souffleur_core::component::{
    Bar, Budgets, Cadence, Component, ComponentSpec, KnownAnswer, Measurement, Tier, Trained,
};
use souffleur_core::error::{ComponentError, Invalid};
use souffleur_core::ids::DataVersion;
use souffleur_core::job::Job;
use souffleur_core::params::Hyperparams;
use souffleur_core::query::Query;
use souffleur_core::store::memory::MemoryStore;
use souffleur_core::time::Timestamp;

struct SystemClock(Instant);

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "a benchmark's edge")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Additions of a training run, in thousands.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Effort {
    rounds: u64,
}

impl Default for Effort {
    fn default() -> Self {
        Self { rounds: 20_000 }
    }
}

impl Hyperparams for Effort {
    type Checked = Self;

    fn check(self) -> Result<Self, Invalid> {
        Ok(self)
    }
}

pub(crate) struct Busy;

impl Component for Busy {
    const SPEC: ComponentSpec = ComponentSpec {
        name: "busy",
        tier: Tier::Learning,
        summary: "keeps a core busy",
        inputs: &[],
        consumes: &[],
        cadence: Cadence::Manual,
        minimum_rows: 0,
        budgets: Budgets { train_ms: 60_000, answer_ms: 1_000 },
        snapshot_version: 1,
    };
    const BARS: &'static [Bar] = &[];
    type Params = Effort;
    type Model = u64;
    type Report = u64;
    type Query = u64;
    type Answer = u64;

    fn query(_: &Effort) -> Query {
        Query::default()
    }

    fn train(
        effort: &Effort,
        _: Option<&u64>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<Trained<Self>, ComponentError> {
        let mut sum = 0_u64;
        let rounds = if batch.version == DataVersion::default() { 1 } else { effort.rounds };
        for round in 0..rounds {
            job.tick(round, rounds)?;
            sum = (0..1_000_u64).fold(sum, |sum, i| std::hint::black_box(sum.wrapping_add(i)));
        }
        Ok(Trained { model: sum, report: sum, metrics: Vec::new() })
    }

    fn answer(_: &Effort, model: &u64, query: u64) -> Result<u64, ComponentError> {
        Ok(model.wrapping_add(query))
    }

    fn probe() -> KnownAnswer<Self> {
        let batch = TrainingBatch {
            query: Query::default(),
            version: DataVersion::default(),
            columns: Vec::new(),
            features: ArcArray2::zeros((0, 0)),
            rows: Rows::default(),
            outcomes: Outcomes::default(),
            applications: None,
            session_rules: None,
            metrics: Vec::new(),
            documents: Vec::new(),
            products: BTreeMap::new(),
            quality: DataQuality::default(),
        };
        let verify = |answer: &u64| if *answer == 499_500 { Ok(()) } else { Err(format!("{answer} is wrong")) };
        KnownAnswer { batch, query: 0, verify }
    }

    fn certify(_: u64, _: &Job) -> Result<Vec<Measurement>, ComponentError> {
        Ok(Vec::new())
    }
}

/// Starts a kernel with so many of them, and a cache if there is one.
pub(crate) fn start(components: usize, settings: KernelSettings, cache: Option<Arc<AnswerCache>>) -> Handle {
    let entry = Entry::of::<Busy>();
    let entries = (0..components).map(|i| entry.renamed(format!("busy_{i}"))).collect();
    let clock = Arc::new(SystemClock(now()));
    let store = Arc::new(MemoryStore::default());
    souffleur_actors::start(entries, BTreeMap::new(), store, clock, settings, cache).expect("a catalogue that starts")
}

#[expect(clippy::disallowed_methods, reason = "a benchmark's edge")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
