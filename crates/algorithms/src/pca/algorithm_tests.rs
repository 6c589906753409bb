use linfa::ParamGuard;
use ndarray::Array2;

use super::*;

fn grouped() -> Array2<f64> {
    Array2::from_shape_fn((200, 5), |(i, j)| {
        ((i * 7919 + j * 104_729) % 1009) as f64 / 1009.0 + if j == i % 4 { 2.0 } else { 0.0 }
    })
}

/// i, j = np.mgrid[:200, :5]; x = ((i * 7919 + j * 104729) % 1009) / 1009 + np.where(j == i % 4, 2.0, 0.0)
/// p = PCA().fit(x); p.explained_variance_, p.explained_variance_ratio_, p.transform(x)[3]
#[test]
fn it_is_that_of_scikit_learn() {
    let x = grouped();
    let found = Pca::params().components(5).check().unwrap().fit(x.view(), &()).unwrap();
    let close = |own: ndarray::ArrayView1<'_, f64>, theirs: [f64; 5]| {
        own.iter().zip(theirs).all(|(own, theirs)| (own - theirs).abs() < 1e-8)
    };
    let variance = [1.137_499_35, 1.112_403_85, 1.054_291_23, 0.098_083_28, 0.016_679_03];
    assert!(close(found.explained_variance(), variance), "{}", found.explained_variance());
    let ratio = found.explained_variance_ratio();
    assert!(close(ratio.view(), [0.332_703_64, 0.325_363_53, 0.308_366_36, 0.028_688_07, 0.004_878_4]), "{ratio}");
    let turned = found.transform(x.view(), &()).unwrap();
    let row = [1.781_779_61, -1.171_479_3, 0.783_561_81, 0.165_614_18, 0.096_919_99];
    assert!(close(turned.row(3), row), "{}", turned.row(3));
    let back = found.inverse_transform(turned.view(), &()).unwrap();
    assert!((&back - &x).iter().all(|error| error.abs() < 1e-12));
}

#[test]
fn shares_are_of_the_whole_variance_and_enough_components_are_kept() {
    let x = grouped();
    let one = Pca::params().components(1).check().unwrap().fit(x.view(), &()).unwrap();
    assert!((one.explained_variance_ratio()[0] - 0.332_703_64).abs() < 1e-8);
    let most = Pca::params().variance_share(0.9).check().unwrap().fit(x.view(), &()).unwrap();
    assert_eq!(most.components().nrows(), 3);
    assert!(Pca::params().components(6).check().unwrap().fit(x.view(), &()).is_err());
}
