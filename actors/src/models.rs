//! Stored models at work: adopting the live one, making one again from its manifest, the rows one was trained on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::catalogue::Entry;
use souffleur_core::error::ComponentError;
use souffleur_core::ids::Seq;
use souffleur_core::job::{Interrupted, Job};
use souffleur_core::query::AsOf;
use souffleur_core::runner::ErasedModel;
use souffleur_core::store::{Manifest, Registry, Store, StoreError, TouchedModel, VersionRow};
use tokio::sync::oneshot;

use crate::component::{Identity, serve_live};
use crate::compute::{Compute, Work};
use crate::environment::Environment;
use crate::error::CallError;
use crate::handle::Handle;

/// Models that are made again, one from the other, before the one that was asked for.
const CHAIN_MAX: usize = 64;

/// What making a model again came to.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Reproduction {
    /// The model.
    pub model_id: String,
    /// Whether the snapshot is the same, byte for byte.
    pub same: bool,
    /// Size of the new snapshot.
    pub snapshot_bytes: usize,
    /// Rows it was trained on.
    pub rows: usize,
    /// Models that were made again before it, because it started from them and their snapshots are not kept.
    pub through: Vec<String>,
    /// How long it all took.
    pub duration_ms: f64,
}

/// The registry, or why there is none.
fn registry(store: &dyn Store) -> Result<&dyn Registry, CallError> {
    let none = || StoreError::Refused("this store keeps no registry of models".to_owned());
    Ok(store.registry().ok_or_else(none)?)
}

/// Runs `work` on a slot, at most `limit`; past it `job` is told to stop.
async fn on_slot<T: Send + 'static>(
    compute: Arc<dyn Compute>,
    job: Job,
    limit: Duration,
    work: impl FnOnce(&Job) -> Result<T, CallError> + Send + 'static,
) -> Result<T, CallError> {
    let (sender, receiver) = oneshot::channel();
    let own = job.clone();
    let run = Box::new(move || drop(sender.send(work(&own))));
    let task = compute.submit(Work { started: Box::new(|| {}), run })?;
    match tokio::time::timeout(limit, receiver).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(ComponentError::Panicked("its thread ended without a result".to_owned()).into()),
        Err(_) => {
            job.cancel_token().cancel();
            compute.withdraw(task);
            Err(CallError::Component(Interrupted::DeadlineExceeded.into()))
        }
    }
}

/// What a model is made again from.
struct Step {
    manifest: Manifest,
    products: BTreeMap<String, Arc<serde_json::Value>>,
}

/// The models to make, first the one whose start is known; and the model that one started from.
fn chain(env: &Environment, entry: &Entry, row: VersionRow) -> Result<(Vec<Step>, Option<ErasedModel>), CallError> {
    let registry = registry(env.store.as_ref())?;
    let (mut steps, mut next) = (Vec::new(), row);
    loop {
        let none =
            || StoreError::Refused(format!("`{}` has no manifest: it was made before there was one", next.model_id));
        let manifest = registry.manifest(next.seq)?.ok_or_else(none)?;
        if next.erased {
            let text = format!("`{}` cannot be made again: {}", next.model_id, next.reason);
            return Err(StoreError::Refused(text).into());
        }
        let mut products = BTreeMap::new();
        for (producer, run_id) in &manifest.products {
            let gone = || StoreError::Refused(format!("the report of run {run_id}, which it was handed, is gone"));
            products.insert(producer.clone(), Arc::new(registry.report(run_id)?.ok_or_else(gone)?));
        }
        let previous = manifest.previous.clone();
        steps.push(Step { manifest, products });
        let Some(previous) = previous else { break };
        next = registry.version(&previous)?;
        let stored = registry.stored(next.seq)?;
        if stored.flaw.is_none() {
            steps.reverse();
            return Ok((steps, Some(entry.runner.restore(&stored.model.snapshot)?)));
        }
        if steps.len() >= CHAIN_MAX {
            let text =
                format!("it started from a model that started from another, and so on; none of {CHAIN_MAX} is kept");
            return Err(StoreError::Refused(text).into());
        }
    }
    steps.reverse();
    Ok((steps, None))
}

/// The data of a step, as its run saw it.
async fn batch_of(env: &Environment, entry: &Entry, step: &Step) -> Result<Arc<TrainingBatch>, CallError> {
    let params = entry.runner.params(&step.manifest.params)?;
    let mut query = entry.runner.query(&params)?;
    let unpinned = query.as_of;
    query.as_of = AsOf { watermark: Some(step.manifest.data.watermark), ..unpinned };
    let limit = Duration::from_millis(env.settings.batch_deadline_ms);
    let coming = env.batches.batch(Arc::from("models"), query);
    let batch = tokio::time::timeout(limit, coming).await.unwrap_or(Err(CallError::DeadlineExceeded))?;
    if batch.version != step.manifest.data {
        let (have, want) = (batch.version, step.manifest.data);
        return Err(StoreError::Refused(format!("its data is version {want}, this program makes {have} of it")).into());
    }
    let mut batch = Arc::unwrap_or_clone(batch);
    batch.query.as_of = unpinned;
    batch.products.extend(step.products.clone());
    Ok(Arc::new(batch))
}

async fn reproduce(env: Arc<Environment>, identity: Arc<Identity>, name: String) -> Result<Reproduction, CallError> {
    let before = env.clock.monotonic();
    let row = registry(env.store.as_ref())?.version(&name)?;
    let entry = identity.entry.clone();
    let budget = entry.spec().budgets.train();
    let find = {
        let (env, entry, row) = (Arc::clone(&env), entry.clone(), row.clone());
        move |_: &Job| chain(&env, &entry, row)
    };
    let job = Job::new(Arc::clone(&env.clock), 0).with_budget(budget);
    let (steps, mut previous) = on_slot(Arc::clone(&env.compute), job, budget, find).await?;
    let (mut through, mut snapshot, mut rows) = (Vec::new(), Vec::new(), 0);
    for step in &steps {
        let batch = batch_of(&env, &entry, step).await?;
        rows = batch.len();
        let (entry, params) = (entry.clone(), step.manifest.params.clone());
        let job = Job::new(Arc::clone(&env.clock), step.manifest.seed).with_budget(budget);
        let start = previous.take();
        let trained = on_slot(Arc::clone(&env.compute), job, budget, move |job| {
            let params = entry.runner.params(&params)?;
            Ok(entry.runner.train(&params, start.as_ref(), &batch, job)?)
        });
        let trained = trained.await?;
        (previous, snapshot) = (Some(trained.model), trained.snapshot);
        through.push(step.manifest.model_id.clone());
    }
    through.pop();
    let same = registry(env.store.as_ref())?.is_snapshot(row.seq, &snapshot)?;
    let duration_ms = env.clock.monotonic().saturating_sub(before).as_secs_f64() * 1e3;
    Ok(Reproduction { model_id: row.model_id, same, snapshot_bytes: snapshot.len(), rows, through, duration_ms })
}

impl Handle {
    /// Has a component answer from its live model, and returns once it does: at once, whether it is training or not.
    /// Where the live model is damaged it is the newest that is not; the component's health then says so.
    ///
    /// # Errors
    /// [`CallError::UnknownComponent`], [`CallError::Store`], [`CallError::Busy`], [`CallError::Stopped`].
    pub async fn adopt(&self, component: &str) -> Result<(), CallError> {
        self.takes_work()?;
        let (identity, _) = self.find(component)?;
        let (env, identity) = (Arc::clone(&self.kernel().env), Arc::clone(identity));
        let limit = Duration::from_millis(env.settings.start_deadline_ms);
        let compute = Arc::clone(&env.answers);
        let job = Job::new(Arc::clone(&env.clock), 0).with_budget(limit);
        self.on_kernel(on_slot(compute, job, limit, move |_| serve_live(&env, &identity))).await
    }

    /// Makes a model again from its manifest: same program, parameters, seed and data, and the same model to start from.
    /// Nothing is kept of it.
    ///
    /// # Errors
    /// As [`train`](Self::train); [`StoreError::Refused`] where something it was made from is gone.
    pub async fn reproduce(&self, name: &str) -> Result<Reproduction, CallError> {
        self.takes_work()?;
        let env = Arc::clone(&self.kernel().env);
        let row = registry(env.store.as_ref())?.version(name)?;
        let (identity, _) = self.find(&row.component)?;
        self.on_kernel(reproduce(env, Arc::clone(identity), row.model_id)).await
    }

    /// Makes the runtime forget what an erasure erased: these models answer no more, from now on. Returns once no batch holds
    /// an erased row either.
    ///
    /// # Errors
    /// [`CallError::DeadlineExceeded`] if the loader could not read on in time; [`CallError::Stopped`].
    pub async fn forget(&self, erasure: Seq, models: &[TouchedModel]) -> Result<(), CallError> {
        let kernel = self.kernel();
        let env = Arc::clone(&kernel.env);
        for identity in &kernel.identities {
            let board = identity.board(&env);
            let is_served = |model: &TouchedModel| {
                board.published.load().as_ref().is_some_and(|served| *served.model_id == *model.model_id)
            };
            if models.iter().any(is_served) {
                board.published.store(None);
            }
        }
        env.note_rows(erasure, 0);
        env.batches.data_changed(erasure);
        let touched: std::collections::BTreeSet<&str> = models.iter().map(|model| model.component.as_str()).collect();
        let here = |name: &&str| kernel.entries.iter().any(|entry| entry.name == *name);
        for component in touched.into_iter().filter(here) {
            self.adopt(component).await?;
        }
        let limit = Duration::from_millis(env.settings.batch_deadline_ms);
        self.on_kernel(async move {
            let reached = tokio::time::timeout(limit, env.batches.reaches(erasure)).await;
            reached.map_err(|_| CallError::DeadlineExceeded)
        })
        .await
    }

    /// Lets go of every answer that was kept, here and in the cache's second level: questions and answers quote sessions.
    /// Why some may still be in the second level, in words, if so; they go by their age.
    ///
    /// # Errors
    /// [`CallError::Busy`], [`CallError::Stopped`], [`CallError::DeadlineExceeded`].
    pub async fn forget_answers(&self) -> Result<Option<String>, CallError> {
        let env = &self.kernel().env;
        let Some(cache) = env.cache.clone() else { return Ok(None) };
        let limit = env.settings.store_deadline();
        let job = Job::new(Arc::clone(&env.clock), 0).with_budget(limit);
        // The second level looks after its own time.
        let work = on_slot(Arc::clone(&env.answers), job, 2 * limit, move |_| Ok(cache.clear(limit).err()));
        self.on_kernel(work).await
    }

    /// The rows a model was trained on, with what the hub knew of them then.
    ///
    /// # Errors
    /// As [`batch`](Self::batch); [`StoreError::Unknown`] if there is no such model; [`StoreError::Refused`] if some of its
    /// rows were erased.
    pub async fn model_training_data(&self, model_id: &str) -> Result<Arc<TrainingBatch>, CallError> {
        self.takes_work()?;
        let env = &self.kernel().env;
        if let Some(registry) = env.store.registry() {
            let model = registry.version(model_id)?;
            if model.erased {
                return Err(StoreError::Refused(format!("rows of `{model_id}` are gone: {}", model.reason)).into());
            }
        }
        let limit = Duration::from_millis(env.settings.batch_deadline_ms);
        let coming = env.batches.model_data(model_id.to_owned());
        self.on_kernel(
            async move { tokio::time::timeout(limit, coming).await.unwrap_or(Err(CallError::DeadlineExceeded)) },
        )
        .await
    }
}
