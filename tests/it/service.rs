//! A whole service on a socket and a data directory of its own, and a client for it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use souffleur::settings::Sources;
use souffleur::{Runtime, Settings};
use souffleur_core::catalogue::Entry;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::sample;

/// Longest wait for anything in a test.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Service {
    pub address: SocketAddr,
    pub runtime: Runtime,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
    _dir: TempDir,
}

/// Starts a service with some settings changed.
pub fn start(changes: &[(&str, &str)]) -> Service {
    start_with(vec![sample::entry(), sample::broken()], changes)
}

/// Starts a service of these components.
pub fn start_with(catalogue: Vec<Entry>, changes: &[(&str, &str)]) -> Service {
    let dir = tempfile::tempdir().unwrap();
    let mut sources = Sources::new().set("http.port", "0", "test").set("http.shutdown_timeout_ms", "1000", "test");
    for (key, value) in changes {
        sources = sources.set(*key, *value, "test");
    }
    let settings = Settings::load(&sources, &catalogue).unwrap();
    let http = settings.http.clone();
    let builder = Runtime::builder().settings(settings).components(catalogue).data_dir(dir.path());
    let runtime = builder.start_blocking().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (tell, told) = std::sync::mpsc::channel();
    let served = runtime.clone();
    let thread = std::thread::spawn(move || {
        let until = async {
            let _ = stopped.await;
        };
        souffleur::http::serve(served, &http, |address| tell.send(address).unwrap(), until)
    });
    let address = told.recv_timeout(PATIENCE).unwrap();
    let service = Service { address, runtime, stop: Some(stop), thread: Some(thread), _dir: dir };
    wait_until("the runtime is ready", || service.runtime.is_ready());
    service
}

/// Waits for something to come true.
pub fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

impl Service {
    /// Stops the server, then the runtime.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
            block_on(self.runtime.shutdown());
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        request(self.address, "GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        request(self.address, "POST", path, &[("Content-Type", "application/json")], body.as_bytes())
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        request(self.address, method, path, headers, body)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// Asserts the status, with the body in the message.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

/// One request on a connection of its own.
pub fn request(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = connect(address);
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    // A server that refuses a body may close before it was read.
    let _ = stream.write_all(body);
    read(&mut BufReader::new(stream), method)
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The status line and the headers.
pub fn read_head(reader: &mut impl BufRead) -> (u16, Vec<(String, String)>) {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("no status in {line:?}")).parse().unwrap();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    (status, headers)
}

/// A whole response.
pub fn read(reader: &mut impl BufRead, method: &str) -> Answer {
    let (status, headers) = read_head(reader);
    let mut answer = Answer { status, headers, body: Vec::new() };
    if method == "HEAD" {
        return answer;
    }
    if answer.header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        while let Some(chunk) = read_chunk(reader) {
            answer.body.extend(chunk);
        }
    } else if let Some(length) = answer.header("content-length") {
        answer.body.resize(length.parse().unwrap(), 0);
        reader.read_exact(&mut answer.body).unwrap();
    } else {
        reader.read_to_end(&mut answer.body).unwrap();
    }
    answer
}

/// One piece of a chunked body; `None` at its end.
pub fn read_chunk(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let size = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
    let mut chunk = vec![0; size + 2];
    reader.read_exact(&mut chunk).ok()?;
    chunk.truncate(size);
    (size > 0).then_some(chunk)
}
