//! Rows on their way into `COPY ... FROM STDIN (FORMAT binary)`.
//!
//! The format is described in PostgreSQL's manual under `COPY`: a header; for each row its number of columns, for each
//! column its length (-1 for null) and its bytes; a trailer. All numbers are big-endian.

use std::io::Write;

use diesel::pg::{CopyFormat, PgConnection};
use diesel::prelude::*;
use souffleur_core::store::StoreError;

use crate::schema;
use crate::table::{Bind, Table};

/// Signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1i16).to_be_bytes();
/// Room kept from one transaction to the next.
const KEPT_BYTES: usize = 4 << 20;
/// Bytes handed to the connection at a time, so that the server works while the rest is sent.
const PIECE_BYTES: usize = 256 << 10;

/// Rows of one table that are not sent yet.
#[derive(Default)]
pub(super) struct Rows {
    bytes: Vec<u8>,
    rows: u64,
}

/// How far the rows of a table went at some moment.
#[derive(Clone, Copy, Default)]
pub(super) struct Mark {
    bytes: usize,
    rows: u64,
}

impl Rows {
    /// Adds a row.
    pub(super) fn push(&mut self, row: &[Bind<'_>]) -> Result<(), StoreError> {
        if row.iter().any(|value| matches!(value, Bind::Text(text) if text.as_bytes().contains(&0))) {
            let text = "a text holds the character U+0000, which PostgreSQL cannot store; leave it out";
            return Err(StoreError::Database(text.into()));
        }
        // A table has fewer than 20 columns; a value is shorter than a request body may be, so lengths fit.
        self.bytes.extend_from_slice(&(row.len() as i16).to_be_bytes());
        for value in row {
            match *value {
                // What is not a number is not known, as in SQLite.
                Bind::Real(value) if value.is_nan() => self.bytes.extend_from_slice(&(-1i32).to_be_bytes()),
                Bind::Null => self.bytes.extend_from_slice(&(-1i32).to_be_bytes()),
                Bind::Integer(value) => self.value(&value.to_be_bytes()),
                // SQLite knows no negative zero: adding zero makes it positive.
                Bind::Real(value) => self.value(&(value + 0.0).to_be_bytes()),
                Bind::Text(value) => self.value(value.as_bytes()),
                Bind::Blob(value) => self.value(value),
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn value(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> u64 {
        self.rows
    }

    /// And how many bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The rows, each as its columns: length and bytes.
    pub(super) fn iter(&self) -> impl Iterator<Item = Vec<&[u8]>> {
        let mut left = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (count, mut rest) = left.split_first_chunk().map(|(count, rest)| (i16::from_be_bytes(*count), rest))?;
            let mut next = || {
                let length = i32::from_be_bytes(*rest.first_chunk()?);
                let (value, after) = rest.split_at_checked(4 + usize::try_from(length).unwrap_or(0))?;
                rest = after;
                Some(value)
            };
            let row = (0..count).map_while(|_| next()).collect();
            left = rest;
            Some(row)
        })
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), rows: self.rows }
    }

    /// Takes away what came after the mark.
    pub(super) fn cut(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        self.rows = mark.rows;
    }

    /// Forgets the rows.
    pub(super) fn clear(&mut self) {
        self.cut(Mark::default());
        self.bytes.shrink_to(KEPT_BYTES);
    }

    /// Sends the rows to their table.
    pub(super) fn send(&self, table: Table, connection: &mut PgConnection) -> QueryResult<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let write = |out: &mut dyn Write| -> Result<(), diesel::result::Error> {
            let pieces = [HEADER].into_iter().chain(self.bytes.chunks(PIECE_BYTES)).chain([&TRAILER[..]]);
            for piece in pieces {
                out.write_all(piece).map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
            }
            Ok(())
        };
        macro_rules! copy {
            ($($variant:ident => $table:ident),+ $(,)?) => {
                match table {
                    $(Table::$variant => diesel::copy_from(schema::$table::table)
                        .from_raw_data(schema::$table::table, write)
                        .with_format(CopyFormat::Binary)
                        .execute(connection)?,)+
                }
            };
        }
        copy! {
            IdempotencyKeys => idempotency_keys,
            Rules => rules,
            PromptSessions => prompt_sessions,
            TrainingPrompts => training_prompts,
            SessionFeatures => session_features,
            RuleApplications => rule_applications,
            UserFeedback => user_feedback,
            MetricPoints => metric_points,
            Experiments => experiments,
            ExperimentUnits => experiment_units,
            AdversarialExamples => adversarial_examples,
            Results => results,
            Patterns => patterns,
            Insights => insights,
            HealthEvents => health_events,
            Checkpoints => checkpoints,
        };
        Ok(())
    }
}
