//! Rows of what funds agreed with their partners: terms, calls, defaults, and commitments that change.

use loopledger_model::fund::{
    CallCapital, CallLine, CallPurpose, ChangeCommitment, Command, CureDefault, DeclareDefault,
    Phase, PhaseFee, RecallDistribution, ReturnExcess, SetTerms, TransferCommitment, Waterfall,
};

use super::{Cells, Draft, whole};

pub(super) fn terms(row: &mut Cells<'_>) -> Option<Draft> {
    let terms = whole!(SetTerms {
        fund: row.one("fund"),
        version: row.one("version"),
        at: row.one("at"),
        investment_ends: row.one("investment_ends"),
        exit_ends: row.one("exit_ends"),
        extension_ends: row.maybe("extension_ends"),
        fees: fees(row),
        recycling_percent: row.maybe("recycling_percent"),
        waterfall: waterfall(row),
    })?;
    Some(Draft::dated(terms.at, Command::SetTerms(terms)))
}

fn fees(row: &mut Cells<'_>) -> Option<Vec<PhaseFee>> {
    let mut fees = Some(Vec::new());
    for (phase, percent, basis) in [
        (Phase::Investment, "investment_fee_percent", "investment_fee_basis"),
        (Phase::Exit, "exit_fee_percent", "exit_fee_basis"),
        (Phase::Extension, "extension_fee_percent", "extension_fee_basis"),
    ] {
        if row.is_blank(percent) && row.is_blank(basis) {
            continue;
        }
        let (percent_a_year, basis) = (row.one(percent), row.one(basis));
        let fee = percent_a_year.zip(basis);
        let fee = fee.map(|(percent_a_year, basis)| PhaseFee { phase, percent_a_year, basis });
        fees = fees.zip(fee).map(|(mut fees, fee)| {
            fees.push(fee);
            fees
        });
    }
    fees
}

fn waterfall(row: &mut Cells<'_>) -> Option<Option<Waterfall>> {
    let columns = ["preferred_percent", "catch_up_percent", "carry_percent"];
    if columns.iter().all(|column| row.is_blank(column)) {
        return Some(None);
    }
    Some(whole!(Waterfall {
        preferred_percent_a_year: row.maybe("preferred_percent"),
        catch_up_percent: row.maybe("catch_up_percent"),
        carry_percent: row.one("carry_percent"),
    }))
    .filter(Option::is_some)
}

pub(super) fn change(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let change = whole!(ChangeCommitment {
        id: row.one("id"),
        fund: row.one("fund"),
        lp: row.one("lp"),
        change: row.one("change"),
        amount: row.money("amount", currency),
        at: row.one("at"),
    })?;
    Some(Draft::dated(change.at, Command::ChangeCommitment(change)))
}

pub(super) fn handed_over(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let made = whole!(TransferCommitment {
        id: row.one("id"),
        fund: row.one("fund"),
        from: row.one("from"),
        to: row.one("to"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        priority_supplier: row.maybe("priority_supplier").map(Option::unwrap_or_default),
    })?;
    Some(Draft::dated(made.at, Command::TransferCommitment(made)))
}

pub(super) fn call(row: &mut Cells<'_>) -> Option<Draft> {
    let call = whole!(CallCapital {
        id: row.one("id"),
        fund: row.one("fund"),
        at: row.one("at"),
        due: row.one("due"),
        lines: lines(row),
        excused: row.several("excused"),
    })?;
    Some(Draft::dated(call.at, Command::CallCapital(call)))
}

fn lines(row: &mut Cells<'_>) -> Option<Vec<CallLine>> {
    let currency = row.currency();
    let mut lines = Some(Vec::new());
    for purpose in [
        CallPurpose::Investment,
        CallPurpose::FollowOn,
        CallPurpose::Fee,
        CallPurpose::Expense,
        CallPurpose::OrganisationCost,
    ] {
        let amount = row.maybe_money(purpose.name(), currency);
        lines = lines.zip(amount).map(|(mut lines, amount)| {
            lines.extend(amount.map(|amount| CallLine { purpose, amount }));
            lines
        });
    }
    lines
}

pub(super) fn default(row: &mut Cells<'_>) -> Option<Draft> {
    let default = whole!(DeclareDefault {
        fund: row.one("fund"),
        call: row.one("call"),
        lp: row.one("lp"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(default.at, Command::DeclareDefault(default)))
}

pub(super) fn cure(row: &mut Cells<'_>) -> Option<Draft> {
    let cure = whole!(CureDefault {
        fund: row.one("fund"),
        call: row.one("call"),
        lp: row.one("lp"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(cure.at, Command::CureDefault(cure)))
}

pub(super) fn excess(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let returned = whole!(ReturnExcess {
        id: row.one("id"),
        fund: row.one("fund"),
        call: row.one("call"),
        lp: row.one("lp"),
        amount: row.money("amount", currency),
        at: row.one("at"),
    })?;
    Some(Draft::dated(returned.at, Command::ReturnExcess(returned)))
}

pub(super) fn recall(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let recall = whole!(RecallDistribution {
        id: row.one("id"),
        fund: row.one("fund"),
        lp: row.one("lp"),
        distribution: row.one("distribution"),
        amount: row.money("amount", currency),
        at: row.one("at"),
    })?;
    Some(Draft::dated(recall.at, Command::RecallDistribution(recall)))
}
