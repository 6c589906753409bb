//! Sessions in order of their prospects, as bits.

use souffleur_algorithms::stratified_tables::Table;

/// Strata of equal prognosis: five take away nine tenths of what a covariate confounds (Cochran 1968), twenty nearly all.
const STRATA: usize = 20;
/// Fewest sessions of a stratum.
const STRATUM_ROWS: usize = 50;
const BITS: usize = 64;

/// Sessions sorted by prognosis into strata that begin at whole words, so that a stratum of a set is a slice of its words.
pub(crate) struct Layout {
    /// The place of each session's bit.
    place: Vec<usize>,
    /// Words at which strata begin, and their end.
    starts: Vec<usize>,
}

/// A set of sessions.
#[derive(Clone)]
pub(crate) struct Bits(Vec<u64>);

impl Layout {
    pub(crate) fn new(prognosis: &[f64]) -> Self {
        let n = prognosis.len();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| prognosis[*a].total_cmp(&prognosis[*b]).then(a.cmp(b)));
        let strata = (n / STRATUM_ROWS).clamp(1, STRATA);
        let (mut place, mut starts) = (vec![0; n], vec![0]);
        for stratum in 0..strata {
            let members = &order[n * stratum / strata..n * (stratum + 1) / strata];
            let start = starts.last().copied().unwrap_or(0);
            members.iter().enumerate().for_each(|(i, session)| place[*session] = start * BITS + i);
            starts.push(start + members.len().div_ceil(BITS));
        }
        Self { place, starts }
    }

    /// The sessions for which this is so.
    pub(crate) fn bits(&self, holds: impl Fn(usize) -> bool) -> Bits {
        let mut bits = vec![0u64; self.starts.last().copied().unwrap_or(0)];
        for (_, place) in self.place.iter().enumerate().filter(|(session, _)| holds(*session)) {
            bits[place / BITS] |= 1 << (place % BITS);
        }
        Bits(bits)
    }

    /// For each stratum, those under the circumstance with the rules against those without, and how many succeeded.
    pub(crate) fn tables(&self, under: &Bits, with: &Bits, success: &Bits) -> Vec<Table> {
        let mut tables = Vec::with_capacity(self.starts.len() - 1);
        for stratum in self.starts.windows(2) {
            let mut table = Table::default();
            for word in stratum[0]..stratum[1] {
                let (under, with, success) = (under.0[word], with.0[word], success.0[word]);
                let (first, second) = (under & with, under & !with);
                table.first += u64::from(first.count_ones());
                table.first_with += u64::from((first & success).count_ones());
                table.second += u64::from(second.count_ones());
                table.second_with += u64::from((second & success).count_ones());
            }
            tables.push(table);
        }
        tables
    }
}

impl Layout {
    /// The sessions of a set, in the order given.
    pub(crate) fn members(&self, of: &Bits) -> impl Iterator<Item = usize> {
        let held = |place: &usize| of.0[place / BITS] >> (place % BITS) & 1 == 1;
        self.place.iter().enumerate().filter(move |(_, place)| held(place)).map(|(session, _)| session)
    }
}

impl Bits {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn and_not(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & !b).collect())
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    /// Share of the sessions in either set that are in both, in [0, 1].
    pub(crate) fn jaccard(&self, other: &Self) -> f64 {
        let both: u64 = self.0.iter().zip(&other.0).map(|(a, b)| u64::from((a & b).count_ones())).sum();
        let either: u64 = self.0.iter().zip(&other.0).map(|(a, b)| u64::from((a | b).count_ones())).sum();
        both as f64 / either.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strata_count_what_a_loop_counts() {
        let n = 1234;
        let prognosis: Vec<f64> = (0..n).map(|i| ((i * 7919) % 1000) as f64).collect();
        let layout = Layout::new(&prognosis);
        let (under, with, success) = (|i: usize| i % 3 < 2, |i: usize| i % 5 < 2, |i: usize| i % 7 < 3);
        let (a, b, c) = (layout.bits(under), layout.bits(with), layout.bits(success));
        let tables = layout.tables(&a, &b, &c);
        assert_eq!(tables.len(), 20);
        let count = |of: &dyn Fn(usize) -> bool| (0..n).filter(|i| under(*i) && of(*i)).count() as u64;
        let sum = |of: fn(&Table) -> u64| tables.iter().map(of).sum::<u64>();
        assert_eq!(sum(|t| t.first), count(&with));
        assert_eq!(sum(|t| t.second), count(&|i| !with(i)));
        assert_eq!(sum(|t| t.first_with), count(&|i| with(i) && success(i)));
        assert_eq!(sum(|t| t.second_with), count(&|i| !with(i) && success(i)));
        assert_eq!(a.and(&b).jaccard(&b), count(&with) as f64 / (0..n).filter(|i| with(*i)).count() as f64);
        assert_eq!(a.jaccard(&a), 1.0);
    }
}
