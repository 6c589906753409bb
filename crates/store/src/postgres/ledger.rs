//! Appending to PostgreSQL: rows are gathered in memory, then sent with the counter that numbers them.
//!
//! Whoever numbers rows locks the row of `hub_state` until they are committed. So one transaction numbers rows at a time, the
//! numbers become visible in their order, and nothing the names were looked up against can change meanwhile.
//!
//! There are two ways to do so. **At once**, in one message to the server: requests that seem to meet nothing stored are
//! numbered from the last number this ledger wrote, and one statement locks the row, looks whether that is still the last
//! number and the names are new, and writes all or nothing. **Step by step**, where that does not hold or is not likely
//! to: the row is locked, the names are looked up, the rows are sent, by that statement or, if they are many, with one
//! `COPY` a table.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection;
use souffleur_core::store::StoreError;

use super::copy::{Mark, Rows};
use super::look_up::{Mentioned, New};
use super::names::{Definition, Names};
use super::write::{Values, Write};
use super::{Link, Postgres, listen};
use crate::errors::database;
use crate::schema::rules;
use crate::table::{Bind, Table};
use crate::writer::group::Pending;
use crate::writer::known_rules::KnownRules;
use crate::writer::ledger::Ledger;

const TABLES: usize = Table::ALL.len();

/// Records one statement takes at most. `COPY` costs some fifteen messages more, and less for each row: measured with
/// sessions of 1.5 kB it reaches 0.6 of the statement's rate at 50, and as much at a hundred.
const RECORDS_AT_ONCE: usize = 96;
/// Bytes it takes at most, however few records they are of.
const BYTES_AT_ONCE: usize = 4 << 20;

/// The appending connection at work.
pub(crate) struct PgLedger<'c> {
    postgres: &'c Postgres,
    link: &'c mut Link,
    /// Rules stored by the last commit.
    known: KnownRules,
    names: Names,
    /// The last number before the open transaction's rows.
    before: i64,
    /// The open transaction's records.
    records: usize,
    /// What the open transaction takes for new; `None` if it has locked the row of `hub_state`.
    taken_for_new: Option<New>,
    /// The last number when this ledger last committed.
    last_own: Option<i64>,
    /// Whether nobody else numbered rows between this ledger's last commit and the one before.
    is_alone: bool,
    /// By the table's number.
    rows: [Rows; TABLES],
    marks: [Mark; TABLES],
}

impl<'c> PgLedger<'c> {
    pub(super) fn new(postgres: &'c Postgres, link: &'c mut Link) -> Self {
        Self {
            postgres,
            link,
            known: KnownRules::default(),
            names: Names::default(),
            before: 0,
            records: 0,
            taken_for_new: None,
            last_own: None,
            is_alone: false,
            rows: Default::default(),
            marks: Default::default(),
        }
    }

    fn connection(&mut self) -> &mut PgConnection {
        &mut self.link.connection
    }

    /// Forgets what was gathered.
    fn clear(&mut self) {
        self.names = Names::default();
        self.taken_for_new = None;
        self.rows.iter_mut().for_each(Rows::clear);
    }

    /// Rows a component can learn from.
    fn learnable(&self) -> u64 {
        let tables = [Table::SessionFeatures, Table::RuleApplications, Table::UserFeedback];
        tables.into_iter().map(|table| self.rows[table as usize].len()).sum()
    }

    /// Whether there is little enough for one statement.
    fn is_little(&self) -> bool {
        self.records <= RECORDS_AT_ONCE && self.rows.iter().map(Rows::bytes).sum::<usize>() <= BYTES_AT_ONCE
    }

    /// Writes all rows with one statement; `false`, and nothing is written, if they are not what comes next.
    fn write(&mut self, last_seq: i64, new: &New) -> QueryResult<bool> {
        let news = listen::news_of_rows(self.postgres.holder, last_seq, self.learnable());
        let tables = Table::ALL.into_iter().zip(&self.rows).zip(&self.link.row_types);
        let rows = tables.filter(|((_, rows), _)| rows.len() > 0);
        let rows = rows.map(|((table, rows), of)| Values::new(table, rows, of)).collect();
        let write = Write { before: self.before, last_seq, new, news, rows };
        Ok(write.execute(&mut self.link.connection)? == 1)
    }

    /// Writes all rows with a `COPY` a table.
    fn copy(&mut self, last_seq: i64) -> QueryResult<()> {
        for (table, rows) in Table::ALL.into_iter().zip(&self.rows) {
            rows.send(table, &mut self.link.connection)?;
        }
        let learnable = self.learnable();
        listen::announce_rows(&mut self.link.connection, self.postgres.holder, last_seq, learnable)
    }

    /// Writes what is not written yet, under the lock, and commits.
    fn send(&mut self, last_seq: i64) -> QueryResult<()> {
        let connection = &mut self.link.connection;
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
            if !self.is_little() {
                self.copy(last_seq)?;
            } else if !self.write(last_seq, &New::default())? {
                return Err(diesel::result::Error::NotFound);
            }
        }
        self.connection().batch_execute("COMMIT")
    }

    /// Writes and commits what was taken for new; `false`, and nothing is kept, if that does not hold.
    fn send_at_once(&mut self, last_seq: i64, new: &New) -> Result<bool, StoreError> {
        if self.rows.iter().all(|rows| rows.len() == 0) {
            return Ok(true);
        }
        if !self.is_little() {
            return Ok(false);
        }
        match self.write(last_seq, new) {
            Ok(is_written) => Ok(is_written),
            // The other way gets to the bottom of it, unless nobody can know whether the server still committed.
            Err(error) if self.connection().ping().is_ok() => {
                tracing::debug!(%error, "rows could not be written at once; writing them step by step");
                Ok(false)
            }
            Err(error) => Err(database(error)),
        }
    }
}

impl Ledger for PgLedger<'_> {
    fn begin(&mut self, requests: &[Pending]) -> Result<i64, StoreError> {
        if self.link.is_broken {
            *self.link = self.postgres.link()?;
        }
        let mentioned = Mentioned::collect(requests);
        self.records = requests.iter().map(|request| request.records.len()).sum();
        if let Some(last) = self.last_own.filter(|_| self.is_alone && self.records <= RECORDS_AT_ONCE)
            && let Some((names, new)) = mentioned.as_new(&self.known)
        {
            self.names = names;
            self.taken_for_new = Some(new);
            self.before = last;
            return Ok(last);
        }
        let connection = &mut self.link.connection;
        // The names are asked for by a statement of their own: one sees what was committed before it began.
        connection.batch_execute("BEGIN; SELECT FROM hub_state WHERE id = 1 FOR UPDATE").map_err(database)?;
        (self.before, self.names) = mentioned.look_up(connection)?;
        Ok(self.before)
    }

    fn commit(&mut self, last_seq: i64) -> Result<bool, StoreError> {
        let is_committed = match self.taken_for_new.take() {
            Some(new) => {
                self.is_alone = self.send_at_once(last_seq, &new)?;
                self.is_alone
            }
            None => {
                self.send(last_seq).map_err(database)?;
                self.is_alone = self.last_own == Some(self.before);
                self.names.rules().for_each(|(rule_id, seq)| self.known.insert(rule_id, seq));
                true
            }
        };
        if is_committed {
            self.last_own = Some(last_seq);
        }
        self.clear();
        Ok(is_committed)
    }

    fn rollback(&mut self) {
        self.clear();
        self.is_alone = false;
        let connection = self.connection();
        // Where there is no transaction any more the server only warns; whether the connection is good it says too.
        self.link.is_broken = connection.batch_execute("ROLLBACK").is_err() || connection.ping().is_err();
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
