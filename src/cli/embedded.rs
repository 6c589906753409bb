//! A runtime in this process, on a data directory.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::Value;
use souffleur_actors::health::{ComponentHealth, State};
use souffleur_actors::{CallError, ShutdownReport};
use souffleur_columnar::ColumnarError;
use souffleur_core::catalogue::Entry;
use souffleur_core::error::ComponentError;
use souffleur_core::query::Query;
use souffleur_core::store::StoreError;

use super::backend::{Backend, BatchFormat, ModelsCall};
use super::describe;
use super::exit::{Failure, Outcome};
use super::interrupt::Interrupt;
use super::lock::DirectoryLock;
use super::selection;
use crate::http;
use crate::runtime::{IngestError, Runtime, RuntimeError};
use crate::settings::Settings;

/// How often a running job's progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How often what is about to happen is looked for.
const LOOK_SOON: Duration = Duration::from_millis(5);

/// Longest wait for components to start, and for their first probes.
const SETTLE_WITHIN: Duration = Duration::from_secs(30);

/// A runtime of one's own.
pub(crate) struct Embedded {
    runtime: Runtime,
    executor: tokio::runtime::Runtime,
    interrupt: Interrupt,
    train_within: Duration,
    /// Given back last. Runtimes that share a database on a server need none.
    _lock: Option<DirectoryLock>,
}

impl Embedded {
    /// Opens the data directory for one command: nothing is trained but what the command asks for.
    pub(crate) fn open(settings: &Settings, interrupt: &Interrupt) -> Outcome<Self> {
        let mut settings = settings.clone();
        settings.supervision.train_unasked = false;
        Self::start(&settings, interrupt)
    }

    /// Opens the data directory and starts every component, to stay.
    pub(crate) fn start(settings: &Settings, interrupt: &Interrupt) -> Outcome<Self> {
        let executor = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let lock = DirectoryLock::where_needed(settings)?;
        let runtime = Runtime::builder().settings(settings.clone()).start_blocking()?;
        let train_within = Duration::from_millis(settings.http.train_timeout_ms);
        Ok(Self { runtime, executor, interrupt: interrupt.clone(), train_within, _lock: lock })
    }

    /// The runtime itself.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Waits for an answer, or for Ctrl-C.
    pub(crate) fn wait<T, E: Into<Failure>>(&self, call: impl Future<Output = Result<T, E>>) -> Outcome<T> {
        self.executor.block_on(async {
            match select(pin!(call), pin!(self.interrupt.raised())).await {
                Either::Left((answer, _)) => answer.map_err(Into::into),
                Either::Right(_) => Err(Failure::interrupted()),
            }
        })
    }

    /// Shuts the runtime down in order.
    pub(crate) fn shut_down(&self) -> ShutdownReport {
        self.executor.block_on(self.runtime.shutdown())
    }

    fn known(&self, name: &str) -> Outcome {
        let mut names = self.runtime.components().iter().map(|entry| entry.name.as_ref());
        if names.clone().any(|known| known == name) { Ok(()) } else { Err(selection::unknown(name, &mut names)) }
    }

    /// Waits until every component has read its model, or for as long as that may take.
    pub(crate) fn ready(&self) -> Outcome {
        let starting = |component: &ComponentHealth| component.state == State::Starting;
        self.until(|| self.runtime.is_ready() && !self.runtime.health().components.iter().any(starting))
    }

    /// Waits until everything was probed once, or for as long as that may take.
    fn settle(&self) -> Outcome {
        self.until(|| self.runtime.health().components.iter().all(|component| component.probe.is_some()))
    }

    /// Looks again and again until something is so. That it does not become so is told by whoever is asked next.
    fn until(&self, is_so: impl Fn() -> bool) -> Outcome {
        let looks = SETTLE_WITHIN.as_millis() / LOOK_SOON.as_millis();
        for _ in 0..looks {
            if is_so() {
                break;
            }
            self.interrupt.pause(LOOK_SOON)?;
        }
        Ok(())
    }
}

impl Backend for Embedded {
    fn components(&self) -> Outcome<Vec<Value>> {
        let listed = |entry: &Entry| Ok(describe::listed(&describe::component(entry)?));
        self.runtime.components().iter().map(listed).collect()
    }

    fn health(&self) -> Outcome<Value> {
        self.settle()?;
        Ok(serde_json::to_value(self.runtime.health())?)
    }

    fn component_health(&self, name: &str) -> Outcome<Value> {
        self.known(name)?;
        self.settle()?;
        Ok(serde_json::to_value(self.runtime.component_health(name))?)
    }

    fn train(&self, name: &str, progress: &dyn Fn(u64, u64)) -> Outcome<Value> {
        self.known(name)?;
        let training = async {
            let mut training = pin!(self.runtime.train(name, self.train_within));
            loop {
                let pause = pin!(tokio::time::sleep(LOOK_EVERY));
                match select(training.as_mut(), pause).await {
                    Either::Left((outcome, _)) => return outcome,
                    Either::Right(_) => {
                        if let Some(job) = self.runtime.component_health(name).and_then(|health| health.progress) {
                            progress(job.done, job.total);
                        }
                    }
                }
            }
        };
        Ok(serde_json::to_value(self.wait(training)?)?)
    }

    fn query(&self, name: &str, question: Value) -> Outcome<Value> {
        self.known(name)?;
        Ok(std::sync::Arc::unwrap_or_clone(self.wait(self.runtime.query(name, question))?))
    }

    fn batch(&self, query: &Query, format: BatchFormat) -> Outcome<Vec<u8>> {
        let batch = self.wait(self.runtime.batch(query.clone()))?;
        let failed = |error: ColumnarError| Failure::failed(error.to_string());
        let pieces = http::batch_pieces(batch, format).map_err(failed)?;
        Ok(pieces.collect::<Result<Vec<_>, _>>().map_err(failed)?.concat())
    }

    fn models(&self, call: &ModelsCall) -> Outcome<Value> {
        let runtime = &self.runtime;
        Ok(match call {
            ModelsCall::List(page) => serde_json::to_value(self.wait(runtime.models(page.clone()))?)?,
            ModelsCall::Show(model) => serde_json::to_value(self.wait(runtime.model(model))?)?,
            ModelsCall::Verify(model) => serde_json::to_value(self.wait(runtime.verify_model(model))?)?,
            ModelsCall::Promote(model) => serde_json::to_value(self.wait(runtime.promote(model))?)?,
            ModelsCall::Rollback(component) => {
                self.known(component)?;
                serde_json::to_value(self.wait(runtime.rollback(component))?)?
            }
            ModelsCall::Alias(model, alias) => serde_json::to_value(self.wait(runtime.set_alias(model, alias))?)?,
            ModelsCall::Reproduce(model) => serde_json::to_value(self.wait(runtime.reproduce(model))?)?,
        })
    }

    fn traces(&self, session_ids: &[String]) -> Outcome<Value> {
        Ok(serde_json::to_value(self.wait(self.runtime.traces(session_ids.to_vec()))?)?)
    }

    fn erase(&self, session_ids: &[String], compact: bool) -> Outcome<Value> {
        let erasure = self.runtime.erase(session_ids.to_vec(), "asked for", compact, self.train_within);
        Ok(serde_json::to_value(self.wait(erasure)?)?)
    }

    fn close(&self) -> Outcome {
        let report = self.shut_down();
        if !report.clean {
            let late: Vec<&str> = report.steps.iter().filter(|s| !s.completed).map(|s| s.step.as_str()).collect();
            tracing::warn!(late = ?late, abandoned = report.abandoned, "the runtime did not stop in time");
        }
        Ok(())
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let message = error.to_string();
        match error {
            CallError::Busy { .. }
            | CallError::DeadlineExceeded
            | CallError::ShuttingDown
            | CallError::Store(StoreError::Busy { .. } | StoreError::Held { .. }) => Self::busy(message),
            CallError::Component(ComponentError::Interrupted(souffleur_core::job::Interrupted::DeadlineExceeded)) => {
                Self::busy(message)
            }
            CallError::UnknownComponent { .. }
            | CallError::Invalid(_)
            | CallError::Store(StoreError::Unknown { .. })
            | CallError::Component(ComponentError::Query(_) | ComponentError::Params(_)) => Self::usage(message),
            _ => Self::failed(message),
        }
    }
}

impl From<RuntimeError> for Failure {
    fn from(error: RuntimeError) -> Self {
        match error {
            RuntimeError::Store(StoreError::Busy { .. }) => Self::busy(error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<IngestError> for Failure {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Refused(_) => Self::usage(error.to_string()),
            IngestError::Call(error) => error.into(),
        }
    }
}
