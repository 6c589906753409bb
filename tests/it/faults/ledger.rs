//! What a client was told, held against what the store has.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use souffleur_core::ids::Seq;
use souffleur_core::store::Store;
use souffleur_store::{SqliteStore, StoreSettings};

use crate::process::Http;

/// A generator small enough to stand here (splitmix64; Steele 2014).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// A session with an outcome, as a client would send it.
pub(crate) fn session(name: &str, dice: &mut Dice) -> Value {
    let quality = dice.roll(1000) as f64 / 1000.0;
    json!({
        "session_id": name, "original_prompt": format!("write part {} of the plan", dice.roll(50)),
        "quality_score": quality, "domain": "finance", "team_size": 1 + dice.roll(20),
        "before_metrics": { "clarity": quality, "overall_score": dice.roll(1000) as f64 / 1000.0 },
    })
}

/// The names a client sent, and those whose arrival was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) sent: BTreeSet<String>,
    pub(crate) acknowledged: BTreeSet<String>,
}

impl Ledger {
    /// Sends batches of sessions until the daemon no longer answers.
    pub(crate) fn write(&mut self, http: &Http, prefix: &str, dice: &mut Dice) {
        for n in 0.. {
            let names: Vec<String> = (0..1 + dice.roll(8)).map(|i| format!("{prefix}-{n}-{i}")).collect();
            let body: Vec<Value> = names.iter().map(|name| session(name, dice)).collect();
            self.sent.extend(names.iter().cloned());
            match http.post("/v1/sessions", &Value::Array(body)) {
                Ok((200 | 201, answer)) => {
                    assert_eq!(answer["receipts"].as_array().unwrap().len(), names.len(), "{answer}");
                    self.acknowledged.extend(names);
                }
                Ok((status, answer)) if (500..600).contains(&status) || status == 429 => {
                    assert!(answer["type"].is_string(), "{answer}");
                    if status == 503 && answer["type"] == "/problems/shutting-down" {
                        return;
                    }
                }
                Ok((status, answer)) => panic!("{status}: {answer}"),
                Err(_) => return,
            }
        }
    }

    /// Adds what another client was told.
    pub(crate) fn merge(&mut self, other: Self) {
        self.sent.extend(other.sent);
        self.acknowledged.extend(other.acknowledged);
    }
}

/// Opens the store of a data directory nobody uses.
pub(crate) fn open(directory: &Path) -> SqliteStore {
    SqliteStore::open(&directory.join(souffleur::app::DATABASE), StoreSettings::default()).unwrap()
}

/// Checks that everything acknowledged is there and everything there was sent, each once.
pub(crate) fn check(store: &SqliteStore, ledger: &Ledger) {
    let mut found = BTreeSet::new();
    let mut rows = 0;
    let mut after = Seq::ZERO;
    loop {
        let delta = store.delta(after, 10_000).unwrap();
        assert!(delta.sessions.seq.windows(2).all(|pair| pair[0] < pair[1]), "places out of order");
        let seqs: Vec<Seq> = delta.sessions.seq.iter().map(|&seq| Seq(seq)).collect();
        rows += seqs.len();
        let sessions = seqs.chunks(500).flat_map(|chunk| store.sessions(chunk).unwrap());
        found.extend(sessions.map(|(_, session)| session.session_id.unwrap()));
        after = delta.watermark;
        if !delta.more {
            break;
        }
    }
    assert_eq!(found.len(), rows, "a session is there twice");
    assert_eq!(store.counts().unwrap().sessions, rows as u64);
    let lost: Vec<_> = ledger.acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
    let strange: Vec<_> = found.difference(&ledger.sent).collect();
    assert!(strange.is_empty(), "never sent, and there: {strange:?}");
}
