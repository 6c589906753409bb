//! How the best clustering is found, and what success has in common.

use ndarray::s;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::clustering_search::{ClusteringSearch, ClusteringSearchValidParams};
use souffleur_core::batch::{SessionRules, TrainingBatch};
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;

use super::model::{Cluster, Model};
use super::params::Params;
use super::patterns::discover;
use super::report::{ClusterReport, Patterns, Report, Setting};
use super::summary;
use crate::bridge::Phases;
use crate::bridge::contrast::{contrasts, sentence};
use crate::bridge::matched::Outcomes;
use crate::bridge::space::{DistinctRows, Space, Weights};

/// Fewest different sessions that are searched.
pub(super) const DISTINCT_MINIMUM: usize = 30;
/// Traits that describe a cluster.
const TRAITS: usize = 3;
/// Settings the report names beside the winner.
const LEADERS: usize = 8;

/// The search that these parameters ask for.
pub(super) fn search(params: &Params, seed: u64) -> Result<ClusteringSearchValidParams, ComponentError> {
    ClusteringSearch::params()
        .clusters_max(params.clusters_max)
        .resamples(params.resamples)
        .weights(params.silhouette_weight, params.dbcv_weight, params.stability_weight)
        .seed(seed)
        .check()
        .map_err(|e| ComponentError::Data(e.to_string()))
}

/// Finds the best clustering of the different sessions of `batch`, and the patterns of success among all.
pub(super) fn train(params: &Params, batch: &TrainingBatch, job: &Job) -> Result<(Model, Report), ComponentError> {
    let mut phases = Phases::new(job, 4);
    let space = Space::of(Weights::default());
    let DistinctRows { rows: different, of_row, .. } = DistinctRows::of(&space.coordinates(batch.features.view())?, job)?;
    let have = different.nrows();
    if have < DISTINCT_MINIMUM {
        return Err(ComponentError::TooFewRows { what: "different sessions", have, need: DISTINCT_MINIMUM });
    }
    phases.next()?;
    // Evenly over the history, so that old and new ones count.
    let searched = different.slice(s![..;have.div_ceil(params.rows_max), ..]);
    let found = search(params, job.seed())?.search(searched, &phases.watch()).map_err(|e| phases.failed(&e))?;
    phases.next()?;
    let places = found.model.predict(different.view(), &phases.watch()).map_err(|e| phases.failed(&e))?;
    let cluster: Vec<i32> = of_row.iter().map(|distinct| places[*distinct].label).collect();
    let clusters = describe(batch, &cluster, found.best.clusters, job)?;
    phases.next()?;
    let words: Vec<String> = clusters.iter().map(|cluster| cluster.description.clone()).collect();
    let discovered = discover(params, batch, &Outcomes::of(batch), &cluster, &words, &phases)?;
    let mut report = Report {
        summary: Vec::new(),
        sessions: batch.len(),
        distinct_sessions: have,
        searched: searched.nrows(),
        intrinsic_dimension: found.intrinsic_dimension,
        best: Setting::from(&found.best),
        leaders: leaders(&found),
        candidates: found.candidates,
        fits: found.fits,
        grid_fits: found.candidates + found.evaluations.len() * params.resamples,
        clusters,
        patterns: Patterns {
            sessions: discovered.sessions,
            logged_share: batch.session_rules.as_ref().map_or(0.0, logged_share),
            compared: discovered.compared,
            found: discovered.found.iter().map(|known| known.pattern.clone()).collect(),
            found_by_baseline: discovered.found_by_baseline.len(),
            reason: discovered.reason,
        },
    };
    let known = report.clusters.iter();
    let model = Model {
        candidate: found.best.candidate,
        space,
        clustering: found.model,
        clusters: known.map(|c| Cluster { description: c.description.clone(), share: c.share }).collect(),
        patterns: discovered.found,
    };
    report.clusters.sort_by(|a, b| b.sessions.cmp(&a.sessions).then(a.cluster.cmp(&b.cluster)));
    report.summary = summary::lines(&report);
    Ok((model, report))
}

/// What is known of each cluster, by label.
fn describe(
    batch: &TrainingBatch,
    cluster: &[i32],
    clusters: usize,
    job: &Job,
) -> Result<Vec<ClusterReport>, ComponentError> {
    let group: Vec<Option<usize>> = cluster.iter().map(|label| usize::try_from(*label).ok()).collect();
    let traits = contrasts(batch.features.view(), &group, clusters, job)?;
    let mut described: Vec<ClusterReport> = traits
        .iter()
        .enumerate()
        .map(|(cluster, traits)| ClusterReport {
            cluster,
            description: sentence(traits, TRAITS),
            sessions: 0,
            share: 0.0,
            success_rate: None,
        })
        .collect();
    let mut outcomes = vec![(0usize, 0usize); clusters];
    for (row, of) in group.iter().enumerate().filter_map(|(row, of)| Some((row, (*of)?))) {
        described[of].sessions += 1;
        if let Some(failed) = batch.outcomes.failed(row) {
            outcomes[of].0 += usize::from(!failed);
            outcomes[of].1 += 1;
        }
    }
    for (one, (succeeded, known)) in described.iter_mut().zip(outcomes) {
        one.share = one.sessions as f64 / batch.len() as f64;
        one.success_rate = (known > 0).then(|| succeeded as f64 / known as f64);
    }
    Ok(described)
}

/// Share of the uses of rules whose propensity was logged.
fn logged_share(rules: &SessionRules) -> f64 {
    let logged = rules.propensity.iter().filter(|propensity| **propensity > 0.0).count();
    logged as f64 / rules.propensity.len().max(1) as f64
}

/// The best setting of each kind of method on each reduction, the highest score first.
fn leaders(found: &ClusteringSearch) -> Vec<Setting> {
    let mut sorted: Vec<_> = found.evaluations.iter().collect();
    sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<&_> = Vec::new();
    for one in sorted {
        let kind = |e: &souffleur_algorithms::clustering_search::Evaluation| {
            (std::mem::discriminant(&e.candidate.method), e.candidate.reduction)
        };
        if kept.iter().all(|other| kind(other) != kind(one)) {
            kept.push(one);
        }
    }
    kept.into_iter().take(LEADERS).map(Setting::from).collect()
}
