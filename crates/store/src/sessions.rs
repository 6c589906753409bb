//! Sessions with their texts, their rules and what was thought of them.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::result::Error;
use souffleur_core::ids::Seq;
use souffleur_core::records::Session;
use souffleur_core::store::{StoreError, StoredSession};

use crate::database::Db;
use crate::errors::database;
use crate::queries::most;
use crate::rows::{ApplicationRow, FeedbackRow, SessionRow};
use crate::schema::{prompt_sessions, rule_applications, rules, training_prompts, user_feedback};

/// The columns of a [`SessionRow`] in one of the two tables of sessions.
macro_rules! session_columns {
    ($table:ident) => {
        (
            $table::seq,
            $table::event_time,
            $table::session_id,
            $table::project_type,
            $table::domain,
            $table::complexity,
            $table::team_size,
            $table::before_overall_score,
            $table::before_clarity,
            $table::before_completeness,
            $table::before_actionability,
            $table::before_effectiveness,
            $table::quality_score,
            $table::improvement_score,
            $table::tags,
            $table::original_prompt,
            $table::improved_prompt,
        )
    };
}

/// The columns of an [`ApplicationRow`], in recorded order.
macro_rules! applications {
    () => {
        rule_applications::table.inner_join(rules::table).order(rule_applications::seq).select((
            rule_applications::session_seq,
            rule_applications::event_time,
            rules::rule_id,
            rule_applications::parameters,
            rule_applications::improvement_score,
            rule_applications::confidence,
            rule_applications::execution_time_ms,
            rule_applications::propensity,
        ))
    };
}

/// The columns of a [`FeedbackRow`], in recorded order.
macro_rules! feedback {
    () => {
        user_feedback::table.order(user_feedback::seq).select((
            user_feedback::session_seq,
            user_feedback::event_time,
            user_feedback::rating,
            user_feedback::text,
            user_feedback::areas,
        ))
    };
}

/// Places asked for in one statement: below SQLite's limit on variables.
const PLACES_AT_ONCE: usize = 500;

pub(crate) fn session_seq(connection: &mut Db, session_id: &str) -> Result<Option<Seq>, StoreError> {
    let real = prompt_sessions::table
        .filter(prompt_sessions::session_id.eq(session_id))
        .select(prompt_sessions::seq)
        .first(connection)
        .optional()
        .map_err(database)?;
    if let Some(seq) = real {
        return Ok(Some(Seq(seq)));
    }
    let made_up = training_prompts::table
        .filter(training_prompts::session_id.eq(session_id))
        .select(training_prompts::seq)
        .first(connection)
        .optional()
        .map_err(database)?;
    Ok(made_up.map(Seq))
}

/// The sessions at `seqs`, with the rules and the feedback they have by now, each in the global order.
pub(crate) fn sessions(connection: &mut Db, seqs: &[Seq]) -> Result<Vec<(Seq, Session)>, StoreError> {
    let mut found = Found::new();
    for places in seqs.chunks(PLACES_AT_ONCE) {
        let places: Vec<i64> = places.iter().map(|seq| seq.0).collect();
        at_one_moment(connection, |connection| sessions_at(connection, &places, &mut found))?;
    }
    Ok(seqs.iter().filter_map(|seq| Some((*seq, found.get(&seq.0)?.session.clone()))).collect())
}

/// The first `limit` sessions of (`after`, `until`], with the rules and the feedback recorded by `until`.
pub(crate) fn stored_sessions(
    connection: &mut Db,
    after: Seq,
    until: Seq,
    limit: usize,
) -> Result<Vec<StoredSession>, StoreError> {
    at_one_moment(connection, |connection| page(connection, after, until, limit))
}

struct Stop(StoreError);

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self(database(error))
    }
}

/// Reads in one transaction: the rules and feedback of a session as they stood at one moment.
fn at_one_moment<T>(connection: &mut Db, read: impl FnOnce(&mut Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
    connection.transaction(|connection| read(connection).map_err(Stop::from)).map_err(|stop| stop.0)
}

/// Sessions by their places.
type Found = BTreeMap<i64, StoredSession>;

fn sessions_at(connection: &mut Db, places: &[i64], found: &mut Found) -> Result<(), StoreError> {
    let real: Vec<SessionRow> = prompt_sessions::table
        .filter(prompt_sessions::seq.eq_any(places))
        .select(session_columns!(prompt_sessions))
        .load(connection)
        .map_err(database)?;
    let made_up: Vec<(SessionRow, String)> = training_prompts::table
        .filter(training_prompts::seq.eq_any(places))
        .select((session_columns!(training_prompts), training_prompts::provenance))
        .load(connection)
        .map_err(database)?;
    gather(real, made_up, found)?;
    let applied: Vec<ApplicationRow> =
        applications!().filter(rule_applications::session_seq.eq_any(places)).load(connection).map_err(database)?;
    let feedback: Vec<FeedbackRow> =
        feedback!().filter(user_feedback::session_seq.eq_any(places)).load(connection).map_err(database)?;
    join(applied, feedback, found)
}

fn page(connection: &mut Db, after: Seq, until: Seq, limit: usize) -> Result<Vec<StoredSession>, StoreError> {
    let real: Vec<SessionRow> = prompt_sessions::table
        .filter(prompt_sessions::seq.gt(after.0).and(prompt_sessions::seq.le(until.0)))
        .order(prompt_sessions::seq)
        .limit(most(limit))
        .select(session_columns!(prompt_sessions))
        .load(connection)
        .map_err(database)?;
    let made_up: Vec<(SessionRow, String)> = training_prompts::table
        .filter(training_prompts::seq.gt(after.0).and(training_prompts::seq.le(until.0)))
        .order(training_prompts::seq)
        .limit(most(limit))
        .select((session_columns!(training_prompts), training_prompts::provenance))
        .load(connection)
        .map_err(database)?;
    let mut found = Found::new();
    gather(real, made_up, &mut found)?;
    while found.len() > limit {
        found.pop_last();
    }
    let (Some((&first, _)), Some((&last, _))) = (found.first_key_value(), found.last_key_value()) else {
        return Ok(Vec::new());
    };
    let applied: Vec<ApplicationRow> = applications!()
        .filter(rule_applications::session_seq.between(first, last).and(rule_applications::seq.le(until.0)))
        .load(connection)
        .map_err(database)?;
    let feedback: Vec<FeedbackRow> = feedback!()
        .filter(user_feedback::session_seq.between(first, last).and(user_feedback::seq.le(until.0)))
        .load(connection)
        .map_err(database)?;
    join(applied, feedback, &mut found)?;
    Ok(found.into_values().collect())
}

fn gather(real: Vec<SessionRow>, made_up: Vec<(SessionRow, String)>, found: &mut Found) -> Result<(), StoreError> {
    let real = real.into_iter().map(|row| (row, None));
    for (row, provenance) in real.chain(made_up.into_iter().map(|(row, provenance)| (row, Some(provenance)))) {
        let seq = row.seq;
        found.insert(seq, StoredSession { seq: Seq(seq), session: row.into_session()?, provenance });
    }
    Ok(())
}

/// Gives every session its parts.
fn join(applied: Vec<ApplicationRow>, feedback: Vec<FeedbackRow>, found: &mut Found) -> Result<(), StoreError> {
    for row in applied {
        if let Some(stored) = found.get_mut(&row.session_seq) {
            row.join(&mut stored.session)?;
        }
    }
    for row in feedback {
        if let Some(stored) = found.get_mut(&row.session_seq) {
            row.join(&mut stored.session)?;
        }
    }
    Ok(())
}
