//! Instructions: imperative sentences, questions, explicit constraints and vague words.
//!
//! A sentence is an instruction when a verb of the list opens it (an enumerator, a bullet and words such as "please" or
//! "then" may stand before), when one follows "please" or "then" anywhere, when it asks "can you ...", or when a verb
//! follows the comma of a leading clause ("if it fails, print ..."). A verb right before "is", "of" or the like is a
//! noun ("Design is hard") and opens nothing.

use super::{lexicon::role, scan::Token};

/// Where the sentence stands: what a verb would mean next.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// At the start, or behind a prelude, an enumerator, "please", "then", or the comma of a leading clause.
    #[default]
    VerbInstructs,
    /// Behind a verb that instructs unless a finite verb follows.
    VerbSeen,
    /// Behind a modal that opens the sentence: "can".
    Modal,
    /// In the middle.
    Inside,
}

/// Counts of instructions.
#[derive(Default)]
pub(super) struct Imperatives {
    pub(super) imperatives: u32,
    pub(super) questions: u32,
    pub(super) constraints: u32,
    pub(super) vague_words: u32,
    state: State,
    leading_clause: bool,
    imperative: bool,
    previous_numeric: bool,
}

impl Imperatives {
    #[inline]
    pub(super) fn word(&mut self, token: &Token<'_>) {
        if token.opens_sentence {
            self.state = State::VerbInstructs;
            self.leading_clause = token.is(role::LEAD_IN);
            self.imperative = false;
            self.previous_numeric = false;
        }
        if !self.imperative {
            self.state = self.next_state(token);
        }
        let quantity = self.previous_numeric && token.is(role::TEXT_UNIT);
        let asked = token.opens_sentence && token.is(role::INTERROGATIVE); // "Should I ..." constrains nothing
        self.constraints += u32::from((token.is(role::CONSTRAINT) && !asked) || quantity);
        self.vague_words += u32::from(token.is(role::VAGUE));
        self.previous_numeric = token.numeric();
    }

    #[inline]
    fn next_state(&mut self, token: &Token<'_>) -> State {
        if self.state == State::VerbSeen {
            self.imperative = !token.is(role::FINITE);
            return State::Inside;
        }
        if self.state == State::Modal && token.is(role::YOU) {
            return State::VerbInstructs;
        }
        if self.state == State::VerbInstructs {
            let label = token.opens_line && token.after() == b':'; // "Output: 4"
            if token.is(role::VERB) && !label {
                return State::VerbSeen;
            }
            if token.enumerates() || token.is(role::PRELUDE) {
                return State::VerbInstructs;
            }
            if token.opens_sentence && token.is(role::MODAL) {
                return State::Modal;
            }
        }
        let asks = matches!(token.lower, "please" | "then" | "kindly");
        let clause_ends = token.after() == b',' && self.leading_clause;
        let label_ends = token.after() == b':' && !token.opens_line;
        if asks || clause_ends || label_ends { State::VerbInstructs } else { State::Inside }
    }

    /// Ends the sentence; an imperative is not counted as a question as well.
    pub(super) fn end_sentence(&mut self, question: bool) {
        let imperative = self.imperative || self.state == State::VerbSeen;
        self.imperatives += u32::from(imperative);
        self.questions += u32::from(question && !imperative);
        self.imperative = false;
        self.state = State::VerbInstructs;
    }
}

#[cfg(test)]
mod tests {
    use crate::text::analyze;

    #[test]
    fn imperatives_are_found_in_their_places() {
        for text in [
            "Write a poem.",
            "Please list three cities.",
            "1. Open the file.",
            "Then sort it.",
            "Could you please explain this?",
            "If it fails, print the error.",
            "Read it and then summarize the rest.",
            "- Describe the scene",
            "STOP!",
        ] {
            assert_eq!(analyze(text).imperatives, 1, "{text}");
        }
        for text in
            ["Design is hard.", "The list is long.", "What is a list?", "List of things", "I can write.", "Output: 4"]
        {
            assert_eq!(analyze(text).imperatives, 0, "{text}");
        }
    }

    #[test]
    fn questions_constraints_and_vague_words_are_counted() {
        let analysis = analyze("What is it? Use exactly 3 sentences and at most 50 words. Do not add stuff");
        assert_eq!((analysis.questions, analysis.imperatives), (1, 2));
        // exactly, 3 sentences, at most, 50 words, do not
        assert_eq!(analysis.constraints, 5);
        assert_eq!(analysis.vague_words, 1);
        assert_eq!(analyze("where is indonesia").questions, 1);
        assert_eq!(analyze("Should I go?").constraints, 0);
    }
}
