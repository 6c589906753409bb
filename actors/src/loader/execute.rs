//! From a query to a batch. A pure function of the rows up to the batch's version: the same query and version give
//! the same bytes, whatever was asked before and in how many parts the image was loaded.

use souffleur_core::batch::TrainingBatch;
use souffleur_core::error::Invalid;
use souffleur_core::features::FeatureSchema;
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::job::Job;
use souffleur_core::query::{AsOf, Filter, Outcome, Query, View};
use souffleur_core::store::Store;

use super::error::LoaderError;
use super::image::{Horizon, Image};
use super::memory::{BatchMemory, Ticket};

mod assemble;
mod documents;
mod select;
mod session_rules;

/// What a query is answered from.
pub(crate) struct Sources<'a> {
    /// The history in memory.
    pub(crate) image: &'a Image,
    /// What is not in memory.
    pub(crate) store: &'a dyn Store,
    /// Cancellation and progress.
    pub(crate) job: &'a Job,
    /// Finds room for a number of bytes.
    pub(crate) room: &'a dyn Fn(usize) -> Result<Ticket, LoaderError>,
}

/// A batch and the memory it stands for.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The batch.
    pub(crate) batch: TrainingBatch,
    /// The right to its memory.
    pub(crate) memory: BatchMemory,
    /// If its features are those of consecutive sessions in full: the number of the first.
    pub(crate) consecutive_from: Option<usize>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// It takes rows that were forgotten.
    NeedsHistory,
    /// There is no room. Rows up to `unneeded` do not matter to the answer and may be forgotten.
    NoRoom {
        /// Rows up to this one may go.
        unneeded: Seq,
        /// What to say if that does not help.
        error: LoaderError,
    },
    /// Anything else.
    Failed(LoaderError),
}

impl<E: Into<LoaderError>> From<E> for Unanswered {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Answers `query` as of the version that [`version_of`] tells.
///
/// # Errors
/// A filter the view does not have, too little memory, a store that fails, an interruption.
pub(crate) fn execute(sources: &Sources<'_>, query: &Query) -> Result<Answer, Unanswered> {
    check(query).map_err(LoaderError::from)?;
    match query.view {
        View::Sessions | View::Applications => {
            let selection = select::select(sources, query)?;
            assemble::assemble(sources, query, &selection)
        }
        View::Metrics | View::Documents(_) => documents::execute(sources, query),
    }
}

/// The batch of exactly these sessions or applications, as they were known at this version.
///
/// # Errors
/// Rows that are neither, or under another schema; otherwise as [`execute`].
pub(crate) fn execute_rows(sources: &Sources<'_>, version: DataVersion, rows: &[Seq]) -> Result<Answer, Unanswered> {
    if version.schema_hash != FeatureSchema::current().hash {
        let problem = format!("was trained at version {version}, under another feature schema");
        return Err(LoaderError::from(Invalid::new("model_id", problem, "train it again")).into());
    }
    let applied = rows.first().is_some_and(|&Seq(seq)| sources.image.applications.find(seq).is_some());
    let query = Query {
        view: if applied { View::Applications } else { View::Sessions },
        as_of: AsOf { watermark: Some(version.watermark), ..AsOf::default() },
        synthetic_percent: 100,
        ..Query::default()
    };
    let selection = select::given(sources, &query, rows)?;
    assemble::assemble(sources, &query, &selection)
}

/// The version a query is answered at by an image that reaches to `newest`.
pub(crate) fn version_of(as_of: AsOf, newest: Seq) -> DataVersion {
    DataVersion { watermark: Horizon::new(as_of, newest).watermark(), schema_hash: FeatureSchema::current().hash }
}

/// Refuses what can be seen to be wrong without looking at any row.
///
/// # Errors
/// The first value that is wrong.
pub(crate) fn check(query: &Query) -> Result<(), Invalid> {
    query.validate()?;
    check_filter(query)
}

/// Refuses conditions that the view's rows cannot be held against.
fn check_filter(query: &Query) -> Result<(), Invalid> {
    let Filter { session_id, outcome, domain, rule_id, logged_propensity, subject, .. } = &query.filter;
    let of_sessions = matches!(query.view, View::Sessions | View::Applications);
    let refused = [
        ("filter.session_id", session_id.is_some() && !of_sessions, "only sessions and applications have one"),
        ("filter.outcome", *outcome != Outcome::Any && !of_sessions, "only sessions and applications have one"),
        ("filter.domain", domain.is_some() && !of_sessions, "only sessions and applications have one"),
        ("filter.rule_id", rule_id.is_some() && !of_sessions, "only sessions and applications have one"),
        (
            "filter.logged_propensity",
            *logged_propensity && query.view != View::Applications,
            "only applications have one: ask for the view `applications`",
        ),
        ("filter.subject", subject.is_some() && of_sessions, "only metrics and documents have one"),
        (
            "as_of.known",
            query.as_of.known.is_some() && query.view == View::Metrics,
            "the arrival of metrics is not kept: use `as_of.watermark`",
        ),
    ];
    match refused.into_iter().find(|(_, wrong, _)| *wrong) {
        Some((at, _, expected)) => {
            let view = serde_json::to_value(query.view).unwrap_or_default();
            Err(Invalid::new(at, format!("does not apply to the view {view}"), expected))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
