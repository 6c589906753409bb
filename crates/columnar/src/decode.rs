//! Columns become sessions again.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, FieldRef};
use arrow_select::take::take;
use serde_json::Value;
use souffleur_core::error::Invalid;
use souffleur_core::records::{BeforeMetrics, Complexity, FeedbackEntry, RuleApplication, Session, limits};

use crate::cells::{Kind, elements, integer, is_known, number, text, time};
use crate::error::ColumnarError;

/// A column that is looked for, and what it must hold.
type Target = (&'static str, Kind);

const SESSION: [Target; 15] = [
    ("session_id", Kind::Text),
    ("provenance", Kind::Text),
    ("event_time", Kind::Time),
    ("original_prompt", Kind::Text),
    ("improved_prompt", Kind::Text),
    ("project_type", Kind::Text),
    ("domain", Kind::Text),
    ("complexity", Kind::Text),
    ("team_size", Kind::Integer),
    ("before_metrics", Kind::Struct),
    ("quality_score", Kind::Number),
    ("improvement_score", Kind::Number),
    ("rules", Kind::List),
    ("feedback", Kind::List),
    ("tags", Kind::Text),
];

const BEFORE: [Target; 5] = [
    ("overall_score", Kind::Number),
    ("clarity", Kind::Number),
    ("completeness", Kind::Number),
    ("actionability", Kind::Number),
    ("effectiveness", Kind::Number),
];

const RULE: [Target; 7] = [
    ("rule_id", Kind::Text),
    ("parameters", Kind::Text),
    ("improvement_score", Kind::Number),
    ("confidence", Kind::Number),
    ("execution_time_ms", Kind::Number),
    ("propensity", Kind::Number),
    ("event_time", Kind::Time),
];

const FEEDBACK: [Target; 4] =
    [("rating", Kind::Integer), ("text", Kind::Text), ("areas", Kind::List), ("event_time", Kind::Time)];

/// The columns found for `N` targets.
type Found<const N: usize> = [Option<ArrayRef>; N];

/// A session read from a row; it has not been validated.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The session.
    pub session: Session,
    /// Which generator made it up; `None` for a real session.
    pub provenance: Option<String>,
}

/// The sessions of one batch of columns.
#[derive(Debug)]
pub struct SessionRows {
    len: usize,
    session: Found<15>,
    before: Found<5>,
    rules: Found<7>,
    feedback: Found<4>,
}

impl SessionRows {
    /// Finds our columns in a batch. They may be any of the usual types for what they hold, and stand in any order; only
    /// `original_prompt` must be there.
    ///
    /// # Errors
    /// [`ColumnarError::Columns`] names a column that is not ours, is there twice, or holds something else.
    pub fn of(batch: &RecordBatch) -> Result<Self, ColumnarError> {
        let schema = batch.schema();
        let session = pick("", schema.fields(), batch.columns(), &SESSION)?;
        let [.., before, _, _, rules, feedback, _] = &session;
        let (before, rules) = (parts("before_metrics.", before, &BEFORE)?, parts("rules.", rules, &RULE)?);
        let feedback = parts("feedback.", feedback, &FEEDBACK)?;
        if session[3].is_none() {
            return Err(ColumnarError::Columns(
                "there is no column `original_prompt`; every session needs its prompt".to_owned(),
            ));
        }
        Ok(Self { len: batch.num_rows(), session, before, rules, feedback })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The session of row `i`.
    ///
    /// # Errors
    /// A value that cannot be one of ours: what it is, where, and what would be right.
    pub fn row(&self, i: usize) -> Result<Decoded, Invalid> {
        let [id, provenance, event_time, original, improved, project_type, domain, grade, team_size, before, ..] =
            &self.session;
        let [.., quality_score, improvement_score, rules, feedback, tags] = &self.session;
        let owned = |column: &Option<ArrayRef>| Some(text(column.as_ref()?, i)?.to_owned());
        let Some(original_prompt) = owned(original) else {
            return Err(Invalid::new("original_prompt", "is missing", "every session needs its prompt"));
        };
        let session = Session {
            session_id: owned(id),
            original_prompt,
            improved_prompt: owned(improved),
            event_time: when(|| "event_time".to_owned(), event_time, i)?,
            project_type: owned(project_type),
            domain: owned(domain),
            complexity: complexity(grade.as_ref().and_then(|column| text(column, i)))?,
            team_size: small("team_size", team_size, i, "write how many people there are")?,
            before_metrics: before.as_ref().filter(|column| is_known(column, i)).map(|_| self.before_metrics(i)),
            rules: list("rules", rules, i, limits::RULES, |k| self.rule(k))?,
            quality_score: figure(quality_score, i),
            improvement_score: figure(improvement_score, i),
            feedback: list("feedback", feedback, i, limits::FEEDBACK, |k| self.feedback_entry(k))?,
            tags: object("tags", tags, i)?.unwrap_or_default(),
        };
        Ok(Decoded { session, provenance: owned(provenance) })
    }

    fn before_metrics(&self, i: usize) -> BeforeMetrics {
        let [overall_score, clarity, completeness, actionability, effectiveness] =
            self.before.each_ref().map(|column| figure(column, i));
        BeforeMetrics { overall_score, clarity, completeness, actionability, effectiveness }
    }

    fn rule(&self, k: usize) -> Result<RuleApplication, Invalid> {
        let [rule_id, parameters, improvement_score, confidence, execution_time_ms, propensity, event_time] =
            &self.rules;
        let Some(rule_id) = rule_id.as_ref().and_then(|column| text(column, k)) else {
            return Err(Invalid::new("rule_id", "is missing", "a rule has a name"));
        };
        Ok(RuleApplication {
            rule_id: rule_id.to_owned(),
            parameters: object("parameters", parameters, k)?,
            improvement_score: figure(improvement_score, k),
            confidence: figure(confidence, k),
            execution_time_ms: figure(execution_time_ms, k),
            propensity: figure(propensity, k),
            event_time: when(|| "event_time".to_owned(), event_time, k)?,
        })
    }

    fn feedback_entry(&self, k: usize) -> Result<FeedbackEntry, Invalid> {
        let [rating, words, areas, event_time] = &self.feedback;
        let expected = "a rating is a whole number from 1 to 5";
        let Some(rating) = small("rating", rating, k, expected)? else {
            return Err(Invalid::new("rating", "is missing", expected));
        };
        Ok(FeedbackEntry {
            rating,
            text: words.as_ref().and_then(|column| text(column, k)).map(str::to_owned),
            areas: texts(areas, k)?,
            event_time: when(|| "event_time".to_owned(), event_time, k)?,
        })
    }
}

/// The columns of these names and kinds among `fields`; whatever else is there is refused.
fn pick<const N: usize>(
    within: &str,
    fields: &[FieldRef],
    columns: &[ArrayRef],
    targets: &[Target; N],
) -> Result<Found<N>, ColumnarError> {
    let mut found: Found<N> = std::array::from_fn(|_| None);
    for (field, column) in fields.iter().zip(columns) {
        let name = field.name();
        let known = targets.iter().zip(&mut found).find(|((target, _), _)| target == name);
        let Some(((_, kind), place)) = known else {
            let names: Vec<&str> = targets.iter().map(|(name, _)| *name).collect();
            return Err(ColumnarError::Columns(format!(
                "the column `{within}{name}` is none of ours; drop it or call it one of {}",
                names.join(", ")
            )));
        };
        if place.is_some() {
            return Err(ColumnarError::Columns(format!("the column `{within}{name}` is there twice; drop one")));
        }
        if !kind.accepts(column.data_type()) {
            return Err(ColumnarError::Columns(format!(
                "the column `{within}{name}` holds {}; {} is expected",
                column.data_type(),
                kind.expected()
            )));
        }
        *place = Some(plain(column)?);
    }
    Ok(found)
}

/// The columns of a structure, or of the structures in a list; none where the column is absent or never filled.
fn parts<const N: usize>(
    within: &str,
    column: &Option<ArrayRef>,
    targets: &[Target; N],
) -> Result<Found<N>, ColumnarError> {
    let values = match column {
        None => return Ok(std::array::from_fn(|_| None)),
        Some(column) => column.as_list_opt::<i32>().map(|list| list.values()),
    };
    let values = values.or_else(|| column.as_ref()?.as_list_opt::<i64>().map(|list| list.values()));
    let Some(values) = values.or(column.as_ref()) else { return Ok(std::array::from_fn(|_| None)) };
    match values.as_struct_opt() {
        Some(structure) => pick(within, structure.fields(), structure.columns(), targets),
        None if *values.data_type() == DataType::Null => Ok(std::array::from_fn(|_| None)),
        None => Err(ColumnarError::Columns(format!(
            "the column `{}` holds a list of {}; a list of structures is expected",
            within.trim_end_matches('.'),
            values.data_type()
        ))),
    }
}

/// A dictionary as the values it stands for.
fn plain(column: &ArrayRef) -> Result<ArrayRef, ColumnarError> {
    match column.as_any_dictionary_opt() {
        Some(dictionary) => Ok(take(dictionary.values().as_ref(), dictionary.keys(), None)?),
        None => Ok(ArrayRef::clone(column)),
    }
}

fn figure(column: &Option<ArrayRef>, i: usize) -> Option<f64> {
    number(column.as_ref()?, i)
}

fn when(
    at: impl FnOnce() -> String,
    column: &Option<ArrayRef>,
    i: usize,
) -> Result<Option<souffleur_core::time::Timestamp>, Invalid> {
    column.as_ref().map_or(Ok(None), |column| time(at, column, i))
}

/// An integer of a smaller type.
fn small<T: TryFrom<i128>>(
    at: &str,
    column: &Option<ArrayRef>,
    i: usize,
    expected: &str,
) -> Result<Option<T>, Invalid> {
    let Some(value) = column.as_ref().and_then(|column| integer(column, i)) else { return Ok(None) };
    T::try_from(value).map(Some).map_err(|_| Invalid::new(at, format!("is {value}"), expected))
}

fn complexity(word: Option<&str>) -> Result<Option<Complexity>, Invalid> {
    let Some(word) = word else { return Ok(None) };
    let expected = "write low, medium, high or very_high";
    Complexity::parse(word).map(Some).ok_or_else(|| Invalid::new("complexity", format!("is `{word}`"), expected))
}

/// A JSON object in a text.
fn object(at: &str, column: &Option<ArrayRef>, i: usize) -> Result<Option<BTreeMap<String, Value>>, Invalid> {
    let Some(json) = column.as_ref().and_then(|column| text(column, i)) else { return Ok(None) };
    let parsed = serde_json::from_str(json);
    parsed.map_err(|error| Invalid::new(at, format!("is no JSON object ({error})"), "write a JSON object as text"))
}

/// The entries of a list of structures.
fn list<T>(
    at: &str,
    column: &Option<ArrayRef>,
    i: usize,
    most: usize,
    entry: impl Fn(usize) -> Result<T, Invalid>,
) -> Result<Vec<T>, Invalid> {
    let Some((values, range)) = column.as_ref().and_then(|column| elements(column, i)) else { return Ok(Vec::new()) };
    if range.len() > most {
        let problem = format!("has {} entries", range.len());
        return Err(Invalid::new(at, problem, format!("at most {most} are allowed")));
    }
    let place = |n: usize| format!("{at}[{n}]");
    let read = |(n, k): (usize, usize)| {
        if !is_known(values, k) {
            return Err(Invalid::new(place(n), "is null", "leave it out of the list"));
        }
        entry(k).map_err(|error| Invalid { at: format!("{}.{}", place(n), error.at), ..error })
    };
    range.enumerate().map(read).collect()
}

/// The texts of a list.
fn texts(column: &Option<ArrayRef>, i: usize) -> Result<Vec<String>, Invalid> {
    let Some((values, range)) = column.as_ref().and_then(|column| elements(column, i)) else { return Ok(Vec::new()) };
    if range.len() > limits::ENTRIES {
        let problem = format!("has {} entries", range.len());
        return Err(Invalid::new("areas", problem, format!("at most {} are allowed", limits::ENTRIES)));
    }
    let read = |k| text(values, k).map(str::to_owned);
    let all: Option<Vec<String>> = range.map(read).collect();
    all.ok_or_else(|| Invalid::new("areas", "holds something else than texts", "write a list of texts"))
}
