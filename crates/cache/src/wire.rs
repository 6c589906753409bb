//! How an answer looks in the second level: a checksum over key and answer, then the answer as JSON.

use serde_json::Value;
use xxhash_rust::xxh3::Xxh3;

use crate::key::Key;

const CHECKSUM_BYTES: usize = size_of::<u64>();

fn checksum(key: &Key, json: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hash = Xxh3::new();
    hash.update(key.as_str().as_bytes());
    hash.update(json);
    hash.digest().to_le_bytes()
}

/// The bytes to keep; `None` if they would be more than `limit`.
pub(crate) fn encode(key: &Key, value: &Value, limit: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; CHECKSUM_BYTES];
    serde_json::to_writer(&mut bytes, value).ok()?;
    let (head, json) = bytes.split_at_mut_checked(CHECKSUM_BYTES)?;
    head.copy_from_slice(&checksum(key, json));
    Some(bytes).filter(|bytes| bytes.len() <= limit)
}

/// The answer kept under `key`; `None` if the bytes are not what was kept.
pub(crate) fn decode(key: &Key, bytes: &[u8]) -> Option<Value> {
    let (head, json) = bytes.split_at_checked(CHECKSUM_BYTES)?;
    if head != checksum(key, json) {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_kept_comes_back_and_nothing_else_does() {
        let value = json!({ "risk": 0.1, "why": ["short", "vague"] });
        let (key, other) = (Key::new("a", &json!(1)).unwrap(), Key::new("a", &json!(2)).unwrap());
        let bytes = encode(&key, &value, 1_000).unwrap();
        assert_eq!(decode(&key, &bytes), Some(value.clone()));
        assert_eq!(decode(&other, &bytes), None);
        assert_eq!(encode(&key, &value, bytes.len() - 1), None);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(decode(&key, &damaged), None, "byte {at}");
            assert_eq!(decode(&key, &bytes[..at]), None, "cut to {at}");
        }
    }
}
