//! The rules applied in each session of a batch: one pass over the applications to count, one to fill in.

use std::ops::Range;

use souffleur_core::batch::SessionRules;
use souffleur_core::job::{Interrupted, Job};
use souffleur_core::query::Query;

use super::assemble::{CHUNK_ROWS, number_rules};
use super::{Sources, Unanswered};
use crate::loader::image::{ApplicationBlock, Block, Horizon, Image};
use crate::loader::memory::Ticket;

/// Marks a session of the stretch that is not in the batch.
const NOT_ASKED: u32 = u32::MAX;
/// Bytes an applied rule takes.
const RULE_BYTES: usize = size_of::<u32>() + 2 * size_of::<f32>();

// There is a sign of life in every block.
const _: () = assert!(ApplicationBlock::ROWS <= CHUNK_ROWS);

/// What was applied in the sessions of these rows, which are in their recorded order, and the right to its memory, which
/// `room` finds. Linear in the history from the first of them on.
pub(super) fn collect(
    sources: &Sources<'_>,
    query: &Query,
    rows: &[u32],
    room: impl Fn(usize) -> Result<Ticket, Unanswered>,
) -> Result<(SessionRules, Ticket), Unanswered> {
    let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else {
        return Ok((SessionRules::default(), room(size_of::<u32>())?));
    };
    let stretch = (last - first) as usize + 1;
    let mut memory = room((rows.len() + 1) * size_of::<u32>())?;
    let _places = room(stretch * size_of::<u32>())?;
    let applied = Applied::after(sources, query, first);

    // Of each session first how many rules it has, then where its next one goes.
    let mut places = vec![NOT_ASKED; stretch];
    for rows in rows.chunks(CHUNK_ROWS) {
        sources.job.check()?;
        rows.iter().for_each(|&row| places[(row - first) as usize] = 0);
    }
    applied.each(sources.job, |block, i| {
        if let Some(count) = place(&mut places, block.session[i], first) {
            *count += 1;
        }
    })?;
    let starts = starts(rows, first, &mut places, sources.job)?;
    let total = starts.last().map_or(0, |&end| end as usize);
    memory.absorb(room(total * RULE_BYTES)?);

    let mut rules = SessionRules {
        starts,
        rule: vec![0; total],
        rule_ids: Vec::new(),
        improvement_score: vec![0.0; total],
        propensity: vec![0.0; total],
    };
    applied.each(sources.job, |block, i| {
        if let Some(next) = place(&mut places, block.session[i], first) {
            let at = *next as usize;
            *next += 1;
            rules.rule[at] = block.rule[i];
            rules.improvement_score[at] = block.improvement_score[i];
            rules.propensity[at] = block.propensity[i];
        }
    })?;
    rules.rule_ids = number_rules(sources.image, &mut rules.rule);
    Ok((rules, memory))
}

/// Turns the numbers of rules into where they begin, in `places` and as the batch has it.
fn starts(rows: &[u32], first: u32, places: &mut [u32], job: &Job) -> Result<Vec<u32>, Interrupted> {
    let mut starts = Vec::with_capacity(rows.len() + 1);
    let mut end = 0;
    for rows in rows.chunks(CHUNK_ROWS) {
        job.check()?;
        for &row in rows {
            starts.push(end);
            // Rows of the image are numbered with 32 bits; so are these.
            end += std::mem::replace(&mut places[(row - first) as usize], end);
        }
    }
    starts.push(end);
    Ok(starts)
}

/// The place of a session, if it is in the batch.
fn place(places: &mut [u32], session: u32, first: u32) -> Option<&mut u32> {
    let place = places.get_mut(session.checked_sub(first)? as usize)?;
    (*place != NOT_ASKED).then_some(place)
}

/// The applications that may be of the batch's sessions: those after the first session, as far as the query sees.
struct Applied<'a> {
    image: &'a Image,
    rows: Range<usize>,
    horizon: Horizon,
}

impl<'a> Applied<'a> {
    fn after(sources: &Sources<'a>, query: &Query, first: u32) -> Self {
        let image = sources.image;
        let horizon = Horizon::new(query.as_of, image.watermark());
        // A rule is applied to a session that is there: the first session's place comes before its applications'.
        let session = image.sessions.at(first as usize).map_or(0, |(block, i)| block.seq[i]);
        let rows = image.applications.after(session)..image.applications.after(horizon.watermark().0);
        Self { image, rows, horizon }
    }

    /// Visits all that the query sees, in the order in which they were applied.
    fn each(&self, job: &Job, mut visit: impl FnMut(&ApplicationBlock, usize)) -> Result<(), Interrupted> {
        for (start, block) in self.image.applications.blocks() {
            let inside = |row: usize| row.saturating_sub(start).min(block.seq.len());
            let places = inside(self.rows.start)..inside(self.rows.end);
            if !places.is_empty() {
                job.check()?;
            }
            for i in places {
                if self.horizon.sees(block.seq[i], block.known_time_us[i], block.event_time_us[i]) {
                    visit(block, i);
                }
            }
        }
        Ok(())
    }
}
