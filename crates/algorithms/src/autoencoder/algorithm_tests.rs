use super::*;
use crate::Interrupted;
use crate::autoencoder::AutoencoderParamsError;
use crate::planted_clusters::planted_clusters;

/// Points on a half circle in the plane of two of five columns, a little off it.
fn half_circle(rows: usize) -> Array2<f64> {
    let noise = planted_clusters(rows, 5, 1) * 0.01;
    noise
        + Array2::from_shape_fn((rows, 5), |(row, column)| {
            let angle = std::f64::consts::PI * (row as f64 * 0.618_034).fract();
            [libm::cos(angle), libm::sin(angle), 0.0, 0.0, 0.0][column]
        })
}

fn fit(x: &Array2<f64>, params: AutoencoderParams) -> Autoencoder {
    params.check().unwrap().fit(x.view(), &()).unwrap()
}

#[test]
fn autotraits() {
    fn has_autotraits<T: Send + Sync + Sized + Unpin>() {}
    has_autotraits::<Autoencoder>();
    has_autotraits::<AutoencoderParams>();
    has_autotraits::<AutoencoderValidParams>();
    has_autotraits::<AutoencoderError>();
    has_autotraits::<AutoencoderParamsError>();
}

#[test]
fn it_bends_where_principal_components_cannot() {
    let x = half_circle(600);
    let model = fit(&x, Autoencoder::params(1).hidden(12));
    assert!(model.held_out_loss() < 0.2 * model.start_loss(), "{} {}", model.held_out_loss(), model.start_loss());
    let new = half_circle(900).slice_move(s![600.., ..]);
    let back = model.inverse_transform(model.transform(new.view(), &()).unwrap().view(), &()).unwrap();
    let lost = (&back - &new).mapv(|d| d * d).sum() / (&new - &model.parts.mean).mapv(|d| d * d).sum();
    // One principal component loses a sixth.
    assert!(lost < 0.05, "{lost}");
}

#[test]
fn what_is_flat_stays_as_good_as_principal_components() {
    let x = planted_clusters(200, 6, 1);
    let model = fit(&x, Autoencoder::params(3).epochs(30));
    assert!(model.held_out_loss() <= model.start_loss() && model.epochs() <= 30);
    // Nothing varies: nothing is lost.
    let still = fit(&Array2::from_elem((20, 3), 4.0), Autoencoder::params(2).epochs(2));
    assert!(still.held_out_loss() < 1e-20);
}

#[test]
fn the_number_of_threads_does_not_matter_and_another_seed_does() {
    let x = half_circle(300);
    let run = |threads, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let model = fit(&x, Autoencoder::params(1).epochs(5).batch(200).seed(seed));
            let code = model.transform(x.view(), &()).unwrap();
            (model, code)
        })
    };
    assert!(run(1, 0) == run(3, 0));
    assert!(run(1, 0).0 != run(1, 1).0);
}

#[test]
fn bad_input_is_refused_and_interruptions_heard() {
    let mut x = planted_clusters(40, 3, 2);
    let error =
        |x: &Array2<f64>, code| Autoencoder::params(code).check().unwrap().fit(x.view(), &()).unwrap_err().to_string();
    assert!(error(&x, 4).starts_with("the input has 40 rows and 3 columns"));
    assert!(error(&Array2::zeros((9, 3)), 1).starts_with("the input has 9 rows"));
    let model = fit(&x, Autoencoder::params(2).epochs(2));
    assert!(model.transform(Array2::<f32>::zeros((1, 2)).view(), &()).is_err());
    assert!(model.inverse_transform(Array2::<f32>::zeros((1, 3)).view(), &()).is_err());
    let stop = |done: u64, _: u64| if done > 60 { Err(Interrupted) } else { Ok(()) };
    let stopped = Autoencoder::params(2).check().unwrap().fit(x.view(), &stop);
    assert_eq!(stopped, Err(AutoencoderError::Interrupted(Interrupted)));
    x[[3, 1]] = f64::NAN;
    assert!(error(&x, 2).starts_with("value at row 3, column 1"));
}
