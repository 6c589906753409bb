//! Leases, runs and models: rare writes, through diesel.

use diesel::connection::TransactionManager;
use diesel::dsl::count_star;
use diesel::prelude::*;
use souffleur_core::ids::{Epoch, Seq};
use souffleur_core::store::{Committed, Lease, RunCommit, RunFailure, RunState, StoreError};
use souffleur_core::time::Timestamp;

use super::{Claim, guarded};
use crate::errors::{database, unreadable};
use crate::lineage;
use crate::schema::{hub_state, leases, lineage as lineage_rows, models, runs};

/// What ended a transaction: the database, or a rule of ours.
enum Stop {
    Database(diesel::result::Error),
    Refused(StoreError),
}

impl From<diesel::result::Error> for Stop {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<Stop> for StoreError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Database(error) => database(error),
            Stop::Refused(error) => error,
        }
    }
}

fn transaction<T>(
    connection: &mut SqliteConnection,
    work: impl FnOnce(&mut SqliteConnection) -> Result<T, Stop>,
) -> Result<T, StoreError> {
    // On a full disk SQLite rolls back by itself, diesel's rollback then fails and hides why: the first error counts.
    let mut cause = None;
    let result = guarded(|| {
        let result = connection.immediate_transaction(|connection| {
            work(connection).map_err(|stop| {
                cause = Some(StoreError::from(stop));
                diesel::result::Error::RollbackTransaction
            })
        });
        result.map_err(|error| cause.take().unwrap_or_else(|| database(error)))
    });
    if result.is_err() {
        // After a panic the transaction is still open; after anything else there is none, which is fine.
        let _ = <SqliteConnection as Connection>::TransactionManager::rollback_transaction(connection);
    }
    result
}

/// Starts a run under a new epoch; what ran before under an older one is abandoned.
pub(super) fn claim(connection: &mut SqliteConnection, claim: &Claim) -> Result<Lease, StoreError> {
    let ttl_us = i64::try_from(claim.ttl_ms.saturating_mul(1000)).unwrap_or(i64::MAX);
    let expires = Timestamp(claim.now.0.saturating_add(ttl_us));
    transaction(connection, |connection| {
        let epoch = current_epoch(connection, &claim.component)?.map_or(1, |epoch| epoch + 1);
        diesel::update(runs::table.filter(runs::component.eq(&claim.component)).filter(runs::state.eq("running")))
            .set((
                runs::state.eq(RunState::Abandoned.name()),
                runs::ended.eq(claim.now.0),
                runs::reason.eq(format!("superseded by run {}", claim.run_id)),
            ))
            .execute(connection)?;
        let taken: i64 = runs::table.filter(runs::run_id.eq(&claim.run_id)).select(count_star()).first(connection)?;
        if taken > 0 {
            let text = format!("run {} was started before; every run needs a name of its own", claim.run_id);
            return Err(StoreError::Database(text).into());
        }
        diesel::insert_into(runs::table)
            .values((
                runs::run_id.eq(&claim.run_id),
                runs::component.eq(&claim.component),
                runs::epoch.eq(epoch),
                runs::state.eq(RunState::Running.name()),
                runs::started.eq(claim.now.0),
            ))
            .execute(connection)?;
        let lease = (leases::epoch.eq(epoch), leases::run_id.eq(&claim.run_id), leases::expires.eq(expires.0));
        diesel::insert_into(leases::table)
            .values((leases::component.eq(&claim.component), lease))
            .on_conflict(leases::component)
            .do_update()
            .set(lease)
            .execute(connection)?;
        Ok(Lease { component: claim.component.clone(), run_id: claim.run_id.clone(), epoch: Epoch(epoch), expires })
    })
}

fn current_epoch(connection: &mut SqliteConnection, component: &str) -> QueryResult<Option<i64>> {
    leases::table.find(component).select(leases::epoch).first(connection).optional()
}

/// Refuses a lease that is no longer in force.
fn check(connection: &mut SqliteConnection, lease: &Lease) -> Result<(), Stop> {
    let current = current_epoch(connection, &lease.component)?
        .ok_or_else(|| StoreError::Unknown { what: "lease", name: lease.component.clone() })?;
    if current == lease.epoch.0 {
        return Ok(());
    }
    let (component, have, current) = (lease.component.clone(), lease.epoch, Epoch(current));
    Err(StoreError::Fenced { component, have, current }.into())
}

/// How a run stands, and its place in the global order if it has one.
fn standing(connection: &mut SqliteConnection, run_id: &str) -> Result<(RunState, Option<i64>), Stop> {
    let (state, seq): (String, Option<i64>) = runs::table
        .filter(runs::run_id.eq(run_id))
        .select((runs::state, runs::seq))
        .first(connection)
        .optional()?
        .ok_or_else(|| StoreError::Unknown { what: "run", name: run_id.to_owned() })?;
    let state = RunState::parse(&state).ok_or_else(|| unreadable("run", format_args!("state `{state}`")))?;
    Ok((state, seq))
}

/// Commits a run with its model. A run that is committed already is answered with its first place.
pub(super) fn commit(connection: &mut SqliteConnection, run: &RunCommit) -> Result<Committed, StoreError> {
    let report = run.report.to_string();
    let metrics = serde_json::to_string(&run.metrics).map_err(|e| unreadable("metrics", e))?;
    let packed = lineage::pack(&run.rows);
    let model_id = model_id(run, &packed);
    transaction(connection, |connection| {
        check(connection, &run.lease)?;
        match standing(connection, &run.lease.run_id)? {
            (RunState::Succeeded, Some(seq)) => return Ok(Committed { seq: Seq(seq), model_id: model_id.clone() }),
            (RunState::Running, _) => {}
            (state, _) => return Err(ended(&run.lease.run_id, state)),
        }
        let seq: i64 = diesel::update(hub_state::table)
            .set(hub_state::last_seq.eq(hub_state::last_seq + 1))
            .returning(hub_state::last_seq)
            .get_result(connection)?;
        diesel::update(runs::table.filter(runs::run_id.eq(&run.lease.run_id)))
            .set((
                runs::seq.eq(seq),
                runs::state.eq(RunState::Succeeded.name()),
                runs::ended.eq(run.now.0),
                runs::watermark.eq(run.version.watermark.0),
                runs::schema_hash.eq(run.version.schema_hash.cast_signed()),
                runs::seed.eq(run.seed.cast_signed()),
                runs::duration_ms.eq(i64::try_from(run.duration_ms).unwrap_or(i64::MAX)),
                runs::report.eq(&report),
                runs::metrics.eq(&metrics),
            ))
            .execute(connection)?;
        diesel::insert_into(models::table)
            .values((
                models::seq.eq(seq),
                models::model_id.eq(&model_id),
                models::component.eq(&run.lease.component),
                models::run_id.eq(&run.lease.run_id),
                models::epoch.eq(run.lease.epoch.0),
                models::watermark.eq(run.version.watermark.0),
                models::schema_hash.eq(run.version.schema_hash.cast_signed()),
                models::created.eq(run.now.0),
                models::snapshot.eq(&run.snapshot),
            ))
            .execute(connection)?;
        diesel::insert_into(lineage_rows::table)
            .values((
                lineage_rows::seq.eq(seq),
                lineage_rows::model_id.eq(&model_id),
                lineage_rows::row_count.eq(i64::try_from(run.rows.len()).unwrap_or(i64::MAX)),
                lineage_rows::rows.eq(&packed),
            ))
            .execute(connection)?;
        Ok(Committed { seq: Seq(seq), model_id: model_id.clone() })
    })
}

/// The model's name: a hash of what it is and what it was made from, so that the same model has the same name.
fn model_id(run: &RunCommit, packed_rows: &[u8]) -> String {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    hash.update(&run.version.watermark.0.to_le_bytes());
    hash.update(&run.version.schema_hash.to_le_bytes());
    hash.update(&run.seed.to_le_bytes());
    hash.update(&(packed_rows.len() as u64).to_le_bytes());
    hash.update(packed_rows);
    hash.update(&run.snapshot);
    format!("{}-{:032x}", run.lease.component, hash.digest128())
}

fn ended(run_id: &str, state: RunState) -> Stop {
    StoreError::Database(format!("run {run_id} is over: it is {}", state.name())).into()
}

/// Records that a run ended without a model. A run that ended that way already is left as it is.
pub(super) fn fail(connection: &mut SqliteConnection, failure: &RunFailure) -> Result<(), StoreError> {
    if !matches!(failure.state, RunState::Failed | RunState::Cancelled) {
        let text = format!("a run cannot end without a model as `{}`: say failed or cancelled", failure.state.name());
        return Err(StoreError::Database(text));
    }
    transaction(connection, |connection| {
        check(connection, &failure.lease)?;
        match standing(connection, &failure.lease.run_id)? {
            (RunState::Running, _) => {}
            (state, _) if state == failure.state => return Ok(()),
            (state, _) => return Err(ended(&failure.lease.run_id, state)),
        }
        diesel::update(runs::table.filter(runs::run_id.eq(&failure.lease.run_id)))
            .set((
                runs::state.eq(failure.state.name()),
                runs::ended.eq(failure.now.0),
                runs::reason.eq(&failure.reason),
            ))
            .execute(connection)?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_the_next_transaction_works() {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        let error = transaction::<()>(&mut connection, |connection| {
            diesel::sql_query("CREATE TABLE half (done)").execute(connection)?;
            panic!("out of tune")
        });
        assert!(error.unwrap_err().to_string().contains("out of tune"));
        transaction(&mut connection, |connection| {
            diesel::sql_query("CREATE TABLE half (done)").execute(connection)?;
            Ok(())
        })
        .unwrap();
    }
}
