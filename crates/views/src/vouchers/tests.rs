//! The sums of programmes and vouchers, from issue to each way of ending.

use loopledger_model::RoundingMode;
use loopledger_model::voucher::Affiliation;
use loopledger_testkit::{at, id};

use super::*;
use crate::rows::Stamp;

fn stamp() -> Stamp {
    let when = at("2025-01-01");
    Stamp { position: 1, fact_index: 0, at: when, recorded_at: when }
}

fn yuan(amount: i64) -> Decimal {
    Decimal::from(amount)
}

fn programme() -> rows::Programme {
    rows::Programme {
        stamp: stamp(),
        id: id("pr"),
        issuer: id("city"),
        name: id("Vouchers"),
        currency: id("CNY"),
        budget: yuan(1000),
        closes_at: at("2025-12-31"),
        ratio: id("0.3"),
        cap_voucher: None,
        cap_holder_year: None,
        validity_days: None,
        affiliation: Affiliation::Allow,
        affiliation_percent: None,
        funding_link_months: None,
        metering_required: false,
        rounding_digits: 2,
        rounding_mode: RoundingMode::Truncate,
    }
}

fn voucher(name: &str, face: i64) -> rows::Voucher {
    rows::Voucher {
        stamp: stamp(),
        id: id(name),
        programme: id("pr"),
        holder: id("buyer"),
        face: yuan(face),
        currency: id("CNY"),
        expires_at: None,
    }
}

fn change(name: &str, kind: MoveKind, free: i64, locked: i64, amount: i64) -> rows::VoucherMove {
    rows::VoucherMove {
        stamp: stamp(),
        voucher: id(name),
        programme: id("pr"),
        kind,
        amount: yuan(amount),
        free_change: yuan(free),
        locked_change: yuan(locked),
        currency: id("CNY"),
        lock: None,
        redemption: None,
        settlement: None,
        contract: None,
        invoice: None,
        provider: None,
    }
}

fn lock(name: &str, amount: i64) -> rows::VoucherMove {
    change(name, MoveKind::Locked, -amount, amount, amount)
}

fn redeem(name: &str, amount: i64) -> rows::VoucherMove {
    change(name, MoveKind::Redeemed, 0, -amount, amount)
}

fn end(name: &str, ending: Ending, free: i64, locked: i64) -> rows::VoucherMove {
    change(name, MoveKind::Ended(ending), -free, -locked, free + locked)
}

fn status_after(moves: &[rows::VoucherMove]) -> VoucherStatus {
    told(1, vec![programme()], vec![voucher("v", 100)], moves).vouchers[0].status
}

#[test]
fn a_vouchers_status_says_how_far_it_is_used() {
    use VoucherStatus::{Exhausted, Issued, Locked, PartiallyRedeemed};
    let release = change("v", MoveKind::Released, 100, -100, 100);
    assert_eq!(status_after(&[]), Issued);
    assert_eq!(status_after(&[lock("v", 40)]), Locked);
    assert_eq!(status_after(&[lock("v", 100), release]), Issued);
    assert_eq!(status_after(&[lock("v", 40), redeem("v", 40)]), PartiallyRedeemed);
    assert_eq!(status_after(&[lock("v", 90), redeem("v", 40)]), PartiallyRedeemed);
    assert_eq!(status_after(&[lock("v", 100), redeem("v", 100)]), Exhausted);
}

#[test]
fn an_ending_wins_unless_all_was_redeemed() {
    let used_up = [lock("v", 100), redeem("v", 100), end("v", Ending::Expired, 0, 0)];
    assert_eq!(status_after(&used_up), VoucherStatus::Exhausted);
    for (ending, status) in [
        (Ending::Expired, VoucherStatus::Expired),
        (Ending::Revoked, VoucherStatus::Revoked),
        (Ending::Surrendered, VoucherStatus::Surrendered),
    ] {
        assert_eq!(
            status_after(&[lock("v", 40), redeem("v", 40), end("v", ending, 60, 0)]),
            status
        );
        assert_eq!(status_after(&[end("v", ending, 100, 0)]), status);
    }
}

#[test]
fn what_ends_unused_is_in_the_budget_again() {
    let vouchers = vec![voucher("w", 200), voucher("v", 100)];
    let paid = change("v", MoveKind::Paid, 0, 0, 15);
    let moves =
        [lock("v", 40), redeem("v", 30), paid, end("v", Ending::Expired, 60, 10), lock("w", 50)];
    let answer = told(7, vec![programme()], vouchers, &moves);
    let totals = &answer.programmes[0];
    let sums = [&totals.budget, &totals.issued, &totals.locked, &totals.redeemed, &totals.paid];
    assert_eq!(sums, ["1000.00", "300.00", "50.00", "30.00", "15.00"]);
    let gone = [&totals.expired, &totals.revoked, &totals.surrendered, &totals.remaining];
    assert_eq!(gone, ["70.00", "0.00", "0.00", "770.00"]);
    let [v, w] = answer.vouchers.as_slice() else { panic!("two vouchers") };
    assert_eq!((v.voucher.as_str(), v.free.as_str(), v.locked.as_str()), ("v", "0.00", "0.00"));
    assert_eq!((w.voucher.as_str(), w.free.as_str(), w.locked.as_str()), ("w", "150.00", "50.00"));
}
