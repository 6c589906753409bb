//! The planted cases: an order that helps in one domain for the probe, a world of patterns for the certificate.

use std::sync::Arc;

use souffleur_core::batch::TrainingBatch;
use souffleur_core::component::{KnownAnswer, Measurement};
use souffleur_core::error::ComponentError;
use souffleur_core::features::DOMAIN_START;
use souffleur_core::job::Job;
use souffleur_simulator::{Deed, PLANTED, PatternWorld, Place, Planted, pattern_world};

use super::PatternDiscovery;
use super::merge::{Product, Products, merge};
use super::params::Params;
use crate::bridge::Phases;
use crate::bridge::matched::Circumstance;
use crate::bridge::mining::association::{AssociationSettings, associations};
use crate::bridge::mining::order::{OrderSettings, orders};
use crate::bridge::mining::miner::CERTIFIED_SESSIONS;
use crate::bridge::mining::planted::Score;
use crate::bridge::mining::structure::{StructureSettings, structures};
use crate::bridge::mining::{
    Action, Blocks, Consequent, Ground, Pattern, PatternAnswer, PatternQuery, Sessions, Settings, Within,
};

/// Sessions of the probe.
const PROBE_SESSIONS: usize = 6000;
/// Sessions of a world in which no rule does anything.
const IDLE_SESSIONS: usize = 6_000;
/// When a pattern counts.
const JUDGE: Settings = Settings { fdr: 0.05, support_minimum: 30, rows_told: 0 };

fn order() -> Action {
    let rules = vec!["step_by_step".to_owned(), "name_audience".to_owned()];
    Action::InOrder { earlier: Vec::new(), rules, within: Within::default() }
}

/// An order that helps in finance alone: one miner knows the order, another one the domain.
pub(super) fn probe() -> KnownAnswer<PatternDiscovery> {
    let planted = [Planted { place: Place::Above(DOMAIN_START, 0.5), deed: Deed::Order(3, 7) }; 2];
    let mut batch = pattern_world(0x5044, PROBE_SESSIONS, &planted).batch;
    let finance = Blocks { circumstances: vec![Circumstance::Member { column: DOMAIN_START }], actions: Vec::new() };
    let orders = Blocks { circumstances: Vec::new(), actions: vec![order()] };
    produce(&mut batch, "association_miner", Product { compared: 20, found: Vec::new(), blocks: finance });
    produce(&mut batch, "sequence_miner", Product { compared: 20, found: Vec::new(), blocks: orders });
    let query = PatternQuery { rule: Some("step_by_step".to_owned()), ..PatternQuery::default() };
    KnownAnswer { batch, query, verify }
}

fn produce(batch: &mut TrainingBatch, miner: &str, product: Product) {
    if let Ok(report) = serde_json::to_value(product) {
        batch.products.insert(miner.to_owned(), Arc::new(report));
    }
}

fn verify(answer: &PatternAnswer) -> Result<(), String> {
    let finance = [Circumstance::Member { column: DOMAIN_START }];
    match answer.patterns.first() {
        Some(Pattern { action, circumstances, consequent: Consequent::Success, .. })
            if *action == order() && *circumstances == finance =>
        {
            Ok(())
        }
        other => Err(format!("the order that helps in finance is known as {:?}", other.map(|one| &one.words))),
    }
}

/// What the three miners find in a world, as they do by default.
fn mined(ground: &Ground<'_>, phases: &Phases<'_>) -> Result<Products, ComponentError> {
    let association = AssociationSettings { support: 0.05, length_max: 3, itemsets_max: 50_000, judge: JUDGE };
    let association = associations(ground.sessions, &association, phases)?;
    let within = Within::default();
    let order = OrderSettings { support: 0.03, length_max: 4, within, sequences_max: 5_000, judge: JUDGE };
    let order = orders(ground, &order, phases)?;
    let structure = StructureSettings {
        frequency: 10,
        vertices_max: 4,
        structures_max: 20_000,
        graphs_max: 10_000,
        judge: JUDGE,
    };
    let structure = structures(ground, &structure, phases)?;
    let product = |compared, found, blocks| Product { compared, found, blocks };
    Ok(vec![
        ("association_miner", product(association.compared, association.found, association.blocks)),
        ("sequence_miner", product(order.compared, order.found, order.blocks)),
        ("graph_miner", product(structure.compared, structure.found, structure.blocks)),
    ])
}

/// How many patterns of success are found and so for each one that the best miner finds by itself, how many of all patterns found
/// are so, and how many say what to do. All are counted after correction, and each once. Where no rule does anything, none should be
/// found.
pub(super) fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let (world, products, found) = discovered(seed, CERTIFIED_SESSIONS, &PLANTED, job)?;
    let mut measured = measured(&world, &products, &found, job)?;
    let (_, _, idle) = discovered(seed, IDLE_SESSIONS, &[], job)?;
    let wrong = idle.iter().filter(|pattern| !pattern.action.rules().is_empty()).count();
    measured.push(Measurement::new("patterns_of_idle_rules", wrong as f64));
    Ok(measured)
}

/// A world, what the miners find in it, and what is put together from that.
type World = (PatternWorld, Products, Vec<Pattern>);

fn discovered(seed: u64, sessions: usize, planted: &[Planted], job: &Job) -> Result<World, ComponentError> {
    let world = pattern_world(seed, sessions, planted);
    let phases = Phases::new(job, 1);
    let (products, found) = {
        let sessions = Sessions::of(&world.batch, 0, job)?;
        let ground = Ground::matched(&sessions, &phases)?;
        let products = mined(&ground, &phases)?;
        let merged = merge(&products, &ground, &Params::default().settings(), &phases)?;
        (products, merged.found.into_iter().map(|one| one.pattern).collect())
    };
    Ok((world, products, found))
}

fn measured(
    world: &PatternWorld,
    products: &[(&str, Product)],
    found: &[Pattern],
    job: &Job,
) -> Result<Vec<Measurement>, ComponentError> {
    let score = Score::of(found, world, &PLANTED, job)?;
    let mut measured = score.measured();
    let mut best = 0;
    for (miner, product) in products {
        let single = Score::of(&product.found, world, &PLANTED, job)?;
        best = best.max(single.valid_success);
        measured.push(Measurement::new(format!("valid_{miner}"), single.valid_success as f64));
        measured.push(Measurement::new(format!("found_{miner}"), single.found as f64));
    }
    measured.push(Measurement::new("valid_per_single_miner", score.valid_success as f64 / best.max(1) as f64));
    measured.push(Measurement::new("actionable_share", score.actionable as f64 / score.found.max(1) as f64));
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use souffleur_core::component::Component;

    use super::*;
    use crate::bridge::certified;
    use crate::bridge::stopped_clock::job;

    #[test]
    fn every_bar_is_cleared_by_the_first_seed() {
        certified::clears_every_bar::<PatternDiscovery>(1);
    }

    #[test]
    fn an_order_that_harms_fails_the_probe() {
        certified::probe_fails_where::<PatternDiscovery>(certified::turn_outcomes);
    }

    #[test]
    fn what_exists_is_merged_and_what_is_missing_is_named() {
        let mut batch = probe().batch;
        let train = |batch: &TrainingBatch| PatternDiscovery::train(&Params::default(), None, batch, &job(1));
        let report = train(&batch).unwrap().report;
        assert_eq!((report.missing.len(), report.found.len(), report.new), (1, 1, 1));
        assert_eq!(report.summary.iter().filter(|line| line.contains("no report: graph_miner")).count(), 1);
        assert!(report.found[0].seen_by.is_empty() && report.found[0].pattern.rows.len() > 30);
        batch.products.clear();
        assert!(train(&batch).unwrap_err().to_string().contains("train one of association_miner"));
    }
}
