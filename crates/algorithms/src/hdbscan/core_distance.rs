//! How far a row must reach for its neighbours.

/// The core distance of a distinct row that occurs `own` times: the distance to its `min_samples`-th neighbour, each
/// neighbour counted as often as it occurs and the row itself not. `neighbors` are the other distinct rows, nearest
/// first, as squared distance and count.
pub(super) fn core_distance(own: u32, neighbors: impl Iterator<Item = (f64, u32)>, min_samples: usize) -> f64 {
    let mut seen = own as usize - 1;
    let mut reached = 0.0;
    for (squared, count) in neighbors {
        if seen >= min_samples {
            break;
        }
        seen += count as usize;
        reached = squared;
    }
    reached.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_rows_count_as_often_as_they_occur() {
        let neighbors = || [(1.0, 1), (4.0, 3), (9.0, 1)].into_iter();
        assert_eq!(core_distance(1, neighbors(), 1), 1.0);
        assert_eq!(core_distance(1, neighbors(), 4), 2.0);
        assert_eq!(core_distance(1, neighbors(), 5), 3.0);
        assert_eq!(core_distance(3, neighbors(), 2), 0.0);
        assert_eq!(core_distance(3, neighbors(), 3), 1.0);
    }
}
