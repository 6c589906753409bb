//! Which rows a batch has.

use std::ops::Range;

use souffleur_core::error::Invalid;
use souffleur_core::features::{DOMAIN_START, domain_index};
use souffleur_core::ids::Seq;
use souffleur_core::job::{Interrupted, Job};
use souffleur_core::query::{Outcome, Query, View};
use souffleur_core::records::{FAILURE_BELOW, success_score};

use super::{Sources, Unanswered};
use crate::loader::error::LoaderError;
use crate::loader::image::{ApplicationBlock, Horizon, Image, Ratings};
use crate::loader::memory::Ticket;

/// Rows between two signs of life.
const TICK_ROWS: usize = 8192;

/// Bytes a selected row takes until its batch is built: its number twice, in vectors that grow by doubling.
const SELECTED_BYTES: usize = 4 * size_of::<u32>();

/// The rows of a batch, and what was found out on the way.
pub(super) struct Selection {
    /// Numbers of the view's rows, in their recorded order.
    pub(super) rows: Vec<u32>,
    /// The ratings of all sessions as the query sees them.
    pub(super) ratings: Ratings,
    /// Rows up to this one do not matter to the answer.
    pub(super) unneeded: Seq,
    _memory: Ticket,
}

/// How a session went.
#[derive(Clone, Copy)]
pub(super) struct SessionOutcome {
    pub(super) mean_rating: f64,
    pub(super) ratings: u32,
    pub(super) quality_score: f32,
    pub(super) improvement_score: f32,
}

impl SessionOutcome {
    pub(super) fn of(image: &Image, ratings: &Ratings, row: usize) -> Self {
        let (mean_rating, ratings) = ratings.get(row);
        let found = image.sessions.at(row).map(|(b, i)| (b.quality_score[i], b.improvement_score[i]));
        let (quality_score, improvement_score) = found.unwrap_or((f32::NAN, f32::NAN));
        Self { mean_rating, ratings, quality_score, improvement_score }
    }

    /// How well it went.
    pub(super) fn success(&self) -> f32 {
        success_score(self.mean_rating, self.quality_score.into(), self.improvement_score.into()) as f32
    }

    /// How well it went, where the improvement by one rule stands in if nothing is known of the whole.
    pub(super) fn success_with(&self, rule_improvement: f32) -> f32 {
        let known = self.success();
        if known.is_nan() { success_score(f64::NAN, f64::NAN, rule_improvement.into()) as f32 } else { known }
    }
}

/// A query's conditions, looked up once.
struct Conditions {
    horizon: Horizon,
    /// The session's place; `Seq::ZERO` for one nobody knows.
    session: Option<Seq>,
    times_us: Range<i64>,
    outcome: Outcome,
    domain_column: Option<usize>,
    /// The rule's number; `None` inside for one nobody knows.
    rule: Option<Option<u32>>,
    logged_propensity: bool,
}

impl Conditions {
    fn of(sources: &Sources<'_>, query: &Query) -> Result<Self, LoaderError> {
        let filter = &query.filter;
        let session = match &filter.session_id {
            Some(id) => Some(sources.store.session_seq(id)?.unwrap_or(Seq::ZERO)),
            None => None,
        };
        let rules = sources.image.rules();
        // Fewer than 2^32 rules: each takes more than a byte of the limited memory.
        let number = |id: &String| rules.iter().position(|(_, name)| **name == **id).map(|rule| rule as u32);
        Ok(Self {
            horizon: Horizon::new(query.as_of, sources.image.watermark()),
            session,
            times_us: filter.since.map_or(i64::MIN, |t| t.0)..filter.until.map_or(i64::MAX, |t| t.0),
            outcome: filter.outcome,
            domain_column: filter.domain.as_deref().map(|domain| DOMAIN_START + domain_index(domain)),
            rule: filter.rule_id.as_ref().map(number),
            logged_propensity: filter.logged_propensity,
        })
    }

    fn in_time(&self, event_us: i64) -> bool {
        // The end of time is not left out.
        self.times_us.contains(&event_us) || (self.times_us.end == i64::MAX && event_us == i64::MAX)
    }

    fn in_domain(&self, image: &Image, row: usize) -> bool {
        self.domain_column.is_none_or(|column| image.features(row).get(column) == Some(&1.0))
    }

    fn went_so(&self, success: impl FnOnce() -> f32) -> bool {
        if self.outcome == Outcome::Any {
            return true;
        }
        let success = success();
        match self.outcome {
            Outcome::Any | Outcome::Labelled => !success.is_nan(),
            Outcome::Success => f64::from(success) >= FAILURE_BELOW,
            Outcome::Failure => f64::from(success) < FAILURE_BELOW,
        }
    }
}

/// The rows that answer `query`, in one pass from the newest to the oldest.
pub(super) fn select(sources: &Sources<'_>, query: &Query) -> Result<Selection, Unanswered> {
    let image = sources.image;
    let conditions = Conditions::of(sources, query)?;
    let (lower, complete) = lower_bound(image, &conditions)?;
    let watermark = conditions.horizon.watermark().0;
    let range = match query.view {
        View::Applications => image.applications.after(lower.0)..image.applications.after(watermark),
        _ => image.sessions.after(lower.0)..image.sessions.after(watermark),
    };
    let sessions = image.sessions.end() - image.sessions.first();
    let most_rows = range.len().min(query.limit.unwrap_or(usize::MAX).saturating_mul(2));
    let memory = (sources.room)(sessions * (Ratings::ROW_BYTES + 1) + most_rows * SELECTED_BYTES)?;
    let ratings = Ratings::of(image, conditions.horizon);
    let mut scan = Scan::new(query, sources.job);
    let mut oldest = i64::MAX;
    match query.view {
        View::Applications => scan.run(range, |row| application(image, &conditions, &ratings, row, &mut oldest))?,
        _ => {
            let ruled = sessions_with_rule(image, &conditions);
            scan.run(range, |row| Ok(session(image, &conditions, &ratings, ruled.as_deref(), row, &mut oldest)))?;
        }
    }
    if !scan.satisfied() && !complete {
        return Err(Unanswered::NeedsHistory);
    }
    let unneeded = if scan.satisfied() { Seq(oldest.saturating_sub(1)).max(Seq::ZERO) } else { lower };
    Ok(Selection { rows: scan.finish(), ratings, unneeded, _memory: memory })
}

/// Exactly these rows, in their recorded order.
pub(super) fn given(sources: &Sources<'_>, query: &Query, seqs: &[Seq]) -> Result<Selection, Unanswered> {
    let image = sources.image;
    let horizon = Horizon::new(query.as_of, image.watermark());
    let sessions = image.sessions.end() - image.sessions.first();
    let memory = (sources.room)(sessions * Ratings::ROW_BYTES + seqs.len() * SELECTED_BYTES)?;
    let mut rows = Vec::with_capacity(seqs.len());
    for &seq in seqs {
        let found = match query.view {
            View::Applications => image.applications.find(seq.0).filter(|&row| {
                image.applications.at(row).is_some_and(|(block, i)| image.whole_session(block.session[i]).is_some())
            }),
            _ => image.sessions.find(seq.0),
        };
        match found {
            Some(row) => rows.push(row as u32),
            None if image.floor() > Seq::ZERO => return Err(Unanswered::NeedsHistory),
            None => {
                let problem = format!("was trained on row {seq}, which is no session and no application");
                let expected = "ask for the metrics or documents it was trained on themselves";
                return Err(LoaderError::from(Invalid::new("model_id", problem, expected)).into());
            }
        }
    }
    rows.sort_unstable();
    rows.dedup();
    let ratings = Ratings::of(image, horizon);
    Ok(Selection { rows, ratings, unneeded: Seq::ZERO, _memory: memory })
}

/// The row after which the scan may begin, and whether everything that can match lies after it.
fn lower_bound(image: &Image, conditions: &Conditions) -> Result<(Seq, bool), Unanswered> {
    match conditions.session {
        None => Ok((image.floor(), image.floor() == Seq::ZERO)),
        Some(Seq::ZERO) => Ok((image.watermark(), true)),
        Some(Seq(seq)) if seq > image.floor().0 => Ok((Seq(seq - 1), true)),
        Some(_) => Err(Unanswered::NeedsHistory),
    }
}

/// Whether a session matches; if so, whether it was made up.
fn session(
    image: &Image,
    conditions: &Conditions,
    ratings: &Ratings,
    ruled: Option<&[bool]>,
    row: usize,
    oldest: &mut i64,
) -> Option<bool> {
    let (block, i) = image.sessions.at(row)?;
    let (seq, event_us) = (block.seq[i], block.event_time_us[i]);
    *oldest = (*oldest).min(seq);
    let matches = conditions.horizon.sees(seq, block.known_time_us[i], event_us)
        && conditions.in_time(event_us)
        && conditions.session.is_none_or(|session| session.0 == seq)
        && ruled.is_none_or(|ruled| ruled[row - image.sessions.first()])
        && conditions.in_domain(image, row)
        && conditions.went_so(|| SessionOutcome::of(image, ratings, row).success());
    matches.then_some(block.synthetic[i])
}

/// Whether an application matches; if so, whether its session was made up.
fn application(
    image: &Image,
    conditions: &Conditions,
    ratings: &Ratings,
    row: usize,
    oldest: &mut i64,
) -> Result<Option<bool>, Unanswered> {
    let Some((block, i)) = image.applications.at(row) else { return Ok(None) };
    let (seq, event_us) = (block.seq[i], block.event_time_us[i]);
    let found = image.whole_session(block.session[i]).and_then(|row| Some((row, image.sessions.at(row)?)));
    let Some((session_row, (session, k))) = found else {
        // Without its session an application is no row; in a whole image there is none such.
        return if image.floor() > Seq::ZERO { Err(Unanswered::NeedsHistory) } else { Ok(None) };
    };
    let session_seq = session.seq[k];
    *oldest = (*oldest).min(session_seq);
    let matches = conditions.horizon.sees(seq, block.known_time_us[i], event_us)
        && conditions.horizon.sees(session_seq, session.known_time_us[k], session.event_time_us[k])
        && conditions.in_time(event_us)
        && conditions.session.is_none_or(|wanted| wanted.0 == session_seq)
        && conditions.rule.is_none_or(|rule| rule == Some(block.rule[i]))
        && (!conditions.logged_propensity || !block.propensity[i].is_nan())
        && conditions.in_domain(image, session_row)
        && conditions
            .went_so(|| SessionOutcome::of(image, ratings, session_row).success_with(block.improvement_score[i]));
    Ok(matches.then_some(session.synthetic[k]))
}

/// For every session whether the wanted rule was applied in it; `None` if no rule is wanted.
fn sessions_with_rule(image: &Image, conditions: &Conditions) -> Option<Vec<bool>> {
    let wanted = conditions.rule?;
    let first = image.sessions.first();
    let mut ruled = vec![false; image.sessions.end() - first];
    let mark = |block: &ApplicationBlock, i: usize| {
        let seen = conditions.horizon.sees(block.seq[i], block.known_time_us[i], block.event_time_us[i]);
        (seen && Some(block.rule[i]) == wanted).then_some(block.session[i] as usize)
    };
    for (_, block) in image.applications.blocks() {
        for place in (0..block.seq.len()).filter_map(|i| mark(block, i)?.checked_sub(first)) {
            if let Some(ruled) = ruled.get_mut(place) {
                *ruled = true;
            }
        }
    }
    Some(ruled)
}

/// Collects rows from the newest to the oldest: real ones up to the limit, made-up ones as far as they may be needed.
struct Scan<'a> {
    job: &'a Job,
    limit: usize,
    synthetic_percent: usize,
    real: Vec<u32>,
    synthetic: Vec<u32>,
}

impl<'a> Scan<'a> {
    fn new(query: &Query, job: &'a Job) -> Self {
        Self {
            job,
            limit: query.limit.unwrap_or(usize::MAX),
            synthetic_percent: usize::from(query.synthetic_percent),
            real: Vec::new(),
            synthetic: Vec::new(),
        }
    }

    /// Whether older rows make no difference.
    fn satisfied(&self) -> bool {
        self.real.len() >= self.limit
    }

    fn run(
        &mut self,
        rows: Range<usize>,
        mut test: impl FnMut(usize) -> Result<Option<bool>, Unanswered>,
    ) -> Result<(), Unanswered> {
        let (start, count) = (rows.start, rows.len());
        for row in rows.rev() {
            if (row - start) % TICK_ROWS == 0 {
                self.job.tick((count - (row - start)) as u64, count as u64).map_err(interrupted)?;
            }
            match test(row)? {
                Some(false) => self.real.push(row as u32),
                Some(true) if self.synthetic.len() < self.limit => self.synthetic.push(row as u32),
                _ => {}
            }
            if self.satisfied() {
                break;
            }
        }
        Ok(())
    }

    /// The rows in their recorded order: real ones first of all, made-up ones as far as their share and the limit allow.
    fn finish(mut self) -> Vec<u32> {
        let quota = match self.synthetic_percent {
            0..100 => self.real.len().saturating_mul(self.synthetic_percent) / (100 - self.synthetic_percent),
            _ => usize::MAX,
        };
        self.synthetic.truncate(quota.min(self.limit - self.real.len()));
        let mut rows = self.real;
        rows.append(&mut self.synthetic);
        rows.sort_unstable();
        rows
    }
}

fn interrupted(error: Interrupted) -> Unanswered {
    Unanswered::Failed(error.into())
}
