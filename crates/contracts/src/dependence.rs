//! Columns known before the outcome that all but determine it.

use souffleur_algorithms::metrics::auroc;
use souffleur_algorithms::two_samples::spearman;
use souffleur_core::features::FeatureSchema;
use souffleur_core::job::{Interrupted, Job};
use souffleur_core::records::FAILURE_BELOW;

use crate::finding::{Check, Finding, Severity};
use crate::settings::ContractSettings;

/// Sessions of either outcome that a verdict needs.
const OF_EACH_MIN: usize = 30;

/// A session and how well it went.
pub(crate) struct Judged {
    pub(crate) features: Vec<f32>,
    pub(crate) success: f64,
}

/// Whether there are enough of both outcomes.
pub(crate) fn is_judged(rows: &[Judged]) -> bool {
    let failed = rows.iter().filter(|row| row.success < FAILURE_BELOW).count();
    failed.min(rows.len() - failed) >= OF_EACH_MIN
}

/// Looks at each column alone: how well it tells failures from successes (area under the curve), and how closely its order
/// follows that of the success scores (rank correlation).
pub(crate) fn findings(rows: &[Judged], settings: &ContractSettings, job: &Job) -> Result<Vec<Finding>, Interrupted> {
    let mut findings = Vec::new();
    if !is_judged(rows) {
        return Ok(findings);
    }
    let failed: Vec<bool> = rows.iter().map(|row| row.success < FAILURE_BELOW).collect();
    let success: Vec<f64> = rows.iter().map(|row| row.success).collect();
    for (place, column) in FeatureSchema::current().columns.iter().enumerate() {
        job.check()?;
        let values: Vec<f64> = rows.iter().map(|row| row.features.get(place).copied().unwrap_or(0.0).into()).collect();
        let (Ok(area), Ok(correlation)) = (auroc(&values, &failed), spearman(&values, &success)) else { continue };
        let area = area.max(1.0 - area);
        let closest = area.max(correlation.abs());
        if closest < settings.leak_suspected_from {
            continue;
        }
        let severity = if closest >= settings.leak_from { Severity::Error } else { Severity::Warning };
        let problem = format!(
            "it tells failures from successes with an area under the curve of {area:.4} alone, rank correlation with the \
             success score {correlation:.4} ({} sessions)",
            rows.len()
        );
        let expected = format!(
            "below {}: a column known before the outcome does not determine it. Was it filled in afterwards, or from the outcome?",
            settings.leak_suspected_from
        );
        let at = format!("session_features.{}", column.name);
        let finding = Finding::new(Check::Leakage, severity, at, problem, expected);
        findings
            .push(finding.figure("area", area).figure("correlation", correlation).figure("rows", rows.len() as f64));
    }
    Ok(findings)
}
