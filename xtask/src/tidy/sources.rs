//! The Rust files of the tree, as text.

use std::path::Path;

use anyhow::{Context, Result};

/// One file.
pub(crate) struct Source {
    /// Path from the root, with `/`.
    pub(crate) path: String,
    /// What it says.
    pub(crate) text: String,
}

impl Source {
    /// Its lines with their numbers, up to the unit tests at its end.
    pub(crate) fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().take_while(|line| line.trim_end() != "#[cfg(test)]");
        lines.enumerate().map(|(i, line)| (i + 1, line))
    }

    /// Whether it is a test, a benchmark or an example.
    pub(crate) fn is_product(&self) -> bool {
        let apart = ["tests", "benches", "examples", "xtask"];
        !self.path.split('/').any(|part| apart.contains(&part)) && !self.path.ends_with("tests.rs")
    }
}

/// Every Rust file, in order of paths.
pub(crate) fn rust_files(root: &Path) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    walk(root, root, &mut |path| {
        if path.ends_with(".rs") {
            let text = std::fs::read_to_string(root.join(path)).with_context(|| path.to_owned())?;
            found.push(Source { path: path.to_owned(), text });
        }
        Ok(())
    })?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Calls `visit` with the path of every file that belongs to the project.
pub(crate) fn walk(root: &Path, folder: &Path, visit: &mut impl FnMut(&str) -> Result<()>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && name != ".git" {
                walk(root, &path, visit)?;
            }
        } else if let Ok(relative) = path.strip_prefix(root) {
            visit(&relative.to_string_lossy().replace('\\', "/"))?;
        }
    }
    Ok(())
}
