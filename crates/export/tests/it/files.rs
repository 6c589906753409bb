//! Files appear whole or not at all.

use std::sync::Arc;

use souffleur_core::store::memory::MemoryStore;
use souffleur_core::store::{Store, StoreError};
use souffleur_export::{Export, ExportError, ExportFormat, Shape, StorePages};
use souffleur_import::{OnError, Source};

use crate::support::{SHAPES, export, import_into, job, simulated, stored};

fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn an_export_that_fails_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history");
    for shape in SHAPES {
        std::fs::write(&path, "older").unwrap();
        let store = simulated(2_000);
        let mut pages = StorePages::now(Arc::clone(&store) as Arc<dyn Store>).unwrap();
        let first = pages.next().unwrap();
        store.fail_with(Some(StoreError::Closed));
        let format = ExportFormat { shape, gzip: false };
        let export = Export::new(std::iter::once(first).chain(pages), format, None);
        let error = export.to_path(&path, &job(), |_| ()).unwrap_err();
        assert!(matches!(error, ExportError::Source(StoreError::Closed)), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "older");
        assert_eq!(names(folder.path()), ["history"], "{shape:?}");
    }
}

#[test]
fn a_cancelled_export_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for shape in SHAPES {
        let pages = StorePages::now(simulated(2_000)).unwrap();
        let job = job();
        let token = job.cancel_token();
        let export = Export::new(pages, ExportFormat { shape, gzip: false }, Some(2_000));
        let error = export.to_path(&folder.path().join("history"), &job, |progress| {
            assert!(progress.sessions < 2_000, "it goes on after it was cancelled");
            token.cancel();
        });
        assert!(matches!(error, Err(ExportError::Interrupted(_))), "{error:?}");
        assert!(names(folder.path()).is_empty());
    }
}

#[test]
fn what_is_recorded_meanwhile_is_not_part_of_it() {
    let store = simulated(300);
    let mut pages = StorePages::now(Arc::clone(&store) as Arc<dyn Store>).unwrap();
    let first = pages.next().unwrap();
    let (until, extra) = (pages.until(), crate::support::append(Default::default(), None));
    assert_eq!(until, store.watermark().unwrap());
    store.append(vec![extra], crate::support::NOW).wait().unwrap();
    let rest: usize = pages.map(|page| page.unwrap().len()).sum();
    assert_eq!(first.unwrap().len() + rest, 300);
}

#[test]
fn a_stream_of_arrow_is_read_as_it_comes() {
    let store = simulated(1_500);
    let pages = StorePages::now(Arc::clone(&store) as Arc<dyn Store>).unwrap();
    let export = Export::new(pages, ExportFormat { shape: Shape::ArrowStream, gzip: false }, None);
    let (bytes, sessions) = export.to_stream(Vec::new(), &job(), |_| ()).unwrap();
    assert_eq!(sessions, 1_500);
    let again = MemoryStore::default();
    let stream = |bytes: &[u8]| Source::stream("stdin", std::io::Cursor::new(bytes.to_vec()));
    import_into(&again, stream(&bytes), OnError::Skip).unwrap();
    assert_eq!(stored(&again), stored(&*store));
    // One that breaks off within a message says so; what came before is kept.
    let broken = MemoryStore::default();
    let summary = import_into(&broken, stream(&bytes[..bytes.len() - 1000]), OnError::Skip).unwrap();
    assert!(summary.incomplete && summary.errors[0].message.contains("damaged from here on"), "{summary:?}");
    assert!(!stored(&broken).is_empty() && stored(&broken).len() < 1_500);
}

#[test]
fn the_checksum_of_a_text_is_what_other_programs_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    export(&simulated(10), &path, Shape::Csv, false).unwrap();
    let note = std::fs::read_to_string(folder.path().join("history.csv.xxh128")).unwrap();
    assert_eq!(note.len(), 32 + 2 + "history.csv\n".len());
    assert!(note.ends_with("  history.csv\n"), "{note}");
}
