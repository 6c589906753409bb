//! Keeping the history within an age and a size: what is beyond is erased as if somebody had asked for it.

use std::time::Duration;

use souffleur_actors::CallError;
use souffleur_core::store::{Store, StoreError};
use souffleur_core::time::Timestamp;

use crate::erasure::{ErasureReport, erasure};
use crate::runtime::Runtime;

/// Sessions of one erasure: a transaction of well under a second.
const SESSIONS_AT_ONCE: usize = 1_000;

/// How much history is kept. `None` keeps all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Sessions that happened longer ago are erased.
    pub age: Option<Duration>,
    /// While the database uses more bytes, the sessions that happened longest ago are erased. Not on a server, whose tables do not
    /// give room back at once.
    pub used_bytes: Option<u64>,
}

impl RetentionPolicy {
    /// Whether it keeps everything.
    #[must_use]
    pub fn keeps_all(&self) -> bool {
        *self == Self::default()
    }

    /// The moment before which sessions are too old.
    fn too_old_before(&self, now: Timestamp) -> Option<Timestamp> {
        let age_us = i64::try_from(self.age?.as_micros()).unwrap_or(i64::MAX);
        Some(Timestamp(now.0.saturating_sub(age_us)))
    }

    /// The sessions to be erased next, and why.
    fn next(&self, store: &dyn Store, now: Timestamp) -> Result<Option<(Vec<String>, &'static str)>, StoreError> {
        let erasure = erasure(store)?;
        if let Some(before) = self.too_old_before(now) {
            let sessions = erasure.oldest(Some(before), SESSIONS_AT_ONCE)?;
            if !sessions.is_empty() {
                return Ok(Some((sessions, "older than is kept")));
            }
        }
        let Some((most, used)) = self.used_bytes.zip(erasure.used_bytes()?) else { return Ok(None) };
        if used <= most {
            return Ok(None);
        }
        let sessions = erasure.oldest(None, surplus(store, most, used)?)?;
        Ok((!sessions.is_empty()).then_some((sessions, "more than is kept")))
    }
}

/// How many of the oldest sessions take about what is too much, if all take the same: at least one, at most
/// [`SESSIONS_AT_ONCE`].
fn surplus(store: &dyn Store, most: u64, used: u64) -> Result<usize, StoreError> {
    let counts = store.counts()?;
    let sessions = counts.sessions + counts.training_prompts;
    // Models and documents take room as well, so this is too few rather than too many; it is estimated anew each time.
    let share = used.saturating_sub(most) as f64 / used.max(1) as f64;
    Ok(((share * sessions as f64).ceil() as usize).clamp(1, SESSIONS_AT_ONCE))
}

impl Runtime {
    /// What a policy would erase for its age now: the number of sessions.
    ///
    /// # Errors
    /// [`CallError::Store`], [`CallError::Busy`].
    pub async fn sessions_too_old(&self, policy: RetentionPolicy) -> Result<u64, CallError> {
        let Some(before) = policy.too_old_before(self.clock().now()) else { return Ok(0) };
        self.read(move |store| erasure(store)?.older(before)).await
    }

    /// Erases what a policy does not keep, in erasures of at most a thousand sessions, with everything made from them; then rewrites
    /// the database and trains anew what lost its live model, once. Given up between two erasures, it goes on from there the
    /// next time. Nothing to erase is an empty report.
    ///
    /// # Errors
    /// As [`erase`](Self::erase): what was erased until then stays erased.
    pub async fn retain(&self, policy: RetentionPolicy, train_within: Duration) -> Result<ErasureReport, CallError> {
        let mut report = ErasureReport::default();
        let erased = self.erase_beyond(policy, &mut report).await;
        // Whatever stopped it, what was erased until then must not be served.
        self.finish_erasing(&mut report, true, train_within).await?;
        erased.map(|()| report)
    }

    async fn erase_beyond(&self, policy: RetentionPolicy, report: &mut ErasureReport) -> Result<(), CallError> {
        loop {
            let now = self.clock().now();
            let Some((sessions, reason)) = self.read(move |store| policy.next(store, now)).await? else {
                return Ok(());
            };
            let erased = self.erase_rows(sessions, reason).await?;
            if erased.sessions == 0 {
                return Ok(());
            }
            report.absorb(erased);
        }
    }
}
