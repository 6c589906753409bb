//! `souffleur components`: what there is, and who consumes from whom.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::connect::Connect;
use super::console::{Console, duration};
use super::exit::Outcome;
use super::graph::Graph;

const EXAMPLES: &str = "\
Examples:
  souffleur components
  souffleur components list --json
  souffleur components show failure_analyzer
  souffleur components graph --format dot | dot -Tsvg > components.svg";

/// List the components, show one, or draw who consumes from whom
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct ComponentsArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the components (what is done when nothing is named)
    #[command(after_help = "Example:\n  souffleur components list --json | jq '.[].name'")]
    List(ListArgs),
    /// Show one component: what it needs, what it can be asked, what it promises
    #[command(after_help = "Example:\n  souffleur components show failure_analyzer --json | jq .schemas.query")]
    Show(ShowArgs),
    /// Show who consumes from whom
    #[command(after_help = "Example:\n  souffleur components graph --format dot | dot -Tsvg > components.svg")]
    Graph(GraphArgs),
}

#[derive(Args, Debug)]
struct ListArgs {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// The component
    component: String,
    /// Print one JSON object, schemas included
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Args, Debug)]
struct GraphArgs {
    /// How it is shown
    #[arg(long, value_enum, default_value_t)]
    format: GraphFormat,
    /// The same as `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum GraphFormat {
    /// Drawn with lines
    #[default]
    Text,
    /// For graphviz
    Dot,
    /// One object: nodes, edges, order
    Json,
}

impl ComponentsArgs {
    pub(crate) fn run(&self, console: &Console) -> Outcome {
        match &self.action {
            None => self.list.run(console),
            Some(Action::List(args)) => args.run(console),
            Some(Action::Show(args)) => args.run(console),
            Some(Action::Graph(args)) => args.run(console),
        }
    }
}

impl ListArgs {
    fn run(&self, console: &Console) -> Outcome {
        let components = self.connect.components()?;
        if self.json {
            return console.json(&components);
        }
        let mut table = console.columns(&["component", "tier", "rows at least", "trained", "summary"]);
        for component in &components {
            table.add_row([
                text(&component["name"]),
                text(&component["tier"]),
                text(&component["minimum_rows"]),
                cadence(&component["cadence"]),
                text(&component["summary"]),
            ]);
        }
        console.table(&table)
    }
}

impl ShowArgs {
    fn run(&self, console: &Console) -> Outcome {
        let component = self.connect.component(&self.component)?;
        if self.json {
            return console.json(&component);
        }
        let spec = &component["spec"];
        let budget = |key: &str| duration(spec["budgets"][key].as_f64().unwrap_or(0.0));
        let list = |value: &Value, none: &str| {
            let words: Vec<String> = value.as_array().into_iter().flatten().map(text).collect();
            if words.is_empty() { none.to_owned() } else { words.join(", ") }
        };
        let facts = [
            ("name", text(&component["name"])),
            ("tier", text(&spec["tier"])),
            ("summary", text(&spec["summary"])),
            ("inputs", list(&spec["inputs"], "all 31 features")),
            ("consumes", list(&spec["consumes"], "nothing")),
            ("rows at least", text(&spec["minimum_rows"])),
            ("trained", cadence(&spec["cadence"])),
            ("trains within", budget("train_ms")),
            ("answers within", budget("answer_ms")),
        ];
        for (name, value) in facts {
            console.line(format_args!("{name:<15} {value}"))?;
        }
        for bar in component["bars"].as_array().into_iter().flatten() {
            let sign = if bar["direction"] == "at_least" { ">=" } else { "<=" };
            let line = format!("{} {sign} {} ({})", text(&bar["metric"]), text(&bar["value"]), text(&bar["over"]));
            console.line(format_args!("{:<15} {line}", "promises"))?;
        }
        Ok(())
    }
}

impl GraphArgs {
    fn run(&self, console: &Console) -> Outcome {
        let graph = Graph::new(&self.connect.components()?);
        match self.format {
            _ if self.json => console.json(&graph.json()?),
            GraphFormat::Json => console.json(&graph.json()?),
            GraphFormat::Dot => console.bytes(graph.dot().as_bytes()),
            GraphFormat::Text => console.bytes(graph.tree().as_bytes()),
        }
    }
}

/// A JSON value as a person writes it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn cadence(value: &Value) -> String {
    match value["new_rows"].as_u64() {
        Some(rows) => format!("every {rows} new rows"),
        None => "on request".to_owned(),
    }
}
