//! Everything a change must pass.

use anyhow::Result;

use crate::{cargo, root, tidy};

/// How much is run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Format, house rules and lints.
    Quick,
    /// All of that, the documentation and every test.
    Full,
}

pub(crate) fn run(depth: Depth) -> Result<()> {
    let mut took = Vec::new();
    let mut step = |name: &'static str, arguments: &[&str], environment: &[(&str, &str)]| -> Result<()> {
        took.push((name, cargo(arguments, environment)?));
        Ok(())
    };
    step("format", &["fmt", "--all", "--check"], &[])?;
    tidy::run(&root())?;
    if depth == Depth::Full {
        // The tests come first: what they build, the later steps need not build again.
        step("tests", &["test", "--workspace", "--locked", "--no-fail-fast"], &[])?;
    }
    step("lints", &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"], &[])?;
    if depth == Depth::Full {
        let strict = [("RUSTDOCFLAGS", "-D warnings")];
        step("docs", &["doc", "--workspace", "--no-deps", "--locked", "--document-private-items"], &strict)?;
    }
    println!();
    for (name, duration) in took {
        println!("{name:>8}  {:>6.1} s", duration.as_secs_f64());
    }
    println!("all passed");
    Ok(())
}
