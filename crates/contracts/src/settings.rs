//! From where on something is a finding.

use souffleur_core::error::Invalid;

/// The limits of the checks. The defaults suit a history of hundreds to millions of sessions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContractSettings {
    /// Share of the newest real sessions that are compared with the earlier ones, in (0, 1).
    pub recent_share: f64,
    /// Rows each side of a comparison needs at least.
    pub rows_min: usize,
    /// Rows drawn for each side of a comparison at most: what memory and time depend on.
    pub sample_rows: usize,
    /// Stability index beyond chance from which on a column has drifted.
    pub drift_from: f64,
    /// Stability index beyond chance from which on it is another distribution.
    pub drift_severe_from: f64,
    /// False discovery rate of the tests of all columns.
    pub fdr: f64,
    /// Share of repeated sessions from which on it is a finding.
    pub duplicates_from: f64,
    /// Rate of flipped labels from which on it is a finding.
    pub label_noise_from: f64,
    /// Area under the curve, and rank correlation, of a single column from which on it leaks the outcome.
    pub leak_from: f64,
    /// The same from which on it is suspected to.
    pub leak_suspected_from: f64,
    /// Age of the newest session from which on the data is stale, in hours.
    pub stale_after_hours: u32,
}

impl Default for ContractSettings {
    fn default() -> Self {
        Self {
            recent_share: 0.2,
            rows_min: 100,
            sample_rows: 10_000,
            drift_from: 0.1,
            drift_severe_from: 0.25,
            fdr: 0.01,
            duplicates_from: 0.05,
            label_noise_from: 0.1,
            leak_from: 0.99,
            leak_suspected_from: 0.95,
            stale_after_hours: 30 * 24,
        }
    }
}

impl ContractSettings {
    /// Checks every limit.
    ///
    /// # Errors
    /// The first that is out of range.
    pub fn check(self) -> Result<Self, Invalid> {
        let open = |value: f64| value > 0.0 && value < 1.0;
        let shares = [
            ("recent_share", self.recent_share),
            ("fdr", self.fdr),
            ("duplicates_from", self.duplicates_from),
            ("label_noise_from", self.label_noise_from),
            ("leak_from", self.leak_from),
            ("leak_suspected_from", self.leak_suspected_from),
        ];
        if let Some((name, value)) = shares.into_iter().find(|(_, value)| !open(*value)) {
            return Err(Invalid::new(name, format!("is {value}"), "it must lie between 0 and 1"));
        }
        if !(self.drift_from > 0.0 && self.drift_severe_from >= self.drift_from) {
            let is = format!("is {} with `drift_from` {}", self.drift_severe_from, self.drift_from);
            return Err(Invalid::new("drift_severe_from", is, "0 < drift_from <= drift_severe_from"));
        }
        if self.rows_min < 2 || self.sample_rows < self.rows_min || self.sample_rows > 1_000_000 {
            let is = format!("is {} with `rows_min` {}", self.sample_rows, self.rows_min);
            return Err(Invalid::new("sample_rows", is, "2 <= rows_min <= sample_rows <= 1000000"));
        }
        Ok(self)
    }
}
