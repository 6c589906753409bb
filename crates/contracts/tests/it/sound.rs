//! What is sound is not reproached, and the same history always gives the same report.

use proptest::prelude::*;
use souffleur_contracts::{Check, Checker, ContractSettings, Severity, Verdict};
use souffleur_core::job::Interrupted;

use crate::history::{NOW, check, check_in, history, job};

#[test]
fn nothing_is_found_in_forty_sound_histories() {
    for seed in 0..40 {
        let report = check(&history(1500, seed));
        let bad: Vec<_> = report.findings.iter().filter(|finding| finding.severity > Severity::Info).collect();
        assert!(bad.is_empty(), "seed {seed}: {bad:?}");
        assert_eq!(report.checks.len(), Check::ALL.len());
        let judged = report.checks.iter().filter(|standing| standing.verdict != Verdict::NotJudged).count();
        assert_eq!(judged, Check::ALL.len() - 1, "all but label noise: no two sessions are equal");
    }
}

#[test]
fn an_empty_or_short_history_is_not_judged() {
    for sessions in [0, 1, 40] {
        let report = check(&history(sessions, 1));
        let standing = |check| report.checks.iter().find(|standing| standing.check == check).unwrap().verdict;
        assert_eq!((standing(Check::Drift), standing(Check::Leakage)), (Verdict::NotJudged, Verdict::NotJudged));
        assert!(report.worst <= Some(Severity::Info), "{report:?}");
    }
}

#[test]
fn one_that_is_cancelled_stops() {
    let job = job();
    job.cancel_token().cancel();
    let stopped = check_in(&history(500, 1), &[], ContractSettings::default(), 100, &job);
    assert_eq!(stopped.unwrap_err(), Interrupted::Cancelled);
}

#[test]
fn limits_out_of_range_are_refused() {
    let wrong = [
        ContractSettings { recent_share: 1.0, ..ContractSettings::default() },
        ContractSettings { fdr: f64::NAN, ..ContractSettings::default() },
        ContractSettings { drift_severe_from: 0.01, ..ContractSettings::default() },
        ContractSettings { sample_rows: usize::MAX, ..ContractSettings::default() },
    ];
    for settings in wrong {
        assert!(Checker::new(settings, 10, NOW, &job()).is_err(), "{settings:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Nor does it matter in which stretches the rows come, also where only a sample of them is kept.
    #[test]
    fn stretches_make_no_difference(stretch in 1usize..700, seed in 0u64..100) {
        let rows = history(600, seed);
        let settings = ContractSettings { rows_min: 20, sample_rows: 60, ..ContractSettings::default() };
        let report = |stretch| check_in(&rows, &[], settings, stretch, &job()).unwrap();
        prop_assert_eq!(report(stretch), report(600));
    }
}
