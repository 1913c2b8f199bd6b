//! Forming funds, and what of the registry the decisions rest on.

use loopledger_model::fund::Refusal;
use loopledger_testkit::{at, cny, given, id};

use super::*;

#[test]
fn a_fund_whose_parties_are_registered_is_formed() {
    let story = accepts(blank(), &form("fund-1", "2025-03-01"));
    assert_eq!(story.state.funds.len(), 1);
}

#[test]
fn a_formation_names_the_facts_that_register_fund_and_manager() {
    assert_eq!(rests_on(&blank(), form("fund-1", "2025-03-01")), [1, 4]);
}

#[test]
fn a_fund_is_not_formed_again_with_other_content() {
    promised()
        .when(form("fund-1", "2025-03-02"))
        .then_refused(Refusal::FundExists { fund: id("fund-1") });
}

#[test]
fn an_unregistered_fund_or_manager_is_refused() {
    let unknown = |party| Refusal::UnknownParty { party: id(party) };
    blank().when(form("fund-9", "2025-03-01")).then_refused(unknown("fund-9"));
    let without_manager = given::<FundDecider>([]).knowing(registered().skip(1));
    without_manager.when(form("fund-1", "2025-03-01")).then_refused(unknown("gp"));
}

#[test]
fn a_party_whose_money_moved_already_is_not_formed_before_that() {
    let story = blank().after([transfer("t-1", "fund-1", "lp-a", "5", "2025-03-10")]);
    let refused = |day| Refusal::LateFormation {
        fund: id("fund-1"),
        formed_at: at(day),
        moved_at: at("2025-03-10"),
    };
    story.when(form("fund-1", "2025-03-01")).then_refused(refused("2025-03-01"));
    story.when(form("fund-1", "2025-03-10")).then_refused(refused("2025-03-10"));
    accepts(story, &form("fund-1", "2025-03-11"));
}

#[test]
fn money_in_another_currency_does_not_stand_in_the_way_of_a_formation() {
    let dollars = in_dollars(transfer("t-1", "lp-a", "fund-1", "5", "2025-03-10"));
    accepts(blank().after([dollars]), &form("fund-1", "2025-03-01"));
}

#[test]
fn every_decision_on_a_party_names_the_fact_that_registered_it() {
    let story = funded();
    let on = |command| rests_on(&story, command);
    assert_eq!(on(commit("k-9", "fund-1", "lp-b", "1", "2025-03-06")), [3]);
    assert_eq!(on(contribute("c-9", "fund-1", "lp-a", "1", "2025-03-06")), [2]);
    assert_eq!(on(invest("i-9", "fund-1", "company-c", "1", "2025-03-06")), [4, 7]);
    assert_eq!(on(transfer("t-9", "company-d", "gp", "1", "2025-03-06")), [1, 8]);
    assert!(on(distribute("d-9", "fund-1", "lp-a", "1", "2025-03-06")).is_empty());
}

#[test]
fn a_party_stays_known_by_the_fact_that_registered_it_first() {
    let again = registered().map(|mut fact| {
        fact.id.position += 100;
        fact
    });
    let story = blank().knowing(again);
    assert_eq!(rests_on(&story, form("fund-1", "2025-03-01")), [1, 4]);
}

#[test]
fn facts_of_contexts_that_are_not_read_leave_no_trace() {
    let foreign = event(&form("fund-1", "2025-03-01"));
    let story = blank().knowing([fact(50, loopledger_model::Event::Fund(foreign))]);
    assert_eq!(story.facts.0, blank().facts.0);
    story
        .when(commit("k-1", "fund-1", "lp-a", "1", "2025-03-02"))
        .then_refused(Refusal::UnknownFund { fund: id("fund-1") });
}

#[test]
fn amounts_beyond_what_can_be_counted_are_refused() {
    let most = "999999999999999999.99";
    let story = blank().after([
        form("fund-1", "2025-03-01"),
        commit("k-1", "fund-1", "lp-a", most, "2025-03-02"),
        transfer("t-1", "lp-a", "fund-1", most, "2025-03-02"),
    ]);
    let beyond = loopledger_model::MoneyError::TooLarge {
        amount: cny(most).amount() + cny(most).amount(),
        currency: id("CNY"),
    };
    for command in [
        commit("k-2", "fund-1", "lp-a", most, "2025-03-02"),
        contribute("c-1", "fund-1", "lp-a", most, "2025-03-02"),
        invest("i-1", "lp-a", "fund-1", most, "2025-03-02"),
        transfer("t-2", "lp-a", "fund-1", most, "2025-03-02"),
    ] {
        story.when(command).then_refused(Refusal::BeyondBounds { reason: beyond.to_string() });
    }
}
