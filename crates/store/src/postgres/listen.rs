//! Telling other runtimes what was committed, and hearing it from them, through `NOTIFY` and `LISTEN`.
//!
//! A notification is sent inside the transaction it speaks of and delivered once that is committed. It says who sent it,
//! so that a runtime passes over its own.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Change, Listener};

use crate::schema::hub_state;

/// The channel's name.
pub(super) const CHANNEL: &str = "souffleur";

/// How often the connection is looked at: a look costs one system call and asks the server nothing.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Pauses between attempts to connect again.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// What `holder` tells of the rows up to `last_seq`.
pub(super) fn news_of_rows(holder: i64, last_seq: i64, learnable: u64) -> String {
    format!("{holder} rows {last_seq} {learnable}")
}

/// Moves the counter to `last_seq` and tells others of the rows up to it, in one message to the server.
pub(crate) fn announce_rows(
    connection: &mut PgConnection,
    holder: i64,
    last_seq: i64,
    learnable: u64,
) -> QueryResult<()> {
    let news = news_of_rows(holder, last_seq, learnable);
    connection.batch_execute(&format!("UPDATE hub_state SET last_seq = {last_seq}; NOTIFY {CHANNEL}, '{news}'"))
}

/// Tells others of a component's model.
pub(crate) fn announce_model(connection: &mut PgConnection, holder: i64, component: &str) -> QueryResult<()> {
    diesel::sql_query("SELECT pg_notify($1, $2)")
        .bind::<Text, _>(CHANNEL)
        .bind::<Text, _>(format!("{holder} model {component}"))
        .execute(connection)?;
    Ok(())
}

/// What a notification says; `None` if it is one's own, or not ours.
fn read(payload: &str, own: i64) -> Option<Change> {
    let (holder, rest) = payload.split_once(' ')?;
    if holder.parse() == Ok(own) {
        return None;
    }
    match rest.split_once(' ')? {
        ("rows", numbers) => {
            let (watermark, learnable) = numbers.split_once(' ')?;
            Some(Change::Rows { watermark: Seq(watermark.parse().ok()?), learnable: learnable.parse().ok()? })
        }
        ("model", component) => Some(Change::Model { component: Some(component.to_owned()) }),
        _ => None,
    }
}

/// A thread that listens; it ends when this is dropped.
pub(super) struct Listening {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop.take();
        // The listener itself may hold what is dropped last.
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // It ended, however it ended: a panic was the listener's.
            let _ = thread.join();
        }
    }
}

/// Starts to listen. Where no thread is to be had that is logged, and the runtime learns of others' rows when it reads.
pub(super) fn start(url: String, own: i64, since: Seq, listener: Listener) -> Option<Listening> {
    let (stop, stopped) = channel::<()>();
    let work = move || {
        let goes_on = |pause| stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout);
        let (mut pause, mut heard) = (RETRY_MIN, since);
        while goes_on(Duration::ZERO) {
            match listen(&url, own, &listener, &mut heard, &mut pause, &goes_on) {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, ?pause, "cannot hear of other runtimes' rows; trying again"),
            }
            if !goes_on(pause) {
                return;
            }
            pause = (pause * 2).min(RETRY_MAX);
        }
    };
    match std::thread::Builder::new().name("souffleur-listen".into()).spawn(work) {
        Ok(thread) => Some(Listening { stop: Some(stop), thread: Some(thread) }),
        Err(error) => {
            tracing::error!(%error, "cannot start the thread that hears of other runtimes' rows");
            None
        }
    }
}

/// Listens until told to stop, or until the connection is lost. `heard` is the newest row known so far.
fn listen(
    url: &str,
    own: i64,
    listener: &Listener,
    heard: &mut Seq,
    pause: &mut Duration,
    goes_on: &impl Fn(Duration) -> bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut connection = PgConnection::establish(url)?;
    diesel::sql_query(format!("LISTEN {CHANNEL}")).execute(&mut connection)?;
    *pause = RETRY_MIN;
    // What was committed before is not told of: it is caught up with. One's own rows are among it; whoever counts rows
    // twice asks to train too early and is refused.
    let newest: i64 = hub_state::table.select(hub_state::last_seq).first(&mut connection)?;
    if newest > heard.0 {
        let learnable = newest.abs_diff(heard.0);
        *heard = Seq(newest);
        listener(Change::Rows { watermark: *heard, learnable });
        listener(Change::Model { component: None });
    }
    while goes_on(LOOK_EVERY) {
        for notification in connection.notifications_iter() {
            let Some(change) = read(&notification?.payload, own) else { continue };
            if let Change::Rows { watermark, .. } = &change {
                *heard = *watermark;
            }
            listener(change);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_hears_others_and_not_itself() {
        let rows = Some(Change::Rows { watermark: Seq(12), learnable: 7 });
        assert_eq!(read("5 rows 12 7", 4), rows);
        assert_eq!(read("5 rows 12 7", 5), None);
        assert_eq!(read("5 model k_means", 4), Some(Change::Model { component: Some("k_means".into()) }));
        for odd in ["", "5", "5 rows", "5 rows x 7", "5 rows 12", "5 other things"] {
            assert_eq!(read(odd, 4), None, "{odd}");
        }
    }
}
