//! What allocation decides: whether cards may be held for somebody or given to a contract, and whether
//! usage can have been metered.
//!
//! Invariants: no card is reserved or given twice, and none that is not lit, but where overselling
//! is permitted, and then up to its factor; what is metered stays within what was given. Cards that go dark under an allocation are a fact: it is recorded, and the shortage
//! next to it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::allocation::{
    self, AllocationEnded, ChangePool, Command, ElectricityReading, EndAllocation, Event,
    MeterUsage, Pool, PoolChanged, PoolFellShort, Refusal, UsageMetered,
};
use loopledger_model::{
    AllocationId, Context, ContractId, Fact, FactId, Period, PoolId, ReadingId, ReservationId,
    UsageId,
};
use loopledger_service::{Decider, Decision, Service};
use serde::{Deserialize, Serialize};

use crate::cards;
use crate::facts::Facts;
use crate::meter::Meter;
use crate::pool::{CardPool, Shortage, Totals};
use crate::reserving::{self, Reserved, freed};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

/// The rules of allocation.
pub enum Allocation {}

pub static SERVICE: Service = Service::of::<Allocation>();

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pools: BTreeMap<PoolId, CardPool>,
    allocations: BTreeMap<AllocationId, Allocated>,
    pub reservations: BTreeMap<ReservationId, Reserved>,
    /// Without their evidence.
    readings: BTreeMap<ReadingId, ElectricityReading>,
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
    const STATE_FORMAT: u32 = 4;

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
            Command::PermitOversell(asked) => reserving::permit(state, facts, asked),
            Command::Reserve(asked) => reserving::reserve(state, facts, asked),
            Command::ConfirmReservation(asked) => reserving::confirm(state, facts, asked),
            Command::EndReservation(asked) => reserving::end(state, asked),
            Command::RecordStage(reached) => {
                cards::reach(pool_from(state, &reached.pool, reached.at)?, reached)
            }
            Command::PlaceCard(asked) => {
                cards::place(pool_from(state, &asked.pool, asked.at)?, asked)
            }
            Command::ChangeCard(asked) => {
                cards::change(pool_from(state, &asked.pool, asked.at)?, asked)
            }
            Command::CountCards(asked) => {
                cards::count(pool_from(state, &asked.pool, asked.at)?, asked)
            }
            Command::RecordProvenance(said) => {
                cards::tell_provenance(pool_from(state, &said.pool, said.at)?, said)
            }
            Command::ReadElectricity(reading) => read_electricity(state, reading),
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
            Event::OversellPermitted(permitted) => {
                state.pool_mut(&permitted.pool).permit(permitted)
            }
            Event::CardsReserved(reserved) => {
                state.pool_mut(&reserved.pool).reserve(reserved.cards, reserved.period);
                let (id, reserved) = (reserved.id.clone(), Reserved::new(reserved.clone()));
                state.reservations.insert(id, reserved).is_none()
            }
            Event::ReservationConfirmed(confirmed) => {
                let reserved = state.reserved_mut(&confirmed.reservation);
                let (cards, period) = (reserved.made().cards, reserved.made().period);
                let is_new = reserved.confirm(confirmed);
                let span = (period.from(), period.to());
                state.pool_mut(&confirmed.pool).give_up(cards, span);
                is_new
            }
            Event::ReservationEnded(ended) => {
                let (from, to) = freed(ended);
                if from < to {
                    state.pool_mut(&ended.pool).give_up(ended.cards, (from, to));
                }
                state.reserved_mut(&ended.reservation).end(ended)
            }
            Event::StageReached(reached) => {
                state.pool_mut(&reached.pool).cards.evolve_stage(reached)
            }
            Event::CardPlaced(placed) => state.pool_mut(&placed.pool).cards.evolve_placed(placed),
            Event::CardChanged(changed) => {
                state.pool_mut(&changed.pool).cards.evolve_changed(changed)
            }
            Event::CardsCounted(counted) => {
                state.pool_mut(&counted.pool).cards.evolve_counted(counted)
            }
            Event::ProvenanceRecorded(said) => {
                state.pool_mut(&said.pool).cards.evolve_provenance(said)
            }
            Event::ElectricityRead(reading) => {
                let is_new = state.pool_mut(&reading.pool).cards.evolve_read(reading);
                let known = ElectricityReading { evidence: None, ..reading.clone() };
                state.readings.insert(reading.id.clone(), known).is_none() && is_new
            }
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

    fn reserved_mut(&mut self, reservation: &ReservationId) -> &mut Reserved {
        let reserved = self.reservations.get_mut(reservation);
        reserved.expect("only what was reserved is recorded as confirmed or ended")
    }

    pub fn allocation(&self, allocation: &AllocationId) -> Option<&allocation::Allocation> {
        self.allocations.get(allocation).map(|allocated| &allocated.given)
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
            class: usage.class,
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
            allocated: short.taken,
        }));
    }
    Ok(events.into())
}

fn allocate(
    state: &State,
    facts: &Facts,
    asked: &allocation::Allocation,
) -> Result<Decision<Event>, Refusal> {
    let allocation::Allocation { id, pool, contract, cards, period, .. } = asked;
    match state.allocation(id) {
        Some(given) if given == asked => return Ok(Decision::nothing()),
        Some(_) => return Err(Refusal::AllocationExists { allocation: id.clone() }),
        None => {}
    }
    let known = pool_from(state, pool, period.from())?;
    let contract_facts = contract_for(facts, contract, *period)?;
    if *cards == 0 {
        return Err(Refusal::NoCards);
    }
    if let Some(short) = known.first_without(*cards, *period) {
        return Err(above(pool, short, *cards));
    }
    Ok(Decision::from(Event::CardsAllocated(asked.clone())).resting_on(contract_facts))
}

/// The facts of a contract that runs for all of a period.
pub fn contract_for(
    facts: &Facts,
    contract: &ContractId,
    period: Period,
) -> Result<Vec<FactId>, Refusal> {
    let signed = facts.contracts.get(contract);
    let signed = signed.ok_or_else(|| Refusal::UnknownContract { contract: contract.clone() })?;
    if let Some(end) = &signed.ended
        && end.at < period.to()
    {
        return Err(Refusal::ContractEnded { contract: contract.clone(), ended_at: end.at });
    }
    if !signed.term.encloses(&period) {
        return Err(Refusal::OutsideTerm { period, term: signed.term });
    }
    let facts = [Some(signed.signed), signed.ended.as_ref().map(|end| end.fact)];
    Ok(facts.into_iter().flatten().collect())
}

/// Too few cards are left: by the lit ones, or by what may be sold of them.
pub fn above(pool: &PoolId, short: Shortage, asked: u32) -> Refusal {
    let (pool, Shortage { at, lit, limit, taken }) = (pool.clone(), short);
    if limit == u64::from(lit) {
        return Refusal::AboveLit { pool, at, lit, allocated: taken, asked };
    }
    Refusal::AbovePermitted { pool, at, lit, may: limit, allocated: taken, asked }
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
    let MeterUsage { id, allocation, window, card_hours, source, evidence, class } = usage;
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
        class: *class,
    };
    Ok(Event::UsageMetered(metered).into())
}

fn read_electricity(
    state: &State,
    reading: &ElectricityReading,
) -> Result<Decision<Event>, Refusal> {
    match state.readings.get(&reading.id) {
        Some(known) if *known == (ElectricityReading { evidence: None, ..reading.clone() }) => {
            return Ok(Decision::nothing());
        }
        Some(_) => return Err(Refusal::ReadingExists { reading: reading.id.clone() }),
        None => {}
    }
    cards::read(pool_from(state, &reading.pool, reading.window.from())?, reading)
}

/// The pool, if it was registered by then.
pub fn pool_from<'a>(
    state: &'a State,
    pool: &PoolId,
    at: Timestamp,
) -> Result<&'a CardPool, Refusal> {
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
