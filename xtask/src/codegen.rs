//! Writes the generated files anew. Tests fail when a committed one is stale.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::root;

pub(crate) fn run() -> Result<()> {
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(["run", "--quiet", "--locked", "--bin", "souffleur", "--", "config", "reference"])
        .current_dir(root())
        .output()
        .context("cannot run souffleur")?;
    if !output.status.success() {
        bail!("souffleur config reference failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let path = root().join("config/reference.toml");
    std::fs::write(&path, &output.stdout).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote config/reference.toml");
    Ok(())
}
