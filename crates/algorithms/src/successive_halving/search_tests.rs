use super::*;
use crate::{Interrupted, ParamGuard};

fn params(min_budget: usize, max_budget: usize, eta: usize) -> SuccessiveHalvingValidParams {
    SuccessiveHalvingParams::new(min_budget, max_budget).eta(eta).check().unwrap()
}

/// Judges the candidates of a rung one by one.
fn each(score: impl Fn(usize, usize) -> f64) -> impl FnMut(&[usize], usize) -> Result<Vec<f64>, &'static str> {
    move |rung, budget| Ok(rung.iter().map(|&candidate| score(candidate, budget)).collect())
}

#[test]
fn each_rung_keeps_the_best_and_says_whom_it_gave_up() {
    let score = each(|candidate, budget| (candidate * 7 % 8) as f64 + budget as f64);
    let found = params(10, 1000, 2).search(8, score, &()).unwrap();
    assert_eq!(found.winner, 1);
    let budgets: Vec<usize> = found.trace.iter().map(|evaluation| evaluation.budget).collect();
    assert_eq!(budgets, [10, 10, 10, 10, 10, 10, 10, 10, 20, 20, 20, 20, 40, 40, 80]);
    let given_up: Vec<usize> = found.discards.iter().map(|discard| discard.last.candidate).collect();
    assert_eq!(given_up, [5, 6, 7, 0, 3, 4, 2]);
    assert_eq!((found.discards[0].last.score, found.discards[0].needed), (13.0, 14.0));
}

#[test]
fn the_greatest_budget_decides_among_all_that_are_left() {
    let found = params(100, 250, 2).search(16, each(|candidate, _| candidate as f64), &()).unwrap();
    assert_eq!(found.trace.iter().filter(|evaluation| evaluation.budget == 250).count(), 4);
    assert_eq!((found.winner, found.discards.len()), (15, 15));
    assert_eq!(found.trace.len(), params(100, 250, 2).evaluations(16));
}

#[test]
fn ties_go_to_the_first_and_missing_scores_to_nobody() {
    let score = each(|candidate, _| [f64::NAN, 1.0, 1.0, -0.0, 0.0][candidate]);
    let found = params(1, 9, 3).search(5, score, &()).unwrap();
    assert_eq!(found.winner, 1);
    let given_up: Vec<usize> = found.discards.iter().map(|discard| discard.last.candidate).collect();
    assert_eq!(given_up, [3, 4, 0, 2]);
    let nothing = params(1, 9, 3).search(2, each(|_, _| f64::NAN), &());
    assert_eq!(nothing, Err(SuccessiveHalvingError::NoScore { budget: 1 }));
    let lowest = params(1, 9, 3).search(2, each(|_, _| f64::NEG_INFINITY), &()).unwrap();
    assert_eq!(lowest.winner, 0);
}

#[test]
fn failures_and_interruptions_end_the_search() {
    let error = params(5, 9, 3).search(4, |_, _| Err("out of luck"), &()).unwrap_err();
    assert_eq!(error.to_string(), "the candidates could not be judged with a budget of 5: out of luck");
    let short = params(5, 9, 3).search(4, |_, _| Ok::<_, &str>(vec![0.0]), &()).unwrap_err();
    assert_eq!(short, SuccessiveHalvingError::Scores { candidates: 4, scores: 1 });
    let watch = |done: u64, total: u64| {
        assert_eq!(total, 6);
        if done > 2 { Err(Interrupted) } else { Ok(()) }
    };
    let stopped = params(5, 9, 3).search(4, each(|_, _| 0.0), &watch);
    assert_eq!(stopped, Err(SuccessiveHalvingError::Interrupted(Interrupted)));
    let empty = params(5, 9, 3).search(0, each(|_, _| 0.0), &());
    assert_eq!(empty, Err(SuccessiveHalvingError::NoCandidates));
}
