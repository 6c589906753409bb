//! The sessions patterns are looked for in.

use ndarray::{Array2, ArrayView1, Axis, s};
use souffleur_core::batch::{SessionRules, TrainingBatch};
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;
use souffleur_core::ids::Seq;
use souffleur_core::job::Job;

use super::action::Applied;
use crate::bridge::distinct::Distinct;
use crate::bridge::matched::Outcomes;

/// The columns that say what the prompt's text is and where it comes from: rows equal in all of them are one prompt.
const PROMPT: std::ops::Range<usize> = 5..WIDTH;
/// Earlier revisions of a prompt that are looked at.
const REVISIONS: usize = 3;
/// Rows between two signs of life.
const ROWS_PER_CHECK: usize = 4096;

/// Sessions whose outcome is known, with the rules applied in each and in the earlier revisions of its prompt.
///
/// A batch carries no texts. Sessions that are equal in the text's ten features and in their context are revisions of one prompt,
/// in the order in which they happened.
pub(crate) struct Sessions<'a> {
    /// Rows x 31.
    pub(crate) features: Array2<f32>,
    /// Whether each succeeded.
    pub(crate) success: Vec<bool>,
    seqs: Vec<Seq>,
    rows: Vec<usize>,
    rules: &'a SessionRules,
    /// The rules of each session's earlier revisions, the oldest first.
    earlier: Vec<Vec<u32>>,
}

impl<'a> Sessions<'a> {
    /// Those of a batch; at least `need` of them.
    ///
    /// # Errors
    /// Too few, other columns, no rules, or the job was interrupted.
    pub(crate) fn of(batch: &'a TrainingBatch, need: usize, job: &Job) -> Result<Self, ComponentError> {
        let Outcomes { rows, success } = Outcomes::of(batch);
        if rows.len() < need {
            return Err(ComponentError::TooFewRows { what: "sessions with an outcome", have: rows.len(), need });
        }
        let Some(rules) = &batch.session_rules else {
            return Err(ComponentError::Data("the sessions do not say which rules were applied".to_owned()));
        };
        let have = batch.features.ncols();
        if have != WIDTH {
            return Err(ComponentError::Data(format!("rows have {have} features; all {WIDTH} are needed")));
        }
        let features = batch.features.select(Axis(0), &rows);
        job.check()?;
        let seqs = rows.iter().map(|row| batch.rows.seq[*row]).collect();
        let mut sessions = Self { features, success, seqs, rows, rules, earlier: Vec::new() };
        sessions.earlier = sessions.revisions(&batch.rows.event_time_us, job)?;
        Ok(sessions)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The features of one.
    pub(crate) fn row(&self, i: usize) -> ArrayView1<'_, f32> {
        self.features.row(i)
    }

    /// Which row of the history one is.
    pub(crate) fn seq(&self, i: usize) -> Seq {
        self.seqs[i]
    }

    /// The rules of one.
    pub(crate) fn applied(&self, i: usize) -> Applied<'_> {
        Applied { own: &self.rules.rule[self.rules.of(self.rows[i])], earlier: &self.earlier[i] }
    }

    /// How many different rules there are.
    pub(crate) fn rules(&self) -> usize {
        self.rules.rule_ids.len()
    }

    /// A rule's name.
    pub(crate) fn name(&self, rule: u32) -> String {
        self.rules.rule_ids.get(rule as usize).map_or_else(String::new, ToString::to_string)
    }

    /// A rule's number.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        (0..).zip(&self.rules.rule_ids).find(|(_, id)| &***id == name).map(|(number, _)| number)
    }

    fn revisions(&self, times: &[i64], job: &Job) -> Result<Vec<Vec<u32>>, ComponentError> {
        let prompts = self.features.slice(s![.., PROMPT]);
        let Distinct { first, of_row } = Distinct::of(prompts.outer_iter(), job)?;
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by_key(|i| (times[self.rows[*i]], self.seqs[*i], *i));
        job.check()?;
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); first.len()];
        let mut earlier = vec![Vec::new(); self.len()];
        for (done, i) in order.into_iter().enumerate() {
            if done % ROWS_PER_CHECK == 0 {
                job.check()?;
            }
            let before = &mut before[of_row[i]];
            earlier[i] = before.iter().flat_map(|other| self.own(*other)).copied().collect();
            if before.len() == REVISIONS {
                before.remove(0);
            }
            before.push(i);
        }
        Ok(earlier)
    }

    fn own(&self, i: usize) -> &[u32] {
        &self.rules.rule[self.rules.of(self.rows[i])]
    }
}
