use linfa::ParamGuard;
use ndarray::{Array2, s};

use super::*;

/// Four groups of 50 rows around the first four axes.
fn grouped() -> Array2<f64> {
    Array2::from_shape_fn((200, 5), |(i, j)| {
        ((i * 7919 + j * 104_729) % 1009) as f64 / 1009.0 + if j == i % 4 { 2.0 } else { 0.0 }
    })
}

/// i, j = np.mgrid[:200, :5]; x = ((i * 7919 + j * 104729) % 1009) / 1009 + np.where(j == i % 4, 2.0, 0.0)
/// g = GaussianMixture(4, covariance_type=t, means_init=x[:4], tol=1e-3, reg_covar=1e-6).fit(x); g.lower_bound_, g.bic(x)
#[test]
fn it_is_that_of_scikit_learn() {
    let x = grouped();
    for (kind, bound, bic) in [
        (CovarianceKind::Full, -1.589_288_181_151_019_6, 1_075.475_613_883_894_8),
        (CovarianceKind::Diagonal, -2.266_270_767_820_620_4, 1_134.335_953_889_813_7),
        (CovarianceKind::Tied, -1.598_952_530_636_413_4, 840.917_072_183_390_8),
    ] {
        let params = GaussianMixture::params(4).covariance(kind).start_means(x.slice(s![..4, ..]).to_owned());
        let found = params.check().unwrap().fit(x.view(), &()).unwrap();
        assert!((found.lower_bound() - bound).abs() < 1e-6, "{kind:?}: {} {bound}", found.lower_bound());
        let own = found.bic(x.view(), &()).unwrap();
        assert!((own - bic).abs() < 1e-3, "{kind:?}: {own} {bic}");
        let labels = found.predict(x.view(), &()).unwrap();
        assert!((0..200).all(|row| labels[row] == row % 4), "{kind:?}");
    }
}

#[test]
fn responsibilities_add_up_to_one_and_a_seed_repeats() {
    let x = grouped();
    let params = GaussianMixture::params(3).seed(5).check().unwrap();
    let (one, other) = (params.fit(x.view(), &()).unwrap(), params.fit(x.view(), &()).unwrap());
    assert_eq!(one, other);
    let shares = one.responsibilities(x.view(), &()).unwrap();
    assert!(shares.outer_iter().all(|row| (row.sum() - 1.0).abs() < 1e-9));
    assert!(params.fit(x.slice(s![..2, ..]), &()).is_err());
}
