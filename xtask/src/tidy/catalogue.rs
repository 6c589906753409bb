//! Every component file is in the catalogue, and every word of the catalogue has its file.

use super::{Finding, Source};

const FOLDER: &str = "crates/components/src/";

pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let Some(root) = sources.iter().find(|s| s.path == format!("{FOLDER}lib.rs")) else {
        return vec![format!("{FOLDER}lib.rs: missing; the catalogue is declared there")];
    };
    let listed = listed(&root.text);
    let mut findings = Vec::new();
    for source in sources {
        let Some(rest) = source.path.strip_prefix(FOLDER) else { continue };
        let module = rest.split('/').next().unwrap_or(rest).trim_end_matches(".rs");
        if module != "lib" && !rest.contains('/') && !listed.contains(&module) {
            findings.push(format!("{}:1: not in the catalogue; add `{module}` to catalogue! in lib.rs", source.path));
        }
    }
    findings
}

fn listed(text: &str) -> Vec<&str> {
    let inside =
        text.split_once("catalogue! {").and_then(|(_, rest)| rest.split_once('}')).map_or("", |(words, _)| words);
    inside.split(',').map(str::trim).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: format!("{FOLDER}{path}"), text: text.to_owned() }
    }

    #[test]
    fn a_component_that_is_not_listed_is_refused() {
        let root = source("lib.rs", "souffleur_core::catalogue! { one }");
        let findings = check(&[root, source("one.rs", ""), source("two.rs", ""), source("one/model.rs", "")]);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].contains("two"), "{findings:?}");
    }
}
