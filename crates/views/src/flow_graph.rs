//! The graph of all flows with its loops, fed with rows and asked for answers.
//!
//! Invariants: a graph that is restored with the loops that were found is the one in which they
//! were. Flows are added one by one in the order in which they were recorded, so the loops
//! that are found do not depend on how many came at once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_loops::{
    Cycle, Flow, FlowId, Graph, Kind, Loop, Party, Recorded, Standing, Trail, decimal,
};
use loopledger_model::{Currency, FactId};

use crate::error::Error;
use crate::figures;
use crate::flow_kind::FlowKind;
use crate::loops::{Leg, LoopFound};
use crate::rows;
use crate::stored_loops::StoredLoop;

/// Of what came back pro rata over what went out.
const RATIO_DIGITS: u32 = 6;

#[derive(Debug, Default)]
pub struct FlowGraph {
    graph: Graph,
    vouchers: VoucherPayments,
}

/// The facts of voucher payments by currency, provider paid and buyer whose invoice was paid.
type VoucherPayments = BTreeMap<(loopledger_loops::Currency, Party, Party), Vec<FactId>>;

/// What a flow did to the loops.
#[derive(Debug, Default)]
pub struct Added {
    /// The loops that are new or whose record may have changed.
    pub cycles: Vec<Cycle>,
    /// The search for loops through this flow ran out of steps.
    pub search_was_cut: bool,
}

impl FlowGraph {
    /// A graph of these flows, which are in the order in which they were recorded.
    pub fn of(flows: &[rows::Flow]) -> Result<Self, Error> {
        let mut graph = Self::default();
        for flow in flows {
            graph.add(flow)?;
        }
        Ok(graph)
    }

    /// The graph of these flows, which are in the order in which they were recorded, when its loops
    /// and the flows whose search was cut short are known: nothing is searched for.
    pub(crate) fn restore(
        flows: &[rows::Flow],
        loops: &[(Currency, Vec<String>)],
        cut: &[rows::CutSearch],
    ) -> Result<Self, Error> {
        let mut restored = Self::default();
        let flows: Vec<Flow> =
            flows.iter().zip(0..).map(|(flow, number)| restored.numbered(flow, number)).collect();
        let graph = &mut restored.graph;
        let cycles = loops.iter().map(|(currency, parties)| Cycle {
            currency: graph.currency(&currency.to_string()),
            parties: parties.iter().map(|party| graph.party(party)).collect(),
        });
        let cycles: Vec<Cycle> = cycles.collect();
        let cut: BTreeSet<FactId> = cut.iter().map(|search| search.stamp.fact()).collect();
        let truncated = flows.iter().filter(|flow| cut.contains(&fact(flow.recorded)));
        let truncated: Vec<FlowId> = truncated.map(|flow| flow.id).collect();
        graph.restore(flows.clone(), cycles, truncated)?;
        flows.iter().for_each(|flow| restored.note_voucher(flow));
        Ok(restored)
    }

    /// Flows are added in the order in which they were recorded, whenever they took effect.
    pub fn add(&mut self, flow: &rows::Flow) -> Result<Added, Error> {
        let flow = self.numbered(flow, self.graph.flows().len() as u64);
        let affected = self.graph.add(flow)?;
        self.note_voucher(&flow);
        Ok(Added { cycles: affected.cycles, search_was_cut: affected.truncated })
    }

    /// How many steps the searches for loops have taken, and how many one of them may take.
    pub const fn steps(&self) -> (u64, u64) {
        (self.graph.steps(), self.graph.bounds().steps)
    }

    /// A row as the graph's flow of this number.
    fn numbered(&mut self, flow: &rows::Flow, number: u64) -> Flow {
        let graph = &mut self.graph;
        let kind = match flow.kind {
            FlowKind::Contribution => Kind::Contribution,
            FlowKind::Investment => Kind::Investment,
            FlowKind::Distribution => Kind::Distribution,
            FlowKind::ComputePayment => Kind::ComputePayment,
            FlowKind::VoucherPayment => {
                let buyer = flow.buyer.as_ref().map(|buyer| graph.party(buyer.as_str()));
                Kind::VoucherPayment { buyer }
            }
            FlowKind::Refund => Kind::Refund,
            FlowKind::Transfer => Kind::Transfer,
        };
        let FactId { position, index } = flow.stamp.fact();
        Flow {
            id: FlowId(number),
            from: graph.party(flow.from_party.as_str()),
            to: graph.party(flow.to_party.as_str()),
            kind,
            amount: minor_units(flow),
            currency: graph.currency(flow.currency.as_str()),
            at: flow.stamp.at.as_microsecond(),
            recorded: Recorded { position, index },
        }
    }

    fn note_voucher(&mut self, flow: &Flow) {
        if let Kind::VoucherPayment { buyer: Some(buyer) } = flow.kind
            && flow.from != flow.to
        {
            let paid = self.vouchers.entry((flow.currency, flow.to, buyer)).or_default();
            paid.push(fact(flow.recorded));
        }
    }

    /// The loops that were found.
    pub fn cycles(&self) -> impl Iterator<Item = Cycle> {
        self.graph.cycles()
    }

    /// A loop as it stands now, gone on with from where its trail has come to. Flows are only ever added, so a loop
    /// that was found stays one.
    pub fn found(&self, cycle: &Cycle, trail: &mut Trail) -> Option<StoredLoop> {
        let standing = self.graph.standing_of(cycle, trail)?;
        let pro_rata = &standing.returned_pro_rata;
        let exponent = self.currency(cycle.currency).exponent();
        let rounded = pro_rata.decimal(10_i128.pow(exponent), exponent);
        let ratio = pro_rata.decimal(standing.capital_out, RATIO_DIGITS);
        let found = match rounded.zip(ratio) {
            Some(pro_rata) => self.outline(cycle, &standing, pro_rata),
            None => self.with_fraction(&self.graph.loop_of(cycle)?),
        };
        let Standing { capital_legs, compute_from, .. } = standing;
        Some(StoredLoop { found, capital_legs, compute_from })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = LoopFound> {
        self.graph.loops().map(|record| self.told(&record))
    }

    /// The flows whose search for loops ran out of steps, in the order in which they were recorded.
    pub(crate) fn cut_searches(&self) -> Vec<FactId> {
        let cut = self.graph.truncated();
        let flows = self.graph.flows().iter().filter(|flow| cut.contains(&flow.id));
        flows.map(|flow| fact(flow.recorded)).collect()
    }

    fn told(&self, record: &Loop) -> LoopFound {
        let currency = self.currency(record.cycle.currency);
        let legs: Vec<Leg> = record.legs.iter().map(|flow| self.leg(flow, currency)).collect();
        let voucher_events = self.voucher_events(&record.cycle);
        self.with_fraction(record).with_flows(legs, voucher_events)
    }

    /// All but the flows, from the fraction that comes back pro rata.
    fn with_fraction(&self, record: &Loop) -> LoopFound {
        let exponent = self.currency(record.cycle.currency).exponent();
        let pro_rata = record.amounts.returned_pro_rata.decimal(10_i128.pow(exponent), exponent);
        let written = (pro_rata, record.ratio_pro_rata(RATIO_DIGITS));
        self.outline(&record.cycle, &record.standing(), written)
    }

    fn outline(
        &self,
        cycle: &Cycle,
        standing: &Standing,
        (returned_pro_rata, ratio_pro_rata): (String, String),
    ) -> LoopFound {
        let currency = self.currency(cycle.currency);
        let money = |amount| figures::minor_units(amount, currency);
        let parties = cycle.parties.iter().map(|party| self.graph.party_id(*party).to_owned());
        LoopFound {
            parties: parties.collect(),
            kind: standing.kind.name().to_owned(),
            currency,
            capital_out: money(standing.capital_out),
            returned_lower: money(standing.returned_lower),
            returned_fifo: money(standing.returned_fifo),
            returned_pro_rata,
            returned_upper: money(standing.returned_upper),
            ratio_pro_rata,
            voucher_amount: money(standing.voucher_amount),
            first_capital_at: instant(standing.first_capital_at),
            closed_at: instant(standing.closed_at),
            last_return_at: instant(standing.last_return_at),
            lag_days: standing.lag_days(),
            dwell_days: standing.dwell.days().map(|days| decimal(&days, 6)),
            legs: Vec::new(),
            voucher_events: Vec::new(),
            positions: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// The payments that the loop's voucher amount is the sum of, in the order of their facts.
    fn voucher_events(&self, cycle: &Cycle) -> Vec<FactId> {
        let ends = cycle.parties.first().zip(cycle.parties.last());
        let paid = ends.and_then(|(root, last)| self.vouchers.get(&(cycle.currency, *root, *last)));
        let mut events = paid.cloned().unwrap_or_default();
        events.sort_unstable();
        events
    }

    fn leg(&self, flow: &Flow, currency: Currency) -> Leg {
        Leg {
            from: self.graph.party_id(flow.from).to_owned(),
            to: self.graph.party_id(flow.to).to_owned(),
            kind: flow.kind.name().to_owned(),
            amount: figures::minor_units(flow.amount, currency),
            at: instant(flow.at),
            event: fact(flow.recorded),
            from_group: None,
            to_group: None,
        }
    }

    fn currency(&self, currency: loopledger_loops::Currency) -> Currency {
        let code = self.graph.currency_code(currency).parse();
        code.expect("the graph holds codes of currencies only")
    }
}

fn minor_units(flow: &rows::Flow) -> i128 {
    let mut amount = flow.amount;
    amount.rescale(flow.currency.exponent());
    amount.mantissa()
}

fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).expect("the graph holds instants that rows have had")
}

const fn fact(recorded: Recorded) -> FactId {
    FactId { position: recorded.position, index: recorded.index }
}
