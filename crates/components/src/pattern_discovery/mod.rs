//! Every pattern that holds, put together from what the miners see.

mod certificate;
mod merge;
mod params;
mod report;

use serde::{Deserialize, Serialize};
use souffleur_core::batch::TrainingBatch;
use souffleur_core::catalogue::Entry;
use souffleur_core::component::{
    Bar, Budgets, Cadence, Component, ComponentSpec, Direction, KnownAnswer, Measurement, Over, Tier, Trained,
};
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;
use souffleur_core::query::Query as DataQuery;

use self::merge::{Product, Products, merge};
use crate::bridge::Phases;
use crate::bridge::mining::miner::{self, SESSIONS_MINIMUM};
use crate::bridge::mining::{Ground, PatternAnswer, PatternQuery, Sessions, answer};

pub use params::Params;
pub use report::{Discovered, MinerReport, Report};

/// The catalogue's row.
pub const ENTRY: Entry = Entry::of::<PatternDiscovery>();

/// Puts together what the miners of associations, orders and structures see.
///
/// What one miner often sees done is looked at under every circumstance another one knows, and compared with sessions of equal
/// prospects: strata of equal prognosis (Hansen 2008), differences by Mantel & Haenszel. The false discovery rate is held over
/// all comparisons, the miners' own among them (Benjamini & Hochberg 1995). A pattern under a circumstance is kept where it does
/// more than elsewhere, a general one where it holds without its special case, and of patterns about the same sessions the
/// surest. Time: `O(actions · circumstances · n / 64)` and the prognosis; memory `O((actions + circumstances) · n / 8)`.
#[derive(Clone, Copy, Debug)]
pub struct PatternDiscovery;

/// What it learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    found: Vec<Discovered>,
}

/// The miners.
const MINERS: &[&str] = &["association_miner", "sequence_miner", "graph_miner"];

/// The products that can be read, by the names of the miners, and the names of those that are missing.
fn products(batch: &TrainingBatch) -> Result<(Products, Vec<String>), ComponentError> {
    let (mut read, mut missing) = (Vec::new(), Vec::new());
    for miner in MINERS {
        let product = batch.products.get(*miner).map(|report| Product::deserialize(report.as_ref()));
        match product {
            Some(Ok(product)) => read.push((*miner, product)),
            // A report of an older layout is as good as none: the next run of its miner replaces it.
            Some(Err(_)) | None => missing.push((*miner).to_owned()),
        }
    }
    if read.is_empty() {
        let miners = MINERS.join(", ");
        return Err(ComponentError::Data(format!("no miner has a report to put together; train one of {miners} first")));
    }
    Ok((read, missing))
}

impl Component for PatternDiscovery {
    const SPEC: ComponentSpec = ComponentSpec {
        name: "pattern_discovery",
        tier: Tier::Learning,
        summary: "Puts the patterns of all miners together, each once, and says what to do where.",
        inputs: &[],
        consumes: MINERS,
        cadence: Cadence::NewRows(2000),
        minimum_rows: SESSIONS_MINIMUM,
        budgets: Budgets { train_ms: 600_000, answer_ms: 1_000 },
        snapshot_version: 1,
    };

    const BARS: &'static [Bar] = &[
        Bar { metric: "valid_per_single_miner", direction: Direction::AtLeast, value: 3.0, over: Over::Worst },
        Bar { metric: "precision", direction: Direction::AtLeast, value: 0.8, over: Over::Worst },
        Bar { metric: "actionable_share", direction: Direction::AtLeast, value: 0.5, over: Over::Worst },
        Bar { metric: "patterns_of_idle_rules", direction: Direction::AtMost, value: 0.25, over: Over::Mean },
    ];

    type Params = Params;
    type Model = Model;
    type Report = Report;
    type Query = PatternQuery;
    type Answer = PatternAnswer;

    fn query(_: &Params) -> DataQuery {
        miner::sessions_and_rules()
    }

    fn train(
        params: &Params,
        previous: Option<&Model>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<Trained<Self>, ComponentError> {
        let sessions = Sessions::of(batch, SESSIONS_MINIMUM, job)?;
        let (products, missing) = products(batch)?;
        let phases = Phases::new(job, 1);
        let ground = Ground::matched(&sessions, &phases)?;
        let merged = merge(&products, &ground, &params.settings(), &phases)?;
        let words = |one: &Discovered| (one.pattern.words.clone(), one.pattern.consequent.clone());
        let known: Vec<_> = previous.iter().flat_map(|model| &model.found).map(words).collect();
        let kept = |miner: &str| merged.found.iter().filter(|one| one.seen_by.iter().any(|name| name == miner)).count();
        let actionable = merged.found.iter().filter(|one| one.actionable).count();
        let mut report = Report {
            summary: Vec::new(),
            sessions: sessions.len(),
            miners: products
                .iter()
                .map(|(miner, product)| MinerReport {
                    miner: (*miner).to_owned(),
                    found: product.found.len(),
                    kept: kept(miner),
                })
                .collect(),
            missing,
            compared: merged.compared,
            actionable_share: actionable as f64 / merged.found.len().max(1) as f64,
            new: merged.found.iter().filter(|one| !known.contains(&words(one))).count(),
            found: merged.found,
        };
        report.summary = report.lines();
        let metrics = vec![
            Measurement::new("patterns", report.found.len() as f64),
            Measurement::new("actionable_share", report.actionable_share),
            Measurement::new("compared", report.compared as f64),
        ];
        Ok(Trained { model: Model { found: report.found.clone() }, report, metrics })
    }

    fn answer(_: &Params, model: &Model, query: PatternQuery) -> Result<PatternAnswer, ComponentError> {
        answer(model.found.iter().map(|one| &one.pattern), &query)
    }

    fn probe() -> KnownAnswer<Self> {
        certificate::probe()
    }

    fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
        certificate::certify(seed, job)
    }
}
