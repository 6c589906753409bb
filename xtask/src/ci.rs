//! Everything a change must pass.

use anyhow::Result;

use crate::{cargo, root, servers, tidy};

/// What a plain build leaves out and a change must pass all the same.
const FEATURES: &str = "postgres redis";

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
        servers::provide()?;
        // The tests come first: what they build, the later steps need not build again.
        let tests = ["test", "--workspace", "--features", FEATURES, "--locked", "--no-fail-fast"];
        step("tests", &tests, &[(souffleur_cluster::REQUIRED, "1"), (souffleur_cluster::REDIS_REQUIRED, "1")])?;
    }
    // Quick checks ask for no library of the system's.
    let features = if depth == Depth::Full { FEATURES } else { "" };
    let lints = ["clippy", "--workspace", "--features", features, "--all-targets", "--locked", "--", "-D", "warnings"];
    step("lints", &lints, &[])?;
    if depth == Depth::Full {
        step("plain", &["clippy", "-p", "souffleur", "--locked", "--", "-D", "warnings"], &[])?;
        let strict = [("RUSTDOCFLAGS", "-D warnings")];
        step(
            "docs",
            &["doc", "--workspace", "--features", FEATURES, "--no-deps", "--locked", "--document-private-items"],
            &strict,
        )?;
    }
    println!();
    for (name, duration) in took {
        println!("{name:>8}  {:>6.1} s", duration.as_secs_f64());
    }
    println!("all passed");
    Ok(())
}
