//! What a pool's operator says of its cards and of its project: dated facts, kept so that the same one
//! is recorded once and two that contradict each other are told apart from a correction.
//!
//! Invariants: a card's states have one entry an instant, the first is that of its placing; between
//! its leaving the pool and its next placing it has none. Whether another pool has the card too is
//! not looked at here: pools of other partitions are not known, and it is a finding, not a refusal.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::PartyId;
use loopledger_model::allocation::{
    CardSerial, CardState, ChangeCard, CountCards, ElectricityReading, Event, PlaceCard,
    Provenance, Refusal, Stage, StageReached,
};
use loopledger_model::{Period, ReadingId, Text};
use loopledger_service::Decision;
use serde::{Deserialize, Serialize};

use crate::pool::CardPool;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cards {
    stages: BTreeMap<Timestamp, (Stage, Option<Text>)>,
    by_serial: BTreeMap<CardSerial, BTreeMap<Timestamp, Entry>>,
    counts: BTreeMap<CardState, BTreeMap<Timestamp, u32>>,
    /// By source and date, of one card or of all.
    provenances: BTreeMap<Text, BTreeMap<(Timestamp, Option<CardSerial>), Origin>>,
    /// Windows of each meter, by their starts.
    readings: BTreeMap<Text, BTreeMap<Timestamp, (Period, ReadingId)>>,
}

/// Supplier and document.
type Origin = (Text, Option<Text>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Entry {
    Placed { owner: Option<PartyId> },
    Changed { state: CardState, reason: Option<Text> },
}

impl Entry {
    const fn state(&self) -> CardState {
        match self {
            Self::Placed { .. } => CardState::Racked,
            Self::Changed { state, .. } => *state,
        }
    }
}

impl Cards {
    pub fn evolve_stage(&mut self, reached: &StageReached) -> bool {
        let stage = (reached.stage, reached.source.clone());
        self.stages.insert(reached.at, stage).is_none()
    }

    pub fn evolve_placed(&mut self, placed: &PlaceCard) -> bool {
        let entry = Entry::Placed { owner: placed.owner.clone() };
        self.enter(&placed.serial, placed.at, entry)
    }

    pub fn evolve_changed(&mut self, changed: &ChangeCard) -> bool {
        let entry = Entry::Changed { state: changed.state, reason: changed.reason.clone() };
        self.enter(&changed.serial, changed.at, entry)
    }

    fn enter(&mut self, serial: &CardSerial, at: Timestamp, entry: Entry) -> bool {
        self.by_serial.entry(serial.clone()).or_default().insert(at, entry).is_none()
    }

    pub fn evolve_counted(&mut self, counted: &CountCards) -> bool {
        let counts = self.counts.entry(counted.state).or_default();
        counts.insert(counted.at, counted.cards).is_none()
    }

    pub fn evolve_provenance(&mut self, said: &Provenance) -> bool {
        let of_source = self.provenances.entry(said.source.clone()).or_default();
        let origin = (said.supplier.clone(), said.document.clone());
        of_source.insert((said.at, said.serial.clone()), origin).is_none()
    }

    pub fn evolve_read(&mut self, reading: &ElectricityReading) -> bool {
        let of_meter = self.readings.entry(reading.source.clone()).or_default();
        let read = (reading.window, reading.id.clone());
        of_meter.insert(reading.window.from(), read).is_none()
    }

    /// The reading of this meter whose window a window overlaps.
    fn overlapping(&self, meter: &Text, window: Period) -> Option<&(Period, ReadingId)> {
        let earlier = self.readings.get(meter)?.range(..window.to());
        earlier.map(|(_, read)| read).next_back().filter(|(known, _)| known.overlaps(&window))
    }

    fn states(&self, serial: &CardSerial) -> Option<&BTreeMap<Timestamp, Entry>> {
        self.by_serial.get(serial)
    }
}

pub fn reach(pool: &CardPool, reached: &StageReached) -> Result<Decision<Event>, Refusal> {
    let StageReached { pool: id, stage, at, source } = reached;
    match pool.cards.stages.get(at) {
        None => Ok(Event::StageReached(reached.clone()).into()),
        Some((known, said)) if known == stage && said == source => Ok(Decision::nothing()),
        Some((known, _)) => Err(Refusal::StageExists { pool: id.clone(), at: *at, stage: *known }),
    }
}

pub fn place(pool: &CardPool, asked: &PlaceCard) -> Result<Decision<Event>, Refusal> {
    let PlaceCard { pool: id, serial, at, owner } = asked;
    let (id, serial) = (id.clone(), serial.clone());
    let states = pool.cards.states(&serial);
    let latest = states.and_then(|states| states.range(..=*at).next_back());
    match latest {
        Some((known, Entry::Placed { owner: known_owner })) if known == at => {
            if known_owner == owner {
                return Ok(Decision::nothing());
            }
            return Err(Refusal::CardIsThere { pool: id, serial, since: *at });
        }
        Some((since, entry)) if entry.state().is_there() => {
            let since = placed_at(states, *since);
            return Err(Refusal::CardIsThere { pool: id, serial, since });
        }
        Some((known, entry)) if known == at => {
            let state = entry.state();
            return Err(Refusal::CardStateExists { pool: id, serial, at: *at, state });
        }
        Some(_) | None => {}
    }
    // Placed later as well: it would be there twice from then on.
    if let Some((later, entry)) = states.and_then(|states| states.range(*at..).next()) {
        let (later, state) = (*later, entry.state());
        return Err(Refusal::CardSeenLater { pool: id, serial, at: *at, later, state });
    }
    Ok(Event::CardPlaced(asked.clone()).into())
}

/// When the card that is there at an instant was placed.
fn placed_at(states: Option<&BTreeMap<Timestamp, Entry>>, at: Timestamp) -> Timestamp {
    let earlier = states.into_iter().flat_map(|states| states.range(..=at).rev());
    let mut placings = earlier.filter(|(_, entry)| matches!(entry, Entry::Placed { .. }));
    placings.next().map_or(at, |(placed, _)| *placed)
}

pub fn change(pool: &CardPool, asked: &ChangeCard) -> Result<Decision<Event>, Refusal> {
    let ChangeCard { pool: id, serial, state, at, reason } = asked;
    let (id, serial) = (id.clone(), serial.clone());
    let states = pool.cards.states(&serial);
    match states.and_then(|states| states.range(..=*at).next_back()) {
        Some((known, Entry::Changed { state: made, reason: said })) if known == at => {
            if made == state && said == reason {
                return Ok(Decision::nothing());
            }
            return Err(Refusal::CardStateExists { pool: id, serial, at: *at, state: *made });
        }
        Some((known, entry @ Entry::Placed { .. })) if known == at => {
            let state = entry.state();
            return Err(Refusal::CardStateExists { pool: id, serial, at: *at, state });
        }
        Some((_, entry)) if entry.state().is_there() => {}
        Some(_) | None => return Err(Refusal::CardNotThere { pool: id, serial, at: *at }),
    }
    if !state.is_there()
        && let Some((later, entry)) = states.and_then(|states| states.range(*at..).next())
        && matches!(entry, Entry::Changed { .. })
    {
        let (later, state) = (*later, entry.state());
        return Err(Refusal::CardSeenLater { pool: id, serial, at: *at, later, state });
    }
    Ok(Event::CardChanged(asked.clone()).into())
}

pub fn count(pool: &CardPool, asked: &CountCards) -> Result<Decision<Event>, Refusal> {
    let CountCards { pool: id, state, cards, at } = asked;
    match pool.cards.counts.get(state).and_then(|counts| counts.get(at)) {
        Some(known) if known == cards => return Ok(Decision::nothing()),
        Some(known) => {
            let (pool, at, state) = (id.clone(), *at, *state);
            return Err(Refusal::CountExists { pool, at, state, cards: *known });
        }
        None => {}
    }
    let installed = pool.totals_at(*at).cards;
    if state.is_there() && *cards > installed {
        let (pool, at, state, cards) = (id.clone(), *at, *state, *cards);
        return Err(Refusal::CountAboveInstalled { pool, at, installed, state, cards });
    }
    Ok(Event::CardsCounted(asked.clone()).into())
}

pub fn tell_provenance(pool: &CardPool, said: &Provenance) -> Result<Decision<Event>, Refusal> {
    let of_source = pool.cards.provenances.get(&said.source);
    let known = of_source.and_then(|said_by| said_by.get(&(said.at, said.serial.clone())));
    match known {
        None => Ok(Event::ProvenanceRecorded(said.clone()).into()),
        Some((supplier, document)) if *supplier == said.supplier && *document == said.document => {
            Ok(Decision::nothing())
        }
        Some(_) => Err(Refusal::ProvenanceExists {
            pool: said.pool.clone(),
            at: said.at,
            said_by: said.source.clone(),
        }),
    }
}

/// One that is not recorded yet under its id.
pub fn read(pool: &CardPool, reading: &ElectricityReading) -> Result<Decision<Event>, Refusal> {
    if let Some((window, other)) = pool.cards.overlapping(&reading.source, reading.window) {
        let (reading_id, meter) = (other.clone(), reading.source.clone());
        return Err(Refusal::ReadingOverlaps { reading: reading_id, meter, window: *window });
    }
    Ok(Event::ElectricityRead(reading.clone()).into())
}
