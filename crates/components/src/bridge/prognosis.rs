//! How a session would be expected to go by its features alone.

use ndarray::{ArrayView2, Axis};
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::gbdt::GradientBoosting;
use souffleur_core::error::ComponentError;

use super::Phases;

/// The prognosis: boosted trees.
const TREES: usize = 80;
const LEARNING_RATE: f64 = 0.1;
const DEPTH: u32 = 4;

/// The prospects of each session before any rule: its probability of success by its features alone, learnt from the other
/// half of the sessions. Nothing where a half knows no success, or no failure.
pub(crate) fn prognosis(
    features: ArrayView2<'_, f32>,
    success: &[bool],
    phases: &Phases<'_>,
) -> Result<Option<Vec<f64>>, ComponentError> {
    let failed = |e: &dyn std::error::Error| phases.failed(e);
    let params = GradientBoosting::params().n_trees(TREES).learning_rate(LEARNING_RATE).max_depth(DEPTH);
    let params = params.check().map_err(|e| failed(&e))?;
    let half = |parity: usize| -> Vec<usize> { (parity..success.len()).step_by(2).collect() };
    let mut found = vec![0.0; success.len()];
    for parity in [0, 1] {
        let (learnt, judged) = (half(1 - parity), half(parity));
        let labels: Vec<bool> = learnt.iter().map(|i| success[*i]).collect();
        if labels.iter().all(|label| *label == labels[0]) {
            return Ok(None);
        }
        let model =
            params.fit(features.select(Axis(0), &learnt).view(), &labels, &phases.watch()).map_err(|e| failed(&e))?;
        let rows = features.select(Axis(0), &judged);
        let probabilities = model.probability(rows.view(), &phases.watch()).map_err(|e| failed(&e))?;
        judged.into_iter().zip(probabilities).for_each(|(i, probability)| found[i] = probability);
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::bridge::stopped_clock;

    #[test]
    fn prospects_follow_the_features_and_not_the_sessions_own_outcome() {
        let job = stopped_clock::job(1);
        let features =
            Array2::from_shape_fn((400, 3), |(row, column)| if column == 0 { (row % 10) as f32 / 10.0 } else { 0.5 });
        let success: Vec<bool> = (0..400).map(|row| row % 10 >= 5).collect();
        let found = prognosis(features.view(), &success, &Phases::new(&job, 1)).unwrap().unwrap();
        assert!(found[9] > 0.9 && found[0] < 0.1, "{:?}", &found[..10]);
        let mut turned = success.clone();
        turned[8] = !turned[8];
        let again = prognosis(features.view(), &turned, &Phases::new(&job, 1)).unwrap().unwrap();
        assert_eq!((found[8], found[10]), (again[8], again[10]));
    }
}
