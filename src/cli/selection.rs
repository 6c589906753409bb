//! Picking components by name.

use souffleur_core::catalogue::Entry;

use super::exit::{Failure, Outcome};

/// Similarity (Jaro-Winkler) from which on a known name is offered for an unknown one.
const SIMILAR: f64 = 0.75;

/// The entries of these names, in catalogue order and each once; all of them if no name is given.
pub(crate) fn pick(catalogue: &[Entry], names: &[String]) -> Outcome<Vec<Entry>> {
    for name in names {
        if !catalogue.iter().any(|entry| entry.name == *name) {
            return Err(unknown(name, catalogue.iter().map(|entry| entry.name.as_ref())));
        }
    }
    let wanted = |entry: &&Entry| names.is_empty() || names.iter().any(|name| entry.name == *name);
    Ok(catalogue.iter().filter(wanted).cloned().collect())
}

/// Says that there is no such component, and which comes nearest.
pub(crate) fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let nearest = known.max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    let hint = match nearest {
        Some(near) if strsim::jaro_winkler(near, name) >= SIMILAR => format!("did you mean `{near}`?"),
        _ => "`souffleur components` lists them".to_owned(),
    };
    Failure::usage(format!("there is no component `{name}`; {hint}"))
}
