//! The stream of events.

use std::io::{BufReader, Write};
use std::net::TcpStream;

use serde_json::json;

use super::problems::problem;
use crate::service::{PATIENCE, Service, connect, read_chunk, read_head, start, wait_until};

/// Opens a stream and reads its greeting.
fn listen(service: &Service) -> BufReader<TcpStream> {
    let mut stream = connect(service.address);
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: t\r\n\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let (status, headers) = read_head(&mut reader);
    assert_eq!(status, 200);
    assert!(headers.contains(&("content-type".to_owned(), "text/event-stream".to_owned())), "{headers:?}");
    assert_eq!(read_chunk(&mut reader).unwrap(), b": listening\n\n");
    reader
}

/// Reads until a piece contains `text`; `None` if the stream ends before.
fn until(reader: &mut BufReader<TcpStream>, text: &str) -> Option<String> {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let piece = String::from_utf8(read_chunk(reader)?).unwrap();
        assert!(std::time::Instant::now() < deadline, "no `{text}` within {PATIENCE:?}");
        if piece.contains(text) {
            return Some(piece);
        }
    }
}

#[test]
fn what_happens_is_told() {
    let service = start(&[]);
    let mut events = listen(&service);
    service.post("/v1/sessions", &json!({"original_prompt": "x"})).expect(201);
    let told = until(&mut events, "event: rows_appended\n").unwrap();
    let data = told.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let event: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!((event["type"].clone(), event["records"].clone()), (json!("rows_appended"), json!(1)));
}

#[test]
fn a_quiet_stream_shows_signs_of_life() {
    let service = start(&[("http.event_keep_alive_ms", "100")]);
    let mut events = listen(&service);
    for _ in 0..3 {
        assert!(until(&mut events, ": still here").is_some());
    }
}

#[test]
fn streams_are_limited_and_given_back() {
    let service = start(&[("http.event_streams_max", "1"), ("http.event_keep_alive_ms", "600000")]);
    let first = listen(&service);
    let refused = service.get("/v1/events");
    assert_eq!(refused.header("retry-after"), Some("5"));
    problem(refused, 503, "busy");
    drop(first);
    wait_until("the stream is given back", || {
        let mut stream = connect(service.address);
        stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: t\r\n\r\n").unwrap();
        read_head(&mut BufReader::new(stream)).0 == 200
    });
}

#[test]
fn streams_end_when_the_service_stops() {
    let mut service = start(&[("http.shutdown_timeout_ms", "30000")]);
    let mut events = listen(&service);
    let began = std::time::Instant::now();
    service.stop();
    assert!(began.elapsed().as_secs() < 15, "the open stream held the service up for {:?}", began.elapsed());
    assert_eq!(until(&mut events, "nothing like this"), None);
}
