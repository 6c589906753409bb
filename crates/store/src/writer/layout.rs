//! How a record becomes a row: a value for each column, in the order of the table.

use std::collections::BTreeMap;

use serde_json::Value;
use souffleur_core::features::WIDTH;
use souffleur_core::records::{FeedbackEntry, Rule, RuleApplication};
use souffleur_core::store::{FeaturedSession, StoreError};
use souffleur_core::time::Timestamp;

use super::ledger::Ledger;
use crate::table::{Bind, Table};

/// When a row happened and when the hub learnt it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowTimes {
    pub(super) event: Timestamp,
    pub(super) known: Timestamp,
}

/// Inserts a session's texts and context; `false`, and nothing is done, if its name is taken in either table.
pub(super) fn insert_session(
    ledger: &mut impl Ledger,
    seq: i64,
    session_id: &str,
    featured: &FeaturedSession,
    times: RowTimes,
) -> Result<bool, StoreError> {
    let session = &featured.session;
    let before = session.before_metrics.unwrap_or_default();
    let tags = json(Some(&session.tags).filter(|tags| !tags.is_empty()))?;
    let row = [
        seq.into(),
        times.event.0.into(),
        times.known.0.into(),
        session_id.into(),
        session.project_type.as_deref().into(),
        session.domain.as_deref().into(),
        session.complexity.map(|complexity| complexity.name()).into(),
        session.team_size.map_or(Bind::Null, |n| Bind::Integer(i64::from(n))),
        before.overall_score.into(),
        before.clarity.into(),
        before.completeness.into(),
        before.actionability.into(),
        before.effectiveness.into(),
        session.quality_score.into(),
        session.improvement_score.into(),
        tags.as_deref().into(),
        session.original_prompt.as_str().into(),
        session.improved_prompt.as_deref().into(),
        featured.provenance.as_deref().into(),
    ];
    match (&featured.provenance, row.split_last()) {
        (None, Some((_, real))) => ledger.insert_session(Table::PromptSessions, session_id, real),
        _ => ledger.insert_session(Table::TrainingPrompts, session_id, &row),
    }
}

pub(super) fn insert_features(
    ledger: &mut impl Ledger,
    seq: i64,
    featured: &FeaturedSession,
    schema_hash: i64,
    times: RowTimes,
) -> Result<(), StoreError> {
    let mut blob = [0; WIDTH * 4];
    for (place, feature) in blob.chunks_exact_mut(4).zip(&featured.features) {
        place.copy_from_slice(&feature.to_le_bytes());
    }
    ledger.insert(
        Table::SessionFeatures,
        &[
            seq.into(),
            times.event.0.into(),
            times.known.0.into(),
            i64::from(featured.provenance.is_some()).into(),
            featured.session.quality_score.into(),
            featured.session.improvement_score.into(),
            schema_hash.into(),
            Bind::Blob(&blob),
        ],
    )
}

pub(super) fn insert_application(
    ledger: &mut impl Ledger,
    seq: i64,
    session_seq: i64,
    rule_seq: i64,
    position: i64,
    application: &RuleApplication,
    times: RowTimes,
) -> Result<(), StoreError> {
    let parameters = json(application.parameters.as_ref())?;
    ledger.insert(
        Table::RuleApplications,
        &[
            seq.into(),
            times.event.0.into(),
            times.known.0.into(),
            session_seq.into(),
            rule_seq.into(),
            position.into(),
            application.improvement_score.into(),
            application.confidence.into(),
            application.execution_time_ms.into(),
            application.propensity.into(),
            parameters.as_deref().into(),
        ],
    )
}

pub(super) fn insert_feedback(
    ledger: &mut impl Ledger,
    seq: i64,
    session_seq: i64,
    entry: &FeedbackEntry,
    times: RowTimes,
) -> Result<(), StoreError> {
    let areas = match entry.areas.as_slice() {
        [] => None,
        areas => Some(serde_json::to_string(areas).map_err(unwritable)?),
    };
    ledger.insert(
        Table::UserFeedback,
        &[
            seq.into(),
            times.event.0.into(),
            times.known.0.into(),
            session_seq.into(),
            i64::from(entry.rating).into(),
            entry.text.as_deref().into(),
            areas.as_deref().into(),
        ],
    )
}

pub(super) fn insert_rule(ledger: &mut impl Ledger, seq: i64, rule: &Rule, times: RowTimes) -> Result<(), StoreError> {
    let parameters = json(rule.default_parameters.as_ref())?;
    ledger.insert(
        Table::Rules,
        &[
            seq.into(),
            times.event.0.into(),
            times.known.0.into(),
            rule.rule_id.as_str().into(),
            rule.description.as_deref().into(),
            rule.category.as_deref().into(),
            i64::from(rule.priority).into(),
            parameters.as_deref().into(),
        ],
    )
}

/// Gives a rule a new definition; `false` if it is the one it has.
pub(super) fn redefine_rule(ledger: &mut impl Ledger, seq: i64, rule: &Rule) -> Result<bool, StoreError> {
    let parameters = json(rule.default_parameters.as_ref())?;
    let row = [
        seq.into(),
        rule.description.as_deref().into(),
        rule.category.as_deref().into(),
        i64::from(rule.priority).into(),
        parameters.as_deref().into(),
    ];
    ledger.redefine_rule(&row)
}

fn json(map: Option<&BTreeMap<String, Value>>) -> Result<Option<String>, StoreError> {
    map.map(serde_json::to_string).transpose().map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> StoreError {
    StoreError::Database(format!("a record cannot be written as JSON: {error}"))
}
