//! Time of the text analysis on prompts of about 500 characters, and on a long text.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use souffleur_core::text::{MAX_BYTES, linguistic};

/// 500 bytes of ASCII, as most prompts are.
const ASCII: &str = "You are a senior Python developer. Review the function below and explain, in at most 5 sentences, why \
    its time complexity is quadratic. Then rewrite it so that it runs in linear time, keep the name parse_records, and do \
    not change the public API. If the input is empty, return an empty list. For example, parse_records([]) must return []. \
    Include unit tests for the edge cases that you consider important, and mention any assumption you made about the data. \
    Finally, summarise the change for Dr. Smith.";

/// 500 characters with typographic quotes and accents.
const TYPOGRAPHIC: &str = "Introduce the “financial markets and institutions” by Frédéric Mishkin. Don’t assume that the \
    reader knows the field — explain every term you use. What’s the role of a central bank, and why does its independence \
    matter? Give three examples from the last 20 years, e.g. the “taper tantrum” of 2013 or the crisis of 2008. Write for \
    students in São Paulo and Zürich, in a friendly tone, and keep each paragraph under 80 words. Finish with a list of \
    questions that they could discuss in class, and a short reading list.";

fn features(criterion: &mut Criterion) {
    let long = ASCII.repeat(MAX_BYTES / ASCII.len());
    let mut group = criterion.benchmark_group("linguistic");
    for (name, text) in [("ascii", ASCII), ("typographic", TYPOGRAPHIC), ("long", long.as_str())] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| linguistic(black_box(text))));
    }
    group.finish();
}

criterion_group!(benches, features);
criterion_main!(benches);
