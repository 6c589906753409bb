//! Depth-first search on bits: Eclat, with the closure and the pruning of LCM for closed and maximal sets.

use super::hyperparams::ItemsetTarget;
use super::vertical::{Conditional, Database, Entry};
use crate::patterns::{Outlet, Stop};

/// The search of one thread.
pub(super) struct Eclat<'a> {
    /// Name of each rank.
    pub(super) names: &'a [u32],
    pub(super) min_support: u32,
    pub(super) max_length: usize,
    pub(super) target: ItemsetTarget,
    /// The items chosen, as ranks.
    prefix: Vec<u32>,
    /// The items chosen, as names.
    pattern: Vec<u32>,
    /// The database under the first item, under the first two, and so on.
    levels: Vec<Conditional>,
    supports: Vec<u32>,
    /// Entries of the database above that go on to the next one.
    sources: Vec<u32>,
}

/// What the other items say of a set.
#[derive(Default)]
struct Verdict {
    /// An item that was passed over is in all its transactions: neither it nor any set below it is closed.
    covered: bool,
    /// A larger frequent set contains it.
    extendable: bool,
}

impl<'a> Eclat<'a> {
    pub(super) fn new(names: &'a [u32], min_support: u32, max_length: usize, target: ItemsetTarget) -> Self {
        Self {
            names,
            min_support,
            max_length,
            target,
            prefix: Vec::new(),
            pattern: Vec::new(),
            levels: Vec::new(),
            supports: Vec::new(),
            sources: Vec::new(),
        }
    }

    /// Finds the sets whose rarest item is that of rank `at`.
    pub(super) fn mine(
        &mut self,
        database: &impl Database,
        at: usize,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        self.prefix.clear();
        self.choose(database, at, 0, outlet)
    }

    /// Adds entry `at` to the items chosen and goes on below.
    fn choose(
        &mut self,
        database: &impl Database,
        at: usize,
        depth: usize,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        let before = self.prefix.len();
        let Entry { rank, support } = database.entries()[at];
        self.prefix.push(rank);
        if self.levels.len() == depth {
            self.levels.push(Conditional::default());
        }
        let mut below = std::mem::take(&mut self.levels[depth]);
        let verdict = self.select(database, at, &mut below, outlet)?;
        let fits = self.prefix.len() <= self.max_length;
        if fits && !verdict.covered {
            if self.target != ItemsetTarget::Maximal || !verdict.extendable {
                self.report(support, outlet)?;
            }
            if below.candidates > 0 && self.prefix.len() < self.max_length {
                self.descend(database, at, &mut below, depth, outlet)?;
            }
        }
        self.prefix.truncate(before);
        self.levels[depth] = below;
        Ok(())
    }

    fn descend(
        &mut self,
        database: &impl Database,
        at: usize,
        below: &mut Conditional,
        depth: usize,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        // A single entry has nothing to be compared with.
        if below.entries.len() > 1 {
            database.project(at, &self.sources, below, outlet)?;
        }
        (0..below.candidates).rev().try_for_each(|at| self.choose(below, at, depth + 1, outlet))
    }

    /// Compares entry `at` with the others: those that are frequent with it become the entries below, those in all its
    /// transactions are chosen at once where only closed sets count.
    fn select(
        &mut self,
        database: &impl Database,
        at: usize,
        below: &mut Conditional,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<Verdict, Stop> {
        let (entries, support) = (database.entries(), database.entries()[at].support);
        let all = self.target == ItemsetTarget::All;
        let compared = match self.target {
            ItemsetTarget::All if self.prefix.len() >= self.max_length => 0,
            ItemsetTarget::All => at,
            _ => entries.len(),
        };
        self.sources.clear();
        below.entries.clear();
        below.candidates = 0;
        let mut verdict = Verdict::default();
        if compared == 0 || entries.len() == 1 {
            return Ok(verdict);
        }
        self.supports.clear();
        self.supports.resize(compared, 0);
        database.joint_supports(at, compared, &mut self.supports, outlet)?;
        for (other, (entry, joint)) in entries.iter().zip(&self.supports).enumerate() {
            if *joint < self.min_support || other == at {
                continue;
            }
            if !all && *joint == support {
                if other > at {
                    verdict.covered = true;
                    break;
                }
                self.prefix.push(entry.rank);
                continue;
            }
            verdict.extendable = true;
            self.sources.push(other as u32);
            below.entries.push(Entry { rank: entry.rank, support: *joint });
            below.candidates += usize::from(other < at);
        }
        Ok(verdict)
    }

    fn report(&mut self, support: u32, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        self.pattern.clear();
        self.pattern.extend(self.prefix.iter().map(|rank| self.names[*rank as usize]));
        self.pattern.sort_unstable();
        outlet.emit(support, &self.pattern)
    }
}
