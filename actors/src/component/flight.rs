//! One job in flight: driven from its first step to its record, and stopped from outside.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::Addr;
use souffleur_core::error::ComponentError;
use souffleur_core::job::{Interrupted, Job};
use souffleur_core::store::{Basis, Lease, RunState};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::ComponentActor;
use super::start::{self, Restored};
use super::train::{self, Trained};
use crate::compute::{Compute, TaskId, Work};
use crate::environment::Environment;
use crate::error::CallError;
use crate::health::ProbeResult;
use crate::messages::{FromJob, Word};
use crate::policy::End;
use crate::policy::signals::{JobId, JobKind};

/// What a recorded job came to.
pub(crate) enum Outcome {
    Started(Box<Restored>),
    Trained(Box<Trained>),
    Probed(ProbeResult),
    Failed(CallError),
}

impl Outcome {
    pub(super) fn succeeded(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }
}

/// The rope by which a job is stopped.
#[derive(Default)]
pub(super) struct FlightControl {
    /// Cancelled when the job is told to stop.
    stop: CancellationToken,
    /// Cancelled when the job's thread is given up.
    given_up: CancellationToken,
    /// The job itself, once it has a slot.
    job: OnceLock<Job>,
    /// Its place in the pool, once it has one.
    task: OnceLock<TaskId>,
}

impl FlightControl {
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    pub(super) fn job(&self) -> Option<&Job> {
        self.job.get()
    }

    /// Asks the job to stop, wherever it is.
    pub(super) fn cancel(&self, compute: &dyn Compute) {
        self.stop.cancel();
        if let Some(job) = self.job.get() {
            job.cancel_token().cancel();
        }
        if let Some(task) = self.task.get() {
            compute.withdraw(*task);
        }
    }

    /// Gives the job's thread up. `false` if its slot is lost until it comes back.
    pub(super) fn abandon(&self, compute: &dyn Compute) -> bool {
        self.given_up.cancel();
        self.task.get().is_none_or(|task| compute.abandon(*task))
    }

    /// The job, made the moment it gets its slot: from then on its time runs.
    fn begin(&self, env: &Environment, seed: u64, budget: Duration) -> &Job {
        let job = self.job.get_or_init(|| Job::new(Arc::clone(&env.clock), seed).with_budget(budget));
        if self.stop.is_cancelled() {
            job.cancel_token().cancel();
        }
        job
    }
}

/// What a job is driven with.
pub(super) struct Flight {
    pub(super) id: JobId,
    /// What a training run nobody asked for was decided on.
    pub(super) basis: Option<Basis>,
    pub(super) env: Arc<Environment>,
    pub(super) component: Arc<super::Identity>,
    pub(super) actor: Addr<ComponentActor>,
    pub(super) control: Arc<FlightControl>,
}

impl Flight {
    fn tell(&self, word: Word<Outcome>) {
        self.actor.do_send(FromJob { job: self.id, word });
    }

    /// Waits for `step`, unless the job is told to stop meanwhile.
    pub(super) async fn unless_stopped<T>(
        &self,
        step: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let stopped = || Err(CallError::Component(Interrupted::Cancelled.into()));
        self.control.stop.run_until_cancelled(step).await.unwrap_or_else(stopped)
    }

    /// Waits for a claim; one that comes after the job was told to stop is handed back.
    pub(super) async fn claimed(
        &self,
        claim: impl Future<Output = Result<Lease, CallError>> + Send + 'static,
    ) -> Result<Lease, CallError> {
        let mut claim = Box::pin(claim);
        if let Some(claimed) = self.control.stop.run_until_cancelled(&mut claim).await {
            return claimed;
        }
        let env = Arc::clone(&self.env);
        tokio::spawn(async move {
            if let Ok(lease) = claim.await {
                train::record_failure(&env, lease, RunState::Cancelled, "cancelled").await;
            }
        });
        Err(CallError::Component(Interrupted::Cancelled.into()))
    }

    /// Computes on a slot.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        seed: u64,
        budget: Duration,
        work: impl FnOnce(&Job) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, CallError> {
        let (sender, receiver) = oneshot::channel();
        let (id, actor) = (self.id, self.actor.clone());
        let (env, control) = (Arc::clone(&self.env), Arc::clone(&self.control));
        let (begin_env, begin_control) = (Arc::clone(&env), Arc::clone(&control));
        let started = Box::new(move || {
            begin_control.begin(&begin_env, seed, budget);
            actor.do_send(FromJob { job: id, word: Word::<Outcome>::Computing });
        });
        let run = Box::new(move || {
            // Nobody waiting any more is fine: the job was given up.
            let _ = sender.send(work(control.begin(&env, seed, budget)));
        });
        let task = self.env.compute.submit(Work { started, run })?;
        let _ = self.control.task.set(task);
        if self.control.is_stopping() {
            self.env.compute.withdraw(task);
        }
        match self.control.given_up.run_until_cancelled(receiver).await {
            Some(Ok(result)) => result,
            Some(Err(_)) if !self.control.is_stopping() => {
                Err(ComponentError::Panicked("its thread ended without a result".to_owned()).into())
            }
            Some(Err(_)) | None => Err(CallError::Component(Interrupted::Cancelled.into())),
        }
    }
}

/// Tells the actor if the driver dies without a word.
struct LastWord {
    flight: Option<Arc<Flight>>,
}

impl Drop for LastWord {
    fn drop(&mut self) {
        if let Some(flight) = self.flight.take() {
            flight.tell(Word::Lost);
        }
    }
}

/// How an error ends a job.
fn end_of(error: &CallError) -> End {
    match error {
        CallError::Component(ComponentError::Panicked(_)) => End::Crashed,
        CallError::Component(ComponentError::Interrupted(Interrupted::Cancelled)) => End::Cancelled,
        CallError::Component(ComponentError::Interrupted(Interrupted::DeadlineExceeded)) => End::OutOfTime,
        _ => End::Failed,
    }
}

/// Drives a job: computes, waits for the actor's word whether the result counts, records it.
///
/// A `permission` that is dropped means the job was given up: whatever it found is thrown away unrecorded.
pub(super) async fn drive(flight: Arc<Flight>, kind: JobKind, permission: oneshot::Receiver<bool>) {
    let mut last_word = LastWord { flight: Some(Arc::clone(&flight)) };
    let outcome = match kind {
        JobKind::Start => settle(&flight, start::restore(&flight).await.map(Box::new), permission)
            .await
            .map(|kept| kept.map_or_else(Outcome::Failed, Outcome::Started)),
        JobKind::Probe => settle(&flight, start::probe(&flight).await, permission)
            .await
            .map(|kept| kept.map_or_else(Outcome::Failed, Outcome::Probed)),
        JobKind::Train => {
            let mut lease = None;
            let computed = train::compute(&flight, &mut lease).await;
            match settle(&flight, computed, permission).await {
                None => {
                    train::give_up(&flight, lease).await;
                    None
                }
                Some(computed) => Some(train::record(&flight, lease, computed).await),
            }
        }
    };
    last_word.flight = None;
    if let Some(outcome) = outcome {
        flight.tell(Word::Recorded(Box::new(outcome)));
    }
}

/// Tells the actor how the computation ended and waits whether the result counts. `None`: it was given up.
async fn settle<T>(
    flight: &Flight,
    computed: Result<T, CallError>,
    permission: oneshot::Receiver<bool>,
) -> Option<Result<T, CallError>> {
    flight.tell(Word::Computed(computed.as_ref().map_or_else(end_of, |_| End::Succeeded)));
    let keep = permission.await.ok()?;
    Some(match computed {
        Ok(_) if !keep => Err(CallError::Component(Interrupted::Cancelled.into())),
        computed => computed,
    })
}
