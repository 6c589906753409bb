//! Appending to PostgreSQL: names are looked up and rows gathered in memory, then sent with one `COPY` a table.
//!
//! The row of `hub_state` is locked from the beginning to the end of a transaction. So one transaction numbers rows at a
//! time, the numbers become visible in their order, and nothing the names were looked up against can change meanwhile.

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection;
use souffleur_core::store::StoreError;

use super::copy::{Mark, Rows};
use super::names::{Definition, Names};
use super::{Link, Postgres, listen};
use crate::errors::database;
use crate::schema::{hub_state, rules};
use crate::table::{Bind, Table};
use crate::writer::group::Pending;
use crate::writer::ledger::Ledger;

const TABLES: usize = Table::ALL.len();

/// The appending connection at work.
pub(crate) struct PgLedger<'c> {
    postgres: &'c Postgres,
    link: &'c mut Link,
    names: Names,
    /// By the table's number.
    rows: [Rows; TABLES],
    marks: [Mark; TABLES],
}

impl<'c> PgLedger<'c> {
    pub(super) fn new(postgres: &'c Postgres, link: &'c mut Link) -> Self {
        Self { postgres, link, names: Names::default(), rows: Default::default(), marks: Default::default() }
    }

    fn connection(&mut self) -> &mut PgConnection {
        &mut self.link.connection
    }

    /// Forgets what was gathered.
    fn clear(&mut self) {
        self.names = Names::default();
        self.rows.iter_mut().for_each(Rows::clear);
    }

    /// Rows a component can learn from.
    fn learnable(&self) -> u64 {
        let tables = [Table::SessionFeatures, Table::RuleApplications, Table::UserFeedback];
        tables.into_iter().map(|table| self.rows[table as usize].len()).sum()
    }

    fn send(&mut self, last_seq: i64) -> QueryResult<()> {
        let connection = &mut self.link.connection;
        for table in Table::ALL {
            self.rows[table as usize].send(table, connection)?;
        }
        for (seq, definition) in self.names.redefined() {
            diesel::update(rules::table.find(seq))
                .set((
                    rules::description.eq(&definition.description),
                    rules::category.eq(&definition.category),
                    rules::priority.eq(definition.priority),
                    rules::default_parameters.eq(&definition.default_parameters),
                ))
                .execute(connection)?;
        }
        if self.rows.iter().any(|rows| rows.len() > 0) {
            let learnable = self.learnable();
            listen::announce_rows(&mut self.link.connection, self.postgres.holder, last_seq, learnable)?;
        }
        AnsiTransactionManager::commit_transaction(self.connection())
    }
}

impl Ledger for PgLedger<'_> {
    fn begin(&mut self) -> Result<i64, StoreError> {
        if self.link.is_broken {
            self.link.connection = self.postgres.open()?;
            self.link.is_broken = false;
        }
        let connection = self.connection();
        AnsiTransactionManager::begin_transaction(connection).map_err(database)?;
        let last = hub_state::table.select(hub_state::last_seq).for_update().first(connection).optional();
        last.map_err(database)?.ok_or_else(|| StoreError::Incompatible("the table hub_state is empty".into()))
    }

    fn expect(&mut self, requests: &[Pending]) -> Result<(), StoreError> {
        self.names = Names::look_up(self.connection(), requests).map_err(database)?;
        Ok(())
    }

    fn commit(&mut self, last_seq: i64) -> Result<(), StoreError> {
        self.send(last_seq).map_err(database)?;
        self.clear();
        Ok(())
    }

    fn rollback(&mut self) {
        self.clear();
        let connection = self.connection();
        // Where there is no transaction any more, diesel says so; whether the connection is good, the server says.
        let _ = AnsiTransactionManager::rollback_transaction(connection);
        self.link.is_broken = connection.is_broken() || connection.ping().is_err();
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.names.savepoint();
        self.marks = std::array::from_fn(|table| self.rows[table].mark());
        Ok(())
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.names.release();
        Ok(())
    }

    fn undo(&mut self) -> Result<bool, StoreError> {
        self.names.undo();
        for (rows, mark) in self.rows.iter_mut().zip(self.marks) {
            rows.cut(mark);
        }
        Ok(true)
    }

    fn find_key(&mut self, key: &str) -> Result<Option<(i64, String)>, StoreError> {
        Ok(self.names.key(key))
    }

    fn find_session(&mut self, session_id: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.names.session(session_id))
    }

    fn find_rule(&mut self, rule_id: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.names.rule(rule_id))
    }

    fn count_applications(&mut self, session_seq: i64) -> Result<i64, StoreError> {
        Ok(self.names.applications(session_seq))
    }

    fn insert(&mut self, table: Table, row: &[Bind<'_>]) -> Result<(), StoreError> {
        self.rows[table as usize].push(row)?;
        match (table, row) {
            (Table::IdempotencyKeys, [Bind::Text(key), Bind::Integer(seq), Bind::Text(id)]) => {
                self.names.add_key(key, *seq, id);
            }
            (Table::Rules, [Bind::Integer(seq), _, _, Bind::Text(rule_id), definition @ ..]) => {
                if let Some(definition) = definition.first_chunk() {
                    self.names.add_rule(rule_id, *seq, Definition::read(definition));
                }
            }
            (Table::RuleApplications, [_, _, _, Bind::Integer(session_seq), ..]) => {
                self.names.add_application(*session_seq);
            }
            _ => {}
        }
        Ok(())
    }

    fn insert_session(&mut self, table: Table, session_id: &str, row: &[Bind<'_>]) -> Result<bool, StoreError> {
        if self.names.session(session_id).is_some() {
            return Ok(false);
        }
        self.rows[table as usize].push(row)?;
        if let Some(Bind::Integer(seq)) = row.first() {
            self.names.add_session(session_id, *seq);
        }
        Ok(true)
    }

    fn redefine_rule(&mut self, row: &[Bind<'_>; 5]) -> Result<bool, StoreError> {
        let [Bind::Integer(seq), definition @ ..] = row else { return Ok(false) };
        Ok(self.names.redefine(*seq, Definition::read(definition)))
    }
}
