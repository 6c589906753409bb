use super::*;
use crate::{Interrupted, ParamGuard};
use std::convert::Infallible;

fn params(min_rows: usize, max_rows: usize, eta: usize) -> SuccessiveHalvingValidParams {
    SuccessiveHalvingParams::new(min_rows, max_rows).eta(eta).check().unwrap()
}

#[test]
fn each_rung_keeps_the_best_and_says_whom_it_gave_up() {
    let score = |candidate: usize, budget: usize| Ok::<_, Infallible>((candidate * 7 % 8) as f64 + budget as f64);
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
    let found = params(100, 250, 2).search(16, |candidate, _| Ok::<_, Infallible>(candidate as f64), &()).unwrap();
    assert_eq!(found.trace.iter().filter(|evaluation| evaluation.budget == 250).count(), 4);
    assert_eq!((found.winner, found.discards.len()), (15, 15));
    assert_eq!(found.trace.len(), params(100, 250, 2).evaluations(16));
}

#[test]
fn ties_go_to_the_first_and_missing_scores_to_nobody() {
    let score = |candidate: usize, _: usize| Ok::<_, Infallible>([f64::NAN, 1.0, 1.0, -0.0, 0.0][candidate]);
    let found = params(1, 9, 3).search(5, score, &()).unwrap();
    assert_eq!(found.winner, 1);
    let given_up: Vec<usize> = found.discards.iter().map(|discard| discard.last.candidate).collect();
    assert_eq!(given_up, [3, 4, 0, 2]);
    let nothing = params(1, 9, 3).search(2, |_, _| Ok::<_, Infallible>(f64::NAN), &());
    assert_eq!(nothing, Err(SuccessiveHalvingError::NoScore { budget: 1 }));
    let lowest = params(1, 9, 3).search(2, |_, _| Ok::<_, Infallible>(f64::NEG_INFINITY), &()).unwrap();
    assert_eq!(lowest.winner, 0);
}

#[test]
fn failures_and_interruptions_end_the_search() {
    let score = |candidate: usize, _: usize| if candidate == 2 { Err("out of luck") } else { Ok(0.0) };
    let error = params(5, 9, 3).search(4, score, &()).unwrap_err();
    assert_eq!(error.to_string(), "candidate 2 failed at 5 rows: out of luck");
    let watch = |done: u64, total: u64| {
        if done > 2 {
            Err(Interrupted)
        } else {
            assert_eq!(total, 6);
            Ok(())
        }
    };
    let stopped = params(5, 9, 3).search(4, |_, _| Ok::<_, Infallible>(0.0), &watch);
    assert_eq!(stopped, Err(SuccessiveHalvingError::Interrupted(Interrupted)));
    let empty = params(5, 9, 3).search(0, |_, _| Ok::<_, Infallible>(0.0), &());
    assert_eq!(empty, Err(SuccessiveHalvingError::NoCandidates));
}
