//! A file that is not the one that was written is refused, and nothing of it is kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use souffleur_core::store::memory::MemoryStore;
use souffleur_export::Shape;
use souffleur_import::{ImportError, OnError, Source};

use crate::support::{SHAPES, export, import_into, simulated, stored};

/// A file's bytes in every format, and what must stand beside it.
struct Original {
    shape: Shape,
    path: PathBuf,
    bytes: Vec<u8>,
}

fn extension(shape: Shape) -> &'static str {
    match shape {
        Shape::Parquet => "parquet",
        Shape::Arrow => "arrow",
        Shape::ArrowStream => "arrows",
        Shape::Csv => "csv",
        Shape::Jsonl => "jsonl",
    }
}

fn originals(folder: &Path, sessions: u64) -> Vec<Original> {
    let store = simulated(sessions);
    let one = |shape: Shape| {
        let path = folder.join(format!("{shape:?}.{}", extension(shape)));
        export(&store, &path, shape, false).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        Original { shape, path, bytes }
    };
    SHAPES.into_iter().map(one).collect()
}

/// Imports what stands at the path now: it must be refused as damaged, and nothing of it kept.
fn assert_refused(original: &Original, what: &str) {
    for on_error in [OnError::Skip, OnError::Abort] {
        let store = MemoryStore::default();
        let error = import_into(&store, Source::path(&original.path), on_error);
        let shape = original.shape;
        assert!(matches!(error, Err(ImportError::Damaged { .. })), "{shape:?}, {what}: {error:?}");
        assert!(stored(&store).is_empty(), "{shape:?}, {what}: something was kept");
    }
}

#[test]
fn a_file_that_breaks_off_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for original in originals(folder.path(), 20) {
        let length = original.bytes.len();
        for kept in (0..length).step_by(length / 60 + 1).chain(length - 12..length) {
            std::fs::write(&original.path, &original.bytes[..kept]).unwrap();
            assert_refused(&original, &format!("{kept} of {length} bytes"));
        }
    }
}

#[test]
fn a_file_with_bytes_behind_its_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for original in originals(folder.path(), 5) {
        std::fs::write(&original.path, [&original.bytes[..], b"\n"].concat()).unwrap();
        assert_refused(&original, "one byte more");
    }
}

#[test]
fn a_flipped_bit_at_either_end_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for original in originals(folder.path(), 5) {
        let length = original.bytes.len();
        for at in (0..24).chain(length - 24..length) {
            let mut bytes = original.bytes.clone();
            bytes[at] ^= 0x10;
            std::fs::write(&original.path, bytes).unwrap();
            assert_refused(&original, &format!("byte {at}"));
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for original in originals(folder.path(), 12) {
        let length = original.bytes.len();
        for (n, at) in (0..length).step_by(length / 97 + 1).enumerate() {
            let mut bytes = original.bytes.clone();
            bytes[at] ^= 1 << (n % 8);
            std::fs::write(&original.path, bytes).unwrap();
            assert_refused(&original, &format!("bit {} of byte {at}", n % 8));
        }
    }
}

#[test]
fn a_compressed_file_without_its_note_is_checked_by_its_own_sum() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl.gz");
    export(&simulated(200), &path, Shape::Jsonl, true).unwrap();
    std::fs::remove_file(folder.path().join("history.jsonl.gz.xxh128")).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    let store = MemoryStore::default();
    let error = import_into(&store, Source::path(&path), OnError::Abort).unwrap_err();
    assert!(error.to_string().contains("ends early"), "{error}");
    assert!(stored(&store).is_empty());
}

#[test]
fn an_export_over_an_older_one_leaves_no_old_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    export(&simulated(5), &path, Shape::Jsonl, false).unwrap();
    export(&simulated(9), &path, Shape::Jsonl, false).unwrap();
    let store = MemoryStore::default();
    import_into(&store, Source::path(&path), OnError::Abort).unwrap();
    assert_eq!(stored(&store).len(), 9);
    // A table carries its own: the note of the text that had its name is gone.
    export(&Arc::new(store), &path, Shape::Parquet, false).unwrap();
    assert!(!folder.path().join("history.jsonl.xxh128").exists());
    import_into(&MemoryStore::default(), Source::path(&path), OnError::Abort).unwrap();
}
