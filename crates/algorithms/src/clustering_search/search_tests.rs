use super::*;
use crate::clustering_quality::adjusted_rand_index;
use crate::planted_clusters::planted_clusters;

fn params() -> ClusteringSearchParams {
    ClusteringSearch::params().clusters_max(6).seed(3)
}

/// Four clusters in nine columns.
fn rows() -> Array2<f64> {
    planted_clusters(400, 9, 4)
}

#[test]
fn the_search_ends_where_the_grid_does_for_less() {
    for (seed, clusters) in [(1, 2), (2, 4), (3, 5)] {
        let x = planted_clusters(300, 6, clusters);
        let params = params().seed(seed).check().unwrap();
        let (search, grid) = (params.search(x.view(), &()).unwrap(), params.grid(x.view(), &()).unwrap());
        assert_eq!((search.best, &search.labels, &search.model), (grid.best, &grid.labels, &grid.model));
        assert!(10 * search.fits < 7 * grid.fits, "{} of {} fits", search.fits, grid.fits);
        assert!(grid.evaluations.iter().all(|one| one.score <= grid.best.score && one.resamples == 9));
    }
}

#[test]
fn planted_clusters_are_found_and_new_rows_placed() {
    let x = rows();
    let found = params().check().unwrap().search(x.view(), &()).unwrap();
    let planted: Vec<i32> = (0..400).map(|row| row % 4).collect();
    assert!(adjusted_rand_index(&found.labels, &planted).unwrap() > 0.95, "{:?}", found.best);
    assert!(found.intrinsic_dimension.is_some_and(|d| (2.0..12.0).contains(&d)), "{:?}", found.intrinsic_dimension);
    let placed = found.model.predict(x.view(), &()).unwrap();
    let labels: Vec<i32> = placed.iter().map(|place| place.label).collect();
    assert!(adjusted_rand_index(&labels, &found.labels).unwrap() > 0.99);
    assert!(placed.iter().all(|place| (0.0..=1.0).contains(&place.probability)));
    let error = found.model.predict(Array2::<f64>::zeros((1, 3)).view(), &()).unwrap_err();
    assert_eq!(error, ClusteringSearchError::Columns { expected: 9, found: 3 });
}

#[test]
fn weights_decide_what_is_best() {
    let x = rows();
    let of = |silhouette, dbcv, stability| {
        params().weights(silhouette, dbcv, stability).check().unwrap().search(x.view(), &()).unwrap()
    };
    let (by_silhouette, by_dbcv) = (of(1.0, 0.0, 0.0), of(0.0, 1.0, 0.0));
    let highest = |of: fn(&Evaluation) -> f64| by_dbcv.evaluations.iter().map(of).fold(-1.0, f64::max);
    assert_eq!(by_silhouette.best.silhouette, highest(|one| one.silhouette));
    assert_eq!(by_dbcv.best.dbcv, highest(|one| one.dbcv));
    // Stability counts for nothing here, but is told of the winner.
    assert!(by_silhouette.best.resamples == 9 && by_silhouette.best.stability > 0.0);
}

#[test]
fn the_result_does_not_depend_on_the_threads_and_can_be_stored() {
    let x = rows();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| params().resamples(2).check().unwrap().search(x.view(), &()).unwrap())
    };
    let (one, three) = (on(1), on(3));
    assert!(one == three);
    let bytes = postcard::to_stdvec(&one.model).unwrap();
    assert!(postcard::from_bytes::<ClusteringModel>(&bytes).unwrap() == one.model);
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let params = params().check().unwrap();
    let error = |x: Array2<f64>| params.search(x.view(), &()).unwrap_err();
    assert_eq!(error(Array2::zeros((3, 2))), ClusteringSearchError::TooFew { rows: 3, columns: 2, least: 20 });
    assert!(matches!(error(Array2::zeros((30, 0))), ClusteringSearchError::TooFew { columns: 0, .. }));
    assert_eq!(error(Array2::zeros((30, 2))), ClusteringSearchError::NoClusters);
    assert!(matches!(error(Array2::from_elem((30, 2), f64::NAN)), ClusteringSearchError::NotFinite(_)));
    let stop = |_: u64, _: u64| Err(Interrupted);
    assert_eq!(params.search(rows().view(), &stop), Err(ClusteringSearchError::Interrupted(Interrupted)));
}
