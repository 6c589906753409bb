//! The build of sentences: clause markers, marks inside, well-formed ends, spread of lengths.

use super::{lexicon::role, scan::Token};

/// Counts of the build of sentences.
#[derive(Default)]
pub(super) struct Structure {
    pub(super) subordinators: u32,
    pub(super) coordinators: u32,
    /// Commas, semicolons, colons and opening parentheses behind or before a word.
    pub(super) inner_marks: u32,
    pub(super) well_formed: u32,
    capital_start: bool,
    interrogative: bool,
    sentences: u32,
    lengths: f64,
    squared_lengths: f64,
}

impl Structure {
    #[inline]
    pub(super) fn word(&mut self, token: &Token<'_>) {
        if token.opens_sentence {
            self.capital_start = token.capitalised() || token.enumerates() || token.numeric();
            self.interrogative = token.is(role::INTERROGATIVE);
        } else {
            self.subordinators += u32::from(token.is(role::SUBORDINATOR));
            self.coordinators += u32::from(token.is(role::COORDINATOR));
        }
        self.inner_marks += u32::from(matches!(token.after(), b',' | b';' | b':')) + u32::from(token.before() == b'(');
    }

    /// Ends `sentence` of `words` words and says whether it is a question.
    pub(super) fn end_sentence(&mut self, sentence: &str, words: u32) -> bool {
        let body = sentence
            .trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ')' | ']' | '”' | '’' | '*'));
        let last = body.chars().next_back().unwrap_or(' ');
        let terminated = matches!(last, '.' | '!' | '?' | ':' | '。' | '！' | '？' | '…');
        self.well_formed += u32::from(terminated && self.capital_start);
        self.sentences += 1;
        self.lengths += f64::from(words);
        self.squared_lengths += f64::from(words) * f64::from(words);
        matches!(last, '?' | '？') || (self.interrogative && !terminated && words >= 3)
    }

    /// The standard deviation of the sentence lengths in words (population), 0 below two sentences.
    pub(super) fn sentence_length_sd(&self) -> f64 {
        if self.sentences < 2 {
            return 0.0;
        }
        let count = f64::from(self.sentences);
        let mean = self.lengths / count;
        (self.squared_lengths / count - mean * mean).max(0.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use crate::text::analyze;

    #[test]
    fn well_formed_sentences_start_high_and_end_with_a_mark() {
        let analysis = analyze("This is one. this goes on. Nor is this");
        assert_eq!((analysis.sentences, analysis.well_formed_sentences), (2, 1));
        let analysis = analyze("This is one.\nthis is not.\n\"Is this (so)?\"");
        assert_eq!((analysis.sentences, analysis.well_formed_sentences), (3, 2));
    }

    #[test]
    fn lengths_two_and_four_deviate_by_one() {
        let analysis = analyze("Two words. Here are four words.");
        assert!((analysis.sentence_length_sd - 1.0).abs() < 1e-12);
    }
}
