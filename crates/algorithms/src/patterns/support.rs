//! How often a pattern must occur, and what a run of a miner amounted to.

use super::errors::PatternsParamsError;

/// Longest pattern that may be asked for; each further item is one more level of recursion.
pub(crate) const LENGTH_MAX: usize = 1000;

/// How many rows (transactions, sequences, graphs) a pattern must occur in to be frequent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MinSupport {
    /// This share of the rows, above 0 and at most 1.
    Share(f64),
    /// This many rows, at least 1.
    Rows(u32),
}

impl MinSupport {
    /// The least number of rows, out of `rows`, that is enough; at least 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of at most 1 of a number of rows that fits"
    )]
    pub(crate) fn of(self, rows: u32) -> u32 {
        match self {
            Self::Rows(least) => least,
            Self::Share(share) => {
                let above = (share * f64::from(rows)).ceil() as u32;
                // The product may be rounded up past a whole number: .07 of 100 rows are 7, not 8.
                let below = above.saturating_sub(1);
                let least = if f64::from(below) / f64::from(rows) >= share { below } else { above };
                least.max(1)
            }
        }
    }

    fn check(self) -> Result<(), PatternsParamsError> {
        match self {
            Self::Share(share) if !(share > 0.0 && share <= 1.0) => Err(PatternsParamsError::Share(share)),
            Self::Rows(0) => Err(PatternsParamsError::Rows),
            _ => Ok(()),
        }
    }
}

/// Checks what all miners are told: support, the most patterns, and a longest pattern under its name.
pub(crate) fn check_limits(
    min_support: MinSupport,
    max_patterns: u64,
    (name, length, min): (&'static str, usize, usize),
) -> Result<(), PatternsParamsError> {
    min_support.check()?;
    if max_patterns == 0 {
        return Err(PatternsParamsError::Patterns);
    }
    if !(min..=LENGTH_MAX).contains(&length) {
        return Err(PatternsParamsError::Length { name, value: length, min, max: LENGTH_MAX });
    }
    Ok(())
}

/// What a run of a miner amounted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mined {
    /// Patterns that the visitor was shown.
    pub patterns: u64,
    /// Whether these are all; false if there are more than `max_patterns` or the visitor wanted no more.
    pub complete: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_rows_is_the_least_count_that_reaches_it() {
        for rows in [1, 3, 7, 100, 8124, 100_000, 1_000_000] {
            for share in [1e-9, 0.01, 0.05, 0.07, 0.29, 0.3, 1.0 / 3.0, 0.58, 0.999, 1.0] {
                let least = MinSupport::Share(share).of(rows);
                assert!(f64::from(least) / f64::from(rows) >= share);
                assert!(least == 1 || f64::from(least - 1) / f64::from(rows) < share, "{share} of {rows}: {least}");
            }
        }
        assert_eq!(MinSupport::Share(0.5).of(0), 1);
        assert_eq!(MinSupport::Rows(7).of(3), 7);
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        let error = |min_support, patterns, length| {
            check_limits(min_support, patterns, ("max_length", length, 1)).unwrap_err().to_string()
        };
        for share in [0.0, -0.1, 1.1, f64::NAN] {
            assert!(error(MinSupport::Share(share), 1, 1).starts_with(&format!("min_support is a share of {share}")));
        }
        assert!(error(MinSupport::Rows(0), 1, 1).starts_with("min_support is 0 rows"));
        assert!(error(MinSupport::Rows(1), 0, 1).starts_with("max_patterns is 0"));
        assert!(error(MinSupport::Rows(1), 1, 0).starts_with("max_length is 0"));
        assert!(error(MinSupport::Rows(1), 1, 1001).starts_with("max_length is 1001"));
    }
}
