//! What the registry takes in: parties as they are named, and what filings, data sheets and markets
//! say, each by its source.
//!
//! Invariants: a stake joins two registered parties; a statement that was recorded stays as it is,
//! and statements that contradict one another (stakes above 100 %, sources that disagree) stand
//! side by side.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_model::registry::{
    Capability, CardSpec, Command, ControlStatement, ControlStatus, Event, Party, PriceUnit,
    ReferencePrice, Refusal, Stake,
};
use loopledger_model::{
    Basis, CardModel, Context, Country, Currency, Fact, PFlops, PartyId, Percent, Price, Text,
    Watts, WorkloadClass,
};
use loopledger_service::{Decider, Decision, Service};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

/// The rules of the registry.
pub enum Registry {}

pub static SERVICE: Service = Service::of::<Registry>();

/// Everything that was stated, by what it is about, when and by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    parties: BTreeMap<PartyId, Party>,
    stakes: BTreeMap<StakeKey, (Percent, Option<Timestamp>)>,
    card_specs: BTreeMap<CardSpecKey, (PFlops, Option<Watts>)>,
    prices: BTreeMap<PriceKey, (Price, Currency)>,
    capabilities: BTreeMap<CapabilityKey, BTreeSet<WorkloadClass>>,
    controls: BTreeMap<ControlKey, ControlStatus>,
}

/// Owner, owned, from when.
type StakeKey = (PartyId, PartyId, Timestamp);
/// Model, basis, from when, source.
type CardSpecKey = (CardModel, Basis, Timestamp, Option<Text>);
/// Model, unit, when, source.
type PriceKey = (CardModel, PriceUnit, Timestamp, Text);
/// Model, from when, source.
type CapabilityKey = (CardModel, Timestamp, Text);
/// Model, destination, from when, source.
type ControlKey = (CardModel, Country, Timestamp, Text);

fn stake_key(stake: &Stake) -> StakeKey {
    (stake.owner.clone(), stake.owned.clone(), stake.at)
}

fn card_spec_key(spec: &CardSpec) -> CardSpecKey {
    (spec.model.clone(), spec.basis, spec.at, spec.source.clone())
}

fn price_key(price: &ReferencePrice) -> PriceKey {
    (price.model.clone(), price.unit, price.at, price.source.clone())
}

fn capability_key(capability: &Capability) -> CapabilityKey {
    (capability.model.clone(), capability.at, capability.source.clone())
}

fn control_key(control: &ControlStatement) -> ControlKey {
    (control.model.clone(), control.destination, control.at, control.source.clone())
}

impl Decider for Registry {
    const CONTEXT: Context = Context::Registry;
    const READS: &'static [Context] = &[];
    const STATE_FORMAT: u32 = 2;

    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type State = State;
    type Facts = ();

    fn decide(state: &State, (): &(), command: &Command) -> Result<Decision<Event>, Refusal> {
        match command {
            Command::RegisterParty(party) => register_party(state, party),
            Command::RecordStake(stake) => record_stake(state, stake),
            Command::PublishCardSpec(spec) => publish_card_spec(state, spec),
            Command::ObservePrice(price) => observe_price(state, price),
            Command::StateCapability(capability) => state_capability(state, capability),
            Command::StateControl(control) => state_control(state, control),
        }
    }

    fn evolve(state: &mut State, event: &Event) {
        let is_new = match event {
            Event::PartyRegistered(party) => {
                state.parties.insert(party.id.clone(), party.clone()).is_none()
            }
            Event::StakeRecorded(stake) => {
                state.stakes.insert(stake_key(stake), (stake.percent, stake.to)).is_none()
            }
            Event::CardSpecPublished(spec) => {
                let figures = (spec.p_per_card, spec.tdp_w);
                state.card_specs.insert(card_spec_key(spec), figures).is_none()
            }
            Event::PriceObserved(price) => {
                state.prices.insert(price_key(price), (price.price, price.currency)).is_none()
            }
            Event::CapabilityStated(stated) => {
                let workloads = stated.workloads.clone();
                state.capabilities.insert(capability_key(stated), workloads).is_none()
            }
            Event::ControlStated(stated) => {
                state.controls.insert(control_key(stated), stated.status).is_none()
            }
        };
        assert!(is_new, "the registry's journal records twice: {event:?}");
    }

    fn learn((): &mut (), _: &Fact) {}
}

fn register_party(state: &State, party: &Party) -> Result<Decision<Event>, Refusal> {
    match state.parties.get(&party.id) {
        None => Ok(Event::PartyRegistered(party.clone()).into()),
        Some(registered) if registered == party => Ok(Decision::nothing()),
        Some(_) => Err(Refusal::PartyExists { party: party.id.clone() }),
    }
}

/// Stakes in one party may sum to more than 100 %: filings say so, the registry does not decide it.
fn record_stake(state: &State, stake: &Stake) -> Result<Decision<Event>, Refusal> {
    let Stake { owner, owned, percent, at, to } = stake;
    for party in [owner, owned] {
        if !state.parties.contains_key(party) {
            return Err(Refusal::UnknownParty { party: party.clone() });
        }
    }
    if owner == owned {
        return Err(Refusal::OwnStake { party: owner.clone() });
    }
    if let Some(to) = *to
        && to <= *at
    {
        return Err(Refusal::EmptyStake { at: *at, to });
    }
    match state.stakes.get(&stake_key(stake)) {
        None => Ok(Event::StakeRecorded(stake.clone()).into()),
        Some(recorded) if *recorded == (*percent, *to) => Ok(Decision::nothing()),
        Some(_) => {
            Err(Refusal::StakeExists { owner: owner.clone(), owned: owned.clone(), at: *at })
        }
    }
}

fn publish_card_spec(state: &State, spec: &CardSpec) -> Result<Decision<Event>, Refusal> {
    match state.card_specs.get(&card_spec_key(spec)) {
        None => Ok(Event::CardSpecPublished(spec.clone()).into()),
        Some(published) if *published == (spec.p_per_card, spec.tdp_w) => Ok(Decision::nothing()),
        Some(&(p_per_card, _)) => Err(Refusal::CardSpecExists {
            model: spec.model.clone(),
            basis: spec.basis,
            at: spec.at,
            p_per_card,
        }),
    }
}

fn observe_price(state: &State, observed: &ReferencePrice) -> Result<Decision<Event>, Refusal> {
    match state.prices.get(&price_key(observed)) {
        None => Ok(Event::PriceObserved(observed.clone()).into()),
        Some(known) if *known == (observed.price, observed.currency) => Ok(Decision::nothing()),
        Some(&(price, currency)) => Err(Refusal::PriceExists {
            model: observed.model.clone(),
            unit: observed.unit,
            at: observed.at,
            price,
            currency,
        }),
    }
}

fn state_capability(state: &State, stated: &Capability) -> Result<Decision<Event>, Refusal> {
    let Capability { model, workloads, at, source } = stated;
    let (model, at, said_by) = (model.clone(), *at, source.clone());
    if workloads.is_empty() {
        return Err(Refusal::NoWorkloads { model, at, said_by });
    }
    match state.capabilities.get(&capability_key(stated)) {
        None => Ok(Event::CapabilityStated(stated.clone()).into()),
        Some(known) if known == workloads => Ok(Decision::nothing()),
        Some(_) => Err(Refusal::CapabilityExists { model, at, said_by }),
    }
}

fn state_control(state: &State, stated: &ControlStatement) -> Result<Decision<Event>, Refusal> {
    match state.controls.get(&control_key(stated)) {
        None => Ok(Event::ControlStated(stated.clone()).into()),
        Some(known) if *known == stated.status => Ok(Decision::nothing()),
        Some(&status) => Err(Refusal::ControlExists {
            model: stated.model.clone(),
            destination: stated.destination,
            at: stated.at,
            status,
            said_by: stated.source.clone(),
        }),
    }
}
