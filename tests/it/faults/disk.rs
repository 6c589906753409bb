//! A full disk costs the writes it has no room for, and nothing else.

use serde_json::Value;

use super::ledger::{Dice, Ledger, check, open, session};
use crate::process::{Daemon, Http};
use souffleur_core::store::Store;

/// Largest file, in blocks of 512 bytes: room for the empty database and a few hundred sessions.
const BLOCKS: u32 = 4_000;

#[test]
fn a_full_disk_is_told_and_everything_else_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = Daemon::start_limited(directory.path(), BLOCKS);
    let http = Http::new(&daemon.url);
    let mut dice = Dice(11);
    let mut ledger = Ledger::default();
    let mut refusal = Value::Null;
    for n in 0..2_000 {
        let names: Vec<String> = (0..20).map(|i| format!("d{n}-{i}")).collect();
        let body: Vec<Value> = names.iter().map(|name| session(name, &mut dice)).collect();
        ledger.sent.extend(names.iter().cloned());
        match http.post("/v1/sessions", &Value::Array(body)).unwrap() {
            (201, _) => ledger.acknowledged.extend(names),
            (status, answer) => {
                assert_eq!((status, &answer["type"]), (503, &"/problems/store-failed".into()), "{answer}");
                refusal = answer;
                break;
            }
        }
    }
    let detail = refusal["detail"].as_str().expect("the disk never became full");
    assert!(detail.starts_with("the database failed: "), "{detail}");
    assert!(ledger.acknowledged.len() > 100, "{}", ledger.acknowledged.len());
    // Reading, health and the command line go on.
    assert_eq!(http.get("/v1/health").unwrap().0, 200);
    assert_eq!(http.get("/v1/components").unwrap().0, 200);
    let (status, batch) = http.post("/v1/batches", &serde_json::json!({ "limit": 10 })).unwrap();
    assert_eq!((status, batch["rows"].as_array().map(Vec::len)), (200, Some(10)), "{batch}");
    daemon.kill();
    // With room again, what was acknowledged is there, and more can be written.
    let store = open(directory.path());
    check(&store, &ledger);
    store.close();
    let daemon = Daemon::start(directory.path(), &[]);
    let again = Http::new(&daemon.url).post("/v1/sessions", &session("after", &mut dice)).unwrap();
    assert_eq!(again.0, 201, "{}", again.1);
}
