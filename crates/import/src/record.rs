//! One record: from its bytes to a session that may be stored.

use std::borrow::Cow;

use souffleur_core::records::{Session, Validate};
use uuid::Uuid;

use crate::csv;
use crate::error::Fault;
use crate::mapping::Mapping;
use crate::node::{Node, parse_slots};

/// The name space of names given to sessions without one.
const NAMES: Uuid = Uuid::from_u128(0x7d0b_6a52_94b1_4c1e_9f38_5be2_c0a1_6e4d);

/// How records are read.
#[derive(Clone, Debug)]
pub(crate) enum Reader {
    /// A line is a session in our own shape.
    Own,
    /// A line is an object that a mapping turns into a session.
    Mapped(Mapping),
    /// A record has fields under a header.
    Columns { mapping: Mapping, columns: Vec<usize>, width: usize },
}

impl Reader {
    /// The session of a record that begins on `line`: validated, and with a name.
    pub(crate) fn read(&self, line: u64, bytes: &[u8]) -> Result<Session, Fault> {
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let message = "is not UTF-8; convert the file to UTF-8";
            Fault::new(line, Some(e.valid_up_to() as u64 + 1), message.to_owned())
        })?;
        let session = match self {
            Self::Own => serde_json::from_str(text).map_err(|e| json_fault(line, &e))?,
            Self::Mapped(mapping) => {
                let slots = parse_slots(text, mapping.source_fields()).map_err(|e| json_fault(line, &e))?;
                mapping.session(&slots).map_err(|e| Fault::at(line, e.to_string()))?
            }
            Self::Columns { mapping, columns, width } => {
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
                mapping.session(&slots).map_err(|e| Fault::at(line, e.to_string()))?
            }
        };
        session.validate().map_err(|e| Fault::at(line, e.to_string()))?;
        named(session).map_err(|e| Fault::at(line, format!("cannot be named: {e}; give it a session_id")))
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

fn json_fault(line: u64, error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let hint = if error.is_syntax() || error.is_eof() { "; write one JSON object per line" } else { "" };
    let column = Some(error.column() as u64).filter(|&column| column > 0);
    Fault::new(line, column, format!("{message}{hint}"))
}
