//! How fast a history is read: compressed JSON lines to parsed, validated, featurised sessions.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hint::black_box;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use souffleur_core::clock::ManualClock;
use souffleur_core::features::extract;
use souffleur_core::job::Job;
use souffleur_core::records::Session;
use souffleur_core::store::Append;
use souffleur_import::{ImportSettings, Importer, Mapping, Source};
use souffleur_simulator::{SimulationSettings, simulate};

const SESSIONS: u64 = 20_000;

fn import(source: Source, mapping: Option<Mapping>, threads: usize) -> u64 {
    let job = Job::new(Arc::new(ManualClock::default()), 0);
    let sink = |batch: Vec<Append>| -> Result<(), Infallible> {
        black_box(&batch);
        Ok(())
    };
    let settings = ImportSettings { threads, ..ImportSettings::default() };
    let summary = Importer::new(source, mapping, settings).run(&job, sink, |_| ()).unwrap();
    assert_eq!(summary.progress.errors, 0);
    summary.progress.sessions
}

fn gzip(lines: impl Iterator<Item = String>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for line in lines {
        writeln!(encoder, "{line}").unwrap();
    }
    encoder.finish().unwrap()
}

/// Simulated sessions; their prompts cycle through `distinct` texts.
fn simulated(distinct: u64) -> Vec<u8> {
    let prompts: Vec<String> =
        simulate(SimulationSettings::steady(distinct, 9)).unwrap().map(|s| s.original_prompt).collect();
    let sessions = simulate(SimulationSettings::steady(SESSIONS, 1)).unwrap();
    gzip(sessions.enumerate().map(|(i, session)| {
        let original_prompt = prompts[i % prompts.len()].clone();
        serde_json::to_string(&Session { original_prompt, ..session }).unwrap()
    }))
}

fn own_shape(c: &mut Criterion) {
    let mut group = c.benchmark_group("import_gz_jsonl");
    group.sample_size(10).throughput(Throughput::Elements(SESSIONS));
    for (name, distinct) in [("all_prompts_distinct", SESSIONS), ("1079_distinct_prompts", 1079)] {
        let bytes = simulated(distinct);
        for threads in [1, 2] {
            group.bench_function(format!("{name}_{threads}_threads"), |b| {
                b.iter(|| import(Source::stream("bench", Cursor::new(bytes.clone())), None, threads));
            });
        }
    }
    group.finish();
}

fn stages(c: &mut Criterion) {
    let mut group = c.benchmark_group("import_stages");
    let lines: Vec<String> = simulate(SimulationSettings::steady(500, 1))
        .unwrap()
        .map(|session| serde_json::to_string(&session).unwrap())
        .collect();
    group.throughput(Throughput::Elements(500));
    group.bench_function("parse_own_shape", |b| {
        b.iter(|| lines.iter().map(|line| serde_json::from_str::<Session>(line).unwrap()).collect::<Vec<_>>());
    });
    group.bench_function("parse_as_value_for_comparison", |b| {
        b.iter(|| {
            lines.iter().map(|line| serde_json::from_str::<BTreeMap<String, Value>>(line).unwrap()).collect::<Vec<_>>()
        });
    });
    let sessions: Vec<Session> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    group.bench_function("extract_features", |b| {
        b.iter(|| sessions.iter().map(extract).collect::<Vec<_>>());
    });
    group.finish();
}

/// The recorded history, where it is at hand.
fn recorded(c: &mut Criterion) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("SOUFFLEUR_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let path = shared.join("data/history/prompt_history.jsonl.gz");
    if !path.exists() {
        println!("skipped: {} is not here", path.display());
        return;
    }
    let mapping = Mapping::read(root.join("config/mappings/alpaca_thoughtsource.toml")).unwrap();
    let mut group = c.benchmark_group("import_recorded");
    group.sample_size(10).throughput(Throughput::Elements(65_846));
    group.bench_function("through_mapping_2_threads", |b| {
        b.iter(|| import(Source::path(&path), Some(mapping.clone()), 2));
    });
    group.finish();
}

criterion_group!(benches, own_shape, stages, recorded);
criterion_main!(benches);
