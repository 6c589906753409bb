//! A private Redis server that can be killed, paused and filled.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Mutex, PoisonError};

use super::{LOOK_EVERY, LOOKS_MAX, command, end, succeed};

/// Set to any value, it makes tests that need Redis fail where there is none; without it they skip, in words.
pub const REDIS_REQUIRED: &str = "SOUFFLEUR_REDIS_REQUIRED";

/// Runs the server until standard input ends or says a word, then kills it and clears the folder away.
const KEEPER: &str = r#"umask 077
redis-server --port 0 --unixsocket "$1/socket" --dir "$1" --save '' --appendonly no --maxmemory-policy noeviction \
  >"$1/log" 2>&1 </dev/null &
server=$!
echo "$server" >"$1/pid"
read -r word
kill -s KILL "$server"
wait "$server"
[ "$word" = keep ] || rm -rf "$1""#;

/// A running server on a socket in a temporary folder. It ends with this value, and with this process.
#[derive(Debug)]
pub struct Redis {
    folder: PathBuf,
    keeper: Mutex<Child>,
}

/// Whether the search path has the server and its command line.
#[must_use]
pub fn has_redis() -> bool {
    let here = Path::new("/");
    ["redis-server", "redis-cli"]
        .iter()
        .all(|name| succeed(command(Path::new(name), None, here).arg("--version")).is_ok())
}

impl Redis {
    /// A server of the test's own; where there is none, says so and gives `None`.
    ///
    /// # Panics
    /// If there is none and the variable [`REDIS_REQUIRED`] is set.
    #[must_use]
    pub fn for_test() -> Option<Self> {
        match Self::start() {
            Ok(server) => Some(server),
            Err(why) if std::env::var_os(REDIS_REQUIRED).is_some() => panic!("this test needs Redis: {why}"),
            Err(why) => {
                // Whoever runs the test may have closed the stream; it is skipped all the same.
                let _ = writeln!(std::io::stderr(), "skipped, for it needs Redis: {why}");
                None
            }
        }
    }

    /// Starts a server.
    ///
    /// # Errors
    /// Why it does not run, in words.
    pub fn start() -> Result<Self, String> {
        if !has_redis() {
            return Err("redis-server and redis-cli were not found; install them (Debian: redis-server)".to_owned());
        }
        let folder = tempfile::Builder::new().prefix("souffleur-redis-").tempdir();
        let folder = folder.map_err(|error| format!("cannot make a folder: {error}"))?.keep();
        let keeper = Mutex::new(keeper(&folder)?);
        let server = Self { folder, keeper };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        for _ in 0..LOOKS_MAX {
            if self.ask(&["PING"]).is_ok_and(|answer| answer == "PONG") {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        Err(format!("the server did not start in time; its log says:\n{log}"))
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.join("socket").display())
    }

    /// Sends a command and gives what it answers. A paused server answers when it is resumed.
    ///
    /// # Errors
    /// What the command line said.
    pub fn ask(&self, words: &[&str]) -> Result<String, String> {
        let mut cli = command(Path::new("redis-cli"), None, &self.folder);
        let output = succeed(cli.arg("-s").arg(self.folder.join("socket")).args(words))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Stops the server where it stands: connections stay open and nothing is answered.
    ///
    /// # Errors
    /// What the shell said.
    pub fn pause(&self) -> Result<(), String> {
        self.signal("STOP")
    }

    /// Lets a paused server go on.
    ///
    /// # Errors
    /// What the shell said.
    pub fn resume(&self) -> Result<(), String> {
        self.signal("CONT")
    }

    /// Kills the server.
    ///
    /// # Errors
    /// What the shell said.
    pub fn kill(&self) -> Result<(), String> {
        self.signal("KILL")
    }

    /// Makes the server refuse to keep anything, for it has no memory left; or keep things again.
    ///
    /// # Errors
    /// What the server said.
    pub fn fill(&self, full: bool) -> Result<(), String> {
        self.ask(&["CONFIG", "SET", "maxmemory", if full { "1" } else { "0" }]).map(drop)
    }

    /// Starts a killed server again, empty.
    ///
    /// # Errors
    /// Why it does not run again, in words.
    pub fn restart(&self) -> Result<(), String> {
        // A panic under the lock leaves a child to be waited for, nothing half done.
        let mut running = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        end(&mut running, "keep")?;
        *running = keeper(&self.folder)?;
        drop(running);
        self.wait_until_ready()
    }

    fn signal(&self, signal: &str) -> Result<(), String> {
        let pid = std::fs::read_to_string(self.folder.join("pid")).map_err(|error| format!("no pid: {error}"))?;
        let mut shell = command(Path::new("/bin/sh"), None, &self.folder);
        succeed(shell.args(["-c", r#"kill -s "$1" "$2""#, "kill", signal, pid.trim()])).map(drop)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let running = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner);
        // It ends with this process in any case.
        let _ = end(running, "clear");
    }
}

fn keeper(folder: &Path) -> Result<Child, String> {
    use std::os::unix::process::CommandExt as _;
    let mut shell = command(Path::new("/bin/sh"), None, folder);
    shell.args(["-c", KEEPER, "keeper"]).arg(folder);
    // A process group of its own: Ctrl-C is for the tests, which then end, and the server with them.
    let started = shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    started.map_err(|error| format!("cannot start the server: {error}"))
}
