//! What a component is asked about: a prompt, a session, or the features themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::ComponentError;
use souffleur_core::features::{self, FeatureVector, WIDTH};
use souffleur_core::records::{Session, Validate};

/// What is asked about: exactly one of `prompt`, `session` and `features` must be given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    /// The prompt's text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The prompt with its context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// The 31 features themselves, each in [0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<f32>>,
}

impl Asked {
    /// The features of the one thing that was given.
    ///
    /// # Errors
    /// As [`row`].
    pub(crate) fn row(&self) -> Result<FeatureVector, ComponentError> {
        row(self.prompt.as_deref(), self.session.as_ref(), self.features.as_deref())
    }
}

/// The features of the one thing that was given.
///
/// # Errors
/// Nothing was given, or more than one thing; a session out of range; features of another number or out of [0, 1].
pub(crate) fn row(
    prompt: Option<&str>,
    session: Option<&Session>,
    given: Option<&[f32]>,
) -> Result<FeatureVector, ComponentError> {
    let bad = |why: &str| Err(ComponentError::Query(why.to_owned()));
    match (prompt, session, given) {
        (Some(prompt), None, None) => extract(&Session { original_prompt: prompt.to_owned(), ..Session::default() }),
        (None, Some(session), None) => extract(session),
        (None, None, Some(values)) => {
            let Ok(row) = FeatureVector::try_from(values) else {
                return bad(&format!("`features` has {} values; there are {WIDTH} features", values.len()));
            };
            match row.iter().position(|v| !(0.0..=1.0).contains(v)) {
                Some(i) => bad(&format!("`features[{i}]` is {}; it must lie in [0, 1]", row[i])),
                None => Ok(row),
            }
        }
        (None, None, None) => bad("nothing to judge; give one of `prompt`, `session` and `features`"),
        _ => bad("more than one thing to judge; give only one of `prompt`, `session` and `features`"),
    }
}

fn extract(session: &Session) -> Result<FeatureVector, ComponentError> {
    session.validate().map_err(|e| ComponentError::Query(e.to_string()))?;
    Ok(features::extract(session))
}
