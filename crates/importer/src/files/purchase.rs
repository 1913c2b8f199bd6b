//! Rows of purchase: announcements, contracts with their steps, orders, deliveries, invoices and how they are settled,
//! terminations.
//!
//! Invariant: every row of a schedule belongs to a contract of the bundle.

use loopledger_model::purchase::{
    AcceptDelivery, AnnounceContract, ApplyAdvance, Command, Contract, DisputeInvoice, GrantCredit,
    IssueInvoice, Penalties, PlaceOrder, PriceStep, RecordAdvance, RecordPayment, RecordRefund,
    RefundStep, ResolveDispute, Sla, TerminateContract, Terms,
};
use loopledger_model::{Basis, Currency, Percent};

use crate::problem::Problems;

use super::{Cells, Draft, whole};

pub(super) fn contract(row: &mut Cells<'_>) -> Option<Draft> {
    let of_row = row.currency();
    let contract = whole!(Contract {
        id: row.one("id"),
        buyer: row.one("buyer"),
        seller: row.one("seller"),
        currency: of_row,
        kind: row.maybe("kind"),
        price_per_unit: row.one("price_per_unit"),
        unit: row.one("unit"),
        quantity: row.maybe("quantity"),
        declared_p: row.maybe("declared_p"),
        rating: row.maybe("rating"),
        basis: basis(row),
        model: row.maybe("model"),
        cards: row.maybe("cards"),
        at: row.one("signed_at"),
        term: row.period(),
        backing_contract: row.maybe("backing_contract"),
        terms: terms(row, of_row).map(Box::new),
    })?;
    Some(Draft::dated(contract.at, Command::SignContract(contract)))
}

fn terms(row: &mut Cells<'_>, currency: Option<Currency>) -> Option<Terms> {
    let currency = if row.is_blank("deposit") { None } else { currency };
    whole!(Terms {
        price_steps: steps_of(row, "price_steps.csv", price_step_in),
        minimum: row.maybe("minimum"),
        prepayment: row.maybe("prepayment_percent"),
        deposit: row.maybe_money("deposit", currency),
        sla: sla(row),
        penalties: penalties(row),
        refund_steps: steps_of(row, "refund_steps.csv", refund_step_in),
    })
}

/// What is promised means nothing without what it costs not to keep it.
fn sla(row: &mut Cells<'_>) -> Option<Option<Sla>> {
    let (availability, deliver_by) = (row.maybe("sla_availability"), row.maybe("sla_deliver_by"));
    let credit: Option<Option<Percent>> = row.maybe("sla_credit_percent");
    match (availability?, deliver_by?, credit?) {
        (None, None, None) => Some(None),
        (availability, deliver_by, Some(credit)) => {
            Some(Some(Sla { availability, deliver_by, credit }))
        }
        (_, _, None) => row.wrong("sla_credit_percent", "is blank while something is promised"),
    }
}

fn penalties(row: &mut Cells<'_>) -> Option<Penalties> {
    whole!(Penalties {
        buyer: row.maybe("penalty_buyer_percent"),
        seller: row.maybe("penalty_seller_percent"),
    })
}

/// The steps that the bundle has for the row's contract, in the order of their dates. What of them cannot be read is
/// told where it stands.
fn steps_of<T>(
    row: &Cells<'_>,
    file: &'static str,
    read: fn(&mut Cells<'_>) -> Option<(jiff::Timestamp, T)>,
) -> Option<Vec<T>> {
    let mut found = Vec::new();
    for (sheet, record) in row.known.steps(file, row.text("id")) {
        let mut told_there = Problems::default();
        let mut cells = Cells { sheet, record, known: row.known, problems: &mut told_there };
        found.push(read(&mut cells)?);
    }
    found.sort_by_key(|(from, _)| *from);
    Some(found.into_iter().map(|(_, step)| step).collect())
}

fn price_step_in(row: &mut Cells<'_>) -> Option<(jiff::Timestamp, PriceStep)> {
    let step =
        whole!(PriceStep { from: row.one("from"), price_per_unit: row.one("price_per_unit") })?;
    Some((step.from, step))
}

fn refund_step_in(row: &mut Cells<'_>) -> Option<(jiff::Timestamp, RefundStep)> {
    let step = whole!(RefundStep { from: row.one("from"), percent: row.one("percent") })?;
    Some((step.from, step))
}

/// A part of the contract that it names.
pub(super) fn price_step(row: &mut Cells<'_>) -> Option<Draft> {
    let step = price_step_in(row);
    part_of_contract(row, step.is_some())
}

/// A part of the contract that it names.
pub(super) fn refund_step(row: &mut Cells<'_>) -> Option<Draft> {
    let step = refund_step_in(row);
    part_of_contract(row, step.is_some())
}

fn part_of_contract(row: &mut Cells<'_>, is_read: bool) -> Option<Draft> {
    let contract = row.text("contract");
    if !row.known.has("contract", contract) {
        let reason = format!("`{contract}` is not in contracts.csv: add it there");
        return row.wrong("contract", reason);
    }
    is_read.then(Draft::part)
}

/// Precision and sparsity come together or not at all, and P means nothing without them.
fn basis(row: &mut Cells<'_>) -> Option<Option<Basis>> {
    let (precision, sparsity) = (row.maybe("precision"), row.maybe("sparsity"));
    match (precision?, sparsity?) {
        (Some(precision), Some(sparsity)) => Some(Some(Basis { precision, sparsity })),
        (Some(_), None) => row.wrong("sparsity", "is blank while precision is given: give both"),
        (None, Some(_)) => row.wrong("precision", "is blank while sparsity is given: give both"),
        (None, None) if row.is_blank("declared_p") => Some(None),
        (None, None) => {
            row.wrong("declared_p", "means nothing by itself: give precision and sparsity too")
        }
    }
}

pub(super) fn announcement(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let announce = whole!(AnnounceContract {
        contract: row.one("contract"),
        buyer: row.one("buyer"),
        seller: row.one("seller"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        source: row.one("source"),
    })?;
    Some(Draft::dated(announce.at, Command::AnnounceContract(announce)))
}

pub(super) fn delivery(row: &mut Cells<'_>) -> Option<Draft> {
    let accept = whole!(AcceptDelivery {
        id: row.one("id"),
        contract: row.one("contract"),
        service: row.period(),
        quantity: row.one("quantity"),
        certificate: row.one("certificate"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(accept.at, Command::AcceptDelivery(accept)))
}

pub(super) fn invoice(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let issue = whole!(IssueInvoice {
        id: row.one("id"),
        contract: row.one("contract"),
        service: row.period(),
        quantity: row.one("quantity"),
        amount: row.money("amount", currency),
        at: row.one("at"),
    })?;
    Some(Draft::dated(issue.at, Command::IssueInvoice(issue)))
}

pub(super) fn payment(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let record = whole!(RecordPayment {
        id: row.one("id"),
        invoice: row.one("invoice"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        reference: row.maybe("reference"),
    })?;
    Some(Draft::dated(record.at, Command::RecordPayment(record)))
}

pub(super) fn termination(row: &mut Cells<'_>) -> Option<Draft> {
    let is_moneyless = row.is_blank("refund") && row.is_blank("penalty");
    let currency = if is_moneyless { None } else { row.currency() };
    let terminate = whole!(TerminateContract {
        contract: row.one("contract"),
        at: row.one("at"),
        reason: row.one("reason"),
        refund: row.maybe_money("refund", currency),
        by: row.maybe("side"),
        penalty: row.maybe_money("penalty", currency),
    })?;
    Some(Draft::dated(terminate.at, Command::TerminateContract(terminate)))
}

pub(super) fn order(row: &mut Cells<'_>) -> Option<Draft> {
    let order = whole!(PlaceOrder {
        id: row.one("id"),
        contract: row.one("contract"),
        service: row.period(),
        quantity: row.one("quantity"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(order.at, Command::PlaceOrder(order)))
}

pub(super) fn advance(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let advance = whole!(RecordAdvance {
        id: row.one("id"),
        contract: row.one("contract"),
        kind: row.one("kind"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        reference: row.maybe("reference"),
    })?;
    Some(Draft::dated(advance.at, Command::RecordAdvance(advance)))
}

pub(super) fn advance_use(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let used = whole!(ApplyAdvance {
        id: row.one("id"),
        contract: row.one("contract"),
        kind: row.one("kind"),
        invoice: row.maybe("invoice"),
        amount: row.money("amount", currency),
        at: row.one("at"),
    })?;
    Some(Draft::dated(used.at, Command::ApplyAdvance(used)))
}

pub(super) fn refund(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let refund = whole!(RecordRefund {
        id: row.one("id"),
        contract: row.one("contract"),
        of: row.one("of"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        reference: row.maybe("reference"),
    })?;
    Some(Draft::dated(refund.at, Command::RecordRefund(refund)))
}

pub(super) fn credit(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let credit = whole!(GrantCredit {
        id: row.one("id"),
        invoice: row.one("invoice"),
        amount: row.money("amount", currency),
        reason: row.one("reason"),
        availability: row.maybe("availability"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(credit.at, Command::GrantCredit(credit)))
}

pub(super) fn dispute(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let dispute = whole!(DisputeInvoice {
        id: row.one("id"),
        invoice: row.one("invoice"),
        amount: row.money("amount", currency),
        reason: row.one("reason"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(dispute.at, Command::DisputeInvoice(dispute)))
}

pub(super) fn resolution(row: &mut Cells<'_>) -> Option<Draft> {
    let resolution = whole!(ResolveDispute {
        dispute: row.one("dispute"),
        outcome: row.one("outcome"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(resolution.at, Command::ResolveDispute(resolution)))
}
