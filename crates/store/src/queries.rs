//! The questions asked rarely enough for diesel: documents, metrics, rules, runs, models. Sessions have [a file of their own](crate::sessions).

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use souffleur_core::document::{Document, DocumentKind};
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::records::{MetricPoint, Rule};
use souffleur_core::store::{Counts, ModelRow, RunRow, StoreError};
use souffleur_core::time::Timestamp;

use crate::database::Db;
use crate::errors::{database, unreadable};
use crate::lineage;
use crate::rows::{RuleRow, StoredModel, StoredRun, version};
use crate::schema::{
    lineage as lineage_rows, metric_points, models, prompt_sessions, rule_applications, rules, runs, training_prompts,
    user_feedback,
};

pub(crate) fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[derive(QueryableByName)]
struct DocumentRow {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    event_time: i64,
    #[diesel(sql_type = BigInt)]
    known_time: i64,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    body: String,
}

pub(crate) fn documents(
    connection: &mut Db,
    kind: DocumentKind,
    subject: Option<&str>,
    until: Seq,
    limit: usize,
) -> Result<Vec<Document>, StoreError> {
    // The eight tables have one shape; the name is one of ours, never a caller's text.
    let text = |of: &str, limit: &str| {
        let table = kind.table();
        let columns = "seq, event_time, known_time, subject, body";
        format!("SELECT {columns} FROM {table} WHERE seq <= $1 {of} ORDER BY seq DESC LIMIT {limit}")
    };
    let limit = most(limit);
    let rows: Vec<DocumentRow> = match subject {
        Some(subject) => diesel::sql_query(text("AND subject = $2", "$3"))
            .bind::<BigInt, _>(until.0)
            .bind::<Text, _>(subject)
            .bind::<BigInt, _>(limit)
            .load(connection),
        None => diesel::sql_query(text("", "$2")).bind::<BigInt, _>(until.0).bind::<BigInt, _>(limit).load(connection),
    }
    .map_err(database)?;
    let read = |row: DocumentRow| {
        Ok(Document {
            seq: Seq(row.seq),
            subject: row.subject,
            event_time: Timestamp(row.event_time),
            known_time: Timestamp(row.known_time),
            body: serde_json::from_str(&row.body).map_err(|error| unreadable("document", error))?,
        })
    };
    rows.into_iter().rev().map(read).collect()
}

pub(crate) fn metrics(
    connection: &mut Db,
    subject: Option<&str>,
    until: Seq,
    limit: usize,
) -> Result<Vec<(Seq, MetricPoint)>, StoreError> {
    let mut query = metric_points::table
        .filter(metric_points::seq.le(until.0))
        .order(metric_points::seq.desc())
        .limit(most(limit))
        .select((
            metric_points::seq,
            metric_points::metric,
            metric_points::subject,
            metric_points::value,
            metric_points::event_time,
        ))
        .into_boxed();
    if let Some(subject) = subject {
        query = query.filter(metric_points::subject.eq(subject));
    }
    let rows: Vec<(i64, String, String, f64, i64)> = query.load(connection).map_err(database)?;
    let read = |(seq, metric, subject, value, event_time)| {
        (Seq(seq), MetricPoint { metric, subject, value, event_time: Some(Timestamp(event_time)) })
    };
    Ok(rows.into_iter().rev().map(read).collect())
}

pub(crate) fn rules(connection: &mut Db) -> Result<Vec<Rule>, StoreError> {
    let rows: Vec<RuleRow> =
        rules::table.order(rules::rule_id).select(RuleRow::as_select()).load(connection).map_err(database)?;
    rows.into_iter().map(RuleRow::into_rule).collect()
}

pub(crate) fn counts(connection: &mut Db) -> Result<Counts, StoreError> {
    let count = |result: QueryResult<i64>| result.map(|n| u64::try_from(n).unwrap_or(0));
    connection
        .transaction(|connection| {
            Ok(Counts {
                sessions: count(prompt_sessions::table.select(count_star()).first(connection))?,
                training_prompts: count(training_prompts::table.select(count_star()).first(connection))?,
                rule_applications: count(rule_applications::table.select(count_star()).first(connection))?,
                feedback: count(user_feedback::table.select(count_star()).first(connection))?,
                rules: count(rules::table.select(count_star()).first(connection))?,
                runs: count(runs::table.select(count_star()).first(connection))?,
                models: count(models::table.select(count_star()).first(connection))?,
            })
        })
        .map_err(database)
}

pub(crate) fn unfinished_runs(connection: &mut Db) -> Result<Vec<RunRow>, StoreError> {
    let rows: Vec<StoredRun> = runs::table
        .filter(runs::state.eq("running"))
        .order(runs::id)
        .select(StoredRun::as_select())
        .load(connection)
        .map_err(database)?;
    rows.into_iter().map(StoredRun::into_row).collect()
}

pub(crate) fn runs(connection: &mut Db, component: &str, limit: usize) -> Result<Vec<RunRow>, StoreError> {
    let rows: Vec<StoredRun> = runs::table
        .filter(runs::component.eq(component))
        .order(runs::id.desc())
        .limit(most(limit))
        .select(StoredRun::as_select())
        .load(connection)
        .map_err(database)?;
    rows.into_iter().map(StoredRun::into_row).collect()
}

pub(crate) fn latest_model(connection: &mut Db, component: &str) -> Result<Option<ModelRow>, StoreError> {
    let row: Option<StoredModel> = models::table
        .filter(models::component.eq(component))
        .order(models::seq.desc())
        .select(StoredModel::as_select())
        .first(connection)
        .optional()
        .map_err(database)?;
    Ok(row.map(ModelRow::from))
}

pub(crate) fn model_rows(connection: &mut Db, model_id: &str) -> Result<(DataVersion, Vec<Seq>), StoreError> {
    let (watermark, schema_hash, row_count, packed): (i64, i64, i64, Vec<u8>) = models::table
        .inner_join(lineage_rows::table.on(lineage_rows::seq.eq(models::seq)))
        .filter(models::model_id.eq(model_id))
        .order(models::seq.desc())
        .select((models::watermark, models::schema_hash, lineage_rows::row_count, lineage_rows::rows))
        .first(connection)
        .optional()
        .map_err(database)?
        .ok_or_else(|| StoreError::Unknown { what: "model", name: model_id.to_owned() })?;
    let rows = lineage::unpack(&packed, u64::try_from(row_count).unwrap_or(0))?;
    Ok((version(watermark, schema_hash), rows))
}
