//! The health monitor: probes every component through the path its work takes, keeps the history of states.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle, Supervised};
use serde_json::json;
use souffleur_core::catalogue::Entry;
use souffleur_core::document::{DocumentKind, NewDocument};
use souffleur_core::store::{Append, Record};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

use super::{HealthStatus, State, assess};
use crate::component::ComponentActor;
use crate::environment::Environment;
use crate::events::RuntimeEvent;
use crate::messages::{Probe, Quiesce};
use crate::policy::Time;
use crate::port::{Port, Request};

/// How often the control thread shows that it lives.
const BEAT_INTERVAL: Duration = Duration::from_millis(100);
/// Changes of state kept while the store does not take them.
const PENDING_CHANGES: usize = 1_024;
/// A component that could not be probed is tried again after this share of the interval.
const RETRY_SHARE: u32 = 10;
/// Changes of the score below this are not told.
const SCORE_STEP: f64 = 0.01;

/// The actor.
pub(crate) struct MonitorActor {
    env: Arc<Environment>,
    entries: Vec<Entry>,
    components: Vec<Port<ComponentActor>>,
    /// When each component is due for a probe.
    due: Vec<Time>,
    probing: Vec<bool>,
    events: broadcast::Receiver<RuntimeEvent>,
    pending: VecDeque<Append>,
    flushing: bool,
    changes: u64,
    told: Option<(HealthStatus, f64)>,
    timers: Vec<SpawnHandle>,
    last_beat: Time,
    listening_to_loader: bool,
}

impl MonitorActor {
    /// `events` listens from before the first change of state.
    pub(crate) fn new(
        env: Arc<Environment>,
        entries: Vec<Entry>,
        components: Vec<Port<ComponentActor>>,
        events: broadcast::Receiver<RuntimeEvent>,
    ) -> Self {
        let (due, probing) = (vec![Time::ZERO; entries.len()], vec![false; entries.len()]);
        let last_beat = env.elapsed();
        Self {
            env,
            entries,
            components,
            due,
            probing,
            events,
            pending: VecDeque::new(),
            flushing: false,
            changes: 0,
            told: None,
            timers: Vec::new(),
            last_beat,
            listening_to_loader: false,
        }
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(self.env.settings.probe_interval_ms)
    }

    /// Shows that the control thread lives, and asks the loader whether it does.
    fn beat(&mut self, ctx: &mut Context<Self>) {
        let now = self.env.elapsed();
        let late = now.saturating_sub(self.last_beat).saturating_sub(BEAT_INTERVAL);
        self.last_beat = now;
        let micros = |d: Duration| u64::try_from(d.as_micros()).unwrap_or(u64::MAX);
        self.env.board.control_lag_us.store(micros(late), Ordering::Relaxed);
        self.env.board.control_beat_us.store(micros(self.env.clock.monotonic()).max(1), Ordering::Relaxed);
        if std::mem::replace(&mut self.listening_to_loader, true) {
            return;
        }
        let pulse = tokio::time::timeout(BEAT_INTERVAL * 10, self.env.batches.pulse());
        ctx.spawn(actix::fut::wrap_future::<_, Self>(pulse).map(move |answered, this, _| {
            this.listening_to_loader = false;
            if answered.is_ok() {
                let now = micros(this.env.clock.monotonic()).max(1);
                this.env.board.loader_beat_us.store(now, Ordering::Relaxed);
            }
        }));
    }

    /// Probes whoever is due, as many at a time as there are slots, so that probes leave room for work.
    fn probe_due(&mut self, ctx: &mut Context<Self>) {
        let now = self.env.elapsed();
        let mut free = self.env.settings.compute_slots.saturating_sub(self.probing.iter().filter(|p| **p).count());
        for i in 0..self.entries.len() {
            if free == 0 {
                return;
            }
            if self.probing[i] || now < self.due[i] {
                continue;
            }
            let overdue = now.saturating_sub(self.due[i]) > self.interval();
            match self.env.board.components[i].state() {
                State::Ready | State::Degraded => {}
                State::Training if overdue => {}
                _ => continue,
            }
            free -= 1;
            self.probe(i, now, ctx);
        }
    }

    fn probe(&mut self, i: usize, now: Time, ctx: &mut Context<Self>) {
        let limit = Duration::from_millis(self.env.settings.probe_deadline_ms) + self.interval();
        let Ok(answer) = self.components[i].ask(Probe { deadline: now + limit }) else {
            self.due[i] = now + self.interval() / RETRY_SHARE;
            return;
        };
        self.probing[i] = true;
        let answer = actix::fut::wrap_future::<_, Self>(answer.within(limit + self.env.settings.grace()));
        ctx.spawn(answer.map(move |probed, this, _| {
            this.probing[i] = false;
            let pause = if matches!(probed, Ok(Ok(_))) { this.interval() } else { this.interval() / RETRY_SHARE };
            this.due[i] = this.env.elapsed() + pause;
        }));
    }

    /// Collects the changes of state since the last time.
    fn collect(&mut self) {
        loop {
            match self.events.try_recv() {
                Ok(RuntimeEvent::StateChanged { component, from, to, reason, at }) => {
                    self.changes += 1;
                    let key = format!("health:{}:{component}:{}", self.env.board.started.0, self.changes);
                    let body = json!({ "from": from, "to": to, "reason": reason });
                    let document = NewDocument { subject: component.to_string(), event_time: Some(at), body };
                    let record = Record::Document(DocumentKind::HealthEvents, document);
                    self.pending.push_back(Append { idempotency_key: Some(key), record });
                }
                Ok(_) => {}
                Err(TryRecvError::Lagged(missed)) => tracing::warn!(missed, "the health history has a gap"),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        // What is being written stays where it is until that has ended.
        if !self.flushing {
            let surplus = self.pending.len().saturating_sub(PENDING_CHANGES);
            self.pending.drain(..surplus);
        }
    }

    /// Writes the history down. What the store does not take is tried again; the keys make that harmless.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        self.collect();
        self.tell();
        if self.flushing || self.pending.is_empty() {
            return;
        }
        self.flushing = true;
        let records: Vec<_> = self.pending.iter().cloned().collect();
        let (count, env) = (records.len(), Arc::clone(&self.env));
        let write = async move { crate::append::append(&env, records).await };
        ctx.spawn(actix::fut::wrap_future::<_, Self>(write).map(move |written, this, _| {
            this.flushing = false;
            match written {
                Ok(_) => drop(this.pending.drain(..count.min(this.pending.len()))),
                Err(error) => tracing::warn!(%error, count, "changes of health were not written"),
            }
        }));
    }

    /// Tells listeners when the whole's health changed.
    fn tell(&mut self) {
        let score = assess::score(&self.env, &self.entries);
        let status = assess::status(&self.env, score, false);
        let told = self.told.is_some_and(|(s, old)| s == status && (old - score).abs() < SCORE_STEP);
        if !told {
            self.told = Some((status, score));
            self.env.emit(RuntimeEvent::HealthChanged { score, status, at: self.env.clock.now() });
        }
    }
}

impl Actor for MonitorActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.flushing = false;
        self.probing.fill(false);
        self.listening_to_loader = false;
        self.last_beat = self.env.elapsed();
        let flush = Duration::from_millis(self.env.settings.health_flush_ms);
        let look = (self.interval() / RETRY_SHARE).min(BEAT_INTERVAL).max(Duration::from_millis(1));
        self.timers = vec![
            ctx.run_interval(BEAT_INTERVAL, Self::beat),
            ctx.run_interval(look, Self::probe_due),
            ctx.run_interval(flush, Self::flush),
        ];
    }
}

impl Supervised for MonitorActor {}

impl Handler<Request<Quiesce>> for MonitorActor {
    type Result = ();

    /// The last word: stops the timers and writes what is left of the history.
    fn handle(&mut self, request: Request<Quiesce>, ctx: &mut Self::Context) {
        for timer in self.timers.drain(..) {
            ctx.cancel_future(timer);
        }
        self.collect();
        let records: Vec<_> = self.pending.drain(..).collect();
        let env = Arc::clone(&self.env);
        ctx.spawn(actix::fut::wrap_future::<_, Self>(async move {
            if !records.is_empty()
                && let Err(error) = crate::append::append(&env, records).await
            {
                tracing::warn!(%error, "the last changes of health were not written");
            }
            request.reply.send(());
        }));
    }
}
