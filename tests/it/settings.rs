//! The settings of components, and the committed reference.

use std::path::Path;

use souffleur::settings::{Settings, Sources, reference};

use crate::sample;

fn refused(sources: &Sources, expected: &str) {
    let error = Settings::load(sources, &[sample::entry()]).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_component_checks_its_own_section() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.toml");
    let shown = path.display();
    let file = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Sources::new().file(&path)
    };
    refused(
        &file("[components.mean_succes]\n"),
        &format!("{shown}:1: `components.mean_succes` is no setting; did you mean `mean_success`?"),
    );
    refused(
        &file("[components.mean_success]\nwork = 1\n"),
        &format!("{shown}:2: `components.mean_success.work` is no setting; did you mean `work_ms`?"),
    );
    refused(
        &file("[components.mean_success]\n\nprior_weight = -1\n"),
        &format!("{shown}:3: `components.mean_success.prior_weight` is -1; it must lie in [0, 1000000]"),
    );
    refused(
        &Sources::new().environment([("SOUFFLEUR__COMPONENTS__MEAN_SUCCESS__WORK_MS", "soon")]),
        "SOUFFLEUR__COMPONENTS__MEAN_SUCCESS__WORK_MS: `components.mean_success.work_ms` is \"soon\"; \
         write a whole number of at least 0",
    );
    let settings = Settings::load(&file("[components.mean_success]\nprior_weight = 2\n"), &[sample::entry()]).unwrap();
    assert_eq!(settings.components["mean_success"]["prior_weight"], 2);
}

#[test]
fn the_reference_explains_a_component() {
    let text = reference(&[sample::entry()]).unwrap();
    insta::assert_snapshot!(&text[text.find("# The mean success").unwrap()..]);
}

#[test]
fn the_committed_reference_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/reference.toml");
    let fresh = reference(souffleur::app::catalogue()).unwrap();
    if std::env::var_os("SOUFFLEUR_BLESS").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == fresh, "config/reference.toml is stale: run `cargo xtask codegen`");
}

#[test]
fn the_committed_reference_reads_back_as_the_defaults() {
    let sources = Sources::new().file(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/reference.toml"));
    let read = Settings::load(&sources, souffleur::app::catalogue()).unwrap();
    let defaults = Settings::default();
    assert_eq!(Settings { components: Default::default(), ..read }, defaults);
}
