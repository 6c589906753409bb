//! What a person should know of the search.

use super::patterns::Pattern;
use super::report::{Report, Setting};

/// Clusters and patterns told of one by one.
const TOLD: usize = 8;
/// Below this stability no cluster should be relied on (Hennig 2007).
const DOUBTFUL_BELOW: f64 = 0.6;

/// Below this share of logged choices differences are told with a caution.
const LOGGED_MINIMUM: f64 = 0.5;

/// One sentence each.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let dimension = report.intrinsic_dimension;
    let mut lines = vec![
        format!(
            "{} sessions, {} of them different, {} of these searched{}.",
            report.sessions,
            report.distinct_sessions,
            report.searched,
            dimension.map_or_else(String::new, |d| format!("; they spread over about {d:.0} dimensions"))
        ),
        format!("Best of {} settings: {}", report.candidates, setting(&report.best)),
        format!(
            "That took {} clusterings; trying everything to the end takes {} and finds the same.",
            report.fits, report.grid_fits
        ),
    ];
    for cluster in report.clusters.iter().take(TOLD) {
        let rate = cluster.success_rate.map_or_else(String::new, |rate| format!(", {:.0} % succeeded", 100.0 * rate));
        let share = 100.0 * cluster.share;
        lines.push(format!("Cluster {} ({share:.1} %{rate}): {}.", cluster.cluster, cluster.description));
    }
    lines.extend(patterns(report));
    lines
}

fn setting(best: &Setting) -> String {
    let doubt = if best.stability < DOUBTFUL_BELOW { " Not stable: do not rely on it." } else { "" };
    format!(
        "{}: {} clusters, silhouette {:.2}, density-based validity {:.2}, found again in resamples {:.2}, {:.1} % noise.{doubt}",
        best.setting,
        best.clusters,
        best.silhouette,
        best.dbcv,
        best.stability,
        100.0 * best.noise_share
    )
}

fn patterns(report: &Report) -> Vec<String> {
    let known = &report.patterns;
    if let Some(reason) = &known.reason {
        return vec![format!("What success has in common was not looked for: {reason}.")];
    }
    let mut lines = vec![format!(
        "{} patterns of success in {} sessions, of {} compared with sessions of equal prospects; comparing rules alone finds {}.",
        known.found.len(),
        known.sessions,
        known.compared,
        known.found_by_baseline
    )];
    lines.extend(known.found.iter().take(TOLD).map(told));
    if known.logged_share < LOGGED_MINIMUM && !known.found.is_empty() {
        lines.push(
            "How rules were chosen is not logged: what led to the choice, beside the features, may explain these differences."
                .to_owned(),
        );
    }
    lines
}

fn told(pattern: &Pattern) -> String {
    format!(
        "{}, {}: {:.0} % succeed, {:.0} % of {} like them without ({:+.2}, {:+.2} to {:+.2}).",
        pattern.rules.join(" with "),
        pattern.circumstance,
        100.0 * pattern.success_rate,
        100.0 * pattern.baseline_rate,
        pattern.matched_sessions,
        pattern.difference,
        pattern.low,
        pattern.high
    )
}
