//! The recorded history, where it is at hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use souffleur_import::{ImportSettings, Mapping, Source};

use crate::support::{errors, run};

#[test]
fn the_recorded_history_is_read_whole() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("SOUFFLEUR_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let path = shared.join("data/history/prompt_history.jsonl.gz");
    if !path.exists() {
        println!("skipped: {} is not here", path.display());
        return;
    }
    let mapping = Mapping::read(root.join("config/mappings/alpaca_thoughtsource.toml")).unwrap();
    let (sessions, summary) = run(Source::path(path), Some(mapping), ImportSettings::default()).unwrap();
    assert_eq!(errors(&summary), Vec::<String>::new());
    assert_eq!(sessions.len(), 65_846);
    let mut sources: BTreeMap<&str, usize> = BTreeMap::new();
    for session in &sessions {
        *sources.entry(session.session.tags["source"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(sources, BTreeMap::from([("alpaca_eval", 60_874), ("thoughtsource", 4_972)]));
    assert_eq!(sessions.iter().filter(|s| s.session.domain.is_some()).count(), 30_893);
    assert_eq!(sessions.iter().filter(|s| !s.session.rules.is_empty()).count(), 5_980);
    assert!(sessions.iter().all(|s| s.session.feedback.len() == 1 && s.session.quality_score.is_some()));
}
