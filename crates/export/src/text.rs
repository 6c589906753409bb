//! Sessions as lines of text.

use std::io::{self, Write};

use serde::Serialize;
use souffleur_core::records::Session;
use souffleur_core::store::StoredSession;

/// The columns of the CSV form, in order. The last three hold JSON.
const COLUMNS: [&str; 19] = [
    "session_id",
    "provenance",
    "event_time",
    "original_prompt",
    "improved_prompt",
    "project_type",
    "domain",
    "complexity",
    "team_size",
    "before_metrics.overall_score",
    "before_metrics.clarity",
    "before_metrics.completeness",
    "before_metrics.actionability",
    "before_metrics.effectiveness",
    "quality_score",
    "improvement_score",
    "rules",
    "feedback",
    "tags",
];

/// A made-up session as a line of its own: the shape of [`souffleur_core::records::TrainingPrompt`].
#[derive(Serialize)]
struct MadeUp<'s> {
    provenance: &'s str,
    session: &'s Session,
}

/// Writes sessions as text.
pub(crate) enum TextWriter<W: Write> {
    Jsonl(W),
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> TextWriter<W> {
    /// One JSON object a line.
    pub(crate) fn jsonl(out: W) -> Self {
        Self::Jsonl(out)
    }

    /// CSV; begins with the header.
    pub(crate) fn csv(out: W) -> io::Result<Self> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        writer.write_record(COLUMNS)?;
        Ok(Self::Csv(Box::new(writer)))
    }

    pub(crate) fn write(&mut self, sessions: &[StoredSession]) -> io::Result<()> {
        for stored in sessions {
            match self {
                Self::Jsonl(out) => {
                    match &stored.provenance {
                        None => serde_json::to_writer(&mut *out, &stored.session)?,
                        Some(provenance) => {
                            serde_json::to_writer(&mut *out, &MadeUp { provenance, session: &stored.session })?;
                        }
                    }
                    out.write_all(b"\n")?;
                }
                Self::Csv(writer) => writer.write_record(record(stored)?)?,
            }
        }
        Ok(())
    }

    /// Writes what is held back, and gives back what was written to.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self {
            Self::Jsonl(out) => Ok(out),
            Self::Csv(writer) => writer.into_inner().map_err(|error| io::Error::other(error.to_string())),
        }
    }
}

/// The fields of a session; what is not known is empty.
fn record(stored: &StoredSession) -> io::Result<[String; 19]> {
    fn shown(value: Option<impl ToString>) -> String {
        value.map_or_else(String::new, |value| value.to_string())
    }
    let s = &stored.session;
    let before = s.before_metrics.unwrap_or_default();
    let rules = if s.rules.is_empty() { String::new() } else { serde_json::to_string(&s.rules)? };
    let feedback = if s.feedback.is_empty() { String::new() } else { serde_json::to_string(&s.feedback)? };
    let tags = if s.tags.is_empty() { String::new() } else { serde_json::to_string(&s.tags)? };
    Ok([
        shown(s.session_id.as_deref()),
        shown(stored.provenance.as_deref()),
        shown(s.event_time),
        s.original_prompt.clone(),
        shown(s.improved_prompt.as_deref()),
        shown(s.project_type.as_deref()),
        shown(s.domain.as_deref()),
        shown(s.complexity),
        shown(s.team_size),
        shown(before.overall_score),
        shown(before.clarity),
        shown(before.completeness),
        shown(before.actionability),
        shown(before.effectiveness),
        shown(s.quality_score),
        shown(s.improvement_score),
        rules,
        feedback,
        tags,
    ])
}
