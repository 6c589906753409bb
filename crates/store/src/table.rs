//! The tables that grow, and the values of a row on its way into one.

use souffleur_core::document::DocumentKind;

/// A table rows are appended to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    IdempotencyKeys,
    Rules,
    PromptSessions,
    TrainingPrompts,
    SessionFeatures,
    RuleApplications,
    UserFeedback,
    MetricPoints,
    Experiments,
    ExperimentUnits,
    AdversarialExamples,
    Results,
    Patterns,
    Insights,
    HealthEvents,
    Checkpoints,
}

impl Table {
    /// All of them, each at the place its number names.
    pub(crate) const ALL: [Self; 16] = [
        Self::IdempotencyKeys,
        Self::Rules,
        Self::PromptSessions,
        Self::TrainingPrompts,
        Self::SessionFeatures,
        Self::RuleApplications,
        Self::UserFeedback,
        Self::MetricPoints,
        Self::Experiments,
        Self::ExperimentUnits,
        Self::AdversarialExamples,
        Self::Results,
        Self::Patterns,
        Self::Insights,
        Self::HealthEvents,
        Self::Checkpoints,
    ];

    /// Its name and how many columns it has.
    pub(crate) fn shape(self) -> (&'static str, usize) {
        match self {
            Self::IdempotencyKeys => ("idempotency_keys", 3),
            Self::Rules => ("rules", 8),
            Self::PromptSessions => ("prompt_sessions", 18),
            Self::TrainingPrompts => ("training_prompts", 19),
            Self::SessionFeatures => ("session_features", 8),
            Self::RuleApplications => ("rule_applications", 11),
            Self::UserFeedback => ("user_feedback", 7),
            Self::MetricPoints => ("metric_points", 6),
            Self::Experiments => (DocumentKind::Experiments.table(), 5),
            Self::ExperimentUnits => (DocumentKind::ExperimentUnits.table(), 5),
            Self::AdversarialExamples => (DocumentKind::AdversarialExamples.table(), 5),
            Self::Results => (DocumentKind::Results.table(), 5),
            Self::Patterns => (DocumentKind::Patterns.table(), 5),
            Self::Insights => (DocumentKind::Insights.table(), 5),
            Self::HealthEvents => (DocumentKind::HealthEvents.table(), 5),
            Self::Checkpoints => (DocumentKind::Checkpoints.table(), 5),
        }
    }
}

impl From<DocumentKind> for Table {
    fn from(kind: DocumentKind) -> Self {
        match kind {
            DocumentKind::Experiments => Self::Experiments,
            DocumentKind::ExperimentUnits => Self::ExperimentUnits,
            DocumentKind::AdversarialExamples => Self::AdversarialExamples,
            DocumentKind::Results => Self::Results,
            DocumentKind::Patterns => Self::Patterns,
            DocumentKind::Insights => Self::Insights,
            DocumentKind::HealthEvents => Self::HealthEvents,
            DocumentKind::Checkpoints => Self::Checkpoints,
        }
    }
}

/// A value on its way into a statement or a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bind<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl From<i64> for Bind<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<Option<f64>> for Bind<'_> {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::Null, Self::Real)
    }
}

impl<'a> From<&'a str> for Bind<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<Option<&'a str>> for Bind<'a> {
    fn from(value: Option<&'a str>) -> Self {
        value.map_or(Self::Null, Self::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_stands_at_its_number() {
        for (place, table) in Table::ALL.into_iter().enumerate() {
            assert_eq!(table as usize, place);
        }
    }
}
