//! Features of sessions, with a memory for texts seen before.

use std::collections::HashMap;

use souffleur_core::features::extract_with;
use souffleur_core::store::FeaturedSession;
use souffleur_core::text::{Linguistic, linguistic};
use xxhash_rust::xxh3::xxh3_128;

use crate::record::Read;

/// Texts remembered; when full the memory is emptied, which costs one analysis per text.
const REMEMBERED: usize = 8192;

/// Turns sessions into features. Prompts repeat where many rules or models are tried on the same ones.
#[derive(Debug, Default)]
pub(crate) struct Featuriser {
    seen: HashMap<u128, Linguistic>,
}

impl Featuriser {
    pub(crate) fn feature(&mut self, read: Read) -> FeaturedSession {
        let Read { session, provenance } = read;
        let key = xxh3_128(session.original_prompt.as_bytes());
        if self.seen.len() >= REMEMBERED && !self.seen.contains_key(&key) {
            self.seen.clear();
        }
        let analysis = self.seen.entry(key).or_insert_with(|| linguistic(&session.original_prompt));
        let features = extract_with(&session, analysis);
        FeaturedSession { session, features, provenance }
    }
}
