//! Outcome and treatment as models expect them that did not see the row.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::double_machine_learning::DoubleMachineLearningValidParams;
use super::errors::CausalEffectError;
use super::learners::{Folds, expected_outcome, propensity};
use super::study::Study;
use crate::watch::Watch;

/// What is expected of each row, by models that saw neither it nor its group.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossFitted {
    /// The part each row belongs to.
    pub fold: Vec<usize>,
    /// Probability of treatment: as logged, or estimated.
    pub propensity: Vec<f64>,
    /// Outcome expected without the treatment.
    pub without: Vec<f64>,
    /// Outcome expected with it.
    pub with: Vec<f64>,
}

impl CrossFitted {
    /// Learns the nuisances of a study.
    pub(super) fn of(
        params: &DoubleMachineLearningValidParams,
        study: &Study<'_>,
        watch: &dyn Watch,
    ) -> Result<Self, CausalEffectError> {
        let folds = folds(study, params.folds(), params.seed());
        let propensity = study.propensities(|| propensity(params.propensity(), study, &folds, watch))?;
        let outcome = |arm| expected_outcome(params.outcome(), study, &folds, Some(arm), watch);
        Ok(Self { propensity, without: outcome(false)?, with: outcome(true)?, fold: folds.of_row })
    }
}

/// Parts of about equal size. Without groups each holds its share of the treated rows; a group is never split.
pub(super) fn folds(study: &Study<'_>, folds: usize, seed: u64) -> Folds {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let rows = study.rows();
    let mut of_row = vec![0; rows];
    match study.group {
        None => {
            let mut order: Vec<usize> = (0..rows).collect();
            order.shuffle(&mut rng);
            // Untreated rows are dealt out first, then treated ones.
            let untreated = study.treated.iter().filter(|treated| !**treated).count();
            let mut next = [0, untreated];
            for row in order {
                let place = &mut next[usize::from(study.treated[row])];
                of_row[row] = *place % folds;
                *place += 1;
            }
        }
        Some(group) => {
            let mut order: Vec<u64> = group.to_vec();
            order.sort_unstable();
            order.dedup();
            let mut place: Vec<usize> = (0..order.len()).map(|place| place % folds).collect();
            place.shuffle(&mut rng);
            for (row, group) in group.iter().enumerate() {
                of_row[row] = order.binary_search(group).map_or(0, |at| place[at]);
            }
        }
    }
    let mut members = vec![Vec::new(); folds];
    of_row.iter().enumerate().for_each(|(row, fold)| members[*fold].push(row));
    Folds { of_row, members }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn groups_stay_whole_and_arms_are_shared_out_evenly() {
        let x = Array2::<f64>::zeros((60, 1));
        let treated: Vec<bool> = (0..60).map(|row| row % 3 == 0).collect();
        let study = Study::new(x.view(), &treated, &[0.0; 60], &()).unwrap();
        let split = folds(&study, 4, 9);
        let of_arm = |fold: &Vec<usize>| fold.iter().filter(|row| treated[**row]).count();
        assert!(split.members.iter().all(|fold| fold.len() == 15 && of_arm(fold) == 5), "{:?}", split.members);
        assert_ne!(split.of_row, folds(&study, 4, 10).of_row, "the seed shuffles");
        let group: Vec<u64> = (0..60).map(|row| row / 7).collect();
        let split = folds(&study.with_groups(&group).unwrap(), 3, 1);
        assert!((1..60).all(|row| group[row] != group[row - 1] || split.of_row[row] == split.of_row[row - 1]));
        assert!(split.members.iter().all(|fold| fold.len() >= 14), "{:?}", split.members);
    }
}
