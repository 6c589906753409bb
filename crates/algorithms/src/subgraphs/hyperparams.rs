//! Hyperparameters of the search for frequent subgraphs.

use linfa::ParamGuard;

use crate::patterns::{LENGTH_MAX, MinSupport, PatternsParamsError, check_limits};

/// Checked hyperparameters of [`FrequentSubgraphs`](super::FrequentSubgraphs); made by [`SubgraphsParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SubgraphsValidParams {
    min_support: MinSupport,
    closed: bool,
    max_vertices: usize,
    max_patterns: u64,
}

impl SubgraphsValidParams {
    /// Graphs that must contain a pattern.
    pub fn min_support(&self) -> MinSupport {
        self.min_support
    }
    /// Whether only closed patterns are wanted.
    pub fn closed(&self) -> bool {
        self.closed
    }
    /// Most vertices of a pattern.
    pub fn max_vertices(&self) -> usize {
        self.max_vertices
    }
    /// Most patterns reported.
    pub fn max_patterns(&self) -> u64 {
        self.max_patterns
    }
}

/// Unchecked hyperparameters: all patterns, of up to 1,000 vertices, up to 10 million of them, unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SubgraphsParams(SubgraphsValidParams);

impl SubgraphsParams {
    /// The defaults, for this support.
    pub fn new(min_support: MinSupport) -> Self {
        Self(SubgraphsValidParams { min_support, closed: false, max_vertices: LENGTH_MAX, max_patterns: 10_000_000 })
    }
    /// Whether only closed patterns are wanted: those that no larger pattern that contains them is as frequent as.
    #[must_use]
    pub fn closed(mut self, closed: bool) -> Self {
        self.0.closed = closed;
        self
    }
    /// Most vertices of a pattern, 2 to 1,000. Larger ones are not reported; whether one is closed is still decided against
    /// all of them.
    #[must_use]
    pub fn max_vertices(mut self, max_vertices: usize) -> Self {
        self.0.max_vertices = max_vertices;
        self
    }
    /// Most patterns reported, 1 or more: after them the search ends.
    #[must_use]
    pub fn max_patterns(mut self, max_patterns: u64) -> Self {
        self.0.max_patterns = max_patterns;
        self
    }
}

impl ParamGuard for SubgraphsParams {
    type Checked = SubgraphsValidParams;
    type Error = PatternsParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        check_limits(params.min_support, params.max_patterns, ("max_vertices", params.max_vertices, 2))?;
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
        let new = || SubgraphsParams::new(MinSupport::Share(0.5));
        let error = |params: SubgraphsParams| params.check().unwrap_err().to_string();
        assert!(new().check().is_ok());
        assert!(error(SubgraphsParams::new(MinSupport::Share(f64::NAN))).starts_with("min_support is a share of NaN"));
        assert!(error(new().max_vertices(1)).starts_with("max_vertices is 1: it must be between 2 and 1000"));
        assert!(error(new().max_patterns(0)).starts_with("max_patterns is 0"));
    }
}
