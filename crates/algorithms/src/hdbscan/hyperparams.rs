//! Hyperparameters of the clustering.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::errors::HdbscanParamsError;
use super::metric::Metric;

/// Farthest neighbour a core distance may ask for.
const SAMPLES_MAX: usize = 1024;

/// Which clusters of the condensed tree are the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClusterSelection {
    /// Those that together persist longest (excess of mass, Campello et al. 2013): few and stable.
    #[default]
    ExcessOfMass,
    /// The leaves of the tree: many and homogeneous.
    Leaf,
}

/// Checked hyperparameters of an [`Hdbscan`](super::Hdbscan); made by [`HdbscanParams`].
#[derive(Debug, Clone, PartialEq)]
pub struct HdbscanValidParams {
    min_cluster_size: usize,
    min_samples: Option<usize>,
    metric: Metric,
    cluster_selection: ClusterSelection,
    cluster_selection_epsilon: f64,
    allow_single_cluster: bool,
}

impl HdbscanValidParams {
    /// Fewest rows of a cluster.
    pub fn min_cluster_size(&self) -> usize {
        self.min_cluster_size
    }
    /// Which neighbour's distance is the core distance.
    pub fn min_samples(&self) -> usize {
        self.min_samples.unwrap_or(self.min_cluster_size)
    }
    /// How far apart two rows are.
    pub fn metric(&self) -> &Metric {
        &self.metric
    }
    /// Which clusters of the tree are taken.
    pub fn cluster_selection(&self) -> ClusterSelection {
        self.cluster_selection
    }
    /// Distance below which clusters are not split.
    pub fn cluster_selection_epsilon(&self) -> f64 {
        self.cluster_selection_epsilon
    }
    /// Whether all rows together may be the only cluster.
    pub fn allow_single_cluster(&self) -> bool {
        self.allow_single_cluster
    }
}

/// Unchecked hyperparameters: clusters of 5 rows or more, `min_samples` the same, Euclidean distance, excess of mass.
#[derive(Debug, Clone, PartialEq)]
pub struct HdbscanParams(HdbscanValidParams);

impl Default for HdbscanParams {
    fn default() -> Self {
        Self(HdbscanValidParams {
            min_cluster_size: 5,
            min_samples: None,
            metric: Metric::Euclidean,
            cluster_selection: ClusterSelection::ExcessOfMass,
            cluster_selection_epsilon: 0.0,
            allow_single_cluster: false,
        })
    }
}

impl HdbscanParams {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }
    /// Fewest rows that count as a cluster, 2 or more. The one parameter that matters: smaller groups are noise or part
    /// of a larger cluster.
    #[must_use]
    pub fn min_cluster_size(mut self, min_cluster_size: usize) -> Self {
        self.0.min_cluster_size = min_cluster_size;
        self
    }
    /// The distance to the `min_samples`-th neighbour (the row itself not counted) is a row's core distance, 1 to 1024;
    /// `min_cluster_size` unless given. More makes sparse rows noise and outlines smooth.
    #[must_use]
    pub fn min_samples(mut self, min_samples: usize) -> Self {
        self.0.min_samples = Some(min_samples);
        self
    }
    /// How far apart two rows are.
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.0.metric = metric;
        self
    }
    /// Which clusters of the condensed tree are taken.
    #[must_use]
    pub fn cluster_selection(mut self, cluster_selection: ClusterSelection) -> Self {
        self.0.cluster_selection = cluster_selection;
        self
    }
    /// Clusters closer than this are not split further (Malzer & Baum 2020); 0 splits at any distance.
    #[must_use]
    pub fn cluster_selection_epsilon(mut self, epsilon: f64) -> Self {
        self.0.cluster_selection_epsilon = epsilon;
        self
    }
    /// Whether all rows together may be the only cluster. By default they may not: a clustering says what differs.
    #[must_use]
    pub fn allow_single_cluster(mut self, allow: bool) -> Self {
        self.0.allow_single_cluster = allow;
        self
    }
}

impl ParamGuard for HdbscanParams {
    type Checked = HdbscanValidParams;
    type Error = HdbscanParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        if params.min_cluster_size < 2 || u32::try_from(params.min_cluster_size).is_err() {
            return Err(HdbscanParamsError::ClusterSize(params.min_cluster_size));
        }
        if !(1..=SAMPLES_MAX).contains(&params.min_samples()) {
            return Err(HdbscanParamsError::Samples(params.min_samples()));
        }
        if !(params.cluster_selection_epsilon.is_finite() && params.cluster_selection_epsilon >= 0.0) {
            return Err(HdbscanParamsError::Epsilon(params.cluster_selection_epsilon));
        }
        params.metric.check()?;
        Ok(params)
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_refused_by_name() {
        let error = |params: HdbscanParams| params.check().unwrap_err().to_string();
        assert!(error(HdbscanParams::new().min_cluster_size(1)).starts_with("min_cluster_size is 1"));
        assert!(error(HdbscanParams::new().min_samples(0)).starts_with("min_samples is 0"));
        assert!(error(HdbscanParams::new().min_cluster_size(5000)).starts_with("min_samples is 5000"));
        assert!(error(HdbscanParams::new().cluster_selection_epsilon(f64::NAN)).starts_with("cluster_selection_eps"));
        let weights = Metric::Weighted(vec![1.0, -1.0]);
        assert!(error(HdbscanParams::new().metric(weights)).starts_with("the weight of column 1 is -1"));
    }

    #[test]
    fn min_samples_follows_the_cluster_size_unless_given() {
        assert_eq!(HdbscanParams::new().min_cluster_size(7).check().unwrap().min_samples(), 7);
        assert_eq!(HdbscanParams::new().min_cluster_size(7).min_samples(3).check().unwrap().min_samples(), 3);
    }
}
