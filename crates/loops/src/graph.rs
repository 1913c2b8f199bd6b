//! The graph of all flows, grown one flow at a time in any order, with the loops that are in it.
//!
//! Invariants: the loops, and each one's record, depend on which flows were added and not on the
//! order of arrival, as long as no search was cut short. A search that was is remembered, so the
//! answer can say that it may lack loops. Every addition names all loops whose record it can have
//! changed.

use std::collections::BTreeSet;

use crate::flow::{Currency, Flow, FlowError, FlowId, Kind, Party, Recorded};
use crate::market::Market;
use crate::names::Names;
use crate::record::{Cycle, Loop, is_voucher_of, record};
use crate::search::{Bounds, cycles_through};

/// What an addition did to the loops.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// The loops that are new or whose record may have changed, in order.
    pub cycles: Vec<Cycle>,
    /// A search ran out of steps: there may be more loops than were found.
    pub truncated: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Graph {
    bounds: Bounds,
    parties: Names,
    currencies: Names,
    flows: Vec<Flow>,
    recorded: BTreeSet<Recorded>,
    /// By currency.
    markets: Vec<Market>,
    truncated: BTreeSet<FlowId>,
}

/// Numbers of loops, each with its currency.
type Touched = BTreeSet<(Currency, usize)>;

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

    /// All flows in order of arrival.
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
        let cycle = |(currency, number): (Currency, usize)| Cycle {
            parties: self.market(currency).cycle(number).to_vec(),
            currency,
        };
        let mut cycles: Vec<Cycle> = touched.into_iter().map(cycle).collect();
        cycles.sort_unstable();
        Ok(Affected { cycles, truncated })
    }

    fn check(&self, flows: &[Flow]) -> Result<(), FlowError> {
        let mut fresh = BTreeSet::new();
        for flow in flows {
            let recorded = flow.recorded;
            if !(1..=Flow::MAX_AMOUNT).contains(&flow.amount) {
                return Err(FlowError::AmountOutOfRange { recorded, amount: flow.amount });
            }
            if self.recorded.contains(&recorded) || !fresh.insert(recorded) {
                return Err(FlowError::AlreadyAdded { recorded });
            }
        }
        Ok(())
    }

    /// Whether the search was cut short.
    fn insert(&mut self, flow: Flow, touched: &mut Touched) -> bool {
        let place = self.flows.len();
        self.flows.push(flow);
        self.recorded.insert(flow.recorded);
        if flow.from == flow.to {
            return false;
        }
        let market = &mut self.markets[flow.currency.0 as usize];
        market.insert(&flow, place);
        let found = cycles_through(market, &self.bounds, &flow);
        for parties in found.cycles {
            market.record_cycle(parties);
        }
        for party in [flow.from, flow.to] {
            touched.extend(market.loops_over(party).iter().map(|loop_| (flow.currency, *loop_)));
        }
        if let Kind::VoucherPayment { buyer: Some(buyer) } = flow.kind {
            let paid_for = market.loops_over(buyer).iter().copied();
            let paid_for = paid_for.filter(|loop_| is_voucher_of(&flow, market.cycle(*loop_)));
            touched.extend(paid_for.map(|loop_| (flow.currency, loop_)));
        }
        if found.truncated {
            self.truncated.insert(flow.id);
        }
        found.truncated
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

    /// The flows whose search for loops ran out of steps; empty when the loops are complete.
    pub fn truncated(&self) -> &BTreeSet<FlowId> {
        &self.truncated
    }
}
