//! Rows of voucher: applications, claims, the payment of what is approved, clawbacks.

use loopledger_model::Currency;
use loopledger_model::voucher::{
    Application, AssessClawback, Command, FailPayment, Item, ItemKind, OpenClawback, OrderPayment,
    Profile, RecordRecovery, SubmitClaim, WriteOffClawback,
};

use super::review::evidence_of;
use super::{Cells, Draft, whole};

/// The columns that describe an applicant.
const PROFILE: [&str; 6] =
    ["applicant_kind", "start_up", "young_founder", "compute_origin", "filed_model", "purpose"];

fn profile(row: &mut Cells<'_>) -> Option<Profile> {
    whole!(Profile {
        applicant: row.maybe("applicant_kind").map(Option::unwrap_or_default),
        start_up: row.maybe("start_up").map(Option::unwrap_or_default),
        young_founder: row.maybe("young_founder").map(Option::unwrap_or_default),
        compute_origin: row.maybe("compute_origin"),
        filed_model: row.maybe("filed_model").map(Option::unwrap_or_default),
        purpose: row.maybe("purpose"),
    })
}

pub(super) fn application(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let application = whole!(Application {
        id: row.one("id"),
        programme: row.one("programme"),
        applicant: row.one("applicant"),
        amount: row.money("amount", currency),
        profile: profile(row),
        evidence: evidence_of(row, "application", "id", None),
        by: row.person(),
        at: row.one("at"),
    })?;
    Some(Draft::dated(application.at, Command::Apply(application)))
}

/// A claim without a profile of its own has its voucher's.
fn own_profile(row: &mut Cells<'_>) -> Option<Option<Profile>> {
    let stated = profile(row)?;
    Some((!PROFILE.iter().all(|column| row.is_blank(column))).then_some(stated))
}

/// What parts of the invoice are for; the rest is compute.
fn items(row: &mut Cells<'_>, currency: Option<Currency>) -> Option<Vec<Item>> {
    let kinds = [ItemKind::Storage, ItemKind::Network, ItemKind::Security, ItemKind::Other];
    let read = kinds.map(|kind| (kind, row.maybe_money(kind.name(), currency)));
    let mut items = Vec::new();
    for (kind, amount) in read {
        items.extend(amount?.map(|amount| Item { kind, amount }));
    }
    Some(items)
}

pub(super) fn claim(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let claim = whole!(SubmitClaim {
        id: row.one("id"),
        programme: row.one("programme"),
        voucher: row.one("voucher"),
        invoice: row.one("invoice"),
        amount: row.maybe_money("amount", currency),
        card_hours: row.maybe("card_hours"),
        usage: row.several("usage"),
        items: items(row, currency),
        profile: own_profile(row),
        payee: row.maybe("payee"),
        evidence: evidence_of(row, "claim", "id", None),
        by: row.person(),
        at: row.one("at"),
    })?;
    Some(Draft::dated(claim.at, Command::SubmitClaim(claim)))
}

pub(super) fn payment_order(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let order = whole!(OrderPayment {
        id: row.one("id"),
        redemption: row.one("redemption"),
        amount: row.money("amount", currency),
        by: row.person(),
        at: row.one("at"),
    })?;
    Some(Draft::dated(order.at, Command::OrderPayment(order)))
}

pub(super) fn payment_failure(row: &mut Cells<'_>) -> Option<Draft> {
    let failed = whole!(FailPayment {
        id: row.one("payment"),
        reason: row.one("reason"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(failed.at, Command::FailPayment(failed)))
}

pub(super) fn clawback(row: &mut Cells<'_>) -> Option<Draft> {
    // Its assessment and recoveries have their currency through it, so what hides it is told here.
    let currency = row.currency();
    let open = whole!(OpenClawback {
        id: row.one("id"),
        redemption: row.one("redemption"),
        trigger: row.one("trigger"),
        by: row.person(),
        at: row.one("at"),
    })?;
    currency?;
    Some(Draft::dated(open.at, Command::OpenClawback(open)))
}

pub(super) fn assessment(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let assess = whole!(AssessClawback {
        clawback: row.one("clawback"),
        principal: row.money("principal", currency),
        by: row.person(),
        at: row.one("at"),
    })?;
    Some(Draft::dated(assess.at, Command::AssessClawback(assess)))
}

pub(super) fn recovery(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let recovery = whole!(RecordRecovery {
        id: row.one("id"),
        clawback: row.one("clawback"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        reference: row.maybe("reference"),
    })?;
    Some(Draft::dated(recovery.at, Command::RecordRecovery(recovery)))
}

pub(super) fn write_off(row: &mut Cells<'_>) -> Option<Draft> {
    let write_off = whole!(WriteOffClawback {
        clawback: row.one("clawback"),
        reason: row.one("reason"),
        by: row.person(),
        at: row.one("at"),
    })?;
    Some(Draft::dated(write_off.at, Command::WriteOffClawback(write_off)))
}
