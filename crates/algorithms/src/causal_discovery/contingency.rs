//! Tests of independence for variables with few values, on contingency tables.

use multiversion::multiversion;
use ndarray::ArrayView2;
use rayon::prelude::*;
use statrs::function::gamma::checked_gamma_ur;

use super::bootstrap::Resample;
use super::errors::CausalDiscoveryError;
use super::independence::{GoOn, IndependenceTest};
use crate::watch::{Interrupted, Progress, Watch};

/// Most values of one variable: a code is one byte.
const STATES_MAX: usize = 256;
/// Variables of at most so many values are kept as bits too, one row of bits for each value.
const BIT_STATES_MAX: usize = 16;
/// Most rows: as many strata times as many values as there may be still have numbers of 32 bits.
const ROWS_MAX: usize = 1 << 24;
/// Tables of at most so many cells are addressed directly.
const CELLS_MAX: usize = 1 << 20;
/// Most cells of all strata that have rows: with more, hardly any has a row, and none a say.
const TABLE_MAX: usize = 1 << 24;
/// Rows of one value read between two calls of the watch, and rows from which on a test asks whether to go on.
const ROWS_PER_CHECK: usize = 1 << 16;
/// What going through one word of bits costs, in eighths of what one row and variable costs when rows are gone through one by one.
const WORD_COST: usize = 3;

/// Discrete variables, packed: each value a byte, and for variables of few values a bit in each value's row of bits.
#[derive(Debug, Clone)]
pub struct Categories {
    rows: usize,
    columns: Vec<Column>,
}

#[derive(Debug, Clone)]
struct Column {
    states: usize,
    codes: Vec<u8>,
    /// For each state the rows that have it, one bit each; empty for many states.
    bits: Vec<u64>,
    /// Rows of each state.
    counts: Vec<u32>,
}

impl Column {
    fn new(states: usize, codes: Vec<u8>) -> Self {
        let words = codes.len().div_ceil(64);
        let mut counts = vec![0; states];
        let mut bits = vec![0; if states <= BIT_STATES_MAX { states * words } else { 0 }];
        for (word, rows) in codes.chunks(64).enumerate() {
            rows.iter().for_each(|code| counts[usize::from(*code)] += 1);
            if !bits.is_empty() {
                for state in 0..states {
                    let of_row = |(row, code): (usize, &u8)| u64::from(usize::from(*code) == state) << row;
                    bits[state * words + word] = rows.iter().enumerate().map(of_row).fold(0, |all, bit| all | bit);
                }
            }
        }
        Self { states, codes, bits, counts }
    }

    fn state(&self, state: usize, words: usize) -> &[u64] {
        &self.bits[state * words..][..words]
    }
}

/// The different values of a column, ascending, or nothing if there are too many.
fn values_of<T: Copy + Ord>(
    column: ndarray::ArrayView1<'_, T>,
    progress: &Progress<'_>,
) -> Result<Option<Vec<T>>, Interrupted> {
    let mut values: Vec<T> = Vec::new();
    for rows in column.axis_chunks_iter(ndarray::Axis(0), ROWS_PER_CHECK) {
        for value in rows {
            if let Err(at) = values.binary_search(value) {
                if values.len() == STATES_MAX {
                    return Ok(None);
                }
                values.insert(at, *value);
            }
        }
        progress.advance(rows.len() as u64)?;
    }
    Ok(Some(values))
}

impl Categories {
    /// Packs rows x variables of any ordered values, at most 256 different ones in each variable. `O(rows variables)`, memory one byte
    /// for each value, and one bit more for each value a variable can take if these are at most 16.
    ///
    /// # Errors
    /// Fewer than four rows or two variables, too many rows or values, a variable that does not vary, or an interruption.
    pub fn of<T: Copy + Ord + Send + Sync>(
        x: ArrayView2<'_, T>,
        watch: &dyn Watch,
    ) -> Result<Self, CausalDiscoveryError> {
        let (rows, variables) = x.dim();
        if rows < 4 || variables < 2 {
            return Err(CausalDiscoveryError::Empty { rows, variables });
        }
        if rows > ROWS_MAX {
            return Err(CausalDiscoveryError::TooMany(rows, "rows", ROWS_MAX));
        }
        let progress = Progress::new(watch, (rows * variables) as u64);
        let columns: Result<Vec<Column>, CausalDiscoveryError> = (0..variables)
            .into_par_iter()
            .map(|variable| {
                let column = x.column(variable);
                let Some(values) = values_of(column, &progress)? else {
                    return Err(CausalDiscoveryError::TooManyStates(variable));
                };
                if values.len() < 2 {
                    return Err(CausalDiscoveryError::Constant(variable));
                }
                let code = |value: &T| values.binary_search(value).unwrap_or(0) as u8;
                Ok(Column::new(values.len(), column.iter().map(code).collect()))
            })
            .collect();
        Ok(Self { rows, columns: columns? })
    }

    /// The rows picked, in that order, some perhaps several times. States that no row has are kept.
    fn picked(&self, rows: &[u32]) -> Self {
        let of =
            |column: &Column| Column::new(column.states, rows.iter().map(|row| column.codes[*row as usize]).collect());
        Self { rows: rows.len(), columns: self.columns.par_iter().map(of).collect() }
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many variables there are.
    #[must_use]
    pub fn variables(&self) -> usize {
        self.columns.len()
    }
}

/// What is summed over the cells of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// Pearson's chi-square (1900).
    ChiSquare,
    /// The likelihood ratio, G-square (Wilks 1938).
    GSquare,
}

/// Independence of discrete variables within each stratum of the others: the statistic summed over strata, compared with the
/// chi-square distribution of the degrees of freedom of the rows and columns that occur in each (Spirtes, Glymour and Scheines
/// 2000, section 5.5; the correction for empty ones is theirs).
///
/// # Cost
/// A test goes once through the rows, or through the bits of each cell where that is quicker: tables of two or three values are
/// counted 64 rows at a time. Many strata of few rows have little power: 1 is answered where none can tell,
/// and where there are more than 16 million cells.
///
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::causal_discovery::{Categories, ContingencyTest, GoOn, IndependenceTest, Statistic};
/// let x = Array2::from_shape_fn((100, 2), |(row, column)| if column == 0 { row % 2 } else { row % 2 + row % 7 / 6 });
/// let test = ContingencyTest::new(Categories::of(x.view(), &())?, Statistic::ChiSquare);
/// assert!(test.p_value(0, 1, &[], &mut test.scratch(), GoOn::ALWAYS)? < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ContingencyTest {
    data: Categories,
    statistic: Statistic,
}

impl ContingencyTest {
    /// A test on these rows.
    #[must_use]
    pub fn new(data: Categories, statistic: Statistic) -> Self {
        Self { data, statistic }
    }
}

/// Buffers of [`ContingencyTest`].
#[derive(Debug, Default)]
pub struct ContingencyScratch {
    /// Strata x states of one variable x states of the other.
    cells: Vec<u32>,
    /// The stratum of each row.
    strata: Vec<u32>,
    /// New names of the strata that occur.
    names: Vec<u32>,
    /// The rows of the stratum at hand, and above it those of the variables chosen so far.
    masks: Vec<u64>,
    row_sums: Vec<u32>,
    column_sums: Vec<u32>,
}

/// The rows in both.
#[multiversion(targets(
    "x86_64+avx512f+avx512vl+avx512dq+avx512bw+avx512vpopcntdq+popcnt",
    "x86_64+avx2+popcnt",
    "x86_64+popcnt"
))]
fn common(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a & b).count_ones()).sum()
}

/// Writes the rows in both and counts them.
#[multiversion(targets(
    "x86_64+avx512f+avx512vl+avx512dq+avx512bw+avx512vpopcntdq+popcnt",
    "x86_64+avx2+popcnt",
    "x86_64+popcnt"
))]
fn meet(a: &[u64], b: &[u64], out: &mut [u64]) -> u32 {
    let mut count = 0;
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = a & b;
        count += out.count_ones();
    }
    count
}

impl ContingencyTest {
    /// Fills `scratch.cells` with the table of each stratum that has rows; with nothing if there are too many cells.
    fn count(&self, x: usize, y: usize, given: &[usize], scratch: &mut ContingencyScratch) {
        let columns = &self.data.columns;
        let states = |v: &usize| columns[*v].states;
        let strata = given.iter().map(states).try_fold(1usize, usize::checked_mul).unwrap_or(usize::MAX);
        let cells = strata.saturating_mul(states(&x) * states(&y));
        let by_bits = cells.saturating_mul(self.data.rows.div_ceil(64)).saturating_mul(WORD_COST)
            <= self.data.rows.saturating_mul(8 * (given.len() + 2));
        let packed = [x, y].iter().chain(given).all(|v| !columns[*v].bits.is_empty());
        scratch.cells.clear();
        if by_bits && packed {
            self.count_bits(x, y, given, scratch);
        } else {
            self.count_rows(x, y, given, scratch);
        }
    }

    fn count_bits(&self, x: usize, y: usize, given: &[usize], scratch: &mut ContingencyScratch) {
        let words = self.data.rows.div_ceil(64);
        let ContingencyScratch { cells, masks, .. } = scratch;
        masks.resize((given.len() + 1) * words, 0);
        self.descend((x, y), given, None, masks, cells);
    }

    /// Goes through the strata of the variables `given` within `outer`, and counts each that has rows. `masks` has room for one
    /// set of rows for each of them and one more.
    fn descend(
        &self,
        (x, y): (usize, usize),
        given: &[usize],
        outer: Option<&[u64]>,
        masks: &mut [u64],
        cells: &mut Vec<u32>,
    ) {
        let words = self.data.rows.div_ceil(64);
        let (inner, below) = masks.split_at_mut(words);
        if let Some((first, rest)) = given.split_first() {
            let column = &self.data.columns[*first];
            for state in 0..column.states {
                let rows = column.state(state, words);
                let count = match outer {
                    Some(outer) => meet(outer, rows, inner),
                    None => column.counts[state],
                };
                if count > 0 {
                    self.descend((x, y), rest, Some(if outer.is_some() { inner } else { rows }), below, cells);
                }
            }
            return;
        }
        let (of_x, of_y) = (&self.data.columns[x], &self.data.columns[y]);
        for state in 0..of_x.states {
            let rows = of_x.state(state, words);
            let (mut left, rows) = match outer {
                Some(outer) => (meet(outer, rows, inner), &*inner),
                None => (of_x.counts[state], rows),
            };
            // What is left for the last state needs no counting.
            for other in 0..of_y.states - 1 {
                let count = if left == 0 { 0 } else { common(rows, of_y.state(other, words)) };
                cells.push(count);
                left -= count;
            }
            cells.push(left);
        }
    }

    fn count_rows(&self, x: usize, y: usize, given: &[usize], scratch: &mut ContingencyScratch) {
        let ContingencyScratch { cells, strata, names, .. } = scratch;
        let (of_x, of_y) = (&self.data.columns[x], &self.data.columns[y]);
        let table = of_x.states * of_y.states;
        strata.clear();
        strata.resize(self.data.rows, 0);
        let mut many = 1;
        for (position, v) in given.iter().enumerate() {
            let column = &self.data.columns[*v];
            if many * column.states > CELLS_MAX.max(self.data.rows) {
                many = close_up(strata, many, names);
            }
            for (stratum, code) in strata.iter_mut().zip(&column.codes) {
                *stratum = *stratum * column.states as u32 + u32::from(*code);
            }
            many *= column.states;
            let last = position + 1 == given.len();
            if last && many * table > CELLS_MAX {
                many = close_up(strata, many, names);
            }
        }
        if many.saturating_mul(table) > TABLE_MAX {
            return;
        }
        cells.resize(many * table, 0);
        let codes = of_x.codes.iter().zip(&of_y.codes);
        for (stratum, (x, y)) in strata.iter().zip(codes) {
            let cell = (*stratum as usize * of_x.states + usize::from(*x)) * of_y.states + usize::from(*y);
            cells[cell] += 1;
        }
    }

    /// The statistic and the degrees of freedom of all strata together.
    fn sum(&self, (states_x, states_y): (usize, usize), scratch: &mut ContingencyScratch) -> (f64, u64) {
        let ContingencyScratch { cells, row_sums, column_sums, .. } = scratch;
        let (mut total, mut freedom) = (0.0, 0);
        for table in cells.chunks_exact(states_x * states_y) {
            row_sums.clear();
            row_sums.extend(table.chunks_exact(states_y).map(|row| row.iter().sum::<u32>()));
            column_sums.clear();
            column_sums.resize(states_y, 0);
            for row in table.chunks_exact(states_y) {
                row.iter().zip(column_sums.iter_mut()).for_each(|(count, sum)| *sum += count);
            }
            let present = |sums: &[u32]| sums.iter().filter(|sum| **sum > 0).count() as u64;
            if present(row_sums) < 2 || present(column_sums) < 2 {
                continue;
            }
            freedom += (present(row_sums) - 1) * (present(column_sums) - 1);
            let all = f64::from(row_sums.iter().sum::<u32>());
            for (row, of_row) in table.chunks_exact(states_y).zip(row_sums.iter()) {
                for (count, of_column) in row.iter().zip(column_sums.iter()) {
                    let expected = f64::from(*of_row) * f64::from(*of_column) / all;
                    let count = f64::from(*count);
                    total += match self.statistic {
                        _ if expected == 0.0 => 0.0,
                        Statistic::ChiSquare => (count - expected) * (count - expected) / expected,
                        Statistic::GSquare if count == 0.0 => 0.0,
                        Statistic::GSquare => 2.0 * count * (count / expected).ln(),
                    };
                }
            }
        }
        (total, freedom)
    }
}

/// Numbers the strata that occur anew, without gaps, and returns how many there are. What order they had is kept.
fn close_up(strata: &mut [u32], many: usize, names: &mut Vec<u32>) -> usize {
    names.clear();
    if many <= CELLS_MAX.max(4 * strata.len()) {
        names.resize(many, 0);
        strata.iter().for_each(|stratum| names[*stratum as usize] = 1);
        let mut next = 0;
        for name in names.iter_mut() {
            let occurs = *name;
            *name = next;
            next += occurs;
        }
        strata.iter_mut().for_each(|stratum| *stratum = names[*stratum as usize]);
        return next as usize;
    }
    names.extend_from_slice(strata);
    names.sort_unstable();
    names.dedup();
    for stratum in strata.iter_mut() {
        *stratum = names.binary_search(stratum).unwrap_or(0) as u32;
    }
    names.len()
}

/// Probability of a chi-square value of at least `value`.
pub(super) fn chi_square_survival(value: f64, freedom: f64) -> f64 {
    if value <= 0.0 || freedom <= 0.0 {
        return 1.0;
    }
    checked_gamma_ur(freedom / 2.0, value / 2.0).unwrap_or(0.0).clamp(0.0, 1.0)
}

impl IndependenceTest for ContingencyTest {
    type Scratch = ContingencyScratch;

    fn variables(&self) -> usize {
        self.data.variables()
    }

    fn scratch(&self) -> ContingencyScratch {
        ContingencyScratch::default()
    }

    fn p_value(
        &self,
        x: usize,
        y: usize,
        given: &[usize],
        scratch: &mut ContingencyScratch,
        go_on: GoOn<'_>,
    ) -> Result<f64, Interrupted> {
        if self.data.rows >= ROWS_PER_CHECK {
            go_on.check()?;
        }
        self.count(x, y, given, scratch);
        let (total, freedom) = self.sum((self.data.columns[x].states, self.data.columns[y].states), scratch);
        Ok(chi_square_survival(total, freedom as f64))
    }
}

impl Resample for ContingencyTest {
    type Test = Self;

    fn rows(&self) -> usize {
        self.data.rows
    }

    fn test(&self, picked: &[u32], _watch: &dyn Watch) -> Result<Self, CausalDiscoveryError> {
        Ok(Self { data: self.data.picked(picked), statistic: self.statistic })
    }
}

#[cfg(test)]
#[path = "contingency_tests.rs"]
mod tests;
