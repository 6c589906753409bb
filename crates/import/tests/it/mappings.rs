//! Mapping files: what they say, and what they are told when they are wrong.

use std::path::PathBuf;

use serde_json::json;
use souffleur_core::records::Complexity;
use souffleur_import::{Format, ImportSettings, Mapping, Source};

use crate::support::{errors, import, run};

fn shipped(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/mappings").join(name)
}

#[test]
fn the_shipped_mapping_reads_the_shipped_sample() {
    let mapping = Mapping::read(shipped("alpaca_thoughtsource.toml")).unwrap();
    let (sessions, summary) =
        run(Source::path(shipped("sample.jsonl")), Some(mapping), ImportSettings::default()).unwrap();
    assert_eq!(errors(&summary), Vec::<String>::new());
    assert_eq!(sessions.len(), 12);
    let third = &sessions[2].session;
    assert_eq!(
        third.rules.iter().map(|r| r.rule_id.as_str()).collect::<Vec<_>>(),
        ["trigger:steps", "instruction:letter"]
    );
    assert!(third.rules.iter().all(|r| r.improvement_score.is_none()));
    assert_eq!((third.quality_score, third.feedback[0].rating), (Some(1.0), 5));
    assert_eq!(third.tags["run"], json!("thoughtsource/large-2"));
    assert_eq!(third.tags["selected_on_outcome"], json!(false));
    assert_eq!(sessions[3].session.domain.as_deref(), Some("healthcare"));
    assert_eq!(sessions[0].session.domain, None);
    assert!(!sessions[0].session.tags.contains_key("baseline"));
    let eleventh = &sessions[10].session;
    assert!(eleventh.feedback.is_empty() && eleventh.rules.is_empty() && eleventh.improved_prompt.is_none());
    assert_eq!(sessions[5].session.event_time.unwrap().to_string(), "2026-02-04T09:00:00Z");
}

pub(crate) const EVERYTHING: &str = r#"
[fields]
original_prompt = { format = "{a.title}: {{{a.body[1]}}}" }
event_time = { path = "t", time = "unix_ms" }
complexity = { path = "level", map = { tough = "high", plain = "low" }, others = "skip", default = "medium" }
team_size = { path = "people", absent_if = [-1, "n/a"] }
quality_score = { path = "stars", offset = -0.25, scale = 0.25, clamp = [0, 1] }
project_type = { const = "web" }
before_metrics = { clarity = "scores.\"clear ness\"" }
rules = [
  { each = "rules", rule_id = "$.name", parameters = "$.with", propensity = "$.p" },
  { rule_id = "last_rule", confidence = "sure" },
]
feedback = { each = "ratings", split = ";", rating = "$" }
[fields.tags]
user = "who"
percent = { path = "share", scale = 100 }
"#;

#[test]
fn every_part_of_the_grammar_does_what_it_says() {
    let mapping = Mapping::parse("m.toml", EVERYTHING).unwrap();
    let line = json!({
        "a": {"title": "Task", "body": ["no", "yes"]}, "t": 1_700_000_000_000_i64, "level": "tough", "people": -1,
        "stars": 3, "scores": {"clear ness": "0.5"}, "share": 0.5, "who": null, "unused": {"deep": [1, 2]},
        "rules": [{"name": "r1", "with": {"k": [1]}, "p": 0.25}, {"with": {}}, {"name": "r2"}],
        "last_rule": "r3", "sure": 1, "ratings": "5; 3;"
    });
    let (sessions, summary) = import(line.to_string(), Some(mapping));
    assert_eq!(errors(&summary), Vec::<String>::new());
    let session = &sessions[0].session;
    assert_eq!(session.original_prompt, "Task: {yes}");
    assert_eq!(session.event_time.unwrap().to_string(), "2023-11-14T22:13:20Z");
    assert_eq!((session.complexity, session.team_size), (Some(Complexity::High), None));
    assert_eq!((session.quality_score, session.project_type.as_deref()), (Some(0.5), Some("web")));
    assert_eq!(session.before_metrics.unwrap().clarity, Some(0.5));
    assert_eq!(session.rules.iter().map(|r| r.rule_id.as_str()).collect::<Vec<_>>(), ["r1", "r2", "r3"]);
    assert_eq!((session.rules[0].propensity, session.rules[2].confidence), (Some(0.25), Some(1.0)));
    assert_eq!(session.rules[0].parameters.as_ref().unwrap()["k"], json!([1]));
    assert_eq!(session.feedback.iter().map(|f| f.rating).collect::<Vec<_>>(), [5, 3]);
    assert_eq!(session.tags.keys().collect::<Vec<_>>(), ["percent"]);
    assert_eq!(session.tags["percent"], json!(50.0));
}

#[test]
fn values_that_do_not_fit_are_named_with_their_target() {
    let mapping = || Some(Mapping::parse("m.toml", EVERYTHING).unwrap());
    let base = json!({"a": {"title": "T", "body": ["", "b"]}});
    let check = |field: &str, value: serde_json::Value, expected: &str| {
        let mut line = base.clone();
        line[field] = value;
        let (_, summary) = import(line.to_string(), mapping());
        assert_eq!(errors(&summary), [format!("in:1: {expected}")], "{field}");
    };
    check("t", json!("soon"), "event_time: is `soon`; a point in time is expected");
    check("people", json!(2.5), "team_size: is 2.5; a whole number is expected");
    check("people", json!([]), "team_size: is a list; a whole number is expected");
    check("stars", json!("many"), "quality_score: is `many`; a number is expected");
    check("rules", json!("r1"), "rules: `rules` is a text; a list is expected");
    check(
        "rules",
        json!([1]),
        "rules.rule_id: `$.name` meets a number where an object with `name` is expected; a text is expected",
    );
    check("ratings", json!("5;six"), "feedback.rating: is `six`; a whole number is expected");
    check("ratings", json!([9]), "feedback[0].rating: is 9; a rating is a whole number from 1 to 5");
    check(
        "a",
        json!({}),
        "original_prompt: is missing; every session needs its prompt; the mapping reads it from several fields, one of which is absent",
    );
}

#[test]
fn wrong_mappings_are_refused_where_they_are_wrong() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Mapping::parse("m.toml", text).unwrap_err().to_string(), expected, "{text}");
    };
    let with = |line: &str| format!("[fields]\noriginal_prompt = \"p\"\n{line}\n");
    check("", "m.toml:1:1: the table `[fields]` is missing; it says which of our fields comes from where");
    check("[field]\n", "m.toml:1:2: unknown key `field`; did you mean `fields`?");
    check("[fields]\n", "m.toml:1:1: `original_prompt` is not filled; every session needs its prompt");
    check(&with("domian = \"d\""), "m.toml:3:1: `domian` is no field of a session; did you mean `domain`?");
    check(&with("domain = 3"), "m.toml:3:10: `domain` is integer; write a path, or a table such as { const = ... }");
    check(&with("domain = { pth = \"d\" }"), "m.toml:3:12: `pth` is no part of an expression; did you mean `path`?");
    check(
        &with("domain = { default = \"d\" }"),
        "m.toml:3:10: `domain` needs exactly one of `path`, `const` and `format`",
    );
    check(&with("domain = \"a..b\""), "m.toml:3:10: `a..b` lacks a name at `.b`; quote names with special characters");
    check(&with("quality_score = { const = \"x\" }"), "m.toml:3:27: a text does not fit; a number is expected");
    check(
        &with("domain = { path = \"d\", scale = 2 }"),
        "m.toml:3:32: `scale` is for numbers; a text is expected here",
    );
    check(
        &with("quality_score = { path = \"q\", clamp = [1, 0] }"),
        "m.toml:3:39: `clamp` is a list of the least and the greatest value",
    );
    check(
        &with("domain = { path = \"d\", time = \"unix\" }"),
        "m.toml:3:31: `time` is for points in time; a text is expected here",
    );
    check(
        &with("event_time = { path = \"d\", time = \"unix\" }"),
        "m.toml:3:35: `unix` is no way to write a time; did you mean `unix_s`?",
    );
    check(&with("rules = { each = \"r\" }"), "m.toml:3:9: `rules` does not fill `rule_id`, which every entry needs");
    check(
        &with("rules = { rule_id = \"r\", confidance = \"c\" }"),
        "m.toml:3:26: `confidance` is no field of rules; did you mean `confidence`?",
    );
    check(
        &with("domain = { format = \"{a\" }"),
        "m.toml:3:21: a brace in `{a` has no partner; write `{{` or `}}` for a plain one",
    );
    check(
        &with("domain = { path = \"d\", map = { a = \"b\" }, others = \"drop\" }"),
        "m.toml:3:52: `drop` is unknown; write `refuse`, `keep` or `skip`",
    );
}

#[test]
fn a_table_without_others_refuses_what_it_does_not_list() {
    let text = "[fields]\noriginal_prompt = \"p\"\ndomain = { path = \"d\", map = { med = \"healthcare\" } }\n";
    let (sessions, summary) =
        import("{\"p\":\"x\",\"d\":\"law\"}\n{\"p\":\"x\",\"d\":\"med\"}\n", Some(Mapping::parse("m", text).unwrap()));
    assert_eq!(sessions[0].session.domain.as_deref(), Some("healthcare"));
    let expected = "in:1: domain: is `law`; the mapping's table lists med; add it there, or set `others`";
    assert_eq!(errors(&summary), [expected]);
}

#[test]
fn a_mapping_can_say_that_it_is_for_csv() {
    let text = "format = \"csv\"\n[fields]\noriginal_prompt = \"Prompt text\"\nfeedback = { rating = \"Stars\" }\n";
    let mapping = Mapping::parse("m.toml", text).unwrap();
    assert_eq!(mapping.format(), Some(Format::Csv));
    let (sessions, summary) = import("Id,Stars,Prompt text\n1,5,Say hello\n2,,Say bye\n", Some(mapping.clone()));
    assert_eq!(errors(&summary), Vec::<String>::new());
    assert_eq!((sessions[0].session.feedback[0].rating, sessions[1].session.feedback.len()), (5, 0));
    let source = Source::stream("in", std::io::Cursor::new("Id,Prompt\n"));
    let error = run(source, Some(mapping), ImportSettings::default()).unwrap_err().to_string();
    assert_eq!(error, "m.toml:1:1: the file has no column `Prompt text`; did you mean `Prompt`?");
}
