//! The search and the grid.

use std::collections::BTreeMap;

use linfa::ParamGuard;
use ndarray::{Array2, ArrayView2, Axis};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::candidate::{Candidate, ROWS_MIN, Reduction, candidates, reductions};
use super::errors::ClusteringSearchError;
use super::evaluation::{Contender, Evaluation, Quality};
use super::hyperparams::{ClusteringSearchParams, ClusteringSearchValidParams};
use super::model::ClusteringModel;
use super::view::View;
use crate::clustering_quality::{adjusted_rand_index, drawn_rows};
use crate::input::{Real, check_finite};
use crate::intrinsic_dimension::{IntrinsicDimension, IntrinsicDimensionError};
use crate::successive_halving::{SuccessiveHalving, SuccessiveHalvingError};
use crate::watch::{Interrupted, Progress, Watch};

/// Most rows: silhouettes are exact, and take time with the square of the rows.
const ROWS_MAX: usize = 100_000;
/// One candidate in so many is resampled so many times more often.
const ETA: usize = 3;
/// Rows whose neighbours tell the intrinsic dimension.
const DIMENSION_QUERIES: usize = 2000;

/// The clustering of highest score among many: no reduction and several numbers of principal components, chosen by the
/// intrinsic dimension of the rows (Facco et al. 2017), each with k-means, Gaussian mixtures and HDBSCAN* at several
/// settings.
///
/// # What it does
/// Clusters the rows with every candidate once and takes the silhouette over all rows (Rousseeuw 1987; noise counts 0)
/// and the density-based validity (Moulavi et al. 2014), both in the space of the input. What costs most is stability:
/// the mean adjusted Rand index with what the same settings find in bootstrap resamples (Hennig 2007). The score is the
/// weighted mean of the three.
///
/// [`search`](ClusteringSearchValidParams::search) gives resamples by successive halving (Jamieson & Talwalkar 2016):
/// one each, then the best third more, and so on. As no agreement is above 1, the best score a candidate could still
/// reach is known; those that could still pass the winner go on, all others are given up. So the winner is **the same, with the
/// same score, as** that of [`grid`](ClusteringSearchValidParams::grid), which resamples every candidate to the end.
///
/// # Cost
/// For `c` candidates and `r` resamples the grid takes `c (r + 1)` clusterings, the search `c` and those of whatever
/// could win. Silhouettes take `O(c n^2 columns)`. Memory: for each resample and reduction a copy of the rows. Parallel
/// over candidates; the result does not depend on the threads.
///
/// # Errors
/// Named by [`ClusteringSearchError`]: fewer than 20 rows, more than 100,000, a value that is not finite as `f32`, no
/// candidate that finds two clusters, or the watch interrupted.
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::clustering_search::ClusteringSearch;
///
/// // Three groups of twenty rows around 0, 10 and 20.
/// let x = Array2::from_shape_fn((60, 2), |(row, column)| (row / 20 * 10) as f64 + (row * (7 + column) % 11) as f64 / 11.0);
/// let found = ClusteringSearch::params().clusters_max(5).resamples(3).check()?.search(x.view(), &())?;
/// assert_eq!(found.best.clusters, 3);
/// assert!(found.best.silhouette > 0.9 && found.best.stability > 0.99);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ClusteringSearch {
    /// The winner.
    pub best: Evaluation,
    /// Every candidate that found two clusters or more, in the order tried.
    pub evaluations: Vec<Evaluation>,
    /// How many dimensions the rows have as far as their neighbours tell; nothing where these do not, as on a grid.
    pub intrinsic_dimension: Option<f64>,
    /// Candidates tried, those that found less than two clusters included.
    pub candidates: usize,
    /// Clusterings made, of the rows and of resamples.
    pub fits: usize,
    /// The cluster the winner gives each row, -1 for none.
    pub labels: Vec<i32>,
    /// The winner, for new rows.
    pub model: ClusteringModel,
}

impl ClusteringSearch {
    /// The default hyperparameters.
    pub fn params() -> ClusteringSearchParams {
        ClusteringSearchParams::default()
    }
}

impl ClusteringSearchValidParams {
    /// Finds the candidate of the highest score for `x`, rows x columns.
    ///
    /// # Errors
    /// See [`ClusteringSearch`].
    pub fn search<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<ClusteringSearch, ClusteringSearchError> {
        let mut race = Race::start(self, x, watch)?;
        let resamples = race.needed();
        let mut best = race.best((0..race.contenders.len()).filter(|_| resamples == 0));
        if resamples > 0 {
            let halving = SuccessiveHalving::params(1, resamples).eta(ETA).check();
            let halving = halving.map_err(|e| ClusteringSearchError::Clustering(e.to_string()))?;
            let found = halving.search(
                race.contenders.len(),
                |rung, budget| {
                    race.resample(rung, budget)?;
                    Ok(rung.iter().map(|i| race.contenders[*i].score(self)).collect())
                },
                &(),
            );
            best = found.map_err(inner)?.winner;
            race.resample(&[best], resamples)?;
        }
        loop {
            let open = race.could_pass(best, resamples);
            if open.is_empty() {
                break;
            }
            // Those that are the least far, all at once: whom they rule out needs no more resamples.
            let done = |contender: &usize| race.contenders[*contender].agreements.len();
            let least = open.iter().map(done).min().unwrap_or(0);
            let behind: Vec<usize> = open.iter().copied().filter(|contender| done(contender) == least).collect();
            race.resample(&behind, least + 1)?;
            let complete = |i: &usize| race.contenders[*i].agreements.len() >= resamples;
            best = race.best((0..race.contenders.len()).filter(complete));
        }
        race.finish(best)
    }

    /// Judges every candidate to the end: what [`search`](Self::search) finds at a fraction of the cost.
    ///
    /// # Errors
    /// See [`ClusteringSearch`].
    pub fn grid<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<ClusteringSearch, ClusteringSearchError> {
        let mut race = Race::start(self, x, watch)?;
        let all: Vec<usize> = (0..race.contenders.len()).collect();
        race.resample(&all, self.resamples())?;
        let best = race.best(all.into_iter());
        race.finish(best)
    }
}

fn inner(error: SuccessiveHalvingError<ClusteringSearchError>) -> ClusteringSearchError {
    match error {
        SuccessiveHalvingError::Evaluation { error, .. } => error,
        SuccessiveHalvingError::Interrupted(interrupted) => interrupted.into(),
        other => ClusteringSearchError::Clustering(other.to_string()),
    }
}

/// A watch that hears of the progress of the whole, whatever its parts report.
struct Overall<'a>(Progress<'a>);

impl Watch for Overall<'_> {
    fn tick(&self, _: u64, _: u64) -> Result<(), Interrupted> {
        self.0.advance(0)
    }
}

/// Rows drawn for a resample, and how each reduction shows them.
struct Resample {
    rows: Vec<usize>,
    views: BTreeMap<usize, View>,
}

/// All candidates and what is known of them.
struct Race<'a> {
    params: &'a ClusteringSearchValidParams,
    x: Array2<f64>,
    intrinsic_dimension: Option<f64>,
    reductions: Vec<Reduction>,
    /// All rows, as each reduction shows them.
    views: Vec<View>,
    contenders: Vec<Contender>,
    resamples: Vec<Resample>,
    candidates: usize,
    fits: usize,
    watch: Overall<'a>,
}

impl<'a> Race<'a> {
    /// Clusters all rows with every candidate once.
    fn start<F: Real>(
        params: &'a ClusteringSearchValidParams,
        x: ArrayView2<'_, F>,
        watch: &'a dyn Watch,
    ) -> Result<Self, ClusteringSearchError> {
        let (rows, columns) = x.dim();
        if rows < ROWS_MIN || columns == 0 {
            return Err(ClusteringSearchError::TooFew { rows, columns, least: ROWS_MIN });
        }
        if rows > ROWS_MAX {
            return Err(ClusteringSearchError::TooManyRows(rows));
        }
        check_finite(x, watch)?;
        let x = x.mapv(Real::to_f64);
        let intrinsic_dimension = intrinsic_dimension(x.view(), params.seed(), watch)?;
        let reductions = reductions(columns.min(rows), intrinsic_dimension);
        let all = candidates(rows, columns, &reductions, params.clusters_max());
        let watch = Overall(Progress::new(watch, (all.len() * (params.resamples() + 1)) as u64));
        let views = reductions.par_iter().map(|reduction| View::of(x.view(), *reduction, &watch));
        let views: Vec<View> = views.collect::<Result<_, _>>()?;
        let mut race = Self {
            params,
            x,
            intrinsic_dimension,
            reductions,
            views,
            contenders: Vec::new(),
            resamples: Vec::new(),
            candidates: all.len(),
            fits: all.len(),
            watch,
        };
        let found: Vec<Option<Vec<i32>>> =
            all.par_iter().map(|candidate| race.first(*candidate)).collect::<Result<_, _>>()?;
        race.judge(all, found)?;
        if race.contenders.is_empty() { Err(ClusteringSearchError::NoClusters) } else { Ok(race) }
    }

    /// Clusters all rows with one candidate; nothing where it fails.
    fn first(&self, candidate: Candidate) -> Result<Option<Vec<i32>>, ClusteringSearchError> {
        let labels = self.views[self.place(candidate)].labels(candidate.method, 1.0, self.params.seed(), &self.watch);
        self.watch.0.advance(1)?;
        match labels {
            Ok(labels) => Ok(Some(labels)),
            // A mixture may have no solution on these rows; that is no failure of the search.
            Err(ClusteringSearchError::Clustering(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Judges what the candidates found, equal clusterings once, and keeps those of two clusters or more.
    fn judge(&mut self, all: Vec<Candidate>, found: Vec<Option<Vec<i32>>>) -> Result<(), ClusteringSearchError> {
        let mut qualities: BTreeMap<Vec<i32>, Option<Quality>> =
            found.iter().flatten().map(|labels| (in_order(labels), None)).collect();
        let (x, seed, watch) = (self.x.view(), self.params.seed(), &self.watch);
        qualities.par_iter_mut().try_for_each(|(labels, quality)| -> Result<(), ClusteringSearchError> {
            *quality = Quality::of(x, labels, seed, watch)?;
            Ok(())
        })?;
        for (candidate, labels) in all.into_iter().zip(found).filter_map(|(c, labels)| Some((c, labels?))) {
            if let Some(Some(quality)) = qualities.get(&in_order(&labels)) {
                self.contenders.push(Contender::new(candidate, labels, *quality));
            }
        }
        Ok(())
    }

    fn place(&self, candidate: Candidate) -> usize {
        self.reductions.iter().position(|reduction| *reduction == candidate.reduction).unwrap_or(0)
    }

    /// Resamples that scores rest on: none where stability counts for nothing.
    fn needed(&self) -> usize {
        if self.params.weights()[2] > 0.0 { self.params.resamples() } else { 0 }
    }

    /// Sees to it that each of these contenders was compared with so many resamples.
    fn resample(&mut self, which: &[usize], resamples: usize) -> Result<(), ClusteringSearchError> {
        self.draw(which, resamples)?;
        let agree = |i: &usize| {
            let contender = &self.contenders[*i];
            let (place, from) = (self.place(contender.candidate), contender.agreements.len());
            let rest = self.resamples.get(from..resamples).unwrap_or_default();
            let found: Result<Vec<f64>, _> =
                rest.par_iter().map(|resample| self.agreement(contender, resample, place)).collect();
            Ok((*i, found?))
        };
        let found: Vec<(usize, Vec<f64>)> =
            which.par_iter().map(agree).collect::<Result<_, ClusteringSearchError>>()?;
        for (i, agreements) in found {
            self.fits += agreements.len();
            self.contenders[i].agreements.extend(agreements);
        }
        Ok(())
    }

    /// Draws the resamples up to this number, and shows them as these contenders look at them.
    fn draw(&mut self, which: &[usize], resamples: usize) -> Result<(), ClusteringSearchError> {
        while self.resamples.len() < resamples {
            let stream = (self.resamples.len() as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.params.seed() ^ stream);
            self.resamples.push(Resample { rows: drawn_rows(self.x.nrows(), &mut rng), views: BTreeMap::new() });
        }
        let mut missing: Vec<(usize, usize)> = Vec::new();
        for contender in which.iter().map(|i| &self.contenders[*i]) {
            let place = self.place(contender.candidate);
            for number in contender.agreements.len()..resamples {
                let known = self.resamples[number].views.contains_key(&place);
                if !known && !missing.contains(&(number, place)) {
                    missing.push((number, place));
                }
            }
        }
        let view = |&(number, place): &(usize, usize)| {
            let rows = self.x.select(Axis(0), &self.resamples[number].rows);
            Ok((number, place, View::of(rows.view(), self.reductions[place], &self.watch)?))
        };
        let made: Vec<(usize, usize, View)> =
            missing.par_iter().map(view).collect::<Result<_, ClusteringSearchError>>()?;
        for (number, place, view) in made {
            self.resamples[number].views.insert(place, view);
        }
        Ok(())
    }

    /// How far what a contender finds in a resample agrees with what it found in all rows.
    fn agreement(
        &self,
        contender: &Contender,
        resample: &Resample,
        place: usize,
    ) -> Result<f64, ClusteringSearchError> {
        let Some(view) = resample.views.get(&place) else { return Ok(0.0) };
        let share = resample.rows.len() as f64 / self.x.nrows() as f64;
        let labels = view.labels(contender.candidate.method, share, self.params.seed(), &self.watch);
        self.watch.0.advance(1)?;
        match labels {
            Ok(labels) => {
                let all: Vec<i32> = resample.rows.iter().map(|row| contender.labels[*row]).collect();
                Ok(adjusted_rand_index(&all, &labels)?)
            }
            // Settings that find nothing in a resample are not stable.
            Err(ClusteringSearchError::Clustering(_)) => Ok(0.0),
            Err(error) => Err(error),
        }
    }

    /// The contender of the highest score; of equal ones the first.
    fn best(&self, among: impl Iterator<Item = usize>) -> usize {
        let mut best: Option<(usize, f64)> = None;
        for i in among {
            let score = self.contenders[i].score(self.params);
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((i, score));
            }
        }
        best.map_or(0, |(i, _)| i)
    }

    /// Contenders without all resamples that could still be better than the best, or as good and before it.
    fn could_pass(&self, best: usize, resamples: usize) -> Vec<usize> {
        let score = self.contenders[best].score(self.params);
        let open = |i: &usize| {
            let contender = &self.contenders[*i];
            let bound = contender.bound(resamples, self.params);
            contender.agreements.len() < resamples && (bound > score || (bound == score && *i < best))
        };
        (0..self.contenders.len()).filter(open).collect()
    }

    fn finish(mut self, best: usize) -> Result<ClusteringSearch, ClusteringSearchError> {
        self.resample(&[best], self.params.resamples())?;
        let winner = &self.contenders[best];
        let view = &self.views[self.place(winner.candidate)];
        let fitted = view.fit(winner.candidate.method, self.params.seed(), &self.watch)?;
        Ok(ClusteringSearch {
            best: winner.evaluation(self.params),
            evaluations: self.contenders.iter().map(|contender| contender.evaluation(self.params)).collect(),
            intrinsic_dimension: self.intrinsic_dimension,
            candidates: self.candidates,
            fits: self.fits,
            labels: winner.labels.clone(),
            model: ClusteringModel::new(view.pca.clone(), fitted),
        })
    }
}

/// The same clusters, numbered in the order of their first rows: equal for equal clusterings.
fn in_order(labels: &[i32]) -> Vec<i32> {
    let mut numbers = BTreeMap::new();
    let number = |label: &i32| match label {
        0.. => {
            let next = i32::try_from(numbers.len()).unwrap_or(i32::MAX);
            *numbers.entry(*label).or_insert(next)
        }
        _ => -1,
    };
    labels.iter().map(number).collect()
}

/// The intrinsic dimension of the rows, where their neighbours tell.
fn intrinsic_dimension(
    x: ArrayView2<'_, f64>,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Option<f64>, ClusteringSearchError> {
    let params = IntrinsicDimension::two_nn().max_queries(DIMENSION_QUERIES).seed(seed).check();
    let params = params.map_err(|e| ClusteringSearchError::Clustering(e.to_string()))?;
    match params.estimate(x, watch) {
        Ok(found) => Ok(Some(found.dimension)),
        Err(IntrinsicDimensionError::Interrupted(interrupted)) => Err(interrupted.into()),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
