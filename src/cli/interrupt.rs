//! Ctrl-C and SIGTERM: the first asks to stop in order, the second stops at once.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Notify;

use super::exit::{Exit, Failure, Outcome};

/// Signals that follow one so soon are its echo.
const ECHO: Duration = Duration::from_millis(100);

/// What the rest of the program knows of signals. Clones share one state.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<Shared>);

#[derive(Default)]
struct Shared {
    signals: AtomicU32,
    /// Wakes who waits asynchronously.
    raised: Notify,
    /// Wakes who waits on a thread; also what is to be called at the first signal.
    on_first: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
    woken: Condvar,
}

impl Interrupt {
    /// Listens on a thread of its own from now on.
    pub(crate) fn listen() -> Outcome<Self> {
        let interrupt = Self::default();
        let heard = interrupt.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // Registered before this returns, so that no signal slips through between.
        let streams = {
            let _context = runtime.enter();
            signals()?
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(heard.hear(streams));
        })?;
        Ok(interrupt)
    }

    /// Whether a signal has come.
    pub(crate) fn is_raised(&self) -> bool {
        self.0.signals.load(Ordering::Acquire) > 0
    }

    /// Fails if a signal has come.
    pub(crate) fn check(&self) -> Outcome {
        if self.is_raised() { Err(Failure::interrupted()) } else { Ok(()) }
    }

    /// Sleeps, and fails at once if a signal comes.
    pub(crate) fn pause(&self, pause: Duration) -> Outcome {
        let calls = self.0.on_first.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever raises the signal takes this lock before waking: the signal cannot slip through between.
        drop(self.0.woken.wait_timeout_while(calls, pause, |_| !self.is_raised()));
        self.check()
    }

    /// Calls `call` at the first signal; at once if it has come already.
    pub(crate) fn on_first(&self, call: impl FnOnce() + Send + 'static) {
        let mut calls = self.0.on_first.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_raised() {
            drop(calls);
            call();
        } else {
            calls.push(Box::new(call));
        }
    }

    /// Waits for a signal.
    pub(crate) async fn raised(&self) {
        let notified = self.0.raised.notified();
        if !self.is_raised() {
            notified.await;
        }
    }

    /// Wakes whoever waits for a signal, and makes the calls asked for.
    fn wake(&self) {
        self.0.raised.notify_waiters();
        let mut calls = self.0.on_first.lock().unwrap_or_else(PoisonError::into_inner);
        let called = std::mem::take(&mut *calls);
        self.0.woken.notify_all();
        drop(calls);
        called.into_iter().for_each(|call| call());
    }

    /// The first signal is made known, the second ends the process. Whoever sends one to a process and to its group
    /// at once (as `timeout` does) means one.
    async fn hear(self, mut streams: Streams) {
        loop {
            streams.next().await;
            if self.0.signals.fetch_add(1, Ordering::AcqRel) > 0 {
                std::process::exit(i32::from(Exit::Interrupted as u8));
            }
            self.wake();
            tokio::time::sleep(ECHO).await;
            while streams.next().now_or_never().is_some() {}
        }
    }
}

#[cfg(unix)]
struct Streams {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
fn signals() -> std::io::Result<Streams> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Streams { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
}

#[cfg(unix)]
impl Streams {
    async fn next(&mut self) {
        let interrupt = std::pin::pin!(self.interrupt.recv());
        let terminate = std::pin::pin!(self.terminate.recv());
        futures_util::future::select(interrupt, terminate).await;
    }
}

#[cfg(not(unix))]
struct Streams;

#[cfg(not(unix))]
fn signals() -> std::io::Result<Streams> {
    Ok(Streams)
}

#[cfg(not(unix))]
impl Streams {
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // No signal can be heard here: wait for ever rather than pretend one came.
            std::future::pending::<()>().await;
        }
    }
}
