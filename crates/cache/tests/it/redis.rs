//! A real Redis server as the second level: shared while it works, and never in the way when it does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use souffleur_cache::{Cache, CacheSettings, Key, LevelState, RedisLevel, RedisSettings, check_url};
use souffleur_cluster::Redis;

use crate::support::{LIMIT, Source, Wrong, key};

/// Longest an answer of the server may take here. A busy machine must not make it slow by itself.
const TIMEOUT: Duration = Duration::from_millis(100);

fn level(server: &Redis, namespace: &str) -> Arc<RedisLevel> {
    let settings = RedisSettings { url: server.url(), timeout: TIMEOUT, namespace: namespace.to_owned() };
    RedisLevel::start(&settings).unwrap()
}

/// A cache that keeps `capacity_bytes` in this process.
fn cache(server: &Redis, namespace: &str, capacity_bytes: u64) -> Arc<Cache<Wrong>> {
    let settings = CacheSettings { capacity_bytes, ..CacheSettings::default() };
    Cache::new(settings, Some(level(server, namespace)))
}

async fn until(cache: &Cache<Wrong>, state: LevelState) {
    for _ in 0..2_000 {
        if cache.status().second_level.state == state {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never {state}: {:?}", cache.status());
}

#[tokio::test]
async fn an_answer_of_one_runtime_is_found_by_another_of_the_same_kind() {
    let Some(server) = Redis::for_test() else { return };
    let source = Source::default();
    let answer = json!({ "risk": 0.1, "why": ["kurz", "ungenau"] });
    let [one, same, other] = ["a", "a", "b"].map(|namespace| cache(&server, namespace, 1 << 20));
    for cache in [&one, &same, &other] {
        until(cache, LevelState::Ok).await;
    }
    let ask = async |cache: &Arc<Cache<Wrong>>| cache.get_or_load(&key(1), LIMIT, source.load(answer.clone())).await;
    assert_eq!(ask(&one).await, Ok(Arc::new(answer.clone())));
    while server.ask(&["DBSIZE"]).unwrap() == "0" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(ask(&same).await, Ok(Arc::new(answer.clone())));
    assert_eq!((source.loads(), same.status().second_level_hits), (1, 1));
    assert_eq!(ask(&other).await, Ok(Arc::new(answer.clone())));
    assert_eq!(source.loads(), 2);
    // What is kept there goes by itself.
    let name = format!("a:{}", key(1).as_str());
    let left_ms: i64 = server.ask(&["PTTL", &name]).unwrap().parse().unwrap();
    assert!((1..=3_600_000).contains(&left_ms), "{left_ms}");
}

/// Callers that ask without a pause, of more keys than the first level keeps.
struct Load {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
    callers: Vec<tokio::task::JoinHandle<Duration>>,
}

impl Load {
    fn start(cache: &Arc<Cache<Wrong>>) -> Self {
        let (stop, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let caller = |caller: u64| {
            let (cache, stop, asked) = (Arc::clone(cache), Arc::clone(&stop), Arc::clone(&asked));
            tokio::spawn(async move {
                let mut longest = Duration::ZERO;
                let mut question = caller;
                while !stop.load(Ordering::Relaxed) {
                    question = (question + 7) % 1_000;
                    let right: Value = json!({ "answer": question });
                    let key = Key::new("load", &json!(question)).unwrap();
                    let (loaded, before) = (right.clone(), tokio::time::Instant::now());
                    let answer = cache.get_or_load(&key, LIMIT, async move { Ok(loaded) }).await;
                    longest = longest.max(before.elapsed());
                    assert_eq!(answer, Ok(Arc::new(right)));
                    asked.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
                longest
            })
        };
        let callers = (0..8).map(caller).collect();
        Self { stop, asked, callers }
    }

    /// Waits until so many more were answered.
    async fn more(&self, questions: u64) {
        let target = self.asked.load(Ordering::Relaxed) + questions;
        while self.asked.load(Ordering::Relaxed) < target {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stop(self) -> Duration {
        self.stop.store(true, Ordering::Relaxed);
        let mut longest = Duration::ZERO;
        for caller in self.callers {
            longest = longest.max(caller.await.expect("a request failed"));
        }
        longest
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_filled_paused_and_killed_during_load_fails_no_request() {
    let Some(server) = Redis::for_test() else { return };
    let cache = cache(&server, "load", 20_000);
    until(&cache, LevelState::Ok).await;
    let load = Load::start(&cache);
    load.more(2_000).await;
    assert!(cache.status().second_level_hits > 0, "{:?}", cache.status());

    server.fill(true).unwrap();
    server.ask(&["FLUSHALL"]).unwrap();
    until(&cache, LevelState::Full).await;
    assert!(cache.status().second_level.reason.contains("maxmemory"), "{:?}", cache.status());
    load.more(500).await;
    server.fill(false).unwrap();
    until(&cache, LevelState::Ok).await;

    server.pause().unwrap();
    until(&cache, LevelState::Slow).await;
    load.more(2_000).await;
    server.resume().unwrap();
    until(&cache, LevelState::Ok).await;

    server.kill().unwrap();
    until(&cache, LevelState::Gone).await;
    load.more(2_000).await;
    let skipped = cache.status().second_level.skipped;
    assert!(skipped > 1_000, "a dead server was asked: {:?}", cache.status());
    server.restart().unwrap();
    until(&cache, LevelState::Ok).await;
    let found = cache.status().second_level_hits;
    load.more(2_000).await;
    assert!(cache.status().second_level_hits > found, "{:?}", cache.status());

    let longest = load.stop().await;
    assert!(longest < LIMIT, "{longest:?}");
    assert_eq!(cache.status().failures, 0);
}

#[tokio::test]
async fn health_knows_of_trouble_where_nobody_asks() {
    let Some(server) = Redis::for_test() else { return };
    let cache = cache(&server, "idle", 1 << 20);
    until(&cache, LevelState::Ok).await;
    server.kill().unwrap();
    until(&cache, LevelState::Gone).await;
}

#[tokio::test]
async fn a_server_that_lets_nobody_in_is_gone_and_says_why() {
    let Some(server) = Redis::for_test() else { return };
    server.ask(&["CONFIG", "SET", "requirepass", "hunter2"]).unwrap();
    let cache = cache(&server, "locked", 1 << 20);
    for _ in 0..500 {
        if cache.status().second_level.reason.contains("NOAUTH") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let status = cache.status().second_level;
    assert!(status.state == LevelState::Gone && status.reason.contains("NOAUTH"), "{status:?}");
    assert_eq!(cache.get_or_load(&key(1), LIMIT, async { Ok(json!(1)) }).await, Ok(Arc::new(json!(1))));
}

#[test]
fn an_address_is_checked_and_never_repeated() {
    for good in ["redis://127.0.0.1", "redis://:secret@cache:6380/2", "redis+unix:///run/redis.sock"] {
        check_url(good).unwrap();
    }
    for bad in ["http://secret@host", "secret", "redis://", "rediss://secret@host"] {
        let error = check_url(bad).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn clearing_leaves_nothing_of_ours_and_all_of_the_others() {
    let Some(server) = Redis::for_test() else { return };
    let [own, other] = ["a*", "ab"].map(|namespace| cache(&server, namespace, 1 << 20));
    for cache in [&own, &other] {
        until(cache, LevelState::Ok).await;
    }
    for number in 0..3_000 {
        for cache in [&own, &other] {
            cache.get_or_load(&key(number), LIMIT, async move { Ok(json!(number)) }).await.unwrap();
        }
    }
    let kept = || server.ask(&["DBSIZE"]).unwrap().parse::<u64>().unwrap();
    while own.status().second_level.unkept + other.status().second_level.unkept + kept() < 6_000 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let of_other = 3_000 - other.status().second_level.unkept;
    // Blocks, which here keeps nobody waiting but the test itself.
    own.clear(Duration::from_secs(10)).unwrap();
    assert_eq!((kept(), own.status().entries, other.status().entries), (of_other, 0, 3_000));
    assert!(own.get(&key(7)).is_none() && other.get(&key(7)).is_some());
    drop(server);
    assert!(own.clear(Duration::from_secs(1)).is_err(), "nobody was there");
}
