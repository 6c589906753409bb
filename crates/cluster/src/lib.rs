//! Private servers for tests and benchmarks: PostgreSQL ([`Cluster`]) and [`Redis`].
//!
//! Each lives in a temporary folder, listens on a unix socket there and on no network, and ends with the process that
//! started it, however that ends. PostgreSQL syncs to the disk like any other; it refuses to run as root: started by root,
//! it runs as another user.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

mod redis;

pub use redis::{REDIS_REQUIRED, Redis, has_redis};

/// Set to any value, it makes tests that need PostgreSQL fail where there is none; without it they skip, in words.
pub const REQUIRED: &str = "SOUFFLEUR_POSTGRES_REQUIRED";
/// Names the folder of PostgreSQL's programs, where it is not found by itself.
pub const PROGRAMS: &str = "SOUFFLEUR_POSTGRES_BIN";

/// How long the server may take to start, and a command to end, in looks of [`LOOK_EVERY`].
const LOOKS_MAX: usize = 600;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The server's own user.
const OWNER: &str = "souffleur";

/// Runs the server until standard input ends or says a word, then stops it and clears the folder away. A process that
/// dies closes its pipes, whatever it dies of: this is how the server ends with it.
const KEEPER: &str = r#""$1/postgres" -D "$2/data" -k "$2" -p "$3" -c listen_addresses= >"$2/log" 2>&1 </dev/null &
server=$!
read -r word
kill -s QUIT "$server"
wait "$server"
[ "$word" = keep ] || rm -rf "$2""#;

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u32,
    user: Option<(u32, u32)>,
    keeper: Mutex<Child>,
    databases: AtomicU32,
}

/// The folder of PostgreSQL's programs: the one `SOUFFLEUR_POSTGRES_BIN` names, the newest of Debian's, or where the
/// search path finds `initdb`.
#[must_use]
pub fn programs() -> Option<PathBuf> {
    let has_server = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    if let Some(named) = std::env::var_os(PROGRAMS) {
        return Some(PathBuf::from(named)).filter(has_server);
    }
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    let debian = versions.into_iter().rev().map(|(_, folder)| folder).find(has_server);
    debian.or_else(|| std::env::split_paths(&std::env::var_os("PATH")?).find(has_server))
}

/// A number and a group that are not root's, where this process is root.
fn other_user() -> Result<Option<(u32, u32)>, String> {
    let read = |path| std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"));
    let status = read("/proc/self/status")?;
    let own = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().nth(1));
    if own != Some("0") {
        return Ok(None);
    }
    let users = read("/etc/passwd")?;
    let number = |name: &str| {
        let mut fields = users.lines().find(|line| line.split(':').next() == Some(name))?.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let found = number("postgres").or_else(|| number("nobody"));
    found.map(Some).ok_or_else(|| "root needs another user, postgres or nobody, to run PostgreSQL as".to_owned())
}

impl Cluster {
    /// The server all tests of this process share, started by the first that asks.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref().map_err(Clone::clone)
    }

    /// The shared server; where there is none, says so and gives `None`.
    ///
    /// # Panics
    /// If there is none and the variable [`REQUIRED`] is set.
    #[must_use]
    pub fn for_test() -> Option<&'static Self> {
        match Self::shared() {
            Ok(cluster) => Some(cluster),
            Err(why) if std::env::var_os(REQUIRED).is_some() => panic!("this test needs PostgreSQL: {why}"),
            Err(why) => {
                // Whoever runs the test may have closed the stream; it is skipped all the same.
                let _ = writeln!(std::io::stderr(), "skipped, for it needs PostgreSQL: {why}");
                None
            }
        }
    }

    /// Makes a cluster and starts its server.
    ///
    /// # Errors
    /// Why it does not run, in words.
    pub fn start() -> Result<Self, String> {
        let programs = programs().ok_or_else(|| {
            format!("its programs were not found; install it (Debian: postgresql), or name their folder in {PROGRAMS}")
        })?;
        let user = other_user()?;
        let folder = tempfile::Builder::new().prefix("souffleur-pg-").tempdir();
        let folder = folder.map_err(|error| format!("cannot make a folder: {error}"))?.keep();
        if let Some((user, group)) = user {
            chown(&folder, Some(user), Some(group)).map_err(|error| format!("cannot give the folder away: {error}"))?;
        }
        // The socket's name holds it; no other server has a socket in this folder.
        let port = 1024 + std::process::id() % 60_000;
        let mut init = command(&programs.join("initdb"), user, &folder);
        init.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username", OWNER, "-D"]);
        succeed(init.arg(folder.join("data")))?;
        let keeper = keeper(&programs, user, &folder, port)?;
        let databases = AtomicU32::new(0);
        let cluster = Self { programs, folder, port, user, keeper: Mutex::new(keeper), databases };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let (folder, port) = (self.folder.display().to_string(), self.port.to_string());
        for _ in 0..LOOKS_MAX {
            let mut ask = command(&self.programs.join("pg_isready"), self.user, &self.folder);
            if ask.args(["-q", "-h", &folder, "-p", &port]).status().is_ok_and(|status| status.success()) {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        Err(format!("the server did not start in time; its log says:\n{log}"))
    }

    /// Makes a new, empty database and gives its address.
    ///
    /// # Errors
    /// What the server said.
    pub fn database(&self) -> Result<String, String> {
        let name = format!("hub_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.query("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(self.url(&name))
    }

    fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&port={}&user={OWNER}", self.folder.display(), self.port)
    }

    /// Runs a statement in the database at `url`, or of this name, and gives what it answers: a line for each row, `|`
    /// between its columns.
    ///
    /// # Errors
    /// What the server said.
    pub fn query(&self, database: &str, sql: &str) -> Result<String, String> {
        let url = if database.contains("://") { database.to_owned() } else { self.url(database) };
        let mut ask = command(&self.programs.join("psql"), self.user, &self.folder);
        let output = succeed(ask.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, &url]))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Kills the server, as a power cut would, and starts it again on what is on the disk.
    ///
    /// # Errors
    /// Why it does not run again, in words.
    pub fn restart(&self) -> Result<(), String> {
        // A panic under the lock leaves a child to be waited for, nothing half done.
        let mut running = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        end(&mut running, "keep")?;
        *running = keeper(&self.programs, self.user, &self.folder, self.port)?;
        drop(running);
        self.wait_until_ready()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let running = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner);
        // It ends with this process in any case.
        let _ = end(running, "clear");
    }
}

fn end(keeper: &mut Child, word: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot stop the server: {error}");
    if let Some(mut input) = keeper.stdin.take() {
        writeln!(input, "{word}").map_err(failed)?;
    }
    for _ in 0..LOOKS_MAX {
        if keeper.try_wait().map_err(failed)?.is_some() {
            return Ok(());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Err("the server did not stop in time".to_owned())
}

fn keeper(programs: &Path, user: Option<(u32, u32)>, folder: &Path, port: u32) -> Result<Child, String> {
    let mut shell = command(Path::new("/bin/sh"), user, folder);
    shell.args(["-c", KEEPER, "keeper"]).arg(programs).arg(folder).arg(port.to_string());
    // A process group of its own: Ctrl-C is for the tests, which then end, and the server with them.
    let started = shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    started.map_err(|error| format!("cannot start the server: {error}"))
}

/// A command in the folder, as the user the server runs as.
fn command(program: &Path, user: Option<(u32, u32)>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

fn succeed(command: &mut Command) -> Result<Output, String> {
    let name = command.get_program().display().to_string();
    let output = command.output().map_err(|error| format!("cannot run {name}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let mut text = format!("{name} failed ({})", output.status);
    // Writing to a string does not fail.
    let _ = write!(text, ": {}", String::from_utf8_lossy(&output.stderr).trim());
    Err(text)
}
