//! What a person should know of the contexts.

use souffleur_core::batch::TrainingBatch;

use super::clusters::Place;
use super::model::{Context, Model};
use super::preference::Verdict;
use super::report::{ContextReport, Report, Update};
use crate::bridge::space::DistinctRows;

/// Contexts told of one by one.
const TOLD: usize = 8;
/// A share that changed by this much since the run before is told.
const MOVED: f64 = 0.02;
/// Below this Jaccard index a context should not be trusted (Hennig 2007).
const DOUBTFUL_BELOW: f64 = 0.6;

/// The report on a run.
pub(super) fn report(
    model: &Model,
    previous: Option<&Model>,
    distinct: &DistinctRows,
    places: &[Place],
    batch: &TrainingBatch,
    update: Update,
) -> Report {
    let share = |counts: fn(&Place) -> bool| {
        distinct.of_row.iter().filter(|row| counts(&places[**row])).count() as f64 / batch.len() as f64
    };
    let unknown_share = share(|place| place.cluster.is_none());
    let before = |id: u32| previous?.contexts.iter().find(|context| context.id == id).map(|context| context.share);
    let mut contexts: Vec<ContextReport> = model
        .contexts
        .iter()
        .zip(&model.quality.stability)
        .map(|(context, stability)| ContextReport {
            id: context.id,
            description: context.description.clone(),
            sessions: context.sessions,
            share: context.share,
            share_before: before(context.id),
            recent_sessions: context.recent,
            failure_rate: (context.known > 0).then(|| context.failed as f64 / context.known as f64),
            stability: *stability,
            traits: context.traits.clone(),
            preferences: context.preferences.clone(),
        })
        .collect();
    contexts.sort_by(|a, b| b.sessions.cmp(&a.sessions).then(a.id.cmp(&b.id)));
    let mut report = Report {
        summary: Vec::new(),
        sessions: batch.len(),
        distinct_sessions: distinct.rows.nrows(),
        update,
        unknown_share,
        unsure_share: share(|place| place.cluster.is_some() && place.membership < 1.0),
        dbcv: model.choice.dbcv,
        silhouette: model.quality.silhouette,
        noise_share: model.quality.noise_share,
        bootstrap_ari: model.quality.bootstrap_ari,
        contexts,
    };
    report.summary = sentences(&report, &model.contexts);
    report
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn sentences(report: &Report, contexts: &[Context]) -> Vec<String> {
    let mut lines = vec![format!(
        "{} sessions, {} of them different, fall into {} contexts; {} belong to none, {} lie between.",
        report.sessions,
        report.distinct_sessions,
        contexts.len(),
        percent(report.unknown_share),
        percent(report.unsure_share)
    )];
    let how = if report.update.clustered { "All were clustered" } else { "New ones were attached" };
    lines.push(format!("{how}: {}.", report.update.reason));
    lines.push(format!(
        "Found again in resamples: adjusted Rand index {:.2}; density-based validity {:.2}{}.",
        report.bootstrap_ari,
        report.dbcv,
        report.silhouette.map_or_else(String::new, |s| format!("; silhouette {s:.2}"))
    ));
    for context in report.contexts.iter().take(TOLD) {
        let doubt = if context.stability < DOUBTFUL_BELOW { " Not stable: do not rely on it." } else { "" };
        let moved = context.share_before.filter(|before| (before - context.share).abs() >= MOVED);
        let moved = moved.map_or_else(String::new, |before| format!(", {} before", percent(before)));
        let failed = context.failure_rate.map_or_else(String::new, |rate| format!(", {} failed", percent(rate)));
        lines.push(format!(
            "Context {} ({}{moved}{failed}): {}.{}{doubt}",
            context.id,
            percent(context.share),
            context.description,
            rules(context)
        ));
    }
    if report.contexts.len() > TOLD {
        lines.push(format!("{} smaller contexts are in the report.", report.contexts.len() - TOLD));
    }
    for (what, ids) in [("new", &report.update.appeared), ("gone", &report.update.vanished)] {
        if !ids.is_empty() && report.update.new_sessions < report.sessions {
            let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
            lines.push(format!("Contexts that are {what}: {}.", ids.join(", ")));
        }
    }
    lines
}

fn rules(context: &ContextReport) -> String {
    let told = |verdict: Verdict, word: &str| {
        let of: Vec<String> = context
            .preferences
            .iter()
            .filter(|p| p.verdict == verdict)
            .map(|p| format!("{} ({:+.3}, {:+.3} to {:+.3})", p.rule_id, p.effect, p.low, p.high))
            .collect();
        if of.is_empty() { String::new() } else { format!(" {word}: {}.", of.join(", ")) }
    };
    told(Verdict::Works, "Works") + &told(Verdict::Harms, "Harms")
}
