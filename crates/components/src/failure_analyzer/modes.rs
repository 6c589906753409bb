//! The ways in which sessions fail.

use ndarray::{Array2, ArrayView1, Axis, s};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_algorithms::hdbscan::{Hdbscan, HdbscanError, Membership};
use souffleur_algorithms::{ParamGuard, Watch};
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;

use super::contributions::{groups, of_rows};
use super::model::Model;
use super::params::Params;
use super::train::Labelled;
use crate::bridge::distinct::Distinct;
use crate::bridge::contrast::{Trait, contrast, sentence};

/// Failures with at most this much explained, in log-odds, have no way of their own: they fail as any session may.
const EXPLAINED_MINIMUM: f64 = 1.0;
/// Neighbours that make a failure's density.
const MIN_SAMPLES: usize = 5;
/// Fewest failures of a mode, and as a share of those explained.
const MODE_MINIMUM: usize = 15;
const MODE_SHARE_MINIMUM: f64 = 0.04;
/// Sessions that the failure rate of modes is counted in, at most.
const RATED_ROWS: usize = 4000;
/// Traits that describe a mode.
const TRAITS: usize = 3;

/// A way to fail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModeReport {
    /// Its number, from 1, the most frequent first.
    pub mode: u32,
    /// What these failures have that successes do not, in words.
    pub description: String,
    /// What drives them: the features that add most to the log-odds of failure, the strongest first, with how much.
    pub drivers: Vec<Driver>,
    /// Failures looked at that are of this mode.
    pub failures: usize,
    /// Share of the failures looked at, in [0, 1].
    pub share: f64,
    /// Share of failures among known sessions that look like it, in [0, 1]; nothing if none of those looked at does.
    pub failure_rate: Option<f64>,
    /// What sets them apart from successes, the strongest first.
    pub traits: Vec<Trait>,
}

/// A feature, or group of exclusive features, that drives failures of a mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Driver {
    /// The feature or group.
    pub feature: String,
    /// What it adds to the log-odds of failure, on average over the mode.
    pub log_odds: f64,
}

/// All ways to fail, and how to tell them apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
pub(super) struct Modes {
    clusters: Option<Hdbscan>,
    /// The mode of each cluster.
    pub(super) modes: Vec<ModeReport>,
    /// Share of the failures looked at that are of no mode.
    pub(super) unexplained_share: f64,
}

/// What pushes towards failure; what speaks against it makes no mode.
fn pushes(contributions: &Array2<f64>) -> Array2<f64> {
    contributions.mapv(|added| added.max(0.0))
}

impl Modes {
    /// Clusters the newest failures by what made them fail rather than by what they are: in the space of the model's
    /// contributions, where features that do not matter have no say (supervised clustering, Lundberg et al. 2020).
    pub(super) fn find(
        params: &Params,
        model: &Model,
        data: &Labelled,
        job: &Job,
        watch: &dyn Watch,
    ) -> Result<Self, ComponentError> {
        let failures: Vec<usize> = (0..data.failed.len()).filter(|row| data.failed[*row]).collect();
        let newest = &failures[failures.len().saturating_sub(params.mode_failures)..];
        // One prompt that failed often is one reason, not a mode: each different failure is looked at once.
        let distinct = Distinct::of(newest.iter().map(|row| data.features.row(*row)), job)?;
        let different: Vec<usize> = distinct.first.iter().map(|i| newest[*i]).collect();
        let rows = data.features.select(Axis(0), &different);
        let added = pushes(&of_rows(model, rows.view(), watch).or_else(|e| {
            job.check()?;
            Err(e)
        })?);
        let explained: Vec<usize> = (0..different.len()).filter(|i| added.row(*i).sum() > EXPLAINED_MINIMUM).collect();
        let least = MODE_MINIMUM.max((explained.len() as f64 * MODE_SHARE_MINIMUM) as usize);
        if explained.len() <= 2 * least {
            return Ok(Self { unexplained_share: 1.0, ..Self::default() });
        }
        let settings = Hdbscan::params().min_cluster_size(least).min_samples(MIN_SAMPLES);
        let settings = settings.check().map_err(|e| ComponentError::Data(e.to_string()))?;
        let space = added.select(Axis(0), &explained);
        let clusters = settings.fit(space.view(), watch).map_err(|e: HdbscanError| match job.check() {
            Err(interrupted) => interrupted.into(),
            Ok(()) => ComponentError::Data(e.to_string()),
        })?;
        let mut found = Self { modes: Vec::new(), unexplained_share: 0.0, clusters: None };
        for label in 0..clusters.n_clusters() as i32 {
            job.check()?;
            let members: Vec<usize> =
                explained.iter().zip(clusters.labels()).filter(|(_, l)| **l == label).map(|(i, _)| *i).collect();
            let failures = distinct.of_row.iter().filter(|different| members.binary_search(different).is_ok()).count();
            found.modes.push(describe(data, &different, &added, &members, failures, newest.len()));
        }
        let of_a_mode: usize = found.modes.iter().map(|mode| mode.failures).sum();
        found.unexplained_share = 1.0 - of_a_mode as f64 / newest.len() as f64;
        found.clusters = Some(clusters);
        found.number();
        found.rate(model, data, job, watch)?;
        Ok(found)
    }

    /// Looks how many of the sessions that look like a mode failed, in an even sample of all.
    fn rate(&mut self, model: &Model, data: &Labelled, job: &Job, watch: &dyn Watch) -> Result<(), ComponentError> {
        let step = data.failed.len().div_ceil(RATED_ROWS).max(1);
        let sample: Vec<usize> = (0..data.failed.len()).step_by(step).collect();
        let added = of_rows(model, data.features.select(Axis(0), &sample).view(), watch).or_else(|e| {
            job.check()?;
            Err(e)
        })?;
        let mut seen = vec![(0.0f64, 0.0f64); self.modes.len()];
        for (contributions, &row) in added.outer_iter().zip(&sample) {
            job.check()?;
            if let Some((mode, _)) = self.of(&contributions.to_vec())? {
                let (all, failed) = &mut seen[mode.mode as usize - 1];
                *all += 1.0;
                *failed += f64::from(u8::from(data.failed[row]));
            }
        }
        for mode in &mut self.modes {
            let (all, failed) = seen[mode.mode as usize - 1];
            mode.failure_rate = (all > 0.0).then(|| failed / all);
        }
        Ok(())
    }

    /// Numbers the modes by how frequent they are.
    fn number(&mut self) {
        let mut order: Vec<usize> = (0..self.modes.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(self.modes[*i].failures));
        for (rank, i) in order.into_iter().enumerate() {
            self.modes[i].mode = rank as u32 + 1;
        }
    }

    /// The modes, the most frequent first.
    pub(super) fn ranked(&self) -> Vec<ModeReport> {
        let mut modes = self.modes.clone();
        modes.sort_by_key(|mode| mode.mode);
        modes
    }

    /// The mode of a session with these contributions, if it is like one, and how far inside it is.
    pub(super) fn of(&self, contributions: &[f64]) -> Result<Option<(&ModeReport, f64)>, ComponentError> {
        let Some(clusters) = &self.clusters else { return Ok(None) };
        let added = pushes(&ArrayView1::from(contributions).insert_axis(Axis(0)).to_owned());
        if added.sum() <= EXPLAINED_MINIMUM {
            return Ok(None);
        }
        let found = clusters.predict(added.view(), &()).map_err(|e| ComponentError::Data(e.to_string()))?;
        let of_mode = |m: &Membership| Some((self.modes.get(usize::try_from(m.label).ok()?)?, m.probability));
        Ok(found.first().and_then(of_mode))
    }
}

/// What the different failures `members` have in common; `failures` of `all` that were looked at are like them.
fn describe(
    data: &Labelled,
    different: &[usize],
    added: &Array2<f64>,
    members: &[usize],
    failures: usize,
    all_failures: usize,
) -> ModeReport {
    let rows: Vec<usize> = members.iter().map(|i| different[*i]).collect();
    let successes: Vec<usize> = (0..data.failed.len()).filter(|row| !data.failed[*row]).collect();
    let all: Vec<usize> = rows.iter().chain(&successes).copied().collect();
    let inside: Vec<bool> = (0..all.len()).map(|i| i < rows.len()).collect();
    let traits = contrast(data.features.select(Axis(0), &all).view(), &inside);
    let mean = added.select(Axis(0), members).mean_axis(Axis(0)).unwrap_or_default();
    let mut drivers: Vec<Driver> = groups()
        .zip(mean.iter())
        .map(|(group, added)| Driver { feature: group.name.to_owned(), log_odds: *added })
        .filter(|driver| driver.log_odds > 0.1)
        .collect();
    drivers.sort_by(|a, b| b.log_odds.total_cmp(&a.log_odds));
    drivers.truncate(TRAITS + 1);
    // Described by what drives them: a trait that adds nothing is no reason.
    let driving = |t: &&Trait| drivers.iter().any(|driver| t.feature.starts_with(&driver.feature));
    let reasons: Vec<Trait> = traits.iter().filter(driving).cloned().collect();
    ModeReport {
        mode: 0,
        description: sentence(&reasons, TRAITS),
        drivers,
        failures,
        share: failures as f64 / all_failures as f64,
        failure_rate: None,
        traits,
    }
}

/// The failures that a mode is looked for in, and what they are said to be: for measuring on planted modes.
pub(super) fn labels_of(model: &Model, rows: &Array2<f32>, watch: &dyn Watch) -> Result<Vec<i32>, ComponentError> {
    let added = of_rows(model, rows.slice(s![.., ..]), watch)?;
    let label = |row: ArrayView1<'_, f64>| model.modes.of(&row.to_vec()).map(|mode| mode.map_or(-1, |(m, _)| m.mode as i32));
    added.outer_iter().map(label).collect()
}
