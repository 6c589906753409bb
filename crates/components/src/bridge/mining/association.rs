//! Rules and context of a session that go with success, or with the use of a rule.
//!
//! A transaction is a session: the rules applied in it, and its context before that: project type, domain, and the thirds of
//! complexity, team size and the five scores. The text's own features belong to the structure of prompts.

mod counted;

use std::ops::ControlFlow;

use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::itemsets::{AssociationRulesParams, FrequentItemsets, Itemset, ItemsetTarget, Transactions};
use souffleur_algorithms::multiple_testing::{benjamini_hochberg, two_sided_z};
use souffleur_algorithms::patterns::MinSupport;
use souffleur_core::error::ComponentError;
use souffleur_core::features::PROJECT_TYPE_START;

use self::counted::{Counted, Tested};
use super::action::{Action, Resolved};
use super::judge::{Ground, Settings};
use super::limit::raised;
use super::pattern::{Blocks, Consequent, Effect, Kind, Known, Pattern, SAME_JACCARD, Strength, phrase};
use super::sessions::Sessions;
use crate::bridge::Phases;
use crate::bridge::matched::{Bits, Circumstance};

/// The columns of the scores.
const SCORES: std::ops::Range<usize> = 0..5;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AssociationSettings {
    /// Least share of sessions.
    pub(crate) support: f64,
    /// Most items that foretell another one.
    pub(crate) length_max: usize,
    /// Most frequent sets kept in memory.
    pub(crate) itemsets_max: u64,
    /// When a pattern counts.
    pub(crate) judge: Settings,
}

/// What was found.
pub(crate) struct Associations {
    /// The support that kept sets within the limit.
    pub(crate) support: f64,
    /// Frequent sets, all and closed ones.
    pub(crate) frequent: usize,
    pub(crate) closed: Vec<(Vec<String>, f64)>,
    /// Rules that were tested.
    pub(crate) compared: usize,
    /// What goes with success or failure, the surest first.
    pub(crate) found: Vec<Pattern>,
    /// What goes with the use of a rule, the surest first.
    pub(crate) choices: Vec<Pattern>,
    pub(crate) blocks: Blocks,
}

/// The items: rules by number, then circumstances.
struct Items<'a> {
    ground: &'a Ground<'a>,
    circumstances: Vec<Circumstance>,
    bits: Vec<Bits>,
}

impl<'a> Items<'a> {
    fn new(ground: &'a Ground<'a>, phases: &Phases<'_>) -> Result<Self, ComponentError> {
        let job = phases.job();
        let sessions = ground.sessions;
        let of_context = |c: &Circumstance| c.column().is_some_and(|c| SCORES.contains(&c) || c >= PROJECT_TYPE_START);
        let all = Circumstance::all(sessions.features.view(), 0, job)?;
        let circumstances: Vec<Circumstance> = all.into_iter().filter(of_context).collect();
        let mut bits: Vec<Bits> = (0..sessions.rules() as u32).map(|rule| ground.rule(rule)).collect();
        for circumstance in &circumstances {
            job.check()?;
            bits.push(ground.under(*circumstance));
        }
        Ok(Self { ground, circumstances, bits })
    }

    fn transactions(&self, phases: &Phases<'_>) -> Result<Transactions, ComponentError> {
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); self.ground.sessions.len()];
        for (item, sessions) in (0..).zip(&self.bits) {
            phases.job().check()?;
            self.ground.layout.members(sessions).for_each(|session| rows[session].push(item));
        }
        Transactions::from_rows(&rows, &phases.watch()).map_err(|e| phases.failed(&e))
    }

    fn is_rule(&self, item: u32) -> bool {
        (item as usize) < self.ground.sessions.rules()
    }

    /// The circumstances and the rules of a set.
    fn parts(&self, items: &[u32]) -> (Vec<Circumstance>, Vec<u32>) {
        let (rules, others): (Vec<u32>, Vec<u32>) = items.iter().partition(|item| self.is_rule(**item));
        let first = self.ground.sessions.rules();
        let circumstances =
            others.iter().filter_map(|item| self.circumstances.get((*item as usize).checked_sub(first)?)).copied();
        (circumstances.collect(), rules)
    }

    fn sessions(&self, items: &[u32]) -> Bits {
        let all = self.ground.layout.bits(|_| true);
        items.iter().fold(all, |all, item| all.and(&self.bits[*item as usize]))
    }

    fn words(&self, items: &[u32]) -> Vec<String> {
        let (circumstances, rules) = self.parts(items);
        let rules = rules.iter().map(|rule| self.ground.sessions.name(*rule));
        circumstances.iter().map(|c| c.words(&[])).chain(rules).collect()
    }
}

/// Finds what goes with success.
///
/// # Errors
/// The job was interrupted.
pub(crate) fn associations(
    sessions: &Sessions<'_>,
    settings: &AssociationSettings,
    phases: &Phases<'_>,
) -> Result<Associations, ComponentError> {
    let ground = Ground::plain(sessions, phases.job())?;
    let items = Items::new(&ground, phases)?;
    let transactions = items.transactions(phases)?;
    let (support, sets) = frequent(&transactions, settings, phases)?;
    let closed = closed(&transactions, settings, support, &items, phases)?;
    let mut counted = Counted::new(sessions.len(), ground.success.count());
    for (done, set) in sets.iter().enumerate() {
        if done % 64 == 0 {
            phases.job().check()?;
        }
        let succeeded = items.sessions(&set.items).and(&ground.success).count();
        counted.insert(&set.items, set.support as usize, succeeded);
    }
    let tested = tests(&sets, &items, &counted, settings, phases)?;
    let p_values: Vec<f64> = tested.iter().map(|one| one.p_value).collect();
    let rates = benjamini_hochberg(&p_values);
    let kept = kept(&tested, &rates, &items, &counted, settings, phases)?;
    let z = two_sided_z(settings.judge.fdr * kept.len() as f64 / tested.len().max(1) as f64);
    let told = |(i, bits): &(usize, Bits)| Known {
        pattern: pattern(&tested[*i], rates[*i], z, &items, bits, settings.judge),
        sessions: bits.clone(),
    };
    let of_outcome = |(i, _): &&(usize, Bits)| tested[*i].rule.is_none();
    let patterns = |wanted: bool| kept.iter().filter(|k| of_outcome(k) == wanted).map(|k| told(k).pattern).collect();
    let (found, choices): (Vec<Pattern>, Vec<Pattern>) = (patterns(true), patterns(false));
    let blocks = blocks(&sets, &items);
    Ok(Associations { support, frequent: sets.len(), closed, compared: tested.len(), found, choices, blocks })
}

/// All frequent sets, and the support that keeps them within the limit.
fn frequent(
    transactions: &Transactions,
    settings: &AssociationSettings,
    phases: &Phases<'_>,
) -> Result<(f64, Vec<Itemset>), ComponentError> {
    raised(settings.support, 1.0, |support| {
        let params = FrequentItemsets::params(MinSupport::Share(support))
            .max_length(settings.length_max + 1)
            .max_patterns(settings.itemsets_max);
        let params = params.check().map_err(|e| phases.failed(&e))?;
        let mut sets = Vec::new();
        let keep = |items: &[u32], support: u32| {
            sets.push(Itemset { items: items.to_vec(), support });
            ControlFlow::Continue(())
        };
        let mined = params.mine(transactions, &phases.watch(), keep).map_err(|e| phases.failed(&e))?;
        Ok((mined.complete, sets))
    })
}

/// The closed sets of two items or more, the most frequent first, in words with their shares.
fn closed(
    transactions: &Transactions,
    settings: &AssociationSettings,
    support: f64,
    items: &Items<'_>,
    phases: &Phases<'_>,
) -> Result<Vec<(Vec<String>, f64)>, ComponentError> {
    let params = FrequentItemsets::params(MinSupport::Share(support))
        .target(ItemsetTarget::Closed)
        .max_length(settings.length_max + 1)
        .max_patterns(settings.itemsets_max);
    let params = params.check().map_err(|e| phases.failed(&e))?;
    let mut sets = params.collect(transactions, &phases.watch()).map_err(|e| phases.failed(&e))?;
    sets.retain(|set| set.items.len() > 1);
    sets.sort_by(|a, b| b.support.cmp(&a.support).then_with(|| a.items.cmp(&b.items)));
    let all = transactions.len().max(1) as f64;
    Ok(sets.iter().map(|set| (items.words(&set.items), f64::from(set.support) / all)).collect())
}

/// Tests every set as what foretells success, and every rule that another set may foretell.
fn tests(
    sets: &[Itemset],
    items: &Items<'_>,
    counted: &Counted,
    settings: &AssociationSettings,
    phases: &Phases<'_>,
) -> Result<Vec<Tested>, ComponentError> {
    let minimum = settings.judge.support_minimum as u64;
    let mut tested = Vec::new();
    for (done, set) in sets.iter().enumerate() {
        if done % 256 == 0 {
            phases.job().check()?;
        }
        if set.items.len() <= settings.length_max {
            tested.extend(counted.test(&set.items, None, minimum));
        }
    }
    let params = AssociationRulesParams::new().min_confidence(0.0).max_consequent(1).max_patterns(u64::MAX);
    let params = params.check().map_err(|e| phases.failed(&e))?;
    let test = |rule: &souffleur_algorithms::itemsets::AssociationRule| {
        if let [consequent] = rule.consequent[..]
            && items.is_rule(consequent)
        {
            tested.extend(counted.test(&rule.antecedent, Some(consequent), minimum));
        }
        ControlFlow::Continue(())
    };
    params.mine(sets, items.ground.sessions.len(), &phases.watch(), test).map_err(|e| phases.failed(&e))?;
    Ok(tested)
}

/// What holds, is no mere consequence of a special case, and says something new; the surest first.
fn kept(
    tested: &[Tested],
    rates: &[f64],
    items: &Items<'_>,
    counted: &Counted,
    settings: &AssociationSettings,
    phases: &Phases<'_>,
) -> Result<Vec<(usize, Bits)>, ComponentError> {
    // That a rule is used seldom is told by what it is used in.
    let holds =
        |i: &usize| rates[*i] <= settings.judge.fdr && (tested[*i].rule.is_none() || tested[*i].difference > 0.0);
    let mut sure: Vec<usize> = (0..tested.len()).filter(holds).collect();
    sure.sort_by(|a, b| tested[*a].p_value.total_cmp(&tested[*b].p_value).then(a.cmp(b)));
    let mut kept: Vec<(usize, Bits)> = Vec::new();
    for i in &sure {
        phases.job().check()?;
        let one = &tested[*i];
        let case = sure.iter().map(|j| &tested[*j]).find_map(|other| other.more_than(one));
        if case.is_some_and(|more| !counted.holds_without(one, more)) {
            continue;
        }
        let sessions = items.sessions(&one.items);
        let same = |(j, other): &(usize, Bits)| tested[*j].rule == one.rule && sessions.jaccard(other) >= SAME_JACCARD;
        if !kept.iter().any(same) {
            kept.push((*i, sessions));
        }
    }
    Ok(kept)
}

fn pattern(one: &Tested, rate: f64, z: f64, items: &Items<'_>, bits: &Bits, settings: Settings) -> Pattern {
    let ground = items.ground;
    let (circumstances, rules) = items.parts(&one.items);
    let action: Action = Resolved::Together(rules).named(ground.sessions);
    let helps = one.difference > 0.0;
    let of = |share: f64| if helps { share } else { 1.0 - share };
    let consequents = one.rule.map_or_else(|| ground.success.clone(), |rule| ground.rule(rule));
    let (all, with, covered) = (ground.sessions.len(), consequents.count(), bits.count());
    let both = bits.and(&consequents).count();
    let (with, both) = if helps { (with, both) } else { (all - with, covered - both) };
    let consequent = match one.rule {
        Some(rule) => Consequent::Rule(ground.sessions.name(rule)),
        None if helps => Consequent::Success,
        None => Consequent::Failure,
    };
    let difference = one.difference.abs();
    Pattern {
        words: phrase(&circumstances, &action),
        kind: Kind::Association,
        circumstances,
        action,
        consequent,
        effect: Effect {
            sessions: one.table.first,
            compared_with: one.table.second,
            rate: of(one.rate),
            baseline_rate: of((one.rate - one.difference).clamp(0.0, 1.0)),
            difference,
            low: difference - z * one.standard_error,
            high: difference + z * one.standard_error,
            p_value: one.p_value,
            false_discovery_rate: rate,
        },
        strength: Strength::of(all, covered, with, both),
        rows_in_all: covered,
        rows: ground.newest(bits, settings.rows_told),
    }
}

/// Rules, and pairs of them, and circumstances, that are frequent.
fn blocks(sets: &[Itemset], items: &Items<'_>) -> Blocks {
    let mut sorted: Vec<&Itemset> = sets.iter().filter(|set| set.items.len() <= 2).collect();
    sorted.sort_by(|a, b| b.support.cmp(&a.support).then_with(|| a.items.cmp(&b.items)));
    let mut blocks = Blocks::default();
    for set in sorted {
        let (circumstances, rules) = items.parts(&set.items);
        match (&circumstances[..], &rules[..]) {
            ([], [_, ..]) => blocks.actions.push(Resolved::Together(rules).named(items.ground.sessions)),
            ([one], []) => blocks.circumstances.push(*one),
            _ => {}
        }
    }
    blocks
}
