//! Keys, rates, sizes and times.

use std::io::{BufReader, Write};
use std::time::{Duration, Instant};

use serde_json::json;

use super::problems::problem;
use crate::service::{connect, read, start};

const KEY: &str = "a-key-of-some-length";

#[test]
fn a_key_opens_what_it_is_meant_to_open() {
    let service = start(&[("http.api_keys", "another-key-of-length,a-key-of-some-length")]);
    let answer = service.get("/v1/health");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    insta::assert_json_snapshot!(problem(answer, 401, "unauthorized"));
    for headers in [
        [("Authorization", format!("Bearer {KEY}"))],
        [("authorization", format!("bearer {KEY}"))],
        [("X-API-Key", KEY.to_owned())],
    ] {
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        service.send("GET", "/v1/components", &headers, b"").expect(200);
    }
    for wrong in ["a-key-of-some-lengt", "a-key-of-some-length2", "", "A-key-of-some-length"] {
        problem(service.send("GET", "/metrics", &[("X-API-Key", wrong)], b""), 401, "unauthorized");
    }
    problem(service.post("/v1/sessions", &json!({"original_prompt": "x"})), 401, "unauthorized");
    for open in ["/livez", "/readyz", "/openapi.json", "/docs/", "/problems/busy"] {
        service.get(open).expect(200);
    }
}

#[test]
fn too_many_requests_are_told_when_to_come_back_and_health_is_not_counted() {
    let service = start(&[("http.rate_limit_per_s", "1"), ("http.burst", "2")]);
    service.get("/v1/rules").expect(200);
    service.get("/v1/rules").expect(200);
    let refused = service.get("/v1/rules");
    assert_eq!(refused.header("retry-after"), Some("1"));
    problem(refused, 429, "rate-limited");
    for _ in 0..20 {
        service.get("/v1/health").expect(200);
        service.get("/metrics").expect(200);
    }
    std::thread::sleep(Duration::from_millis(1100));
    service.get("/v1/rules").expect(200);
}

#[test]
fn what_is_too_large_is_refused() {
    let service = start(&[("http.body_limit_bytes", "2048"), ("http.records_max", "3")]);
    let large = json!({"original_prompt": "x".repeat(4096)});
    problem(service.post("/v1/sessions", &large), 413, "payload-too-large");
    let prompt = json!({"original_prompt": "x"});
    problem(service.post("/v1/sessions", &json!([prompt, prompt, prompt, prompt])), 413, "payload-too-large");
    // A body that lies about its length is cut off at the limit as well.
    let mut stream = connect(service.address);
    stream.write_all(b"POST /v1/sessions HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    let chunk = format!("{:x}\r\n{}\r\n", 4096, " ".repeat(4096));
    stream.write_all(chunk.as_bytes()).unwrap();
    problem(read(&mut BufReader::new(stream), "POST"), 413, "payload-too-large");
    assert_eq!(service.runtime.store().counts().unwrap().sessions, 0);
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let service = start(&[("http.request_timeout_ms", "200")]);
    let began = Instant::now();
    let mut stream = connect(service.address);
    stream.write_all(b"POST /v1/sessions HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\n[").unwrap();
    problem(read(&mut BufReader::new(stream), "POST"), 504, "timeout");
    assert!(began.elapsed() < Duration::from_secs(5));
    service.get("/livez").expect(200);
}
