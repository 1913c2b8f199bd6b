//! What allocation decides: whether cards may be given to a contract, and whether usage can have
//! been metered.
//!
//! Invariants: no card is given twice, and none that is not lit; what is metered stays within what
//! was given. Cards that go dark under an allocation are a fact: it is recorded, and the shortage
//! next to it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::allocation::{
    self, AllocationEnded, ChangePool, Command, EndAllocation, Event, MeterUsage, Pool,
    PoolChanged, PoolFellShort, Refusal, UsageMetered,
};
use loopledger_model::{AllocationId, Context, Fact, Period, PoolId, UsageId};
use loopledger_service::{Decider, Decision};
use serde::{Deserialize, Serialize};

use crate::facts::Facts;
use crate::meter::Meter;
use crate::pool::{CardPool, Totals};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

/// The rules of allocation.
pub enum Allocation {}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pools: BTreeMap<PoolId, CardPool>,
    allocations: BTreeMap<AllocationId, Allocated>,
    /// Without their evidence.
    usages: BTreeMap<UsageId, MeterUsage>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Allocated {
    given: allocation::Allocation,
    /// When its cards were given back early.
    ended: Option<Timestamp>,
    meter: Meter,
}

impl Allocated {
    /// From when to when it has its cards.
    fn period(&self) -> Period {
        let given = self.given.period;
        let ended = self.ended.map(|at| Period::new(given.from(), at));
        ended.map_or(given, |period| period.expect("it ended after it had begun"))
    }
}

impl Decider for Allocation {
    const CONTEXT: Context = Context::Allocation;
    const READS: &'static [Context] = &[Context::Registry, Context::Purchase];
    const STATE_FORMAT: u32 = 3;

    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type State = State;
    type Facts = Facts;

    fn decide(state: &State, facts: &Facts, command: &Command) -> Result<Decision<Event>, Refusal> {
        match command {
            Command::RegisterPool(pool) => register_pool(state, facts, pool),
            Command::ChangePool(change) => change_pool(state, change),
            Command::Allocate(asked) => allocate(state, facts, asked),
            Command::EndAllocation(asked) => end_allocation(state, asked),
            Command::MeterUsage(usage) => meter_usage(state, usage),
        }
    }

    fn evolve(state: &mut State, event: &Event) {
        let is_new = match event {
            Event::PoolRegistered(pool) => {
                state.pools.insert(pool.id.clone(), CardPool::new(pool.clone())).is_none()
            }
            Event::PoolChanged(change) => {
                state.pool_mut(&change.pool).change(change);
                true
            }
            Event::PoolFellShort(_) => true,
            Event::CardsAllocated(given) => {
                state.pool_mut(&given.pool).allocate(given.cards, given.period);
                let (given, ended, meter) = (given.clone(), None, Meter::default());
                let id = given.id.clone();
                state.allocations.insert(id, Allocated { given, ended, meter }).is_none()
            }
            Event::AllocationEnded(ended) => state.end(ended),
            Event::UsageMetered(usage) => state.record(usage),
        };
        assert!(is_new, "allocation's journal records twice: {event:?}");
    }

    fn learn(facts: &mut Facts, fact: &Fact) {
        facts.learn(fact);
    }
}

impl State {
    fn pool_mut(&mut self, pool: &PoolId) -> &mut CardPool {
        self.pools.get_mut(pool).expect("only a registered pool is recorded to change")
    }

    /// Whether it had not ended yet.
    fn end(&mut self, ended: &AllocationEnded) -> bool {
        self.pool_mut(&ended.pool).release(ended.cards, (ended.at, ended.given_until));
        let allocated = self.allocations.get_mut(&ended.allocation);
        let allocated = allocated.expect("only cards that were allocated are recorded as free");
        allocated.ended.replace(ended.at).is_none()
    }

    /// Whether it is a usage that was not there yet.
    fn record(&mut self, usage: &UsageMetered) -> bool {
        let allocated = self.allocations.get_mut(&usage.allocation);
        let allocated = allocated.expect("only cards that were allocated are recorded as used");
        allocated.meter.record(usage.window, usage.card_hours);
        let metered = MeterUsage {
            id: usage.id.clone(),
            allocation: usage.allocation.clone(),
            window: usage.window,
            card_hours: usage.card_hours,
            source: usage.source.clone(),
            evidence: None,
        };
        self.usages.insert(usage.id.clone(), metered).is_none()
    }
}

fn register_pool(state: &State, facts: &Facts, pool: &Pool) -> Result<Decision<Event>, Refusal> {
    match state.pools.get(&pool.id) {
        Some(known) if known.registered == *pool => return Ok(Decision::nothing()),
        Some(_) => return Err(Refusal::PoolExists { pool: pool.id.clone() }),
        None => {}
    }
    let operator = facts.parties.get(&pool.operator);
    let operator =
        operator.ok_or_else(|| Refusal::UnknownParty { party: pool.operator.clone() })?;
    lit_are_installed(Totals { cards: pool.cards, lit: pool.lit })?;
    Ok(Decision::from(Event::PoolRegistered(pool.clone())).resting_on([*operator]))
}

fn change_pool(state: &State, change: &ChangePool) -> Result<Decision<Event>, Refusal> {
    let ChangePool { pool, at, cards, lit } = change;
    let known = pool_from(state, pool, *at)?;
    if cards.is_none() && lit.is_none() {
        return Err(Refusal::NothingChanged { pool: pool.clone() });
    }
    let totals = known.totals_after(change);
    match known.changed_at(*at) {
        Some(made) if made == totals => return Ok(Decision::nothing()),
        Some(Totals { cards, lit }) => {
            return Err(Refusal::ChangeExists { pool: pool.clone(), at: *at, cards, lit });
        }
        None => {}
    }
    lit_are_installed(totals)?;
    let Totals { cards, lit } = totals;
    let mut events =
        vec![Event::PoolChanged(PoolChanged { pool: pool.clone(), at: *at, cards, lit })];
    if let Some(short) = known.first_short_with(*at, lit) {
        events.push(Event::PoolFellShort(PoolFellShort {
            pool: pool.clone(),
            at: short.at,
            lit: short.lit,
            allocated: short.allocated,
        }));
    }
    Ok(events.into())
}

fn allocate(
    state: &State,
    facts: &Facts,
    asked: &allocation::Allocation,
) -> Result<Decision<Event>, Refusal> {
    let allocation::Allocation { id, pool, contract, cards, period } = asked;
    match state.allocations.get(id) {
        Some(allocated) if allocated.given == *asked => return Ok(Decision::nothing()),
        Some(_) => return Err(Refusal::AllocationExists { allocation: id.clone() }),
        None => {}
    }
    let known = pool_from(state, pool, period.from())?;
    let signed = facts.contracts.get(contract);
    let signed = signed.ok_or_else(|| Refusal::UnknownContract { contract: contract.clone() })?;
    if let Some(end) = &signed.ended
        && end.at < period.to()
    {
        return Err(Refusal::ContractEnded { contract: contract.clone(), ended_at: end.at });
    }
    if !signed.term.encloses(period) {
        return Err(Refusal::OutsideTerm { period: *period, term: signed.term });
    }
    if *cards == 0 {
        return Err(Refusal::NoCards);
    }
    if let Some(short) = known.first_without(*cards, *period) {
        return Err(Refusal::AboveLit {
            pool: pool.clone(),
            at: short.at,
            lit: short.lit,
            allocated: short.allocated,
            asked: *cards,
        });
    }
    let contract_facts = [Some(signed.signed), signed.ended.as_ref().map(|end| end.fact)];
    Ok(Decision::from(Event::CardsAllocated(asked.clone()))
        .resting_on(contract_facts.into_iter().flatten()))
}

fn end_allocation(state: &State, asked: &EndAllocation) -> Result<Decision<Event>, Refusal> {
    let (id, at) = (&asked.allocation, asked.at);
    let Some(allocated) = state.allocations.get(id) else {
        return Err(Refusal::UnknownAllocation { allocation: id.clone() });
    };
    match allocated.ended {
        Some(ended_at) if ended_at == at => return Ok(Decision::nothing()),
        Some(ended_at) => {
            return Err(Refusal::AllocationEnded { allocation: id.clone(), ended_at });
        }
        None => {}
    }
    let Allocated { given, meter, .. } = allocated;
    let period = given.period;
    if at <= period.from() || at >= period.to() {
        return Err(Refusal::NotRunning { allocation: id.clone(), period, at });
    }
    if let Some(metered_to) = meter.end().filter(|end| *end > at) {
        return Err(Refusal::UsedAfterwards { allocation: id.clone(), metered_to, at });
    }
    Ok(Decision::from(Event::AllocationEnded(AllocationEnded {
        allocation: id.clone(),
        pool: given.pool.clone(),
        contract: given.contract.clone(),
        cards: given.cards,
        at,
        given_until: period.to(),
    })))
}

fn meter_usage(state: &State, usage: &MeterUsage) -> Result<Decision<Event>, Refusal> {
    let MeterUsage { id, allocation, window, card_hours, source, evidence } = usage;
    match state.usages.get(id) {
        Some(metered) if *metered == (MeterUsage { evidence: None, ..usage.clone() }) => {
            return Ok(Decision::nothing());
        }
        Some(_) => return Err(Refusal::UsageExists { usage: id.clone() }),
        None => {}
    }
    let Some(allocated) = state.allocations.get(allocation) else {
        return Err(Refusal::UnknownAllocation { allocation: allocation.clone() });
    };
    let (Allocated { given, meter, .. }, period) = (allocated, allocated.period());
    if !period.encloses(window) {
        return Err(Refusal::OutsideAllocation { window: *window, period });
    }
    if let Some(excess) = meter.excess(given.cards, *window, *card_hours) {
        return Err(Refusal::AboveAllocated {
            allocation: allocation.clone(),
            window: excess.window,
            allocated: excess.allocated,
            metered: excess.metered,
            asked: *card_hours,
        });
    }
    let metered = UsageMetered {
        id: id.clone(),
        allocation: allocation.clone(),
        pool: given.pool.clone(),
        contract: given.contract.clone(),
        window: *window,
        card_hours: *card_hours,
        source: source.clone(),
        evidence: *evidence,
    };
    Ok(Event::UsageMetered(metered).into())
}

/// The pool, if it was registered by then.
fn pool_from<'a>(state: &'a State, pool: &PoolId, at: Timestamp) -> Result<&'a CardPool, Refusal> {
    let unknown = || Refusal::UnknownPool { pool: pool.clone() };
    let known = state.pools.get(pool).ok_or_else(unknown)?;
    let registered_at = known.registered.at;
    if at < registered_at {
        return Err(Refusal::BeforePool { pool: pool.clone(), registered_at, at });
    }
    Ok(known)
}

fn lit_are_installed(totals: Totals) -> Result<(), Refusal> {
    let Totals { cards, lit } = totals;
    if lit > cards { Err(Refusal::AboveInstalled { cards, lit }) } else { Ok(()) }
}
