//! Solving a small symmetric positive definite system.

/// A symmetric matrix, its lower triangle row after row: entry (i, j), j <= i, is at `i (i + 1) / 2 + j`.
#[derive(Clone)]
pub(crate) struct Symmetric {
    pub(crate) order: usize,
    pub(crate) lower: Vec<f64>,
}

fn start(row: usize) -> usize {
    row * (row + 1) / 2
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Symmetric {
    pub(crate) fn zeros(order: usize) -> Self {
        Self { order, lower: vec![0.0; start(order)] }
    }

    /// Adds `weight` times the outer product of `vector` with itself.
    pub(crate) fn add_outer(&mut self, weight: f64, vector: &[f64]) {
        let mut rest = self.lower.as_mut_slice();
        for row in 0..vector.len() {
            let (entries, after) = rest.split_at_mut(row + 1);
            let scaled = weight * vector[row];
            for (entry, value) in entries.iter_mut().zip(vector) {
                *entry += scaled * value;
            }
            rest = after;
        }
    }

    pub(crate) fn add_diagonal(&mut self, row: usize, value: f64) {
        self.lower[start(row) + row] += value;
    }

    /// Adds another matrix of the same order.
    pub(crate) fn add(&mut self, other: &Self) {
        self.lower.iter_mut().zip(&other.lower).for_each(|(sum, value)| *sum += value);
    }

    /// Entry at row and column.
    pub(crate) fn entry(&self, row: usize, column: usize) -> f64 {
        self.lower[start(row.max(column)) + row.min(column)]
    }

    /// Solves `self x = right`; nothing if the matrix is not positive definite. `O(order^3)`.
    pub(crate) fn solve(&self, right: &[f64]) -> Option<Vec<f64>> {
        Some(self.factor()?.solve(right))
    }

    /// The lower triangle `L` with `L L^T = self`; nothing if the matrix is not positive definite. `O(order^3)`.
    pub(crate) fn factor(&self) -> Option<Factor> {
        let mut factor = self.lower.clone();
        for row in 0..self.order {
            let (above, this) = factor.split_at_mut(start(row));
            for column in 0..row {
                let other = &above[start(column)..=start(column) + column];
                this[column] = (this[column] - dot(&this[..column], &other[..column])) / other[column];
            }
            let pivot = this[row] - dot(&this[..row], &this[..row]);
            if pivot.is_nan() || pivot <= 0.0 {
                return None;
            }
            this[row] = pivot.sqrt();
        }
        Some(Factor { order: self.order, lower: factor })
    }
}

/// A matrix factored, to solve for several right sides.
pub(crate) struct Factor {
    order: usize,
    lower: Vec<f64>,
}

impl Factor {
    /// Solves for one right side. `O(order^2)`.
    pub(crate) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut solution = right.to_vec();
        for row in 0..self.order {
            let entries = &self.lower[start(row)..=start(row) + row];
            solution[row] = (solution[row] - dot(&entries[..row], &solution[..row])) / entries[row];
        }
        for row in (0..self.order).rev() {
            let entries = &self.lower[start(row)..=start(row) + row];
            let value = solution[row] / entries[row];
            solution[row] = value;
            for (column, entry) in entries[..row].iter().enumerate() {
                solution[column] -= entry * value;
            }
        }
        solution
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_indefinite_matrix_is_refused() {
        let mut matrix = Symmetric::zeros(2);
        matrix.add_outer(1.0, &[1.0, 1.0]);
        assert!(matrix.solve(&[1.0, 1.0]).is_none());
        matrix.add_diagonal(0, 1.0);
        let solution = matrix.solve(&[3.0, 2.0]).unwrap();
        assert!(solution.iter().all(|value| (value - 1.0).abs() < 1e-12));
    }

    proptest! {
        #[test]
        fn the_solution_solves(vectors in prop::collection::vec(prop::collection::vec(-2.0..2.0f64, 5), 0..12), right in prop::collection::vec(-9.0..9.0f64, 5)) {
            let mut matrix = Symmetric::zeros(5);
            vectors.iter().for_each(|vector| matrix.add_outer(1.5, vector));
            (0..5).for_each(|row| matrix.add_diagonal(row, 0.5));
            let solution = matrix.solve(&right).unwrap();
            for (row, expected) in right.iter().enumerate() {
                let product: f64 = (0..5).map(|column| matrix.entry(row, column) * solution[column]).sum();
                prop_assert!((product - expected).abs() < 1e-8);
            }
        }
    }
}
