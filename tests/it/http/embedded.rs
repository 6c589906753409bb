//! The service inside somebody's own application: runs the example through a socket.

use std::net::TcpListener;

use serde_json::json;
use souffleur::Runtime;
use souffleur::settings::Settings;

use crate::sample;
use crate::service::{PATIENCE, block_on, request, wait_until};

#[path = "../../../examples/embed_actix.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod example;

#[test]
fn an_application_of_ones_own_hosts_the_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let data_dir = dir.path().to_owned();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let settings = Settings::default();
            let builder = Runtime::builder().settings(settings.clone()).components([sample::entry()]);
            let runtime = builder.data_dir(data_dir).start().await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let (address, server) = example::app(runtime.clone(), &settings, listener).unwrap();
            tell.send((address, server.handle(), runtime.clone())).unwrap();
            server.await.unwrap();
            assert!(runtime.shutdown().await.clean);
        });
    });
    let (address, server, runtime) = told.recv_timeout(PATIENCE).unwrap();
    wait_until("the runtime is ready", || runtime.is_ready());
    let get = |path: &str| request(address, "GET", path, &[], b"");
    let json = [("Content-Type", "application/json")];
    let improved = request(address, "POST", "/improve", &json, br#"{"text": "Write a test."}"#).expect(200).json();
    assert_eq!(improved["improved"], "Write a test. Show one example.");
    wait_until("the prompt is remembered", || get("/remembered").json() == json!({"prompts": 1}));
    let health = get("/souffleur/v1/health").expect(200).json();
    assert_eq!(health["components"][0]["name"], "mean_success");
    let document = get("/souffleur/openapi.json").expect(200).json();
    assert_eq!(document["servers"][0]["url"], ".");
    get("/souffleur/docs/").expect(200);
    assert_eq!(get("/souffleur/v1/nothing").expect(404).json()["type"], "/problems/not-found");
    // Outside the scope the application answers in its own way.
    assert_eq!(get("/v1/health").expect(404).body, b"");
    block_on(server.stop(true));
    thread.join().unwrap();
}
