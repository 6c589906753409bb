//! The columnar, in-memory image of the history. It only grows at its end and is only forgotten at its beginning.
//!
//! The image is a pure function of the rows it was fed: in how many deltas they came makes no difference.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ndarray::ArcArray2;
use souffleur_core::features::WIDTH;
use souffleur_core::ids::Seq;
use souffleur_core::query::AsOf;
use souffleur_core::store::{ApplicationColumns, Delta, FeedbackColumns, SessionColumns};

use super::memory::Ticket;

mod blocks;
mod table;

pub(crate) use blocks::{ApplicationBlock, FeedbackBlock, SessionBlock};
pub(crate) use table::{Block, Table};

use blocks::FORGOTTEN;

/// Bytes a rule's entry in the dictionary takes beside its name.
const RULE_BYTES: usize = 64;

/// What was known of the history at some point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Horizon {
    watermark: i64,
    known_us: i64,
    event_us: i64,
}

impl Horizon {
    /// The point a query names, in an image that reaches to `newest`.
    pub(crate) fn new(as_of: AsOf, newest: Seq) -> Self {
        Self {
            watermark: as_of.watermark.map_or(newest.0, |pinned| pinned.0.min(newest.0)),
            known_us: as_of.known.map_or(i64::MAX, |t| t.0),
            event_us: as_of.event.map_or(i64::MAX, |t| t.0),
        }
    }

    /// The newest row it can see.
    pub(crate) fn watermark(&self) -> Seq {
        Seq(self.watermark)
    }

    /// Whether a row with these times can be seen.
    pub(crate) fn sees(&self, seq: i64, known_us: i64, event_us: i64) -> bool {
        seq <= self.watermark && known_us <= self.known_us && event_us <= self.event_us
    }
}

/// The matrix of all features of a stretch of sessions that batches share.
#[derive(Debug)]
struct Matrix {
    first: usize,
    features: ArcArray2<f32>,
    ticket: Arc<Ticket>,
}

/// The history in memory.
#[derive(Debug, Default)]
pub(crate) struct Image {
    /// The newest row there was when the image began to be read; what was erased up to it never was in the image.
    began: Option<Seq>,
    watermark: Seq,
    changed: Seq,
    floor: Seq,
    pub(crate) sessions: Table<SessionBlock>,
    pub(crate) applications: Table<ApplicationBlock>,
    pub(crate) feedback: Table<FeedbackBlock>,
    rules: Vec<(Seq, Arc<str>)>,
    rule_at: HashMap<i64, u32>,
    rule_memory: Option<Ticket>,
    matrix: Option<Matrix>,
}

/// A delta whose columns do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store sent unusable rows after {after}: {problem}")]
pub struct BadDelta {
    after: Seq,
    problem: &'static str,
}

impl Image {
    /// Notes that rows are about to be read while `newest` is the newest.
    pub(crate) fn begin(&mut self, newest: Seq) {
        self.began.get_or_insert(newest);
    }

    /// Whether the image may hold rows that an erasure of `delta` erased.
    pub(crate) fn is_outdated_by(&self, delta: &Delta) -> bool {
        delta.erasures.last().is_some_and(|&erasure| self.began.is_none_or(|began| erasure > began))
    }

    /// Every row up to this one was read.
    pub(crate) fn watermark(&self) -> Seq {
        self.watermark
    }

    /// The newest row that changed anything a session or an application shows.
    pub(crate) fn changed(&self) -> Seq {
        self.changed
    }

    /// Rows up to this one are no longer complete; `Seq(0)` if nothing was forgotten.
    pub(crate) fn floor(&self) -> Seq {
        self.floor
    }

    /// The rules in the order they were first seen, with their places.
    pub(crate) fn rules(&self) -> &[(Seq, Arc<str>)] {
        &self.rules
    }

    /// Bytes that taking in `delta` will take.
    pub(crate) fn growth_bytes(&self, delta: &Delta) -> usize {
        self.sessions.growth_bytes(delta.sessions.seq.len())
            + self.applications.growth_bytes(delta.applications.seq.len())
            + self.feedback.growth_bytes(delta.feedback.seq.len())
            + rule_bytes(delta)
    }

    /// Takes in the rows that follow, paid for by `purse` ([`growth_bytes`](Self::growth_bytes) of it).
    ///
    /// # Errors
    /// Columns of different lengths, or rows out of order. The image is unchanged.
    pub(crate) fn ingest(&mut self, delta: &Delta, mut purse: Ticket) -> Result<(), BadDelta> {
        self.verify(delta)?;
        let rule_memory = purse.split(rule_bytes(delta));
        match &mut self.rule_memory {
            Some(memory) => memory.absorb(rule_memory),
            none => *none = Some(rule_memory),
        }
        for (seq, name) in &delta.rules {
            // Fewer than 2^32 rules: each takes more than a byte of the limited memory.
            self.rule_at.insert(seq.0, self.rules.len() as u32);
            self.rules.push((*seq, Arc::clone(name)));
        }
        self.ingest_sessions(&delta.sessions, &mut purse);
        self.ingest_applications(&delta.applications, &mut purse);
        self.ingest_feedback(&delta.feedback, &mut purse);
        let newest = [&delta.sessions.seq, &delta.applications.seq, &delta.feedback.seq];
        let newest = newest.iter().filter_map(|seqs| seqs.last()).max();
        self.changed = newest.map_or(self.changed, |&seq| Seq(seq));
        self.watermark = delta.watermark;
        Ok(())
    }

    fn verify(&self, delta: &Delta) -> Result<(), BadDelta> {
        let bad = |problem| Err(BadDelta { after: self.watermark, problem });
        let (s, a, f) = (&delta.sessions, &delta.applications, &delta.feedback);
        let sessions = [s.event_time_us.len(), s.known_time_us.len(), s.quality_score.len()];
        let sessions_too = [s.improvement_score.len(), s.synthetic.len(), s.features.len() / WIDTH];
        let applications = [a.session_seq.len(), a.rule_seq.len(), a.event_time_us.len(), a.known_time_us.len()];
        let applications_too =
            [a.improvement_score.len(), a.confidence.len(), a.execution_time_ms.len(), a.propensity.len()];
        let feedback = [f.session_seq.len(), f.event_time_us.len(), f.known_time_us.len(), f.rating.len()];
        let equal = |lengths: &[usize], rows: usize| lengths.iter().all(|&length| length == rows);
        let fit = equal(&sessions, s.seq.len())
            && equal(&sessions_too, s.seq.len())
            && s.features.len() % WIDTH == 0
            && equal(&applications, a.seq.len())
            && equal(&applications_too, a.seq.len())
            && equal(&feedback, f.seq.len());
        if !fit {
            return bad("columns of different lengths");
        }
        let (after, until) = (self.watermark.0, delta.watermark.0);
        let ordered = |seqs: &[i64]| {
            seqs.first().is_none_or(|&first| first > after)
                && seqs.last().is_none_or(|&last| last <= until)
                && seqs.windows(2).all(|pair| pair[0] < pair[1])
        };
        if until < after || ![&s.seq, &a.seq, &f.seq].into_iter().all(|seqs| ordered(seqs)) {
            return bad("rows out of order");
        }
        let new: HashSet<i64> = delta.rules.iter().map(|(seq, _)| seq.0).collect();
        if !a.rule_seq.iter().all(|seq| new.contains(seq) || self.rule_at.contains_key(seq)) {
            return bad("an application of an unknown rule");
        }
        Ok(())
    }

    fn ingest_sessions(&mut self, columns: &SessionColumns, purse: &mut Ticket) {
        for (i, features) in columns.features.chunks_exact(WIDTH).enumerate() {
            let block = self.sessions.open(purse);
            block.seq.push(columns.seq[i]);
            block.event_time_us.push(columns.event_time_us[i]);
            block.known_time_us.push(columns.known_time_us[i]);
            block.quality_score.push(columns.quality_score[i]);
            block.improvement_score.push(columns.improvement_score[i]);
            block.synthetic.push(columns.synthetic[i]);
            block.push_features(features);
        }
    }

    fn ingest_applications(&mut self, columns: &ApplicationColumns, purse: &mut Ticket) {
        for i in 0..columns.seq.len() {
            let session = self.session_row(columns.session_seq[i]);
            let rule = self.rule_at.get(&columns.rule_seq[i]).copied().unwrap_or(FORGOTTEN);
            let block = self.applications.open(purse);
            block.seq.push(columns.seq[i]);
            block.session.push(session);
            block.rule.push(rule);
            block.event_time_us.push(columns.event_time_us[i]);
            block.known_time_us.push(columns.known_time_us[i]);
            block.improvement_score.push(columns.improvement_score[i]);
            block.confidence.push(columns.confidence[i]);
            block.execution_time_ms.push(columns.execution_time_ms[i]);
            block.propensity.push(columns.propensity[i]);
        }
    }

    fn ingest_feedback(&mut self, columns: &FeedbackColumns, purse: &mut Ticket) {
        for i in 0..columns.seq.len() {
            let session = self.session_row(columns.session_seq[i]);
            let block = self.feedback.open(purse);
            block.seq.push(columns.seq[i]);
            block.session.push(session);
            block.event_time_us.push(columns.event_time_us[i]);
            block.known_time_us.push(columns.known_time_us[i]);
            block.rating.push(columns.rating[i]);
        }
    }

    fn session_row(&self, seq: i64) -> u32 {
        self.sessions.find(seq).and_then(|row| u32::try_from(row).ok()).unwrap_or(FORGOTTEN)
    }

    /// The row of a session that is still complete in the image.
    pub(crate) fn whole_session(&self, row: u32) -> Option<usize> {
        let row = row as usize;
        let (block, place) = self.sessions.at(row)?;
        (block.seq[place] > self.floor.0).then_some(row)
    }

    /// The place of the last row that [`forget_oldest`](Self::forget_oldest) would forget.
    pub(crate) fn oldest_full(&self) -> Option<Seq> {
        let oldest = self.sessions.oldest_full();
        oldest.or_else(|| self.applications.oldest_full()).or_else(|| self.feedback.oldest_full()).map(Seq)
    }

    /// Forgets the oldest full block. Says whether there was one.
    pub(crate) fn forget_oldest(&mut self) -> bool {
        let Some(Seq(seq)) = self.oldest_full() else { return false };
        self.floor = self.floor.max(Seq(seq));
        self.sessions.forget(seq);
        self.applications.forget(seq);
        self.feedback.forget(seq);
        if self.matrix.as_ref().is_some_and(|matrix| matrix.first < self.sessions.first()) {
            self.matrix = None;
        }
        true
    }

    /// The features of a row of a session.
    pub(crate) fn features(&self, row: usize) -> &[f32] {
        let found = self.sessions.at(row);
        found.and_then(|(block, place)| block.features().get(place * WIDTH..(place + 1) * WIDTH)).unwrap_or_default()
    }

    /// The shared matrix of all features of `count` rows from `first` on, if there is one, with its ticket.
    pub(crate) fn shared(&self, first: usize, count: usize) -> Option<(ArcArray2<f32>, Arc<Ticket>)> {
        let matrix = self.matrix.as_ref()?;
        let start = first.checked_sub(matrix.first)?;
        if start + count > matrix.features.nrows() {
            return None;
        }
        let rows = matrix.features.clone().slice_move(ndarray::s![start..start + count, ..]);
        Some((rows, Arc::clone(&matrix.ticket)))
    }

    /// Lets the blocks use a batch's matrix of all features from row `first` on instead of their own copy.
    pub(crate) fn adopt(&mut self, first: usize, features: &ArcArray2<f32>, ticket: &Arc<Ticket>) {
        let end = first + features.nrows();
        for (start, block) in self.sessions.blocks_mut() {
            if first <= start && start + SessionBlock::ROWS <= end {
                block.share(features, start - first, ticket);
            }
        }
        self.matrix = Some(Matrix { first, features: features.clone(), ticket: Arc::clone(ticket) });
    }
}

fn rule_bytes(delta: &Delta) -> usize {
    delta.rules.iter().map(|(_, name)| name.len() + RULE_BYTES).sum()
}

/// Sum and number of the ratings of every session, as far as a horizon sees them.
#[derive(Debug)]
pub(crate) struct Ratings {
    first: usize,
    sums: Vec<(u32, u32)>,
}

impl Ratings {
    /// Bytes per session.
    pub(crate) const ROW_BYTES: usize = size_of::<(u32, u32)>();

    /// Adds up the feedback that `horizon` sees. Linear in sessions and feedback.
    pub(crate) fn of(image: &Image, horizon: Horizon) -> Self {
        let first = image.sessions.first();
        let mut sums = vec![(0, 0); image.sessions.end() - first];
        for (_, block) in image.feedback.blocks() {
            for (i, &seq) in block.seq.iter().enumerate() {
                if !horizon.sees(seq, block.known_time_us[i], block.event_time_us[i]) {
                    continue;
                }
                let place = (block.session[i] as usize).checked_sub(first);
                if let Some((sum, count)) = place.and_then(|place| sums.get_mut(place)) {
                    *sum += u32::from(block.rating[i]);
                    *count += 1;
                }
            }
        }
        Self { first, sums }
    }

    /// Mean rating (`NaN` if there is none) and number of ratings of a session.
    pub(crate) fn get(&self, row: usize) -> (f64, u32) {
        let found = row.checked_sub(self.first).and_then(|place| self.sums.get(place));
        match found {
            Some(&(sum, count)) if count > 0 => (f64::from(sum) / f64::from(count), count),
            _ => (f64::NAN, 0),
        }
    }
}

#[cfg(test)]
mod tests;
