//! One party's report in one currency, from its loops and its dealings.
//!
//! Invariant: sums are whole minor units; the only figure that is rounded is a contract's value.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use loopledger_loops::{
    BigRational, CapitalFlow, FUNDING_LEGS, Moment, Recorded, decimal, funding_path, round_half_up,
};
use loopledger_model::purchase::TerminationReason;
use loopledger_model::{Currency, FactId, PartyId, Position};
use num_traits::Zero;
use rust_decimal::Decimal;

use crate::dealings::{Account, Accounts, Sale};
use crate::figures::{self, exact, whole};
use crate::loops::LoopFound;
use crate::parties::{CapitalStep, Customer, OpenLoop, PartyReport, Promise, Ratio, Returned};
use crate::rows::{Flow, Stamp};
use crate::worth::worth;

/// What is known of a party in one currency while its report is written.
struct Desk<'a> {
    party: &'a PartyId,
    currency: Currency,
    /// Those that start and end at the party.
    loops: &'a [&'a LoopFound],
    accounts: &'a Accounts<'a>,
    account: &'a Account<'a>,
    /// Who is on one of the loops.
    on_loops: BTreeSet<&'a str>,
    /// The party's capital and what became of it, earliest first.
    capital: Vec<&'a Flow>,
}

pub(crate) fn report(
    party: &PartyId,
    currency: Currency,
    loops: &[&LoopFound],
    accounts: &Accounts<'_>,
) -> PartyReport {
    let account = &accounts[&(party, currency)];
    let on_loops = loops.iter().flat_map(|found| &found.parties).map(String::as_str).collect();
    let capital = capital_below(party, currency, accounts);
    Desk { party, currency, loops, accounts, account, on_loops, capital }.report()
}

fn minor_units(mut amount: Decimal, currency: Currency) -> i128 {
    amount.rescale(currency.exponent());
    amount.mantissa()
}

/// An amount as an answer writes it, in minor units.
fn read(amount: &str, currency: Currency) -> i128 {
    minor_units(amount.parse().expect("an amount that was told is a decimal"), currency)
}

fn sum<'a>(flows: impl IntoIterator<Item = &'a Flow>) -> i128 {
    flows.into_iter().map(|flow| minor_units(flow.amount, flow.currency)).sum()
}

fn positions<'a>(stamps: impl IntoIterator<Item = &'a Stamp>) -> Vec<Position> {
    let positions: BTreeSet<Position> = stamps.into_iter().map(|stamp| stamp.position).collect();
    positions.into_iter().collect()
}

fn stamps<'a>(flows: &[&'a Flow]) -> impl Iterator<Item = &'a Stamp> {
    flows.iter().map(|flow| &flow.stamp)
}

/// What a party paid as capital, what those paid on whom it paid, and so on.
fn capital_below<'a>(
    party: &'a PartyId,
    currency: Currency,
    accounts: &Accounts<'a>,
) -> Vec<&'a Flow> {
    let mut reached = BTreeSet::from([party]);
    let mut payers = VecDeque::from([(party, 0)]);
    let mut flows = Vec::new();
    while let Some((payer, legs)) = payers.pop_front() {
        let paid = accounts.get(&(payer, currency)).map(|account| &account.capital_out);
        for flow in paid.into_iter().flatten().filter(|_| legs < FUNDING_LEGS) {
            flows.push(*flow);
            if reached.insert(&flow.to_party) {
                payers.push_back((&flow.to_party, legs + 1));
            }
        }
    }
    flows.sort_unstable_by_key(|flow| (flow.stamp.at, flow.stamp.fact()));
    flows
}

impl Desk<'_> {
    fn money(&self, amount: i128) -> String {
        figures::minor_units(amount, self.currency)
    }

    fn ratio(&self, part: i128, all: i128) -> Ratio {
        Ratio::of(part, all, self.currency)
    }

    fn report(&self) -> PartyReport {
        let Account { capital_out, compute_in, vouchers_in, .. } = self.account;
        let (capital, revenue) = (sum_of(capital_out), sum_of(compute_in));
        let vouchers = sum_of(vouchers_in);
        let returned = self.returned();
        let own = stamps(capital_out).chain(stamps(compute_in)).chain(stamps(vouchers_in));
        let of_loops = self.loops.iter().flat_map(|found| &found.positions).copied();
        let all: BTreeSet<Position> = positions(own).into_iter().chain(of_loops).collect();
        PartyReport {
            party: self.party.clone(),
            currency: self.currency,
            capital_out: self.money(capital),
            returned: returned.map(|amount| self.money(*amount)),
            returned_of_capital: returned.map(|amount| self.ratio(*amount, capital)),
            returned_of_revenue: returned.map(|amount| self.ratio(*amount, revenue)),
            compute_revenue: self.money(revenue),
            voucher_revenue: self.money(vouchers),
            voucher_exposure: self.ratio(self.vouchers_inside(), vouchers),
            dwell_days: self.dwell_days(),
            loops: self.loops.iter().map(|found| found.parties.clone()).collect(),
            customers: self.customers(),
            open_loops: self.open_loops(),
            promises: self.promises(),
            positions: all.into_iter().collect(),
        }
    }

    fn returned(&self) -> Returned<i128> {
        let added = |amount: fn(&LoopFound) -> &String| -> i128 {
            self.loops.iter().map(|found| read(amount(found), self.currency)).sum()
        };
        let (mut out, mut back) = (BTreeMap::new(), BTreeMap::new());
        for found in self.loops {
            for leg in &found.legs {
                let amount = read(&leg.amount, self.currency);
                if leg.from == self.party.as_str() {
                    out.insert(leg.event, amount);
                } else if leg.to == self.party.as_str() {
                    back.insert(leg.event, amount);
                }
            }
        }
        let moved = |flows: &BTreeMap<FactId, i128>| flows.values().sum::<i128>();
        let most = moved(&out).min(moved(&back));
        let upper = added(|found| &found.returned_upper).min(most);
        Returned {
            lower: added(|found| &found.returned_lower),
            fifo: added(|found| &found.returned_fifo),
            // Each loop's is rounded by itself.
            pro_rata: added(|found| &found.returned_pro_rata).min(upper),
            upper,
        }
    }

    /// Voucher money for buyers that end a loop.
    fn vouchers_inside(&self) -> i128 {
        let ends: BTreeSet<&String> =
            self.loops.iter().filter_map(|found| found.parties.last()).collect();
        let is_end = |flow: &&&Flow| {
            let buyer = flow.buyer.as_ref().map(ToString::to_string);
            flow.from_party != flow.to_party && buyer.is_some_and(|buyer| ends.contains(&buyer))
        };
        sum(self.account.vouchers_in.iter().filter(is_end).copied())
    }

    fn dwell_days(&self) -> Option<String> {
        let (mut weighted, mut all) = (BigRational::zero(), 0);
        for found in self.loops {
            let Some(days) = &found.dwell_days else { continue };
            let days = days.parse::<Decimal>();
            let amount = read(&found.returned_fifo, self.currency);
            weighted += exact(days.expect("days that were told are a decimal")) * whole(amount);
            all += amount;
        }
        (all > 0).then(|| decimal(&(weighted / whole(all)), 6))
    }

    fn customers(&self) -> Vec<Customer> {
        let paid = self.account.compute_in.iter().map(|flow| &flow.from_party);
        let companies: BTreeSet<&PartyId> = paid.collect();
        companies.into_iter().map(|company| self.customer(company)).collect()
    }

    fn customer(&self, company: &PartyId) -> Customer {
        let spent = self.accounts.get(&(company, self.currency));
        let spent = spent.map_or(&[][..], |account| &account.compute_out);
        let paid = sum(spent.iter().filter(|flow| flow.to_party == *self.party).copied());
        let for_it = |flow: &&&Flow| flow.buyer.as_ref() == Some(company);
        let vouchers = self.account.vouchers_in.iter().filter(for_it).copied();
        let vouchers: Vec<&Flow> = vouchers.collect();
        let ended = self.loops.iter();
        let ended =
            ended.filter(|found| found.parties.last().is_some_and(|l| l == company.as_str()));
        let returned: i128 = ended.map(|found| read(&found.returned_pro_rata, self.currency)).sum();
        Customer {
            company: company.clone(),
            paid: self.money(paid),
            share_of_spend: self.ratio(paid, sum_of(spent)),
            voucher_paid: self.money(sum_of(&vouchers)),
            returned_of_paid: self.ratio(returned.min(paid), paid),
            positions: positions(stamps(spent).chain(stamps(&vouchers))),
        }
    }

    /// The way by which the party's capital reached another one, if it did.
    fn path_to(&self, company: &PartyId) -> Option<Vec<&Flow>> {
        let recorded = |flow: &Flow| {
            let FactId { position, index } = flow.stamp.fact();
            Recorded { position, index }
        };
        let flows = self.capital.iter().map(|flow| CapitalFlow {
            from: &flow.from_party,
            to: &flow.to_party,
            moment: Moment { at: flow.stamp.at.as_microsecond(), recorded: recorded(flow) },
        });
        let path = funding_path(flows, self.party, company, i64::MIN)?;
        let step = |step: &CapitalFlow<&PartyId>| {
            self.capital.iter().find(|flow| recorded(flow) == step.moment.recorded).copied()
        };
        path.iter().map(step).collect()
    }

    fn open_loops(&self) -> Vec<OpenLoop> {
        let executed = |sale: &&Sale<'_>| {
            sale.end.is_none_or(|end| end.reason != TerminationReason::NeverExecuted)
        };
        let sold: Vec<&Sale<'_>> = self.account.sold.iter().filter(executed).collect();
        let bought = sold.iter().map(|sale| &sale.contract.buyer);
        let paid = self.account.compute_in.iter().map(|flow| &flow.from_party);
        let companies: BTreeSet<&PartyId> = bought.chain(paid).collect();
        let open = companies.into_iter().filter(|c| !self.on_loops.contains(c.as_str()));
        open.filter_map(|company| {
            let path = self.path_to(company)?;
            let of_it = sold.iter().filter(|sale| sale.contract.buyer == *company);
            let contracts: Vec<_> = of_it.map(|sale| sale.contract).collect();
            let payments = self.account.compute_in.iter();
            let payments: Vec<&Flow> =
                payments.filter(|flow| flow.from_party == *company).copied().collect();
            let signed = contracts.iter().map(|contract| &contract.stamp);
            Some(OpenLoop {
                company: company.clone(),
                contracts: contracts.iter().map(|contract| contract.id.clone()).collect(),
                paid: self.money(sum_of(&payments)),
                positions: positions(stamps(&path).chain(signed).chain(stamps(&payments))),
                path: path.into_iter().map(capital_step).collect(),
            })
        })
        .collect()
    }

    fn promises(&self) -> Vec<Promise> {
        let mut promises: Vec<Promise> =
            self.account.sold.iter().filter_map(|sale| self.promise(sale)).collect();
        promises.sort_by(|a, b| a.contract.cmp(&b.contract));
        promises
    }

    fn promise(&self, sale: &Sale<'_>) -> Option<Promise> {
        let Sale { contract, invoices, payments, vouchers, end, .. } = sale;
        let ordered: BigRational =
            sale.orders.iter().map(|order| exact(order.quantity.value())).sum();
        let value = round_half_up(&worth(contract, &ordered), self.currency.exponent());
        let invoiced: i128 =
            invoices.iter().map(|invoice| minor_units(invoice.amount, invoice.currency)).sum();
        let (paid, voucher_paid) = (sum_of(payments), sum_of(vouchers));
        let units = |amount: Decimal| minor_units(amount, self.currency);
        let credited: i128 = sale.credits.iter().map(|credit| units(credit.amount)).sum();
        let for_service = paid + voucher_paid - set_aside(sale, units);
        let unpaid_invoices = (invoiced - credited - for_service).max(0);
        let unpaid = match end {
            Some(_) => unpaid_invoices,
            None => (value.max(invoiced) - credited - for_service).max(0),
        };
        let facts = stamps(payments).chain(stamps(vouchers)).chain([&contract.stamp]);
        let facts = facts.chain(invoices.iter().map(|invoice| &invoice.stamp));
        let facts = facts.chain(sale.orders.iter().map(|order| &order.stamp));
        let facts = facts.chain(sale.credits.iter().map(|credit| &credit.stamp));
        let facts = facts.chain(sale.uses.iter().map(|used| &used.stamp));
        let facts = facts.chain(sale.refunds.iter().map(|refund| &refund.stamp));
        (unpaid > 0).then(|| Promise {
            contract: contract.id.clone(),
            buyer: contract.buyer.clone(),
            signed_at: contract.stamp.at,
            value: self.money(value),
            invoiced: self.money(invoiced),
            credited: self.money(credited),
            paid: self.money(paid),
            voucher_paid: self.money(voucher_paid),
            unpaid_invoices: self.money(unpaid_invoices),
            unpaid: self.money(unpaid),
            ended: end.map(|end| end.reason.name().to_owned()),
            would_close: self.path_to(&contract.buyer).is_some(),
            positions: positions(facts.chain(end.iter().map(|end| &end.stamp))),
        })
    }
}

/// What was paid and is not for service: deposits, until they are set against invoices, and prepayments given back.
fn set_aside(sale: &Sale<'_>, units: impl Fn(Decimal) -> i128) -> i128 {
    let deposited: i128 = sale.deposits.iter().map(|deposit| units(deposit.amount)).sum();
    let used: i128 = sale.uses.iter().map(|used| units(used.amount)).sum();
    let back: i128 = sale.refunds.iter().map(|refund| units(refund.amount)).sum();
    deposited - used + back
}

fn sum_of(flows: &[&Flow]) -> i128 {
    sum(flows.iter().copied())
}

fn capital_step(flow: &Flow) -> CapitalStep {
    CapitalStep {
        from: flow.from_party.clone(),
        to: flow.to_party.clone(),
        amount: figures::amount(flow.amount, flow.currency),
        at: flow.stamp.at,
        event: flow.stamp.fact(),
    }
}
