//! What party reports are worked out from: capital, compute money and contracts, per party and
//! currency.
//!
//! Invariant: for one party, all is loaded that its own report needs and no more; reports of others
//! cannot be had from that.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_loops::FUNDING_LEGS;
use loopledger_model::{ContractId, Currency, PartyId};
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use crate::as_of::As;
use crate::error::Error;
use crate::flow_kind::FlowKind;
use crate::meters::grouped;
use crate::rows::{
    Advance, AdvanceUse, Contract, Credit, Flow, Invoice, Order, Refund, Termination,
};
use crate::table::select;

#[derive(Debug, Default)]
pub(crate) struct Dealings {
    pub(crate) flows: Vec<Flow>,
    pub(crate) contracts: Vec<Contract>,
    pub(crate) invoices: Vec<Invoice>,
    pub(crate) terminations: Vec<Termination>,
    pub(crate) settling: Settling,
}

/// What says how much of a contract is still to come, beside invoices and money.
#[derive(Debug, Default)]
pub(crate) struct Settling {
    orders: Vec<Order>,
    credits: Vec<Credit>,
    deposits: Vec<Advance>,
    /// Of deposits, against invoices.
    uses: Vec<AdvanceUse>,
    /// Of prepayments.
    refunds: Vec<Refund>,
}

/// What one party paid and received in one currency.
#[derive(Debug, Default)]
pub(crate) struct Account<'a> {
    pub(crate) capital_out: Vec<&'a Flow>,
    pub(crate) compute_in: Vec<&'a Flow>,
    pub(crate) compute_out: Vec<&'a Flow>,
    pub(crate) vouchers_in: Vec<&'a Flow>,
    pub(crate) sold: Vec<Sale<'a>>,
}

/// A contract by which a party sells, and what became of it.
#[derive(Debug)]
pub(crate) struct Sale<'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) invoices: Vec<&'a Invoice>,
    pub(crate) payments: Vec<&'a Flow>,
    pub(crate) vouchers: Vec<&'a Flow>,
    pub(crate) orders: Vec<&'a Order>,
    pub(crate) credits: Vec<&'a Credit>,
    pub(crate) deposits: Vec<&'a Advance>,
    /// Of deposits, against invoices.
    pub(crate) uses: Vec<&'a AdvanceUse>,
    /// Of prepayments.
    pub(crate) refunds: Vec<&'a Refund>,
    pub(crate) end: Option<&'a Termination>,
}

pub(crate) type Accounts<'a> = BTreeMap<(&'a PartyId, Currency), Account<'a>>;

impl Account<'_> {
    /// Whether the party sells compute, or has been paid for some.
    pub(crate) fn sells(&self) -> bool {
        !(self.compute_in.is_empty() && self.vouchers_in.is_empty() && self.sold.is_empty())
    }
}

const fn is_capital(flow: &Flow) -> bool {
    matches!(flow.kind, FlowKind::Contribution | FlowKind::Investment)
}

impl Dealings {
    /// For one party's report, or for everybody's.
    pub(crate) async fn load(
        transaction: &Transaction<'_>,
        party: Option<&PartyId>,
        seen: As,
    ) -> Result<Self, Error> {
        let times = seen.in_rows();
        let times = [&times.of as _, &times.known as _];
        let Some(party) = party else {
            return Ok(Self {
                flows: select(transaction, As::CONDITION, &times).await?,
                contracts: select(transaction, As::CONDITION, &times).await?,
                invoices: select(transaction, As::CONDITION, &times).await?,
                terminations: select(transaction, As::CONDITION, &times).await?,
                settling: Settling::load(transaction, As::CONDITION, &times).await?,
            });
        };
        let [of, known] = times;
        let with = |condition: &str| format!("{} AND {condition}", As::CONDITION);
        let seller = party.as_str();
        let sold = with("seller = $3");
        let contracts: Vec<Contract> = select(transaction, &sold, &[of, known, &seller]).await?;
        let ids: Vec<&str> = contracts.iter().map(|contract| contract.id.as_str()).collect();
        let of_contracts = with("contract = ANY ($3)");
        let invoices = select(transaction, &of_contracts, &[of, known, &ids]).await?;
        let terminations = select(transaction, &of_contracts, &[of, known, &ids]).await?;
        let settling = Settling::load(transaction, &of_contracts, &[of, known, &ids]).await?;
        let flows = flows_about(transaction, party, seen).await?;
        Ok(Self { flows, contracts, invoices, terminations, settling })
    }

    pub(crate) fn accounts(&self) -> Accounts<'_> {
        let mut accounts = Accounts::new();
        let (mut payments, mut vouchers) = (ByContract::new(), ByContract::new());
        for flow in &self.flows {
            let [from, to] = [&flow.from_party, &flow.to_party].map(|id| (id, flow.currency));
            match flow.kind {
                FlowKind::Contribution | FlowKind::Investment => {
                    accounts.entry(from).or_default().capital_out.push(flow);
                }
                FlowKind::ComputePayment => {
                    accounts.entry(from).or_default().compute_out.push(flow);
                    accounts.entry(to).or_default().compute_in.push(flow);
                    by_contract(&mut payments, flow);
                }
                FlowKind::VoucherPayment => {
                    accounts.entry(to).or_default().vouchers_in.push(flow);
                    by_contract(&mut vouchers, flow);
                }
                FlowKind::Distribution | FlowKind::Refund | FlowKind::Transfer => {}
            }
        }
        let mut invoices: BTreeMap<&ContractId, Vec<&Invoice>> = BTreeMap::new();
        for invoice in &self.invoices {
            invoices.entry(&invoice.contract).or_default().push(invoice);
        }
        let settling = &self.settling;
        let mut orders = grouped(&settling.orders, |row| &row.contract);
        let mut credits = grouped(&settling.credits, |row| &row.contract);
        let mut deposits = grouped(&settling.deposits, |row| &row.contract);
        let mut uses = grouped(&settling.uses, |row| &row.contract);
        let mut refunds = grouped(&settling.refunds, |row| &row.contract);
        let ends = self.terminations.iter().map(|end| (&end.contract, end));
        let ends: BTreeMap<&ContractId, &Termination> = ends.collect();
        for contract in &self.contracts {
            let id = &contract.id;
            let sale = Sale {
                contract,
                invoices: invoices.remove(id).unwrap_or_default(),
                payments: paid_to(&contract.seller, payments.remove(id)),
                vouchers: paid_to(&contract.seller, vouchers.remove(id)),
                orders: orders.remove(id).unwrap_or_default(),
                credits: credits.remove(id).unwrap_or_default(),
                deposits: deposits.remove(id).unwrap_or_default(),
                uses: uses.remove(id).unwrap_or_default(),
                refunds: refunds.remove(id).unwrap_or_default(),
                end: ends.get(id).copied(),
            };
            accounts.entry((&contract.seller, contract.currency)).or_default().sold.push(sale);
        }
        accounts
    }
}

impl Settling {
    async fn load(
        transaction: &Transaction<'_>,
        wanted: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Self, Error> {
        let with = |condition: &str| format!("{wanted} AND {condition}");
        let deposits = with("kind = 'deposit'");
        let uses = with("kind = 'deposit' AND invoice IS NOT NULL");
        let refunds = with("source = 'prepayment'");
        Ok(Self {
            orders: select(transaction, wanted, parameters).await?,
            credits: select(transaction, wanted, parameters).await?,
            deposits: select(transaction, &deposits, parameters).await?,
            uses: select(transaction, &uses, parameters).await?,
            refunds: select(transaction, &refunds, parameters).await?,
        })
    }
}

type ByContract<'a> = BTreeMap<&'a ContractId, Vec<&'a Flow>>;

fn by_contract<'a>(flows: &mut ByContract<'a>, flow: &'a Flow) {
    if let Some(contract) = &flow.contract {
        flows.entry(contract).or_default().push(flow);
    }
}

fn paid_to<'a>(seller: &PartyId, flows: Option<Vec<&'a Flow>>) -> Vec<&'a Flow> {
    flows.into_iter().flatten().filter(|flow| flow.to_party == *seller).collect()
}

/// A party's own flows, what its customers paid for compute to others, and where its capital can
/// have gone on to.
async fn flows_about(
    transaction: &Transaction<'_>,
    party: &PartyId,
    seen: As,
) -> Result<Vec<Flow>, Error> {
    let times = seen.in_rows();
    let (of, known) = (&times.of as _, &times.known as _);
    let id = party.as_str();
    let with = |condition: &str| format!("{} AND {condition}", As::CONDITION);
    let own = with("(from_party = $3 OR to_party = $3)");
    let mut flows: Vec<Flow> = select(transaction, &own, &[of, known, &id]).await?;
    let paid = flows.iter().filter(|flow| flow.kind == FlowKind::ComputePayment);
    let customers: BTreeSet<PartyId> =
        paid.filter(|flow| flow.to_party == *party).map(|flow| flow.from_party.clone()).collect();
    let customers: Vec<&str> = customers.iter().map(PartyId::as_str).collect();
    let elsewhere = with(
        "kind = 'compute_payment' AND from_party = ANY ($3) AND $4 NOT IN (from_party, to_party)",
    );
    let spent: Vec<Flow> = select(transaction, &elsewhere, &[of, known, &customers, &id]).await?;
    let mut asked = BTreeSet::from([party.clone()]);
    let mut reached = payees(&flows, |flow| flow.from_party == *party);
    let further =
        with("kind IN ('contribution', 'investment') AND from_party = ANY ($3) AND to_party <> $4");
    for _ in 1..FUNDING_LEGS {
        let next: BTreeSet<PartyId> = reached.difference(&asked).cloned().collect();
        if next.is_empty() {
            break;
        }
        let payers: Vec<&str> = next.iter().map(PartyId::as_str).collect();
        let on: Vec<Flow> = select(transaction, &further, &[of, known, &payers, &id]).await?;
        reached = payees(&on, |_| true);
        flows.extend(on);
        asked.extend(next);
    }
    flows.extend(spent);
    Ok(flows)
}

fn payees(flows: &[Flow], of: impl Fn(&Flow) -> bool) -> BTreeSet<PartyId> {
    let capital = flows.iter().filter(|flow| is_capital(flow) && of(flow));
    capital.map(|flow| flow.to_party.clone()).collect()
}
