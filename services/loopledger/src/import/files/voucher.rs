//! Rows of voucher: programmes, admissions, vouchers, locks, redemptions, settlements.

use loopledger_model::voucher::{
    Admission, Command, IssueVoucher, LockVoucher, Programme, RedeemVoucher, Rules,
    SettleRedemption, SettlementRules,
};
use loopledger_model::{Currency, Rounding, RoundingMode};

use super::{Cells, Draft, whole};

pub(super) fn programme(row: &mut Cells<'_>) -> Option<Draft> {
    let priced_in = row.currency();
    let programme = whole!(Programme {
        id: row.one("id"),
        version: Some(1),
        issuer: row.one("issuer"),
        name: row.one("name"),
        currency: priced_in,
        budget: row.money("budget", priced_in),
        budgets: Some(Vec::new()),
        funding: Some(Vec::new()),
        at: row.one("opens"),
        closes: row.one("closes"),
        rules: rules(row, priced_in),
    })?;
    Some(Draft::definition(programme.at, Command::DefineProgramme(programme)))
}

fn rules(row: &mut Cells<'_>, currency: Option<Currency>) -> Option<Rules> {
    whole!(Rules {
        ratio: row.one("ratio"),
        cap_voucher: row.maybe_money("cap_voucher", currency),
        cap_holder_year: row.maybe_money("cap_holder_year", currency),
        validity_days: row.maybe("validity_days"),
        affiliation: row.one("affiliation"),
        affiliation_percent: row.maybe("affiliation_percent"),
        funding_link_months: row.maybe("funding_link_months"),
        metering_required: row.maybe("metering_required").map(Option::unwrap_or_default),
        rounding: rounding(row, currency),
        amount: Some(Box::default()),
        eligibility: Some(Box::default()),
        settlement: Some(SettlementRules::default()),
        application_review: Some(None),
        claim_review: Some(None),
        waiver: Some(None),
        clawback: Some(None),
    })
}

fn rounding(row: &mut Cells<'_>, currency: Option<Currency>) -> Option<Rounding> {
    let digits = row.maybe("rounding_digits");
    let mode = row.maybe("rounding_mode");
    let exponent = currency?.exponent();
    Some(Rounding {
        digits: digits?.unwrap_or(exponent),
        mode: mode?.unwrap_or(RoundingMode::Truncate),
    })
}

pub(super) fn admission(row: &mut Cells<'_>) -> Option<Draft> {
    let from = row.one("from");
    let admission = whole!(Admission {
        programme: row.one("programme"),
        provider: row.one("provider"),
        at: from,
        to: row.maybe_end(from),
        qualification: Some(None),
    })?;
    Some(Draft::dated(admission.at, Command::AdmitProvider(admission)))
}

pub(super) fn voucher(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let issue = whole!(IssueVoucher {
        id: row.one("id"),
        programme: row.one("programme"),
        holder: row.one("holder"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        application: Some(None),
        tranche: Some(None),
    })?;
    Some(Draft::dated(issue.at, Command::IssueVoucher(issue)))
}

pub(super) fn lock(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let lock = whole!(LockVoucher {
        id: row.one("id"),
        voucher: row.one("voucher"),
        contract: row.one("contract"),
        amount: row.money("amount", currency),
        at: row.one("at"),
    })?;
    Some(Draft::dated(lock.at, Command::LockVoucher(lock)))
}

pub(super) fn redemption(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let redeem = whole!(RedeemVoucher {
        id: row.one("id"),
        voucher: row.one("voucher"),
        invoice: row.one("invoice"),
        amount: row.money("amount", currency),
        at: row.one("at"),
    })?;
    Some(Draft::dated(redeem.at, Command::RedeemVoucher(redeem)))
}

pub(super) fn settlement(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let settle = whole!(SettleRedemption {
        id: row.one("id"),
        redemption: row.one("redemption"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        reference: row.maybe("reference"),
    })?;
    Some(Draft::dated(settle.at, Command::SettleRedemption(settle)))
}
