//! The gate: whether a new model is to be the live one.
//!
//! It passes if the component's last probe passed (or none was made yet) and its headline figure is not worse than the live
//! model's by more than the tolerance. With no live model there is nothing to lose: the first one always passes.

use souffleur_core::component::{Direction, Measurement};
use souffleur_core::store::Metrics;

use super::Identity;
use crate::environment::Environment;
use crate::error::CallError;

/// What the gate says of a model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ruling {
    pub(super) promote: bool,
    pub(super) said: String,
}

/// Judges a model by its figures. Reads the store.
pub(super) fn judge(env: &Environment, component: &Identity, metrics: &Metrics) -> Result<Ruling, CallError> {
    let probe = component.board(env).probe.load();
    let failed = probe.as_ref().filter(|probe| !probe.passed);
    let failed = failed.map(|probe| probe.reason.clone().unwrap_or_else(|| "no reason given".to_owned()));
    let live = live_metrics(env, &component.name)?;
    let settings = &env.settings;
    let mut ruling = rule(live.as_ref(), metrics, component.entry.runner.headline(), settings.gate_tolerance, failed);
    if live.is_some() && !settings.promote_unasked {
        ruling.promote = false;
        ruling.said = format!("{}; it waits to be promoted", ruling.said);
    }
    Ok(ruling)
}

/// The figures of the live model, which may be none; `None` if there is no live model.
fn live_metrics(env: &Environment, component: &str) -> Result<Option<Metrics>, CallError> {
    let Some(registry) = env.store.registry() else { return Ok(None) };
    let live = match registry.version(&format!("{component}@live")) {
        Ok(live) => live,
        Err(souffleur_core::store::StoreError::Unknown { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(Some(registry.manifest(live.seq)?.map(|manifest| manifest.metrics).unwrap_or_default()))
}

fn figure(metrics: &[Measurement], name: &str) -> Option<f64> {
    metrics.iter().find(|figure| figure.metric == name).map(|figure| figure.value).filter(|value| value.is_finite())
}

fn rule(
    live: Option<&Metrics>,
    new: &Metrics,
    headline: Option<(&'static str, Direction)>,
    tolerance: f64,
    probe_failure: Option<String>,
) -> Ruling {
    let pass = |said: String| Ruling { promote: true, said };
    let stop = |said: String| Ruling { promote: false, said };
    let Some(live) = live else { return pass("there was no live model".to_owned()) };
    if let Some(reason) = probe_failure {
        return stop(format!("the component's probe fails: {reason}"));
    }
    let Some((name, better)) = headline else { return pass("it has no figure to be judged by".to_owned()) };
    let (Some(before), Some(now)) = (figure(live, name), figure(new, name)) else {
        return pass(format!("{name} is not known of both models"));
    };
    let loss = match better {
        Direction::AtLeast => before - now,
        Direction::AtMost => now - before,
    };
    let said = format!("{name} is {now:.4}, the live model's {before:.4}, tolerance {tolerance}");
    if loss > tolerance { stop(said) } else { pass(said) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruled(live: Option<f64>, new: f64, better: Direction, probe: Option<&str>) -> bool {
        let metrics = |value| vec![Measurement::new("auroc", value)];
        let live = live.map(metrics);
        rule(live.as_ref(), &metrics(new), Some(("auroc", better)), 0.1, probe.map(str::to_owned)).promote
    }

    #[test]
    fn a_model_that_is_worse_beyond_the_tolerance_waits() {
        assert!(ruled(Some(0.8), 0.71, Direction::AtLeast, None));
        assert!(!ruled(Some(0.8), 0.69, Direction::AtLeast, None));
        assert!(ruled(Some(0.2), 0.29, Direction::AtMost, None));
        assert!(!ruled(Some(0.2), 0.31, Direction::AtMost, None));
        assert!(ruled(Some(0.8), 0.99, Direction::AtLeast, None));
    }

    #[test]
    fn a_failing_probe_stops_all_but_the_first() {
        assert!(!ruled(Some(0.8), 0.9, Direction::AtLeast, Some("wrong answer")));
        assert!(ruled(None, 0.9, Direction::AtLeast, Some("wrong answer")));
    }

    #[test]
    fn what_is_not_known_is_not_held_against_it() {
        assert!(ruled(Some(0.8), f64::NAN, Direction::AtLeast, None));
        assert!(ruled(Some(f64::NAN), 0.1, Direction::AtLeast, None));
        assert!(rule(Some(&Vec::new()), &Vec::new(), None, 0.1, None).promote);
    }
}
