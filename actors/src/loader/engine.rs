//! The loader's working half: keeps the image fresh, builds batches, keeps memory within the limit.
//!
//! All of it may block. It runs on the loader's worker; the actor only looks into the cache.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use souffleur_core::batch::TrainingBatch;
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::job::Job;
use souffleur_core::query::{Query, View};
use souffleur_core::store::{Counts, Store};

use super::cache::{BatchCache, Cached};
use super::error::LoaderError;
use super::execute::{Answer, Sources, Unanswered, execute, execute_rows, version_of};
use super::image::{ApplicationBlock, Block, FeedbackBlock, Image, SessionBlock};
use super::memory::{BatchMemory, Meter, Ticket};
use super::work::fenced;

/// Fewest and most rows read from the store at once.
const PAGE_ROWS: std::ops::RangeInclusive<usize> = 256..=32_768;
/// Share of the memory that one page may take.
const PAGE_SHARE: usize = 16;
/// Bytes a row of a delta takes at most until the image has taken it in.
const PAGE_ROW_BYTES: usize = SessionBlock::ROW_BYTES;

/// How the image stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ImageStatus {
    /// Every row up to this one is in it, unless forgotten.
    pub(crate) watermark: Seq,
    /// Rows up to this one were forgotten.
    pub(crate) floor: Seq,
    /// Sessions in it.
    pub(crate) sessions: usize,
    /// Applications in it.
    pub(crate) applications: usize,
    /// Feedback in it.
    pub(crate) feedback: usize,
}

/// The image, the cache and the meter that bounds both.
pub(crate) struct Engine {
    store: Arc<dyn Store>,
    meter: Arc<Meter>,
    pub(super) page_rows: usize,
    image: Mutex<Image>,
    cache: Arc<Mutex<BatchCache>>,
}

impl Engine {
    pub(crate) fn new(store: Arc<dyn Store>, memory_limit_bytes: usize, cached_batches: usize) -> Self {
        Self {
            store,
            meter: Meter::new(memory_limit_bytes),
            page_rows: (memory_limit_bytes / PAGE_SHARE / PAGE_ROW_BYTES).clamp(*PAGE_ROWS.start(), *PAGE_ROWS.end()),
            image: Mutex::default(),
            cache: Arc::new(Mutex::new(BatchCache::new(cached_batches))),
        }
    }

    /// The same store, cache and memory limit with nothing read yet: for when a worker hangs with the image in its
    /// hands. The old image counts until it is let go.
    pub(crate) fn with_empty_image(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            meter: Arc::clone(&self.meter),
            page_rows: self.page_rows,
            image: Mutex::default(),
            cache: Arc::clone(&self.cache),
        }
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The cache, to be shared with whoever hands out batches.
    pub(crate) fn shared_cache(&self) -> Arc<Mutex<BatchCache>> {
        Arc::clone(&self.cache)
    }

    /// The cache. Held for moments only, so that the actor never waits for long.
    pub(crate) fn cache(&self) -> MutexGuard<'_, BatchCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The image. A panic while it was held may have left it half changed: then it starts anew.
    fn image(&self) -> MutexGuard<'_, Image> {
        self.image.lock().unwrap_or_else(|poisoned| {
            let mut image = poisoned.into_inner();
            *image = Image::default();
            self.image.clear_poison();
            image
        })
    }

    /// How the image stands. Waits while a batch is being built.
    pub(crate) fn status(&self) -> ImageStatus {
        let image = self.image();
        ImageStatus {
            watermark: image.watermark(),
            floor: image.floor(),
            sessions: image.sessions.end() - image.sessions.first(),
            applications: image.applications.end() - image.applications.first(),
            feedback: image.feedback.end() - image.feedback.first(),
        }
    }

    /// Reads the rows that are new, to the end.
    ///
    /// # Errors
    /// Those of the store; too little memory; an interruption. What was read before stays.
    pub(crate) fn refresh(&self, job: &Job) -> Result<Seq, LoaderError> {
        self.read_on(&mut self.image(), job)
    }

    /// Answers `query` at the newest version that was read (or the older one it names).
    ///
    /// # Errors
    /// See [`LoaderError`].
    pub(crate) fn build(&self, query: &Query, job: &Job) -> Result<Arc<TrainingBatch>, LoaderError> {
        let mut image = self.image();
        let version = version_of(query.as_of, image.watermark());
        if let Some(batch) = self.cache().get(query, version) {
            return Ok(batch);
        }
        if let Some(batch) = self.renew(query, version, &image)? {
            return Ok(batch);
        }
        let answer = self.answer(&mut image, job, |sources| execute(sources, query))?;
        if let Some(first) = answer.consecutive_from {
            image.adopt(first, &answer.batch.features, &answer.memory.features);
        }
        drop(image);
        Ok(self.keep(Cached { batch: Arc::new(answer.batch), memory: answer.memory }))
    }

    /// The rows a model was trained on, with what was known of them then.
    ///
    /// # Errors
    /// An unknown model, or one that was not trained on sessions or applications; otherwise as [`build`](Self::build).
    pub(crate) fn build_model(&self, model_id: &str, job: &Job) -> Result<Arc<TrainingBatch>, LoaderError> {
        let (version, rows) = self.store.model_rows(model_id)?;
        let answer = self.answer(&mut self.image(), job, |sources| execute_rows(sources, version, &rows))?;
        let cached = Cached { batch: Arc::new(answer.batch), memory: answer.memory };
        self.cache().lend(&cached);
        Ok(cached.batch)
    }

    /// The last answer under a new version, if no row has come that it could show.
    fn renew(
        &self,
        query: &Query,
        version: DataVersion,
        image: &Image,
    ) -> Result<Option<Arc<TrainingBatch>>, LoaderError> {
        let of_sessions = matches!(query.view, View::Sessions | View::Applications);
        let Some(last) = self.cache().last(query).filter(|_| of_sessions) else { return Ok(None) };
        let (old, new) = (last.batch.version.watermark, version.watermark);
        if !(image.changed() <= old && old <= new) {
            return Ok(None);
        }
        // The features are shared, the other columns copied.
        let columns = last.batch.size_bytes() - last.batch.features.len() * size_of::<f32>();
        let memory = BatchMemory { _columns: Arc::new(self.room(columns)?), features: last.memory.features };
        let batch = TrainingBatch { version, ..(*last.batch).clone() };
        Ok(Some(self.keep(Cached { batch: Arc::new(batch), memory })))
    }

    fn keep(&self, cached: Cached) -> Arc<TrainingBatch> {
        let batch = Arc::clone(&cached.batch);
        let gone = self.cache().insert(cached);
        drop(gone);
        self.cache().settle();
        batch
    }

    /// Executes, and where rows or room are missing tries once more after seeing to that.
    fn answer(
        &self,
        image: &mut Image,
        job: &Job,
        execute: impl Fn(&Sources<'_>) -> Result<Answer, Unanswered>,
    ) -> Result<Answer, LoaderError> {
        let room = |bytes| self.room(bytes);
        // A panic here leaves the image as it was: the fence is inside the lock.
        let attempt = |image: &Image| {
            let fenced = fenced(|| Ok(execute(&Sources { image, store: &*self.store, job, room: &room })));
            fenced.unwrap_or_else(|panicked| Err(Unanswered::Failed(panicked)))
        };
        match attempt(image) {
            Ok(answer) => Ok(answer),
            Err(Unanswered::Failed(error)) => Err(error),
            Err(Unanswered::NoRoom { unneeded, error }) => {
                let mut forgot = false;
                while image.oldest_full().is_some_and(|seq| seq <= unneeded) {
                    forgot |= image.forget_oldest();
                }
                if !forgot {
                    return Err(error);
                }
                attempt(image).map_err(|unanswered| self.refusal(unanswered))
            }
            Err(Unanswered::NeedsHistory) => {
                self.check_history_fits(image)?;
                *image = Image::default();
                self.read_on(image, job)?;
                attempt(image).map_err(|unanswered| self.refusal(unanswered))
            }
        }
    }

    fn refusal(&self, unanswered: Unanswered) -> LoaderError {
        match unanswered {
            // It was read whole a moment ago and did not stay whole: there is no room for another block.
            Unanswered::NeedsHistory => self.no_room(SessionBlock::ROWS * SessionBlock::ROW_BYTES),
            Unanswered::NoRoom { error, .. } | Unanswered::Failed(error) => error,
        }
    }

    /// Refuses before everything is read again what cannot fit anyway.
    fn check_history_fits(&self, image: &Image) -> Result<(), LoaderError> {
        let needed_bytes = history_bytes(&self.store.counts()?) + self.page_rows * PAGE_ROW_BYTES;
        let (limit_bytes, own) = (self.meter.limit(), image_bytes(image));
        let foreign = || self.meter.used().saturating_sub(own);
        self.evict_until(|| foreign().saturating_add(needed_bytes) <= limit_bytes);
        if foreign().saturating_add(needed_bytes) > limit_bytes {
            return Err(LoaderError::MemoryLimit { needed_bytes, used_bytes: foreign(), limit_bytes });
        }
        Ok(())
    }

    fn read_on(&self, image: &mut Image, job: &Job) -> Result<Seq, LoaderError> {
        let newest = self.store.watermark()?;
        image.begin(newest);
        loop {
            job.tick(image.watermark().0.unsigned_abs(), newest.0.unsigned_abs())?;
            if !self.read_page(image)? {
                return Ok(image.watermark());
            }
        }
    }

    /// Reads the next page. Says whether more follow.
    fn read_page(&self, image: &mut Image) -> Result<bool, LoaderError> {
        let _page = self.room_in(image, self.page_rows * PAGE_ROW_BYTES)?;
        let delta = self.store.delta(image.watermark(), self.page_rows)?;
        if let Some(&erasure) = delta.erasures.last() {
            let gone = self.cache().hear_of_erasure(erasure);
            drop(gone);
            self.cache().settle();
        }
        if image.is_outdated_by(&delta) {
            // What was erased cannot be told from what was not: the rest is read anew.
            *image = Image::default();
            image.begin(self.store.watermark()?);
            return Ok(true);
        }
        let purse = self.room_in(image, image.growth_bytes(&delta))?;
        let before = image.watermark();
        image.ingest(&delta, purse)?;
        Ok(delta.more && image.watermark() > before)
    }

    /// Room for `bytes`: cached batches go for it.
    fn room(&self, bytes: usize) -> Result<Ticket, LoaderError> {
        if bytes > self.meter.limit() {
            return Err(self.no_room(bytes)); // No batch need go for what can never be.
        }
        let mut ticket = None;
        self.evict_until(|| {
            ticket = self.meter.take(bytes);
            ticket.is_some()
        });
        ticket.ok_or_else(|| self.no_room(bytes))
    }

    /// Room for `bytes`: cached batches go for it, then the oldest rows of the image.
    fn room_in(&self, image: &mut Image, bytes: usize) -> Result<Ticket, LoaderError> {
        loop {
            match self.room(bytes) {
                Err(_) if image.forget_oldest() => {}
                decided => return decided,
            }
        }
    }

    fn evict_until(&self, mut enough: impl FnMut() -> bool) {
        self.cache().settle();
        while !enough() {
            let gone = self.cache().evict();
            if gone.is_none() {
                break;
            }
            drop(gone);
            self.cache().settle();
        }
    }

    fn no_room(&self, needed_bytes: usize) -> LoaderError {
        let (used_bytes, limit_bytes) = (self.meter.used(), self.meter.limit());
        LoaderError::MemoryLimit { needed_bytes, used_bytes, limit_bytes }
    }
}

fn blocks_bytes<B: Block>(rows: usize) -> usize {
    rows.div_ceil(B::ROWS) * B::ROWS * B::ROW_BYTES
}

fn image_bytes(image: &Image) -> usize {
    blocks_bytes::<SessionBlock>(image.sessions.end() - image.sessions.first())
        + blocks_bytes::<ApplicationBlock>(image.applications.end() - image.applications.first())
        + blocks_bytes::<FeedbackBlock>(image.feedback.end() - image.feedback.first())
}

fn history_bytes(counts: &Counts) -> usize {
    let rows = |count: u64| usize::try_from(count).unwrap_or(usize::MAX / 1024);
    blocks_bytes::<SessionBlock>(rows(counts.sessions + counts.training_prompts))
        + blocks_bytes::<ApplicationBlock>(rows(counts.rule_applications))
        + blocks_bytes::<FeedbackBlock>(rows(counts.feedback))
}

#[cfg(test)]
mod tests;
