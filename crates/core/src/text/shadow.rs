//! A line with common characters outside ASCII, written in ASCII characters of the same classes.
//!
//! Typographic quotes, dashes and accented letters are frequent in prompts, and the general segmentation is several times
//! slower than that of ASCII. To the rules of UAX #29 an `é` is an `a` and a `”` is a `"`: the shadow has one byte for
//! every character, so the ASCII rules cut it exactly where the line is to be cut.

/// The shadow of one line, with the byte offset in the line for every offset in the shadow.
#[derive(Default)]
pub(super) struct Shadow {
    pub(super) bytes: Vec<u8>,
    pub(super) offsets: Vec<u32>,
}

impl Shadow {
    /// Writes the shadow of `line`; `false` if the line holds a character that has none.
    pub(super) fn fill(&mut self, line: &str) -> bool {
        self.bytes.clear();
        self.offsets.clear();
        for (at, character) in line.char_indices() {
            let Some(byte) = class_mate(character) else { return false };
            self.bytes.push(byte);
            self.offsets.push(at as u32);
        }
        self.offsets.push(line.len() as u32);
        true
    }
}

/// An ASCII character with the same `Word_Break` and `Sentence_Break` class, where that is known.
#[inline]
fn class_mate(character: char) -> Option<u8> {
    match character {
        '\0'..='\x7f' => Some(character as u8),
        '×' | '÷' | '¢' | '£' | '©' | '®' | '°' | '€' | '™' | '•' | '…' | '→' => Some(b'*'),
        'À'..='Þ' => Some(b'A'),
        'ß'..='ÿ' | 'α'..='ω' => Some(b'a'),
        '‘' | '’' => Some(b'\''),
        '“' | '”' | '„' | '«' | '»' => Some(b'"'),
        '–' | '—' => Some(b'-'),
        '\u{a0}' => Some(b' '),
        _ => None,
    }
}
