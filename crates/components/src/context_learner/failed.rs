//! What kept clusters from being found.

use souffleur_algorithms::Interrupted;
use souffleur_algorithms::clustering_quality::ClusteringQualityError;
use souffleur_algorithms::hdbscan::HdbscanError;
use souffleur_algorithms::neighbors::NeighborsError;
use souffleur_algorithms::pca::PcaError;
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;

/// Why there are no clusters.
#[derive(Debug)]
pub(super) enum Failed {
    Interrupted,
    Data(String),
}

impl From<HdbscanError> for Failed {
    fn from(error: HdbscanError) -> Self {
        match error {
            HdbscanError::Interrupted(_) => Self::Interrupted,
            other => Self::Data(other.to_string()),
        }
    }
}

impl From<NeighborsError> for Failed {
    fn from(error: NeighborsError) -> Self {
        match error {
            NeighborsError::Interrupted(_) => Self::Interrupted,
            other => Self::Data(other.to_string()),
        }
    }
}

impl From<ClusteringQualityError> for Failed {
    fn from(error: ClusteringQualityError) -> Self {
        match error {
            ClusteringQualityError::Interrupted(_) => Self::Interrupted,
            other => Self::Data(other.to_string()),
        }
    }
}

impl From<PcaError> for Failed {
    fn from(error: PcaError) -> Self {
        match error {
            PcaError::Interrupted(_) => Self::Interrupted,
            other => Self::Data(other.to_string()),
        }
    }
}

impl From<Interrupted> for Failed {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl Failed {
    /// As the component's error; the job says why it was interrupted.
    pub(super) fn into_error(self, job: &Job) -> ComponentError {
        match (self, job.check()) {
            (_, Err(interrupted)) => interrupted.into(),
            (Self::Interrupted, Ok(())) => ComponentError::Data("the search was interrupted".to_owned()),
            (Self::Data(why), Ok(())) => ComponentError::Data(why),
        }
    }
}
