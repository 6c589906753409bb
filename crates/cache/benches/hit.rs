//! What a hit costs, beside a map behind a mutex in the same run: one caller, then one for each core.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark measures by the clock, prints, and ends where something fails"
)]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use souffleur_cache::{Cache, CacheSettings, Key};

/// Questions in the cache.
const QUESTIONS: usize = 1_000;

fn question(i: usize) -> Value {
    json!({ "prompt": format!("Summarise the report of quarter {i} for the board in five sentences.") })
}

fn answer(i: usize) -> Value {
    json!({ "risk": 1.0 / (i + 1) as f64, "drivers": ["short", "vague", "no example"], "neighbours": [i, i + 1] })
}

fn key(question: &Value) -> Key {
    Key::new("failure_analyzer\t2d06800538d394c2\tfailure_analyzer-99aa06d3014798d86001c324468d497f", question).unwrap()
}

struct Kept {
    cache: Arc<Cache<()>>,
    map: Mutex<HashMap<Key, Arc<Value>>>,
    questions: Vec<Value>,
    keys: Vec<Key>,
}

fn kept() -> Kept {
    let cache = Cache::<()>::new(CacheSettings::default(), None);
    let questions: Vec<_> = (0..QUESTIONS).map(question).collect();
    let keys: Vec<_> = questions.iter().map(key).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for (i, key) in keys.iter().enumerate() {
        let load = async move { Ok(answer(i)) };
        runtime.block_on(cache.get_or_load(key, Duration::from_secs(9), load)).unwrap();
    }
    let map = keys.iter().enumerate().map(|(i, key)| (key.clone(), Arc::new(answer(i)))).collect();
    Kept { cache, map: Mutex::new(map), questions, keys }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark's edge")]
fn now() -> Instant {
    Instant::now()
}

/// Time per look of each of `threads` callers that all look at once.
fn all_at_once(threads: usize, looks: u64, look: impl Fn(usize) -> Option<Arc<Value>> + Sync) -> Duration {
    let before = now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let look = &look;
            scope.spawn(move || {
                for i in 0..usize::try_from(looks).unwrap() {
                    black_box(look((i * 7 + thread * 131) % QUESTIONS)).expect("kept");
                }
            });
        }
    });
    before.elapsed()
}

fn hits(criterion: &mut Criterion) {
    let kept = kept();
    let from_cache = |i: usize| kept.cache.get(&kept.keys[i]);
    let from_map = |i: usize| kept.map.lock().unwrap().get(&kept.keys[i]).cloned();
    let from_question = |i: usize| kept.cache.get(&key(&kept.questions[i]));
    let map_from_question = |i: usize| kept.map.lock().unwrap().get(&key(&kept.questions[i])).cloned();
    let mut group = criterion.benchmark_group("hit");
    let mut i = 0;
    let mut next = move || {
        i = (i + 7) % QUESTIONS;
        i
    };
    group.bench_function("cache, by key", |b| b.iter(|| black_box(from_cache(next()))));
    group.bench_function("mutex map, by key", |b| b.iter(|| black_box(from_map(next()))));
    group.bench_function("cache, by question", |b| b.iter(|| black_box(from_question(next()))));
    group.bench_function("mutex map, by question", |b| b.iter(|| black_box(map_from_question(next()))));
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    group.bench_function("cache, by key, every core", |b| b.iter_custom(|n| all_at_once(cores, n, from_cache)));
    group.bench_function("mutex map, by key, every core", |b| b.iter_custom(|n| all_at_once(cores, n, from_map)));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = hits
}
criterion_main!(benches);
