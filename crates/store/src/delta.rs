//! New rows as columns: what the loader reads. Scans of the narrow tables, several at a time where it pays.

use std::sync::Arc;

use souffleur_core::features::{FeatureSchema, WIDTH};
use souffleur_core::ids::Seq;
use souffleur_core::store::{ApplicationColumns, Delta, FeedbackColumns, SessionColumns, StoreError};

use crate::raw::{Bind, Connection};
use crate::reader::{Pool, Reader};

const SESSIONS: &str = "SELECT seq, event_time, known_time, synthetic, quality_score, improvement_score, schema_hash, \
     features FROM session_features WHERE seq > ?1 AND seq <= ?2 ORDER BY seq";
const APPLICATIONS: &str = "SELECT seq, session_seq, rule_seq, event_time, known_time, improvement_score, confidence, \
     execution_time_ms, propensity FROM rule_applications WHERE seq > ?1 AND seq <= ?2 ORDER BY seq";
const FEEDBACK: &str = "SELECT seq, session_seq, event_time, known_time, rating FROM user_feedback \
     WHERE seq > ?1 AND seq <= ?2 ORDER BY seq";
const RULES: &str = "SELECT seq, rule_id FROM rules WHERE seq > ?1 AND seq <= ?2 ORDER BY seq";

/// Rows from which on two connections scan at once.
const PARALLEL_FROM_ROWS: i64 = 20_000;

/// The numbers after `after` up to and including `until`.
#[derive(Clone, Copy, Debug)]
struct Range {
    after: i64,
    until: i64,
}

impl Range {
    fn bounds(self) -> [Bind<'static>; 2] {
        [self.after.into(), self.until.into()]
    }
}

/// Reads the rows after `after`, at most `limit` numbers of the global order.
///
/// Rows up to the watermark never change, so that connections which look at different moments see the same.
pub(crate) fn read(pool: &Pool, after: Seq, limit: usize) -> Result<Delta, StoreError> {
    pool.with(|reader| {
        let watermark = watermark(&reader.raw)?.0;
        let limit = i64::try_from(limit.max(1)).unwrap_or(i64::MAX);
        let until = watermark.min(after.0.saturating_add(limit)).max(after.0);
        let range = Range { after: after.0, until };
        let mut delta = Delta { watermark: Seq(until), more: until < watermark, ..Delta::default() };
        if until - after.0 >= PARALLEL_FROM_ROWS
            && let Some(mut second) = pool.spare()
        {
            second.with(|second| scan_both(reader, second, range, &mut delta))?;
        } else {
            delta.sessions = sessions(&reader.raw, range)?;
            rest(&reader.raw, range, &mut delta)?;
        }
        Ok(delta)
    })
}

/// The newest number of the global order.
pub(crate) fn watermark(connection: &Connection) -> Result<Seq, StoreError> {
    let last = connection.prepare("SELECT last_seq FROM hub_state")?.first(&[], |row| row.integer(0))?;
    last.map(Seq).ok_or_else(|| StoreError::Incompatible("the table hub_state is empty".into()))
}

/// Sessions on one thread, the rest on another.
fn scan_both(first: &mut Reader, second: &mut Reader, range: Range, delta: &mut Delta) -> Result<(), StoreError> {
    let (first, second) = (&mut first.raw, &mut second.raw);
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

fn rest(connection: &Connection, range: Range, delta: &mut Delta) -> Result<(), StoreError> {
    delta.applications = applications(connection, range)?;
    delta.feedback = feedback(connection, range)?;
    connection.prepare(RULES)?.for_each(&range.bounds(), |row| {
        delta.rules.push((Seq(row.integer(0)), Arc::from(row.text(1))));
        Ok::<_, StoreError>(())
    })
}

fn sessions(connection: &Connection, range: Range) -> Result<SessionColumns, StoreError> {
    let mut columns = SessionColumns::default();
    let current = FeatureSchema::current().hash.cast_signed();
    connection.prepare(SESSIONS)?.for_each(&range.bounds(), |row| {
        let features = row.bytes(7);
        if row.integer(6) != current || features.len() != WIDTH * 4 {
            return Err(StoreError::Incompatible(format!(
                "row {} has features of schema {:016x} ({} bytes); this version computes {current:016x}",
                row.integer(0),
                row.integer(6),
                features.len()
            )));
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

fn applications(connection: &Connection, range: Range) -> Result<ApplicationColumns, StoreError> {
    let mut columns = ApplicationColumns::default();
    connection.prepare(APPLICATIONS)?.for_each(&range.bounds(), |row| {
        columns.seq.push(row.integer(0));
        columns.session_seq.push(row.integer(1));
        columns.rule_seq.push(row.integer(2));
        columns.event_time_us.push(row.integer(3));
        columns.known_time_us.push(row.integer(4));
        columns.improvement_score.push(row.real_or_nan(5));
        columns.confidence.push(row.real_or_nan(6));
        columns.execution_time_ms.push(row.real_or_nan(7));
        columns.propensity.push(row.real_or_nan(8));
        Ok::<_, StoreError>(())
    })?;
    Ok(columns)
}

fn feedback(connection: &Connection, range: Range) -> Result<FeedbackColumns, StoreError> {
    let mut columns = FeedbackColumns::default();
    connection.prepare(FEEDBACK)?.for_each(&range.bounds(), |row| {
        columns.seq.push(row.integer(0));
        columns.session_seq.push(row.integer(1));
        columns.event_time_us.push(row.integer(2));
        columns.known_time_us.push(row.integer(3));
        columns.rating.push(u8::try_from(row.integer(4)).unwrap_or(0));
        Ok::<_, StoreError>(())
    })?;
    Ok(columns)
}
