//! A file holds one idea and a function fits a screen.

use super::{Finding, Source};

/// Most lines of a file.
const FILE_LINES: usize = 500;
/// Most lines of a function.
const FUNCTION_LINES: usize = 70;

pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines: Vec<&str> = source.text.lines().collect();
        if lines.len() > FILE_LINES {
            findings.push(format!("{}:1: {} lines; at most {FILE_LINES}: split it by idea", source.path, lines.len()));
        }
        for (start, length) in functions(&lines) {
            if length > FUNCTION_LINES {
                findings
                    .push(format!("{}:{start}: a function of {length} lines; at most {FUNCTION_LINES}", source.path));
            }
        }
    }
    findings
}

/// First line and length of every function. Formatted code closes a function at its own indentation.
fn functions(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let text = line.trim_start();
        let indentation = line.len() - text.len();
        if !is_function(text) {
            continue;
        }
        let own = |line: &str| line.len() - line.trim_start().len() == indentation;
        // A declaration without a body ends where its list of arguments does.
        let ends = |line: &str| own(line) && (line.ends_with(';') || line.trim_start() == "}");
        let one_liner = text.ends_with('}') || text.ends_with(';');
        let end = lines[i..].iter().position(|line| ends(line)).filter(|end| lines[i + end].ends_with('}'));
        if !one_liner && let Some(length) = end {
            found.push((i + 1, length + 1));
        }
    }
    found
}

fn is_function(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words
        .by_ref()
        .find(|w| !["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "extern", "\"C\""].contains(w))
        == Some("fn")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_is_found_and_a_short_one_is_not() {
        let mut text = String::from("pub fn long() {\n");
        text.push_str(&"    call();\n".repeat(FUNCTION_LINES));
        text.push_str("}\n\nfn short() {\n    call();\n}\n");
        // A declaration is not as long as all that follows it.
        text.push_str("trait Wide {\n    fn declared(\n        &self,\n    ) -> u8;\n");
        text.push_str(&"    /// More.\n    fn one(&self);\n".repeat(FUNCTION_LINES));
        text.push_str(
            "}\n\nimpl Wide for () {\n    fn declared(\n        &self,\n    ) -> u8 {\n        1\n    }\n}\n",
        );
        let findings = check(&[Source { path: "a.rs".to_owned(), text }]);
        assert_eq!(findings.len(), 1, "{findings:?}");
    }
}
