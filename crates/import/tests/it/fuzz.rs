//! Lines, mappings and streams of any kind: no panic, a clear error, and nothing else lost.

use std::io::Cursor;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_core::records::Validate;
use souffleur_import::{Format, ImportSettings, Mapping, Source};

use crate::mappings::EVERYTHING;
use crate::support::{gzip, import, line, run};

/// Uses every field of our own shape and every field of `EVERYTHING`.
const TEMPLATE: &str = r#"{"session_id":"x","original_prompt":"Write \"it\" \u00fc","improved_prompt":null,"event_time":"2026-01-31T12:00:00Z","project_type":"web","domain":"law","complexity":"high","team_size":4,"before_metrics":{"clarity":0.5},"rules":[{"rule_id":"r1","parameters":{"k":[1]},"propensity":0.25}],"quality_score":0.75,"improvement_score":-0.5,"feedback":[{"rating":4,"areas":["a"]}],"tags":{"t":true}}"#;
const FOREIGN: &str = r#"{"a":{"title":"Task","body":["no","yes"]},"t":1700000000000,"level":"tough","people":3,"stars":3,"scores":{"clear ness":"0.5"},"share":0.5,"who":"u","unused":{"deep":[1,[2]]},"rules":[{"name":"r1","with":{"k":[1]},"p":0.25}],"last_rule":"r3","sure":1,"ratings":"5; 3"}"#;

/// Pieces that break parsers.
const NASTY: [&[u8]; 16] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"1e999",
    b"-",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\\ud800",
    b"null",
    b"99999999999999999999",
];

fn mutated(rng: &mut Xoshiro256PlusPlus, template: &[u8], nasty: &[&[u8]]) -> Vec<u8> {
    let mut bytes = template.to_vec();
    for _ in 0..rng.gen_range(1..=4) {
        let at = rng.gen_range(0..=bytes.len());
        let end = rng.gen_range(at..=bytes.len().min(at + 12));
        match rng.gen_range(0..5) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..end, nasty[rng.gen_range(0..nasty.len())].iter().copied())),
            3 => bytes.insert(at, rng.r#gen()),
            _ => {
                let part = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, part));
            }
        }
    }
    bytes
}

fn without_newlines(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().map(|b| if b == b'\n' { b' ' } else { b }).collect()
}

/// `lines` lines, every other one good; the good ones are named `good-0`, `good-1` ...
fn file(rng: &mut Xoshiro256PlusPlus, lines: usize, template: &str, good: fn(&str) -> String) -> Vec<u8> {
    let mut bytes = Vec::new();
    for i in 0..lines / 2 {
        bytes.extend_from_slice(good(&format!("good-{i}")).as_bytes());
        let bad = if rng.gen_bool(0.1) {
            (0..rng.gen_range(0..60)).map(|_| rng.r#gen()).collect()
        } else {
            mutated(rng, template.as_bytes(), &NASTY)
        };
        bytes.extend(without_newlines(bad));
        bytes.push(b'\n');
    }
    bytes
}

fn check_file(bytes: Vec<u8>, lines: usize, mapping: Option<Mapping>) {
    let settings = ImportSettings { errors_kept: usize::MAX, ..ImportSettings::default() };
    let (sessions, summary) = run(Source::stream("in", Cursor::new(bytes)), mapping, settings).unwrap();
    let prompts = sessions.iter().filter_map(|s| s.session.original_prompt.strip_prefix("Write a note about good-"));
    let kept: Vec<usize> = prompts.filter_map(|rest| rest.trim_end_matches('.').parse().ok()).collect();
    assert!(kept.iter().copied().eq(0..lines / 2), "a good line was lost");
    assert_eq!(summary.progress.errors, summary.errors.len() as u64);
    assert_eq!(summary.progress.records, summary.progress.errors + sessions.len() as u64);
    assert!(summary.errors.iter().all(|e| e.line % 2 == 0 && !e.message.is_empty()));
    assert!(summary.errors.windows(2).all(|w| w[0].line < w[1].line));
    assert!(sessions.iter().all(|s| s.session.validate().is_ok()));
    assert!(sessions.iter().all(|s| s.features.iter().all(|v| (0.0..=1.0).contains(v))));
    assert!(!summary.incomplete);
}

const FILES: u64 = 35;
const LINES: usize = 4000;

/// 70,000 mutated lines.
#[test]
fn mutated_lines_of_our_own_shape_cost_nothing_but_themselves() {
    for seed in 0..FILES {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        check_file(file(&mut rng, LINES, TEMPLATE, line), LINES, None);
    }
}

/// 70,000 mutated lines through a mapping that uses the whole grammar.
#[test]
fn mutated_lines_through_a_mapping_cost_nothing_but_themselves() {
    let text = EVERYTHING.replace("{a.title}: {{{a.body[1]}}}", "{a.title}{a.body[1]}");
    let mapping = Mapping::parse("m.toml", &text).unwrap();
    let good = |name: &str| format!("{{\"a\":{{\"title\":\"Write a note \",\"body\":[0,\"about {name}.\"]}}}}\n");
    for seed in 0..FILES {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1000 + seed);
        check_file(file(&mut rng, LINES, FOREIGN, good), LINES, Some(mapping.clone()));
    }
}

/// 40,000 mutated mapping files, one in ten arbitrary text.
#[test]
fn mutated_mappings_load_or_say_where_they_are_wrong() {
    let nasty: [&[u8]; 14] = [
        b"\"",
        b"{",
        b"}",
        b"$",
        b"each",
        b"[[",
        b"]",
        b"=",
        b"\n",
        b"nan",
        b"1e400",
        b"0x",
        b"'''",
        b"99999999999999999999",
    ];
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut loaded = 0;
    for i in 0..100_000 {
        let bytes = if i % 10 == 0 {
            (0..rng.gen_range(0..80)).map(|_| rng.r#gen()).collect()
        } else {
            mutated(&mut rng, EVERYTHING.as_bytes(), &nasty)
        };
        let text = String::from_utf8_lossy(&bytes);
        match Mapping::parse("m.toml", &text) {
            Ok(_) => loaded += 1,
            Err(error) => {
                assert!(error.line >= 1 && error.line <= text.matches('\n').count() + 1, "{error}");
                assert!(error.column >= 1 && !error.message.is_empty(), "{error}");
            }
        }
    }
    assert!(loaded > 1000, "the mutations are too violent to test anything: {loaded} loaded");
}

#[test]
fn mutated_csv_never_takes_more_than_its_quotes_enclose() {
    for seed in 0..20 {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut text = b"session_id,original_prompt,quality_score\n".to_vec();
        for i in 0..500 {
            text.extend_from_slice(format!("good-{i},Write a note about good-{i}.,0.5\n").as_bytes());
            // Without quotes a line cannot reach beyond its end.
            let bad = mutated(&mut rng, b"bad,\"Write, this\",0.5", &NASTY);
            text.extend(without_newlines(bad).into_iter().map(|b| if b == b'"' { b'\'' } else { b }));
            text.push(b'\n');
        }
        let source = Source::stream("in", Cursor::new(text)).with_format(Format::Csv);
        let (sessions, _) = run(source, None, ImportSettings::default()).unwrap();
        let kept =
            sessions.iter().filter(|s| s.session.original_prompt.starts_with("Write a note about good-")).count();
        assert_eq!(kept, 500);
    }
}

#[test]
fn arbitrary_streams_end_in_order() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    for i in 0..300 {
        let mut bytes: Vec<u8> = (0..rng.gen_range(0..3000)).map(|_| rng.r#gen()).collect();
        if i % 3 == 0 {
            bytes.splice(0..0, [0x1f, 0x8b]);
        }
        if i % 3 == 1 {
            // A real stream with a few bytes changed.
            bytes = gzip(TEMPLATE.repeat(20).as_bytes());
            for _ in 0..3 {
                let at = rng.gen_range(0..bytes.len());
                bytes[at] = rng.r#gen();
            }
        }
        let format = if i % 2 == 0 { Format::Csv } else { Format::Jsonl };
        let source = Source::stream("in", Cursor::new(bytes)).with_format(format);
        if let Err(error) = run(source, None, ImportSettings::default()) {
            assert!(error.to_string().starts_with("in:"), "{error}");
        }
    }
    assert!(import([0x1f, 0x8b], None).1.incomplete);
}
