//! Rows of voucher: vouchers, locks and their releases, redemptions, settlements, endings.

use loopledger_model::voucher::{
    Command, EndVoucher, IssueVoucher, LockVoucher, RedeemVoucher, ReleaseLock, SettleRedemption,
};

use super::{Cells, Draft, whole};

pub(super) fn voucher(row: &mut Cells<'_>) -> Option<Draft> {
    let currency = row.currency();
    let issue = whole!(IssueVoucher {
        id: row.one("id"),
        programme: row.one("programme"),
        holder: row.one("holder"),
        amount: row.money("amount", currency),
        at: row.one("at"),
        application: row.maybe("application"),
        tranche: row.maybe("tranche"),
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

pub(super) fn release(row: &mut Cells<'_>) -> Option<Draft> {
    let release = whole!(ReleaseLock { lock: row.one("lock"), at: row.one("at") })?;
    Some(Draft::dated(release.at, Command::ReleaseLock(release)))
}

pub(super) fn end(row: &mut Cells<'_>) -> Option<Draft> {
    let end = whole!(EndVoucher {
        voucher: row.one("voucher"),
        ending: row.one("ending"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(end.at, Command::EndVoucher(end)))
}
