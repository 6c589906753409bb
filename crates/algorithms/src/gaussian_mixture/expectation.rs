//! One pass over the rows: what each component has of them.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayViewMut2, s};
use rayon::prelude::*;

use super::densities::Scratch;
use super::hyperparams::CovarianceKind;
use crate::input::Real;
use crate::lanes::{LANES, Lane, RowMajor};
use crate::watch::{Interrupted, Progress};

/// Rows whose products are summed together: their differences from a mean stay in the second-level cache.
const ROWS_PER_CHUNK: usize = 256;
/// Products of one component between two calls of the watch.
const PRODUCTS_PER_TICK: usize = 1 << 22;
/// Most parts that the rows are summed in, each with sums of its own.
const STRIPS: usize = 64;
/// Most values in the sums of all strips: 64 MiB, unless one strip alone takes more.
const SUMS_MAX: usize = 1 << 23;
/// A smaller share of a row in a component is lost in the rounding of any sum, and not added up.
const SHARE_MIN: f64 = 1e-18;

/// Sums over rows, weighted with their shares in each component, of the differences from the component's mean so far.
pub(super) struct Moments {
    /// Sum of the log-likelihoods.
    pub(super) log_likelihood: f64,
    /// Sum of the shares, for each component.
    pub(super) counts: Vec<f64>,
    /// Sum of the differences, components x columns.
    pub(super) first: Vec<f64>,
    /// Sum of their outer products (components x columns x columns) or of their squares (components x columns).
    pub(super) second: Vec<f64>,
}

/// The rows and what they are compared with.
pub(super) struct Pass<'a, F> {
    pub(super) rows: RowMajor<'a, F>,
    pub(super) means: &'a [f64],
    pub(super) kind: CovarianceKind,
}

impl<F: Real> Pass<'_, F> {
    /// `shares` is given the first row of a block and the block; it leaves the shares of the components in the scratch
    /// and gives the log-likelihoods. Rows are summed in strips that depend on the shape only.
    pub(super) fn run(
        &self,
        shares: impl Fn(usize, &[Lane], &mut Scratch) -> Lane + Sync,
        progress: &Progress<'_>,
    ) -> Result<Moments, Interrupted> {
        let mut total = self.zeros();
        let fitting = SUMS_MAX / total.second.len().max(1);
        let rows = self.rows.rows();
        let per_strip = rows.div_ceil(STRIPS.min(fitting.max(1))).next_multiple_of(ROWS_PER_CHUNK);
        let strips = (0..rows.div_ceil(per_strip)).into_par_iter().map(|strip| {
            let (start, end) = (strip * per_strip, ((strip + 1) * per_strip).min(rows));
            self.run_strip(start, end, &shares, progress)
        });
        let strips: Result<Vec<Moments>, Interrupted> = strips.collect();
        for strip in strips? {
            total.log_likelihood += strip.log_likelihood;
            for (total, part) in
                [(&mut total.counts, strip.counts), (&mut total.first, strip.first), (&mut total.second, strip.second)]
            {
                total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
            }
        }
        Ok(total)
    }

    fn zeros(&self) -> Moments {
        let columns = self.rows.columns;
        let components = self.means.len() / columns;
        let order = if self.kind == CovarianceKind::Diagonal { 1 } else { columns };
        Moments {
            log_likelihood: 0.0,
            counts: vec![0.0; components],
            first: vec![0.0; components * columns],
            second: vec![0.0; components * columns * order],
        }
    }

    fn run_strip(
        &self,
        start: usize,
        end: usize,
        shares: &(impl Fn(usize, &[Lane], &mut Scratch) -> Lane + Sync),
        progress: &Progress<'_>,
    ) -> Result<Moments, Interrupted> {
        let columns = self.rows.columns;
        let mut sums = self.zeros();
        let components = sums.counts.len();
        let fitting = PRODUCTS_PER_TICK / (columns * columns) / LANES * LANES;
        let step = fitting.clamp(LANES, ROWS_PER_CHUNK);
        let (mut block, mut scratch) = (Vec::new(), Scratch::default());
        let mut by_component = vec![0.0; components * step];
        let mut scaled = Array2::zeros((step, columns));
        for chunk in (start..end).step_by(step) {
            let chunk_end = (chunk + step).min(end);
            for first in (chunk..chunk_end).step_by(LANES) {
                let count = LANES.min(chunk_end - first);
                self.rows.gather(first..first + count, &mut block);
                let logs = shares(first, &block, &mut scratch);
                sums.log_likelihood += logs[..count].iter().sum::<f64>();
                for (to, from) in by_component.chunks_exact_mut(step).zip(&scratch.by_component) {
                    to[first - chunk..][..count].copy_from_slice(&from[..count]);
                }
                progress.advance(0)?;
            }
            for (component, shares) in by_component.chunks_exact(step).enumerate() {
                let rows = self.rows.part(chunk, chunk_end);
                self.add(component, rows, &shares[..chunk_end - chunk], &mut scaled, &mut sums);
                progress.advance(0)?;
            }
            progress.advance((chunk_end - chunk) as u64)?;
        }
        Ok(sums)
    }

    /// Adds the rows of a chunk to the sums of one component.
    fn add(
        &self,
        component: usize,
        rows: RowMajor<'_, F>,
        shares: &[f64],
        scaled: &mut Array2<f64>,
        sums: &mut Moments,
    ) {
        let columns = self.rows.columns;
        let mean = &self.means[component * columns..][..columns];
        let first = &mut sums.first[component * columns..][..columns];
        let mut used = 0;
        for (row, share) in shares.iter().enumerate().filter(|(_, share)| **share > SHARE_MIN) {
            let root = share.sqrt();
            let values = rows.row(row).iter().zip(mean).zip(first.iter_mut());
            for (scaled, ((value, mean), first)) in scaled.row_mut(used).iter_mut().zip(values) {
                *scaled = root * (value.to_f64() - mean);
                *first += root * *scaled;
            }
            sums.counts[component] += share;
            used += 1;
        }
        let scaled = scaled.slice(s![..used, ..]);
        if self.kind == CovarianceKind::Diagonal {
            let second = &mut sums.second[component * columns..][..columns];
            for row in scaled.outer_iter() {
                second.iter_mut().zip(row).for_each(|(sum, value)| *sum += value * value);
            }
            return;
        }
        let second = &mut sums.second[component * columns * columns..][..columns * columns];
        if let Ok(mut second) = ArrayViewMut2::from_shape((columns, columns), second)
            && used > 0
        {
            general_mat_mul(1.0, &scaled.t(), &scaled, 1.0, &mut second);
        }
    }
}
