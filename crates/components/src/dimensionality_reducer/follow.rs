//! Whether a reduction still fits new sessions, and what to do if not.

use ndarray::{Array2, ArrayView2, Axis};
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;

use super::downstream::work_saved;
use super::model::Model;
use super::params::Params;
use super::reducer::{Method, Reducer, unusable};
use super::search::{Judged, dimension, information, judge};
use super::train::principal;
use crate::bridge::Phases;
use crate::bridge::distinct::Distinct;

/// Fewest different new sessions that a reduction is judged by, and that a dimension is estimated from.
const JUDGED_MINIMUM: usize = 40;
const DIMENSION_MINIMUM: usize = 100;
/// A difference of dimensions counts beyond so many standard errors.
const STANDARD_ERRORS: f64 = 3.0;
/// One in so many new sessions is held out to judge components by that the others took part in.
const HELD_OUT_OF: usize = 4;

/// What new sessions say of a reduction.
pub(super) struct Verdict {
    pub(super) information: Option<f64>,
    pub(super) dimension: Option<f64>,
    /// Too much is lost: other components are needed.
    pub(super) asks_for_components: bool,
    /// The data is of another kind, or there is much more of it: all must be tried again.
    pub(super) asks_for_choice: bool,
    pub(super) reason: String,
}

impl Verdict {
    fn keeps(reason: String) -> Self {
        Self { information: None, dimension: None, asks_for_components: false, asks_for_choice: false, reason }
    }
}

/// The different rows among these, at most `most`, evenly taken.
fn different(rows: ArrayView2<'_, f32>, most: usize, phases: &Phases<'_>) -> Result<Array2<f32>, ComponentError> {
    let first = Distinct::of(rows.outer_iter(), phases.job())?.first;
    let step = first.len().div_ceil(most).max(1);
    Ok(rows.select(Axis(0), &first.into_iter().step_by(step).collect::<Vec<usize>>()))
}

/// Looks at the new rows through the reduction in force. `old` are the rows that were there before.
pub(super) fn judge_new(
    params: &Params,
    previous: &Model,
    (old, rows): (ArrayView2<'_, f32>, ArrayView2<'_, f32>),
    phases: &Phases<'_>,
) -> Result<Verdict, ComponentError> {
    if rows.nrows() == 0 {
        return Ok(Verdict::keeps("no session is new".to_owned()));
    }
    let new = different(rows, params.rows_max, phases)?;
    let grown = (old.nrows() + rows.nrows()) as f64 >= params.growth * previous.sessions_at_choice as f64;
    let mut reasons = Vec::new();
    let mut verdict = Verdict::keeps(String::new());
    if new.nrows() >= JUDGED_MINIMUM {
        let watch = phases.watch();
        let places = previous.reducer.coordinates(new.view(), &watch)?;
        let kept = information(&previous.reducer, new.view(), places.view(), &watch)?;
        verdict.information = Some(kept);
        verdict.asks_for_components = kept < params.information_minimum - params.information_slack;
        reasons.push(format!("{:.1} % of the information of new sessions comes back", 100.0 * kept));
    } else {
        reasons.push(format!("{} different sessions are new, too few to judge by", new.nrows()));
    }
    if new.nrows() >= DIMENSION_MINIMUM {
        // As many old ones, as what distances tell depends on how densely rows stand.
        let as_many = different(old, new.nrows(), phases)?;
        if let (Some(now), Some(before)) = (dimension(new.view(), phases)?, dimension(as_many.view(), phases)?) {
            verdict.dimension = Some(now.dimension);
            let allowed = STANDARD_ERRORS * now.standard_error.hypot(before.standard_error);
            let (now, before) = (now.dimension, before.dimension);
            if (now - before).abs() > allowed.max(params.dimension_slack) {
                verdict.asks_for_choice = true;
                reasons.push(format!("they spread over {now:.1} dimensions, as many old ones over {before:.1}"));
            }
        }
    }
    if grown {
        verdict.asks_for_choice = true;
        let (before, factor) = (previous.sessions_at_choice, params.growth);
        reasons.push(format!("the history of {before} sessions has grown {factor} times"));
    }
    // What changes the kind of the data is not mended by more of the same.
    verdict.asks_for_components &= !verdict.asks_for_choice;
    verdict.reason = reasons.join("; ");
    Ok(verdict)
}

/// The fewest principal components of all sessions seen that keep enough of the new ones, judged on those of them that took no
/// part; nothing if another method is in force, or too many components would be needed.
pub(super) fn refit(
    params: &Params,
    previous: &Model,
    rows: ArrayView2<'_, f32>,
    phases: &Phases<'_>,
) -> Result<Option<(usize, Judged)>, ComponentError> {
    let Method::Pca = previous.reducer.candidate().method else {
        return Ok(None);
    };
    let watch = phases.watch();
    let part = |held_out: bool| {
        let of = (0..rows.nrows()).filter(|row| (row % HELD_OUT_OF == HELD_OUT_OF - 1) == held_out);
        rows.select(Axis(0), &of.collect::<Vec<usize>>())
    };
    let held_out = different(part(true).view(), params.rows_max, phases)?;
    if held_out.nrows() < JUDGED_MINIMUM / HELD_OUT_OF {
        return Ok(None);
    }
    let mut seen = previous.seen.clone();
    seen.update(part(false).view(), &watch).map_err(|e| unusable(&e))?;
    for components in previous.reducer.candidate().components..WIDTH {
        if work_saved(components) < params.work_saved_minimum {
            break;
        }
        let reducer = Reducer::Pca(principal(&seen, components, phases)?);
        let places = reducer.coordinates(held_out.view(), &watch)?;
        if information(&reducer, held_out.view(), places.view(), &watch)? >= params.information_minimum {
            return Ok(Some((components, judge(params, &reducer, (held_out.view(), None), None, &watch)?)));
        }
    }
    Ok(None)
}
