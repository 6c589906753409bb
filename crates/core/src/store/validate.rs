//! What a record must be before it is appended, whichever way it came.

use super::{Append, FeaturedSession, Record};
use crate::document::NewDocument;
use crate::error::Invalid;
use crate::features::FeatureSchema;
use crate::records::{Validate, limits};

impl Validate for FeaturedSession {
    fn validate(&self) -> Result<(), Invalid> {
        if self.session.session_id.is_none() {
            return Err(Invalid::new("session_id", "is missing", "give the session a name before it is stored"));
        }
        self.session.validate()?;
        let columns = FeatureSchema::current().columns;
        match columns.iter().zip(&self.features).find(|(_, value)| !(0.0..=1.0).contains(*value)) {
            None => Ok(()),
            Some((column, value)) => {
                let at = format!("features.{}", column.name);
                Err(Invalid::new(
                    at,
                    format!("is {value}"),
                    "it must lie in [0, 1]; compute it with `features::extract`",
                ))
            }
        }
    }
}

impl Validate for NewDocument {
    fn validate(&self) -> Result<(), Invalid> {
        let bytes = self.subject.len();
        if self.subject.trim().is_empty() || bytes > limits::NAME_BYTES {
            let expected = format!("write a name of 1 to {} bytes", limits::NAME_BYTES);
            return Err(Invalid::new("subject", format!("has {bytes} bytes"), expected));
        }
        Ok(())
    }
}

impl Validate for Record {
    fn validate(&self) -> Result<(), Invalid> {
        match self {
            Self::Session(featured) => featured.validate(),
            Self::Feedback(feedback) => feedback.validate(),
            Self::Application { application, .. } => application.validate(),
            Self::Rule(rule) => rule.validate(),
            Self::Metric(point) => point.validate(),
            Self::Document(_, document) => document.validate(),
        }
    }
}

/// Checks all of them.
///
/// # Errors
/// What is wrong with the first that is wrong, by its place.
pub fn validate_all(records: &[Append]) -> Result<(), Invalid> {
    records.iter().enumerate().try_for_each(|(index, append)| {
        let placed = |e: Invalid| Invalid::new(format!("records[{index}].{}", e.at), e.problem, e.expected);
        append.record.validate().map_err(placed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::extract;
    use crate::records::{MetricPoint, RuleApplication, Session};

    fn session() -> FeaturedSession {
        let session =
            Session { session_id: Some("a".into()), original_prompt: "Write it.".into(), ..Session::default() };
        FeaturedSession { features: extract(&session), session, provenance: None }
    }

    #[test]
    fn the_first_wrong_record_is_named_by_its_place() {
        let good = || Append::from(Record::Session(Box::new(session())));
        assert_eq!(validate_all(&[good(), good()]), Ok(()));
        let mut odd = session();
        odd.features[5] = f32::NAN;
        let error = validate_all(&[good(), Record::Session(Box::new(odd)).into()]).unwrap_err();
        assert!(error.to_string().starts_with("records[1].features.readability: is NaN"), "{error}");
        let application = RuleApplication { rule_id: "r".into(), propensity: Some(0.0), ..RuleApplication::default() };
        let application = Record::Application { session_id: "a".into(), application, event_time: None };
        assert_eq!(application.validate().unwrap_err().at, "propensity");
        let point = MetricPoint { metric: "m".into(), subject: "s".into(), value: f64::INFINITY, event_time: None };
        assert_eq!(Record::Metric(point).validate().unwrap_err().at, "value");
        let mut nameless = session();
        nameless.session.session_id = None;
        assert_eq!(nameless.validate().unwrap_err().at, "session_id");
    }
}
