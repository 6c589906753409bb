//! A small latency histogram of fixed size that many threads write without locks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

/// Bits of the mantissa: each power of two is split into 8 equal steps, so a value is off by at most 12.5 %.
const SUB_BITS: u32 = 3;
const SUB: usize = 1 << SUB_BITS;
/// Powers of two above the linear range; the last bucket takes everything from about 143 hours up.
const POWERS: usize = 36;
const BUCKETS: usize = SUB * (POWERS + 1);

/// Percentiles of a latency, in milliseconds; all 0 while nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Percentiles {
    /// How many were measured.
    pub count: u64,
    /// Half took at most this.
    pub p50_ms: f64,
    /// 95 of 100 took at most this.
    pub p95_ms: f64,
    /// 99 of 100 took at most this.
    pub p99_ms: f64,
    /// The longest, exactly.
    pub max_ms: f64,
}

/// Counts latencies in buckets of relative width 1/8 (log-linear, as in HdrHistogram; Tene 2012).
///
/// 2.4 kB, wait-free to write. Readers may miss writes that happen meanwhile.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64; BUCKETS]>,
    max_us: AtomicU64,
    sum_us: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: Box::new([const { AtomicU64::new(0) }; BUCKETS]),
            max_us: AtomicU64::new(0),
            sum_us: AtomicU64::new(0),
        }
    }
}

/// The bucket a value in microseconds falls into.
fn bucket(us: u64) -> usize {
    if us < SUB as u64 {
        return us as usize;
    }
    let power = us.ilog2() - SUB_BITS;
    let step = (us >> power) as usize - SUB;
    (SUB * (power as usize + 1) + step).min(BUCKETS - 1)
}

/// The largest value in microseconds that falls into a bucket.
fn upper_us(bucket: usize) -> u64 {
    if bucket < SUB {
        return bucket as u64;
    }
    let power = bucket / SUB - 1;
    let step = bucket % SUB + SUB;
    ((step as u64 + 1) << power) - 1
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.buckets.get(bucket(us)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.max_us.fetch_max(us, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Sum of all latencies, in milliseconds.
    #[must_use]
    pub fn sum_ms(&self) -> f64 {
        self.sum_us.load(Ordering::Relaxed) as f64 / 1e3
    }

    /// The percentiles of what was counted so far. O(buckets).
    #[must_use]
    pub fn percentiles(&self) -> Percentiles {
        let counts: [u64; BUCKETS] = std::array::from_fn(|i| self.buckets[i].load(Ordering::Relaxed));
        let count: u64 = counts.iter().sum();
        if count == 0 {
            return Percentiles::default();
        }
        let max_us = self.max_us.load(Ordering::Relaxed);
        let at = |percent: u64| {
            let rank = (count * percent).div_ceil(100).max(1);
            let mut seen = 0;
            let found = counts.iter().position(|&n| {
                seen += n;
                seen >= rank
            });
            found.map_or(max_us, upper_us).min(max_us) as f64 / 1e3
        };
        Percentiles { count, p50_ms: at(50), p95_ms: at(95), p99_ms: at(99), max_ms: max_us as f64 / 1e3 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_holds_its_values_within_an_eighth(us in 0_u64..200_000_000_000) {
            let upper = upper_us(bucket(us));
            prop_assert!(upper >= us);
            prop_assert!(upper as f64 <= us as f64 * 1.125 + 1.0);
        }
    }

    #[test]
    fn a_longer_time_never_falls_into_a_lower_bucket() {
        let buckets: Vec<_> = (0..100_000).map(bucket).collect();
        assert!(buckets.is_sorted());
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_of_one_to_a_thousand_ms() {
        let histogram = Histogram::default();
        (1..=1000).for_each(|ms| histogram.record(Duration::from_millis(ms)));
        let p = histogram.percentiles();
        assert_eq!((p.count, p.max_ms), (1000, 1000.0));
        for (have, want) in [(p.p50_ms, 500.0), (p.p95_ms, 950.0), (p.p99_ms, 990.0)] {
            assert!(have >= want && have <= want * 1.125, "{have} is not about {want}");
        }
    }

    #[test]
    fn nothing_measured_is_all_zero() {
        assert_eq!(Histogram::default().percentiles(), Percentiles::default());
    }
}
