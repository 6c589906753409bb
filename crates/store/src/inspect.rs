//! Looking at a database without opening it as a store: nothing is made, migrated or written.

use diesel::prelude::*;
use diesel::sql_types::Text;
use souffleur_core::ids::Seq;
use souffleur_core::store::{ModelRow, StoreError};

use crate::content::Content;
use crate::database::{Db, Dialect, dialect};
use crate::errors::database;
use crate::layout::{self, Layouts};
use crate::rows::StoredModel;
use crate::schema::{hub_state, lineage, models, runs};

/// What a database looks like from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Inspection {
    /// `sqlite` or `postgresql`.
    pub database: String,
    /// The version of SQLite, or of the server.
    pub version: String,
    /// The layouts it went through.
    pub layouts: Layouts,
    /// What is wrong with it, in words; empty if it is sound.
    pub flaws: Vec<String>,
    /// Its newest row's place in the global order.
    pub watermark: Seq,
    /// Models looked at.
    pub models: u64,
    /// Those whose content is not what their name says.
    pub damaged_models: Vec<DamagedModel>,
}

impl Inspection {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.flaws.is_empty() && self.damaged_models.is_empty() && self.layouts.unknown.is_empty()
    }
}

/// A model that must not be served.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DamagedModel {
    /// Whose.
    pub component: String,
    /// Its name.
    pub model_id: String,
    /// What is wrong with it.
    pub reason: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Looks at everything: pages, tables, models. `decode` says what is wrong with the newest snapshot of a component, beside
/// its content. Linear in the database; one snapshot at a time is in memory.
pub(crate) fn look(
    connection: &mut Db,
    decode: &mut dyn FnMut(&ModelRow) -> Option<String>,
) -> Result<Inspection, StoreError> {
    let mut inspection = Inspection::default();
    let version = match dialect(connection) {
        Dialect::Sqlite => {
            inspection.database = "sqlite".to_owned();
            inspection.flaws = integrity(connection)?;
            "SELECT sqlite_version() AS line"
        }
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            inspection.database = "postgresql".to_owned();
            "SELECT current_setting('server_version') AS line"
        }
    };
    let version: Line = diesel::sql_query(version).get_result(connection).map_err(database)?;
    inspection.version = version.line;
    if !inspection.flaws.is_empty() {
        // Pages that are not sound answer with anything: no more is asked of them.
        return Ok(inspection);
    }
    inspection.layouts = layout::layouts(connection)?;
    if inspection.layouts.pending.is_empty() && inspection.layouts.unknown.is_empty() {
        inspection.flaws.extend(layout::lacking(connection)?.into_iter().map(|part| format!("it lacks {part}")));
    }
    let last = hub_state::table.select(hub_state::last_seq).first(connection).optional().map_err(database)?;
    match last {
        Some(last) => inspection.watermark = Seq(last),
        None => inspection.flaws.push("the table hub_state is empty".to_owned()),
    }
    if inspection.layouts.pending.is_empty() && inspection.flaws.is_empty() {
        judge_models(connection, &mut inspection, decode)?;
    }
    Ok(inspection)
}

/// SQLite's own verdict on its pages; empty if they are sound.
fn integrity(connection: &mut Db) -> Result<Vec<String>, StoreError> {
    let check = "SELECT integrity_check AS line FROM pragma_integrity_check";
    let verdicts: Vec<Line> = diesel::sql_query(check).load(connection).map_err(database)?;
    Ok(verdicts.into_iter().map(|verdict| verdict.line).filter(|line| line != "ok").collect())
}

/// Recomputes every model's name from its content, one at a time, newest first.
fn judge_models(
    connection: &mut Db,
    inspection: &mut Inspection,
    decode: &mut dyn FnMut(&ModelRow) -> Option<String>,
) -> Result<(), StoreError> {
    let seqs: Vec<i64> =
        models::table.select(models::seq).order(models::seq.desc()).load(connection).map_err(database)?;
    let mut seen = std::collections::BTreeSet::new();
    for seq in seqs {
        let stored: Option<StoredModel> = models::table
            .filter(models::seq.eq(seq))
            .select(StoredModel::as_select())
            .first(connection)
            .optional()
            .map_err(database)?;
        // Gone meanwhile: others may be at work.
        let Some(stored) = stored else { continue };
        let model = ModelRow::from(stored);
        inspection.models += 1;
        let newest = seen.insert(model.component.clone());
        let misnamed = misnamed(connection, seq, &model)?;
        let reason = misnamed.or_else(|| if newest { decode(&model) } else { None });
        if let Some(reason) = reason {
            let (component, model_id) = (model.component, model.model_id);
            inspection.damaged_models.push(DamagedModel { component, model_id, reason });
        }
    }
    Ok(())
}

/// What is wrong with a model's content, by its name.
fn misnamed(connection: &mut Db, seq: i64, model: &ModelRow) -> Result<Option<String>, StoreError> {
    let seed: Option<Option<i64>> =
        runs::table.filter(runs::seq.eq(seq)).select(runs::seed).first(connection).optional().map_err(database)?;
    let rows: Option<Vec<u8>> = lineage::table
        .filter(lineage::seq.eq(seq))
        .select(lineage::rows)
        .first(connection)
        .optional()
        .map_err(database)?;
    let (Some(Some(seed)), Some(packed_rows)) = (seed, rows) else {
        return Ok(Some("its run or its lineage is not there".to_owned()));
    };
    let content = Content {
        component: &model.component,
        version: model.version,
        seed: seed.cast_unsigned(),
        packed_rows: &packed_rows,
        snapshot: &model.snapshot,
    };
    let named = content.model_id();
    let reason = format!("its content has the name {named}: snapshot, lineage or data version were changed");
    Ok((named != model.model_id).then_some(reason))
}
