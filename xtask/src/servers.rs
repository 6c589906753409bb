//! The servers the tests use, and the C library one of them is linked through: installed where that can be done.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// Something the tests need of the system.
struct Needed {
    name: &'static str,
    /// Its packages on Debian and what is made from it.
    packages: &'static [&'static str],
    /// What is not there.
    missing: fn() -> Vec<&'static str>,
    /// What else its user may do.
    otherwise: &'static str,
}

const NEEDED: [Needed; 2] = [
    Needed {
        name: "PostgreSQL",
        packages: &["postgresql", "libpq-dev"],
        missing: postgres,
        otherwise: "or name the folder of PostgreSQL's programs in SOUFFLEUR_POSTGRES_BIN; `cargo test` without the \
                    feature `postgres` needs neither",
    },
    Needed {
        name: "Redis",
        packages: &["redis-server"],
        missing: redis,
        otherwise: "or put redis-server and redis-cli on the search path; `cargo test` without the feature `redis` \
                    does not need them",
    },
];

/// Finds every server, or installs it with the system's own packages.
pub(crate) fn provide() -> Result<()> {
    NEEDED.iter().try_for_each(Needed::provide)
}

impl Needed {
    fn provide(&self) -> Result<()> {
        let missing = (self.missing)();
        if missing.is_empty() {
            return Ok(());
        }
        let (name, missing, packages) = (self.name, missing.join(" and "), self.packages.join(" and "));
        println!("\n== {name}: {missing} not found, installing {packages}");
        let advice = self.otherwise;
        install(self.packages).context(format!(
            "the tests need {name}, and {missing} could not be installed: install {packages} (Debian's names), {advice}"
        ))?;
        let missing = (self.missing)();
        if missing.is_empty() { Ok(()) } else { bail!("installed, and {} still not found", missing.join(" and ")) }
    }
}

fn postgres() -> Vec<&'static str> {
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

fn redis() -> Vec<&'static str> {
    if souffleur_cluster::has_redis() { Vec::new() } else { vec!["its server"] }
}

fn install(packages: &[&str]) -> Result<()> {
    let install = [&["install", "--yes", "--no-install-recommends"][..], packages].concat();
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
