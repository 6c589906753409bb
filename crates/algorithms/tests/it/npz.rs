//! Reads NumPy's `.npz`: a zip archive of `.npy` arrays, stored or deflated. Enough for the test data, no more.

use std::io::Read;
use std::path::Path;

use ndarray::{Array2, ShapeBuilder};

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()))
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// The bytes of one member, found through the central directory (local headers may lack the sizes).
fn member(archive: &[u8], name: &str) -> Vec<u8> {
    let end = archive.windows(4).rposition(|window| window == b"PK\x05\x06").expect("end of central directory");
    let mut at = u32_at(archive, end + 16);
    for _ in 0..u16_at(archive, end + 10) {
        let lengths = [28, 30, 32].map(|offset| u16_at(archive, at + offset));
        if &archive[at + 46..at + 46 + lengths[0]] == name.as_bytes() {
            let (method, size, local) = (u16_at(archive, at + 10), u32_at(archive, at + 20), u32_at(archive, at + 42));
            let start = local + 30 + u16_at(archive, local + 26) + u16_at(archive, local + 28);
            let data = &archive[start..start + size];
            let mut bytes = Vec::new();
            match method {
                0 => bytes.extend_from_slice(data),
                8 => drop(flate2::read::DeflateDecoder::new(data).read_to_end(&mut bytes).unwrap()),
                other => panic!("compression method {other} of {name}"),
            }
            return bytes;
        }
        at += 46 + lengths.iter().sum::<usize>();
    }
    panic!("no {name} in the archive")
}

/// A numeric `.npy` array as a matrix; a vector becomes one column.
fn matrix(npy: &[u8]) -> Array2<f64> {
    assert_eq!(&npy[..6], b"\x93NUMPY");
    let (start, length) = if npy[6] == 1 { (10, u16_at(npy, 8)) } else { (12, u32_at(npy, 8)) };
    let header = std::str::from_utf8(&npy[start..start + length]).unwrap();
    let after = |key: &str| header.split_once(key).expect("key in npy header").1;
    let kind = after("'descr': '").split('\'').next().unwrap();
    let shape = after("'shape': (").split(')').next().unwrap();
    let shape: Vec<usize> = shape.split(',').filter_map(|part| part.trim().parse().ok()).collect();
    let columns_first = after("'fortran_order': ").starts_with("True");
    let size: usize = kind[2..].parse().unwrap();
    let values = npy[start + length..].chunks_exact(size).map(|bytes| match kind {
        "<f8" => f64::from_le_bytes(bytes.try_into().unwrap()),
        "<f4" => f64::from(f32::from_le_bytes(bytes.try_into().unwrap())),
        "<i8" => i64::from_le_bytes(bytes.try_into().unwrap()) as f64,
        "<i4" => f64::from(i32::from_le_bytes(bytes.try_into().unwrap())),
        "<i2" => f64::from(i16::from_le_bytes(bytes.try_into().unwrap())),
        "|u1" => f64::from(bytes[0]),
        other => panic!("element type {other}"),
    });
    let dim = (shape[0], shape.get(1).copied().unwrap_or(1));
    Array2::from_shape_vec(dim.set_f(columns_first), values.collect()).unwrap()
}

/// The member `name` of an archive.
pub(crate) fn array(archive: &[u8], name: &str) -> Array2<f64> {
    matrix(&member(archive, &format!("{name}.npy")))
}

/// Rows and labels of an archive with members `X` and `y`.
pub(crate) fn read(path: &Path) -> (Array2<f64>, Vec<bool>) {
    let archive = std::fs::read(path).unwrap();
    let labels = matrix(&member(&archive, "y.npy"));
    (matrix(&member(&archive, "X.npy")), labels.iter().map(|label| *label > 0.0).collect())
}
