//! Expressions: how one value of ours is made from a line.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use souffleur_core::error::Invalid;
use souffleur_core::records::Complexity;
use souffleur_core::time::Timestamp;

use super::path::Path;
use crate::node::Node;

/// What a target field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Integer,
    Time,
    Complexity,
    /// A text, number or boolean, kept as it is.
    Scalar,
    /// An object of named values.
    Object,
    /// A list of texts, or one text.
    Texts,
}

impl Kind {
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text is expected",
            Self::Number => "a number is expected",
            Self::Integer => "a whole number is expected",
            Self::Time => "a point in time is expected",
            Self::Complexity => "low, medium, high or very_high is expected",
            Self::Scalar => "a text, number or boolean is expected",
            Self::Object => "an object is expected",
            Self::Texts => "a list of texts is expected",
        }
    }
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeUnit {
    Rfc3339,
    Seconds,
    Milliseconds,
    Microseconds,
}

/// Where a value begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Base {
    Path(Path),
    Const(Node<'static>),
    Format(Vec<Piece>),
}

/// A part of a format.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Literal(String),
    Path(Path),
}

/// What becomes of values a lookup table does not list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Others {
    #[default]
    Refuse,
    Keep,
    Skip,
}

/// One compiled expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expr {
    /// The target, as errors name it.
    pub(crate) at: String,
    pub(crate) kind: Kind,
    pub(crate) base: Base,
    /// Values that count as absent.
    pub(crate) absent_if: Vec<Node<'static>>,
    pub(crate) lookup: BTreeMap<String, Node<'static>>,
    pub(crate) others: Others,
    pub(crate) scale: f64,
    pub(crate) offset: f64,
    pub(crate) clamp: Option<(f64, f64)>,
    pub(crate) time: TimeUnit,
    pub(crate) default: Option<Node<'static>>,
}

/// What an expression sees.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'n> {
    pub(crate) slots: &'n [Node<'n>],
    pub(crate) element: Option<&'n Node<'n>>,
}

/// A value found, or made up.
pub(crate) enum Held<'n> {
    Found(&'n Node<'n>),
    Made(Node<'static>),
}

impl Held<'_> {
    pub(crate) fn node(&self) -> &Node<'_> {
        match self {
            Self::Found(node) => node,
            Self::Made(node) => node,
        }
    }
}

fn shown(node: &Node<'_>) -> String {
    match node.scalar_text() {
        Some(text) => {
            let short: String = text.chars().take(40).collect();
            let dots = if short.len() < text.len() { "..." } else { "" };
            format!("`{short}{dots}`")
        }
        None => node.kind().to_owned(),
    }
}

impl Expr {
    fn invalid(&self, problem: String) -> Invalid {
        Invalid::new(self.at.as_str(), problem, self.kind.expected())
    }

    fn mismatch(&self, node: &Node<'_>) -> Invalid {
        self.invalid(format!("is {}", shown(node)))
    }

    /// The value before it is read as what the target takes.
    pub(crate) fn value<'n>(&'n self, scope: Scope<'n>) -> Result<Option<Held<'n>>, Invalid> {
        let found = self.base(scope)?.filter(|held| !self.absent_if.contains(held.node()));
        let found = match found {
            Some(held) if !self.lookup.is_empty() => self.look_up(held)?,
            other => other,
        };
        Ok(found.or_else(|| self.default.as_ref().map(Held::Found)))
    }

    fn base<'n>(&'n self, scope: Scope<'n>) -> Result<Option<Held<'n>>, Invalid> {
        let follow = |path: &Path| path.follow(scope.slots, scope.element).map_err(|problem| self.invalid(problem));
        match &self.base {
            Base::Path(path) => Ok(follow(path)?.map(Held::Found)),
            Base::Const(node) => Ok(Some(Held::Found(node))),
            Base::Format(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Literal(literal) => text.push_str(literal),
                        Piece::Path(path) => {
                            let Some(node) = follow(path)? else {
                                return Ok(None);
                            };
                            text.push_str(&node.scalar_text().ok_or_else(|| self.mismatch(node))?);
                        }
                    }
                }
                Ok(Some(Held::Made(Node::Text(Cow::Owned(text)))))
            }
        }
    }

    fn look_up<'n>(&'n self, held: Held<'n>) -> Result<Option<Held<'n>>, Invalid> {
        let key = held.node().scalar_text().ok_or_else(|| self.mismatch(held.node()))?;
        if let Some(node) = self.lookup.get(&*key) {
            return Ok(Some(Held::Found(node)));
        }
        match self.others {
            Others::Skip => Ok(None),
            Others::Keep => {
                drop(key);
                Ok(Some(held))
            }
            Others::Refuse => {
                let known = self.lookup.keys().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
                let expected = format!("the mapping's table lists {known}; add it there, or set `others`");
                Err(Invalid::new(self.at.as_str(), format!("is {}", shown(held.node())), expected))
            }
        }
    }

    pub(crate) fn text(&self, scope: Scope<'_>) -> Result<Option<String>, Invalid> {
        let Some(held) = self.value(scope)? else { return Ok(None) };
        let text = held.node().scalar_text().ok_or_else(|| self.mismatch(held.node()))?;
        Ok(Some(text.into_owned()))
    }

    pub(crate) fn number(&self, scope: Scope<'_>) -> Result<Option<f64>, Invalid> {
        let Some(held) = self.value(scope)? else { return Ok(None) };
        let plain = match held.node() {
            Node::Integer(i) => *i as f64,
            Node::Number(x) => *x,
            Node::Text(text) => text.trim().parse().map_err(|_| self.mismatch(held.node()))?,
            other => return Err(self.mismatch(other)),
        };
        let scaled = plain * self.scale + self.offset;
        if !scaled.is_finite() {
            return Err(self.mismatch(held.node()));
        }
        Ok(Some(self.clamp.map_or(scaled, |(low, high)| scaled.clamp(low, high))))
    }

    pub(crate) fn integer(&self, scope: Scope<'_>) -> Result<Option<i64>, Invalid> {
        let Some(number) = self.number(scope)? else { return Ok(None) };
        // 2^53: whole numbers beyond are not exact in a double.
        if number.fract() != 0.0 || number.abs() > 9_007_199_254_740_992.0 {
            return Err(self.invalid(format!("is {number}")));
        }
        Ok(Some(number as i64))
    }

    pub(crate) fn time(&self, scope: Scope<'_>) -> Result<Option<Timestamp>, Invalid> {
        let per_unit = match self.time {
            TimeUnit::Rfc3339 => {
                let Some(held) = self.value(scope)? else { return Ok(None) };
                let Node::Text(text) = held.node() else { return Err(self.mismatch(held.node())) };
                let time = Timestamp::parse(text);
                return time.map(Some).map_err(|e| {
                    Invalid::new(self.at.as_str(), e.to_string(), "set `time` in the mapping for Unix times")
                });
            }
            TimeUnit::Seconds => 1e6,
            TimeUnit::Milliseconds => 1e3,
            TimeUnit::Microseconds => 1.0,
        };
        let Some(number) = self.number(scope)? else { return Ok(None) };
        let us = (number * per_unit).round();
        // Year 9999: what RFC 3339 can still write.
        if us.abs() > 253_402_300_799_000_000.0 {
            return Err(self.invalid(format!("is {number}")));
        }
        Ok(Some(Timestamp(us as i64)))
    }

    pub(crate) fn complexity(&self, scope: Scope<'_>) -> Result<Option<Complexity>, Invalid> {
        let Some(held) = self.value(scope)? else { return Ok(None) };
        let json = match held.node() {
            // A CSV writes numbers as text: `1` is the grade, as a word is, and `0.25` the feature.
            Node::Text(text) if Complexity::parse(text).is_none() => {
                text.trim().parse::<f64>().map_or_else(|_| held.node().to_json(), Value::from)
            }
            node => node.to_json(),
        };
        serde_json::from_value(json).map(Some).map_err(|_| self.mismatch(held.node()))
    }

    pub(crate) fn scalar(&self, scope: Scope<'_>) -> Result<Option<Value>, Invalid> {
        let Some(held) = self.value(scope)? else { return Ok(None) };
        match held.node() {
            Node::List(_) | Node::Object(_) => Err(self.mismatch(held.node())),
            Node::Integer(_) | Node::Number(_) if self.is_scaled() => Ok(self.number(scope)?.map(Value::from)),
            node => Ok(Some(node.to_json())),
        }
    }

    fn is_scaled(&self) -> bool {
        self.scale != 1.0 || self.offset != 0.0 || self.clamp.is_some()
    }

    pub(crate) fn object(&self, scope: Scope<'_>) -> Result<Option<BTreeMap<String, Value>>, Invalid> {
        let Some(held) = self.value(scope)? else { return Ok(None) };
        match held.node() {
            Node::Object(entries) => {
                Ok(Some(entries.iter().map(|(k, v)| (k.clone().into_owned(), v.to_json())).collect()))
            }
            other => Err(self.mismatch(other)),
        }
    }

    pub(crate) fn texts(&self, scope: Scope<'_>) -> Result<Vec<String>, Invalid> {
        let Some(held) = self.value(scope)? else { return Ok(Vec::new()) };
        match held.node() {
            Node::List(items) => {
                let text = |item: &Node<'_>| Ok(item.scalar_text().ok_or_else(|| self.mismatch(item))?.into_owned());
                items.iter().map(text).collect()
            }
            node => Ok(vec![node.scalar_text().ok_or_else(|| self.mismatch(node))?.into_owned()]),
        }
    }
}
