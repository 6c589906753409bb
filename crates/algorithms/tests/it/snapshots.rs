//! Models survive being written and read back, bit for bit, and damaged ones are refused.

use ndarray::Array2;
use serde::Serialize;
use serde::de::DeserializeOwned;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::calibration::{IsotonicRegression, PlattScaling};
use souffleur_algorithms::gbdt::GradientBoosting;
use souffleur_algorithms::isolation_forest::IsolationForest;
use souffleur_algorithms::logistic::LogisticRegression;
use souffleur_algorithms::neighbors::NeighborIndex;

fn check<M: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(model: &M) {
    let bytes = postcard::to_allocvec(model).unwrap();
    assert_eq!(postcard::from_bytes::<M>(&bytes).unwrap(), *model);
    for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(postcard::from_bytes::<M>(&bytes[..length]).is_err(), "a snapshot cut to {length} bytes was accepted");
    }
}

#[test]
fn models_round_trip() {
    let x = Array2::from_shape_fn((120, 3), |(row, column)| ((row * (column + 5)) % 37) as f64 / 37.0);
    let labels: Vec<bool> = x.outer_iter().map(|row| row[0] + row[1] > 1.0).collect();
    let scores = x.column(0).to_vec();
    check(&IsolationForest::params().n_trees(5).check().unwrap().fit(x.view(), &()).unwrap());
    check(&GradientBoosting::params().n_trees(5).check().unwrap().fit(x.view(), &labels, &()).unwrap());
    check(&LogisticRegression::params().check().unwrap().fit(x.view(), &labels, &()).unwrap());
    check(&IsotonicRegression::fit_labels(&scores, &labels).unwrap());
    check(&PlattScaling::fit(&scores, &labels, &()).unwrap());
    check(&NeighborIndex::new(x.view(), &()).unwrap());
}
