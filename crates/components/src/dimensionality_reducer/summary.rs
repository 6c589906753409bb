//! What a person should know of the reduction.

use super::report::{Action, CandidateReport, Report};

/// Axes told of one by one.
const TOLD: usize = 6;

/// One sentence each.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let chosen = &report.chosen;
    let spread = report.intrinsic_dimension.map_or_else(String::new, |d| format!("; they spread over about {d:.0} dimensions"));
    let mut lines = vec![
        format!("{} sessions, {} of them different{spread}.", report.sessions, report.distinct_sessions),
        format!("In force: {}{}.", chosen.reduction, figures(chosen, report.loss_of_all_features)),
    ];
    if !chosen.falls_short.is_empty() {
        lines.push(format!("It does not reach what is asked: it {}.", chosen.falls_short.join(", and ")));
    }
    if report.loss_of_all_features.is_none() {
        lines.push("What it costs downstream was not measured: too few outcomes of either kind are known.".to_owned());
    }
    lines.push(match report.update.action {
        Action::First => "This is the first reduction.".to_owned(),
        Action::Kept => format!("It was kept, and coordinates mean what they meant: {}.", report.update.reason),
        Action::Refitted => format!("Its components were found again: {}.", report.update.reason),
        Action::ChosenAgain => format!("All reductions were tried again: {}.", report.update.reason),
    });
    for other in report.candidates.iter().filter(|other| other.reduction != chosen.reduction) {
        let short = if other.falls_short.is_empty() {
            "meets all, with more coordinates or fewer neighbours kept".to_owned()
        } else {
            other.falls_short.join(", ")
        };
        lines.push(format!("Not taken: {} ({short}).", other.reduction));
    }
    for axis in report.axes.iter().take(TOLD).filter(|axis| !axis.high.is_empty()) {
        lines.push(format!("Coordinate {} is high where sessions are: {}.", axis.axis, axis.high.join(", ")));
    }
    lines
}

fn figures(chosen: &CandidateReport, loss_of_all: Option<f64>) -> String {
    let loss = match (chosen.downstream_loss, loss_of_all) {
        (Some(loss), Some(all)) if all > 0.0 => format!(", {:+.1} % loss downstream", 100.0 * (loss / all - 1.0)),
        _ => String::new(),
    };
    format!(
        "; on unseen sessions it keeps {:.1} % of the information and {:.0} % of the neighbours{loss}, and saves {:.0} % of the \
         work of training",
        100.0 * chosen.information_kept,
        100.0 * chosen.neighbor_recall,
        100.0 * chosen.training_work_saved
    )
}
