//! Where imported records go: straight into a store, or to a daemon.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use souffleur_core::clock::Clock;
use souffleur_core::store::{Append, Record, Store, StoreError};
use uuid::Uuid;

use super::exit::{Exit, Failure, Outcome};
use super::interrupt::Interrupt;
use super::lock::DirectoryLock;
use super::remote::Remote;
use crate::app;
use crate::settings::Settings;

/// How often a batch that found the other side busy is sent again.
const ATTEMPTS: u32 = 120;

/// Pause before it is sent again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Largest body sent at once; below the daemon's usual limit.
const BODY_BYTES: usize = 4 << 20;

/// Longest wait for the daemon to take one body.
const TAKE_WITHIN: Duration = Duration::from_secs(60);

/// The name space of idempotency keys: a body sent again has the key it had.
const KEYS: Uuid = Uuid::from_u128(0x1f6e_4c0d_8a37_4b52_b0de_5f92_6a1c_7e33);

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Records that are new.
    pub(crate) added: u64,
    /// Records that were there already.
    pub(crate) already_there: u64,
}

/// Takes records in.
pub(crate) enum Intake {
    /// A store of one's own.
    Store {
        /// The store.
        store: Arc<dyn Store>,
        /// Says when records became known.
        clock: Arc<dyn Clock>,
        /// Given back last.
        _lock: Option<DirectoryLock>,
    },
    /// A daemon.
    Daemon(Remote),
}

impl Intake {
    /// The store the settings name. No component is started for it.
    pub(crate) fn store(settings: &Settings) -> Outcome<Self> {
        let lock = DirectoryLock::where_needed(settings)?;
        Ok(Self::Store { store: app::open_store(settings)?, clock: app::clock(), _lock: lock })
    }

    /// Takes a batch in; waits and tries again while the other side is busy.
    pub(crate) fn take(&self, batch: Vec<Append>, interrupt: &Interrupt) -> Outcome<Taken> {
        match self {
            Self::Store { store, clock, .. } => {
                let receipts = patiently(interrupt, || Ok(store.append(batch.clone(), clock.now()).wait()?))?;
                let already_there = receipts.iter().filter(|receipt| receipt.duplicate).count() as u64;
                Ok(Taken { added: receipts.len() as u64 - already_there, already_there })
            }
            Self::Daemon(remote) => {
                let mut taken = Taken::default();
                for body in bodies(&batch)? {
                    let answer = patiently(interrupt, || send(remote, &body))?;
                    taken.added += answer["kept"].as_u64().unwrap_or(0);
                    taken.already_there += answer["duplicates"].as_u64().unwrap_or(0);
                }
                Ok(taken)
            }
        }
    }

    /// Ends in order.
    pub(crate) fn close(&self) {
        if let Self::Store { store, .. } = self {
            store.close();
        }
    }
}

/// Tries again while the other side is busy. Records have names, so that a repetition adds nothing.
fn patiently<T>(interrupt: &Interrupt, mut attempt: impl FnMut() -> Outcome<T>) -> Outcome<T> {
    let mut left = ATTEMPTS;
    loop {
        interrupt.check()?;
        match attempt() {
            Err(failure) if failure.exit == Exit::Busy && left > 0 => left -= 1,
            decided => return decided,
        }
        interrupt.pause(RETRY_AFTER)?;
    }
}

/// The sessions of a batch as bodies of one JSON object per line.
fn bodies(batch: &[Append]) -> Outcome<Vec<Vec<u8>>> {
    let mut bodies = vec![Vec::new()];
    for append in batch {
        let Record::Session(featured) = &append.record else {
            return Err(Failure::failed("only sessions can be imported through a daemon"));
        };
        if let Some(provenance) = &featured.provenance {
            let name = featured.session.session_id.as_deref().unwrap_or_default();
            return Err(Failure::usage(format!(
                "session `{name}` was made up by {provenance}, and a daemon takes real ones; import into its data \
                 directory while it is stopped"
            )));
        }
        let line = serde_json::to_vec(&featured.session)?;
        if bodies.last().is_some_and(|body: &Vec<u8>| !body.is_empty() && body.len() + line.len() > BODY_BYTES) {
            bodies.push(Vec::new());
        }
        if let Some(body) = bodies.last_mut() {
            body.extend_from_slice(&line);
            body.push(b'\n');
        }
    }
    Ok(bodies)
}

fn send(remote: &Remote, body: &[u8]) -> Outcome<Value> {
    let key = Uuid::new_v5(&KEYS, body).to_string();
    let headers = [("idempotency-key", key.as_str())];
    Ok(remote.client().send("/v1/sessions", "application/x-ndjson", &headers, body, TAKE_WITHIN)?)
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy { .. } => Self::busy(error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}
