//! What a component is asked about: a prompt, a session, or the features themselves.

use souffleur_core::error::ComponentError;
use souffleur_core::features::{self, FeatureVector, WIDTH};
use souffleur_core::records::{Session, Validate};

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
