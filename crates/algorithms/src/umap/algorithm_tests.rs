use super::*;
use crate::planted_clusters::planted_clusters;
use crate::umap::{Start, UmapParamsError};
use crate::{Interrupted, ParamGuard};
use std::sync::atomic::{AtomicU64, Ordering};

fn fit(x: &Array2<f64>, params: UmapParams) -> Umap {
    params.check().unwrap().fit(x.view(), &()).unwrap()
}

/// Share of rows whose nearest other row in the picture has the same label.
fn held_together(z: ArrayView2<'_, f32>, labels: &[i32]) -> f64 {
    let of = |row: usize| {
        let apart = |other: usize| (&z.row(row) - &z.row(other)).mapv(|d| d * d).sum();
        let nearest = (0..z.nrows()).filter(|other| *other != row);
        nearest.min_by(|a, b| apart(*a).total_cmp(&apart(*b))).unwrap()
    };
    let right = (0..z.nrows()).filter(|row| labels[*row] == labels[of(*row)]).count();
    right as f64 / z.nrows() as f64
}

#[test]
fn autotraits() {
    fn has_autotraits<T: Send + Sync + Sized + Unpin>() {}
    has_autotraits::<Umap>();
    has_autotraits::<UmapParams>();
    has_autotraits::<UmapValidParams>();
    has_autotraits::<UmapError>();
    has_autotraits::<UmapParamsError>();
}

#[test]
fn the_number_of_threads_does_not_matter_and_another_seed_does() {
    let x = planted_clusters(1300, 6, 4);
    let params = Umap::params(2).neighbors(10).epochs(40);
    let run = |threads, params: UmapParams| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let model = fit(&x, params);
            let placed = model.transform(x.view(), &()).unwrap();
            (model, placed)
        })
    };
    let found = run(1, params);
    assert!(run(3, params) == found);
    assert!(run(2, params.seed(1)).0 != found.0);
    assert!(run(1, params.start(Start::Spectral)) == run(4, params.start(Start::Spectral)));
}

#[test]
fn a_new_row_is_placed_the_same_whichever_rows_it_comes_with() {
    let x = planted_clusters(400, 6, 4);
    let model = fit(&x, Umap::params(3).epochs(60));
    let all = model.transform(x.view(), &()).unwrap();
    for row in [0, 17, 399] {
        let alone = model.transform(x.row(row).insert_axis(Axis(0)), &()).unwrap();
        assert_eq!(alone.row(0), all.row(row));
    }
}

#[test]
fn labels_part_what_the_columns_do_not() {
    // Labels have nothing to do with the columns.
    let x = planted_clusters(300, 4, 1);
    let labels: Vec<i32> = (0..300).map(|row| row % 3).collect();
    let params = Umap::params(2).epochs(200).check().unwrap();
    let plain = params.fit(x.view(), &()).unwrap();
    let told = params.fit_labelled(x.view(), &labels, &()).unwrap();
    let (plain, told) = (held_together(plain.embedding(), &labels), held_together(told.embedding(), &labels));
    assert!(plain < 0.6 && told > 0.9, "{plain} {told}");
    assert!(params.fit_labelled(x.view(), &labels[1..], &()).unwrap_err().to_string().starts_with("300 rows but 299"));
}

#[test]
fn odd_rows_are_borne() {
    // All equal, and a few different ones often repeated.
    for x in [Array2::from_elem((50, 3), 2.0), Array2::from_shape_fn((90, 3), |(row, _)| (row % 3) as f64)] {
        let model = fit(&x, Umap::params(2).neighbors(5).epochs(30).start(Start::Spectral));
        assert!(model.embedding().iter().all(|value| value.is_finite()));
        assert!(model.transform(x.view(), &()).unwrap().iter().all(|value| value.is_finite()));
    }
    // More coordinates than columns.
    assert_eq!(fit(&planted_clusters(40, 2, 2), Umap::params(5).epochs(10)).embedding().dim(), (40, 5));
}

#[test]
fn every_interruption_is_heard() {
    let x = planted_clusters(600, 5, 3);
    let params = Umap::params(2).epochs(3).start(Start::Spectral).exact_rows_max(100).check().unwrap();
    let calls = AtomicU64::new(0);
    let count = |_: u64, _: u64| {
        calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    let model = params.fit(x.view(), &count).unwrap();
    for last in (0..calls.into_inner()).step_by(7) {
        let calls = AtomicU64::new(0);
        let stop =
            |_: u64, _: u64| if calls.fetch_add(1, Ordering::Relaxed) < last { Ok(()) } else { Err(Interrupted) };
        assert_eq!(params.fit(x.view(), &stop), Err(UmapError::Interrupted(Interrupted)));
    }
    let stop = |_: u64, _: u64| Err(Interrupted);
    assert_eq!(model.transform(x.view(), &stop), Err(UmapError::Interrupted(Interrupted)));
}

#[test]
fn bad_input_is_refused() {
    let mut x = planted_clusters(30, 3, 2);
    let error = |x: &Array2<f64>| Umap::params(2).check().unwrap().fit(x.view(), &()).unwrap_err().to_string();
    assert!(error(&Array2::zeros((15, 3))).starts_with("the input has 15 rows and 3 columns"));
    let model = fit(&x, Umap::params(2).epochs(5));
    assert!(model.transform(Array2::<f64>::zeros((1, 2)).view(), &()).is_err());
    x[[3, 1]] = f64::NAN;
    assert!(error(&x).starts_with("value at row 3, column 1"));
}
