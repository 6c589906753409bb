//! `souffleur train`: components learn from what was recorded.

use clap::Args;
use serde_json::{Value, json};

use super::backend::Backend;
use super::connect::Connect;
use super::console::{Console, Tone, count, duration, number};
use super::exit::{Exit, Failure, Outcome};
use super::global::Global;
use super::graph::Graph;
use super::interrupt::Interrupt;
use super::selection;

const EXAMPLES: &str = "\
Components are trained one after the other, producers before their consumers. A component that fails keeps its old model and \
does not keep the others from being trained.

Examples:
  souffleur train
  souffleur train failure_analyzer --data-dir data
  souffleur train --url http://127.0.0.1:7070 --json

Exit codes: 0 all trained, 1 one failed, 2 unknown component, 4 busy or out of time.";

/// Train components on everything recorded
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrainArgs {
    /// The components; all if none is named
    #[arg(value_name = "COMPONENT")]
    components: Vec<String>,
    /// Print one JSON array: component, trained, and the outcome or the error
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

/// What became of one component.
pub(crate) struct Trained {
    /// Which.
    pub(crate) component: String,
    /// The outcome's document.
    pub(crate) outcome: Outcome<Value>,
}

impl TrainArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let backend = self.connect.open(global, interrupt)?;
        let trained = train(backend.as_ref(), &self.components, console, interrupt);
        backend.close()?;
        let trained = trained?;
        if self.json {
            console.json(&trained.iter().map(Trained::json).collect::<Vec<_>>())?;
        } else {
            print(console, &trained)?;
        }
        interrupt.check()?;
        verdict(trained)
    }
}

impl Trained {
    fn json(&self) -> Value {
        match &self.outcome {
            Ok(outcome) => json!({ "component": self.component, "trained": true, "outcome": outcome }),
            Err(failure) => json!({ "component": self.component, "trained": false, "error": failure.message }),
        }
    }
}

/// Trains the named components, or all, in training order. Stops early when interrupted.
pub(crate) fn train(
    backend: &dyn Backend,
    names: &[String],
    console: &Console,
    interrupt: &Interrupt,
) -> Outcome<Vec<Trained>> {
    let graph = Graph::new(&backend.components()?);
    let order = graph.order()?;
    if let Some(name) = names.iter().find(|name| !order.contains(&name.as_str())) {
        return Err(selection::unknown(name, order.iter().copied()));
    }
    let mut trained = Vec::new();
    for component in order.into_iter().filter(|known| names.is_empty() || names.iter().any(|name| name == known)) {
        if interrupt.is_raised() {
            break;
        }
        let bar = console.progress(0, component);
        let outcome = backend.train(component, &|done, total| {
            bar.set_length(total.max(1));
            bar.set_position(done);
        });
        bar.finish_and_clear();
        trained.push(Trained { component: component.to_owned(), outcome });
    }
    Ok(trained)
}

/// Prints what became of each.
pub(crate) fn print(console: &Console, trained: &[Trained]) -> Outcome {
    let mut table = console.columns(&["component", "trained", "rows", "time", "figures on unseen data"]);
    for Trained { component, outcome } in trained {
        let name = console.cell(component, Tone::Plain);
        match outcome {
            Ok(outcome) => table.add_row([
                name,
                console.cell("yes", Tone::Good),
                console.cell(count(outcome["rows"].as_u64().unwrap_or(0)), Tone::Plain),
                console.cell(duration(outcome["duration_ms"].as_f64().unwrap_or(0.0)), Tone::Plain),
                console.cell(figures(&outcome["metrics"]), Tone::Plain),
            ]),
            Err(failure) => table.add_row([
                name,
                console.cell("no", Tone::Bad),
                console.cell("-", Tone::Plain),
                console.cell("-", Tone::Plain),
                console.cell(&failure.message, Tone::Plain),
            ]),
        };
    }
    console.table(&table)
}

fn figures(metrics: &Value) -> String {
    let figure = |m: &Value| {
        format!("{} {}", m["metric"].as_str().unwrap_or("?"), number(m["value"].as_f64().unwrap_or(f64::NAN)))
    };
    metrics.as_array().into_iter().flatten().map(figure).collect::<Vec<_>>().join(", ")
}

/// The worst thing that happened decides how the command ends.
pub(crate) fn verdict(trained: Vec<Trained>) -> Outcome {
    let total = trained.len();
    let failures: Vec<Trained> = trained.into_iter().filter(|t| t.outcome.is_err()).collect();
    let count = failures.len();
    let exits: Vec<Exit> = failures.iter().filter_map(|t| t.outcome.as_ref().err().map(|f| f.exit)).collect();
    let Some(&first) = exits.first() else { return Ok(()) };
    // One failure of its own kind keeps its kind; different ones are simply a failure.
    let exit = if exits.iter().all(|exit| *exit == first) { first } else { Exit::Failed };
    let named: Vec<String> = failures
        .iter()
        .filter_map(|t| t.outcome.as_ref().err().map(|f| format!("{}: {}", t.component, f.message)))
        .collect();
    Err(Failure::new(exit, format!("{count} of {total} not trained: {}", named.join("; "))))
}
