//! A log that contradicts itself stops the ledger.

use loopledger_model::voucher::{
    Ending, Event, LockReleased, TakenFrom, VoucherEnded, VoucherRedeemed,
};
use loopledger_service::Decider;
use loopledger_testkit::{Story, at, cny, id};

use super::world::*;
use crate::Vouchers;

fn replay(mut story: Story<Vouchers>, event: &Event) {
    Vouchers::evolve(&mut story.state, event);
}

fn event_of(story: &Story<Vouchers>, command: loopledger_model::voucher::Command) -> Event {
    let decision = story.when(command).0.expect("the command is in order");
    decision.events.into_iter().next().expect("one event")
}

#[test]
#[should_panic(expected = "v-1 is recorded twice")]
fn a_voucher_that_is_issued_twice_is_a_contradiction() {
    let issue = issue("v-1", "company-c", "100", "2025-01-20");
    let event = event_of(&opened(programme()), issue);
    replay(issued(programme()), &event);
}

#[test]
#[should_panic(expected = "a voucher that changes is issued")]
fn a_lock_of_a_voucher_that_was_not_issued_is_a_contradiction() {
    let event = event_of(&issued(programme()), lock("l-1", "v-1", "k-1", "60", "2025-01-25"));
    replay(opened(programme()), &event);
}

#[test]
#[should_panic(expected = "50.00 CNY cannot be taken from 20.00 CNY")]
fn a_redemption_of_more_than_a_lock_has_left_is_a_contradiction() {
    let event = Event::VoucherRedeemed(VoucherRedeemed {
        id: id("r-2"),
        voucher: id("v-1"),
        programme: id("cv"),
        holder: id("company-c"),
        provider: id("provider-a"),
        contract: id("k-1"),
        invoice: id("in-2"),
        amount: cny("50"),
        taken_from: vec![TakenFrom { lock: id("l-1"), amount: cny("50") }],
        at: at("2025-04-10"),
        payee: None,
        version: 1,
        trace: Vec::new(),
        gate: None,
        usage: Vec::new(),
        funding: Vec::new(),
    });
    replay(redeemed(programme()), &event);
}

#[test]
#[should_panic(expected = "what lock l-1 had left was released")]
fn a_release_of_another_amount_than_was_left_is_a_contradiction() {
    let event = Event::LockReleased(LockReleased {
        lock: id("l-1"),
        voucher: id("v-1"),
        programme: id("cv"),
        amount: cny("19"),
        at: at("2025-04-10"),
    });
    replay(redeemed(programme()), &event);
}

fn revoked(free: &str, locked: &str) -> Event {
    Event::VoucherEnded(VoucherEnded {
        voucher: id("v-1"),
        programme: id("cv"),
        ending: Ending::Revoked,
        free: cny(free),
        locked: cny(locked),
        funding: Vec::new(),
        at: at("2025-04-10"),
    })
}

#[test]
#[should_panic(expected = "all of voucher v-1 ended")]
fn an_end_that_leaves_something_behind_is_a_contradiction() {
    replay(redeemed(programme()), &revoked("40", "10"));
}

#[test]
#[should_panic(expected = "a voucher ends once")]
fn a_second_end_is_a_contradiction() {
    let ended = redeemed(programme()).after([end("v-1", Ending::Revoked, "2025-04-01")]);
    replay(ended, &revoked("0", "0"));
}
