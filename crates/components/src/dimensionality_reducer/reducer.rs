//! The three kinds of reduction behind one face: rows to coordinates, and back.

use std::fmt;

use ndarray::{Array1, Array2, ArrayView2};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_algorithms::autoencoder::Autoencoder;
use souffleur_algorithms::neighbors::NeighborIndex;
use souffleur_algorithms::pca::Pca;
use souffleur_algorithms::umap::Umap;
use souffleur_algorithms::{ParamGuard, Watch};
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;

use super::downstream::Sessions;
use super::params::Params;

/// Known rows whose mean stands for what a place in a picture means.
const BACK_NEIGHBORS: usize = 5;
/// Neighbours UMAP holds a row to, itself counted; fewer where there are few rows.
const UMAP_NEIGHBORS: usize = 15;

/// What an algorithm refused. Whoever trains looks whether the job was interrupted.
pub(super) fn unusable(error: &dyn std::error::Error) -> ComponentError {
    ComponentError::Data(error.to_string())
}

/// A way of reducing, the simplest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Principal components.
    Pca,
    /// Principal components, and beside them the direction that outcomes follow.
    Directed,
    /// An autoencoder.
    Autoencoder,
    /// UMAP.
    Umap,
}

/// A reduction that is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Candidate {
    pub(super) method: Method,
    pub(super) components: usize,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.method {
            Method::Pca => write!(f, "{} principal components", self.components),
            Method::Directed => {
                let others = self.components.saturating_sub(1);
                write!(f, "{others} principal components and the direction that outcomes follow")
            }
            Method::Autoencoder => write!(f, "an autoencoder with a code of {}", self.components),
            Method::Umap => write!(f, "UMAP in {} dimensions", self.components),
        }
    }
}

/// A picture by UMAP, with what is needed to say what its places mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Picture {
    umap: Umap,
    known: Array2<f32>,
    places: NeighborIndex<f32>,
}

/// Coordinates along directions of unit length that are perpendicular to each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Directions {
    mean: Array1<f64>,
    /// Components x 31.
    components: Array2<f64>,
}

impl Directions {
    /// The principal components, and what is left beside them of the direction in which a logistic regression sees outcomes
    /// change. Whatever is learnt from these coordinates by weighing features can be learnt from them as from all.
    pub(super) fn of(pca: &Pca, sessions: &Sessions, watch: &dyn Watch) -> Result<Self, ComponentError> {
        let (mean, mut components) = (pca.mean().to_owned(), pca.components().to_owned());
        let mut beside = Array1::from(sessions.regression(watch)?.coefficients().to_vec());
        let length = beside.dot(&beside).sqrt();
        // Twice, so that rounding does not tell.
        for _ in 0..2 {
            for component in components.outer_iter() {
                let along = beside.dot(&component);
                beside.scaled_add(-along, &component);
            }
        }
        let left = beside.dot(&beside).sqrt();
        if left > 1e-6 * length {
            beside /= left;
            components.push_row(beside.view()).map_err(|e| unusable(&e))?;
        }
        Ok(Self { mean, components })
    }

    fn is_sound(&self) -> bool {
        let finite = self.mean.iter().chain(&self.components).all(|value| value.is_finite());
        finite && self.mean.len() == WIDTH && self.components.ncols() == WIDTH && self.components.nrows() > 0
    }
}

/// A reduction that was learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Reducer {
    Pca(Pca),
    Directed(Directions),
    Autoencoder(Box<Autoencoder>),
    Umap(Box<Picture>),
}

/// The principal components of `rows`.
fn principal(rows: ArrayView2<'_, f32>, components: usize, watch: &dyn Watch) -> Result<Pca, ComponentError> {
    let checked = Pca::params().components(components).check().map_err(|e| unusable(&e))?;
    checked.fit(rows, watch).map_err(|e| unusable(&e))
}

impl Reducer {
    /// Learns from `rows`, sessions x 31, and where outcomes count from `sessions`.
    pub(super) fn fit(
        candidate: Candidate,
        (rows, sessions): (ArrayView2<'_, f32>, Option<&Sessions>),
        params: &Params,
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<Self, ComponentError> {
        match candidate.method {
            Method::Pca => Ok(Self::Pca(principal(rows, candidate.components, watch)?)),
            Method::Directed => {
                let sessions = sessions.ok_or_else(|| ComponentError::Data("no outcome is known".to_owned()))?;
                let pca = principal(rows, candidate.components.saturating_sub(1).max(1), watch)?;
                Ok(Self::Directed(Directions::of(&pca, sessions, watch)?))
            }
            Method::Autoencoder => {
                let asked = Autoencoder::params(candidate.components).hidden(params.hidden).epochs(params.epochs);
                let checked = asked.patience(5).learning_rate(0.004).seed(seed).check().map_err(|e| unusable(&e))?;
                Ok(Self::Autoencoder(Box::new(checked.fit(rows, watch).map_err(|e| unusable(&e))?)))
            }
            Method::Umap => {
                let neighbors = UMAP_NEIGHBORS.min(rows.nrows().saturating_sub(1));
                let asked = Umap::params(candidate.components).neighbors(neighbors).epochs(params.epochs);
                let checked = asked.seed(seed).check().map_err(|e| unusable(&e))?;
                let umap = checked.fit(rows, watch).map_err(|e| unusable(&e))?;
                let places = NeighborIndex::new(umap.embedding(), watch).map_err(|e| unusable(&e))?;
                Ok(Self::Umap(Box::new(Picture { umap, known: rows.to_owned(), places })))
            }
        }
    }

    pub(super) fn candidate(&self) -> Candidate {
        match self {
            Self::Pca(pca) => Candidate { method: Method::Pca, components: pca.components().nrows() },
            Self::Directed(along) => Candidate { method: Method::Directed, components: along.components.nrows() },
            Self::Autoencoder(coder) => Candidate { method: Method::Autoencoder, components: coder.code() },
            Self::Umap(picture) => {
                Candidate { method: Method::Umap, components: picture.umap.embedding().ncols() }
            }
        }
    }

    /// Whether it takes rows of 31 features and its parts fit together; one that was read back must be looked at first.
    pub(super) fn is_sound(&self) -> bool {
        match self {
            Self::Pca(pca) => pca.mean().len() == WIDTH,
            Self::Directed(along) => along.is_sound(),
            Self::Autoencoder(coder) => coder.columns() == WIDTH,
            Self::Umap(picture) => {
                let Picture { umap, known, places } = picture.as_ref();
                let (rows, components) = umap.embedding().dim();
                let fits = known.dim() == (rows, WIDTH) && places.rows() == rows && places.columns() == components;
                umap.columns() == WIDTH && fits
            }
        }
    }

    /// The coordinates of each row, rows x components.
    pub(super) fn coordinates(
        &self,
        rows: ArrayView2<'_, f32>,
        watch: &dyn Watch,
    ) -> Result<Array2<f32>, ComponentError> {
        match self {
            Self::Pca(pca) => Ok(pca.transform(rows, watch).map_err(|e| unusable(&e))?.mapv(|value| value as f32)),
            Self::Directed(along) => {
                let centred = rows.mapv(f64::from) - &along.mean;
                Ok(centred.dot(&along.components.t()).mapv(|value| value as f32))
            }
            Self::Autoencoder(coder) => {
                Ok(coder.transform(rows, watch).map_err(|e| unusable(&e))?.mapv(|value| value as f32))
            }
            Self::Umap(picture) => picture.umap.transform(rows, watch).map_err(|e| unusable(&e)),
        }
    }

    /// The features that these coordinates stand for, rows x 31; in a picture by UMAP those of the sessions placed nearest.
    pub(super) fn back(&self, places: ArrayView2<'_, f32>, watch: &dyn Watch) -> Result<Array2<f64>, ComponentError> {
        match self {
            Self::Pca(pca) => pca.inverse_transform(places, watch).map_err(|e| unusable(&e)),
            Self::Directed(along) => Ok(places.mapv(f64::from).dot(&along.components) + &along.mean),
            Self::Autoencoder(coder) => coder.inverse_transform(places, watch).map_err(|e| unusable(&e)),
            Self::Umap(picture) => {
                let Picture { known, places: index, .. } = picture.as_ref();
                let found = index.nearest_batch(places, BACK_NEIGHBORS, watch).map_err(|e| unusable(&e))?;
                let mut back = Array2::zeros((places.nrows(), known.ncols()));
                for (mut to, near) in back.outer_iter_mut().zip(found) {
                    // The nearer counts for more; at the very place of a known session nothing else counts.
                    let weight = |distance: f64| 1.0 / distance.max(1e-6);
                    let total: f64 = near.iter().map(|one| weight(one.distance)).sum();
                    for one in near {
                        to.scaled_add(weight(one.distance) / total, &known.row(one.row).mapv(f64::from));
                    }
                }
                Ok(back)
            }
        }
    }
}
