//! Help is part of the interface: a change of it is seen in review.

use crate::process::run;

const COMMANDS: &[&[&str]] = &[
    &[],
    &["serve"],
    &["demo"],
    &["simulate"],
    &["import"],
    &["export"],
    &["train"],
    &["query"],
    &["batch"],
    &["data"],
    &["data", "stats"],
    &["data", "check"],
    &["health"],
    &["components"],
    &["components", "list"],
    &["components", "show"],
    &["components", "graph"],
    &["models"],
    &["erase"],
    &["retain"],
    &["certify"],
    &["backup"],
    &["restore"],
    &["doctor"],
    &["config"],
    &["config", "show"],
    &["config", "check"],
    &["config", "reference"],
    &["completions"],
];

#[test]
fn every_command_has_help_with_examples() {
    for command in COMMANDS {
        let help = run(command.iter().chain(&["--help"])).succeeded();
        assert!(help.out.contains("Example"), "{command:?} shows no example");
        let widest = help.out.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{command:?}: a line of {widest:?} characters");
        insta::assert_snapshot!(
            format!("help{}{}", if command.is_empty() { "" } else { "_" }, command.join("_")),
            help.out
        );
    }
}

#[test]
fn help_knows_every_command() {
    let help = run(["--help"]).out;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for line in listed {
        let name = line.split_whitespace().next().unwrap();
        assert!(name == "help" || COMMANDS.contains(&[name].as_slice()), "{name} has no snapshot");
    }
}

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(["completions", shell]).succeeded().out;
        assert!(script.contains("souffleur") && script.contains("certify"), "{shell}");
    }
}
