//! The sessions of a store, page by page.

use std::sync::Arc;

use souffleur_core::ids::Seq;
use souffleur_core::records::Session;
use souffleur_core::store::{Store, StoreError, StoredSession};

/// Sessions of the first page, and of any page at most.
const PAGE_SESSIONS: (usize, usize) = (256, 4_096);

/// Bytes of texts a page should have: pages of long sessions become shorter, of short ones longer.
const PAGE_BYTES: usize = 4 << 20;

/// The sessions of a store up to a watermark, in recorded order, in pages. It ends after the last page or an error.
pub struct StorePages {
    store: Arc<dyn Store>,
    after: Seq,
    until: Seq,
    limit: usize,
    ended: bool,
}

impl std::fmt::Debug for StorePages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StorePages").field("after", &self.after).field("until", &self.until).finish_non_exhaustive()
    }
}

impl StorePages {
    /// Everything there is now; what is recorded from now on is not part of it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn now(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let until = store.watermark()?;
        Ok(Self { store, after: Seq::ZERO, until, limit: PAGE_SESSIONS.0, ended: false })
    }

    /// Up to which row of the global order it reaches.
    #[must_use]
    pub fn until(&self) -> Seq {
        self.until
    }
}

impl Iterator for StorePages {
    type Item = Result<Vec<StoredSession>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let page = self.store.stored_sessions(self.after, self.until, self.limit);
        match &page {
            Err(_) => self.ended = true,
            Ok(sessions) => {
                self.ended = sessions.len() < self.limit;
                self.after = sessions.last().map_or(self.until, |last| last.seq);
                let bytes = sessions.iter().map(|stored| size(&stored.session)).sum::<usize>();
                let fitting = sessions.len().saturating_mul(PAGE_BYTES) / bytes.max(1);
                self.limit = fitting.clamp(1, (2 * self.limit).min(PAGE_SESSIONS.1));
            }
        }
        Some(page)
    }
}

/// Bytes of a session, roughly.
fn size(session: &Session) -> usize {
    let improved = session.improved_prompt.as_ref().map_or(0, String::len);
    let opinions: usize = session.feedback.iter().map(|entry| entry.text.as_ref().map_or(0, String::len)).sum();
    size_of::<Session>() + session.original_prompt.len() + improved + opinions + 128 * session.rules.len()
}
