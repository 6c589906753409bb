//! The four grades of complexity.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How demanding a task is. Read from a word, a grade 1 to 4, or a feature value .25, .5, .75, 1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Complexity {
    /// Grade 1, feature .25.
    Low,
    /// Grade 2, feature .5.
    Medium,
    /// Grade 3, feature .75.
    High,
    /// Grade 4, feature 1.
    VeryHigh,
}

impl Complexity {
    /// All grades, lowest first.
    pub const ALL: [Complexity; 4] = [Self::Low, Self::Medium, Self::High, Self::VeryHigh];

    /// The grade's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::VeryHigh => "very_high",
        }
    }

    /// The grade as a feature in [0, 1].
    #[must_use]
    pub fn feature(self) -> f32 {
        match self {
            Self::Low => 0.25,
            Self::Medium => 0.5,
            Self::High => 0.75,
            Self::VeryHigh => 1.0,
        }
    }

    /// Reads a grade's word or one of its usual synonyms.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "low" | "simple" | "easy" | "beginner" | "1" => Some(Self::Low),
            "medium" | "moderate" | "intermediate" | "2" => Some(Self::Medium),
            "high" | "complex" | "hard" | "advanced" | "3" => Some(Self::High),
            "very_high" | "very high" | "very-high" | "expert" | "4" => Some(Self::VeryHigh),
            _ => None,
        }
    }

    fn from_grade(grade: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(grade.checked_sub(1)?).ok()?).copied()
    }

    fn from_feature(feature: f64) -> Option<Self> {
        Self::ALL.into_iter().find(|c| (f64::from(c.feature()) - feature).abs() < 1e-6)
    }
}

impl fmt::Display for Complexity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Complexity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

const EXPECTED: &str = "low, medium, high, very_high, a grade from 1 to 4, or .25, .5, .75, 1.0";

struct ComplexityVisitor;

impl Visitor<'_> for ComplexityVisitor {
    type Value = Complexity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Complexity, E> {
        Complexity::parse(word).ok_or_else(|| E::custom(format_args!("unknown complexity `{word}`: write {EXPECTED}")))
    }

    fn visit_u64<E: Error>(self, grade: u64) -> Result<Complexity, E> {
        Complexity::from_grade(grade)
            .ok_or_else(|| E::custom(format_args!("no complexity has grade {grade}: write {EXPECTED}")))
    }

    fn visit_i64<E: Error>(self, grade: i64) -> Result<Complexity, E> {
        self.visit_u64(u64::try_from(grade).unwrap_or(0))
    }

    fn visit_f64<E: Error>(self, feature: f64) -> Result<Complexity, E> {
        Complexity::from_feature(feature)
            .ok_or_else(|| E::custom(format_args!("no complexity is {feature}: write {EXPECTED}")))
    }
}

impl<'de> Deserialize<'de> for Complexity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ComplexityVisitor)
    }
}

impl JsonSchema for Complexity {
    fn schema_name() -> Cow<'static, str> {
        "Complexity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": ["low", "medium", "high", "very_high"] },
                { "type": "number", "description": "a grade 1 to 4, or .25, .5, .75, 1.0" }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_words_grades_and_features() {
        for (text, expected) in [
            ("\"low\"", Complexity::Low),
            ("\"Expert\"", Complexity::VeryHigh),
            ("1", Complexity::Low),
            ("1.0", Complexity::VeryHigh),
            ("0.75", Complexity::High),
        ] {
            assert_eq!(serde_json::from_str::<Complexity>(text).unwrap(), expected, "{text}");
        }
        for text in ["\"huge\"", "0", "-3", "5", "0.3", "null", "[]"] {
            assert!(serde_json::from_str::<Complexity>(text).is_err(), "{text}");
        }
    }
}
