//! What a training run found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bridge::mining::{Kind, Pattern, lines};

/// Patterns told of one by one.
const TOLD: usize = 12;

/// A pattern of the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Discovered {
    /// The pattern.
    pub pattern: Pattern,
    /// Whether it says what to do, or to leave, under a circumstance that is known beforehand.
    pub actionable: bool,
    /// The miners that found it by themselves; none for what only their work together shows.
    pub seen_by: Vec<String>,
    /// Share of its sessions, and of those of the nearest surer pattern, that are not in both; in (0.5, 1].
    pub novelty: f64,
}

/// Every pattern that holds, each once.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// What a person should know, one sentence each.
    pub summary: Vec<String>,
    /// Sessions whose outcome is known.
    pub sessions: usize,
    /// The miners whose reports were read.
    pub miners: Vec<MinerReport>,
    /// Miners that have no report that can be read, and so are missing here.
    pub missing: Vec<String>,
    /// Comparisons made, here and by the miners; the false discovery rate is held over all of them.
    pub compared: usize,
    /// The patterns, the surest first.
    pub found: Vec<Discovered>,
    /// Share of them that says what to do.
    pub actionable_share: f64,
    /// Patterns that the model before this one did not know.
    pub new: usize,
}

/// What came from a miner.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MinerReport {
    /// Its name.
    pub miner: String,
    /// Patterns it found.
    pub found: usize,
    /// Those of them that the catalogue holds.
    pub kept: usize,
}

impl Report {
    /// The sentences of the summary.
    pub(super) fn lines(&self) -> Vec<String> {
        let combined = self.found.iter().filter(|one| one.pattern.kind == Kind::Combined).count();
        let mut told = vec![format!(
            "{} patterns in {} sessions, {} of them not known before; {:.0} % say what to do. {} show only where what one miner \
             sees is looked at under what another one knows.",
            self.found.len(),
            self.sessions,
            self.new,
            100.0 * self.actionable_share,
            combined
        )];
        for MinerReport { miner, found, kept } in &self.miners {
            told.push(format!("{miner} found {found}, of which {kept} hold among sessions of equal prospects and say something new."));
        }
        if !self.missing.is_empty() {
            told.push(format!("Missing, as it has no report: {}.", self.missing.join(", ")));
        }
        let patterns: Vec<Pattern> = self.found.iter().take(TOLD).map(|one| one.pattern.clone()).collect();
        told.extend(lines(&patterns, TOLD));
        told
    }
}
