//! Reductions of the digits (Alpaydin & Kaynak 1998) against scikit-learn 1.9.1 and umap-learn 0.5.12.

use ndarray::{Array2, s};
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::pca::Pca;
use souffleur_algorithms::reduction_quality::{neighborhoods, reconstruction};
use souffleur_algorithms::umap::{Start, Umap};

use crate::tables::{archive, table};

fn digits() -> Array2<f64> {
    table(&archive("digits"), "raw")
}

/// `PCA(10).fit(X)`: `explained_variance_ratio_`; the mean squared difference of `inverse_transform(transform(X))`;
/// `trustworthiness(X, PCA(2).fit_transform(X))`.
#[test]
fn principal_components_are_those_of_scikit_learn() {
    let x = digits();
    let ratios = [
        0.14890593584063852,
        0.13618771239635444,
        0.11794593763975787,
        0.08409979421009184,
        0.05782414664005526,
        0.04916910317124007,
        0.04315987010825784,
        0.036613725770840544,
        0.033532480979671306,
        0.030788062089045498,
    ];
    let model = Pca::params().components(10).check().unwrap().fit(x.view(), &()).unwrap();
    for (found, expected) in model.explained_variance_ratio().iter().zip(ratios) {
        assert!((found - expected).abs() < 1e-8, "{found} {expected}");
    }
    let z = model.transform(x.view(), &()).unwrap();
    let back = model.inverse_transform(z.view(), &()).unwrap();
    let lost = reconstruction(x.view(), back.view(), &model.mean().to_owned(), &()).unwrap();
    assert!((lost.mean_squared_error - 4.914296425660887).abs() < 1e-8);
    assert!((lost.information_kept - ratios.iter().sum::<f64>()).abs() < 1e-8);
    let found = neighborhoods(x.view(), z.slice(s![.., ..2]), 5, usize::MAX, 0, &()).unwrap();
    // Values are whole numbers, so distances tie, and ties rank in another order there.
    assert!((found.trustworthiness - 0.8304273347946844).abs() < 1e-5, "{}", found.trustworthiness);
}

/// `trustworthiness(X, UMAP(random_state=42).fit_transform(X))` of umap-learn is .98964.
#[test]
fn pictures_are_as_trustworthy_as_those_of_umap_learn() {
    let x = digits();
    for start in [Start::PrincipalComponents, Start::Spectral] {
        let model = Umap::params(2).start(start).seed(42).check().unwrap().fit(x.view(), &()).unwrap();
        let found = neighborhoods(x.view(), model.embedding(), 5, usize::MAX, 0, &()).unwrap();
        println!("{start:?}: {found:?}");
        assert!(found.trustworthiness >= 0.9896418258740034 - 0.005, "{start:?}: {found:?}");
    }
}

/// A row that was left out comes to stand among those of its own digit.
#[test]
fn new_rows_are_placed_among_their_like() {
    let archive = archive("digits");
    let (x, digit) = (table(&archive, "raw"), crate::npz::array(&archive, "y"));
    let known = |row: usize| !row.is_multiple_of(4);
    let rows = |wanted: bool| (0..x.nrows()).filter(|row| known(*row) == wanted).collect::<Vec<usize>>();
    let (learnt, new) = (rows(true), rows(false));
    let model = Umap::params(2).epochs(200).check().unwrap();
    let model = model.fit(x.select(ndarray::Axis(0), &learnt).view(), &()).unwrap();
    let placed = model.transform(x.select(ndarray::Axis(0), &new).view(), &()).unwrap();
    let right = new.iter().zip(placed.outer_iter()).filter(|(row, at)| {
        let apart = |known: usize| (&model.embedding().row(known) - at).mapv(|d| d * d).sum();
        let nearest = (0..learnt.len()).min_by(|a, b| apart(*a).total_cmp(&apart(*b))).unwrap();
        digit[[learnt[nearest], 0]] == digit[[**row, 0]]
    });
    let share = right.count() as f64 / new.len() as f64;
    println!("placed rightly: {share}");
    assert!(share > 0.95, "{share}");
}
