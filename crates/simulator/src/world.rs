//! The planted tables: contexts, rules, effects, failure modes, drift.

use serde::{Deserialize, Serialize};
use souffleur_core::features::DOMAINS;
use souffleur_core::records::Complexity;

/// A kind of team and the prompts it writes. Ranges are inclusive; shares lie in [0, 1].
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Its name.
    pub name: &'static str,
    /// How often it occurs, relative to the others.
    pub weight: f64,
    /// Its project type (97 % of its sessions).
    pub project_type: &'static str,
    /// Its domain, by index into [`DOMAINS`] (97 % of its sessions).
    pub domain: usize,
    /// The complexities it meets, each as often as it is listed.
    pub complexities: &'static [Complexity],
    /// Its team sizes.
    pub team_size: (u32, u32),
    /// Share of technical prompts.
    pub technical: f64,
    /// Share of prompts in long sentences.
    pub long: f64,
    /// Share of prompts with an example.
    pub examples: f64,
}

use Complexity::{High, Low, Medium, VeryHigh};

/// The six contexts.
pub static CONTEXTS: [Context; 6] = [
    Context {
        name: "retail web shop",
        weight: 0.22,
        project_type: "web",
        domain: 3,
        complexities: &[Low, Low, Medium],
        team_size: (2, 5),
        technical: 0.1,
        long: 0.1,
        examples: 0.5,
    },
    Context {
        name: "banking services",
        weight: 0.18,
        project_type: "api",
        domain: 0,
        complexities: &[High, High, VeryHigh],
        team_size: (13, 18),
        technical: 0.85,
        long: 0.7,
        examples: 0.75,
    },
    Context {
        name: "clinical records",
        weight: 0.18,
        project_type: "data",
        domain: 1,
        complexities: &[Medium, High, High],
        team_size: (3, 8),
        technical: 0.3,
        long: 0.75,
        examples: 0.3,
    },
    Context {
        name: "learning app",
        weight: 0.16,
        project_type: "mobile",
        domain: 2,
        complexities: &[Low, Medium],
        team_size: (1, 4),
        technical: 0.05,
        long: 0.05,
        examples: 0.8,
    },
    Context {
        name: "game studio",
        weight: 0.14,
        project_type: "desktop",
        domain: 4,
        complexities: &[Medium, High],
        team_size: (9, 16),
        technical: 0.5,
        long: 0.1,
        examples: 0.15,
    },
    Context {
        name: "feed ranking",
        weight: 0.12,
        project_type: "ml",
        domain: 5,
        complexities: &[High, VeryHigh, VeryHigh],
        team_size: (5, 9),
        technical: 0.9,
        long: 0.5,
        examples: 0.6,
    },
];

/// Share of sessions whose project type, and independently whose domain, is not their context's.
pub const STRAY_SHARE: f64 = 0.03;

/// A rule the policy can choose.
#[derive(Clone, Copy, Debug)]
pub struct RuleSpec {
    /// Its name.
    pub name: &'static str,
    /// The sentence it adds to a prompt.
    pub sentence: &'static str,
    /// What it adds to the outcome's quality, by domain.
    pub effects: [f64; DOMAINS.len()],
    /// The policy's base preference.
    pub preference: f64,
    /// How much better prompts raise that preference: this is the confounding.
    pub quality_slope: f64,
    /// The domain the policy likes it in, by index into [`DOMAINS`].
    pub favourite_domain: usize,
}

/// The control: the prompt stays as it is. Its effect is zero by definition, its choice is logged like any other.
pub const CONTROL: usize = 0;

/// The rule whose effect changes with the drift.
pub const DRIFTING_RULE: usize = 3;
/// Its effect afterwards, by domain.
pub static DRIFTED_EFFECTS: [f64; DOMAINS.len()] = [-0.05; DOMAINS.len()];
/// The context whose frequency changes with the drift.
pub const DRIFTING_CONTEXT: usize = 5;
/// Its weight afterwards.
pub const DRIFTED_WEIGHT: f64 = 0.36;

/// The rules, the control first. Domains: finance, healthcare, education, ecommerce, gaming, social, other.
pub static RULES: [RuleSpec; 7] = [
    RuleSpec {
        name: "keep_as_is",
        sentence: "",
        effects: [0.0; 7],
        preference: 0.3,
        quality_slope: 1.5,
        favourite_domain: 5,
    },
    RuleSpec {
        name: "clarify",
        sentence: "State the goal first, and name what is not part of it.",
        effects: [0.08, 0.1, 0.12, 0.08, 0.06, 0.08, 0.08],
        preference: 0.2,
        quality_slope: -6.0,
        favourite_domain: 2,
    },
    RuleSpec {
        name: "add_examples",
        sentence: "Show one worked example before the answer.",
        effects: [0.04, -0.02, 0.12, 0.1, 0.02, 0.06, 0.05],
        preference: 0.0,
        quality_slope: 0.0,
        favourite_domain: 3,
    },
    RuleSpec {
        name: "step_by_step",
        sentence: "Work through it step by step and check every step.",
        effects: [0.12, 0.08, 0.02, -0.02, 0.04, 0.1, 0.05],
        preference: 0.1,
        quality_slope: -1.0,
        favourite_domain: 0,
    },
    RuleSpec {
        name: "structure",
        sentence: "Answer under three headings with short lists.",
        effects: [0.06, 0.1, 0.04, 0.04, -0.02, 0.0, 0.03],
        preference: 0.0,
        quality_slope: 2.0,
        favourite_domain: 1,
    },
    RuleSpec {
        name: "set_role",
        sentence: "Take the part of an experienced practitioner of this field.",
        effects: [0.0; 7],
        preference: -0.2,
        quality_slope: 6.0,
        favourite_domain: 4,
    },
    RuleSpec {
        name: "shorten",
        sentence: "Keep the answer under one hundred words.",
        effects: [-0.06, -0.08, -0.02, 0.02, 0.04, -0.04, -0.03],
        preference: -0.2,
        quality_slope: 5.0,
        favourite_domain: 5,
    },
];

/// What the policy adds to a rule's preference in the domain it likes it in.
pub const FAVOURITE_BONUS: f64 = 0.9;

/// The planted ways to fail, in the order in which the first that applies is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureMode {
    /// Clarity below .2.
    VeryLowClarity,
    /// Healthcare, complexity high or above, at most 4 people.
    HealthcareComplexSmallTeam,
    /// Long sentences, technical, and no example.
    LongTechnicalNoExamples,
    /// Completeness below .3 in a team of 9 or more.
    IncompleteLargeTeam,
}

impl FailureMode {
    /// All modes.
    pub const ALL: [FailureMode; 4] = [
        Self::VeryLowClarity,
        Self::HealthcareComplexSmallTeam,
        Self::LongTechnicalNoExamples,
        Self::IncompleteLargeTeam,
    ];

    /// The mode's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::VeryLowClarity => "very_low_clarity",
            Self::HealthcareComplexSmallTeam => "healthcare_complex_small_team",
            Self::LongTechnicalNoExamples => "long_technical_no_examples",
            Self::IncompleteLargeTeam => "incomplete_large_team",
        }
    }

    /// When it is at work, in words.
    #[must_use]
    pub fn condition(self) -> &'static str {
        match self {
            Self::VeryLowClarity => "clarity < 0.2",
            Self::HealthcareComplexSmallTeam => "domain is healthcare, complexity >= high, team_size <= 4",
            Self::LongTechnicalNoExamples => "long sentences, technical terms, no example",
            Self::IncompleteLargeTeam => "completeness < 0.3, team_size >= 9",
        }
    }
}

/// What the modes look at.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Clarity before improvement.
    pub clarity: f64,
    /// Completeness before improvement.
    pub completeness: f64,
    /// Index into [`DOMAINS`].
    pub domain: usize,
    /// How demanding the task is.
    pub complexity: Complexity,
    /// How many people.
    pub team_size: u32,
    /// Whether the prompt is in long sentences.
    pub long: bool,
    /// Whether it uses technical terms.
    pub technical: bool,
    /// Whether it shows an example.
    pub examples: bool,
}

const HEALTHCARE: usize = 1;

impl Situation {
    /// The first failure mode that is at work.
    #[must_use]
    pub fn mode(&self) -> Option<FailureMode> {
        if self.clarity < 0.2 {
            Some(FailureMode::VeryLowClarity)
        } else if self.domain == HEALTHCARE && self.complexity >= High && self.team_size <= 4 {
            Some(FailureMode::HealthcareComplexSmallTeam)
        } else if self.long && self.technical && !self.examples {
            Some(FailureMode::LongTechnicalNoExamples)
        } else if self.completeness < 0.3 && self.team_size >= 9 {
            Some(FailureMode::IncompleteLargeTeam)
        } else {
            None
        }
    }
}

/// The effect of a rule in a domain, before or after the drift; 0 for a rule or domain that is not there.
#[must_use]
pub fn effect(rule: usize, domain: usize, drifted: bool) -> f64 {
    let effects = if drifted && rule == DRIFTING_RULE {
        Some(&DRIFTED_EFFECTS)
    } else {
        RULES.get(rule).map(|rule| &rule.effects)
    };
    effects.and_then(|effects| effects.get(domain)).copied().unwrap_or(0.0)
}

/// The weights of the contexts, before or after the drift.
#[must_use]
pub fn context_weights(drifted: bool) -> [f64; CONTEXTS.len()] {
    let mut weights = CONTEXTS.map(|context| context.weight);
    if drifted {
        weights[DRIFTING_CONTEXT] = DRIFTED_WEIGHT;
    }
    weights
}

/// The policy: the probability of every rule, given the overall score before improvement and the domain.
#[must_use]
pub fn propensities(overall_score: f64, domain: usize) -> [f64; RULES.len()] {
    let mut weights = [0.0; RULES.len()];
    for (weight, rule) in weights.iter_mut().zip(&RULES) {
        let bonus = if rule.favourite_domain == domain { FAVOURITE_BONUS } else { 0.0 };
        *weight = (rule.preference + rule.quality_slope * (overall_score - 0.5) + bonus).exp();
    }
    let sum: f64 = weights.iter().sum();
    // A floor keeps every rule possible everywhere, so that every effect can be estimated.
    let floor = 0.02;
    weights.map(|w| floor + (1.0 - floor * RULES.len() as f64) * w / sum)
}
