//! A training run: the right to commit, the data, the computation, the commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use souffleur_core::batch::TrainingBatch;
use souffleur_core::error::ComponentError;
use souffleur_core::job::Interrupted;
use souffleur_core::runner::ErasedTrained;
use souffleur_core::store::{Claim, Lease, Origin, RunCommit, RunFailure, RunState, Store};
use uuid::Uuid;

use super::flight::{Flight, Outcome};
use super::gate;
use crate::environment::Environment;
use crate::error::CallError;
use crate::events::RuntimeEvent;
use crate::health::board::{BatchSeen, Published};
use crate::outcome::TrainOutcome;

/// A committed run and its model.
pub(crate) struct Trained {
    pub(super) outcome: TrainOutcome,
    /// The model, unless it did not pass the gate.
    pub(super) published: Option<Arc<Published>>,
}

/// A run that has computed and is not committed yet.
pub(super) struct Computed {
    batch: Arc<TrainingBatch>,
    trained: ErasedTrained,
    params: souffleur_core::runner::ErasedParams,
    seed: u64,
    duration: Duration,
    origin: Origin,
}

/// What a manifest calls the program.
const PROGRAM: &str = concat!("souffleur ", env!("CARGO_PKG_VERSION"));

/// How many of a producer's newest runs are looked through for a report.
const RUNS_LOOKED_THROUGH: usize = 16;

/// Claims the right to commit, fetches the data, computes. The lease is handed out as soon as there is one, so that
/// a run that fails later is recorded as failed.
pub(super) async fn compute(flight: &Flight, lease: &mut Option<Lease>) -> Result<Computed, CallError> {
    let (env, component) = (&flight.env, &flight.component);
    let spec = component.entry.spec();
    let (params, query) = (component.params()?, component.query()?);
    let now = env.clock.now();
    let seconds = u64::try_from(now.0.div_euclid(1_000_000)).unwrap_or(0);
    let nanoseconds = u32::try_from(now.0.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    let run_id = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds)).to_string();
    let settings = &env.settings;
    let ttl_ms = spec.budgets.train_ms + settings.batch_deadline_ms + settings.store_deadline_ms + settings.grace_ms;
    let claim = Claim { basis: flight.basis.clone(), ..Claim::new(&*component.name, run_id.as_str(), now, ttl_ms) };
    let (claim, claim_env) = (env.store.claim(claim), Arc::clone(env));
    let claimed = flight.claimed(async move { claim_env.committed(claim).await }).await?;
    // Rows of other runtimes may not have been told of yet.
    env.batches.data_changed(claimed.watermark);
    *lease = Some(claimed);
    let limit = Duration::from_millis(settings.batch_deadline_ms);
    let batch = env.batches.batch(Arc::clone(&component.name), query);
    let batch = async { tokio::time::timeout(limit, batch).await.unwrap_or(Err(CallError::DeadlineExceeded)) };
    let batch = flight.unless_stopped(batch).await?;
    let seen = BatchSeen { rows: batch.len(), quality: batch.quality };
    component.board(env).batch.store(Some(Arc::new(seen)));
    if batch.len() < spec.minimum_rows {
        let (have, need) = (batch.len(), spec.minimum_rows);
        return Err(ComponentError::TooFewRows { what: "rows", have, need }.into());
    }
    let run_id: Arc<str> = Arc::from(run_id);
    let (name, rows, at) = (Arc::clone(&component.name), batch.len(), env.clock.now());
    env.emit(RuntimeEvent::RunStarted { component: name, run_id: Arc::clone(&run_id), rows, at });
    let seed = batch.version.seed(&component.name);
    let previous = component.board(env).published.load_full();
    let (work_env, work_component) = (Arc::clone(env), Arc::clone(component));
    flight
        .compute(seed, spec.budgets.train(), move |job| {
            let (batch, products) = with_products(work_env.store.as_ref(), spec.consumes, batch)?;
            let before = work_env.clock.monotonic();
            let previous_model = previous.as_ref().map(|published| &published.model);
            let trained = work_component.entry.runner.train(&params, previous_model, &batch, job)?;
            let duration = work_env.clock.monotonic().saturating_sub(before);
            let ruling = gate::judge(&work_env, &work_component, &trained.metrics)?;
            let origin = Origin {
                program: PROGRAM.to_owned(),
                params: work_component.section.clone(),
                snapshot_version: spec.snapshot_version,
                previous: previous.map(|published| published.model_id.to_string()),
                products,
                promote: ruling.promote,
                gate: ruling.said,
            };
            Ok(Computed { batch, trained, params, seed, duration, origin })
        })
        .await
}

/// The batch with the newest report of every producer, and the run each is of.
fn with_products(
    store: &dyn Store,
    producers: &[&str],
    batch: Arc<TrainingBatch>,
) -> Result<(Arc<TrainingBatch>, BTreeMap<String, String>), CallError> {
    let (mut products, mut from) = (BTreeMap::new(), BTreeMap::new());
    if producers.is_empty() {
        return Ok((batch, from));
    }
    for &producer in producers {
        let runs = store.runs(producer, RUNS_LOOKED_THROUGH)?;
        let newest = runs.into_iter().find(|run| run.state == RunState::Succeeded);
        if let Some((run_id, report)) = newest.and_then(|run| Some((run.run_id, run.report?))) {
            products.insert(producer.to_owned(), Arc::new(report));
            from.insert(producer.to_owned(), run_id);
        }
    }
    let mut batch = Arc::unwrap_or_clone(batch);
    batch.products.extend(products);
    Ok((Arc::new(batch), from))
}

/// Commits a run that counts, or records why it does not.
pub(super) async fn record(flight: &Flight, lease: Option<Lease>, computed: Result<Computed, CallError>) -> Outcome {
    let env = &flight.env;
    match (lease, computed) {
        (Some(lease), Ok(computed)) => commit(flight, lease, computed).await.unwrap_or_else(Outcome::Failed),
        (Some(lease), Err(error)) => {
            let cancelled = error == CallError::Component(Interrupted::Cancelled.into());
            let state = if cancelled { RunState::Cancelled } else { RunState::Failed };
            finished(flight, &lease.run_id, state, Some(&error));
            record_failure(env, lease, state, &error.to_string()).await;
            Outcome::Failed(error)
        }
        (None, Err(error)) => Outcome::Failed(error),
        // Without a lease nothing is computed.
        (None, Ok(_)) => Outcome::Failed(CallError::Stopped),
    }
}

/// Records that a run ended without a model. The run's own error is what its callers need to know; that it could not
/// be recorded is only for the log.
pub(super) async fn record_failure(env: &Environment, lease: Lease, state: RunState, reason: &str) {
    let component = lease.component.clone();
    let failure = RunFailure { lease, now: env.clock.now(), state, reason: reason.to_owned() };
    if let Err(error) = env.committed(env.store.fail_run(failure)).await {
        tracing::warn!(component, %error, "a failed run was not recorded");
    }
}

/// Records that a run was given up, unless a newer one has taken over already.
pub(super) async fn give_up(flight: &Flight, lease: Option<Lease>) {
    if let Some(lease) = lease {
        let reason = "it would not stop and was given up";
        let error = CallError::DeadlineExceeded;
        finished(flight, &lease.run_id, RunState::Failed, Some(&error));
        record_failure(&flight.env, lease, RunState::Failed, reason).await;
    }
}

async fn commit(flight: &Flight, lease: Lease, computed: Computed) -> Result<Outcome, CallError> {
    let (env, component) = (&flight.env, &flight.component);
    let Computed { batch, trained, params, seed, duration, origin } = computed;
    let (live, gate) = (origin.promote, origin.gate.clone());
    let run_id = lease.run_id.clone();
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let run = RunCommit {
        lease,
        now: env.clock.now(),
        version: batch.version,
        seed,
        duration_ms,
        report: trained.report.clone(),
        metrics: trained.metrics.clone(),
        snapshot: trained.snapshot,
        rows: batch.rows.seq.clone(),
        origin,
    };
    let committed = env.committed(env.store.commit_run(run)).await;
    component.board(env).train_latency.record(duration);
    let committed = match committed {
        Ok(committed) => committed,
        Err(error) => {
            finished(flight, &run_id, RunState::Failed, Some(&error));
            return Err(error);
        }
    };
    env.note_rows(committed.seq, 0);
    finished(flight, &run_id, RunState::Succeeded, None);
    let version = batch.version;
    let model_id: Arc<str> = Arc::from(committed.model_id.as_str());
    let scope = component.scope(&model_id);
    let published = live.then(|| Arc::new(Published { model: trained.model, params, model_id, version, scope }));
    let outcome = TrainOutcome {
        model_id: committed.model_id,
        run_id,
        component: component.name.to_string(),
        version,
        rows: batch.len(),
        duration_ms,
        report: trained.report,
        metrics: trained.metrics,
        live,
        gate,
    };
    Ok(Outcome::Trained(Box::new(Trained { outcome, published })))
}

fn finished(flight: &Flight, run_id: &str, state: RunState, error: Option<&CallError>) {
    flight.env.emit(RuntimeEvent::RunFinished {
        component: Arc::clone(&flight.component.name),
        run_id: Arc::from(run_id),
        state,
        reason: error.map(ToString::to_string),
        at: flight.env.clock.now(),
    });
}
