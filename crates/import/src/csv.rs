//! Comma-separated records: RFC 4180, read as leniently as most programs do.
//!
//! A field that begins with `"` ends at the next `"` that is not doubled; any other `"` is a plain character.

use std::borrow::Cow;

/// Where a reader of bytes stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Position {
    /// Before the first byte of a field.
    #[default]
    FieldStart,
    /// In a field without quotes, or after a closing quote.
    Plain,
    /// In a quoted field.
    Quoted,
    /// After a quote in a quoted field: its end, or the first of two.
    QuoteInQuoted,
}

impl Position {
    /// Where it stands after one more byte.
    pub(crate) fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::QuoteInQuoted,
            (Self::Quoted, _) | (Self::FieldStart | Self::QuoteInQuoted, b'"') => Self::Quoted,
            (_, b',') => Self::FieldStart,
            _ => Self::Plain,
        }
    }

    /// Whether a record can end here.
    pub(crate) fn may_end(self) -> bool {
        self != Self::Quoted
    }
}

/// Reads on through the bytes of a line.
pub(crate) fn advance(position: Position, bytes: &[u8]) -> Position {
    bytes.iter().fold(position, |at, &byte| at.after(byte))
}

/// The fields of one record, without its line end.
pub(crate) fn fields(record: &str) -> Vec<Cow<'_, str>> {
    let mut fields = Vec::new();
    let (mut start, mut at) = (0, Position::FieldStart);
    for (i, &byte) in record.as_bytes().iter().enumerate() {
        let next = at.after(byte);
        if byte == b',' && next == Position::FieldStart {
            fields.push(unquoted(&record[start..i]));
            start = i + 1;
        }
        at = next;
    }
    fields.push(unquoted(&record[start..]));
    fields
}

/// The content of a field that may be quoted. Cut at commas, which are ASCII, it is whole characters.
fn unquoted(field: &str) -> Cow<'_, str> {
    let Some(quoted) = field.strip_prefix('"') else {
        return Cow::Borrowed(field);
    };
    if let Some(inner) = quoted.strip_suffix('"')
        && !inner.contains('"')
    {
        return Cow::Borrowed(inner);
    }
    let mut content = String::with_capacity(quoted.len());
    let mut at = Position::Quoted;
    for character in quoted.chars() {
        let next = if character.is_ascii() { at.after(character as u8) } else { at.after(b'x') };
        // The quote that may be closing is no content; it is if a second follows.
        if next != Position::QuoteInQuoted {
            content.push(character);
        }
        at = if next == Position::FieldStart { Position::Plain } else { next };
    }
    Cow::Owned(content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_quotes_as_rfc_4180_writes_them() {
        assert_eq!(fields(r#"a,"b,c","d ""e"" f",,"" "#), ["a", "b,c", "d \"e\" f", "", " "]);
        assert_eq!(fields(""), [""]);
        assert_eq!(fields("x\"y,\"two\nlines\""), ["x\"y", "two\nlines"]);
        assert!(!advance(Position::FieldStart, b"a,\"open").may_end());
        assert!(advance(Position::FieldStart, b"a,\"closed\"").may_end());
    }

    proptest! {
            #![proptest_config(ProptestConfig::with_cases(4000))]
            #[test]
            fn agrees_with_the_csv_crate(record in "[a\",\u{e9} ]{1,24}") {
    let open = !advance(Position::FieldStart, record.as_bytes()).may_end();
                let record = if open { record + "\"" } else { record };
                let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(record.as_bytes());
                let expected = reader.records().next().unwrap().unwrap();
                prop_assert_eq!(fields(&record), expected.iter().collect::<Vec<_>>());
            }
        }
}
