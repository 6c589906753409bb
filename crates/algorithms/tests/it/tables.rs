//! The published tables that clusterings are compared on.

use std::path::Path;

use ndarray::{Array2, Axis};

use crate::npz;

/// One of the archives of `tests/data/clustering`.
pub(crate) fn archive(set: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/clustering");
    std::fs::read(folder.join(format!("{set}.npz"))).unwrap()
}

/// The table as it is, or with standardised columns.
pub(crate) fn table(archive: &[u8], form: &str) -> Array2<f64> {
    let x = npz::array(archive, "X");
    if form == "raw" {
        return x;
    }
    let sd = x.std_axis(Axis(0), 0.0).mapv(|sd| if sd > 0.0 { sd } else { 1.0 });
    (&x - &x.mean_axis(Axis(0)).unwrap()) / &sd
}
