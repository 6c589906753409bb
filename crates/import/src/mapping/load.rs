//! Compiles a mapping file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Mapping;
use super::expr::{Base, Expr, Kind, Others, Piece, TimeUnit};
use super::path::{self, Parsed, Path};
use super::targets::{BEFORE_METRICS, FEEDBACK, Fields, Group, Plan, RULE, SESSION, Target};
use crate::error::MappingError;
use crate::node::Node;
use crate::source::Format;

/// Longest mapping file that is read.
pub(crate) const MAPPING_BYTES: usize = 1 << 20;

/// A refusal and the bytes it is about.
pub(crate) struct Refused {
    span: Range<usize>,
    message: String,
}

type Outcome<T> = Result<T, Refused>;

fn refuse<T>(span: Range<usize>, message: impl Into<String>) -> Outcome<T> {
    Err(Refused { span, message: message.into() })
}

/// Compiles the text of a mapping file.
pub(crate) fn load(file: &Arc<str>, text: &str) -> Result<Mapping, MappingError> {
    if text.len() > MAPPING_BYTES {
        let message = format!("a mapping has at most {MAPPING_BYTES} bytes");
        return Err(MappingError { file: Arc::clone(file), line: 1, column: 1, message });
    }
    let placed = |refused: Refused| {
        let before = text.get(..refused.span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        MappingError { file: Arc::clone(file), line, column, message: refused.message }
    };
    let table = DeTable::parse(text)
        .map_err(|e| placed(Refused { span: e.span().unwrap_or(0..0), message: e.message().replace('\n', " ") }))?;
    // The first pass learns which fields of the line are looked at, the second knows their places.
    let mut compiler = Compiler { slots: BTreeMap::new(), in_each: false };
    compiler.file(&table).map_err(placed)?;
    for (slot, place) in compiler.slots.values_mut().enumerate() {
        *place = slot;
    }
    let (format, plan) = compiler.file(&table).map_err(placed)?;
    Ok(Mapping { file: Arc::clone(file), format, slots: compiler.slots.into_keys().collect(), plan })
}

/// "did you mean" the nearest of `known`, or all of them.
pub(crate) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str> + Clone) -> String {
    let score = |candidate: &str| strsim::jaro_winkler(candidate, name);
    match known.clone().max_by(|a, b| score(a).total_cmp(&score(b))) {
        Some(best) if score(best) > 0.75 => format!("did you mean `{best}`?"),
        _ => format!("known are {}", known.take(20).collect::<Vec<_>>().join(", ")),
    }
}

const MODIFIERS: [&str; 11] =
    ["path", "const", "format", "default", "map", "others", "absent_if", "scale", "offset", "clamp", "time"];

struct Compiler {
    slots: BTreeMap<String, usize>,
    /// Whether `$` stands for something: the expressions being read belong to an `each`.
    in_each: bool,
}

impl Compiler {
    fn file(&mut self, table: &Spanned<DeTable<'_>>) -> Outcome<(Option<Format>, Plan)> {
        let mut format = None;
        let mut plan = None;
        for (key, value) in table.get_ref() {
            match key.get_ref().as_ref() {
                "format" => format = Some(file_format(value)?),
                "fields" => plan = Some(self.plan(value)?),
                other => {
                    let hint = nearest(other, ["format", "fields"].into_iter());
                    return refuse(key.span(), format!("unknown key `{other}`; {hint}"));
                }
            }
        }
        match plan {
            Some(plan) => Ok((format, plan)),
            None => refuse(0..0, "the table `[fields]` is missing; it says which of our fields comes from where"),
        }
    }

    fn plan(&mut self, value: &Spanned<DeValue<'_>>) -> Outcome<Plan> {
        let table = as_table(value, "fields")?;
        let mut plan = Plan { session: empty(&SESSION), before: empty(&BEFORE_METRICS), ..Plan::default() };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "before_metrics" => {
                    plan.before =
                        self.fields("before_metrics.", as_table(value, "before_metrics")?, &BEFORE_METRICS)?;
                }
                "rules" => plan.rules = self.groups("rules", value, &RULE)?,
                "feedback" => plan.feedback = self.groups("feedback", value, &FEEDBACK)?,
                "tags" => {
                    for (name, value) in as_table(value, "tags")? {
                        let expr = self.expr(&format!("tags.{}", name.get_ref()), Kind::Scalar, value)?;
                        plan.tags.push((name.get_ref().clone().into_owned(), expr));
                    }
                }
                name => {
                    let Some(i) = SESSION.iter().position(|&(target, _)| target == name) else {
                        let also = ["before_metrics", "rules", "feedback", "tags"].into_iter();
                        let hint = nearest(name, SESSION.iter().map(|&(target, _)| target).chain(also));
                        return refuse(key.span(), format!("`{name}` is no field of a session; {hint}"));
                    };
                    plan.session.0[i] = Some(self.expr(name, SESSION[i].1, value)?);
                }
            }
        }
        if plan.session.0[1].is_none() {
            return refuse(value.span(), "`original_prompt` is not filled; every session needs its prompt");
        }
        Ok(plan)
    }

    fn fields(&mut self, prefix: &str, table: &DeTable<'_>, targets: &[Target]) -> Outcome<Fields> {
        let mut fields = empty(targets);
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if matches!(name, "each" | "split") && !prefix.starts_with("before") {
                continue;
            }
            let Some(i) = targets.iter().position(|&(target, _)| target == name) else {
                let hint = nearest(name, targets.iter().map(|&(target, _)| target));
                return refuse(key.span(), format!("`{name}` is no field of {}; {hint}", prefix.trim_end_matches('.')));
            };
            fields.0[i] = Some(self.expr(&format!("{prefix}{name}"), targets[i].1, value)?);
        }
        Ok(fields)
    }

    fn groups(&mut self, at: &str, value: &Spanned<DeValue<'_>>, targets: &[Target]) -> Outcome<Vec<Group>> {
        match value.get_ref() {
            DeValue::Array(items) => items.iter().map(|item| self.group(at, item, targets)).collect(),
            _ => Ok(vec![self.group(at, value, targets)?]),
        }
    }

    fn group(&mut self, at: &str, value: &Spanned<DeValue<'_>>, targets: &[Target]) -> Outcome<Group> {
        let table = as_table(value, at)?;
        let mut each = None;
        let mut split = None;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "each" => each = Some(self.path(value.span(), as_text(value, "each")?)?),
                "split" => split = Some(as_text(value, "split")?.to_owned()),
                _ => {}
            }
        }
        if split.as_deref() == Some("") || (split.is_some() && each.is_none()) {
            return refuse(value.span(), "`split` is the text between the elements of the text that `each` names");
        }
        self.in_each = each.is_some();
        let fields = self.fields(&format!("{at}."), table, targets);
        self.in_each = false;
        let fields = fields?;
        if fields.0[0].is_none() {
            let message = format!("`{at}` does not fill `{}`, which every entry needs", targets[0].0);
            return refuse(value.span(), message);
        }
        Ok(Group { each, split, fields })
    }

    fn expr(&mut self, at: &str, kind: Kind, value: &Spanned<DeValue<'_>>) -> Outcome<Expr> {
        let mut expr = Expr {
            at: at.to_owned(),
            kind,
            base: Base::Const(Node::Null),
            absent_if: Vec::new(),
            lookup: BTreeMap::new(),
            others: Others::default(),
            scale: 1.0,
            offset: 0.0,
            clamp: None,
            time: TimeUnit::Rfc3339,
            default: None,
        };
        match value.get_ref() {
            DeValue::String(text) => expr.base = Base::Path(self.path(value.span(), text)?),
            DeValue::Table(table) => self.modifiers(&mut expr, value.span(), table)?,
            other => {
                let message =
                    format!("`{at}` is {}; write a path, or a table such as {{ const = ... }}", other.type_str());
                return refuse(value.span(), message);
            }
        }
        Ok(expr)
    }

    fn modifiers(&mut self, expr: &mut Expr, span: Range<usize>, table: &DeTable<'_>) -> Outcome<()> {
        let mut bases = 0;
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            bases += usize::from(matches!(name, "path" | "const" | "format"));
            match name {
                "path" => expr.base = Base::Path(self.path(value.span(), as_text(value, name)?)?),
                "format" => expr.base = Base::Format(self.pieces(value.span(), as_text(value, name)?)?),
                "const" => expr.base = Base::Const(literal_for(expr.kind, value)?),
                "default" => expr.default = Some(literal_for(expr.kind, value)?),
                "absent_if" => expr.absent_if = as_list(value, name)?.iter().map(literal).collect::<Outcome<_>>()?,
                "map" => {
                    for (from, to) in as_table(value, name)? {
                        expr.lookup.insert(from.get_ref().clone().into_owned(), literal_for(expr.kind, to)?);
                    }
                }
                "others" => expr.others = others(value)?,
                "scale" => expr.scale = number_for(expr.kind, name, value)?,
                "offset" => expr.offset = number_for(expr.kind, name, value)?,
                "clamp" => expr.clamp = Some(clamp(expr.kind, value)?),
                "time" => expr.time = time_unit(expr.kind, value)?,
                _ => {
                    let hint = nearest(name, MODIFIERS.into_iter());
                    return refuse(key.span(), format!("`{name}` is no part of an expression; {hint}"));
                }
            }
        }
        if bases != 1 {
            let message = format!("`{}` needs exactly one of `path`, `const` and `format`", expr.at);
            return refuse(span, message);
        }
        if expr.others != Others::Refuse && expr.lookup.is_empty() {
            return refuse(span, "`others` is for values that `map` does not list; there is no `map`");
        }
        Ok(())
    }

    fn path(&mut self, span: Range<usize>, text: &str) -> Outcome<Path> {
        let parsed = path::parse(text).map_err(|message| Refused { span: span.clone(), message })?;
        let Parsed { root, steps } = parsed;
        if root.is_none() && !self.in_each {
            return refuse(span, format!("`{text}` is about the element of a list, but there is no `each` here"));
        }
        let slot = root.map(|name| *self.slots.entry(name).or_default());
        Ok(Path { slot, steps, text: text.trim().to_owned() })
    }

    /// A format: text with paths in braces; `{{` and `}}` are braces.
    fn pieces(&mut self, span: Range<usize>, text: &str) -> Outcome<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..];
            if let Some(after) = brace.strip_prefix("{{").or_else(|| brace.strip_prefix("}}")) {
                literal.push_str(&brace[..1]);
                rest = after;
            } else if let Some((path, after)) = brace.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Path(self.path(span.clone(), path)?));
                rest = after;
            } else {
                return refuse(
                    span,
                    format!("a brace in `{text}` has no partner; write `{{{{` or `}}}}` for a plain one"),
                );
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(pieces)
    }
}

fn empty(targets: &[Target]) -> Fields {
    Fields(vec![None; targets.len()])
}

fn as_table<'t, 'i>(value: &'t Spanned<DeValue<'i>>, at: &str) -> Outcome<&'t DeTable<'i>> {
    match value.get_ref() {
        DeValue::Table(table) => Ok(table),
        other => refuse(value.span(), format!("`{at}` is {}; a table is expected", other.type_str())),
    }
}

fn as_text<'t>(value: &'t Spanned<DeValue<'_>>, at: &str) -> Outcome<&'t str> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text),
        other => refuse(value.span(), format!("`{at}` is {}; a text is expected", other.type_str())),
    }
}

fn as_list<'t, 'i>(value: &'t Spanned<DeValue<'i>>, at: &str) -> Outcome<&'t [Spanned<DeValue<'i>>]> {
    match value.get_ref() {
        DeValue::Array(items) => Ok(items),
        other => refuse(value.span(), format!("`{at}` is {}; a list is expected", other.type_str())),
    }
}

fn file_format(value: &Spanned<DeValue<'_>>) -> Outcome<Format> {
    match as_text(value, "format")? {
        "jsonl" => Ok(Format::Jsonl),
        "csv" => Ok(Format::Csv),
        other => refuse(value.span(), format!("`{other}` is no format; write `jsonl` or `csv`")),
    }
}

fn literal(value: &Spanned<DeValue<'_>>) -> Outcome<Node<'static>> {
    let unreadable = || Refused { span: value.span(), message: "the number is out of range".to_owned() };
    Ok(match value.get_ref() {
        DeValue::String(text) => Node::Text(Cow::Owned(text.clone().into_owned())),
        DeValue::Boolean(b) => Node::Bool(*b),
        DeValue::Integer(i) => Node::Integer(i64::from_str_radix(i.as_str(), i.radix()).map_err(|_| unreadable())?),
        DeValue::Float(x) => {
            let x: f64 = x.as_str().parse().map_err(|_| unreadable())?;
            if !x.is_finite() {
                return Err(unreadable());
            }
            Node::Number(x)
        }
        other => {
            let message = format!("{} cannot stand here; write a text, number or boolean", other.type_str());
            return refuse(value.span(), message);
        }
    })
}

/// A literal that the target can take.
fn literal_for(kind: Kind, value: &Spanned<DeValue<'_>>) -> Outcome<Node<'static>> {
    let node = literal(value)?;
    let fits = match kind {
        Kind::Text | Kind::Scalar | Kind::Texts => true,
        Kind::Number => matches!(node, Node::Integer(_) | Node::Number(_)),
        Kind::Integer => matches!(node, Node::Integer(_)),
        Kind::Time => matches!(node, Node::Text(_) | Node::Integer(_) | Node::Number(_)),
        Kind::Complexity => serde_json::from_value::<souffleur_core::records::Complexity>(node.to_json()).is_ok(),
        Kind::Object => false,
    };
    if fits { Ok(node) } else { refuse(value.span(), format!("{} does not fit; {}", node.kind(), kind.expected())) }
}

fn number_for(kind: Kind, name: &str, value: &Spanned<DeValue<'_>>) -> Outcome<f64> {
    if !matches!(kind, Kind::Number | Kind::Integer | Kind::Scalar) {
        return refuse(value.span(), format!("`{name}` is for numbers; {} here", kind.expected()));
    }
    match literal(value)? {
        Node::Integer(i) => Ok(i as f64),
        Node::Number(x) => Ok(x),
        other => refuse(value.span(), format!("`{name}` is {}; a number is expected", other.kind())),
    }
}

fn clamp(kind: Kind, value: &Spanned<DeValue<'_>>) -> Outcome<(f64, f64)> {
    let bounds = as_list(value, "clamp")?.iter().map(|item| number_for(kind, "clamp", item));
    match bounds.collect::<Outcome<Vec<f64>>>()?.as_slice() {
        &[low, high] if low <= high => Ok((low, high)),
        _ => refuse(value.span(), "`clamp` is a list of the least and the greatest value"),
    }
}

fn others(value: &Spanned<DeValue<'_>>) -> Outcome<Others> {
    match as_text(value, "others")? {
        "refuse" => Ok(Others::Refuse),
        "keep" => Ok(Others::Keep),
        "skip" => Ok(Others::Skip),
        other => refuse(value.span(), format!("`{other}` is unknown; write `refuse`, `keep` or `skip`")),
    }
}

fn time_unit(kind: Kind, value: &Spanned<DeValue<'_>>) -> Outcome<TimeUnit> {
    if kind != Kind::Time {
        return refuse(value.span(), format!("`time` is for points in time; {} here", kind.expected()));
    }
    match as_text(value, "time")? {
        "rfc3339" => Ok(TimeUnit::Rfc3339),
        "unix_s" => Ok(TimeUnit::Seconds),
        "unix_ms" => Ok(TimeUnit::Milliseconds),
        "unix_us" => Ok(TimeUnit::Microseconds),
        other => {
            let hint = nearest(other, ["rfc3339", "unix_s", "unix_ms", "unix_us"].into_iter());
            refuse(value.span(), format!("`{other}` is no way to write a time; {hint}"))
        }
    }
}
