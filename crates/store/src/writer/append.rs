//! Appending records: names looked up, numbers handed out, rows written.

use souffleur_core::document::{DocumentKind, NewDocument};
use souffleur_core::features::FeatureSchema;
use souffleur_core::ids::Seq;
use souffleur_core::records::{Feedback, MetricPoint, Rule, RuleApplication};
use souffleur_core::store::{Append, FeaturedSession, Receipt, Record, StoreError};
use souffleur_core::time::Timestamp;

use super::group::Pending;
use super::layout::{self, RowTimes};
use super::ledger::Ledger;
use crate::table::{Bind, Table};

/// Writes records through a ledger.
pub(super) struct Appender<L> {
    ledger: L,
    /// The last number handed out in the open transaction.
    last_seq: i64,
    schema_hash: i64,
}

impl<L: Ledger> Appender<L> {
    pub(super) fn new(ledger: L) -> Self {
        let schema_hash = FeatureSchema::current().hash.cast_signed();
        Self { ledger, last_seq: 0, schema_hash }
    }

    /// Opens the transaction the requests are to share.
    pub(super) fn begin(&mut self, requests: &[Pending]) -> Result<(), StoreError> {
        self.last_seq = self.ledger.begin(requests)?;
        Ok(())
    }

    /// Commits it; `false` if it must be done again from the beginning.
    pub(super) fn commit(&mut self) -> Result<bool, StoreError> {
        self.ledger.commit(self.last_seq)
    }

    /// Undoes the open transaction.
    pub(super) fn rollback(&mut self) {
        self.ledger.rollback();
    }

    /// Appends the records of one request. The inner error is the request's alone, the outer one ends the transaction.
    ///
    /// `nested` says whether other requests share the transaction; without them its rollback is enough.
    pub(super) fn savepoint(
        &mut self,
        records: &[Append],
        now: Timestamp,
        nested: bool,
    ) -> Result<Result<Vec<Receipt>, StoreError>, StoreError> {
        if !nested {
            return self.append(records, now).map(Ok);
        }
        self.ledger.savepoint()?;
        let before = self.last_seq;
        match self.append(records, now) {
            Ok(receipts) => {
                self.ledger.release()?;
                Ok(Ok(receipts))
            }
            // With the whole transaction gone, all requests are affected.
            Err(error) if !self.ledger.undo()? => Err(error),
            Err(error) => {
                self.last_seq = before;
                Ok(Err(error))
            }
        }
    }

    fn append(&mut self, records: &[Append], now: Timestamp) -> Result<Vec<Receipt>, StoreError> {
        records.iter().map(|append| self.append_one(append, now)).collect()
    }

    fn append_one(&mut self, append: &Append, now: Timestamp) -> Result<Receipt, StoreError> {
        let Some(key) = &append.idempotency_key else { return self.record(&append.record, now) };
        let seen = self.ledger.find_key(key)?;
        if let Some((seq, id)) = seen {
            return Ok(Receipt { seq: Seq(seq), id, duplicate: true });
        }
        let receipt = self.record(&append.record, now)?;
        let row = [key.as_str().into(), receipt.seq.0.into(), receipt.id.as_str().into()];
        self.ledger.insert(Table::IdempotencyKeys, &row)?;
        Ok(receipt)
    }

    fn record(&mut self, record: &Record, now: Timestamp) -> Result<Receipt, StoreError> {
        match record {
            Record::Session(featured) => self.session(featured, now),
            Record::Feedback(feedback) => self.late_feedback(feedback, now),
            Record::Application { session_id, application, event_time } => {
                let session_seq = self.known_session(session_id)?;
                let times = RowTimes { event: event_time.or(application.event_time).unwrap_or(now), known: now };
                let position = self.ledger.count_applications(session_seq)?;
                let seq = self.application(application, session_seq, position, times)?;
                Ok(numbered(seq))
            }
            Record::Rule(rule) => self.rule(rule, now),
            Record::Metric(point) => self.metric(point, now),
            Record::Document(kind, document) => self.document(*kind, document, now),
        }
    }

    /// The next number of the global order.
    fn next_seq(&mut self) -> i64 {
        self.last_seq += 1;
        self.last_seq
    }

    fn known_session(&mut self, session_id: &str) -> Result<i64, StoreError> {
        self.ledger
            .find_session(session_id)?
            .ok_or_else(|| StoreError::Unknown { what: "session", name: session_id.to_owned() })
    }

    fn session(&mut self, featured: &FeaturedSession, now: Timestamp) -> Result<Receipt, StoreError> {
        let session = &featured.session;
        let Some(session_id) = session.session_id.as_deref() else {
            return Err(StoreError::Unknown { what: "session", name: "(no session_id was given)".into() });
        };
        let times = RowTimes { event: session.event_time.unwrap_or(now), known: now };
        let seq = self.last_seq + 1;
        if !layout::insert_session(&mut self.ledger, seq, session_id, featured, times)? {
            let seq = self.known_session(session_id)?;
            return Ok(Receipt { seq: Seq(seq), id: session_id.to_owned(), duplicate: true });
        }
        self.last_seq = seq;
        layout::insert_features(&mut self.ledger, seq, featured, self.schema_hash, times)?;
        for (position, application) in (0..).zip(&session.rules) {
            let times = RowTimes { event: application.event_time.unwrap_or(times.event), ..times };
            self.application(application, seq, position, times)?;
        }
        for entry in &session.feedback {
            let times = RowTimes { event: entry.event_time.unwrap_or(times.event), ..times };
            let feedback_seq = self.next_seq();
            layout::insert_feedback(&mut self.ledger, feedback_seq, seq, entry, times)?;
        }
        Ok(Receipt { seq: Seq(seq), id: session_id.to_owned(), duplicate: false })
    }

    fn late_feedback(&mut self, feedback: &Feedback, now: Timestamp) -> Result<Receipt, StoreError> {
        let session_seq = self.known_session(&feedback.session_id)?;
        let entry = souffleur_core::records::FeedbackEntry {
            rating: feedback.rating,
            text: feedback.text.clone(),
            areas: feedback.areas.clone(),
            event_time: feedback.event_time,
        };
        let seq = self.next_seq();
        let times = RowTimes { event: feedback.event_time.unwrap_or(now), known: now };
        layout::insert_feedback(&mut self.ledger, seq, session_seq, &entry, times)?;
        Ok(numbered(seq))
    }

    fn application(
        &mut self,
        application: &RuleApplication,
        session_seq: i64,
        position: i64,
        times: RowTimes,
    ) -> Result<i64, StoreError> {
        let rule_seq = self.rule_seq(&application.rule_id, times)?;
        let seq = self.next_seq();
        layout::insert_application(&mut self.ledger, seq, session_seq, rule_seq, position, application, times)?;
        Ok(seq)
    }

    /// The number of a rule; one not seen before is registered under its name.
    fn rule_seq(&mut self, rule_id: &str, times: RowTimes) -> Result<i64, StoreError> {
        if let Some(seq) = self.ledger.find_rule(rule_id)? {
            return Ok(seq);
        }
        let seq = self.next_seq();
        let bare = Rule { rule_id: rule_id.to_owned(), ..Rule::default() };
        layout::insert_rule(&mut self.ledger, seq, &bare, times)?;
        Ok(seq)
    }

    fn rule(&mut self, rule: &Rule, now: Timestamp) -> Result<Receipt, StoreError> {
        let found = self.ledger.find_rule(&rule.rule_id)?;
        let (seq, duplicate) = match found {
            Some(seq) => (seq, !layout::redefine_rule(&mut self.ledger, seq, rule)?),
            None => {
                let seq = self.next_seq();
                layout::insert_rule(&mut self.ledger, seq, rule, RowTimes { event: now, known: now })?;
                (seq, false)
            }
        };
        Ok(Receipt { seq: Seq(seq), id: rule.rule_id.clone(), duplicate })
    }

    fn metric(&mut self, point: &MetricPoint, now: Timestamp) -> Result<Receipt, StoreError> {
        let seq = self.next_seq();
        let event_time = point.event_time.unwrap_or(now);
        let row = [
            seq.into(),
            event_time.0.into(),
            now.0.into(),
            point.metric.as_str().into(),
            point.subject.as_str().into(),
            Bind::Real(point.value),
        ];
        self.ledger.insert(Table::MetricPoints, &row)?;
        Ok(numbered(seq))
    }

    fn document(&mut self, kind: DocumentKind, document: &NewDocument, now: Timestamp) -> Result<Receipt, StoreError> {
        let seq = self.next_seq();
        let event_time = document.event_time.unwrap_or(now);
        let body = document.body.to_string();
        let row =
            [seq.into(), event_time.0.into(), now.0.into(), document.subject.as_str().into(), body.as_str().into()];
        self.ledger.insert(kind.into(), &row)?;
        Ok(numbered(seq))
    }
}

/// The receipt of a row that has no name but its number.
fn numbered(seq: i64) -> Receipt {
    Receipt { seq: Seq(seq), id: seq.to_string(), duplicate: false }
}
