//! The names a transaction meets: those stored before it, looked up all at once, and those it adds.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::dsl::count_star;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use souffleur_core::store::Record;

use crate::schema::{idempotency_keys, prompt_sessions, rule_applications, rules, training_prompts};
use crate::table::Bind;
use crate::writer::group::Pending;

/// What can be said anew of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub(super) struct Definition {
    pub(super) description: Option<String>,
    pub(super) category: Option<String>,
    pub(super) priority: i64,
    pub(super) default_parameters: Option<String>,
}

impl Definition {
    /// From the last four columns of a rule.
    pub(super) fn read(row: &[Bind<'_>; 4]) -> Self {
        let text = |bind: Bind<'_>| match bind {
            Bind::Text(text) => Some(text.to_owned()),
            _ => None,
        };
        let [description, category, priority, default_parameters] = *row;
        let priority = match priority {
            Bind::Integer(priority) => priority,
            _ => 0,
        };
        let (description, category) = (text(description), text(category));
        Self { description, category, priority, default_parameters: text(default_parameters) }
    }
}

/// Something added, to be taken back.
enum Added {
    Key(String),
    Session(String),
    Rule(String, i64),
    Application(i64),
    Redefinition(i64, Definition),
}

/// The names.
#[derive(Default)]
pub(super) struct Names {
    keys: HashMap<String, (i64, String)>,
    sessions: HashMap<String, i64>,
    rules: HashMap<String, i64>,
    definitions: HashMap<i64, Definition>,
    /// Rules applied in sessions that may get more of them.
    applied: HashMap<i64, i64>,
    counts_applications: bool,
    /// Rules with another definition than the stored one.
    redefined: BTreeSet<i64>,
    /// What to take back, where a savepoint is set.
    added: Option<Vec<Added>>,
}

/// The names that requests mention.
#[derive(Default)]
struct Mentioned<'r> {
    keys: HashSet<&'r str>,
    sessions: HashSet<&'r str>,
    rules: HashSet<&'r str>,
    /// Sessions a rule was applied in afterwards.
    extended: HashSet<&'r str>,
}

impl<'r> Mentioned<'r> {
    fn collect(requests: &'r [Pending]) -> Self {
        let mut all = Self::default();
        for append in requests.iter().flat_map(|request| &request.records) {
            all.keys.extend(append.idempotency_key.as_deref());
            match &append.record {
                Record::Session(featured) => {
                    all.sessions.extend(featured.session.session_id.as_deref());
                    all.rules.extend(featured.session.rules.iter().map(|rule| rule.rule_id.as_str()));
                }
                Record::Feedback(feedback) => drop(all.sessions.insert(&feedback.session_id)),
                Record::Application { session_id, application, .. } => {
                    all.sessions.insert(session_id);
                    all.extended.insert(session_id);
                    all.rules.insert(&application.rule_id);
                }
                Record::Rule(rule) => drop(all.rules.insert(&rule.rule_id)),
                Record::Metric(_) | Record::Document(..) => {}
            }
        }
        // A name with a zero byte can be neither stored nor asked for.
        for names in [&mut all.keys, &mut all.sessions, &mut all.rules] {
            names.retain(|name| !name.as_bytes().contains(&0));
        }
        all
    }
}

impl Names {
    /// Looks up every name the requests mention.
    pub(super) fn look_up(connection: &mut PgConnection, requests: &[Pending]) -> QueryResult<Self> {
        let mentioned = Mentioned::collect(requests);
        let mut names = Self { counts_applications: !mentioned.extended.is_empty(), ..Self::default() };
        let list = |names: &HashSet<&str>| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        if !mentioned.keys.is_empty() {
            let rows: Vec<(String, i64, String)> =
                idempotency_keys::table.filter(idempotency_keys::key.eq_any(list(&mentioned.keys))).load(connection)?;
            names.keys = rows.into_iter().map(|(key, seq, id)| (key, (seq, id))).collect();
        }
        if !mentioned.sessions.is_empty() {
            let wanted = list(&mentioned.sessions);
            let real: Vec<(String, i64)> = prompt_sessions::table
                .filter(prompt_sessions::session_id.eq_any(&wanted))
                .select((prompt_sessions::session_id, prompt_sessions::seq))
                .load(connection)?;
            let made_up: Vec<(String, i64)> = training_prompts::table
                .filter(training_prompts::session_id.eq_any(&wanted))
                .select((training_prompts::session_id, training_prompts::seq))
                .load(connection)?;
            names.sessions = real.into_iter().chain(made_up).collect();
        }
        if !mentioned.rules.is_empty() {
            let rows: Vec<(String, i64, Definition)> = rules::table
                .filter(rules::rule_id.eq_any(list(&mentioned.rules)))
                .select((
                    rules::rule_id,
                    rules::seq,
                    (rules::description, rules::category, rules::priority, rules::default_parameters),
                ))
                .load(connection)?;
            for (rule_id, seq, definition) in rows {
                names.rules.insert(rule_id, seq);
                names.definitions.insert(seq, definition);
            }
        }
        let extended: Vec<i64> =
            mentioned.extended.iter().filter_map(|name| names.sessions.get(*name)).copied().collect();
        if !extended.is_empty() {
            let counts: Vec<(i64, i64)> = rule_applications::table
                .filter(rule_applications::session_seq.eq_any(extended))
                .group_by(rule_applications::session_seq)
                .select((rule_applications::session_seq, count_star()))
                .load(connection)?;
            names.applied = counts.into_iter().collect();
        }
        Ok(names)
    }

    pub(super) fn key(&self, key: &str) -> Option<(i64, String)> {
        self.keys.get(key).cloned()
    }

    pub(super) fn session(&self, session_id: &str) -> Option<i64> {
        self.sessions.get(session_id).copied()
    }

    pub(super) fn rule(&self, rule_id: &str) -> Option<i64> {
        self.rules.get(rule_id).copied()
    }

    /// How many rules were applied in a session.
    pub(super) fn applications(&self, session_seq: i64) -> i64 {
        self.applied.get(&session_seq).copied().unwrap_or(0)
    }

    pub(super) fn add_key(&mut self, key: &str, seq: i64, id: &str) {
        self.keys.insert(key.to_owned(), (seq, id.to_owned()));
        self.note(|| Added::Key(key.to_owned()));
    }

    pub(super) fn add_session(&mut self, session_id: &str, seq: i64) {
        self.sessions.insert(session_id.to_owned(), seq);
        self.note(|| Added::Session(session_id.to_owned()));
    }

    pub(super) fn add_rule(&mut self, rule_id: &str, seq: i64, definition: Definition) {
        self.rules.insert(rule_id.to_owned(), seq);
        self.definitions.insert(seq, definition);
        self.note(|| Added::Rule(rule_id.to_owned(), seq));
    }

    pub(super) fn add_application(&mut self, session_seq: i64) {
        if self.counts_applications {
            *self.applied.entry(session_seq).or_default() += 1;
            self.note(|| Added::Application(session_seq));
        }
    }

    /// Gives a rule another definition; `false` if it is the one it has.
    pub(super) fn redefine(&mut self, seq: i64, definition: Definition) -> bool {
        let Some(before) = self.definitions.get_mut(&seq) else { return false };
        if *before == definition {
            return false;
        }
        let before = std::mem::replace(before, definition);
        self.redefined.insert(seq);
        self.note(|| Added::Redefinition(seq, before));
        true
    }

    /// The rules that are defined anew.
    pub(super) fn redefined(&self) -> impl Iterator<Item = (i64, &Definition)> {
        self.redefined.iter().filter_map(|seq| Some((*seq, self.definitions.get(seq)?)))
    }

    fn note(&mut self, added: impl FnOnce() -> Added) {
        if let Some(all) = &mut self.added {
            all.push(added());
        }
    }

    /// Begins to note what is added.
    pub(super) fn savepoint(&mut self) {
        self.added = Some(Vec::new());
    }

    /// Keeps what was added since.
    pub(super) fn release(&mut self) {
        self.added = None;
    }

    /// Takes back what was added since, the last first.
    pub(super) fn undo(&mut self) {
        for added in self.added.take().unwrap_or_default().into_iter().rev() {
            match added {
                Added::Key(key) => drop(self.keys.remove(&key)),
                Added::Session(session_id) => drop(self.sessions.remove(&session_id)),
                Added::Rule(rule_id, seq) => {
                    self.rules.remove(&rule_id);
                    self.definitions.remove(&seq);
                }
                Added::Application(session_seq) => {
                    if let Some(count) = self.applied.get_mut(&session_seq) {
                        *count -= 1;
                    }
                }
                // An update to the stored definition is harmless: the rule stays marked.
                Added::Redefinition(seq, before) => drop(self.definitions.insert(seq, before)),
            }
        }
    }
}
