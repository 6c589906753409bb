//! What every component must keep to, whatever it computes.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use ndarray::Axis;
use serde_json::{Value, json};
use souffleur_components::CATALOGUE;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::catalogue::{Entry, training_order};
use souffleur_core::error::ComponentError;
use souffleur_core::job::{Interrupted, Job};
use souffleur_core::runner::ErasedTrained;

use crate::clock::TestClock;

/// Longest a cancelled run may go on.
const CANCEL_LIMIT: Duration = Duration::from_millis(100);

type Verdict = Result<(), String>;

fn job() -> Job {
    Job::new(Arc::new(TestClock::start()), 7)
}

/// Held for reading by every check, and for writing by one that measures time: nothing else runs meanwhile.
static MACHINE: RwLock<()> = RwLock::new(());

fn for_each(check: fn(&Entry) -> Verdict) {
    let _shared = MACHINE.read();
    hold_against_all(check);
}

fn for_each_alone(check: fn(&Entry) -> Verdict) {
    let _alone = MACHINE.write();
    hold_against_all(check);
}

fn hold_against_all(check: fn(&Entry) -> Verdict) {
    let failures: Vec<String> =
        CATALOGUE.iter().filter_map(|e| check(e).err().map(|why| format!("{}: {why}", e.name))).collect();
    assert!(!CATALOGUE.is_empty());
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn ensure(holds: bool, why: impl Into<String>) -> Verdict {
    if holds { Ok(()) } else { Err(why.into()) }
}

fn text<T>(result: Result<T, ComponentError>) -> Result<T, String> {
    result.map_err(|e| e.to_string())
}

fn train_on(entry: &Entry, batch: &TrainingBatch, job: &Job) -> Result<ErasedTrained, ComponentError> {
    let params = entry.runner.params(&Value::Null)?;
    entry.runner.train(&params, None, batch, job)
}

#[test]
fn the_catalogue_is_sound() {
    let order = training_order(CATALOGUE).unwrap();
    assert_eq!(order.len(), CATALOGUE.len());
}

#[test]
fn names_are_snake_case_and_summaries_are_sentences() {
    for_each(|entry| {
        let spec = entry.spec();
        ensure(spec.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "its name is not snake_case")?;
        ensure(spec.summary.ends_with('.') && spec.summary.len() > 20, "its summary is no sentence")?;
        ensure(spec.minimum_rows > 0 && spec.budgets.train_ms > 0 && spec.budgets.answer_ms > 0, "it lacks a limit")
    });
}

#[test]
fn it_has_bars_and_measures_each_of_them() {
    for_each(|entry| {
        ensure(!entry.runner.bars().is_empty(), "it has no bar")?;
        let measured = text(entry.runner.certify(1, &job()))?;
        for bar in entry.runner.bars() {
            let figure = measured.iter().find(|m| m.metric == bar.metric);
            let figure = figure.ok_or_else(|| format!("its certificate does not measure {}", bar.metric))?;
            ensure(figure.value.is_finite(), format!("{} is {}", bar.metric, figure.value))?;
        }
        Ok(())
    });
}

#[test]
fn its_defaults_are_valid_and_an_unknown_parameter_is_refused_by_name() {
    for_each(|entry| {
        let mut section = text(entry.runner.default_params())?;
        text(entry.runner.params(&section))?;
        section["no_such_parameter"] = json!(1);
        let error = entry.runner.params(&section).err().ok_or("it takes an unknown parameter")?;
        ensure(error.to_string().contains("no_such_parameter"), format!("the error does not name it: {error}"))
    });
}

#[test]
fn every_parameter_is_described() {
    for_each(|entry| {
        let schema = entry.runner.schemas().params;
        let properties = schema["properties"].as_object().ok_or("its parameters have no schema")?;
        let bare = properties.iter().find(|(_, p)| p["description"].as_str().is_none_or(str::is_empty));
        ensure(bare.is_none(), format!("{:?} has no description", bare.map(|(name, _)| name)))
    });
}

#[test]
fn its_probe_passes() {
    for_each(|entry| {
        let params = text(entry.runner.params(&Value::Null))?;
        text(entry.runner.probe(&params, &job()))
    });
}

#[test]
fn the_same_batch_and_seed_give_the_same_bytes_on_one_thread_and_on_four() {
    for_each(|entry| {
        let (batch, _) = text(entry.runner.example())?;
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|e| e.to_string())?;
            text(pool.install(|| train_on(entry, &batch, &job())))
        };
        let (one, four) = (on(1)?, on(4)?);
        ensure(one.snapshot == four.snapshot, "the snapshots differ")?;
        ensure(one.report == four.report, "the reports differ")
    });
}

#[test]
fn a_snapshot_answers_as_the_model_did() {
    for_each(|entry| {
        let (batch, query) = text(entry.runner.example())?;
        let params = text(entry.runner.params(&Value::Null))?;
        let trained = text(train_on(entry, &batch, &job()))?;
        let restored = text(entry.runner.restore(&trained.snapshot))?;
        let before = text(entry.runner.answer(&params, &trained.model, &query))?;
        let after = text(entry.runner.answer(&params, &restored, &query))?;
        ensure(before == after, "the restored model answers differently")
    });
}

#[test]
fn a_damaged_snapshot_is_refused() {
    for_each(|entry| {
        let (batch, _) = text(entry.runner.example())?;
        let snapshot = text(train_on(entry, &batch, &job()))?.snapshot;
        for position in (0..snapshot.len()).step_by(snapshot.len() / 64 + 1) {
            let mut damaged = snapshot.clone();
            damaged[position] ^= 0x55;
            ensure(entry.runner.restore(&damaged).is_err(), format!("byte {position} may be wrong unnoticed"))?;
        }
        for length in [0, 1, snapshot.len() / 2, snapshot.len() - 1] {
            ensure(entry.runner.restore(&snapshot[..length]).is_err(), format!("{length} bytes pass for a snapshot"))?;
        }
        Ok(())
    });
}

#[test]
fn too_few_rows_are_refused_and_said_so() {
    for_each(|entry| {
        let (batch, _) = text(entry.runner.example())?;
        for rows in [0, 1, 2] {
            match train_on(entry, &crate::history::head(&batch, rows), &job()) {
                Err(ComponentError::TooFewRows { .. }) => {}
                Err(other) => return Err(format!("{rows} rows: {other}")),
                Ok(_) => return Err(format!("it learns from {rows} rows")),
            }
        }
        Ok(())
    });
}

#[test]
fn a_bad_question_is_refused() {
    for_each(|entry| {
        let (batch, _) = text(entry.runner.example())?;
        let params = text(entry.runner.params(&Value::Null))?;
        let model = text(train_on(entry, &batch, &job()))?.model;
        for query in [json!(null), json!([]), json!("?"), json!({ "no_such_field": 1 })] {
            match entry.runner.answer(&params, &model, &query) {
                Err(ComponentError::Query(_)) => {}
                Err(other) => return Err(format!("{query}: {other}")),
                Ok(answer) => return Err(format!("{query} is answered with {answer}")),
            }
        }
        Ok(())
    });
}

#[test]
fn a_cancelled_run_stops_at_once_wherever_it_is() {
    for_each_alone(|entry| {
        let (batch, _) = text(entry.runner.example())?;
        let batch = crate::history::repeated(&batch, 20_000 / batch.len().max(1) + 1);
        let mut stopped = 0;
        for after_ms in [0, 20, 60, 150, 400] {
            let job = job();
            let token = job.cancel_token();
            let canceller = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(after_ms));
                token.cancel();
                TestClock::start()
            });
            let outcome = train_on(entry, &batch, &job);
            let since = canceller.join().map_err(|_| "the canceller panicked")?;
            let late = souffleur_core::clock::Clock::monotonic(&since);
            match outcome {
                Err(ComponentError::Interrupted(Interrupted::Cancelled)) => {
                    stopped += 1;
                    ensure(late < CANCEL_LIMIT, format!("it went on for {late:?} after {after_ms} ms"))?;
                }
                Ok(_) => {}
                Err(other) => return Err(format!("cancelled after {after_ms} ms: {other}")),
            }
        }
        ensure(stopped > 0, "no run was long enough to be cancelled")
    });
}

#[test]
fn an_example_batch_is_what_a_loader_would_hand_out() {
    for_each(|entry| {
        let (batch, _) = text(entry.runner.example())?;
        let n = batch.len();
        ensure(batch.features.len_of(Axis(0)) == n, "features and rows differ in length")?;
        ensure(batch.outcomes.success_score.len() == n && batch.rows.session.len() == n, "a column is too short")
    });
}
