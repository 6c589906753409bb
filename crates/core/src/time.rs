//! Points in time, as the records carry them.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: microseconds since 1970-01-01T00:00:00Z. Written and read as RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A text that is no point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a point in time: write RFC 3339, for example `2026-01-31T12:00:00Z`")]
pub struct TimestampError {
    text: String,
}

impl Timestamp {
    /// Microseconds in an hour.
    pub const HOUR_US: i64 = 3_600_000_000;

    /// Reads RFC 3339 (`2026-01-31T12:00:00Z`), the same without a zone (taken as UTC), or a date.
    ///
    /// # Errors
    /// [`TimestampError`] names the text that could not be read.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let trimmed = text.trim();
        if let Ok(t) = DateTime::parse_from_rfc3339(trimmed) {
            return Ok(Self(t.timestamp_micros()));
        }
        for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"] {
            if let Ok(t) = NaiveDateTime::parse_from_str(trimmed, format) {
                return Ok(Self(t.and_utc().timestamp_micros()));
            }
        }
        if let Ok(date) = NaiveDate::parse_from_str(trimmed, "%Y-%m-%d")
            && let Some(t) = date.and_hms_opt(0, 0, 0)
        {
            return Ok(Self(t.and_utc().timestamp_micros()));
        }
        let text = trimmed.chars().take(64).collect();
        Err(TimestampError { text })
    }

    /// The point `hours` earlier.
    #[must_use]
    pub fn hours_before(self, hours: u32) -> Self {
        Self(self.0.saturating_sub(i64::from(hours).saturating_mul(Self::HOUR_US)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp_micros(self.0) {
            Some(t) => f.write_str(&t.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(f, "{}us", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let t = Timestamp::parse("2023-01-27T18:20:31.25+01:00").unwrap();
        assert_eq!(t.to_string(), "2023-01-27T17:20:31.250Z");
        assert_eq!(Timestamp::parse(&t.to_string()).unwrap(), t);
    }

    #[test]
    fn a_missing_zone_is_utc_and_a_date_is_midnight() {
        let date = Timestamp::parse("2023-01-27").unwrap();
        assert_eq!(Timestamp::parse("2023-01-27T00:00:00").unwrap(), date);
        assert_eq!(Timestamp::parse("2023-01-27 00:00:00").unwrap(), date);
    }

    #[test]
    fn refuses_what_is_no_time_and_says_what_would_be() {
        let error = Timestamp::parse("yesterday").unwrap_err().to_string();
        assert!(error.contains("`yesterday`") && error.contains("RFC 3339"), "{error}");
    }
}
