//! Rows of purchase: announcements, contracts, deliveries, invoices, payments, terminations.

use loopledger_model::Basis;
use loopledger_model::purchase::{
    AcceptDelivery, AnnounceContract, Command, Contract, IssueInvoice, RecordPayment,
    TerminateContract,
};

use super::{Cells, Draft, whole};

pub(super) fn contract(row: &mut Cells<'_>) -> Option<Draft> {
    let contract = whole!(Contract {
        id: row.one("id"),
        buyer: row.one("buyer"),
        seller: row.one("seller"),
        currency: row.currency(),
        price_per_unit: row.one("price_per_unit"),
        unit: row.one("unit"),
        quantity: row.one("quantity"),
        declared_p: row.maybe("declared_p"),
        basis: basis(row),
        model: row.maybe("model"),
        cards: row.maybe("cards"),
        at: row.one("signed_at"),
        term: row.period(),
        backing_contract: row.maybe("backing_contract"),
    })?;
    Some(Draft::dated(contract.at, Command::SignContract(contract)))
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
    let currency = if row.is_blank("refund") { None } else { row.currency() };
    let terminate = whole!(TerminateContract {
        contract: row.one("contract"),
        at: row.one("at"),
        reason: row.one("reason"),
        refund: row.maybe_money("refund", currency),
    })?;
    Some(Draft::dated(terminate.at, Command::TerminateContract(terminate)))
}
