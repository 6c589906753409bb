//! One table for all vocabularies: a word costs one look-up, whatever number of lists it stands on.

use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64;

use super::vocabulary::{LISTS, SYLLABLES};

/// The role of a word, one bit each; a word may have several.
pub(super) mod role {
    /// A technical term.
    pub(in super::super) const TECHNICAL: u32 = 1;
    /// A verb that opens an instruction.
    pub(in super::super) const VERB: u32 = 1 << 1;
    /// A word before the verb that does not change the mood: please, then, next.
    pub(in super::super) const PRELUDE: u32 = 1 << 2;
    /// A word that opens a clause which an instruction may follow: if, when, given.
    pub(in super::super) const LEAD_IN: u32 = 1 << 3;
    /// A modal that makes "you" a request: can, could, would, will.
    pub(in super::super) const MODAL: u32 = 1 << 4;
    /// A subordinating conjunction or relative pronoun.
    pub(in super::super) const SUBORDINATOR: u32 = 1 << 5;
    /// A coordinating conjunction.
    pub(in super::super) const COORDINATOR: u32 = 1 << 6;
    /// A finite verb that shows the word before it to be a subject: is, are, was.
    pub(in super::super) const FINITE: u32 = 1 << 7;
    /// A marker of an explicit constraint.
    pub(in super::super) const CONSTRAINT: u32 = 1 << 8;
    /// A vague word.
    pub(in super::super) const VAGUE: u32 = 1 << 9;
    /// An abbreviation whose full stop ends no sentence.
    pub(in super::super) const ABBREVIATION: u32 = 1 << 10;
    /// The name of a month.
    pub(in super::super) const MONTH: u32 = 1 << 11;
    /// The name of a weekday.
    pub(in super::super) const WEEKDAY: u32 = 1 << 12;
    /// A unit of measure or currency.
    pub(in super::super) const UNIT: u32 = 1 << 13;
    /// A unit of text: words, sentences, bullets.
    pub(in super::super) const TEXT_UNIT: u32 = 1 << 14;
    /// A preposition that makes a four-digit number a year.
    pub(in super::super) const YEAR_PREPOSITION: u32 = 1 << 15;
    /// A label of the input of an example.
    pub(in super::super) const INPUT_LABEL: u32 = 1 << 16;
    /// A label of the output of an example.
    pub(in super::super) const OUTPUT_LABEL: u32 = 1 << 17;
    /// The word "example" or its plural.
    pub(in super::super) const EXAMPLE: u32 = 1 << 18;
    /// A phrase that introduces an example.
    pub(in super::super) const EXAMPLE_PHRASE: u32 = 1 << 19;
    /// A word that opens a question.
    pub(in super::super) const INTERROGATIVE: u32 = 1 << 20;
    /// The first word of a phrase in this table.
    pub(in super::super) const PHRASE_HEAD: u32 = 1 << 21;
    /// The pronoun "you".
    pub(in super::super) const YOU: u32 = 1 << 22;
}

/// What the table knows of a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Bits of [`role`].
    pub(super) roles: u32,
    /// Syllables where the rules fail, else 0.
    pub(super) syllables: u8,
}

/// An open-addressed table: fingerprint and index of the entry.
pub(super) struct Lexicon {
    slots: Vec<(u32, u16)>,
    entries: Vec<(&'static str, Entry)>,
}

/// Slots, a power of two: about a third is used, so most unknown words meet an empty slot.
const SLOTS: usize = 4096;
const EMPTY: u16 = u16::MAX;

/// The table, built at first use.
pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut lexicon = Lexicon { slots: vec![(0, EMPTY); SLOTS], entries: Vec::with_capacity(2048) };
    for &(role, list) in LISTS {
        for word in list.split_whitespace() {
            // Phrases are written with an underscore in the lists; in the table a space stands there.
            lexicon.entry_mut(word).roles |= role;
            if let Some((head, _)) = word.split_once('_') {
                lexicon.entry_mut(head).roles |= role::PHRASE_HEAD;
            }
        }
    }
    for &(count, list) in SYLLABLES {
        for word in list.split_whitespace() {
            lexicon.entry_mut(word).syllables = count;
        }
    }
    lexicon
});

/// The hash of a lower-case word: equal words have equal hashes on every machine.
#[inline]
pub(super) fn hash(lower: &str) -> u64 {
    xxh3_64(lower.as_bytes())
}

impl Lexicon {
    /// The entry of a lower-case word or phrase (`head_tail`) and its `hash`; empty if it is unknown.
    #[inline]
    pub(super) fn get(&self, lower: &str, hash: u64) -> Entry {
        match self.find(lower, hash) {
            Ok(index) => self.entries.get(usize::from(index)).map_or(Entry::default(), |&(_, entry)| entry),
            Err(_) => Entry::default(),
        }
    }

    /// The index of the entry, or the free slot where it would go. The table is never full: see `entry_mut`.
    #[inline]
    fn find(&self, lower: &str, hash: u64) -> Result<u16, usize> {
        let fingerprint = fingerprint(hash);
        let mut slot = (hash as usize) & (SLOTS - 1);
        loop {
            match self.slots.get(slot) {
                Some(&(found, index)) if index != EMPTY => {
                    if found == fingerprint && self.entries.get(usize::from(index)).is_some_and(|e| e.0 == lower) {
                        return Ok(index);
                    }
                }
                _ => return Err(slot),
            }
            slot = (slot + 1) & (SLOTS - 1);
        }
    }

    fn entry_mut(&mut self, word: &'static str) -> &mut Entry {
        let hash = hash(word);
        let index = match self.find(word, hash) {
            Ok(index) => usize::from(index),
            Err(slot) => {
                assert!(self.entries.len() < SLOTS / 2, "the vocabularies fill at most half of the table");
                let index = self.entries.len();
                self.slots[slot] = (fingerprint(hash), index as u16);
                self.entries.push((word, Entry::default()));
                index
            }
        };
        &mut self.entries[index].1
    }
}

fn fingerprint(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_every_list_is_found_and_an_unknown_one_is_not() {
        for &(role, list) in LISTS {
            for word in list.split_whitespace() {
                assert_eq!(LEXICON.get(word, hash(word)).roles & role, role, "{word}");
                assert_eq!(word, word.to_lowercase());
            }
        }
        assert_eq!(LEXICON.get("zyzzyva", hash("zyzzyva")), Entry::default());
        assert_eq!(LEXICON.get("", hash("")), Entry::default());
    }

    #[test]
    fn a_phrase_marks_its_head() {
        let head = LEXICON.get("for", hash("for"));
        assert_ne!(head.roles & role::PHRASE_HEAD, 0);
        assert_ne!(LEXICON.get("for_example", hash("for_example")).roles & role::EXAMPLE_PHRASE, 0);
    }

    #[test]
    fn the_table_stays_at_most_half_full() {
        assert!(LEXICON.entries.len() <= SLOTS / 2, "{} entries", LEXICON.entries.len());
    }
}
