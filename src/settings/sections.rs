//! The sections of the settings. The doc comments here are the manual; the values are in `config/default.toml`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// Every setting of the runtime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the data lives.
    pub data: Data,
    /// The HTTP service.
    pub http: Http,
    /// How components are run, watched and restarted.
    pub supervision: Supervision,
    /// The training-data loader and its memory.
    pub loader: Loader,
    /// The database.
    pub store: Store,
    /// The registry of models.
    pub registry: Registry,
    /// How much history is kept.
    pub retention: Retention,
    /// What the recorded data is held to.
    pub contract: Contract,
    /// Answers kept for questions that are asked again.
    pub cache: Cache,
    /// Health checks.
    pub health: Health,
    /// The loop that feeds what the runtime measures of itself back as data.
    pub analytics: Analytics,
    /// The log.
    pub telemetry: Telemetry,
    /// The components: one section per component, named after it.
    #[serde(default)]
    pub components: BTreeMap<String, Value>,
}

/// Where the data lives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Directory of the database; made if it is not there.
    pub dir: PathBuf,
}

/// The HTTP service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address to listen on. Anything but a loopback address needs `api_keys`.
    pub bind: IpAddr,
    /// Port to listen on; 0 lets the system choose.
    pub port: u16,
    /// Keys of which every request must carry one, as `Authorization: Bearer KEY` or `X-API-Key: KEY`.
    /// An empty list lets everybody in who can reach the port. `/livez` and `/readyz` never ask.
    pub api_keys: Vec<ApiKey>,
    /// Threads that serve requests.
    #[schemars(range(min = 1, max = 64))]
    pub workers: usize,
    /// Connections open at the same time, per thread.
    #[schemars(range(min = 1, max = 100_000))]
    pub connections_max: usize,
    /// Largest request body.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub body_limit_bytes: usize,
    /// Most records in one request.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub records_max: usize,
    /// Most rows of a batch in one answer.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub batch_limit_rows: usize,
    /// Longest a request may take; an event stream is none, a training run has a limit of its own.
    #[schemars(range(min = 10, max = 3_600_000))]
    pub request_timeout_ms: u64,
    /// Longest a request may wait for a training run.
    #[schemars(range(min = 10, max = 86_400_000))]
    pub train_timeout_ms: u64,
    /// Requests a second that are let through in the long run, all clients taken together.
    /// Health, readiness and liveness are not counted.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub rate_limit_per_s: u32,
    /// Requests let through at once after a pause.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst: u32,
    /// Event streams open at the same time.
    #[schemars(range(min = 1, max = 10_000))]
    pub event_streams_max: usize,
    /// Pause after which an idle event stream shows a sign of life.
    #[schemars(range(min = 100, max = 600_000))]
    pub event_keep_alive_ms: u64,
    /// Longest the service waits for open requests when it stops.
    #[schemars(range(min = 0, max = 600_000))]
    pub shutdown_timeout_ms: u64,
}

impl Http {
    /// The address to listen on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.bind, self.port)
    }
}

/// A secret a client proves itself with. It is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ApiKey(#[schemars(length(min = 16), extend("writeOnly" = true))] String);

impl ApiKey {
    /// Fewest characters of a key.
    pub const SHORTEST: usize = 16;

    /// A key. Settings that hold one shorter than [`SHORTEST`](Self::SHORTEST) are refused.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key in the clear.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey(not shown)")
    }
}

impl Serialize for ApiKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(not shown)")
    }
}

/// How components are run, watched and restarted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Supervision {
    /// Training runs and probes at the same time; 0 takes one less than there are processors, at least 1.
    #[schemars(range(min = 0, max = 256))]
    pub compute_slots: usize,
    /// Answers computed at the same time; 0 takes the number of processors, between 2 and 8.
    #[schemars(range(min = 0, max = 256))]
    pub answer_slots: usize,
    /// Answers that may wait for a slot before callers are told to come back.
    #[schemars(range(min = 1, max = 65_536))]
    pub answer_queue: usize,
    /// Calls one component may hold, waiting and running, before callers are told to come back.
    #[schemars(range(min = 1, max = 4_096))]
    pub component_queue: usize,
    /// Hung threads that are replaced by new ones before slots are lost.
    #[schemars(range(min = 0, max = 64))]
    pub abandoned_max: usize,
    /// Failures within `restart_period_ms` that are answered by a restart; one more sets the component aside
    /// (quarantine).
    #[schemars(range(min = 0, max = 1000))]
    pub restart_intensity: usize,
    /// The window in which failures are counted.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub restart_period_ms: u64,
    /// Pause before the first restart; it doubles with each one that follows.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub backoff_min_ms: u64,
    /// Longest pause before a restart; not below `backoff_min_ms`.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub backoff_max_ms: u64,
    /// How far a pause is moved at random, in percent of itself.
    #[schemars(range(min = 0, max = 50))]
    pub backoff_jitter_percent: u8,
    /// A component that worked this long starts again with the shortest pause.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub healthy_after_ms: u64,
    /// Time after which a component in quarantine is tried again, not below `restart_period_ms`; 0 waits for an
    /// operator.
    #[schemars(range(min = 0, max = 2_592_000_000_u64))]
    pub quarantine_retry_ms: u64,
    /// Times a job that crashes its component is tried.
    #[schemars(range(min = 1, max = 10))]
    pub attempts_max: u32,
    /// Longest a component may take to read its parameters and its last model.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub start_deadline_ms: u64,
    /// Time between asking a job to stop and giving its thread up.
    #[schemars(range(min = 1, max = 60_000))]
    pub grace_ms: u64,
    /// A running job that shows no sign of life for this long counts as hung.
    #[schemars(range(min = 10, max = 3_600_000))]
    pub stall_ms: u64,
    /// How often running jobs are looked at; not above `stall_ms`.
    #[schemars(range(min = 1, max = 10_000))]
    pub watch_interval_ms: u64,
    /// Longest a shutdown waits for running jobs before they are cancelled.
    #[schemars(range(min = 0, max = 600_000))]
    pub drain_deadline_ms: u64,
    /// Events a slow listener may lag behind before it misses some.
    #[schemars(range(min = 16, max = 65_536))]
    pub event_capacity: usize,
    /// Whether components train by themselves when enough rows are new, and make up for runs a crash cut short.
    pub train_unasked: bool,
    /// Seed of the random part of pauses.
    pub seed: u32,
}

/// The training-data loader and its memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loader {
    /// Most memory the image of the history may take; the oldest rows give way.
    #[schemars(range(min = 1_048_576, max = 1_099_511_627_776_u64))]
    pub memory_limit_bytes: usize,
    /// Requests the loader may hold before callers are told to come back.
    #[schemars(range(min = 1, max = 4_096))]
    pub queue_capacity: usize,
    /// Longest wait for one batch.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub batch_deadline_ms: u64,
}

/// The database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Address of a PostgreSQL database, which several runtimes may share: `postgres://user:password@host/database`.
    /// Empty takes a file in the data directory, for one runtime. It is never shown, for it may hold a password.
    pub url: DatabaseUrl,
    /// Longest wait for one write.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub write_deadline_ms: u64,
    /// Write requests that may wait for the database before callers are told to come back.
    #[schemars(range(min = 1, max = 65_536))]
    pub queue_capacity: usize,
    /// Records that may wait in all requests together.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub queue_rows: usize,
    /// Records after which no further request joins a transaction.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub group_commit_rows: usize,
    /// Connections for reading.
    #[schemars(range(min = 1, max = 64))]
    pub readers: usize,
    /// Longest wait for a lock another process holds, or for a free reader.
    #[schemars(range(min = 1, max = 600_000))]
    pub busy_timeout_ms: u64,
    /// What a caller who found the queue full is told to wait.
    #[schemars(range(min = 1, max = 60_000))]
    pub retry_after_ms: u64,
    /// When a write counts as kept.
    pub durability: Durability,
    /// Bytes the database file may grow to; a write beyond it fails as on a full disk.
    #[schemars(range(min = 1_048_576, max = 281_474_976_710_656_u64))]
    pub file_bytes_max: u64,
    /// Pages the write-ahead log may grow to before they are moved into the database file.
    #[schemars(range(min = 100, max = 10_000_000))]
    pub checkpoint_pages: u32,
}

/// How much history is kept. What is beyond is erased for good, with everything made from it, and what was trained on it is
/// trained anew: as by `souffleur erase`. The daemon looks by itself; `souffleur retain` looks once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Days for which sessions are kept after they happened; 0 keeps them for ever.
    #[schemars(range(min = 0, max = 100_000))]
    pub age_days: u32,
    /// Bytes the database may use, models and documents included, before the sessions that happened longest ago are erased; 0
    /// sets no limit. Not for a database on a server.
    #[schemars(range(min = 0, max = 1_125_899_906_842_624_u64))]
    pub used_bytes_max: u64,
    /// How often the daemon looks.
    #[schemars(range(min = 1000, max = 604_800_000))]
    pub check_ms: u64,
}

/// What the recorded data is held to: from where on something is a finding of `souffleur data check`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Share of the newest sessions that are compared with the earlier ones. Between 0 and 1, both excluded.
    #[schemars(range(min = 0, max = 1))]
    pub recent_share: f64,
    /// Sessions each side of a comparison needs at least.
    #[schemars(range(min = 2, max = 1_000_000))]
    pub rows_min: usize,
    /// Sessions drawn for each side of a comparison at most; at least `rows_min`.
    #[schemars(range(min = 2, max = 1_000_000))]
    pub sample_rows: usize,
    /// Population stability index beyond chance from which on a column has drifted; above 0.
    #[schemars(range(min = 0, max = 1000))]
    pub drift_from: f64,
    /// The same from which on it is another distribution, which is an error; at least `drift_from`.
    #[schemars(range(min = 0, max = 1000))]
    pub drift_severe_from: f64,
    /// False discovery rate of the tests of all columns. Between 0 and 1, both excluded.
    #[schemars(range(min = 0, max = 1))]
    pub fdr: f64,
    /// Share of sessions that equal an earlier one from which on it is a finding. Between 0 and 1, both excluded.
    #[schemars(range(min = 0, max = 1))]
    pub duplicates_from: f64,
    /// Rate of flipped outcomes from which on it is a finding. Between 0 and 1, both excluded.
    #[schemars(range(min = 0, max = 1))]
    pub label_noise_from: f64,
    /// Area under the curve, and rank correlation, of a single column from which on it gives the outcome away, which is an
    /// error. Between 0 and 1, both excluded.
    #[schemars(range(min = 0, max = 1))]
    pub leak_from: f64,
    /// The same from which on it is suspected to.
    #[schemars(range(min = 0, max = 1))]
    pub leak_suspected_from: f64,
    /// Age of the newest session from which on the data is stale.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub stale_after_hours: u32,
}

/// The registry of models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// Key that manifests of models are signed with, the same for all runtimes that share a database. Empty takes the file
    /// `model.key` in the data directory, made if it is not there; beside a database on a server nothing is signed then.
    /// It is never shown.
    pub key: ModelKey,
    /// Whether a model that passes the gate is live at once; otherwise it waits to be promoted by hand.
    pub promote_unasked: bool,
    /// How much worse than the live model's a new model's headline figure may be for the gate.
    #[schemars(range(min = 0, max = 1000))]
    pub gate_tolerance: f64,
    /// Models of a component whose snapshots are kept beside the live one and those with an alias: the newest ones.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub keep_models: usize,
    /// Whether components whose live model contained erased data are trained anew at once. Otherwise they answer from the
    /// newest model that contains none, or not at all, until they are trained.
    pub retrain_erased: bool,
}

/// A secret that manifests are signed with. It is never shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ModelKey(#[schemars(extend("writeOnly" = true))] String);

impl ModelKey {
    /// A key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key in the clear; `None` if there is none.
    #[must_use]
    pub fn reveal(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|key| !key.is_empty())
    }
}

impl std::fmt::Debug for ModelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "ModelKey(none)" } else { "ModelKey(not shown)" })
    }
}

impl Serialize for ModelKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { "(not shown)" })
    }
}

/// The address of a database, with what it takes to be let in. It is never shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DatabaseUrl(#[schemars(extend("writeOnly" = true))] String);

impl DatabaseUrl {
    /// An address.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The address in the clear; `None` if there is none.
    #[must_use]
    pub fn reveal(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|url| !url.is_empty())
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "DatabaseUrl(none)" } else { "DatabaseUrl(not shown)" })
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { "(not shown)" })
    }
}

/// When a write counts as kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// It survives the end of the process, however sudden; a power cut may cost the last writes.
    Normal,
    /// It survives a power cut too.
    Full,
}

/// Answers kept for questions that are asked again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Most memory the answers may take; what is asked least gives way. 0 keeps none, here or in Redis.
    #[schemars(range(min = 0, max = 1_099_511_627_776_u64))]
    pub capacity_bytes: u64,
    /// How long an answer is kept. It is never stale: a new model does not see the answers of the one before.
    #[schemars(range(min = 1, max = 2_592_000_000_u64))]
    pub ttl_ms: u64,
    /// Address of a Redis server in which runtimes of the same program find each other's answers:
    /// `redis://:password@host:6379/0`, or `redis+unix:///path/of/its/socket`. Empty takes none.
    /// It is never shown, for it may hold a password.
    pub redis_url: DatabaseUrl,
    /// Longest the Redis server may take to answer. One that takes longer is left alone for a while; no request fails.
    #[schemars(range(min = 1, max = 10_000))]
    pub redis_timeout_ms: u64,
}

/// Health checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Time between two probes of the same component.
    #[schemars(range(min = 10, max = 86_400_000))]
    pub probe_interval_ms: u64,
    /// Longest a probe may compute.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub probe_deadline_ms: u64,
    /// How often changes of health are written down.
    #[schemars(range(min = 10, max = 60_000))]
    pub flush_ms: u64,
}

/// The loop that feeds what the runtime measures of itself back as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Analytics {
    /// Time between two rounds; 0 switches the loop off.
    #[schemars(range(min = 0, max = 86_400_000))]
    pub interval_ms: u64,
}

/// The log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// How a line of the log looks.
    pub format: LogFormat,
    /// What is logged: a level (`error`, `warn`, `info`, `debug`, `trace`), or one per module, as `info,souffleur=debug`.
    pub filter: String,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}
