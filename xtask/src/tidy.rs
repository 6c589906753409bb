//! The house rules no compiler checks. Each rule returns what it found, as `path:line: what; what would be right`.

mod catalogue;
mod layers;
pub(crate) mod manifest;
mod names;
mod prose;
mod sizes;
mod sources;

use std::path::Path;

use anyhow::{Result, bail};

use sources::Source;

/// Something against a rule.
type Finding = String;

/// Checks every rule over the whole tree.
pub(crate) fn run(root: &Path) -> Result<()> {
    let findings = check(root)?;
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy found {} things", findings.len());
    }
    println!("tidy: nothing to report");
    Ok(())
}

fn check(root: &Path) -> Result<Vec<Finding>> {
    let sources = sources::rust_files(root)?;
    let packages = manifest::packages(root)?;
    let mut findings = Vec::new();
    findings.extend(layers::check(&packages, &sources));
    findings.extend(catalogue::check(&sources));
    findings.extend(names::check(root, &sources)?);
    findings.extend(sizes::check(&sources));
    findings.extend(prose::check(root)?);
    findings.sort();
    Ok(findings)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_tidy() {
        let findings = super::check(&crate::root()).unwrap();
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }
}
