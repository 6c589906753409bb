//! Small histories for tests.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use souffleur_core::batch::TrainingBatch;
use souffleur_core::clock::ManualClock;
use souffleur_core::document::{DocumentKind, NewDocument};
use souffleur_core::features;
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::job::Job;
use souffleur_core::query::Query;
use souffleur_core::records::{Feedback, MetricPoint, RuleApplication, Session};
use souffleur_core::store::memory::MemoryStore;
use souffleur_core::store::{Claim, Commit, FeaturedSession, Record, RunCommit, Store};
use souffleur_core::time::Timestamp;

use super::engine::Engine;
use super::error::LoaderError;

/// The first hour of the test's time.
pub(super) const START: Timestamp = Timestamp(1_700_000_000_000_000);

/// `START` and so many hours.
pub(super) fn hour(hours: i64) -> Timestamp {
    Timestamp(START.0 + hours * Timestamp::HOUR_US)
}

/// What a store in memory decided, which it does at once; also where a thread must not be blocked.
fn decided<T>(commit: Commit<T>) -> T {
    match pin!(commit).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.unwrap(),
        Poll::Pending => panic!("the store has not decided"),
    }
}

/// A store that is filled record by record.
#[derive(Clone, Default)]
pub(super) struct History(pub(super) Arc<MemoryStore>);

impl History {
    /// Appends one record that became known in this hour.
    pub(super) fn append(&self, known: i64, record: Record) -> Seq {
        decided(self.0.append(vec![record.into()], hour(known)))[0].seq
    }

    /// Appends a session given as JSON without prompt and times; it happened when it became known.
    pub(super) fn session(&self, known: i64, id: &str, json: &str) -> Seq {
        self.featured(known, id, json, None)
    }

    /// Appends a made-up session.
    pub(super) fn made_up(&self, known: i64, id: &str, json: &str) -> Seq {
        self.featured(known, id, json, Some("generator 1 seed 1".to_owned()))
    }

    fn featured(&self, known: i64, id: &str, json: &str, provenance: Option<String>) -> Seq {
        let mut body: serde_json::Value = serde_json::from_str(json).unwrap();
        body["original_prompt"] = format!("Write {id} tests.").into();
        body["session_id"] = id.into();
        let session: Session = serde_json::from_value(body).unwrap();
        let features = features::extract(&session);
        self.append(known, Record::Session(Box::new(FeaturedSession { session, features, provenance })))
    }

    /// Appends `count` sessions with one application each, numbered from `first`: no two are alike.
    pub(super) fn bulk(&self, first: usize, count: usize) {
        let records = (first..first + count).map(|i| {
            let mut features = [0.5; features::WIDTH];
            (features[0], features[1]) = ((i % 1000) as f32 / 1000.0, (i / 1000) as f32 / 1000.0);
            let rules = vec![RuleApplication { rule_id: format!("r{}", i % 7), ..RuleApplication::default() }];
            let session_id = Some(format!("bulk-{i}"));
            let session = Session { session_id, rules, quality_score: Some(0.5), ..Session::default() };
            Record::Session(Box::new(FeaturedSession { session, features, provenance: None })).into()
        });
        decided(self.0.append(records.collect(), hour(1)));
    }

    pub(super) fn feedback(&self, known: i64, id: &str, rating: u8) -> Seq {
        let feedback = Feedback { session_id: id.to_owned(), rating, ..Feedback::default() };
        self.append(known, Record::Feedback(feedback))
    }

    pub(super) fn application(&self, known: i64, id: &str, rule: &str) -> Seq {
        let application = RuleApplication { rule_id: rule.to_owned(), ..RuleApplication::default() };
        self.append(known, Record::Application { session_id: id.to_owned(), application, event_time: None })
    }

    pub(super) fn metric(&self, known: i64, metric: &str, subject: &str, value: f64) -> Seq {
        let point = MetricPoint {
            metric: metric.to_owned(),
            subject: subject.to_owned(),
            value,
            event_time: Some(hour(known)),
        };
        self.append(known, Record::Metric(point))
    }

    pub(super) fn document(&self, known: i64, kind: DocumentKind, subject: &str, json: &str) -> Seq {
        let body = serde_json::from_str(json).unwrap();
        self.append(known, Record::Document(kind, NewDocument { subject: subject.to_owned(), event_time: None, body }))
    }

    /// Commits a model that was trained on these rows; its name.
    pub(super) fn model(&self, component: &str, version: DataVersion, rows: Vec<Seq>) -> String {
        let run_id = format!("run-{}", self.0.watermark().unwrap());
        let lease = decided(self.0.claim(Claim::new(component, &run_id, hour(0), 1)));
        let run = RunCommit {
            lease,
            now: hour(0),
            version,
            seed: 0,
            duration_ms: 1,
            report: serde_json::Value::Null,
            metrics: Vec::new(),
            snapshot: Vec::new(),
            rows,
            origin: souffleur_core::store::Origin::default(),
        };
        decided(self.0.commit_run(run));
        self.0.latest_model(component).unwrap().unwrap().model_id
    }

    pub(super) fn seq(&self, id: &str) -> Seq {
        self.0.session_seq(id).unwrap().unwrap()
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    /// An engine with plenty of memory.
    pub(super) fn engine(&self) -> Engine {
        Engine::new(self.store(), 64 << 20, 8)
    }
}

/// Five real sessions and a made-up one, with every kind of outcome, rule and document.
///
/// | session | domain | outcome | rules |
/// |---|---|---|---|
/// | s1 | finance | rated 5 | clarity (propensity .5), few_shot |
/// | s2 | gaming | quality .2 | clarity |
/// | s3 | finance | unknown | |
/// | s4 | law | improved by .6 | cot |
/// | p1 | finance, made up | quality .8 | |
/// | s5 | unknown | quality .9, later rated 1 | few_shot (propensity .25) |
pub(super) fn known_history() -> History {
    let history = History::default();
    let rules = r#"[{"rule_id":"clarity","propensity":0.5,"improvement_score":0.2},
                    {"rule_id":"few_shot","improvement_score":0.1,"confidence":0.7,"execution_time_ms":12}]"#;
    let s1 = format!(r#"{{"domain":"finance","quality_score":0.4,"rules":{rules},"feedback":[{{"rating":5}}]}}"#);
    history.session(1, "s1", &s1);
    history.session(2, "s2", r#"{"domain":"gaming","quality_score":0.2,"rules":[{"rule_id":"clarity"}]}"#);
    history.session(3, "s3", r#"{"domain":"finance"}"#);
    history.session(4, "s4", r#"{"domain":"law","improvement_score":0.6,"rules":[{"rule_id":"cot"}]}"#);
    history.made_up(5, "p1", r#"{"domain":"finance","quality_score":0.8}"#);
    let s5 = r#"{"quality_score":0.9,"rules":[{"rule_id":"few_shot","propensity":0.25,"improvement_score":-0.3}]}"#;
    history.session(6, "s5", s5);
    history.feedback(7, "s5", 1);
    history.metric(8, "latency_ms", "rule_selector", 3.0);
    history.metric(9, "latency_ms", "context_learner", 4.0);
    history.document(10, DocumentKind::Results, "automl_orchestrator", r#"{"trials":3}"#);
    history.document(11, DocumentKind::Results, "federated_learning", r#"{"clients":2}"#);
    history.document(12, DocumentKind::AdversarialExamples, "red_team", r#"{"text":"ignore all"}"#);
    history.document(13, DocumentKind::ExperimentUnits, "ab_1", r#"{"arm":"a","outcome":1}"#);
    history
}

/// A job nobody limits.
pub(super) fn job() -> Job {
    Job::new(Arc::new(ManualClock::at(START)), 0)
}

/// Reads what is new and answers.
pub(super) fn ask(engine: &Engine, query: &Query) -> Result<Arc<TrainingBatch>, LoaderError> {
    engine.refresh(&job())?;
    engine.build(query, &job())
}

/// A rule applied in a session: its name, and the bits of its improvement and propensity.
pub(super) type AppliedRule = (String, u32, u32);

/// What the batch says was applied in each of its sessions.
pub(super) fn rules_told(batch: &TrainingBatch) -> Vec<Vec<AppliedRule>> {
    let rules = batch.session_rules.as_ref().unwrap();
    assert_eq!((rules.starts.len(), rules.starts[0]), (batch.len() + 1, 0));
    assert_eq!(*rules.starts.last().unwrap() as usize, rules.rule.len());
    let rule = |at: usize| {
        let name = rules.rule_ids[rules.rule[at] as usize].to_string();
        (name, rules.improvement_score[at].to_bits(), rules.propensity[at].to_bits())
    };
    (0..batch.len()).map(|row| rules.of(row).map(rule).collect()).collect()
}

/// What was applied in each of the batch's sessions, found by looking at every application for every session.
pub(super) fn rules_found(history: &History, batch: &TrainingBatch) -> Vec<Vec<AppliedRule>> {
    let delta = history.0.delta(Seq::ZERO, usize::MAX).unwrap();
    let (all, as_of) = (&delta.applications, batch.query.as_of);
    let names: std::collections::HashMap<_, _> = delta.rules.iter().map(|(seq, name)| (seq.0, name)).collect();
    let seen = |i: &usize| {
        all.seq[*i] <= batch.version.watermark.0
            && as_of.known.is_none_or(|known| all.known_time_us[*i] <= known.0)
            && as_of.event.is_none_or(|event| all.event_time_us[*i] <= event.0)
    };
    let rule = |i: usize| {
        (names[&all.rule_seq[i]].to_string(), all.improvement_score[i].to_bits(), all.propensity[i].to_bits())
    };
    let of = |session: &Seq| {
        let of_session = (0..all.seq.len()).filter(|&i| all.session_seq[i] == session.0);
        of_session.filter(seen).map(rule).collect()
    };
    batch.rows.session.iter().map(of).collect()
}

/// Every number of a batch as bits, every text as it is: equal if and only if the batches are, byte for byte.
pub(super) fn bytes(batch: &TrainingBatch) -> String {
    let bits = |column: &[f32]| column.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let features = bits(batch.features.as_slice().unwrap());
    let outcomes = &batch.outcomes;
    let scores = [&outcomes.success_score, &outcomes.quality_score, &outcomes.improvement_score, &outcomes.mean_rating];
    let scores = scores.map(|column| bits(column));
    let applied = batch.applications.as_ref();
    let figures = applied.map(|a| [&a.confidence, &a.execution_time_ms, &a.propensity].map(|column| bits(column)));
    let ruled = batch.session_rules.as_ref();
    let ruled_figures = ruled.map(|r| [&r.improvement_score, &r.propensity].map(|column| bits(column)));
    format!(
        "{:?} {:?} {:?} {features:?} {:?} {scores:?} {:?} {:?} {figures:?} {:?} {ruled_figures:?} {:?} {:?} {:?}",
        batch.version,
        batch.columns,
        batch.features.shape(),
        batch.rows,
        outcomes.ratings,
        applied.map(|a| (&a.rule, &a.rule_ids)),
        ruled.map(|r| (&r.starts, &r.rule, &r.rule_ids)),
        batch.metrics,
        batch.documents,
        batch.quality,
    )
}
