//! What a CSV that we wrote holds beyond plain fields: rules, feedback and tags as JSON, and who made a session up.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use souffleur_core::error::Invalid;
use souffleur_core::records::Session;

/// The names of these columns.
const NAMES: [&str; 4] = ["rules", "feedback", "tags", "provenance"];

/// Where these columns stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts([Option<usize>; 4]);

impl Parts {
    /// The columns of a header that hold parts, and the names of all others.
    pub(crate) fn of_header(header: &[String]) -> (Self, Vec<String>) {
        let place = |name: &str| header.iter().position(|column| column == name);
        let others = header.iter().filter(|name| !NAMES.contains(&name.as_str())).cloned().collect();
        (Self(NAMES.map(place)), others)
    }

    /// Gives a session its parts, and says who made it up.
    pub(crate) fn join(&self, fields: &[Cow<'_, str>], session: &mut Session) -> Result<Option<String>, Invalid> {
        let field = |place: Option<usize>| place.and_then(|i| fields.get(i)).filter(|field| !field.is_empty());
        let [rules, feedback, tags, provenance] = self.0.map(field);
        if let Some(text) = rules {
            session.rules = json("rules", text)?;
        }
        if let Some(text) = feedback {
            session.feedback = json("feedback", text)?;
        }
        if let Some(text) = tags {
            // Columns such as `tags.model` may have named some already.
            session.tags.extend(json::<std::collections::BTreeMap<_, _>>("tags", text)?);
        }
        Ok(provenance.map(|text| text.clone().into_owned()))
    }
}

fn json<T: DeserializeOwned>(at: &str, text: &str) -> Result<T, Invalid> {
    serde_json::from_str(text).map_err(|error| Invalid::new(at, error.to_string(), "write JSON, as an export does"))
}

/// Whether a line says that its session was made up.
pub(crate) fn is_made_up(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Peek {
        provenance: Option<IgnoredAny>,
        session: Option<IgnoredAny>,
    }
    serde_json::from_str::<Peek>(text).is_ok_and(|peek| peek.provenance.is_some() || peek.session.is_some())
}
