//! gSpan: patterns grow by one edge at a time along the path to their last vertex.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::closed::Closure;
use super::dfs_code::{DfsCode, Key};
use super::extension::{Extension, extensions};
use super::graphs::Graphs;
use super::labelled::Frequent;
use super::minimal::Minimality;
use crate::patterns::{Outlet, Stop};

/// Places that are listed between two calls of the watch.
const PER_TICK: usize = 1 << 14;

/// Spreads a key by one multiplication: keys are packed fields, and an attacker gains nothing but a slower search.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }
    fn write_u64(&mut self, value: u64) {
        let product = (self.0 ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = product ^ (product >> 32);
    }
}

/// One way to extend a pattern, and how often it is possible.
#[derive(Debug, Clone, Copy)]
struct Group {
    extension: Extension,
    /// Graphs with it, and the last of them.
    support: u32,
    last: u32,
    places: usize,
    /// Where its places begin in the list of all.
    start: usize,
}

/// What can follow one pattern.
#[derive(Default)]
struct Level {
    groups: Vec<Group>,
    /// Where it can: the group, the place of the pattern and the vertex of the graph that is added.
    found: Vec<(u32, u32, u32)>,
    /// The same, group after group.
    grouped: Vec<(u32, u32)>,
    /// The places of the longer pattern.
    places: Vec<u32>,
}

impl Level {
    /// Sorts what was found by its group; what belongs to one group stays in the order of the graphs.
    fn group(&mut self, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        let mut end = 0;
        for group in &mut self.groups {
            group.start = end;
            end += group.places;
        }
        self.grouped.clear();
        self.grouped.resize(end, (0, 0));
        for part in self.found.chunks(PER_TICK) {
            for (group, number, vertex) in part {
                let group = &mut self.groups[*group as usize];
                self.grouped[group.start] = (*number, *vertex);
                group.start += 1;
            }
            outlet.spend(4 * part.len() as u64)?;
        }
        self.groups.iter_mut().for_each(|group| group.start -= group.places);
        Ok(())
    }
}

/// The search of one thread.
pub(super) struct Search<'a> {
    frequent: &'a Frequent,
    names: (&'a [u32], &'a [u32]),
    min_support: u32,
    max_vertices: usize,
    closed: bool,
    code: DfsCode,
    minimality: Minimality,
    closure: Closure,
    group_of: HashMap<Key, u32, BuildHasherDefault<Spread>>,
    levels: Vec<Level>,
    pattern: Vec<u32>,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        input: &'a Graphs,
        frequent: &'a Frequent,
        min_support: u32,
        max_vertices: usize,
        closed: bool,
    ) -> Self {
        Self {
            frequent,
            names: input.names(),
            min_support,
            max_vertices,
            closed,
            code: DfsCode::default(),
            minimality: Minimality::default(),
            closure: Closure::default(),
            group_of: HashMap::default(),
            levels: Vec::new(),
            pattern: Vec::new(),
        }
    }

    /// Finds the patterns whose least kind of edge is this.
    pub(super) fn mine(&mut self, kind: usize, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        let frequent = self.frequent;
        let (labels, support) = frequent.kinds[kind];
        self.code.start(labels, kind as u32);
        let edges = &frequent.edges[frequent.starts[kind]..frequent.starts[kind + 1]];
        self.grow(support, edges.as_flattened(), 0, outlet)
    }

    /// Reports the pattern and goes on with those that are one edge larger. `places` are all places where it occurs, graph
    /// after graph.
    fn grow(&mut self, support: u32, places: &[u32], depth: usize, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        if !self.closed || self.closure.is_closed(self.frequent, &self.code, places, outlet)? {
            self.report(support, outlet)?;
        }
        if self.levels.len() == depth {
            self.levels.push(Level::default());
        }
        let mut level = std::mem::take(&mut self.levels[depth]);
        self.extend(places, &mut level, outlet)?;
        let mut order: Vec<u32> = (0..level.groups.len() as u32).collect();
        order.retain(|group| level.groups[*group as usize].support >= self.min_support);
        order.sort_unstable_by_key(|group| level.groups[*group as usize].extension.key);
        for group in order {
            let Group { extension, support, .. } = level.groups[group as usize];
            let left = self.push(extension);
            if self.minimality.is_least(&self.code, outlet)? {
                self.gather(group, places, &mut level, outlet)?;
                let longer = std::mem::take(&mut level.places);
                self.grow(support, &longer, depth + 1, outlet)?;
                level.places = longer;
            }
            self.code.pop(left);
        }
        self.levels[depth] = level;
        Ok(())
    }

    fn push(&mut self, extension: Extension) -> Option<Vec<super::dfs_code::PathStep>> {
        let Extension { from, to, edge, kind, vertex, .. } = extension;
        if to < from {
            self.code.push_backward(to, edge, kind);
            return None;
        }
        Some(self.code.push_forward(from, edge, self.frequent.graphs.label(vertex), kind))
    }

    /// Finds what can follow the pattern, and where.
    fn extend(&mut self, places: &[u32], level: &mut Level, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        let size = self.code.labels.len();
        let grow = size < self.max_vertices;
        level.groups.clear();
        level.found.clear();
        self.group_of.clear();
        for (number, place) in (0..).zip(places.chunks_exact(size)) {
            let graph = self.frequent.graph_of[place[0] as usize];
            let before = level.found.len();
            extensions(&self.frequent.graphs, &self.code, place, grow, |extension| {
                let new = level.groups.len() as u32;
                let group = *self.group_of.entry(extension.key).or_insert(new);
                if group == new {
                    level.groups.push(Group { extension, support: 0, last: u32::MAX, places: 0, start: 0 });
                }
                let known = &mut level.groups[group as usize];
                known.support += u32::from(known.last != graph);
                known.last = graph;
                known.places += 1;
                level.found.push((group, number, extension.vertex));
            });
            outlet.spend(12 * (size + level.found.len() - before) as u64)?;
        }
        level.group(outlet)
    }

    /// Lists the places of the pattern that a group makes.
    fn gather(&self, group: u32, places: &[u32], level: &mut Level, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        let Group { extension, places: count, start, .. } = level.groups[group as usize];
        let forward = extension.to > extension.from;
        let size = self.code.labels.len() - usize::from(forward);
        level.places.clear();
        level.places.reserve(count * self.code.labels.len());
        for part in level.grouped[start..start + count].chunks(PER_TICK) {
            for (number, vertex) in part {
                level.places.extend_from_slice(&places[*number as usize * size..][..size]);
                level.places.extend(forward.then_some(*vertex));
            }
            outlet.spend((part.len() * (4 + size)) as u64)?;
        }
        Ok(())
    }

    /// Emits the number of vertices, their labels, and of each edge its vertices and its label.
    fn report(&mut self, support: u32, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        let (vertices, edges) = self.names;
        self.pattern.clear();
        self.pattern.push(self.code.labels.len() as u32);
        self.pattern.extend(self.code.labels.iter().map(|label| vertices[*label as usize]));
        for edge in &self.code.edges {
            self.pattern.extend([edge.from, edge.to, edges[edge.edge as usize]]);
        }
        outlet.emit(support, &self.pattern)
    }
}
