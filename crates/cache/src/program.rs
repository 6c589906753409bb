//! Which program this is. Two builds may answer the same question differently; only the same one may share answers.

use std::fs::File;
use std::io::{self, Read};

use xxhash_rust::xxh3::Xxh3;

const PIECE_BYTES: usize = 1 << 20;

/// A hash of the running program's file. O(bytes of the file).
///
/// # Errors
/// The file cannot be found or read.
pub fn program_fingerprint() -> io::Result<u128> {
    let mut file = File::open(std::env::current_exe()?)?;
    let (mut hash, mut piece) = (Xxh3::new(), vec![0; PIECE_BYTES]);
    loop {
        let read = file.read(&mut piece)?;
        match piece.get(..read) {
            Some(bytes) if !bytes.is_empty() => hash.update(bytes),
            _ => return Ok(hash.digest128()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_program_has_the_same_fingerprint() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(program_fingerprint().unwrap(), xxhash_rust::xxh3::xxh3_128(&own));
    }
}
