//! What a training run found.

use schemars::JsonSchema;
use serde::Serialize;

use super::params::Params;
use crate::bridge::mining::order::Orders;
use crate::bridge::mining::{Blocks, FrequentPattern, PATTERNS_MAX, PATTERNS_TOLD, Pattern, frequent, lines};

/// Which orders of rules go with success.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// What a person should know, one sentence each.
    pub summary: Vec<String>,
    /// Sessions whose outcome is known.
    pub sessions: usize,
    /// Those of them whose prompt was tried before.
    pub revised_sessions: usize,
    /// Least share of sessions an order had to have.
    pub support: f64,
    /// Orders of two rules or more that are frequent; closed ones where gaps and span have no limit.
    pub frequent_orders: usize,
    /// The most frequent of them.
    pub most_frequent: Vec<FrequentPattern>,
    /// Those with enough sessions that were compared.
    pub compared: usize,
    /// What goes with success or failure, the false discovery rate held; the surest first.
    pub found: Vec<Pattern>,
    /// What is frequent, for others to put patterns together from.
    pub blocks: Blocks,
}

impl Report {
    pub(super) fn new(sessions: usize, params: &Params, mut mined: Orders) -> Self {
        mined.found.truncate(PATTERNS_MAX);
        mined.blocks.actions.truncate(PATTERNS_MAX);
        let mut report = Self {
            summary: Vec::new(),
            sessions,
            revised_sessions: mined.revised,
            support: mined.support,
            frequent_orders: mined.frequent.len(),
            most_frequent: frequent(&mined.frequent),
            compared: mined.compared,
            found: mined.found,
            blocks: mined.blocks,
        };
        report.summary = report.lines(params);
        report
    }

    fn lines(&self, params: &Params) -> Vec<String> {
        let raised = if self.support > params.support { "; at less there were too many" } else { "" };
        let mut told = vec![
            format!(
                "{} orders of rules are in {:.1} % of {} sessions or more{raised}; {} sessions try a prompt again.",
                self.frequent_orders,
                100.0 * self.support,
                self.sessions,
                self.revised_sessions
            ),
            format!(
                "{} of {} orders succeed more often than other orders of the same rules in sessions of equal prospects.",
                self.found.len(),
                self.compared
            ),
        ];
        told.extend(lines(&self.found, PATTERNS_TOLD));
        told
    }
}
