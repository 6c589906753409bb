//! The history as variables: which there are, when each is known, and their columns.

use ndarray::Array2;
use souffleur_core::batch::{SessionRules, TrainingBatch};
use souffleur_core::error::ComponentError;
use souffleur_core::features::{COLUMNS, COMPLEXITY, DOMAIN_START, PROJECT_TYPE_START, TEAM_SIZE, WIDTH};
use souffleur_core::job::Job;

use super::params::Params;

/// The outcome's name.
pub(super) const OUTCOME: &str = "outcome";
/// The feature that is computed from other features.
const COMPOSED: usize = 14;
/// Rows between two signs of life.
const ROWS_PER_CHECK: usize = 4096;
/// Fewest sessions of a member of a category for it to be told from the others.
const MEMBER_MINIMUM: usize = 10;
/// Spread below which a number counts as one value.
const SPREAD_MINIMUM: f64 = 1e-6;

/// When a variable is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Time {
    Context,
    Prompt,
    Rules,
    Outcome,
}

impl Time {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Prompt => "prompt",
            Self::Rules => "rules",
            Self::Outcome => "outcome",
        }
    }
}

/// One variable.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) time: Time,
    /// How many columns it takes.
    pub(super) width: usize,
}

/// The variables and their values.
#[derive(Debug)]
pub(super) struct Variables {
    pub(super) variables: Vec<Variable>,
    /// Rows x columns, the columns of a variable side by side, in order.
    pub(super) rows: Array2<f32>,
    /// What was left out because it does not vary.
    pub(super) left_out: Vec<String>,
}

/// Columns gathered so far.
struct Gathered<'a> {
    variables: Vec<Variable>,
    columns: Vec<Vec<f32>>,
    left_out: Vec<String>,
    job: &'a Job,
}

impl Gathered<'_> {
    /// Takes a variable of these columns, or leaves it out if it has none.
    fn add(&mut self, name: &str, time: Time, columns: Vec<Vec<f32>>) -> Result<(), ComponentError> {
        self.job.check()?;
        if columns.is_empty() {
            self.left_out.push(name.to_owned());
        } else {
            self.variables.push(Variable { name: name.to_owned(), time, width: columns.len() });
            self.columns.extend(columns);
        }
        Ok(())
    }
}

/// The column, if it varies.
fn number(values: Vec<f32>) -> Vec<Vec<f32>> {
    let (low, high) = values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    if f64::from(high) - f64::from(low) > SPREAD_MINIMUM { vec![values] } else { Vec::new() }
}

/// A column for each member of a category that is frequent enough, less one if there are no sessions of another: what is in none of
/// them is of that one.
fn category(members: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let rows = members.first().map_or(0, Vec::len);
    let sessions = |member: &Vec<f32>| member.iter().filter(|v| **v > 0.5).count();
    let mut kept: Vec<Vec<f32>> = members.into_iter().filter(|member| sessions(member) >= MEMBER_MINIMUM).collect();
    let others = rows - kept.iter().map(sessions).sum::<usize>().min(rows);
    if others < MEMBER_MINIMUM
        && let Some(largest) = (0..kept.len()).max_by_key(|i| (sessions(&kept[*i]), kept.len() - i))
    {
        kept.remove(largest);
    }
    kept
}

/// The most frequent rules that are applied, and not applied, often enough; by name.
fn frequent_rules(params: &Params, rules: &SessionRules, rows: &[usize]) -> Vec<usize> {
    let mut sessions = vec![0; rules.rule_ids.len()];
    for row in rows {
        let mut applied: Vec<u32> = rules.rule.get(rules.of(*row)).unwrap_or(&[]).to_vec();
        applied.sort_unstable();
        applied.dedup();
        for rule in applied {
            if let Some(sessions) = sessions.get_mut(rule as usize) {
                *sessions += 1;
            }
        }
    }
    let enough = |rule: &usize| {
        sessions[*rule] >= params.support_minimum && rows.len() - sessions[*rule] >= params.support_minimum
    };
    let mut frequent: Vec<usize> = (0..rules.rule_ids.len()).filter(enough).collect();
    frequent.sort_by(|a, b| sessions[*b].cmp(&sessions[*a]).then_with(|| rules.rule_ids[*a].cmp(&rules.rule_ids[*b])));
    frequent.truncate(params.rules_max);
    frequent.sort_by(|a, b| rules.rule_ids[*a].cmp(&rules.rule_ids[*b]));
    frequent
}

impl Variables {
    /// The variables of these rows of the batch, whose outcome is known.
    pub(super) fn of(
        params: &Params,
        batch: &TrainingBatch,
        rows: &[usize],
        job: &Job,
    ) -> Result<Self, ComponentError> {
        if batch.features.ncols() != WIDTH {
            let have = batch.features.ncols();
            return Err(ComponentError::Data(format!("sessions have {have} features; all {WIDTH} are needed")));
        }
        let feature = |column: usize| -> Vec<f32> { rows.iter().map(|row| batch.features[[*row, column]]).collect() };
        let mut gathered = Gathered { variables: Vec::new(), columns: Vec::new(), left_out: Vec::new(), job };
        gathered.add("project_type", Time::Context, category((PROJECT_TYPE_START..DOMAIN_START).map(feature).collect()))?;
        gathered.add("domain", Time::Context, category((DOMAIN_START..COMPLEXITY).map(feature).collect()))?;
        for column in [COMPLEXITY, TEAM_SIZE] {
            gathered.add(COLUMNS[column].name, Time::Context, number(feature(column)))?;
        }
        for column in (0..PROJECT_TYPE_START).filter(|column| *column != COMPOSED) {
            gathered.add(COLUMNS[column].name, Time::Prompt, number(feature(column)))?;
        }
        if let Some(rules) = &batch.session_rules {
            for rule in frequent_rules(params, rules, rows) {
                let applied = |row: &usize| {
                    let of = rules.rule.get(rules.of(*row)).unwrap_or(&[]);
                    f32::from(u8::from(of.contains(&(rule as u32))))
                };
                let values = rows.iter().map(applied).collect();
                gathered.add(&format!("rule:{}", rules.rule_ids[rule]), Time::Rules, number(values))?;
            }
        }
        let outcome = rows.iter().map(|row| batch.outcomes.success_score[*row]).collect();
        gathered.add(OUTCOME, Time::Outcome, number(outcome))?;
        let Gathered { variables, columns, left_out, .. } = gathered;
        let mut values = Array2::zeros((rows.len(), columns.len()));
        for (i, mut row) in values.outer_iter_mut().enumerate() {
            if i.is_multiple_of(ROWS_PER_CHECK) {
                job.check()?;
            }
            row.iter_mut().zip(&columns).for_each(|(to, column)| *to = column[i]);
        }
        Ok(Self { variables, rows: values, left_out })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_leaves_out_what_the_others_determine() {
        let member = |from: usize, to: usize| (0..60).map(|i| f32::from(u8::from((from..to).contains(&i)))).collect();
        let all: Vec<Vec<f32>> = vec![member(0, 30), member(30, 45), member(45, 60), member(60, 60)];
        assert_eq!(category(all.clone()), all[1..3], "the largest goes, and the one without sessions");
        let some: Vec<Vec<f32>> = vec![member(0, 30), member(30, 45), member(45, 48)];
        assert_eq!(category(some.clone()), some[..2], "those in none are of another");
        assert!(category(vec![member(0, 60)]).is_empty() && category(vec![member(0, 5)]).is_empty());
    }

    #[test]
    fn a_number_that_does_not_vary_is_no_variable() {
        assert!(number(vec![0.5; 9]).is_empty() && number(Vec::new()).is_empty());
        assert_eq!(number(vec![0.5, 0.6]).len(), 1);
    }
}
