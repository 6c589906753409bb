//! PostgreSQL for the tests: its server and its C library, installed where that can be done.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// The packages on Debian and what is made from it.
const PACKAGES: [&str; 2] = ["postgresql", "libpq-dev"];

/// Finds PostgreSQL, or installs it with the system's own packages.
pub(crate) fn provide() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    println!("\n== PostgreSQL: {} not found, installing {}", missing.join(" and "), PACKAGES.join(" and "));
    install().context(format!(
        "the tests need PostgreSQL, and {} could not be installed: install {} (Debian's names), or name the folder of \
         PostgreSQL's programs in {}; `cargo test` without the feature `postgres` needs neither",
        missing.join(" and "),
        PACKAGES.join(" and "),
        souffleur_cluster::PROGRAMS
    ))?;
    let missing = self::missing();
    if missing.is_empty() { Ok(()) } else { bail!("installed, and {} still not found", missing.join(" and ")) }
}

/// What is not there: the server, the library to link.
fn missing() -> Vec<&'static str> {
    let mut missing = Vec::new();
    if souffleur_cluster::programs().is_none() {
        missing.push("its server");
    }
    let succeeds = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
    };
    if !succeeds("pkg-config", &["--exists", "libpq"]) && !succeeds("pg_config", &["--libdir"]) {
        missing.push("the library libpq");
    }
    missing
}

fn install() -> Result<()> {
    let install = [&["install", "--yes", "--no-install-recommends"][..], &PACKAGES].concat();
    for arguments in [&["update"][..], &install] {
        let mut command = Command::new("apt-get");
        let status = command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status();
        let status = status.with_context(|| format!("cannot run apt-get {}", arguments.join(" ")))?;
        if !status.success() {
            bail!("apt-get {} failed ({status})", arguments.join(" "));
        }
    }
    Ok(())
}
