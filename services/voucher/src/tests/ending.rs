//! Ending vouchers.

use loopledger_model::voucher::{Ending, Event, Refusal, VoucherEnded};
use loopledger_testkit::{at, cny, id};

use super::world::*;

fn ended(ending: Ending, free: &str, locked: &str, when: &str) -> Event {
    Event::VoucherEnded(VoucherEnded {
        voucher: id("v-1"),
        programme: id("cv"),
        ending,
        free: cny(free),
        locked: cny(locked),
        at: at(when),
        funding: Vec::new(),
    })
}

#[test]
fn what_is_free_and_what_is_locked_expire() {
    let story = redeemed(ruled(|rules| rules.validity_days = Some(365)));
    let after_its_time = "2026-01-20T00:00:00.000000001Z";
    let expiry = end("v-1", Ending::Expired, after_its_time);
    story.when(expiry.clone()).then([ended(Ending::Expired, "40", "20", after_its_time)]);
    assert_balances(&story.after([expiry]), "v-1", "0", "0");
}

#[test]
fn a_voucher_does_not_expire_while_it_is_valid() {
    let story = issued(ruled(|rules| rules.validity_days = Some(365)));
    let refusal = Refusal::NotExpired {
        voucher: id("v-1"),
        expires_at: at("2026-01-20"),
        at: at("2026-01-20"),
    };
    story.when(end("v-1", Ending::Expired, "2026-01-20")).then_refused(refusal);
}

#[test]
fn a_voucher_without_a_term_does_not_expire() {
    let refusal = Refusal::NeverExpires { voucher: id("v-1") };
    issued(programme()).when(end("v-1", Ending::Expired, "2030-01-01")).then_refused(refusal);
}

#[test]
fn what_is_free_and_what_is_locked_is_revoked() {
    let event = ended(Ending::Revoked, "40", "60", "2025-02-01");
    locked(programme()).when(end("v-1", Ending::Revoked, "2025-02-01")).then([event]);
}

#[test]
fn a_voucher_is_surrendered_once_nothing_of_it_is_locked() {
    let surrender = || end("v-1", Ending::Surrendered, "2025-03-12");
    let refusal = Refusal::StillLocked { voucher: id("v-1"), locked: cny("20") };
    redeemed(programme()).when(surrender()).then_refused(refusal);
    let released = redeemed(programme()).after([release("l-1", "2025-03-11")]);
    released.when(surrender()).then([ended(Ending::Surrendered, "60", "0", "2025-03-12")]);
}

#[test]
fn a_voucher_that_is_used_up_can_be_ended_though_nothing_is_left_to_go() {
    let story = issued(programme()).after([
        lock("l-1", "v-1", "k-1", "100", "2025-01-25"),
        redeem("r-1", "v-1", "in-1", "60", "2025-03-10"),
        redeem("r-2", "v-1", "in-2", "40", "2025-04-10"),
    ]);
    let revoke = end("v-1", Ending::Revoked, "2025-05-01");
    story.when(revoke).then([ended(Ending::Revoked, "0", "0", "2025-05-01")]);
}

#[test]
fn the_same_end_twice_is_nothing() {
    let revoke = || end("v-1", Ending::Revoked, "2025-02-01");
    locked(programme()).after([revoke()]).when(revoke()).then_nothing();
}

#[test]
fn an_ended_voucher_does_not_end_otherwise() {
    let story = locked(programme()).after([end("v-1", Ending::Revoked, "2025-02-01")]);
    for other in
        [end("v-1", Ending::Surrendered, "2025-02-01"), end("v-1", Ending::Revoked, "2025-02-02")]
    {
        let (ending, ended_at) = (Ending::Revoked, at("2025-02-01"));
        let refusal = Refusal::VoucherEnded { voucher: id("v-1"), ending, ended_at };
        story.when(other).then_refused(refusal);
    }
}

#[test]
fn an_unknown_voucher_does_not_end() {
    let refusal = Refusal::UnknownVoucher { voucher: id("v-1") };
    opened(programme()).when(end("v-1", Ending::Revoked, "2025-02-01")).then_refused(refusal);
}

#[test]
fn a_voucher_does_not_end_before_it_was_issued() {
    let refusal = Refusal::BeforeIssue {
        voucher: id("v-1"),
        issued_at: at("2025-01-20"),
        at: at("2025-01-19"),
    };
    issued(programme()).when(end("v-1", Ending::Revoked, "2025-01-19")).then_refused(refusal);
}

#[test]
fn what_was_locked_by_an_ended_voucher_can_be_locked_by_another() {
    let story = opened(programme()).after([
        issue("v-1", "company-c", "300", "2025-01-20"),
        issue("v-2", "company-c", "300", "2025-01-20"),
        lock("l-1", "v-1", "k-1", "300", "2025-01-25"),
    ]);
    let other = || lock("l-2", "v-2", "k-1", "300", "2025-02-02");
    assert!(story.when(other()).0.is_err());
    let story = story.after([end("v-1", Ending::Revoked, "2025-02-01")]);
    assert!(story.when(other()).0.is_ok());
}
