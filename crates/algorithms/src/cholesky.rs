//! Solving a small symmetric positive definite system.

use ndarray::Array2;

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

    /// The first `order` rows and columns of a symmetric matrix.
    pub(crate) fn leading(matrix: &Array2<f64>, order: usize) -> Self {
        let mut lower = Vec::with_capacity(start(order));
        (0..order).for_each(|row| lower.extend(matrix.row(row).iter().take(row + 1)));
        Self { order, lower }
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
        let positive = |pivot: f64, _: f64| (pivot > 0.0).then(|| pivot.sqrt());
        self.factor_by(positive)
    }

    /// As [`factor`](Self::factor), but a column of which those before it explain all but `tolerance` of its square is left
    /// out, and so is one of zeros: solutions are 0 there. Nothing if an entry is not a number. `O(order^3)`.
    pub(crate) fn factor_of_independent(&self, tolerance: f64) -> Option<Factor> {
        // An infinite pivot makes everything divided by it vanish.
        let kept = |pivot: f64, square: f64| {
            let apart = if pivot > tolerance * square { pivot.sqrt() } else { f64::INFINITY };
            pivot.is_finite().then_some(apart)
        };
        self.factor_by(kept)
    }

    /// `root` turns what is left of a column's square, and its square, into the entry on the diagonal.
    fn factor_by(&self, root: impl Fn(f64, f64) -> Option<f64>) -> Option<Factor> {
        let mut factor = self.lower.clone();
        for row in 0..self.order {
            let (above, this) = factor.split_at_mut(start(row));
            for column in 0..row {
                let other = &above[start(column)..=start(column) + column];
                this[column] = (this[column] - dot(&this[..column], &other[..column])) / other[column];
            }
            let pivot = this[row] - dot(&this[..row], &this[..row]);
            this[row] = root(pivot, this[row])?;
        }
        Some(Factor { order: self.order, lower: factor })
    }
}

/// A matrix factored, to solve for several right sides.
#[derive(Clone)]
pub(crate) struct Factor {
    order: usize,
    lower: Vec<f64>,
}

impl Factor {
    /// Whether a column was kept, by its number.
    pub(crate) fn keeps(&self, column: usize) -> bool {
        self.lower[start(column) + column].is_finite()
    }

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

    #[test]
    fn a_dependent_column_is_left_out_and_the_rest_solved() {
        // Columns: one, x, 2 x + 1, zero.
        let mut matrix = Symmetric::zeros(4);
        let mut right = [0.0; 4];
        for x in [0.0, 1.0, 2.0, 4.0] {
            let row = [1.0, x, 2.0 * x + 1.0, 0.0];
            matrix.add_outer(1.0, &row);
            right.iter_mut().zip(row).for_each(|(sum, value)| *sum += value * (3.0 - x));
        }
        let factor = matrix.factor_of_independent(1e-10).unwrap();
        assert_eq!([0, 1, 2, 3].map(|column| factor.keeps(column)), [true, true, false, false]);
        let solution = factor.solve(&right);
        assert!(solution.iter().zip([3.0, -1.0, 0.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{solution:?}");
        matrix.add_diagonal(0, f64::NAN);
        assert!(matrix.factor_of_independent(1e-10).is_none());
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
