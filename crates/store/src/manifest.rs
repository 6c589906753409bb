//! Manifests: written when a model is committed, signed with a keyed hash (HMAC-SHA-256, RFC 2104), and checked.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use souffleur_core::store::{Manifest, RunCommit};

use crate::settings::SigningKey;

/// Version of the manifest's layout.
const FORMAT: u32 = 1;

/// Digits of a key's fingerprint.
const KEY_ID_DIGITS: usize = 16;

/// A manifest as it is stored: the text is what was signed.
pub(crate) struct Signed {
    pub(crate) text: String,
    pub(crate) snapshot_sha256: String,
    pub(crate) key_id: Option<String>,
    pub(crate) signature: Option<String>,
}

/// The SHA-256 of some bytes, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Which key it is, without telling the key.
pub(crate) fn key_id(key: &SigningKey) -> String {
    let mut id = sha256(key.bytes());
    id.truncate(KEY_ID_DIGITS);
    id
}

fn mac(key: &SigningKey, text: &str) -> Option<Hmac<Sha256>> {
    // HMAC takes keys of any length: the error cannot happen, and would mean that nothing is signed or verified.
    let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

/// Whether `signature` is that of `text` under this key. Takes the same time wherever the first difference is.
pub(crate) fn is_signed(key: &SigningKey, text: &str, signature: &str) -> bool {
    let digits = signature.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or_default());
    let bytes: Option<Vec<u8>> = digits.map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
    mac(key, text).zip(bytes).is_some_and(|(mac, bytes)| mac.verify_slice(&bytes).is_ok())
}

/// Writes and signs the manifest of a run's model.
pub(crate) fn sign(
    run: &RunCommit,
    model_id: &str,
    version: i64,
    packed_rows: &[u8],
    key: Option<&SigningKey>,
) -> serde_json::Result<Signed> {
    let snapshot_sha256 = sha256(&run.snapshot);
    let manifest = Manifest {
        format: FORMAT,
        model_id: model_id.to_owned(),
        component: run.lease.component.clone(),
        version,
        run_id: run.lease.run_id.clone(),
        program: run.origin.program.clone(),
        params: run.origin.params.clone(),
        params_sha256: sha256(run.origin.params.to_string().as_bytes()),
        seed: run.seed,
        data: run.version,
        rows: run.rows.len() as u64,
        rows_sha256: sha256(packed_rows),
        metrics: run.metrics.clone(),
        snapshot_sha256: snapshot_sha256.clone(),
        snapshot_bytes: run.snapshot.len() as u64,
        snapshot_version: run.origin.snapshot_version,
        previous: run.origin.previous.clone(),
        products: run.origin.products.clone(),
        gate: run.origin.gate.clone(),
        created: run.now,
    };
    let text = serde_json::to_string(&manifest)?;
    let signature = key.and_then(|key| Some(hex(&mac(key, &text)?.finalize().into_bytes())));
    Ok(Signed { key_id: key.map(key_id), signature, snapshot_sha256, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let key = SigningKey::new(*b"Jefe");
        let text = "what do ya want for nothing?";
        let signature = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex(&mac(&key, text).unwrap().finalize().into_bytes()), signature);
        assert!(is_signed(&key, text, signature));
        assert!(!is_signed(&key, "what do ya want for nothing!", signature));
        assert!(!is_signed(&SigningKey::new(*b"jefe"), text, signature));
        assert!(!is_signed(&key, text, "zz"));
        assert!(!is_signed(&key, text, ""));
    }
}
