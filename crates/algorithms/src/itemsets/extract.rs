//! Bits taken out of a word from under a mask.

/// Whether the processor has instructions for it.
pub(super) fn has_bmi2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("bmi2") && std::arch::is_x86_feature_detected!("popcnt");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The bits of `source` at which `mask` has ones, gathered at the low end.
pub(super) fn extract(source: u64, mut mask: u64) -> u64 {
    let (mut bits, mut at) = (0, 0);
    while mask != 0 {
        bits |= ((source >> mask.trailing_zeros()) & 1) << at;
        mask &= mask - 1;
        at += 1;
    }
    bits
}
