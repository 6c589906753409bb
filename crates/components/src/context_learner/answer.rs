//! Questions to the learner and their answers.

use ndarray::ArrayView2;
use schemars::JsonSchema;
use serde::Serialize;
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;

use super::clusters::Nearness;
use super::failed::Failed;
use super::model::Model;
use super::preference::Preference;
use crate::bridge::asked::Asked;

/// The context, how sure that is, and what works in it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Answer {
    /// The context's number; nothing if this is like nothing known.
    pub context: Option<u32>,
    /// The context in words.
    pub description: String,
    /// How sure it is, in [0, 1]: near where the context's own sessions are, and nearer than to any other context; 0 for
    /// none.
    pub membership: f64,
    /// Whether this lies farther from all that is known than sessions of one context do from each other.
    pub like_nothing_known: bool,
    /// Other contexts it lies near, the most likely first; where it is like nothing known, what comes nearest.
    pub alternatives: Vec<Alternative>,
    /// Distance to the nearest known session, in the space of contexts.
    pub distance: f64,
    /// Share of all sessions that are in this context.
    pub share: f64,
    /// What is known of the rules in this context, the best first.
    pub rules: Vec<Preference>,
}

/// Another context.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Alternative {
    /// Its number.
    pub context: u32,
    /// What it is, in words.
    pub description: String,
    /// How sure it would be, in [0, 1].
    pub membership: f64,
}

/// Alternatives an answer names, and how sure they must be.
const ALTERNATIVES: usize = 3;
const ALTERNATIVE_MINIMUM: f64 = 0.01;

/// How sure each context is, in the order given: how much the row is like the context's own rows, times the context's part
/// among all contexts in the inverse fourth powers of the distances.
fn memberships(near: &[Nearness]) -> Vec<f64> {
    // Nearer than a thousandth of what rows reach is as near as can be.
    let weight = |n: &Nearness| n.reaches.max(1e-3).powi(-4);
    let total: f64 = near.iter().map(weight).sum();
    near.iter().map(|n| n.reaches.max(1.0).recip() * weight(n) / total.max(f64::MIN_POSITIVE)).collect()
}

/// Answers from a trained model.
pub(super) fn answer(model: &Model, query: &Asked) -> Result<Answer, ComponentError> {
    let row = query.row()?;
    let features = ArrayView2::from_shape((1, WIDTH), &row).map_err(|e| ComponentError::Data(e.to_string()))?;
    let rows = model.space.coordinates(features)?;
    let (place, near) = model.clusters.look(rows.view()).map_err(|failed| match failed {
        Failed::Data(why) => ComponentError::Data(why),
        Failed::Interrupted => ComponentError::Data("the question was interrupted".to_owned()),
    })?;
    let memberships = memberships(&near);
    let mut others: Vec<Alternative> = near
        .iter()
        .zip(&memberships)
        .filter(|(near, sure)| Some(near.cluster) != place.cluster && **sure >= ALTERNATIVE_MINIMUM)
        .filter_map(|(near, sure)| {
            let context = model.contexts.get(near.cluster)?;
            Some(Alternative { context: context.id, description: context.description.clone(), membership: *sure })
        })
        .collect();
    others.sort_by(|a, b| b.membership.total_cmp(&a.membership).then(a.context.cmp(&b.context)));
    others.truncate(ALTERNATIVES);
    let own = near.iter().zip(&memberships).find(|(near, _)| Some(near.cluster) == place.cluster);
    let context = place.cluster.and_then(|cluster| model.contexts.get(cluster));
    Ok(Answer {
        context: context.map(|c| c.id),
        description: context.map_or_else(|| "like no context known".to_owned(), |c| c.description.clone()),
        membership: own.map_or(0.0, |(_, sure)| *sure),
        like_nothing_known: context.is_none(),
        alternatives: others,
        distance: place.distance,
        share: context.map_or(0.0, |c| c.share),
        rules: context.map_or_else(Vec::new, |c| c.preferences.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_two_contexts_is_half_sure_of_each() {
        let near = |cluster, reaches| Nearness { cluster, reaches, distance: reaches };
        assert_eq!(memberships(&[near(0, 0.8), near(1, 0.8)]), [0.5, 0.5]);
        let clear = memberships(&[near(0, 0.5), near(1, 5.0)]);
        assert!(clear[0] > 0.999 && clear[1] < 0.001, "{clear:?}");
        assert_eq!(memberships(&[near(0, 4.0)]), [0.25]);
        assert!(memberships(&[near(0, 0.0), near(1, 1.0)])[0] > 0.999_999);
    }
}
