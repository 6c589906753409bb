//! The exponential function without branches, so that loops over it become vector instructions.

/// Below this `exp` leaves the normal numbers.
const LEAST: f64 = -708.0;
/// `ln 2` in two parts, of which multiples of the first one are exact.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Added to a number of moderate size, it leaves the nearest whole number in the last bits (1.5 2^52).
const ROUND: f64 = 6_755_399_441_055_744.0;
/// `1 / n!` from 13 down to 2: what is left out of the series is below a tenth of a unit in the last place.
const SERIES: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
];

/// `e^x` of a number that is not above 0, to within 2 units in the last place; below -708 it stays what it is there.
#[inline(always)]
pub(crate) fn exp_of_negative(x: f64) -> f64 {
    // A comparison that `NaN` fails, unlike `f64::max`.
    let x = if x < LEAST { LEAST } else { x };
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let power = shifted - ROUND;
    let rest = x - power * LN_2_HIGH - power * LN_2_LOW;
    let mut sum = SERIES[0];
    for term in &SERIES[1..] {
        sum = sum * rest + term;
    }
    let small = 1.0 + (rest + rest * rest * sum);
    // The whole number in the last bits becomes the exponent of a power of two.
    let scale = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    small * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_standard_library_within_two_units() {
        let mut worst = 0;
        for step in 0..2_000_000 {
            let x = -f64::from(step) * 3.537e-4;
            let apart = exp_of_negative(x).to_bits().abs_diff(x.exp().to_bits());
            worst = worst.max(apart);
        }
        for x in [0.0, -0.0, -1e-300, -f64::EPSILON, -std::f64::consts::LN_2 / 2.0, LEAST] {
            worst = worst.max(exp_of_negative(x).to_bits().abs_diff(x.exp().to_bits()));
        }
        assert!(worst <= 2, "{worst} units in the last place");
        assert_eq!(exp_of_negative(f64::NEG_INFINITY), exp_of_negative(LEAST));
        assert!(exp_of_negative(f64::NAN).is_nan());
    }
}
