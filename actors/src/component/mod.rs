//! The one actor every component is hosted in. It never runs the component's code: it keeps the queue, lets jobs
//! run on compute slots, and publishes what they bring. What it decides, [`crate::policy::cell`] decides.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Addr, AsyncContext, Context, SpawnHandle, Supervised};
use arc_swap::ArcSwapOption;
use serde_json::Value;
use souffleur_core::catalogue::Entry;
use souffleur_core::component::Cadence;
use souffleur_core::query::Query;
use souffleur_core::runner::ErasedParams;
use souffleur_core::store::{Basis, StoreError};
use tokio::sync::oneshot;
use xxhash_rust::xxh3::xxh3_64;

mod flight;
mod gate;
mod handlers;
mod report;
mod start;
mod train;

use flight::{Flight, FlightControl, Outcome};
pub(crate) use start::serve_live;

use crate::environment::Environment;
use crate::error::CallError;
use crate::health::ProbeResult;
use crate::health::board::{ComponentBoard, RunningJob};
use crate::messages::{FromComponent, Report};
use crate::outcome::TrainOutcome;
use crate::policy::cell::Cell;
use crate::policy::signals::{CallId, CellAction, CellEvent, CellRules, JobId, JobKind, Status, Verdict};
use crate::port::Reply;
use crate::repeated;
use crate::supervisor::SupervisorActor;

/// Who a component is, and what its last start found out.
pub(crate) struct Identity {
    pub(crate) index: usize,
    pub(crate) name: Arc<str>,
    pub(crate) entry: Entry,
    /// Its configuration section; null for all defaults.
    pub(crate) section: Value,
    section_hash: u64,
    started: ArcSwapOption<(ErasedParams, Query)>,
    /// Held while a model is read to be served.
    serving: Mutex<()>,
}

impl Identity {
    pub(crate) fn new(index: usize, entry: Entry, section: Value) -> Self {
        let (name, section_hash) = (Arc::from(&*entry.name), xxh3_64(section.to_string().as_bytes()));
        Self { index, name, entry, section, section_hash, started: ArcSwapOption::empty(), serving: Mutex::default() }
    }

    /// What the answers of a model depend on beside the question: the component, its parameters, the model.
    fn scope(&self, model_id: &str) -> String {
        format!("{}\t{:016x}\t{model_id}", self.name, self.section_hash)
    }

    /// Its part of the board.
    pub(crate) fn board<'a>(&self, env: &'a Environment) -> &'a ComponentBoard {
        &env.board.components[self.index]
    }

    fn params(&self) -> Result<ErasedParams, CallError> {
        self.started.load().as_ref().map(|started| started.0.clone()).ok_or(CallError::Stopped)
    }

    fn query(&self) -> Result<Query, CallError> {
        self.started.load().as_ref().map(|started| started.1.clone()).ok_or(CallError::Stopped)
    }
}

/// A caller who waits.
enum Caller {
    Train(Reply<Result<TrainOutcome, CallError>>),
    Probe(Reply<Result<ProbeResult, CallError>>),
}

impl Caller {
    fn refuse(self, error: CallError) {
        match self {
            Self::Train(reply) => reply.send(Err(error)),
            Self::Probe(reply) => reply.send(Err(error)),
        }
    }
}

/// The job in flight, from the actor's side.
struct InFlight {
    id: JobId,
    control: Arc<FlightControl>,
    /// Tells the job whether its result counts; taken once told.
    permission: Option<oneshot::Sender<bool>>,
    /// How far it was when it was last looked at.
    seen: (u64, (u64, u64)),
}

/// Why the component is not up, in words.
enum Standing {
    /// It was not started yet.
    New,
    /// It failed and will be started again.
    Restarting { why: String, pause_ms: u64 },
    /// A producer is down.
    Held,
    /// It was given up.
    Quarantined { why: String },
    /// It is up, or on its way.
    Well,
}

/// The actor.
pub(crate) struct ComponentActor {
    env: Arc<Environment>,
    identity: Arc<Identity>,
    supervisor: Addr<SupervisorActor>,
    cell: Cell,
    callers: HashMap<CallId, Caller>,
    next_call: u64,
    in_flight: Option<InFlight>,
    /// What the job that just ended came to, while its verdicts are carried out.
    last_outcome: Option<Outcome>,
    standing: Standing,
    /// What it failed of last, in words.
    last_failure: String,
    /// The runtime's count of rows when its last training was demanded or done.
    rows_trained: u64,
    /// What the training demanded last was decided on.
    basis: Basis,
    /// Whether a run that a crash interrupted is still to be made up for.
    unfinished: bool,
    /// The name of the newest model it knows of, readable or not.
    newest_model: Option<String>,
    /// Tries again what another runtime was training.
    retry: Option<SpawnHandle>,
    wake: Option<SpawnHandle>,
    watch: Option<SpawnHandle>,
    /// What had to be done to its jobs at shutdown.
    cancelled: usize,
    abandoned: usize,
}

impl Actor for ComponentActor {
    type Context = Context<Self>;
}

impl Supervised for ComponentActor {
    /// A panic in the actor itself: whoever waited has been told by a dropped reply, the job in flight is stopped,
    /// and the supervisor decides about the restart like about any other.
    fn restarting(&mut self, _: &mut Self::Context) {
        if let Some(flight) = self.in_flight.take() {
            flight.control.cancel(self.env.compute.as_ref());
            let env = Arc::clone(&self.env);
            actix::spawn(async move {
                tokio::time::sleep(env.settings.grace()).await;
                flight.control.abandon(env.compute.as_ref());
            });
        }
        self.callers.clear();
        self.last_outcome = None;
        (self.wake, self.watch, self.retry) = (None, None, None);
        self.cell = Cell::new(rules(&self.env, &self.identity.entry));
        "its actor panicked".clone_into(&mut self.last_failure);
        self.tell_supervisor(Report::Down);
    }
}

fn rules(env: &Environment, entry: &Entry) -> CellRules {
    let settings = &env.settings;
    CellRules {
        start: Duration::from_millis(settings.start_deadline_ms),
        train: entry.spec().budgets.train(),
        probe: Duration::from_millis(settings.probe_deadline_ms),
        stall: Duration::from_millis(settings.stall_ms),
        grace: settings.grace(),
        max_attempts: settings.max_attempts,
    }
}

impl ComponentActor {
    /// `unfinished`: a crash interrupted a run of this component, which is made up for once it has started.
    pub(crate) fn new(
        env: Arc<Environment>,
        identity: Arc<Identity>,
        supervisor: Addr<SupervisorActor>,
        unfinished: bool,
    ) -> Self {
        let cell = Cell::new(rules(&env, &identity.entry));
        Self {
            env,
            identity,
            supervisor,
            cell,
            callers: HashMap::new(),
            next_call: 0,
            in_flight: None,
            last_outcome: None,
            standing: Standing::New,
            last_failure: String::new(),
            rows_trained: 0,
            basis: Basis::default(),
            unfinished,
            newest_model: None,
            retry: None,
            wake: None,
            watch: None,
            cancelled: 0,
            abandoned: 0,
        }
    }

    fn board(&self) -> &ComponentBoard {
        self.identity.board(&self.env)
    }

    fn tell_supervisor(&self, report: Report) {
        self.supervisor.do_send(FromComponent { index: self.identity.index, report });
    }

    /// Takes an event in, carries out what the policy says, and shows where that leads.
    fn step(&mut self, event: CellEvent, ctx: &mut Context<Self>) {
        for action in self.cell.on(event, self.env.elapsed()) {
            self.carry_out(action, ctx);
        }
        self.arm(ctx);
        self.show();
    }

    fn carry_out(&mut self, action: CellAction, ctx: &mut Context<Self>) {
        match action {
            CellAction::Launch(id, kind) => self.launch(id, kind, ctx),
            CellAction::Cancel(_) => {
                self.cancelled += usize::from(self.cell.status() == Status::Draining);
                if let Some(flight) = &self.in_flight {
                    flight.control.cancel(self.env.compute.as_ref());
                }
            }
            CellAction::Abandon(_) => self.abandon(),
            CellAction::Record(_, keep) => {
                if let Some(permission) = self.in_flight.as_mut().and_then(|flight| flight.permission.take()) {
                    let _ = permission.send(keep);
                }
            }
            CellAction::Reply(call, verdict) => self.reply(call, verdict),
            CellAction::ReportUp => {
                self.standing = Standing::Well;
                self.tell_supervisor(Report::Up);
            }
            CellAction::ReportDown(failure) => self.report_down(failure),
            CellAction::ReportStopped => {
                let (cancelled, abandoned) = (self.cancelled, self.abandoned);
                self.tell_supervisor(Report::Stopped { cancelled, abandoned });
            }
        }
    }

    fn launch(&mut self, id: JobId, kind: JobKind, ctx: &mut Context<Self>) {
        let control = Arc::new(FlightControl::default());
        let (permission, granted) = oneshot::channel();
        // What somebody asked for is done; what was decided here is done if its reason still holds.
        let unasked = kind == JobKind::Train && !self.cell.is_asked_for();
        let flight = Flight {
            id,
            basis: unasked.then(|| self.basis.clone()),
            env: Arc::clone(&self.env),
            component: Arc::clone(&self.identity),
            actor: ctx.address(),
            control: Arc::clone(&control),
        };
        if kind == JobKind::Train {
            self.rows_trained = self.env.learnable_rows.load(Ordering::Acquire);
        }
        self.in_flight = Some(InFlight { id, control, permission: Some(permission), seen: (0, (0, 0)) });
        actix::spawn(flight::drive(Arc::new(flight), kind, granted));
        let interval = Duration::from_millis(self.env.settings.watch_interval_ms);
        if let Some(old) = self.watch.replace(ctx.run_interval(interval, Self::watch)) {
            ctx.cancel_future(old);
        }
    }

    fn abandon(&mut self) {
        self.abandoned += 1;
        let Some(flight) = self.in_flight.take() else { return };
        let replaced = flight.control.abandon(self.env.compute.as_ref());
        self.board().job.store(None);
        tracing::error!(component = %self.identity.name, replaced, "a job would not stop and was given up");
        self.last_failure = if replaced {
            "a job gave no sign of life and would not stop; its thread was replaced".to_owned()
        } else {
            "a job gave no sign of life and would not stop; too many threads hang, its slot is lost".to_owned()
        };
    }

    fn reply(&mut self, call: CallId, verdict: Verdict) {
        let Some(caller) = self.callers.remove(&call) else { return };
        let name = || self.identity.name.to_string();
        let error = match verdict {
            Verdict::DeadlineExceeded => CallError::DeadlineExceeded,
            Verdict::Cancelled => CallError::Component(souffleur_core::job::Interrupted::Cancelled.into()),
            Verdict::Poisoned(attempts) => CallError::Poisoned { attempts },
            Verdict::Quarantined => CallError::Quarantined { name: name() },
            Verdict::Paused => CallError::Paused { name: name() },
            Verdict::ShuttingDown => CallError::ShuttingDown,
            Verdict::Outcome => match (caller, &self.last_outcome) {
                (Caller::Train(reply), Some(Outcome::Trained(trained))) => {
                    return reply.send(Ok(trained.outcome.clone()));
                }
                (Caller::Probe(reply), Some(Outcome::Probed(result))) => return reply.send(Ok(result.clone())),
                (caller, Some(Outcome::Failed(error))) => return caller.refuse(error.clone()),
                (caller, _) => return caller.refuse(CallError::Stopped),
            },
        };
        caller.refuse(error);
    }

    /// Looks how far the running job is. Its progress is what tells a hung job from a long one.
    fn watch(&mut self, ctx: &mut Context<Self>) {
        let Some(flight) = &mut self.in_flight else {
            if let Some(watch) = self.watch.take() {
                ctx.cancel_future(watch);
            }
            return;
        };
        let Some(progress) = flight.control.job().map(souffleur_core::job::Job::progress) else { return };
        let seen = (progress.ticks(), progress.position());
        let (id, moved) = (flight.id, seen.1 != flight.seen.1);
        if seen.0 != flight.seen.0
            && let Some(job) = self.identity.board(&self.env).job.load().as_ref()
        {
            job.last_tick_us.store(self.env.clock.now().0, Ordering::Relaxed);
        }
        flight.seen = seen;
        if moved {
            self.emit_progress(seen.1);
        }
        self.step(CellEvent::Progress(id, seen.0), ctx);
    }

    /// Wakes itself when the policy next wants to know the time.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        if let Some(wake) = self.wake.take() {
            ctx.cancel_future(wake);
        }
        let Some(at) = self.cell.next_wake() else { return };
        // The timer counts whole milliseconds; one more makes sure that the moment has come.
        let pause = at.saturating_sub(self.env.elapsed()) + Duration::from_millis(1);
        self.wake = Some(ctx.run_later(pause, |this, ctx| {
            this.wake = None;
            this.watch(ctx);
            this.step(CellEvent::Wake, ctx);
        }));
    }

    /// A job got its slot: its progress can be read from now on.
    fn computing(&mut self) {
        let Some(job) = self.in_flight.as_ref().and_then(|flight| flight.control.job()) else { return };
        let (progress, last_tick_us) = (job.progress(), AtomicI64::new(self.env.clock.now().0));
        self.board().job.store(Some(Arc::new(RunningJob { progress, last_tick_us })));
    }

    /// Takes in what a job came to, before anybody is told.
    fn take_in(&mut self, outcome: Outcome, kind: JobKind) {
        let board = self.identity.board(&self.env);
        board.job.store(None);
        match &outcome {
            Outcome::Started(restored) => self.restored(restored),
            Outcome::Trained(trained) => {
                self.newest_model = Some(trained.outcome.model_id.clone());
                if let Some(published) = &trained.published {
                    repeated::publish(&self.env, &self.identity, published);
                }
                board.rows_trained.store(self.rows_trained, Ordering::Release);
                board.flaw.store(None);
                board.last_failure.store(None);
                board.runs_succeeded.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::Probed(result) => report::note_probe(board, result.clone()),
            Outcome::Failed(error) => report::note_failure(&self.env, board, kind, error),
        }
        if let Outcome::Failed(error) = &outcome
            && !report::is_elsewhere(error)
        {
            self.last_failure = error.to_string();
        }
        self.last_outcome = Some(outcome);
    }

    fn restored(&mut self, restored: &start::Restored) {
        let board = self.identity.board(&self.env);
        self.identity.started.store(Some(Arc::new((restored.params.clone(), restored.query.clone()))));
        self.newest_model.clone_from(&restored.newest);
        self.unfinished &= restored.unfinished;
        restored.choice.publish(&self.env, &self.identity);
        let rows = self.env.learnable_rows.load(Ordering::Acquire);
        let watermark = self.env.board.watermark();
        let lag = board.published.load().as_ref().map_or(rows, |published| {
            u64::try_from(watermark.0.saturating_sub(published.version.watermark.0)).unwrap_or(0)
        });
        self.rows_trained = self.rows_trained.max(rows.saturating_sub(lag));
        board.rows_trained.store(self.rows_trained, Ordering::Release);
    }

    /// Looks after a run that came to nothing because another runtime did it, or is doing it.
    fn make_up_for(&mut self, kind: JobKind, ctx: &mut Context<Self>) {
        let Some(Outcome::Failed(CallError::Store(error))) = self.last_outcome.take() else { return };
        match error {
            StoreError::NotDue { model_id, new_rows, .. } if kind == JobKind::Train => {
                self.rows_trained = self.env.learnable_rows.load(Ordering::Acquire).saturating_sub(new_rows);
                if model_id != self.newest_model {
                    self.adopt(ctx);
                }
            }
            StoreError::Held { retry_after_ms, .. } if kind == JobKind::Train => {
                // Should the other one die, its rows are still to be learnt from.
                self.rows_trained = self.board().rows_trained.load(Ordering::Acquire);
                let retry = ctx.run_later(Duration::from_millis(retry_after_ms), |this, ctx| {
                    this.retry = None;
                    this.consider_training(ctx);
                });
                if let Some(old) = self.retry.replace(retry) {
                    ctx.cancel_future(old);
                }
            }
            _ => {}
        }
    }

    /// Takes over the live model. Whoever is not up reads it when it starts; whoever trains is about to have a newer
    /// one, or learns at its next attempt that it has not.
    fn adopt(&mut self, ctx: &mut Context<Self>) {
        let trains = self.cell.in_flight().is_some_and(|(_, kind)| kind == JobKind::Train);
        if self.cell.status() == Status::Up && !trains {
            self.step(CellEvent::Start, ctx);
        }
    }

    /// Trains unasked when enough rows are new.
    fn consider_training(&mut self, ctx: &mut Context<Self>) {
        let spec = self.identity.entry.spec();
        let Cadence::NewRows(new) = spec.cadence else { return };
        if !self.env.settings.train_unasked || self.retry.is_some() {
            return;
        }
        let rows = self.env.learnable_rows.load(Ordering::Acquire);
        let due = rows >= self.rows_trained.saturating_add(u64::from(new)) && rows >= spec.minimum_rows as u64;
        if due && self.cell.status() == Status::Up && !self.cell.has_training_queued() {
            self.rows_trained = rows;
            self.demand(u64::from(new), ctx);
        }
    }

    /// Asks itself for a training run, on account of so many new rows.
    fn demand(&mut self, new_rows: u64, ctx: &mut Context<Self>) {
        self.basis = Basis { model: self.newest_model.clone(), new_rows };
        self.step(CellEvent::Demand, ctx);
    }
}
