//! One load for all who wait; whatever becomes of it, nobody waits for ever.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use souffleur_cache::LoadError;

use crate::support::{LIMIT, Source, Wrong, cache, key};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_misses_of_one_key_load_once() {
    let (cache, source) = (cache(), Source::default());
    let ask = || {
        let (cache, load) = (Arc::clone(&cache), source.load(json!("answer")));
        tokio::spawn(async move { cache.get_or_load(&key(1), LIMIT, load).await })
    };
    let asked: Vec<_> = (0..10_000).map(|_| ask()).collect();
    let mut first = None;
    for answer in asked {
        let answer = answer.await.unwrap().unwrap();
        assert!(Arc::ptr_eq(first.get_or_insert_with(|| Arc::clone(&answer)), &answer));
    }
    let status = cache.status();
    assert_eq!((source.loads(), status.loads, status.failures), (1, 1, 0));
    assert_eq!(status.hits + status.misses, 10_000);
    assert_eq!(status.misses, status.joined + 1);
}

#[tokio::test(start_paused = true)]
async fn who_began_a_load_may_give_up_and_the_others_get_it() {
    let (cache, source) = (cache(), Source::default());
    let ask = || {
        let (cache, load) = (Arc::clone(&cache), source.load(json!(1)));
        tokio::spawn(async move { cache.get_or_load(&key(1), LIMIT, load).await })
    };
    let (first, second) = (ask(), ask());
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(source.loads(), 1);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(second.await.unwrap().unwrap(), Arc::new(json!(1)));
    assert_eq!(source.loads(), 1);
}

#[tokio::test]
async fn a_panic_is_told_to_everyone_and_not_kept() {
    let cache = cache();
    let ask = || {
        let cache = Arc::clone(&cache);
        let load = async {
            tokio::task::yield_now().await;
            panic!("out of tune")
        };
        tokio::spawn(async move { cache.get_or_load(&key(1), LIMIT, load).await })
    };
    for answer in [ask(), ask(), ask()] {
        assert_eq!(answer.await.unwrap(), Err(LoadError::Panicked("out of tune".to_owned())));
    }
    assert_eq!((cache.status().loads, cache.status().failures), (1, 1));
    assert_eq!(cache.get_or_load(&key(1), LIMIT, async { Ok(json!(2)) }).await, Ok(Arc::new(json!(2))));
}

#[tokio::test(start_paused = true)]
async fn an_error_is_told_to_everyone_and_not_kept() {
    let cache = cache();
    let ask = |after_ms| {
        let cache = Arc::clone(&cache);
        let load = async move {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            Err(Wrong("no model"))
        };
        tokio::spawn(async move { cache.get_or_load(&key(1), LIMIT, load).await })
    };
    for answer in [ask(5), ask(5)] {
        assert_eq!(answer.await.unwrap(), Err(LoadError::Failed(Wrong("no model"))));
    }
    assert_eq!(cache.get(&key(1)), None);
    assert_eq!(cache.get_or_load(&key(1), LIMIT, async { Ok(json!(2)) }).await, Ok(Arc::new(json!(2))));
    assert_eq!((cache.status().loads, cache.status().failures), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_its_limit() {
    let cache = cache();
    let before = tokio::time::Instant::now();
    let limit = Duration::from_secs(2);
    let ask = |limit| {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move { cache.get_or_load(&key(1), limit, std::future::pending()).await })
    };
    let (long, short) = (ask(limit), ask(limit / 2));
    assert_eq!(short.await.unwrap(), Err(LoadError::DeadlineExceeded));
    assert_eq!(before.elapsed().as_secs(), 1);
    assert_eq!(long.await.unwrap(), Err(LoadError::DeadlineExceeded));
    assert_eq!(before.elapsed().as_secs(), 2);
    // The load was given up too: the next caller is not made to wait for it.
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(cache.get_or_load(&key(1), limit, async { Ok(json!(2)) }).await, Ok(Arc::new(json!(2))));
}

#[tokio::test(start_paused = true)]
async fn loads_under_way_are_bounded() {
    let cache = cache();
    let ask = |question| {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move { cache.get_or_load(&key(question), LIMIT, std::future::pending()).await })
    };
    let answers: Vec<_> = (0..5_000).map(ask).collect();
    let mut refused = 0;
    for answer in answers {
        match answer.await.unwrap() {
            Err(LoadError::TooMany(4_096)) => refused += 1,
            Err(LoadError::DeadlineExceeded) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, 5_000 - 4_096);
}

#[test]
fn a_runtime_that_ends_frees_who_waits_elsewhere() {
    let cache = cache();
    let loads = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let elsewhere = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begun = Arc::clone(&cache);
    loads.spawn(async move { begun.get_or_load(&key(1), LIMIT, std::future::pending()).await });
    while cache.status().loads == 0 {
        std::thread::yield_now();
    }
    let waits = elsewhere.spawn({
        let cache = Arc::clone(&cache);
        async move { cache.get_or_load(&key(1), LIMIT, async { Ok(json!(2)) }).await }
    });
    elsewhere.block_on(async {
        tokio::task::yield_now().await;
        drop(std::thread::spawn(move || drop(loads)).join());
        assert_eq!(waits.await.unwrap(), Err(LoadError::Stopped));
    });
}
