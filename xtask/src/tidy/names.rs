//! Names that say nothing, words that mean "later", and files that stand where they should not.

use std::path::Path;

use anyhow::Result;

use super::{Finding, Source};

/// What may stand in the root folder.
const ROOT: &[&str] = &[
    ".cargo",
    ".ci",
    ".git",
    ".gitattributes",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "actors",
    "benches",
    "clippy.toml",
    "config",
    "crates",
    "docs",
    "examples",
    "migrations",
    "rustfmt.toml",
    "src",
    "target",
    "tests",
    "xtask",
];

/// Parts of file names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] =
    &["utils", "util", "helpers", "helper", "manager", "misc", "common", "simple", "v2", "new", "old"];

/// Words that put something off, and macros left behind.
const BANNED: &[(&str, &str)] = &[
    ("FIXME", "do it now, or say in docs/adr why not"),
    ("TODO", "do it now, or say in docs/adr why not"),
    ("todo!(", "write it"),
    ("unimplemented!(", "write it"),
    ("dbg!(", "use tracing"),
    ("#[allow(dead_code)]", "delete what is not used"),
    ("#[ignore]", "give the reason in words: #[ignore = \"...\"]"),
    ("Supervisor::start", "it does not survive a panic: use the Guard"),
    ("SyncArbiter::start", "its workers are never respawned: use the Pool"),
];

pub(crate) fn check(root: &Path, sources: &[Source]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for entry in std::fs::read_dir(root)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !ROOT.contains(&name.as_str()) {
            findings.push(format!("{name}: does not belong into the root folder"));
        }
    }
    for source in sources {
        let file = source.path.rsplit('/').next().unwrap_or(&source.path).trim_end_matches(".rs");
        if let Some(word) = file.split('_').find(|word| EMPTY_NAMES.contains(word)) {
            findings.push(format!("{}:1: `{word}` says nothing of what is inside; name the idea", source.path));
        }
        if source.path.starts_with("xtask/src/tidy") {
            continue;
        }
        for (n, line) in source.text.lines().enumerate() {
            for (word, instead) in BANNED {
                if line.contains(word) {
                    findings.push(format!("{}:{}: `{word}`; {instead}", source.path, n + 1));
                }
            }
            if line.contains("allow(clippy::") && !allowed_with_reason(source, line) {
                findings.push(format!(
                    "{}:{}: a lint is allowed without a reason; add `reason = \"...\"`",
                    source.path,
                    n + 1
                ));
            }
        }
    }
    Ok(findings)
}

/// Tests may unwrap and print; anything else needs a reason, on the same line or the attribute's next ones.
fn allowed_with_reason(source: &Source, line: &str) -> bool {
    let in_tests = line.contains("cfg_attr(test") || !source.is_product();
    in_tests || line.contains("reason") || !line.trim_end().ends_with(']')
}
