//! Writing the registry: a model enters as its component's next version, is promoted, named, and loses its snapshot in time.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::Text;
use souffleur_core::ids::Seq;
use souffleur_core::store::{RunCommit, Stage, StoreError, VersionRow};

use super::errand::Site;
use super::runs::Stop;
use crate::database::{Db, Leasing};
use crate::errors::unreadable;
use crate::manifest;
use crate::registry::version_at;
use crate::schema::{model_aliases, model_inputs, model_manifests, model_versions, models};
use crate::settings::SigningKey;

/// How models enter the registry.
pub(crate) struct Admission {
    pub(crate) key: Option<SigningKey>,
    pub(crate) keep: usize,
}

/// Enters a model that is being committed under `seq`; promotes it if it passed the gate.
pub(super) fn enter(
    connection: &mut Db,
    run: &RunCommit,
    (seq, model_id, packed_rows): (i64, &str, &[u8]),
    admission: &Admission,
) -> Result<(), Stop> {
    let component = &run.lease.component;
    let newest: Option<i64> = model_versions::table
        .filter(model_versions::component.eq(component))
        .order(model_versions::version.desc())
        .select(model_versions::version)
        .first(connection)
        .optional()?;
    let version = newest.unwrap_or(0) + 1;
    let signed = manifest::sign(run, model_id, version, packed_rows, admission.key.as_ref())
        .map_err(|error| unreadable("manifest", error))?;
    let stage = if run.origin.promote { Stage::Live } else { Stage::Candidate };
    if run.origin.promote {
        retire_live(connection, component, &format!("version {version} took its place"))?;
    }
    diesel::insert_into(model_versions::table)
        .values((
            model_versions::seq.eq(seq),
            model_versions::model_id.eq(model_id),
            model_versions::component.eq(component),
            model_versions::version.eq(version),
            model_versions::stage.eq(stage.name()),
            model_versions::reason.eq(&run.origin.gate),
            model_versions::created.eq(run.now.0),
            model_versions::watermark.eq(run.version.watermark.0),
            model_versions::schema_hash.eq(run.version.schema_hash.cast_signed()),
            model_versions::snapshot_bytes.eq(i64::try_from(run.snapshot.len()).unwrap_or(i64::MAX)),
            model_versions::kept.eq(1),
            model_versions::erased.eq(0),
        ))
        .execute(connection)?;
    diesel::insert_into(model_manifests::table)
        .values((
            model_manifests::seq.eq(seq),
            model_manifests::snapshot_sha256.eq(&signed.snapshot_sha256),
            model_manifests::key_id.eq(&signed.key_id),
            model_manifests::signature.eq(&signed.signature),
            model_manifests::manifest.eq(&signed.text),
        ))
        .execute(connection)?;
    let previous = run.origin.previous.iter().map(|name| ("previous", name));
    let inputs: BTreeSet<_> = previous.chain(run.origin.products.values().map(|run_id| ("product", run_id))).collect();
    for (kind, name) in inputs {
        diesel::insert_into(model_inputs::table)
            .values((model_inputs::seq.eq(seq), model_inputs::kind.eq(kind), model_inputs::name.eq(name)))
            .execute(connection)?;
    }
    Ok(give_up_old(connection, component, admission.keep)?)
}

fn retire_live(connection: &mut Db, component: &str, reason: &str) -> QueryResult<()> {
    let live = model_versions::table
        .filter(model_versions::component.eq(component))
        .filter(model_versions::stage.eq(Stage::Live.name()));
    diesel::update(live)
        .set((model_versions::stage.eq(Stage::Archived.name()), model_versions::reason.eq(reason)))
        .execute(connection)?;
    Ok(())
}

/// Gives up the snapshots of all but the live model, those with an alias, and the `keep` newest.
fn give_up_old(connection: &mut Db, component: &str, keep: usize) -> QueryResult<()> {
    let kept = model_versions::table
        .filter(model_versions::component.eq(component))
        .filter(model_versions::kept.eq(1))
        .order(model_versions::seq.desc())
        .offset(i64::try_from(keep.max(1)).unwrap_or(i64::MAX))
        .select((model_versions::seq, model_versions::stage))
        .load::<(i64, String)>(connection)?;
    for (seq, stage) in kept {
        let named: i64 = model_aliases::table.filter(model_aliases::seq.eq(seq)).count().get_result(connection)?;
        if stage != Stage::Live.name() && named == 0 {
            give_up(connection, seq, "its snapshot made room for newer ones")?;
        }
    }
    Ok(())
}

/// Gives up a model's snapshot; its row stays.
pub(super) fn give_up(connection: &mut Db, seq: i64, reason: &str) -> QueryResult<()> {
    diesel::update(models::table.find(seq)).set(models::snapshot.eq(Vec::new())).execute(connection)?;
    diesel::update(model_versions::table.find(seq))
        .set((
            model_versions::kept.eq(0),
            model_versions::stage.eq(Stage::Archived.name()),
            model_versions::reason.eq(reason),
        ))
        .execute(connection)?;
    Ok(())
}

/// Makes a model the live one.
pub(crate) fn promote(connection: &mut Db, site: Site, seq: Seq, reason: &str) -> Result<VersionRow, Stop> {
    lock(connection)?;
    let row = version_at(connection, seq.0)?;
    if !row.kept {
        let text = format!("`{}` cannot be live: {}", row.model_id, row.reason);
        return Err(StoreError::Refused(text).into());
    }
    if row.stage == Stage::Live {
        return Ok(row);
    }
    retire_live(connection, &row.component, &format!("version {} took its place", row.version))?;
    diesel::update(model_versions::table.find(seq.0))
        .set((model_versions::stage.eq(Stage::Live.name()), model_versions::reason.eq(reason)))
        .execute(connection)?;
    if let Some(holder) = site.holder {
        connection.announce_model(holder, &row.component)?;
    }
    Ok(version_at(connection, seq.0)?)
}

/// Gives a model another name.
pub(crate) fn set_alias(connection: &mut Db, seq: Seq, alias: &str) -> Result<VersionRow, Stop> {
    lock(connection)?;
    let row = version_at(connection, seq.0)?;
    diesel::sql_query("DELETE FROM model_aliases WHERE component = $1 AND alias = $2")
        .bind::<Text, _>(&row.component)
        .bind::<Text, _>(alias)
        .execute(connection)?;
    diesel::insert_into(model_aliases::table)
        .values((
            model_aliases::component.eq(&row.component),
            model_aliases::alias.eq(alias),
            model_aliases::seq.eq(seq.0),
        ))
        .execute(connection)?;
    Ok(version_at(connection, seq.0)?)
}

/// Takes a name away.
pub(crate) fn drop_alias(connection: &mut Db, component: &str, alias: &str) -> Result<bool, Stop> {
    let gone = diesel::sql_query("DELETE FROM model_aliases WHERE component = $1 AND alias = $2")
        .bind::<Text, _>(component)
        .bind::<Text, _>(alias)
        .execute(connection)?;
    Ok(gone > 0)
}

/// Takes the turn of whoever numbers rows, so that models enter and change places one at a time.
pub(super) fn lock(connection: &mut Db) -> QueryResult<()> {
    diesel::sql_query("UPDATE hub_state SET last_seq = last_seq").execute(connection)?;
    Ok(())
}
