//! Money that moves from one party to another, whatever it is called.

use jiff::Timestamp;
use loopledger_model::fund::{
    Contribution, Distribution, DrawLine, Investment, InvestmentExited, PayCarry, PayExpense,
    PayFee, RecallDistribution, RepayLine, ReturnExcess, Transfer,
};
use loopledger_model::{Money, PartyId};

pub struct Movement<'a> {
    pub from: &'a PartyId,
    pub to: &'a PartyId,
    pub amount: Money,
    pub at: Timestamp,
}

impl<'a> From<&'a Contribution> for Movement<'a> {
    fn from(paid: &'a Contribution) -> Self {
        Self { from: &paid.lp, to: &paid.fund, amount: paid.amount, at: paid.at }
    }
}

impl<'a> From<&'a Investment> for Movement<'a> {
    fn from(paid: &'a Investment) -> Self {
        Self { from: &paid.investor, to: &paid.company, amount: paid.amount, at: paid.at }
    }
}

impl<'a> From<&'a Distribution> for Movement<'a> {
    fn from(paid: &'a Distribution) -> Self {
        Self { from: &paid.fund, to: &paid.lp, amount: paid.amount, at: paid.at }
    }
}

impl<'a> From<&'a Transfer> for Movement<'a> {
    fn from(paid: &'a Transfer) -> Self {
        Self { from: &paid.from, to: &paid.to, amount: paid.amount, at: paid.at }
    }
}

impl<'a> From<&'a ReturnExcess> for Movement<'a> {
    fn from(paid: &'a ReturnExcess) -> Self {
        Self { from: &paid.fund, to: &paid.lp, amount: paid.amount, at: paid.at }
    }
}

impl<'a> From<&'a RecallDistribution> for Movement<'a> {
    fn from(paid: &'a RecallDistribution) -> Self {
        Self { from: &paid.lp, to: &paid.fund, amount: paid.amount, at: paid.at }
    }
}

impl<'a> From<&'a PayFee> for Movement<'a> {
    fn from(paid: &'a PayFee) -> Self {
        Self { from: &paid.fund, to: &paid.payee, amount: paid.amount, at: paid.at }
    }
}

impl<'a> From<&'a PayExpense> for Movement<'a> {
    fn from(paid: &'a PayExpense) -> Self {
        Self { from: &paid.fund, to: &paid.payee, amount: paid.amount, at: paid.at }
    }
}

impl<'a> From<&'a PayCarry> for Movement<'a> {
    fn from(paid: &'a PayCarry) -> Self {
        Self { from: &paid.fund, to: &paid.payee, amount: paid.amount, at: paid.at }
    }
}

impl<'a> From<&'a DrawLine> for Movement<'a> {
    fn from(paid: &'a DrawLine) -> Self {
        Self { from: &paid.lender, to: &paid.fund, amount: paid.amount, at: paid.at }
    }
}

impl<'a> From<&'a RepayLine> for Movement<'a> {
    fn from(paid: &'a RepayLine) -> Self {
        Self { from: &paid.fund, to: &paid.lender, amount: paid.amount, at: paid.at }
    }
}

impl<'a> From<&'a InvestmentExited> for Movement<'a> {
    fn from(made: &'a InvestmentExited) -> Self {
        let exit = &made.exit;
        Self { from: &exit.payer, to: &made.investor, amount: exit.proceeds, at: exit.at }
    }
}
