//! A store that keeps everything in memory: for tests and examples, behind the feature `testing`.
//!
//! It keeps the port's promises (one gapless order, idempotency keys, all or nothing, fencing by epoch) and
//! forgets everything when it is dropped. A test can make it fail on purpose.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    Append, Claim, Commit, Committed, Counts, Delta, Inventory, Lease, ModelRow, Receipt, RunCommit, RunFailure,
    RunRow, RunState, Store, StoreError, StoredSession, Survey,
};
use crate::document::{Document, DocumentKind};
use crate::ids::{DataVersion, Epoch, Seq};
use crate::records::{MetricPoint, Rule, Session};
use crate::time::Timestamp;

mod append;
mod inventory;
mod rows;

use rows::Row;

/// The in-memory store.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Tables>);

#[derive(Clone, Debug, Default)]
struct Tables {
    /// Row `i` has sequence number `i + 1`.
    rows: Vec<Row>,
    sessions: HashMap<String, Seq>,
    /// The rows of each session's rules and feedback, in recorded order.
    parts: HashMap<Seq, Vec<Seq>>,
    rules: BTreeMap<String, (Seq, Rule)>,
    receipts: HashMap<String, Receipt>,
    epochs: HashMap<String, Epoch>,
    runs: Vec<RunRow>,
    models: Vec<(ModelRow, Vec<Seq>)>,
    failure: Option<StoreError>,
    before_read: Hook,
    closed: bool,
}

/// What a test has happen inside a call.
#[derive(Clone, Default)]
struct Hook(Option<Arc<dyn Fn() + Send + Sync>>);

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Hook" } else { "None" })
    }
}

impl Tables {
    fn watermark(&self) -> Seq {
        Seq(i64::try_from(self.rows.len()).unwrap_or(i64::MAX))
    }

    fn push(&mut self, row: Row) -> Seq {
        let session = row.part_of();
        self.rows.push(row);
        let seq = self.watermark();
        if let Some(session) = session {
            self.parts.entry(session).or_default().push(seq);
        }
        seq
    }

    /// The rows after `after`, with their places.
    fn after(&self, after: Seq) -> impl Iterator<Item = (Seq, &Row)> {
        let skip = usize::try_from(after.0).unwrap_or(0);
        (1..).map(Seq).zip(&self.rows).skip(skip)
    }

    /// The session at this place with what was recorded of it by `until`.
    fn stored(&self, seq: Seq, until: Seq) -> Option<StoredSession> {
        let index = usize::try_from(seq.0).ok()?.checked_sub(1)?;
        let mut stored = self.rows.get(index)?.stored(seq)?;
        let parts = self.parts.get(&seq).map(Vec::as_slice).unwrap_or_default();
        for part in parts.iter().take_while(|part| **part <= until) {
            let index = usize::try_from(part.0).ok()?.checked_sub(1)?;
            self.rows.get(index)?.join(&mut stored.session);
        }
        Some(stored)
    }

    fn fence(&self, lease: &Lease) -> Result<(), StoreError> {
        let current = self.epochs.get(&lease.component).copied().unwrap_or_default();
        if current != lease.epoch {
            return Err(StoreError::Fenced { component: lease.component.clone(), have: lease.epoch, current });
        }
        Ok(())
    }

    fn end_run(&mut self, run_id: &str, end: impl FnOnce(&mut RunRow)) -> Result<(), StoreError> {
        let run = self.runs.iter_mut().find(|run| run.run_id == run_id);
        let run = run.ok_or_else(|| StoreError::Unknown { what: "run", name: run_id.to_owned() })?;
        end(run);
        Ok(())
    }
}

/// The newest `limit` of what `rows` yields, oldest first.
fn newest<T>(rows: impl Iterator<Item = T>, limit: usize) -> Vec<T> {
    let mut rows: Vec<T> = rows.collect();
    let surplus = rows.len().saturating_sub(limit);
    rows.drain(..surplus);
    rows
}

impl MemoryStore {
    /// Makes every call fail with `failure` from now on; `None` makes it work again.
    pub fn fail_with(&self, failure: Option<StoreError>) {
        self.tables().failure = failure;
    }

    /// Calls `hook` at the beginning of every later [`delta`](Store::delta) and [`documents`](Store::documents): it
    /// may wait or panic.
    pub fn before_read(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.tables().before_read = Hook(Some(Arc::new(hook)));
    }

    /// Overwrites the newest snapshot of a component, as a damaged disk might. Says whether there was one.
    pub fn damage_model(&self, component: &str, snapshot: Vec<u8>) -> bool {
        let mut tables = self.tables();
        let newest = tables.models.iter_mut().rev().find(|(model, _)| model.component == component);
        newest.is_some_and(|(model, _)| {
            model.snapshot = snapshot;
            true
        })
    }

    /// Undoes a [`close`](Store::close), as a new process that opens the same store would.
    pub fn reopen(&self) {
        self.tables().closed = false;
    }

    fn hook(&self) {
        // The lock is not held while the hook runs.
        let hook = self.tables().before_read.clone();
        if let Some(hook) = hook.0 {
            hook();
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // A test that panicked while holding the lock left whole rows behind: every change is one assignment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, Tables>, StoreError> {
        let tables = self.tables();
        match (&tables.failure, tables.closed) {
            (_, true) => Err(StoreError::Closed),
            (Some(failure), false) => Err(failure.clone()),
            (None, false) => Ok(tables),
        }
    }

    fn write<T>(&self, change: impl FnOnce(&mut Tables) -> Result<T, StoreError>) -> Commit<T> {
        Commit::ready(self.open().and_then(|mut tables| change(&mut tables)))
    }
}

impl Store for MemoryStore {
    fn append(&self, records: Vec<Append>, now: Timestamp) -> Commit<Vec<Receipt>> {
        self.write(|tables| tables.append(records, now))
    }

    fn watermark(&self) -> Result<Seq, StoreError> {
        Ok(self.open()?.watermark())
    }

    fn delta(&self, after: Seq, limit: usize) -> Result<Delta, StoreError> {
        self.hook();
        let tables = self.open()?;
        let mut delta = Delta { watermark: after, ..Delta::default() };
        for (seq, row) in tables.after(after).take(limit) {
            row.extend(seq, &mut delta);
            delta.watermark = seq;
        }
        delta.more = delta.watermark < tables.watermark();
        Ok(delta)
    }

    fn session_seq(&self, session_id: &str) -> Result<Option<Seq>, StoreError> {
        Ok(self.open()?.sessions.get(session_id).copied())
    }

    fn sessions(&self, seqs: &[Seq]) -> Result<Vec<(Seq, Session)>, StoreError> {
        let tables = self.open()?;
        let found = seqs.iter().filter_map(|&seq| tables.stored(seq, Seq(i64::MAX)));
        Ok(found.map(|stored| (stored.seq, stored.session)).collect())
    }

    fn stored_sessions(&self, after: Seq, until: Seq, limit: usize) -> Result<Vec<StoredSession>, StoreError> {
        self.hook();
        let tables = self.open()?;
        let rows = tables.after(after).take_while(|(seq, _)| *seq <= until);
        let sessions = rows.filter(|(_, row)| row.session().is_some());
        Ok(sessions.take(limit).filter_map(|(seq, _)| tables.stored(seq, until)).collect())
    }

    fn documents(
        &self,
        kind: DocumentKind,
        subject: Option<&str>,
        until: Seq,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        self.hook();
        let tables = self.open()?;
        let rows = tables.after(Seq::ZERO).take_while(|(seq, _)| *seq <= until);
        let wanted = rows.filter_map(|(seq, row)| row.document(seq, kind));
        Ok(newest(wanted.filter(|document| subject.is_none_or(|s| s == document.subject)), limit))
    }

    fn metrics(&self, subject: Option<&str>, until: Seq, limit: usize) -> Result<Vec<(Seq, MetricPoint)>, StoreError> {
        let tables = self.open()?;
        let rows = tables.after(Seq::ZERO).take_while(|(seq, _)| *seq <= until);
        let wanted = rows.filter_map(|(seq, row)| row.metric().map(|point| (seq, point.clone())));
        Ok(newest(wanted.filter(|(_, point)| subject.is_none_or(|s| s == point.subject)), limit))
    }

    fn rules(&self) -> Result<Vec<Rule>, StoreError> {
        Ok(self.open()?.rules.values().map(|(_, rule)| rule.clone()).collect())
    }

    fn counts(&self) -> Result<Counts, StoreError> {
        let tables = self.open()?;
        let mut counts = Counts {
            rules: tables.rules.len() as u64,
            runs: tables.runs.len() as u64,
            models: tables.models.len() as u64,
            ..Counts::default()
        };
        tables.rows.iter().for_each(|row| row.count(&mut counts));
        Ok(counts)
    }

    fn inventory(&self) -> Result<Inventory, StoreError> {
        Ok(self.open()?.inventory())
    }

    fn survey(&self, after: Seq, limit: usize) -> Result<Survey, StoreError> {
        Ok(Survey { delta: self.delta(after, limit)?, foreign: Vec::new() })
    }

    fn claim(&self, claim: Claim) -> Commit<Lease> {
        self.write(|tables| {
            let newest = tables.models.iter().rev().find(|(model, _)| model.component == claim.component);
            let newest = newest.map(|(model, _)| (model.model_id.clone(), model.version.watermark));
            let since = newest.as_ref().map_or(Seq::ZERO, |(_, watermark)| *watermark);
            let new_rows = tables.after(since).filter(|(_, row)| row.is_learnable()).count() as u64;
            claim.check_basis(newest.map(|(model_id, _)| model_id), new_rows)?;
            let learnable = tables.after(Seq::ZERO).filter(|(_, row)| row.is_learnable());
            let watermark = learnable.map(|(seq, _)| seq).last().unwrap_or(Seq::ZERO);
            let expires = claim.expires();
            let Claim { component, run_id, now, .. } = claim;
            let epoch = tables.epochs.entry(component.clone()).or_default();
            epoch.0 += 1;
            let epoch = *epoch;
            let open = |run: &&mut RunRow| run.component == component && run.state == RunState::Running;
            for run in tables.runs.iter_mut().filter(open) {
                run.state = RunState::Abandoned;
                run.ended = Some(now);
            }
            tables.runs.push(RunRow {
                run_id: run_id.clone(),
                component: component.clone(),
                epoch,
                state: RunState::Running,
                started: now,
                ended: None,
                version: None,
                duration_ms: None,
                reason: None,
                report: None,
                metrics: Vec::new(),
            });
            Ok(Lease { component, run_id, epoch, expires, watermark })
        })
    }

    fn commit_run(&self, run: RunCommit) -> Commit<Committed> {
        self.write(|tables| {
            tables.fence(&run.lease)?;
            tables.end_run(&run.lease.run_id, |row| {
                row.state = RunState::Succeeded;
                row.ended = Some(run.now);
                row.version = Some(run.version);
                row.duration_ms = Some(run.duration_ms);
                row.report = Some(run.report);
                row.metrics = run.metrics;
            })?;
            let model_id = format!("model-{}", run.lease.run_id);
            let model = ModelRow {
                model_id: model_id.clone(),
                component: run.lease.component,
                run_id: run.lease.run_id,
                epoch: run.lease.epoch,
                version: run.version,
                created: run.now,
                snapshot: run.snapshot,
            };
            tables.models.push((model, run.rows));
            Ok(Committed { seq: tables.push(Row::Run), model_id })
        })
    }

    fn fail_run(&self, failure: RunFailure) -> Commit<()> {
        self.write(|tables| {
            tables.fence(&failure.lease)?;
            tables.end_run(&failure.lease.run_id, |row| {
                row.state = failure.state;
                row.ended = Some(failure.now);
                row.reason = Some(failure.reason);
            })
        })
    }

    fn unfinished_runs(&self) -> Result<Vec<RunRow>, StoreError> {
        let tables = self.open()?;
        Ok(tables.runs.iter().filter(|run| run.state == RunState::Running).cloned().collect())
    }

    fn runs(&self, component: &str, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let tables = self.open()?;
        Ok(tables.runs.iter().rev().filter(|run| run.component == component).take(limit).cloned().collect())
    }

    fn latest_model(&self, component: &str) -> Result<Option<ModelRow>, StoreError> {
        let tables = self.open()?;
        let newest = tables.models.iter().rev().find(|(model, _)| model.component == component);
        Ok(newest.map(|(model, _)| model.clone()))
    }

    fn model_rows(&self, model_id: &str) -> Result<(DataVersion, Vec<Seq>), StoreError> {
        let tables = self.open()?;
        let found = tables.models.iter().find(|(model, _)| model.model_id == model_id);
        let (model, rows) = found.ok_or_else(|| StoreError::Unknown { what: "model", name: model_id.to_owned() })?;
        Ok((model.version, rows.clone()))
    }

    fn close(&self) {
        self.tables().closed = true;
    }
}

#[cfg(test)]
mod tests;
