//! `souffleur health`: what works, what does not, and why.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::connect::Connect;
use super::console::{Console, Tone, duration};
use super::exit::{Failure, Outcome};
use super::global::Global;
use super::interrupt::Interrupt;

const EXAMPLES: &str = "\
Healthy means right, not alive: every component was asked a question whose answer is known, and answered rightly.

Examples:
  souffleur health --url http://127.0.0.1:7070
  souffleur health failure_analyzer --json
  souffleur health --watch --url http://127.0.0.1:7070

Exit codes: 0 healthy, 3 anything else (degraded and starting included), 1 no runtime there, 2 unknown component.";

/// Show the health of the whole, or of one component
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct HealthArgs {
    /// The component; the whole if none is named
    component: Option<String>,
    /// Print one JSON object; with --watch one per line
    #[arg(long)]
    json: bool,
    /// Look again and again until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Pause between two looks, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(100..=3_600_000))]
    interval_ms: u64,
    #[command(flatten)]
    connect: Connect,
}

impl HealthArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let backend = self.connect.open(global, interrupt)?;
        let look = || match &self.component {
            Some(name) => backend.component_health(name),
            None => backend.health(),
        };
        if self.watch {
            let watched = self.watch(console, interrupt, &look);
            backend.close()?;
            return watched;
        }
        let health = look();
        backend.close()?;
        let health = health?;
        if self.json {
            console.json(&health)?;
        } else {
            self.print(console, &health)?;
        }
        verdict(&health)
    }

    fn watch(&self, console: &Console, interrupt: &Interrupt, look: &dyn Fn() -> Outcome<Value>) -> Outcome {
        loop {
            let health = look()?;
            if self.json {
                console.line(&health)?;
            } else {
                console.clear()?;
                self.print(console, &health)?;
            }
            console.flush()?;
            interrupt.pause(Duration::from_millis(self.interval_ms))?;
        }
    }

    fn print(&self, console: &Console, health: &Value) -> Outcome {
        match &self.component {
            Some(_) => print_component(console, health),
            None => print(console, health),
        }
    }
}

/// Fails unless the whole, or the component, is healthy.
fn verdict(health: &Value) -> Outcome {
    let (healthy, said) = match health["overall"].as_bool() {
        Some(overall) => (overall, format!("{} is {}: {}", word(health, "name"), word(health, "state"), why(health))),
        None => (health["status"] == "healthy", format!("the runtime is {}", word(health, "status"))),
    };
    if healthy { Ok(()) } else { Err(Failure::missed(said)) }
}

/// Prints the health of the whole: a line, a table, a line for each part that is down.
pub(crate) fn print(console: &Console, health: &Value) -> Outcome {
    let status = word(health, "status");
    let score = health["score"].as_f64().unwrap_or(0.0);
    let toned = console.toned(status, tone(status));
    console.line(format_args!("{toned}, score {score:.2}, {} rows recorded", health["watermark"]))?;
    let names = ["component", "state", "data", "speed", "quality", "probe", "lag", "answer p99", "reason"];
    let mut table = console.columns(&names);
    for component in health["components"].as_array().into_iter().flatten() {
        let state = word(component, "state");
        let mark = |passed: Option<bool>| match passed {
            Some(true) => console.cell("ok", Tone::Good),
            Some(false) => console.cell("no", Tone::Bad),
            None => console.cell("-", Tone::Plain),
        };
        table.add_row([
            console.cell(word(component, "name"), Tone::Plain),
            console.cell(state, tone(state)),
            mark(component["data_flow"]["passed"].as_bool()),
            mark(component["performance"]["passed"].as_bool()),
            mark(component["quality"]["passed"].as_bool()),
            mark(component["probe"]["passed"].as_bool()),
            console.cell(&component["lag_rows"], Tone::Plain),
            console.cell(latency(component), Tone::Plain),
            console.cell(why(component), Tone::Plain),
        ]);
    }
    console.table(&table)?;
    for part in ["supervisor", "loader", "monitor", "store"] {
        if health[part]["up"] == Value::Bool(false) {
            console.line(format_args!("{part}: {}", console.toned(word(&health[part], "reason"), Tone::Bad)))?;
        }
    }
    let level = &health["cache"]["second_level"];
    if let Some(state) = level["state"].as_str().filter(|state| !["off", "ok"].contains(state)) {
        let said = format!("its second level is {state}: {}", word(level, "reason"));
        console.line(format_args!("cache: {}", console.toned(&said, Tone::Doubtful)))?;
    }
    Ok(())
}

fn print_component(console: &Console, health: &Value) -> Outcome {
    let state = word(health, "state");
    let overall = if health["overall"] == Value::Bool(true) { Tone::Good } else { Tone::Bad };
    console.line(format_args!("{:<15} {}", word(health, "name"), console.toned(state, tone(state))))?;
    console.line(format_args!("{:<15} {}", "overall", console.toned(why(health), overall)))?;
    for check in ["data_flow", "performance", "quality"] {
        let passed = health[check]["passed"] == Value::Bool(true);
        let (mark, tone) = if passed { ("ok", Tone::Good) } else { ("no", Tone::Bad) };
        console.line(format_args!("{check:<15} {}, {}", console.toned(mark, tone), word(&health[check], "reason")))?;
    }
    console.line(format_args!("{:<15} {}", "since", word(health, "since")))?;
    console.line(format_args!("{:<15} {}", "restarts", health["restarts"]))?;
    console.line(format_args!("{:<15} {} rows behind", "lag", health["lag_rows"]))?;
    console.line(format_args!("{:<15} {}", "answer p99", latency(health)))
}

fn latency(component: &Value) -> String {
    let measured = component["answer_latency"]["count"].as_u64().is_some_and(|count| count > 0);
    let p99_ms = component["answer_latency"]["p99_ms"].as_f64().filter(|_| measured);
    p99_ms.map_or_else(|| "-".to_owned(), duration)
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("unknown")
}

/// The reason in words; of the first check that failed, if the component itself gives none.
fn why(component: &Value) -> &str {
    let failed = ["data_flow", "performance", "quality"].into_iter().find(|check| component[*check]["passed"] == false);
    match failed {
        Some(check) => word(&component[check], "reason"),
        None => word(component, "reason"),
    }
}

fn tone(word: &str) -> Tone {
    match word {
        "healthy" | "ready" | "training" => Tone::Good,
        "starting" | "degraded" | "restarting" | "paused" => Tone::Doubtful,
        _ => Tone::Bad,
    }
}
