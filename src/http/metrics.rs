//! Counters and latencies in the text format of Prometheus (OpenMetrics).

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use souffleur_actors::RuntimeMetrics;
use souffleur_actors::health::{Percentiles, RunCounts, State as ComponentState};
use souffleur_cache::{CacheStatus, LevelState};

use super::problem::{INTERNAL, Problem};
use super::state::State;

/// The media type of the answer.
pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;
type Counts = Family<Labels, Counter<f64, AtomicU64>>;

/// What the service counts of itself.
pub(super) struct Counters {
    requests: Family<Labels, Counter>,
    latency: Family<Labels, Histogram>,
}

impl Default for Counters {
    fn default() -> Self {
        let buckets = || Histogram::new([0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0]);
        Self { requests: Family::default(), latency: Family::new_with_constructor(buckets) }
    }
}

impl Counters {
    /// Counts one request.
    pub(super) fn count(&self, path: &'static str, status: u16, took: Duration) {
        let path = ("path", path.to_owned());
        self.requests.get_or_create(&vec![path.clone(), ("status", status.to_string())]).inc();
        self.latency.get_or_create(&vec![path]).observe(took.as_secs_f64());
    }
}

pub(super) async fn show(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let mut registry = Registry::with_prefix("souffleur");
    let counters = &state.counters;
    registry.register("http_requests", "Requests served", counters.requests.clone());
    registry.register("http_request_seconds", "How long requests took", counters.latency.clone());
    let health = state.runtime.health();
    runtime(&mut registry, &state.runtime.metrics(), health.score, state.runtime.is_ready());
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|e| Problem::new(INTERNAL, format!("the metrics cannot be written: {e}")))?;
    Ok(HttpResponse::Ok().content_type(MEDIA_TYPE).body(text))
}

/// Registers figures under names as they come.
struct Figures<'a>(&'a mut Registry);

impl Figures<'_> {
    fn gauge(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, f64)>) {
        let family = Gauges::default();
        values.into_iter().for_each(|(labels, value)| {
            family.get_or_create(&labels).set(value);
        });
        self.0.register(name, help, family);
    }

    fn counter(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, f64)>) {
        let family = Counts::default();
        values.into_iter().for_each(|(labels, value)| {
            family.get_or_create(&labels).inc_by(value);
        });
        self.0.register(name, help, family);
    }
}

fn percentiles(labels: &Labels, p: &Percentiles) -> [(Labels, f64); 4] {
    [("0.5", p.p50_ms), ("0.95", p.p95_ms), ("0.99", p.p99_ms), ("1", p.max_ms)].map(|(quantile, value)| {
        let mut labels = labels.clone();
        labels.push(("quantile", quantile.to_owned()));
        (labels, value)
    })
}

fn runtime(registry: &mut Registry, metrics: &RuntimeMetrics, score: f64, ready: bool) {
    let none = Labels::new;
    let mut figures = Figures(registry);
    figures.gauge("health_score", "Weighted share of the probes that passed", [(none(), score)]);
    figures.gauge("ready", "Whether the runtime takes work", [(none(), f64::from(u8::from(ready)))]);
    figures.gauge("uptime_ms", "How long the runtime runs", [(none(), metrics.uptime_ms as f64)]);
    figures.gauge("watermark", "The newest row's place in the global order", [(none(), metrics.watermark.0 as f64)]);
    figures.gauge("control_lag_ms", "How late the control thread was", [(none(), metrics.control_lag_ms)]);
    figures.counter("records_appended", "Records appended", [(none(), metrics.records_appended as f64)]);
    let latencies = [("append", &metrics.append_latency), ("feedback", &metrics.feedback_latency)];
    let latencies = latencies.iter().flat_map(|(of, p)| percentiles(&vec![("of", (*of).to_owned())], p));
    figures.gauge("latency_ms", "Latency of appends, and of rows becoming usable", latencies);
    let pools = [("compute", metrics.compute), ("answer", metrics.answer)];
    let pool = |value: fn(&souffleur_actors::outcome::SlotUsage) -> usize| {
        pools.map(|(name, usage)| (vec![("pool", name.to_owned())], value(&usage) as f64))
    };
    figures.gauge("slots", "Slots for work", pool(|usage| usage.slots));
    figures.gauge("slots_busy", "Slots at work", pool(|usage| usage.busy));
    figures.gauge("slots_queued", "Jobs waiting for a slot", pool(|usage| usage.queued));
    figures.gauge("slots_abandoned", "Threads given up", pool(|usage| usage.abandoned));
    if let Some(status) = &metrics.cache {
        cache(&mut figures, status);
    }
    components(&mut figures, metrics);
}

fn cache(figures: &mut Figures<'_>, status: &CacheStatus) {
    let level = &status.second_level;
    let one = |value: u64| [(Labels::new(), value as f64)];
    figures.counter("cache_hits", "Questions answered from memory", one(status.hits));
    figures.counter("cache_misses", "Questions not answered from memory", one(status.misses));
    figures.counter("cache_joined", "Misses that waited for another's answer", one(status.joined));
    figures.counter("cache_loads", "Answers computed for the cache", one(status.loads));
    figures.counter("cache_failures", "Answers that came to nothing", one(status.failures));
    figures.gauge("cache_entries", "Answers kept in memory", one(status.entries));
    figures.gauge("cache_used_bytes", "Memory they take", one(status.used_bytes));
    figures.gauge("cache_capacity_bytes", "Memory they may take", one(status.capacity_bytes));
    figures.counter("cache_second_level_hits", "Answers found in the second level", one(status.second_level_hits));
    figures.counter(
        "cache_second_level_damaged",
        "Entries that were not what was put there",
        one(status.second_level_damaged),
    );
    figures.counter("cache_second_level_skipped", "Looks that could not be had in time", one(level.skipped));
    figures.counter("cache_second_level_unkept", "Answers that were not kept there", one(level.unkept));
    let state =
        |state: LevelState| (vec![("state", state.name().to_owned())], f64::from(u8::from(state == level.state)));
    figures.gauge("cache_second_level_state", "1 for the state the second level is in", LevelState::ALL.map(state));
}

fn components(figures: &mut Figures<'_>, metrics: &RuntimeMetrics) {
    use souffleur_actors::outcome::ComponentMetrics;
    let all = &metrics.components;
    let label = |c: &ComponentMetrics| vec![("component", c.name.clone())];
    type Row = (&'static str, &'static str, fn(&ComponentMetrics) -> f64);
    let counters: [Row; 7] = [
        ("answers", "Answers given", |c| c.answers as f64),
        ("answer_errors", "Questions that ended with an error", |c| c.answer_errors as f64),
        ("busy", "Calls turned away", |c| c.busy as f64),
        ("restarts", "Restarts", |c| c.restarts as f64),
        ("probes_passed", "Probes that passed", |c| c.probes_passed as f64),
        ("probes_failed", "Probes that failed", |c| c.probes_failed as f64),
        ("train_time_ms", "Time spent training", |c| c.train_sum_ms),
    ];
    for (name, help, value) in counters {
        figures.counter(&format!("component_{name}"), help, all.iter().map(|c| (label(c), value(c))));
    }
    let runs = |c: &ComponentMetrics| {
        let RunCounts { succeeded, failed, cancelled } = c.runs;
        [("succeeded", succeeded), ("failed", failed), ("cancelled", cancelled)].map(|(outcome, n)| {
            let mut labels = label(c);
            labels.push(("outcome", outcome.to_owned()));
            (labels, n as f64)
        })
    };
    figures.counter("component_runs", "Training runs", all.iter().flat_map(runs));
    figures.gauge(
        "component_mailbox_depth",
        "Calls queued and running.",
        all.iter().map(|c| (label(c), c.mailbox_depth as f64)),
    );
    figures.gauge(
        "component_lag_rows",
        "Rows newer than the model's data.",
        all.iter().map(|c| (label(c), c.lag_rows as f64)),
    );
    figures.gauge(
        "component_answer_latency_ms",
        "How long answers took",
        all.iter().flat_map(|c| percentiles(&label(c), &c.answer_latency)),
    );
    let states = |c: &ComponentMetrics| {
        let (name, now) = (c.name.clone(), c.state);
        ComponentState::ALL.map(move |state| {
            let labels = vec![("component", name.clone()), ("state", state.name().to_owned())];
            (labels, f64::from(u8::from(state == now)))
        })
    };
    figures.gauge("component_state", "1 for the state a component is in", all.iter().flat_map(states));
}
