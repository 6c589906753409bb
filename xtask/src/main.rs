//! The project's own tasks. `cargo xtask help` lists them.
#![cfg_attr(test, allow(clippy::unwrap_used))]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task speaks to whoever runs it")]

mod bench;
mod ci;
mod codegen;
mod servers;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail};

const HELP: &str = "\
usage: cargo xtask TASK

tasks:
  ci [--quick]     everything a change must pass: format, tidy, lints, docs, tests
  tidy             the house rules no compiler checks: layers, sizes, names, catalogue
  codegen          write the generated files anew (config/reference.toml)
  bench [FILTER]   run the benchmarks, each in turn
  help             this text";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["ci"] => ci::run(ci::Depth::Full),
        ["ci", "--quick"] => ci::run(ci::Depth::Quick),
        ["tidy"] => tidy::run(&root()),
        ["codegen"] => codegen::run(),
        ["bench", filter @ ..] => bench::run(filter),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        other => Err(anyhow::anyhow!("unknown task `{}`\n\n{HELP}", other.join(" "))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's root folder.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Runs `cargo` with these arguments and extra environment, and says how long it took.
fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Duration> {
    println!("\n== cargo {}", arguments.join(" "));
    #[expect(clippy::disallowed_methods, reason = "a task runner is an edge: it times what it runs")]
    let start = std::time::Instant::now();
    let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    command.args(arguments).current_dir(root()).envs(environment.iter().copied());
    let status = command.status().with_context(|| format!("cannot run cargo {}", arguments.join(" ")))?;
    if !status.success() {
        bail!("cargo {} failed ({status})", arguments.join(" "));
    }
    Ok(start.elapsed())
}
