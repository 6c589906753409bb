//! Small draws every part shares.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The generator of everything.
pub(crate) type Generator = Xoshiro256PlusPlus;

/// The generator of item `index`: items are independent, so that a longer run begins like a shorter one.
pub(crate) fn generator(seed: u64, index: u64) -> Generator {
    let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(index.wrapping_mul(0xD1B5_4A32_D192_ED03));
    Generator::seed_from_u64(mixed ^ (mixed >> 29))
}

/// One of `items`, which must not be empty.
pub(crate) fn pick<'a, T>(rng: &mut Generator, items: &'a [T]) -> &'a T {
    &items[rng.gen_range(0..items.len())]
}

/// An index drawn in proportion to `weights` (positive, not empty).
pub(crate) fn weighted(rng: &mut Generator, weights: &[f64]) -> usize {
    let mut left = rng.r#gen::<f64>() * weights.iter().sum::<f64>();
    for (i, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return i;
        }
    }
    weights.len() - 1
}

/// Rounded to four decimals: what a score looks like on paper.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
