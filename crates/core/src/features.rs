//! The 31-dimensional feature vector: its schema and how a session becomes one.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::records::{BeforeMetrics, Session};
use crate::text;

/// Number of features.
pub const WIDTH: usize = 31;

/// One row of features, each in [0, 1], in schema order.
pub type FeatureVector = [f32; WIDTH];

/// The value of a score nobody measured.
pub const UNKNOWN_SCORE: f32 = 0.5;

/// Where the one-hot block of the project type begins.
pub const PROJECT_TYPE_START: usize = 15;
/// Where the one-hot block of the domain begins.
pub const DOMAIN_START: usize = 22;
/// The column of the complexity.
pub const COMPLEXITY: usize = 29;
/// The column of the team size.
pub const TEAM_SIZE: usize = 30;

/// The project types with a column of their own; anything else is `other`.
pub const PROJECT_TYPES: [&str; 7] = ["web", "mobile", "desktop", "api", "ml", "data", "other"];
/// The domains with a column of their own; anything else is `other`.
pub const DOMAINS: [&str; 7] = ["finance", "healthcare", "education", "ecommerce", "gaming", "social", "other"];

/// When a column is known: a component may learn *from* `Pre` columns only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Known before the outcome.
    Pre,
    /// The outcome itself, or known only with it.
    Outcome,
}

/// One column a batch can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// When it is known.
    pub role: Role,
    /// What it says.
    pub summary: &'static str,
}

const fn pre(name: &'static str, summary: &'static str) -> Column {
    Column { name, role: Role::Pre, summary }
}

const fn outcome(name: &'static str, summary: &'static str) -> Column {
    Column { name, role: Role::Outcome, summary }
}

/// Version 1 of the schema. Columns are never reordered; a change makes a new version.
pub static COLUMNS: [Column; WIDTH] = [
    pre("overall_score", "overall score before improvement, .5 if unknown"),
    pre("clarity", "clarity before improvement, .5 if unknown"),
    pre("completeness", "completeness before improvement, .5 if unknown"),
    pre("actionability", "actionability before improvement, .5 if unknown"),
    pre("effectiveness", "effectiveness before improvement, .5 if unknown"),
    pre("readability", "how easily the prompt reads (Flesch 1948)"),
    pre("lexical_diversity", "variety of its words"),
    pre("entity_density", "share of its words that name entities"),
    pre("syntactic_complexity", "clauses and long words per sentence"),
    pre("sentence_structure", "variety and balance of its sentences"),
    pre("technical_ratio", "share of its words that are technical"),
    pre("avg_sentence_length", "words per sentence / 50, capped"),
    pre("instruction_clarity", "how plainly it says what to do"),
    pre("has_examples", "1 if it shows an example"),
    pre("overall_quality", "the linguistic features taken together"),
    pre("project_type_web", "project type is web"),
    pre("project_type_mobile", "project type is mobile"),
    pre("project_type_desktop", "project type is desktop"),
    pre("project_type_api", "project type is api"),
    pre("project_type_ml", "project type is ml"),
    pre("project_type_data", "project type is data"),
    pre("project_type_other", "project type is known and none of the others"),
    pre("domain_finance", "domain is finance"),
    pre("domain_healthcare", "domain is healthcare"),
    pre("domain_education", "domain is education"),
    pre("domain_ecommerce", "domain is ecommerce"),
    pre("domain_gaming", "domain is gaming"),
    pre("domain_social", "domain is social"),
    pre("domain_other", "domain is known and none of the others"),
    pre("complexity", ".25 low, .5 medium, .75 high, 1 very high, 0 if unknown"),
    pre("team_size", "people / 20, capped at 1, 0 if unknown"),
];

/// The outcome columns a batch carries beside its features. None of them may be an input feature.
pub static OUTCOME_COLUMNS: [Column; 8] = [
    outcome("success_score", "how well it went, in [0, 1]"),
    outcome("quality_score", "quality of the outcome, in [0, 1]"),
    outcome("improvement_score", "how much better it became, in [-1, 1]"),
    outcome("mean_rating", "mean of the users' ratings, 1 to 5"),
    outcome("ratings", "how many ratings there are"),
    outcome("confidence", "how sure the rule was, in [0, 1]"),
    outcome("execution_time_ms", "how long the rule took"),
    outcome("propensity", "probability with which the rule was chosen"),
];

/// The columns' names, order and roles, and the hash that stands for them.
#[derive(Clone, Copy, Debug)]
pub struct FeatureSchema {
    /// The schema's version.
    pub version: u32,
    /// The feature columns, in order.
    pub columns: &'static [Column],
    /// The outcome columns.
    pub outcomes: &'static [Column],
    /// Hash of version, names, order and roles.
    pub hash: u64,
}

static SCHEMA: LazyLock<FeatureSchema> = LazyLock::new(|| {
    let mut text = String::from("v1");
    for column in COLUMNS.iter().chain(&OUTCOME_COLUMNS) {
        text.push('\n');
        text.push_str(column.name);
        text.push_str(if column.role == Role::Pre { " pre" } else { " outcome" });
    }
    let hash = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
    FeatureSchema { version: 1, columns: &COLUMNS, outcomes: &OUTCOME_COLUMNS, hash }
});

impl FeatureSchema {
    /// The schema in force.
    #[must_use]
    pub fn current() -> &'static FeatureSchema {
        &SCHEMA
    }

    /// The index of a feature column.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The role of a feature or outcome column.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<Role> {
        self.columns.iter().chain(self.outcomes).find(|column| column.name == name).map(|column| column.role)
    }
}

/// The index of `word` among `names`, ignoring case; `other` (the last) if it is not among them.
fn category(word: &str, names: &[&str]) -> usize {
    let word = word.trim();
    names.iter().position(|name| name.eq_ignore_ascii_case(word)).unwrap_or(names.len() - 1)
}

/// The domain column's index within its block for a free-text domain.
#[must_use]
pub fn domain_index(domain: &str) -> usize {
    category(domain, &DOMAINS)
}

fn scores(before: Option<&BeforeMetrics>) -> [f32; 5] {
    let before = before.copied().unwrap_or_default();
    [before.overall_score, before.clarity, before.completeness, before.actionability, before.effectiveness]
        .map(|score| score.map_or(UNKNOWN_SCORE, |s| s as f32))
}

/// The feature vector of a session: scores before improvement, text analysis, context.
///
/// Deterministic, linear in the prompt's length. Nothing known only after the outcome takes part.
#[must_use]
pub fn extract(session: &Session) -> FeatureVector {
    extract_with(session, &text::linguistic(&session.original_prompt))
}

/// [`extract`] where the analysis of the prompt's text is already at hand.
#[must_use]
pub fn extract_with(session: &Session, linguistic: &text::Linguistic) -> FeatureVector {
    let mut row = [0.0; WIDTH];
    row[..5].copy_from_slice(&scores(session.before_metrics.as_ref()));
    row[5..15].copy_from_slice(&linguistic.to_array());
    if let Some(project) = &session.project_type {
        row[PROJECT_TYPE_START + category(project, &PROJECT_TYPES)] = 1.0;
    }
    if let Some(domain) = &session.domain {
        row[DOMAIN_START + domain_index(domain)] = 1.0;
    }
    row[COMPLEXITY] = session.complexity.map_or(0.0, crate::records::Complexity::feature);
    row[TEAM_SIZE] = session.team_size.map_or(0.0, |n| (n as f32 / 20.0).min(1.0));
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_the_blocks_stand_where_they_should() {
        let schema = FeatureSchema::current();
        let mut names: Vec<_> = schema.columns.iter().chain(schema.outcomes).map(|c| c.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), WIDTH + OUTCOME_COLUMNS.len());
        assert_eq!(schema.index("project_type_web"), Some(PROJECT_TYPE_START));
        assert_eq!(schema.index("domain_finance"), Some(DOMAIN_START));
        assert_eq!(schema.index("complexity"), Some(COMPLEXITY));
        assert_eq!(schema.index("team_size"), Some(TEAM_SIZE));
        assert_eq!(schema.role("quality_score"), Some(Role::Outcome));
    }

    #[test]
    fn context_is_encoded_as_documented() {
        let session: Session = serde_json::from_str(
            r#"{"original_prompt":"Write a test.","project_type":"API","domain":"law","complexity":"high",
                "team_size":5,"before_metrics":{"clarity":0.25}}"#,
        )
        .unwrap();
        let row = extract(&session);
        assert_eq!(row[..5], [0.5, 0.25, 0.5, 0.5, 0.5]);
        assert_eq!(row[15..22], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(row[22..29], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(row[29..], [0.75, 0.25]);
        assert!(row.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}
