//! Neighbours by descent (Dong, Moses and Li 2011, "Efficient k-nearest neighbor graph construction for generic similarity
//! measures", WWW): a neighbour of a neighbour is likely a neighbour.
//!
//! Each round every row looks at the neighbours of its neighbours, in both directions, as they were at the end of the round
//! before, and takes the better ones. Rows only write their own list, so the result does not depend on the threads; that
//! costs measuring a pair from both of its ends. Half of the first lists comes from the order of the tree, in which near rows
//! stand near each other, half from chance.

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use super::NeighborGraph;
use crate::space_tree::SpaceTree;
use crate::watch::{Interrupted, Progress, Watch};

/// Positions to either side that a row looks at first.
const WINDOW: usize = 24;
/// Most rounds; some six are usual.
const ROUNDS_MAX: usize = 15;
/// The descent ends with a round that changes less than this share of all entries.
const CHANGED_LEAST: f64 = 0.001;
/// A row that many name hears of this many times as many of them as its list has places. On average it is as many as there
/// are places, so few rows miss any.
const NAMING_MAX: usize = 4;
/// Rows handled between two calls of the watch.
const ROWS_PER_CHUNK: usize = 128;
/// Rows passed over between two calls of the watch.
const ROWS_PER_SCAN: usize = 1 << 16;
/// The mark of a neighbour that came in the round before, in its top bit.
const NEW: u32 = 1 << 31;

/// Lists of neighbours; positions carry the mark of new ones.
struct Lists {
    k: usize,
    positions: Vec<u32>,
    squared: Vec<f32>,
}

impl Lists {
    fn of(&self, position: usize) -> &[u32] {
        &self.positions[position * self.k..][..self.k]
    }
}

pub(super) fn graph(rows: ArrayView2<'_, f64>, k: usize, watch: &dyn Watch) -> Result<NeighborGraph, Interrupted> {
    let order = SpaceTree::new(rows, watch)?.order;
    let columns = rows.ncols();
    let mut values = vec![0.0f32; rows.len()];
    values.par_chunks_mut(columns).zip(&order).for_each(|(to, row)| {
        to.iter_mut().zip(rows.index_axis(Axis(0), *row as usize)).for_each(|(to, value)| *to = *value as f32);
    });
    let near = Near { values: &values, columns };
    let progress = Progress::new(watch, (ROUNDS_MAX * rows.nrows()) as u64);
    let mut lists = first_lists(&near, k, &progress)?;
    for round in 0..ROUNDS_MAX {
        let both = both_ways(&lists, round, &progress)?;
        progress.advance(0)?;
        let changed = improve(&near, &mut lists, &both, &progress)?;
        if (changed as f64) < CHANGED_LEAST * lists.positions.len() as f64 {
            break;
        }
    }
    Ok(NeighborGraph {
        k,
        order,
        neighbors: lists.positions.iter().map(|position| position & !NEW).collect(),
        distances: lists.squared.iter().map(|squared| squared.sqrt()).collect(),
    })
}

/// The rows by position.
struct Near<'a> {
    values: &'a [f32],
    columns: usize,
}

impl Near<'_> {
    fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    fn squared(&self, a: usize, b: usize) -> f32 {
        let row = |position: usize| &self.values[position * self.columns..][..self.columns];
        let ((a, a_rest), (b, b_rest)) = (row(a).as_chunks::<8>(), row(b).as_chunks::<8>());
        let mut sums = [0.0f32; 8];
        for (a, b) in a.iter().zip(b) {
            for lane in 0..8 {
                sums[lane] += (a[lane] - b[lane]) * (a[lane] - b[lane]);
            }
        }
        let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| (a - b) * (a - b)).sum();
        sums.iter().sum::<f32>() + rest
    }
}

/// Puts a row among the nearest, if it is one of them; equal distances in the order of positions.
fn insert(positions: &mut [u32], squared: &mut [f32], candidate: (u32, f32)) -> bool {
    let before = |at: usize| (squared[at], positions[at] & !NEW) < (candidate.1, candidate.0 & !NEW);
    let place = (0..positions.len()).rev().find(|at| before(*at)).map_or(0, |at| at + 1);
    if place >= positions.len() {
        return false;
    }
    positions[place..].rotate_right(1);
    squared[place..].rotate_right(1);
    positions[place] = candidate.0;
    squared[place] = candidate.1;
    true
}

/// The better half from the rows that stand near, the rest drawn at random: without links that reach far, a row beside a cut
/// of the tree never hears of those beyond it.
fn first_list(near: &Near<'_>, own: usize, k: usize) -> Vec<(f32, usize)> {
    let n = near.rows();
    let start = own.saturating_sub(WINDOW).min(n.saturating_sub(2 * WINDOW + 1));
    let window = (start..(start + 2 * WINDOW + 1).min(n)).filter(|other| *other != own);
    let mut found: Vec<(f32, usize)> = window.map(|other| (near.squared(own, other), other)).collect();
    found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    found.truncate(k.div_ceil(2));
    for draw in found.len()..k {
        let mut other = mix(own as u32, draw as u32, ROUNDS_MAX) as usize % n;
        // There are more rows than places.
        while other == own || found.iter().any(|(_, known)| *known == other) {
            other = (other + 1) % n;
        }
        found.push((near.squared(own, other), other));
    }
    found
}

fn first_lists(near: &Near<'_>, k: usize, progress: &Progress<'_>) -> Result<Lists, Interrupted> {
    let n = near.rows();
    let mut lists = Lists { k, positions: vec![u32::MAX; n * k], squared: vec![f32::INFINITY; n * k] };
    let chunk = ROWS_PER_CHUNK * k;
    let all = lists.positions.par_chunks_mut(chunk).zip(lists.squared.par_chunks_mut(chunk)).enumerate();
    all.try_for_each(|(chunk, (positions, squared))| {
        for (at, (positions, squared)) in positions.chunks_mut(k).zip(squared.chunks_mut(k)).enumerate() {
            let own = chunk * ROWS_PER_CHUNK + at;
            for (far, other) in first_list(near, own, k) {
                insert(positions, squared, (other as u32 | NEW, far));
            }
        }
        progress.advance(0)
    })?;
    Ok(lists)
}

/// Who names whom, in both directions.
struct BothWays {
    starts: Vec<u32>,
    positions: Vec<u32>,
}

impl BothWays {
    fn of(&self, position: usize) -> &[u32] {
        &self.positions[self.starts[position] as usize..self.starts[position + 1] as usize]
    }
}

/// A number that looks like chance, for choosing among many that name the same row.
fn mix(a: u32, b: u32, round: usize) -> u32 {
    let word = (u64::from(a) << 32 | u64::from(b)) ^ (round as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((word ^ word >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32) as u32
}

/// Each row's list, and the rows that name it; of two marks of one row, new wins.
fn both_ways(lists: &Lists, round: usize, progress: &Progress<'_>) -> Result<BothWays, Interrupted> {
    let (n, k) = (lists.positions.len() / lists.k, lists.k);
    let mut counts = vec![0u32; n + 1];
    lists.positions.iter().for_each(|position| counts[(position & !NEW) as usize + 1] += 1);
    for at in 0..n {
        counts[at + 1] += counts[at];
    }
    let mut next = counts.clone();
    let mut naming = vec![0u32; lists.positions.len()];
    for own in 0..n {
        if own % ROWS_PER_SCAN == 0 {
            progress.advance(0)?;
        }
        for position in lists.of(own) {
            let place = &mut next[(position & !NEW) as usize];
            naming[*place as usize] = own as u32 | position & NEW;
            *place += 1;
        }
    }
    let joined: Result<Vec<Vec<u32>>, Interrupted> = (0..n)
        .into_par_iter()
        .map(|own| {
            if own % ROWS_PER_CHUNK == 0 {
                progress.advance(0)?;
            }
            let mut naming = naming[counts[own] as usize..counts[own + 1] as usize].to_vec();
            if naming.len() > NAMING_MAX * k {
                naming.sort_unstable_by_key(|other| (mix(own as u32, other & !NEW, round), *other));
                naming.truncate(NAMING_MAX * k);
            }
            naming.extend_from_slice(lists.of(own));
            // New ones first among equals, so that the mark stays.
            naming.sort_unstable_by_key(|other| (other & !NEW, !other & NEW));
            naming.dedup_by_key(|other| *other & !NEW);
            Ok(naming)
        })
        .collect();
    let joined = joined?;
    let mut starts = vec![0u32; n + 1];
    for (at, list) in joined.iter().enumerate() {
        starts[at + 1] = starts[at] + list.len() as u32;
    }
    progress.advance(0)?;
    Ok(BothWays { starts, positions: joined.concat() })
}

/// One round; how many entries it changed.
fn improve(near: &Near<'_>, lists: &mut Lists, both: &BothWays, progress: &Progress<'_>) -> Result<usize, Interrupted> {
    let (n, k) = (near.rows(), lists.k);
    let chunk = ROWS_PER_CHUNK * k;
    let all = lists.positions.par_chunks_mut(chunk).zip(lists.squared.par_chunks_mut(chunk)).enumerate();
    let changed = all.map_init(
        || vec![u32::MAX; n],
        |seen, (chunk, (positions, squared))| {
            let mut changed = 0;
            for (at, (positions, squared)) in positions.chunks_mut(k).zip(squared.chunks_mut(k)).enumerate() {
                let own = chunk * ROWS_PER_CHUNK + at;
                positions.iter_mut().for_each(|position| *position &= !NEW);
                positions.iter().for_each(|position| seen[*position as usize] = own as u32);
                seen[own] = own as u32;
                for via in both.of(own) {
                    for other in both.of((via & !NEW) as usize) {
                        let position = (other & !NEW) as usize;
                        // A pair that could have met before did.
                        if (via | other) & NEW == 0 || seen[position] == own as u32 {
                            continue;
                        }
                        seen[position] = own as u32;
                        let far = near.squared(own, position);
                        if far < squared[k - 1] {
                            changed += usize::from(insert(positions, squared, (position as u32 | NEW, far)));
                        }
                    }
                }
            }
            progress.advance((positions.len() / k) as u64)?;
            Ok(changed)
        },
    );
    let changed: Result<Vec<usize>, Interrupted> = changed.collect();
    Ok(changed?.into_iter().sum())
}
