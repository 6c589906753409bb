//! How fast health answers over HTTP while training keeps both processors busy. The bar: 99 of 100 within 5 ms.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub
)]

use std::io::{BufReader, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;

#[path = "../tests/it/sample.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod sample;
#[path = "../tests/it/service.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod service;

use service::{Service, connect, read, wait_until};

/// Components that train at the same time.
const TRAINERS: [&str; 2] = ["mean_success", "second"];

fn training(service: &Service) -> bool {
    TRAINERS.iter().all(|name| service.runtime.component_health(name).is_some_and(|health| health.progress.is_some()))
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent).div_ceil(100).saturating_sub(1)]
}

fn health(criterion: &mut Criterion) {
    let catalogue = vec![sample::entry(), sample::entry().renamed("second")];
    let changes = [
        ("supervision.compute_slots", "2"),
        ("components.mean_success.work_ms", "15000"),
        ("components.mean_success.busy", "true"),
        ("components.second.work_ms", "15000"),
        ("components.second.busy", "true"),
    ];
    let service = service::start_with(catalogue, &changes);
    let sessions = json!([{"original_prompt": "a", "quality_score": 0}, {"original_prompt": "b", "quality_score": 1}]);
    service.post("/v1/sessions", &sessions).expect(201);
    let over = AtomicBool::new(false);
    let mut latencies = Vec::new();
    std::thread::scope(|scope| {
        for name in TRAINERS {
            let (service, over) = (&service, &over);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    service.post(&format!("/v1/components/{name}/train"), &json!(null));
                }
            });
        }
        wait_until("both train", || training(&service));
        let stream = connect(service.address);
        let mut writer = stream.try_clone().unwrap();
        let mut reader = BufReader::new(stream);
        criterion.bench_function("health_over_http_while_training", |bencher| {
            bencher.iter_custom(|requests| {
                let mut whole = Duration::ZERO;
                for _ in 0..requests {
                    let began = Instant::now();
                    writer.write_all(b"GET /v1/health HTTP/1.1\r\nHost: bench\r\n\r\n").unwrap();
                    read(&mut reader, "GET").expect(200);
                    latencies.push(began.elapsed());
                    whole += began.elapsed();
                }
                whole
            });
        });
        over.store(true, Ordering::Relaxed);
        for name in TRAINERS {
            service.post(&format!("/v1/components/{name}/cancel"), &json!(null));
        }
    });
    latencies.sort();
    let [p50, p99] = [50, 99].map(|percent| percentile(&latencies, percent));
    eprintln!("health over http while 2 components train: {} requests, p50 {p50:?}, p99 {p99:?}", latencies.len());
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(8));
    targets = health
}
criterion_main!(benches);
