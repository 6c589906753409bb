//! `PrefixSpan`: patterns grow by one item at a time, in the parts of the sequences that come after them.

use super::closed::Closure;
use super::followers::Followers;
use super::projected::{Child, Children, Counts, Events, Items, Part, Suffix};
use crate::patterns::{Outlet, Stop, paced};
use crate::watch::Watch;

/// What all threads read.
pub(super) struct Task {
    events: Events,
    names: Vec<u32>,
    followers: Option<Followers>,
    /// The patterns of one item; with their suffixes only where closed patterns are wanted.
    first: Children,
    /// First items that are taken together.
    unit: usize,
    min_support: u32,
    max_length: usize,
    /// Whether only closed patterns are wanted.
    closed: bool,
}

impl Task {
    pub(super) fn new(
        (events, items): (Events, Items),
        min_support: u32,
        max_length: usize,
        closed: bool,
        watch: &dyn Watch,
    ) -> Result<Self, Stop> {
        let Items { names, supports } = items;
        let followers = Followers::new(&events, names.len(), min_support, watch)?;
        let mut first = Children::default();
        first.children.extend((0..).zip(&supports).map(|(item, support)| Child::new(item, *support)));
        if let Some(followers) = &followers {
            followers.judge(&mut first.children, &mut Vec::new());
        }
        if closed {
            let whole = events.whole();
            let spend = paced(watch, (events.len() + 8 * whole.len()) as u64);
            events.list(&whole, |_| true, &mut Counts::new(names.len()), &mut first, spend)?;
        }
        let unit = if closed { 1 } else { unit(&events, &first.children) };
        Ok(Self { events, names, followers, first, unit, min_support, max_length, closed })
    }

    /// Groups of first items.
    pub(super) fn units(&self) -> usize {
        self.first.children.len().div_ceil(self.unit)
    }
}

/// How many first items to take together: the more, the less often all sequences are read; but not so many that threads are
/// left without work or that what comes after them takes much memory.
fn unit(events: &Events, first: &[Child]) -> usize {
    const UNIT_MAX: usize = 16;
    const UNITS_PER_THREAD: usize = 4;
    /// Items of sequences that come after the first items of a unit: 8 bytes each.
    const ITEMS_MAX: f64 = 4e6;
    let most = first.iter().map(|child| child.support).max().unwrap_or(0);
    let after_each = f64::from(most) * events.len() as f64 / f64::from(events.rows().max(1));
    let by_memory = (ITEMS_MAX / after_each.max(1.0)) as usize;
    (first.len() / (UNITS_PER_THREAD * rayon::current_num_threads())).min(by_memory).clamp(1, UNIT_MAX)
}

/// The search of one thread.
pub(super) struct PrefixSpan<'a> {
    task: &'a Task,
    /// What tells closed patterns.
    closure: Closure,
    prefix: Vec<u32>,
    pattern: Vec<u32>,
    counts: Counts,
    set: Vec<u64>,
    /// The patterns that continue the first item, the first two, and so on.
    levels: Vec<Children>,
    /// What comes after each first item of a unit.
    parts: Vec<Part>,
}

impl<'a> PrefixSpan<'a> {
    pub(super) fn new(task: &'a Task) -> Self {
        let items = task.names.len();
        Self {
            task,
            closure: Closure::new(items),
            prefix: Vec::new(),
            pattern: Vec::new(),
            counts: Counts::new(items),
            set: Vec::new(),
            levels: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// Finds the patterns that begin with the items of a unit.
    pub(super) fn mine(&mut self, unit: usize, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        let task = self.task;
        self.prefix.clear();
        if task.closed {
            let child = task.first.children[unit];
            return self.grow(&task.events, child, task.first.suffixes(child), outlet);
        }
        let start = unit * task.unit;
        let children = &task.first.children[start..task.first.children.len().min(start + task.unit)];
        let mut parts = std::mem::take(&mut self.parts);
        parts.resize_with(children.len(), Part::default);
        for (part, child) in parts.iter_mut().zip(children) {
            let items = task.names.len();
            match &task.followers {
                Some(followers) => part.start(items, followers.children(child.item).map(|longer| longer.item)),
                None => part.start(items, 0..items as u32),
            }
        }
        if task.max_length > 1 {
            task.events.project(start as u32, &mut parts, |steps| outlet.spend(steps))?;
        }
        for (part, child) in parts.iter().zip(children) {
            self.grow(&part.events, *child, &part.events.whole(), outlet)?;
        }
        self.parts = parts;
        Ok(())
    }

    fn grow(
        &mut self,
        events: &Events,
        child: Child,
        suffixes: &[Suffix],
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        let depth = self.prefix.len();
        self.prefix.push(child.item);
        if self.levels.len() == depth {
            self.levels.push(Children::default());
        }
        let mut below = std::mem::take(&mut self.levels[depth]);
        below.children.clear();
        if self.task.closed {
            self.grow_closed(events, child, suffixes, &mut below, outlet)?;
        } else {
            self.report(child.support, outlet)?;
            if child.promising && self.prefix.len() < self.task.max_length {
                self.count(events, suffixes, &mut below, outlet)?;
                self.descend(events, suffixes, &mut below, outlet)?;
            }
        }
        self.levels[depth] = below;
        self.prefix.pop();
        Ok(())
    }

    /// Reports the pattern if it is closed, and goes on below it if any pattern there may be.
    fn grow_closed(
        &mut self,
        events: &Events,
        child: Child,
        suffixes: &[Suffix],
        below: &mut Children,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        if self.closure.is_hopeless(events, suffixes, &self.prefix, outlet)? {
            return Ok(());
        }
        if child.promising {
            self.count(events, suffixes, below, outlet)?;
        }
        let continued = below.children.iter().any(|longer| longer.support == child.support);
        if !continued && self.closure.is_closed(events, suffixes, &self.prefix, outlet)? {
            self.report(child.support, outlet)?;
        }
        if self.prefix.len() < self.task.max_length {
            self.descend(events, suffixes, below, outlet)?;
        }
        Ok(())
    }

    /// Finds the patterns that are one item longer.
    fn count(
        &mut self,
        events: &Events,
        suffixes: &[Suffix],
        below: &mut Children,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        let Task { followers, min_support, .. } = self.task;
        match (followers, &self.prefix[..]) {
            (Some(followers), [item]) => below.children.extend(followers.children(*item)),
            _ => events.count(suffixes, *min_support, &mut self.counts, below, |steps| outlet.spend(steps))?,
        }
        if let Some(followers) = followers {
            followers.judge(&mut below.children, &mut self.set);
        }
        Ok(())
    }

    /// Goes on with each of the patterns that are one item longer.
    fn descend(
        &mut self,
        events: &Events,
        suffixes: &[Suffix],
        below: &mut Children,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        let Task { closed, max_length, .. } = *self.task;
        let longest = self.prefix.len() + 1 >= max_length;
        let looked_at = |child: &Child| closed || child.promising && !longest;
        events.list(suffixes, looked_at, &mut self.counts, below, |steps| outlet.spend(steps))?;
        below.children.iter().try_for_each(|child| self.grow(events, *child, below.suffixes(*child), outlet))
    }

    fn report(&mut self, support: u32, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        self.pattern.clear();
        self.pattern.extend(self.prefix.iter().map(|item| self.task.names[*item as usize]));
        outlet.emit(support, &self.pattern)
    }
}
