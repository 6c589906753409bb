//! Growing patterns under limits on gaps and the span, where each place of a pattern matters and not only the first.

use super::hyperparams::SequencesValidParams;
use crate::patterns::{CodedRows, Outlet, Stop, paced};
use crate::watch::Watch;

/// Places that are listed between two calls of the watch.
const PER_TICK: usize = 1 << 14;

/// A place where a pattern occurs: a sequence, and the positions of its first and its last item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    row: u32,
    /// Of all occurrences that end at the same position the one that begins last: it leaves the most of the span.
    begin: u32,
    end: u32,
}

/// A frequent pattern, its last item, and all places where it occurs, those of one sequence together.
pub(super) struct Grown {
    item: u32,
    support: u32,
    places: Vec<Place>,
}

/// The search of one thread.
pub(super) struct Windows<'a> {
    rows: &'a CodedRows,
    min_support: u32,
    max_length: usize,
    min_gap: usize,
    max_gap: usize,
    max_span: usize,
    prefix: Vec<u32>,
    /// Items with the places of the patterns that they continue, those of one sequence together.
    found: Vec<(u32, Place)>,
    /// For each position of a sequence one more than the best beginning of an occurrence that ends there, or 0.
    begins: Vec<u32>,
    /// Sequences with each item, and the last one of them.
    counts: Vec<(u32, u32)>,
    touched: Vec<u32>,
}

impl<'a> Windows<'a> {
    pub(super) fn new(rows: &'a CodedRows, min_support: u32, params: &SequencesValidParams) -> Self {
        Self {
            rows,
            min_support,
            max_length: params.max_length(),
            min_gap: params.min_gap(),
            max_gap: params.max_gap().unwrap_or(usize::MAX),
            max_span: params.max_span().unwrap_or(usize::MAX),
            prefix: Vec::new(),
            found: Vec::new(),
            begins: Vec::new(),
            counts: vec![(0, 0); rows.names().len()],
            touched: Vec::new(),
        }
    }

    /// The frequent items and where they are.
    pub(super) fn first(&mut self, watch: &dyn Watch) -> Result<Vec<Grown>, Stop> {
        let mut spend = paced(watch, 3 * self.rows.items().len() as u64);
        for row in 0..self.rows.len() {
            let items = self.rows.row(row);
            spend(items.len() as u64)?;
            for (at, item) in (0..).zip(items) {
                self.find(*item, Place { row, begin: at, end: at });
            }
        }
        self.gather(spend)
    }

    /// Finds the patterns that begin with a frequent item.
    pub(super) fn mine(&mut self, first: &Grown, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        self.prefix.clear();
        self.grow(first, outlet)
    }

    fn grow(&mut self, grown: &Grown, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        self.prefix.push(self.rows.names()[grown.item as usize]);
        outlet.emit(grown.support, &self.prefix)?;
        if self.prefix.len() < self.max_length {
            for places in grown.places.chunk_by(|a, b| a.row == b.row) {
                outlet.spend(self.continue_in(places))?;
            }
            for longer in &self.gather(|steps| outlet.spend(steps))? {
                self.grow(longer, outlet)?;
            }
        }
        self.prefix.pop();
        Ok(())
    }

    /// Takes note of an item that continues the pattern.
    fn find(&mut self, item: u32, place: Place) {
        self.found.push((item, place));
        let (support, last) = &mut self.counts[item as usize];
        if *support == 0 {
            self.touched.push(item);
        }
        if *support == 0 || *last != place.row {
            (*support, *last) = (*support + 1, place.row);
        }
    }

    /// The frequent patterns among those found, in the order of their names; then nothing is found any more. `spend` is told
    /// of the work.
    fn gather(&mut self, mut spend: impl FnMut(u64) -> Result<(), Stop>) -> Result<Vec<Grown>, Stop> {
        self.touched.sort_unstable();
        let mut grown = Vec::new();
        for item in &self.touched {
            let (support, place) = &mut self.counts[*item as usize];
            let frequent = *support >= self.min_support;
            if frequent {
                grown.push(Grown { item: *item, support: *support, places: Vec::new() });
            }
            *place = if frequent { grown.len() as u32 } else { 0 };
        }
        for part in self.found.chunks(PER_TICK) {
            for (item, place) in part {
                if let Some(pattern) = (self.counts[*item as usize].1 as usize).checked_sub(1) {
                    grown[pattern].places.push(*place);
                }
            }
            spend(2 * part.len() as u64)?;
        }
        self.found.clear();
        self.touched.drain(..).for_each(|item| self.counts[item as usize] = (0, 0));
        Ok(grown)
    }

    /// Finds what may come next in one sequence. Returns the work this took.
    fn continue_in(&mut self, places: &[Place]) -> u64 {
        let Some(row) = places.first().map(|place| place.row) else { return 0 };
        let items = self.rows.row(row);
        self.begins.clear();
        self.begins.resize(items.len(), 0);
        let mut steps = items.len();
        for place in places {
            let next = place.end as usize + 1;
            let from = next.saturating_add(self.min_gap).min(items.len());
            let to = next.saturating_add(self.max_gap).saturating_add(1);
            let to = to.min((place.begin as usize).saturating_add(self.max_span)).min(items.len());
            let reached = &mut self.begins[from..to.max(from)];
            steps += reached.len() + 4;
            reached.iter_mut().for_each(|begin| *begin = (*begin).max(place.begin + 1));
        }
        let begins = std::mem::take(&mut self.begins);
        for ((end, item), begin) in (0..).zip(items).zip(&begins) {
            if let Some(begin) = begin.checked_sub(1) {
                self.find(*item, Place { row, begin, end });
            }
        }
        self.begins = begins;
        steps as u64
    }
}
