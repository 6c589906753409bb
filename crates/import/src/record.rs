//! One record: from its bytes to a session that may be stored.

use std::borrow::Cow;

use souffleur_core::records::{Session, TrainingPrompt, Validate};
use uuid::Uuid;

use crate::error::Fault;
use crate::mapping::Mapping;
use crate::node::{Node, parse_slots};
use crate::parts::Parts;
use crate::{csv, otlp, parts};

/// The name space of names given to sessions without one.
const NAMES: Uuid = Uuid::from_u128(0x7d0b_6a52_94b1_4c1e_9f38_5be2_c0a1_6e4d);

/// A session that may be stored: validated, and with a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Read {
    pub(crate) session: Session,
    /// Which generator made it up; `None` for a real session.
    pub(crate) provenance: Option<String>,
}

impl Read {
    /// Validates a session read from `line`, and names it if it has no name.
    pub(crate) fn checked(line: u64, session: Session, provenance: Option<String>) -> Result<Self, Fault> {
        let fault = |e: souffleur_core::error::Invalid| Fault::at(line, e.to_string());
        let (session, provenance) = match provenance {
            None => {
                session.validate().map_err(fault)?;
                (session, None)
            }
            Some(provenance) => {
                let made_up = TrainingPrompt { provenance, session };
                made_up.validate().map_err(fault)?;
                (made_up.session, Some(made_up.provenance))
            }
        };
        let session =
            named(session).map_err(|e| Fault::at(line, format!("cannot be named: {e}; give it a session_id")))?;
        Ok(Self { session, provenance })
    }
}

/// How records are read.
#[derive(Clone, Debug)]
pub(crate) enum Reader {
    /// A line is a session in our own shape.
    Own,
    /// A line is an object that a mapping turns into a session.
    Mapped(Mapping),
    /// A record is what an exporter of OpenTelemetry sends at a time; it holds any number of sessions.
    Otlp,
    /// A record has fields under a header.
    Columns { mapping: Mapping, columns: Vec<usize>, parts: Parts, width: usize },
}

impl Reader {
    /// Hands on the sessions of a record that begins on `line`, and its faults. Gives how many parts were passed over.
    pub(crate) fn each(&self, line: u64, bytes: &[u8], mut take: impl FnMut(Result<Read, Fault>)) -> u64 {
        if let Self::Otlp = self {
            return otlp::read(line, bytes, take);
        }
        take(self.read(line, bytes));
        0
    }

    fn read(&self, line: u64, bytes: &[u8]) -> Result<Read, Fault> {
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let message = "is not UTF-8; convert the file to UTF-8";
            Fault::new(line, Some(e.valid_up_to() as u64 + 1), message.to_owned())
        })?;
        let mut provenance = None;
        let session = match self {
            Self::Own | Self::Otlp => return own(line, text),
            Self::Mapped(mapping) => {
                let slots = parse_slots(text, mapping.source_fields()).map_err(|e| json_fault(line, &e))?;
                mapping.session(&slots).map_err(|e| Fault::at(line, e.to_string()))?
            }
            Self::Columns { mapping, columns, parts, width } => {
                let fields = csv::fields(text);
                if fields.len() != *width {
                    let message = format!("has {} fields; the header has {width}", fields.len());
                    return Err(Fault::at(line, message));
                }
                let value = |&column: &usize| match fields.get(column) {
                    Some(field) if !field.is_empty() => Node::Text(Cow::Borrowed(field)),
                    _ => Node::Null,
                };
                let slots: Vec<Node<'_>> = columns.iter().map(value).collect();
                let mut session = mapping.session(&slots).map_err(|e| Fault::at(line, e.to_string()))?;
                provenance = parts.join(&fields, &mut session).map_err(|e| Fault::at(line, e.to_string()))?;
                session
            }
        };
        Read::checked(line, session, provenance)
    }
}

/// A line in our own shape: a session, or one that was made up with who made it.
fn own(line: u64, text: &str) -> Result<Read, Fault> {
    match serde_json::from_str::<Session>(text) {
        Ok(session) => Read::checked(line, session, None),
        Err(error) => match serde_json::from_str::<TrainingPrompt>(text) {
            Ok(TrainingPrompt { provenance, session }) => Read::checked(line, session, Some(provenance)),
            Err(other) if parts::is_made_up(text) => Err(json_fault(line, &other)),
            Err(_) => Err(json_fault(line, &error)),
        },
    }
}

/// Gives a session without a name one that follows from its content, so that importing it again adds nothing.
fn named(mut session: Session) -> Result<Session, serde_json::Error> {
    if session.session_id.is_none() {
        // Fields in a fixed order, tags sorted: the same content is the same text.
        let content = serde_json::to_vec(&session)?;
        session.session_id = Some(Uuid::new_v5(&NAMES, &content).to_string());
    }
    Ok(session)
}

pub(crate) fn json_fault(line: u64, error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let hint = if error.is_syntax() || error.is_eof() { "; write one JSON object per line" } else { "" };
    let column = Some(error.column() as u64).filter(|&column| column > 0);
    Fault::new(line, column, format!("{message}{hint}"))
}
