//! Tracing sessions: which rows are theirs, which models were made from them, what quotes them.
//!
//! Forwards, from a model to its rows, lineage is stored. Backwards it is looked for: the rows of every model young enough
//! are gone through as they are packed, a run of them at a time, so that a model of a million consecutive rows costs as much
//! as one of ten. Documents and reports are read once, with one automaton for everything that would be a quote.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::AhoCorasick;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use souffleur_core::document::DocumentKind;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Stage, StoreError, Tie, TouchedDocument, TouchedModel, Traces};

use crate::database::Db;
use crate::errors::{database, unreadable};
use crate::lineage;
use crate::schema::{
    lineage as lineage_rows, metric_points, model_inputs, model_versions, models, prompt_sessions, rule_applications,
    runs, training_prompts, user_feedback,
};

/// Names or places in one statement: below SQLite's limit on variables.
const AT_ONCE: usize = 500;
/// Models whose rows are read at once.
const MODELS_AT_ONCE: i64 = 256;
/// Documents read at once.
const DOCUMENTS_AT_ONCE: i64 = 512;
/// Characters of a text that make a quote of it; a text of fewer than the smaller number is no quote of anything.
const QUOTE_CHARS: std::ops::RangeInclusive<usize> = 16..=80;

/// Everything that has to do with these sessions. Grows until nothing is found any more: a document that quotes a session may
/// be a row of a model, and another document may name that model.
pub(crate) fn traces(connection: &mut Db, session_ids: &[String]) -> Result<Traces, StoreError> {
    let mut search = Search::default();
    search.find_sessions(connection, session_ids)?;
    search.find_metric_points(connection, session_ids)?;
    while !(search.new_rows.is_empty() && search.new_quotes.is_empty()) {
        let rows = std::mem::take(&mut search.new_rows);
        search.find_models(connection, &rows)?;
        search.find_heirs(connection)?;
        let quotes = std::mem::take(&mut search.new_quotes);
        search.find_quotes(connection, &quotes)?;
    }
    Ok(search.into_traces())
}

#[derive(Default)]
struct Search {
    traces: Traces,
    models: BTreeMap<i64, TouchedModel>,
    documents: BTreeSet<(i64, DocumentKind)>,
    reports: BTreeSet<String>,
    /// Rows models have not been looked through for.
    new_rows: Vec<i64>,
    /// Quotes documents have not been looked through for: names in quotation marks, beginnings of texts.
    new_quotes: BTreeSet<String>,
    /// Names whose heirs have not been looked for.
    new_names: Vec<String>,
}

/// A name as it stands in a JSON document, with its quotation marks.
fn named(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

/// The beginning of a text as it stands in a JSON document, if it is long enough to be a quote.
fn beginning(text: &str) -> Option<String> {
    let beginning: String = text.chars().take(*QUOTE_CHARS.end()).collect();
    let quoted = named(&beginning);
    (beginning.chars().count() >= *QUOTE_CHARS.start()).then(|| quoted[1..quoted.len() - 1].to_owned())
}

impl Search {
    fn find_sessions(&mut self, connection: &mut Db, session_ids: &[String]) -> Result<(), StoreError> {
        let mut known = BTreeSet::new();
        for ids in session_ids.chunks(AT_ONCE) {
            let mut found: Vec<(i64, String, String, Option<String>)> = prompt_sessions::table
                .filter(prompt_sessions::session_id.eq_any(ids))
                .select((
                    prompt_sessions::seq,
                    prompt_sessions::session_id,
                    prompt_sessions::original_prompt,
                    prompt_sessions::improved_prompt,
                ))
                .load(connection)
                .map_err(database)?;
            found.extend(
                training_prompts::table
                    .filter(training_prompts::session_id.eq_any(ids))
                    .select((
                        training_prompts::seq,
                        training_prompts::session_id,
                        training_prompts::original_prompt,
                        training_prompts::improved_prompt,
                    ))
                    .load::<(i64, String, String, Option<String>)>(connection)
                    .map_err(database)?,
            );
            for (seq, id, original, improved) in found {
                self.new_quotes.insert(named(&id));
                self.new_quotes.extend(beginning(&original).into_iter().chain(improved.as_deref().and_then(beginning)));
                self.traces.sessions.push(Seq(seq));
                known.insert(id);
            }
        }
        self.traces.sessions.sort_unstable();
        self.traces.unknown = session_ids.iter().filter(|id| !known.contains(*id)).cloned().collect();
        self.find_parts(connection)
    }

    /// What was applied in the sessions, and opinions on them.
    fn find_parts(&mut self, connection: &mut Db) -> Result<(), StoreError> {
        let sessions: Vec<i64> = self.traces.sessions.iter().map(|seq| seq.0).collect();
        let mut rows = sessions.clone();
        for places in sessions.chunks(AT_ONCE) {
            let applications = rule_applications::table
                .filter(rule_applications::session_seq.eq_any(places))
                .select(rule_applications::seq);
            rows.extend(applications.load::<i64>(connection).map_err(database)?);
            let feedback = user_feedback::table
                .filter(user_feedback::session_seq.eq_any(places))
                .select((user_feedback::seq, user_feedback::text));
            for (seq, text) in feedback.load::<(i64, Option<String>)>(connection).map_err(database)? {
                rows.push(seq);
                self.new_quotes.extend(text.as_deref().and_then(beginning));
            }
        }
        rows.sort_unstable();
        self.traces.rows = rows.iter().map(|row| Seq(*row)).collect();
        self.new_rows = rows;
        Ok(())
    }

    fn find_metric_points(&mut self, connection: &mut Db, session_ids: &[String]) -> Result<(), StoreError> {
        for ids in session_ids.chunks(AT_ONCE) {
            let points = metric_points::table.filter(metric_points::subject.eq_any(ids)).select(metric_points::seq);
            for seq in points.load::<i64>(connection).map_err(database)? {
                self.traces.metric_points.push(Seq(seq));
                self.new_rows.push(seq);
            }
        }
        self.new_rows.sort_unstable();
        Ok(())
    }

    /// Models one of whose rows is among `rows`, which are sorted.
    fn find_models(&mut self, connection: &mut Db, rows: &[i64]) -> Result<(), StoreError> {
        let Some(oldest) = rows.first() else { return Ok(()) };
        let mut after = 0;
        loop {
            let page: Vec<(i64, i64, Vec<u8>)> = models::table
                .inner_join(lineage_rows::table.on(lineage_rows::seq.eq(models::seq)))
                .filter(models::seq.gt(after))
                .filter(models::watermark.ge(oldest))
                .order(models::seq)
                .limit(MODELS_AT_ONCE)
                .select((models::seq, lineage_rows::row_count, lineage_rows::rows))
                .load(connection)
                .map_err(database)?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            for (seq, count, packed) in page {
                self.traces.lineages_read += 1;
                let hits = lineage::hits(&packed, u64::try_from(count).unwrap_or(0), rows)?;
                if hits > 0 {
                    self.touch(connection, seq, Tie::Rows, hits)?;
                }
            }
        }
    }

    fn touch(&mut self, connection: &mut Db, seq: i64, tie: Tie, rows: u64) -> Result<(), StoreError> {
        if let Some(model) = self.models.get_mut(&seq) {
            model.rows += rows;
            model.tie = model.tie.min(tie);
            return Ok(());
        }
        let (model_id, component, run_id): (String, String, String) = models::table
            .find(seq)
            .select((models::model_id, models::component, models::run_id))
            .first(connection)
            .map_err(database)?;
        let stage: Option<String> = model_versions::table
            .find(seq)
            .select(model_versions::stage)
            .first(connection)
            .optional()
            .map_err(database)?;
        let live = stage.is_some_and(|stage| stage == Stage::Live.name());
        for name in [&model_id, &run_id] {
            self.new_quotes.insert(named(name));
            self.new_names.push(name.clone());
        }
        let model = TouchedModel { seq: Seq(seq), model_id, component, run_id, tie, rows, live };
        self.models.insert(seq, model);
        Ok(())
    }

    /// Models that started from a touched model, or were handed a touched run's report, and so on.
    fn find_heirs(&mut self, connection: &mut Db) -> Result<(), StoreError> {
        while !self.new_names.is_empty() {
            let names = std::mem::take(&mut self.new_names);
            for names in names.chunks(AT_ONCE) {
                let heirs = model_inputs::table.filter(model_inputs::name.eq_any(names)).select(model_inputs::seq);
                for seq in heirs.load::<i64>(connection).map_err(database)? {
                    if !self.models.contains_key(&seq) {
                        self.touch(connection, seq, Tie::Inherited, 0)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn find_quotes(&mut self, connection: &mut Db, quotes: &BTreeSet<String>) -> Result<(), StoreError> {
        if quotes.is_empty() {
            return Ok(());
        }
        let automaton = AhoCorasick::new(quotes).map_err(|error| unreadable("quotes", error))?;
        for kind in DocumentKind::ALL {
            self.find_documents(connection, kind, quotes, &automaton)?;
        }
        let mut after = 0;
        loop {
            let page: Vec<(i64, String, Option<String>)> = runs::table
                .filter(runs::id.gt(after))
                .filter(runs::report.is_not_null())
                .order(runs::id)
                .limit(DOCUMENTS_AT_ONCE)
                .select((runs::id, runs::run_id, runs::report))
                .load(connection)
                .map_err(database)?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            self.traces.documents_read += page.len() as u64;
            for (_, run_id, report) in page {
                if report.is_some_and(|report| automaton.is_match(&report)) && self.reports.insert(run_id.clone()) {
                    self.new_quotes.insert(named(&run_id));
                    self.new_names.push(run_id);
                    self.find_heirs(connection)?;
                }
            }
        }
    }

    fn find_documents(
        &mut self,
        connection: &mut Db,
        kind: DocumentKind,
        quotes: &BTreeSet<String>,
        automaton: &AhoCorasick,
    ) -> Result<(), StoreError> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            seq: i64,
            #[diesel(sql_type = Text)]
            subject: String,
            #[diesel(sql_type = Text)]
            body: String,
        }
        // The name of a table is one of ours, never a caller's text.
        let table = kind.table();
        let page =
            format!("SELECT seq, subject, body FROM {table} WHERE seq > $1 ORDER BY seq LIMIT {DOCUMENTS_AT_ONCE}");
        let mut after = 0;
        loop {
            let rows: Vec<Row> =
                diesel::sql_query(&page).bind::<BigInt, _>(after).load(connection).map_err(database)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.seq;
            self.traces.documents_read += rows.len() as u64;
            for row in rows {
                let quotes = automaton.is_match(&row.body) || quotes.contains(&named(&row.subject));
                if quotes && self.documents.insert((row.seq, kind)) {
                    // In order, as long as it is of one table; put in order before it is used.
                    self.new_rows.push(row.seq);
                }
            }
            self.new_rows.sort_unstable();
        }
    }

    fn into_traces(self) -> Traces {
        let Self { mut traces, models, documents, reports, .. } = self;
        let runs: BTreeSet<&String> = models.values().map(|model| &model.run_id).collect();
        traces.reports = reports.iter().filter(|run_id| !runs.contains(run_id)).cloned().collect();
        let document = |(seq, kind)| TouchedDocument { seq: Seq(seq), kind, tie: Tie::Quote };
        traces.documents = documents.into_iter().map(document).collect();
        traces.models = models.into_values().collect();
        traces
    }
}
