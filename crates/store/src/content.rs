//! A model's name: a hash of what it is and what it was made from, so that the same model has the same name and a damaged one
//! has not.

use souffleur_core::ids::DataVersion;

/// What a model is and was made from.
pub(crate) struct Content<'a> {
    pub(crate) component: &'a str,
    pub(crate) version: DataVersion,
    pub(crate) seed: u64,
    pub(crate) packed_rows: &'a [u8],
    pub(crate) snapshot: &'a [u8],
}

impl Content<'_> {
    /// The name it must have.
    pub(crate) fn model_id(&self) -> String {
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        hash.update(&self.version.watermark.0.to_le_bytes());
        hash.update(&self.version.schema_hash.to_le_bytes());
        hash.update(&self.seed.to_le_bytes());
        hash.update(&(self.packed_rows.len() as u64).to_le_bytes());
        hash.update(self.packed_rows);
        hash.update(self.snapshot);
        format!("{}-{:032x}", self.component, hash.digest128())
    }
}
