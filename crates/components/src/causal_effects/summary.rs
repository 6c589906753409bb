//! The report in sentences.

use super::params::Outcome;
use super::report::{Comparison, Effect, Evidence, Report, RuleEffect, Verdict};

/// Rules told of one by one.
const TOLD: usize = 12;

/// What a person should know: what was looked at, and what each rule does.
pub(super) fn summary(report: &Report) -> Vec<String> {
    let outcome = match report.outcome {
        Outcome::Success => "how well a session went, from 0 to 1",
        Outcome::Quality => "the quality of the outcome, from 0 to 1",
        Outcome::Improvement => "how much better the outcome was, from -1 to 1",
        Outcome::Failure => "whether a session failed: below 0 a rule helps",
    };
    let mut lines = vec![
        format!("{} sessions with {} different prompts; effects are on {outcome}.", report.sessions, report.prompts),
        format!("{} things known before a rule are adjusted for.", report.graph.adjusted_for.len()),
    ];
    if report.rules.is_empty() {
        lines.push("Of no rule the effect can be told.".to_owned());
    }
    lines.extend(report.rules.iter().take(TOLD).map(rule));
    if report.rules.len() > TOLD {
        lines.push(format!("{} more rules are in the report.", report.rules.len() - TOLD));
    }
    let guessed = report.rules.iter().filter(|rule| rule.propensities == Evidence::Estimated).count();
    if guessed > 0 {
        lines.push(format!(
            "How {guessed} of the rules were chosen is not logged: what led to their choice and is not adjusted for may \
             explain their effect."
        ));
    }
    lines.extend(report.refused.iter().take(TOLD).map(|refused| {
        format!("The effect of {} cannot be told: {}.", refused.rule_id, refused.reason)
    }));
    lines
}

fn rule(rule: &RuleEffect) -> String {
    let does = match rule.verdict {
        Verdict::Works => "works",
        Verdict::Harms => "harms",
        Verdict::Unclear => "cannot be told to do anything",
    };
    let against = match rule.compared_with {
        Comparison::WithoutIt => "the same session without it",
        Comparison::WhatElseWasDone => "what else was done",
    };
    let Effect { effect, low, high } = rule.debiased;
    let failed: Vec<&str> = rule.refuters.iter().filter(|a| !a.passed).map(|a| a.refuter.as_str()).collect();
    let refuted = if failed.is_empty() { String::new() } else { format!(" It did not withstand: {}.", failed.join(", ")) };
    let cause = match rule.e_value {
        Some(strength) if rule.verdict != Verdict::Unclear => format!(
            " An unmeasured cause would need a risk ratio of {:.2} with both choice and outcome to explain it away.",
            strength.effect
        ),
        _ => String::new(),
    };
    format!(
        "Rule {} {does}: {effect:+.3} ({low:+.3} to {high:+.3}, q = {:.3}) against {against}; it looks like {:+.3}.{refuted}{cause}",
        rule.rule_id, rule.q_value, rule.naive.effect
    )
}
