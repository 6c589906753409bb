//! What a simulation is asked for.

use serde::{Deserialize, Serialize};
use souffleur_core::error::Invalid;
use souffleur_core::time::Timestamp;

/// What a simulation is asked for. The same settings give the same sessions, byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimulationSettings {
    /// How many sessions.
    pub sessions: u64,
    /// What all randomness is drawn from.
    pub seed: u64,
    /// When the first session happens.
    pub start: Timestamp,
    /// Mean time between two sessions, in microseconds.
    pub gap_us: u32,
    /// The share of sessions after which the world changes, in (0, 1); `None` if it never does.
    pub drift_from: Option<f64>,
    /// Share of all sessions whose rating is farmed, in [0, 0.5].
    pub poisoned_share: f64,
    /// Share of sessions somebody rates, in [0, 1].
    pub feedback_share: f64,
    /// Share of decisions whose propensity is logged (to six decimals), in [0, 1].
    pub logged_share: f64,
    /// Share of sessions in which a second rule follows the first, in [0, 1]. It is drawn evenly from the other
    /// rules, whatever the prompt, and its logged propensity is the probability of that draw.
    pub follow_up_share: f64,
}

impl Default for SimulationSettings {
    fn default() -> Self {
        Self {
            sessions: 10_000,
            seed: 1,
            start: Timestamp(1_767_225_600_000_000),
            gap_us: 60_000_000,
            drift_from: Some(0.7),
            poisoned_share: 0.02,
            feedback_share: 0.6,
            logged_share: 0.9,
            follow_up_share: 0.0,
        }
    }
}

impl SimulationSettings {
    /// A world that stays the same, without farmed ratings, with every propensity logged.
    #[must_use]
    pub fn steady(sessions: u64, seed: u64) -> Self {
        Self { sessions, seed, drift_from: None, poisoned_share: 0.0, logged_share: 1.0, ..Self::default() }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// The first value out of its range.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.sessions > 1_000_000_000 {
            return Err(Invalid::new("sessions", format!("is {}", self.sessions), "at most 1000000000 are made"));
        }
        let latest = i64::MAX / 4;
        if !(-latest..=latest).contains(&self.start.0) {
            return Err(Invalid::new("start", "is out of range", "write a time of this millennium"));
        }
        if let Some(share) = self.drift_from
            && !(share > 0.0 && share < 1.0)
        {
            let expected = "it must lie in (0, 1); leave it out for a steady world";
            return Err(Invalid::new("drift_from", format!("is {share}"), expected));
        }
        for (at, share, most) in [
            ("poisoned_share", self.poisoned_share, 0.5),
            ("feedback_share", self.feedback_share, 1.0),
            ("logged_share", self.logged_share, 1.0),
            ("follow_up_share", self.follow_up_share, 1.0),
        ] {
            if !(0.0..=most).contains(&share) {
                return Err(Invalid::new(at, format!("is {share}"), format!("it must lie in [0, {most}]")));
            }
        }
        Ok(())
    }

    /// The index of the first session of the changed world; one past the last if it never changes.
    #[must_use]
    pub fn drift_index(&self) -> u64 {
        self.drift_from.map_or(self.sessions, |share| (share * self.sessions as f64).ceil() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_setting_is_wrong() {
        let settings = SimulationSettings { drift_from: Some(1.0), ..SimulationSettings::default() };
        let expected = "drift_from: is 1; it must lie in (0, 1); leave it out for a steady world";
        assert_eq!(settings.check().unwrap_err().to_string(), expected);
        let settings = SimulationSettings { poisoned_share: f64::NAN, ..SimulationSettings::default() };
        assert_eq!(settings.check().unwrap_err().at, "poisoned_share");
        assert_eq!(SimulationSettings::default().check(), Ok(()));
    }
}
