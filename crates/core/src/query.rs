//! What a component or a user asks of the data hub.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::DocumentKind;
use crate::error::Invalid;
use crate::features::{DOMAINS, FeatureSchema, Role};
use crate::ids::Seq;
use crate::time::Timestamp;

mod selectors;

/// What one row of a batch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// A session: its features and how it went.
    #[default]
    Sessions,
    /// A rule applied in a session: the session's features and what the rule did.
    Applications,
    /// A measurement of a watched metric.
    Metrics,
    /// A document: experiments, adversarial examples, results, patterns, insights ...
    Documents(DocumentKind),
}

/// Which features a batch carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeatureSet {
    /// All 31.
    #[default]
    All,
    /// The context: project type, domain, complexity, team size.
    Context,
    /// The ten linguistic ones.
    Linguistic,
    /// None: outcomes only.
    None,
    /// These, by name, in this order.
    Named(Vec<String>),
}

impl FeatureSet {
    /// The schema's column indices, in the order the batch will have them.
    ///
    /// # Errors
    /// A name that is no feature; naming an outcome as a feature says so.
    pub fn indices(&self, schema: &FeatureSchema) -> Result<Vec<usize>, Invalid> {
        match self {
            Self::All => Ok((0..schema.columns.len()).collect()),
            Self::Context => Ok((15..schema.columns.len()).collect()),
            Self::Linguistic => Ok((5..15).collect()),
            Self::None => Ok(Vec::new()),
            Self::Named(names) => names.iter().map(|name| feature_index(schema, name)).collect(),
        }
    }
}

fn feature_index(schema: &FeatureSchema, name: &str) -> Result<usize, Invalid> {
    schema.index(name).ok_or_else(|| match schema.role(name) {
        Some(Role::Outcome) => Invalid::new(
            "features",
            format!("`{name}` is an outcome"),
            "only columns known before the outcome can be features",
        ),
        _ => {
            let known = schema.columns.iter().map(|c| c.name);
            let nearest = known.max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
            let nearest = nearest.unwrap_or("overall_score");
            Invalid::new("features", format!("`{name}` is no feature"), format!("did you mean `{nearest}`?"))
        }
    })
}

/// Which outcomes a row must have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Any, known or not.
    #[default]
    Any,
    /// Known.
    Labelled,
    /// Known and good.
    Success,
    /// Known and bad.
    Failure,
}

/// Which rows a batch has. An empty filter keeps all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Only this session.
    pub session_id: Option<String>,
    /// Only rows that happened at this time or later.
    pub since: Option<Timestamp>,
    /// Only rows that happened before this time.
    pub until: Option<Timestamp>,
    /// Only rows that went so.
    pub outcome: Outcome,
    /// Only rows of this domain, one of the seven.
    pub domain: Option<String>,
    /// Only applications of this rule, or sessions in which it was applied.
    pub rule_id: Option<String>,
    /// Only applications whose propensity is known.
    pub logged_propensity: bool,
    /// Only documents and metrics of this subject.
    pub subject: Option<String>,
}

/// The state of knowledge a query is answered from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AsOf {
    /// Rows up to and including this one; the newest if absent.
    pub watermark: Option<Seq>,
    /// Rows the hub knew at this time.
    pub known: Option<Timestamp>,
    /// Rows that had happened at this time.
    pub event: Option<Timestamp>,
}

/// One question to the data hub.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
    /// What one row is.
    pub view: View,
    /// Which features it carries.
    pub features: FeatureSet,
    /// Whether sessions carry the rules that were applied in them.
    pub session_rules: bool,
    /// Which rows.
    pub filter: Filter,
    /// As known when.
    pub as_of: AsOf,
    /// At most this many rows, the newest ones, in their recorded order; all if absent.
    pub limit: Option<usize>,
    /// Synthetic rows may make up at most this percentage of the batch (0 to 100).
    pub synthetic_percent: u8,
}

/// Synthetic rows in a batch unless the query says otherwise.
pub const SYNTHETIC_PERCENT: u8 = 30;

impl Default for Query {
    fn default() -> Self {
        Self {
            view: View::default(),
            features: FeatureSet::default(),
            session_rules: false,
            filter: Filter::default(),
            as_of: AsOf::default(),
            limit: None,
            synthetic_percent: SYNTHETIC_PERCENT,
        }
    }
}

impl Query {
    /// Checks what types cannot: names, order of times, percentages.
    ///
    /// # Errors
    /// The first value that is wrong.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.features.indices(FeatureSchema::current())?;
        if let (Some(since), Some(until)) = (self.filter.since, self.filter.until)
            && since >= until
        {
            return Err(Invalid::new("filter.since", format!("{since} is not before {until}"), "swap since and until"));
        }
        if let Some(domain) = &self.filter.domain
            && !DOMAINS.contains(&domain.as_str())
        {
            let expected = format!("write one of {}", DOMAINS.join(", "));
            return Err(Invalid::new("filter.domain", format!("`{domain}` is no domain"), expected));
        }
        if self.session_rules && self.view != View::Sessions {
            let expected = "ask for the view `sessions`, or leave it out";
            return Err(Invalid::new("session_rules", "only sessions carry them", expected));
        }
        if self.limit == Some(0) {
            return Err(Invalid::new("limit", "is 0", "write at least 1, or leave it out for all rows"));
        }
        if self.synthetic_percent > 100 {
            let problem = format!("is {}", self.synthetic_percent);
            return Err(Invalid::new("synthetic_percent", problem, "it must lie in [0, 100]"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_refused_as_a_feature() {
        let set = FeatureSet::Named(vec!["clarity".into(), "quality_score".into()]);
        let error = set.indices(FeatureSchema::current()).unwrap_err().to_string();
        assert!(error.contains("`quality_score` is an outcome"), "{error}");
    }

    #[test]
    fn a_misspelt_feature_is_told_the_nearest() {
        let set = FeatureSet::Named(vec!["clarty".into()]);
        let error = set.indices(FeatureSchema::current()).unwrap_err().to_string();
        assert!(error.contains("did you mean `clarity`?"), "{error}");
    }
}
