//! Single values of a column, whichever of the usual types it has.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use souffleur_core::error::Invalid;
use souffleur_core::time::Timestamp;

/// What a column must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Integer,
    Time,
    Struct,
    List,
}

impl Kind {
    /// What a column of this kind must be, in words.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Integer => "an integer",
            Self::Time => "a timestamp, or RFC 3339 as text",
            Self::Struct => "a structure",
            Self::List => "a list",
        }
    }

    /// Whether values of this type can be read as this kind. A column of nothing but nulls is of every kind.
    pub(crate) fn accepts(self, data_type: &DataType) -> bool {
        match (self, data_type) {
            (_, DataType::Null) => true,
            (_, DataType::Dictionary(_, values)) => self.accepts(values),
            (Self::Text | Self::Time, t) if is_text(t) => true,
            (Self::Number, t) => t.is_integer() || matches!(t, DataType::Float32 | DataType::Float64),
            (Self::Integer, t) => t.is_integer(),
            (Self::Time, t) => matches!(t, DataType::Timestamp(..)),
            (Self::Struct, t) => matches!(t, DataType::Struct(_)),
            (Self::List, t) => matches!(t, DataType::List(_) | DataType::LargeList(_)),
            (Self::Text, _) => false,
        }
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether there is a value.
pub(crate) fn is_known(column: &ArrayRef, i: usize) -> bool {
    *column.data_type() != DataType::Null && column.is_valid(i)
}

/// A text; `None` where there is none.
pub(crate) fn text(column: &ArrayRef, i: usize) -> Option<&str> {
    if !is_known(column, i) {
        return None;
    }
    match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().value(i)),
        DataType::LargeUtf8 => Some(column.as_string::<i64>().value(i)),
        DataType::Utf8View => Some(column.as_string_view().value(i)),
        _ => None,
    }
}

/// An integer; `None` where there is none.
pub(crate) fn integer(column: &ArrayRef, i: usize) -> Option<i128> {
    if !is_known(column, i) {
        return None;
    }
    let value = match column.data_type() {
        DataType::Int8 => column.as_primitive::<Int8Type>().value(i).into(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(i).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(i).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(i).into(),
        DataType::UInt8 => column.as_primitive::<UInt8Type>().value(i).into(),
        DataType::UInt16 => column.as_primitive::<UInt16Type>().value(i).into(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(i).into(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(i).into(),
        _ => return None,
    };
    Some(value)
}

/// A number; `None` where there is none, or where there is NaN, which is how some programs write that.
pub(crate) fn number(column: &ArrayRef, i: usize) -> Option<f64> {
    if !is_known(column, i) {
        return None;
    }
    let value = match column.data_type() {
        DataType::Float64 => column.as_primitive::<Float64Type>().value(i),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(i).into(),
        _ => integer(column, i)? as f64,
    };
    Some(value).filter(|value| !value.is_nan())
}

/// A point in time; `None` where there is none.
pub(crate) fn time(at: impl FnOnce() -> String, column: &ArrayRef, i: usize) -> Result<Option<Timestamp>, Invalid> {
    if !is_known(column, i) {
        return Ok(None);
    }
    let us = match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Some(column.as_primitive::<TimestampMicrosecondType>().value(i))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Some(column.as_primitive::<TimestampNanosecondType>().value(i).div_euclid(1_000))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            column.as_primitive::<TimestampMillisecondType>().value(i).checked_mul(1_000)
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            column.as_primitive::<TimestampSecondType>().value(i).checked_mul(1_000_000)
        }
        _ => {
            let Some(text) = text(column, i) else { return Ok(None) };
            let time = Timestamp::parse(text);
            return time.map(Some).map_err(|error| Invalid::new(at(), error.to_string(), "write RFC 3339"));
        }
    };
    match us {
        Some(us) => Ok(Some(Timestamp(us))),
        None => Err(Invalid::new(at(), "is out of range", "write a time within 290,000 years of 1970")),
    }
}

/// The elements of a list and which of them are row `i`'s; `None` where there is no list.
pub(crate) fn elements(column: &ArrayRef, i: usize) -> Option<(&ArrayRef, Range<usize>)> {
    if !is_known(column, i) {
        return None;
    }
    let range = |start: i64, end: i64| Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?);
    match column.data_type() {
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            let offsets = list.value_offsets();
            Some((list.values(), range((*offsets.get(i)?).into(), (*offsets.get(i + 1)?).into())?))
        }
        DataType::LargeList(_) => {
            let list = column.as_list::<i64>();
            let offsets = list.value_offsets();
            Some((list.values(), range(*offsets.get(i)?, *offsets.get(i + 1)?)?))
        }
        _ => None,
    }
}
