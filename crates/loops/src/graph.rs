//! The graph of all flows, grown one flow at a time in any order, with the loops that are in it.
//!
//! Invariants: the loops, and each one's record, depend on which flows were added and not made void
//! and not on the order of arrival, as long as no search was cut short. A search that was is remembered, so the
//! answer can say that it may lack loops. Every addition names all loops whose record it can have
//! changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::flow::{Currency, Flow, FlowError, FlowId, Kind, Party, Recorded};
use crate::market::Market;
use crate::names::Names;
use crate::record::{Cycle, Loop, Standing, closes, is_voucher_of, record, standing};
use crate::search::{Bounds, cycles_through};
use crate::trail::Trail;

/// What an addition or a reversal did to the loops.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// The loops that are new or whose record may have changed, in order.
    pub cycles: Vec<Cycle>,
    /// The loops that are none any more, in order.
    pub void: Vec<Cycle>,
    /// A search ran out of steps: there may be more loops than were found.
    pub truncated: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Graph {
    bounds: Bounds,
    parties: Names,
    currencies: Names,
    flows: Vec<Flow>,
    /// Where each flow stands in the table.
    recorded: BTreeMap<Recorded, usize>,
    void: BTreeSet<Recorded>,
    /// By currency.
    markets: Vec<Market>,
    truncated: BTreeSet<FlowId>,
    /// How many steps all its searches have taken.
    steps: u64,
}

/// Numbers of loops, each with its currency; some of them more than once.
type Touched = Vec<(Currency, usize)>;

impl Graph {
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// The handle of the party with this id, made at its first mention.
    pub fn party(&mut self, id: &str) -> Party {
        Party(self.parties.intern(id))
    }

    /// The handle of a party that was mentioned before.
    pub fn known_party(&self, id: &str) -> Option<Party> {
        self.parties.number(id).map(Party)
    }

    /// # Panics
    /// If the handle is of another graph and unknown in this one.
    pub fn party_id(&self, party: Party) -> &str {
        self.parties.name(party.0)
    }

    /// The handle of the currency with this code, made at its first mention.
    pub fn currency(&mut self, code: &str) -> Currency {
        let currency = Currency(self.currencies.intern(code));
        if self.markets.len() <= currency.0 as usize {
            self.markets.push(Market::default());
        }
        currency
    }

    /// # Panics
    /// If the handle is of another graph and unknown in this one.
    pub fn currency_code(&self, currency: Currency) -> &str {
        self.currencies.name(currency.0)
    }

    /// All flows in order of arrival, those that were made void included.
    pub fn flows(&self) -> &[Flow] {
        &self.flows
    }

    /// Adds a flow, whatever its date, and says which loops it may have made or changed.
    ///
    /// # Errors
    /// When the amount is out of range or the place of recording is taken; nothing is changed then.
    ///
    /// # Panics
    /// If the currency's handle is of another graph and unknown in this one.
    pub fn add(&mut self, flow: Flow) -> Result<Affected, FlowError> {
        self.extend(vec![flow])
    }

    /// Adds many flows at once: the loops are those that adding one by one in any order gives.
    ///
    /// # Errors
    /// When an amount is out of range or a place of recording is taken; nothing is changed then.
    ///
    /// # Panics
    /// If a currency's handle is of another graph and unknown in this one.
    pub fn extend(&mut self, mut flows: Vec<Flow>) -> Result<Affected, FlowError> {
        self.check(&flows)?;
        flows.sort_unstable_by_key(Flow::moment);
        let mut touched = Touched::new();
        let mut truncated = false;
        for flow in flows {
            truncated |= self.insert(flow, &mut touched);
        }
        let cycles = self.named(touched);
        Ok(Affected { cycles, void: Vec::new(), truncated })
    }

    /// The loops with these numbers, each once, in order.
    fn named(&self, mut touched: Touched) -> Vec<Cycle> {
        touched.sort_unstable();
        touched.dedup();
        let cycle = |(currency, number): (Currency, usize)| Cycle {
            parties: self.market(currency).cycle(number).to_vec(),
            currency,
        };
        let mut cycles: Vec<Cycle> = touched.into_iter().map(cycle).collect();
        cycles.sort_unstable();
        cycles
    }

    /// Takes a flow out that was recorded there, as if it had never been added, and says which
    /// loops have changed or are none any more. Its place of recording stays taken. Nothing when
    /// no flow stands there.
    pub fn void(&mut self, recorded: Recorded) -> Option<Affected> {
        let place = *self.recorded.get(&recorded)?;
        let flow = self.flows[place];
        if !self.void.insert(recorded) {
            return None;
        }
        self.truncated.remove(&flow.id);
        if flow.from == flow.to {
            return Some(Affected::default());
        }
        let mut touched = Touched::new();
        self.markets[flow.currency.0 as usize].remove(&flow);
        self.touch(&flow, &mut touched);
        let (bounds, market) = (&self.bounds, self.market(flow.currency));
        let (live, lost): (Touched, Touched) = touched
            .into_iter()
            .partition(|(_, number)| closes(market, bounds, market.cycle(*number)));
        let mut void = self.named(lost);
        let market = &mut self.markets[flow.currency.0 as usize];
        for cycle in &void {
            market.forget_cycle(&cycle.parties);
        }
        void.sort_unstable();
        Some(Affected { cycles: self.named(live), void, truncated: false })
    }

    /// Takes in flows whose loops are known already, without searching: `cycles` are all loops that
    /// an addition of the flows would have found, and `truncated` the flows whose search ran out of
    /// steps. A cycle that does not close is left out.
    ///
    /// # Errors
    /// When an amount is out of range or a place of recording is taken; nothing is changed then.
    ///
    /// # Panics
    /// If a handle is of another graph and unknown in this one.
    pub fn restore(
        &mut self,
        flows: Vec<Flow>,
        cycles: impl IntoIterator<Item = Cycle>,
        truncated: impl IntoIterator<Item = FlowId>,
    ) -> Result<(), FlowError> {
        self.check(&flows)?;
        for flow in flows {
            self.store(flow);
        }
        for Cycle { currency, parties } in cycles {
            let market = &mut self.markets[currency.0 as usize];
            if closes(market, &self.bounds, &parties) {
                market.record_cycle(parties);
            }
        }
        self.truncated.extend(truncated);
        Ok(())
    }

    fn check(&self, flows: &[Flow]) -> Result<(), FlowError> {
        let mut fresh = BTreeSet::new();
        for flow in flows {
            let recorded = flow.recorded;
            if !(1..=Flow::MAX_AMOUNT).contains(&flow.amount) {
                return Err(FlowError::AmountOutOfRange { recorded, amount: flow.amount });
            }
            if self.recorded.contains_key(&recorded) || !fresh.insert(recorded) {
                return Err(FlowError::AlreadyAdded { recorded });
            }
        }
        Ok(())
    }

    fn store(&mut self, flow: Flow) {
        let place = self.flows.len();
        self.flows.push(flow);
        self.recorded.insert(flow.recorded, place);
        if flow.from != flow.to {
            self.markets[flow.currency.0 as usize].insert(&flow, place);
        }
    }

    /// Whether the search was cut short.
    fn insert(&mut self, flow: Flow, touched: &mut Touched) -> bool {
        self.store(flow);
        if flow.from == flow.to {
            return false;
        }
        let market = &mut self.markets[flow.currency.0 as usize];
        let found = cycles_through(market, &self.bounds, &flow);
        self.steps += found.steps;
        for parties in found.cycles {
            market.record_cycle(parties);
        }
        self.touch(&flow, touched);
        if found.truncated {
            self.truncated.insert(flow.id);
        }
        found.truncated
    }

    /// The loops whose record a flow has a part in.
    fn touch(&self, flow: &Flow, touched: &mut Touched) {
        let market = self.market(flow.currency);
        for party in [flow.from, flow.to] {
            touched.extend(market.loops_over(party).iter().map(|loop_| (flow.currency, *loop_)));
        }
        if let Kind::VoucherPayment { buyer: Some(buyer) } = flow.kind {
            let paid_for = market.loops_over(buyer).iter().copied();
            let paid_for = paid_for.filter(|loop_| is_voucher_of(flow, market.cycle(*loop_)));
            touched.extend(paid_for.map(|loop_| (flow.currency, loop_)));
        }
    }

    fn market(&self, currency: Currency) -> &Market {
        &self.markets[currency.0 as usize]
    }

    /// All loops by currency and parties.
    pub fn cycles(&self) -> impl Iterator<Item = Cycle> {
        self.markets.iter().zip(0..).flat_map(|(market, currency)| {
            let currency = Currency(currency);
            market.cycles().map(move |parties| Cycle { parties: parties.to_vec(), currency })
        })
    }

    /// The records of all loops by currency and parties; each is worked out when it is asked for.
    pub fn loops(&self) -> impl Iterator<Item = Loop> {
        self.cycles().filter_map(|cycle| self.loop_of(&cycle))
    }

    /// The record of a loop as it stands now, or nothing when there is no such loop.
    pub fn loop_of(&self, cycle: &Cycle) -> Option<Loop> {
        let market = self.markets.get(cycle.currency.0 as usize)?;
        if !market.knows(&cycle.parties) {
            return None;
        }
        record(market, &self.bounds, &self.flows, cycle)
    }

    /// The same without legs, gone on with from where it stood: the trail is the one of the last time, or a new one.
    pub fn standing_of(&self, cycle: &Cycle, trail: &mut Trail) -> Option<Standing> {
        let market = self.markets.get(cycle.currency.0 as usize)?;
        if !market.knows(&cycle.parties) {
            return None;
        }
        standing(market, &self.bounds, (&self.flows, self.void.len()), cycle, trail)
    }

    /// How many steps the searches of this graph have taken, of those that [`Bounds::steps`] gives each flow's.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The flows whose search for loops ran out of steps; empty when the loops are complete.
    pub fn truncated(&self) -> &BTreeSet<FlowId> {
        &self.truncated
    }
}
