use super::*;

fn load(toml: &str) -> Result<Settings, SettingsError> {
    let schema = schema(&[]);
    let defaults = layer::from_toml("the defaults", DEFAULTS)?;
    merge(vec![defaults, layer::from_toml("souffleur.toml", toml)?], &schema, &[]).map(|(settings, _)| settings)
}

fn refused(toml: &str, expected: &str) {
    assert_eq!(load(toml).unwrap_err().to_string(), expected);
}

#[test]
fn the_defaults_are_settings() {
    assert_eq!(Settings::load(&Sources::new(), &[]).unwrap(), Settings::default());
}

#[test]
fn the_stronger_source_wins() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("souffleur.toml");
    std::fs::write(&path, "[http]\nport = 1\nburst = 2\nworkers = 3\n").unwrap();
    let sources = Sources::new()
        .file(&path)
        .environment([("SOUFFLEUR__HTTP__BURST", "20"), ("SOUFFLEUR__HTTP__WORKERS", "30"), ("HOME", "/")])
        .set("http.workers", "40", "--workers");
    let http = Settings::load(&sources, &[]).unwrap().http;
    assert_eq!((http.port, http.burst, http.workers), (1, 20, 40));
    assert_eq!(http.body_limit_bytes, Settings::default().http.body_limit_bytes);
}

#[test]
fn an_unknown_key_is_told_the_nearest_and_where_it_stands() {
    refused("[http]\n\nprot = 80\n", "souffleur.toml:3: `http.prot` is no setting; did you mean `port`?");
    refused("[htpp]\n", "souffleur.toml:1: `htpp` is no setting; did you mean `http`?");
}

#[test]
fn a_wrong_type_or_range_says_what_would_be_right() {
    refused(
        "[http]\nport = \"eighty\"\n",
        "souffleur.toml:2: `http.port` is \"eighty\"; write a whole number from 0 to 65535",
    );
    refused("http = 5\n", "souffleur.toml:1: `http` is 5; write a section of keys");
    refused("[http]\nworkers = 0\n", "souffleur.toml:2: `http.workers` is 0; write a whole number from 1 to 64");
    refused(
        "[telemetry]\nformat = \"jsno\"\n",
        "souffleur.toml:2: `telemetry.format` is \"jsno\"; did you mean `json`?",
    );
    refused(
        "[http]\nport = 99999999999999999999\n",
        "souffleur.toml:2: `port` 99999999999999999999 does not fit into 64 bits; write a smaller number",
    );
}

#[test]
fn every_problem_of_a_source_is_listed() {
    let error = load("[http]\nport = true\nburst = 0\n[store]\nx = 1\n").unwrap_err();
    assert_eq!(error.problems.len(), 3);
}

#[test]
fn broken_toml_says_the_line() {
    let error = load("[http]\nport = = 1\n").unwrap_err().to_string();
    assert!(error.starts_with("souffleur.toml:2: "), "{error}");
}

#[test]
fn a_variable_is_named_in_its_error() {
    let sources = Sources::new().environment([("SOUFFLEUR__HTTP__PORT", "many")]);
    let error = Settings::load(&sources, &[]).unwrap_err().to_string();
    let expected = "SOUFFLEUR__HTTP__PORT: `http.port` is \"many\"; write a whole number from 0 to 65535";
    assert_eq!(error, expected);
}

#[test]
fn others_are_let_in_with_a_key_only() {
    refused(
        "[http]\nbind = \"0.0.0.0\"\n",
        "souffleur.toml:2: `http.bind` is 0.0.0.0, which others can reach, and there is no API key; \
         set `http.api_keys`, or bind to 127.0.0.1",
    );
    let sources = Sources::new()
        .set("http.bind", "0.0.0.0", "--bind")
        .environment([("SOUFFLEUR__HTTP__API_KEYS", "0123456789abcdef, fedcba9876543210")]);
    assert_eq!(Settings::load(&sources, &[]).unwrap().http.api_keys.len(), 2);
}

#[test]
fn a_key_is_never_shown() {
    let error = load("[http]\napi_keys = [\"hunter2\"]\n").unwrap_err().to_string();
    assert!(!error.contains("hunter2") && error.contains("at least 16 characters"), "{error}");
    let settings = load("[http]\napi_keys = [\"0123456789abcdef\"]\n").unwrap();
    assert!(!format!("{settings:?}").contains("0123456789abcdef"));
    assert!(!serde_json::to_string(&settings).unwrap().contains("0123456789abcdef"));
}

#[test]
fn a_database_is_a_postgres_address_and_is_never_shown() {
    let problem =
        "souffleur.toml:2: `store.url` is no address of a PostgreSQL database; write postgres://user@host/database";
    refused("[store]\nurl = \"mysql://u:hidden@h/d\"", problem);
    let address = "[store]\nurl = \"postgres://u:hidden@h/d\"";
    if cfg!(feature = "postgres") {
        let settings = load(address).unwrap();
        assert_eq!(settings.store.url.reveal(), Some("postgres://u:hidden@h/d"));
        let shown = format!("{settings:?} {}", serde_json::to_string(&settings).unwrap());
        assert!(!shown.contains("hidden"), "{shown}");
    } else {
        let problem =
            "names a PostgreSQL database, which this program was built without; build it with --features postgres";
        refused(address, &format!("souffleur.toml:2: `store.url` {problem}"));
    }
    assert_eq!(load("").unwrap().store.url.reveal(), None);
}

#[test]
fn a_redis_server_has_an_address_which_is_never_shown() {
    let address = "[cache]\nredis_url = \"redis://:hidden@cache:6379/1\"";
    if cfg!(feature = "redis") {
        let settings = load(address).unwrap();
        let shown = format!("{settings:?} {}", serde_json::to_string(&settings).unwrap());
        assert!(!shown.contains("hidden"), "{shown}");
        let error = load("[cache]\nredis_url = \"http://:hidden@cache\"").unwrap_err().to_string();
        let expected = "souffleur.toml:2: `cache.redis_url` is no address of a Redis server: ";
        assert!(error.starts_with(expected) && !error.contains("hidden"), "{error}");
    } else {
        let problem = "names a Redis server, which this program was built without; build it with --features redis";
        refused(address, &format!("souffleur.toml:2: `cache.redis_url` {problem}"));
    }
}

#[test]
fn every_key_has_a_word_of_explanation() {
    fn visit(at: &str, schema: Schema<'_>) {
        for key in schema.keys() {
            let inner = schema.key(key).unwrap();
            let said = inner.json().get("description").is_some_and(|d| !d.as_str().unwrap_or_default().is_empty());
            assert!(said, "{at}.{key} has no description");
            visit(&format!("{at}.{key}"), inner);
        }
    }
    visit("", Schema::new(&schema(&[])));
}

#[test]
fn the_reference_reads_back_as_the_defaults() {
    assert_eq!(load(&reference(&[]).unwrap()).unwrap(), Settings::default());
}

mod arbitrary {
    use proptest::prelude::*;

    use super::*;

    fn mutated() -> impl Strategy<Value = String> {
        let lines: Vec<&'static str> = DEFAULTS.lines().collect();
        let line = prop_oneof![
            proptest::sample::select(lines),
            proptest::sample::select(vec!["[http]", "[components.x]", "port = ", "[[http]]", "\"a[9999999999]\" = 1"]),
        ];
        let edit = (any::<proptest::sample::Index>(), proptest::char::any());
        (proptest::collection::vec(line, 0..6), proptest::collection::vec(edit, 0..4)).prop_map(|(lines, edits)| {
            let mut text: Vec<char> = lines.join("\n").chars().collect();
            for (at, c) in edits {
                if !text.is_empty() {
                    let at = at.index(text.len());
                    text[at] = c;
                }
            }
            text.into_iter().collect()
        })
    }

    fn holds(defaults: &Layer, schema: &Json, text: &str) -> Result<(), TestCaseError> {
        let read = layer::from_toml("f", text).map_err(SettingsError::from);
        let merged = read.and_then(|layer| merge(vec![defaults.clone(), layer], schema, &[]));
        if let Err(error) = merged {
            prop_assert!(!error.problems.is_empty());
            for problem in error.problems {
                prop_assert!(!problem.origin.is_empty() && !problem.problem.is_empty() && !problem.expected.is_empty());
            }
        }
        Ok(())
    }

    #[test]
    fn toml_of_any_kind_is_read_or_refused_with_a_reason() {
        let schema = schema(&[]);
        let defaults = layer::from_toml("the defaults", DEFAULTS).unwrap();
        let run = |cases, strategy: BoxedStrategy<String>| {
            let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
            proptest::test_runner::TestRunner::new(config)
                .run(&strategy, |text| holds(&defaults, &schema, &text))
                .unwrap();
        };
        run(80_000, mutated().boxed());
        run(20_000, any::<String>().boxed());
    }
}
