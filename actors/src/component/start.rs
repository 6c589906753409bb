//! Starting a component: its parameters, its query, its last model. And asking it for its known answer.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use souffleur_core::error::ComponentError;
use souffleur_core::ids::DataVersion;
use souffleur_core::query::Query;
use souffleur_core::runner::ErasedParams;
use souffleur_core::store::{ModelRow, StoreError};

use super::Identity;
use super::flight::Flight;
use crate::environment::Environment;
use crate::error::CallError;
use crate::health::ProbeResult;
use crate::health::board::Published;
use crate::repeated;

/// What a start brings.
pub(crate) struct Restored {
    pub(super) params: ErasedParams,
    pub(super) query: Query,
    /// What it is to answer from.
    pub(super) choice: Choice,
    /// The name of the newest stored model, readable or not.
    pub(super) newest: Option<String>,
    /// Whether, with this model the newest, a run of the component was begun and not ended.
    pub(super) unfinished: bool,
}

/// What a component is to answer from, and what is wrong with what it should.
pub(crate) struct Choice {
    serving: Serving,
    flaw: Option<String>,
}

impl Choice {
    /// Has the component answer from it.
    pub(super) fn publish(&self, env: &Arc<Environment>, component: &Arc<Identity>) {
        let board = component.board(env);
        match &self.serving {
            Serving::Unchanged => {}
            Serving::Model(published) => repeated::publish(env, component, published),
            Serving::Nothing => board.published.store(None),
        }
        board.flaw.store(self.flaw.clone().map(Arc::new));
        if let Some(flaw) = &self.flaw {
            tracing::error!(component = %component.name, flaw, "a stored model cannot be read");
        }
    }
}

/// Has a component answer from its live model, past its actor. Runs the component's code: for a slot.
pub(crate) fn serve_live(env: &Arc<Environment>, component: &Arc<Identity>) -> Result<(), CallError> {
    // Whoever reads last publishes last.
    let _turn = component.serving.lock().unwrap_or_else(PoisonError::into_inner);
    let params = match component.params() {
        Ok(params) => params,
        // It was not started yet, and reads its live model when it is.
        Err(_) => return Ok(()),
    };
    choose(env, component, &params)?.publish(env, component);
    Ok(())
}

/// What a component is to answer from.
enum Serving {
    /// What it answers from already.
    Unchanged,
    /// This model.
    Model(Arc<Published>),
    /// None: there is none that may be served.
    Nothing,
}

/// Reads the parameters and the live model, on a slot: both run the component's code.
pub(super) async fn restore(flight: &Flight) -> Result<Restored, CallError> {
    let (env, component) = (Arc::clone(&flight.env), Arc::clone(&flight.component));
    let budget = Duration::from_millis(env.settings.start_deadline_ms);
    flight
        .compute(0, budget, move |_job| {
            let runner = component.entry.runner;
            let params = runner.params(&component.section)?;
            let query = runner.query(&params)?;
            let newest = newest(&env, &component.name);
            env.board.store_answered(newest.as_ref().err());
            // The runs after the model: another runtime may be about to end one with a newer model.
            let newest = newest?;
            let interrupted = env.store.unfinished_runs()?;
            let unfinished = interrupted.iter().any(|run| run.component == component.name.as_ref());
            let choice = choose(&env, &component, &params)?;
            Ok(Restored { params, query, choice, newest, unfinished })
        })
        .await
}

/// The name of the newest stored model, readable or not.
fn newest(env: &Environment, component: &str) -> Result<Option<String>, StoreError> {
    let Some(registry) = env.store.registry() else {
        return Ok(env.store.latest_model(component)?.map(|row| row.model_id));
    };
    match registry.version(&format!("{component}@newest")) {
        Ok(row) => Ok(Some(row.model_id)),
        Err(StoreError::Unknown { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Models that are tried until one can be read.
const MODELS_TRIED: usize = 16;

/// The model to answer from: the live one or, where it is damaged, the newest that is not; and what was wrong.
///
/// A model that cannot be read is reported and never served; training makes a new one.
fn choose(env: &Environment, component: &Identity, params: &ErasedParams) -> Result<Choice, CallError> {
    let known = component.board(env).published.load_full();
    let mut flaws = Vec::new();
    let mut read = |row: ModelRow, flaw: Option<String>| {
        let serving = match &known {
            // What is in memory was read when it was sound.
            Some(known) if *known.model_id == *row.model_id => Some(Serving::Unchanged),
            _ => None,
        };
        if let Some(flaw) = flaw {
            flaws.push(format!("its stored model `{}`: {flaw}", row.model_id));
            return serving;
        }
        serving.or_else(|| match component.entry.runner.restore(&row.snapshot) {
            Ok(model) => {
                let scope = component.scope(&row.model_id);
                let (model_id, version) = (Arc::from(row.model_id), row.version);
                let published = Published { model, params: params.clone(), model_id, version, scope };
                Some(Serving::Model(Arc::new(published)))
            }
            Err(error) => {
                flaws.push(format!("its stored model `{}`: {error}", row.model_id));
                None
            }
        })
    };
    let mut serving = None;
    match env.store.registry() {
        None => serving = env.store.latest_model(&component.name)?.and_then(|row| read(row, None)),
        Some(registry) => {
            for seq in registry.servable(&component.name, MODELS_TRIED)? {
                let stored = registry.stored(seq)?;
                serving = read(stored.model, stored.flaw);
                if serving.is_some() {
                    break;
                }
            }
        }
    }
    let answers = match &serving {
        Some(Serving::Model(published)) => format!("; `{}` answers in its place", published.model_id),
        _ => String::new(),
    };
    let flaw = (!flaws.is_empty()).then(|| format!("{}{answers}", flaws.join("; ")));
    // Without a registry nothing is ever taken back.
    let nothing = if env.store.registry().is_some() { Serving::Nothing } else { Serving::Unchanged };
    Ok(Choice { serving: serving.unwrap_or(nothing), flaw })
}

/// Trains on the planted case and checks the answer, through the same slots and the same fence as any run.
pub(super) async fn probe(flight: &Flight) -> Result<ProbeResult, CallError> {
    let params = flight.component.params()?;
    let component = Arc::clone(&flight.component);
    let budget = Duration::from_millis(flight.env.settings.probe_deadline_ms);
    let seed = DataVersion::default().seed(&component.name);
    let before = flight.env.clock.monotonic();
    let verdict = flight.compute(seed, budget, move |job| Ok(component.entry.runner.probe(&params, job))).await?;
    let reason = match verdict {
        Ok(()) => None,
        Err(error @ (ComponentError::Panicked(_) | ComponentError::Interrupted(_))) => return Err(error.into()),
        Err(error) => Some(error.to_string()),
    };
    let duration = flight.env.clock.monotonic().saturating_sub(before);
    let (passed, at) = (reason.is_none(), flight.env.clock.now());
    Ok(ProbeResult { passed, reason, at, duration_ms: duration.as_secs_f64() * 1e3 })
}
