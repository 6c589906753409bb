//! Erasing sessions for good: their rows, what quotes them, the models made from them.

use std::collections::BTreeSet;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_actors::CallError;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Erase, Erasure, Store, StoreError, TouchedDocument, TouchedModel, Traces};

use crate::runtime::Runtime;

/// What has to do with some sessions and, where they were erased, what became of it and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErasureReport {
    /// The erasure's place in the global order; absent if nothing was erased.
    pub erasure: Option<Seq>,
    /// Sessions that were found.
    pub sessions: usize,
    /// Names nobody has.
    pub unknown: Vec<String>,
    /// Rows of theirs: the sessions, what was applied in them, opinions on them, measurements of them.
    pub rows: usize,
    /// Models made from them, directly or through others.
    pub models: Vec<TouchedModel>,
    /// Runs whose report quotes them, beside those of the models.
    pub reports: Vec<String>,
    /// Documents that quote them, or name a model or a run that has to do with them.
    pub documents: Vec<TouchedDocument>,
    /// Models whose rows were looked through.
    pub lineages_read: u64,
    /// Documents and reports that were looked through.
    pub documents_read: u64,
    /// Components that were trained anew, and what came of it.
    pub retrained: Vec<Retrained>,
    /// Whether the database was rewritten, so that not a byte is left in its own files.
    pub compacted: bool,
    /// Why it was not, where it was asked for.
    pub remark: Option<String>,
    /// Why answers that quote them may still be kept in the cache's second level, if so; they go by their age.
    pub answers: Option<String>,
    /// How long looking, or looking and erasing, took.
    pub erase_ms: f64,
    /// How long it took until nothing served held an erased row.
    pub forget_ms: f64,
    /// How long the rewriting took.
    pub compact_ms: f64,
    /// How long the training took.
    pub retrain_ms: f64,
}

/// A component that was trained anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retrained {
    /// Which.
    pub component: String,
    /// Its new model; absent if it came to none.
    pub model_id: Option<String>,
    /// Why it came to none.
    pub error: Option<String>,
}

impl ErasureReport {
    fn of(traces: Traces) -> Self {
        Self {
            sessions: traces.sessions.len(),
            unknown: traces.unknown,
            rows: traces.rows.len() + traces.metric_points.len(),
            models: traces.models,
            reports: traces.reports,
            documents: traces.documents,
            lineages_read: traces.lineages_read,
            documents_read: traces.documents_read,
            ..Self::default()
        }
    }

    /// Takes over what a later erasure did, before anything was finished.
    pub(crate) fn absorb(&mut self, later: Self) {
        self.erasure = later.erasure.or(self.erasure);
        self.sessions += later.sessions;
        self.rows += later.rows;
        self.unknown.extend(later.unknown);
        self.models.extend(later.models);
        self.reports.extend(later.reports);
        self.documents.extend(later.documents);
        self.lineages_read += later.lineages_read;
        self.documents_read += later.documents_read;
        self.erase_ms += later.erase_ms;
    }
}

/// The store's side of it, or why there is none.
pub(crate) fn erasure(store: &dyn Store) -> Result<&dyn Erasure, StoreError> {
    store.erasure().ok_or_else(|| StoreError::Refused("this store cannot erase".to_owned()))
}

impl Runtime {
    fn ms_since(&self, before: Duration) -> f64 {
        self.clock().monotonic().saturating_sub(before).as_secs_f64() * 1e3
    }

    /// What was made from sessions, and what quotes them: what erasing them would touch. Changes nothing.
    ///
    /// # Errors
    /// [`CallError::Store`], [`CallError::Busy`].
    pub async fn traces(&self, session_ids: Vec<String>) -> Result<ErasureReport, CallError> {
        let before = self.clock().monotonic();
        let traces = self.read(move |store| erasure(store)?.traces(&session_ids)).await?;
        Ok(ErasureReport { erase_ms: self.ms_since(before), ..ErasureReport::of(traces) })
    }

    /// Erases sessions with everything made from them: rows, documents and reports that quote them, models. When it returns,
    /// nothing of them is served any more. With `compact` the database is rewritten too, which takes about as long as copying
    /// it. Components whose live model had to go are trained anew, each at most `train_within`, unless the setting
    /// `registry.retrain_erased` says otherwise. Names nobody has are no error.
    ///
    /// # Errors
    /// [`CallError::Store`], [`CallError::Busy`]: nothing was erased. [`CallError::DeadlineExceeded`]: it was, and the loader
    /// has still to hear of it.
    pub async fn erase(
        &self,
        session_ids: Vec<String>,
        reason: &str,
        compact: bool,
        train_within: Duration,
    ) -> Result<ErasureReport, CallError> {
        let mut report = self.erase_rows(session_ids, reason).await?;
        self.finish_erasing(&mut report, compact, train_within).await?;
        Ok(report)
    }

    /// Erases in the store. What is served still holds it.
    pub(crate) async fn erase_rows(&self, session_ids: Vec<String>, reason: &str) -> Result<ErasureReport, CallError> {
        let before = self.clock().monotonic();
        let order = Erase { session_ids, reason: reason.to_owned(), now: self.clock().now() };
        let erased = self.read(move |store| erasure(store)?.erase(order).wait()).await?;
        let mut report = ErasureReport { erasure: erased.seq, ..ErasureReport::of(erased.traces) };
        report.erase_ms = self.ms_since(before);
        Ok(report)
    }

    /// What is done once, however much was erased: having everything that is served forget it, rewriting the database, if asked
    /// for, and training anew. Nothing if nothing was erased.
    pub(crate) async fn finish_erasing(
        &self,
        report: &mut ErasureReport,
        compact: bool,
        train_within: Duration,
    ) -> Result<(), CallError> {
        let Some(seq) = report.erasure else { return Ok(()) };
        let before = self.clock().monotonic();
        self.forget(seq, &report.models).await?;
        report.answers = self.forget_answers().await?;
        report.forget_ms = self.ms_since(before);
        if compact {
            self.compact_into(report).await?;
        }
        if self.retrains_erased() {
            self.retrain_into(report, train_within).await;
        }
        Ok(())
    }

    /// Rewrites the room of what was erased.
    async fn compact_into(&self, report: &mut ErasureReport) -> Result<(), CallError> {
        let before = self.clock().monotonic();
        report.remark = self.read(|store| erasure(store)?.compact().wait()).await?;
        report.compacted = report.remark.is_none();
        report.compact_ms = self.ms_since(before);
        Ok(())
    }

    /// Trains what lost its live model.
    async fn retrain_into(&self, report: &mut ErasureReport, within: Duration) {
        let before = self.clock().monotonic();
        let live: BTreeSet<&String> = report.models.iter().filter(|m| m.live).map(|m| &m.component).collect();
        let entries = self.components();
        // Producers before their consumers.
        let order = self.order().iter().filter_map(|i| entries.get(*i)).map(|entry| entry.name.to_string());
        for component in order.filter(|name| live.contains(name)).collect::<Vec<_>>() {
            let outcome = self.train(&component, within).await;
            let (model_id, error) = match outcome {
                Ok(outcome) => (Some(outcome.model_id), None),
                Err(error) => (None, Some(error.to_string())),
            };
            report.retrained.push(Retrained { component, model_id, error });
        }
        report.retrain_ms = self.ms_since(before);
    }
}
