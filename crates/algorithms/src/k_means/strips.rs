//! What is remembered of each row between iterations, in strips that one thread works on at a time.
//!
//! Each strip also keeps the sums of its rows by cluster, changed only by rows that change their cluster. There are
//! at most 64 strips, whatever the number of threads, and their sums are added in order: so are the results the same.

use multiversion::multiversion;
use rayon::prelude::*;

use super::bounds::{Motion, above, below};
use crate::input::Real;
use crate::lanes::{LANES, Lane, RowMajor, nearest_two, squared_distance};
use crate::watch::{Interrupted, Progress};

/// Most strips, and so the most copies of the sums of all clusters.
const STRIPS: usize = 64;
/// Least number of rows in a strip but the last.
const ROWS_PER_STRIP: usize = 1024;
/// Products between two calls of the watch: about a millisecond.
const PRODUCTS_PER_TICK: usize = 1 << 21;
/// How many rows ahead of the one worked on are fetched.
const ROWS_AHEAD: usize = 8;
/// The label of a row that has none yet.
const NO_CLUSTER: u32 = u32::MAX;

/// Number of rows that each strip has, the last one maybe fewer.
pub(super) fn rows_per_strip(rows: usize) -> usize {
    rows.div_ceil(STRIPS).max(ROWS_PER_STRIP)
}

/// Rows to work on between two calls of the watch, when each takes `products` multiplications: a multiple of a block.
pub(super) fn rows_per_tick(products: usize) -> usize {
    (PRODUCTS_PER_TICK / products.max(1) / LANES * LANES).clamp(LANES, 1024)
}

/// One strip of rows.
struct Strip<'a, F> {
    rows: RowMajor<'a, F>,
    labels: Vec<u32>,
    upper: Vec<f32>,
    lower: Vec<f32>,
    /// Sums of the rows by cluster.
    sums: Vec<f64>,
    /// Numbers of rows by cluster.
    counts: Vec<u64>,
}

/// All rows, in strips.
pub(super) struct Strips<'a, F> {
    strips: Vec<Strip<'a, F>>,
    clusters: usize,
    columns: usize,
}

/// A row and its squared distance to its centroid.
#[derive(Clone, Copy)]
struct Far {
    squared: f64,
    row: usize,
}

impl<'a, F: Real> Strip<'a, F> {
    fn new(rows: RowMajor<'a, F>, clusters: usize) -> Self {
        let count = rows.rows();
        Self {
            rows,
            labels: vec![NO_CLUSTER; count],
            upper: vec![f32::INFINITY; count],
            lower: vec![0.0; count],
            sums: vec![0.0; clusters * rows.columns],
            counts: vec![0; clusters],
        }
    }

    /// Gives every row the nearest centroid and counts the rows whose centroid is another than before.
    fn assign(&mut self, centroids: &[f64], motion: &Motion, progress: &Progress<'_>) -> Result<usize, Interrupted> {
        let (mut doubtful, mut block, mut moved) = (Vec::new(), Vec::new(), 0);
        let step = rows_per_tick(centroids.len());
        for start in (0..self.labels.len()).step_by(step) {
            let end = (start + step).min(self.labels.len());
            self.find_doubtful(start, end, centroids, motion, &mut doubtful);
            for group in doubtful.chunks(LANES) {
                moved += self.assign_group(start, group, centroids, &mut block);
            }
            progress.advance((end - start) as u64)?;
        }
        Ok(moved)
    }

    /// Names the rows from `start` to before `end`, counted from `start`, whose centroid may be another one now.
    fn find_doubtful(&mut self, start: usize, end: usize, centroids: &[f64], motion: &Motion, doubtful: &mut Vec<u32>) {
        if self.labels[start] == NO_CLUSTER {
            doubtful.clear();
            doubtful.extend((0u32..).take(end - start));
            return;
        }
        let bounds = (&mut self.upper[start..end], &mut self.lower[start..end]);
        find_doubtful(self.rows.part(start, end), &self.labels[start..end], bounds, centroids, motion, doubtful);
    }

    /// Computes all distances of up to 16 rows, named from `start` on.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "there are at most 4096 clusters")]
    fn assign_group(&mut self, start: usize, group: &[u32], centroids: &[f64], block: &mut Vec<Lane>) -> usize {
        self.rows.gather(group.iter().map(|row| start + *row as usize), block);
        let found = nearest_two(block, centroids);
        let mut moved = 0;
        for (lane, row) in group.iter().enumerate() {
            let row = start + *row as usize;
            self.upper[row] = above(found.nearest[lane].sqrt());
            self.lower[row] = below(found.second[lane].sqrt());
            let (before, after) = (self.labels[row], found.point[lane] as u32);
            if before != after {
                self.labels[row] = after;
                self.move_row(row, before, after as usize);
                moved += 1;
            }
        }
        moved
    }

    fn move_row(&mut self, row: usize, before: u32, after: usize) {
        let (values, columns) = (self.rows.row(row), self.rows.columns);
        if before != NO_CLUSTER {
            let before = before as usize;
            self.counts[before] -= 1;
            let sums = self.sums[before * columns..][..columns].iter_mut();
            sums.zip(values).for_each(|(sum, value)| *sum -= value.to_f64());
        }
        self.counts[after] += 1;
        let sums = self.sums[after * columns..][..columns].iter_mut();
        sums.zip(values).for_each(|(sum, value)| *sum += value.to_f64());
    }

    /// Calls `each` with every row and its cluster.
    fn visit(&self, progress: &Progress<'_>, mut each: impl FnMut(usize, &[F], usize)) -> Result<(), Interrupted> {
        let step = rows_per_tick(self.rows.columns);
        for (row, label) in self.labels.iter().enumerate() {
            each(row, self.rows.row(row), *label as usize);
            if row % step == step - 1 {
                progress.advance(0)?;
            }
        }
        Ok(())
    }

    fn resum(&mut self, progress: &Progress<'_>) -> Result<(), Interrupted> {
        let columns = self.rows.columns;
        let mut sums = vec![0.0; self.sums.len()];
        self.visit(progress, |_, values, cluster| {
            let sums = sums[cluster * columns..][..columns].iter_mut();
            sums.zip(values).for_each(|(sum, value)| *sum += value.to_f64());
        })?;
        self.sums = sums;
        Ok(())
    }
}

/// Lets the bounds of all rows give way to the motion and names the rows whose centroid may be another one now.
///
/// First it names the rows that their bounds leave open, without reading the rows, then those that are still open when
/// the distance to their own centroid is known. Neither loop branches on what it finds: the processor can fetch the
/// next rows while it works on one.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn find_doubtful<F: Real>(
    rows: RowMajor<'_, F>,
    labels: &[u32],
    (upper, lower): (&mut [f32], &mut [f32]),
    centroids: &[f64],
    motion: &Motion,
    doubtful: &mut Vec<u32>,
) {
    doubtful.clear();
    doubtful.resize(labels.len(), 0);
    let mut open = 0;
    let bounds = upper.iter_mut().zip(lower.iter_mut());
    for ((row, label), (upper, lower)) in (0u32..).zip(labels).zip(bounds) {
        let cluster = *label as usize;
        (*upper, *lower) = motion.widen(cluster, *upper, *lower);
        doubtful[open] = row;
        open += usize::from(!motion.settles(cluster, *upper, *lower));
    }
    let mut still_open = 0;
    for at in 0..open {
        rows.fetch(doubtful[(at + ROWS_AHEAD).min(open - 1)] as usize);
        let row = doubtful[at] as usize;
        let cluster = labels[row] as usize;
        let own = &centroids[cluster * rows.columns..][..rows.columns];
        upper[row] = above(squared_distance(rows.row(row), own).sqrt());
        doubtful[still_open] = doubtful[at];
        still_open += usize::from(!motion.settles(cluster, upper[row], lower[row]));
    }
    doubtful.truncate(still_open);
}

impl<'a, F: Real> Strips<'a, F> {
    pub(super) fn new(rows: RowMajor<'a, F>, clusters: usize) -> Self {
        let step = rows_per_strip(rows.rows());
        let starts = (0..rows.rows()).step_by(step);
        let strips = starts.map(|start| rows.part(start, (start + step).min(rows.rows())));
        Self { strips: strips.map(|rows| Strip::new(rows, clusters)).collect(), clusters, columns: rows.columns }
    }

    /// Gives every row the nearest centroid and counts the rows whose centroid is another than before.
    pub(super) fn assign(
        &mut self,
        centroids: &[f64],
        motion: &Motion,
        progress: &Progress<'_>,
    ) -> Result<usize, Interrupted> {
        self.strips.par_iter_mut().map(|strip| strip.assign(centroids, motion, progress)).sum()
    }

    /// Sums the rows by cluster anew, so that no rounding of earlier moves is left.
    pub(super) fn resum(&mut self, progress: &Progress<'_>) -> Result<(), Interrupted> {
        self.strips.par_iter_mut().try_for_each(|strip| strip.resum(progress))
    }

    /// The means of the clusters. A cluster without rows takes one of the rows farthest from their centroids.
    pub(super) fn means(&self, centroids: &[f64], progress: &Progress<'_>) -> Result<Vec<f64>, Interrupted> {
        let mut sums = vec![0.0; self.clusters * self.columns];
        let mut counts = vec![0u64; self.clusters];
        for strip in &self.strips {
            sums.iter_mut().zip(&strip.sums).for_each(|(sum, part)| *sum += part);
            counts.iter_mut().zip(&strip.counts).for_each(|(count, part)| *count += part);
            progress.advance(0)?;
        }
        if counts.contains(&0) {
            self.fill_empty(centroids, &mut sums, &mut counts, progress)?;
        }
        let (mut largest, mut most) = (0, 0);
        for (cluster, count) in counts.iter().enumerate() {
            if *count > most {
                (largest, most) = (cluster, *count);
            }
            if *count > 0 {
                let mean = sums[cluster * self.columns..][..self.columns].iter_mut();
                mean.for_each(|sum| *sum /= *count as f64);
            }
        }
        let largest = sums[largest * self.columns..][..self.columns].to_vec();
        for (mean, _) in sums.chunks_exact_mut(self.columns).zip(&counts).filter(|(_, count)| **count == 0) {
            mean.copy_from_slice(&largest);
        }
        Ok(sums)
    }

    /// Takes the farthest rows out of the sums of their clusters and makes each the only row of an empty one. Does
    /// nothing if every row lies on its centroid.
    fn fill_empty(
        &self,
        centroids: &[f64],
        sums: &mut [f64],
        counts: &mut [u64],
        progress: &Progress<'_>,
    ) -> Result<(), Interrupted> {
        let empty: Vec<usize> = (0..counts.len()).filter(|cluster| counts[*cluster] == 0).collect();
        let farthest = self.farthest(empty.len(), centroids, progress)?;
        if farthest.first().is_none_or(|far| far.squared <= 0.0) {
            return Ok(());
        }
        for (to, far) in empty.into_iter().zip(farthest) {
            let step = self.strips.first().map_or(1, |strip| strip.labels.len());
            let (strip, row) = (&self.strips[far.row / step], far.row % step);
            let from = strip.labels[row] as usize;
            for (column, value) in strip.rows.row(row).iter().enumerate() {
                sums[from * self.columns + column] -= value.to_f64();
                sums[to * self.columns + column] = value.to_f64();
            }
            counts[from] -= 1;
            counts[to] = 1;
        }
        Ok(())
    }

    /// The rows farthest from their centroids, farthest first, of equally far ones the first.
    fn farthest(&self, count: usize, centroids: &[f64], progress: &Progress<'_>) -> Result<Vec<Far>, Interrupted> {
        let keep = |mut found: Vec<Far>| {
            found.sort_unstable_by(|a, b| b.squared.total_cmp(&a.squared).then(a.row.cmp(&b.row)));
            found.truncate(count);
            found
        };
        let step = self.strips.first().map_or(1, |strip| strip.labels.len());
        let strips = self.strips.par_iter().enumerate().map(|(index, strip)| {
            let mut found = Vec::with_capacity(strip.labels.len());
            strip.visit(progress, |row, values, cluster| {
                let squared = squared_distance(values, &centroids[cluster * self.columns..][..self.columns]);
                found.push(Far { squared, row: index * step + row });
            })?;
            Ok(keep(found))
        });
        let found: Result<Vec<Vec<Far>>, Interrupted> = strips.collect();
        Ok(keep(found?.into_iter().flatten().collect()))
    }

    /// Sum of the squared distances of all rows to their centroids.
    pub(super) fn inertia(&self, centroids: &[f64], progress: &Progress<'_>) -> Result<f64, Interrupted> {
        let strips = self.strips.par_iter().map(|strip| {
            let mut sum = 0.0;
            strip.visit(progress, |_, values, cluster| {
                sum += squared_distance(values, &centroids[cluster * self.columns..][..self.columns]);
            })?;
            Ok(sum)
        });
        let sums: Result<Vec<f64>, Interrupted> = strips.collect();
        Ok(sums?.iter().sum())
    }

    pub(super) fn into_labels(self) -> Vec<usize> {
        self.strips.into_iter().flat_map(|strip| strip.labels).map(|label| label as usize).collect()
    }
}
