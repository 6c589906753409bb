//! How the ends of an edge are drawn, and what that says.

use serde::{Deserialize, Serialize};

/// The mark at one end of an edge between `a` and `b`, here the end at `a` (Richardson and Spirtes 2002, "Ancestral graph Markov
/// models", Annals of Statistics 30).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// `a` acts on `b`, directly or through others; if rows may have been selected, then on `b` or on what they were selected by.
    Tail,
    /// `a` does not act on `b`.
    Arrow,
    /// Data cannot tell: some of the graphs that fit have a tail here and some an arrowhead.
    Circle,
}

/// One end of an edge: the variable, and the mark at it.
pub type MarkedEnd = (usize, Mark);

/// What an edge from `a` to `b` says. In a [`Pag`](super::Pag), "acts" means directly or through other variables, recorded or not, and
/// where `a` acts on `b`, something unrecorded may act on both besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EdgeKind {
    /// `a -> b`: `a` acts on `b`.
    #[serde(rename = "-->")]
    Directed,
    /// `a o-> b`: `a` acts on `b`, or something unrecorded acts on both; `b` does not act on `a`.
    #[serde(rename = "o->")]
    PartlyDirected,
    /// `a <-> b`: neither acts on the other; something unrecorded acts on both.
    #[serde(rename = "<->")]
    Bidirected,
    /// `a o-o b`: one acts on the other, or something unrecorded acts on both; which of these cannot be told.
    #[serde(rename = "o-o")]
    Open,
    /// `a - b`: in a [`Cpdag`](super::Cpdag), one acts on the other and it cannot be told which; in a [`Pag`](super::Pag), both act on what
    /// the rows were selected by, or on each other's causes of it.
    #[serde(rename = "---")]
    Undirected,
    /// `a -o b`: `a` acts on `b` or on what the rows were selected by; of `b` it cannot be told.
    #[serde(rename = "--o")]
    PartlyUndirected,
}

impl EdgeKind {
    /// The kind of an edge with these marks at its two ends, and whether its ends must be exchanged to be of that kind.
    pub(super) fn of(at_a: Mark, at_b: Mark) -> (Self, bool) {
        use Mark::{Arrow, Circle, Tail};
        match (at_a, at_b) {
            (Tail, Arrow) => (Self::Directed, false),
            (Arrow, Tail) => (Self::Directed, true),
            (Circle, Arrow) => (Self::PartlyDirected, false),
            (Arrow, Circle) => (Self::PartlyDirected, true),
            (Tail, Circle) => (Self::PartlyUndirected, false),
            (Circle, Tail) => (Self::PartlyUndirected, true),
            (Arrow, Arrow) => (Self::Bidirected, false),
            (Circle, Circle) => (Self::Open, false),
            (Tail, Tail) => (Self::Undirected, false),
        }
    }

    /// The marks at `a` and at `b`.
    #[must_use]
    pub fn marks(self) -> (Mark, Mark) {
        match self {
            Self::Directed => (Mark::Tail, Mark::Arrow),
            Self::PartlyDirected => (Mark::Circle, Mark::Arrow),
            Self::Bidirected => (Mark::Arrow, Mark::Arrow),
            Self::Open => (Mark::Circle, Mark::Circle),
            Self::Undirected => (Mark::Tail, Mark::Tail),
            Self::PartlyUndirected => (Mark::Tail, Mark::Circle),
        }
    }

    /// Whether `a` and `b` stand in different places: the edge says another thing when they are exchanged.
    #[must_use]
    pub fn has_direction(self) -> bool {
        let (at_a, at_b) = self.marks();
        at_a != at_b
    }
}

/// An edge of any kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MarkedEdge {
    /// `a` of the [`EdgeKind`]; of a kind without direction the variable with the lower number.
    pub from: usize,
    /// `b` of the [`EdgeKind`].
    pub to: usize,
    /// What the edge says.
    pub kind: EdgeKind,
}

/// A graph whose edges have a mark at each end: what is found without and with hidden variables, seen alike.
pub trait MarkedGraph {
    /// How many variables there are.
    fn variables(&self) -> usize;

    /// The marks at `a` and at `b` of the edge between both; `None` if there is none, or a variable is not there.
    fn marks(&self, a: usize, b: usize) -> Option<(Mark, Mark)>;

    /// The variables joined to `of` by an edge with these marks: at the other variable, and at `of`. Ascending.
    fn joined_by(&self, of: usize, (at_other, at_of): (Mark, Mark)) -> Vec<usize> {
        (0..self.variables()).filter(|other| self.marks(*other, of) == Some((at_other, at_of))).collect()
    }

    /// The variables from which an arrow `->` leads to `of`, ascending.
    fn causes(&self, of: usize) -> Vec<usize> {
        self.joined_by(of, (Mark::Tail, Mark::Arrow))
    }

    /// The variables to which an arrow `->` leads from `of`, ascending.
    fn effects(&self, of: usize) -> Vec<usize> {
        self.joined_by(of, (Mark::Arrow, Mark::Tail))
    }

    /// The variables from which arrows `->` lead to `of`, one after the other; without itself, ascending.
    fn causes_through_others(&self, of: usize) -> Vec<usize> {
        let mut seen = vec![false; self.variables()];
        let mut open = vec![of];
        while let Some(at) = open.pop() {
            for cause in self.causes(at) {
                if cause != of && !seen[cause] {
                    seen[cause] = true;
                    open.push(cause);
                }
            }
        }
        (0..self.variables()).filter(|v| seen[*v]).collect()
    }

    /// The edge between both.
    fn marked_edge(&self, a: usize, b: usize) -> Option<MarkedEdge> {
        let (a, b) = (a.min(b), a.max(b));
        let (at_a, at_b) = self.marks(a, b)?;
        let (kind, exchanged) = EdgeKind::of(at_a, at_b);
        let (from, to) = if exchanged { (b, a) } else { (a, b) };
        Some(MarkedEdge { from, to, kind })
    }

    /// All edges, by ascending pair of variables.
    fn marked_edges(&self) -> Vec<MarkedEdge> {
        let pairs = (0..self.variables()).flat_map(|a| (a + 1..self.variables()).map(move |b| (a, b)));
        pairs.filter_map(|(a, b)| self.marked_edge(a, b)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_marks_is_an_edge_and_every_edge_has_its_marks_back() {
        for at_a in [Mark::Tail, Mark::Arrow, Mark::Circle] {
            for at_b in [Mark::Tail, Mark::Arrow, Mark::Circle] {
                let (kind, exchanged) = EdgeKind::of(at_a, at_b);
                let expected = if exchanged { (at_b, at_a) } else { (at_a, at_b) };
                assert_eq!(kind.marks(), expected);
                assert_eq!(kind.has_direction(), at_a != at_b);
            }
        }
    }
}
