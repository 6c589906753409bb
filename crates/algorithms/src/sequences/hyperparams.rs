//! Hyperparameters of the search for frequent sequences.

use linfa::ParamGuard;

use crate::patterns::{LENGTH_MAX, MinSupport, PatternsParamsError, check_limits};

/// Checked hyperparameters of [`FrequentSequences`](super::FrequentSequences); made by [`SequencesParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequencesValidParams {
    min_support: MinSupport,
    closed: bool,
    min_gap: usize,
    max_gap: Option<usize>,
    max_span: Option<usize>,
    max_length: usize,
    max_patterns: u64,
}

impl SequencesValidParams {
    /// Sequences that must contain a pattern.
    pub fn min_support(&self) -> MinSupport {
        self.min_support
    }
    /// Whether only closed patterns are wanted.
    pub fn closed(&self) -> bool {
        self.closed
    }
    /// Fewest items between two that follow each other in a pattern.
    pub fn min_gap(&self) -> usize {
        self.min_gap
    }
    /// Most items between two that follow each other in a pattern.
    pub fn max_gap(&self) -> Option<usize> {
        self.max_gap
    }
    /// Most items from the first to the last of a pattern, both counted.
    pub fn max_span(&self) -> Option<usize> {
        self.max_span
    }
    /// Most items of a pattern.
    pub fn max_length(&self) -> usize {
        self.max_length
    }
    /// Most patterns reported.
    pub fn max_patterns(&self) -> u64 {
        self.max_patterns
    }
    /// Whether where a pattern occurs matters, not only that it does.
    pub(super) fn limits_windows(&self) -> bool {
        self.min_gap > 0 || self.max_gap.is_some() || self.max_span.is_some()
    }
}

/// Unchecked hyperparameters: all patterns, of up to 1,000 items, up to 10 million of them, with any number of other items
/// in between, unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequencesParams(SequencesValidParams);

impl SequencesParams {
    /// The defaults, for this support.
    pub fn new(min_support: MinSupport) -> Self {
        Self(SequencesValidParams {
            min_support,
            closed: false,
            min_gap: 0,
            max_gap: None,
            max_span: None,
            max_length: LENGTH_MAX,
            max_patterns: 10_000_000,
        })
    }
    /// Whether only closed patterns are wanted: those that no longer pattern that contains them is as frequent as. Not
    /// together with limits on gaps or the span: there a pattern may be rarer than a longer one that contains it.
    #[must_use]
    pub fn closed(mut self, closed: bool) -> Self {
        self.0.closed = closed;
        self
    }
    /// Fewest items of a sequence that lie between two that follow each other in a pattern, 0 or more.
    #[must_use]
    pub fn min_gap(mut self, min_gap: usize) -> Self {
        self.0.min_gap = min_gap;
        self
    }
    /// Most items of a sequence that lie between two that follow each other in a pattern; 0 asks for neighbours.
    #[must_use]
    pub fn max_gap(mut self, max_gap: usize) -> Self {
        self.0.max_gap = Some(max_gap);
        self
    }
    /// Most items of a sequence from the first of a pattern to its last, both counted, 1 or more.
    #[must_use]
    pub fn max_span(mut self, max_span: usize) -> Self {
        self.0.max_span = Some(max_span);
        self
    }
    /// Most items of a pattern, 1 to 1,000. Longer ones are not reported; whether one is closed is still decided against
    /// all of them.
    #[must_use]
    pub fn max_length(mut self, max_length: usize) -> Self {
        self.0.max_length = max_length;
        self
    }
    /// Most patterns reported, 1 or more: after them the search ends.
    #[must_use]
    pub fn max_patterns(mut self, max_patterns: u64) -> Self {
        self.0.max_patterns = max_patterns;
        self
    }
}

impl ParamGuard for SequencesParams {
    type Checked = SequencesValidParams;
    type Error = PatternsParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        check_limits(params.min_support, params.max_patterns, ("max_length", params.max_length, 1))?;
        if let Some(max) = params.max_gap.filter(|max| *max < params.min_gap) {
            return Err(PatternsParamsError::Gap { min: params.min_gap, max });
        }
        if params.max_span == Some(0) {
            return Err(PatternsParamsError::Length { name: "max_span", value: 0, min: 1, max: usize::MAX });
        }
        if params.closed && params.limits_windows() {
            return Err(PatternsParamsError::ClosedWithGaps);
        }
        Ok(params)
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_refused_by_name() {
        let new = || SequencesParams::new(MinSupport::Rows(2));
        let error = |params: SequencesParams| params.check().unwrap_err().to_string();
        assert!(new().min_gap(2).max_gap(2).max_span(1).check().is_ok());
        assert!(error(SequencesParams::new(MinSupport::Rows(0))).starts_with("min_support is 0"));
        assert!(error(new().max_length(0)).starts_with("max_length is 0"));
        assert!(error(new().min_gap(3).max_gap(2)).starts_with("min_gap is 3 and max_gap is 2"));
        assert!(error(new().max_span(0)).starts_with("max_span is 0"));
        assert!(error(new().closed(true).max_gap(9)).starts_with("closed sequences have no limits"));
    }
}
