//! allocation's facts as rows: pools, their totals over time, shortfalls, allocations and metered
//! usage.

use loopledger_model::allocation::Event;
use loopledger_views::micros;
use loopledger_views::rows::{
    Allocation, AllocationEnd, Pool, PoolShortfall, PoolState, Rows, Stamp, Usage,
};

pub(crate) fn project(stamp: Stamp, event: Event, rows: &mut Rows) {
    match event {
        Event::PoolRegistered(pool) => {
            let (cards, lit) = (pool.cards, pool.lit);
            rows.pool_states.push(PoolState { stamp, pool: pool.id.clone(), cards, lit });
            rows.pools.push(Pool {
                stamp,
                id: pool.id,
                operator: pool.operator,
                site: pool.site,
                model: pool.model,
            });
        }
        Event::PoolChanged(change) => rows.pool_states.push(PoolState {
            stamp,
            pool: change.pool,
            cards: change.cards,
            lit: change.lit,
        }),
        Event::PoolFellShort(shortage) => rows.pool_shortfalls.push(PoolShortfall {
            stamp,
            pool: shortage.pool,
            lit: shortage.lit,
            allocated: shortage.allocated,
        }),
        Event::CardsAllocated(allocation) => rows.allocations.push(Allocation {
            stamp,
            id: allocation.id,
            pool: allocation.pool,
            contract: allocation.contract,
            cards: allocation.cards,
            to_at: micros(allocation.period.to()),
        }),
        Event::AllocationEnded(ended) => rows.allocation_ends.push(AllocationEnd {
            stamp,
            allocation: ended.allocation,
            pool: ended.pool,
            contract: ended.contract,
        }),
        Event::UsageMetered(usage) => rows.usages.push(Usage {
            stamp,
            id: usage.id,
            allocation: usage.allocation,
            pool: usage.pool,
            contract: usage.contract,
            from_at: micros(usage.window.from()),
            card_hours: usage.card_hours,
            source: usage.source,
        }),
    }
}
