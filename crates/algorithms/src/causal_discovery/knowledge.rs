//! What is known of causes before the data is looked at.

use serde::{Deserialize, Serialize};

use super::errors::CausalDiscoveryError;
use super::graph::Cpdag;

/// What is known beforehand: which edges cannot be, and which are there (Meek 1995, "Causal inference and causal
/// explanation with background knowledge", UAI).
///
/// ```
/// use souffleur_algorithms::causal_discovery::Knowledge;
/// // Variable 0 is known before 1 and 2, and 1 is set by a rule that reads 0.
/// let known = Knowledge::none(3).tiers(&[0, 1, 1])?.require(0, 1)?;
/// assert!(known.may_cause(0, 2) && !known.may_cause(2, 0) && known.may_cause(1, 2));
/// assert!(known.forbid(0, 1).is_err());
/// # Ok::<(), souffleur_algorithms::causal_discovery::CausalDiscoveryError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knowledge {
    variables: usize,
    /// At `cause * variables + effect`.
    forbidden: Vec<bool>,
    required: Vec<bool>,
}

impl Knowledge {
    /// Nothing is known of this many variables.
    #[must_use]
    pub fn none(variables: usize) -> Self {
        let none = vec![false; variables * variables];
        Self { variables, forbidden: none.clone(), required: none }
    }

    /// Time order: `tiers[v]` is the time of variable `v`, and none causes one of an earlier time.
    ///
    /// # Errors
    /// A number of times that is not that of the variables; a required edge points back in time.
    pub fn tiers(mut self, tiers: &[usize]) -> Result<Self, CausalDiscoveryError> {
        if tiers.len() != self.variables {
            let (expected, found) = (self.variables, tiers.len());
            return Err(CausalDiscoveryError::KnowledgeWidth { expected, found });
        }
        for cause in 0..self.variables {
            for effect in (0..self.variables).filter(|effect| tiers[*effect] < tiers[cause]) {
                self = self.forbid(cause, effect)?;
            }
        }
        Ok(self)
    }

    fn place(&self, cause: usize, effect: usize) -> Result<usize, CausalDiscoveryError> {
        match [cause, effect].into_iter().find(|v| *v >= self.variables) {
            Some(missing) => Err(CausalDiscoveryError::NoSuchVariable(missing, self.variables)),
            None => Ok(cause * self.variables + effect),
        }
    }

    /// `cause` is no direct cause of `effect`. Forbidden both ways there is no edge at all.
    ///
    /// # Errors
    /// A variable that is not there; the edge is required.
    pub fn forbid(mut self, cause: usize, effect: usize) -> Result<Self, CausalDiscoveryError> {
        let place = self.place(cause, effect)?;
        if self.required[place] {
            return Err(CausalDiscoveryError::Contradiction(cause, effect));
        }
        self.forbidden[place] = true;
        Ok(self)
    }

    /// `cause` is a direct cause of `effect`: the edge is kept whatever the tests say, and points this way.
    ///
    /// # Errors
    /// A variable that is not there; the edge is forbidden; required edges lead back to their start.
    pub fn require(mut self, cause: usize, effect: usize) -> Result<Self, CausalDiscoveryError> {
        let place = self.place(cause, effect)?;
        if self.forbidden[place] {
            return Err(CausalDiscoveryError::Contradiction(cause, effect));
        }
        let mut known = Cpdag::empty(self.variables);
        for a in 0..self.variables {
            (0..self.variables).filter(|b| self.required[a * self.variables + b]).for_each(|b| known.direct(a, b));
        }
        if cause == effect || known.leads(effect, cause) {
            return Err(CausalDiscoveryError::RequiredCycle(cause));
        }
        self.required[place] = true;
        self.forbidden[effect * self.variables + cause] = true;
        Ok(self)
    }

    /// How many variables it is about.
    #[must_use]
    pub fn variables(&self) -> usize {
        self.variables
    }

    /// Whether `cause` may be a direct cause of `effect`.
    #[must_use]
    pub fn may_cause(&self, cause: usize, effect: usize) -> bool {
        self.place(cause, effect).is_ok_and(|place| !self.forbidden[place])
    }

    /// Whether `cause` is known to be a direct cause of `effect`.
    #[must_use]
    pub fn requires(&self, cause: usize, effect: usize) -> bool {
        self.place(cause, effect).is_ok_and(|place| self.required[place])
    }

    /// Whether there cannot be an edge between both.
    pub(super) fn apart(&self, a: usize, b: usize) -> bool {
        !self.may_cause(a, b) && !self.may_cause(b, a)
    }

    /// Directs the edges that can point one way only.
    pub(super) fn orient(&self, graph: &mut Cpdag) {
        for a in 0..self.variables {
            for b in 0..self.variables {
                if graph.undirected(a, b) && self.may_cause(a, b) && !self.may_cause(b, a) {
                    graph.direct(a, b);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_refused() {
        let required = Knowledge::none(3).require(0, 1).unwrap().require(1, 2).unwrap();
        assert_eq!(required.clone().require(2, 0), Err(CausalDiscoveryError::RequiredCycle(2)));
        assert_eq!(required.clone().forbid(0, 1), Err(CausalDiscoveryError::Contradiction(0, 1)));
        assert_eq!(required.clone().tiers(&[1, 0, 0]), Err(CausalDiscoveryError::Contradiction(0, 1)));
        assert_eq!(required.clone().forbid(0, 3), Err(CausalDiscoveryError::NoSuchVariable(3, 3)));
        assert!(required.tiers(&[0]).unwrap_err().to_string().contains("about 1 variables"));
    }
}
