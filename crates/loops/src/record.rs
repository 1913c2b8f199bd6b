//! The record of one loop: its kind, its legs, its dates and what came back, all worked out anew
//! from the flows.
//!
//! A party cycle can often be split into capital and compute legs in more than one way (a party
//! that both invests in the next one and buys from it). It is still one loop: a leg carries every
//! flow whose kind some closing split allows there. Since a closing split with more capital legs
//! allows capital on all the legs that one with fewer does, and the other way round for compute,
//! the two extreme closing splits say it all.
//!
//! Invariant: a record exists only for a cycle that closes in at least one split.

use crate::amounts::{Amounts, MOST_PARTIES_TO_CUT, Movement, Within};
use crate::dwell::Dwell;
use crate::flow::{Currency, Flow, Kind, Leg, Moment, Party};
use crate::market::{Entry, Market, earliest_after};
use crate::search::Bounds;
use crate::trail::{Merged, Trail};

/// What a loop is known by: its currency and its parties, the one that put capital in first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cycle {
    pub currency: Currency,
    pub parties: Vec<Party>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoopKind {
    /// One capital leg, one compute leg.
    Direct,
    /// Two capital legs, one compute leg.
    Fund,
    /// Three or more capital legs, one compute leg.
    FundOfFunds,
    /// It closes in a way that has more than one compute leg.
    Resale,
}

impl LoopKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fund => "fund",
            Self::FundOfFunds => "fund_of_funds",
            Self::Resale => "resale",
        }
    }
}

impl std::fmt::Display for LoopKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A loop that was found, with everything that is told about it. Times are microseconds since the
/// Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    pub cycle: Cycle,
    pub kind: LoopKind,
    pub amounts: Amounts,
    /// How long the money was away that came back first in, first out.
    pub dwell: Dwell,
    /// Voucher money paid to the root for invoices of the loop's last party.
    pub voucher_amount: i128,
    pub first_capital_at: i64,
    /// The earliest that money can have gone all the way round.
    pub closed_at: i64,
    pub last_return_at: i64,
    /// So many legs, the first ones, can carry capital.
    pub capital_legs: usize,
    /// The first leg, counted from 0, that can carry compute payments.
    pub compute_from: usize,
    /// Every flow on a leg, in order, those before the first capital included.
    pub legs: Vec<Flow>,
}

/// A loop's record without its legs, as it stands: the amounts are those of [`Amounts`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub kind: LoopKind,
    pub capital_out: i128,
    pub returned_lower: i128,
    pub returned_fifo: i128,
    pub returned_pro_rata: Within,
    pub returned_upper: i128,
    pub dwell: Dwell,
    pub voucher_amount: i128,
    pub first_capital_at: i64,
    pub closed_at: i64,
    pub last_return_at: i64,
    pub capital_legs: usize,
    pub compute_from: usize,
}

impl Standing {
    /// Whole days from the first capital to the closing.
    pub const fn lag_days(&self) -> i64 {
        const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;
        self.closed_at.saturating_sub(self.first_capital_at) / DAY_US
    }
}

impl Loop {
    /// The same without legs.
    pub fn standing(&self) -> Standing {
        Standing {
            kind: self.kind,
            capital_out: self.amounts.capital_out,
            returned_lower: self.amounts.returned_lower,
            returned_fifo: self.amounts.returned_fifo,
            returned_pro_rata: self.amounts.returned_pro_rata.within().clone(),
            returned_upper: self.amounts.returned_upper,
            dwell: self.dwell.clone(),
            voucher_amount: self.voucher_amount,
            first_capital_at: self.first_capital_at,
            closed_at: self.closed_at,
            last_return_at: self.last_return_at,
            capital_legs: self.capital_legs,
            compute_from: self.compute_from,
        }
    }

    /// What came back pro rata over what went out, with so many decimal places, rounded half up.
    pub fn ratio_pro_rata(&self, digits: u32) -> String {
        self.amounts.returned_pro_rata.decimal(self.amounts.capital_out, digits)
    }
}

/// The fewest and the most capital legs of the splits in which a cycle closes, and when it first
/// did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closing {
    pub(crate) fewest: usize,
    pub(crate) most: usize,
    first: Moment,
}

/// A party cycle in its market: leg `i` runs from party `i` to the next one, the last leg back to
/// party 0.
pub(crate) struct Ring<'a> {
    market: &'a Market,
    pub(crate) parties: &'a [Party],
}

impl<'a> Ring<'a> {
    fn flows(&self, leg: usize, kind: Leg) -> &'a [Entry] {
        let from = self.parties[leg];
        let to = self.parties[(leg + 1) % self.parties.len()];
        self.market.between(kind, from, to)
    }

    /// The earliest arrival back at the root, within the window, with this many capital legs
    /// before the compute legs.
    fn first_return(&self, capital_legs: usize, bounds: &Bounds) -> Option<Moment> {
        let mut departures = self.flows(0, Leg::Capital);
        loop {
            let left = departures.first()?.moment;
            let mut moment = left;
            for leg in 1..self.parties.len() {
                let kind = if leg < capital_legs { Leg::Capital } else { Leg::Compute };
                moment = earliest_after(self.flows(leg, kind), moment)?;
            }
            if bounds.span(left.at, moment.at) {
                return Some(moment);
            }
            // Whatever left no later is back no sooner.
            let too_early = |entry: &Entry| !bounds.span(entry.moment.at, moment.at);
            departures = &departures[departures.partition_point(too_early)..];
        }
    }

    fn closing(&self, bounds: &Bounds) -> Option<Closing> {
        let legs = self.parties.len();
        let least = legs.saturating_sub(bounds.compute_legs).max(1);
        let most = bounds.capital_legs.min(legs.saturating_sub(1));
        (least..=most).fold(None, |known: Option<Closing>, capital_legs| {
            let Some(first) = self.first_return(capital_legs, bounds) else { return known };
            let earlier = known.map_or(first, |closing| closing.first.min(first));
            let fewest = known.map_or(capital_legs, |closing| closing.fewest);
            Some(Closing { fewest, most: capital_legs, first: earlier })
        })
    }

    /// Which leg, if any, a flow makes under the splits that close.
    fn leg_of(&self, flow: &Flow, closing: &Closing) -> Option<usize> {
        let leg = self.place(flow.from)?;
        if self.parties[(leg + 1) % self.parties.len()] != flow.to {
            return None;
        }
        let allowed = match flow.kind.leg()? {
            Leg::Capital => leg < closing.most,
            Leg::Compute => leg >= closing.fewest,
        };
        allowed.then_some(leg)
    }

    fn place(&self, party: Party) -> Option<usize> {
        self.parties.iter().position(|other| *other == party)
    }

    /// The flows that touch each party other than the root.
    pub(crate) fn lists(&self) -> Vec<&'a [Entry]> {
        self.parties[1..].iter().map(|party| self.market.touching(*party)).collect()
    }

    pub(crate) fn movements(&self, flow: &Flow, closing: &Closing, into: &mut Vec<Movement>) {
        let amount = flow.amount;
        if let Some(leg) = self.leg_of(flow, closing) {
            into.push(Movement::Leg { leg, amount });
            return;
        }
        let beyond_root = |party| self.place(party).filter(|place| *place > 0);
        if let Some(party) = beyond_root(flow.from) {
            into.push(Movement::Exit { party, amount });
        }
        if let Some(party) = beyond_root(flow.to) {
            into.push(Movement::OtherIn { party, amount });
        }
    }
}

/// What does not depend on the other flows of its parties.
struct Outline {
    kind: LoopKind,
    voucher_amount: i128,
    first_capital_at: i64,
    closed_at: i64,
    last_return_at: i64,
}

impl Outline {
    fn of(ring: &Ring<'_>, closing: &Closing) -> Option<Self> {
        let (root, last) = (*ring.parties.first()?, *ring.parties.last()?);
        let last_leg = ring.parties.len() - 1;
        let kind = match (ring.parties.len() - closing.fewest, closing.most) {
            (2.., _) => LoopKind::Resale,
            (_, 1) => LoopKind::Direct,
            (_, 2) => LoopKind::Fund,
            (_, _) => LoopKind::FundOfFunds,
        };
        Some(Self {
            kind,
            voucher_amount: ring.market.voucher_amount(root, last),
            first_capital_at: ring.flows(0, Leg::Capital).first()?.moment.at,
            closed_at: closing.first.at,
            last_return_at: ring.flows(last_leg, Leg::Compute).last()?.moment.at,
        })
    }
}

/// Whether the cycle's money can have gone round.
pub(crate) fn closes(market: &Market, bounds: &Bounds, parties: &[Party]) -> bool {
    Ring { market, parties }.closing(bounds).is_some()
}

/// The record of a cycle, or nothing when its money cannot have gone round.
pub(crate) fn record(
    market: &Market,
    bounds: &Bounds,
    flows: &[Flow],
    cycle: &Cycle,
) -> Option<Loop> {
    let ring = Ring { market, parties: &cycle.parties };
    let closing = ring.closing(bounds)?;
    let Outline { kind, voucher_amount, first_capital_at, closed_at, last_return_at } =
        Outline::of(&ring, &closing)?;
    let (mut legs, mut movements, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for entry in Merged::of(ring.lists()) {
        let flow = &flows[entry.flow];
        ring.movements(flow, &closing, &mut movements);
        times.resize(movements.len(), flow.at);
        if ring.leg_of(flow, &closing).is_some() {
            legs.push(*flow);
        }
    }
    Some(Loop {
        kind,
        amounts: Amounts::of(cycle.parties.len(), &movements),
        dwell: Dwell::of(cycle.parties.len(), movements.iter().copied().zip(times)),
        voucher_amount,
        first_capital_at,
        closed_at,
        last_return_at,
        capital_legs: closing.most,
        compute_from: closing.fewest,
        legs,
        cycle: cycle.clone(),
    })
}

/// The record of a cycle without its legs, gone on with from the trail; nothing when its money cannot have gone round.
pub(crate) fn standing(
    market: &Market,
    bounds: &Bounds,
    (flows, void): (&[Flow], usize),
    cycle: &Cycle,
    trail: &mut Trail,
) -> Option<Standing> {
    if cycle.parties.len() > MOST_PARTIES_TO_CUT {
        return record(market, bounds, flows, cycle).map(|record| record.standing());
    }
    let ring = Ring { market, parties: &cycle.parties };
    let closing = ring.closing(bounds)?;
    let Outline { kind, voucher_amount, first_capital_at, closed_at, last_return_at } =
        Outline::of(&ring, &closing)?;
    let tally = trail.tally(&ring, flows, &closing, void);
    let returned = tally.returned();
    Some(Standing {
        kind,
        capital_out: tally.capital_out,
        returned_lower: returned.lower,
        returned_fifo: tally.dwell.returned,
        returned_pro_rata: returned.pro_rata,
        returned_upper: returned.upper,
        dwell: tally.dwell,
        voucher_amount,
        first_capital_at,
        closed_at,
        last_return_at,
        capital_legs: closing.most,
        compute_from: closing.fewest,
    })
}

/// Whether the flow pays the root of this cycle for an invoice of its last party.
pub(crate) fn is_voucher_of(flow: &Flow, parties: &[Party]) -> bool {
    let Kind::VoucherPayment { buyer: Some(buyer) } = flow.kind else { return false };
    parties.first() == Some(&flow.to) && parties.last() == Some(&buyer)
}
