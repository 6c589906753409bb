//! What several tests share.

use std::convert::Infallible;
use std::io::{Cursor, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use souffleur_core::clock::ManualClock;
use souffleur_core::job::Job;
use souffleur_core::store::{Append, FeaturedSession, Record};
use souffleur_import::{ImportError, ImportSettings, ImportSummary, Importer, Mapping, Source};

pub(crate) fn job() -> Job {
    Job::new(Arc::new(ManualClock::default()), 0)
}

pub(crate) fn featured(append: Append) -> FeaturedSession {
    match append.record {
        Record::Session(session) => *session,
        other => panic!("{other:?} is no session"),
    }
}

pub(crate) type Outcome = Result<(Vec<FeaturedSession>, ImportSummary), ImportError<Infallible>>;

pub(crate) fn run(source: Source, mapping: Option<Mapping>, settings: ImportSettings) -> Outcome {
    let mut sessions = Vec::new();
    let sink = |batch: Vec<Append>| {
        sessions.extend(batch.into_iter().map(featured));
        Ok(())
    };
    let summary = Importer::new(source, mapping, settings).run(&job(), sink, |_| ())?;
    Ok((sessions, summary))
}

/// The import of some bytes, bad lines skipped.
pub(crate) fn import(bytes: impl AsRef<[u8]>, mapping: Option<Mapping>) -> (Vec<FeaturedSession>, ImportSummary) {
    run(Source::stream("in", Cursor::new(bytes.as_ref().to_vec())), mapping, ImportSettings::default()).unwrap()
}

pub(crate) fn names(sessions: &[FeaturedSession]) -> Vec<&str> {
    sessions.iter().map(|s| s.session.session_id.as_deref().unwrap()).collect()
}

pub(crate) fn errors(summary: &ImportSummary) -> Vec<String> {
    summary.errors.iter().map(ToString::to_string).collect()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A good line in our own shape.
pub(crate) fn line(name: &str) -> String {
    format!("{{\"session_id\":\"{name}\",\"original_prompt\":\"Write a note about {name}.\"}}\n")
}
