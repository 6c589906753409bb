//! What a training run found.

use schemars::JsonSchema;
use serde::Serialize;

use crate::bridge::mining::association::Associations;
use crate::bridge::mining::{Blocks, FREQUENT_TOLD, PATTERNS_MAX, PATTERNS_TOLD, Pattern, lines};

/// Which rules and contexts go together, and which of them with success.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// What a person should know, one sentence each.
    pub summary: Vec<String>,
    /// Sessions whose outcome is known.
    pub sessions: usize,
    /// Least share of sessions a set had to have.
    pub support: f64,
    /// Sets of rules and circumstances that are frequent.
    pub frequent_sets: usize,
    /// Those that no further item is always with, of two items or more.
    pub closed_sets: usize,
    /// The most frequent of these.
    pub most_frequent: Vec<FrequentSet>,
    /// Pairs of a set and what it may foretell that were tested.
    pub compared: usize,
    /// What goes with success or failure beyond what its parts explain, the false discovery rate held; the surest first.
    pub found: Vec<Pattern>,
    /// What goes with the use of a rule, likewise.
    pub choices: Vec<Pattern>,
    /// What is frequent, for others to put patterns together from.
    pub blocks: Blocks,
}

/// A frequent set.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FrequentSet {
    /// Circumstances and rules.
    pub items: Vec<String>,
    /// Share of sessions that hold all of them.
    pub support: f64,
}

impl Report {
    pub(super) fn new(sessions: usize, asked: f64, mut mined: Associations) -> Self {
        mined.found.truncate(PATTERNS_MAX);
        mined.choices.truncate(PATTERNS_MAX);
        let closed = mined.closed.iter().take(FREQUENT_TOLD);
        let mut report = Self {
            summary: Vec::new(),
            sessions,
            support: mined.support,
            frequent_sets: mined.frequent,
            closed_sets: mined.closed.len(),
            most_frequent: closed.map(|(items, support)| FrequentSet { items: items.clone(), support: *support }).collect(),
            compared: mined.compared,
            found: mined.found,
            choices: mined.choices,
            blocks: mined.blocks,
        };
        report.summary = report.lines(asked);
        report
    }

    fn lines(&self, asked: f64) -> Vec<String> {
        let raised = if self.support > asked {
            format!("; more were as frequent as {:.1} %, so only these were looked at", 100.0 * asked)
        } else {
            String::new()
        };
        let mut lines = vec![
            format!(
                "{} sets of rules and circumstances are in {:.1} % of {} sessions or more{raised}.",
                self.frequent_sets,
                100.0 * self.support,
                self.sessions
            ),
            format!(
                "{} go with success or failure and {} with the use of a rule, of {} tested.",
                self.found.len(),
                self.choices.len(),
                self.compared
            ),
        ];
        lines.extend(lines_of(&self.found));
        lines.extend(lines_of(&self.choices));
        if self.found.iter().any(Pattern::is_actionable) {
            lines.push(
                "These are associations: what led to the choice of a rule may explain them. Pattern discovery compares like with like."
                    .to_owned(),
            );
        }
        lines
    }
}

fn lines_of(patterns: &[Pattern]) -> impl Iterator<Item = String> + '_ {
    lines(patterns, PATTERNS_TOLD)
}
