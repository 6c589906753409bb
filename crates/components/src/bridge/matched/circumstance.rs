//! Where a rule was applied.

use ndarray::{ArrayView1, ArrayView2};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::features::WIDTH;
use souffleur_core::job::{Interrupted, Job};

use crate::bridge::contrast::is_category;
use crate::bridge::words;

/// A circumstance is of no use if more than this share of the sessions has it.
const SHARE_MAXIMUM: f64 = 0.8;

/// A condition on a session that was so before any rule was applied.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Circumstance {
    /// Any session.
    Any,
    /// A member of a category.
    Member {
        /// The member's column among the 31.
        column: usize,
    },
    /// A feature in its lower third.
    Low {
        /// The feature's column among the 31.
        column: usize,
        /// The most it may be, in [0, 1].
        at_most: f32,
    },
    /// A feature in its upper third.
    High {
        /// The feature's column among the 31.
        column: usize,
        /// The least it may be, in [0, 1].
        at_least: f32,
    },
    /// A cluster of the winning clustering.
    Cluster {
        /// The cluster's number, in the run that found it.
        label: i32,
    },
}

impl Circumstance {
    /// Whether a session with these features, in this cluster, meets it.
    pub(crate) fn holds(self, features: ArrayView1<'_, f32>, cluster: i32) -> bool {
        let value = |column: usize| features.get(column).copied().unwrap_or(f32::NAN);
        match self {
            Self::Any => true,
            Self::Member { column } => value(column) > 0.5,
            Self::Low { column, at_most } => value(column) <= at_most,
            Self::High { column, at_least } => value(column) >= at_least,
            Self::Cluster { label } => cluster == label,
        }
    }

    /// The column it looks at, if it looks at one.
    pub(crate) fn column(self) -> Option<usize> {
        match self {
            Self::Member { column } | Self::Low { column, .. } | Self::High { column, .. } => Some(column),
            Self::Any | Self::Cluster { .. } => None,
        }
    }

    /// It in words.
    pub(crate) fn words(self, clusters: &[String]) -> String {
        match self {
            Self::Any => "anywhere".to_owned(),
            Self::Member { column } | Self::High { column, .. } => words::level(column, true),
            Self::Low { column, .. } => words::level(column, false),
            Self::Cluster { label } => {
                let described = usize::try_from(label).ok().and_then(|label| clusters.get(label));
                // What it is comes first; figures would only be said again.
                let name = described.map(|words| words.split([',', '(']).next().unwrap_or(words).trim());
                format!("cluster {label}{}", name.map_or_else(String::new, |name| format!(" ({name})")))
            }
        }
    }

    /// All there are for these sessions (rows x 31): the members of categories, the thirds of every other feature, and the
    /// clusters.
    ///
    /// # Errors
    /// If the job was interrupted.
    pub(crate) fn all(features: ArrayView2<'_, f32>, clusters: usize, job: &Job) -> Result<Vec<Self>, Interrupted> {
        let mut all = vec![Self::Any];
        for column in 0..WIDTH.min(features.ncols()) {
            job.check()?;
            if is_category(column) {
                all.push(Self::Member { column });
                continue;
            }
            let mut values = features.column(column).to_vec();
            let n = values.len();
            if n == 0 {
                continue;
            }
            let mut ranked = |rank: usize| *values.select_nth_unstable_by(rank, f32::total_cmp).1;
            let (low, high) = (ranked(n / 3), ranked(2 * n / 3));
            if low < high {
                let seldom = |holds: &dyn Fn(f32) -> bool| {
                    values.iter().filter(|value| holds(**value)).count() as f64 <= SHARE_MAXIMUM * n as f64
                };
                all.extend(seldom(&|value| value <= low).then_some(Self::Low { column, at_most: low }));
                all.extend(seldom(&|value| value >= high).then_some(Self::High { column, at_least: high }));
            }
        }
        all.extend((0..).take(clusters).map(|label| Self::Cluster { label }));
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use souffleur_core::features::{DOMAIN_START, TEAM_SIZE};

    use super::*;
    use crate::bridge::stopped_clock;

    #[test]
    fn thirds_are_of_features_that_vary() {
        let features = Array2::from_shape_fn(
            (90, WIDTH),
            |(row, column)| if column == TEAM_SIZE { row as f32 / 90.0 } else { 0.0 },
        );
        let all = Circumstance::all(features.view(), 2, &stopped_clock::job(1)).unwrap();
        let thirds: Vec<Circumstance> =
            all.iter().copied().filter(|c| matches!(c, Circumstance::Low { .. } | Circumstance::High { .. })).collect();
        assert_eq!(thirds.len(), 2, "{thirds:?}");
        let held = |c: Circumstance| features.outer_iter().filter(|row| c.holds(*row, 0)).count();
        assert_eq!(thirds.iter().map(|c| held(*c)).collect::<Vec<_>>(), [31, 30]);
        assert_eq!((all[0], all[all.len() - 1]), (Circumstance::Any, Circumstance::Cluster { label: 1 }));
        let said: Vec<String> = thirds.iter().map(|c| c.words(&[])).collect();
        assert_eq!(said, ["small teams", "large teams"]);
        assert_eq!(Circumstance::Member { column: DOMAIN_START }.words(&[]), "domain finance");
        assert_eq!(
            Circumstance::Cluster { label: 0 }.words(&["web / gaming (90 % against 2 %), large teams".to_owned()]),
            "cluster 0 (web / gaming)"
        );
    }
}
