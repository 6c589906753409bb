//! The checksum that may stand beside a file, as the program `xxh128sum` writes it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use souffleur_columnar::ColumnarError;
use souffleur_core::job::Job;
use xxhash_rust::xxh3::Xxh3;

/// Bytes read at a time.
const STRETCH: usize = 1 << 20;

/// Most bytes of a checksum's file that are looked at.
const NOTE_BYTES: u64 = 64 << 10;

/// Checks a file against the checksum beside it, if there is one: `NAME.xxh128`.
pub(crate) fn verify(path: &Path, job: &Job) -> Result<(), ColumnarError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".xxh128");
    let beside = PathBuf::from(beside);
    let mut note = Vec::new();
    match File::open(&beside) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(file) => file.take(NOTE_BYTES).read_to_end(&mut note)?,
    };
    let Some(expected) = digest_of(&note, path) else {
        return Err(ColumnarError::Damaged(format!("its checksum in {} cannot be read", beside.display())));
    };
    let mut file = File::open(path)?;
    let bytes_total = file.metadata()?.len();
    let (mut state, mut buffer, mut read) = (Xxh3::new(), vec![0; STRETCH], 0);
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        state.update(buffer.get(..n).unwrap_or_default());
        read += n as u64;
        job.tick(read, bytes_total)?;
    }
    if state.digest128() != expected {
        let problem = format!(
            "its checksum is not the one in {}; if it was changed on purpose, remove that file",
            beside.display()
        );
        return Err(ColumnarError::Damaged(problem));
    }
    Ok(())
}

/// The digits that stand before the file's name, or alone.
fn digest_of(note: &[u8], path: &Path) -> Option<u128> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let note = std::str::from_utf8(note).ok()?;
    let line = |line: &str| {
        let (digits, rest) = line.split_at_checked(32)?;
        let named = rest.trim_start().trim_start_matches('*').trim_end();
        if !named.is_empty() && named != name {
            return None;
        }
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u128::from_str_radix(digits, 16).ok())?
    };
    note.lines().find_map(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_names_its_file_or_stands_alone() {
        let digits = "000102030405060708090a0b0c0d0e0f";
        let expected = u128::from_str_radix(digits, 16).ok();
        let of = |note: &str| digest_of(note.as_bytes(), Path::new("dir/a b.csv"));
        assert_eq!(of(&format!("{digits}  a b.csv\n")), expected);
        assert_eq!(of(&format!("{digits} *a b.csv\n")), expected);
        assert_eq!(of(digits), expected);
        assert_eq!(of(&format!("{digits}  other\n{digits}  a b.csv")), expected);
        for note in ["", "a b.csv", &format!("{digits}  other"), &format!("+{}", &digits[1..])] {
            assert_eq!(of(note), None, "{note}");
        }
    }
}
