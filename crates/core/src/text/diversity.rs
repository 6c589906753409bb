//! Lexical diversity: types, and the factors of MTLD.
//!
//! MTLD (McCarthy and Jarvis, 2010) is the mean length of word runs that keep a type-token ratio above 0.72, read in
//! both directions. Unlike the ratio itself it does not fall with the length of the text. A short text has less than
//! one factor, or none; the feature built on this (see `linguistic.rs`) adds one prior factor of typical length.

/// The type-token ratio at which a factor is complete is 18/25 = 0.72 (McCarthy and Jarvis, 2010).
const THRESHOLD: (u32, u32) = (18, 25);

/// Collects the words as numbers of their types. A text of `MAX_BYTES` has at most half as many words, so that the numbers
/// fit into 16 bits; the sequence, which the backward reading needs, is never larger than the text.
#[derive(Default)]
pub(super) struct Diversity {
    /// Open-addressed set of word hashes with the number of the type; the length is a power of two or 0.
    slots: Vec<(u64, u16)>,
    types: u16,
    sequence: Vec<u16>,
}

const EMPTY: u16 = u16::MAX;

impl Diversity {
    /// Takes the hash of a lower-case word. Two words with the same 64-bit hash count as one.
    #[inline]
    pub(super) fn word(&mut self, hash: u64) {
        if usize::from(self.types) * 2 >= self.slots.len() {
            self.grow();
        }
        let number = insert(&mut self.slots, hash, self.types);
        if number == self.types {
            self.types += 1;
        }
        self.sequence.push(number);
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(256);
        let old = std::mem::replace(&mut self.slots, vec![(0, EMPTY); size]);
        for (hash, number) in old.into_iter().filter(|slot| slot.1 != EMPTY) {
            insert(&mut self.slots, hash, number);
        }
        if self.sequence.capacity() == 0 {
            self.sequence.reserve(256);
        }
    }

    /// The number of types, and the mean number of MTLD factors of both directions. Linear in the words.
    pub(super) fn finish(&self) -> (u32, f64) {
        let mut seen_in = vec![0_u16; usize::from(self.types)];
        let forward = factors(self.sequence.iter(), &mut seen_in);
        seen_in.fill(0);
        let backward = factors(self.sequence.iter().rev(), &mut seen_in);
        (u32::from(self.types), f64::midpoint(forward, backward))
    }
}

/// The number under which `hash` is known; `next` if it is new. At least half of `slots` is empty.
#[inline]
fn insert(slots: &mut [(u64, u16)], hash: u64, next: u16) -> u16 {
    let mask = slots.len() - 1;
    let mut at = (hash as usize) & mask;
    loop {
        match slots.get_mut(at) {
            Some(slot) if slot.1 == EMPTY => {
                *slot = (hash, next);
                return next;
            }
            Some(slot) if slot.0 == hash => return slot.1,
            _ => at = (at + 1) & mask,
        }
    }
}

/// Complete factors, and the rest as the share of the way to the threshold.
fn factors<'a>(sequence: impl Iterator<Item = &'a u16>, seen_in: &mut [u16]) -> f64 {
    let (mut complete, mut tokens, mut types) = (0_u16, 0_u32, 0_u32);
    for &number in sequence {
        tokens += 1;
        // A type counts once per factor: it is stamped with the number of the factor, counted from 1.
        if let Some(stamp) = seen_in.get_mut(usize::from(number)).filter(|stamp| **stamp != complete + 1) {
            *stamp = complete + 1;
            types += 1;
        }
        if types * THRESHOLD.1 <= tokens * THRESHOLD.0 {
            complete += 1;
            (tokens, types) = (0, 0);
        }
    }
    let rest = if tokens == 0 {
        0.0
    } else {
        (1.0 - f64::from(types) / f64::from(tokens)) / (1.0 - f64::from(THRESHOLD.0) / f64::from(THRESHOLD.1))
    };
    f64::from(complete) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finish(words: &str) -> (u32, f64) {
        let mut diversity = Diversity::default();
        for word in words.split_whitespace() {
            diversity.word(crate::text::lexicon::hash(word));
        }
        diversity.finish()
    }

    #[test]
    fn factors_by_hand() {
        assert_eq!(finish(""), (0, 0.0));
        assert_eq!(finish("a b c d"), (4, 0.0));
        // a b b: ratio 2/3 closes a factor; then "a" alone. Backward: a b b closes too, then "a".
        assert_eq!(finish("a b b a"), (2, 1.0));
        // Ratio 1, 1, 1, 3/4: (1 - .75) / .28 of a factor in both directions.
        let (types, factors) = finish("a b c a");
        assert_eq!(types, 3);
        assert!((factors - 0.25 / 0.28).abs() < 1e-12);
        // "x x" closes a factor at 1/2: 50 of them.
        assert_eq!(finish(&"x ".repeat(100)), (1, 50.0));
    }

    #[test]
    fn many_types_are_counted_exactly() {
        let text: String = (0..20_000).map(|number| format!("w{number} ")).collect();
        assert_eq!(finish(&text), (20_000, 0.0));
    }
}
