use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use serde_json::json;
use souffleur_core::clock::ManualClock;
use souffleur_core::ids::Epoch;
use souffleur_core::query::AsOf;
use souffleur_core::records::Feedback;
use souffleur_core::store::{Append, Record, StoreError};

use super::*;
use crate::loader::fixture::{History, START, known_history};
use crate::loader::messages::{
    Acknowledge, AddFeedbackData, DataChanged, DrainLoader, FrequentlyAccessed, GetLoaderStatus, GetTrainingBatch,
    Lease, SubmitResults,
};
use crate::pool::{Pool, PoolSize};
use crate::port::{Ask, Port};

const LONG: Duration = Duration::from_secs(20);

/// A loader on a history, with a clock that is moved by hand.
struct Stage {
    history: History,
    clock: Arc<ManualClock>,
    port: Port<LoaderActor>,
    warm: WarmBatches,
}

impl Stage {
    fn new(history: History, settings: LoaderSettings) -> Self {
        let size = PoolSize { name: "loader", slots: 1, queue_capacity: 4, max_abandoned: 2, retry_after_ms: 1 };
        let clock = Arc::new(ManualClock::at(START));
        let pool = Arc::new(Pool::new(size).unwrap());
        let loader = LoaderActor::new(history.store(), pool, clock.clone(), settings);
        let warm = loader.warm();
        Self { history, clock, port: Port::new(loader.start(), 1_000, 1), warm }
    }

    fn with(history: History) -> Self {
        Self::new(history, LoaderSettings::default())
    }

    async fn ask<M: Ask>(&self, message: M) -> M::Reply
    where
        LoaderActor: actix::Handler<crate::port::Request<M>>,
    {
        self.port.ask(message).unwrap().within(LONG).await.unwrap()
    }

    async fn batch(&self, query: Query) -> BatchResult {
        self.ask(GetTrainingBatch::new("test", query)).await
    }

    fn tell(&self) {
        let watermark = self.history.store().watermark().unwrap();
        self.warm.data_changed(watermark);
        self.port.address().do_send(DataChanged { watermark });
    }

    async fn until(&self, mut when: impl FnMut(&LoaderStatus) -> bool) -> LoaderStatus {
        for _ in 0..1_000 {
            let status = self.ask(GetLoaderStatus).await;
            if when(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it did not come to that: {:?}", self.ask(GetLoaderStatus).await);
    }
}

/// Something a store can be held up by.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn pass(&self) {
        let open = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(open, |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

#[actix::test]
async fn ten_who_ask_the_same_cause_one_build_and_share_it() {
    let history = known_history();
    let gate = Gate::default();
    history.0.before_read({
        let gate = gate.clone();
        move || gate.pass()
    });
    let stage = Stage::with(history);
    let answers: Vec<_> =
        (0..10).map(|_| stage.port.ask(GetTrainingBatch::new("test", Query::default())).unwrap()).collect();
    assert_eq!(stage.until(|status| status.waiting == 10).await.builds, 0);
    gate.open();
    let mut batches = Vec::new();
    for answer in answers {
        batches.push(answer.within(LONG).await.unwrap().unwrap());
    }
    assert!(batches.iter().all(|batch| Arc::ptr_eq(batch, &batches[0])));
    let warm = stage.batch(Query::default()).await.unwrap();
    assert!(Arc::ptr_eq(&warm, &batches[0]));
    let status = stage.ask(GetLoaderStatus).await;
    assert_eq!((status.builds, status.misses, status.hits, status.waiting), (1, 10, 1, 0));
    assert_eq!(stage.ask(FrequentlyAccessed { limit: 5 }).await, [(Query::default(), 2)]);
}

#[actix::test]
async fn batch_size_and_features_narrow_the_query() {
    let stage = Stage::with(known_history());
    let features = Some(souffleur_core::query::FeatureSet::Linguistic);
    let message = GetTrainingBatch { batch_size: Some(2), features, ..GetTrainingBatch::new("test", Query::default()) };
    let batch = stage.ask(message).await.unwrap();
    assert_eq!(batch.features.shape(), [2, 10]);
    assert_eq!(batch.rows.seq, [stage.history.seq("s4"), stage.history.seq("s5")]);
}

#[actix::test]
async fn who_asks_after_news_sees_them() {
    let stage = Stage::with(known_history());
    let before = stage.batch(Query::default()).await.unwrap();
    for i in 0..20 {
        let seq = stage.history.session(20, &format!("new-{i}"), "{}");
        stage.port.address().do_send(DataChanged { watermark: seq });
        let batch = stage.batch(Query::default()).await.unwrap();
        assert_eq!(batch.rows.seq.last(), Some(&seq));
    }
    let as_of = AsOf { watermark: Some(before.version.watermark), ..AsOf::default() };
    let again = stage.batch(Query { as_of, ..Query::default() }).await.unwrap();
    assert_eq!((again.version, &again.rows), (before.version, &before.rows));
}

#[actix::test]
async fn who_asks_after_news_does_not_join_a_build_that_began_before() {
    let history = known_history();
    let (gate, reads) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
    history.0.before_read({
        let (gate, reads) = (gate.clone(), Arc::clone(&reads));
        move || {
            // The first read is the load, the second the documents of the first build.
            if reads.fetch_add(1, Ordering::SeqCst) == 1 {
                gate.pass();
            }
        }
    });
    let stage = Stage::with(history);
    let ask = || stage.port.ask(GetTrainingBatch::new("test", Query::automl_results())).unwrap();
    let before = ask();
    stage.until(|_| reads.load(Ordering::SeqCst) == 2).await;
    stage.history.document(20, souffleur_core::document::DocumentKind::Results, "automl_orchestrator", "{}");
    stage.tell();
    let after = ask();
    stage.until(|status| status.waiting == 2).await;
    gate.open();
    assert_eq!(before.within(LONG).await.unwrap().unwrap().len(), 1);
    assert_eq!(after.within(LONG).await.unwrap().unwrap().len(), 2);
}

#[actix::test]
async fn rows_announced_that_do_not_exist_keep_nobody_busy() {
    let stage = Stage::with(known_history());
    stage.port.address().do_send(DataChanged { watermark: Seq(1_000_000) });
    let first = stage.batch(Query::default()).await.unwrap();
    let status = stage.until(|status| !status.working).await;
    assert_eq!(status.announced, status.watermark);
    assert!(Arc::ptr_eq(&first, &stage.batch(Query::default()).await.unwrap()));
}

#[actix::test]
async fn too_many_askers_are_told_to_come_back() {
    let history = known_history();
    let gate = Gate::default();
    history.0.before_read({
        let gate = gate.clone();
        move || gate.pass()
    });
    let stage = Stage::new(history, LoaderSettings { waiting: 3, ..LoaderSettings::default() });
    let query = |limit| Query { limit: Some(limit), ..Query::default() };
    let mut waiting: Vec<_> =
        (1..=3).map(|limit| stage.port.ask(GetTrainingBatch::new("test", query(limit))).unwrap()).collect();
    assert_eq!(stage.batch(query(4)).await.unwrap_err(), LoaderError::Busy { retry_after_ms: 100 });
    gate.open();
    assert_eq!(waiting.pop().unwrap().within(LONG).await.unwrap().unwrap().len(), 3);
    for answer in waiting {
        answer.within(LONG).await.unwrap().unwrap();
    }
    assert!(stage.batch(query(4)).await.is_ok());
}

#[actix::test]
async fn a_hung_store_costs_its_thread_and_no_more() {
    let history = known_history();
    let (gate, calls) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
    history.0.before_read({
        let (gate, calls) = (gate.clone(), Arc::clone(&calls));
        move || {
            if calls.fetch_add(1, Ordering::SeqCst) == 0 {
                gate.pass();
            }
        }
    });
    let stage = Stage::with(history);
    let answer = stage.port.ask(GetTrainingBatch::new("test", Query::default())).unwrap();
    stage.until(|status| status.waiting == 1).await;
    let stalled = |status: &LoaderStatus| {
        stage.clock.advance(LoaderSettings::default().stall + Duration::from_millis(1));
        status.failures == 1 || status.loaded
    };
    stage.until(stalled).await;
    assert_eq!(answer.within(LONG).await.unwrap().unwrap_err(), LoaderError::DeadlineExceeded);
    stage.clock.advance(LoaderSettings::default().backoff_max);
    assert!(stage.until(|status| status.loaded).await.last_error.is_none());
    assert_eq!(stage.batch(Query::default()).await.unwrap().len(), 6);
    gate.open();
}

#[actix::test]
async fn an_asker_waits_as_long_as_he_may_and_the_work_goes_on() {
    let history = known_history();
    let gate = Gate::default();
    history.0.before_read({
        let gate = gate.clone();
        move || gate.pass()
    });
    let batch_deadline = Duration::from_secs(5);
    let stage = Stage::new(history, LoaderSettings { batch_deadline, ..LoaderSettings::default() });
    let first = stage.port.ask(GetTrainingBatch::new("test", Query::default())).unwrap();
    stage.until(|status| status.waiting == 1).await;
    stage.clock.advance(batch_deadline);
    assert_eq!(first.within(LONG).await.unwrap().unwrap_err(), LoaderError::DeadlineExceeded);
    let second = stage.port.ask(GetTrainingBatch::new("test", Query::default())).unwrap();
    gate.open();
    assert_eq!(second.within(LONG).await.unwrap().unwrap().len(), 6);
}

#[actix::test]
async fn a_panic_in_the_work_answers_everybody_and_the_loader_lives() {
    let history = known_history();
    let calls = Arc::new(AtomicUsize::new(0));
    history.0.before_read({
        let calls = Arc::clone(&calls);
        move || assert!(calls.fetch_add(1, Ordering::SeqCst) != 1, "the second read panics")
    });
    let stage = Stage::with(history);
    stage.until(|status| status.loaded).await;
    stage.history.session(20, "new", "{}");
    stage.tell();
    let failed = stage.batch(Query::default()).await;
    assert_eq!(failed.unwrap_err(), LoaderError::Panicked("the second read panics".to_owned()));
    stage.clock.advance(LoaderSettings::default().backoff_max);
    stage.until(|status| status.loaded).await;
    assert_eq!(stage.batch(Query::default()).await.unwrap().len(), 7);
}

#[actix::test]
async fn a_panic_in_a_build_costs_that_batch_only() {
    let history = known_history();
    let reads = Arc::new(AtomicUsize::new(0));
    history.0.before_read({
        let reads = Arc::clone(&reads);
        move || assert!(reads.fetch_add(1, Ordering::SeqCst) != 1, "the first build panics")
    });
    let stage = Stage::with(history);
    let failed = stage.batch(Query::automl_results()).await;
    assert_eq!(failed.unwrap_err(), LoaderError::Panicked("the first build panics".to_owned()));
    assert_eq!(stage.batch(Query::default()).await.unwrap().len(), 6);
    assert_eq!(stage.batch(Query::automl_results()).await.unwrap().len(), 1);
    assert_eq!(reads.load(Ordering::SeqCst), 3, "the history was read once");
}

#[actix::test]
async fn when_the_store_fails_the_last_image_serves_on() {
    let stage = Stage::with(known_history());
    let before = stage.batch(Query::default()).await.unwrap();
    let failure = StoreError::Database("disk full".to_owned());
    let seq = stage.history.session(20, "new", "{}");
    stage.history.0.fail_with(Some(failure.clone()));
    stage.port.address().do_send(DataChanged { watermark: seq });
    let old = stage.batch(Query::default()).await.unwrap();
    assert!(Arc::ptr_eq(&old, &before));
    // What must be newer than the image is not answered with something older.
    let as_of = AsOf { watermark: Some(seq), ..AsOf::default() };
    assert_eq!(stage.batch(Query { as_of, ..Query::default() }).await.unwrap_err(), LoaderError::Store(failure));
    let status = stage.ask(GetLoaderStatus).await;
    assert_eq!(status.last_error.as_deref(), Some("the database failed: disk full"));
    stage.history.0.fail_with(None);
    stage.clock.advance(LoaderSettings::default().backoff_max);
    assert_eq!(stage.until(|status| status.failures == 0).await.watermark, seq);
    assert_eq!(stage.batch(Query::default()).await.unwrap().len(), 7);
}

#[actix::test]
async fn a_store_that_fails_from_the_start_is_reported_and_tried_again() {
    let history = known_history();
    let failure = StoreError::Database("locked".to_owned());
    history.0.fail_with(Some(failure.clone()));
    let stage = Stage::with(history);
    assert_eq!(stage.batch(Query::default()).await.unwrap_err(), LoaderError::Store(failure));
    stage.history.0.fail_with(None);
    stage.clock.advance(LoaderSettings::default().backoff_max);
    stage.until(|status| status.loaded).await;
    assert_eq!(stage.batch(Query::default()).await.unwrap().len(), 6);
}

#[actix::test]
async fn results_and_feedback_are_stored_once_and_join_the_next_batch() {
    let stage = Stage::with(known_history());
    let results = SubmitResults {
        component: "automl_orchestrator".into(),
        results: json!({ "trials": 9 }),
        metadata: json!({ "run": "r1" }),
    };
    let first = stage.ask(results.clone()).await.unwrap();
    let again = stage.ask(results).await.unwrap();
    assert_eq!((first.duplicate, again.duplicate, again.seq), (false, true, first.seq));
    let found = stage.batch(Query::automl_results()).await.unwrap();
    assert_eq!(
        found.documents.last().unwrap().body,
        json!({ "results": { "trials": 9 }, "metadata": { "run": "r1" } })
    );

    let feedback = Feedback { session_id: "s3".to_owned(), rating: 5, ..Feedback::default() };
    let records = |feedback: &Feedback| vec![Append::from(Record::Feedback(feedback.clone()))];
    stage.ask(AddFeedbackData { records: records(&feedback) }).await.unwrap();
    let batch = stage.batch(Query::default()).await.unwrap();
    assert_eq!((batch.outcomes.success_score[2], batch.outcomes.ratings[2]), (1.0, 1));

    let wrong = Feedback { rating: 9, ..feedback };
    let error = stage.ask(AddFeedbackData { records: records(&wrong) }).await.unwrap_err();
    assert!(error.to_string().starts_with("records[0].rating: is 9"), "{error}");
    assert!(matches!(stage.ask(AddFeedbackData { records: Vec::new() }).await, Err(LoaderError::Invalid(_))));
}

#[actix::test]
async fn leased_data_is_served_again_until_it_is_acknowledged() {
    let stage = Stage::with(known_history());
    stage.until(|status| status.loaded).await;
    let lease = |epoch| Lease { component: "c".into(), epoch: Epoch(epoch), query: Query::default() };
    let first = stage.ask(lease(1)).await.unwrap();
    stage.history.session(20, "new", "{}");
    stage.tell();
    let again = stage.ask(lease(2)).await.unwrap();
    assert_eq!((again.batch.version, &again.batch.rows), (first.batch.version, &first.batch.rows));
    assert_eq!(again.lease.attempt, 2);
    let acknowledge = |epoch, lease| Acknowledge { component: "c".into(), epoch: Epoch(epoch), lease };
    let fenced = stage.ask(acknowledge(1, first.lease.id)).await;
    assert!(matches!(fenced, Err(LoaderError::Fenced { .. })), "{fenced:?}");
    stage.ask(acknowledge(2, again.lease.id)).await.unwrap();
    assert_eq!(stage.ask(lease(2)).await.unwrap().batch.len(), 7);
}

#[actix::test]
async fn draining_stops_a_load_and_sends_everybody_away() {
    let history = History::default();
    history.bulk(0, 2_000);
    let (gate, reads) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
    history.0.before_read({
        let (gate, reads) = (gate.clone(), Arc::clone(&reads));
        move || {
            reads.fetch_add(1, Ordering::SeqCst);
            gate.pass();
        }
    });
    // So little memory that the history comes in several pages.
    let stage = Stage::new(history, LoaderSettings { memory_limit_bytes: 4 << 20, ..LoaderSettings::default() });
    let answer = stage.port.ask(GetTrainingBatch::new("test", Query::default())).unwrap();
    stage.until(|status| status.waiting == 1 && reads.load(Ordering::SeqCst) == 1).await;
    stage.ask(DrainLoader).await;
    assert_eq!(answer.within(LONG).await.unwrap().unwrap_err(), LoaderError::ShuttingDown);
    assert_eq!(stage.batch(Query::default()).await.unwrap_err(), LoaderError::ShuttingDown);
    gate.open();
    let status = stage.until(|status| !status.working).await;
    assert!(status.draining && !status.loaded);
    assert_eq!(reads.load(Ordering::SeqCst), 1, "the other pages were left unread");
}

#[actix::test]
async fn the_board_is_read_without_asking() {
    let history = known_history();
    let size = PoolSize { name: "loader", slots: 1, queue_capacity: 4, max_abandoned: 2, retry_after_ms: 1 };
    let clock = Arc::new(ManualClock::at(START));
    let loader =
        LoaderActor::new(history.store(), Arc::new(Pool::new(size).unwrap()), clock, LoaderSettings::default());
    let board = loader.board();
    let _address = loader.start();
    while !board.load().loaded {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let status = board.load();
    assert_eq!((status.sessions, status.applications, status.feedback), (6, 5, 2));
    assert_eq!(status.watermark, history.store().watermark().unwrap());
}

/// Makes the actor itself panic.
#[derive(actix::Message)]
#[rtype(result = "()")]
struct Crash;

impl actix::Handler<Crash> for LoaderActor {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        panic!("in the loader's handler");
    }
}

#[actix::test]
async fn after_a_panic_of_its_own_the_loader_serves_on() {
    let history = known_history();
    let size = PoolSize { name: "loader", slots: 1, queue_capacity: 4, max_abandoned: 2, retry_after_ms: 1 };
    let clock = Arc::new(ManualClock::at(START));
    let pool = Arc::new(Pool::new(size).unwrap());
    let loader = LoaderActor::new(history.store(), pool, clock.clone(), LoaderSettings::default());
    let limits = crate::guard::GuardLimits {
        intensity: 3,
        period: LONG,
        backoff_min: Duration::from_millis(1),
        backoff_max: Duration::from_millis(1),
    };
    let warm = loader.warm();
    let address = crate::guard::spawn("loader", limits, Arc::default(), loader);
    let stage = Stage { port: Port::new(address, 10, 1), history, clock, warm };
    let before = stage.batch(Query::default()).await.unwrap();
    stage.port.address().do_send(Crash);
    let after = stage.batch(Query::default()).await.unwrap();
    assert!(Arc::ptr_eq(&before, &after), "image and cache are still there");
}

#[actix::test]
async fn a_finished_batch_is_handed_out_without_the_mailbox_until_rows_come() {
    let stage = Stage::with(known_history());
    assert!(stage.warm.get(&Query::default()).is_none(), "nothing was built yet");
    let built = stage.batch(Query::default()).await.unwrap();
    let warm = stage.warm.get(&Query::default()).unwrap();
    assert!(Arc::ptr_eq(&built, &warm));
    stage.history.session(20, "new", "{}");
    stage.tell();
    assert!(stage.warm.get(&Query::default()).is_none(), "the new row is not in it");
    let pinned =
        Query { as_of: AsOf { watermark: Some(built.version.watermark), ..AsOf::default() }, ..Query::default() };
    let again = stage.batch(pinned.clone()).await.unwrap();
    assert!(Arc::ptr_eq(&again, &stage.warm.get(&pinned).unwrap()), "a pinned version stays warm");
    let rebuilt = stage.batch(Query::default()).await.unwrap();
    assert_eq!(rebuilt.len(), built.len() + 1);
    assert!(Arc::ptr_eq(&rebuilt, &stage.warm.get(&Query::default()).unwrap()));
}
