//! Whether the newest sessions come from where the earlier ones came from, column by column.

use souffleur_algorithms::multiple_testing::benjamini_hochberg;
use souffleur_algorithms::two_samples::{kolmogorov_smirnov, population_stability};
use souffleur_core::job::{Interrupted, Job};

use crate::finding::{Check, Finding, Severity};
use crate::sample::Reservoir;
use crate::settings::ContractSettings;

/// Classes of the stability index.
const BINS: usize = 10;

/// A row of numbers: what is compared.
pub(crate) type Compared = Vec<f32>;

/// A column that was compared.
struct Moved {
    column: String,
    index: f64,
    by_chance: f64,
    statistic: f64,
    p_value: f64,
    means: [f64; 2],
}

/// Compares every column that has rows enough on both sides. Gives the findings, and how many columns were compared.
pub(crate) fn findings(
    reference: &Reservoir<Compared>,
    recent: &Reservoir<Compared>,
    columns: &[String],
    settings: &ContractSettings,
    job: &Job,
) -> Result<(Vec<Finding>, usize), Interrupted> {
    let mut compared = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        job.check()?;
        let known = |rows: &[Compared]| -> Vec<f64> {
            rows.iter().filter_map(|row| row.get(place)).filter(|v| v.is_finite()).map(|v| f64::from(*v)).collect()
        };
        let (before, after) = (known(&reference.rows), known(&recent.rows));
        if before.len().min(after.len()) < settings.rows_min {
            continue;
        }
        let (Ok(test), Ok(stability)) =
            (kolmogorov_smirnov(&before, &after), population_stability(&before, &after, BINS))
        else {
            continue;
        };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        compared.push(Moved {
            column: column.clone(),
            index: stability.index,
            by_chance: stability.by_chance,
            statistic: test.statistic,
            p_value: test.p_value,
            means: [mean(&before), mean(&after)],
        });
    }
    let adjusted = benjamini_hochberg(&compared.iter().map(|moved| moved.p_value).collect::<Vec<_>>());
    let found = compared.iter().zip(adjusted).filter_map(|(moved, q)| finding(moved, q, settings)).collect();
    Ok((found, compared.len()))
}

fn finding(moved: &Moved, q: f64, settings: &ContractSettings) -> Option<Finding> {
    let beyond = moved.index - moved.by_chance;
    if q > settings.fdr || beyond < settings.drift_from {
        return None;
    }
    let severity = if beyond >= settings.drift_severe_from { Severity::Error } else { Severity::Warning };
    let problem = format!(
        "the newest sessions differ from the earlier ones: mean {:.3} before, {:.3} now; stability index {:.2}, {:.2} beyond \
         chance; Kolmogorov-Smirnov distance {:.2}, false discovery rate {q:.1e}",
        moved.means[0], moved.means[1], moved.index, beyond, moved.statistic
    );
    let expected = format!(
        "an index less than {} beyond chance, or a reason: what was learnt from the earlier sessions may not hold now, so \
         train on recent data",
        settings.drift_from
    );
    let finding = Finding::new(Check::Drift, severity, &moved.column, problem, expected)
        .figure("index", moved.index)
        .figure("by_chance", moved.by_chance)
        .figure("ks", moved.statistic)
        .figure("false_discovery_rate", q)
        .figure("mean_before", moved.means[0])
        .figure("mean_now", moved.means[1]);
    Some(finding)
}
