//! Ridge regression from sums: a linear model with a penalty, fitted again and again without another look at the rows.

use serde::{Deserialize, Serialize};

use crate::cholesky::Symmetric;

/// A fit was refused.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum RidgeError {
    /// The penalty is out of range.
    #[error("l2 is {0}: it must be a finite number above 0")]
    L2(f64),
    /// A row has another width than those before it.
    #[error("the row has {found} columns, {expected} are expected")]
    Columns {
        /// Columns expected.
        expected: usize,
        /// Columns given.
        found: usize,
    },
    /// The sums overflowed or are not numbers.
    #[error("the sums of squares are not finite: scale the columns, or leave out missing values")]
    NotFinite,
}

/// Sums over rows and targets: all that the penalised least-squares problem needs to know of them.
///
/// # What it does
/// Minimises `sum (y - x . b)^2 + l2 |b|^2` (Hoerl & Kennard 1970) over the coefficients `b`. There is no intercept: give
/// the rows a column of ones if one is wanted. Sums of disjoint rows can be merged, and the squared error of any
/// coefficients on summed rows follows from the sums, so a penalty is chosen by cross-validation at no cost in rows.
///
/// # Cost
/// `O(columns^2)` a row, `O(columns^3)` a fit. Memory does not grow with the rows.
///
/// # Example
/// ```
/// use souffleur_algorithms::ridge::RidgeSums;
/// let mut sums = RidgeSums::new(2);
/// for x in 0..10 {
///     sums.add(&[1.0, f64::from(x)], 3.0 + 2.0 * f64::from(x))?;
/// }
/// let model = sums.fit(1e-9)?;
/// assert!((model.predict(&[1.0, 4.0]) - 11.0).abs() < 1e-6);
/// # Ok::<(), souffleur_algorithms::ridge::RidgeError>(())
/// ```
#[derive(Clone)]
pub struct RidgeSums {
    gram: Symmetric,
    cross: Vec<f64>,
    squares: f64,
    rows: usize,
}

impl RidgeSums {
    /// Sums over no rows of this width.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { gram: Symmetric::zeros(columns), cross: vec![0.0; columns], squares: 0.0, rows: 0 }
    }

    /// Rows summed.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row and its target.
    ///
    /// # Errors
    /// The row has another width.
    pub fn add(&mut self, row: &[f64], target: f64) -> Result<(), RidgeError> {
        check_width(self.cross.len(), row.len())?;
        self.gram.add_outer(1.0, row);
        self.cross.iter_mut().zip(row).for_each(|(sum, value)| *sum += value * target);
        self.squares += target * target;
        self.rows += 1;
        Ok(())
    }

    /// The sums over the rows of both.
    ///
    /// # Errors
    /// Their rows differ in width.
    pub fn merged(&self, other: &Self) -> Result<Self, RidgeError> {
        check_width(self.cross.len(), other.cross.len())?;
        let mut all = self.clone();
        all.gram.add(&other.gram);
        all.cross.iter_mut().zip(&other.cross).for_each(|(sum, value)| *sum += value);
        all.squares += other.squares;
        all.rows += other.rows;
        Ok(all)
    }

    /// The coefficients that fit the summed rows best under this penalty.
    ///
    /// # Errors
    /// The penalty is not above 0, or the sums are not finite.
    pub fn fit(&self, l2: f64) -> Result<Ridge, RidgeError> {
        let coefficients = self.penalised(l2)?.solve(&self.cross).ok_or(RidgeError::NotFinite)?;
        if coefficients.iter().all(|value| value.is_finite()) {
            Ok(Ridge { coefficients })
        } else {
            Err(RidgeError::NotFinite)
        }
    }

    fn penalised(&self, l2: f64) -> Result<Symmetric, RidgeError> {
        if !(l2 > 0.0 && l2.is_finite()) {
            return Err(RidgeError::L2(l2));
        }
        let mut gram = self.gram.clone();
        (0..self.cross.len()).for_each(|row| gram.add_diagonal(row, l2));
        Ok(gram)
    }

    /// The summed squared error that a model makes on the summed rows.
    ///
    /// # Errors
    /// The model has another width.
    pub fn squared_error(&self, model: &Ridge) -> Result<f64, RidgeError> {
        let b = &model.coefficients;
        check_width(self.cross.len(), b.len())?;
        let columns = 0..b.len();
        let of_row =
            |row: usize| -> f64 { columns.clone().map(|column| self.gram.entry(row, column) * b[column]).sum() };
        let quadratic: f64 = columns.clone().map(|row| b[row] * of_row(row)).sum();
        let linear: f64 = b.iter().zip(&self.cross).map(|(b, cross)| b * cross).sum();
        Ok((self.squares - 2.0 * linear + quadratic).max(0.0))
    }

    /// How uncertain the coefficients are, whatever the variance of the targets from row to row: `A (sum r^2 x x^T) A`
    /// with `A` the inverse of the penalised matrix (White 1980). `residuals` are the same rows with `target - x . b` for
    /// target. The penalty's bias is no part of it.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), or the widths differ.
    pub fn covariance(&self, l2: f64, residuals: &ResidualSums) -> Result<Covariance, RidgeError> {
        let columns = self.cross.len();
        check_width(columns, residuals.meat.order)?;
        let factor = self.penalised(l2)?.factor().ok_or(RidgeError::NotFinite)?;
        // A M, column by column of M, then A (A M)^T.
        let half: Vec<Vec<f64>> = (0..columns)
            .map(|c| factor.solve(&(0..columns).map(|row| residuals.meat.entry(row, c)).collect::<Vec<f64>>()))
            .collect();
        let mut lower = Vec::with_capacity(columns * (columns + 1) / 2);
        for row in 0..columns {
            let of_row: Vec<f64> = half.iter().map(|column| column[row]).collect();
            lower.extend_from_slice(&factor.solve(&of_row)[..=row]);
        }
        if lower.iter().all(|value| value.is_finite()) {
            Ok(Covariance { columns, lower })
        } else {
            Err(RidgeError::NotFinite)
        }
    }
}

fn check_width(expected: usize, found: usize) -> Result<(), RidgeError> {
    if expected == found { Ok(()) } else { Err(RidgeError::Columns { expected, found }) }
}

/// Sums of squared residuals times outer products of their rows.
pub struct ResidualSums {
    meat: Symmetric,
}

impl ResidualSums {
    /// Sums over no rows of this width.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { meat: Symmetric::zeros(columns) }
    }

    /// Adds a row with the error made on it.
    ///
    /// # Errors
    /// The row has another width.
    pub fn add(&mut self, row: &[f64], residual: f64) -> Result<(), RidgeError> {
        check_width(self.meat.order, row.len())?;
        self.meat.add_outer(residual * residual, row);
        Ok(())
    }
}

/// A linear model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ridge {
    coefficients: Vec<f64>,
}

impl Ridge {
    /// What each column adds per unit.
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The value at a row; columns beyond those known count nothing.
    #[must_use]
    pub fn predict(&self, row: &[f64]) -> f64 {
        self.coefficients.iter().zip(row).map(|(b, x)| b * x).sum()
    }
}

/// How uncertain the coefficients of a model are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredCovariance")]
pub struct Covariance {
    columns: usize,
    /// The lower triangle, row after row.
    lower: Vec<f64>,
}

#[derive(Deserialize)]
struct StoredCovariance {
    columns: usize,
    lower: Vec<f64>,
}

impl TryFrom<StoredCovariance> for Covariance {
    type Error = &'static str;

    fn try_from(StoredCovariance { columns, lower }: StoredCovariance) -> Result<Self, Self::Error> {
        let expected = columns.checked_add(1).and_then(|more| more.checked_mul(columns)).map(|twice| twice / 2);
        if expected == Some(lower.len()) {
            Ok(Self { columns, lower })
        } else {
            Err("covariance: the number of entries does not match the columns")
        }
    }
}

impl Covariance {
    /// One with this lower triangle, row after row; nothing if an entry is not finite or their number is wrong.
    pub(crate) fn of_lower(columns: usize, lower: Vec<f64>) -> Option<Self> {
        let finite = lower.iter().all(|value| value.is_finite());
        Self::try_from(StoredCovariance { columns, lower }).ok().filter(|_| finite)
    }

    /// Standard deviation of the model's value at a row.
    #[must_use]
    pub fn deviation(&self, row: &[f64]) -> f64 {
        let mut variance = 0.0;
        let mut rest = self.lower.as_slice();
        for i in 0..self.columns.min(row.len()) {
            let (entries, after) = rest.split_at(i + 1);
            let off: f64 = entries[..i].iter().zip(row).map(|(entry, value)| entry * value).sum();
            variance += row[i] * (2.0 * off + entries[i] * row[i]);
            rest = after;
        }
        variance.max(0.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn rows(rng: &mut Xoshiro256PlusPlus, n: usize) -> Vec<([f64; 3], f64)> {
        (0..n)
            .map(|_| {
                let (a, b): (f64, f64) = (rng.r#gen(), rng.r#gen());
                // Noise that grows with `a`: mean 0, deviation a.
                let noise = 3f64.sqrt() * (2.0 * rng.r#gen::<f64>() - 1.0) * a;
                ([1.0, a, b], 0.5 - a + 2.0 * b + noise)
            })
            .collect()
    }

    fn sums(rows: &[([f64; 3], f64)]) -> RidgeSums {
        let mut sums = RidgeSums::new(3);
        rows.iter().for_each(|(x, y)| sums.add(x, *y).unwrap());
        sums
    }

    #[test]
    fn autotraits() {
        fn has_autotraits<T: Send + Sync + Sized + Unpin>() {}
        has_autotraits::<RidgeSums>();
        has_autotraits::<Ridge>();
        has_autotraits::<Covariance>();
        has_autotraits::<RidgeError>();
    }

    /// `numpy.linalg.solve(X.T @ X + .5 I, X.T @ y)` by hand: X = [[1, 0], [1, 1]], y = [1, 3].
    #[test]
    fn two_rows_by_hand() {
        let mut sums = RidgeSums::new(2);
        sums.add(&[1.0, 0.0], 1.0).unwrap();
        sums.add(&[1.0, 1.0], 3.0).unwrap();
        let b = sums.fit(0.5).unwrap();
        // [[2.5, 1], [1, 1.5]] b = [4, 3]: determinant 2.75.
        let expected = [(4.0 * 1.5 - 3.0) / 2.75, (2.5 * 3.0 - 4.0) / 2.75];
        assert!(b.coefficients().iter().zip(expected).all(|(b, e)| (b - e).abs() < 1e-12), "{b:?}");
    }

    #[test]
    fn errors_follow_from_the_sums_and_parts_can_be_merged() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let all = rows(&mut rng, 200);
        let model = sums(&all[..120]).merged(&sums(&all[120..])).unwrap().fit(1.0).unwrap();
        let whole = sums(&all).fit(1.0).unwrap();
        assert!(model.coefficients().iter().zip(whole.coefficients()).all(|(a, b)| (a - b).abs() < 1e-9));
        let direct: f64 = all.iter().map(|(x, y)| (y - model.predict(x)).powi(2)).sum();
        assert!((sums(&all).squared_error(&model).unwrap() - direct).abs() < 1e-8);
    }

    #[test]
    fn stated_deviations_are_those_seen_over_many_samples() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
        let at = [1.0, 0.9, 0.2];
        let truth = 0.5 - 0.9 + 0.4;
        let mut covered = 0;
        for _ in 0..400 {
            let all = rows(&mut rng, 150);
            let sums = sums(&all);
            let model = sums.fit(1e-6).unwrap();
            let mut residuals = ResidualSums::new(3);
            all.iter().for_each(|(x, y)| residuals.add(x, y - model.predict(x)).unwrap());
            let deviation = sums.covariance(1e-6, &residuals).unwrap().deviation(&at);
            covered += usize::from((model.predict(&at) - truth).abs() < 1.96 * deviation);
        }
        assert!((365..=395).contains(&covered), "{covered} of 400, 380 are expected");
    }

    #[test]
    fn bad_input_is_refused() {
        let mut sums = RidgeSums::new(2);
        assert_eq!(sums.add(&[1.0], 1.0), Err(RidgeError::Columns { expected: 2, found: 1 }));
        assert_eq!(sums.fit(0.0), Err(RidgeError::L2(0.0)));
        assert_eq!(sums.fit(1.0).unwrap().coefficients(), [0.0, 0.0]);
        sums.add(&[f64::NAN, 1.0], 1.0).unwrap();
        assert_eq!(sums.fit(1.0), Err(RidgeError::NotFinite));
        assert!(Covariance::try_from(StoredCovariance { columns: 2, lower: vec![0.0; 2] }).is_err());
    }
}
