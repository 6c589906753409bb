//! Erasing sessions: their rows, what was made from them, what quotes them. Why it is done so: `docs/adr/0008-erasures-are-rows.md`.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use souffleur_core::ids::Seq;
use souffleur_core::store::{Erase, Erased, RunCommit, Stage, StoreError, Traces};

use super::errand::Site;
use super::runs::Stop;
use super::versions;
use crate::database::{Db, Leasing};
use crate::schema::{erasures, hub_state, model_aliases, model_versions, runs, tombstones};
use crate::traces::traces;

/// Places in one statement: below SQLite's limit on variables.
const AT_ONCE: usize = 500;

/// Erases in the open transaction.
pub(crate) fn erase(connection: &mut Db, site: Site, erase: &Erase) -> Result<Erased, Stop> {
    // Whoever numbers rows waits from here on, so that nothing is added to what is being traced.
    versions::lock(connection)?;
    let traces = traces(connection, &erase.session_ids)?;
    if traces.sessions.is_empty() && traces.metric_points.is_empty() {
        return Ok(Erased { seq: None, traces });
    }
    let seq: i64 = diesel::update(hub_state::table)
        .set(hub_state::last_seq.eq(hub_state::last_seq + 1))
        .returning(hub_state::last_seq)
        .get_result(connection)?;
    bury(connection, seq, &traces)?;
    delete_rows(connection, &traces)?;
    withdraw_models(connection, seq, &traces)?;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    diesel::insert_into(erasures::table)
        .values((
            erasures::seq.eq(seq),
            erasures::event_time.eq(erase.now.0),
            erasures::known_time.eq(erase.now.0),
            erasures::reason.eq(&erase.reason),
            erasures::sessions.eq(count(traces.sessions.len())),
            erasures::row_count.eq(count(traces.rows.len() + traces.documents.len() + traces.metric_points.len())),
            erasures::models.eq(count(traces.models.len())),
            erasures::documents.eq(count(traces.documents.len())),
        ))
        .execute(connection)?;
    if let Some(holder) = site.holder {
        connection.announce_rows(holder, seq, 0)?;
        let components: BTreeSet<&String> = traces.models.iter().map(|model| &model.component).collect();
        for component in components {
            connection.announce_model(holder, component)?;
        }
    }
    Ok(Erased { seq: Some(Seq(seq)), traces })
}

/// Every number that is about to be free of a row, sorted.
fn freed(traces: &Traces) -> Vec<i64> {
    let rows = traces.rows.iter().chain(&traces.metric_points).map(|seq| seq.0);
    let mut freed: Vec<i64> = rows.chain(traces.documents.iter().map(|document| document.seq.0)).collect();
    freed.sort_unstable();
    freed.dedup();
    freed
}

/// Keeps the numbers taken: each stretch of them is one row.
fn bury(connection: &mut Db, erasure: i64, traces: &Traces) -> QueryResult<()> {
    for stretch in freed(traces).chunk_by(|a, b| a + 1 == *b) {
        if let (Some(first), Some(last)) = (stretch.first(), stretch.last()) {
            diesel::insert_into(tombstones::table)
                .values((
                    tombstones::first_seq.eq(first),
                    tombstones::last_seq.eq(last),
                    tombstones::erasure_seq.eq(erasure),
                ))
                .execute(connection)?;
        }
    }
    Ok(())
}

/// The tables that hold a session's parts under a number of their own or under the session's.
const PARTS: [(&str, &str); 5] = [
    ("prompt_sessions", "seq"),
    ("training_prompts", "seq"),
    ("session_features", "seq"),
    ("rule_applications", "session_seq"),
    ("user_feedback", "session_seq"),
];

fn delete_rows(connection: &mut Db, traces: &Traces) -> QueryResult<()> {
    let sessions: Vec<i64> = traces.sessions.iter().map(|seq| seq.0).collect();
    for (table, column) in PARTS {
        delete(connection, table, column, &sessions)?;
    }
    let points: Vec<i64> = traces.metric_points.iter().map(|seq| seq.0).collect();
    delete(connection, "metric_points", "seq", &points)?;
    for document in &traces.documents {
        delete(connection, document.kind.table(), "seq", &[document.seq.0])?;
    }
    // Keys are found by the number they were answered with; there is no index on it, so that they are gone through once.
    diesel::sql_query(
        "DELETE FROM idempotency_keys WHERE (SELECT last_seq FROM tombstones \
         WHERE first_seq <= idempotency_keys.seq ORDER BY first_seq DESC LIMIT 1) >= seq",
    )
    .execute(connection)?;
    Ok(())
}

/// Deletes rows by number. Table and column are ours, and numbers need no quoting.
fn delete(connection: &mut Db, table: &str, column: &str, places: &[i64]) -> QueryResult<()> {
    for places in places.chunks(AT_ONCE) {
        let list = places.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        diesel::sql_query(format!("DELETE FROM {table} WHERE {column} IN ({list})")).execute(connection)?;
    }
    Ok(())
}

/// Gives up the models made from what is erased, and the reports of their runs. A component whose live model goes has the
/// newest sound one in its place that was live before it.
fn withdraw_models(connection: &mut Db, erasure: i64, traces: &Traces) -> QueryResult<()> {
    let reason = format!("it contains erased data (erasure {erasure})");
    let mut leaderless = BTreeSet::new();
    for model in &traces.models {
        versions::give_up(connection, model.seq.0, &reason)?;
        diesel::update(model_versions::table.find(model.seq.0))
            .set(model_versions::erased.eq(1))
            .execute(connection)?;
        diesel::delete(model_aliases::table.filter(model_aliases::seq.eq(model.seq.0))).execute(connection)?;
        if model.live {
            leaderless.insert(&model.component);
        }
    }
    let runs_touched = traces.models.iter().map(|model| &model.run_id).chain(&traces.reports);
    for run_id in runs_touched {
        diesel::update(runs::table.filter(runs::run_id.eq(run_id)))
            .set((runs::report.eq(None::<String>), runs::reason.eq(&reason)))
            .execute(connection)?;
    }
    for component in leaderless {
        let heir: Option<i64> = model_versions::table
            .filter(model_versions::component.eq(component))
            .filter(model_versions::kept.eq(1))
            .filter(model_versions::stage.eq(Stage::Archived.name()))
            .order(model_versions::seq.desc())
            .select(model_versions::seq)
            .first(connection)
            .optional()?;
        if let Some(heir) = heir {
            diesel::update(model_versions::table.find(heir))
                .set((
                    model_versions::stage.eq(Stage::Live.name()),
                    model_versions::reason.eq("the live model contained erased data"),
                ))
                .execute(connection)?;
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Hit {
    #[diesel(sql_type = BigInt)]
    hit: i64,
}

/// Refuses a model that was trained while something it was made from was erased.
pub(super) fn refuse_erased(connection: &mut Db, run: &RunCommit) -> Result<(), Stop> {
    let since: Vec<(i64, i64)> = tombstones::table
        .filter(tombstones::erasure_seq.gt(run.version.watermark.0))
        .filter(tombstones::first_seq.le(run.version.watermark.0))
        .select((tombstones::first_seq, tombstones::last_seq))
        .order(tombstones::first_seq)
        .load(connection)?;
    let buried = |row: &Seq| {
        let at = since.partition_point(|(first, _)| *first <= row.0);
        at > 0 && since[at - 1].1 >= row.0
    };
    let inherits = |connection: &mut Db, sql: &str, name: &str| -> QueryResult<bool> {
        let hit: Hit = diesel::sql_query(sql).bind::<Text, _>(name).get_result(connection)?;
        Ok(hit.hit > 0)
    };
    let mut erased = !since.is_empty() && run.rows.iter().any(buried);
    if let Some(previous) = &run.origin.previous {
        let sql = "SELECT count(*) AS hit FROM model_versions WHERE model_id = $1 AND erased = 1";
        erased |= inherits(connection, sql, previous)?;
    }
    for run_id in run.origin.products.values() {
        let sql = "SELECT count(*) AS hit FROM runs WHERE run_id = $1 AND state = 'succeeded' AND report IS NULL";
        erased |= inherits(connection, sql, run_id)?;
    }
    if erased {
        let text = "something it was made from was erased while it was trained; the model was thrown away, train again";
        return Err(StoreError::Refused(text.to_owned()).into());
    }
    Ok(())
}
