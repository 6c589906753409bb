use souffleur_core::ids::Seq;

use super::*;
use crate::loader::fixture::{History, ask};
use crate::loader::memory::Meter;

fn cached(meter: &Arc<Meter>, watermark: i64, limit: usize) -> Cached {
    let history = History::default();
    history.bulk(0, 1);
    let mut batch = (*ask(&history.engine(), &Query::default()).unwrap()).clone();
    batch.version.watermark = Seq(watermark);
    batch.query.limit = Some(limit);
    let take = |bytes| Arc::new(meter.take(bytes).unwrap());
    Cached { batch: Arc::new(batch), memory: BatchMemory { _columns: take(10), features: take(100) } }
}

#[test]
fn old_versions_go_first_then_what_was_not_asked_for_longest() {
    let meter = Meter::new(1_000);
    let mut cache = BatchCache::new(8);
    let all = [cached(&meter, 5, 1), cached(&meter, 5, 2), cached(&meter, 4, 3)];
    let version = all[0].batch.version;
    for cached in &all {
        assert!(cache.insert(cached.clone()).is_empty());
    }
    assert!(cache.get(&all[0].batch.query, version).is_some());
    assert!(cache.get(&all[2].batch.query, version).is_none(), "another version");
    let mut gone = || cache.evict().unwrap().batch.query.limit.unwrap();
    assert_eq!([gone(), gone(), gone()], [3, 2, 1]);
    assert!(cache.evict().is_none());
}

#[test]
fn memory_of_a_batch_in_somebodys_hands_stays_taken() {
    let meter = Meter::new(1_000);
    let mut cache = BatchCache::new(8);
    let held = {
        let cached = cached(&meter, 5, 1);
        let held = Arc::clone(&cached.batch);
        cache.insert(cached);
        held
    };
    cache.evict();
    cache.settle();
    assert_eq!(meter.used(), 110);
    drop(held);
    cache.settle();
    assert_eq!(meter.used(), 0);
}

#[test]
fn the_number_of_batches_is_limited() {
    let meter = Meter::new(1_000);
    let mut cache = BatchCache::new(2);
    for limit in 1..=4 {
        drop(cache.insert(cached(&meter, 5, limit)));
        cache.settle();
    }
    assert_eq!((cache.len(), meter.used()), (2, 220));
}
