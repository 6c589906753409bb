//! What is left of an erased session in the bytes of an SQLite file and its log.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use souffleur_core::document::DocumentKind;
use souffleur_core::store::{Origin, Store};

use crate::records::{NOW, document, featured, feedback, named, session};
use crate::sqlite::open;
use crate::suite::erasing::{erase, model};

/// How often `needle` is in the database's files.
fn remains(path: &Path, needle: &str) -> usize {
    let suffixes = ["", "-wal", "-shm"].map(|suffix| format!("{}{suffix}", path.display()));
    let bytes = suffixes.into_iter().filter_map(|file| std::fs::read(file).ok());
    bytes.map(|bytes| bytes.windows(needle.len()).filter(|window| *window == needle.as_bytes()).count()).sum()
}

#[test]
fn not_a_byte_of_an_erased_session_is_left() {
    let (store, _directory) = open();
    let path = store.path().to_owned();
    // Names in no order, so that pages of the index are split and pieces of them moved about.
    let name = |n: u32| format!("session-{:08x}-marmalade", n.wrapping_mul(2_654_435_761));
    for batch in (0..2_000_u32).collect::<Vec<_>>().chunks(100) {
        let records = batch.iter().map(|n| {
            let mut one = session(&name(*n));
            one.original_prompt = format!("The secret of {} is tangerine. {}", name(*n), "And so on. ".repeat(30));
            one.feedback[0].text = Some(format!("{} was not helpful at all", name(*n)));
            featured(one)
        });
        store.append(records.collect(), NOW).wait().unwrap();
    }
    let doomed: Vec<String> = (0..2_000).step_by(3).map(name).collect();
    let document = document(DocumentKind::Results, "s", json!({"members": [doomed[0], doomed[1]]}));
    store.append(vec![document, feedback(&doomed[2], 1)], NOW).wait().unwrap();
    model(&store, "k_means", &[store.session_seq(&doomed[3]).unwrap().unwrap()], Origin::default());
    assert!(remains(&path, &doomed[0]) > 0, "the test can see what it looks for");
    let erased = erase(&store, &doomed.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(erased.traces.sessions.len(), doomed.len());
    assert_eq!(store.erasure().unwrap().compact().wait().unwrap(), None);
    // One pass: whatever looks like a name is looked up.
    let doomed: BTreeSet<&[u8]> = doomed.iter().map(String::as_bytes).collect();
    let length = name(0).len();
    for suffix in ["", "-wal"] {
        let bytes = std::fs::read(format!("{}{suffix}", path.display())).unwrap_or_default();
        let left = bytes.windows(length).filter(|w| w.starts_with(b"session-") && doomed.contains(w)).count();
        assert_eq!(left, 0, "names are still in the file{suffix}");
    }
    assert!(remains(&path, &name(1)) > 0, "the others are still there");
    // The connection that appends goes on as if nothing had happened.
    store.append(vec![named("afterwards")], NOW).wait().unwrap();
    assert_eq!(store.counts().unwrap().sessions, 2_000 - doomed.len() as u64 + 1);
}
