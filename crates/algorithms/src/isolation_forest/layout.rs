//! How trees lie in memory.
//!
//! A tree of height `h` is a complete binary tree in breadth-first order: the children of slot `i` are `2 i` and
//! `2 i + 1`, the root is slot 1, slot 0 is unused, and the leaf reached after `h` steps from slot `i` is `i - 2^h`.
//! No child pointers are stored, and every row takes the same number of steps, so the descent has no branch to
//! mispredict. A branch that ends early is filled with splits that send every row left.
//! With 256 rows a tree takes 4 KiB: it stays in the first-level cache while a block of rows passes through it.

use serde::{Deserialize, Serialize};

/// One split: a row goes right if its value in `feature` has a larger key than `key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Split {
    pub(super) key: u32,
    pub(super) feature: u32,
}

impl Split {
    /// A split that sends every row left: no finite value has a key above it.
    pub(super) const LEFT: Self = Self { key: u32::MAX, feature: 0 };
}

/// Maps finite numbers to integers of the same order: one integer comparison replaces a floating-point one, whose
/// result takes longer to reach an address. Adding zero turns -0 into +0, which must compare equal.
pub(super) fn sort_key(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    let sign = (bits.cast_signed() >> 31).cast_unsigned();
    bits ^ (sign | 0x8000_0000)
}

/// Height limit of a tree grown from `samples` rows: `ceil(log2(max(samples, 2)))`.
pub(super) fn height_limit(samples: usize) -> u32 {
    samples.max(2).next_power_of_two().ilog2()
}

/// Average length of an unsuccessful search in a binary search tree of `rows` keys, `c(n)` in the paper, with the
/// harmonic number approximated by `ln(n - 1)` plus Euler's constant, and the exact values for 1 and 2.
pub(super) fn average_path_length(rows: u32) -> f64 {
    const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let rows = f64::from(rows);
            2.0 * ((rows - 1.0).ln() + EULER_GAMMA) - 2.0 * (rows - 1.0) / rows
        }
    }
}

/// Walks `LANES` rows down one tree together and gives the slots they reach, `splits.len()` or more.
///
/// The lanes are independent, so their cache and comparison latencies overlap. This is the innermost loop of scoring;
/// with bounds checks it takes twice as long.
///
/// # Safety
/// Every split names a feature below `width`.
///
/// # Panics
/// If `splits.len()` is no power of two or there are fewer than `LANES * width` keys.
#[inline(always)]
pub(super) unsafe fn descend<const LANES: usize>(splits: &[Split], rows: &[u32], width: usize) -> [usize; LANES] {
    assert!(splits.len().is_power_of_two() && rows.len() >= LANES * width);
    let mut at = [1usize; LANES];
    for _ in 0..splits.len().ilog2() {
        for (lane, slot) in at.iter_mut().enumerate() {
            // SAFETY: after k steps a slot is below 2^(k + 1), and k is less than the logarithm of the length here.
            let split = unsafe { *splits.get_unchecked(*slot) };
            // SAFETY: lane < LANES and, by contract, feature < width, so the index is below LANES * width.
            let key = unsafe { *rows.get_unchecked(lane * width + split.feature as usize) };
            *slot = 2 * *slot + usize::from(key > split.key);
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_of_numbers() {
        let ordered = [f32::MIN, -1.5, -1.0, -f32::MIN_POSITIVE, 0.0, 1e-45, f32::MIN_POSITIVE, 1.0, 1.5, f32::MAX];
        for pair in ordered.windows(2) {
            assert!(sort_key(pair[0]) < sort_key(pair[1]), "{pair:?}");
        }
        assert_eq!(sort_key(-0.0), sort_key(0.0));
        assert!(sort_key(f32::MAX) < Split::LEFT.key);
    }

    #[test]
    fn average_path_lengths_are_those_of_scikit_learn() {
        // sklearn.ensemble._iforest._average_path_length([1, 2, 3, 5, 256, 999]), scikit-learn 1.9.1.
        let expected =
            [0.0, 1.0, 1.207_392_357_589_623, 2.327_020_052_042_847, 10.244_770_920_119_917, 12.967_939_884_427_995];
        for (rows, expected) in [1, 2, 3, 5, 256, 999].into_iter().zip(expected) {
            assert!((average_path_length(rows) - expected).abs() < 1e-12, "{rows}");
        }
    }

    #[test]
    fn heights_are_ceilings_of_logarithms() {
        let heights = [1, 2, 3, 4, 5, 255, 256, 257].map(height_limit);
        assert_eq!(heights, [1, 1, 2, 2, 3, 8, 8, 9]);
    }
}
