//! Cuts and copies of a batch.

use ndarray::{Axis, concatenate};
use souffleur_core::batch::{Outcomes, Rows, SessionRules, TrainingBatch};
use souffleur_core::ids::Seq;

/// The first `n` rows.
pub(crate) fn head(batch: &TrainingBatch, n: usize) -> TrainingBatch {
    let mut cut = batch.clone();
    cut.features = batch.features.slice_axis(Axis(0), (..n).into()).to_owned().into();
    cut.rows =
        rows(&batch.rows, |column| column[..n].to_vec(), |times| times[..n].to_vec(), |flags| flags[..n].to_vec());
    cut.outcomes = outcomes(&batch.outcomes, |column| column[..n].to_vec(), |counts| counts[..n].to_vec());
    cut.session_rules = batch.session_rules.as_ref().map(|rules| session_rules(rules, 0..n));
    cut
}

/// The rules of these rows, in this order.
fn session_rules(rules: &SessionRules, rows: impl IntoIterator<Item = usize>) -> SessionRules {
    let mut chosen = SessionRules { rule_ids: rules.rule_ids.clone(), ..SessionRules::default() };
    for row in rows {
        let of = rules.of(row);
        chosen.rule.extend_from_slice(&rules.rule[of.clone()]);
        chosen.improvement_score.extend_from_slice(&rules.improvement_score[of.clone()]);
        chosen.propensity.extend_from_slice(&rules.propensity[of]);
        chosen.starts.push(chosen.rule.len() as u32);
    }
    chosen
}

/// All rows, `times` over.
pub(crate) fn repeated(batch: &TrainingBatch, times: usize) -> TrainingBatch {
    let mut long = batch.clone();
    let views = vec![batch.features.view(); times];
    long.features = concatenate(Axis(0), &views).expect("equal widths").into();
    long.rows = self::rows(&batch.rows, |c| c.repeat(times), |t| t.repeat(times), |f| f.repeat(times));
    long.outcomes = outcomes(&batch.outcomes, |c| c.repeat(times), |c| c.repeat(times));
    let rows = (0..batch.len()).cycle().take(times * batch.len());
    long.session_rules = batch.session_rules.as_ref().map(|rules| session_rules(rules, rows));
    long
}

fn rows(
    rows: &Rows,
    seqs: impl Fn(&[Seq]) -> Vec<Seq>,
    times: impl Fn(&[i64]) -> Vec<i64>,
    flags: impl Fn(&[bool]) -> Vec<bool>,
) -> Rows {
    Rows {
        seq: seqs(&rows.seq),
        session: seqs(&rows.session),
        event_time_us: times(&rows.event_time_us),
        synthetic: flags(&rows.synthetic),
    }
}

fn outcomes(
    outcomes: &Outcomes,
    figures: impl Fn(&[f32]) -> Vec<f32>,
    counts: impl Fn(&[u32]) -> Vec<u32>,
) -> Outcomes {
    Outcomes {
        success_score: figures(&outcomes.success_score),
        quality_score: figures(&outcomes.quality_score),
        improvement_score: figures(&outcomes.improvement_score),
        mean_rating: figures(&outcomes.mean_rating),
        ratings: counts(&outcomes.ratings),
    }
}
