//! DFS codes: a pattern as the order in which a depth-first walk meets its edges.

/// Bits of a place and of a label in a key.
const PLACE_BITS: u32 = 10;
const LABEL_BITS: u32 = 26;

/// What one more edge adds to a pattern. Keys are in the order of gSpan's codes: edges back to the path come first, those to
/// the earliest vertex before the others; then edges to new vertices, those from the latest vertex before the others; then
/// the labels decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(pub(super) u64);

impl Key {
    /// An edge from the last vertex back to one on its path.
    pub(super) fn backward(to: u32, edge: u32) -> Self {
        Self((u64::from(to) << (2 * LABEL_BITS)) | (u64::from(edge) << LABEL_BITS))
    }

    /// An edge from a vertex on the path, of `vertices` vertices so far, to a new one.
    pub(super) fn forward(vertices: usize, from: u32, edge: u32, label: u32) -> Self {
        let place = (vertices as u64 - 1 - u64::from(from)) | (1 << PLACE_BITS);
        Self((place << (2 * LABEL_BITS)) | (u64::from(edge) << LABEL_BITS) | u64::from(label))
    }
}

/// One edge of a code, between vertices that are numbered in the order in which they are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CodeEdge {
    pub(super) from: u32,
    pub(super) to: u32,
    /// Label of the edge.
    pub(super) edge: u32,
    pub(super) kind: u32,
    /// What it added; nothing for the first one.
    pub(super) key: Key,
}

/// A step of the path from the first vertex to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PathStep {
    pub(super) vertex: u32,
    /// The labels of the edge to the next vertex of the path, and of this.
    pub(super) next: (u32, u32),
}

/// A pattern, with what its extensions must know.
#[derive(Debug, Clone, Default)]
pub(super) struct DfsCode {
    pub(super) edges: Vec<CodeEdge>,
    /// Label of each vertex.
    pub(super) labels: Vec<u32>,
    /// The path to the last vertex, without that vertex itself.
    pub(super) path: Vec<PathStep>,
}

impl DfsCode {
    /// Starts with one edge.
    pub(super) fn start(&mut self, (a, edge, b): (u32, u32, u32), kind: u32) {
        self.edges.clear();
        self.edges.push(CodeEdge { from: 0, to: 1, edge, kind, key: Key(0) });
        self.labels.clear();
        self.labels.extend([a, b]);
        self.path.clear();
        self.path.push(PathStep { vertex: 0, next: (edge, b) });
    }

    /// The last vertex.
    pub(super) fn last(&self) -> u32 {
        self.labels.len() as u32 - 1
    }

    /// The last vertex has edges back to vertices up to before this one.
    pub(super) fn back_to(&self) -> u32 {
        let last = self.edges.last().filter(|edge| edge.to < edge.from);
        last.map_or(0, |edge| edge.to + 1)
    }

    /// Adds an edge back to a vertex of the path.
    pub(super) fn push_backward(&mut self, to: u32, edge: u32, kind: u32) {
        let key = Key::backward(to, edge);
        self.edges.push(CodeEdge { from: self.last(), to, edge, kind, key });
    }

    /// Adds an edge from a vertex of the path to a new one. Returns the part of the path that this leaves.
    pub(super) fn push_forward(&mut self, from: u32, edge: u32, label: u32, kind: u32) -> Vec<PathStep> {
        let key = Key::forward(self.labels.len(), from, edge, label);
        let keep = self.path.iter().take_while(|step| step.vertex < from).count();
        let left = self.path.split_off(keep);
        self.path.push(PathStep { vertex: from, next: (edge, label) });
        self.labels.push(label);
        self.edges.push(CodeEdge { from, to: self.last(), edge, kind, key });
        left
    }

    /// Takes the last edge back; `left` is what adding it gave, if it was one to a new vertex.
    pub(super) fn pop(&mut self, left: Option<Vec<PathStep>>) {
        self.edges.pop();
        if let Some(left) = left {
            self.labels.pop();
            self.path.pop();
            self.path.extend(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_the_codes() {
        let ordered = [
            Key::backward(0, 9),
            Key::backward(2, 1),
            Key::forward(5, 4, 0, 3),
            Key::forward(5, 4, 1, 2),
            Key::forward(5, 4, 1, 3),
            Key::forward(5, 0, 0, 0),
        ];
        assert!(ordered.is_sorted());
    }
}
