//! The erased form of a component: what the runtime holds, whatever the types behind it.
//!
//! This is the one place a panic of a component is caught.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::batch::TrainingBatch;
use crate::component::{Bar, Checked, Component, ComponentSpec, Direction, Measurement};
use crate::error::{ComponentError, Invalid};
use crate::job::Job;
use crate::params::Hyperparams;
use crate::query::Query;

/// Checked hyperparameters of some component.
#[derive(Clone)]
pub struct ErasedParams(Arc<dyn Any + Send + Sync>);

/// A trained model of some component. Dropping it never unwinds.
#[derive(Clone)]
pub struct ErasedModel(Option<Arc<dyn Any + Send + Sync>>);

impl Drop for ErasedModel {
    fn drop(&mut self) {
        let inner = self.0.take();
        // A model whose destructor panics must not take its owner down with it.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(inner))) {
            std::mem::forget(payload);
        }
    }
}

/// The erased result of a training run.
pub struct ErasedTrained {
    /// The new model.
    pub model: ErasedModel,
    /// Its snapshot, ready to be stored.
    pub snapshot: Vec<u8>,
    /// What was found, as JSON.
    pub report: Value,
    /// Figures about the model.
    pub metrics: Vec<Measurement>,
}

/// The JSON schemas of a component's faces.
#[derive(Clone, Debug, Serialize)]
pub struct Schemas {
    /// Its configuration section.
    pub params: Value,
    /// What a run reports.
    pub report: Value,
    /// What it can be asked.
    pub query: Value,
    /// What it answers.
    pub answer: Value,
}

/// A component with its types erased.
pub trait Runner: Send + Sync + 'static {
    /// Who it is.
    fn spec(&self) -> &'static ComponentSpec;

    /// The bars its certificate must clear.
    fn bars(&self) -> &'static [Bar];

    /// The figure that says how good a model is, and which side is better. See [`Component::HEADLINE`].
    fn headline(&self) -> Option<(&'static str, Direction)> {
        None
    }

    /// The JSON schemas of its faces.
    fn schemas(&self) -> Schemas;

    /// Its configuration section with every default written out.
    ///
    /// # Errors
    /// If the defaults cannot be written as JSON.
    fn default_params(&self) -> Result<Value, ComponentError>;

    /// Reads and checks a configuration section; `Null` means all defaults.
    ///
    /// # Errors
    /// Unknown keys, values of the wrong type, values out of range.
    fn params(&self, section: &Value) -> Result<ErasedParams, ComponentError>;

    /// The data it trains on.
    ///
    /// # Errors
    /// [`ComponentError::Panicked`].
    fn query(&self, params: &ErasedParams) -> Result<Query, ComponentError>;

    /// Trains. See [`Component::train`].
    ///
    /// # Errors
    /// Those of the component, or [`ComponentError::Panicked`].
    fn train(
        &self,
        params: &ErasedParams,
        previous: Option<&ErasedModel>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<ErasedTrained, ComponentError>;

    /// Answers. See [`Component::answer`].
    ///
    /// # Errors
    /// Those of the component, or [`ComponentError::Panicked`].
    fn answer(&self, params: &ErasedParams, model: &ErasedModel, query: &Value) -> Result<Value, ComponentError>;

    /// Reads a model back from its snapshot.
    ///
    /// # Errors
    /// [`ComponentError::Snapshot`] if it is damaged or of another version.
    fn restore(&self, snapshot: &[u8]) -> Result<ErasedModel, ComponentError>;

    /// Trains on the planted case and verifies the answer.
    ///
    /// # Errors
    /// What was wrong.
    fn probe(&self, params: &ErasedParams, job: &Job) -> Result<(), ComponentError>;

    /// The planted case: what the probe trains on and asks. Documentation and conformance checks use it.
    ///
    /// # Errors
    /// [`ComponentError::Panicked`].
    fn example(&self) -> Result<(TrainingBatch, Value), ComponentError>;

    /// Measures the component on planted truth. See [`Component::certify`].
    ///
    /// # Errors
    /// Those of the component, or [`ComponentError::Panicked`].
    fn certify(&self, seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError>;
}

/// The blanket erasure of a typed component.
pub struct Typed<C>(PhantomData<fn() -> C>);

impl<C: Component> Typed<C> {
    /// The one runner of `C`.
    pub const RUNNER: &'static dyn Runner = &Typed::<C>(PhantomData);
    const SPEC: &'static ComponentSpec = &C::SPEC;

    fn checked(params: &ErasedParams) -> Result<&Checked<C>, ComponentError> {
        params.0.downcast_ref().ok_or_else(|| foreign(C::SPEC.name, "parameters"))
    }

    fn model(model: &ErasedModel) -> Result<&C::Model, ComponentError> {
        let inner = model.0.as_ref().and_then(|inner| inner.downcast_ref());
        inner.ok_or_else(|| foreign(C::SPEC.name, "a model"))
    }
}

fn foreign(name: &str, what: &str) -> ComponentError {
    ComponentError::Data(format!("{name} was handed {what} of another component"))
}

/// What every snapshot begins with: enough to refuse a damaged or foreign one.
#[derive(Serialize, Deserialize)]
struct Header {
    component: String,
    version: u32,
    body_hash: u64,
}

fn encode<M: Serialize>(spec: &ComponentSpec, model: &M) -> Result<Vec<u8>, ComponentError> {
    let unwritable = |e: postcard::Error| ComponentError::Snapshot(format!("the model cannot be written: {e}"));
    let body = postcard::to_stdvec(model).map_err(unwritable)?;
    let header = Header {
        component: spec.name.to_owned(),
        version: spec.snapshot_version,
        body_hash: xxhash_rust::xxh3::xxh3_64(&body),
    };
    let mut bytes = postcard::to_stdvec(&header).map_err(unwritable)?;
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

fn decode<M: DeserializeOwned>(spec: &ComponentSpec, bytes: &[u8]) -> Result<M, ComponentError> {
    let damaged = |what: String| ComponentError::Snapshot(what);
    let (header, body): (Header, &[u8]) =
        postcard::take_from_bytes(bytes).map_err(|e| damaged(format!("its header is damaged: {e}")))?;
    if header.component != spec.name {
        return Err(damaged(format!("it belongs to `{}`, not to `{}`", header.component, spec.name)));
    }
    if header.version != spec.snapshot_version {
        let (have, want) = (header.version, spec.snapshot_version);
        return Err(damaged(format!("its layout has version {have}, this program reads {want}; train again")));
    }
    if header.body_hash != xxhash_rust::xxh3::xxh3_64(body) {
        return Err(damaged("its body does not match its checksum".to_owned()));
    }
    postcard::from_bytes(body).map_err(|e| damaged(format!("its body is damaged: {e}")))
}

/// Runs `work` and turns a panic into an error.
fn fenced<T>(work: impl FnOnce() -> Result<T, ComponentError>) -> Result<T, ComponentError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = panic_text(payload.as_ref());
        // Dropping a payload can panic again; leaking the rare one is cheaper than aborting.
        std::mem::forget(payload);
        Err(ComponentError::Panicked(text))
    })
}

/// The text of a panic's payload.
#[must_use]
pub fn panic_text(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}

fn json<T: Serialize>(what: &str, value: &T) -> Result<Value, ComponentError> {
    serde_json::to_value(value).map_err(|e| ComponentError::Data(format!("the {what} cannot be written as JSON: {e}")))
}

fn schema<T: schemars::JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

impl<C: Component> Runner for Typed<C> {
    fn spec(&self) -> &'static ComponentSpec {
        Self::SPEC
    }

    fn bars(&self) -> &'static [Bar] {
        C::BARS
    }

    fn headline(&self) -> Option<(&'static str, Direction)> {
        C::HEADLINE
    }

    fn schemas(&self) -> Schemas {
        Schemas {
            params: schema::<C::Params>(),
            report: schema::<C::Report>(),
            query: schema::<C::Query>(),
            answer: schema::<C::Answer>(),
        }
    }

    fn default_params(&self) -> Result<Value, ComponentError> {
        json("parameters", &C::Params::default())
    }

    fn params(&self, section: &Value) -> Result<ErasedParams, ComponentError> {
        fenced(|| {
            let params = match section {
                Value::Null => C::Params::default(),
                section => C::Params::deserialize(section).map_err(|e| {
                    let at = format!("components.{}", C::SPEC.name);
                    ComponentError::Params(Invalid::new(at, e.to_string(), "see `souffleur config reference`"))
                })?,
            };
            let checked = params.check().map_err(ComponentError::Params)?;
            Ok(ErasedParams(Arc::new(checked)))
        })
    }

    fn query(&self, params: &ErasedParams) -> Result<Query, ComponentError> {
        let params = Self::checked(params)?;
        fenced(|| Ok(C::query(params)))
    }

    fn train(
        &self,
        params: &ErasedParams,
        previous: Option<&ErasedModel>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<ErasedTrained, ComponentError> {
        let params = Self::checked(params)?;
        let previous = previous.map(Self::model).transpose()?;
        fenced(|| {
            let trained = C::train(params, previous, batch, job)?;
            let snapshot = encode(Self::SPEC, &trained.model)?;
            let report = json("report", &trained.report)?;
            let model = ErasedModel(Some(Arc::new(trained.model)));
            Ok(ErasedTrained { model, snapshot, report, metrics: trained.metrics })
        })
    }

    fn answer(&self, params: &ErasedParams, model: &ErasedModel, query: &Value) -> Result<Value, ComponentError> {
        let params = Self::checked(params)?;
        let model = Self::model(model)?;
        fenced(|| {
            let query = C::Query::deserialize(query).map_err(|e| ComponentError::Query(e.to_string()))?;
            json("answer", &C::answer(params, model, query)?)
        })
    }

    fn restore(&self, snapshot: &[u8]) -> Result<ErasedModel, ComponentError> {
        fenced(|| {
            let model: C::Model = decode(Self::SPEC, snapshot)?;
            Ok(ErasedModel(Some(Arc::new(model))))
        })
    }

    fn probe(&self, params: &ErasedParams, job: &Job) -> Result<(), ComponentError> {
        let params = Self::checked(params)?;
        fenced(|| {
            let case = C::probe();
            let trained = C::train(params, None, &case.batch, job)?;
            let answer = C::answer(params, &trained.model, case.query)?;
            (case.verify)(&answer).map_err(|why| ComponentError::Data(format!("wrong answer to the probe: {why}")))
        })
    }

    fn example(&self) -> Result<(TrainingBatch, Value), ComponentError> {
        fenced(|| {
            let case = C::probe();
            Ok((case.batch, json("query", &case.query)?))
        })
    }

    fn certify(&self, seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
        fenced(|| C::certify(seed, job))
    }
}
