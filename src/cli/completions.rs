//! `souffleur completions`: the script that teaches a shell the commands.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::console::Console;
use super::exit::Outcome;

const EXAMPLES: &str = "\
Examples:
  souffleur completions bash > /etc/bash_completion.d/souffleur
  souffleur completions zsh > ~/.zfunc/_souffleur
  souffleur completions fish > ~/.config/fish/completions/souffleur.fish";

/// Print a completion script for a shell
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell it is for
    shell: Shell,
}

impl CompletionsArgs {
    pub(crate) fn run(&self, console: &Console) -> Outcome {
        // Written to memory first: clap_complete panics when stdout goes away.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "souffleur", &mut script);
        console.bytes(&script)
    }
}
