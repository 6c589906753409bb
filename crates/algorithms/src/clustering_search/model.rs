//! The clustering that was chosen, for new rows.

use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::errors::ClusteringSearchError;
use crate::gaussian_mixture::GaussianMixture;
use crate::hdbscan::{Hdbscan, Membership};
use crate::input::{Real, check_finite};
use crate::k_means::KMeans;
use crate::pca::Pca;
use crate::watch::Watch;

/// A fitted model of one of the methods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Fitted {
    KMeans(KMeans),
    GaussianMixture(GaussianMixture),
    Hdbscan(Hdbscan),
}

impl Fitted {
    fn columns(&self) -> usize {
        match self {
            Self::KMeans(model) => model.centroids().ncols(),
            Self::GaussianMixture(model) => model.means().ncols(),
            Self::Hdbscan(model) => model.columns(),
        }
    }
}

/// A reduction and a clustering of what it shows: says of new rows which cluster they belong to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct ClusteringModel {
    pca: Option<Pca>,
    fitted: Fitted,
}

/// A model as read back, before its parts are known to fit together.
#[derive(Deserialize)]
struct Stored {
    pca: Option<Pca>,
    fitted: Fitted,
}

impl TryFrom<Stored> for ClusteringModel {
    type Error = &'static str;

    fn try_from(Stored { pca, fitted }: Stored) -> Result<Self, Self::Error> {
        match pca.as_ref().is_none_or(|pca| pca.components().nrows() == fitted.columns()) {
            true => Ok(Self { pca, fitted }),
            false => Err("clustering: the reduction has another number of components than the clusters"),
        }
    }
}

impl ClusteringModel {
    pub(super) fn new(pca: Option<Pca>, fitted: Fitted) -> Self {
        Self { pca, fitted }
    }

    /// Number of columns that rows must have.
    pub fn columns(&self) -> usize {
        self.pca.as_ref().map_or(self.fitted.columns(), |pca| pca.mean().len())
    }

    /// Which cluster each row belongs to, and how surely, in [0, 1]: for a mixture the probability of its component; for
    /// HDBSCAN* how far inside its cluster it is; for k-means `1 - d1 / d2` of the distances to the nearest and the next
    /// centroid, 0 on the border and 1 at the centre. `x` is rows x columns.
    ///
    /// # Errors
    /// Another width, a value that is not finite as `f32`, or the watch interrupts.
    pub fn predict<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<Vec<Membership>, ClusteringSearchError> {
        if x.ncols() != self.columns() {
            return Err(ClusteringSearchError::Columns { expected: self.columns(), found: x.ncols() });
        }
        check_finite(x, watch)?;
        let x = x.mapv(Real::to_f64);
        let x = match &self.pca {
            Some(pca) => pca.transform(x.view(), watch)?,
            None => x,
        };
        Ok(match &self.fitted {
            Fitted::KMeans(model) => nearest(&model.transform(x.view(), watch)?),
            Fitted::GaussianMixture(model) => most_probable(&model.responsibilities(x.view(), watch)?),
            Fitted::Hdbscan(model) => model.predict(x.view(), watch)?,
        })
    }
}

/// The nearest centroid of each row, by the distances rows x centroids; of equally near ones the first.
fn nearest(distances: &Array2<f64>) -> Vec<Membership> {
    let of_row = distances.axis_iter(Axis(0)).map(|row| {
        let (mut label, mut first, mut second) = (-1, f64::INFINITY, f64::INFINITY);
        for (centroid, &distance) in (0..).zip(row) {
            if distance < first {
                (label, first, second) = (centroid, distance, first);
            } else {
                second = second.min(distance);
            }
        }
        Membership { label, probability: if second > 0.0 { 1.0 - first / second } else { 0.0 } }
    });
    of_row.collect()
}

/// The most probable component of each row, by the probabilities rows x components; of equally probable ones the first.
fn most_probable(responsibilities: &Array2<f64>) -> Vec<Membership> {
    let of_row = responsibilities.axis_iter(Axis(0)).map(|row| {
        (0..).zip(row).fold(Membership { label: -1, probability: 0.0 }, |best, (label, &probability)| {
            if probability > best.probability { Membership { label, probability } } else { best }
        })
    });
    of_row.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_row_on_the_border_is_sure_of_nothing() {
        let found = nearest(&array![[0.0, 2.0, 3.0], [1.0, 1.0, 4.0], [4.0, 3.0, 1.5]]);
        assert_eq!(found.iter().map(|m| m.label).collect::<Vec<_>>(), [0, 0, 2]);
        assert_eq!(found.iter().map(|m| m.probability).collect::<Vec<_>>(), [1.0, 0.0, 0.5]);
        let found = most_probable(&array![[0.2, 0.7, 0.1], [0.5, 0.5, 0.0]]);
        assert_eq!(found.iter().map(|m| (m.label, m.probability)).collect::<Vec<_>>(), [(1, 0.7), (0, 0.5)]);
    }
}
