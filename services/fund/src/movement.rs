//! Money that moves from one party to another, whatever it is called.

use jiff::Timestamp;
use loopledger_model::fund::{Contribution, Distribution, Investment, Transfer};
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
