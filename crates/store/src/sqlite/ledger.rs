//! Appending to SQLite: prepared statements, a savepoint for each request.

use souffleur_core::store::StoreError;

use super::raw::{Connection, SqliteError, Statement};
use crate::delta::Fields;
use crate::table::{Bind, Table};
use crate::writer::group::Pending;
use crate::writer::known_rules::KnownRules;
use crate::writer::ledger::Ledger;

/// Every statement the append path runs.
pub(crate) struct SqliteLedger<'c> {
    connection: &'c Connection,
    rules: KnownRules,
    last_seq: Statement<'c>,
    set_last_seq: Statement<'c>,
    find_key: Statement<'c>,
    find_session: Statement<'c>,
    find_rule: Statement<'c>,
    count_applications: Statement<'c>,
    find_prompt_session: Statement<'c>,
    find_training_prompt: Statement<'c>,
    redefine_rule: Statement<'c>,
    /// By the table's number. A session's leaves one of the same name as it is.
    inserts: Vec<Statement<'c>>,
}

const FIND_SESSION: &str = "SELECT seq FROM prompt_sessions WHERE session_id = ?1 \
     UNION ALL SELECT seq FROM training_prompts WHERE session_id = ?1 LIMIT 1";

const REDEFINE_RULE: &str = "UPDATE rules SET description = ?2, category = ?3, priority = ?4, default_parameters = ?5 \
     WHERE seq = ?1 AND (description IS NOT ?2 OR category IS NOT ?3 OR priority IS NOT ?4 \
     OR default_parameters IS NOT ?5) RETURNING seq";

/// `INSERT` of as many values as the table has columns.
fn insert(table: Table) -> String {
    let (name, columns) = table.shape();
    let places = vec!["?"; columns].join(",");
    let or_leave = match table {
        Table::PromptSessions | Table::TrainingPrompts => " ON CONFLICT (session_id) DO NOTHING",
        _ => "",
    };
    format!("INSERT INTO {name} VALUES ({places}){or_leave}")
}

impl<'c> SqliteLedger<'c> {
    pub(super) fn prepare(on: &'c Connection) -> Result<Self, SqliteError> {
        Ok(Self {
            connection: on,
            rules: KnownRules::default(),
            last_seq: on.prepare("SELECT last_seq FROM hub_state")?,
            set_last_seq: on.prepare("UPDATE hub_state SET last_seq = ?1")?,
            find_key: on.prepare("SELECT seq, id FROM idempotency_keys WHERE key = ?1")?,
            find_session: on.prepare(FIND_SESSION)?,
            find_rule: on.prepare("SELECT seq FROM rules WHERE rule_id = ?1")?,
            count_applications: on.prepare("SELECT count(*) FROM rule_applications WHERE session_seq = ?1")?,
            find_prompt_session: on.prepare("SELECT 1 FROM prompt_sessions WHERE session_id = ?1")?,
            find_training_prompt: on.prepare("SELECT 1 FROM training_prompts WHERE session_id = ?1")?,
            redefine_rule: on.prepare(REDEFINE_RULE)?,
            inserts: Table::ALL.into_iter().map(|table| on.prepare(&insert(table))).collect::<Result<_, _>>()?,
        })
    }
}

impl Ledger for SqliteLedger<'_> {
    /// The last number is read inside the transaction, so that no other process can hand it out again.
    fn begin(&mut self, _: &[Pending]) -> Result<i64, StoreError> {
        self.connection.execute(c"BEGIN IMMEDIATE")?;
        let last = self.last_seq.first(&[], |row| row.integer(0))?;
        last.ok_or_else(|| StoreError::Incompatible("the table hub_state is empty".into()))
    }

    fn commit(&mut self, last_seq: i64) -> Result<bool, StoreError> {
        self.set_last_seq.run(&[last_seq.into()])?;
        self.connection.execute(c"COMMIT")?;
        Ok(true)
    }

    /// SQLite may have rolled back by itself.
    fn rollback(&mut self) {
        self.rules.clear();
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute(c"ROLLBACK")
        {
            tracing::error!(%error, "cannot roll back; the next transaction will report it");
        }
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        Ok(self.connection.execute(c"SAVEPOINT request")?)
    }

    fn release(&mut self) -> Result<(), StoreError> {
        Ok(self.connection.execute(c"RELEASE request")?)
    }

    /// A full disk, for one, makes SQLite roll back everything.
    fn undo(&mut self) -> Result<bool, StoreError> {
        self.rules.clear();
        if self.connection.is_autocommit() {
            return Ok(false);
        }
        self.connection.execute(c"ROLLBACK TO request")?;
        self.connection.execute(c"RELEASE request")?;
        Ok(true)
    }

    fn find_key(&mut self, key: &str) -> Result<Option<(i64, String)>, StoreError> {
        Ok(self.find_key.first(&[key.into()], |row| (row.integer(0), row.text(1)))?)
    }

    fn find_session(&mut self, session_id: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.find_session.first(&[session_id.into()], |row| row.integer(0))?)
    }

    fn find_rule(&mut self, rule_id: &str) -> Result<Option<i64>, StoreError> {
        if let Some(seq) = self.rules.get(rule_id) {
            return Ok(Some(seq));
        }
        let found = self.find_rule.first(&[rule_id.into()], |row| row.integer(0))?;
        if let Some(seq) = found {
            self.rules.insert(rule_id, seq);
        }
        Ok(found)
    }

    fn count_applications(&mut self, session_seq: i64) -> Result<i64, StoreError> {
        Ok(self.count_applications.first(&[session_seq.into()], |row| row.integer(0))?.unwrap_or(0))
    }

    fn insert(&mut self, table: Table, row: &[Bind<'_>]) -> Result<(), StoreError> {
        self.inserts[table as usize].run(row)?;
        if let (Table::Rules, [Bind::Integer(seq), _, _, Bind::Text(rule_id), ..]) = (table, row) {
            self.rules.insert(rule_id, *seq);
        }
        Ok(())
    }

    /// The table's own unique index answers for itself; the other table is asked.
    fn insert_session(&mut self, table: Table, session_id: &str, row: &[Bind<'_>]) -> Result<bool, StoreError> {
        let other = match table {
            Table::PromptSessions => &mut self.find_training_prompt,
            _ => &mut self.find_prompt_session,
        };
        if other.first(&[session_id.into()], |_| ())?.is_some() {
            return Ok(false);
        }
        Ok(self.inserts[table as usize].insert_if_new(row)?)
    }

    fn redefine_rule(&mut self, row: &[Bind<'_>; 5]) -> Result<bool, StoreError> {
        Ok(self.redefine_rule.first(row, |_| ())?.is_some())
    }
}
