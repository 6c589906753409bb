//! Logs whose causes are planted: which circumstance, score or rule truly acts on which, drawn at random.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array2, ArrayViewMut1};
use rand::Rng;
use rand_distr::StandardNormal;
use souffleur_core::batch::SessionRules;
use souffleur_core::features::{COLUMNS, COMPLEXITY, DOMAIN_START, PROJECT_TYPE_START, TEAM_SIZE, WIDTH};

use crate::draw::{Generator, generator};

/// Rules of the log.
const RULES: [&str; 6] =
    ["add_context", "be_brief", "chain_of_thought", "few_shot_example", "role_assignment", "structured_output"];
/// Members of a category.
const MEMBERS: usize = 7;
/// The columns of scores and text that are variables; the one after them is made of the others.
const WRITTEN: Range<usize> = 0..14;
/// The written column that is yes or no.
const HAS_EXAMPLES: usize = 13;
/// One standard deviation of a planted number, in its column.
const SPREAD: f64 = 0.14;
/// Share of the variance of what has causes that these explain.
const EXPLAINED: f64 = 0.6;

/// Sessions whose causes are known.
#[derive(Clone, Debug, PartialEq)]
pub struct CausalLog {
    /// Rows x 31, each value in [0, 1].
    pub features: Array2<f32>,
    /// How well each session went, in [0, 1].
    pub success: Vec<f32>,
    /// The rules applied in each.
    pub rules: SessionRules,
    /// Which variable acts on which, by name: cause and effect. Categories are named without their members, a rule is `rule:` and its
    /// name, and the outcome is `outcome`.
    pub arrows: Vec<(String, String)>,
    /// Pairs of variables that something acts on that is not recorded; neither acts on the other.
    pub hidden: Vec<(String, String)>,
}

/// Something that is not recorded and acts on two variables.
struct Hidden {
    effects: [usize; 2],
    weights: [f64; 2],
}

/// What a value depends on, and how much.
struct Cause {
    variable: usize,
    /// Of a number, what one standard deviation counts for; of a category, of each member.
    weights: Vec<f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Category(usize),
    Complexity,
    Number(usize),
    YesNo(usize),
    Rule(usize),
    Outcome,
}

impl Kind {
    fn name(self) -> String {
        match self {
            Self::Category(PROJECT_TYPE_START) => "project_type".to_owned(),
            Self::Category(_) => "domain".to_owned(),
            Self::Complexity => COLUMNS[COMPLEXITY].name.to_owned(),
            Self::Number(column) | Self::YesNo(column) => COLUMNS[column].name.to_owned(),
            Self::Rule(rule) => format!("rule:{}", RULES[rule]),
            Self::Outcome => "outcome".to_owned(),
        }
    }

    /// How many causes it is given at most.
    fn causes_max(self) -> usize {
        match self {
            Self::Category(_) => 0,
            Self::Complexity => 1,
            Self::Number(_) | Self::YesNo(_) | Self::Rule(_) => 2,
            Self::Outcome => 5,
        }
    }
}

/// `n` sessions of a world drawn from `seed`: two categories, 16 numbers and answers of yes or no, six rules and the outcome. Each
/// thing has up to two causes among what comes before it, the outcome up to five, the rules first. Numbers are sums of their causes
/// and of noise; a rule is applied, and a question answered yes, with a probability that follows from such a sum. A longer log begins like a
/// shorter one.
#[must_use]
pub fn causal_log(seed: u64, n: usize) -> CausalLog {
    draw_log(seed, n, 0)
}

/// A [`causal_log`] in which `hidden` things that are not recorded act on two variables each, no more strongly than what is: the first on a
/// rule that does nothing and on the outcome, as the skill of whoever chooses the rule would; each of the others on two scores, texts, rules
/// or the outcome, neither of which acts on the other, not even by way of others.
#[must_use]
pub fn causal_log_with_hidden(seed: u64, n: usize, hidden: usize) -> CausalLog {
    draw_log(seed, n, hidden)
}

fn draw_log(seed: u64, n: usize, hidden: usize) -> CausalLog {
    let kinds = kinds();
    let mut plan = generator(seed, u64::MAX);
    let causes: Vec<Vec<Cause>> = (0..kinds.len()).map(|v| draw_causes(&mut plan, &kinds, v)).collect();
    let hidden = draw_hidden(&mut plan, &kinds, &causes, hidden);
    let mut log = CausalLog {
        features: Array2::zeros((n, WIDTH)),
        success: Vec::with_capacity(n),
        rules: SessionRules { rule_ids: RULES.map(Arc::from).to_vec(), ..SessionRules::default() },
        arrows: Vec::new(),
        hidden: hidden.iter().map(|Hidden { effects: [a, b], .. }| (kinds[*a].name(), kinds[*b].name())).collect(),
    };
    for (effect, causes) in causes.iter().enumerate() {
        log.arrows.extend(causes.iter().map(|cause| (kinds[cause.variable].name(), kinds[effect].name())));
    }
    for (i, row) in log.features.outer_iter_mut().enumerate() {
        let mut rng = generator(seed, i as u64);
        let mut unrecorded: Vec<f64> = vec![0.0; kinds.len()];
        for Hidden { effects, weights } in &hidden {
            let value: f64 = rng.sample(StandardNormal);
            effects.iter().zip(weights).for_each(|(effect, weight)| unrecorded[*effect] += weight * value);
        }
        log.success.push(draw_session(&mut rng, &kinds, (&causes, &unrecorded), row, &mut log.rules));
    }
    log
}

/// The variables, causes before effects.
fn kinds() -> Vec<Kind> {
    let mut kinds = vec![
        Kind::Category(PROJECT_TYPE_START),
        Kind::Category(DOMAIN_START),
        Kind::Complexity,
        Kind::Number(TEAM_SIZE),
    ];
    kinds.extend(WRITTEN.map(|column| if column == HAS_EXAMPLES { Kind::YesNo(column) } else { Kind::Number(column) }));
    kinds.extend((0..RULES.len()).map(Kind::Rule));
    kinds.push(Kind::Outcome);
    kinds
}

fn draw_causes(rng: &mut Generator, kinds: &[Kind], effect: usize) -> Vec<Cause> {
    let rules: Vec<usize> = (0..effect).filter(|v| matches!(kinds[*v], Kind::Rule(_))).collect();
    let others: Vec<usize> = (0..effect).filter(|v| !rules.contains(v)).collect();
    let mut chosen: Vec<usize> = Vec::new();
    let wanted = match kinds[effect] {
        Kind::Outcome => 5,
        kind => rng.gen_range(0..=kind.causes_max()).min(others.len()),
    };
    while chosen.len() < wanted {
        // Of the outcome, three causes are rules; a rule is no cause of another.
        let of_rules = kinds[effect] == Kind::Outcome && chosen.len() < 3;
        let pool = if of_rules { &rules } else { &others };
        let cause = pool[rng.gen_range(0..pool.len())];
        if !chosen.contains(&cause) {
            chosen.push(cause);
        }
    }
    chosen.sort_unstable();
    let mut causes: Vec<Cause> =
        chosen.into_iter().map(|variable| Cause { variable, weights: weights(rng, kinds[variable]) }).collect();
    let squares = |cause: &Cause| cause.weights.iter().map(|w| w * w).sum::<f64>() / cause.weights.len() as f64;
    let scale = (EXPLAINED / causes.iter().map(squares).sum::<f64>()).sqrt();
    causes.iter_mut().flat_map(|cause| &mut cause.weights).for_each(|weight| *weight *= scale);
    causes
}

fn draw_hidden(rng: &mut Generator, kinds: &[Kind], causes: &[Vec<Cause>], hidden: usize) -> Vec<Hidden> {
    // What acts on each, by way of others or not: causes come before effects.
    let mut acting: Vec<Vec<usize>> = Vec::with_capacity(kinds.len());
    for causes in causes {
        let mut all: Vec<usize> = causes.iter().map(|cause| cause.variable).collect();
        all.extend(causes.iter().flat_map(|cause| acting[cause.variable].clone()));
        acting.push(all);
    }
    let outcome = kinds.len() - 1;
    let pool: Vec<usize> =
        (0..kinds.len()).filter(|v| !matches!(kinds[*v], Kind::Category(_) | Kind::Complexity)).collect();
    let idle: Vec<usize> =
        pool.iter().copied().filter(|v| matches!(kinds[*v], Kind::Rule(_)) && !acting[outcome].contains(v)).collect();
    let mut drawn: Vec<Hidden> = Vec::new();
    while drawn.len() < hidden {
        let mut pick = |of: &[usize]| of[rng.gen_range(0..of.len())];
        let (a, b) = if drawn.is_empty() { (pick(&idle), outcome) } else { (pick(&pool), pick(&pool)) };
        let effects = [a.min(b), a.max(b)];
        if a != b && !acting[effects[1]].contains(&effects[0]) && drawn.iter().all(|other| other.effects != effects) {
            let weights = [0, 1].map(|_| rng.gen_range(0.5..0.9) * if rng.r#gen() { 1.0 } else { -1.0 });
            drawn.push(Hidden { effects, weights });
        }
    }
    drawn
}

fn weights(rng: &mut Generator, cause: Kind) -> Vec<f64> {
    match cause {
        // Members take all levels between two ends, in an order of their own.
        Kind::Category(_) => {
            let mut levels: Vec<f64> = (0..MEMBERS).map(|member| 1.2 * (member as f64 / 3.0 - 1.0)).collect();
            for last in (1..MEMBERS).rev() {
                levels.swap(last, rng.gen_range(0..=last));
            }
            levels
        }
        _ => vec![rng.gen_range(0.5..0.9) * if rng.r#gen() { 1.0 } else { -1.0 }],
    }
}

fn draw_session(
    rng: &mut Generator,
    kinds: &[Kind],
    (causes, unrecorded): (&[Vec<Cause>], &[f64]),
    mut row: ArrayViewMut1<'_, f32>,
    rules: &mut SessionRules,
) -> f32 {
    // Members of categories, everything else about as deviations from its mean.
    let mut values: Vec<f64> = Vec::with_capacity(kinds.len());
    let mut success = 0.5;
    for ((kind, causes), unrecorded) in kinds.iter().zip(causes).zip(unrecorded) {
        let of = |cause: &Cause| match kinds[cause.variable] {
            Kind::Category(_) => cause.weights[values[cause.variable] as usize],
            _ => cause.weights[0] * values[cause.variable],
        };
        let pull: f64 = causes.iter().map(of).sum::<f64>() + unrecorded;
        let noise: f64 = rng.sample(StandardNormal);
        let number =
            if causes.is_empty() && *unrecorded == 0.0 { noise } else { pull + (1.0 - EXPLAINED).sqrt() * noise };
        let applies = |rng: &mut Generator| rng.gen_bool(1.0 / (1.0 + (-1.6 * pull).exp()));
        let value = match kind {
            Kind::Category(start) => {
                let member = rng.gen_range(0..MEMBERS);
                row[start + member] = 1.0;
                member as f64
            }
            Kind::Complexity => {
                let level = (1.5 + 1.1 * number).round().clamp(0.0, 3.0);
                row[COMPLEXITY] = (0.25 * (level + 1.0)) as f32;
                (level - 1.5) / 1.1
            }
            Kind::Number(column) => {
                row[*column] = (0.5 + SPREAD * number).clamp(0.0, 1.0) as f32;
                number
            }
            Kind::YesNo(column) => {
                let yes = applies(rng);
                row[*column] = f32::from(u8::from(yes));
                if yes { 1.0 } else { -1.0 }
            }
            Kind::Rule(rule) => {
                let applied = applies(rng);
                if applied {
                    rules.rule.push(*rule as u32);
                    rules.improvement_score.push(f32::NAN);
                    rules.propensity.push(f32::NAN);
                }
                if applied { 1.0 } else { -1.0 }
            }
            Kind::Outcome => {
                success = (0.5 + 0.1 * number).clamp(0.0, 1.0) as f32;
                number
            }
        };
        values.push(value);
    }
    rules.starts.push(rules.rule.len() as u32);
    success
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_in_range_and_a_longer_log_begins_alike() {
        let (short, long) = (causal_log(4, 50), causal_log(4, 80));
        assert!(long.features.iter().chain(&long.success).all(|v| (0.0..=1.0).contains(v)));
        assert_eq!(short.features, long.features.slice(ndarray::s![..50, ..]));
        assert_eq!((&short.arrows, short.success.len(), short.rules.starts.len()), (&long.arrows, 50, 51));
        assert_ne!(short.arrows, causal_log(5, 50).arrows);
        let (open, partly) = (causal_log(4, 50), causal_log_with_hidden(4, 50, 3));
        assert_eq!((&open.arrows, open.hidden.len(), partly.hidden.len()), (&partly.arrows, 0, 3));
        assert!(partly.hidden.iter().all(|pair| !partly.arrows.contains(pair)) && partly.hidden[0].1 == "outcome");
    }

    #[test]
    fn a_rule_that_acts_on_the_outcome_shows_in_it() {
        let log = causal_log(1, 6000);
        let to_outcome = |rule: &str| log.arrows.contains(&(format!("rule:{rule}"), "outcome".to_owned()));
        assert_eq!(RULES.iter().filter(|rule| to_outcome(rule)).count(), 3);
        for (rule, _) in RULES.iter().enumerate().filter(|(_, name)| to_outcome(name)) {
            let applied = |row: &usize| log.rules.rule[log.rules.of(*row)].contains(&(rule as u32));
            let mean = |with: bool| {
                let rows: Vec<usize> = (0..6000).filter(|row| applied(row) == with).collect();
                rows.iter().map(|row| f64::from(log.success[*row])).sum::<f64>() / rows.len() as f64
            };
            assert!((mean(true) - mean(false)).abs() > 0.02, "{rule}");
        }
    }
}
