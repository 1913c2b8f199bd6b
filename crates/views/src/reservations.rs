//! Answer: reservations and what became of them; and those whose hold has run out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::allocation::ReservationEnding;
use loopledger_model::{
    AllocationId, ContractId, FactId, PoolId, Position, ReservationId, WorkloadClass,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_postgres::Transaction;

use crate::as_of::As;
use crate::columns::micros;
use crate::error::Error;
use crate::rows::{Reservation, ReservationConfirmation, ReservationEnd};
use crate::spans::asked;
use crate::table::{cell, select};
use crate::views::Views;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reservations {
    pub position: Position,
    /// By id.
    pub reservations: Vec<ReservationTold>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReservationTold {
    pub reservation: ReservationId,
    pub pool: PoolId,
    pub cards: u32,
    pub from: Timestamp,
    pub to: Timestamp,
    pub made_at: Timestamp,
    pub held_until: Timestamp,
    pub contract: Option<ContractId>,
    pub class: Option<WorkloadClass>,
    pub state: ReservationState,
    /// What it became.
    pub allocation: Option<AllocationId>,
    /// When it was confirmed, released or expired.
    pub settled_at: Option<Timestamp>,
    pub event: FactId,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ReservationState {
    /// Held; also one whose hold ran out, until that is recorded.
    Reserved,
    /// It became an allocation.
    Active,
    Released,
    Expired,
}

impl From<ReservationEnding> for ReservationState {
    fn from(ending: ReservationEnding) -> Self {
        match ending {
            ReservationEnding::Released => Self::Released,
            ReservationEnding::Expired => Self::Expired,
        }
    }
}

/// What a reservation has come to.
type Fate = (ReservationState, Option<AllocationId>, Timestamp);

impl Views {
    /// Of one pool, or of all.
    pub async fn reservations(
        &self,
        pool: Option<&PoolId>,
        seen: As,
    ) -> Result<Reservations, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let seen = seen.in_rows();
        let pool = pool.map(PoolId::as_str);
        let asked = [&seen.of as _, &seen.known as _, &pool as _];
        let of_pool = format!("{} AND ($3::TEXT IS NULL OR pool = $3)", As::CONDITION);
        let made: Vec<Reservation> = select(&transaction, &of_pool, &asked).await?;
        let confirmed: Vec<ReservationConfirmation> =
            select(&transaction, &of_pool, &asked).await?;
        let ended: Vec<ReservationEnd> = select(&transaction, &of_pool, &asked).await?;
        let confirmed = confirmed.into_iter().map(|row| {
            let fate: Fate = (ReservationState::Active, Some(row.allocation), row.stamp.at);
            (row.reservation, fate)
        });
        let ended =
            ended.into_iter().map(|row| (row.reservation, (row.ending.into(), None, row.stamp.at)));
        let mut fates: BTreeMap<ReservationId, Fate> = confirmed.chain(ended).collect();
        let mut reservations: Vec<ReservationTold> =
            made.into_iter().map(|row| told(fates.remove(&row.id), row)).collect();
        reservations.sort_by(|a, b| a.reservation.cmp(&b.reservation));
        Ok(Reservations { position, reservations })
    }

    /// So many of those whose hold had run out by an instant and was not ended, in the order of
    /// their ids, behind one; and until when each was held.
    pub async fn overheld(
        &self,
        at: Timestamp,
        behind: Option<&ReservationId>,
        most: u32,
    ) -> Result<Vec<(ReservationId, Timestamp)>, Error> {
        let mut connection = self.connection().await?;
        let (transaction, _) = self.snapshot(&mut connection).await?;
        let question = format!(
            "SELECT id, held_until_at FROM reservations \
             WHERE held_until_at < $1 AND id > $2 AND {OPEN} ORDER BY id LIMIT $3"
        );
        let behind = behind.map_or("", ReservationId::as_str);
        let rows = asked(
            &question,
            transaction.query(&question, &[&micros(at), &behind, &i64::from(most)]),
        )
        .await?;
        let read = |row| {
            let id = cell(row, 0, "reservations", "id")?;
            Ok((id, cell(row, 1, "reservations", "held_until_at")?))
        };
        rows.iter().map(read).collect()
    }
}

const OPEN: &str = "NOT EXISTS (SELECT FROM reservation_ends WHERE reservation = id) \
    AND NOT EXISTS (SELECT FROM reservation_confirmations WHERE reservation = id)";

fn told(fate: Option<Fate>, row: Reservation) -> ReservationTold {
    let (state, allocation, settled_at) = match fate {
        Some((state, allocation, at)) => (state, allocation, Some(at)),
        None => (ReservationState::Reserved, None, None),
    };
    ReservationTold {
        event: row.stamp.fact(),
        reservation: row.id,
        pool: row.pool,
        cards: row.cards,
        from: row.from_at,
        to: row.to_at,
        made_at: row.stamp.at,
        held_until: row.held_until_at,
        contract: row.contract,
        class: row.class,
        state,
        allocation,
        settled_at,
    }
}

/// Those whose cards are held at an instant: neither given to a contract nor free again by then.
pub(crate) async fn held(
    transaction: &Transaction<'_>,
    seen: As,
    at: Timestamp,
) -> Result<Vec<Reservation>, Error> {
    let settled = |table: &str| {
        format!(
            "NOT EXISTS (SELECT FROM {table} AS settled WHERE reservation = reservations.id \
             AND settled.at <= $3 AND ($2::TIMESTAMPTZ IS NULL OR settled.recorded_at <= $2))"
        )
    };
    let held = format!(
        "{} AND from_at <= $3 AND to_at > $3 AND {} AND {}",
        As::CONDITION,
        settled("reservation_ends"),
        settled("reservation_confirmations")
    );
    select(transaction, &held, &[&seen.of, &seen.known, &at]).await
}
