//! Questions to the reducer and their answers.

use ndarray::ArrayView2;
use schemars::JsonSchema;
use serde::Serialize;
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;

use super::model::Model;
use crate::bridge::asked::Asked;

/// A session in few numbers.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Answer {
    /// The reduction, in words.
    pub reduction: String,
    /// The coordinates.
    pub coordinates: Vec<f32>,
    /// The 31 features that these coordinates stand for.
    pub back: Vec<f32>,
    /// Root of the mean squared difference between the features and what comes back.
    pub lost: f64,
    /// Whether more is lost than in all but one in a hundred of the sessions learnt from: the coordinates say little of this one.
    pub unusual: bool,
}

/// Answers from a trained model.
pub(super) fn answer(model: &Model, query: &Asked) -> Result<Answer, ComponentError> {
    let row = query.row()?;
    let features = ArrayView2::from_shape((1, WIDTH), &row).map_err(|e| ComponentError::Data(e.to_string()))?;
    if !model.is_sound() {
        return Err(ComponentError::Data("the model was made for other features".to_owned()));
    }
    let coordinates = model.reducer.coordinates(features, &())?;
    let back = model.reducer.back(coordinates.view(), &())?;
    let squared: f64 = back.iter().zip(&row).map(|(back, value)| (back - f64::from(*value)).powi(2)).sum();
    Ok(Answer {
        reduction: model.reducer.candidate().to_string(),
        coordinates: coordinates.into_iter().collect(),
        back: back.iter().map(|value| *value as f32).collect(),
        lost: (squared / WIDTH as f64).sqrt(),
        unusual: squared > model.usual_loss,
    })
}
