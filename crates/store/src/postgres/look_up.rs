//! Which names requests mention, and looking them up in one statement.

use std::collections::HashSet;

use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use souffleur_core::store::{Record, StoreError};

use super::names::{Definition, Found, Names};
use crate::errors::database;
use crate::writer::group::Pending;
use crate::writer::known_rules::KnownRules;

/// The names that requests mention.
#[derive(Default)]
pub(super) struct Mentioned<'r> {
    keys: HashSet<&'r str>,
    sessions: HashSet<&'r str>,
    rules: HashSet<&'r str>,
    /// Sessions a rule was applied in afterwards.
    extended: HashSet<&'r str>,
    /// Whether something is said of what must be stored already, or of a rule that may be.
    speaks_of_stored: bool,
}

impl<'r> Mentioned<'r> {
    pub(super) fn collect(requests: &'r [Pending]) -> Self {
        let mut all = Self::default();
        for append in requests.iter().flat_map(|request| &request.records) {
            all.keys.extend(append.idempotency_key.as_deref());
            match &append.record {
                Record::Session(featured) => {
                    all.sessions.extend(featured.session.session_id.as_deref());
                    all.rules.extend(featured.session.rules.iter().map(|rule| rule.rule_id.as_str()));
                }
                Record::Feedback(feedback) => {
                    all.sessions.insert(&feedback.session_id);
                    all.speaks_of_stored = true;
                }
                Record::Application { session_id, application, .. } => {
                    all.sessions.insert(session_id);
                    all.extended.insert(session_id);
                    all.rules.insert(&application.rule_id);
                    all.speaks_of_stored = true;
                }
                Record::Rule(rule) => {
                    all.rules.insert(&rule.rule_id);
                    all.speaks_of_stored = true;
                }
                Record::Metric(_) | Record::Document(..) => {}
            }
        }
        // A name with a zero byte can be neither stored nor asked for.
        for names in [&mut all.keys, &mut all.sessions, &mut all.rules, &mut all.extended] {
            names.retain(|name| !name.as_bytes().contains(&0));
        }
        all
    }

    /// What must not be stored if the requests meet nothing stored but known rules; `None` if they may meet more.
    pub(super) fn as_new(&self, known: &KnownRules) -> Option<(Names, New)> {
        if self.speaks_of_stored {
            return None;
        }
        let rules = self.rules.iter().map(|rule_id| Some(((*rule_id).to_owned(), known.get(rule_id)?)));
        let names = Names::with_rules(rules.collect::<Option<_>>()?);
        let owned = |names: &HashSet<&str>| names.iter().map(|name| (*name).to_owned()).collect();
        Some((names, New { sessions: owned(&self.sessions), keys: owned(&self.keys) }))
    }

    /// Looks all of them up. Gives the last number too.
    pub(super) fn look_up(&self, connection: &mut PgConnection) -> Result<(i64, Names), StoreError> {
        let mut names = Names::default();
        if !self.extended.is_empty() {
            names.count_applications();
        }
        let list = |names: &HashSet<&'r str>| names.iter().copied().collect();
        let (keys, sessions) = (list(&self.keys), list(&self.sessions));
        let look_up = LookUp { keys, sessions, rules: list(&self.rules), extended: list(&self.extended) };
        let mut last_seq = None;
        for row in look_up.load::<Row>(connection).map_err(database)? {
            match found(row) {
                Some(Ok(found)) => names.found(found),
                Some(Err(last)) => last_seq = Some(last),
                None => {}
            }
        }
        let last_seq = last_seq.ok_or_else(|| StoreError::Incompatible("the table hub_state is empty".into()))?;
        Ok((last_seq, names))
    }
}

/// Names that are taken for new.
#[derive(Default)]
pub(super) struct New {
    pub(super) sessions: Vec<String>,
    pub(super) keys: Vec<String>,
}

type NullableText = Nullable<Text>;

/// What a row speaks of, a number, a name, and what else there is to say.
type Row = (i64, i64, Option<String>, Option<String>, Option<String>, Option<i64>, Option<String>);

/// A row as a name; in `Err` the last number.
fn found((kind, seq, name, first, second, number, third): Row) -> Option<Result<Found, i64>> {
    Some(Ok(match (kind, name) {
        (LAST_SEQ, _) => return Some(Err(seq)),
        (KEY, Some(key)) => Found::Key { key, seq, id: first? },
        (SESSION, Some(session_id)) => Found::Session { session_id, seq },
        (RULE, Some(rule_id)) => {
            let (priority, default_parameters) = (number.unwrap_or(0), third);
            let definition = Definition { description: first, category: second, priority, default_parameters };
            Found::Rule { rule_id, seq, definition }
        }
        (APPLICATIONS, _) => Found::Applications { session_seq: seq, count: number? },
        _ => return None,
    }))
}

const LAST_SEQ: i64 = 0;
const KEY: i64 = 1;
const SESSION: i64 = 2;
const RULE: i64 = 3;
const APPLICATIONS: i64 = 4;

/// All questions as one statement, which the connection keeps prepared.
struct LookUp<'r> {
    keys: Vec<&'r str>,
    sessions: Vec<&'r str>,
    rules: Vec<&'r str>,
    extended: Vec<&'r str>,
}

impl Query for LookUp<'_> {
    type SqlType = (BigInt, BigInt, NullableText, NullableText, NullableText, Nullable<BigInt>, NullableText);
}

impl QueryId for LookUp<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<PgConnection> for LookUp<'_> {}

impl QueryFragment<Pg> for LookUp<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT 0::BIGINT, last_seq, NULL::TEXT, NULL::TEXT, NULL::TEXT, NULL::BIGINT, NULL::TEXT \
             FROM hub_state WHERE id = 1 \
             UNION ALL SELECT 1, seq, key, id, NULL, NULL, NULL FROM idempotency_keys WHERE key = ANY (",
        );
        out.push_bind_param::<Array<Text>, _>(&self.keys)?;
        out.push_sql(
            ") UNION ALL SELECT 3, seq, rule_id, description, category, priority, default_parameters \
             FROM rules WHERE rule_id = ANY (",
        );
        out.push_bind_param::<Array<Text>, _>(&self.rules)?;
        for table in ["prompt_sessions", "training_prompts"] {
            out.push_sql(") UNION ALL SELECT 2, seq, session_id, NULL, NULL, NULL, NULL FROM ");
            out.push_sql(table);
            out.push_sql(" WHERE session_id = ANY (");
            out.push_bind_param::<Array<Text>, _>(&self.sessions)?;
        }
        for table in ["prompt_sessions", "training_prompts"] {
            out.push_sql(
                ") UNION ALL SELECT 4, session_seq, NULL, NULL, NULL, count(*), NULL FROM rule_applications \
                 WHERE session_seq IN (SELECT seq FROM ",
            );
            out.push_sql(table);
            out.push_sql(" WHERE session_id = ANY (");
            out.push_bind_param::<Array<Text>, _>(&self.extended)?;
            out.push_sql(")) GROUP BY (session_seq");
        }
        out.push_sql(")");
        Ok(())
    }
}
