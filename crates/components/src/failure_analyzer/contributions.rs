//! What moves the probability of a session, group of features by group.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use souffleur_algorithms::Watch;
use souffleur_core::error::ComponentError;
use souffleur_core::features::{self, COLUMNS, WIDTH};

use super::answer::Contribution;
use super::model::{Model, anomaly_scores};

/// Contributions an answer names.
const CONTRIBUTIONS: usize = 6;

/// Columns that are looked at together: a feature of its own, or a one-hot group.
pub(super) struct Group {
    pub(super) name: &'static str,
    columns: std::ops::Range<usize>,
}

/// All groups, in the order of their columns.
pub(super) fn groups() -> impl Iterator<Item = Group> {
    let single = |i: usize| Group { name: COLUMNS[i].name, columns: i..i + 1 };
    let project = Group { name: "project_type", columns: features::PROJECT_TYPE_START..features::DOMAIN_START };
    let domain = Group { name: "domain", columns: features::DOMAIN_START..features::COMPLEXITY };
    (0..features::PROJECT_TYPE_START).map(single).chain([project, domain]).chain((features::COMPLEXITY..WIDTH).map(single))
}

impl Group {
    fn show(&self, row: &[f32]) -> String {
        if self.columns.len() == 1 {
            return format!("{:.2}", row[self.columns.start]);
        }
        let member = self.columns.clone().find(|&i| row[i] > 0.5);
        let name = member.map_or("unknown", |i| COLUMNS[i].name);
        name.strip_prefix(self.name).map_or(name, |rest| rest.trim_start_matches('_')).to_owned()
    }
}

/// Log-odds of a row and of its variants: the row itself, then with each group at its usual value.
pub(super) fn variant_log_odds(
    model: &Model,
    row: ArrayView1<'_, f32>,
    groups: &[Group],
) -> Result<(Vec<f64>, f64), ComponentError> {
    let variants = variants(row, &model.usual, groups);
    let anomaly = anomaly_scores(&model.forest, variants.view(), &())?;
    Ok((model.log_odds(&variants, &anomaly)?, anomaly[0]))
}

/// For each row what each group adds to its log-odds of failure, rows x groups.
pub(super) fn of_rows(
    model: &Model,
    rows: ArrayView2<'_, f32>,
    watch: &dyn Watch,
) -> Result<Array2<f64>, ComponentError> {
    let groups: Vec<Group> = groups().collect();
    let mut found = Array2::zeros((rows.nrows(), groups.len()));
    for (i, (row, mut found)) in rows.outer_iter().zip(found.outer_iter_mut()).enumerate() {
        if watch.tick(i as u64, rows.nrows() as u64).is_err() {
            return Err(ComponentError::Data("the contributions were interrupted".to_owned()));
        }
        let (log_odds, _) = variant_log_odds(model, row, &groups)?;
        found.iter_mut().zip(&log_odds[1..]).for_each(|(found, without)| *found = log_odds[0] - without);
    }
    Ok(found)
}

/// The row itself, then one copy for each group in which that group has its usual value.
fn variants(row: ArrayView1<'_, f32>, usual: &[f32], groups: &[Group]) -> Array2<f32> {
    let mut rows = Array2::zeros((groups.len() + 1, WIDTH));
    for mut variant in rows.axis_iter_mut(Axis(0)) {
        variant.assign(&row);
    }
    for (i, group) in groups.iter().enumerate() {
        for column in group.columns.clone() {
            rows[[i + 1, column]] = usual[column];
        }
    }
    rows
}

/// The strongest contributions in words; `log_odds` are those of the variants.
pub(super) fn named(row: &[f32], usual: &[f32], groups: &[Group], log_odds: &[f64]) -> Vec<Contribution> {
    let mut found: Vec<Contribution> = groups
        .iter()
        .zip(&log_odds[1..])
        .map(|(group, without)| Contribution {
            feature: group.name.to_owned(),
            value: group.show(row),
            usual: group.show(usual),
            log_odds: log_odds[0] - without,
        })
        .filter(|c| c.log_odds != 0.0)
        .collect();
    found.sort_by(|a, b| b.log_odds.abs().total_cmp(&a.log_odds.abs()));
    found.truncate(CONTRIBUTIONS);
    found
}
