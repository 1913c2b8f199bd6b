//! Whether cards may be held for somebody, and what becomes of them: an allocation, or free again.
//!
//! Invariant: a reservation is confirmed or ended once; what is reserved is nobody else's until then,
//! however late that is recorded.

use jiff::Timestamp;
use loopledger_model::AllocationId;
use loopledger_model::allocation::{
    Allocation, ConfirmReservation, EndReservation, Event, Oversell, Refusal, Reservation,
    ReservationConfirmed, ReservationEnded, ReservationEnding,
};
use loopledger_service::Decision;
use serde::{Deserialize, Serialize};

use crate::decider::{State, above, contract_for, pool_from};
use crate::facts::Facts;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    made: Reservation,
    fate: Option<Fate>,
}

/// What became of it, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Fate {
    Confirmed(AllocationId, Timestamp),
    Ended(ReservationEnding, Timestamp),
}

impl Reserved {
    pub const fn new(made: Reservation) -> Self {
        Self { made, fate: None }
    }

    pub const fn made(&self) -> &Reservation {
        &self.made
    }

    /// Whether nothing had become of it yet.
    pub fn confirm(&mut self, confirmed: &ReservationConfirmed) -> bool {
        self.fate.replace(Fate::Confirmed(confirmed.allocation.clone(), confirmed.at)).is_none()
    }

    /// Whether nothing had become of it yet.
    pub fn end(&mut self, ended: &ReservationEnded) -> bool {
        self.fate.replace(Fate::Ended(ended.ending, ended.at)).is_none()
    }

    fn refuse(&self, fate: &Fate) -> Refusal {
        let reservation = self.made.id.clone();
        match fate.clone() {
            Fate::Confirmed(allocation, confirmed_at) => {
                Refusal::ReservationConfirmed { reservation, allocation, confirmed_at }
            }
            Fate::Ended(ending, ended_at) => {
                Refusal::ReservationEnded { reservation, ending, ended_at }
            }
        }
    }

    /// Nothing becomes of it before it is made.
    fn is_made_at(&self, at: Timestamp) -> Result<(), Refusal> {
        let (reservation, made_at) = (self.made.id.clone(), self.made.at);
        if at < made_at {
            return Err(Refusal::BeforeReservation { reservation, made_at, at });
        }
        Ok(())
    }

    fn is_held_at(&self, at: Timestamp) -> Result<(), Refusal> {
        let (reservation, held_until) = (self.made.id.clone(), self.made.held_until);
        if at >= held_until {
            return Err(Refusal::HoldRanOut { reservation, held_until, at });
        }
        Ok(())
    }
}

/// From when on what it holds is free when it ends at an instant.
pub fn freed(ended: &ReservationEnded) -> (Timestamp, Timestamp) {
    (ended.at.max(ended.period.from()), ended.period.to())
}

pub fn permit(state: &State, facts: &Facts, asked: &Oversell) -> Result<Decision<Event>, Refusal> {
    let Oversell { pool, period, of, .. } = asked;
    let known = pool_from(state, pool, period.from())?;
    match known.permission_in(*period) {
        Some(permitted) if permitted == asked => return Ok(Decision::nothing()),
        Some(Oversell { factor, period, .. }) => {
            let (pool, factor, period) = (pool.clone(), *factor, *period);
            return Err(Refusal::OversellExists { pool, factor, period });
        }
        None => {}
    }
    let party = facts.parties.get(of);
    let party = party.ok_or_else(|| Refusal::UnknownParty { party: of.clone() })?;
    Ok(Decision::from(Event::OversellPermitted(asked.clone())).resting_on([*party]))
}

pub fn reserve(
    state: &State,
    facts: &Facts,
    asked: &Reservation,
) -> Result<Decision<Event>, Refusal> {
    let Reservation { id, pool, cards, period, at, held_until, contract, .. } = asked;
    match state.reservations.get(id) {
        Some(known) if known.made == *asked => return Ok(Decision::nothing()),
        Some(_) => return Err(Refusal::ReservationExists { reservation: id.clone() }),
        None => {}
    }
    let known = pool_from(state, pool, period.from())?;
    let contract_facts = match contract {
        Some(contract) => contract_for(facts, contract, *period)?,
        None => Vec::new(),
    };
    if *cards == 0 {
        return Err(Refusal::NoCards);
    }
    if held_until <= at {
        return Err(Refusal::NotHeld { at: *at, held_until: *held_until });
    }
    if *held_until >= period.to() {
        return Err(Refusal::HeldTooLong { period: *period, held_until: *held_until });
    }
    if let Some(short) = known.first_without(*cards, *period) {
        return Err(above(pool, short, *cards));
    }
    Ok(Decision::from(Event::CardsReserved(asked.clone())).resting_on(contract_facts))
}

pub fn confirm(
    state: &State,
    facts: &Facts,
    asked: &ConfirmReservation,
) -> Result<Decision<Event>, Refusal> {
    let ConfirmReservation { reservation, allocation, contract, at } = asked;
    let Some(reserved) = state.reservations.get(reservation) else {
        return Err(Refusal::UnknownReservation { reservation: reservation.clone() });
    };
    let Reservation { pool, cards, period, class, .. } = &reserved.made;
    let given = Allocation {
        id: allocation.clone(),
        pool: pool.clone(),
        contract: contract.clone(),
        cards: *cards,
        period: *period,
        class: *class,
    };
    match &reserved.fate {
        Some(Fate::Confirmed(made, when)) if made == allocation && when == at => {
            if state.allocation(allocation) == Some(&given) {
                return Ok(Decision::nothing());
            }
            return Err(Refusal::AllocationExists { allocation: allocation.clone() });
        }
        Some(fate) => return Err(reserved.refuse(fate)),
        None => {}
    }
    reserved.is_made_at(*at)?;
    reserved.is_held_at(*at)?;
    if let Some(named) = &reserved.made.contract
        && named != contract
    {
        let (reservation, contract) = (reservation.clone(), named.clone());
        return Err(Refusal::ReservedForAnother { reservation, contract });
    }
    if state.allocation(allocation).is_some() {
        return Err(Refusal::AllocationExists { allocation: allocation.clone() });
    }
    let contract_facts = contract_for(facts, contract, *period)?;
    let known = pool_from(state, pool, period.from())?;
    if let Some(short) = known.first_exceeded(*cards, *period) {
        return Err(above(pool, short, *cards));
    }
    let confirmed = ReservationConfirmed {
        reservation: reservation.clone(),
        allocation: allocation.clone(),
        pool: pool.clone(),
        at: *at,
    };
    let events = vec![Event::ReservationConfirmed(confirmed), Event::CardsAllocated(given)];
    Ok(Decision::from(events).resting_on(contract_facts))
}

pub fn end(state: &State, asked: &EndReservation) -> Result<Decision<Event>, Refusal> {
    let EndReservation { reservation, ending, at } = asked;
    let Some(reserved) = state.reservations.get(reservation) else {
        return Err(Refusal::UnknownReservation { reservation: reservation.clone() });
    };
    match &reserved.fate {
        Some(Fate::Ended(made, when)) if made == ending && when == at => {
            return Ok(Decision::nothing());
        }
        Some(fate) => return Err(reserved.refuse(fate)),
        None => {}
    }
    reserved.is_made_at(*at)?;
    let held_until = reserved.made.held_until;
    match ending {
        ReservationEnding::Released => reserved.is_held_at(*at)?,
        ReservationEnding::Expired if *at < held_until => {
            let reservation = reservation.clone();
            return Err(Refusal::StillHeld { reservation, held_until, at: *at });
        }
        ReservationEnding::Expired => {}
    }
    let Reservation { pool, cards, period, .. } = &reserved.made;
    Ok(Event::ReservationEnded(ReservationEnded {
        reservation: reservation.clone(),
        pool: pool.clone(),
        cards: *cards,
        ending: *ending,
        at: *at,
        period: *period,
    })
    .into())
}
