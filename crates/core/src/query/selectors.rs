//! The named questions: thin selectors over one [`Query`].

use super::{FeatureSet, Filter, Outcome, Query, View};
use crate::document::DocumentKind;
use crate::time::Timestamp;

fn of(view: View) -> Query {
    Query { view, ..Query::default() }
}

fn sessions(filter: Filter) -> Query {
    Query { filter, ..Query::default() }
}

fn with_outcome(view: View, outcome: Outcome) -> Query {
    Query { view, filter: Filter { outcome, ..Filter::default() }, ..Query::default() }
}

impl Query {
    /// Every session with the named group of features.
    #[must_use]
    pub fn training_data(features: FeatureSet) -> Self {
        Query { features, ..Query::default() }
    }

    /// What happened in the `last_n_hours` before `now`, in one session or in all.
    #[must_use]
    pub fn recent_data(session_id: Option<&str>, last_n_hours: u32, now: Timestamp) -> Self {
        let since = Some(now.hours_before(last_n_hours));
        sessions(Filter { session_id: session_id.map(str::to_owned), since, ..Filter::default() })
    }

    /// Every session, all 31 features.
    #[must_use]
    pub fn all_features() -> Self {
        Query::default()
    }

    /// Every rule application with the features of its session.
    #[must_use]
    pub fn all_data() -> Self {
        of(View::Applications)
    }

    /// Sessions that went well.
    #[must_use]
    pub fn successful_optimizations() -> Self {
        with_outcome(View::Sessions, Outcome::Success)
    }

    /// Sessions that failed.
    #[must_use]
    pub fn failure_cases() -> Self {
        with_outcome(View::Sessions, Outcome::Failure)
    }

    /// Rule applications whose outcome is known.
    #[must_use]
    pub fn intervention_data() -> Self {
        with_outcome(View::Applications, Outcome::Labelled)
    }

    /// Rule applications that were chosen with a known probability.
    #[must_use]
    pub fn rule_interventions() -> Self {
        let filter = Filter { logged_propensity: true, ..Filter::default() };
        Query { view: View::Applications, filter, ..Query::default() }
    }

    /// Sessions of one of the seven domains.
    #[must_use]
    pub fn domain_data(domain: &str) -> Self {
        sessions(Filter { domain: Some(domain.to_owned()), ..Filter::default() })
    }

    /// Sessions whose outcome is known.
    #[must_use]
    pub fn quality_labeled_data() -> Self {
        with_outcome(View::Sessions, Outcome::Labelled)
    }

    /// Results of automated pipeline searches.
    #[must_use]
    pub fn automl_results() -> Self {
        let filter = Filter { subject: Some("automl_orchestrator".to_owned()), ..Filter::default() };
        Query { view: View::Documents(DocumentKind::Results), filter, ..Query::default() }
    }

    /// Known attacks.
    #[must_use]
    pub fn adversarial_examples() -> Self {
        of(View::Documents(DocumentKind::AdversarialExamples))
    }

    /// What each client of a federated round holds: the results its rounds recorded.
    #[must_use]
    pub fn federated_specs() -> Self {
        let filter = Filter { subject: Some("federated_learning".to_owned()), ..Filter::default() };
        Query { view: View::Documents(DocumentKind::Results), filter, ..Query::default() }
    }

    /// The history of one watched metric's subject, or of all.
    #[must_use]
    pub fn metric_history(subject: Option<&str>) -> Self {
        let filter = Filter { subject: subject.map(str::to_owned), ..Filter::default() };
        Query { view: View::Metrics, filter, ..Query::default() }
    }

    /// Units of experiments with their assignment and outcome.
    #[must_use]
    pub fn experiment_results() -> Self {
        of(View::Documents(DocumentKind::ExperimentUnits))
    }
}
