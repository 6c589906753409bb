//! `souffleur query`: asks a trained component.

use std::io::Read;

use clap::Args;
use serde_json::Value;

use super::connect::Connect;
use super::console::Console;
use super::exit::{Failure, Outcome};
use super::global::Global;
use super::interrupt::Interrupt;

/// Longest question read from stdin.
const QUESTION_LIMIT_BYTES: u64 = 8 << 20;

const EXAMPLES: &str = "\
`souffleur components show COMPONENT --json` has the schema of the question.

Examples:
  souffleur query failure_analyzer '{\"prompt\": \"fix it\"}'
  souffleur query failure_analyzer - --url http://127.0.0.1:7070 < question.json

Exit codes: 0 answered, 1 not trained or failed, 2 unknown component or refused question, 4 busy or out of time.";

/// Ask a trained component a question
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct QueryArgs {
    /// The component
    component: String,
    /// The question, or `-` to read it from stdin
    #[arg(value_name = "JSON|-")]
    question: String,
    /// Print the answer as JSON (it always is; accepted for symmetry)
    #[arg(long, hide = true)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

impl QueryArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let question = self.question()?;
        let backend = self.connect.open(global, interrupt)?;
        let answer = backend.query(&self.component, question);
        backend.close()?;
        console.json(&answer?)
    }

    fn question(&self) -> Outcome<Value> {
        let (text, place) = if self.question == "-" {
            let mut text = String::new();
            std::io::stdin().lock().take(QUESTION_LIMIT_BYTES + 1).read_to_string(&mut text)?;
            (text, "stdin")
        } else {
            (self.question.clone(), "the question")
        };
        if text.len() as u64 > QUESTION_LIMIT_BYTES {
            return Err(Failure::usage(format!("{place} is longer than {QUESTION_LIMIT_BYTES} bytes")));
        }
        serde_json::from_str(&text).map_err(|error| Failure::usage(format!("{place} is no JSON: {error}")))
    }
}
