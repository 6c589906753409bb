//! Keeps an actor alive through its own panics.
//!
//! actix drops an actor that panics and, while it does so, polls it once more: a second panic would abort the
//! process. The guard polls the actor inside `catch_unwind` and restarts it behind the same address after a
//! pause; queued messages wait for the next incarnation. What the panicking handler was asked is lost, its
//! caller is told so by a dropped reply.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{self, Poll, ready};
use std::time::Duration;

use actix::dev::ContextFut;
use actix::{Actor, Addr, Context, Supervised};
use arc_swap::ArcSwapOption;
use souffleur_core::runner::panic_text;
use tokio::time::{Instant, Sleep};

use crate::health::PartHealth;

/// How many panics within which time are survived, and the shortest pause after one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GuardLimits {
    pub(crate) intensity: usize,
    pub(crate) period: Duration,
    pub(crate) backoff_min: Duration,
    pub(crate) backoff_max: Duration,
}

/// What others may read of a guarded actor.
#[derive(Debug, Default)]
pub(crate) struct PartStatus {
    up: AtomicBool,
    restarts: AtomicU64,
    last_panic: ArcSwapOption<String>,
}

impl PartStatus {
    /// Shows a part as running that is no guarded actor.
    #[cfg(feature = "testing")]
    pub(crate) fn set_up(&self) {
        self.up.store(true, Ordering::Release);
    }

    pub(crate) fn health(&self) -> PartHealth {
        let up = self.up.load(Ordering::Acquire);
        let panic = self.last_panic.load();
        let reason = match (up, panic.as_deref()) {
            (true, None) => "running".to_owned(),
            (true, Some(text)) => format!("running; it was restarted after: {text}"),
            (false, None) => "not running".to_owned(),
            (false, Some(text)) => format!("waits for a restart or was given up: {text}"),
        };
        PartHealth { up, reason, restarts: self.restarts.load(Ordering::Relaxed) }
    }
}

/// An actor's future with its protection.
struct Guard<A: Actor<Context = Context<A>> + Supervised + Unpin> {
    name: &'static str,
    /// `None` once it ended or was given up.
    actor: Option<ContextFut<A, Context<A>>>,
    backoff: Option<Pin<Box<Sleep>>>,
    limits: GuardLimits,
    panics: VecDeque<Instant>,
    status: Arc<PartStatus>,
}

impl<A: Actor<Context = Context<A>> + Supervised + Unpin> Guard<A> {
    /// Books a panic and says how long to wait; `None` if there were too many.
    fn pause_after(&mut self, payload: Box<dyn std::any::Any + Send>) -> Option<Duration> {
        let text = panic_text(payload.as_ref());
        // Dropping a payload can panic again; leaking the rare one is cheaper than aborting.
        std::mem::forget(payload);
        self.status.up.store(false, Ordering::Release);
        let now = Instant::now();
        self.panics.push_back(now);
        while self.panics.front().is_some_and(|&at| now - at > self.limits.period) {
            self.panics.pop_front();
        }
        let count = self.panics.len();
        tracing::error!(actor = self.name, panic = text, count, "an actor panicked");
        self.status.last_panic.store(Some(Arc::new(text)));
        if count > self.limits.intensity {
            return None;
        }
        let doublings = u32::try_from(count - 1).unwrap_or(u32::MAX).min(20);
        Some(self.limits.backoff_min.saturating_mul(1 << doublings).min(self.limits.backoff_max))
    }

    /// Drops the actor; a panic in its destructor stays here.
    fn give_up(&mut self) {
        let actor = self.actor.take();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(actor))) {
            tracing::error!(actor = self.name, panic = panic_text(payload.as_ref()), "an actor panicked in its end");
            std::mem::forget(payload);
        }
        self.status.up.store(false, Ordering::Release);
    }
}

impl<A: Actor<Context = Context<A>> + Supervised + Unpin> Future for Guard<A> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            let waited = match &mut this.backoff {
                Some(pause) => {
                    ready!(pause.as_mut().poll(cx));
                    this.backoff = None;
                    true
                }
                None => false,
            };
            let Some(actor) = this.actor.as_mut() else { return Poll::Ready(()) };
            let polled = catch_unwind(AssertUnwindSafe(|| {
                if waited {
                    if !actor.restart() {
                        return Poll::Ready(());
                    }
                    this.status.restarts.fetch_add(1, Ordering::Relaxed);
                    this.status.up.store(true, Ordering::Release);
                }
                Pin::new(actor).poll(cx)
            }));
            match polled {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(())) => {
                    this.give_up();
                    return Poll::Ready(());
                }
                Err(payload) => match this.pause_after(payload) {
                    Some(pause) => this.backoff = Some(Box::pin(tokio::time::sleep(pause))),
                    None => {
                        this.give_up();
                        return Poll::Ready(());
                    }
                },
            }
        }
    }
}

impl<A: Actor<Context = Context<A>> + Supervised + Unpin> Drop for Guard<A> {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Spawns a guarded actor on the current arbiter.
pub(crate) fn spawn<A>(name: &'static str, limits: GuardLimits, status: Arc<PartStatus>, actor: A) -> Addr<A>
where
    A: Actor<Context = Context<A>> + Supervised + Unpin,
{
    spawn_with(name, limits, status, |_| actor)
}

/// Spawns a guarded actor that is told its own address.
pub(crate) fn spawn_with<A>(
    name: &'static str,
    limits: GuardLimits,
    status: Arc<PartStatus>,
    make: impl FnOnce(&mut Context<A>) -> A,
) -> Addr<A>
where
    A: Actor<Context = Context<A>> + Supervised + Unpin,
{
    use actix::AsyncContext as _;
    let mut context = Context::new();
    let address = context.address();
    let actor = make(&mut context);
    status.up.store(true, Ordering::Release);
    let actor = Some(context.into_future(actor));
    actix::spawn(Guard { name, actor, backoff: None, limits, panics: VecDeque::new(), status });
    address
}

#[cfg(test)]
mod tests {
    use actix::{Handler, Message};

    use super::*;

    #[derive(Default)]
    struct Counter {
        handled: usize,
        restarted: bool,
    }

    impl Actor for Counter {
        type Context = Context<Self>;
        fn stopped(&mut self, _: &mut Self::Context) {
            assert!(!self.restarted, "a panic in the last moment");
        }
    }

    impl Supervised for Counter {
        fn restarting(&mut self, _: &mut Self::Context) {
            *self = Counter { handled: 100, restarted: true };
        }
    }

    #[derive(Message)]
    #[rtype(usize)]
    struct Count;

    #[derive(Message)]
    #[rtype(result = "()")]
    struct Fail;

    impl Handler<Count> for Counter {
        type Result = usize;
        fn handle(&mut self, _: Count, _: &mut Self::Context) -> usize {
            self.handled += 1;
            self.handled
        }
    }

    impl Handler<Fail> for Counter {
        type Result = ();
        fn handle(&mut self, _: Fail, _: &mut Self::Context) {
            panic!("boom")
        }
    }

    fn limits(intensity: usize) -> GuardLimits {
        let backoff_min = Duration::from_millis(1);
        GuardLimits { intensity, period: Duration::from_secs(60), backoff_min, backoff_max: Duration::from_millis(4) }
    }

    #[actix::test]
    async fn queued_messages_survive_a_panic_and_the_caller_is_told() {
        let status = Arc::new(PartStatus::default());
        let actor = spawn("counter", limits(3), Arc::clone(&status), Counter::default());
        let (failed, first, second) = (actor.send(Fail), actor.send(Count), actor.send(Count));
        assert!(failed.await.is_err());
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (101, 102));
        let health = status.health();
        assert!(health.up && health.restarts == 1 && health.reason.contains("boom"), "{health:?}");
    }

    #[actix::test]
    async fn too_many_panics_end_it_even_if_its_end_panics_too() {
        let status = Arc::new(PartStatus::default());
        let actor = spawn("counter", limits(1), Arc::clone(&status), Counter::default());
        assert!(actor.send(Fail).await.is_err());
        assert!(actor.send(Fail).await.is_err());
        assert!(actor.send(Count).await.is_err());
        assert!(!actor.connected() && !status.health().up);
    }
}
