//! The names a transaction meets: those stored before it, looked up all at once, and those it adds.

use std::collections::{BTreeSet, HashMap};

use crate::table::Bind;

/// What can be said anew of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A name found stored, with what goes by it.
pub(super) enum Found {
    Key { key: String, seq: i64, id: String },
    Session { session_id: String, seq: i64 },
    Rule { rule_id: String, seq: i64, definition: Definition },
    Applications { session_seq: i64, count: i64 },
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

impl Names {
    /// For a transaction that meets nothing stored but these rules.
    pub(super) fn with_rules(rules: HashMap<String, i64>) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Expects the requests to apply rules in sessions that may have some.
    pub(super) fn count_applications(&mut self) {
        self.counts_applications = true;
    }

    /// Takes in a name that was found stored.
    pub(super) fn found(&mut self, found: Found) {
        match found {
            Found::Key { key, seq, id } => drop(self.keys.insert(key, (seq, id))),
            Found::Session { session_id, seq } => drop(self.sessions.insert(session_id, seq)),
            Found::Rule { rule_id, seq, definition } => {
                self.rules.insert(rule_id, seq);
                self.definitions.insert(seq, definition);
            }
            Found::Applications { session_seq, count } => drop(self.applied.insert(session_seq, count)),
        }
    }

    /// The rules that are stored once the transaction is.
    pub(super) fn rules(&self) -> impl Iterator<Item = (&str, i64)> {
        self.rules.iter().map(|(rule_id, seq)| (rule_id.as_str(), *seq))
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
