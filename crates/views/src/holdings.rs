//! The rows that utilization is worked out from.

use std::collections::BTreeMap;
use std::pin::pin;

use futures::TryStreamExt as _;
use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::{AllocationId, Period, PoolId};
use num_bigint::BigInt;
use num_traits::Zero as _;
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use crate::as_of::As;
use crate::columns::micros;
use crate::error::Error;
use crate::rows::{Allocation, AllocationEnd, CardSpec, Contract, Pool, PoolState, Termination};
use crate::spans::asked;
use crate::steps::{Span, merged};
use crate::table::{cell, select};

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
    pub(crate) busy: Vec<Busy>,
    pub(crate) seen: Vec<Seen>,
}

/// What was metered of a pool in a window, or in windows that are all within it and within one
/// stretch of time that is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Busy {
    pub(crate) pool: PoolId,
    pub(crate) window: Span,
    pub(crate) card_hours: BigRational,
}

/// That a usage window of the allocation covers this time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) pool: PoolId,
    pub(crate) allocation: AllocationId,
    pub(crate) window: Span,
}

/// Of some allocations, or of all where none are named.
const USED: &str =
    "from_at < $4 AND at > $3 AND from_at < at AND ($5::TEXT[] IS NULL OR allocation = ANY ($5))";

/// Whose a usage is.
pub(crate) const GIVEN: &str =
    "(SELECT id AS allocation, pool, contract FROM allocations) AS given";

/// The operator of the pool in the third parameter.
const OPERATOR: &str = "(SELECT operator FROM pools WHERE id = $3)";

impl Holdings {
    /// What is needed to tell of one pool, or of all, in the whole period or also day by day.
    pub(crate) async fn load(
        transaction: &Transaction<'_>,
        pool: Option<&PoolId>,
        period: Period,
        by_day: bool,
        seen: As,
    ) -> Result<Self, Error> {
        let seen = seen.in_rows();
        let (from, to) = (micros(period.from()), micros(period.to()));
        let mut holdings = match pool {
            Some(pool) => Self::load_pool(transaction, pool, (from, to), seen).await?,
            None => Self::load_all(transaction, (from, to), seen).await?,
        };
        let allocations = match pool {
            Some(pool) => Some(allocations_of(transaction, pool).await?),
            None => None,
        };
        let used = [&seen.of as _, &seen.known as _, &from as _, &to as _, &allocations as _];
        (holdings.busy, holdings.seen) = metered(transaction, by_day, &used).await?;
        Ok(holdings)
    }

    async fn load_all(
        transaction: &Transaction<'_>,
        (from, to): (Timestamp, Timestamp),
        seen: As,
    ) -> Result<Self, Error> {
        let with = |condition: &str| format!("{} AND {condition}", As::CONDITION);
        let touching = with("from_at < $4 AND to_at > $3");
        let at_any_time = [&seen.of as _, &seen.known as _];
        let in_period = [&seen.of as _, &seen.known as _, &from as _, &to as _];
        let of_contracts = with(
            "((at < $4 AND to_at > $3) \
             OR contract IN (SELECT id FROM contracts WHERE from_at < $4 AND to_at > $3))",
        );
        Ok(Self {
            pools: select(transaction, As::CONDITION, &at_any_time).await?,
            states: select(transaction, As::CONDITION, &at_any_time).await?,
            specs: select(transaction, As::CONDITION, &at_any_time).await?,
            contracts: select(transaction, &touching, &in_period).await?,
            terminations: select(transaction, As::CONDITION, &at_any_time).await?,
            allocations: given(transaction, &of_contracts, &in_period, seen).await?,
            ..Self::default()
        })
    }

    /// Its operator's pools, for what is spread among them; the contracts that claim from it.
    async fn load_pool(
        transaction: &Transaction<'_>,
        pool: &PoolId,
        (from, to): (Timestamp, Timestamp),
        seen: As,
    ) -> Result<Self, Error> {
        let with = |condition: &str| format!("{} AND {condition}", As::CONDITION);
        let (of, known, pool) = (&seen.of as _, &seen.known as _, pool.as_str());
        let of_pool = [of, known, &pool as _];
        let beside = with(&format!("operator = {OPERATOR}"));
        let states = with(&format!("pool IN (SELECT id FROM pools WHERE operator = {OPERATOR})"));
        let claiming = with(&format!(
            "from_at < $5 AND to_at > $4 AND id IN (\
                SELECT id FROM contracts WHERE seller = {OPERATOR} \
                UNION ALL SELECT contract FROM allocations WHERE pool = $3)"
        ));
        let in_period = [of, known, &pool as _, &from as _, &to as _];
        let contracts: Vec<Contract> = select(transaction, &claiming, &in_period).await?;
        let ids: Vec<&str> = contracts.iter().map(|contract| contract.id.as_str()).collect();
        let of_contracts = with("contract = ANY ($3)");
        let given_then = with("((pool = $3 AND at < $5 AND to_at > $4) OR contract = ANY ($6))");
        let given_to = [of, known, &pool as _, &from as _, &to as _, &ids as _];
        Ok(Self {
            pools: select(transaction, &beside, &of_pool).await?,
            states: select(transaction, &states, &of_pool).await?,
            specs: select(transaction, As::CONDITION, &[of, known]).await?,
            terminations: select(transaction, &of_contracts, &[of, known, &ids]).await?,
            allocations: given(transaction, &given_then, &given_to, seen).await?,
            contracts,
            ..Self::default()
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
            allocations: given(transaction, As::CONDITION, &at_any_time, seen).await?,
            ..Self::default()
        })
    }
}

/// Allocations that meet a condition, each up to where its cards were given back as far as that is seen.
pub(crate) async fn given(
    transaction: &Transaction<'_>,
    condition: &str,
    parameters: &[&(dyn ToSql + Sync)],
    seen: As,
) -> Result<Vec<Allocation>, Error> {
    let mut allocations: Vec<Allocation> = select(transaction, condition, parameters).await?;
    let ids: Vec<&str> = allocations.iter().map(|given| given.id.as_str()).collect();
    let ended = format!("{} AND allocation = ANY ($3)", As::CONDITION);
    let ends: Vec<AllocationEnd> =
        select(transaction, &ended, &[&seen.of, &seen.known, &ids]).await?;
    let ends: BTreeMap<AllocationId, Timestamp> =
        ends.into_iter().map(|end| (end.allocation, end.stamp.at)).collect();
    for given in &mut allocations {
        given.to_at = ends.get(&given.id).copied().unwrap_or(given.to_at);
    }
    Ok(allocations)
}

/// All that there ever were of a pool, by which its usage is found.
async fn allocations_of(
    transaction: &Transaction<'_>,
    pool: &PoolId,
) -> Result<Vec<String>, Error> {
    let query = "SELECT id FROM allocations WHERE pool = $1";
    let rows = asked(query, transaction.query(query, &[&pool.as_str()])).await?;
    rows.iter().map(|row| cell(row, 0, "allocations", "id")).collect()
}

/// Sorting usage by its allocation would take longer than all else; it is divided by hashing.
const BY_HASHING: &str = "SET LOCAL enable_sort = off";

/// What was metered in one reading: windows within one stretch of time count as one that is all of it, and the time
/// that the windows of each allocation cover.
async fn metered(
    transaction: &Transaction<'_>,
    by_day: bool,
    used: &[&(dyn ToSql + Sync)],
) -> Result<(Vec<Busy>, Vec<Seen>), Error> {
    let (start, end) = if by_day {
        (
            "date_trunc('day', from_at, 'UTC')",
            "date_trunc('day', from_at, 'UTC') + INTERVAL '24 hours'",
        )
    } else {
        ("$3::TIMESTAMPTZ", "$4::TIMESTAMPTZ")
    };
    let told = As::CONDITION;
    let query = format!(
        "SELECT pool, allocation, window_from, window_to, used, used_from, used_to
         FROM (SELECT allocation, CASE WHEN inside THEN start_at ELSE from_at END AS window_from,
                CASE WHEN inside THEN end_at ELSE at END AS window_to,
                sum(card_hours)::TEXT AS used, array_agg(from_at) AS used_from, array_agg(at) AS used_to
            FROM (SELECT *, start_at <= from_at AND at <= end_at AS inside
                FROM (SELECT allocation, from_at, at, card_hours,
                        greatest({start}, $3::TIMESTAMPTZ) AS start_at,
                        least({end}, $4::TIMESTAMPTZ) AS end_at
                    FROM usages WHERE {told} AND {USED}) AS used) AS placed
            GROUP BY 1, 2, 3) AS summed
         JOIN {GIVEN} USING (allocation)"
    );
    transaction.batch_execute(BY_HASHING).await?;
    let mut rows = pin!(asked(&query, transaction.query_raw(&query, used.iter().copied())).await?);
    let (mut busy, mut seen) = (BTreeMap::new(), BTreeMap::new());
    while let Some(row) = rows.try_next().await? {
        let pool: PoolId = cell(&row, 0, "usages", "pool")?;
        let window = Span::of(cell(&row, 2, "usages", "from_at")?, cell(&row, 3, "usages", "at")?);
        *busy.entry((pool.clone(), window)).or_insert_with(BigRational::zero) +=
            card_hours(cell(&row, 4, "usages", "card_hours")?)?;
        let covered: &mut Vec<Span> =
            seen.entry((pool, cell(&row, 1, "usages", "allocation")?)).or_default();
        let [from, to] = [(5, "from_at"), (6, "at")].map(|(place, column)| {
            let found: Result<Vec<Timestamp>, _> = row.try_get(place);
            found.map_err(|error| misread_times(column, &error))
        });
        covered.extend(from?.into_iter().zip(to?).map(|(from, to)| Span::of(from, to)));
        *covered = merged(std::mem::take(covered));
    }
    let busy = busy.into_iter();
    let busy = busy.map(|((pool, window), card_hours)| Busy { pool, window, card_hours }).collect();
    let seen = seen.into_iter().flat_map(|((pool, allocation), windows)| {
        let seen = move |window| Seen {
            pool: PoolId::clone(&pool),
            allocation: AllocationId::clone(&allocation),
            window,
        };
        windows.into_iter().map(seen)
    });
    Ok((busy, seen.collect()))
}

/// What was metered of a pool in each window in which its electricity was read, as far as it is of the window's time.
pub(crate) async fn metered_beside_electricity(
    transaction: &Transaction<'_>,
    seen: As,
) -> Result<BTreeMap<(PoolId, Span), Vec<Busy>>, Error> {
    let (seen, told) = (seen.in_rows(), As::CONDITION);
    let query = format!(
        "SELECT pool, start_at, end_at, CASE WHEN inside THEN start_at ELSE from_at END,
            CASE WHEN inside THEN end_at ELSE at END, sum(card_hours)::TEXT
         FROM (SELECT *, start_at <= from_at AND at <= end_at AS inside
            FROM (SELECT DISTINCT pool, from_at AS start_at, at AS end_at
                FROM electricity WHERE {told}) AS drawn
            JOIN (SELECT pool, from_at, at, card_hours
                FROM usages JOIN {GIVEN} USING (allocation)
                WHERE {told} AND from_at < at) AS used USING (pool)
            WHERE from_at < end_at AND at > start_at) AS placed
         GROUP BY 1, 2, 3, 4, 5"
    );
    let mut metered: BTreeMap<_, Vec<Busy>> = BTreeMap::new();
    for row in asked(&query, transaction.query(&query, &[&seen.of, &seen.known])).await? {
        let pool: PoolId = cell(&row, 0, "usages", "pool")?;
        let span = |from, to| {
            Ok::<_, Error>(Span::of(
                cell(&row, from, "usages", "from_at")?,
                cell(&row, to, "usages", "at")?,
            ))
        };
        let (drawn, window) = (span(1, 2)?, span(3, 4)?);
        let card_hours = card_hours(cell(&row, 5, "usages", "card_hours")?)?;
        let busy = Busy { pool: pool.clone(), window, card_hours };
        metered.entry((pool, drawn)).or_default().push(busy);
    }
    Ok(metered)
}

fn card_hours(found: String) -> Result<BigRational, Error> {
    sum(&found).ok_or(Error::Misread { table: "usages", column: "card_hours", found })
}

fn misread_times(column: &'static str, error: &tokio_postgres::Error) -> Error {
    Error::Misread { table: "usages", column, found: error.to_string() }
}

/// A decimal of any length.
fn sum(text: &str) -> Option<BigRational> {
    let (integer, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: BigInt = format!("{integer}{fraction}").parse().ok()?;
    let scale = u32::try_from(fraction.len()).ok()?;
    Some(BigRational::new(digits, BigInt::from(10).pow(scale)))
}
