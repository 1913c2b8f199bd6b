//! Announcements: what was made known of a contract binds nobody, but is of the same parties.

use loopledger_model::purchase::Refusal;
use loopledger_testkit::{cny, id};

use super::*;

fn announce(announced: AnnounceContract) -> Command {
    Command::AnnounceContract(announced)
}

#[test]
fn a_contract_is_announced_before_its_signing_after_it_or_without_it() {
    let first = accepts(blank(), &announce(announced("k-1", "9000")));
    accepts(first, &sign(contract("k-1", "buyer", "provider")));
    accepts(signed(), &announce(announced("k-1", "1")));
    let over = signed().after([terminate("k-1", "2025-03-10", TerminationReason::EndedEarly)]);
    accepts(over, &announce(announced("k-1", "1")));
}

#[test]
fn an_announcement_rests_on_the_registration_of_both() {
    let decision = blank().when(announce(announced("k-1", "9000"))).0.expect("it is accepted");
    let positions: Vec<u64> = decision.rests_on.iter().map(|fact| fact.position).collect();
    assert_eq!(positions, [1, 3]);
}

#[test]
fn another_announcement_of_the_same_contract_is_refused() {
    let story = blank().after([announce(announced("k-1", "9000"))]);
    story
        .when(announce(announced("k-1", "9001")))
        .then_refused(Refusal::AnnouncementExists { contract: id("k-1") });
}

#[test]
fn an_announcement_of_somebody_unknown_of_oneself_or_of_nothing_is_refused() {
    let plain = || announced("k-1", "9000");
    for (wrong, refusal) in [
        (
            AnnounceContract { buyer: id("nobody"), ..plain() },
            Refusal::UnknownParty { party: id("nobody") },
        ),
        (
            AnnounceContract { seller: id("nobody"), ..plain() },
            Refusal::UnknownParty { party: id("nobody") },
        ),
        (
            AnnounceContract { seller: id("buyer"), ..plain() },
            Refusal::OwnContract { party: id("buyer") },
        ),
        (announced("k-1", "0"), Refusal::NotPositive { amount: cny("0") }),
    ] {
        blank().when(announce(wrong)).then_refused(refusal);
    }
}

#[test]
fn what_is_announced_and_what_is_signed_are_between_the_same_parties_in_one_currency() {
    let other_sides = || Refusal::OtherSides {
        contract: id("k-1"),
        buyer: id("buyer"),
        seller: id("provider"),
        currency: id("CNY"),
    };
    let said = blank().after([announce(announced("k-1", "9000"))]);
    let plain = || contract("k-1", "buyer", "provider");
    for other in [
        contract("k-1", "other", "provider"),
        contract("k-1", "buyer", "other"),
        Contract { currency: id("USD"), ..plain() },
    ] {
        said.when(sign(other)).then_refused(other_sides());
    }
    for other in [
        AnnounceContract { buyer: id("other"), ..announced("k-1", "9000") },
        AnnounceContract { seller: id("other"), ..announced("k-1", "9000") },
    ] {
        signed().when(announce(other)).then_refused(other_sides());
    }
}
