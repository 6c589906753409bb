//! Readability indices exactly as published, over words in the sense of Flesch: a hyphenated compound is one word.

use super::{scan::Token, syllables};

/// The counts that the indices need.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) characters: u32,
    pub(super) sentences: u32,
    /// Words by UAX #29.
    pub(super) tokens: u32,
    /// Words as Flesch counts: compounds are one.
    pub(super) words: u32,
    pub(super) syllables: u32,
    pub(super) complex_words: u32,
}

/// Collects [`Counts`] word by word.
#[derive(Default)]
pub(super) struct Readability {
    counts: Counts,
    words_at_sentence_start: u32,
    /// Whether the word in progress is already counted as complex (its parts come one by one).
    complex: bool,
}

impl Readability {
    /// Takes a word; `proper` says that it is a proper name, which is never complex.
    #[inline]
    pub(super) fn word(&mut self, token: &Token<'_>, proper: bool) {
        let syllables = match token.entry.syllables {
            0 => syllables::count(token.lower),
            known => u32::from(known),
        };
        self.counts.tokens += 1;
        self.counts.syllables += syllables;
        self.counts.characters += token.text.chars().count() as u32;
        if !token.joined {
            self.counts.words += 1;
            self.complex = false;
        }
        if !self.complex && !proper && is_complex(token.lower, syllables) {
            self.counts.complex_words += 1;
            self.complex = true;
        }
    }

    /// Ends a sentence and gives its number of words.
    pub(super) fn end_sentence(&mut self) -> u32 {
        let words = self.counts.words - self.words_at_sentence_start;
        self.words_at_sentence_start = self.counts.words;
        self.counts.sentences += 1;
        words
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }
}

/// Gunning's hard words: three syllables or more, unless `-ed` or `-es` makes the third one.
#[inline]
fn is_complex(lower: &str, syllables: u32) -> bool {
    let by_ending = syllables == 3
        && (lower.ends_with("ted")
            || lower.ends_with("ded")
            || (lower.ends_with("es") && syllables::count(lower.strip_suffix('s').unwrap_or(lower)) == 2));
    syllables >= 3 && !by_ending
}

/// Words per sentence and syllables per word, or `None` without words.
fn ratios(counts: &Counts) -> Option<(f64, f64)> {
    (counts.words > 0 && counts.sentences > 0).then(|| {
        let words = f64::from(counts.words);
        (words / f64::from(counts.sentences), f64::from(counts.syllables) / words)
    })
}

/// `206.835 - 1.015 words/sentence - 84.6 syllables/word` (Flesch, A new readability yardstick, 1948); 0 without words.
pub(super) fn flesch_reading_ease(counts: &Counts) -> f64 {
    ratios(counts).map_or(0.0, |(length, syllables)| 206.835 - 1.015 * length - 84.6 * syllables)
}

/// `0.39 words/sentence + 11.8 syllables/word - 15.59` (Kincaid et al., 1975); 0 without words.
pub(super) fn flesch_kincaid_grade(counts: &Counts) -> f64 {
    ratios(counts).map_or(0.0, |(length, syllables)| 0.39 * length + 11.8 * syllables - 15.59)
}

/// `0.4 (words/sentence + 100 complex words/words)` (Gunning, The technique of clear writing, 1952); 0 without words.
pub(super) fn gunning_fog(counts: &Counts) -> f64 {
    ratios(counts)
        .map_or(0.0, |(length, _)| 0.4 * (length + 100.0 * f64::from(counts.complex_words) / f64::from(counts.words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formulas_are_the_published_ones() {
        let counts = Counts { sentences: 2, words: 20, syllables: 30, complex_words: 3, ..Counts::default() };
        assert!((flesch_reading_ease(&counts) - (206.835 - 10.15 - 126.9)).abs() < 1e-9);
        assert!((flesch_kincaid_grade(&counts) - (3.9 + 17.7 - 15.59)).abs() < 1e-9);
        assert!((gunning_fog(&counts) - 10.0).abs() < 1e-9);
        assert_eq!(flesch_reading_ease(&Counts::default()), 0.0);
    }

    #[test]
    fn endings_do_not_make_a_word_complex() {
        assert!(!is_complex("created", 3));
        assert!(!is_complex("advances", 3));
        assert!(is_complex("example", 3));
        assert!(is_complex("evaluated", 5));
    }
}
