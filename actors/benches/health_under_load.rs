//! What a look at the health costs while every core trains, and whether questions are still answered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use souffleur_actors::health::percentiles::Histogram;
use souffleur_actors::{Handle, KernelSettings};
use souffleur_core::records::MetricPoint;
use souffleur_core::store::Record;

mod busy;

const COMPONENTS: usize = 50;
const SECONDS: u64 = 5;

async fn train_until(handle: Handle, component: usize, stop: Arc<AtomicBool>) -> u64 {
    let mut runs = 0;
    while !stop.load(Ordering::Relaxed) {
        let trained = handle.train(&format!("busy_{component}"), Duration::from_secs(60)).await;
        runs += u64::from(trained.is_ok());
    }
    runs
}

fn show(what: &str, histogram: &Histogram) {
    let p = histogram.percentiles();
    let [p50, p95, p99, max] = [p.p50_ms, p.p95_ms, p.p99_ms, p.max_ms].map(|ms| ms * 1e3);
    println!("{what}: n {} p50 {p50:.0} us, p95 {p95:.0} us, p99 {p99:.0} us, max {max:.0} us", p.count);
}

fn main() {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let handle = busy::start(COMPONENTS, KernelSettings { compute_slots: cores, ..KernelSettings::default() }, None);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    while !handle.is_ready() {
        std::thread::sleep(Duration::from_millis(1));
    }
    runtime.block_on(handle.train("busy_0", Duration::from_secs(60))).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let training: Vec<_> =
        (0..COMPONENTS).map(|i| runtime.spawn(train_until(handle.clone(), i, Arc::clone(&stop)))).collect();
    std::thread::sleep(Duration::from_millis(300));

    let (whole, one, answers) = (Histogram::default(), Histogram::default(), Histogram::default());
    let begun = busy::now();
    while begun.elapsed() < Duration::from_secs(SECONDS) {
        let before = busy::now();
        std::hint::black_box(handle.health());
        whole.record(before.elapsed());
        let before = busy::now();
        std::hint::black_box(handle.component_health("busy_7"));
        one.record(before.elapsed());
        let before = busy::now();
        runtime.block_on(handle.query("busy_0", json!(1))).unwrap();
        answers.record(before.elapsed());
        let point = MetricPoint { metric: "bench".into(), subject: "bench".into(), ..MetricPoint::default() };
        runtime.block_on(handle.append(vec![Record::Metric(point).into()])).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    let usable = handle.health().feedback_latency;
    stop.store(true, Ordering::Relaxed);
    let runs: u64 = training.into_iter().map(|t| runtime.block_on(t).unwrap()).sum();
    println!("{COMPONENTS} components train on {cores} slots: {runs} runs");
    show("health of the whole (limit p99 100 us)", &whole);
    show("health of one component", &one);
    show("answers meanwhile", &answers);
    println!("from the commit of a row to its being usable: {usable:?}");
    runtime.block_on(handle.shutdown());
}
