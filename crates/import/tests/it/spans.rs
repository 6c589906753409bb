//! Spans of generative AI as files of exporters hold them.

use souffleur_import::ImportSettings;

use crate::support::{errors, gzip, import, names, run};

fn span(id: &str, attribute: &str) -> String {
    format!(
        "{{\"traceId\": \"ab\", \"spanId\": \"{id}\", \"startTimeUnixNano\": 1544712660000000000,\n\
         \"attributes\": [{{\"key\": \"{attribute}\", \"value\": {{\"stringValue\": \"Sort {{[\\\"these\\\"]\"}}}}]}}"
    )
}

fn request(spans: &[String]) -> String {
    format!("{{\"resourceSpans\": [{{\n\"scopeSpans\": [{{\"spans\": [{}]}}]}}]}}\n", spans.join(",\n"))
}

#[test]
fn requests_may_have_many_lines_and_follow_each_other() {
    let requests =
        [request(&[span("01", "gen_ai.prompt"), span("02", "http.route")]), request(&[span("03", "gen_ai.prompt")])];
    let one_a_line: String = requests.iter().map(|request| request.trim_end().replace('\n', " ") + "\n").collect();
    let file = requests.concat();
    for bytes in [file.clone().into_bytes(), gzip(file.as_bytes()), one_a_line.into_bytes()] {
        let (sessions, summary) = import(&bytes, None);
        assert_eq!(errors(&summary), Vec::<String>::new());
        assert_eq!(names(&sessions), ["ab-01", "ab-03"]);
        assert_eq!(sessions[0].session.original_prompt, "Sort {[\"these\"]");
        assert_eq!((summary.progress.records, summary.progress.passed_over), (2, 1));
    }
}

#[test]
fn a_request_that_breaks_off_is_told_and_what_came_before_is_kept() {
    let whole = request(&[span("01", "gen_ai.prompt")]);
    let broken = whole.clone() + &whole[..whole.len() - 4];
    let (sessions, summary) = import(broken, None);
    assert_eq!((sessions.len(), summary.incomplete), (1, true));
    assert!(errors(&summary)[0].starts_with("in:4: the JSON object that begins here does not end"), "{summary:?}");
}

#[test]
fn a_file_is_told_by_its_name_or_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["traces.otlp", "traces.json"] {
        let path = folder.path().join(name);
        std::fs::write(&path, request(&[span("01", "gen_ai.prompt")])).unwrap();
        let (sessions, _) = run(souffleur_import::Source::path(&path), None, ImportSettings::default()).unwrap();
        assert_eq!(names(&sessions), ["ab-01"]);
    }
}
