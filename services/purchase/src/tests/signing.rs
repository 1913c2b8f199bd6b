//! Signing contracts that stand for themselves.

use loopledger_model::purchase::Refusal;
use loopledger_testkit::{at, fact, given, id};

use super::*;

#[test]
fn a_contract_of_registered_parties_is_signed() {
    accepts(blank(), &sign(contract("k-1", "buyer", "provider")));
    accepts(blank(), &sign(declaring("600", contract("k-1", "buyer", "provider"))));
}

#[test]
fn a_signing_names_the_facts_that_register_buyer_and_seller() {
    let answer = blank().when(sign(contract("k-1", "buyer", "provider")));
    let decision = answer.0.expect("accepted");
    assert_eq!(decision.rests_on.iter().map(|fact| fact.position).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn a_contract_is_not_signed_again_with_other_content() {
    let other = Contract { at: at("2025-02-21"), ..contract("k-1", "buyer", "provider") };
    signed().when(sign(other)).then_refused(Refusal::ContractExists { contract: id("k-1") });
}

#[test]
fn an_unregistered_buyer_or_seller_is_refused() {
    for (buyer, seller) in [("nobody", "provider"), ("buyer", "nobody")] {
        blank()
            .when(sign(contract("k-1", buyer, seller)))
            .then_refused(Refusal::UnknownParty { party: id("nobody") });
    }
}

#[test]
fn only_a_registration_makes_a_party_known() {
    let own = event(&sign(contract("k-1", "buyer", "provider")), "buyer", "provider");
    let story = given::<Purchase>([]).knowing([fact(9, loopledger_model::Event::Purchase(own))]);
    assert!(story.facts.0.is_empty());
    story
        .when(sign(contract("k-1", "buyer", "provider")))
        .then_refused(Refusal::UnknownParty { party: id("buyer") });
}

#[test]
fn a_party_stays_known_by_the_fact_that_registered_it_first() {
    let again = registered().map(|mut fact| {
        fact.id.position += 100;
        fact
    });
    assert_eq!(blank().knowing(again).facts.0, blank().facts.0);
}

#[test]
fn a_contract_with_oneself_is_refused() {
    blank()
        .when(sign(contract("k-1", "buyer", "buyer")))
        .then_refused(Refusal::OwnContract { party: id("buyer") });
}

#[test]
fn p_without_its_basis_is_refused() {
    let bare = declaring("600", contract("k-1", "buyer", "provider"));
    blank().when(sign(Contract { basis: None, ..bare })).then_refused(Refusal::BasisMissing);
}

#[test]
fn a_basis_may_stand_without_declared_p() {
    let cards = Contract {
        basis: Some(DENSE),
        model: Some(id("H200")),
        cards: Some(256),
        ..contract("k-1", "buyer", "provider")
    };
    accepts(blank(), &sign(cards));
}
