//! How far a row must reach for its neighbours.

use crate::neighbors::Neighbor;

/// The core distance of a distinct row: the distance to its `min_samples`-th neighbour, each neighbour counted as often
/// as it occurs and the row itself not. `neighbors` are the nearest distinct rows, nearest first, the row itself among
/// them or not.
pub(super) fn core_distance(own: usize, neighbors: &[Neighbor], counts: &[u32], min_samples: usize) -> f64 {
    let mut seen = counts[own] as usize - 1;
    if seen >= min_samples {
        return 0.0;
    }
    for neighbor in neighbors.iter().filter(|neighbor| neighbor.row != own) {
        seen += counts[neighbor.row] as usize;
        if seen >= min_samples {
            return neighbor.distance;
        }
    }
    neighbors.last().map_or(0.0, |farthest| farthest.distance)
}
