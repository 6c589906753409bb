//! Hyperparameters of UMAP.

use linfa::ParamGuard;

use super::errors::UmapParamsError;

/// Where the rows stand before they are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Along the first principal components.
    PrincipalComponents,
    /// Along the smoothest vectors on the graph of neighbours (Belkin and Niyogi 2003); along principal components where
    /// the graph falls apart, as these vectors would only tell its parts.
    Spectral,
}

/// Checked hyperparameters of [`Umap`](super::Umap); made by [`UmapParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UmapValidParams {
    pub(super) components: usize,
    pub(super) neighbors: usize,
    pub(super) min_dist: f64,
    pub(super) spread: f64,
    pub(super) epochs: Option<usize>,
    pub(super) learning_rate: f64,
    pub(super) negative_samples: usize,
    pub(super) start: Start,
    pub(super) target_weight: f64,
    pub(super) exact_rows_max: usize,
    pub(super) seed: u64,
}

/// Unchecked hyperparameters: 15 neighbours, `min_dist` .1, `spread` 1, learning rate 1, 5 negative samples, a start along
/// principal components and seed 0, unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UmapParams(UmapValidParams);

impl UmapParams {
    /// The defaults for this number of coordinates, 1 to 32.
    pub fn new(components: usize) -> Self {
        Self(UmapValidParams {
            components,
            neighbors: 15,
            min_dist: 0.1,
            spread: 1.0,
            epochs: None,
            learning_rate: 1.0,
            negative_samples: 5,
            start: Start::PrincipalComponents,
            target_weight: 0.5,
            exact_rows_max: 100_000,
            seed: 0,
        })
    }
    /// Neighbours a row is held to, itself counted, 2 to 200. More of them show less of the detail.
    #[must_use]
    pub fn neighbors(mut self, neighbors: usize) -> Self {
        self.0.neighbors = neighbors;
        self
    }
    /// Distance below which neighbours need not come closer, from 0 to `spread`.
    #[must_use]
    pub fn min_dist(mut self, min_dist: f64) -> Self {
        self.0.min_dist = min_dist;
        self
    }
    /// Scale of all distances, above 0 and at most 100.
    #[must_use]
    pub fn spread(mut self, spread: f64) -> Self {
        self.0.spread = spread;
        self
    }
    /// Passes over the neighbours, 1 to 10,000; unless told, 500 up to 10,000 rows and 200 beyond.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.0.epochs = Some(epochs);
        self
    }
    /// Length of the first steps, above 0 and at most 10; it falls to nothing.
    #[must_use]
    pub fn learning_rate(mut self, learning_rate: f64) -> Self {
        self.0.learning_rate = learning_rate;
        self
    }
    /// Rows that a row is pushed away from each time a neighbour draws it near, 1 to 50.
    #[must_use]
    pub fn negative_samples(mut self, negative_samples: usize) -> Self {
        self.0.negative_samples = negative_samples;
        self
    }
    /// Where the rows stand before they are moved.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.0.start = start;
        self
    }
    /// What labels count for where they are given, 0 (nothing) to 1 (rows of different labels are no neighbours).
    #[must_use]
    pub fn target_weight(mut self, target_weight: f64) -> Self {
        self.0.target_weight = target_weight;
        self
    }
    /// Up to this many rows all neighbours are exact, 100,000 unless told; beyond, nearly all are found, in less time.
    #[must_use]
    pub fn exact_rows_max(mut self, exact_rows_max: usize) -> Self {
        self.0.exact_rows_max = exact_rows_max;
        self
    }
    /// Seed of the rows that are pushed away from.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl ParamGuard for UmapParams {
    type Checked = UmapValidParams;
    type Error = UmapParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        if !(2..=200).contains(&params.neighbors) {
            return Err(UmapParamsError::Neighbors(params.neighbors));
        }
        if !(1..=32).contains(&params.components) {
            return Err(UmapParamsError::Components(params.components));
        }
        let UmapValidParams { min_dist, spread, .. } = *params;
        if !(spread > 0.0 && spread <= 100.0 && min_dist >= 0.0 && min_dist <= spread) {
            return Err(UmapParamsError::Distances { min_dist, spread });
        }
        if let Some(epochs) = params.epochs.filter(|epochs| !(1..=10_000).contains(epochs)) {
            return Err(UmapParamsError::Epochs(epochs));
        }
        if !(params.learning_rate > 0.0 && params.learning_rate <= 10.0) {
            return Err(UmapParamsError::LearningRate(params.learning_rate));
        }
        if !(1..=50).contains(&params.negative_samples) {
            return Err(UmapParamsError::NegativeSamples(params.negative_samples));
        }
        if !(0.0..=1.0).contains(&params.target_weight) {
            return Err(UmapParamsError::TargetWeight(params.target_weight));
        }
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
        let error = |params: UmapParams| params.check().unwrap_err().to_string();
        assert!(UmapParams::new(2).check().is_ok());
        assert!(error(UmapParams::new(0)).starts_with("0 components"));
        assert!(error(UmapParams::new(2).neighbors(1)).starts_with("1 neighbours"));
        assert!(error(UmapParams::new(2).min_dist(2.0)).starts_with("min_dist is 2"));
        assert!(error(UmapParams::new(2).spread(f64::NAN)).starts_with("min_dist is 0.1, spread NaN"));
        assert!(error(UmapParams::new(2).epochs(0)).starts_with("0 epochs"));
        assert!(error(UmapParams::new(2).learning_rate(0.0)).starts_with("the learning rate is 0"));
        assert!(error(UmapParams::new(2).negative_samples(0)).starts_with("0 negative samples"));
        assert!(error(UmapParams::new(2).target_weight(1.5)).starts_with("the weight of the labels is 1.5"));
    }
}
