//! The prepared statements of the append path, and how a record becomes a row.

use std::collections::BTreeMap;

use serde_json::Value;
use souffleur_core::document::DocumentKind;
use souffleur_core::features::WIDTH;
use souffleur_core::records::{FeedbackEntry, Rule, RuleApplication};
use souffleur_core::store::{FeaturedSession, StoreError};
use souffleur_core::time::Timestamp;

use crate::raw::{Bind, Connection, SqliteError, Statement};

/// When a row happened and when the hub learnt it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowTimes {
    pub(super) event: Timestamp,
    pub(super) known: Timestamp,
}

/// Every statement the append path runs.
pub(super) struct Statements<'c> {
    pub(super) last_seq: Statement<'c>,
    pub(super) set_last_seq: Statement<'c>,
    pub(super) find_key: Statement<'c>,
    pub(super) insert_key: Statement<'c>,
    pub(super) find_session: Statement<'c>,
    pub(super) find_rule: Statement<'c>,
    pub(super) count_applications: Statement<'c>,
    pub(super) insert_metric: Statement<'c>,
    insert_session: Statement<'c>,
    insert_training_prompt: Statement<'c>,
    find_prompt_session: Statement<'c>,
    find_training_prompt: Statement<'c>,
    insert_features: Statement<'c>,
    insert_application: Statement<'c>,
    insert_feedback: Statement<'c>,
    insert_rule: Statement<'c>,
    redefine_rule: Statement<'c>,
    insert_documents: [Statement<'c>; DocumentKind::ALL.len()],
}

const FIND_SESSION: &str = "SELECT seq FROM prompt_sessions WHERE session_id = ?1 \
     UNION ALL SELECT seq FROM training_prompts WHERE session_id = ?1 LIMIT 1";

const REDEFINE_RULE: &str = "UPDATE rules SET description = ?2, category = ?3, priority = ?4, default_parameters = ?5 \
     WHERE seq = ?1 AND (description IS NOT ?2 OR category IS NOT ?3 OR priority IS NOT ?4 \
     OR default_parameters IS NOT ?5) RETURNING seq";

/// `INSERT` of as many values as the table has columns.
fn insert(table: &str, columns: usize) -> String {
    let places = vec!["?"; columns].join(",");
    format!("INSERT INTO {table} VALUES ({places})")
}

/// An [`insert`] that leaves a session of the same name as it is.
fn insert_new(table: &str, columns: usize) -> String {
    insert(table, columns) + " ON CONFLICT (session_id) DO NOTHING"
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(on: &'c Connection) -> Result<Self, SqliteError> {
        let [a, b, c, d, e, f, g, h] = DocumentKind::ALL.map(|kind| on.prepare(&insert(kind.table(), 5)));
        Ok(Self {
            last_seq: on.prepare("SELECT last_seq FROM hub_state")?,
            set_last_seq: on.prepare("UPDATE hub_state SET last_seq = ?1")?,
            find_key: on.prepare("SELECT seq, id FROM idempotency_keys WHERE key = ?1")?,
            insert_key: on.prepare(&insert("idempotency_keys", 3))?,
            find_session: on.prepare(FIND_SESSION)?,
            find_rule: on.prepare("SELECT seq FROM rules WHERE rule_id = ?1")?,
            count_applications: on.prepare("SELECT count(*) FROM rule_applications WHERE session_seq = ?1")?,
            insert_metric: on.prepare(&insert("metric_points", 6))?,
            insert_session: on.prepare(&insert_new("prompt_sessions", 18))?,
            insert_training_prompt: on.prepare(&insert_new("training_prompts", 19))?,
            find_prompt_session: on.prepare("SELECT 1 FROM prompt_sessions WHERE session_id = ?1")?,
            find_training_prompt: on.prepare("SELECT 1 FROM training_prompts WHERE session_id = ?1")?,
            insert_features: on.prepare(&insert("session_features", 8))?,
            insert_application: on.prepare(&insert("rule_applications", 11))?,
            insert_feedback: on.prepare(&insert("user_feedback", 7))?,
            insert_rule: on.prepare(&insert("rules", 8))?,
            redefine_rule: on.prepare(REDEFINE_RULE)?,
            insert_documents: [a?, b?, c?, d?, e?, f?, g?, h?],
        })
    }

    /// The statement that inserts a document of this kind.
    pub(super) fn insert_document(&mut self, kind: DocumentKind) -> &mut Statement<'c> {
        let [
            experiments,
            experiment_units,
            adversarial_examples,
            results,
            patterns,
            insights,
            health_events,
            checkpoints,
        ] = &mut self.insert_documents;
        match kind {
            DocumentKind::Experiments => experiments,
            DocumentKind::ExperimentUnits => experiment_units,
            DocumentKind::AdversarialExamples => adversarial_examples,
            DocumentKind::Results => results,
            DocumentKind::Patterns => patterns,
            DocumentKind::Insights => insights,
            DocumentKind::HealthEvents => health_events,
            DocumentKind::Checkpoints => checkpoints,
        }
    }

    /// Inserts a session's texts and context; `false`, and nothing is done, if its name is taken in either table.
    pub(super) fn insert_session(
        &mut self,
        seq: i64,
        session_id: &str,
        featured: &FeaturedSession,
        times: RowTimes,
    ) -> Result<bool, StoreError> {
        // The table's own unique index answers for itself; the other table is asked.
        let other = match featured.provenance {
            Some(_) => &mut self.find_prompt_session,
            None => &mut self.find_training_prompt,
        };
        if other.first(&[session_id.into()], |_| ())?.is_some() {
            return Ok(false);
        }
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
        let inserted = match (&featured.provenance, row.split_last()) {
            (None, Some((_, real))) => self.insert_session.insert_if_new(real)?,
            _ => self.insert_training_prompt.insert_if_new(&row)?,
        };
        Ok(inserted)
    }

    pub(super) fn insert_features(
        &mut self,
        seq: i64,
        featured: &FeaturedSession,
        schema_hash: i64,
        times: RowTimes,
    ) -> Result<(), StoreError> {
        let mut blob = [0; WIDTH * 4];
        for (place, feature) in blob.chunks_exact_mut(4).zip(&featured.features) {
            place.copy_from_slice(&feature.to_le_bytes());
        }
        self.insert_features.run(&[
            seq.into(),
            times.event.0.into(),
            times.known.0.into(),
            i64::from(featured.provenance.is_some()).into(),
            featured.session.quality_score.into(),
            featured.session.improvement_score.into(),
            schema_hash.into(),
            Bind::Blob(&blob),
        ])?;
        Ok(())
    }

    pub(super) fn insert_application(
        &mut self,
        seq: i64,
        session_seq: i64,
        rule_seq: i64,
        position: i64,
        application: &RuleApplication,
        times: RowTimes,
    ) -> Result<(), StoreError> {
        let parameters = json(application.parameters.as_ref())?;
        self.insert_application.run(&[
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
        ])?;
        Ok(())
    }

    pub(super) fn insert_feedback(
        &mut self,
        seq: i64,
        session_seq: i64,
        entry: &FeedbackEntry,
        times: RowTimes,
    ) -> Result<(), StoreError> {
        let areas = match entry.areas.as_slice() {
            [] => None,
            areas => Some(serde_json::to_string(areas).map_err(unwritable)?),
        };
        self.insert_feedback.run(&[
            seq.into(),
            times.event.0.into(),
            times.known.0.into(),
            session_seq.into(),
            i64::from(entry.rating).into(),
            entry.text.as_deref().into(),
            areas.as_deref().into(),
        ])?;
        Ok(())
    }

    pub(super) fn insert_rule(&mut self, seq: i64, rule: &Rule, times: RowTimes) -> Result<(), StoreError> {
        let parameters = json(rule.default_parameters.as_ref())?;
        self.insert_rule.run(&[
            seq.into(),
            times.event.0.into(),
            times.known.0.into(),
            rule.rule_id.as_str().into(),
            rule.description.as_deref().into(),
            rule.category.as_deref().into(),
            i64::from(rule.priority).into(),
            parameters.as_deref().into(),
        ])?;
        Ok(())
    }

    /// Gives a rule a new definition; `false` if it is the one it has.
    pub(super) fn redefine_rule(&mut self, seq: i64, rule: &Rule) -> Result<bool, StoreError> {
        let parameters = json(rule.default_parameters.as_ref())?;
        let row = [
            seq.into(),
            rule.description.as_deref().into(),
            rule.category.as_deref().into(),
            i64::from(rule.priority).into(),
            parameters.as_deref().into(),
        ];
        Ok(self.redefine_rule.first(&row, |_| ())?.is_some())
    }
}

fn json(map: Option<&BTreeMap<String, Value>>) -> Result<Option<String>, StoreError> {
    map.map(serde_json::to_string).transpose().map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> StoreError {
    StoreError::Database(format!("a record cannot be written as JSON: {error}"))
}
