//! Pages: one title each, and no link into the void.

use std::path::Path;

use anyhow::Result;

use super::{Finding, sources};

pub(crate) fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    sources::walk(root, root, &mut |path| {
        if path.ends_with(".md") {
            let text = std::fs::read_to_string(root.join(path))?;
            findings.extend(page(root, path, &text));
        }
        if path.starts_with("migrations/") && path.ends_with("up.sql") {
            let down = path.replace("up.sql", "down.sql");
            if !root.join(&down).is_file() {
                findings.push(format!("{path}:1: no way back; write {down}"));
            }
        }
        Ok(())
    })?;
    Ok(findings)
}

fn page(root: &Path, path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut titles = 0;
    let mut in_code = false;
    for (n, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        titles += usize::from(line.starts_with("# "));
        for target in links(line) {
            let file = target.split('#').next().unwrap_or(target);
            let base = Path::new(path).parent().unwrap_or(Path::new(""));
            if !file.is_empty() && !file.contains("://") && !root.join(base).join(file).exists() {
                findings.push(format!("{path}:{}: links to `{target}`, which is not there", n + 1));
            }
        }
    }
    if titles != 1 {
        findings.push(format!("{path}:1: {titles} titles; a page has one"));
    }
    findings
}

fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_link_and_a_second_title_are_found() {
        let text = "# One\n[gone](nowhere.md) [out](https://example.org)\n# Two\n```\n# not a title\n```\n";
        let findings = page(&crate::root(), "docs/a.md", text);
        assert_eq!(findings.len(), 2, "{findings:?}");
    }
}
