//! The directions in which contexts differ.

use ndarray::{Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};
use souffleur_algorithms::pca::Pca;
use souffleur_algorithms::{ParamGuard, Watch};

use super::failed::Failed;

/// All columns, or their few principal components.
///
/// Groups that differ in few directions drown in the noise of all others: neighbours by density are found along the
/// directions of the largest variance. How far a row lies off them still counts when it is placed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Projection(Option<Pca>);

/// Rows as a projection shows them.
pub(super) struct Seen {
    /// Rows x directions.
    pub(super) rows: Array2<f64>,
    /// How far each row lies off the directions.
    pub(super) off: Vec<f64>,
}

impl Projection {
    /// The projection on this many principal components of `rows`; on all columns if there are no more.
    pub(super) fn fit(rows: ArrayView2<'_, f32>, directions: usize, watch: &dyn Watch) -> Result<Self, Failed> {
        if directions >= rows.ncols().min(rows.nrows()) {
            return Ok(Self(None));
        }
        let params = Pca::params().components(directions).check().map_err(|e| Failed::Data(e.to_string()))?;
        Ok(Self(Some(params.fit(rows, watch)?)))
    }

    /// The rows along its directions, and how far off they lie.
    pub(super) fn apply(&self, rows: ArrayView2<'_, f32>, watch: &dyn Watch) -> Result<Seen, Failed> {
        let Some(pca) = &self.0 else {
            return Ok(Seen { rows: rows.mapv(f64::from), off: vec![0.0; rows.nrows()] });
        };
        let seen = pca.transform(rows, watch)?;
        let squared = |row: ArrayView1<'_, f64>| row.iter().map(|v| v * v).sum::<f64>();
        let whole = |row: ArrayView1<'_, f32>| {
            row.iter().zip(pca.mean()).map(|(v, mean)| (f64::from(*v) - mean).powi(2)).sum::<f64>()
        };
        let off = rows.outer_iter().zip(seen.outer_iter()).map(|(row, seen)| (whole(row) - squared(seen)).max(0.0).sqrt());
        Ok(Seen { off: off.collect(), rows: seen })
    }

    /// How many columns rows must have; nothing if any number will do.
    pub(super) fn columns(&self) -> Option<usize> {
        self.0.as_ref().map(|pca| pca.mean().len())
    }

    /// How many directions there are, of `columns`.
    pub(super) fn directions(&self, columns: usize) -> usize {
        self.0.as_ref().map_or(columns, |pca| pca.components().nrows())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_off_the_directions_is_told_apart() {
        let rows = Array2::from_shape_fn((40, 3), |(i, column)| if column == 0 { i as f32 } else { 0.0 });
        let projection = Projection::fit(rows.view(), 1, &()).unwrap();
        let asked = ndarray::array![[3.0f32, 0.0, 0.0], [3.0, 4.0, 3.0]];
        let seen = projection.apply(asked.view(), &()).unwrap();
        assert_eq!((seen.rows.dim(), projection.directions(3), projection.columns()), ((2, 1), 1, Some(3)));
        assert!(seen.off[0] < 1e-5 && (seen.off[1] - 5.0).abs() < 1e-5, "{:?}", seen.off);
        let all = Projection::fit(rows.view(), 3, &()).unwrap();
        assert_eq!(all.apply(asked.view(), &()).unwrap().off, [0.0, 0.0]);
    }
}
