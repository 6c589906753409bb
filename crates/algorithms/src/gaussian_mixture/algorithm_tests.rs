use super::*;
use crate::gaussian_mixture::{GaussianMixtureParamsError, GaussianMixtureValidParams};
use crate::planted_clusters::planted_clusters;
use crate::{Interrupted, ParamGuard};
use ndarray::Axis;
use std::sync::atomic::{AtomicU64, Ordering};

fn fit(x: &Array2<f64>, params: GaussianMixtureParams) -> GaussianMixture {
    params.check().unwrap().fit(x.view(), &()).unwrap()
}

fn close(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-8, "{found} is not {expected}");
}

#[test]
fn autotraits() {
    fn has_autotraits<T: Send + Sync + Sized + Unpin>() {}
    has_autotraits::<GaussianMixture>();
    has_autotraits::<GaussianMixtureParams>();
    has_autotraits::<GaussianMixtureValidParams>();
    has_autotraits::<GaussianMixtureError>();
    has_autotraits::<GaussianMixtureParamsError>();
}

/// `x = planted(1500, 4, 3)`, then for each kind `g = GaussianMixture(3, covariance_type=kind, random_state=0).fit(x)`:
/// `g.n_iter_`, `g.lower_bound_`, `g.bic(x)`, `g.aic(x)`, `g.weights_[0]`, `g.score_samples(x[:1])`; scikit-learn 1.9.1.
#[test]
fn mixtures_are_those_of_scikit_learn() {
    let x = planted_clusters(1500, 4, 3);
    let full = [-3.951298521126709, 12175.67419326152, 11941.892496229548, 0.3336863191589419, -3.423656433635301];
    let tied = [-3.96055219034577, 12057.173749180303, 11929.656459890137, 0.3335773966777484, -3.4013769788521944];
    let diagonal = [-4.3646327322244, 13283.971394603912, 13145.827664539564, 0.33388951487807733, -3.5191412154803854];
    for (kind, expected) in
        [(CovarianceKind::Full, full), (CovarianceKind::Tied, tied), (CovarianceKind::Diagonal, diagonal)]
    {
        let model = fit(&x, GaussianMixture::params(3).covariance(kind));
        assert_eq!((model.iterations(), model.converged()), (2, true));
        let found = [
            model.lower_bound(),
            model.bic(x.view(), &()).unwrap(),
            model.aic(x.view(), &()).unwrap(),
            model.weights()[0],
            model.log_likelihood(x.view(), &()).unwrap()[0],
        ];
        found.into_iter().zip(expected).for_each(|(found, expected)| close(found, expected));
    }
}

/// `g = GaussianMixture(5, random_state=3).fit(x)`: `g.n_iter_`, `g.lower_bound_`, `g.bic(x)`; scikit-learn 1.9.1.
#[test]
fn overlapping_components_are_those_of_scikit_learn() {
    let x = planted_clusters(1500, 4, 3);
    let model = fit(&x, GaussianMixture::params(5).seed(3));
    assert_eq!(model.iterations(), 5);
    close(model.lower_bound(), -3.942050536766482);
    close(model.bic(x.view(), &()).unwrap(), 12365.620510953211);
}

/// With `g = GaussianMixture(3)` and `resp = np.eye(3)[cdist(x, x[[10, 20, 30]]).argmin(1)]`: `g._initialize(x, resp)`,
/// then `lb, lr = g._e_step(x); g._m_step(x, lr)` until `lb` changes by less than 1e-3; scikit-learn 1.9.1.
#[test]
fn from_given_means_the_steps_are_those_of_scikit_learn() {
    let x = planted_clusters(1500, 4, 3);
    let model = fit(&x, GaussianMixture::params(3).start_means(x.select(Axis(0), &[10, 20, 30])));
    assert_eq!(model.iterations(), 2);
    close(model.lower_bound(), -3.951303836238329);
    let expected = [1.043801060749652, 0.5612462159451083, 1.646407482163817, 1.301802073181353];
    model.means().row(0).iter().zip(expected).for_each(|(found, expected)| close(*found, expected));
}

#[test]
fn responsibilities_and_predictions_agree() {
    let x = planted_clusters(900, 4, 3);
    let model = fit(&x, GaussianMixture::params(3));
    let shares = model.responsibilities(x.view(), &()).unwrap();
    let found = model.predict(x.view(), &()).unwrap();
    for (row, shares) in shares.outer_iter().enumerate() {
        assert!((shares.sum() - 1.0).abs() < 1e-12);
        assert!(shares.iter().all(|share| *share <= shares[found[row]]));
    }
    let right = (0..900).filter(|row| found[*row] == found[*row % 3]).count();
    assert!(right > 850, "{right}");
    assert!((model.weights().sum() - 1.0).abs() < 1e-12);
}

#[test]
fn the_number_of_threads_and_the_layout_do_not_matter() {
    let x = planted_clusters(3000, 4, 5);
    for kind in [CovarianceKind::Full, CovarianceKind::Tied, CovarianceKind::Diagonal] {
        let run = |threads, x: ArrayView2<'_, f64>| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let params = GaussianMixture::params(4).covariance(kind).n_init(2);
            pool.install(|| params.check().unwrap().fit(x, &()).unwrap())
        };
        let found = run(1, x.view());
        assert_eq!(run(3, x.view()), found);
        assert_eq!(run(2, x.t().as_standard_layout().to_owned().reversed_axes().view()), found);
        let single = GaussianMixture::params(4).covariance(kind).n_init(2).check().unwrap();
        let single = single.fit(x.mapv(|value| value as f32).view(), &()).unwrap();
        assert!((single.lower_bound() - found.lower_bound()).abs() < 1e-3);
    }
}

#[test]
fn every_interruption_is_heard() {
    let x = planted_clusters(1000, 3, 4);
    let calls = AtomicU64::new(0);
    let count = |_: u64, _: u64| {
        calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    let params = GaussianMixture::params(3).check().unwrap();
    params.fit(x.view(), &count).unwrap();
    let all = calls.into_inner();
    for last in (0..all).step_by(23) {
        let calls = AtomicU64::new(0);
        let stop =
            |_: u64, _: u64| if calls.fetch_add(1, Ordering::Relaxed) < last { Ok(()) } else { Err(Interrupted) };
        assert_eq!(params.fit(x.view(), &stop), Err(GaussianMixtureError::Interrupted(Interrupted)));
    }
}

#[test]
fn bad_input_is_refused() {
    let error = |params: GaussianMixtureParams, x: &Array2<f64>| {
        params.check().unwrap().fit(x.view(), &()).unwrap_err().to_string()
    };
    let mut x = planted_clusters(30, 3, 2);
    let params = GaussianMixture::params;
    assert!(error(params(2), &Array2::zeros((3, 0))).starts_with("the input has 3 rows and 0 columns"));
    assert!(error(params(31), &x).starts_with("30 rows for 31 components"));
    assert!(error(params(2).start_means(Array2::zeros((2, 4))), &x).starts_with("the input has 3 columns, the"));
    assert!(error(params(900), &Array2::zeros((900, 200))).contains("pass the limit"));
    let alike = Array2::from_elem((30, 3), 1.5);
    assert!(error(params(1).reg_covar(0.0), &alike).starts_with("the covariance of component 0"));
    assert!(fit(&alike, params(1)).lower_bound().is_finite());
    let model = fit(&x, params(2));
    assert!(model.predict(Array2::<f32>::zeros((1, 2)).view(), &()).is_err());
    x[[3, 1]] = f64::NAN;
    assert!(error(params(2), &x).starts_with("value at row 3, column 1"));
}
