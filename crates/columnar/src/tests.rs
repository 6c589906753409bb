//! Tables of other programs: other types for the same values, columns in another order, and damage nobody vouches for.

use std::io::Cursor;
use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{
    ArrayRef, DictionaryArray, Float32Array, Int64Array, LargeStringArray, NullArray, RecordBatch, StringArray,
    StringViewArray, TimestampSecondArray,
};
use souffleur_core::records::{RuleApplication, Session};
use souffleur_core::store::StoredSession;
use souffleur_core::time::Timestamp;

use crate::{ColumnarError, ColumnarFormat, SessionRows, TableReader, TableWriter};

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

fn stored(n: i64) -> StoredSession {
    let rule = RuleApplication { rule_id: "clarity".to_owned(), propensity: Some(0.5), ..RuleApplication::default() };
    let session = Session {
        session_id: Some(format!("s{n}")),
        original_prompt: format!("Sort {n}."),
        event_time: Some(Timestamp(n)),
        rules: vec![rule; 2],
        ..Session::default()
    };
    StoredSession { seq: souffleur_core::ids::Seq(n), session, provenance: None }
}

fn written(format: ColumnarFormat, sessions: &[StoredSession]) -> Vec<u8> {
    let mut writer = TableWriter::new(format, Vec::new(), false).unwrap();
    sessions.chunks(40).for_each(|page| writer.write(page).unwrap());
    writer.finish().unwrap()
}

/// Reads a table to its end or to what is wrong with it.
fn read(bytes: &[u8], format: ColumnarFormat) -> Result<Vec<Session>, ColumnarError> {
    let mut reader = if format == ColumnarFormat::ArrowStream {
        TableReader::stream(Cursor::new(bytes.to_vec()))?
    } else {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        TableReader::file(file, format)?
    };
    let mut sessions = Vec::new();
    while let Some(piece) = reader.piece()? {
        let rows = SessionRows::of(&piece)?;
        // A value that is wrong by itself is for whoever reads it.
        sessions.extend((0..rows.len()).filter_map(|i| rows.row(i).ok()).map(|decoded| decoded.session));
    }
    Ok(sessions)
}

#[test]
fn the_usual_types_of_a_value_are_all_read() {
    let domains: DictionaryArray<Int8Type> = [Some("finance"), None].into_iter().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("quality_score", Arc::new(Float32Array::from(vec![Some(0.5), Some(f32::NAN)]))),
        ("original_prompt", Arc::new(LargeStringArray::from(vec!["a", "b"]))),
        ("session_id", Arc::new(StringViewArray::from(vec!["x", "y"]))),
        ("team_size", Arc::new(Int64Array::from(vec![Some(3), None]))),
        ("domain", Arc::new(domains)),
        ("event_time", Arc::new(TimestampSecondArray::from(vec![7, 8]))),
        ("rules", Arc::new(NullArray::new(2))),
    ];
    let rows = SessionRows::of(&batch(columns)).unwrap();
    let first = rows.row(0).unwrap().session;
    let expected = Session {
        session_id: Some("x".to_owned()),
        original_prompt: "a".to_owned(),
        event_time: Some(Timestamp(7_000_000)),
        domain: Some("finance".to_owned()),
        team_size: Some(3),
        quality_score: Some(0.5),
        ..Session::default()
    };
    assert_eq!(first, expected);
    let second = rows.row(1).unwrap().session;
    assert_eq!((second.quality_score, second.team_size, second.domain), (None, None, None), "NaN is not known");
}

#[test]
fn other_columns_are_refused_by_name() {
    let prompt = || ("original_prompt", Arc::new(StringArray::from(vec!["a"])) as ArrayRef);
    let refused = |columns: Vec<(&str, ArrayRef)>| match SessionRows::of(&batch(columns)) {
        Err(ColumnarError::Columns(message)) => message,
        other => panic!("{other:?}"),
    };
    let strange = refused(vec![prompt(), ("promt", Arc::new(StringArray::from(vec!["b"])))]);
    assert!(
        strange.starts_with("the column `promt` is none of ours; drop it or call it one of session_id"),
        "{strange}"
    );
    let mistyped = refused(vec![prompt(), ("team_size", Arc::new(StringArray::from(vec!["four"])))]);
    assert_eq!(mistyped, "the column `team_size` holds Utf8; an integer is expected");
    let none = refused(vec![("domain", Arc::new(StringArray::from(vec!["b"])))]);
    assert_eq!(none, "there is no column `original_prompt`; every session needs its prompt");
}

#[test]
fn a_value_that_cannot_be_ours_is_told_with_its_place() {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("original_prompt", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
        ("team_size", Arc::new(Int64Array::from(vec![Some(-1), None, None]))),
        ("tags", Arc::new(StringArray::from(vec![None, Some("[1]"), None]))),
        ("event_time", Arc::new(StringArray::from(vec![None, None, Some("yesterday")]))),
    ];
    let rows = SessionRows::of(&batch(columns)).unwrap();
    let error = |i| rows.row(i).unwrap_err().to_string();
    assert_eq!(error(0), "team_size: is -1; write how many people there are");
    assert!(error(1).starts_with("tags: is no JSON object ("), "{}", error(1));
    assert!(error(2).starts_with("event_time: `yesterday` is not a point in time"), "{}", error(2));
}

#[test]
fn a_table_that_breaks_off_without_a_checksum_is_no_other_table() {
    let sessions: Vec<StoredSession> = (1..=100).map(stored).collect();
    for format in [ColumnarFormat::Parquet, ColumnarFormat::ArrowFile, ColumnarFormat::ArrowStream] {
        let bytes = written(format, &sessions);
        assert_eq!(read(&bytes, format).unwrap().len(), 100);
        for at in (0..bytes.len()).step_by(bytes.len() / 100 + 1) {
            match read(&bytes[..at], format) {
                Err(ColumnarError::Damaged(_) | ColumnarError::Io(_)) => {}
                // A stream may end after any of its pieces.
                Ok(kept) if format == ColumnarFormat::ArrowStream => assert!(kept.len() < 100 || at + 8 >= bytes.len()),
                other => panic!("{format:?}, {at} bytes: {other:?}"),
            }
        }
    }
}

#[test]
fn a_table_damaged_without_a_checksum_is_an_error_or_other_values_and_never_a_panic() {
    let sessions: Vec<StoredSession> = (1..=100).map(stored).collect();
    for format in [ColumnarFormat::Parquet, ColumnarFormat::ArrowFile, ColumnarFormat::ArrowStream] {
        let bytes = written(format, &sessions);
        for (n, at) in (0..bytes.len()).step_by(bytes.len() / 150 + 1).enumerate() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (n % 8);
            let _ = read(&damaged, format);
        }
    }
}

#[test]
fn room_is_made_for_no_more_than_there_can_be() {
    let sessions: Vec<StoredSession> = (1..=9).map(stored).collect();
    let refused = |bytes: &[u8], format| match read(bytes, format) {
        Err(ColumnarError::Damaged(problem)) => problem,
        other => panic!("{other:?}"),
    };
    // A stream begins with the length of its schema's metadata.
    let stream = written(ColumnarFormat::ArrowStream, &sessions);
    for length in [i32::MAX, 17 << 20, -1] {
        let mut damaged = stream.clone();
        damaged[4..8].copy_from_slice(&length.to_le_bytes());
        let problem = refused(&damaged, ColumnarFormat::ArrowStream);
        assert!(problem.contains(&format!("states metadata of {length} bytes; at most 16 MiB")), "{problem}");
    }
    // Wherever eight bytes may be a length, they say more than any memory holds.
    for format in [ColumnarFormat::ArrowStream, ColumnarFormat::ArrowFile] {
        let bytes = written(format, &sessions);
        let mut problems = Vec::new();
        for at in (0..bytes.len() - 8).step_by(8) {
            let mut damaged = bytes.clone();
            damaged[at..at + 8].copy_from_slice(&(i64::MAX / 2).to_le_bytes());
            if let Err(error) = read(&damaged, format) {
                problems.push(error.to_string());
            }
        }
        let told = match format {
            ColumnarFormat::ArrowStream => "states a body of",
            _ => "its footer points past its end",
        };
        assert!(problems.iter().any(|problem| problem.contains(told)), "{problems:?}");
    }
}
