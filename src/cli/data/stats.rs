//! `souffleur data stats`: rows, bytes, time spans, coverage, models.

use clap::Args;
use souffleur_core::store::{Inventory, TableInventory};
use souffleur_core::time::Timestamp;

use crate::cli::connect::Connect;
use crate::cli::console::{Console, Tone, bytes, count};
use crate::cli::exit::Outcome;
use crate::cli::global::Global;
use crate::cli::hub::Hub;

const EXAMPLES: &str = "\
Every table is read once: seconds for millions of rows. Bytes are those of the table with its indices. Under \
`known` stands the share of rows in which a field that may be unknown is known.

Examples:
  souffleur data stats
  souffleur data stats --json | jq '.tables[] | select(.rows > 0) | {name, rows, size_bytes}'
  souffleur data stats --url http://127.0.0.1:7070

Exit codes: 0 shown, 1 failed, 4 busy, or the directory is in use (ask its daemon with --url).";

/// Show what there is: rows, bytes, time spans, coverage of fields, newest models
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatsArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

impl StatsArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console) -> Outcome {
        let hub = Hub::open(&self.connect, global)?;
        let stats = hub.stats();
        hub.close();
        let stats = stats?;
        if self.json { console.json(&stats) } else { print(console, &serde_json::from_value(stats)?) }
    }
}

fn print(console: &Console, inventory: &Inventory) -> Outcome {
    let rows: u64 = inventory.tables.iter().map(|table| table.rows).sum();
    let size = inventory.size_bytes.map_or_else(|| "-".to_owned(), bytes);
    console.line(format_args!(
        "{}, layout {}, {} rows in all, {size}, newest place {}",
        inventory.database,
        inventory.layout.as_deref().unwrap_or("-"),
        count(rows),
        inventory.watermark
    ))?;
    console.line("")?;
    print_tables(console, inventory)?;
    let filled = || inventory.tables.iter().filter(|table| table.rows > 0 && !table.coverage.is_empty());
    if filled().next().is_some() {
        console.line("")?;
        let mut table = console.columns(&["table", "field", "known", "share"]);
        for (of, field) in filled().flat_map(|of| of.coverage.iter().map(move |field| (of, field))) {
            let tone = if field.known == 0 { Tone::Doubtful } else { Tone::Plain };
            table.add_row([
                console.cell(&of.name, Tone::Plain),
                console.cell(&field.column, Tone::Plain),
                console.cell(count(field.known), Tone::Plain),
                console.cell(format_args!("{:.1} %", 100.0 * field.share), tone),
            ]);
        }
        console.table(&table)?;
    }
    for schema in inventory.schemas.iter().filter(|schema| !schema.current) {
        let said = format!(
            "{} sessions ({} to {}) have features of schema {}, which this version does not compute",
            count(schema.rows),
            schema.first,
            schema.last,
            schema.schema_hash
        );
        console.line(console.toned(&said, Tone::Bad))?;
    }
    print_models(console, inventory)
}

fn print_tables(console: &Console, inventory: &Inventory) -> Outcome {
    let mut table = console.columns(&["table", "rows", "bytes", "first", "last", "newest place", "learnt"]);
    let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |time| seconds(time).to_string());
    let mut add = |of: &TableInventory| {
        table.add_row([
            of.name.clone(),
            count(of.rows),
            of.size_bytes.map_or_else(|| "-".to_owned(), bytes),
            time(of.first_event),
            time(of.last_event),
            of.newest.map_or_else(|| "-".to_owned(), |seq| seq.to_string()),
            time(of.last_known),
        ]);
    };
    inventory.tables.iter().filter(|table| table.rows > 0).for_each(&mut add);
    console.table(&table)?;
    let empty: Vec<&str> = inventory.tables.iter().filter(|t| t.rows == 0).map(|t| t.name.as_str()).collect();
    if empty.is_empty() { Ok(()) } else { console.line(format_args!("empty: {}", empty.join(", "))) }
}

fn print_models(console: &Console, inventory: &Inventory) -> Outcome {
    if inventory.models.is_empty() {
        return Ok(());
    }
    console.line("")?;
    let mut table = console.columns(&["component", "models", "newest", "made", "data version", "bytes"]);
    for model in &inventory.models {
        table.add_row([
            model.component.clone(),
            count(model.models),
            model.model_id.clone(),
            seconds(model.created).to_string(),
            model.version.to_string(),
            bytes(model.snapshot_bytes),
        ]);
    }
    console.table(&table)
}

/// A time to the second: enough for a table.
fn seconds(time: Timestamp) -> Timestamp {
    Timestamp(time.0 - time.0.rem_euclid(1_000_000))
}
