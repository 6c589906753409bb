//! SIGTERM under load: what was acknowledged is there, and the process ends in order.

use std::time::Duration;

use serde_json::json;
use souffleur_core::store::Store;

use super::ledger::{Dice, Ledger, check, open};
use crate::process::{Daemon, Http};

#[test]
fn a_drain_under_load_keeps_every_acknowledged_write() {
    let directory = tempfile::tempdir().unwrap();
    let mut dice = Dice(7);
    let mut ledger = Ledger::default();
    for round in 0..3 {
        let daemon = Daemon::start(directory.path(), &[]);
        let url = daemon.url.clone();
        let written = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|writer| {
                    let (url, mut dice) = (url.clone(), Dice(dice.roll(u64::MAX)));
                    scope.spawn(move || {
                        let mut ledger = Ledger::default();
                        ledger.write(&Http::new(&url), &format!("r{round}w{writer}"), &mut dice);
                        ledger
                    })
                })
                .collect();
            scope.spawn(|| {
                let http = Http::new(&url);
                while http.post("/v1/components/failure_analyzer/train", &json!({})).is_ok_and(|(s, _)| s < 503) {}
            });
            std::thread::sleep(Duration::from_millis(300 + dice.roll(300)));
            daemon.signal("TERM");
            assert_eq!(daemon.wait(), 0, "round {round}: it did not stop in order");
            writers.into_iter().map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
        });
        written.into_iter().for_each(|written| ledger.merge(written));
        let store = open(directory.path());
        check(&store, &ledger);
        assert_eq!(store.unfinished_runs().unwrap(), [], "round {round}: a run was neither finished nor called off");
        store.close();
    }
    assert!(ledger.acknowledged.len() > 100, "hardly anything was written: {}", ledger.acknowledged.len());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(directory.path(), &[]);
    let url = daemon.url.clone();
    // A request that never ends keeps the drain waiting.
    let open = std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    std::io::Write::write_all(&mut &open, b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    daemon.signal("INT");
    std::thread::sleep(Duration::from_millis(200));
    daemon.signal("INT");
    let code = daemon.wait();
    // It may have been quick enough to end in order before the second one.
    assert!(code == 130 || code == 0, "{code}");
}
