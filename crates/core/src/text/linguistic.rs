//! The ten features of a prompt from its raw counts.
//!
//! No feature is scaled by what other prompts look like. An unbounded count `x` becomes `x / (x + h)`: monotone, 0 at
//! 0, one half at `h`, below 1 always, so two different counts never become equal.

use super::Analysis;

/// Ten linguistic features, each in [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Linguistic {
    /// Flesch reading ease `e` through `1 / (1 + exp(-(e - 50) / 20))`: 50 (fairly difficult) is one half.
    pub readability: f32,
    /// `m / (m + 72)`, where `m = (tokens + 72) / (factors + 1)` is MTLD with one prior factor of typical length.
    pub lexical_diversity: f32,
    /// Entities per token, half at 0.08.
    pub entity_density: f32,
    /// Subordinators, half of the coordinators and half of the inner marks per sentence, half at 2.
    pub syntactic_complexity: f32,
    /// One half: share of well-formed sentences. One quarter: variation coefficient of sentence lengths, half at 0.5.
    /// One quarter: nearness of the mean length to 15 words, `exp(-ln(length / 15)^2)`.
    pub sentence_structure: f32,
    /// Technical terms and code tokens per token, half at 0.15.
    pub technical_ratio: f32,
    /// Words per sentence / 50, at most 1.
    pub avg_sentence_length: f32,
    /// 0.55: share of sentences that instruct (a question counts 0.6). 0.30: explicit constraints, half at 1.5.
    /// 0.15: 1 minus vague words per token, half at 0.05.
    pub instruction_clarity: f32,
    /// 1 if the prompt gives an example, else 0.
    pub has_examples: f32,
    /// 0.30 instruction clarity + 0.20 sentence structure + 0.15 readability + 0.15 lexical diversity + 0.15 mean of
    /// entity density and technical ratio + 0.05 examples: a prior of this project, to be calibrated on ratings.
    pub overall_quality: f32,
}

/// The length in words of a typical MTLD factor of written English.
const TYPICAL_MTLD: f64 = 72.0;

/// `x / (x + half)` for `x >= 0`.
fn saturate(x: f64, half: f64) -> f64 {
    x / (x + half)
}

impl From<&Analysis> for Linguistic {
    /// All 0 for a text without words.
    fn from(analysis: &Analysis) -> Self {
        if analysis.words == 0 || analysis.sentences == 0 {
            return Self::default();
        }
        let (tokens, sentences) = (f64::from(analysis.tokens), f64::from(analysis.sentences));
        let readability = 1.0 / (1.0 + ((50.0 - analysis.flesch_reading_ease) / 20.0).exp());
        let diversity = saturate((tokens + TYPICAL_MTLD) / (analysis.mtld_factors + 1.0), TYPICAL_MTLD);
        let entities = saturate(f64::from(analysis.entities.total()) / tokens, 0.08);
        let clauses = f64::from(analysis.subordinators)
            + 0.5 * (f64::from(analysis.coordinators) + f64::from(analysis.inner_marks));
        let complexity = saturate(clauses / sentences, 2.0);
        let technical = saturate(f64::from(analysis.technical_terms + analysis.code_tokens) / tokens, 0.15);
        let structure = structure(analysis);
        let clarity = clarity(analysis);
        let examples = f64::from(u8::from(analysis.examples > 0));
        let quality = 0.30 * clarity
            + 0.20 * structure
            + 0.15 * readability
            + 0.15 * diversity
            + 0.15 * f64::midpoint(entities, technical)
            + 0.05 * examples;
        Self {
            readability: unit(readability),
            lexical_diversity: unit(diversity),
            entity_density: unit(entities),
            syntactic_complexity: unit(complexity),
            sentence_structure: unit(structure),
            technical_ratio: unit(technical),
            avg_sentence_length: unit(f64::from(analysis.words) / sentences / 50.0),
            instruction_clarity: unit(clarity),
            has_examples: unit(examples),
            overall_quality: unit(quality),
        }
    }
}

impl Linguistic {
    /// The names of the features in the order of [`Linguistic::to_array`].
    pub const NAMES: [&'static str; 10] = [
        "readability",
        "lexical_diversity",
        "entity_density",
        "syntactic_complexity",
        "sentence_structure",
        "technical_ratio",
        "avg_sentence_length",
        "instruction_clarity",
        "has_examples",
        "overall_quality",
    ];

    /// The features in the order of the schema.
    #[must_use]
    pub fn to_array(&self) -> [f32; 10] {
        [
            self.readability,
            self.lexical_diversity,
            self.entity_density,
            self.syntactic_complexity,
            self.sentence_structure,
            self.technical_ratio,
            self.avg_sentence_length,
            self.instruction_clarity,
            self.has_examples,
            self.overall_quality,
        ]
    }
}

fn structure(analysis: &Analysis) -> f64 {
    let sentences = f64::from(analysis.sentences);
    let length = f64::from(analysis.words) / sentences;
    let formed = f64::from(analysis.well_formed_sentences) / sentences;
    let variation = saturate(analysis.sentence_length_sd / length, 0.5);
    0.5 * formed + 0.25 * variation + 0.25 * (-(length / 15.0).ln().powi(2)).exp()
}

fn clarity(analysis: &Analysis) -> f64 {
    let directive = f64::from(analysis.imperatives) + 0.6 * f64::from(analysis.questions);
    let vagueness = saturate(f64::from(analysis.vague_words) / f64::from(analysis.tokens), 0.05);
    0.55 * (directive / f64::from(analysis.sentences)).min(1.0)
        + 0.30 * saturate(f64::from(analysis.constraints), 1.5)
        + 0.15 * (1.0 - vagueness)
}

/// As a feature: the ends of the range stop rounding, and the rare value beyond.
fn unit(value: f64) -> f32 {
    value.clamp(0.0, 1.0) as f32
}
