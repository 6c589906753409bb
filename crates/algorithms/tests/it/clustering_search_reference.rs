//! The search for a clustering against the best silhouettes of a scikit-learn grid; how the grid was made stands in
//! `tests/data/clustering/README.md`.

use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::clustering_search::ClusteringSearch;

use crate::tables::{archive, table};

/// Set, form, and the best mean silhouette over all rows (noise counts 0) of the grid.
const BEST: [(&str, &str, f64); 8] = [
    ("iris", "raw", 0.686735),
    ("iris", "scaled", 0.582052),
    ("wine", "raw", 0.656854),
    ("wine", "scaled", 0.286000),
    ("breast_cancer", "raw", 0.697265),
    ("breast_cancer", "scaled", 0.367419),
    ("digits", "raw", 0.189253),
    ("digits", "scaled", 0.359965),
];

#[test]
fn silhouettes_are_never_below_the_best_of_a_scikit_learn_grid() {
    for (set, form, best) in BEST {
        let x = table(&archive(set), form);
        let params = ClusteringSearch::params().weights(1.0, 0.0, 0.0).resamples(1).check().unwrap();
        let found = params.search(x.view(), &()).unwrap();
        println!("{set} {form}: {:.6} by {}; scikit-learn {best:.6}", found.best.silhouette, found.best.candidate);
        assert!(found.best.silhouette >= best - 1e-6, "{set} {form}: {:?}, scikit-learn {best}", found.best);
    }
}
