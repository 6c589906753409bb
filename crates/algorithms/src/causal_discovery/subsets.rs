//! Subsets of a given size, in lexicographic order.

/// Goes through the subsets of `size` of `pool`, in the order of their positions.
pub(super) struct Subsets<'a> {
    pool: &'a [usize],
    at: Vec<usize>,
    chosen: Vec<usize>,
    started: bool,
}

impl<'a> Subsets<'a> {
    pub(super) fn new(pool: &'a [usize], size: usize) -> Self {
        Self { pool, at: (0..size).collect(), chosen: Vec::with_capacity(size), started: false }
    }

    /// The next subset, valid until the next call.
    pub(super) fn next(&mut self) -> Option<&[usize]> {
        let size = self.at.len();
        if size > self.pool.len() {
            return None;
        }
        if self.started {
            let last = (0..size).rev().find(|i| self.at[*i] < self.pool.len() - size + i)?;
            self.at[last] += 1;
            for i in last + 1..size {
                self.at[i] = self.at[i - 1] + 1;
            }
        }
        self.started = true;
        self.chosen.clear();
        self.chosen.extend(self.at.iter().map(|i| self.pool[*i]));
        Some(&self.chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pool: &[usize], size: usize) -> Vec<Vec<usize>> {
        let mut subsets = Subsets::new(pool, size);
        std::iter::from_fn(|| subsets.next().map(<[usize]>::to_vec)).collect()
    }

    #[test]
    fn each_subset_comes_once() {
        assert_eq!(all(&[], 0), [Vec::<usize>::new()]);
        assert_eq!(all(&[3, 5], 0), [Vec::<usize>::new()]);
        assert_eq!(all(&[1, 4, 7], 2), [[1, 4], [1, 7], [4, 7]]);
        assert!(all(&[1], 2).is_empty());
        assert_eq!(all(&[0, 1, 2, 3, 4, 5, 6], 3).len(), 35);
    }
}
