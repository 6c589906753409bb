//! Values that must lie somewhere, and do not.

use souffleur_core::features::{FeatureSchema, WIDTH};
use souffleur_core::store::{ApplicationColumns, FeedbackColumns, SessionColumns};
use souffleur_core::time::Timestamp;

use crate::finding::{Check, Finding, Severity};

/// How much later than it became known something may have happened: clocks differ.
const CLOCKS_DIFFER_US: i64 = Timestamp::HOUR_US;

/// Values of one column that lie outside.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    outside: u64,
    first: i64,
    /// The first such value; what a time is too late by, in hours.
    value: f64,
}

impl Tally {
    fn look(&mut self, seq: i64, value: f32, low: f32, high: f32) {
        if !(low..=high).contains(&value) {
            self.add(seq, value.into());
        }
    }

    fn add(&mut self, seq: i64, value: f64) {
        if self.outside == 0 {
            (self.first, self.value) = (seq, value);
        }
        self.outside += 1;
    }
}

/// Tallies of every column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges {
    features: [Tally; WIDTH],
    quality: Tally,
    improvement: Tally,
    early: Tally,
    future: Tally,
    rule_improvement: Tally,
    confidence: Tally,
    execution_time: Tally,
    propensity: Tally,
    rating: Tally,
}

/// An unknown value lies nowhere.
fn known(value: f32) -> Option<f32> {
    (!value.is_nan()).then_some(value)
}

impl Ranges {
    /// Looks at session `i`.
    pub(crate) fn session(&mut self, columns: &SessionColumns, i: usize, features: &[f32], now: Timestamp) {
        let seq = columns.seq[i];
        for (tally, value) in self.features.iter_mut().zip(features) {
            tally.look(seq, *value, 0.0, 1.0);
        }
        known(columns.quality_score[i]).into_iter().for_each(|v| self.quality.look(seq, v, 0.0, 1.0));
        known(columns.improvement_score[i]).into_iter().for_each(|v| self.improvement.look(seq, v, -1.0, 1.0));
        let (happened, learnt) = (columns.event_time_us[i], columns.known_time_us[i]);
        let hours = |us: i64| us as f64 / Timestamp::HOUR_US as f64;
        let ahead = happened.saturating_sub(now.0);
        if ahead > CLOCKS_DIFFER_US {
            self.future.add(seq, hours(ahead));
        } else if happened.saturating_sub(learnt) > CLOCKS_DIFFER_US {
            self.early.add(seq, hours(happened.saturating_sub(learnt)));
        }
    }

    pub(crate) fn applications(&mut self, columns: &ApplicationColumns) {
        for (i, &seq) in columns.seq.iter().enumerate() {
            known(columns.improvement_score[i]).into_iter().for_each(|v| self.rule_improvement.look(seq, v, -1.0, 1.0));
            known(columns.confidence[i]).into_iter().for_each(|v| self.confidence.look(seq, v, 0.0, 1.0));
            known(columns.execution_time_ms[i])
                .into_iter()
                .for_each(|v| self.execution_time.look(seq, v, 0.0, f32::MAX));
            // A rule that was applied was chosen: its probability cannot have been 0.
            known(columns.propensity[i]).into_iter().for_each(|v| self.propensity.look(seq, v, f32::MIN_POSITIVE, 1.0));
        }
    }

    pub(crate) fn feedback(&mut self, columns: &FeedbackColumns) {
        for (&seq, &rating) in columns.seq.iter().zip(&columns.rating) {
            self.rating.look(seq, rating.into(), 1.0, 5.0);
        }
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        let of = |tally: &Tally, severity, at: &str, range: &str| {
            let Tally { outside, first, value } = *tally;
            let problem = format!("{outside} values lie outside {range}; the first is {value}");
            let expected =
                format!("every value in {range}; they were not written through souffleur, which refuses them");
            let finding = Finding::new(Check::Range, severity, at, problem, expected);
            (outside > 0).then(|| finding.figure("rows", outside as f64).figure("first", value).first_at(first))
        };
        let time = |tally: &Tally, says: &str, expected: &str| {
            let Tally { outside, first, value } = *tally;
            let problem = format!("{outside} sessions happened {says}; the first by {value:.1} hours");
            let finding =
                Finding::new(Check::Range, Severity::Warning, "prompt_sessions.event_time", problem, expected);
            (outside > 0).then(|| finding.figure("rows", outside as f64).figure("first_hours", value).first_at(first))
        };
        use Severity::{Error, Warning};
        let mut findings: Vec<Finding> = Vec::new();
        for (tally, column) in self.features.iter().zip(FeatureSchema::current().columns) {
            findings.extend(of(tally, Error, &format!("session_features.{}", column.name), "[0, 1]"));
        }
        let columns = [
            of(&self.quality, Error, "session_features.quality_score", "[0, 1]"),
            of(&self.improvement, Error, "session_features.improvement_score", "[-1, 1]"),
            of(&self.rating, Error, "user_feedback.rating", "[1, 5]"),
            of(&self.propensity, Error, "rule_applications.propensity", "(0, 1]"),
            of(&self.rule_improvement, Error, "rule_applications.improvement_score", "[-1, 1]"),
            of(&self.confidence, Warning, "rule_applications.confidence", "[0, 1]"),
            of(&self.execution_time, Warning, "rule_applications.execution_time_ms", "[0, inf)"),
            time(&self.future, "in the future", "times in UTC, or with their zone"),
            time(&self.early, "after they were recorded", "times in UTC, or with their zone, from clocks that agree"),
        ];
        findings.extend(columns.into_iter().flatten());
        findings
    }
}
