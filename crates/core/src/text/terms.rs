//! Technical terms: words and phrases of the vocabulary, and tokens that look like code.

use super::{lexicon::role, scan::Token};

/// Counts of technical words.
#[derive(Default)]
pub(super) struct Terms {
    /// Words that are terms, or belong to a term of two words.
    pub(super) terms: u32,
    /// Identifiers and words in backticks that are not counted as terms.
    pub(super) code: u32,
    previous_counted: bool,
}

impl Terms {
    #[inline]
    pub(super) fn word(&mut self, token: &Token<'_>) {
        let phrase = token.phrase & role::TECHNICAL != 0;
        if phrase && !self.previous_counted {
            self.terms += 1; // its first word
        }
        let term = phrase || token.is(role::TECHNICAL);
        let code = !term && is_code(token);
        self.terms += u32::from(term);
        self.code += u32::from(code);
        self.previous_counted = term;
    }
}

/// `snake_case`, `camelCase`, `PascalCase`, `call()`, or a word that touches a backtick.
#[inline]
fn is_code(token: &Token<'_>) -> bool {
    let quoted = token.before() == b'`' || token.after() == b'`';
    let called = token.after() == b'(' && token.line.as_bytes().get(token.end + 1) == Some(&b')');
    quoted || called || is_identifier(token.text)
}

fn is_identifier(word: &str) -> bool {
    let bytes = word.as_bytes();
    if bytes.len() < 4 {
        return false;
    }
    let (mut humps, mut snake) = (0, false);
    for pair in bytes.windows(2) {
        if let &[first, second] = pair {
            humps += u32::from(first.is_ascii_lowercase() && second.is_ascii_uppercase());
            snake |= first == b'_' || second == b'_';
        }
    }
    snake || humps > 1 || (humps == 1 && !word.starts_with("Mc") && !word.starts_with("Mac") && !word.starts_with("De"))
}

#[cfg(test)]
mod tests {
    use super::is_identifier;
    use crate::text::analyze;

    #[test]
    fn identifiers_are_told_from_words() {
        for word in ["snake_case", "camelCase", "PascalCase", "getHTTPResponse", "PyTorch"] {
            assert!(is_identifier(word), "{word}");
        }
        for word in ["word", "Word", "NASA", "McDonald", "don't", "iOS"] {
            assert!(!is_identifier(word), "{word}");
        }
    }

    #[test]
    fn a_phrase_counts_both_words_once() {
        assert_eq!(analyze("A neural network learns.").technical_terms, 2);
        assert_eq!(analyze("An open-source data structure.").technical_terms, 4);
        let analysis = analyze("Call `frobnicate` or parse() on my_value with Python.");
        assert_eq!((analysis.technical_terms, analysis.code_tokens), (1, 3));
    }
}
