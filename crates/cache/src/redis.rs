//! The second level in a Redis server.
//!
//! One thread owns the connection and sends what waits as one pipeline. Callers hand it their wishes through a bounded
//! queue and wait a few milliseconds at most. In trouble the thread leaves the server alone for a while and tries again
//! by itself; callers see the word on the board and do not even ask.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::key::Key;
use crate::level::{Found, LevelStatus, SecondLevel};

mod board;
mod clear;
mod worker;

use board::Board;
use worker::{Ask, Worker};

/// Wishes that may wait for the thread.
const QUEUE: usize = 1_024;
/// A caller waits for the pipeline before its own, and then for its own.
const PIPELINES_WAITED_FOR: u32 = 2;
/// Connecting may take so many times as long as an answer.
const CONNECT_FACTOR: u32 = 10;

/// Where the server is and how long it may take.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// Its address; it may hold a password and is never shown.
    pub url: String,
    /// Longest an answer of the server may take.
    pub timeout: Duration,
    /// What the names of the entries begin with. It must tell apart whatever answers differently to the same question.
    pub namespace: String,
}

/// Why there is no second level.
#[derive(Debug, thiserror::Error)]
pub enum RedisUrlError {
    /// The address is none.
    #[error("is no address of a Redis server: {0}")]
    Address(String),
    /// The operating system refused a thread.
    #[error("a thread could not be started: {0}")]
    Thread(std::io::Error),
}

fn client(url: &str) -> Result<redis::Client, RedisUrlError> {
    redis::Client::open(url).map_err(|error| RedisUrlError::Address(error.to_string()))
}

/// Checks an address without connecting.
///
/// # Errors
/// [`RedisUrlError::Address`], which does not repeat the address.
pub fn check_url(url: &str) -> Result<(), RedisUrlError> {
    client(url).map(drop)
}

/// The second level in a Redis server.
pub struct RedisLevel {
    asks: SyncSender<Ask>,
    board: Arc<Board>,
    settings: RedisSettings,
    wait: Duration,
}

impl RedisLevel {
    /// Starts the thread, which connects by itself. The server need not be there.
    ///
    /// # Errors
    /// [`RedisUrlError`].
    pub fn start(settings: &RedisSettings) -> Result<Arc<Self>, RedisUrlError> {
        let client = client(&settings.url)?;
        let (asks, asked) = sync_channel(QUEUE);
        let board = Arc::new(Board::new(settings.timeout));
        let worker = Worker {
            client,
            timeout: settings.timeout,
            connect_timeout: settings.timeout * CONNECT_FACTOR,
            probe: format!("{}:probe", settings.namespace),
            asked,
            board: Arc::clone(&board),
        };
        let thread = std::thread::Builder::new().name("souffleur-redis".to_owned());
        drop(thread.spawn(move || worker.run()).map_err(RedisUrlError::Thread)?);
        let wait = settings.timeout * PIPELINES_WAITED_FOR;
        Ok(Arc::new(Self { asks, board, settings: settings.clone(), wait }))
    }

    fn name(&self, key: &Key) -> String {
        format!("{}:{}", self.settings.namespace, key.as_str())
    }
}

impl SecondLevel for RedisLevel {
    fn get(&self, key: &Key) -> Found {
        let nothing = || -> Found { Box::pin(std::future::ready(None)) };
        if !self.board.is_readable() {
            self.board.skipped();
            return nothing();
        }
        let (reply, answer) = oneshot::channel();
        if self.asks.try_send(Ask::Get { name: self.name(key), reply }).is_err() {
            self.board.skipped();
            return nothing();
        }
        let (board, wait) = (Arc::clone(&self.board), self.wait);
        Box::pin(async move {
            match tokio::time::timeout(wait, answer).await {
                Ok(Ok(found)) => found,
                // The thread gave the pipeline up and has said why.
                Ok(Err(_)) => {
                    board.skipped();
                    None
                }
                Err(_) => {
                    board.skipped();
                    board.late(wait);
                    None
                }
            }
        })
    }

    fn put(&self, key: &Key, value: Vec<u8>, ttl: Duration) {
        let ask = || Ask::Put { name: self.name(key), value, ttl };
        if !self.board.is_writable() || self.asks.try_send(ask()).is_err() {
            self.board.unkept(1);
        }
    }

    fn clear(&self, limit: Duration) -> Result<(), String> {
        clear::clear(&self.settings, limit).map_err(|error| error.to_string())
    }

    fn status(&self) -> LevelStatus {
        self.board.status()
    }
}
