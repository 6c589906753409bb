//! The one pass over a text: every word is lower-cased, hashed and looked up once, then shown to each counter.

use super::{
    Analysis, MAX_BYTES,
    diversity::Diversity,
    entities,
    entities::Mentions,
    examples::Examples,
    imperatives::Imperatives,
    lexicon::{Entry, LEXICON, Lexicon, hash, role},
    readability::{self, Readability},
    segment::{Form, Sentences, Words},
    shadow::Shadow,
    structure::Structure,
    terms::Terms,
};

/// One word in its place.
pub(super) struct Token<'a> {
    /// As written.
    pub(super) text: &'a str,
    /// In lower case.
    pub(super) lower: &'a str,
    pub(super) hash: u64,
    pub(super) entry: Entry,
    /// The roles of the phrase that this word ends, else 0.
    pub(super) phrase: u32,
    /// The text of the line, and where the word starts and ends in it.
    pub(super) line: &'a str,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The first word of its sentence, of its line.
    pub(super) opens_sentence: bool,
    pub(super) opens_line: bool,
    /// Joined to the word before it by one hyphen.
    pub(super) joined: bool,
}

impl Token<'_> {
    /// The byte before the word, 0 at the start of the line.
    #[inline]
    pub(super) fn before(&self) -> u8 {
        self.start.checked_sub(1).and_then(|at| self.line.as_bytes().get(at)).copied().unwrap_or(0)
    }

    /// The byte behind the word, 0 at the end of the line.
    #[inline]
    pub(super) fn after(&self) -> u8 {
        self.line.as_bytes().get(self.end).copied().unwrap_or(0)
    }

    /// Whether the word or the phrase that it ends has one of `roles`.
    #[inline]
    pub(super) fn is(&self, roles: u32) -> bool {
        (self.entry.roles | self.phrase) & roles != 0
    }

    #[inline]
    pub(super) fn capitalised(&self) -> bool {
        self.text.chars().next().is_some_and(char::is_uppercase)
    }

    /// A number in figures, such as `12`, `3.5` or `1,000`.
    #[inline]
    pub(super) fn numeric(&self) -> bool {
        self.text.as_bytes().first().is_some_and(u8::is_ascii_digit)
            && self.text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
    }

    /// An enumerator at the start of a sentence: `1.`, `12)`, `B)`.
    #[inline]
    pub(super) fn enumerates(&self) -> bool {
        self.opens_sentence
            && matches!(self.after(), b'.' | b')')
            && self.text.len() <= 2
            && (self.text.len() == 1 || self.text.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

/// What all counters know.
#[derive(Default)]
struct Counters {
    readability: Readability,
    diversity: Diversity,
    mentions: Mentions,
    terms: Terms,
    imperatives: Imperatives,
    examples: Examples,
    structure: Structure,
}

impl Counters {
    #[inline]
    fn word(&mut self, token: &Token<'_>) {
        self.diversity.word(token.hash);
        let proper = self.mentions.word(token);
        self.readability.word(token, proper);
        self.terms.word(token);
        self.structure.word(token);
        self.imperatives.word(token);
        self.examples.word(token);
    }

    fn end_sentence(&mut self, sentence: &str) {
        let words = self.readability.end_sentence();
        let question = self.structure.end_sentence(sentence, words);
        self.imperatives.end_sentence(question);
        self.mentions.end_sentence();
    }
}

/// Buffers of the pass, reused for every word.
struct Scratch {
    lower: String,
    /// The last word, if a phrase may start with it, and whether it does.
    head: String,
    follows_head: bool,
    shadow: Shadow,
}

/// Analyses `text` up to [`MAX_BYTES`].
pub(super) fn scan(text: &str) -> Analysis {
    let read = text.get(..readable(text)).unwrap_or(text);
    let lexicon: &Lexicon = &LEXICON;
    let mut counters = Counters::default();
    let mut scratch = Scratch {
        lower: String::with_capacity(64),
        head: String::with_capacity(64),
        follows_head: false,
        shadow: Shadow::default(),
    };
    for line in read.split_inclusive('\n') {
        counters.examples.line(line);
        scan_line(line, lexicon, &mut scratch, &mut counters);
    }
    entities::special_chunks(read, &mut counters.mentions);
    report(read, read.len() < text.len(), &counters)
}

/// The last character boundary at or before [`MAX_BYTES`].
fn readable(text: &str) -> usize {
    let limit = text.len().min(MAX_BYTES);
    (0..=limit).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

fn scan_line(line: &str, lexicon: &Lexicon, scratch: &mut Scratch, counters: &mut Counters) {
    let mut shadow = std::mem::take(&mut scratch.shadow);
    let form = Form::of(line, &mut shadow);
    let mut sentences = Sentences::new(line, form);
    let (mut sentence_start, mut sentence_end) = (0, 0);
    let mut last_end = None;
    let mut last_holds_stop = false;
    scratch.follows_head = false;
    for (start, end) in Words::new(line, form) {
        let opens_line = last_end.is_none();
        let mut opens_sentence = opens_line;
        if start >= sentence_end {
            let bound = sentence_end;
            while start >= sentence_end {
                match sentences.next() {
                    Some(next) => sentence_end = next,
                    None => break,
                }
            }
            if !opens_line && !last_holds_stop {
                counters.end_sentence(line.get(sentence_start..bound).unwrap_or_default());
                opens_sentence = true;
            }
            if opens_sentence {
                sentence_start = bound;
            }
        }
        let text = line.get(start..end).unwrap_or_default();
        lower_case(text, &mut scratch.lower);
        let hash = hash(&scratch.lower);
        let entry = lexicon.get(&scratch.lower, hash);
        let gap = last_end.and_then(|last| line.get(last..start));
        let phrase = phrase_roles(lexicon, scratch, gap);
        let joined = gap == Some("-");
        let lower = scratch.lower.as_str();
        let token = Token { text, lower, hash, entry, phrase, line, start, end, opens_sentence, opens_line, joined };
        counters.word(&token);
        last_holds_stop = holds_stop(&token);
        scratch.follows_head = entry.roles & role::PHRASE_HEAD != 0;
        if scratch.follows_head {
            std::mem::swap(&mut scratch.head, &mut scratch.lower);
        }
        last_end = Some(end);
    }
    if last_end.is_some() {
        counters.end_sentence(line.get(sentence_start..).unwrap_or_default());
    }
    scratch.shadow = shadow;
}

/// Whether the full stop behind the word belongs to the word and not to the sentence: an abbreviation, an enumerator,
/// an initial. It is the suppression of UAX #29, section 5, with a list of our own.
#[inline]
fn holds_stop(token: &Token<'_>) -> bool {
    if token.after() != b'.' {
        return false;
    }
    token.is(role::ABBREVIATION)
        || token.enumerates()
        || (token.text.len() == 1 && token.text != "I" && token.text.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// The roles of the phrase made of the word before and this one, if one blank or hyphen stands between.
#[inline]
fn phrase_roles(lexicon: &Lexicon, scratch: &mut Scratch, gap: Option<&str>) -> u32 {
    if !scratch.follows_head || !matches!(gap, Some(" " | "-")) {
        return 0;
    }
    scratch.head.push('_');
    scratch.head.push_str(&scratch.lower);
    lexicon.get(&scratch.head, hash(&scratch.head)).roles
}

/// Writes `word` to `lower` in lower case, a typographic apostrophe as `'`.
#[inline]
fn lower_case(word: &str, lower: &mut String) {
    lower.clear();
    if word.is_ascii() {
        lower.push_str(word);
        lower.make_ascii_lowercase();
        return;
    }
    for character in word.chars() {
        match character {
            '\u{2019}' => lower.push('\''),
            other => lower.extend(other.to_lowercase()),
        }
    }
}

fn report(read: &str, truncated: bool, counters: &Counters) -> Analysis {
    let counts = counters.readability.counts();
    let (type_count, mtld_factors) = counters.diversity.finish();
    Analysis {
        bytes: read.len() as u32,
        truncated,
        characters: counts.characters,
        sentences: counts.sentences,
        tokens: counts.tokens,
        words: counts.words,
        syllables: counts.syllables,
        complex_words: counts.complex_words,
        sentence_length_sd: counters.structure.sentence_length_sd(),
        flesch_reading_ease: readability::flesch_reading_ease(&counts),
        flesch_kincaid_grade: readability::flesch_kincaid_grade(&counts),
        gunning_fog: readability::gunning_fog(&counts),
        types: type_count,
        mtld_factors,
        entities: counters.mentions.entities,
        technical_terms: counters.terms.terms,
        code_tokens: counters.terms.code,
        subordinators: counters.structure.subordinators,
        coordinators: counters.structure.coordinators,
        inner_marks: counters.structure.inner_marks,
        well_formed_sentences: counters.structure.well_formed,
        questions: counters.imperatives.questions,
        imperatives: counters.imperatives.imperatives,
        constraints: counters.imperatives.constraints,
        vague_words: counters.imperatives.vague_words,
        examples: counters.examples.count(),
    }
}
