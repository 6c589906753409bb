//! What is tried.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::gaussian_mixture::CovarianceKind;
use crate::hdbscan::ClusterSelection;

/// How many columns are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reduction {
    /// All, as they are.
    None,
    /// So many principal components.
    Pca(usize),
}

/// The algorithm and its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// Lloyd's k-means, the best of five starts.
    KMeans {
        /// How many clusters there are.
        clusters: usize,
    },
    /// A Gaussian mixture; each row belongs to its most probable component.
    GaussianMixture {
        /// How many components there are.
        components: usize,
        /// What shape they may take.
        covariance: CovarianceKind,
    },
    /// HDBSCAN*, which finds the number of clusters itself and calls rows between them noise.
    Hdbscan {
        /// Least rows of a cluster.
        min_cluster_size: usize,
        /// How clusters are chosen from the tree.
        selection: ClusterSelection,
    },
}

/// A reduction and a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// How many columns are looked at.
    pub reduction: Reduction,
    /// What is done with them.
    pub method: Method,
}

impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "all columns"),
            Self::Pca(1) => write!(f, "1 principal component"),
            Self::Pca(components) => write!(f, "{components} principal components"),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KMeans { clusters } => write!(f, "k-means with {clusters} clusters"),
            Self::GaussianMixture { components, covariance } => {
                let covariance = match covariance {
                    CovarianceKind::Full => "full",
                    CovarianceKind::Tied => "tied",
                    CovarianceKind::Diagonal => "diagonal",
                };
                write!(f, "a mixture of {components} Gaussians with {covariance} covariances")
            }
            Self::Hdbscan { min_cluster_size, selection } => {
                let selection = match selection {
                    ClusterSelection::ExcessOfMass => "by excess of mass",
                    ClusterSelection::Leaf => "leaves",
                };
                write!(f, "HDBSCAN* with clusters of at least {min_cluster_size} rows, {selection}")
            }
        }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.method, self.reduction)
    }
}

/// Least rows that are clustered at all.
pub(super) const ROWS_MIN: usize = 20;
/// Least sizes of a cluster that are tried, as shares of the rows; never below [`CLUSTER_ROWS_MIN`].
const CLUSTER_SHARES: [f64; 4] = [0.01, 0.025, 0.05, 0.1];
const CLUSTER_ROWS_MIN: usize = 5;
/// Full covariances are tried on at most so many columns: each component has some `columns^2 / 2` numbers to learn.
const FULL_COVARIANCE_COLUMNS_MAX: usize = 8;

/// Which reductions are tried of rows that lie on a surface of so many dimensions, as far as is known: few components,
/// as many as the surface has dimensions, twice as many, and all columns.
pub(super) fn reductions(columns: usize, intrinsic: Option<f64>) -> Vec<Reduction> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "dimensions are few and positive")]
    let dimensions = intrinsic.map_or(5, |dimension| dimension.round().clamp(1.0, 4096.0) as usize);
    let mut components: Vec<usize> = [2, 3, dimensions, 2 * dimensions].into_iter().filter(|c| *c < columns).collect();
    components.sort_unstable();
    components.dedup();
    components.into_iter().map(Reduction::Pca).chain([Reduction::None]).collect()
}

/// Everything tried on `rows` rows.
pub(super) fn candidates(rows: usize, columns: usize, reductions: &[Reduction], clusters_max: usize) -> Vec<Candidate> {
    let mut all = Vec::new();
    for &reduction in reductions {
        let width = if let Reduction::Pca(components) = reduction { components } else { columns };
        all.extend(methods(rows, width, clusters_max).into_iter().map(|method| Candidate { reduction, method }));
    }
    all
}

fn methods(rows: usize, width: usize, clusters_max: usize) -> Vec<Method> {
    let mut methods = Vec::new();
    let counts = || 2..=clusters_max.min(rows / CLUSTER_ROWS_MIN);
    methods.extend(counts().map(|clusters| Method::KMeans { clusters }));
    let mixtures = |covariance| counts().map(move |components| Method::GaussianMixture { components, covariance });
    methods.extend(mixtures(CovarianceKind::Diagonal));
    methods.extend(mixtures(CovarianceKind::Tied));
    if width <= FULL_COVARIANCE_COLUMNS_MAX {
        methods.extend(mixtures(CovarianceKind::Full));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the rows")]
    let mut sizes = CLUSTER_SHARES.map(|share| ((rows as f64 * share) as usize).max(CLUSTER_ROWS_MIN)).to_vec();
    sizes.dedup();
    for min_cluster_size in sizes {
        for selection in [ClusterSelection::ExcessOfMass, ClusterSelection::Leaf] {
            methods.push(Method::Hdbscan { min_cluster_size, selection });
        }
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reduction_is_tried_with_every_method_once() {
        assert_eq!(reductions(4, Some(2.2)), [Reduction::Pca(2), Reduction::Pca(3), Reduction::None]);
        let wide = reductions(31, Some(6.4));
        assert_eq!(wide[..4], [2, 3, 6, 12].map(Reduction::Pca));
        assert_eq!(reductions(1, None), [Reduction::None]);
        let all = candidates(1000, 31, &wide, 10);
        // Three reductions narrow enough for full covariances.
        assert_eq!(all.len(), 5 * (9 + 9 + 9 + 8) + 3 * 9);
        assert!(all.iter().enumerate().all(|(i, one)| !all[..i].contains(one)));
        assert_eq!(all[0].to_string(), "k-means with 2 clusters on 2 principal components");
        let few = candidates(20, 31, &[Reduction::None], 10);
        assert_eq!(few.len(), 3 + 3 + 3 + 2, "{few:?}");
    }
}
