//! The sequences without their rare items, and the parts of them that come after a pattern.

use crate::patterns::{CodedRows, Stop, paced};
use crate::watch::Watch;

/// An item of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Event {
    /// The item: its place among the frequent ones, which stand in the order of their names.
    pub(super) item: u32,
    /// One more than where the item is in the same sequence before, or where the sequence begins. So the item is the first
    /// of its kind from position `at` on if this is not above `at`.
    pub(super) after_last: u32,
}

/// What is left of a sequence after the first place where a pattern occurs in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Suffix {
    pub(super) row: u32,
    /// Where it begins.
    pub(super) at: u32,
}

/// A pattern one item longer, and where its suffixes are in the list of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Child {
    pub(super) item: u32,
    pub(super) support: u32,
    /// Whether anything frequent may follow.
    pub(super) promising: bool,
    /// Where its suffixes begin in the list of all, if they are listed.
    start: Option<usize>,
}

impl Child {
    pub(super) fn new(item: u32, support: u32) -> Self {
        Self { item, support, promising: true, start: None }
    }
}

/// All frequent patterns that are one item longer than another one.
#[derive(Debug, Default)]
pub(super) struct Children {
    pub(super) children: Vec<Child>,
    suffixes: Vec<Suffix>,
}

impl Children {
    /// The suffixes of a child; none if they are not listed.
    pub(super) fn suffixes(&self, child: Child) -> &[Suffix] {
        child.start.map_or(&[], |start| &self.suffixes[start..][..child.support as usize])
    }
}

/// Sequences of nothing but frequent items.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Where each sequence begins, and the end of the last one.
    offsets: Vec<u32>,
    events: Vec<Event>,
}

/// The frequent items, in the order of their names.
pub(super) struct Items {
    pub(super) names: Vec<u32>,
    /// Sequences with each item.
    pub(super) supports: Vec<u32>,
}

/// What comes after a first item, less the items that do not often do so.
#[derive(Default)]
pub(super) struct Part {
    pub(super) events: Events,
    /// Where the next item goes; what stands from there on means nothing until all is there.
    end: usize,
    /// For each item 1 if it is kept, else 0.
    kept: Vec<u8>,
    /// For each item one more than where it was last.
    after_last: Vec<u32>,
}

impl Part {
    /// Makes it empty; the items that are not `kept` will be dropped.
    pub(super) fn start(&mut self, items: usize, kept: impl Iterator<Item = u32>) {
        self.end = 0;
        self.after_last = self.events.start(items);
        self.kept.clear();
        self.kept.resize(items, 0);
        kept.for_each(|item| self.kept[item as usize] = 1);
    }

    fn add(&mut self, rest: &[Event]) {
        let events = &mut self.events.events;
        if events.len() < self.end + rest.len() {
            events.resize(2 * (self.end + rest.len()), Event { item: 0, after_last: 0 });
        }
        let (begin, mut end) = (self.end as u32, self.end);
        // Every item is written, and overwritten by the next if it is dropped: which are cannot be foretold.
        for Event { item, .. } in rest {
            let last = &mut self.after_last[*item as usize];
            events[end] = Event { item: *item, after_last: begin.max(*last) };
            end += usize::from(self.kept[*item as usize]);
            *last = end as u32;
        }
        if end > self.end {
            self.events.offsets.push(end as u32);
            self.end = end;
        }
    }
}

/// Counts for each item; all zero between two uses.
pub(super) struct Counts {
    of: Vec<u32>,
    /// Items whose count is not zero.
    touched: Vec<u32>,
}

impl Counts {
    pub(super) fn new(items: usize) -> Self {
        Self { of: vec![0; items], touched: Vec::new() }
    }
}

impl Events {
    pub(super) fn new(rows: &CodedRows, min_support: u32, watch: &dyn Watch) -> Result<(Self, Items), Stop> {
        let mut spend = paced(watch, 2 * rows.items().len() as u64);
        let mut last_row = vec![u32::MAX; rows.names().len()];
        let mut supports = vec![0; rows.names().len()];
        for row in 0..rows.len() {
            spend(rows.row(row).len() as u64)?;
            for item in rows.row(row) {
                let last = &mut last_row[*item as usize];
                supports[*item as usize] += u32::from(*last != row);
                *last = row;
            }
        }
        let frequent: Vec<u32> =
            (0..).zip(&supports).filter(|(_, s)| **s >= min_support).map(|(item, _)| item).collect();
        let mut place_of = vec![u32::MAX; rows.names().len()];
        (0..).zip(&frequent).for_each(|(place, item)| place_of[*item as usize] = place);
        let mut found = Self { offsets: Vec::new(), events: Vec::with_capacity(rows.items().len()) };
        let mut after_last = found.start(frequent.len());
        for row in rows.rows(0, rows.len()) {
            spend(row.len() as u64)?;
            let places = row.iter().map(|item| place_of[*item as usize]);
            found.add(places.filter(|place| *place != u32::MAX), &mut after_last);
        }
        let names = frequent.iter().map(|item| rows.names()[*item as usize]).collect();
        let supports = frequent.iter().map(|item| supports[*item as usize]).collect();
        Ok((found, Items { names, supports }))
    }

    /// Makes it empty, and gives the memory that adding sequences of so many different items takes.
    fn start(&mut self, items: usize) -> Vec<u32> {
        self.offsets.clear();
        self.offsets.push(0);
        self.events.clear();
        vec![0; items]
    }

    /// Adds one sequence.
    fn add(&mut self, items: impl Iterator<Item = u32>, after_last: &mut [u32]) {
        let begin = self.events.len() as u32;
        for item in items {
            let last = &mut after_last[item as usize];
            self.events.push(Event { item, after_last: begin.max(*last) });
            *last = self.events.len() as u32;
        }
        self.offsets.push(self.events.len() as u32);
    }

    /// Copies, for each of the first items `start..start + parts.len()`, what comes after it in each sequence, so that it lies in
    /// one piece and every sequence is read but once. `spend` is told of the work.
    pub(super) fn project(
        &self,
        start: u32,
        parts: &mut [Part],
        mut spend: impl FnMut(u64) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        for row in 0..self.rows() {
            let begin = self.begin(row);
            let all = self.events(begin, self.end(row));
            spend(8 + all.len() as u64)?;
            for (at, event) in all.iter().enumerate() {
                let part = (event.item as usize).checked_sub(start as usize).and_then(|part| parts.get_mut(part));
                if let Some(part) = part.filter(|_| event.after_last <= begin) {
                    let rest = &all[at + 1..];
                    part.add(rest);
                    spend(8 + rest.len() as u64)?;
                }
            }
        }
        parts.iter_mut().for_each(|part| part.events.events.truncate(part.end));
        Ok(())
    }

    /// Items of all sequences.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Every sequence, from its beginning.
    pub(super) fn whole(&self) -> Vec<Suffix> {
        (0..).zip(&self.offsets[..self.offsets.len() - 1]).map(|(row, at)| Suffix { row, at: *at }).collect()
    }

    /// Number of sequences.
    pub(super) fn rows(&self) -> u32 {
        self.offsets.len() as u32 - 1
    }

    /// Where a sequence begins.
    pub(super) fn begin(&self, row: u32) -> u32 {
        self.offsets[row as usize]
    }

    /// Where a sequence ends.
    pub(super) fn end(&self, row: u32) -> u32 {
        self.offsets[row as usize + 1]
    }

    /// From position `from` to before `to`.
    pub(super) fn events(&self, from: u32, to: u32) -> &[Event] {
        &self.events[from as usize..to as usize]
    }

    fn rest(&self, suffix: Suffix) -> &[Event] {
        self.events(suffix.at, self.end(suffix.row))
    }

    /// The items that at least `min_support` suffixes hold, in the order of their names. `spend` is told of the work.
    pub(super) fn count(
        &self,
        suffixes: &[Suffix],
        min_support: u32,
        counts: &mut Counts,
        out: &mut Children,
        mut spend: impl FnMut(u64) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        for suffix in suffixes {
            let rest = self.rest(*suffix);
            spend(8 + rest.len() as u64)?;
            for event in rest {
                let count = &mut counts.of[event.item as usize];
                if *count == 0 {
                    counts.touched.push(event.item);
                }
                *count += u32::from(event.after_last <= suffix.at);
            }
        }
        out.children.clear();
        for item in counts.touched.drain(..) {
            let support = std::mem::take(&mut counts.of[item as usize]);
            if support >= min_support {
                out.children.push(Child::new(item, support));
            }
        }
        out.children.sort_unstable_by_key(|child| child.item);
        Ok(())
    }

    /// Lists the suffixes of the children that are `wanted`. `spend` is told of the work.
    pub(super) fn list(
        &self,
        suffixes: &[Suffix],
        wanted: impl Fn(&Child) -> bool,
        counts: &mut Counts,
        out: &mut Children,
        mut spend: impl FnMut(u64) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut end = 0;
        for child in out.children.iter_mut().filter(|child| wanted(child)) {
            child.start = Some(end);
            // Here a count is the place of the next suffix, plus one: no more than items in all sequences.
            counts.of[child.item as usize] = end as u32 + 1;
            end += child.support as usize;
        }
        if end == 0 {
            return Ok(());
        }
        out.suffixes.clear();
        out.suffixes.resize(end, Suffix { row: 0, at: 0 });
        for suffix in suffixes {
            let rest = self.rest(*suffix);
            spend(8 + rest.len() as u64)?;
            for (after, event) in (suffix.at + 1..).zip(rest) {
                let next = &mut counts.of[event.item as usize];
                if event.after_last <= suffix.at && *next > 0 {
                    out.suffixes[*next as usize - 1] = Suffix { row: suffix.row, at: after };
                    *next += 1;
                }
            }
        }
        out.children.iter().for_each(|child| counts.of[child.item as usize] = 0);
        Ok(())
    }
}
