//! The rows a model was trained on, packed.
//!
//! Rows are mostly evenly spaced, so second differences are mostly 0: they are written as zigzag varints, and a run of
//! zeros as one 0 followed by how many more there are. A million consecutive rows take a few bytes.

use souffleur_core::ids::Seq;
use souffleur_core::store::StoreError;

use crate::errors::unreadable;

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Packs row numbers, in their order. Any numbers, in any order, come back as they were.
pub(crate) fn pack(rows: &[Seq]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut last, mut step) = (0i64, 0i64);
    let mut zeros = 0u64;
    for &Seq(row) in rows {
        let next_step = row.wrapping_sub(last);
        let bend = next_step.wrapping_sub(step);
        (last, step) = (row, next_step);
        if bend == 0 {
            zeros += 1;
            continue;
        }
        flush(&mut out, &mut zeros);
        put(&mut out, zigzag(bend));
    }
    flush(&mut out, &mut zeros);
    out
}

fn flush(out: &mut Vec<u8>, zeros: &mut u64) {
    if *zeros > 0 {
        put(out, 0);
        put(out, *zeros - 1);
        *zeros = 0;
    }
}

/// Unpacks `count` row numbers.
pub(crate) fn unpack(mut bytes: &[u8], count: u64) -> Result<Vec<Seq>, StoreError> {
    let bad = |why: &str| unreadable("lineage", why);
    let count = usize::try_from(count).map_err(|_| bad("it has too many rows"))?;
    let mut rows = Vec::new();
    let (mut last, mut step) = (0i64, 0i64);
    while !bytes.is_empty() {
        let bend = unzigzag(take(&mut bytes).ok_or_else(|| bad("it ends in the middle"))?);
        let repeats = if bend == 0 { take(&mut bytes).ok_or_else(|| bad("it ends in the middle"))? } else { 0 };
        if repeats >= (count - rows.len()) as u64 {
            return Err(bad("it holds more rows than its count says"));
        }
        step = step.wrapping_add(bend);
        for _ in 0..=repeats {
            last = last.wrapping_add(step);
            rows.push(Seq(last));
        }
    }
    if rows.len() == count { Ok(rows) } else { Err(bad("it holds fewer rows than its count says")) }
}

/// How many of the packed rows are among `wanted`, which is sorted. Rows at equal distances are looked at as one: linear in
/// the packed bytes, logarithmic in `wanted`, whatever the number of rows.
pub(crate) fn hits(mut bytes: &[u8], count: u64, wanted: &[i64]) -> Result<u64, StoreError> {
    let bad = |why: &str| unreadable("lineage", why);
    let (mut last, mut step) = (0i64, 0i64);
    let (mut hits, mut seen) = (0, 0u64);
    while !bytes.is_empty() {
        let bend = unzigzag(take(&mut bytes).ok_or_else(|| bad("it ends in the middle"))?);
        let repeats = if bend == 0 { take(&mut bytes).ok_or_else(|| bad("it ends in the middle"))? } else { 0 };
        if repeats >= count.saturating_sub(seen) {
            return Err(bad("it holds more rows than its count says"));
        }
        seen += repeats + 1;
        step = step.wrapping_add(bend);
        let first = last.wrapping_add(step);
        // Fewer rows than a count says, which is an i64.
        last = first.wrapping_add(step.wrapping_mul(repeats as i64));
        let (low, high) = (first.min(last), first.max(last));
        let from = wanted.partition_point(|row| *row < low);
        let until = wanted.partition_point(|row| *row <= high);
        let distance = step.unsigned_abs().max(1);
        hits += wanted[from..until.max(from)].iter().filter(|row| first.abs_diff(**row) % distance == 0).count() as u64;
    }
    if seen == count { Ok(hits) } else { Err(bad("it holds fewer rows than its count says")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_rows_come_back(rows in proptest::collection::vec(any::<i64>().prop_map(Seq), 0..200)) {
            prop_assert_eq!(unpack(&pack(&rows), rows.len() as u64).unwrap(), rows);
        }

        #[test]
        fn hits_are_those_of_a_search_row_by_row(
            steps in proptest::collection::vec((1i64..4, 1usize..6), 0..40),
            wanted in proptest::collection::btree_set(0i64..200, 0..60),
        ) {
            let steps = steps.into_iter().flat_map(|(step, times)| std::iter::repeat_n(step, times));
            let rows: Vec<_> = steps.scan(0, |row, step| { *row += step; Some(Seq(*row)) }).collect();
            let brute = rows.iter().filter(|row| wanted.contains(&row.0)).count() as u64;
            let wanted: Vec<_> = wanted.into_iter().collect();
            prop_assert_eq!(hits(&pack(&rows), rows.len() as u64, &wanted).unwrap(), brute);
        }

        #[test]
        fn any_bytes_give_rows_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64), count in 0u64..1000) {
            if let Ok(rows) = unpack(&bytes, count) {
                prop_assert_eq!(rows.len() as u64, count);
            }
        }
    }

    #[test]
    fn consecutive_rows_take_almost_no_room() {
        let rows: Vec<_> = (5..1_000_005).map(Seq).collect();
        let packed = pack(&rows);
        assert!(packed.len() < 16, "{} bytes", packed.len());
        assert_eq!(unpack(&packed, 1_000_000).unwrap(), rows);
    }
}
