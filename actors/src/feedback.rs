//! The analytics loop: the runtime's own figures become rows that the next batch may hold.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle, Supervised};
use souffleur_core::catalogue::Entry;
use souffleur_core::records::MetricPoint;
use souffleur_core::store::{Append, Record};

use crate::environment::Environment;
use crate::health::board::ComponentBoard;
use crate::messages::Quiesce;
use crate::port::Request;

/// The actor.
pub(crate) struct FeedbackActor {
    env: Arc<Environment>,
    entries: Vec<Entry>,
    /// What each component had done when it was last looked at: a component at rest makes no rows.
    seen: Vec<[u64; 4]>,
    interval: u64,
    writing: bool,
    timer: Option<SpawnHandle>,
}

/// What a component has done so far: answers, runs with a model, runs without, restarts.
fn activity(board: &ComponentBoard) -> [u64; 4] {
    [&board.answers, &board.runs_succeeded, &board.runs_failed, &board.restarts].map(|n| n.load(Ordering::Relaxed))
}

impl FeedbackActor {
    pub(crate) fn new(env: Arc<Environment>, entries: Vec<Entry>) -> Self {
        let seen = vec![[0; 4]; entries.len()];
        Self { env, entries, seen, interval: 0, writing: false, timer: None }
    }

    /// The figures of everything that did something since the last time.
    fn points(&mut self) -> Vec<Append> {
        let now = self.env.clock.now();
        let epoch = self.env.board.started.0;
        let mut records = Vec::new();
        for (i, board) in self.env.board.components.iter().enumerate() {
            let (before, after) = (self.seen[i], activity(board));
            if before == after {
                continue;
            }
            self.seen[i] = after;
            let since = |n: usize| after[n].saturating_sub(before[n]) as f64;
            let (answer, train) = (board.answer_latency.percentiles(), board.train_latency.percentiles());
            let figures = [
                ("answers", since(0)),
                ("runs_succeeded", since(1)),
                ("runs_failed", since(2)),
                ("restarts", since(3)),
                ("answer_latency_p99_ms", answer.p99_ms),
                ("train_latency_p50_ms", train.p50_ms),
            ];
            let subject = &self.entries[i].name;
            records.extend(figures.map(|(metric, value)| {
                // Component, incarnation of the runtime, number of the interval: sent twice, stored once.
                let idempotency_key = Some(format!("analytics:{subject}:{epoch}:{}:{metric}", self.interval));
                let (metric, subject) = (metric.to_owned(), subject.to_string());
                let record = Record::Metric(MetricPoint { metric, subject, value, event_time: Some(now) });
                Append { idempotency_key, record }
            }));
        }
        self.interval += 1;
        records
    }

    fn turn(&mut self, ctx: &mut Context<Self>) {
        if self.writing {
            return;
        }
        let records = self.points();
        if records.is_empty() {
            return;
        }
        self.writing = true;
        let env = Arc::clone(&self.env);
        let write = async move { crate::append::append(&env, records).await };
        ctx.spawn(actix::fut::wrap_future::<_, Self>(write).map(|written, this, _| {
            this.writing = false;
            if let Err(error) = written {
                tracing::warn!(%error, "the runtime's own figures of one interval were lost");
            }
        }));
    }
}

impl Actor for FeedbackActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.writing = false;
        let interval_ms = self.env.settings.analytics_interval_ms;
        if interval_ms > 0 {
            self.timer = Some(ctx.run_interval(Duration::from_millis(interval_ms), Self::turn));
        }
    }
}

impl Supervised for FeedbackActor {}

impl Handler<Request<Quiesce>> for FeedbackActor {
    type Result = ();

    fn handle(&mut self, request: Request<Quiesce>, ctx: &mut Self::Context) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        request.reply.send(());
    }
}
