//! A file that appears under its name only when it is complete, or stdout.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use super::exit::{Failure, Outcome, about};

/// Where lines of output go.
pub(crate) struct Sink {
    writer: Writer,
    place: Option<Place>,
}

/// The name a file is to have, and the one it has until it is complete.
struct Place {
    path: PathBuf,
    partial: PathBuf,
}

enum Writer {
    Stdout(BufWriter<io::Stdout>),
    Plain(BufWriter<File>),
    Compressed(Box<GzEncoder<BufWriter<File>>>),
}

impl Sink {
    /// Stdout.
    pub(crate) fn stdout() -> Self {
        Self { writer: Writer::Stdout(BufWriter::new(io::stdout())), place: None }
    }

    /// A file, compressed if its name ends in `.gz`.
    pub(crate) fn create(path: &Path) -> Outcome<Self> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = BufWriter::new(File::create(&partial).map_err(about(path))?);
        let compressed = path.extension().is_some_and(|extension| extension == "gz");
        let writer = if compressed {
            Writer::Compressed(Box::new(GzEncoder::new(file, Compression::fast())))
        } else {
            Writer::Plain(file)
        };
        Ok(Self { writer, place: Some(Place { path: path.to_path_buf(), partial }) })
    }

    /// Writes text as it is.
    pub(crate) fn text(&mut self, text: &str) -> Outcome {
        let written = self.writer.inner().write_all(text.as_bytes());
        written.map_err(|error| self.named(error))
    }

    /// Writes a value as JSON on one line.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Outcome {
        serde_json::to_writer(self.writer.inner(), value).map_err(|error| self.named(error.into()))
    }

    /// Completes the file and gives it its name; `None` for stdout.
    pub(crate) fn finish(mut self) -> Outcome<Option<PathBuf>> {
        let finished = match &mut self.writer {
            Writer::Stdout(out) => out.flush(),
            Writer::Plain(file) => file.flush(),
            Writer::Compressed(encoder) => encoder.try_finish().and_then(|()| encoder.get_mut().flush()),
        };
        finished.map_err(|error| self.named(error))?;
        let Some(place) = self.place.take() else { return Ok(None) };
        std::fs::rename(&place.partial, &place.path).map_err(about(&place.path))?;
        Ok(Some(place.path))
    }

    fn named(&self, error: io::Error) -> Failure {
        let failure = Failure::from(error);
        match &self.place {
            Some(place) => failure.at(place.path.display()),
            None => failure,
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some(place) = &self.place {
            // Incomplete: it never gets its name. That it cannot be removed changes nothing.
            let _ = std::fs::remove_file(&place.partial);
        }
    }
}

impl Writer {
    fn inner(&mut self) -> &mut dyn Write {
        match self {
            Self::Stdout(out) => out,
            Self::Plain(file) => file,
            Self::Compressed(encoder) => encoder,
        }
    }
}
