//! New rows as columns: what the loader reads. Scans of the narrow tables, several at a time where it pays.

use std::sync::Arc;

use diesel::prelude::*;
use souffleur_core::features::{FeatureSchema, WIDTH};
use souffleur_core::ids::Seq;
use souffleur_core::store::{
    ApplicationColumns, Delta, FeedbackColumns, ForeignRow, SessionColumns, StoreError, Survey,
};

use crate::database::{Database, Reader};
use crate::errors::database;
use crate::reader::Pool;
use crate::schema::hub_state;
use crate::table::Bind;

const SESSIONS: &str = "SELECT seq, event_time, known_time, synthetic, quality_score, improvement_score, schema_hash, \
     features FROM session_features WHERE seq > $1 AND seq <= $2 ORDER BY seq";
const APPLICATIONS: &str = "SELECT seq, session_seq, rule_seq, event_time, known_time, improvement_score, confidence, \
     execution_time_ms, propensity FROM rule_applications WHERE seq > $1 AND seq <= $2 ORDER BY seq";
const FEEDBACK: &str = "SELECT seq, session_seq, event_time, known_time, rating FROM user_feedback \
     WHERE seq > $1 AND seq <= $2 ORDER BY seq";
const RULES: &str = "SELECT seq, rule_id FROM rules WHERE seq > $1 AND seq <= $2 ORDER BY seq";

const ERASURES: &str = "SELECT seq FROM erasures WHERE seq > $1 AND seq <= $2 ORDER BY seq";

/// Rows from which on two connections scan at once.
const PARALLEL_FROM_ROWS: i64 = 20_000;

/// The numbers after `after` up to and including `until`.
#[derive(Clone, Copy, Debug)]
struct Range {
    after: i64,
    until: i64,
}

impl Range {
    /// As `$1` and `$2` of a scan.
    fn values(self) -> [Bind<'static>; 2] {
        [self.after.into(), self.until.into()]
    }
}

/// A row of a scan, read by column.
pub(crate) trait Fields {
    /// A column as an integer; 0 if it is null or not there.
    fn integer(&self, column: i32) -> i64;

    /// A column as a number; `NaN` if it is null.
    fn real_or_nan(&self, column: i32) -> f32;

    /// A column's bytes (those of a text or a blob), empty if it is null.
    fn bytes(&self, column: i32) -> &[u8];

    /// A column's text; what is not UTF-8 in it is replaced.
    fn text(&self, column: i32) -> String {
        String::from_utf8_lossy(self.bytes(column)).into_owned()
    }
}

/// Reads the rows after `after`, at most `limit` numbers of the global order.
///
/// Rows up to the watermark never change, so that connections which look at different moments see the same; but for what is
/// erased meanwhile, and of that whoever reads on is told by an erasure after this watermark.
pub(crate) fn read<D: Database>(pool: &Pool<D>, after: Seq, limit: usize) -> Result<Delta, StoreError> {
    pool.with(|reader| {
        let (range, mut delta) = stretch(reader, after, limit)?;
        let until = range.until;
        if until - after.0 >= PARALLEL_FROM_ROWS
            && let Some(mut second) = pool.spare()
        {
            second.with(|second| scan_both(reader, second, range, &mut delta))?;
        } else {
            delta.sessions = sessions(reader, range)?;
            rest(reader, range, &mut delta)?;
        }
        Ok(delta)
    })
}

/// [`read`] on one connection; sessions under another feature schema are told of instead of refused.
pub(crate) fn survey<D: Database>(pool: &Pool<D>, after: Seq, limit: usize) -> Result<Survey, StoreError> {
    pool.with(|reader| {
        let (range, mut delta) = stretch(reader, after, limit)?;
        let mut foreign = Vec::new();
        delta.sessions = sessions_or_else(reader, range, |row| {
            foreign.push(row);
            Ok(())
        })?;
        rest(reader, range, &mut delta)?;
        Ok(Survey { delta, foreign })
    })
}

/// The range of at most `limit` numbers after `after`, and a delta that is still empty.
fn stretch<R: Reader>(reader: &mut R, after: Seq, limit: usize) -> Result<(Range, Delta), StoreError> {
    let watermark = watermark(reader)?.0;
    let limit = i64::try_from(limit.max(1)).unwrap_or(i64::MAX);
    let until = watermark.min(after.0.saturating_add(limit)).max(after.0);
    let delta = Delta { watermark: Seq(until), more: until < watermark, ..Delta::default() };
    Ok((Range { after: after.0, until }, delta))
}

/// The newest number of the global order.
pub(crate) fn watermark<R: Reader>(reader: &mut R) -> Result<Seq, StoreError> {
    let last = hub_state::table.select(hub_state::last_seq).first(reader.diesel()).optional().map_err(database)?;
    last.map(Seq).ok_or_else(|| StoreError::Incompatible("the table hub_state is empty".into()))
}

/// Sessions on one thread, the rest on another.
fn scan_both<R: Reader>(first: &mut R, second: &mut R, range: Range, delta: &mut Delta) -> Result<(), StoreError> {
    let sessions = std::thread::scope(|scope| {
        let scan = std::thread::Builder::new()
            .name("souffleur-scan".into())
            .spawn_scoped(scope, move || sessions(second, range));
        rest(first, range, delta)?;
        match scan.map(|handle| handle.join()) {
            Ok(Ok(sessions)) => sessions,
            // No thread to be had, or it panicked: read here.
            Ok(Err(_)) | Err(_) => sessions(first, range),
        }
    })?;
    delta.sessions = sessions;
    Ok(())
}

fn rest<R: Reader>(reader: &mut R, range: Range, delta: &mut Delta) -> Result<(), StoreError> {
    delta.applications = applications(reader, range)?;
    delta.feedback = feedback(reader, range)?;
    reader.scan(RULES, &range.values(), |row| {
        delta.rules.push((Seq(row.integer(0)), Arc::from(row.text(1))));
        Ok(())
    })?;
    reader.scan(ERASURES, &range.values(), |row| {
        delta.erasures.push(Seq(row.integer(0)));
        Ok(())
    })
}

fn sessions<R: Reader>(reader: &mut R, range: Range) -> Result<SessionColumns, StoreError> {
    sessions_or_else(reader, range, |ForeignRow { seq, schema_hash, feature_bytes }| {
        Err(StoreError::Incompatible(format!(
            "row {seq} has features of schema {schema_hash:016x} ({feature_bytes} bytes); this version computes {:016x}",
            FeatureSchema::current().hash
        )))
    })
}

/// The sessions of a range. One whose features are not those of this version goes to `foreign`.
fn sessions_or_else<R: Reader>(
    reader: &mut R,
    range: Range,
    mut foreign: impl FnMut(ForeignRow) -> Result<(), StoreError>,
) -> Result<SessionColumns, StoreError> {
    let mut columns = SessionColumns::default();
    let current = FeatureSchema::current().hash.cast_signed();
    reader.scan(SESSIONS, &range.values(), |row| {
        let features = row.bytes(7);
        if row.integer(6) != current || features.len() != WIDTH * 4 {
            let (seq, schema_hash) = (row.integer(0), row.integer(6).cast_unsigned());
            return foreign(ForeignRow { seq, schema_hash, feature_bytes: features.len() });
        }
        columns.seq.push(row.integer(0));
        columns.event_time_us.push(row.integer(1));
        columns.known_time_us.push(row.integer(2));
        columns.synthetic.push(row.integer(3) != 0);
        columns.quality_score.push(row.real_or_nan(4));
        columns.improvement_score.push(row.real_or_nan(5));
        let (numbers, _) = features.as_chunks::<4>();
        columns.features.extend(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        Ok(())
    })?;
    Ok(columns)
}

fn applications<R: Reader>(reader: &mut R, range: Range) -> Result<ApplicationColumns, StoreError> {
    let mut columns = ApplicationColumns::default();
    reader.scan(APPLICATIONS, &range.values(), |row| {
        columns.seq.push(row.integer(0));
        columns.session_seq.push(row.integer(1));
        columns.rule_seq.push(row.integer(2));
        columns.event_time_us.push(row.integer(3));
        columns.known_time_us.push(row.integer(4));
        columns.improvement_score.push(row.real_or_nan(5));
        columns.confidence.push(row.real_or_nan(6));
        columns.execution_time_ms.push(row.real_or_nan(7));
        columns.propensity.push(row.real_or_nan(8));
        Ok(())
    })?;
    Ok(columns)
}

fn feedback<R: Reader>(reader: &mut R, range: Range) -> Result<FeedbackColumns, StoreError> {
    let mut columns = FeedbackColumns::default();
    reader.scan(FEEDBACK, &range.values(), |row| {
        columns.seq.push(row.integer(0));
        columns.session_seq.push(row.integer(1));
        columns.event_time_us.push(row.integer(2));
        columns.known_time_us.push(row.integer(3));
        columns.rating.push(u8::try_from(row.integer(4)).unwrap_or(0));
        Ok(())
    })?;
    Ok(columns)
}
