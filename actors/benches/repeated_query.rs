//! What a question costs that was asked before, with a cache and without, in one run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark measures by the clock, prints, and ends where something fails"
)]

use std::time::Duration;

use serde_json::json;
use souffleur_actors::health::percentiles::Histogram;
use souffleur_actors::{AnswerCache, Handle, KernelSettings};
use souffleur_cache::CacheSettings;

mod busy;

const QUESTIONS: u64 = 20_000;

fn measure(what: &str, handle: &Handle) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    while !handle.is_ready() {
        std::thread::sleep(Duration::from_millis(1));
    }
    runtime.block_on(handle.train("busy_0", Duration::from_secs(60))).unwrap();
    let histogram = Histogram::default();
    let begun = busy::now();
    runtime.block_on(async {
        for i in 0..QUESTIONS {
            let before = busy::now();
            std::hint::black_box(handle.query("busy_0", json!(i % 100)).await.unwrap());
            histogram.record(before.elapsed());
        }
    });
    let mean_us = begun.elapsed().as_secs_f64() * 1e6 / QUESTIONS as f64;
    let p = histogram.percentiles();
    println!("{what}: mean {mean_us:.2} us, p50 {:.2} us, p99 {:.2} us", p.p50_ms * 1e3, p.p99_ms * 1e3);
    assert!(runtime.block_on(handle.shutdown()).clean);
}

fn main() {
    measure("without a cache", &busy::start(1, KernelSettings::default(), None));
    let cache = AnswerCache::new(CacheSettings::default(), None);
    measure("with a cache", &busy::start(1, KernelSettings::default(), Some(cache)));
}
