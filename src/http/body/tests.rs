use proptest::prelude::*;

use super::*;

const MOST: usize = 1000;

fn json(body: &str) -> Parsed<Session> {
    parse_sessions(Some("application/json"), body.as_bytes(), MOST).unwrap()
}

fn places(parsed: &Parsed<Session>) -> Vec<(String, Option<usize>, Option<usize>)> {
    parsed.bad.iter().map(|d| (d.at.clone(), d.line, d.column)).collect()
}

#[test]
fn one_object_a_list_and_lines_read_the_same() {
    let one = r#"{"original_prompt":"a ] } \" , b","tags":{"x":"[1,{"}}"#;
    let single = json(one).good;
    assert_eq!(single.len(), 1);
    let twice: Vec<_> = [0, 1].map(|i| (i, single[0].1.clone())).into();
    assert_eq!(json(&format!(" [ {one} ,\n{one}]\n")).good, twice);
    let lines =
        parse_sessions(Some("application/x-ndjson; charset=utf-8"), format!("{one}\r\n\n{one}").as_bytes(), MOST);
    assert_eq!(lines.unwrap().good, twice);
    assert_eq!(json("[]").total, 0);
}

#[test]
fn a_bad_record_is_told_its_line_and_column() {
    let parsed =
        json("[\n  {\"original_prompt\": \"a\"},\n  {\"original_prompt\": 7},\n  {\"original_prompt\":\"\"}\n]");
    assert_eq!(parsed.good.len(), 1);
    assert_eq!(places(&parsed), [("[1]".into(), Some(3), Some(23)), ("[2].original_prompt".into(), Some(4), None)]);
    let lines = b"{\"original_prompt\":\"a\"}\n{\"original_prompt\":\n{\"prompt\":1}";
    let parsed = parse_sessions(Some("application/x-ndjson"), lines, MOST).unwrap();
    assert_eq!(parsed.bad.len(), 2);
    assert_eq!((parsed.bad[0].at.as_str(), parsed.bad[0].line), ("line 2", Some(2)));
    assert!(parsed.bad[1].problem.contains("unknown field `prompt`"), "{:?}", parsed.bad[1]);
}

#[test]
fn what_is_no_json_says_where_it_stops_being_so() {
    let problem = parse_sessions(None, b"[{},\n oops]", MOST).unwrap_err().to_string();
    assert!(problem.contains("line 2, column 2"), "{problem}");
}

#[test]
fn other_media_types_and_too_many_records_are_refused() {
    let problem = parse_sessions(Some("text/csv"), b"a,b", MOST).unwrap_err().to_string();
    assert!(problem.contains("`text/csv` is not read here"), "{problem}");
    let problem = parse_sessions(None, b"[{},{},{}]", 2).unwrap_err().to_string();
    assert!(problem.contains("3 records are too many"), "{problem}");
}

/// Bodies near the truth: valid sessions, cut, repeated and with bytes changed.
fn near() -> impl Strategy<Value = Vec<u8>> {
    let piece = proptest::sample::select(vec![
        r#"{"original_prompt":"write a test"}"#,
        r#"{"session_id":"s","original_prompt":"é\"\\","rules":[{"rule_id":"r","propensity":0.5}],"quality_score":2}"#,
        r#"{"session_id":"s","rating":5,"areas":["a"]}"#,
        r#"{"rule_id":"r","priority":1e400}"#,
        "[",
        "]",
        ",",
        "\n",
        "{",
        "}",
        "\"",
        "null",
        "[[[[",
        "\u{0}",
        "1e999",
        "\\u0000",
        "\\ud800",
    ]);
    let edits = proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..3);
    (proptest::collection::vec(piece, 0..8), edits).prop_map(|(pieces, edits)| {
        let mut bytes = pieces.concat().into_bytes();
        for (at, byte) in edits {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        bytes
    })
}

fn holds(content_type: &str, body: &[u8]) -> Result<(), TestCaseError> {
    fn accounted<T>(parsed: Result<Parsed<T>, Problem>) -> Result<(), TestCaseError> {
        if let Ok(parsed) = parsed {
            prop_assert_eq!(parsed.good.len() + parsed.bad.len(), parsed.total);
            prop_assert!(parsed.bad.iter().all(|d| !d.problem.is_empty() && !d.expected.is_empty()));
        }
        Ok(())
    }
    accounted(parse_sessions(Some(content_type), body, MOST))?;
    accounted(parse_feedback(Some(content_type), body, MOST))?;
    accounted(parse_rules(Some(content_type), body, MOST))?;
    // What serde reads as a list in one go is the same list.
    if content_type == "application/json"
        && let Ok(whole) = serde_json::from_slice::<Vec<Session>>(body)
    {
        let parsed = parse_sessions(Some(content_type), body, MOST).unwrap();
        prop_assert_eq!(parsed.total, whole.len());
        for (i, session) in parsed.good {
            prop_assert_eq!(&session, &whole[i]);
        }
    }
    Ok(())
}

#[test]
fn bodies_of_any_kind_are_read_or_refused_record_by_record() {
    let run = |cases, strategy: BoxedStrategy<Vec<u8>>| {
        let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
        let types = proptest::sample::select(vec!["application/json", "application/x-ndjson"]);
        let runner = &mut proptest::test_runner::TestRunner::new(config);
        runner.run(&(types, strategy), |(content_type, body)| holds(content_type, &body)).unwrap();
    };
    run(100_000, near().boxed());
    run(20_000, proptest::collection::vec(any::<u8>(), 0..200).boxed());
}
