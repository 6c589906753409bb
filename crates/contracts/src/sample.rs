//! Rows drawn evenly from a stream whose length nobody knows yet.

use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// At most `capacity` of everything offered, each with the same probability (Vitter 1985, algorithm R).
pub(crate) struct Reservoir<T> {
    capacity: usize,
    offered: u64,
    random: Xoshiro256PlusPlus,
    pub(crate) rows: Vec<T>,
}

impl<T> Reservoir<T> {
    pub(crate) fn new(capacity: usize, random: Xoshiro256PlusPlus) -> Self {
        Self { capacity, offered: 0, random, rows: Vec::new() }
    }

    /// How many were offered.
    pub(crate) fn offered(&self) -> u64 {
        self.offered
    }

    /// Offers the next one; `make` is called only if it is taken. Gives the place it took, and whose that was.
    pub(crate) fn offer(&mut self, make: impl FnOnce() -> T) -> Option<(usize, Option<T>)> {
        self.offered += 1;
        if self.rows.len() < self.capacity {
            self.rows.push(make());
            return Some((self.rows.len() - 1, None));
        }
        let place = usize::try_from(self.random.gen_range(0..self.offered)).unwrap_or(usize::MAX);
        let slot = self.rows.get_mut(place)?;
        Some((place, Some(std::mem::replace(slot, make()))))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn every_row_has_the_same_chance() {
        let mut taken = [0u32; 50];
        for seed in 0..2000 {
            let mut reservoir = Reservoir::new(10, Xoshiro256PlusPlus::seed_from_u64(seed));
            for row in 0..50usize {
                reservoir.offer(|| row);
            }
            assert_eq!((reservoir.rows.len(), reservoir.offered()), (10, 50));
            reservoir.rows.iter().for_each(|row| taken[*row] += 1);
        }
        // 400 are expected, with a deviation of 18.
        assert!(taken.iter().all(|n| (310..=490).contains(n)), "{taken:?}");
    }
}
