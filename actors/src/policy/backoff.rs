//! The pause before a restart: doubled from failure to failure, with jitter.

use std::time::Duration;

use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Bounds of the pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub min: Duration,
    /// At most.
    pub max: Duration,
    /// How far a pause is moved at random, in percent of itself.
    pub jitter_percent: u8,
}

impl Backoff {
    /// The pause after `streak` failures in a row before this one: `min * 2^streak`, at most `max`, moved by up to
    /// the jitter to either side so that components that failed together do not come back together.
    #[must_use]
    pub fn pause(&self, streak: u32, rng: &mut Xoshiro256PlusPlus) -> Duration {
        let base = self.min.saturating_mul(1_u32.checked_shl(streak).unwrap_or(u32::MAX)).min(self.max);
        let jitter = f64::from(self.jitter_percent.min(100)) / 100.0;
        base.mul_f64(1.0 + jitter * rng.gen_range(-1.0..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn doubles_up_to_the_maximum_within_the_jitter() {
        let backoff = Backoff { min: Duration::from_millis(100), max: Duration::from_secs(5), jitter_percent: 20 };
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for (streak, want) in [(0, 0.1), (1, 0.2), (4, 1.6), (6, 5.0), (31, 5.0), (40, 5.0)] {
            let pause = backoff.pause(streak, &mut rng).as_secs_f64();
            assert!(pause >= want * 0.8 && pause <= want * 1.2, "streak {streak}: {pause} s");
        }
    }
}
