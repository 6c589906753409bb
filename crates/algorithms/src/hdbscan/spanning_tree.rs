//! The minimum spanning tree of the mutual reachability distances.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::linkage::{Edge, Sets};
use crate::space_tree::{NearestRows, Search, SpaceTree, TOGETHER, search};
use crate::watch::{Interrupted, Progress, Watch};

/// One way out of a component: the mutual reachability distance, the distance itself, and where it leads.
///
/// Reachability ties wherever a core distance decides, so the nearer row goes first, then the one with the lower
/// number: every component has one best way out, and the tree is the same whatever the number of threads.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Way {
    weight: f64,
    squared: f64,
    /// Rows at both ends, the lower number first.
    ends: (u32, u32),
    /// Position it leads to.
    to: u32,
}

impl Way {
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let lengths = self.weight.total_cmp(&other.weight).then(self.squared.total_cmp(&other.squared));
        lengths.then(self.ends.cmp(&other.ends))
    }
}

/// What is known of the nearest row outside the component of the row at a position.
#[derive(Clone, Copy, Debug)]
enum Outside {
    /// It is this one.
    Known(Way),
    /// It is at this reachability and squared distance at least.
    Beyond(f64, f64),
}

/// Boruvka's algorithm (1926): each component finds its nearest way out, all are taken at once, until one is left.
///
/// Most ways are known from the nearest rows already: where a row has a neighbour that is at least as dense, no way is
/// shorter. What is not known is searched for in the tree, but only by rows that can still beat the best way of their
/// component, and only among components other than their own (March, Ram & Gray 2010).
pub(super) struct SpanningTree<'a> {
    tree: &'a SpaceTree,
    nearest: &'a NearestRows,
    /// Core distance of the row at each position.
    core: Vec<f64>,
    /// The least core distance below each ball, by level.
    least_core: Vec<Vec<f64>>,
    outside: Vec<Outside>,
    component: Vec<u32>,
}

/// The component of all rows below a ball, or that there are several.
#[derive(Clone, Copy, PartialEq)]
enum Below {
    One(u32),
    Several,
}

impl<'a> SpanningTree<'a> {
    /// `core` is by position; `nearest` must hold every row that is nearer than a row's core distance.
    pub(super) fn new(tree: &'a SpaceTree, nearest: &'a NearestRows, core: Vec<f64>) -> Self {
        Self {
            least_core: tree.summarise(|position| core[position], f64::min),
            outside: core.iter().map(|core| Outside::Beyond(*core, 0.0)).collect(),
            component: tree.order.clone(),
            tree,
            nearest,
            core,
        }
    }

    /// The edges of the tree, the shortest first. Ends are rows, not positions.
    pub(super) fn edges(mut self, watch: &dyn Watch) -> Result<Vec<Edge>, Interrupted> {
        let n = self.core.len();
        let mut sets = Sets::new(n);
        let mut taken: Vec<Way> = Vec::with_capacity(n.saturating_sub(1));
        while taken.len() + 1 < n {
            let mut best = self.known_ways(watch)?;
            let limits: Vec<AtomicU64> =
                best.iter().map(|way| AtomicU64::new(way.map_or(f64::INFINITY, |w| w.weight).to_bits())).collect();
            let searching = self.smaller_half();
            self.search(&best, &limits, &searching, watch)?;
            self.choose(&mut best, &searching);
            for way in best.into_iter().flatten() {
                let (one, other) = (sets.find(way.ends.0), sets.find(way.ends.1));
                if one != other {
                    sets.attach(one, other);
                    taken.push(way);
                }
            }
            for position in 0..n {
                self.component[position] = sets.find(self.tree.order[position]);
            }
        }
        taken.sort_unstable_by(Way::compare);
        Ok(taken.iter().map(|way| Edge { a: way.ends.0, b: way.ends.1, weight: way.weight }).collect())
    }

    fn way(&self, from: usize, to: usize, squared: f64) -> Way {
        let (a, b) = (self.tree.order[from], self.tree.order[to]);
        let weight = squared.sqrt().max(self.core[from]).max(self.core[to]);
        Way { weight, squared, ends: (a.min(b), a.max(b)), to: to as u32 }
    }

    /// The best way of each component that is known without a search; forgets ways that no longer lead outside.
    fn known_ways(&mut self, watch: &dyn Watch) -> Result<Vec<Option<Way>>, Interrupted> {
        let this = &*self;
        let found: Result<Vec<(Outside, Option<Way>)>, Interrupted> = (0..this.core.len())
            .into_par_iter()
            .with_min_len(4096)
            .map(|position| {
                if position % 4096 == 0 {
                    watch.tick(0, 1)?;
                }
                Ok(this.known(position))
            })
            .collect();
        let found = found?;
        let mut best: Vec<Option<Way>> = vec![None; self.core.len()];
        for (position, (outside, way)) in found.into_iter().enumerate() {
            self.outside[position] = outside;
            if let Some(way) = way {
                keep_better(&mut best[self.component[position] as usize], way);
            }
        }
        Ok(best)
    }

    /// What is known now of the nearest row outside, and a way to some row outside.
    fn known(&self, position: usize) -> (Outside, Option<Way>) {
        let own = self.component[position];
        let beyond = match self.outside[position] {
            Outside::Known(way) if self.component[way.to as usize] != own => return (Outside::Known(way), Some(way)),
            Outside::Known(way) => (way.weight, way.squared),
            Outside::Beyond(weight, squared) => (weight, squared),
        };
        let mut best: Option<Way> = None;
        let listed = self.nearest.at(position);
        for &(squared, to) in listed {
            if self.component[to as usize] != own {
                keep_better(&mut best, self.way(position, to as usize, squared));
            }
        }
        // Rows that are not listed are at least as far as the last that is.
        let farthest = listed.last().map_or(0.0, |last| last.0);
        let unlisted = (farthest.sqrt().max(self.core[position]), farthest);
        match best {
            // At equal lengths as well: rows are listed in the order in which ties are decided.
            Some(way) if (way.weight, way.squared) <= unlisted => (Outside::Known(way), Some(way)),
            best => {
                let beyond = if beyond < unlisted { unlisted } else { beyond };
                (Outside::Beyond(beyond.0, beyond.1), best)
            }
        }
    }

    /// Searches for the rows that may still beat the best way of their component.
    fn search(
        &mut self,
        best: &[Option<Way>],
        limits: &[AtomicU64],
        searching: &[bool],
        watch: &dyn Watch,
    ) -> Result<(), Interrupted> {
        let this = &*self;
        let below = this.tree.summarise(
            |position| Below::One(this.component[position]),
            |left, right| if left == right { left } else { Below::Several },
        );
        let progress = Progress::new(watch, this.tree.blocks() as u64);
        let found: Result<Vec<Vec<(usize, Outside)>>, Interrupted> = (0..this.tree.blocks())
            .into_par_iter()
            .map(|block| {
                let found = this.search_block(block, best, limits, searching, &below);
                progress.advance(1)?;
                Ok(found)
            })
            .collect();
        for (position, outside) in found?.into_iter().flatten() {
            self.outside[position] = outside;
        }
        Ok(())
    }

    fn search_block(
        &self,
        block: usize,
        best: &[Option<Way>],
        limits: &[AtomicU64],
        searching: &[bool],
        below: &[Vec<Below>],
    ) -> Vec<(usize, Outside)> {
        let mut found = Vec::new();
        let mut wanted: Vec<usize> = self
            .tree
            .positions(block)
            .filter(|p| searching[self.component[*p] as usize] && self.may_beat(*p, best, limits))
            .collect();
        // Rows of one component that are equally dense look equally far: they go together.
        let key = |position: &usize| (self.component[*position], self.core[*position].to_bits());
        wanted.sort_by_key(key);
        for positions in wanted.chunks(TOGETHER) {
            // Others may have lowered the limit meanwhile.
            if !positions.iter().any(|position| self.may_beat(*position, best, limits)) {
                continue;
            }
            let components: Vec<u32> = positions.iter().map(|position| self.component[*position]).collect();
            let common = components.iter().all(|c| *c == components[0]).then_some(components[0]);
            let ways = vec![None; positions.len()];
            let mut ways = WaySearch { spanning: self, positions, components, common, limits, below, found: ways };
            search(self.tree, positions, &mut ways);
            found.extend(positions.iter().zip(ways.found).map(|(&position, way)| {
                let limit = limit(&limits[self.component[position] as usize]);
                // A way longer than what others found meanwhile need not be the nearest: the search was cut short.
                match way {
                    Some(way) if way.weight <= limit => (position, Outside::Known(way)),
                    _ => (position, Outside::Beyond(limit, 0.0)),
                }
            }));
        }
        found
    }

    fn may_beat(&self, position: usize, best: &[Option<Way>], limits: &[AtomicU64]) -> bool {
        let component = self.component[position] as usize;
        match (self.outside[position], &best[component]) {
            (Outside::Known(_), _) => false,
            (Outside::Beyond(weight, squared), Some(way)) => {
                (weight, squared) <= (way.weight, way.squared) && weight <= limit(&limits[component])
            }
            (Outside::Beyond(..), None) => true,
        }
    }

    /// Which components look for their way out: the smallest ones, up to half of all rows, and at least one.
    ///
    /// The others are found by them, or look for theirs when they are the smaller ones: so the largest never has to.
    fn smaller_half(&self) -> Vec<bool> {
        let mut sizes = vec![0u32; self.core.len()];
        self.component.iter().for_each(|component| sizes[*component as usize] += 1);
        let mut ranked: Vec<u32> = (0..sizes.len() as u32).filter(|c| sizes[*c as usize] > 0).collect();
        ranked.sort_unstable_by_key(|c| (sizes[*c as usize], *c));
        let mut searching = vec![false; sizes.len()];
        let mut rows = 0;
        for (i, component) in ranked.iter().enumerate() {
            rows += sizes[*component as usize] as usize;
            searching[*component as usize] = i == 0 || 2 * rows <= self.core.len();
        }
        searching
    }

    /// The best way of each component that looked for it.
    fn choose(&self, best: &mut [Option<Way>], searching: &[bool]) {
        for (position, outside) in self.outside.iter().enumerate() {
            if let Outside::Known(way) = outside {
                keep_better(&mut best[self.component[position] as usize], *way);
            }
        }
        // What is known of the others' ways need not be the best there is.
        best.iter_mut().zip(searching).filter(|(_, searching)| !**searching).for_each(|(best, _)| *best = None);
    }
}

fn keep_better(best: &mut Option<Way>, way: Way) {
    if best.as_ref().is_none_or(|best| way.compare(best).is_lt()) {
        *best = Some(way);
    }
}

fn limit(bits: &AtomicU64) -> f64 {
    // Relaxed: a limit that comes late costs a longer search, nothing else.
    f64::from_bits(bits.load(Ordering::Relaxed))
}

/// Rows of one block looking for the nearest row outside their components.
struct WaySearch<'a> {
    spanning: &'a SpanningTree<'a>,
    positions: &'a [usize],
    components: Vec<u32>,
    /// The component of all of them, if it is one.
    common: Option<u32>,
    limits: &'a [AtomicU64],
    below: &'a [Vec<Below>],
    found: Vec<Option<Way>>,
}

impl WaySearch<'_> {
    /// The reachability that a way of query `q` may have at most.
    fn weight_max(&self, q: usize) -> f64 {
        let limit = limit(&self.limits[self.components[q] as usize]);
        self.found[q].map_or(limit, |way| way.weight.min(limit))
    }
}

impl Search for WaySearch<'_> {
    fn skips(&self, level: usize, ball: usize) -> bool {
        if self.common.is_some_and(|common| self.below[level][ball] == Below::One(common)) {
            return true;
        }
        let least = self.spanning.least_core[level][ball];
        (0..self.positions.len()).all(|q| least > self.weight_max(q))
    }

    fn reach(&self, q: usize) -> f64 {
        let weight = self.weight_max(q);
        if weight < self.spanning.core[self.positions[q]] {
            return -1.0;
        }
        weight * weight
    }

    fn admits(&self, q: usize, position: usize) -> bool {
        self.spanning.component[position] != self.components[q] && self.spanning.core[position] <= self.weight_max(q)
    }

    fn meet(&mut self, q: usize, position: usize, squared: f64) {
        let way = self.spanning.way(self.positions[q], position, squared);
        if way.weight <= self.weight_max(q) {
            keep_better(&mut self.found[q], way);
            self.limits[self.components[q] as usize].fetch_min(way.weight.to_bits(), Ordering::Relaxed);
        }
    }
}
