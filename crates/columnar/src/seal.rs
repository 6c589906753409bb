//! One checksum over a whole file, which stands inside that file.
//!
//! The file is written with a place for the checksum in its metadata: a mark followed by 32 zeros. The checksum (XXH3, 128
//! bits) is taken of the file as it stands then and put over the zeros. Whoever checks reads the digits, puts zeros in
//! their place and compares. So no byte of the file is left out, and for every other program it is a plain table.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use souffleur_core::job::Interrupted;
use xxhash_rust::xxh3::Xxh3;

use crate::error::ColumnarError;
use crate::format::ColumnarFormat;

/// The name of the entry in the table's metadata.
pub(crate) const KEY: &str = "souffleur.checksum";

/// What stands before the digits.
const MARK: &[u8] = b"souffleur-xxh3-128:";

/// Digits of a checksum.
const DIGITS: usize = 32;

/// What betrays a file of ours whose mark is gone.
const OURS: &[u8] = b"souffleur";

/// Metadata at the end of a file is looked for in this many bytes at most.
const FOOTER_BYTES_MAX: u64 = 256 << 20;

/// The metadata at the start of a stream stands within its first bytes.
const HEAD_BYTES: u64 = 64 << 10;

/// Bytes read at a time.
const STRETCH: usize = 1 << 20;

/// The value of the metadata before the checksum is known.
pub(crate) fn unset() -> String {
    format!("{}{}", String::from_utf8_lossy(MARK), "0".repeat(DIGITS))
}

/// Whether a file carries a checksum. If it does, the file is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// It does, and it is right.
    Intact,
    /// It was written by somebody else and carries none.
    Absent,
}

/// A file that is being written and will be sealed.
#[derive(Debug)]
pub struct SealedFile<F> {
    file: F,
    state: Box<HashState>,
    bytes: u64,
}

/// A checksum in the making.
struct HashState(Xxh3);

impl std::fmt::Debug for HashState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashState")
    }
}

impl<F: Read + Write + Seek> SealedFile<F> {
    /// A file without a byte.
    pub fn new(file: F) -> Self {
        Self { file, state: Box::new(HashState(Xxh3::new())), bytes: 0 }
    }

    /// Puts the checksum in its place. Everything must have been written. Gives back the file and its length.
    ///
    /// # Errors
    /// [`ColumnarError::Io`], also if there is no place for it.
    pub fn seal(mut self, format: ColumnarFormat) -> Result<(F, u64), ColumnarError> {
        let digest = self.state.0.digest128();
        let region = metadata(&mut self.file, format, self.bytes)?;
        let place = region.place(format).ok_or_else(|| io::Error::other("the table has no place for its checksum"))?;
        self.file.seek(SeekFrom::Start(region.at + place.start as u64))?;
        self.file.write_all(format!("{digest:032x}").as_bytes())?;
        self.file.flush()?;
        Ok((self.file, self.bytes))
    }
}

impl<F: Write> Write for SealedFile<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.state.0.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Checks a file's seal; reads all of it. `report` is told how many bytes have been read and may stop it.
///
/// # Errors
/// [`ColumnarError::Damaged`] if the checksum is not that of the bytes, or the file breaks off;
/// [`ColumnarError::Io`] if it cannot be read.
pub fn verify(
    file: &mut (impl Read + Seek),
    format: ColumnarFormat,
    mut report: impl FnMut(u64) -> Result<(), Interrupted>,
) -> Result<Sealed, ColumnarError> {
    let bytes = file.seek(SeekFrom::End(0))?;
    let region = metadata(file, format, bytes)?;
    let Some(digits) = region.place(format) else {
        if contains(&region.bytes, OURS) {
            return Err(ColumnarError::damaged("its checksum cannot be found"));
        }
        return Ok(Sealed::Absent);
    };
    let written = region.bytes.get(digits.clone()).unwrap_or_default().to_owned();
    let digits = region.at + digits.start as u64..region.at + digits.end as u64;
    let mut state = Xxh3::new();
    let mut buffer = vec![0; STRETCH];
    let mut at = file.seek(SeekFrom::Start(0))?;
    while at < bytes {
        let wanted = usize::try_from(bytes - at).unwrap_or(STRETCH).min(STRETCH);
        let stretch = buffer.get_mut(..wanted).unwrap_or_default();
        file.read_exact(stretch)?;
        // The part of the digits that stands in this stretch, if any does.
        let within = |place: u64| usize::try_from(place.saturating_sub(at)).unwrap_or(wanted).min(wanted);
        if let Some(part) = stretch.get_mut(within(digits.start)..within(digits.end)) {
            part.fill(b'0');
        }
        state.update(stretch);
        at += wanted as u64;
        report(at)?;
    }
    if format!("{:032x}", state.digest128()).as_bytes() != written {
        return Err(ColumnarError::damaged("its checksum is not that of its bytes"));
    }
    Ok(Sealed::Intact)
}

/// The part of a file its metadata stands in.
struct Region {
    at: u64,
    bytes: Vec<u8>,
}

impl Region {
    /// Where the digits stand in it. Texts of sessions follow after a stream's metadata and stand before a file's, should
    /// one of them look like the mark.
    fn place(&self, format: ColumnarFormat) -> Option<Range<usize>> {
        let mut windows = self.bytes.windows(MARK.len());
        let mark = match format {
            ColumnarFormat::ArrowStream => windows.position(|window| window == MARK),
            ColumnarFormat::Parquet | ColumnarFormat::ArrowFile => windows.rposition(|window| window == MARK),
        };
        let start = mark? + MARK.len();
        let digits = start..start + DIGITS;
        self.bytes.get(digits.clone())?.iter().all(u8::is_ascii_hexdigit).then_some(digits)
    }
}

/// Reads the metadata of a file with so many bytes.
fn metadata(file: &mut (impl Read + Seek), format: ColumnarFormat, bytes: u64) -> Result<Region, ColumnarError> {
    let range = match format {
        ColumnarFormat::ArrowStream => 0..bytes.min(HEAD_BYTES),
        ColumnarFormat::Parquet => footer(file, bytes, b"PAR1", 4)?,
        ColumnarFormat::ArrowFile => footer(file, bytes, b"ARROW1", 8)?,
    };
    file.seek(SeekFrom::Start(range.start))?;
    let mut region = Vec::new();
    file.take(range.end - range.start).read_to_end(&mut region)?;
    Ok(Region { at: range.start, bytes: region })
}

/// Where the footer stands: before its length (4 bytes) and the magic bytes, after at least `head` bytes.
fn footer(file: &mut (impl Read + Seek), bytes: u64, magic: &[u8], head: u64) -> Result<Range<u64>, ColumnarError> {
    let tail_bytes = 4 + magic.len() as u64;
    let breaks_off = || ColumnarError::damaged("it breaks off before its end");
    let end = bytes.checked_sub(tail_bytes).filter(|end| *end >= head).ok_or_else(breaks_off)?;
    file.seek(SeekFrom::Start(end))?;
    let mut tail = Vec::new();
    file.take(tail_bytes).read_to_end(&mut tail)?;
    let Some((length, found)) = tail.split_first_chunk::<4>() else { return Err(breaks_off()) };
    if found != magic {
        return Err(breaks_off());
    }
    let length = u64::from(u32::from_le_bytes(*length));
    let start = end.checked_sub(length).filter(|start| *start >= head && length <= FOOTER_BYTES_MAX);
    Ok(start.ok_or_else(|| ColumnarError::damaged("its last bytes are not what they should be"))?..end)
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
