//! Lines, words and sentences by the Unicode rules (UAX #29).
//!
//! A line feed is a boundary for words (WB3a, WB3b) and sentences (SB4), so a text is cut into lines first and every
//! line takes the cheapest exact path: ASCII lines and those with a [`Shadow`] are cut here, others by
//! `unicode-segmentation`. The tests prove all equal. One tailoring: in a line that is not ASCII, more than [`MAX_RUN`] characters in a row without a letter or
//! digit end a sentence. It bounds the look-ahead of rule SB8, which would be quadratic otherwise.

use unicode_segmentation::{USentenceBoundIndices, UnicodeSegmentation, UnicodeWordIndices};

use super::shadow::Shadow;

/// How the characters of a line are read.
#[derive(Clone, Copy)]
pub(super) enum Form<'a> {
    Ascii,
    Shadow(&'a Shadow),
    Unicode,
}

impl<'a> Form<'a> {
    /// The cheapest form of `line`; `shadow` is a buffer.
    pub(super) fn of(line: &str, shadow: &'a mut Shadow) -> Self {
        if line.is_ascii() {
            Self::Ascii
        } else if shadow.fill(line) {
            Self::Shadow(shadow)
        } else {
            Self::Unicode
        }
    }

    /// The bytes to cut by the ASCII rules, and what their offsets mean; `None` for the general rules.
    fn bytes(self, line: &'a str) -> Option<(&'a [u8], &'a [u32])> {
        match self {
            Self::Ascii => Some((line.as_bytes(), &[])),
            Self::Shadow(shadow) => Some((&shadow.bytes, &shadow.offsets)),
            Self::Unicode => None,
        }
    }
}

/// The offset in the line; without `offsets` it is the same.
#[inline]
fn in_line(offsets: &[u32], at: usize) -> usize {
    offsets.get(at).map_or(at, |&offset| offset as usize)
}

/// The longest run without letter or digit inside one sentence of a line that is not ASCII.
const MAX_RUN: usize = 32;

/// The words of one line: byte ranges, in order.
pub(super) enum Words<'a> {
    Ascii { bytes: &'a [u8], offsets: &'a [u32], at: usize },
    Unicode(UnicodeWordIndices<'a>),
}

impl<'a> Words<'a> {
    /// The words of `line`; `form` is that of the line.
    pub(super) fn new(line: &'a str, form: Form<'a>) -> Self {
        match form.bytes(line) {
            Some((bytes, offsets)) => Self::Ascii { bytes, offsets, at: 0 },
            None => Self::Unicode(line.unicode_word_indices()),
        }
    }
}

impl Iterator for Words<'_> {
    type Item = (usize, usize);

    #[inline]
    fn next(&mut self) -> Option<(usize, usize)> {
        match self {
            Self::Ascii { bytes, offsets, at } => {
                let word = ascii_word(bytes, *at)?;
                *at = word.1;
                Some((in_line(offsets, word.0), in_line(offsets, word.1)))
            }
            Self::Unicode(words) => words.next().map(|(start, word)| (start, start + word.len())),
        }
    }
}

/// Whether `byte` can stand anywhere in an ASCII word: letter, digit or underscore (`ExtendNumLet`).
#[inline]
fn core(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The first word of ASCII `bytes` at or after `from` that holds a letter or digit: rules WB5 to WB13b.
#[inline]
fn ascii_word(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut start = from;
    loop {
        start += bytes.get(start..)?.iter().position(|&byte| core(byte))?;
        let mut end = start;
        let mut alphanumeric = false;
        while let Some(&byte) = bytes.get(end) {
            if core(byte) {
                alphanumeric |= byte != b'_';
            } else if !joins(bytes.get(end.wrapping_sub(1)).copied(), byte, bytes.get(end + 1).copied()) {
                break;
            }
            end += 1;
        }
        if alphanumeric {
            return Some((start, end));
        }
        start = end;
    }
}

/// Whether `middle` joins its neighbours into one word: `don't`, `e.g`, `3.14`, `1,000` (WB6, WB7, WB11, WB12).
#[inline]
fn joins(before: Option<u8>, middle: u8, after: Option<u8>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    match middle {
        b'.' | b'\'' => {
            (before.is_ascii_alphabetic() && after.is_ascii_alphabetic())
                || (before.is_ascii_digit() && after.is_ascii_digit())
        }
        b':' => before.is_ascii_alphabetic() && after.is_ascii_alphabetic(),
        b',' | b';' => before.is_ascii_digit() && after.is_ascii_digit(),
        _ => false,
    }
}

/// The sentences of one line: the byte offsets at which they end, in order.
pub(super) enum Sentences<'a> {
    Ascii { bytes: &'a [u8], offsets: &'a [u32], at: usize },
    Unicode { line: &'a str, piece_end: usize, bounds: USentenceBoundIndices<'a>, offset: usize },
}

impl<'a> Sentences<'a> {
    /// The sentences of `line`; `form` is that of the line.
    pub(super) fn new(line: &'a str, form: Form<'a>) -> Self {
        if let Some((bytes, offsets)) = form.bytes(line) {
            return Self::Ascii { bytes, offsets, at: 0 };
        }
        let piece_end = piece_end(line);
        let piece = line.get(..piece_end).unwrap_or(line);
        Self::Unicode { line, piece_end, bounds: piece.split_sentence_bound_indices(), offset: 0 }
    }
}

impl Iterator for Sentences<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        match self {
            Self::Ascii { bytes, offsets, at } => {
                if *at >= bytes.len() {
                    return None;
                }
                *at = ascii_sentence_end(bytes, *at);
                Some(in_line(offsets, *at))
            }
            Self::Unicode { line, piece_end: end, bounds, offset } => loop {
                if let Some((start, sentence)) = bounds.next() {
                    return Some(*offset + start + sentence.len());
                }
                let rest = line.get(*end..).filter(|rest| !rest.is_empty())?;
                let length = piece_end(rest);
                *offset = *end;
                *end += length;
                *bounds = rest.get(..length).unwrap_or(rest).split_sentence_bound_indices();
            },
        }
    }
}

/// Where the first piece of `line` ends: behind the first [`MAX_RUN`] characters in a row that are neither letter nor
/// digit, or at the end.
fn piece_end(line: &str) -> usize {
    let mut run = 0;
    for (at, character) in line.char_indices() {
        run = if character.is_alphanumeric() { 0 } else { run + 1 };
        if run > MAX_RUN {
            return at;
        }
    }
    line.len()
}

/// `Close` of the sentence rules, in ASCII.
#[inline]
fn close(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'(' | b')' | b'[' | b']' | b'{' | b'}')
}

/// `Sp` of the sentence rules, in ASCII.
#[inline]
fn space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0B | 0x0C)
}

/// The end of the sentence that starts at `from`: rules SB3 to SB11 on ASCII.
fn ascii_sentence_end(bytes: &[u8], from: usize) -> usize {
    let byte = |at: usize| bytes.get(at).copied();
    let mut at = from;
    while let Some(current) = byte(at) {
        at += 1;
        match current {
            b'\r' if byte(at) == Some(b'\n') => return at + 1,
            b'\r' | b'\n' => return at,
            b'.' | b'!' | b'?' => {
                if let Some(end) = after_terminator(bytes, at, current == b'.') {
                    return end;
                }
            }
            _ => {}
        }
    }
    at
}

/// The end of the sentence whose terminator stands before `at`, or `None` if that terminator ends no sentence.
fn after_terminator(bytes: &[u8], at: usize, full_stop: bool) -> Option<usize> {
    let byte = |at: usize| bytes.get(at).copied();
    if full_stop {
        match byte(at) {
            Some(next) if next.is_ascii_digit() => return None, // SB6
            Some(next)
                if next.is_ascii_uppercase()
                    && at.checked_sub(2).and_then(byte).is_some_and(|b| b.is_ascii_alphabetic()) =>
            {
                return None; // SB7
            }
            _ => {}
        }
    }
    let mut end = at;
    while byte(end).is_some_and(close) {
        end += 1;
    }
    while byte(end).is_some_and(space) {
        end += 1;
    }
    if full_stop {
        let ahead =
            bytes.iter().skip(at).find(|b| b.is_ascii_alphabetic() || matches!(b, b'\r' | b'\n' | b'.' | b'!' | b'?'));
        if ahead.is_some_and(u8::is_ascii_lowercase) {
            return None; // SB8
        }
    }
    match byte(end) {
        Some(b',' | b'-' | b':' | b';' | b'.' | b'!' | b'?') => None, // SB8a
        Some(b'\r') if byte(end + 1) == Some(b'\n') => Some(end + 2),
        Some(b'\r' | b'\n') => Some(end + 1),
        _ => Some(end), // SB11
    }
}

#[cfg(test)]
#[path = "segment_tests.rs"]
mod tests;
