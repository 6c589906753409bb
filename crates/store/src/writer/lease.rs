//! A component's lease: a row that whoever claims or commits holds locked until the transaction ends.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use souffleur_core::ids::Epoch;
use souffleur_core::store::{Lease, StoreError};
use souffleur_core::time::Timestamp;

use super::runs::Stop;
use crate::database::{Db, Leasing};
use crate::schema::leases;

/// A lease as it stands.
#[derive(QueryableByName)]
pub(super) struct Standing {
    #[diesel(sql_type = BigInt)]
    pub(super) epoch: i64,
    #[diesel(sql_type = Text)]
    pub(super) run_id: String,
    #[diesel(sql_type = BigInt)]
    expires: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    holder: Option<i64>,
}

#[derive(QueryableByName)]
struct Alive {
    #[diesel(sql_type = Bool)]
    alive: bool,
}

impl Standing {
    /// Whether somebody other than `holder` has it and it has not expired.
    pub(super) fn is_held_against(&self, holder: Option<i64>, now: Timestamp) -> bool {
        self.holder.is_some() && self.holder != holder && self.expires > now.0
    }

    /// Whether its holder's connection is open: while it is, it holds an advisory lock of its own number.
    pub(super) fn holder_lives(&self, connection: &mut Db) -> QueryResult<bool> {
        let Some(holder) = self.holder else { return Ok(false) };
        let Alive { alive } = diesel::sql_query("SELECT NOT pg_try_advisory_xact_lock($1) AS alive")
            .bind::<BigInt, _>(holder)
            .get_result(connection)?;
        Ok(alive)
    }
}

/// Locks a component's lease, made if it is not there; `None` if somebody else has it locked.
pub(super) fn lock_free(connection: &mut Db, component: &str) -> QueryResult<Option<Standing>> {
    let make = "INSERT INTO leases (component, epoch, run_id, expires) VALUES ($1, 0, '', 0) \
                ON CONFLICT (component) DO NOTHING";
    diesel::sql_query(make).bind::<Text, _>(component).execute(connection)?;
    let skip = connection.skip_locked();
    diesel::sql_query(format!("SELECT epoch, run_id, expires, holder FROM leases WHERE component = $1 {skip}"))
        .bind::<Text, _>(component)
        .get_result(connection)
        .optional()
}

/// Locks a lease, waiting for it, and refuses one that is no longer in force.
pub(super) fn lock_current(connection: &mut Db, lease: &Lease) -> Result<(), Stop> {
    let current: i64 = diesel::update(leases::table.find(&lease.component))
        .set(leases::epoch.eq(leases::epoch))
        .returning(leases::epoch)
        .get_result(connection)
        .optional()?
        .ok_or_else(|| StoreError::Unknown { what: "lease", name: lease.component.clone() })?;
    if current == lease.epoch.0 {
        return Ok(());
    }
    let (component, have, current) = (lease.component.clone(), lease.epoch, Epoch(current));
    Err(StoreError::Fenced { component, have, current }.into())
}

/// Lets others claim a locked lease. Its epoch stays: a commit sent twice is known again.
pub(super) fn release(connection: &mut Db, component: &str) -> QueryResult<()> {
    diesel::update(leases::table.find(component)).set(leases::holder.eq(None::<i64>)).execute(connection)?;
    Ok(())
}
