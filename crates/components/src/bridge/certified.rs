//! What certificates and probes are tested by, whatever the component.

use souffleur_core::batch::TrainingBatch;
use souffleur_core::component::{Component, Measurement};
use souffleur_core::params::Hyperparams;

use super::stopped_clock::job;

/// Checks that the first seeds clear every bar, taken together as the certificate takes them. The figures are printed.
pub(crate) fn clears_every_bar<C: Component>(seeds: u64) {
    let measure = |seed: u64| {
        let figures = C::certify(seed, &job(seed)).unwrap();
        figures.iter().for_each(|m| println!("seed {seed}: {} {:.4}", m.metric, m.value));
        figures
    };
    let measured: Vec<Vec<Measurement>> = (0..seeds).map(measure).collect();
    for bar in C::BARS {
        let of = |figures: &Vec<Measurement>| figures.iter().find(|m| m.metric == bar.metric).unwrap().value;
        let figure = bar.figure(&measured.iter().map(of).collect::<Vec<_>>());
        assert!(bar.cleared_by(figure), "{} is {figure}, the bar is {}", bar.metric, bar.value);
    }
}

/// Checks that the probe is passed by whoever learns from its batch, and by nobody who learns from the batch changed like this.
pub(crate) fn probe_fails_where<C: Component>(change: impl FnOnce(&mut TrainingBatch)) {
    let case = C::probe();
    let mut changed = case.batch.clone();
    change(&mut changed);
    let params = C::Params::default().check().unwrap();
    let said = |batch: &TrainingBatch| {
        let trained = C::train(&params, None, batch, &job(1)).unwrap();
        (case.verify)(&C::answer(&params, &trained.model, C::probe().query).unwrap())
    };
    assert_eq!(said(&case.batch), Ok(()));
    assert!(said(&changed).is_err(), "it passes as well");
}

/// What helped harms.
pub(crate) fn turn_outcomes(batch: &mut TrainingBatch) {
    batch.outcomes.success_score.iter_mut().for_each(|score| *score = 1.0 - *score);
}
