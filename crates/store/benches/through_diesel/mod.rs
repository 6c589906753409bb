//! The hot paths as diesel does them, to say what the raw layer is worth.

use diesel::prelude::*;

#[path = "../../src/schema.rs"]
mod schema;

use schema::{prompt_sessions, rule_applications, rules, user_feedback};
use souffleur_core::store::{Append, Record};

diesel::table! {
    session_features (seq) {
        seq -> BigInt,
        event_time -> BigInt,
        known_time -> BigInt,
        synthetic -> Bool,
        quality_score -> Nullable<Double>,
        improvement_score -> Nullable<Double>,
        schema_hash -> BigInt,
        features -> Binary,
    }
}

/// Reads the columns of a delta as rows; gives their number.
#[allow(dead_code, reason = "each benchmark uses its half")]
pub(crate) fn read(path: &str) -> usize {
    let mut connection = SqliteConnection::establish(path).unwrap();
    type Session = (i64, i64, i64, bool, Option<f64>, Option<f64>, i64, Vec<u8>);
    let sessions: Vec<Session> = session_features::table.order(session_features::seq).load(&mut connection).unwrap();
    type Application = (i64, i64, i64, i64, i64, Option<f64>, Option<f64>, Option<f64>, Option<f64>);
    let applications: Vec<Application> = rule_applications::table
        .order(rule_applications::seq)
        .select((
            rule_applications::seq,
            rule_applications::session_seq,
            rule_applications::rule_seq,
            rule_applications::event_time,
            rule_applications::known_time,
            rule_applications::improvement_score,
            rule_applications::confidence,
            rule_applications::execution_time_ms,
            rule_applications::propensity,
        ))
        .load(&mut connection)
        .unwrap();
    let feedback: Vec<(i64, i64, i64, i64, i64)> = user_feedback::table
        .order(user_feedback::seq)
        .select((
            user_feedback::seq,
            user_feedback::session_seq,
            user_feedback::event_time,
            user_feedback::known_time,
            user_feedback::rating,
        ))
        .load(&mut connection)
        .unwrap();
    let rules: Vec<(i64, String)> = rules::table.select((rules::seq, rules::rule_id)).load(&mut connection).unwrap();
    std::hint::black_box(&sessions).len()
        + std::hint::black_box(&applications).len()
        + std::hint::black_box(&feedback).len()
        + std::hint::black_box(&rules).len()
}

/// Appends one batch in a transaction, row by row, through statements diesel keeps prepared. Leaves out what the store
/// does beside it: looking names up, numbering, keys.
#[allow(dead_code, reason = "each benchmark uses its half")]
pub(crate) fn append(connection: &mut SqliteConnection, batch: &[Append], seq: &mut i64) {
    let now = crate::history::NOW.0;
    connection
        .immediate_transaction(|connection| {
            for append in batch {
                let Record::Session(featured) = &append.record else { continue };
                append_session(connection, featured, now, seq)?;
            }
            QueryResult::Ok(())
        })
        .unwrap();
}

fn append_session(
    connection: &mut SqliteConnection,
    featured: &souffleur_core::store::FeaturedSession,
    now: i64,
    seq: &mut i64,
) -> QueryResult<()> {
    let session = &featured.session;
    let mut next = || {
        *seq += 1;
        *seq
    };
    let session_seq = next();
    let before = session.before_metrics.unwrap_or_default();
    diesel::insert_into(prompt_sessions::table)
        .values((
            (
                prompt_sessions::seq.eq(session_seq),
                prompt_sessions::event_time.eq(now),
                prompt_sessions::known_time.eq(now),
                prompt_sessions::session_id.eq(session.session_id.as_deref().unwrap_or_default()),
                prompt_sessions::project_type.eq(session.project_type.as_deref().unwrap_or_default()),
                prompt_sessions::domain.eq(session.domain.as_deref().unwrap_or_default()),
                prompt_sessions::team_size.eq(session.team_size.map_or(0, i64::from)),
            ),
            prompt_sessions::before_overall_score.eq(before.overall_score.unwrap_or_default()),
            prompt_sessions::quality_score.eq(session.quality_score.unwrap_or_default()),
            prompt_sessions::improvement_score.eq(session.improvement_score.unwrap_or_default()),
            prompt_sessions::original_prompt.eq(&session.original_prompt),
            prompt_sessions::improved_prompt.eq(session.improved_prompt.as_deref().unwrap_or_default()),
        ))
        .execute(connection)?;
    let features: Vec<u8> = featured.features.iter().flat_map(|feature| feature.to_le_bytes()).collect();
    diesel::insert_into(session_features::table)
        .values((
            session_features::seq.eq(session_seq),
            session_features::event_time.eq(now),
            session_features::known_time.eq(now),
            session_features::synthetic.eq(false),
            session_features::quality_score.eq(session.quality_score.unwrap_or_default()),
            session_features::improvement_score.eq(session.improvement_score.unwrap_or_default()),
            session_features::schema_hash.eq(1),
            session_features::features.eq(&features),
        ))
        .execute(connection)?;
    append_parts(connection, session, session_seq, now, next)
}

fn append_parts(
    connection: &mut SqliteConnection,
    session: &souffleur_core::records::Session,
    session_seq: i64,
    now: i64,
    mut next: impl FnMut() -> i64,
) -> QueryResult<()> {
    for (position, application) in (0i64..).zip(&session.rules) {
        diesel::insert_into(rule_applications::table)
            .values((
                rule_applications::seq.eq(next()),
                rule_applications::event_time.eq(now),
                rule_applications::known_time.eq(now),
                rule_applications::session_seq.eq(session_seq),
                rule_applications::rule_seq.eq(2),
                rule_applications::position.eq(position),
                rule_applications::improvement_score.eq(application.improvement_score.unwrap_or_default()),
                rule_applications::confidence.eq(application.confidence.unwrap_or_default()),
                rule_applications::execution_time_ms.eq(application.execution_time_ms.unwrap_or_default()),
                rule_applications::propensity.eq(application.propensity.unwrap_or_default()),
            ))
            .execute(connection)?;
    }
    for entry in &session.feedback {
        diesel::insert_into(user_feedback::table)
            .values((
                user_feedback::seq.eq(next()),
                user_feedback::event_time.eq(now),
                user_feedback::known_time.eq(now),
                user_feedback::session_seq.eq(session_seq),
                user_feedback::rating.eq(i64::from(entry.rating)),
            ))
            .execute(connection)?;
    }
    Ok(())
}
