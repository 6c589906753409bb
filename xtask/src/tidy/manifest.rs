//! The manifests: what each package depends on.

use std::path::Path;

use anyhow::{Context, Result};
use toml::{Table, Value};

/// One package of the workspace.
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// What its product code depends on.
    pub(crate) dependencies: Vec<String>,
    /// Its benchmarks.
    pub(crate) benches: Vec<Bench>,
}

/// A benchmark.
pub(crate) struct Bench {
    /// Its name.
    pub(crate) name: String,
    /// The features it needs, as cargo takes them: with commas between.
    pub(crate) features: String,
}

/// Every package, the root first.
pub(crate) fn packages(root: &Path) -> Result<Vec<Package>> {
    let mut folders = vec![root.to_path_buf(), root.join("actors"), root.join("xtask")];
    for entry in std::fs::read_dir(root.join("crates")).context("crates/")? {
        folders.push(entry?.path());
    }
    folders.sort();
    folders.iter().map(|folder| read(folder)).collect()
}

fn read(folder: &Path) -> Result<Package> {
    let path = folder.join("Cargo.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let table: Table = text.parse().with_context(|| path.display().to_string())?;
    let name = table.get("package").and_then(|p| p.get("name")).and_then(Value::as_str).unwrap_or_default();
    let keys = |key: &str| -> Vec<String> {
        table.get(key).and_then(Value::as_table).map(|t| t.keys().cloned().collect()).unwrap_or_default()
    };
    let benches = table.get("bench").and_then(Value::as_array).cloned().unwrap_or_default();
    let bench = |bench: &Value| {
        let required = bench.get("required-features").and_then(Value::as_array).into_iter().flatten();
        let features: Vec<_> = required.filter_map(Value::as_str).collect();
        Some(Bench { name: bench.get("name")?.as_str()?.to_owned(), features: features.join(",") })
    };
    let benches = benches.iter().filter_map(bench).collect();
    Ok(Package { name: name.to_owned(), dependencies: keys("dependencies"), benches })
}
