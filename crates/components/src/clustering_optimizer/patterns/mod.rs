//! What successful optimisations share, against a matched baseline.
//!
//! A pattern is one rule or two together, anywhere or under one circumstance. Sessions with it are compared with sessions
//! under the same circumstance without it that had the same prospects: strata of equal prognosis (Hansen 2008), differences by
//! Mantel & Haenszel. Of all comparisons the false discovery rate is held (Benjamini & Hochberg 1995), and of all intervals
//! told the false coverage rate (Benjamini & Yekutieli 2005).

mod discover;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use discover::discover;

use crate::bridge::matched::Circumstance;

/// A pattern of success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pattern {
    /// The rules applied.
    pub rules: Vec<String>,
    /// Where, in words.
    pub circumstance: String,
    /// Sessions with the pattern that were compared.
    pub sessions: u64,
    /// Sessions without it, of equal prospects and under the same circumstance, that they were compared with.
    pub matched_sessions: u64,
    /// Share of successes among the sessions with it.
    pub success_rate: f64,
    /// Share of successes among those they were compared with.
    pub baseline_rate: f64,
    /// How much more often sessions succeed with it: the difference of the two.
    pub difference: f64,
    /// Lower end of its interval, which is wide enough for this pattern to have been chosen among all compared: of all
    /// intervals told, at most the share `fdr` are expected to miss the truth (Benjamini & Yekutieli 2005).
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
    /// The size of the effect, Cohen's h (Cohen 1988): .2 is small, .5 medium, .8 large.
    pub cohens_h: f64,
    /// Probability of so large a difference where there is none, before correction.
    pub p_value: f64,
    /// The false discovery rate at which it would just be found.
    pub false_discovery_rate: f64,
}

/// A pattern and where it holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) pattern: Pattern,
    pub(super) circumstance: Circumstance,
}
