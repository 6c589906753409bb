//! What is kept, for how long, and what is let go.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use souffleur_cache::{Cache, CacheSettings, Key};

use crate::support::{LIMIT, Shelf, Source, Wrong, cache, key};

#[tokio::test]
async fn a_kept_answer_is_not_loaded_again() {
    let (cache, source) = (cache(), Source::default());
    for _ in 0..3 {
        assert_eq!(cache.get_or_load(&key(1), LIMIT, source.load(json!(7))).await, Ok(Arc::new(json!(7))));
    }
    assert_eq!(source.loads(), 1);
    assert_eq!((cache.status().hits, cache.status().misses), (2, 1));
}

#[tokio::test]
async fn an_answer_is_kept_for_its_time() {
    let settings = CacheSettings { ttl: Duration::from_millis(1), ..CacheSettings::default() };
    let (cache, source) = (Cache::<Wrong>::new(settings, None), Source::default());
    for _ in 0..2 {
        cache.get_or_load(&key(1), LIMIT, source.load(json!(7))).await.unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(source.loads(), 2);
}

#[tokio::test]
async fn memory_stays_within_the_limit() {
    let settings = CacheSettings { capacity_bytes: 64 << 10, ..CacheSettings::default() };
    let cache = Cache::<Wrong>::new(settings, None);
    for question in 0..1_000 {
        cache.get_or_load(&key(question), LIMIT, async { Ok(json!("x".repeat(1_000))) }).await.unwrap();
    }
    let status = cache.status();
    assert!(status.used_bytes <= status.capacity_bytes && status.entries > 20, "{status:?}");
    // An answer larger than all the room is given out and not kept.
    cache.get_or_load(&key(5_000), LIMIT, async { Ok(json!("x".repeat(100_000))) }).await.unwrap();
    assert_eq!(cache.get(&key(5_000)), None);
}

#[tokio::test]
async fn what_is_asked_most_is_known_until_its_scope_retires() {
    let cache = cache();
    let of = |scope: &str, question: i64| Key::new(scope, &json!(question)).unwrap();
    for (scope, question, times) in [("old", 1, 2), ("old", 2, 5), ("old", 3, 1), ("other", 4, 3)] {
        for _ in 0..times {
            cache.get_or_load(&of(scope, question), LIMIT, async { Ok(json!(0)) }).await.unwrap();
        }
    }
    let asked = |asked: Vec<souffleur_cache::Asked>| {
        asked.into_iter().map(|asked| (asked.question.as_i64().unwrap(), asked.asked)).collect::<Vec<_>>()
    };
    assert_eq!(asked(cache.most_asked(3)), [(2, 5), (4, 3), (1, 2)]);
    assert_eq!(asked(cache.retire("old", 2)), [(2, 5), (1, 2)]);
    assert_eq!(asked(cache.most_asked(9)), [(4, 3)]);
    assert_eq!(cache.get(&of("old", 3)), None);
    cache.credit(&of("other", 4), 10);
    assert_eq!(asked(cache.most_asked(9)), [(4, 13)]);
}

#[tokio::test]
async fn the_second_level_is_believed_only_where_it_has_what_was_put_there() {
    let (shelf, source) = (Arc::new(Shelf::default()), Source::default());
    let fresh = || Cache::<Wrong>::new(CacheSettings::default(), Some(shelf.clone()));
    let answer = json!({ "risk": 0.25 });
    let ask =
        async |cache: Arc<Cache<Wrong>>| cache.get_or_load(&key(1), LIMIT, source.load(answer.clone())).await.unwrap();
    assert_eq!(*ask(fresh()).await, answer);
    let second = fresh();
    assert_eq!(*ask(Arc::clone(&second)).await, answer);
    assert_eq!((source.loads(), second.status().second_level_hits), (1, 1));
    // Another's bytes under its name are passed over, and put right.
    let wrong = shelf.0.lock().unwrap().values().next().unwrap().iter().map(|byte| byte ^ 3).collect::<Vec<_>>();
    shelf.0.lock().unwrap().insert(key(1).as_str().to_owned(), wrong);
    let third = fresh();
    assert_eq!(*ask(Arc::clone(&third)).await, answer);
    assert_eq!((source.loads(), third.status().second_level_damaged), (2, 1));
    assert_eq!(*ask(fresh()).await, answer);
    assert_eq!(source.loads(), 2);
}
