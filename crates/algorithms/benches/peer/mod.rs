//! Runs the same computation in Python on the very same input, so that a comparison is fair.
//!
//! The Python is named by `SOUFFLEUR_PEERS_PYTHON`; without it, a virtual environment `venv` beside the repository is tried.
#![allow(dead_code, unreachable_pub, reason = "each benchmark takes the part it needs")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use ndarray::Array2;

/// Reads the inputs into the list `inputs` and defines `median_seconds(times, function)`.
const PRELUDE: &str = "
import sys, time, numpy as np
def read(path, kind, columns):
    values = np.fromfile(path, dtype=kind)
    return values.reshape(-1, int(columns)) if int(columns) else values
inputs = [read(*sys.argv[i:i + 3]) for i in range(1, len(sys.argv), 3)]
def median_seconds(times, function):
    seconds = []
    for k in range(times):
        start = time.perf_counter(); function(k); seconds.append(time.perf_counter() - start)
    return sorted(seconds)[times // 2]
";

/// One array that the script finds in `inputs`, in the order given.
pub enum Input<'a> {
    /// Rows x columns of float64.
    Matrix(&'a Array2<f64>),
    /// One int32 per row.
    Labels(&'a [i32]),
}

impl Input<'_> {
    /// The values as they lie in the file, NumPy's name of their type, and the number of columns (0: a plain vector).
    fn raw(&self) -> (Vec<u8>, &'static str, usize) {
        match self {
            Self::Matrix(x) => (x.iter().flat_map(|value| value.to_le_bytes()).collect(), "<f8", x.ncols()),
            Self::Labels(labels) => (labels.iter().flat_map(|label| label.to_le_bytes()).collect(), "<i4", 0),
        }
    }
}

/// The interpreter, if one is at hand.
pub fn python() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../venv/bin/python");
    let found = std::env::var_os("SOUFFLEUR_PEERS_PYTHON").map_or(beside, PathBuf::from);
    found.exists().then_some(found)
}

/// The numbers that `script` prints, separated by white space, or nothing after saying under the name of the
/// benchmark why there are none. The script finds `np`, `inputs` and `median_seconds` defined.
pub fn run(bench: &str, script: &str, inputs: &[Input<'_>]) -> Option<Vec<f64>> {
    let Some(python) = python() else {
        println!("{bench}: no Python to compare with (SOUFFLEUR_PEERS_PYTHON), comparison skipped");
        return None;
    };
    let mut command = Command::new(python);
    command.arg("-c").arg(format!("{PRELUDE}{script}"));
    let mut paths = Vec::new();
    for (position, input) in inputs.iter().enumerate() {
        let (bytes, kind, columns) = input.raw();
        let path = std::env::temp_dir().join(format!("souffleur_peer_{}_{position}.raw", std::process::id()));
        std::fs::File::create(&path).unwrap().write_all(&bytes).unwrap();
        command.arg(&path).arg(kind).arg(columns.to_string());
        paths.push(path);
    }
    let output = command.output().unwrap();
    paths.iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let printed = String::from_utf8_lossy(&output.stdout);
    let numbers: Result<Vec<f64>, _> = printed.split_whitespace().map(str::parse).collect();
    match numbers {
        Ok(numbers) if output.status.success() => Some(numbers),
        _ => {
            println!("{bench}: the peer did not run: {printed}{}", String::from_utf8_lossy(&output.stderr));
            None
        }
    }
}

/// Median wall-clock seconds of `times` calls.
pub fn median_seconds<T>(times: usize, mut call: impl FnMut() -> T) -> f64 {
    let mut seconds: Vec<f64> = (0..times)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(call());
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[times / 2]
}
