//! The planted cases: one small for the probe, whole worlds for the certificate.

use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::causal_discovery::{Cpdag, Edge, Knowledge, MarkedGraph, edge_scores, skeleton_scores};
use souffleur_core::batch::SessionRules;
use souffleur_core::component::{KnownAnswer, Measurement};
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;
use souffleur_core::job::Job;
use souffleur_core::query::Query as DataQuery;
use souffleur_simulator::batch::planted_batch;
use souffleur_simulator::{CausalLog, causal_log, causal_log_with_hidden};

use super::answer::{Answer, Query, Related};
use super::params::Params;
use super::report::{EdgeReport, Relation, Report};
use super::variables::OUTCOME;
use super::{CausalDiscovery, train};

/// Sessions of the probe, and of each planted log.
const PROBE_ROWS: usize = 600;
const LOG_ROWS: usize = 4000;
/// Things that are not recorded in a planted log with such.
const HIDDEN: usize = 3;
/// Strength that chance may show in the probe.
const CHANCE_MAX: f64 = 0.15;
/// The column of the probe that varies.
const CLARITY: usize = 1;

/// Unclear prompts are shortened more often, and succeed less often; shortening itself helps. Another rule is applied where the first
/// is, and does nothing.
pub(super) fn probe() -> KnownAnswer<CausalDiscovery> {
    let mut features = Array2::zeros((PROBE_ROWS, WIDTH));
    let rule_ids = ["be_brief", "be_polite"].map(std::sync::Arc::from).to_vec();
    let mut rules = SessionRules { rule_ids, ..SessionRules::default() };
    let mut success = Vec::new();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0xCA05E);
    for row in 0..PROBE_ROWS {
        let clarity: f32 = rng.r#gen();
        features[[row, CLARITY]] = clarity;
        let brief = rng.r#gen::<f32>() < 0.85 - 0.7 * clarity;
        let polite = rng.r#gen::<f32>() < if brief { 0.7 } else { 0.3 };
        for (rule, _) in [brief, polite].iter().enumerate().filter(|(_, applied)| **applied) {
            rules.rule.push(rule as u32);
            rules.improvement_score.push(f32::NAN);
            rules.propensity.push(f32::NAN);
        }
        rules.starts.push(rules.rule.len() as u32);
        success.push(0.1 + 0.4 * clarity + if brief { 0.25 } else { 0.0 } + 0.2 * rng.r#gen::<f32>());
    }
    KnownAnswer {
        batch: planted_batch(DataQuery::quality_labeled_data(), features, success, rules),
        query: Query { of: Some(OUTCOME.to_owned()), ..Query::default() },
        verify,
    }
}

fn verify(answer: &Answer) -> Result<(), String> {
    for cause in ["clarity", "rule:be_brief"] {
        match answer.parents.iter().find(|parent| parent.name == cause) {
            None => return Err(format!("{cause} acts on the outcome, found were {:?}", answer.parents)),
            Some(found) if found.strength.is_none_or(|s| s <= 0.0) || found.confidence < 0.9 => {
                return Err(format!("{cause} helps, and surely: {found:?}"));
            }
            Some(_) => {}
        }
    }
    // At a high level some edges come by chance, but not strong ones: what seems strong was not compared with like.
    let strong = |related: &&Related| related.strength.is_some_and(|s| s.abs() > CHANCE_MAX);
    let mut others = answer.parents.iter().filter(|parent| !["clarity", "rule:be_brief"].contains(&parent.name.as_str()));
    others.find(strong).map_or(Ok(()), |other| Err(format!("nothing else acts on the outcome: {other:?}")))
}

/// The place of a variable in the report.
fn number(report: &Report, name: &str) -> Option<usize> {
    report.variables.iter().position(|v| v.name == name)
}

/// The planted arrows, their variables numbered as in the report.
fn arrows(log: &CausalLog, report: &Report) -> Result<Vec<(usize, usize)>, ComponentError> {
    let number = |name| number(report, name);
    let arrows: Option<_> = log.arrows.iter().map(|(cause, effect)| Some((number(cause)?, number(effect)?))).collect();
    arrows.ok_or_else(|| ComponentError::Data("a planted cause is no variable".to_owned()))
}

/// The graph a report tells of, its variables numbered as there.
fn graph(report: &Report) -> Cpdag {
    let number = |name| number(report, name).unwrap_or(usize::MAX);
    let edges = report.edges.iter().map(|edge| Edge {
        from: number(&edge.from),
        to: number(&edge.to),
        directed: edge.directed,
    });
    Cpdag::from_edges(report.variables.len(), &edges.collect::<Vec<_>>())
}

/// What can be known of the planted graph, its variables numbered as in the report.
fn truth(log: &CausalLog, report: &Report) -> Result<Cpdag, ComponentError> {
    let times = ["context", "prompt", "rules", "outcome"];
    let time = |known: &str| times.iter().position(|time| *time == known).unwrap_or(0);
    let tiers: Vec<usize> = report.variables.iter().map(|v| time(&v.known)).collect();
    let knowledge = Knowledge::none(tiers.len()).tiers(&tiers).map_err(|e| ComponentError::Data(e.to_string()))?;
    Ok(Cpdag::of_dag(tiers.len(), &arrows(log, report)?, &knowledge))
}

/// How many of the edges say that one variable acts on another, and of those how many are false: it does not, by way of others either.
fn claims(log: &CausalLog, report: &Report) -> Result<(usize, usize), ComponentError> {
    let planted: Vec<Edge> =
        arrows(log, report)?.into_iter().map(|(from, to)| Edge { from, to, directed: true }).collect();
    let planted = Cpdag::from_edges(report.variables.len(), &planted);
    let acts = |edge: &EdgeReport| {
        let ends = number(report, &edge.from).zip(number(report, &edge.to));
        ends.is_some_and(|(from, to)| planted.descendants(from).contains(&to))
    };
    let claimed: Vec<&EdgeReport> = report.edges.iter().filter(|edge| edge.relation == Relation::Acts).collect();
    Ok((claimed.len(), claimed.iter().filter(|edge| !acts(edge)).count()))
}

/// What is said of a world in which three things act on two variables each and are not recorded, without and with the possibility of such
/// things: the same 4,000 sessions, the same tests.
fn certify_hidden(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let log = causal_log_with_hidden(seed, LOG_ROWS, HIDDEN);
    let (features, success, rules) = (log.features.clone(), log.success.clone(), log.rules.clone());
    let batch = planted_batch(DataQuery::quality_labeled_data(), features, success, rules);
    let learn = |hidden| train::train(&Params { hidden, resamples: 1, ..Params::default() }, &batch, job);
    let (complete, partial) = (learn(false)?.1, learn(true)?.1);
    let ((all, wrong), (some, left)) = (claims(&log, &complete)?, claims(&log, &partial)?);
    let pair = |edge: &&EdgeReport| {
        let (a, b) = (edge.from.clone(), edge.to.clone());
        log.hidden.contains(&(a.clone(), b.clone())) || log.hidden.contains(&(b, a))
    };
    let of = |report: &Report, relation| {
        report.edges.iter().filter(pair).filter(|edge| edge.relation == relation).count() as f64
    };
    let share = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    Ok(vec![
        Measurement::new("hidden_false_claims_removed", 1.0 - share(left, wrong.max(left))),
        Measurement::new("hidden_false_claims_share", share(left, some)),
        Measurement::new("hidden_false_claims_share_if_ignored", share(wrong, all)),
        Measurement::new("hidden_claims_kept", share(some - left, all - wrong)),
        Measurement::new("hidden_causes_told", of(&partial, Relation::Hidden) / HIDDEN as f64),
        Measurement::new("hidden_causes_taken_for_effects", of(&partial, Relation::Acts) / HIDDEN as f64),
        Measurement::new("hidden_causes_taken_for_effects_if_ignored", of(&complete, Relation::Acts) / HIDDEN as f64),
    ])
}

/// How much of a planted world is found, from a log of 4,000 sessions.
///
/// `edge_f1` counts an edge as right only with its direction; `skeleton_f1` whatever its direction; `outcome_causes_f1` counts what acts
/// on the outcome directly; `false_edges_share` is the share of the edges found that are none.
pub(super) fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let log = causal_log(seed, LOG_ROWS);
    let (features, success, rules) = (log.features.clone(), log.success.clone(), log.rules.clone());
    let batch = planted_batch(DataQuery::quality_labeled_data(), features, success, rules);
    let (_, report) = train::train(&Params::default(), &batch, job)?;
    let (found, truth) = (graph(&report), truth(&log, &report)?);
    let outcome = report.variables.len() - 1;
    let (causes, true_causes) = (found.causes(outcome), truth.causes(outcome));
    let right = causes.iter().filter(|cause| true_causes.contains(cause)).count() as f64;
    let skeleton = skeleton_scores(&found, &truth);
    let mut figures = vec![
        Measurement::new("edge_f1", edge_scores(&found, &truth).f1),
        Measurement::new("skeleton_f1", skeleton.f1),
        Measurement::new("false_edges_share", 1.0 - skeleton.precision),
        Measurement::new("outcome_causes_f1", 2.0 * right / (causes.len() + true_causes.len()).max(1) as f64),
        Measurement::new("edges_planted", truth.edges().len() as f64),
        Measurement::new("edges_found", found.edges().len() as f64),
    ];
    figures.extend(certify_hidden(seed, job)?);
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use souffleur_core::component::Component;

    use super::*;
    use crate::bridge::certified;
    use crate::bridge::stopped_clock::job;

    #[test]
    fn every_bar_is_cleared_by_the_first_seed() {
        certified::clears_every_bar::<CausalDiscovery>(1);
    }

    fn trained(change: impl Fn(&mut Params)) -> (super::super::Model, Report) {
        let mut params = Params { resamples: 20, ..Params::default() };
        change(&mut params);
        train::train(&params, &probe().batch, &job(1)).unwrap()
    }

    #[test]
    fn the_outcome_is_the_last_variable_and_causes_nothing() {
        let (model, report) = trained(|_| {});
        let outcome = model.number(OUTCOME).unwrap();
        assert_eq!(outcome, model.names.len() - 1);
        assert!(model.graph.effects(outcome).is_empty() && model.graph.possible_causes(outcome).is_empty());
        assert!(CausalDiscovery::SPEC.inputs.is_empty());
        assert!(report.left_out.contains(&"domain".to_owned()), "{:?}", report.left_out);
        assert!(report.dot.contains("\"rule:be_brief\" -> \"outcome\""), "{}", report.dot);
        assert!(report.summary.iter().any(|line| line.contains("No direct effect on the outcome was found of rule:be_polite")));
    }

    #[test]
    fn a_rule_that_harms_fails_the_probe() {
        certified::probe_fails_where::<CausalDiscovery>(certified::turn_outcomes);
    }

    #[test]
    fn paths_lead_along_arrows_and_what_is_known_is_obeyed() {
        let ask = |model: &super::super::Model, of: &str, from: Option<&str>| {
            let query = Query { of: Some(of.to_owned()), from: from.map(str::to_owned), graph: false };
            CausalDiscovery::answer(&Params::default(), model, query)
        };
        let (model, _) = trained(|_| {});
        let paths = ask(&model, OUTCOME, Some("clarity")).unwrap().paths;
        assert_eq!(paths, [vec!["clarity", "outcome"], vec!["clarity", "rule:be_brief", "outcome"]]);
        let error = ask(&model, "be_brief", None).unwrap_err().to_string();
        assert!(error.contains("no variable `be_brief`; there are clarity, rule:be_brief"), "{error}");
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let (model, report) = trained(|params| {
            params.forbidden = vec![pair("clarity", "outcome"), pair("nobody", "outcome")];
            params.required = vec![pair("rule:be_polite", "outcome")];
        });
        let causes = ask(&model, OUTCOME, None).unwrap().parents;
        let names: Vec<&str> = causes.iter().map(|cause| cause.name.as_str()).collect();
        assert!(names.contains(&"rule:be_polite") && !names.contains(&"clarity"), "{names:?}");
        assert_eq!(report.unknown, ["nobody"]);
    }

    #[test]
    fn what_says_nothing_of_causes_is_refused() {
        let mut batch = probe().batch;
        batch.outcomes.success_score.fill(0.5);
        let error = train::train(&Params::default(), &batch, &job(1)).unwrap_err();
        assert!(error.to_string().contains("went equally well"), "{error}");
        batch.outcomes.success_score.fill(f32::NAN);
        let error = train::train(&Params::default(), &batch, &job(1)).unwrap_err();
        assert!(matches!(error, ComponentError::TooFewRows { have: 0, .. }), "{error}");
    }
}
