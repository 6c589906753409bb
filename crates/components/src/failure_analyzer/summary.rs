//! The report in sentences.

use super::advice::{AdviceReport, Evidence, RuleEffect};
use super::model::Model;
use super::modes::ModeReport;
use super::params::Params;
use super::report::{HeldOut, Signal};

/// Modes and rules told of one by one.
const TOLD: usize = 5;

/// What a person should know: how many fail, how well that is foreseen, in which ways, and what would have helped.
pub(super) fn summary(
    params: &Params,
    held: &HeldOut,
    signals: &[Signal],
    model: &Model,
    (failures, labelled): (usize, usize),
    advice: &AdviceReport,
) -> Vec<String> {
    let mut lines = vec![
        format!("{failures} of {labelled} sessions failed ({}).", percent(failures as f64 / labelled as f64)),
        format!(
            "On sessions it had not seen, a failure ranks above a success in {} of pairs; flagging from p = {:.2} finds {} of \
             the failures and flags {} of the successes.",
            percent(held.auroc),
            model.threshold,
            percent(held.true_positive_rate),
            percent(held.false_positive_rate),
        ),
        format!("A stated probability is off by {} on average.", percent(held.calibration_error)),
    ];
    if let Some(score) = model.conformal.risk_threshold(params.alpha)
        && let Ok(p) = model.calibration.probability(score)
    {
        lines.push(format!("To miss at most {} of the failures, flag from p = {p:.2}.", percent(params.alpha)));
    }
    lines.push(differences(signals));
    let modes = model.modes.ranked();
    lines.extend(modes.iter().take(TOLD).map(mode));
    if modes.len() > TOLD {
        lines.push(format!("{} rarer modes are in the report.", modes.len() - TOLD));
    }
    lines.push(format!("{} of the failures are of no mode.", percent(model.modes.unexplained_share)));
    lines.extend(rules(advice));
    lines.push(preventable(advice));
    lines
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn differences(signals: &[Signal]) -> String {
    let words: Vec<String> = signals.iter().take(3).map(signal).collect();
    if words.is_empty() {
        return "No single feature sets failures apart.".to_owned();
    }
    format!("Failures differ most in {}.", words.join(", "))
}

fn signal(signal: &Signal) -> String {
    let direction = if signal.cohens_d > 0.0 { "higher" } else { "lower" };
    let (failures, successes) = (signal.mean_failures, signal.mean_successes);
    format!("{} ({direction}: {failures:.2} against {successes:.2})", signal.feature)
}

fn mode(mode: &ModeReport) -> String {
    let rate = mode.failure_rate.map_or_else(String::new, |rate| format!("; {} of the sessions like it fail", percent(rate)));
    format!("Failure mode {} ({} of the failures{rate}): {}.", mode.mode, percent(mode.share), mode.description)
}

fn rules(advice: &AdviceReport) -> Vec<String> {
    let surely: Vec<&RuleEffect> = advice.rules.iter().filter(|rule| rule.low > 0.0 || rule.high < 0.0).collect();
    let mut lines: Vec<String> = surely
        .iter()
        .take(TOLD)
        .map(|rule| {
            let does = if rule.effect < 0.0 { "lowers" } else { "raises" };
            let basis = if rule.evidence == Evidence::Estimated { ", by estimated probabilities of its choice" } else { "" };
            let points = |share: f64| format!("{:.1}", 100.0 * share);
            let (low, high) = (rule.low.abs().min(rule.high.abs()), rule.low.abs().max(rule.high.abs()));
            format!(
                "Rule {} {does} the probability of failure by {} points on average ({} to {}{basis}).",
                rule.rule_id,
                points(rule.effect.abs()),
                points(low),
                points(high)
            )
        })
        .collect();
    let unclear = advice.rules.len() - surely.len();
    if unclear > 0 {
        let what = if unclear == 1 { "rule it cannot be told whether it helps or harms" } else { "rules it cannot be told whether they help or harm" };
        lines.push(format!("Of {unclear} {what} on average."));
    }
    lines
}

fn preventable(advice: &AdviceReport) -> String {
    let Some(found) = &advice.preventable else {
        let reason = advice.reason.as_deref().unwrap_or("no rule could be judged");
        return format!("What would have been preventable cannot be told: {reason}.");
    };
    if found.advised == 0 {
        return "No rule surely helps any session: nothing is known to be preventable.".to_owned();
    }
    let condition = match found.evidence {
        Evidence::Logged => "",
        Evidence::Estimated => "How rules were chosen is not logged; if nothing but the features led to it: ",
    };
    let had = if condition.is_empty() { "Had" } else { "had" };
    format!(
        "{condition}{had} the advice been followed in the {} sessions it is given for, {:.0} failures would have been prevented (95 %: {:.0} to \
         {:.0}), {} of all; the failure rate would have been {} instead of {}.",
        found.advised,
        found.prevented,
        found.prevented_low,
        found.prevented_high,
        percent(found.reduction),
        percent(found.failure_rate_advised),
        percent(found.failure_rate)
    )
}
