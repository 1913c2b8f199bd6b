//! Rows of fund: funds, commitments, contributions, investments, distributions, NAVs, recognitions, transfers.

use loopledger_model::fund::{
    Command, Commitment, Contribution, Distribution, Fund, Investment, RecogniseReinvestment,
    StrikeNav, Transfer,
};

use super::{Cells, Draft, whole};

pub(super) fn fund(row: &mut Cells<'_>) -> Option<Draft> {
    let fund = whole!(Fund {
        id: row.one("id"),
        manager: row.one("manager"),
        currency: row.currency(),
        at: row.one("formed_at"),
    })?;
    Some(Draft::dated(fund.at, Command::FormFund(fund)))
}

pub(super) fn commitment(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let commitment = whole!(Commitment {
        id: row.one("id"),
        fund: row.one("fund"),
        lp: row.one("lp"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        priority_supplier: row.maybe("priority_supplier").map(Option::unwrap_or_default),
    })?;
    Some(Draft::dated(commitment.at, Command::Commit(commitment)))
}

pub(super) fn contribution(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let contribution = whole!(Contribution {
        id: row.one("id"),
        fund: row.one("fund"),
        lp: row.one("lp"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        call: row.maybe("call"),
    })?;
    Some(Draft::dated(contribution.at, Command::Contribute(contribution)))
}

pub(super) fn investment(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let investment = whole!(Investment {
        id: row.one("id"),
        investor: row.one("investor"),
        company: row.one("company"),
        amount: row.money("amount", currency),
        stake_percent: row.maybe("stake_percent"),
        at: row.one("at"),
        follows: row.maybe("follows"),
    })?;
    Some(Draft::dated(investment.at, Command::Invest(investment)))
}

pub(super) fn distribution(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let distribution = whole!(Distribution {
        id: row.one("id"),
        fund: row.one("fund"),
        lp: row.one("lp"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        kind: row.maybe("kind"),
    })?;
    Some(Draft::dated(distribution.at, Command::Distribute(distribution)))
}

pub(super) fn transfer(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let transfer = whole!(Transfer {
        id: row.one("id"),
        from: row.one("from"),
        to: row.one("to"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        purpose: row.one("purpose"),
    })?;
    Some(Draft::dated(transfer.at, Command::RecordTransfer(transfer)))
}

pub(super) fn nav(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let nav = whole!(StrikeNav {
        id: row.one("id"),
        fund: row.one("fund"),
        as_of: row.one("as_of"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        restates: row.maybe("restates"),
    })?;
    Some(Draft::dated(nav.at, Command::StrikeNav(nav)))
}

pub(super) fn recognition(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let recognised = whole!(RecogniseReinvestment {
        id: row.one("id"),
        fund: row.one("fund"),
        kind: row.one("kind"),
        company: row.one("company"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        payment: row.maybe("payment"),
    })?;
    Some(Draft::dated(recognised.at, Command::RecogniseReinvestment(recognised)))
}
