//! Paths into a line: `a.b[0].c`, `"odd name".x`, `$` for the element of a list.

use crate::node::Node;

/// Deepest a path may go.
const STEPS: usize = 32;

/// A path before its first name has been given a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// The field of the line it begins with; `None` for `$`.
    pub(crate) root: Option<String>,
    pub(crate) steps: Vec<Step>,
}

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Name(String),
    Index(usize),
}

/// A path that knows where its first name is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// The slot it begins in; `None` for the element of the list being read.
    pub(crate) slot: Option<usize>,
    pub(crate) steps: Vec<Step>,
    /// As it was written.
    pub(crate) text: String,
}

/// Reads a path. The message says what would be right.
pub(crate) fn parse(text: &str) -> Result<Parsed, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("a path is empty; name a field of the line".to_owned());
    }
    let mut root = None;
    let mut steps = Vec::new();
    if let Some(after) = rest.strip_prefix('$') {
        rest = after;
    } else {
        let (name, after) = name(rest, text)?;
        root = Some(name);
        rest = after;
    }
    while !rest.is_empty() {
        if steps.len() == STEPS {
            return Err(format!("`{text}` goes more than {STEPS} steps deep"));
        }
        if let Some(after) = rest.strip_prefix('.') {
            let (name, after) = name(after, text)?;
            steps.push(Step::Name(name));
            rest = after;
        } else if let Some((index, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
            let index =
                index.parse().map_err(|_| format!("`[{index}]` in `{text}` is no index; write a number from 0"))?;
            steps.push(Step::Index(index));
            rest = after;
        } else {
            return Err(format!("`{text}` cannot be read at `{rest}`; write a path such as `a.b[0].c`"));
        }
    }
    Ok(Parsed { root, steps })
}

fn name<'t>(rest: &'t str, text: &str) -> Result<(String, &'t str), String> {
    if let Some(quoted) = rest.strip_prefix('"') {
        let Some((name, after)) = quoted.split_once('"') else {
            return Err(format!("a quoted name in `{text}` is never closed; close it with `\"`"));
        };
        return Ok((name.to_owned(), after));
    }
    let end = rest.find(['.', '[', ']', '"', '$', '{', '}']).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    if name.is_empty() {
        return Err(format!("`{text}` lacks a name at `{rest}`; quote names with special characters"));
    }
    Ok((name.to_owned(), after))
}

impl Path {
    /// The value it leads to; `None` where it leads nowhere.
    ///
    /// Stepping into a text or number as if it were an object is an error, told by its message.
    pub(crate) fn follow<'n>(
        &self,
        slots: &'n [Node<'n>],
        element: Option<&'n Node<'n>>,
    ) -> Result<Option<&'n Node<'n>>, String> {
        let mut node = match self.slot {
            Some(slot) => slots.get(slot),
            None => element,
        };
        for step in &self.steps {
            node = match (node, step) {
                (None | Some(Node::Null), _) => return Ok(None),
                (Some(Node::Object(entries)), Step::Name(name)) => {
                    entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
                }
                (Some(Node::List(items)), Step::Index(index)) => items.get(*index),
                (Some(other), Step::Name(name)) => {
                    return Err(format!(
                        "`{}` meets {} where an object with `{name}` is expected",
                        self.text,
                        other.kind()
                    ));
                }
                (Some(other), Step::Index(index)) => {
                    return Err(format!(
                        "`{}` meets {} where a list with [{index}] is expected",
                        self.text,
                        other.kind()
                    ));
                }
            };
        }
        Ok(node.filter(|node| **node != Node::Null))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paths() {
        let parsed = parse(r#"a."odd.name"[3].c"#).unwrap();
        assert_eq!(parsed.root.as_deref(), Some("a"));
        assert_eq!(parsed.steps, [Step::Name("odd.name".into()), Step::Index(3), Step::Name("c".into())]);
        assert_eq!(parse("$").unwrap(), Parsed { root: None, steps: vec![] });
        assert_eq!(parse("two words").unwrap().root.as_deref(), Some("two words"));
    }

    #[test]
    fn says_what_is_wrong_with_a_path() {
        for (text, expected) in [
            ("", "a path is empty"),
            ("a..b", "lacks a name at `.b`"),
            ("a[x]", "`[x]` in `a[x]` is no index"),
            ("a[1", "cannot be read at `[1`"),
            ("\"a", "never closed"),
            ("$x", "cannot be read at `x`"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn follows_paths_and_says_where_they_break() {
        let node = Node::Object(vec![("b".into(), Node::List(vec![Node::Integer(7)]))]);
        let slots = [node];
        let path = |text: &str| {
            let Parsed { root, steps } = parse(text).unwrap();
            Path { slot: root.map(|_| 0), steps, text: text.to_owned() }
        };
        assert_eq!(path("a.b[0]").follow(&slots, None), Ok(Some(&Node::Integer(7))));
        assert_eq!(path("a.b[1].x").follow(&slots, None), Ok(None));
        let error = path("a.b.c").follow(&slots, None).unwrap_err();
        assert_eq!(error, "`a.b.c` meets a list where an object with `c` is expected");
    }
}
