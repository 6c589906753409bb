use super::*;
use crate::pca::PcaParamsError;
use crate::planted_clusters::planted_clusters;
use crate::{Interrupted, ParamGuard};
use ndarray::array;
use std::sync::atomic::{AtomicU64, Ordering};

fn fit(x: &Array2<f64>, params: PcaParams) -> Pca {
    params.check().unwrap().fit(x.view(), &()).unwrap()
}

#[track_caller]
fn close(found: ArrayView1<'_, f64>, expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-10, "{found} is not {expected}");
    }
}

#[test]
fn autotraits() {
    fn has_autotraits<T: Send + Sync + Sized + Unpin>() {}
    has_autotraits::<Pca>();
    has_autotraits::<PcaParams>();
    has_autotraits::<PcaValidParams>();
    has_autotraits::<PcaError>();
    has_autotraits::<PcaParamsError>();
}

/// `x = planted(400, 6, 4)`, `p = PCA(svd_solver="full").fit(x)`: `p.explained_variance_ratio_`,
/// `p.explained_variance_`, `p.components_[0]`, `p.transform(x)[7]`; scikit-learn 1.9.1.
#[test]
fn components_are_those_of_scikit_learn() {
    let x = planted_clusters(400, 6, 4);
    let model = fit(&x, Pca::params());
    let ratios = [
        0.4760753727359157,
        0.267195242020458,
        0.14334813304375707,
        0.06833993925573681,
        0.02960050892475334,
        0.01544080401937906,
    ];
    let variances = [
        3.377206087450765,
        1.8954422966758415,
        1.0168897936432917,
        0.48479310648676655,
        0.2099814959085701,
        0.10953470882079758,
    ];
    let component = [
        0.21469600032596414,
        -0.09717169230629696,
        0.6808869493542582,
        0.5008956420675178,
        -0.40065022417567664,
        0.26351319792975164,
    ];
    let row = [
        0.5422254450518991,
        0.9928240307529019,
        0.5399881025157556,
        -0.49906498164658575,
        -0.00804908478709676,
        -0.14833130784437876,
    ];
    close(model.explained_variance_ratio().view(), &ratios);
    close(model.explained_variance(), &variances);
    close(model.components().row(0), &component);
    close(model.transform(x.view(), &()).unwrap().row(7), &row);
    // PCA(0.9).fit(x).n_components_, PCA(0.6).fit(x).n_components_
    assert_eq!(fit(&x, Pca::params().variance_share(0.9)).components().nrows(), 4);
    assert_eq!(fit(&x, Pca::params().variance_share(0.6)).components().nrows(), 2);
    // Dropped components stay in the whole.
    close(fit(&x, Pca::params().components(2)).explained_variance_ratio().view(), &ratios[..2]);
}

/// Wide rows that vary along few directions, with a little noise.
fn wide(rows: usize, columns: usize) -> Array2<f64> {
    let latent = planted_clusters(rows, 12, 4);
    let loadings = planted_clusters(12, columns, 3);
    latent.dot(&loadings) + planted_clusters(rows, columns, 1) * 0.05 + 3.0
}

#[test]
fn a_sketch_finds_the_leading_components() {
    let x = wide(800, 700);
    let exact = fit(&x, Pca::params().components(5).solver(Solver::Covariance));
    for params in [Pca::params().components(5).solver(Solver::Randomized), Pca::params().components(5)] {
        let found = fit(&x, params);
        assert!(params.check().unwrap().sketches(800, 700));
        for (found, exact) in found.explained_variance_ratio().iter().zip(&exact.explained_variance_ratio()) {
            assert!((found - exact).abs() < 1e-8, "{found} {exact}");
        }
        assert!((found.total_variance() / exact.total_variance() - 1.0).abs() < 1e-9);
        assert!((&found.components() - &exact.components()).iter().all(|d| d.abs() < 1e-5));
    }
    // No covariance of so many columns would fit.
    assert_eq!(fit(&wide(60, 5000), Pca::params().components(2)).components().dim(), (2, 5000));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| fit(&x, Pca::params().components(5)))
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn many_columns_and_few_give_the_same_covariance() {
    // Beyond 128 columns products are summed another way.
    let x = planted_clusters(1500, 140, 4);
    let (few, many) = (fit(&x.slice(s![.., ..31]).to_owned(), Pca::params()), fit(&x, Pca::params()));
    let direct = |x: ArrayView2<'_, f64>| {
        let centred = &x - &x.mean_axis(Axis(0)).unwrap();
        (&centred * &centred).sum() / (x.nrows() - 1) as f64
    };
    assert!((few.total_variance() / direct(x.slice(s![.., ..31])) - 1.0).abs() < 1e-10);
    assert!((many.total_variance() / direct(x.view()) - 1.0).abs() < 1e-10);
    let z = few.transform(x.slice(s![.., ..31]), &()).unwrap();
    let variances = z.var_axis(Axis(0), 1.0);
    assert!((variances - few.explained_variance()).iter().all(|d| d.abs() < 1e-9));
}

#[test]
fn what_is_kept_comes_back() {
    let x = planted_clusters(300, 5, 4) + 1e6;
    let model = fit(&x, Pca::params());
    let back = model.inverse_transform(model.transform(x.view(), &()).unwrap().view(), &()).unwrap();
    assert!((&back - &x).iter().all(|difference| difference.abs() < 1e-8));
    let one = model.components().dot(&model.components().t());
    assert!((one - Array2::<f64>::eye(5)).iter().all(|difference| difference.abs() < 1e-12));
    let near = fit(&(&x - 1e6), Pca::params());
    assert!((&near.explained_variance - &model.explained_variance).iter().all(|difference| difference.abs() < 1e-8));
    // More columns than rows: one direction less than rows varies.
    let wide = fit(&planted_clusters(4, 9, 2), Pca::params());
    assert_eq!(wide.components().dim(), (4, 9));
    assert!(wide.explained_variance()[3] < 1e-12);
    let still = fit(&Array2::from_elem((5, 2), 3.0), Pca::params().variance_share(0.5));
    assert_eq!((still.components().nrows(), still.explained_variance_ratio()), (1, array![0.0]));
}

#[test]
fn the_number_of_threads_and_the_layout_do_not_matter() {
    let x = planted_clusters(5000, 7, 4);
    let run = |threads, x: ArrayView2<'_, f64>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Pca::params().components(3).check().unwrap().fit(x, &()).unwrap())
    };
    let found = run(1, x.view());
    assert_eq!(run(3, x.view()), found);
    assert_eq!(run(2, x.t().as_standard_layout().to_owned().reversed_axes().view()), found);
    let single = Pca::params().check().unwrap().fit(x.mapv(|value| value as f32).view(), &()).unwrap();
    assert!((single.explained_variance()[0] / found.explained_variance()[0] - 1.0).abs() < 1e-5);
}

#[test]
fn every_interruption_is_heard() {
    let x = planted_clusters(9000, 12, 4);
    let calls = AtomicU64::new(0);
    let count = |_: u64, _: u64| {
        calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    let params = Pca::params().check().unwrap();
    params.fit(x.view(), &count).unwrap();
    for last in 0..calls.into_inner() {
        let calls = AtomicU64::new(0);
        let stop =
            |_: u64, _: u64| if calls.fetch_add(1, Ordering::Relaxed) < last { Ok(()) } else { Err(Interrupted) };
        assert_eq!(params.fit(x.view(), &stop), Err(PcaError::Interrupted(Interrupted)));
    }
}

#[test]
fn bad_input_is_refused() {
    let error =
        |params: PcaParams, x: &Array2<f64>| params.check().unwrap().fit(x.view(), &()).unwrap_err().to_string();
    let mut x = planted_clusters(10, 3, 2);
    assert!(error(Pca::params(), &Array2::zeros((1, 3))).starts_with("the input has 1 rows"));
    assert!(error(Pca::params(), &Array2::zeros((2, 4097))).starts_with("the input has 4097 columns"));
    assert!(
        error(Pca::params().components(3).solver(Solver::Randomized), &Array2::zeros((2, 9))).starts_with("3 comp")
    );
    assert!(error(Pca::params().components(4), &x).starts_with("4 components of 10 rows and 3 columns"));
    let model = fit(&x, Pca::params().components(2));
    assert!(model.transform(Array2::<f32>::zeros((1, 2)).view(), &()).is_err());
    assert!(model.inverse_transform(Array2::<f32>::zeros((1, 3)).view(), &()).is_err());
    for bad in [f64::NAN, f64::NEG_INFINITY, 1e300, 1e39] {
        x[[3, 1]] = bad;
        assert!(error(Pca::params(), &x).starts_with("value at row 3, column 1"));
    }
}
