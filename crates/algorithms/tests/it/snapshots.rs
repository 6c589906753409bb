//! Models survive being written and read back, bit for bit, and damaged ones are refused.

use ndarray::{Array1, Array2, Axis};
use serde::Serialize;
use serde::de::DeserializeOwned;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::autoencoder::Autoencoder;
use souffleur_algorithms::calibration::{IsotonicRegression, PlattScaling};
use souffleur_algorithms::gaussian_mixture::{CovarianceKind, GaussianMixture};
use souffleur_algorithms::gbdt::GradientBoosting;
use souffleur_algorithms::isolation_forest::IsolationForest;
use souffleur_algorithms::k_means::KMeans;
use souffleur_algorithms::logistic::LogisticRegression;
use souffleur_algorithms::neighbors::NeighborIndex;
use souffleur_algorithms::pca::{IncrementalPca, Pca};
use souffleur_algorithms::umap::Umap;

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
    check(&KMeans::params(3).check().unwrap().fit(x.view(), &()).unwrap().model);
    check(&Pca::params().components(2).check().unwrap().fit(x.view(), &()).unwrap());
    check(&Umap::params(2).epochs(5).check().unwrap().fit(x.view(), &()).unwrap());
    check(&Autoencoder::params(2).hidden(3).epochs(2).check().unwrap().fit(x.view(), &()).unwrap());
    let mut seen = IncrementalPca::new(3);
    seen.update(x.view(), &()).unwrap();
    check(&seen);
    for kind in [CovarianceKind::Full, CovarianceKind::Tied, CovarianceKind::Diagonal] {
        check(&GaussianMixture::params(2).covariance(kind).check().unwrap().fit(x.view(), &()).unwrap());
    }
}

/// Writes what a model's parts would be read from.
fn refused<M: DeserializeOwned>(parts: &impl Serialize) -> bool {
    postcard::from_bytes::<M>(&postcard::to_allocvec(parts).unwrap()).is_err()
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let (mean, rows) = (Array1::<f64>::zeros(3), Array2::<f64>::eye(3));
    assert!(!refused::<KMeans>(&(&rows, 1.0, 4usize, true)));
    assert!(refused::<KMeans>(&(&rows * f64::NAN, 1.0, 4usize, true)));
    assert!(refused::<KMeans>(&(Array2::<f64>::zeros((0, 3)), 1.0, 4usize, true)));
    assert!(!refused::<Pca>(&(&mean, &rows, &mean, 1.0)));
    assert!(refused::<Pca>(&(&mean, &rows, Array1::<f64>::zeros(2), 1.0)));
    assert!(refused::<Pca>(&(&mean, &rows, &mean, f64::INFINITY)));
    assert!(!refused::<IncrementalPca>(&(4u64, &mean, &rows)));
    assert!(refused::<IncrementalPca>(&(4u64, Array1::<f64>::zeros(2), &rows)));
    assert!(refused::<IncrementalPca>(&(4u64, &mean, &rows * f64::NAN)));
    let (weights, one) = (Array1::from_elem(1, 1.0), rows.clone().insert_axis(Axis(0)));
    let means = Array2::<f64>::zeros((1, 3));
    let kind = CovarianceKind::Full;
    assert!(!refused::<GaussianMixture>(&(kind, &weights, &means, &one, 1.0, 2usize, true)));
    assert!(refused::<GaussianMixture>(&(kind, &weights, &means, -&one, 1.0, 2usize, true)));
    assert!(refused::<GaussianMixture>(&(CovarianceKind::Diagonal, &weights, &means, &one, 1.0, 2usize, true)));
    assert!(refused::<GaussianMixture>(&(kind, -&weights, &means, &one, 1.0, 2usize, true)));
}
