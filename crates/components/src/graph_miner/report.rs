//! What a training run found.

use schemars::JsonSchema;
use serde::Serialize;

use super::params::Params;
use crate::bridge::mining::structure::Structures;
use crate::bridge::mining::{Blocks, FrequentPattern, PATTERNS_MAX, PATTERNS_TOLD, Pattern, frequent, lines};

/// Which structures of prompt and rules go with success.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// What a person should know, one sentence each.
    pub summary: Vec<String>,
    /// Sessions whose outcome is known.
    pub sessions: usize,
    /// Sessions that were mined for structures.
    pub graphs: usize,
    /// Fewest of these that a structure had to be in.
    pub frequency: u32,
    /// Frequent structures that no edge can be added to in all sessions that have them.
    pub closed_structures: usize,
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
    pub(super) fn new(sessions: usize, params: &Params, mut mined: Structures) -> Self {
        mined.found.truncate(PATTERNS_MAX);
        mined.blocks.actions.truncate(PATTERNS_MAX);
        let mut report = Self {
            summary: Vec::new(),
            sessions,
            graphs: mined.graphs,
            frequency: mined.frequency,
            closed_structures: mined.closed,
            most_frequent: frequent(&mined.frequent),
            compared: mined.compared,
            found: mined.found,
            blocks: mined.blocks,
        };
        report.summary = report.lines(params);
        report
    }

    fn lines(&self, params: &Params) -> Vec<String> {
        let raised = if self.frequency > params.frequency { "; below that there were too many" } else { "" };
        let mut told = vec![
            format!(
                "{} structures of prompt and rules are in {} of {} sessions or more{raised}.",
                self.closed_structures, self.frequency, self.graphs
            ),
            format!(
                "{} of {} succeed, or fail, more often than the same rules arranged otherwise in sessions of equal prospects.",
                self.found.len(),
                self.compared
            ),
        ];
        told.extend(lines(&self.found, PATTERNS_TOLD));
        told
    }
}
