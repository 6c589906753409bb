//! What training finds where something hidden acts, or dependence has no direction.

use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_core::batch::SessionRules;
use souffleur_core::component::Component;
use souffleur_core::features::{COMPLEXITY, WIDTH};
use souffleur_core::query::Query as DataQuery;
use souffleur_simulator::batch::planted_batch;

use super::*;
use crate::bridge::stopped_clock::job;
use crate::causal_discovery::{CausalDiscovery, Query};

/// A column of the prompt.
const CLARITY: usize = 1;

/// Complex prompts are shortened more often. A skill that is not recorded acts on whether a prompt is shortened and on the outcome, on which
/// clarity acts as `curve` says.
fn batch(rows: usize, curve: impl Fn(f32) -> f32) -> TrainingBatch {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0x0F_C1);
    let mut features = Array2::zeros((rows, WIDTH));
    let mut rules = SessionRules { rule_ids: vec![std::sync::Arc::from("be_brief")], ..SessionRules::default() };
    let mut success = Vec::new();
    for row in 0..rows {
        let (clarity, complexity, skill): (f32, f32, f32) = rng.r#gen();
        features[[row, CLARITY]] = clarity;
        features[[row, COMPLEXITY]] = complexity;
        if rng.r#gen::<f32>() < 0.1 + 0.4 * complexity + 0.4 * skill {
            rules.rule.push(0);
            rules.improvement_score.push(f32::NAN);
            rules.propensity.push(f32::NAN);
        }
        rules.starts.push(rules.rule.len() as u32);
        success.push(0.1 + curve(clarity) + 0.4 * skill + 0.1 * rng.r#gen::<f32>());
    }
    planted_batch(DataQuery::quality_labeled_data(), features, success, rules)
}

fn trained(params: &Params, batch: &TrainingBatch) -> (Model, Report) {
    train(params, batch, &job(1)).unwrap()
}

#[test]
fn what_something_unrecorded_is_behind_is_told_so() {
    let batch = batch(2000, |clarity| 0.3 * clarity);
    let params = Params { resamples: 10, ..Params::default() };
    let (_, ignored) = trained(&params, &batch);
    let is = |edge: &&EdgeReport| edge.from == "rule:be_brief" && edge.to == OUTCOME;
    assert_eq!(ignored.edges.iter().find(is).unwrap().relation, Relation::Acts);
    let (model, report) = trained(&Params { hidden: true, ..params.clone() }, &batch);
    let edge = report.edges.iter().find(is).unwrap();
    assert_eq!((edge.relation, edge.directed), (Relation::Hidden, false));
    assert!(edge.words.starts_with("something unrecorded acts on both rule:be_brief and outcome"), "{}", edge.words);
    assert!(edge.confidence > 0.9 && edge.direction_confidence > 0.5, "{edge:?}");
    assert!(report.dot.contains("\"rule:be_brief\" -> \"outcome\" [dir=both, arrowtail=normal, arrowhead=normal"));
    assert!(report.summary.iter().any(|line| line.contains("No direct effect on the outcome was found of rule:be_brief")));
    assert!(report.summary.iter().any(|line| line.starts_with("This holds if which sessions were recorded")));
    let query = Query { of: Some(OUTCOME.to_owned()), ..Query::default() };
    let answer = CausalDiscovery::answer(&params, &model, query).unwrap();
    assert_eq!(answer.hidden.iter().map(|other| other.name.as_str()).collect::<Vec<_>>(), ["rule:be_brief"]);
    // What only time tells may be hidden as well.
    assert!(answer.parents.is_empty());
    assert_eq!(answer.possible_parents.iter().map(|other| other.name.as_str()).collect::<Vec<_>>(), ["clarity"]);
    assert!(answer.possible_parents[0].words.starts_with("clarity acts on outcome, or something unrecorded acts on both"));
    let rule = report.variables.iter().find(|v| v.name == "rule:be_brief").unwrap();
    assert_eq!((rule.causes.len(), &rule.undecided, &rule.hidden), (0, &vec!["complexity".to_owned()], &vec![OUTCOME.to_owned()]));
}

#[test]
fn dependence_of_any_form_is_found_if_it_is_looked_for() {
    let batch = batch(600, |clarity| 1.6 * (clarity - 0.5) * (clarity - 0.5));
    let params = Params { resamples: 2, ..Params::default() };
    let joined = |params: &Params| {
        let (_, report) = trained(params, &batch);
        report.edges.iter().any(|edge| edge.from == "clarity" && edge.to == OUTCOME)
    };
    assert!(!joined(&params));
    for hidden in [false, true] {
        assert!(joined(&Params { test: Test::Nonlinear, hidden, ..params.clone() }));
    }
}
