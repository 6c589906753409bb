//! Reading the registry: listings, single models, verification.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use diesel::prelude::*;
use serde_json::Value;
use souffleur_core::ids::Seq;
use souffleur_core::store::{
    Commit, Manifest, ModelRow, Registry, Stage, StoreError, StoredModel, Verdict, VersionPage, VersionRow,
};
use souffleur_core::time::Timestamp;

use crate::database::{Database, Db, Reader};
use crate::delta::Fields;
use crate::errors::{database, unreadable};
use crate::manifest;
use crate::rows::{StoredModel as ModelColumns, parse_optional, version};
use crate::schema::{lineage, model_aliases, model_manifests, model_versions, models, runs};
use crate::settings::SigningKey;
use crate::store::SqlStore;
use crate::table::Bind;
use crate::writer::versions;

/// Most models of one page.
const PAGE_MAX: usize = 100_000;

/// Columns of a listing.
#[derive(Queryable, Selectable)]
#[diesel(table_name = model_versions)]
struct Listed {
    seq: i64,
    model_id: String,
    component: String,
    version: i64,
    stage: String,
    reason: String,
    created: i64,
    watermark: i64,
    schema_hash: i64,
    snapshot_bytes: i64,
    kept: i64,
    erased: i64,
}

impl Listed {
    /// From a scan of all columns in their order here.
    fn scanned(row: &impl Fields) -> Self {
        Self {
            seq: row.integer(0),
            model_id: row.text(1),
            component: row.text(2),
            version: row.integer(3),
            stage: row.text(4),
            reason: row.text(5),
            created: row.integer(6),
            watermark: row.integer(7),
            schema_hash: row.integer(8),
            snapshot_bytes: row.integer(9),
            kept: row.integer(10),
            erased: row.integer(11),
        }
    }

    fn into_row(self, aliases: Vec<String>) -> Result<VersionRow, StoreError> {
        let stage = Stage::parse(&self.stage);
        Ok(VersionRow {
            seq: Seq(self.seq),
            model_id: self.model_id,
            component: self.component,
            version: self.version,
            stage: stage.ok_or_else(|| unreadable("model", format_args!("stage `{}`", self.stage)))?,
            reason: self.reason,
            created: Timestamp(self.created),
            data: version(self.watermark, self.schema_hash),
            snapshot_bytes: u64::try_from(self.snapshot_bytes).unwrap_or(0),
            kept: self.kept != 0,
            erased: self.erased != 0,
            aliases,
        })
    }
}

/// The models of a page. The key of the page before is where it begins, so that every page costs the same.
///
/// A scan, as there may be many: diesel takes twice the time for a row.
fn versions<R: Reader>(reader: &mut R, page: &VersionPage) -> Result<Vec<VersionRow>, StoreError> {
    let mut sql = "SELECT seq, model_id, component, version, stage, reason, created, watermark, schema_hash, \
                   snapshot_bytes, kept, erased FROM model_versions WHERE seq < $1"
        .to_owned();
    let mut values: Vec<Bind<'_>> = vec![page.before.map_or(i64::MAX, |before| before.0).into()];
    let filters = [("component", page.component.as_deref()), ("stage", page.stage.map(Stage::name))];
    for (column, value) in filters {
        if let Some(value) = value {
            values.push(value.into());
            let _ = write!(sql, " AND {column} = ${}", values.len());
        }
    }
    values.push(i64::try_from(page.limit.clamp(1, PAGE_MAX)).unwrap_or(i64::MAX).into());
    let _ = write!(sql, " ORDER BY seq DESC LIMIT ${}", values.len());
    let mut listed = Vec::new();
    reader.scan(&sql, &values, |row| {
        listed.push(Listed::scanned(row).into_row(Vec::new())?);
        Ok(())
    })?;
    if let (Some(oldest), Some(newest)) = (listed.last(), listed.first()) {
        let mut aliases = aliases(reader.diesel(), oldest.seq.0, newest.seq.0)?;
        listed.iter_mut().for_each(|row| row.aliases = aliases.remove(&row.seq.0).unwrap_or_default());
    }
    Ok(listed)
}

/// The aliases of the models from `oldest` to `newest`.
fn aliases(connection: &mut Db, oldest: i64, newest: i64) -> Result<BTreeMap<i64, Vec<String>>, StoreError> {
    let rows: Vec<(i64, String)> = model_aliases::table
        .filter(model_aliases::seq.between(oldest, newest))
        .order((model_aliases::seq, model_aliases::alias))
        .select((model_aliases::seq, model_aliases::alias))
        .load(connection)
        .map_err(database)?;
    let mut of = BTreeMap::<i64, Vec<String>>::new();
    for (seq, alias) in rows {
        of.entry(seq).or_default().push(alias);
    }
    Ok(of)
}

/// The model at a place.
pub(crate) fn version_at(connection: &mut Db, seq: i64) -> Result<VersionRow, StoreError> {
    let listed: Listed = model_versions::table
        .find(seq)
        .select(Listed::as_select())
        .first(connection)
        .optional()
        .map_err(database)?
        .ok_or_else(|| StoreError::Unknown { what: "model", name: seq.to_string() })?;
    let names = aliases(connection, seq, seq)?.remove(&seq).unwrap_or_default();
    listed.into_row(names)
}

/// The place of the model of this name.
fn place(connection: &mut Db, name: &str) -> Result<i64, StoreError> {
    let of = |component: &str| {
        model_versions::table
            .filter(model_versions::component.eq(component.to_owned()))
            .order(model_versions::seq.desc())
            .select(model_versions::seq)
            .into_boxed()
    };
    let found = match name.rsplit_once('@') {
        None => model_versions::table
            .filter(model_versions::model_id.eq(name))
            .order(model_versions::seq.desc())
            .select(model_versions::seq)
            .first(connection),
        Some((component, "newest")) => of(component).first(connection),
        Some((component, "live")) => {
            of(component).filter(model_versions::stage.eq(Stage::Live.name())).first(connection)
        }
        Some((component, alias)) => match alias.parse::<i64>() {
            Ok(number) => of(component).filter(model_versions::version.eq(number)).first(connection),
            Err(_) => model_aliases::table.find((component, alias)).select(model_aliases::seq).first(connection),
        },
    };
    found.optional().map_err(database)?.ok_or_else(|| StoreError::Unknown { what: "model", name: name.to_owned() })
}

/// What was written down of a model at its commit.
#[derive(Queryable, Selectable)]
#[diesel(table_name = model_manifests)]
struct Signed {
    snapshot_sha256: String,
    key_id: Option<String>,
    signature: Option<String>,
    manifest: String,
}

/// What was written down of a model; nothing of those from before there was a registry.
fn signed(connection: &mut Db, seq: Seq) -> Result<Option<Signed>, StoreError> {
    let found = model_manifests::table.find(seq.0).select(Signed::as_select()).first(connection);
    found.optional().map_err(database)
}

fn parse(text: &str) -> Result<Manifest, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable("manifest", error))
}

fn changed(what: impl Into<String>) -> Verdict {
    Verdict::Changed { what: what.into() }
}

fn verify(connection: &mut Db, seq: Seq, key: Option<&SigningKey>) -> Result<Verdict, StoreError> {
    let row = version_at(connection, seq.0)?;
    let Some(Signed { manifest: text, signature: Some(signature), key_id: Some(signed_by), .. }) =
        signed(connection, seq)?
    else {
        return Ok(Verdict::Unsigned);
    };
    let Some(key) = key.filter(|key| manifest::key_id(key) == signed_by) else {
        return Ok(Verdict::OtherKey { signed_by });
    };
    if !manifest::is_signed(key, &text, &signature) {
        return Ok(changed("the manifest is not the one that was signed"));
    }
    let manifest = parse(&text)?;
    let (snapshot, packed): (Vec<u8>, Vec<u8>) = models::table
        .inner_join(lineage::table.on(lineage::seq.eq(models::seq)))
        .filter(models::seq.eq(seq.0))
        .select((models::snapshot, lineage::rows))
        .first(connection)
        .map_err(database)?;
    if (&manifest.model_id, &manifest.component, manifest.version) != (&row.model_id, &row.component, row.version) {
        let text = format!("it was signed as version {} of {}", manifest.version, manifest.component);
        return Ok(changed(text));
    }
    if manifest::sha256(&packed) != manifest.rows_sha256 {
        return Ok(changed("the rows it was trained on are not those that were signed"));
    }
    if !row.kept {
        return Ok(Verdict::Incomplete { why: row.reason });
    }
    if manifest::sha256(&snapshot) != manifest.snapshot_sha256 {
        return Ok(changed("the snapshot is not the one that was signed"));
    }
    Ok(Verdict::Intact)
}

fn servable(connection: &mut Db, component: &str, limit: usize) -> Result<Vec<Seq>, StoreError> {
    let kept: Vec<(i64, String)> = model_versions::table
        .filter(model_versions::component.eq(component))
        .filter(model_versions::kept.eq(1))
        .order(model_versions::seq.desc())
        .select((model_versions::seq, model_versions::stage))
        .load(connection)
        .map_err(database)?;
    let stage = |wanted: Stage| kept.iter().filter(move |(_, stage)| stage == wanted.name()).map(|(seq, _)| Seq(*seq));
    // A candidate was never promoted: it is no fallback.
    Ok(stage(Stage::Live).chain(stage(Stage::Archived)).take(limit).collect())
}

fn stored(connection: &mut Db, seq: Seq) -> Result<StoredModel, StoreError> {
    let row = version_at(connection, seq.0)?;
    let sha256 = signed(connection, seq)?.map(|signed| signed.snapshot_sha256);
    let columns: ModelColumns = models::table
        .find(seq.0)
        .select(ModelColumns::as_select())
        .first(connection)
        .optional()
        .map_err(database)?
        .ok_or_else(|| StoreError::Unknown { what: "model", name: seq.to_string() })?;
    let model = ModelRow::from(columns);
    let flaw = if !row.kept {
        Some(row.reason)
    } else if sha256.is_some_and(|sha256| sha256 != manifest::sha256(&model.snapshot)) {
        Some("its snapshot is damaged: it is not the one that was committed".to_owned())
    } else {
        None
    };
    Ok(StoredModel { model, flaw })
}

impl<D: Database> Registry for SqlStore<D> {
    fn versions(&self, page: &VersionPage) -> Result<Vec<VersionRow>, StoreError> {
        self.readers().with(|reader| versions(reader, page))
    }

    fn version(&self, name: &str) -> Result<VersionRow, StoreError> {
        self.read(|connection| {
            let seq = place(connection, name)?;
            version_at(connection, seq)
        })
    }

    fn at(&self, seq: Seq) -> Result<VersionRow, StoreError> {
        self.read(|connection| version_at(connection, seq.0))
    }

    fn manifest(&self, seq: Seq) -> Result<Option<Manifest>, StoreError> {
        self.read(|connection| signed(connection, seq)?.map(|signed| parse(&signed.manifest)).transpose())
    }

    fn verify(&self, seq: Seq) -> Result<Verdict, StoreError> {
        let key = self.database().settings().signing_key.clone();
        self.read(|connection| verify(connection, seq, key.as_ref()))
    }

    fn servable(&self, component: &str, limit: usize) -> Result<Vec<Seq>, StoreError> {
        self.read(|connection| servable(connection, component, limit))
    }

    fn stored(&self, seq: Seq) -> Result<StoredModel, StoreError> {
        self.read(|connection| stored(connection, seq))
    }

    fn is_snapshot(&self, seq: Seq, snapshot: &[u8]) -> Result<bool, StoreError> {
        let signed = self.read(|connection| signed(connection, seq))?;
        Ok(signed.is_some_and(|signed| signed.snapshot_sha256 == manifest::sha256(snapshot)))
    }

    fn report(&self, run_id: &str) -> Result<Option<Value>, StoreError> {
        let report: Option<Option<String>> = self.read(|connection| {
            let run = runs::table.filter(runs::run_id.eq(run_id)).filter(runs::state.eq("succeeded"));
            run.select(runs::report).first(connection).optional().map_err(database)
        })?;
        parse_optional("report", report.flatten().as_deref())
    }

    fn promote(&self, seq: Seq, reason: &str) -> Commit<VersionRow> {
        let reason = reason.to_owned();
        self.queue().errand(move |connection, site| versions::promote(connection, site, seq, &reason))
    }

    fn set_alias(&self, seq: Seq, alias: &str) -> Commit<VersionRow> {
        let alias = alias.to_owned();
        self.queue().errand(move |connection, _| versions::set_alias(connection, seq, &alias))
    }

    fn drop_alias(&self, component: &str, alias: &str) -> Commit<bool> {
        let (component, alias) = (component.to_owned(), alias.to_owned());
        self.queue().errand(move |connection, _| versions::drop_alias(connection, &component, &alias))
    }
}
