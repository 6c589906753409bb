//! `souffleur models`: which models there are, which one is live, and whether they are what was committed.

use clap::{Args, Subcommand};
use serde_json::Value;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Stage, VersionPage};

use super::backend::ModelsCall;
use super::connect::Connect;
use super::console::{Console, Tone, count, duration};
use super::exit::{Failure, Outcome};
use super::global::Global;
use super::interrupt::Interrupt;
use crate::registry;

const EXAMPLES: &str = "\
A model is named by its id, or as component@live, component@newest, component@NUMBER or component@ALIAS.

Examples:
  souffleur models list --component failure_analyzer
  souffleur models show failure_analyzer@live --json
  souffleur models rollback failure_analyzer
  souffleur models alias failure_analyzer@3 stable
  souffleur models verify failure_analyzer@stable
  souffleur models reproduce failure_analyzer@live

Exit codes: 0 done, 1 failed, 2 unknown model, 3 a model is not what was committed, 4 busy or out of time.";

/// List, show, promote, roll back, name, verify and reproduce models
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// List models, newest first
    List {
        /// Only those of this component
        #[arg(long, value_name = "NAME")]
        component: Option<String>,
        /// Only those at this stage: candidate, live or archived
        #[arg(long, value_name = "STAGE", value_parser = registry::stage)]
        stage: Option<Stage>,
        /// Only those before this place: where the page before ended
        #[arg(long, value_name = "SEQ")]
        before: Option<i64>,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1_000))]
        limit: u64,
        #[command(flatten)]
        common: Common,
    },
    /// Show a model and its manifest
    Show(One),
    /// Make a model the live one, at once
    Promote(One),
    /// Answer from the model before the live one, at once
    Rollback {
        /// The component
        component: String,
        #[command(flatten)]
        common: Common,
    },
    /// Give a model another name within its component
    Alias {
        /// The model
        model: String,
        /// The name
        alias: String,
        #[command(flatten)]
        common: Common,
    },
    /// Check a model against its manifest, and the manifest against its signature
    Verify(One),
    /// Train a model again from its manifest and compare
    Reproduce(One),
}

#[derive(Args, Debug)]
struct One {
    /// The model
    model: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct Common {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

impl ModelsArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let (call, common) = self.call();
        let backend = common.connect.open(global, interrupt)?;
        let answer = backend.models(&call);
        backend.close()?;
        let answer = answer?;
        if common.json {
            console.json(&answer)?;
        } else {
            print(console, &call, &answer)?;
        }
        verdict(&call, &answer)
    }

    fn call(&self) -> (ModelsCall, &Common) {
        match &self.command {
            ModelsCommand::List { component, stage, before, limit, common } => {
                let limit = usize::try_from(*limit).unwrap_or(usize::MAX);
                let page = VersionPage { component: component.clone(), stage: *stage, before: before.map(Seq), limit };
                (ModelsCall::List(page), common)
            }
            ModelsCommand::Show(one) => (ModelsCall::Show(one.model.clone()), &one.common),
            ModelsCommand::Promote(one) => (ModelsCall::Promote(one.model.clone()), &one.common),
            ModelsCommand::Rollback { component, common } => (ModelsCall::Rollback(component.clone()), common),
            ModelsCommand::Alias { model, alias, common } => (ModelsCall::Alias(model.clone(), alias.clone()), common),
            ModelsCommand::Verify(one) => (ModelsCall::Verify(one.model.clone()), &one.common),
            ModelsCommand::Reproduce(one) => (ModelsCall::Reproduce(one.model.clone()), &one.common),
        }
    }
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("-")
}

fn print(console: &Console, call: &ModelsCall, answer: &Value) -> Outcome {
    match call {
        ModelsCall::List(_) => print_list(console, answer),
        ModelsCall::Show(_) => {
            print_list(console, &serde_json::json!({ "models": [answer["model"]] }))?;
            console.json(&answer["manifest"])
        }
        ModelsCall::Promote(_) | ModelsCall::Rollback(_) | ModelsCall::Alias(..) => {
            print_list(console, &serde_json::json!({ "models": [answer] }))
        }
        ModelsCall::Verify(_) => {
            let why = ["what", "why", "signed_by"].iter().find_map(|key| answer[*key].as_str());
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            console.line(format_args!("{} is {}{why}", word(answer, "model_id"), said(word(answer, "verdict"))))
        }
        ModelsCall::Reproduce(_) => {
            let same = if answer["same"] == true { "the same to the byte" } else { "NOT the same" };
            let rows = count(answer["rows"].as_u64().unwrap_or(0));
            let bytes = count(answer["snapshot_bytes"].as_u64().unwrap_or(0));
            let took = duration(answer["duration_ms"].as_f64().unwrap_or(0.0));
            let model_id = word(answer, "model_id");
            console.line(format_args!("{model_id} made again from {rows} rows in {took}: {bytes} bytes, {same}"))
        }
    }
}

/// A verdict as people say it.
fn said(verdict: &str) -> &str {
    match verdict {
        "other_key" => "signed with another key",
        "incomplete" => "intact as far as it is kept",
        other => other,
    }
}

fn print_list(console: &Console, list: &Value) -> Outcome {
    let names = ["seq", "component", "version", "stage", "model", "data", "bytes", "aliases", "reason"];
    let mut table = console.columns(&names);
    for model in list["models"].as_array().into_iter().flatten() {
        let stage = word(model, "stage");
        let tone = match stage {
            "live" => Tone::Good,
            "candidate" => Tone::Doubtful,
            _ => Tone::Plain,
        };
        let aliases: Vec<&str> = model["aliases"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let kept = model["kept"] == true;
        let bytes = if kept { count(model["snapshot_bytes"].as_u64().unwrap_or(0)) } else { "-".to_owned() };
        table.add_row([
            console.cell(&model["seq"], Tone::Plain),
            console.cell(word(model, "component"), Tone::Plain),
            console.cell(&model["version"], Tone::Plain),
            console.cell(stage, tone),
            console.cell(word(model, "model_id"), Tone::Plain),
            console.cell(&model["data"]["watermark"], Tone::Plain),
            console.cell(bytes, Tone::Plain),
            console.cell(aliases.join(", "), Tone::Plain),
            console.cell(word(model, "reason"), Tone::Plain),
        ]);
    }
    console.table(&table)?;
    match list["next"].as_i64() {
        Some(next) => console.line(format_args!("more: --before {next}")),
        None => Ok(()),
    }
}

/// Fails where a model is not what it should be.
fn verdict(call: &ModelsCall, answer: &Value) -> Outcome {
    let (good, said) = match call {
        ModelsCall::Verify(_) => (
            matches!(word(answer, "verdict"), "intact" | "incomplete"),
            format!("{} is {}", word(answer, "model_id"), said(word(answer, "verdict"))),
        ),
        ModelsCall::Reproduce(_) => {
            (answer["same"] == true, format!("{} came out otherwise", word(answer, "model_id")))
        }
        _ => return Ok(()),
    };
    if good { Ok(()) } else { Err(Failure::missed(said)) }
}
