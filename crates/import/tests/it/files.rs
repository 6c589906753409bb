//! Files as they come: compressed, broken, too long, wrongly encoded.

use std::io::{Cursor, Read};

use souffleur_core::records::Complexity;
use souffleur_import::{Format, ImportError, ImportSettings, Importer, OnError, RECORD_BYTES, Source};

use crate::support::{errors, gzip, import, job, line, names, run};

#[test]
fn bad_lines_are_named_and_the_rest_is_kept() {
    let text = [
        line("a").as_str(),
        "{\"original_prompt\":\"x\",\"qualty\":1}\n",
        "\n",
        "not json\n",
        "{\"original_prompt\":\"x\",\"quality_score\":2}\n",
        "{\"original_prompt\":\"x\"\n",
        "{\"session_id\":\"n\"}\n",
        line("b").as_str(),
    ]
    .concat();
    let (sessions, summary) = import(text, None);
    assert_eq!(names(&sessions), ["a", "b"]);
    assert_eq!((summary.progress.records, summary.progress.errors, summary.progress.sessions), (7, 5, 2));
    let expected = [
        "in:2:31: unknown field `qualty`, expected one of `session_id`, `original_prompt`, `improved_prompt`, \
         `event_time`, `project_type`, `domain`, `complexity`, `team_size`, `before_metrics`, `rules`, \
         `quality_score`, `improvement_score`, `feedback`, `tags`",
        "in:4:2: expected ident; write one JSON object per line",
        "in:5: quality_score: is 2; it must lie in [0, 1]",
        "in:6:22: EOF while parsing an object; write one JSON object per line",
        "in:7:18: missing field `original_prompt`",
    ];
    assert_eq!(errors(&summary), expected);
}

#[test]
fn only_so_many_errors_are_kept_but_all_are_counted() {
    let settings = ImportSettings { errors_kept: 3, ..ImportSettings::default() };
    let source = Source::stream("in", Cursor::new("?\n".repeat(5000)));
    let (_, summary) = run(source, None, settings).unwrap();
    assert_eq!((summary.errors.len(), summary.progress.errors), (3, 5000));
    assert_eq!(summary.errors[2].line, 3);
}

#[test]
fn a_message_does_not_quote_a_line_at_length() {
    let (_, summary) = import(format!("{{\"{}\":1}}\n", "é".repeat(100_000)), None);
    let message = &summary.errors[0].message;
    assert!(message.starts_with("unknown field `éé") && message.ends_with(" ..."), "{message}");
    assert!(message.chars().count() < 510);
}

#[test]
fn byte_order_marks_carriage_returns_blanks_and_missing_ends_do_no_harm() {
    let text = format!("\u{feff}{}\r\n \t\r\n\n{}", line("a").trim_end(), line("b").trim_end());
    let (sessions, summary) = import(text, None);
    assert_eq!(names(&sessions), ["a", "b"]);
    assert_eq!(errors(&summary), Vec::<String>::new());
    assert!(import("", None).0.is_empty());
    assert!(import("\u{feff}", None).0.is_empty());
}

#[test]
fn other_encodings_and_nul_bytes_are_named() {
    let mut bytes = line("a").into_bytes();
    bytes.extend_from_slice(b"{\"original_prompt\":\"caf\xe9\"}\n{\"original_prompt\":\"a\0b\"}\n\0\0\n");
    bytes.extend_from_slice(line("b").as_bytes());
    let (sessions, summary) = import(bytes, None);
    assert_eq!(names(&sessions), ["a", "b"]);
    let expected = [
        "in:2:24: is not UTF-8; convert the file to UTF-8",
        "in:3:22: control character (\\u0000-\\u001F) found while parsing a string; write one JSON object per line",
        "in:4:1: expected value; write one JSON object per line",
    ];
    assert_eq!(errors(&summary), expected);
    let utf16 = run(Source::stream("in", Cursor::new(b"\xff\xfe{\0}\0")), None, ImportSettings::default());
    assert_eq!(utf16.unwrap_err().to_string(), "in: it is written in UTF-16; convert it to UTF-8");
}

#[test]
fn a_line_beyond_the_limit_is_skipped_to_its_end() {
    let long = format!("{{\"original_prompt\":\"{}\"}}\n", "x".repeat(RECORD_BYTES));
    let text = [line("a"), long, line("b")].concat();
    for bytes in [text.clone().into_bytes(), gzip(text.as_bytes())] {
        let (sessions, summary) = import(bytes, None);
        assert_eq!(names(&sessions), ["a", "b"]);
        assert_eq!(errors(&summary), ["in:2: the line is longer than 8388608 bytes; split it or leave it out"]);
    }
}

#[test]
fn a_compressed_file_of_several_members_is_read_to_its_end() {
    let bytes =
        [gzip(line("a").as_bytes()), gzip(line("b").as_bytes()), gzip(b""), gzip(line("c").as_bytes())].concat();
    let (sessions, summary) = import(bytes, None);
    assert_eq!(names(&sessions), ["a", "b", "c"]);
    assert!(!summary.incomplete);
}

#[test]
fn a_truncated_file_keeps_what_came_before() {
    let text: String = (0..5000).map(|i| line(&format!("s{i:05}"))).collect();
    let whole = gzip(text.as_bytes());
    let (sessions, summary) = import(&whole[..whole.len() / 2], None);
    assert!(sessions.len() > 500 && sessions.len() < 5000, "{}", sessions.len());
    assert!(names(&sessions).iter().enumerate().all(|(i, name)| *name == format!("s{i:05}")));
    let at = sessions.len() + 1;
    let expected = format!("in:{at}: the compressed stream ends early; the file is incomplete, fetch it again");
    assert_eq!(errors(&summary), [expected]);
    assert!(summary.incomplete);
    let mut damaged = whole;
    let middle = damaged.len() / 2;
    damaged[middle..middle + 64].fill(0xff);
    let (sessions, summary) = import(damaged, None);
    assert!(summary.incomplete, "{summary:?}");
    assert!(
        sessions.len() > 500 && names(&sessions)[..500].iter().enumerate().all(|(i, name)| *name == format!("s{i:05}"))
    );
}

#[test]
fn order_is_that_of_the_file_whatever_the_number_of_threads() {
    let text: String = (0..20_000).map(|i| line(&format!("s{i:05}"))).collect();
    for threads in [1, 2, 5] {
        let settings = ImportSettings { threads, ..ImportSettings::default() };
        let (sessions, summary) = run(Source::stream("in", Cursor::new(text.clone())), None, settings).unwrap();
        assert_eq!(sessions.len(), 20_000);
        assert!(names(&sessions).iter().enumerate().all(|(i, name)| *name == format!("s{i:05}")));
        assert_eq!(summary.progress.bytes_read, text.len() as u64);
    }
}

#[test]
fn sessions_without_a_name_get_one_that_follows_from_their_content() {
    let text = "{\"original_prompt\":\"one\"}\n{\"original_prompt\":\"two\",\"tags\":{\"b\":1,\"a\":2}}\n";
    let again = "{\"tags\":{\"a\":2,\"b\":1}, \"original_prompt\":\"two\"}\n";
    let (first, _) = import(text, None);
    let (second, _) = import(again, None);
    assert_eq!(first[1].session.session_id, second[0].session.session_id);
    assert_ne!(first[0].session.session_id, first[1].session.session_id);
}

#[test]
fn a_bad_file_can_be_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.jsonl");
    let text: String = (0..5000).map(|i| line(&format!("s{i}"))).collect();
    std::fs::write(&path, format!("{text}oops\n")).unwrap();
    let settings = ImportSettings { on_error: OnError::Abort, ..ImportSettings::default() };
    let mut handed_on = 0;
    let sink = |batch: Vec<_>| -> Result<(), std::convert::Infallible> {
        handed_on += batch.len();
        Ok(())
    };
    let error = Importer::new(Source::path(&path), None, settings).run(&job(), sink, |_| ()).unwrap_err();
    let expected = format!("{}:5001:1: expected value; write one JSON object per line", path.display());
    assert_eq!(error.to_string(), expected);
    assert_eq!(handed_on, 0);
    std::fs::write(&path, text).unwrap();
    let (sessions, summary) = run(Source::path(&path), None, settings).unwrap();
    assert_eq!(sessions.len(), 5000);
    assert_eq!(summary.progress.bytes_total, Some(summary.progress.bytes_read));
}

#[test]
fn a_sink_that_refuses_ends_the_import() {
    let text: String = (0..20_000).map(|i| line(&format!("s{i}"))).collect();
    let mut calls = 0;
    let sink = |_: Vec<_>| {
        calls += 1;
        Err("full")
    };
    let source = Source::stream("in", Cursor::new(text));
    let error = Importer::new(source, None, ImportSettings::default()).run(&job(), sink, |_| ()).unwrap_err();
    assert!(matches!(error, ImportError::Sink("full")), "{error}");
    assert_eq!(calls, 1);
}

#[test]
fn a_missing_file_and_a_directory_are_named() {
    let missing = run(Source::path("/no/such.jsonl"), None, ImportSettings::default()).unwrap_err();
    assert!(missing.to_string().starts_with("/no/such.jsonl: "), "{missing}");
    let dir = tempfile::tempdir().unwrap();
    let error = run(Source::path(dir.path()), None, ImportSettings::default()).unwrap_err();
    assert!(error.to_string().ends_with("it is a directory; name a file"), "{error}");
}

/// A stream without end or newline, as a zip bomb unfolds to.
struct Endless;

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        buffer.fill(b'x');
        Ok(buffer.len())
    }
}

#[test]
fn an_endless_line_is_cancelled_like_anything_else() {
    let job = job();
    let mut reports = 0;
    let token = job.cancel_token();
    let report = |_: &_| {
        reports += 1;
        if reports == 3 {
            token.cancel();
        }
    };
    let importer = Importer::new(Source::stream("in", Endless), None, ImportSettings::default());
    let sink = |_: Vec<_>| -> Result<(), std::convert::Infallible> { Ok(()) };
    let error = importer.run(&job, sink, report).unwrap_err();
    assert!(matches!(error, ImportError::Interrupted(_)), "{error}");
}

fn csv(text: &str) -> crate::support::Outcome {
    run(Source::stream("in", Cursor::new(text.to_owned())).with_format(Format::Csv), None, ImportSettings::default())
}

#[test]
fn csv_is_read_under_its_header() {
    let text = "session_id,original_prompt,before_metrics.clarity,tags.user,complexity\r\n\
                a,\"Write, please,\n two lines\",0.25,u-1,0.75\r\n\
                b,Too few\n\
                \n\
                c,\"He said \"\"yes\"\"\",,,1\n";
    let (sessions, summary) = csv(text).unwrap();
    assert_eq!(names(&sessions), ["a", "c"]);
    assert_eq!(errors(&summary), ["in:4: has 2 fields; the header has 5"]);
    let first = &sessions[0].session;
    assert_eq!(first.original_prompt, "Write, please,\n two lines");
    assert_eq!(first.before_metrics.unwrap().clarity, Some(0.25));
    assert_eq!((first.complexity, first.tags["user"].as_str()), (Some(Complexity::High), Some("u-1")));
    assert_eq!(sessions[1].session.original_prompt, "He said \"yes\"");
    assert_eq!((sessions[1].session.before_metrics, sessions[1].session.complexity), (None, Some(Complexity::Low)));
}

#[test]
fn a_quote_left_open_costs_its_line_only() {
    let text = "session_id,original_prompt\na,one\nb,\"open\nc,three\nd,four\n";
    let (sessions, summary) = csv(text).unwrap();
    assert_eq!(names(&sessions), ["a", "c", "d"]);
    assert_eq!(errors(&summary), ["in:3: a quoted field that begins here is never closed; close it with `\"`"]);
}

#[test]
fn a_header_that_fits_nothing_is_refused() {
    let error = csv("original_prompt,domian\nx,y\n").unwrap_err();
    let expected = "in:1:1: the header does not name our fields: `domian` is no field of a session; did you mean \
                    `domain`?; or write a mapping";
    assert_eq!(error.to_string(), expected);
    let error = csv("original_prompt,original_prompt\nx,y\n").unwrap_err();
    assert!(error.to_string().contains("the column `original_prompt` occurs twice"), "{error}");
    assert!(csv("").unwrap().0.is_empty());
    let error = csv("\"original_prompt\nx\n").unwrap_err().to_string();
    assert!(error.starts_with("in: the header cannot be read: a quoted field"), "{error}");
}
