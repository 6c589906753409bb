//! Which candidates go with success, among sessions of equal prospects.
//!
//! Strata of equal prognosis, differences by Mantel & Haenszel; of all comparisons the false discovery rate is held (Benjamini &
//! Hochberg 1995), and of all intervals told the false coverage rate (Benjamini & Yekutieli 2005).

use std::collections::BTreeMap;

use souffleur_algorithms::multiple_testing::{benjamini_hochberg, two_sided_p, two_sided_z};
use souffleur_algorithms::stratified_tables::{RiskDifference, risk_difference};
use souffleur_core::error::{ComponentError, Invalid};
use souffleur_core::ids::Seq;
use souffleur_core::job::Job;
use souffleur_core::params::within;

use super::action::Resolved;
use super::pattern::{Consequent, Effect, Kind, Known, Pattern, SAME_JACCARD, Strength, phrase};
use super::sessions::Sessions;
use crate::bridge::Phases;
use crate::bridge::matched::{Bits, Circumstance, Layout};
use crate::bridge::prognosis::prognosis;

/// A general pattern must hold where its special case does not by this many standard errors: one side of a normal value, one
/// time in twenty.
const Z_ONE_SIDED: f64 = 1.644_853_626_951_472_7;

/// When a pattern counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Share of wrong findings allowed.
    pub(crate) fdr: f64,
    /// Fewest sessions with the pattern, and fewest without it.
    pub(crate) support_minimum: usize,
    /// Most sessions a pattern names.
    pub(crate) rows_told: usize,
}

impl Settings {
    /// Checks them as parameters of the section `components.SECTION`.
    ///
    /// # Errors
    /// The first value out of range.
    pub(crate) fn check(&self, section: &str) -> Result<(), Invalid> {
        within(section, "support_minimum", &self.support_minimum, 5, 100_000)?;
        within(section, "fdr", &self.fdr, 0.001, 0.5)?;
        within(section, "rows_told", &self.rows_told, 0, 10_000)
    }
}

/// Something that may go with success.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) kind: Kind,
    pub(crate) circumstances: Vec<Circumstance>,
    pub(crate) action: Resolved,
}

/// What candidates are judged on.
pub(crate) struct Ground<'a> {
    pub(crate) sessions: &'a Sessions<'a>,
    pub(crate) layout: Layout,
    pub(crate) success: Bits,
    /// The sessions of each rule.
    rules: Vec<Bits>,
}

/// What came of it.
pub(crate) struct Judged {
    /// Candidates with enough sessions.
    pub(crate) compared: usize,
    /// Those that hold, the surest first.
    pub(crate) found: Vec<Known>,
    /// The false discovery rate of each comparison made elsewhere.
    pub(crate) elsewhere: Vec<f64>,
}

impl<'a> Ground<'a> {
    /// In strata of equal prognosis.
    ///
    /// # Errors
    /// All sessions failed, or all succeeded; the job was interrupted.
    pub(crate) fn matched(sessions: &'a Sessions<'a>, phases: &Phases<'_>) -> Result<Self, ComponentError> {
        let Some(prognosis) = prognosis(sessions.features.view(), &sessions.success, phases)? else {
            return Err(ComponentError::Data("sessions that failed, or that succeeded, are missing".to_owned()));
        };
        Self::new(sessions, Layout::new(&prognosis), phases.job())
    }

    /// In the order given.
    ///
    /// # Errors
    /// The job was interrupted.
    pub(crate) fn plain(sessions: &'a Sessions<'a>, job: &Job) -> Result<Self, ComponentError> {
        Self::new(sessions, Layout::new(&vec![0.0; sessions.len()]), job)
    }

    fn new(sessions: &'a Sessions<'a>, layout: Layout, job: &Job) -> Result<Self, ComponentError> {
        let success = layout.bits(|i| sessions.success[i]);
        let mut rules = Vec::with_capacity(sessions.rules());
        for rule in 0..sessions.rules() as u32 {
            job.check()?;
            rules.push(layout.bits(|i| sessions.applied(i).own.contains(&rule)));
        }
        Ok(Self { sessions, layout, success, rules })
    }

    /// The sessions of a rule; none of one that there is not.
    pub(crate) fn rule(&self, rule: u32) -> Bits {
        self.rules.get(rule as usize).map_or_else(|| self.layout.bits(|_| false), Clone::clone)
    }

    /// The sessions where this holds.
    pub(crate) fn under(&self, circumstance: Circumstance) -> Bits {
        self.layout.bits(|i| circumstance.holds(self.sessions.row(i), -1))
    }

    /// The sessions where this was done.
    pub(crate) fn with(&self, action: &Resolved) -> Bits {
        match action {
            Resolved::Together(rules) => {
                let all = self.layout.bits(|_| true);
                rules.iter().fold(all, |all, rule| all.and(&self.rule(*rule)))
            }
            other => self.layout.bits(|i| other.holds(self.sessions.applied(i))),
        }
    }

    /// The newest sessions of a set, at most so many.
    pub(crate) fn newest(&self, of: &Bits, most: usize) -> Vec<Seq> {
        let mut seqs: Vec<Seq> = self.layout.members(of).map(|i| self.sessions.seq(i)).collect();
        seqs.sort_unstable_by(|a, b| b.cmp(a));
        seqs.truncate(most);
        seqs
    }
}

/// The sessions with an action, and those it is compared in.
struct Deed {
    with: Bits,
    compared_in: Vec<Bits>,
}

/// A candidate that was compared.
struct Comparison<'c> {
    candidate: &'c Candidate,
    /// The least sure of its comparisons.
    effect: RiskDifference,
    /// The greatest of its comparisons, and of whether each circumstance, and each rule beside another, adds to it.
    p_value: f64,
}

/// Compares all candidates and keeps what holds and says something new: what is put together from parts must do more
/// than these, and what is general must hold without its special case (Webb 2007, "Discovering significant patterns").
///
/// Comparisons made elsewhere to come by the candidates count as well, by their p-values.
///
/// # Errors
/// The job was interrupted.
pub(crate) fn judge(
    ground: &Ground<'_>,
    settings: Settings,
    candidates: &[Candidate],
    elsewhere: &[f64],
    phases: &Phases<'_>,
) -> Result<Judged, ComponentError> {
    let job = phases.job();
    let bench = Bench::new(ground, candidates, job)?;
    let mut compared = Vec::new();
    for (done, candidate) in candidates.iter().enumerate() {
        if done % 16 == 0 {
            job.check()?;
        }
        compared.extend(bench.compare(candidate, settings.support_minimum));
    }
    let mut p_values: Vec<f64> = compared.iter().map(|one| one.p_value).collect();
    p_values.extend_from_slice(elsewhere);
    let rates = benjamini_hochberg(&p_values);
    let holds = |i: &usize| {
        let Comparison { candidate, effect, .. } = &compared[*i];
        rates[*i] <= settings.fdr && (effect.difference > 0.0 || !candidate.action.is_mirrored())
    };
    let mut sure: Vec<usize> = (0..compared.len()).filter(holds).collect();
    sure.sort_by(|a, b| compared[*a].p_value.total_cmp(&compared[*b].p_value).then(a.cmp(b)));
    let (mut kept, mut orders): (Vec<(usize, Bits)>, Vec<Order>) = (Vec::new(), Vec::new());
    for i in &sure {
        job.check()?;
        let case = sure.iter().map(|j| &compared[*j]).find(|other| is_case_of(other, &compared[*i]));
        if case.is_some_and(|case| !bench.holds_without(&compared[*i], case)) {
            continue;
        }
        if !bench.holds_beside(&compared[*i], &orders) {
            continue;
        }
        let sessions = bench.sessions(compared[*i].candidate);
        if kept.iter().all(|(_, other)| sessions.jaccard(other) < SAME_JACCARD) {
            kept.push((*i, sessions));
            orders.extend(bench.order(compared[*i].candidate));
        }
    }
    // Intervals of what was selected among many are the wider, the fewer were selected.
    let z = two_sided_z(settings.fdr * kept.len() as f64 / p_values.len().max(1) as f64);
    let known = |(i, sessions): (usize, Bits)| {
        let pattern = pattern(ground, settings, &compared[i], &sessions, rates[i], z);
        Known { pattern, sessions }
    };
    let found = kept.into_iter().map(known).collect();
    Ok(Judged { compared: compared.len(), found, elsewhere: rates[compared.len()..].to_vec() })
}

/// Whether `case` is `general` under a circumstance, and as good or bad.
fn is_case_of(case: &Comparison<'_>, general: &Comparison<'_>) -> bool {
    general.candidate.circumstances.is_empty()
        && !case.candidate.circumstances.is_empty()
        && case.candidate.action == general.candidate.action
        && (case.effect.difference > 0.0) == (general.effect.difference > 0.0)
}

/// The sets that candidates are made of.
struct Bench<'a> {
    ground: &'a Ground<'a>,
    deeds: BTreeMap<&'a Resolved, Deed>,
    places: Vec<(Circumstance, Bits)>,
    all: Bits,
}

impl<'a> Bench<'a> {
    fn new(ground: &'a Ground<'a>, candidates: &'a [Candidate], job: &Job) -> Result<Self, ComponentError> {
        let all = ground.layout.bits(|_| true);
        let revised = ground.layout.bits(|i| !ground.sessions.applied(i).earlier.is_empty());
        let mut bench = Self { ground, deeds: BTreeMap::new(), places: Vec::new(), all };
        for Candidate { action, circumstances, .. } in candidates {
            for circumstance in circumstances {
                if bench.places.iter().all(|(other, _)| other != circumstance) {
                    job.check()?;
                    bench.places.push((*circumstance, ground.under(*circumstance)));
                }
            }
            if bench.deeds.contains_key(action) {
                continue;
            }
            job.check()?;
            let mut compared_in = Vec::new();
            for population in action.comparisons() {
                let mut sessions = if action.needs_revisions() { revised.clone() } else { bench.all.clone() };
                for one in &population {
                    job.check()?;
                    sessions = sessions.and(&ground.with(one));
                }
                compared_in.push(sessions);
            }
            job.check()?;
            let deed = Deed { with: ground.with(action), compared_in };
            bench.deeds.insert(action, deed);
        }
        Ok(bench)
    }

    fn under(&self, circumstances: &[Circumstance]) -> Bits {
        let places = circumstances.iter().filter_map(|c| self.places.iter().find(|(other, _)| other == c));
        places.fold(self.all.clone(), |all, (_, place)| all.and(place))
    }

    fn sessions(&self, candidate: &Candidate) -> Bits {
        let under = self.under(&candidate.circumstances);
        self.deeds.get(&candidate.action).map_or_else(|| under.clone(), |deed| under.and(&deed.with))
    }

    /// The least sure of an action's comparisons among these sessions; nothing where one has too few sessions.
    fn weakest(&self, action: &Resolved, under: &Bits, minimum: u64) -> Option<RiskDifference> {
        let deed = self.deeds.get(action)?;
        let mut weakest: Option<RiskDifference> = None;
        for population in &deed.compared_in {
            let tables = self.ground.layout.tables(&under.and(population), &deed.with, &self.ground.success);
            let effect = risk_difference(&tables)?;
            if effect.first_compared < minimum || effect.second_compared < minimum {
                return None;
            }
            weakest = match weakest {
                // What helps in one comparison and harms in another does neither.
                Some(other) if (other.difference > 0.0) != (effect.difference > 0.0) => {
                    Some(RiskDifference { p_value: 1.0, ..other })
                }
                Some(other) if other.p_value >= effect.p_value => Some(other),
                _ => Some(effect),
            };
        }
        weakest
    }

    fn compare<'c>(&self, candidate: &'c Candidate, minimum: usize) -> Option<Comparison<'c>> {
        let Candidate { action, circumstances, .. } = candidate;
        let under = self.under(circumstances);
        let effect = self.weakest(action, &under, minimum as u64)?;
        let mut p_value = effect.p_value;
        for at in 0..circumstances.len() {
            let mut others = circumstances.clone();
            others.remove(at);
            let elsewhere = self.under(&others).and_not(&under);
            if let Some(other) = self.weakest(action, &elsewhere, 1) {
                p_value = p_value.max(p_of_more(&effect, &other));
            }
        }
        if let Resolved::Together(rules) = action {
            p_value = p_value.max(self.p_of_synergy(rules, &under));
        }
        Some(Comparison { candidate, effect, p_value })
    }

    /// Whether each rule does more beside each other one than without it: the least sure of these.
    fn p_of_synergy(&self, rules: &[u32], under: &Bits) -> f64 {
        let mut greatest: f64 = 0.0;
        for (place, beside) in rules.iter().enumerate() {
            for rule in &rules[..place] {
                let others: Vec<u32> =
                    rules.iter().filter(|other| *other != rule && *other != beside).copied().collect();
                let population = under.and(&self.ground.with(&Resolved::Together(others)));
                let (with, there) = (self.ground.rule(*rule), self.ground.rule(*beside));
                let effect = |sessions: &Bits| {
                    risk_difference(&self.ground.layout.tables(sessions, &with, &self.ground.success))
                };
                let (inside, outside) = (effect(&population.and(&there)), effect(&population.and_not(&there)));
                if let (Some(inside), Some(outside)) = (inside, outside) {
                    greatest = greatest.max(p_of_more(&inside, &outside));
                }
            }
        }
        greatest
    }

    /// Whether a general pattern holds where its case does not.
    fn holds_without(&self, general: &Comparison<'_>, case: &Comparison<'_>) -> bool {
        self.holds_among(general, &self.all.and_not(&self.under(&case.candidate.circumstances)))
    }

    /// Whether an order holds in sessions that no surer order of other rules is about: what comes before one rule is likely to
    /// come before others as well.
    fn holds_beside(&self, one: &Comparison<'_>, surer: &[Order]) -> bool {
        let Some(own) = self.order(one.candidate) else { return true };
        let others = surer.iter().filter(|other| other.rules != own.rules);
        let under = self.under(&one.candidate.circumstances);
        self.holds_among(one, &others.fold(under, |left, other| left.and_not(&other.sessions)))
    }

    fn holds_among(&self, one: &Comparison<'_>, sessions: &Bits) -> bool {
        let left = self.weakest(&one.candidate.action, sessions, 1);
        let sign = one.effect.difference.signum();
        left.is_some_and(|left| left.difference * sign >= Z_ONE_SIDED * left.standard_error)
    }

    /// The order of a session's own rules that a candidate is about, if it is about one.
    fn order(&self, candidate: &Candidate) -> Option<Order> {
        let Resolved::InOrder { earlier, own, .. } = &candidate.action else { return None };
        if !earlier.is_empty() {
            return None;
        }
        let mut rules = own.clone();
        rules.sort_unstable();
        let sessions = self.under(&candidate.circumstances).and(&self.ground.with(&Resolved::Together(rules.clone())));
        Some(Order { rules, sessions })
    }
}

/// An order by its rules, and the sessions that have all of them.
struct Order {
    rules: Vec<u32>,
    sessions: Bits,
}

/// Probability of an effect so much greater than another one, in its own direction, where they are equal.
fn p_of_more(effect: &RiskDifference, other: &RiskDifference) -> f64 {
    let more = (effect.difference - other.difference) * effect.difference.signum();
    let z = more / effect.standard_error.hypot(other.standard_error);
    if z > 0.0 { two_sided_p(z) } else { 1.0 }
}

fn pattern(
    ground: &Ground<'_>,
    settings: Settings,
    one: &Comparison<'_>,
    sessions: &Bits,
    rate: f64,
    z: f64,
) -> Pattern {
    let Comparison { candidate, effect, p_value } = one;
    let helps = effect.difference > 0.0;
    let of = |share: f64| if helps { share } else { 1.0 - share };
    let difference = effect.difference.abs();
    let (all, succeeded) = (ground.sessions.len(), sessions.and(&ground.success).count());
    let successes = ground.success.count();
    let both = if helps { succeeded } else { sessions.count() - succeeded };
    let consequents = if helps { successes } else { all - successes };
    let action = candidate.action.named(ground.sessions);
    Pattern {
        words: phrase(&candidate.circumstances, &action),
        kind: candidate.kind,
        circumstances: candidate.circumstances.clone(),
        action,
        consequent: if helps { Consequent::Success } else { Consequent::Failure },
        effect: Effect {
            sessions: effect.first_compared,
            compared_with: effect.second_compared,
            rate: of(effect.first_rate),
            baseline_rate: of((effect.first_rate - effect.difference).clamp(0.0, 1.0)),
            difference,
            low: difference - z * effect.standard_error,
            high: difference + z * effect.standard_error,
            p_value: *p_value,
            false_discovery_rate: rate,
        },
        strength: Strength::of(all, sessions.count(), consequents, both),
        rows_in_all: sessions.count(),
        rows: ground.newest(sessions, settings.rows_told),
    }
}
