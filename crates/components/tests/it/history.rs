//! Cuts and copies of a batch.

use ndarray::{Axis, concatenate};
use souffleur_core::batch::{Outcomes, Rows, TrainingBatch};
use souffleur_core::ids::Seq;

/// The first `n` rows.
pub(crate) fn head(batch: &TrainingBatch, n: usize) -> TrainingBatch {
    let mut cut = batch.clone();
    cut.features = batch.features.slice_axis(Axis(0), (..n).into()).to_owned().into();
    cut.rows =
        rows(&batch.rows, |column| column[..n].to_vec(), |times| times[..n].to_vec(), |flags| flags[..n].to_vec());
    cut.outcomes = outcomes(&batch.outcomes, |column| column[..n].to_vec(), |counts| counts[..n].to_vec());
    cut
}

/// All rows, `times` over.
pub(crate) fn repeated(batch: &TrainingBatch, times: usize) -> TrainingBatch {
    let mut long = batch.clone();
    let views = vec![batch.features.view(); times];
    long.features = concatenate(Axis(0), &views).expect("equal widths").into();
    long.rows = rows(&batch.rows, |c| c.repeat(times), |t| t.repeat(times), |f| f.repeat(times));
    long.outcomes = outcomes(&batch.outcomes, |c| c.repeat(times), |c| c.repeat(times));
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
