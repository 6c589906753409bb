//! What acts on what: circumstances, scores, rules and the outcome as one causal graph.
//!
//! # What becomes a variable
//! One row is a session whose outcome is known. In time order, which is the background knowledge:
//!
//! | time | variables |
//! | --- | --- |
//! | context | `project_type`, `domain` (one variable each, whatever the number of members), `complexity`, `team_size` |
//! | prompt | the five scores before improvement, the linguistic features of its text |
//! | rules | `rule:NAME` for every rule that was applied often enough: yes or no |
//! | outcome | `outcome`, how well the session went |
//!
//! Nothing causes what was there before it. Within one time the direction is left to the data. `overall_quality` is computed from the
//! other linguistic features and is left out: it would explain them away. What does not vary is left out too, and named in the
//! report.
//!
//! # The outcome is a variable, and no feature
//! Outcomes are never inputs of a prediction: whoever predicts does not know them yet. A causal graph predicts nothing. It says
//! what acts on the outcome, and to say so the outcome must be in it, as the last variable, which causes nothing. So the spec's
//! `inputs` name feature columns only, as everywhere; the outcome is read from the batch's outcomes, as a label is. Whoever uses the graph to choose
//! inputs may take the causes of the outcome, which are all known before it, and never what follows from it: nothing does.
//!
//! # What it takes to believe it
//! That nothing outside these variables acts on two of them. Who judged and which model answered are not among them: where
//! these differ between sessions with and without a rule, an edge may stand for that. With `hidden`, this is not taken for granted: an
//! edge says that one variable acts on another only where nothing unrecorded can stand for it, and otherwise what it may stand for. What
//! remains is that which sessions were recorded does not depend on the variables.

mod answer;
mod certificate;
mod model;
mod params;
mod report;
mod summary;
mod train;
mod variables;

use souffleur_core::batch::TrainingBatch;
use souffleur_core::catalogue::Entry;
use souffleur_core::component::{
    Bar, Budgets, Cadence, Component, ComponentSpec, Direction, KnownAnswer, Measurement, Over, Tier, Trained,
};
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;
use souffleur_core::query::Query as DataQuery;

pub use answer::{Answer, Query, Related, WholeGraph};
pub use model::Model;
pub use params::{Params, Test};
pub use report::{EdgeReport, Relation, Report, VariableReport};

/// The catalogue's row.
pub const ENTRY: Entry = Entry::of::<CausalDiscovery>();

/// Finds the causal graph of the history by PC-stable (Colombo and Maathuis 2014) on tests for numbers and categories together
/// (degenerate Gaussian, Andrews, Ramsey and Cooper 2019), with time as background knowledge (Meek 1995), and says of each edge
/// in how many resamples it is found again. Where something hidden may act on two variables, by FCI (Spirtes, Glymour and Scheines 2000;
/// Zhang 2008); where dependence may have any form, on tests with random features (Strobl, Zhang and Visweswaran 2019).
///
/// `O(resamples · rows_max · columns²)`; an answer `O(variables²)`. What becomes a variable, and in which order: see the module.
#[derive(Clone, Copy, Debug)]
pub struct CausalDiscovery;

impl Component for CausalDiscovery {
    const SPEC: ComponentSpec = ComponentSpec {
        name: "causal_discovery",
        tier: Tier::Evaluation,
        summary: "Finds which circumstances, scores and rules act on each other and on the outcome, as a causal graph.",
        inputs: &[],
        consumes: &[],
        cadence: Cadence::NewRows(5000),
        minimum_rows: train::SESSIONS_MINIMUM,
        budgets: Budgets { train_ms: 600_000, answer_ms: 1_000 },
        snapshot_version: 2,
    };

    const BARS: &'static [Bar] = &[
        Bar { metric: "edge_f1", direction: Direction::AtLeast, value: 0.75, over: Over::Worst },
        Bar { metric: "outcome_causes_f1", direction: Direction::AtLeast, value: 0.75, over: Over::Mean },
        Bar { metric: "hidden_false_claims_removed", direction: Direction::AtLeast, value: 0.5, over: Over::Worst },
        Bar { metric: "hidden_causes_taken_for_effects", direction: Direction::AtMost, value: 0.05, over: Over::Mean },
        Bar { metric: "hidden_causes_told", direction: Direction::AtLeast, value: 0.5, over: Over::Mean },
    ];

    type Params = Params;
    type Model = Model;
    type Report = Report;
    type Query = Query;
    type Answer = Answer;

    fn query(_: &Params) -> DataQuery {
        DataQuery { session_rules: true, ..DataQuery::quality_labeled_data() }
    }

    fn train(
        params: &Params,
        _: Option<&Model>,
        batch: &TrainingBatch,
        job: &Job,
    ) -> Result<Trained<Self>, ComponentError> {
        let (model, report) = train::train(params, batch, job)?;
        let edges = report.edges.len() as f64;
        let found_again = report.edges.iter().map(|edge| edge.confidence).sum::<f64>();
        let metrics = vec![
            Measurement::new("variables", report.variables.len() as f64),
            Measurement::new("edges", edges),
            Measurement::new("edges_found_again", if edges > 0.0 { found_again / edges } else { 0.0 }),
        ];
        Ok(Trained { model, report, metrics })
    }

    fn answer(_: &Params, model: &Model, query: Query) -> Result<Answer, ComponentError> {
        answer::answer(model, &query)
    }

    fn probe() -> KnownAnswer<Self> {
        certificate::probe()
    }

    fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
        certificate::certify(seed, job)
    }
}
