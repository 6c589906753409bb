//! Appending: all records of a call or none, each key once.

use std::sync::Arc;

use super::rows::{Row, Times};
use super::{Append, Receipt, Seq, StoreError, Tables, Timestamp};
use crate::records::{Feedback, FeedbackEntry, Rule, RuleApplication};
use crate::store::{FeaturedSession, Record};

impl Tables {
    pub(super) fn append(&mut self, records: Vec<Append>, now: Timestamp) -> Result<Vec<Receipt>, StoreError> {
        self.all_sessions_known(&records)?;
        Ok(records.into_iter().map(|append| self.append_one(append, now)).collect())
    }

    /// Refuses the whole call before anything of it is kept.
    fn all_sessions_known(&self, records: &[Append]) -> Result<(), StoreError> {
        let mut new = Vec::new();
        for append in records {
            let wanted = match &append.record {
                Record::Session(featured) => {
                    new.extend(featured.session.session_id.as_deref());
                    continue;
                }
                Record::Feedback(feedback) => &feedback.session_id,
                Record::Application { session_id, .. } => session_id,
                Record::Rule(_) | Record::Metric(_) | Record::Document(..) => continue,
            };
            if !self.sessions.contains_key(wanted) && !new.contains(&wanted.as_str()) {
                return Err(StoreError::Unknown { what: "session", name: wanted.clone() });
            }
        }
        Ok(())
    }

    fn append_one(&mut self, append: Append, now: Timestamp) -> Receipt {
        if let Some(receipt) = append.idempotency_key.as_ref().and_then(|key| self.receipts.get(key)) {
            return Receipt { duplicate: true, ..receipt.clone() };
        }
        let times = |event: Option<Timestamp>| Times { event: event.unwrap_or(now), known: now };
        let numbered = |seq: Seq| Receipt { seq, id: seq.to_string(), duplicate: false };
        let receipt = match append.record {
            Record::Session(featured) => self.session(*featured, now),
            Record::Feedback(feedback) => {
                let session = self.seq_of(&feedback.session_id);
                let times = times(feedback.event_time);
                let Feedback { rating, text, areas, event_time, .. } = feedback;
                let entry = FeedbackEntry { rating, text, areas, event_time };
                numbered(self.push(Row::Feedback { session, entry, times }))
            }
            Record::Application { session_id, application, event_time } => {
                let session = self.seq_of(&session_id);
                let times = times(event_time.or(application.event_time));
                numbered(self.application(session, application, times))
            }
            Record::Rule(rule) => {
                let known = self.rules.get(&rule.rule_id).is_some_and(|(_, known)| *known == rule);
                let seq = self.rule(&rule.rule_id);
                let id = rule.rule_id.clone();
                self.rules.insert(id.clone(), (seq, rule));
                Receipt { seq, id, duplicate: known }
            }
            Record::Metric(mut point) => {
                point.event_time = Some(point.event_time.unwrap_or(now));
                numbered(self.push(Row::Metric { point }))
            }
            Record::Document(kind, new) => {
                let times = times(new.event_time);
                numbered(self.push(Row::Document { kind, subject: new.subject, body: new.body, times }))
            }
        };
        if let Some(key) = append.idempotency_key {
            self.receipts.insert(key, receipt.clone());
        }
        receipt
    }

    fn session(&mut self, featured: FeaturedSession, now: Timestamp) -> Receipt {
        let FeaturedSession { session, features, provenance } = featured;
        let id = session.session_id.clone().unwrap_or_default();
        if let Some(&seq) = self.sessions.get(&id) {
            return Receipt { seq, id, duplicate: true };
        }
        let times = Times { event: session.event_time.unwrap_or(now), known: now };
        let mut session = session;
        let (rules, feedback) = (std::mem::take(&mut session.rules), std::mem::take(&mut session.feedback));
        session.event_time = Some(times.event);
        let row = Row::Session { session: Box::new(session), features: Box::new(features), provenance, times };
        let seq = self.push(row);
        self.sessions.insert(id.clone(), seq);
        for application in rules {
            let times = Times { event: application.event_time.unwrap_or(times.event), ..times };
            self.application(seq, application, times);
        }
        for entry in feedback {
            let times = Times { event: entry.event_time.unwrap_or(times.event), ..times };
            self.push(Row::Feedback { session: seq, entry, times });
        }
        Receipt { seq, id, duplicate: false }
    }

    fn application(&mut self, session: Seq, application: RuleApplication, times: Times) -> Seq {
        let rule = self.rule(&application.rule_id);
        self.push(Row::Application { session, rule, application, times })
    }

    /// The place of a rule; one not seen before is registered.
    fn rule(&mut self, rule_id: &str) -> Seq {
        if let Some((seq, _)) = self.rules.get(rule_id) {
            return *seq;
        }
        let seq = self.push(Row::Rule { name: Arc::from(rule_id) });
        self.rules.insert(rule_id.to_owned(), (seq, Rule { rule_id: rule_id.to_owned(), ..Rule::default() }));
        seq
    }

    fn seq_of(&self, session_id: &str) -> Seq {
        self.sessions.get(session_id).copied().unwrap_or_default()
    }
}
