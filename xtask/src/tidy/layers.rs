//! Dependencies point downwards only, and each framework stays behind its layer.

use super::manifest::Package;
use super::{Finding, Source};

/// What each package of ours may depend on, of our own.
const ALLOWED: &[(&str, &[&str])] = &[
    ("souffleur-algorithms", &[]),
    ("souffleur-core", &[]),
    // For tests and benchmarks, and for the tasks that run them.
    ("souffleur-cluster", &[]),
    ("souffleur-simulator", &["souffleur-core"]),
    ("souffleur-components", &["souffleur-core", "souffleur-algorithms", "souffleur-simulator"]),
    ("souffleur-contracts", &["souffleur-core", "souffleur-algorithms"]),
    ("souffleur-columnar", &["souffleur-core"]),
    ("souffleur-import", &["souffleur-core", "souffleur-columnar"]),
    ("souffleur-export", &["souffleur-core", "souffleur-columnar"]),
    ("souffleur-store", &["souffleur-core"]),
    ("souffleur-cache", &[]),
    ("souffleur-actors", &["souffleur-cache", "souffleur-core"]),
    (
        "souffleur",
        &[
            "souffleur-actors",
            "souffleur-cache",
            "souffleur-columnar",
            "souffleur-components",
            "souffleur-contracts",
            "souffleur-core",
            "souffleur-export",
            "souffleur-import",
            "souffleur-simulator",
            "souffleur-store",
        ],
    ),
    ("xtask", &["souffleur-cluster"]),
];

/// Who alone may depend on a framework.
const FRAMEWORKS: &[(&str, &[&str])] = &[
    ("actix", &["souffleur-actors"]),
    ("actix-web", &["souffleur"]),
    ("diesel", &["souffleur-store"]),
    ("diesel_migrations", &["souffleur-store"]),
    ("libsqlite3-sys", &["souffleur-store"]),
    ("moka", &["souffleur-cache"]),
    ("redis", &["souffleur-cache"]),
];

pub(crate) fn check(packages: &[Package], sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package.name) else {
            findings.push(format!("{}: unknown package; give it a layer in xtask/src/tidy/layers.rs", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            if dependency.starts_with("souffleur") && !allowed.contains(&dependency.as_str()) {
                findings.push(format!(
                    "{}: depends on {dependency}, which is not below it; see docs/architecture.md",
                    package.name
                ));
            }
            if let Some((_, users)) = FRAMEWORKS.iter().find(|(name, _)| name == dependency)
                && !users.contains(&package.name.as_str())
            {
                findings.push(format!("{}: depends on {dependency}; only {} may", package.name, users.join(", ")));
            }
        }
    }
    findings.extend(actix_web_stays_in_http(sources));
    findings
}

fn actix_web_stays_in_http(sources: &[Source]) -> Vec<Finding> {
    let outside = sources.iter().filter(|s| s.path.starts_with("src/") && !s.path.starts_with("src/http"));
    outside
        .flat_map(|source| {
            source
                .product_lines()
                .filter(|(_, line)| line.contains("actix_web::"))
                .map(|(n, _)| format!("{}:{n}: uses actix_web outside src/http; move it there", source.path))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependency: &str) -> Package {
        Package { name: name.to_owned(), dependencies: vec![dependency.to_owned()], benches: Vec::new() }
    }

    #[test]
    fn an_edge_upward_is_refused() {
        let findings = check(&[package("souffleur-core", "souffleur-store")], &[]);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(check(&[package("souffleur-store", "souffleur-core")], &[]).is_empty());
    }

    #[test]
    fn a_framework_outside_its_layer_is_refused() {
        assert_eq!(check(&[package("souffleur-components", "diesel")], &[]).len(), 1);
        assert!(check(&[package("souffleur-store", "diesel")], &[]).is_empty());
    }

    #[test]
    fn actix_web_outside_http_is_refused() {
        let source = |path: &str| Source { path: path.to_owned(), text: "use actix_web::web;".to_owned() };
        assert_eq!(check(&[], &[source("src/cli/serve.rs")]).len(), 1);
        assert!(check(&[], &[source("src/http/health.rs")]).is_empty());
    }
}
