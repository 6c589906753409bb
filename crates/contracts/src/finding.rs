//! What a check says.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::ids::Seq;
use souffleur_core::time::Timestamp;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// What is learnt from it may be worse than it looks.
    Warning,
    /// What is learnt from it is wrong, or nothing can be learnt.
    Error,
}

impl Severity {
    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Features of another schema.
    Schema,
    /// Values outside their range.
    Range,
    /// Values that are not there.
    Missing,
    /// A distribution that moved.
    Drift,
    /// The same row again.
    Duplicates,
    /// Contradicting outcomes.
    LabelNoise,
    /// Old data.
    Staleness,
    /// An outcome among what is known before.
    Leakage,
}

impl Check {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 8] = [
        Self::Schema,
        Self::Range,
        Self::Missing,
        Self::Drift,
        Self::Duplicates,
        Self::LabelNoise,
        Self::Staleness,
        Self::Leakage,
    ];

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Range => "range",
            Self::Missing => "missing",
            Self::Drift => "drift",
            Self::Duplicates => "duplicates",
            Self::LabelNoise => "label_noise",
            Self::Staleness => "staleness",
            Self::Leakage => "leakage",
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What was looked for.
    pub check: Check,
    /// How bad it is.
    pub severity: Severity,
    /// Where: a table, or a table and its column.
    pub at: String,
    /// What is so, with its figures.
    pub problem: String,
    /// What would be right.
    pub expected: String,
    /// The figures by name.
    pub figures: BTreeMap<String, f64>,
    /// The first row it is seen in, if it is seen in single rows.
    pub example: Option<Seq>,
}

impl Finding {
    pub(crate) fn new(
        check: Check,
        severity: Severity,
        at: impl Into<String>,
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let (at, problem, expected) = (at.into(), problem.into(), expected.into());
        Self { check, severity, at, problem, expected, figures: BTreeMap::new(), example: None }
    }

    pub(crate) fn figure(mut self, name: &str, value: f64) -> Self {
        self.figures.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn first_at(mut self, seq: i64) -> Self {
        self.example = Some(Seq(seq));
        self
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing was found.
    Passed,
    /// Something was.
    Found,
    /// There was too little to judge.
    NotJudged,
}

/// How a check ended, and on what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// What was looked for.
    pub check: Check,
    /// How it ended.
    pub verdict: Verdict,
    /// On what it was judged, or why it was not.
    pub basis: String,
}

/// What there is to say about the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// When it was checked.
    pub at: Timestamp,
    /// Every row up to and including this one was looked at.
    pub watermark: Seq,
    /// Real sessions looked at.
    pub sessions: u64,
    /// Made-up sessions looked at: their features are checked, their distribution is not.
    pub synthetic: u64,
    /// Rule applications looked at.
    pub applications: u64,
    /// Opinions looked at.
    pub feedback: u64,
    /// The worst severity found.
    pub worst: Option<Severity>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// Every check, and how it ended.
    pub checks: Vec<Standing>,
}
