//! Rows of what funds hold, pay, borrow and end with.

use loopledger_model::fund::{
    AccrueFee, Command, DissolveFund, DrawLine, ExitInvestment, PayCarry, PayExpense, PayFee,
    ReduceFee, RepayLine, ValueInvestment,
};

use super::{Cells, Draft, whole};

pub(super) fn exit(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let exit = whole!(ExitInvestment {
        id: row.one("id"),
        investment: row.one("investment"),
        payer: row.one("payer"),
        cost: row.money("cost", currency),
        proceeds: row.money("proceeds", currency),
        stake_percent: row.maybe("stake_percent"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(exit.at, Command::ExitInvestment(exit)))
}

pub(super) fn valuation(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let valuation = whole!(ValueInvestment {
        id: row.one("id"),
        investment: row.one("investment"),
        as_of: row.one("as_of"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        restates: row.maybe("restates"),
    })?;
    Some(Draft::dated(valuation.at, Command::ValueInvestment(valuation)))
}

pub(super) fn fee(row: &mut Cells<'_>) -> Option<Draft> {
    let fee = whole!(AccrueFee {
        id: row.one("id"),
        fund: row.one("fund"),
        period: row.period(),
        at: row.one("at"),
    })?;
    Some(Draft::dated(fee.at, Command::AccrueFee(fee)))
}

pub(super) fn fee_payment(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let paid = whole!(PayFee {
        id: row.one("id"),
        fund: row.one("fund"),
        fee: row.one("fee"),
        payee: row.one("payee"),
        amount: row.money("amount", currency),
        at: row.one("at"),
    })?;
    Some(Draft::dated(paid.at, Command::PayFee(paid)))
}

pub(super) fn fee_reduction(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let reduced = whole!(ReduceFee {
        id: row.one("id"),
        fund: row.one("fund"),
        fee: row.one("fee"),
        reduction: row.one("reduction"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        note: row.maybe("note"),
    })?;
    Some(Draft::dated(reduced.at, Command::ReduceFee(reduced)))
}

pub(super) fn expense(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let expense = whole!(PayExpense {
        id: row.one("id"),
        fund: row.one("fund"),
        payee: row.one("payee"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        purpose: row.one("purpose"),
        related_party: row.maybe("related_party").map(Option::unwrap_or_default),
    })?;
    Some(Draft::dated(expense.at, Command::PayExpense(expense)))
}

pub(super) fn carry(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let paid = whole!(PayCarry {
        id: row.one("id"),
        fund: row.one("fund"),
        payee: row.one("payee"),
        amount: row.money("amount", currency),
        at: row.one("at"),
    })?;
    Some(Draft::dated(paid.at, Command::PayCarry(paid)))
}

pub(super) fn draw(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let drawn = whole!(DrawLine {
        id: row.one("id"),
        fund: row.one("fund"),
        lender: row.one("lender"),
        amount: row.money("amount", currency),
        at: row.one("at"),
    })?;
    Some(Draft::dated(drawn.at, Command::DrawLine(drawn)))
}

pub(super) fn line_payment(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let repaid = whole!(RepayLine {
        id: row.one("id"),
        fund: row.one("fund"),
        lender: row.one("lender"),
        part: row.one("part"),
        amount: row.money("amount", currency),
        at: row.one("at"),
    })?;
    Some(Draft::dated(repaid.at, Command::RepayLine(repaid)))
}

pub(super) fn dissolution(row: &mut Cells<'_>) -> Option<Draft> {
    let end = whole!(DissolveFund { fund: row.one("fund"), at: row.one("at") })?;
    Some(Draft::dated(end.at, Command::DissolveFund(end)))
}
