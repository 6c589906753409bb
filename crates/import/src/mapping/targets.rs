//! The fields of ours a mapping can fill, and how sessions are built from them.

use std::borrow::Cow;

use serde_json::Value;
use souffleur_core::error::Invalid;
use souffleur_core::records::{BeforeMetrics, FeedbackEntry, RuleApplication, Session, limits};
use souffleur_core::time::Timestamp;

use super::expr::{Base, Expr, Kind, Scope};
use super::path::Path;
use crate::node::Node;

/// A field that can be filled.
pub(crate) type Target = (&'static str, Kind);

pub(crate) static SESSION: [Target; 10] = [
    ("session_id", Kind::Text),
    ("original_prompt", Kind::Text),
    ("improved_prompt", Kind::Text),
    ("event_time", Kind::Time),
    ("project_type", Kind::Text),
    ("domain", Kind::Text),
    ("complexity", Kind::Complexity),
    ("team_size", Kind::Integer),
    ("quality_score", Kind::Number),
    ("improvement_score", Kind::Number),
];

pub(crate) static BEFORE_METRICS: [Target; 5] = [
    ("overall_score", Kind::Number),
    ("clarity", Kind::Number),
    ("completeness", Kind::Number),
    ("actionability", Kind::Number),
    ("effectiveness", Kind::Number),
];

pub(crate) static RULE: [Target; 7] = [
    ("rule_id", Kind::Text),
    ("parameters", Kind::Object),
    ("improvement_score", Kind::Number),
    ("confidence", Kind::Number),
    ("execution_time_ms", Kind::Number),
    ("propensity", Kind::Number),
    ("event_time", Kind::Time),
];

pub(crate) static FEEDBACK: [Target; 4] =
    [("rating", Kind::Integer), ("text", Kind::Text), ("areas", Kind::Texts), ("event_time", Kind::Time)];

/// One expression per target of a table, in its order; `None` where nothing fills it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields(pub(crate) Vec<Option<Expr>>);

impl Fields {
    fn get(&self, target: usize) -> Option<&Expr> {
        self.0.get(target).and_then(Option::as_ref)
    }

    fn text(&self, target: usize, scope: Scope<'_>) -> Result<Option<String>, Invalid> {
        self.get(target).map_or(Ok(None), |expr| expr.text(scope))
    }

    fn number(&self, target: usize, scope: Scope<'_>) -> Result<Option<f64>, Invalid> {
        self.get(target).map_or(Ok(None), |expr| expr.number(scope))
    }

    fn time(&self, target: usize, scope: Scope<'_>) -> Result<Option<Timestamp>, Invalid> {
        self.get(target).map_or(Ok(None), |expr| expr.time(scope))
    }
}

/// Entries of a list: one for every element of `each`, or one if there is no `each`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) each: Option<Path>,
    /// What separates the elements if `each` leads to a text.
    pub(crate) split: Option<String>,
    pub(crate) fields: Fields,
}

impl Group {
    fn entries<T>(
        &self,
        at: &str,
        scope: Scope<'_>,
        most: usize,
        make: impl Fn(&Fields, Scope<'_>) -> Result<Option<T>, Invalid>,
        into: &mut Vec<T>,
    ) -> Result<(), Invalid> {
        let Some(each) = &self.each else {
            into.extend(make(&self.fields, scope)?);
            return Ok(());
        };
        let list = each.follow(scope.slots, None).map_err(|e| Invalid::new(at, e, "a list is expected"))?;
        let cut: Vec<Node<'_>>;
        let items = match (list, &self.split) {
            (None, _) => return Ok(()),
            (Some(Node::List(items)), _) => items,
            (Some(Node::Text(text)), Some(separator)) => {
                let elements = text.split(separator.as_str()).map(str::trim).filter(|e| !e.is_empty());
                cut = elements.map(|e| Node::Text(Cow::Borrowed(e))).collect();
                &cut
            }
            (Some(other), _) => {
                return Err(Invalid::new(at, format!("`{}` is {}", each.text, other.kind()), "a list is expected"));
            }
        };
        if items.len() > most {
            let problem = format!("`{}` has {} entries", each.text, items.len());
            return Err(Invalid::new(at, problem, format!("at most {most} are allowed")));
        }
        for item in items {
            into.extend(make(&self.fields, Scope { slots: scope.slots, element: Some(item) })?);
        }
        Ok(())
    }
}

/// Everything a mapping fills.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) session: Fields,
    pub(crate) before: Fields,
    pub(crate) rules: Vec<Group>,
    pub(crate) feedback: Vec<Group>,
    pub(crate) tags: Vec<(String, Expr)>,
}

impl Plan {
    /// The session a line's slots make.
    pub(crate) fn session(&self, slots: &[Node<'_>]) -> Result<Session, Invalid> {
        let scope = Scope { slots, element: None };
        let fields = &self.session;
        let Some(original_prompt) = fields.text(1, scope)? else {
            let source = match fields.get(1).map(|expr| &expr.base) {
                Some(Base::Path(path)) => format!("`{}`", path.text),
                _ => "several fields, one of which is absent".to_owned(),
            };
            let expected = format!("every session needs its prompt; the mapping reads it from {source}");
            return Err(Invalid::new("original_prompt", "is missing", expected));
        };
        let mut session = Session {
            session_id: fields.text(0, scope)?,
            original_prompt,
            improved_prompt: fields.text(2, scope)?,
            event_time: fields.time(3, scope)?,
            project_type: fields.text(4, scope)?,
            domain: fields.text(5, scope)?,
            complexity: fields.get(6).map_or(Ok(None), |expr| expr.complexity(scope))?,
            team_size: self.team_size(scope)?,
            before_metrics: self.before_metrics(scope)?,
            quality_score: fields.number(8, scope)?,
            improvement_score: fields.number(9, scope)?,
            ..Session::default()
        };
        for group in &self.rules {
            group.entries("rules", scope, limits::RULES, rule, &mut session.rules)?;
        }
        for group in &self.feedback {
            group.entries("feedback", scope, limits::FEEDBACK, feedback, &mut session.feedback)?;
        }
        for (name, expr) in &self.tags {
            if let Some(value) = expr.scalar(scope)?.filter(|value| *value != Value::Null) {
                session.tags.insert(name.clone(), value);
            }
        }
        Ok(session)
    }

    fn team_size(&self, scope: Scope<'_>) -> Result<Option<u32>, Invalid> {
        let Some(size) = self.session.get(7).map_or(Ok(None), |expr| expr.integer(scope))? else {
            return Ok(None);
        };
        let size = u32::try_from(size);
        size.map(Some).map_err(|_| Invalid::new("team_size", "is out of range", "write how many people there are"))
    }

    fn before_metrics(&self, scope: Scope<'_>) -> Result<Option<BeforeMetrics>, Invalid> {
        let mut values = [None; BEFORE_METRICS.len()];
        for (i, value) in values.iter_mut().enumerate() {
            *value = self.before.number(i, scope)?;
        }
        let [overall_score, clarity, completeness, actionability, effectiveness] = values;
        let any = values.iter().any(Option::is_some);
        Ok(any.then_some(BeforeMetrics { overall_score, clarity, completeness, actionability, effectiveness }))
    }
}

/// An entry without a rule's name is left out.
fn rule(fields: &Fields, scope: Scope<'_>) -> Result<Option<RuleApplication>, Invalid> {
    let Some(rule_id) = fields.text(0, scope)? else { return Ok(None) };
    Ok(Some(RuleApplication {
        rule_id,
        parameters: fields.get(1).map_or(Ok(None), |expr| expr.object(scope))?,
        improvement_score: fields.number(2, scope)?,
        confidence: fields.number(3, scope)?,
        execution_time_ms: fields.number(4, scope)?,
        propensity: fields.number(5, scope)?,
        event_time: fields.time(6, scope)?,
    }))
}

/// An entry without a rating is left out.
fn feedback(fields: &Fields, scope: Scope<'_>) -> Result<Option<FeedbackEntry>, Invalid> {
    let Some(rating) = fields.get(0).map_or(Ok(None), |expr| expr.integer(scope))? else { return Ok(None) };
    let Ok(rating) = u8::try_from(rating) else {
        let expected = "a rating is a whole number from 1 to 5";
        return Err(Invalid::new("feedback.rating", format!("is {rating}"), expected));
    };
    let areas = fields.get(2).map_or(Ok(Vec::new()), |expr| expr.texts(scope))?;
    Ok(Some(FeedbackEntry { rating, text: fields.text(1, scope)?, areas, event_time: fields.time(3, scope)? }))
}
