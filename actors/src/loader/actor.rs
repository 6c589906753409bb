//! The loader actor: decides who is answered at once, who waits, and what the worker does next.
//!
//! Its thread never reads the store and never builds a batch: that happens on a compute slot of its own, one piece
//! of work at a time. A batch that is already there is handed out without waiting for anything.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Supervised};
use arc_swap::ArcSwap;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::clock::Clock;
use souffleur_core::ids::Seq;
use souffleur_core::job::{Job, Progress};
use souffleur_core::query::Query;
use souffleur_core::store::Store;

use super::engine::{Engine, ImageStatus};
use super::error::LoaderError;
use super::execute::{check, version_of};
use super::leases::{BatchLease, Leases};
use super::messages::{Leased, LoaderStatus};
use super::settings::LoaderSettings;
use super::waiting::{Flight, Question, Waiting};
use super::warm::WarmBatches;
use super::work::{self, Done, Task};
use crate::compute::{Compute, TaskId};
use crate::port::Reply;

mod handlers;

/// How often deadlines are looked after and a failed load is tried again.
const TICK: Duration = Duration::from_millis(50);

/// The answer to a question for a batch.
pub(super) type BatchResult = Result<Arc<TrainingBatch>, LoaderError>;

/// Somebody who waits for a batch.
#[derive(Debug)]
pub(super) enum Asker {
    /// For the batch.
    Batch(Reply<BatchResult>),
    /// For the batch and the lease on it.
    Lease(Box<BatchLease>, Reply<Result<Leased, LoaderError>>),
}

/// What the worker is at.
struct Running {
    flight: Option<Flight<Asker>>,
    job: Job,
    task: TaskId,
    /// When its thread is given up in any case.
    give_up_at: Duration,
    /// Its signs of life when they were last seen to grow, and when that was.
    alive: (u64, Duration),
    /// The newest row announced when it began: who asks after a later one does not join it.
    announced: Seq,
}

/// The loader.
pub struct LoaderActor {
    settings: LoaderSettings,
    clock: Arc<dyn Clock>,
    compute: Arc<dyn Compute>,
    engine: Arc<Engine>,
    board: Arc<ArcSwap<LoaderStatus>>,
    image: ImageStatus,
    loaded: bool,
    announced: Seq,
    waiting: Waiting<Asker>,
    running: Option<Running>,
    leases: Leases,
    failures: u32,
    retry_at: Duration,
    last_error: Option<LoaderError>,
    draining: bool,
    hits: u64,
    misses: u64,
    builds: u64,
}

impl LoaderActor {
    /// A loader that reads `store` and works on `compute`, which must have a slot for it alone.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        compute: Arc<dyn Compute>,
        clock: Arc<dyn Clock>,
        settings: LoaderSettings,
    ) -> Self {
        Self {
            engine: Arc::new(Engine::new(store, settings.memory_limit_bytes, settings.cached_batches)),
            settings,
            clock,
            compute,
            board: Arc::default(),
            image: ImageStatus::default(),
            loaded: false,
            announced: Seq::ZERO,
            waiting: Waiting::new(settings.waiting),
            running: None,
            leases: Leases::new(settings.leases),
            failures: 0,
            retry_at: Duration::ZERO,
            last_error: None,
            draining: false,
            hits: 0,
            misses: 0,
            builds: 0,
        }
    }

    /// How the loader stands, to be read by anyone without asking; brought up to date many times a second.
    #[must_use]
    pub fn board(&self) -> Arc<ArcSwap<LoaderStatus>> {
        Arc::clone(&self.board)
    }

    /// The finished batches, to be handed out without asking the loader.
    #[must_use]
    pub fn warm(&self) -> WarmBatches {
        WarmBatches::new(self.engine.shared_cache(), self.board())
    }

    /// Whether the image reaches as far as a query asked now must see.
    fn fresh(&self, query: &Query) -> bool {
        let needed = query.as_of.watermark.map_or(self.announced, |pinned| pinned.min(self.announced));
        self.loaded && self.image.watermark >= needed
    }

    /// The batch, if it is there already.
    fn cached(&mut self, query: &Query) -> Option<Arc<TrainingBatch>> {
        if !self.fresh(query) {
            return None;
        }
        let found = self.engine.cache().get(query, version_of(query.as_of, self.image.watermark));
        self.hits += u64::from(found.is_some());
        found
    }

    /// Answers from the cache, or lets the asker wait for the worker.
    fn ask(&mut self, query: Query, asker: Asker, ctx: &mut Context<Self>) {
        if self.draining {
            return self.refuse(asker, LoaderError::ShuttingDown);
        }
        if let Some(batch) = self.cached(&query) {
            return self.answer(asker, Ok(batch));
        }
        if let Err(invalid) = check(&query) {
            return self.refuse(asker, invalid.into());
        }
        self.wait(Question::Query(Box::new(query)), asker, ctx);
    }

    /// Lets the asker wait for the worker.
    fn wait(&mut self, question: Question, asker: Asker, ctx: &mut Context<Self>) {
        if self.draining {
            return self.refuse(asker, LoaderError::ShuttingDown);
        }
        if let Some(error) = self.last_error.clone().filter(|_| !self.loaded && self.in_backoff()) {
            return self.refuse(asker, error);
        }
        self.misses += 1;
        let deadline = self.clock.monotonic() + self.settings.batch_deadline;
        let limit_reached = self.waiting.len() + self.in_flight() >= self.settings.waiting;
        let announced = self.announced;
        match self.running.as_mut() {
            _ if limit_reached => return self.refuse(asker, self.busy()),
            Some(Running { flight: Some(flight), announced: seen, .. })
                if flight.question == question && *seen >= announced =>
            {
                flight.askers.push((asker, deadline));
            }
            _ => {
                if let Err(asker) = self.waiting.join(question, asker, deadline) {
                    return self.refuse(asker, self.busy());
                }
            }
        }
        self.work_on(ctx);
    }

    fn busy(&self) -> LoaderError {
        LoaderError::Busy { retry_after_ms: self.settings.retry_after_ms }
    }

    fn in_flight(&self) -> usize {
        let flight = self.running.as_ref().and_then(|running| running.flight.as_ref());
        flight.map_or(0, |flight| flight.askers.len())
    }

    fn in_backoff(&self) -> bool {
        self.failures > 0 && self.clock.monotonic() < self.retry_at
    }

    fn refuse(&mut self, asker: Asker, error: LoaderError) {
        self.answer(asker, Err(error));
    }

    fn answer(&mut self, asker: Asker, result: BatchResult) {
        match asker {
            Asker::Batch(reply) => reply.send(result),
            Asker::Lease(lease, reply) => {
                if result.is_err() {
                    self.leases.revoke(&lease.component, lease.id);
                }
                reply.send(result.map(|batch| Leased { lease: *lease, batch }));
            }
        }
    }

    /// Gives the worker the next piece of work, if there is one and it is free.
    fn work_on(&mut self, ctx: &mut Context<Self>) {
        if self.running.is_some() || self.draining {
            return;
        }
        let stale = !self.loaded || self.announced > self.image.watermark;
        let refresh = stale && !self.in_backoff();
        let flight = self.waiting.next();
        if !refresh && flight.is_none() {
            return;
        }
        let task = Task {
            engine: Arc::clone(&self.engine),
            refresh,
            loaded: self.loaded,
            stale: self.last_error.clone().filter(|_| stale),
            question: flight.as_ref().map(|flight| flight.question.clone()),
        };
        let job = Job::new(Arc::clone(&self.clock), 0).with_budget(self.settings.work_deadline);
        match work::submit(&*self.compute, task, job.clone()) {
            Ok((task, done)) => {
                let now = self.clock.monotonic();
                let give_up_at = now + self.settings.work_deadline + self.settings.grace;
                let (alive, announced) = ((0, now), self.announced);
                self.running = Some(Running { flight, job, task, give_up_at, alive, announced });
                let done = actix::fut::wrap_future::<_, Self>(done);
                ctx.spawn(actix::ActorFutureExt::map(done, |done, this, ctx| this.finished(done, ctx)));
            }
            Err(error) => {
                for (asker, _) in flight.into_iter().flat_map(|flight| flight.askers) {
                    self.refuse(asker, error.clone());
                }
            }
        }
    }

    /// Takes in what the worker brought home.
    fn finished(&mut self, done: Done, ctx: &mut Context<Self>) {
        let Some(running) = self.running.take_if(|running| running.task == done.task) else {
            return; // It was given up before.
        };
        // A panic or a failed reload may have cost rows that were there before.
        let before = match done.refreshed {
            Some(Ok(reached)) => reached,
            _ => self.image.watermark,
        };
        self.loaded = (self.loaded || matches!(done.refreshed, Some(Ok(_)))) && done.image.watermark >= before;
        self.image = done.image;
        match done.refreshed {
            Some(Ok(reached)) => {
                self.failures = 0;
                self.last_error = None;
                if self.announced == running.announced {
                    // Everything there is was read. Rows announced beyond it do not exist.
                    self.announced = reached;
                }
            }
            Some(Err(error)) => self.failed(error),
            None => {}
        }
        if let (Some(flight), Some(result)) = (running.flight, done.built) {
            self.builds += u64::from(result.is_ok());
            for (asker, _) in flight.askers {
                self.answer(asker, result.clone());
            }
        }
        if let Some(error) = self.last_error.clone().filter(|_| !self.loaded) {
            let everybody: Vec<_> = self.waiting.drain().collect();
            everybody.into_iter().for_each(|asker| self.refuse(asker, error.clone()));
        }
        self.publish();
        self.work_on(ctx);
    }

    /// Books a failed attempt to read and waits before the next.
    fn failed(&mut self, error: LoaderError) {
        let doublings = self.failures.min(20);
        let pause = self.settings.backoff_min.saturating_mul(1 << doublings).min(self.settings.backoff_max);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = self.clock.monotonic() + pause;
        if !self.draining {
            tracing::warn!(%error, failures = self.failures, ?pause, "the loader could not read the history");
        }
        self.last_error = Some(error);
    }

    /// Sends those away who waited long enough, gives up work that will not stop, tries again what failed.
    fn tick(&mut self, ctx: &mut Context<Self>) {
        let now = self.clock.monotonic();
        let mut expired = self.waiting.expire(now);
        if let Some(running) = &mut self.running {
            expired.extend(running.flight.iter_mut().flat_map(|flight| flight.expire(now)));
            let ticks = running.job.progress().ticks();
            if ticks > running.alive.0 {
                running.alive = (ticks, now);
            }
            if now > running.give_up_at || now > running.alive.1 + self.settings.stall {
                self.give_up();
            }
        }
        expired.into_iter().for_each(|asker| self.refuse(asker, LoaderError::DeadlineExceeded));
        self.work_on(ctx);
        self.publish();
    }

    /// Leaves hung work behind and begins with an empty image.
    fn give_up(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.job.cancel_token().cancel();
        let replaced = self.compute.abandon(running.task);
        tracing::error!(replaced, "the loader's worker did not stop and was given up");
        self.engine = Arc::new(self.engine.with_empty_image());
        (self.image, self.loaded) = (ImageStatus::default(), false);
        self.failed(LoaderError::DeadlineExceeded);
        for (asker, _) in running.flight.into_iter().flat_map(|flight| flight.askers) {
            self.refuse(asker, LoaderError::DeadlineExceeded);
        }
    }

    fn status(&self) -> LoaderStatus {
        let progress = self.running.as_ref().map(|running| running.job.progress());
        let progress = progress.as_deref();
        LoaderStatus {
            loaded: self.loaded,
            watermark: self.image.watermark,
            announced: self.announced,
            floor: self.image.floor,
            sessions: self.image.sessions,
            applications: self.image.applications,
            feedback: self.image.feedback,
            memory_used_bytes: self.engine.meter().used(),
            memory_limit_bytes: self.engine.meter().limit(),
            cached_batches: self.engine.cache().len(),
            leases: self.leases.len(),
            waiting: self.waiting.len() + self.in_flight(),
            working: self.running.is_some(),
            progress: progress.map_or((0, 0), Progress::position),
            progress_ticks: progress.map_or(0, Progress::ticks),
            hits: self.hits,
            misses: self.misses,
            builds: self.builds,
            failures: self.failures,
            last_error: self.last_error.as_ref().map(ToString::to_string),
            draining: self.draining,
        }
    }

    fn publish(&self) {
        self.board.store(Arc::new(self.status()));
    }

    /// Takes no more questions, stops what runs and sends everybody away.
    fn drain(&mut self) {
        self.draining = true;
        let mut leaving: Vec<_> = self.waiting.drain().collect();
        if let Some(running) = &mut self.running {
            running.job.cancel_token().cancel();
            let askers = running.flight.iter_mut().flat_map(|flight| flight.askers.drain(..));
            leaving.extend(askers.map(|(asker, _)| asker));
        }
        leaving.into_iter().for_each(|asker| self.refuse(asker, LoaderError::ShuttingDown));
        self.leases.release_all();
        self.publish();
    }
}

impl Actor for LoaderActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(TICK, Self::tick);
        self.work_on(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.drain();
    }
}

impl Supervised for LoaderActor {
    /// After a panic of its own: image and cache are still good, callers that waited were dropped and told so.
    fn restarting(&mut self, _: &mut Self::Context) {
        if let Some(running) = self.running.take() {
            running.job.cancel_token().cancel();
        }
        self.waiting = Waiting::new(self.settings.waiting);
        self.loaded = false;
    }
}

#[cfg(test)]
mod tests;
