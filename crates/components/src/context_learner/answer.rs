//! Questions to the learner and their answers.

use ndarray::ArrayView2;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;
use souffleur_core::records::Session;

use super::model::Model;
use super::params::Params;
use super::preference::Preference;
use super::space::coordinates;
use crate::bridge::asked;

/// Which context is this in? Exactly one of `prompt`, `session` and `features` must be given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
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

/// The context, how sure that is, and what works in it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Answer {
    /// The context's number; nothing if this is like nothing known.
    pub context: Option<u32>,
    /// The context in words.
    pub description: String,
    /// How sure it is, in [0, 1]: 1 as near as the context's own sessions are to each other, then falling with the
    /// distance; 0 for none.
    pub membership: f64,
    /// Distance to the nearest known session, in the space of contexts.
    pub distance: f64,
    /// Share of all sessions that are in this context.
    pub share: f64,
    /// What is known of the rules in this context, the best first.
    pub rules: Vec<Preference>,
}

/// Answers from a trained model.
pub(super) fn answer(params: &Params, model: &Model, query: &Query) -> Result<Answer, ComponentError> {
    let row = asked::row(query.prompt.as_deref(), query.session.as_ref(), query.features.as_deref())?;
    let features = ArrayView2::from_shape((1, WIDTH), &row).map_err(|e| ComponentError::Data(e.to_string()))?;
    let rows = coordinates(features, params)?;
    let places = model.clusters.place(rows.view(), &());
    let places = places.map_err(|e| ComponentError::Data(format!("the question cannot be placed: {e:?}")))?;
    let place = places.first().ok_or_else(|| ComponentError::Data("the question was not placed".to_owned()))?;
    let context = place.cluster.and_then(|cluster| model.contexts.get(cluster));
    Ok(Answer {
        context: context.map(|c| c.id),
        description: context.map_or_else(|| "like no context known".to_owned(), |c| c.description.clone()),
        membership: place.membership,
        distance: place.distance,
        share: context.map_or(0.0, |c| c.share),
        rules: context.map_or_else(Vec::new, |c| c.preferences.clone()),
    })
}
