//! Examples inside a prompt: phrases, pairs of labels, code fences, numbered shots.

use super::{lexicon::role, scan::Token};

/// Counts of markers of examples.
#[derive(Default)]
pub(super) struct Examples {
    phrases: u32,
    headings: u32,
    inputs: u32,
    outputs: u32,
    fences: u32,
    /// The word before was "example" and opened a line.
    after_heading: bool,
}

impl Examples {
    /// Takes a line before its words.
    #[inline]
    pub(super) fn line(&mut self, line: &str) {
        self.fences += u32::from(line.trim_start().starts_with("```"));
        self.after_heading = false;
    }

    #[inline]
    pub(super) fn word(&mut self, token: &Token<'_>) {
        if token.is(role::EXAMPLE_PHRASE) {
            self.phrases += 1;
        }
        if std::mem::take(&mut self.after_heading) && token.numeric() {
            self.headings += 1; // "Example 2"
        }
        let colon = token.after() == b':';
        if token.is(role::EXAMPLE) {
            self.headings += u32::from(colon);
            self.after_heading = token.opens_line && !colon;
        } else if token.opens_line && colon {
            self.inputs += u32::from(token.is(role::INPUT_LABEL));
            self.outputs += u32::from(token.is(role::OUTPUT_LABEL));
        }
    }

    /// The number of examples: phrases, headings, pairs of input and output labels, fenced blocks.
    pub(super) fn count(&self) -> u32 {
        self.phrases + self.headings + self.inputs.min(self.outputs) + self.fences / 2
    }
}

#[cfg(test)]
mod tests {
    use crate::text::analyze;

    #[test]
    fn examples_are_found_in_their_forms() {
        for (text, count) in [
            ("Use colours, for example red.", 1),
            ("Use colours, e.g. red.", 1),
            ("Input: 1\nOutput: 2", 1),
            ("Q: Why?\nA: So.\nQ: And?\nA: No.", 2),
            ("Example 1\nred\nExample 2\nblue", 2),
            ("Examples:\nred", 1),
            ("Run it:\n```rust\nmain()\n```\n", 1),
            ("Give me an example.", 0),
            ("A) one\nB) two", 0),
            ("Input: 1", 0),
        ] {
            assert_eq!(analyze(text).examples, count, "{text}");
        }
    }
}
