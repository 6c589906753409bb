//! Whether what is new still belongs to what was known.

use souffleur_core::batch::TrainingBatch;

use super::clusters::Place;
use super::model::Model;
use super::params::Params;
use super::report::Update;

/// One in a thousand: how seldom chance alone may pass for drift.
const Z: f64 = 3.09;
/// Least share counted by the population stability index, so that an empty context does not make it infinite.
const SHARE_MINIMUM: f64 = 1e-4;

impl Update {
    /// Of a first run: all sessions are new.
    pub(super) fn first(sessions: usize) -> Self {
        Self {
            clustered: true,
            reason: "there were no contexts yet".to_owned(),
            new_sessions: sessions,
            new_unknown_share: 0.0,
            psi: 0.0,
            psi_by_chance: 0.0,
            appeared: Vec::new(),
            vanished: Vec::new(),
        }
    }
}

/// How the rows of a batch fall into the contexts of the previous run, and whether all must be clustered again.
///
/// `known` says of each row where it belongs. Drift is claimed only where the new rows are too many for chance: the share
/// in no context by its standard error, the moved shares by the distribution of the population stability index, which is
/// that of chi-squared times the sum of the reciprocal numbers of rows (Yurdakul 2018).
pub(super) fn judge<'a>(
    params: &Params,
    previous: &Model,
    known: impl Fn(usize) -> &'a Place,
    batch: &TrainingBatch,
) -> Update {
    let contexts = previous.clusters.len();
    let mut counts = [vec![0.0; contexts + 1], vec![0.0; contexts + 1]];
    for (row, seq) in batch.rows.seq.iter().enumerate() {
        counts[usize::from(*seq > previous.watermark)][known(row).cluster.unwrap_or(contexts)] += 1.0;
    }
    let totals = counts.each_ref().map(|counts| counts.iter().sum::<f64>());
    let [old, new] = [0, 1].map(|side| counts[side].iter().map(|n| n / totals[side].max(1.0)).collect::<Vec<f64>>());
    let mut update = Update { clustered: false, new_sessions: totals[1] as usize, ..Update::first(0) };
    if totals[1] == 0.0 {
        "there are no new sessions".clone_into(&mut update.reason);
    } else {
        "the new sessions belong to known contexts".clone_into(&mut update.reason);
        update.new_unknown_share = new[contexts];
    }
    // Few new rows say little, whatever they say.
    let enough = totals[1] >= params.min_context_rows as f64;
    if totals[0] > 0.0 && enough {
        update.psi = population_stability(&old, &new);
        update.psi_by_chance = chi_squared(contexts) * (1.0 / totals[0] + 1.0 / totals[1]);
    }
    let usual = previous.unknown_share.clamp(0.5 / totals[1].max(1.0), 0.5);
    let surprising = Z * (usual * (1.0 - usual) / totals[1].max(1.0)).sqrt();
    let growth = batch.len() as f64 / previous.rows_clustered.max(1) as f64 - 1.0;
    let reason = if enough && update.new_unknown_share > previous.unknown_share + params.drift_unknown_share.max(surprising) {
        let share = 100.0 * update.new_unknown_share;
        format!("{share:.1} % of the new sessions belong to no known context")
    } else if update.psi > params.drift_psi.max(update.psi_by_chance) {
        format!("the shares of the contexts moved (population stability index {:.2})", update.psi)
    } else if growth > params.drift_growth {
        format!("the history grew by {:.0} % since all was clustered", 100.0 * growth)
    } else {
        return update;
    };
    Update { clustered: true, reason, ..update }
}

/// Population stability index (Siddiqi 2006): below .1 shares are the same, above .25 they moved.
fn population_stability(before: &[f64], after: &[f64]) -> f64 {
    let share = |v: &f64| v.max(SHARE_MINIMUM);
    before.iter().zip(after).map(|(b, a)| (share(a) - share(b)) * (share(a) / share(b)).ln()).sum()
}

/// The value that chi-squared with so many degrees of freedom exceeds once in a thousand (Wilson & Hilferty 1931).
fn chi_squared(freedom: usize) -> f64 {
    let spread = 2.0 / (9.0 * freedom as f64);
    if freedom == 0 { 0.0 } else { freedom as f64 * (1.0 - spread + Z * spread.sqrt()).powi(3) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_that_did_not_move_have_no_index() {
        assert_eq!(population_stability(&[0.5, 0.5], &[0.5, 0.5]), 0.0);
        // (.3 - .5) ln(.3 / .5) + (.7 - .5) ln(.7 / .5)
        assert!((population_stability(&[0.5, 0.5], &[0.3, 0.7]) - 0.169_459_572_077_440_72).abs() < 1e-12);
    }

    #[test]
    fn chi_squared_is_as_tabulated() {
        for (freedom, tabulated) in [(5, 20.515), (10, 29.588), (30, 59.703)] {
            assert!((chi_squared(freedom) / tabulated - 1.0).abs() < 0.02, "{freedom}: {}", chi_squared(freedom));
        }
    }
}
