//! The rows that utilization is worked out from.

use loopledger_model::{Period, PoolId};
use tokio_postgres::Transaction;

use crate::as_of::As;
use crate::columns::micros;
use crate::error::Error;
use crate::rows::{Allocation, CardSpec, Contract, Pool, PoolState, Termination, Usage};
use crate::table::select;

/// What is known of pools and contracts. Rows stand in the order in which they were recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    pub pools: Vec<Pool>,
    pub states: Vec<PoolState>,
    pub specs: Vec<CardSpec>,
    /// Those whose term touches the period.
    pub contracts: Vec<Contract>,
    pub terminations: Vec<Termination>,
    /// Those that touch the period, and all of those contracts.
    pub allocations: Vec<Allocation>,
    /// Those that touch the period.
    pub usages: Vec<Usage>,
}

impl Holdings {
    /// What is needed to tell of one pool, or of all.
    pub(crate) async fn load(
        transaction: &Transaction<'_>,
        pool: Option<&PoolId>,
        period: Period,
        seen: As,
    ) -> Result<Self, Error> {
        let (seen, from, to) = (seen.in_rows(), micros(period.from()), micros(period.to()));
        let with = |condition: &str| format!("{} AND {condition}", As::CONDITION);
        let touching = with("from_at < $4 AND to_at > $3");
        let at_any_time = [&seen.of as _, &seen.known as _];
        let in_period = [&seen.of as _, &seen.known as _, &from as _, &to as _];
        let of_contracts = with(
            "((at < $4 AND to_at > $3) \
             OR contract IN (SELECT id FROM contracts WHERE from_at < $4 AND to_at > $3))",
        );
        let used = with("from_at < $4 AND at > $3 AND ($5::TEXT IS NULL OR pool = $5)");
        let pool = pool.map(PoolId::as_str);
        let of_pool = [&seen.of as _, &seen.known as _, &from as _, &to as _, &pool as _];
        Ok(Self {
            pools: select(transaction, As::CONDITION, &at_any_time).await?,
            states: select(transaction, As::CONDITION, &at_any_time).await?,
            specs: select(transaction, As::CONDITION, &at_any_time).await?,
            contracts: select(transaction, &touching, &in_period).await?,
            terminations: select(transaction, As::CONDITION, &at_any_time).await?,
            allocations: select(transaction, &of_contracts, &in_period).await?,
            usages: select(transaction, &used, &of_pool).await?,
        })
    }

    /// Everything that says what was sold of which cards, at any time; no usage.
    pub(crate) async fn load_sales(transaction: &Transaction<'_>, seen: As) -> Result<Self, Error> {
        let seen = seen.in_rows();
        let at_any_time = [&seen.of as _, &seen.known as _];
        Ok(Self {
            pools: select(transaction, As::CONDITION, &at_any_time).await?,
            states: select(transaction, As::CONDITION, &at_any_time).await?,
            specs: select(transaction, As::CONDITION, &at_any_time).await?,
            contracts: select(transaction, As::CONDITION, &at_any_time).await?,
            terminations: select(transaction, As::CONDITION, &at_any_time).await?,
            allocations: select(transaction, As::CONDITION, &at_any_time).await?,
            usages: Vec::new(),
        })
    }
}
