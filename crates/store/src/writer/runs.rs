//! Leases, runs and models: rare writes, through diesel.

use diesel::connection::TransactionManager;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use souffleur_core::ids::{Epoch, Seq};
use souffleur_core::store::{Claim, Committed, Lease, RunCommit, RunFailure, RunState, StoreError};

use super::errand::Site;
use super::versions::{self, Admission};
use super::{Request, erase, guarded, lease};
use crate::content::Content;
use crate::database::{Database, Db, Leasing};
use crate::errors::{database, unreadable};
use crate::lineage;
use crate::schema::{hub_state, leases, lineage as lineage_rows, models, runs};

/// A run takes longer than a full queue: how much later than then a claim is to be tried again.
const HELD_FACTOR: u64 = 10;

/// Rows after a place that a component can learn from.
const NEW_ROWS: &str = "SELECT (SELECT count(*) FROM session_features WHERE seq > $1) \
     + (SELECT count(*) FROM rule_applications WHERE seq > $1) \
     + (SELECT count(*) FROM user_feedback WHERE seq > $1) AS rows";

#[derive(QueryableByName)]
struct NewRows {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// The newest of them.
const NEWEST_ROW: &str = "SELECT max(seq) AS seq FROM (SELECT max(seq) AS seq FROM session_features \
     UNION ALL SELECT max(seq) FROM rule_applications UNION ALL SELECT max(seq) FROM user_feedback) AS newest";

#[derive(QueryableByName)]
struct NewestRow {
    #[diesel(sql_type = Nullable<BigInt>)]
    seq: Option<i64>,
}

/// What ended a transaction: the database, or a rule of ours.
pub(crate) enum Stop {
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

/// Writes runs and leases.
pub(super) struct Registrar<'d, D> {
    pub(super) database: &'d D,
    pub(super) connection: Db,
}

impl<D: Database> Registrar<'_, D> {
    /// Carries out a request about a run and answers it.
    pub(super) fn decide(&mut self, request: Request) {
        match request {
            Request::Append { reply, .. } => reply.complete(Err(StoreError::Closed)),
            Request::Claim { claim, reply } => {
                let database = self.database;
                let (holder, retry_after_ms) = (database.holder(), HELD_FACTOR * database.settings().retry_after_ms);
                reply.complete(self.transaction(|connection| self::claim(connection, &claim, holder, retry_after_ms)));
            }
            Request::Commit { run, reply } => reply.complete(self.commit(&run)),
            Request::Fail { failure, reply } => reply.complete(self.fail(&failure)),
            Request::Errand(mut errand) => {
                let site = Site { holder: self.database.holder() };
                let outcome = self.transaction(|connection| errand.run(connection, site));
                if outcome.is_ok() {
                    errand.after(&mut self.connection);
                }
                errand.answer(outcome);
            }
        }
    }

    fn commit(&mut self, run: &RunCommit) -> Result<Committed, StoreError> {
        let row = ModelParts::new(run)?;
        let holder = self.database.holder();
        let settings = self.database.settings();
        let admission = Admission { key: settings.signing_key.clone(), keep: settings.keep_models };
        self.transaction(|connection| commit(connection, run, &row, holder, &admission))
    }

    fn fail(&mut self, failure: &RunFailure) -> Result<(), StoreError> {
        if !matches!(failure.state, RunState::Failed | RunState::Cancelled) {
            let state = failure.state.name();
            let text = format!("a run cannot end without a model as `{state}`: say failed or cancelled");
            return Err(StoreError::Database(text));
        }
        self.transaction(|connection| fail(connection, failure))
    }

    /// Does `work` in one transaction. Its first statement writes: on SQLite a transaction that reads before it writes
    /// may find that others wrote in between.
    fn transaction<T>(&mut self, work: impl FnOnce(&mut Db) -> Result<T, Stop>) -> Result<T, StoreError> {
        let result = transaction(&mut self.connection, work);
        if matches!(result, Err(StoreError::Database(_)))
            && !self.database.is_usable(&mut self.connection)
            && let Ok(fresh) = self.database.runs()
        {
            self.connection = fresh;
        }
        result
    }
}

fn transaction<T>(connection: &mut Db, work: impl FnOnce(&mut Db) -> Result<T, Stop>) -> Result<T, StoreError> {
    // On a full disk SQLite rolls back by itself, diesel's rollback then fails and hides why: the first error counts.
    let mut cause = None;
    let result = guarded(|| {
        let result = connection.transaction(|connection| {
            work(connection).map_err(|stop| {
                cause = Some(StoreError::from(stop));
                diesel::result::Error::RollbackTransaction
            })
        });
        result.map_err(|error| cause.take().unwrap_or_else(|| database(error)))
    });
    if result.is_err() {
        // After a panic the transaction is still open; after anything else there is none, which is fine.
        let _ = <Db as Connection>::TransactionManager::rollback_transaction(connection);
    }
    result
}

/// Starts a run under a new epoch; what ran before under an older one is abandoned.
fn claim(connection: &mut Db, claim: &Claim, holder: Option<i64>, retry_after_ms: u64) -> Result<Lease, Stop> {
    let Claim { component, run_id, now, .. } = claim;
    let held = |run_id| StoreError::Held { component: component.clone(), run_id, retry_after_ms };
    // Locked this very moment: somebody else is claiming or committing.
    let before = lease::lock_free(connection, component)?.ok_or_else(|| held("(about to begin)".to_owned()))?;
    if before.is_held_against(holder, *now) && before.holder_lives(connection)? {
        return Err(held(before.run_id).into());
    }
    let watermark = check_basis(connection, claim)?;
    diesel::update(runs::table.filter(runs::component.eq(component)).filter(runs::state.eq("running")))
        .set((
            runs::state.eq(RunState::Abandoned.name()),
            runs::ended.eq(now.0),
            runs::reason.eq(format!("superseded by run {run_id}")),
        ))
        .execute(connection)?;
    let taken: i64 = runs::table.filter(runs::run_id.eq(run_id)).select(count_star()).first(connection)?;
    if taken > 0 {
        let text = format!("run {run_id} was started before; every run needs a name of its own");
        return Err(StoreError::Database(text).into());
    }
    let epoch = before.epoch + 1;
    diesel::insert_into(runs::table)
        .values((
            runs::run_id.eq(run_id),
            runs::component.eq(component),
            runs::epoch.eq(epoch),
            runs::state.eq(RunState::Running.name()),
            runs::started.eq(now.0),
        ))
        .execute(connection)?;
    let expires = claim.expires();
    diesel::update(leases::table.find(component))
        .set((
            leases::epoch.eq(epoch),
            leases::run_id.eq(run_id),
            leases::expires.eq(expires.0),
            leases::holder.eq(holder),
        ))
        .execute(connection)?;
    Ok(Lease { component: component.clone(), run_id: run_id.clone(), epoch: Epoch(epoch), expires, watermark })
}

/// Refuses a claim whose basis does not hold; gives the place of the newest row to learn from.
fn check_basis(connection: &mut Db, claim: &Claim) -> Result<Seq, Stop> {
    if claim.basis.is_some() {
        let newest: Option<(String, i64)> = models::table
            .filter(models::component.eq(&claim.component))
            .order(models::seq.desc())
            .select((models::model_id, models::watermark))
            .first(connection)
            .optional()?;
        let since = newest.as_ref().map_or(0, |(_, watermark)| *watermark);
        let NewRows { rows } = diesel::sql_query(NEW_ROWS).bind::<BigInt, _>(since).get_result(connection)?;
        claim.check_basis(newest.map(|(model_id, _)| model_id), u64::try_from(rows).unwrap_or(0))?;
    }
    let NewestRow { seq } = diesel::sql_query(NEWEST_ROW).get_result(connection)?;
    Ok(Seq(seq.unwrap_or(0)))
}

/// How a run stands, and its place in the global order if it has one.
fn standing(connection: &mut Db, run_id: &str) -> Result<(RunState, Option<i64>), Stop> {
    let (state, seq): (String, Option<i64>) = runs::table
        .filter(runs::run_id.eq(run_id))
        .select((runs::state, runs::seq))
        .first(connection)
        .optional()?
        .ok_or_else(|| StoreError::Unknown { what: "run", name: run_id.to_owned() })?;
    let state = RunState::parse(&state).ok_or_else(|| unreadable("run", format_args!("state `{state}`")))?;
    Ok((state, seq))
}

/// What a model's rows hold beside what the run brings.
struct ModelParts {
    report: String,
    metrics: String,
    packed_rows: Vec<u8>,
    model_id: String,
}

impl ModelParts {
    fn new(run: &RunCommit) -> Result<Self, StoreError> {
        let metrics = serde_json::to_string(&run.metrics).map_err(|e| unreadable("metrics", e))?;
        let packed_rows = lineage::pack(&run.rows);
        let content = Content {
            component: &run.lease.component,
            version: run.version,
            seed: run.seed,
            packed_rows: &packed_rows,
            snapshot: &run.snapshot,
        };
        let model_id = content.model_id();
        Ok(Self { report: run.report.to_string(), metrics, packed_rows, model_id })
    }
}

/// Commits a run with its model. A run that is committed already is answered with its first place.
fn commit(
    connection: &mut Db,
    run: &RunCommit,
    parts: &ModelParts,
    holder: Option<i64>,
    admission: &Admission,
) -> Result<Committed, Stop> {
    let ModelParts { report, metrics, packed_rows, model_id } = parts;
    lease::lock_current(connection, &run.lease)?;
    match standing(connection, &run.lease.run_id)? {
        (RunState::Succeeded, Some(seq)) => return Ok(Committed { seq: Seq(seq), model_id: model_id.clone() }),
        (RunState::Running, _) => {}
        (state, _) => return Err(ended(&run.lease.run_id, state)),
    }
    let seq: i64 = diesel::update(hub_state::table)
        .set(hub_state::last_seq.eq(hub_state::last_seq + 1))
        .returning(hub_state::last_seq)
        .get_result(connection)?;
    // Now nothing can be erased until this is committed.
    erase::refuse_erased(connection, run)?;
    diesel::update(runs::table.filter(runs::run_id.eq(&run.lease.run_id)))
        .set((
            runs::seq.eq(seq),
            runs::state.eq(RunState::Succeeded.name()),
            runs::ended.eq(run.now.0),
            runs::watermark.eq(run.version.watermark.0),
            runs::schema_hash.eq(run.version.schema_hash.cast_signed()),
            runs::seed.eq(run.seed.cast_signed()),
            runs::duration_ms.eq(i64::try_from(run.duration_ms).unwrap_or(i64::MAX)),
            runs::report.eq(report),
            runs::metrics.eq(metrics),
        ))
        .execute(connection)?;
    insert_model(connection, run, parts, seq)?;
    versions::enter(connection, run, (seq, model_id, packed_rows), admission)?;
    lease::release(connection, &run.lease.component)?;
    if let Some(holder) = holder {
        connection.announce_model(holder, &run.lease.component)?;
    }
    Ok(Committed { seq: Seq(seq), model_id: model_id.clone() })
}

/// Adds a model and the rows it was trained on.
fn insert_model(connection: &mut Db, run: &RunCommit, parts: &ModelParts, seq: i64) -> QueryResult<()> {
    let ModelParts { packed_rows, model_id, .. } = parts;
    diesel::insert_into(models::table)
        .values((
            models::seq.eq(seq),
            models::model_id.eq(model_id),
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
            lineage_rows::model_id.eq(model_id),
            lineage_rows::row_count.eq(i64::try_from(run.rows.len()).unwrap_or(i64::MAX)),
            lineage_rows::rows.eq(packed_rows),
        ))
        .execute(connection)?;
    Ok(())
}

fn ended(run_id: &str, state: RunState) -> Stop {
    StoreError::Database(format!("run {run_id} is over: it is {}", state.name())).into()
}

/// Records that a run ended without a model. A run that ended that way already is left as it is.
fn fail(connection: &mut Db, failure: &RunFailure) -> Result<(), Stop> {
    lease::lock_current(connection, &failure.lease)?;
    match standing(connection, &failure.lease.run_id)? {
        (RunState::Running, _) => {}
        (state, _) if state == failure.state => return Ok(()),
        (state, _) => return Err(ended(&failure.lease.run_id, state)),
    }
    diesel::update(runs::table.filter(runs::run_id.eq(&failure.lease.run_id)))
        .set((runs::state.eq(failure.state.name()), runs::ended.eq(failure.now.0), runs::reason.eq(&failure.reason)))
        .execute(connection)?;
    Ok(lease::release(connection, &failure.lease.component)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_the_next_transaction_works() {
        let mut connection = crate::database::file(SqliteConnection::establish(":memory:").unwrap());
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
