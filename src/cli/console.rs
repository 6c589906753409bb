//! What a command says: results on stdout, remarks and progress on stderr.

use std::cell::RefCell;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::exit::{Failure, Outcome};

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// When stdout is a terminal and NO_COLOR is not set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a word is to be read: green, yellow, red.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Doubtful,
    Bad,
    Plain,
}

/// Where a command's words go.
pub(crate) struct Console {
    out: RefCell<BufWriter<Stdout>>,
    color: bool,
    quiet: bool,
}

impl Console {
    /// A console that colours and remarks as asked.
    pub(crate) fn new(color: ColorChoice, quiet: bool) -> Self {
        let color = match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        Self { out: RefCell::new(BufWriter::new(io::stdout())), color, quiet }
    }

    /// Writes one line of the result.
    pub(crate) fn line(&self, text: impl std::fmt::Display) -> Outcome {
        Ok(writeln!(self.out.borrow_mut(), "{text}")?)
    }

    /// Writes bytes of the result as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Outcome {
        Ok(self.out.borrow_mut().write_all(bytes)?)
    }

    /// Writes a value as indented JSON.
    pub(crate) fn json(&self, value: &impl Serialize) -> Outcome {
        let mut out = self.out.borrow_mut();
        serde_json::to_writer_pretty(&mut *out, value)?;
        Ok(writeln!(out)?)
    }

    /// Writes a table.
    pub(crate) fn table(&self, table: &Table) -> Outcome {
        for line in table.lines() {
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    /// Hands everything written so far to whoever reads it.
    pub(crate) fn flush(&self) -> Outcome {
        Ok(self.out.borrow_mut().flush()?)
    }

    /// Clears the screen for a view that refreshes; on a terminal only.
    pub(crate) fn clear(&self) -> Outcome {
        if io::stdout().is_terminal() { self.bytes(b"\x1b[2J\x1b[H") } else { Ok(()) }
    }

    /// Says something on stderr that is no result; `--quiet` keeps it back.
    pub(crate) fn remark(&self, text: impl std::fmt::Display) {
        if !self.quiet {
            // A remark nobody can read is no reason to fail.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Says on stderr why the command did not succeed.
    pub(crate) fn error(&self, failure: &Failure) {
        // Nobody may be there to read it; the exit code says the same.
        let _ = writeln!(io::stderr(), "error: {failure}");
    }

    /// An empty table with these columns, as wide as the terminal at most.
    pub(crate) fn columns(&self, names: &[&str]) -> Table {
        let mut table = Table::new();
        table.load_preset(NOTHING);
        if io::stdout().is_terminal() {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        if self.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table.set_header(names.iter().map(|name| Cell::new(name.to_uppercase()).add_attribute(Attribute::Bold)));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table
    }

    /// A cell in a tone.
    pub(crate) fn cell(&self, text: impl std::fmt::Display, tone: Tone) -> Cell {
        let cell = Cell::new(text);
        match tone {
            Tone::Good => cell.fg(Color::Green),
            Tone::Doubtful => cell.fg(Color::Yellow),
            Tone::Bad => cell.fg(Color::Red),
            Tone::Plain => cell,
        }
    }

    /// A word in a tone, for a line outside a table.
    pub(crate) fn toned(&self, text: &str, tone: Tone) -> String {
        let code = match tone {
            Tone::Good => 32,
            Tone::Doubtful => 33,
            Tone::Bad => 31,
            Tone::Plain => 0,
        };
        if self.color && tone != Tone::Plain { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A progress bar over `total` steps (0: not known), drawn only on a terminal.
    pub(crate) fn progress(&self, total: u64, what: &str) -> ProgressBar {
        if self.quiet || !io::stderr().is_terminal() || !io::stdout().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = if total == 0 { ProgressBar::no_length() } else { ProgressBar::new(total) };
        let template = if total == 0 {
            "{spinner} {msg} {human_pos} ({per_sec}, {elapsed})"
        } else {
            "{msg} {wide_bar} {human_pos}/{human_len} ({eta})"
        };
        bar.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// A number as people write it: no more digits than it carries.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    let magnitude = value.abs();
    if value.fract() == 0.0 && magnitude < 1e15 {
        format!("{value:.0}")
    } else if magnitude >= 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.4}")
    }
}

/// A duration as people read it.
pub(crate) fn duration(ms: f64) -> String {
    if ms < 1.0 {
        format!("{:.0} µs", ms * 1000.0)
    } else if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else if ms < 120_000.0 {
        format!("{:.1} s", ms / 1000.0)
    } else {
        format!("{:.1} min", ms / 60_000.0)
    }
}

/// A number of bytes as people read it.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KB", "MB", "GB", "TB", "PB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 10.0 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// A count with thousands apart.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(number(0.123_456), "0.1235");
        assert_eq!(number(20.0), "20");
        assert_eq!(number(1234.56), "1234.6");
        assert_eq!(number(f64::NAN), "-");
        assert_eq!(count(1), "1");
        assert_eq!(count(65_846), "65,846");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!((bytes(999), bytes(1000), bytes(88_400_000)), ("999 B".into(), "1.0 KB".into(), "88 MB".into()));
        assert_eq!((bytes(999_999), bytes(u64::MAX)), ("1.0 MB".into(), "18447 PB".into()));
        assert_eq!(duration(0.5), "500 µs");
        assert_eq!(duration(61_000.0), "61.0 s");
    }
}
