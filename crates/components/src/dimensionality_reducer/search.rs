//! Trying reductions on sessions they were not learnt from, and choosing among them.

use ndarray::{Array2, ArrayView2};
use souffleur_algorithms::intrinsic_dimension::IntrinsicDimension;
use souffleur_algorithms::pca::Pca;
use souffleur_algorithms::reduction_quality::{neighborhoods, reconstruction};
use souffleur_algorithms::{ParamGuard, Watch};
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;

use super::downstream::{Downstream, work_saved};
use super::params::Params;
use super::reducer::{Candidate, Method, Reducer, unusable};
use crate::bridge::Phases;

/// Sessions the intrinsic dimension is estimated at.
const DIMENSION_QUERIES: usize = 1000;
/// UMAP is tried in at most so many dimensions.
const UMAP_COMPONENTS_MAX: usize = 8;
/// Sessions whose neighbourhoods are compared.
const NEIGHBORHOODS_MAX: usize = 2000;
/// An autoencoder is tried with a code shorter by this factor than principal components of equal information.
const CODE_SHARE: f64 = 0.67;

/// What became of one candidate.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) candidate: Candidate,
    pub(super) information_kept: f64,
    pub(super) trustworthiness: f64,
    pub(super) continuity: f64,
    pub(super) neighbor_recall: f64,
    pub(super) downstream_loss: Option<f64>,
    pub(super) training_work_saved: f64,
    /// What it does not reach; nothing if it meets all that is asked.
    pub(super) falls_short: Vec<String>,
}

/// All candidates, and the one that stands.
pub(super) struct Found {
    pub(super) judged: Vec<Judged>,
    pub(super) chosen: usize,
    pub(super) loss_of_all: Option<f64>,
}

impl Found {
    pub(super) fn best(&self) -> &Judged {
        &self.judged[self.chosen]
    }
}

/// How many dimensions rows spread over, and the standard error; nothing where distances do not tell.
pub(super) fn dimension(
    rows: ArrayView2<'_, f32>,
    phases: &Phases<'_>,
) -> Result<Option<IntrinsicDimension>, ComponentError> {
    let asked = IntrinsicDimension::two_nn().max_queries(DIMENSION_QUERIES).seed(phases.job().seed());
    let params = asked.check().map_err(|e| ComponentError::Data(e.to_string()))?;
    let found = params.estimate(rows, &phases.watch());
    phases.job().check()?;
    Ok(found.ok())
}

/// Share of the variance around the mean of `rows` that comes back.
pub(super) fn information(
    reducer: &Reducer,
    rows: ArrayView2<'_, f32>,
    coordinates: ArrayView2<'_, f32>,
    watch: &dyn Watch,
) -> Result<f64, ComponentError> {
    let back = reducer.back(coordinates, watch)?;
    let count = rows.nrows().max(1) as f64;
    let mean = rows.outer_iter().fold(ndarray::Array1::zeros(rows.ncols()), |sum, row| sum + row.mapv(f64::from) / count);
    let found = reconstruction(rows, back.view(), &mean, watch).map_err(|e| unusable(&e))?;
    Ok(found.information_kept)
}

/// The rows reductions are learnt from, and those they are judged on.
pub(super) struct Split {
    pub(super) learnt: Array2<f32>,
    pub(super) held_out: Array2<f32>,
    /// Of the new sessions alone, where a reduction that was in force is followed by another: theirs must be kept as well,
    /// however many old ones there are.
    pub(super) newest: Option<(Array2<f32>, Array2<f32>)>,
}

/// Share of the variance of `rows` that comes back from the first components, for each number of them from 1.
fn shares(all: &Pca, rows: ArrayView2<'_, f32>, watch: &dyn Watch) -> Result<Vec<f64>, ComponentError> {
    let along = all.transform(rows, watch).map_err(|e| unusable(&e))?;
    let lost = along.map_axis(ndarray::Axis(0), |values| values.iter().map(|value| value * value).sum::<f64>());
    let whole = along.var_axis(ndarray::Axis(0), 0.0).sum() * rows.nrows() as f64;
    let mut left: f64 = lost.sum();
    Ok(lost
        .iter()
        .map(|lost| {
            left -= lost;
            if whole > 0.0 { 1.0 - left / whole } else { 1.0 }
        })
        .collect())
}

/// What is worth trying: as many principal components as keep enough, a little more and nearly all; as many and, where outcomes
/// are known, the direction these follow; codes and pictures of fewer numbers, and of as many as there seem to be dimensions.
fn candidates(
    params: &Params,
    rows: &Split,
    (dimension, outcomes): (Option<f64>, bool),
    watch: &dyn Watch,
) -> Result<Vec<Candidate>, ComponentError> {
    let learnt = rows.learnt.view();
    let all = Pca::params().check().map_err(|e| unusable(&e))?.fit(learnt, watch).map_err(|e| unusable(&e))?;
    let of_all = shares(&all, learnt, watch)?;
    let of_newest = rows.newest.as_ref().map(|(newest, _)| shares(&all, newest.view(), watch)).transpose()?;
    let components = of_all.len();
    let keeping = |share: f64| {
        let fewest = |shares: &Vec<f64>| shares.iter().take_while(|kept| **kept < share).count() + 1;
        fewest(&of_all).max(of_newest.as_ref().map_or(0, fewest)).min(components)
    };
    let (least, most) = (params.information_minimum, (1.0 + params.information_minimum) / 2.0);
    let enough = keeping(least);
    let as_many = dimension.map_or(enough, |d| d.round() as usize).clamp(1, components);
    let shorter = ((CODE_SHARE * enough as f64).round() as usize).max(1);
    let wanted = [
        (Method::Pca, enough),
        (Method::Pca, keeping((least + most) / 2.0)),
        (Method::Pca, keeping(most)),
        (Method::Pca, keeping(0.995)),
        (Method::Directed, enough + 1),
        (Method::Directed, keeping((least + most) / 2.0) + 1),
        (Method::Autoencoder, shorter),
        (Method::Autoencoder, enough),
        (Method::Umap, 2),
        (Method::Umap, as_many.min(UMAP_COMPONENTS_MAX)),
    ];
    let mut kept: Vec<Candidate> = Vec::new();
    for (method, components) in wanted {
        let candidate = Candidate { method, components };
        let possible = match method {
            Method::Directed => outcomes,
            // It holds rows out itself.
            Method::Autoencoder => learnt.nrows() >= 2 * components + 10,
            Method::Pca | Method::Umap => true,
        };
        if possible && components < WIDTH && !kept.contains(&candidate) {
            kept.push(candidate);
        }
    }
    Ok(kept)
}

/// Most candidates that are tried.
pub(super) const CANDIDATES_MAX: u64 = 10;

/// Learns each candidate, judges it on what is held out, and chooses.
pub(super) fn search(
    params: &Params,
    rows: &Split,
    downstream: Option<&Downstream>,
    dimension: Option<f64>,
    phases: &mut Phases<'_>,
) -> Result<Found, ComponentError> {
    let loss_of_all = downstream.map(|downstream| downstream.loss_of_all(&phases.watch())).transpose()?;
    let seed = phases.job().seed();
    let mut judged = Vec::new();
    let tried = candidates(params, rows, (dimension, downstream.is_some()), &phases.watch())?;
    for candidate in tried {
        phases.next()?;
        let watch = phases.watch();
        let sessions = downstream.map(Downstream::learnt);
        let reducer = Reducer::fit(candidate, (rows.learnt.view(), sessions), params, seed, &watch)?;
        let newest = rows.newest.as_ref().map(|(_, held_out)| held_out.view());
        judged.push(judge(params, &reducer, (rows.held_out.view(), newest), downstream.zip(loss_of_all), &watch)?);
    }
    let chosen = choose(&judged);
    Ok(Found { judged, chosen, loss_of_all })
}

/// Judges a reduction on sessions it was not learnt from, by the lesser information of all and of the newest; `downstream` comes with the loss on all features.
pub(super) fn judge(
    params: &Params,
    reducer: &Reducer,
    (held_out, newest): (ArrayView2<'_, f32>, Option<ArrayView2<'_, f32>>),
    downstream: Option<(&Downstream, f64)>,
    watch: &dyn Watch,
) -> Result<Judged, ComponentError> {
    let places = reducer.coordinates(held_out, watch)?;
    let neighbors = params.neighbors.min(held_out.nrows() / 3).max(1);
    let kept = neighborhoods(held_out, places.view(), neighbors, NEIGHBORHOODS_MAX, 0, watch);
    let kept = kept.map_err(|e| unusable(&e))?;
    let candidate = reducer.candidate();
    let mut information_kept = information(reducer, held_out, places.view(), watch)?;
    if let Some(newest) = newest {
        let places = reducer.coordinates(newest, watch)?;
        information_kept = information_kept.min(information(reducer, newest, places.view(), watch)?);
    }
    let mut one = Judged {
        candidate,
        information_kept,
        trustworthiness: kept.trustworthiness,
        continuity: kept.continuity,
        neighbor_recall: kept.recall,
        downstream_loss: downstream.map(|(downstream, _)| downstream.loss_of(reducer, watch)).transpose()?,
        training_work_saved: work_saved(candidate.components),
        falls_short: Vec::new(),
    };
    one.falls_short = falls_short(params, &one, downstream.map(|(_, all)| all));
    Ok(one)
}

fn falls_short(params: &Params, one: &Judged, loss_of_all: Option<f64>) -> Vec<String> {
    let mut short = Vec::new();
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    if one.information_kept < params.information_minimum {
        short.push(format!("keeps {} of the information", percent(one.information_kept)));
    }
    if let (Some(loss), Some(all)) = (one.downstream_loss, loss_of_all)
        && loss > all * (1.0 + params.loss_tolerance)
    {
        short.push(format!("raises the loss downstream by {}", percent(loss / all - 1.0)));
    }
    if one.training_work_saved < params.work_saved_minimum {
        short.push(format!("saves {} of the training work", percent(one.training_work_saved)));
    }
    short
}

/// Of those that meet all that is asked, the one of fewest coordinates; of several the one that keeps most neighbours, then the
/// simplest. If none meets all, the one that keeps most of the information.
fn choose(judged: &[Judged]) -> usize {
    let all = || judged.iter().enumerate();
    let meets = all().filter(|(_, one)| one.falls_short.is_empty());
    let best = meets.min_by(|(_, a), (_, b)| {
        let size = a.candidate.components.cmp(&b.candidate.components);
        size.then(b.neighbor_recall.total_cmp(&a.neighbor_recall)).then(a.candidate.method.cmp(&b.candidate.method))
    });
    let most = || all().max_by(|(_, a), (_, b)| a.information_kept.total_cmp(&b.information_kept));
    best.or_else(most).map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(method: Method, components: usize, information_kept: f64, recall: f64, loss: f64) -> Judged {
        let mut one = Judged {
            candidate: Candidate { method, components },
            information_kept,
            trustworthiness: 1.0,
            continuity: 1.0,
            neighbor_recall: recall,
            downstream_loss: Some(loss),
            training_work_saved: work_saved(components),
            falls_short: Vec::new(),
        };
        one.falls_short = falls_short(&Params::default(), &one, Some(0.5));
        one
    }

    #[test]
    fn the_fewest_coordinates_that_meet_all_stand() {
        let all = [
            judged(Method::Pca, 9, 0.97, 0.8, 0.5),
            judged(Method::Autoencoder, 6, 0.97, 0.7, 0.5),
            judged(Method::Pca, 6, 0.97, 0.7, 0.5),
            judged(Method::Umap, 2, 0.6, 0.9, 0.5),
            judged(Method::Pca, 5, 0.97, 0.9, 0.51),
        ];
        assert_eq!(choose(&all), 2);
        assert_eq!(all[3].falls_short, ["keeps 60.0 % of the information"]);
        assert_eq!(all[4].falls_short, ["raises the loss downstream by 2.0 %"]);
        let none = [judged(Method::Umap, 2, 0.6, 0.9, 0.6), judged(Method::Pca, 29, 0.99, 0.9, 0.5)];
        assert_eq!(choose(&none), 1);
        assert_eq!(none[1].falls_short, ["saves 12.1 % of the training work"]);
    }
}
