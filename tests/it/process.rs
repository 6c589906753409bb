//! Runs the real program: commands to their end, daemons until they are stopped.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; -1 if a signal ended it.
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The result as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Fails the test unless the command succeeded.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

/// The program, without settings from the tests' own environment.
pub(crate) fn program() -> Command {
    cleaned(Command::new(env!("CARGO_BIN_EXE_souffleur")))
}

fn cleaned(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("SOUFFLEUR") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command.env("COLUMNS", "100");
    command
}

/// Runs a command to its end.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    Ran::of(program().args(arguments).stdin(Stdio::null()).output().unwrap())
}

/// Runs a command to its end with something to read.
pub(crate) fn run_with_input<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>, input: &[u8]) -> Ran {
    let mut command = program();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end without reading all of it.
    let _ = child.stdin.take().unwrap().write_all(input);
    Ran::of(child.wait_with_output().unwrap())
}

/// A running daemon. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    pub(crate) url: String,
}

impl Daemon {
    /// Starts one on a data directory and waits until it listens.
    pub(crate) fn start(directory: &Path, more: &[&str]) -> Self {
        Self::spawn(program(), directory, more)
    }

    /// Starts one that cannot write files larger than `blocks` of 512 bytes.
    pub(crate) fn start_limited(directory: &Path, blocks: u32) -> Self {
        let mut shell = cleaned(Command::new("sh"));
        let program = env!("CARGO_BIN_EXE_souffleur");
        // The signal is ignored, so that the write itself fails as on a full disk.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec '{program}' \"$@\"");
        shell.args(["-c", &script, "sh"]);
        Self::spawn(shell, directory, &[])
    }

    fn spawn(mut command: Command, directory: &Path, more: &[&str]) -> Self {
        command.args(["serve", "--port", "0", "--data-dir"]).arg(directory).args(more);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("said {line:?}")).to_owned();
        Self { child, url }
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal by its name (`TERM`).
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Waits for its end and gives the exit code; -1 if a signal ended it.
    pub(crate) fn wait(mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP client of its own for each thread that needs one.
pub(crate) struct Http {
    agent: ureq::Agent,
    url: String,
}

/// A status and a document.
pub(crate) type Answer = Result<(u16, Value), ureq::Error>;

impl Http {
    pub(crate) fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self { agent: config.into(), url: url.to_owned() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        let mut answer = self.agent.get(format!("{}{path}", self.url)).call()?;
        Ok((answer.status().as_u16(), answer.body_mut().read_json()?))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        let mut answer = self.agent.post(format!("{}{path}", self.url)).send_json(body)?;
        Ok((answer.status().as_u16(), answer.body_mut().read_json()?))
    }
}
