//! Text analysis: raw counts and published indices of a prompt, and the ten linguistic features made of them.
//!
//! [`analyze`] reads the text once. It is a pure function of the text and takes any string. Time is linear in the length;
//! memory is linear in the distinct words, with two bytes per word and five per character of the longest line on top:
//! about 2.5 MiB at worst, for a text at the limit of [`MAX_BYTES`]. English is assumed by the syllables and the word
//! lists; the segmentation is that of Unicode.

mod diversity;
mod entities;
mod examples;
mod imperatives;
mod lexicon;
mod linguistic;
mod readability;
mod scan;
mod segment;
mod shadow;
mod structure;
mod syllables;
mod terms;
mod vocabulary;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

pub use entities::Entities;
pub use linguistic::Linguistic;

/// How many bytes of a text are analysed; a longer text is read up to the last character boundary before this.
pub const MAX_BYTES: usize = 64 * 1024;

/// Raw counts and published indices of one text.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// Bytes analysed: at most [`MAX_BYTES`].
    pub bytes: u32,
    /// Whether the text is longer than that.
    pub truncated: bool,
    /// Characters in words.
    pub characters: u32,
    /// Sentences by UAX #29 that hold a word; a full stop after an abbreviation, initial or enumerator ends none.
    pub sentences: u32,
    /// Words by UAX #29.
    pub tokens: u32,
    /// Words as Flesch counts them: a hyphenated compound is one.
    pub words: u32,
    /// Syllables of all words; figures count one each.
    pub syllables: u32,
    /// Words of three syllables or more, without proper names and without those made by `-ed` or `-es` (Gunning).
    pub complex_words: u32,
    /// Standard deviation of the sentence lengths in words.
    pub sentence_length_sd: f64,
    /// Flesch reading ease (1948): high is easy, at most 121.22; 0 without words.
    pub flesch_reading_ease: f64,
    /// Flesch-Kincaid grade (Kincaid et al., 1975); 0 without words.
    pub flesch_kincaid_grade: f64,
    /// Gunning Fog index (1952); 0 without words.
    pub gunning_fog: f64,
    /// Distinct tokens in lower case.
    pub types: u32,
    /// Factors of MTLD (McCarthy and Jarvis, 2010), mean of both directions; 0 if no word comes twice.
    pub mtld_factors: f64,
    /// Named things.
    pub entities: Entities,
    /// Tokens that are technical terms.
    pub technical_terms: u32,
    /// Other tokens that look like code.
    pub code_tokens: u32,
    /// Subordinating conjunctions and relative pronouns that do not open a sentence.
    pub subordinators: u32,
    /// Coordinating conjunctions that do not open a sentence.
    pub coordinators: u32,
    /// Words followed by a comma, semicolon or colon, or preceded by a parenthesis.
    pub inner_marks: u32,
    /// Sentences that start with a capital or number and end with a mark.
    pub well_formed_sentences: u32,
    /// Questions that are no requests.
    pub questions: u32,
    /// Sentences that instruct.
    pub imperatives: u32,
    /// Markers of explicit constraints: "must", "at most", "3 sentences".
    pub constraints: u32,
    /// Vague words: "something", "maybe".
    pub vague_words: u32,
    /// Examples given: "for example", pairs of labels, fenced blocks.
    pub examples: u32,
}

impl Analysis {
    /// Types per token in [0, 1]; 0 without words. It falls with the length of the text: compare equal lengths only.
    #[must_use]
    pub fn type_token_ratio(&self) -> f64 {
        if self.tokens == 0 { 0.0 } else { f64::from(self.types) / f64::from(self.tokens) }
    }

    /// MTLD: tokens per factor; `None` if no word comes twice, where the measure is not defined.
    #[must_use]
    pub fn mtld(&self) -> Option<f64> {
        (self.mtld_factors > 0.0).then(|| f64::from(self.tokens) / self.mtld_factors)
    }
}

/// Raw counts and indices of `text`, read up to [`MAX_BYTES`].
#[must_use]
pub fn analyze(text: &str) -> Analysis {
    scan::scan(text)
}

/// The ten features of `text`: [`analyze`], then the formulas on [`Linguistic`].
#[must_use]
pub fn linguistic(text: &str) -> Linguistic {
    Linguistic::from(&analyze(text))
}
