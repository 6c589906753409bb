//! The thread that speaks to the server.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use redis::{Connection, RedisError, Value};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::board::Board;

/// Most wishes in one pipeline.
const PIPELINE: usize = 64;
/// Where nobody asks, the server is looked at so often.
const IDLE: Duration = Duration::from_secs(1);
/// The pause before the first attempt to come back; it doubles with every failure.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A full server is asked so often whether it keeps things again.
const FULL_PAUSE: Duration = Duration::from_secs(1);

/// What a caller wishes.
pub(super) enum Ask {
    Get { name: String, reply: oneshot::Sender<Option<Vec<u8>>> },
    Put { name: String, value: Vec<u8>, ttl: Duration },
}

/// Why the connection is left.
enum End {
    /// Nobody can ask any more.
    Closed,
    /// It is of no use any more.
    Broken(RedisError),
    /// A caller waited too long for it, and said so on the board.
    Late,
}

/// Says on the board that the thread is gone, however it ends.
struct Ended(Arc<Board>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended();
    }
}

pub(super) struct Worker {
    pub(super) client: redis::Client,
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    /// The entry a full server is tried with.
    pub(super) probe: String,
    pub(super) asked: Receiver<Ask>,
    pub(super) board: Arc<Board>,
}

impl Worker {
    pub(super) fn run(self) {
        let _ended = Ended(Arc::clone(&self.board));
        let mut pause = PAUSE_MIN;
        loop {
            let end = match self.connect() {
                Ok(mut connection) => {
                    self.board.well();
                    self.serve(&mut connection, &mut pause)
                }
                Err(error) => End::Broken(error),
            };
            match end {
                End::Closed => return,
                End::Broken(error) => self.board.trouble(&error),
                End::Late => {}
            }
            if self.rest(pause).is_none() {
                return;
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn connect(&self) -> Result<Connection, RedisError> {
        let mut connection = self.client.get_connection_with_timeout(self.connect_timeout)?;
        connection.set_read_timeout(Some(self.timeout))?;
        connection.set_write_timeout(Some(self.timeout))?;
        redis::cmd("PING").exec(&mut connection)?;
        Ok(connection)
    }

    /// Carries out what callers wish until that cannot go on. A pipeline that went well forgets earlier failures.
    fn serve(&self, connection: &mut Connection, pause: &mut Duration) -> End {
        let mut full_until = None;
        loop {
            let mut asks = match self.asked.recv_timeout(IDLE) {
                Ok(ask) => vec![ask],
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                Err(RecvTimeoutError::Disconnected) => return End::Closed,
            };
            asks.extend(self.asked.try_iter().take(PIPELINE.saturating_sub(asks.len())));
            if !self.board.is_readable() {
                self.board.unkept(puts(&asks));
                return End::Late;
            }
            let probes = self.board.is_full() && full_until.is_none_or(|until| Instant::now() >= until);
            if let Err(error) = self.exchange(connection, asks, probes) {
                return End::Broken(error);
            }
            full_until = match (self.board.is_full(), probes) {
                (false, _) => None,
                (true, false) if full_until.is_some() => full_until,
                (true, _) => Some(Instant::now() + FULL_PAUSE),
            };
            *pause = PAUSE_MIN;
        }
    }

    /// Sends a pipeline and deals its answers out. Where one cannot be had, dropping the wish tells the caller.
    fn exchange(&self, connection: &mut Connection, asks: Vec<Ask>, probes: bool) -> Result<(), RedisError> {
        let mut pipeline = redis::Pipeline::with_capacity(asks.len() + 1);
        for ask in &asks {
            match ask {
                Ask::Get { name, .. } => pipeline.cmd("GET").arg(name),
                Ask::Put { name, value, ttl } => pipeline.cmd("SET").arg(name).arg(value).arg("PX").arg(ms(*ttl)),
            };
        }
        if probes {
            pipeline.cmd("SET").arg(&self.probe).arg("").arg("PX").arg(ms(FULL_PAUSE));
        } else if asks.is_empty() {
            pipeline.cmd("PING");
        }
        // One command that is refused must not hide the answers to the others.
        pipeline.ignore_errors();
        let answers = pipeline.query::<Vec<Result<Value, RedisError>>>(connection);
        let mut answers = answers.inspect_err(|_| self.board.unkept(puts(&asks)))?.into_iter();
        let mut broken = None;
        for (ask, answer) in asks.into_iter().zip(answers.by_ref()) {
            match (ask, answer) {
                // Nobody waiting any more is fine.
                (Ask::Get { reply, .. }, Ok(answer)) => drop(reply.send(bytes(answer))),
                (Ask::Get { .. }, Err(error)) => broken = Some(error),
                (Ask::Put { .. }, Ok(_)) => {}
                (Ask::Put { .. }, Err(error)) => {
                    self.board.unkept(1);
                    self.board.full(&error);
                }
            }
        }
        match (answers.next(), probes) {
            (Some(Ok(_)), true) => self.board.well(),
            (Some(Err(error)), true) => self.board.full(&error),
            (Some(Err(error)), false) => broken = Some(error),
            _ => {}
        }
        broken.map_or(Ok(()), Err)
    }

    /// Leaves the server alone for a while. Wishes that were on their way are dropped, which tells their callers. `None`
    /// once nobody can ask any more.
    fn rest(&self, pause: Duration) -> Option<()> {
        let until = Instant::now() + pause;
        loop {
            match self.asked.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Ask::Get { .. }) => {}
                Ok(Ask::Put { .. }) => self.board.unkept(1),
                Err(RecvTimeoutError::Timeout) => return Some(()),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

/// How many answers are to be kept.
fn puts(asks: &[Ask]) -> u64 {
    asks.iter().filter(|ask| matches!(ask, Ask::Put { .. })).count() as u64
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}

/// What stands in an answer to `GET`.
fn bytes(answer: Value) -> Option<Vec<u8>> {
    match answer {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}
