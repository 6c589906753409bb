//! Runs the benchmarks one after the other, so that none disturbs another.

use anyhow::{Result, bail};

use crate::{cargo, root, tidy};

pub(crate) fn run(filter: &[&str]) -> Result<()> {
    let mut found = false;
    for package in tidy::manifest::packages(&root())? {
        for bench in &package.benches {
            if filter.is_empty() || filter.iter().any(|word| bench.name.contains(word)) {
                found = true;
                cargo(
                    &["bench", "--locked", "-p", &package.name, "--features", &bench.features, "--bench", &bench.name],
                    &[],
                )?;
            }
        }
    }
    if !found {
        bail!("no benchmark's name contains {}", filter.join(" or "));
    }
    Ok(())
}
