//! Starting a component: its parameters, its query, its last model. And asking it for its known answer.

use std::sync::Arc;
use std::time::Duration;

use souffleur_core::error::ComponentError;
use souffleur_core::ids::DataVersion;
use souffleur_core::query::Query;
use souffleur_core::runner::ErasedParams;

use super::flight::Flight;
use crate::error::CallError;
use crate::health::ProbeResult;
use crate::health::board::Published;

/// What a start brings.
pub(crate) struct Restored {
    pub(super) params: ErasedParams,
    pub(super) query: Query,
    /// The stored model, unless there is none, it is damaged, or it is published already.
    pub(super) published: Option<Arc<Published>>,
    /// The name of the newest stored model, readable or not.
    pub(super) newest: Option<String>,
    /// Whether, with this model the newest, a run of the component was begun and not ended.
    pub(super) unfinished: bool,
    /// What is wrong with the stored model.
    pub(super) flaw: Option<String>,
}

/// Reads the parameters and the newest model, on a slot: both run the component's code.
pub(super) async fn restore(flight: &Flight) -> Result<Restored, CallError> {
    let (env, component) = (Arc::clone(&flight.env), Arc::clone(&flight.component));
    let budget = Duration::from_millis(env.settings.start_deadline_ms);
    flight
        .compute(0, budget, move |_job| {
            let runner = component.entry.runner;
            let params = runner.params(&component.section)?;
            let query = runner.query(&params)?;
            let stored = env.store.latest_model(&component.name);
            env.board.store_answered(stored.as_ref().err());
            let mut restored = Restored {
                params: params.clone(),
                query,
                published: None,
                newest: None,
                unfinished: false,
                flaw: None,
            };
            let stored = stored?;
            // After the model: another runtime may be about to end the run with a newer one.
            restored.unfinished =
                env.store.unfinished_runs()?.iter().any(|run| run.component == component.name.as_ref());
            let Some(row) = stored else { return Ok(restored) };
            restored.newest = Some(row.model_id.clone());
            let known = component.board(&env).published.load();
            if known.as_ref().is_some_and(|known| *known.model_id == *row.model_id) {
                return Ok(restored);
            }
            // A model that cannot be read is reported and never served; training makes a new one.
            match runner.restore(&row.snapshot) {
                Ok(model) => {
                    let scope = component.scope(&row.model_id);
                    let (model_id, version) = (Arc::from(row.model_id), row.version);
                    restored.published = Some(Arc::new(Published { model, params, model_id, version, scope }));
                }
                Err(error) => restored.flaw = Some(format!("its stored model `{}`: {error}", row.model_id)),
            }
            Ok(restored)
        })
        .await
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
