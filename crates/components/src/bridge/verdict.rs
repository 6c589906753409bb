//! What may be said of an effect.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may be said of a rule, with the false discovery rate held (Benjamini & Hochberg 1995).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does good, beyond what it is compared with.
    Works,
    /// It does harm.
    Harms,
    /// It cannot be told from chance, from what chose the rule, or it did not withstand an attempt to refute it.
    Unclear,
}
