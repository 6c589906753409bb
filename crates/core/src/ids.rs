//! Small typed identifiers: sequence numbers, epochs, data versions, sessions.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Position of a row in the one global, gapless order of everything the hub has recorded.
///
/// The first row has number 1; `Seq(0)` is "before everything".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Seq(pub i64);

impl Seq {
    /// Before the first row.
    pub const ZERO: Seq = Seq(0);
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Incarnation of a component's right to commit. A commit that carries an older epoch is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Epoch(pub i64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names the exact data a batch was made from: the same version gives the same bytes, for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DataVersion {
    /// Every row up to and including this one was visible.
    pub watermark: Seq,
    /// Hash of the feature schema the rows were encoded with.
    pub schema_hash: u64,
}

impl DataVersion {
    /// The seed a component's run draws its randomness from: a pure function of component and data.
    #[must_use]
    pub fn seed(&self, component: &str) -> u64 {
        let mut bytes = Vec::with_capacity(component.len() + 16);
        bytes.extend_from_slice(component.as_bytes());
        bytes.extend_from_slice(&self.watermark.0.to_le_bytes());
        bytes.extend_from_slice(&self.schema_hash.to_le_bytes());
        xxhash_rust::xxh3::xxh3_64(&bytes)
    }
}

impl fmt::Display for DataVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.watermark, self.schema_hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_depends_on_component_and_data_only() {
        let version = DataVersion { watermark: Seq(7), schema_hash: 1 };
        assert_eq!(version.seed("a"), version.seed("a"));
        assert_ne!(version.seed("a"), version.seed("b"));
        let later = DataVersion { watermark: Seq(8), ..version };
        assert_ne!(version.seed("a"), later.seed("a"));
    }
}
