//! Rows of allocation: pools, their changes, allocations and their early ends, usage.

use loopledger_model::allocation::{
    Allocation, ChangePool, Command, EndAllocation, MeterUsage, Pool,
};

use super::{Cells, Draft, whole};

pub(super) fn pool(row: &mut Cells<'_>) -> Option<Draft> {
    let pool = whole!(Pool {
        id: row.one("id"),
        operator: row.one("operator"),
        site: row.one("site"),
        model: row.one("model"),
        cards: row.one("cards"),
        lit: row.one("lit"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(pool.at, Command::RegisterPool(pool)))
}

pub(super) fn pool_change(row: &mut Cells<'_>) -> Option<Draft> {
    let change = whole!(ChangePool {
        pool: row.one("pool"),
        at: row.one("at"),
        cards: row.maybe("cards"),
        lit: row.maybe("lit"),
    })?;
    Some(Draft::dated(change.at, Command::ChangePool(change)))
}

pub(super) fn allocation(row: &mut Cells<'_>) -> Option<Draft> {
    let allocation = whole!(Allocation {
        id: row.one("id"),
        pool: row.one("pool"),
        contract: row.one("contract"),
        cards: row.one("cards"),
        period: row.period(),
    })?;
    Some(Draft::dated(allocation.period.from(), Command::Allocate(allocation)))
}

pub(super) fn end(row: &mut Cells<'_>) -> Option<Draft> {
    let end = whole!(EndAllocation { allocation: row.one("allocation"), at: row.one("at") })?;
    Some(Draft::dated(end.at, Command::EndAllocation(end)))
}

/// It takes effect at the end of its window, when it is known.
pub(super) fn usage(row: &mut Cells<'_>) -> Option<Draft> {
    let usage = whole!(MeterUsage {
        id: row.one("id"),
        allocation: row.one("allocation"),
        window: row.period(),
        card_hours: row.one("card_hours"),
        source: row.one("source"),
        evidence: Some(None),
    })?;
    Some(Draft::dated(usage.window.to(), Command::MeterUsage(usage)))
}
