//! What tells closed patterns, without a look at other patterns: BIDE's bidirectional extension (Wang and Han 2004).
//!
//! A pattern is not closed if an item can be put into it, in front, in between or behind, in every sequence that contains
//! it. For the place before its `i`-th item this is an item that every sequence has between the end of the first
//! occurrence of the `i - 1` items before and the last place where the `i`-th may stand so that the others still follow.

use super::projected::{Events, Suffix};
use crate::patterns::{Outlet, Stop};

/// The memory of these checks.
pub(super) struct Closure {
    /// For each place before an item of the pattern the items that all sequences so far have there.
    alive: Vec<Vec<u32>>,
    /// The number of the last period that each item was seen in.
    seen: Vec<u64>,
    period: u64,
    /// After which position the first occurrence of each beginning of the pattern ends.
    first: Vec<u32>,
    /// The last position of each item of the pattern such that the others follow.
    last: Vec<u32>,
}

impl Closure {
    pub(super) fn new(items: usize) -> Self {
        Self { alive: Vec::new(), seen: vec![0; items], period: 0, first: Vec::new(), last: Vec::new() }
    }

    /// Whether no pattern that begins with this one is closed: an item can be put into it in every sequence within the
    /// part where it first occurs, and so into all that continue it (`BackScan`).
    pub(super) fn is_hopeless(
        &mut self,
        events: &Events,
        suffixes: &[Suffix],
        prefix: &[u32],
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<bool, Stop> {
        self.has_insertion(events, suffixes, prefix, |suffix| suffix.at, outlet)
    }

    /// Whether no item can be put in front of the pattern or into it in every sequence.
    pub(super) fn is_closed(
        &mut self,
        events: &Events,
        suffixes: &[Suffix],
        prefix: &[u32],
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<bool, Stop> {
        Ok(!self.has_insertion(events, suffixes, prefix, |suffix| events.end(suffix.row), outlet)?)
    }

    /// Whether an item is in the same period, before the same item of the pattern, of every sequence up to its `limit`.
    fn has_insertion(
        &mut self,
        events: &Events,
        suffixes: &[Suffix],
        prefix: &[u32],
        limit: impl Fn(&Suffix) -> u32,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<bool, Stop> {
        self.alive.resize(self.alive.len().max(prefix.len()), Vec::new());
        for (number, suffix) in suffixes.iter().enumerate() {
            let (begin, limit) = (events.begin(suffix.row), limit(suffix));
            self.find_ends(events, (begin, limit), prefix);
            let mut steps = u64::from(limit - begin) + 8;
            let mut hope = false;
            for (place, alive) in self.alive.iter_mut().enumerate().take(prefix.len()) {
                if number > 0 && alive.is_empty() {
                    continue;
                }
                // The last place of an item may be before the first occurrence of the items before it ends only by
                // being that very occurrence's own: then nothing lies in between.
                let (from, to) = (self.first[place], self.last[place]);
                let period = events.events(from, to.max(from));
                steps += period.len() as u64;
                self.period += 1;
                if number == 0 {
                    alive.clear();
                }
                for event in period {
                    let seen = &mut self.seen[event.item as usize];
                    if number == 0 && *seen != self.period {
                        alive.push(event.item);
                    }
                    *seen = self.period;
                }
                let (seen, period) = (&self.seen, self.period);
                alive.retain(|item| seen[*item as usize] == period);
                hope |= !alive.is_empty();
            }
            outlet.spend(steps)?;
            if !hope {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Where the occurrences of the pattern in one sequence begin and end that leave the most room.
    fn find_ends(&mut self, events: &Events, (begin, limit): (u32, u32), prefix: &[u32]) {
        self.first.clear();
        let mut at = begin;
        for item in prefix {
            self.first.push(at);
            // The sequence contains the pattern before its limit, so each item is found.
            while at < limit && events.events(at, at + 1)[0].item != *item {
                at += 1;
            }
            at = limit.min(at + 1);
        }
        self.last.clear();
        self.last.resize(prefix.len(), begin);
        let mut at = limit;
        for (last, item) in self.last.iter_mut().zip(prefix).rev() {
            while at > begin {
                at -= 1;
                if events.events(at, at + 1)[0].item == *item {
                    break;
                }
            }
            *last = at;
        }
    }
}
