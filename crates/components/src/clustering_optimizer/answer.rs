//! Questions to the optimiser and their answers.

use ndarray::ArrayView2;
use schemars::JsonSchema;
use serde::Serialize;
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;

use super::model::Model;
use super::patterns::Pattern;
use crate::bridge::asked::Asked;

/// Patterns an answer names.
const PATTERNS: usize = 5;

/// Where a session belongs, and what succeeded in sessions like it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Answer {
    /// The cluster; nothing where it is noise.
    pub cluster: Option<usize>,
    /// The cluster in words.
    pub description: String,
    /// How surely, in [0, 1]: see `setting` for which method says so.
    pub membership: f64,
    /// Share of all sessions in this cluster.
    pub share: f64,
    /// The clustering that was found best, in words.
    pub setting: String,
    /// Patterns of success that hold here, the greatest certain gain first; one for each set of rules.
    pub patterns: Vec<Pattern>,
}

/// Answers from a trained model.
pub(super) fn answer(model: &Model, query: &Asked) -> Result<Answer, ComponentError> {
    let row = query.row()?;
    let features = ArrayView2::from_shape((1, WIDTH), &row).map_err(|e| ComponentError::Data(e.to_string()))?;
    if !model.is_sound() {
        return Err(ComponentError::Data("the model was made for other features".to_owned()));
    }
    let rows = model.space.coordinates(features)?;
    let placed = model.clustering.predict(rows.view(), &()).map_err(|e| ComponentError::Data(e.to_string()))?;
    let (label, membership) = placed.first().map_or((-1, 0.0), |place| (place.label, place.probability));
    let cluster = usize::try_from(label).ok();
    let known = cluster.and_then(|cluster| model.clusters.get(cluster));
    let mut patterns: Vec<&Pattern> = Vec::new();
    for one in &model.patterns {
        if !one.circumstance.holds(features.row(0), label) {
            continue;
        }
        match patterns.iter_mut().find(|other| other.rules == one.pattern.rules) {
            Some(other) if other.low < one.pattern.low => *other = &one.pattern,
            Some(_) => {}
            None => patterns.push(&one.pattern),
        }
    }
    patterns.sort_by(|a, b| b.low.total_cmp(&a.low).then_with(|| a.rules.cmp(&b.rules)));
    Ok(Answer {
        cluster,
        description: known.map_or_else(|| "in no cluster".to_owned(), |cluster| cluster.description.clone()),
        membership,
        share: known.map_or(0.0, |cluster| cluster.share),
        setting: model.candidate.to_string(),
        patterns: patterns.into_iter().take(PATTERNS).cloned().collect(),
    })
}
