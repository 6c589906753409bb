//! Edges and graphs in words.

use super::report::{EdgeReport, Relation, Report};
use super::variables::OUTCOME;

/// Edges told of one by one.
const TOLD: usize = 12;
/// Shares of the resamples from which on an edge is called so.
const SURE: f64 = 0.95;
const LIKELY: f64 = 0.75;
const DOUBTFUL: f64 = 0.5;

/// What a confidence is called.
pub(super) fn confidence(share: f64) -> &'static str {
    match share {
        _ if share >= SURE => "sure",
        _ if share >= LIKELY => "likely",
        _ if share >= DOUBTFUL => "uncertain",
        _ => "doubtful",
    }
}

/// One edge in words.
pub(super) fn edge(edge: &EdgeReport) -> String {
    let sure = confidence(edge.confidence);
    let EdgeReport { from, to, .. } = edge;
    let share = 100.0 * edge.confidence;
    let sign = edge.strength.map_or(String::new(), |strength| {
        let (way, size) = (if strength >= 0.0 { "more" } else { "less" }, strength.abs());
        format!("; more of the first goes with {way} of the second ({size:.2})")
    });
    let said = match edge.relation {
        Relation::Acts => format!("{from} acts on {to}"),
        Relation::Either => format!("{from} and {to} are joined, which acts on which cannot be told"),
        Relation::ActsOrHidden => format!("{from} acts on {to}, or something unrecorded acts on both"),
        Relation::Hidden => format!("something unrecorded acts on both {from} and {to}, and neither acts on the other"),
        Relation::Open => {
            format!("{from} and {to} are joined: one acts on the other, or something unrecorded acts on both")
        }
    };
    format!("{said}: {sure}, found again in {share:.0} % of resamples{sign}")
}

/// One sentence each.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let count = |known: &str| report.variables.iter().filter(|v| v.known == known).count();
    let mut lines = vec![format!(
        "{} of {} sessions with a known outcome, {} variables: {} of the context, {} of the prompt, {} rules.",
        report.sessions_used,
        report.sessions,
        report.variables.len(),
        count("context"),
        count("prompt"),
        count("rules")
    )];
    let of = |relations: &[Relation]| report.edges.iter().filter(|edge| relations.contains(&edge.relation)).count();
    if report.hidden {
        lines.push(format!(
            "{} say that one acts on the other, {} that something unrecorded acts on both; {} may be either.",
            of(&[Relation::Acts]),
            of(&[Relation::Hidden]),
            of(&[Relation::ActsOrHidden, Relation::Open])
        ));
    }
    let undecided = of(&[Relation::Either, Relation::Open]);
    lines.push(format!(
        "{} edges, of {undecided} of them the direction is open; {} tests with up to {} variables held fixed, {} resamples.",
        report.edges.len(),
        report.tests,
        report.condition_max,
        report.resamples
    ));
    let acts = |edge: &&EdgeReport| edge.to == OUTCOME && edge.relation != Relation::Hidden;
    let causes: Vec<&EdgeReport> = report.edges.iter().filter(acts).collect();
    if causes.is_empty() {
        lines.push("Nothing was found that acts on the outcome directly.".to_owned());
    }
    lines.extend(report.edges.iter().take(TOLD).map(|edge| format!("{}.", edge.words)));
    let silent: Vec<&str> = report
        .variables
        .iter()
        .filter(|v| v.known == "rules" && !causes.iter().any(|edge| edge.from == v.name))
        .map(|v| v.name.as_str())
        .collect();
    if !silent.is_empty() {
        lines.push(format!("No direct effect on the outcome was found of {}.", silent.join(", ")));
    }
    if !report.left_out.is_empty() {
        lines.push(format!("Left out, because they do not vary: {}.", report.left_out.join(", ")));
    }
    if !report.unknown.is_empty() {
        lines.push(format!("Named in the configuration, but no variables here: {}.", report.unknown.join(", ")));
    }
    let holds = if report.hidden {
        "This holds if which sessions were recorded does not depend on these variables."
    } else {
        "This holds if nothing outside these variables acts on two of them: who judged and which model answered are not among them."
    };
    lines.push(holds.to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_told_with_how_sure_it_is() {
        let mut one = EdgeReport {
            from: "rule:be_brief".to_owned(),
            to: OUTCOME.to_owned(),
            relation: Relation::Acts,
            directed: true,
            confidence: 0.98,
            direction_confidence: 0.98,
            strength: Some(-0.31),
            words: String::new(),
        };
        let expected = "rule:be_brief acts on outcome: sure, found again in 98 % of resamples; more of the first goes with less of the second (0.31)";
        assert_eq!(edge(&one), expected);
        one = EdgeReport { relation: Relation::Either, directed: false, confidence: 0.4, strength: None, ..one };
        assert!(edge(&one).contains("cannot be told: doubtful, found again in 40 %"));
        for (relation, words) in [
            (Relation::ActsOrHidden, "rule:be_brief acts on outcome, or something unrecorded acts on both: doubtful"),
            (Relation::Hidden, "something unrecorded acts on both rule:be_brief and outcome, and neither acts on the other: doubtful"),
            (Relation::Open, "are joined: one acts on the other, or something unrecorded acts on both: doubtful"),
        ] {
            one.relation = relation;
            assert!(edge(&one).contains(words), "{}", edge(&one));
        }
    }
}
