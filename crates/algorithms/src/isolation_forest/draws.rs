//! The random choices of the forest, in the order in which scikit-learn makes them.
//!
//! A forest with seed `s` is, tree for tree, the one that scikit-learn grows with `random_state = s`. That makes the
//! comparison with the reference exact: single forests vary by several hundredths of AUROC on small tables, far more
//! than any tolerance worth stating. It takes the two generators used there: NumPy's `RandomState`, whose stream is
//! frozen (NEP 19), is the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998) with rejection by mask, and picks
//! seeds and rows; a 32-bit xorshift (Marsaglia 2003) picks features and thresholds.

use std::collections::HashSet;

const WORDS: usize = 624;
const SHIFT: usize = 397;
/// Seeds handed on are drawn below this, the largest `i32`.
const SEED_MAX: u32 = 0x7FFF_FFFF;

/// NumPy's `RandomState`.
pub(crate) struct RandomState {
    words: [u32; WORDS],
    next: usize,
}

impl RandomState {
    pub(crate) fn new(seed: u32) -> Self {
        let mut words = [seed; WORDS];
        let mut last = seed;
        for (word, position) in words.iter_mut().skip(1).zip(1u32..) {
            last = (last ^ (last >> 30)).wrapping_mul(1_812_433_253).wrapping_add(position);
            *word = last;
        }
        Self { words, next: WORDS }
    }

    /// Seeds below 2^32 are NumPy's; larger ones are folded.
    #[expect(clippy::cast_possible_truncation, reason = "the halves of the seed are taken apart on purpose")]
    pub(crate) fn folded(seed: u64) -> Self {
        Self::new(seed as u32 ^ (seed >> 32) as u32)
    }

    fn refill(&mut self) {
        for at in 0..WORDS {
            let joined = (self.words[at] & 0x8000_0000) | (self.words[(at + 1) % WORDS] & 0x7FFF_FFFF);
            let twist = if joined & 1 == 1 { 0x9908_B0DF } else { 0 };
            self.words[at] = self.words[(at + SHIFT) % WORDS] ^ (joined >> 1) ^ twist;
        }
        self.next = 0;
    }

    fn next_u32(&mut self) -> u32 {
        if self.next == WORDS {
            self.refill();
        }
        let mut word = self.words[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9D2C_5680;
        word ^= (word << 15) & 0xEFC6_0000;
        word ^ (word >> 18)
    }

    /// Uniform in `0..=max`: draws under the smallest mask of ones that covers `max` until one fits.
    fn up_to(&mut self, max: u32) -> u32 {
        if max == 0 {
            return 0;
        }
        let mask = u32::MAX >> max.leading_zeros();
        loop {
            let value = self.next_u32() & mask;
            if value <= max {
                return value;
            }
        }
    }

    /// Uniform in [0, 1), a multiple of 2^-53.
    pub(crate) fn unit(&mut self) -> f64 {
        let (high, low) = (self.next_u32() >> 5, self.next_u32() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// A seed for another generator.
    pub(super) fn seed(&mut self) -> u32 {
        self.up_to(SEED_MAX - 1)
    }

    /// `count` different numbers below `population`, `1 <= count <= population`, by the method that scikit-learn's
    /// `sample_without_replacement` picks for their ratio. The order means nothing.
    pub(crate) fn sample(&mut self, population: u32, count: u32) -> Vec<u32> {
        let ratio = f64::from(count) / f64::from(population);
        if ratio > 0.01 && ratio < 0.99 {
            let mut all: Vec<u32> = (0..population).collect();
            for last in (1..population).rev() {
                all.swap(last as usize, self.up_to(last) as usize);
            }
            all.truncate(count as usize);
            return all;
        }
        if ratio < 0.2 {
            let mut seen = HashSet::with_capacity(count as usize);
            let mut drawn = Vec::with_capacity(count as usize);
            while drawn.len() < count as usize {
                let row = self.up_to(population - 1);
                if seen.insert(row) {
                    drawn.push(row);
                }
            }
            return drawn;
        }
        let mut kept: Vec<u32> = (0..count).collect();
        for row in count..population {
            if let Some(place) = kept.get_mut(self.up_to(row) as usize) {
                *place = row;
            }
        }
        kept
    }
}

/// The xorshift that draws features and thresholds within a tree.
pub(super) struct TreeDraws(u32);

impl TreeDraws {
    /// From the tree's seed, through the generator that scikit-learn builds of it.
    pub(super) fn new(seed: u32) -> Self {
        let tree_seed = RandomState::new(seed).seed();
        Self(RandomState::new(tree_seed).seed())
    }

    fn next(&mut self) -> u32 {
        let mut state = if self.0 == 0 { 1 } else { self.0 };
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        self.0 = state;
        state & SEED_MAX
    }

    /// Uniform in `low..high`, `low < high`.
    pub(super) fn index(&mut self, low: usize, high: usize) -> usize {
        low + self.next() as usize % (high - low)
    }

    /// Uniform in `[low, high]`.
    pub(super) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        (high - low) * f64::from(self.next()) / f64::from(SEED_MAX) + low
    }
}

/// One seed per tree from the forest's seed. Seeds below 2^32 are scikit-learn's; larger ones are folded.
pub(super) fn tree_seeds(seed: u64, trees: usize) -> Vec<u32> {
    let mut random = RandomState::folded(seed);
    (0..trees).map(|_| random.seed()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streams_are_those_of_numpy() {
        // numpy.random.RandomState(5489).randint(2**32, size=3, dtype="u4"), NumPy 2.4.6.
        let mut random = RandomState::new(5489);
        assert_eq!([random.next_u32(), random.next_u32(), random.next_u32()], [3499211612, 581869302, 3890346734]);
        // numpy.random.RandomState(7).randint(2**31 - 1, size=3), NumPy 2.4.6.
        assert_eq!(tree_seeds(7, 3), [327741615, 976413892, 1202242073]);
    }

    /// sorted(sklearn.utils.random.sample_without_replacement(n, k, random_state=3)), scikit-learn 1.9.1.
    #[test]
    fn samples_are_those_of_scikit_learn() {
        let sorted = |population, count| {
            let mut rows = RandomState::new(3).sample(population, count);
            rows.sort_unstable();
            rows
        };
        assert_eq!(sorted(1000, 5), [249, 643, 664, 874, 952]);
        assert_eq!(sorted(40, 8), [4, 9, 16, 18, 27, 28, 29, 38]);
        assert_eq!(sorted(300, 298)[290..], [292, 293, 294, 295, 296, 297, 298, 299]);
        assert_eq!(sorted(6, 6), [0, 1, 2, 3, 4, 5]);
    }
}
