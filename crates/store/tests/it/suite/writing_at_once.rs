//! Many writers at once, through one store.

use std::sync::atomic::{AtomicU64, Ordering};

use souffleur_core::ids::Seq;
use souffleur_core::store::{Claim, Store, StoreError};

use crate::records::{NOW, application, assert_gapless, feedback, keyed, named, run};

pub(crate) fn numbers_have_no_gaps_under_writers_some_of_whom_fail(store: &dyn Store) {
    store.append(vec![named("base")], NOW).wait().unwrap();
    let (kept, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (kept, failed) = (&kept, &failed);
            scope.spawn(move || {
                let mut waiting = Vec::new();
                for n in 0..60 {
                    let mut records = vec![
                        named(&format!("{writer}-{n}")),
                        application("base", &format!("rule {}", n % 7)),
                        feedback("base", 3),
                    ];
                    if n % 3 == 0 {
                        records.push(feedback("nobody", 1));
                    }
                    waiting.push(store.append(records, NOW));
                }
                for commit in waiting {
                    match commit.wait() {
                        Ok(receipts) => {
                            assert_eq!(receipts.len(), 3);
                            assert!(receipts.windows(2).all(|pair| pair[0].seq < pair[1].seq));
                            kept.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(StoreError::Unknown { .. }) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
            });
        }
    });
    assert_eq!((kept.into_inner(), failed.into_inner()), (160, 80));
    assert_eq!(store.counts().unwrap().sessions, 161);
    assert_gapless(store);
}

pub(crate) fn readers_see_a_growing_prefix_without_gaps(store: &dyn Store) {
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for n in 0..150 {
                store.append(vec![named(&n.to_string())], NOW).wait().unwrap();
            }
        });
        for _ in 0..2 {
            scope.spawn(move || {
                let mut seen = Seq::ZERO;
                while seen < Seq(602) {
                    let page = store.delta(seen, 100).unwrap();
                    let numbers = crate::records::numbers(&page);
                    assert_eq!(numbers, (seen.0 + 1..=page.watermark.0).collect::<Vec<_>>());
                    seen = page.watermark;
                }
            });
        }
    });
}

pub(crate) fn a_key_sent_by_many_at_once_is_kept_once(store: &dyn Store) {
    store.append(vec![named("base")], NOW).wait().unwrap();
    let send = |_| store.append(vec![keyed("k", feedback("base", 5)), named("same")], NOW);
    let answers: Vec<_> = (0..50).map(send).collect();
    let receipts: Vec<_> = answers.into_iter().flat_map(|commit| commit.wait().unwrap()).collect();
    assert_eq!(receipts.iter().filter(|receipt| !receipt.duplicate).count(), 2);
    assert!(receipts.iter().all(|receipt| receipt.seq == Seq(7) || receipt.seq == Seq(8)));
    assert_eq!(store.counts().unwrap().feedback, 3);
    assert_gapless(store);
}

pub(crate) fn every_epoch_is_handed_out_once(store: &dyn Store) {
    let leases: Vec<_> = std::thread::scope(|scope| {
        let claims = (0..4).map(|thread| {
            scope.spawn(move || {
                let claim = |n| store.claim(Claim::new("k_means", format!("{thread}-{n}"), NOW, 1000)).wait().unwrap();
                (0..10).map(claim).collect::<Vec<_>>()
            })
        });
        let claims: Vec<_> = claims.collect();
        claims.into_iter().flat_map(|claim| claim.join().unwrap()).collect()
    });
    let mut epochs: Vec<_> = leases.iter().map(|lease| lease.epoch.0).collect();
    epochs.sort_unstable();
    assert_eq!(epochs, (1..=40).collect::<Vec<_>>());
    let commits: Vec<_> = leases.into_iter().map(|lease| store.commit_run(run(lease))).collect();
    let kept = commits.into_iter().filter_map(|commit| commit.wait().ok()).count();
    assert_eq!(kept, 1, "only the newest epoch may commit");
    assert_eq!(store.counts().unwrap().models, 1);
}
