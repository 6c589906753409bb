//! What is known of causes before the data is looked at.

use serde::{Deserialize, Serialize};

use super::errors::CausalDiscoveryError;
use super::graph::Cpdag;
use super::marks::Mark;
use super::pag::Pag;
use crate::watch::{Interrupted, Progress, Watch};

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

    /// `cause` is no direct cause of `effect`. Forbidden both ways there is no edge at all, unless something hidden may act on both.
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
        if cause == effect || Self::arrows(self.variables, &self.required).leads(effect, cause) {
            return Err(CausalDiscoveryError::RequiredCycle(cause));
        }
        self.required[place] = true;
        self.forbidden[effect * self.variables + cause] = true;
        Ok(self)
    }

    fn arrows(variables: usize, are: &[bool]) -> Cpdag {
        let mut graph = Cpdag::empty(variables);
        for a in 0..variables {
            (0..variables).filter(|b| a != *b && are[a * variables + b]).for_each(|b| graph.direct(a, b));
        }
        graph
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

    /// What follows for effects through other variables: forbidden is what no chain of effects that may be leads to, and what would lead
    /// back to where required ones come from; what is required stays as it is. `O(variables^3)`.
    pub(super) fn through_others(&self, watch: &dyn Watch) -> Result<Self, Interrupted> {
        let n = self.variables;
        let progress = Progress::new(watch, n as u64);
        let required = Self::arrows(n, &self.required);
        // Not as a graph of arrows: an effect may be either way.
        let mut may: Vec<bool> = self.forbidden.iter().map(|forbidden| !forbidden).collect();
        for through in 0..n {
            progress.advance(1)?;
            for cause in (0..n).filter(|cause| *cause != through) {
                if may[cause * n + through] {
                    (0..n).for_each(|effect| may[cause * n + effect] |= may[through * n + effect]);
                }
            }
        }
        for cause in 0..n {
            for effect in required.descendants(cause) {
                may[effect * n + cause] = effect == cause;
            }
        }
        Ok(Self { variables: n, forbidden: may.iter().map(|may| !may).collect(), required: self.required.clone() })
    }

    /// Marks the ends for which these effects [through others](Self::through_others) decide.
    pub(super) fn mark(&self, graph: &mut Pag) {
        let required = Self::arrows(self.variables, &self.required);
        for a in 0..self.variables {
            let effects = required.descendants(a);
            for b in graph.adjacents(a) {
                if effects.binary_search(&b).is_ok() {
                    graph.set_end(b, a, Mark::Tail);
                } else if !self.may_cause(a, b) {
                    graph.set_end(b, a, Mark::Arrow);
                }
            }
        }
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

    #[test]
    fn effects_through_others_need_a_chain_of_them() {
        // 0 acts on 1 for sure, 1 may not act on 2 directly but by way of 3, and nothing on 0 but 2.
        let known = Knowledge::none(4).require(0, 1).unwrap().forbid(1, 2).unwrap().forbid(3, 0).unwrap();
        let through = known.through_others(&()).unwrap();
        assert!(through.may_cause(1, 2) && through.may_cause(3, 0), "by way of another");
        assert!(!through.may_cause(1, 0), "what is acted on does not act back");
        let late = Knowledge::none(3).tiers(&[0, 0, 1]).unwrap().through_others(&()).unwrap();
        assert!(!late.may_cause(2, 0) && !late.may_cause(2, 1) && late.may_cause(0, 2) && late.may_cause(1, 0));
        let mut graph =
            Pag::from_edges(4, &[((0, Mark::Circle), (1, Mark::Circle)), ((1, Mark::Circle), (2, Mark::Circle))]);
        through.mark(&mut graph);
        assert!(graph.directed(0, 1) && graph.end(2, 1) == Some(Mark::Circle) && graph.end(1, 2) == Some(Mark::Circle));
    }
}
