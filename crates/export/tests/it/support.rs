//! What several tests share.

use std::path::Path;
use std::sync::Arc;

use souffleur_core::clock::ManualClock;
use souffleur_core::features;
use souffleur_core::ids::Seq;
use souffleur_core::job::Job;
use souffleur_core::records::Session;
use souffleur_core::store::memory::MemoryStore;
use souffleur_core::store::{Append, FeaturedSession, Record, Store, StoreError, StoredSession};
use souffleur_core::time::Timestamp;
use souffleur_export::{Export, ExportError, ExportFormat, ExportProgress, Shape, StorePages, Written};
use souffleur_import::{ImportError, ImportSettings, ImportSummary, Importer, OnError, Source};
use souffleur_simulator::{SimulationSettings, simulate};

/// When everything became known.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

pub(crate) const SHAPES: [Shape; 5] = [Shape::Parquet, Shape::Arrow, Shape::ArrowStream, Shape::Csv, Shape::Jsonl];

pub(crate) fn job() -> Job {
    Job::new(Arc::new(ManualClock::default()), 0)
}

pub(crate) fn append(session: Session, provenance: Option<&str>) -> Append {
    let features = features::extract(&session);
    let provenance = provenance.map(str::to_owned);
    Record::Session(Box::new(FeaturedSession { session, features, provenance })).into()
}

/// A store with simulated sessions, every fifth of them made up.
pub(crate) fn simulated(sessions: u64) -> Arc<MemoryStore> {
    let store = MemoryStore::default();
    let sessions = simulate(SimulationSettings::steady(sessions, 7)).unwrap().enumerate();
    let records = sessions.map(|(n, session)| append(session, n.is_multiple_of(5).then_some("simulator")));
    store.append(records.collect(), NOW).wait().unwrap();
    Arc::new(store)
}

/// All sessions without their places, which are another store's.
pub(crate) fn stored(store: &dyn Store) -> Vec<(Session, Option<String>)> {
    let all = store.stored_sessions(Seq::ZERO, Seq(i64::MAX), usize::MAX).unwrap();
    all.into_iter().map(|StoredSession { session, provenance, .. }| (session, provenance)).collect()
}

pub(crate) fn export(
    store: &Arc<MemoryStore>,
    path: &Path,
    shape: Shape,
    gzip: bool,
) -> Result<Written, ExportError<StoreError>> {
    let pages = StorePages::now(Arc::clone(store) as Arc<dyn Store>).unwrap();
    Export::new(pages, ExportFormat { shape, gzip }, None).to_path(path, &job(), |_: &ExportProgress| ())
}

/// The file imported into an empty store. What the sink took before an error is in the store all the same.
pub(crate) fn import_into(
    store: &MemoryStore,
    source: Source,
    on_error: OnError,
) -> Result<ImportSummary, ImportError<StoreError>> {
    let settings = ImportSettings { on_error, threads: 2, ..ImportSettings::default() };
    let sink = |batch| store.append(batch, NOW).wait().map(|_| ());
    Importer::new(source, None, settings).run(&job(), sink, |_| ())
}

pub(crate) fn import(path: &Path) -> (MemoryStore, ImportSummary) {
    let store = MemoryStore::default();
    let summary = import_into(&store, Source::path(path), OnError::Abort).unwrap();
    (store, summary)
}
