//! Syllables of an English word: vowel groups, corrected by spelling rules; the exceptions stand in `vocabulary.rs`.
//!
//! A group of vowel letters is one syllable unless the letters belong to two (`me-di-a`, `cre-ate`), and a silent `e`
//! is none (`make`, `walked`, `careless`, `framework`). Figures count one syllable, an abbreviation without vowels is
//! spelled out. Words outside the Latin script count one: the indices that use syllables are made for English.

/// First parts of compounds that end in a silent `e`.
const SILENT_HEADS: &[&str] = &[
    "some", "home", "life", "frame", "base", "make", "time", "fore", "house", "fire", "like", "more", "name", "type",
    "code", "note", "safe", "take", "wide", "face", "side", "line", "white", "state", "space", "store", "care", "hope",
    "place", "there", "where", "else", "wave", "wire", "case", "gate", "made",
];

/// Suffixes before which an `e` after a consonant is silent.
const SUFFIXES: &[&str] = &["ly", "ment", "ments", "ful", "fully", "less", "ness"];

/// The number of syllables of a lower-case word; at least 1. Linear in its length.
pub(super) fn count(word: &str) -> u32 {
    if word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return alphabetic(word);
    }
    let (stem, clitic) = split_clitic(word);
    stem_syllables(stem) + clitic
}

/// Splits `'s`, `n't`, `'ll`, `'ve` off and says how many syllables they add.
fn split_clitic(word: &str) -> (&str, u32) {
    let Some((stem, tail)) = word.split_once('\'') else {
        return (word, 0);
    };
    let last = stem.as_bytes().last().copied().unwrap_or(0);
    let added = match tail {
        "t" => {
            let before = stem.as_bytes().iter().rev().nth(1).copied().unwrap_or(0);
            u32::from(last == b'n' && matches!(before, b'd' | b's'))
        }
        "s" => u32::from(matches!(last, b's' | b'x' | b'z') || stem.ends_with("ch") || stem.ends_with("sh")),
        "ll" | "ve" => u32::from(!vowel(last)),
        _ => 0,
    };
    (stem, added)
}

fn stem_syllables(word: &str) -> u32 {
    let bytes = word.as_bytes();
    let letters = bytes.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    if letters < bytes.len() && bytes.iter().any(|byte| byte.is_ascii_digit() || *byte == b'_' || *byte == b'.') {
        return word
            .split(|c: char| !c.is_ascii_alphabetic())
            .filter(|part| !part.is_empty())
            .map(alphabetic)
            .sum::<u32>()
            .max(1);
    }
    if word.is_ascii() {
        return alphabetic(word);
    }
    let folded: String = word.chars().take(64).map(fold).collect();
    if !folded.is_ascii() {
        return 1;
    }
    alphabetic(&folded) + u32::from(word.ends_with('é'))
}

/// The base letter of an accented Latin letter; the other characters stay.
fn fold(letter: char) -> char {
    match letter {
        'à'..='å' => 'a',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ò'..='ö' | 'ø' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    }
}

/// The letters a, e, i, o, u and y as bits.
const VOWELS: u32 = 1 | 1 << 4 | 1 << 8 | 1 << 14 | 1 << 20 | 1 << 24;

#[inline]
fn vowel(byte: u8) -> bool {
    let letter = byte.wrapping_sub(b'a');
    letter < 26 && VOWELS >> letter & 1 == 1
}

/// Syllables of a word of ASCII letters.
fn alphabetic(word: &str) -> u32 {
    let bytes = word.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let mut groups: u32 = 0;
    let mut in_group = false;
    for (index, &byte) in bytes.iter().enumerate() {
        let (before, after) = (if index == 0 { 0 } else { at(index - 1) }, at(index + 1));
        let voiced = match byte {
            b'u' => before != b'q' && !(before == b'g' && matches!(after, b'e' | b'i') && index > 1),
            b'y' => !(vowel(after) && (index == 0 || vowel(before))),
            other => vowel(other),
        };
        if voiced && (!in_group || hiatus(bytes, index)) {
            groups += 1;
        }
        in_group = voiced;
    }
    if groups == 0 {
        return if bytes.len() <= 5 { bytes.len().max(1) as u32 } else { 1 };
    }
    if word.ends_with("thm") || word.ends_with("ism") || word.ends_with("isms") || word.ends_with("asm") {
        groups += 1;
    }
    let silent = u32::from(silent_ending(word)) + u32::from(silent_inside(word));
    groups.saturating_sub(silent).max(1)
}

/// Whether the vowel at `index` starts a new syllable although a vowel stands before it.
fn hiatus(bytes: &[u8], index: usize) -> bool {
    let head = bytes.get(..index.saturating_sub(1)).unwrap_or_default();
    let tail = bytes.get(index + 1..).unwrap_or_default();
    let before = head.last().copied().unwrap_or(0);
    let (Some(&first), Some(&second)) = (bytes.get(index.wrapping_sub(1)), bytes.get(index)) else {
        return false;
    };
    match (first, second) {
        (b'i', b'a') => match before {
            b'c' | b't' => tail.starts_with(b"t") && head.len() > 1,
            b's' => !tail.is_empty() && !tail.starts_with(b"n"),
            b'l' => !matches!(tail, b"r" | b"n" | b"ns" | b"nt"),
            _ => tail != b"ge" && tail != b"ges",
        },
        (b'i', b'o') => match before {
            b't' | b's' | b'c' | b'g' | b'x' | b'n' => {
                tail.first() != Some(&b'n') && tail.first() != Some(&b'u') && !tail.is_empty()
                    || (before == b'n' && tail.starts_with(b"u"))
            }
            b'l' | b'h' => !matches!(tail.first(), Some(b'n')),
            _ => !(tail == b"r" || tail == b"rs") || before == b'r',
        },
        (b'i', b'e') => match tail {
            [b'r', rest @ ..] => matches!(rest, b"" | b"s") && head.len() >= 3,
            [b's', b't'] => head.len() >= 2,
            [b'n', b't' | b'c', ..] => !matches!(before, b't' | b'c') || head == b"sc",
            [b't', ..] => true,
            _ => false,
        },
        (b'i', b'u') => true,
        (b'e', b'o') => !(matches!(before, b'g' | b'c') && matches!(tail.first(), Some(b'n' | b'u'))) && tail != b"ple",
        (b'e', b'a') => {
            (head.ends_with(b"cr") && tail.starts_with(b"t") && !tail.starts_with(b"tur"))
                || (head == b"r"
                    && matches!(tail, [b'c', b't', ..] | [b'l', b'i', ..] | [b's', b's', ..] | [b'p', b'p', ..]))
                || (head.ends_with(b"lin") && tail == b"r")
        }
        (b'u', b'a') => !matches!(before, b'q' | b'g' | b's'),
        (b'u', b'o') => before != b'q',
        (b'u', b'e') => matches!(tail, [b'n', b't' | b'c', ..]) || (tail == b"l" && before != b'g'),
        (b'u', b'i') => {
            tail.starts_with(b"ty") || tail.starts_with(b"ng") || tail.starts_with(b"ti") || tail.starts_with(b"ta")
        }
        (b'o' | b'e' | b'y' | b'a', b'i') if tail == b"ng" || tail == b"ngs" => true,
        (b'y', b'i') => true,
        (b'y', b'o' | b'a') => !head.is_empty() && !vowel(before) && before != b'n' && before != b'w',
        (b'o', b'e') => tail.starts_with(b"ff") || tail.starts_with(b"x"),
        (b'o', b'o') => head == b"c" && (tail.starts_with(b"p") && tail.len() > 2 || tail.starts_with(b"rd")),
        _ => false,
    }
}

/// Whether the word ends in a silent `e`, `es` or `ed`.
fn silent_ending(word: &str) -> bool {
    let bytes = word.as_bytes();
    let (stem, tail) = match bytes {
        [stem @ .., b'e'] => (stem, b'e'),
        [stem @ .., b'e', b's'] => (stem, b's'),
        [stem @ .., b'e', b'd'] => (stem, b'd'),
        _ => return false,
    };
    let last = stem.last().copied().unwrap_or(0);
    let before = stem.iter().rev().nth(1).copied().unwrap_or(0);
    let mute_u = last == b'u' && matches!(before, b'g' | b'q');
    if (vowel(last) && !mute_u) || stem.len() < 2 {
        return last == b'y' && vowel(before) && stem.len() > 2; // played
    }
    let liquid = last == b'l' && !vowel(before) && !matches!(before, b'l' | b'r')
        || last == b'r' && matches!(before, b't' | b'd' | b'c' | b'g' | b'b');
    let spoken = match tail {
        b'e' => false,
        b's' => matches!(last, b's' | b'x' | b'z' | b'c' | b'g') || stem.ends_with(b"ch") || stem.ends_with(b"sh"),
        _ => matches!(last, b't' | b'd'),
    };
    !liquid && !spoken
}

/// Whether an `e` inside the word is silent: before a suffix, or between the parts of a compound.
fn silent_inside(word: &str) -> bool {
    let bytes = word.as_bytes();
    if bytes.len() < 6 {
        return false;
    }
    let ends_first_part = |part: &str| {
        let bytes = part.as_bytes();
        let (last, before) = (bytes.last().copied(), bytes.len().checked_sub(2).and_then(|index| bytes.get(index)));
        last == Some(b'e')
            && before.is_some_and(|&byte| !vowel(byte))
            && bytes.iter().rev().skip(2).any(|&byte| vowel(byte))
            && !part.ends_with("ble")
            && !part.ends_with("ple")
            && !part.ends_with("tle")
    };
    // Cheap tests first: few words end like a suffix or have an `e` where the heads have theirs.
    let suffixed = matches!(bytes.last(), Some(b'y' | b't' | b's' | b'l'));
    if suffixed && SUFFIXES.iter().any(|suffix| word.strip_suffix(suffix).is_some_and(ends_first_part)) {
        return true;
    }
    let head_ends = bytes.get(3) == Some(&b'e') || bytes.get(4) == Some(&b'e');
    head_ends
        && SILENT_HEADS.iter().any(|head| {
            word.strip_prefix(head).is_some_and(|rest| {
                let bytes = rest.as_bytes();
                bytes.len() >= 3
                    && bytes.first().is_some_and(|&byte| !vowel(byte))
                    && bytes.iter().any(|&byte| vowel(byte))
            })
        })
}

#[cfg(test)]
#[path = "syllables_tests.rs"]
mod tests;
