//! Promises and what is paid in on them.

use loopledger_model::fund::Refusal;
use loopledger_testkit::{at, cny, id, money};

use super::*;

#[test]
fn a_commitment_to_a_formed_fund_is_made() {
    accepts(
        blank().after([form("fund-1", "2025-03-01")]),
        &commit("k-1", "fund-1", "lp-a", "100", "2025-03-01"),
    );
}

#[test]
fn a_commitment_is_not_made_again_with_other_content() {
    let exists = Refusal::CommitmentExists { commitment: id("k-1") };
    promised()
        .when(commit("k-1", "fund-1", "lp-a", "101", "2025-03-02"))
        .then_refused(exists.clone());
    let Command::Commit(first) = commit("k-1", "fund-1", "lp-a", "100", "2025-03-02") else {
        panic!("a commitment")
    };
    let side_letter = Commitment { priority_supplier: true, ..first };
    promised().when(Command::Commit(side_letter)).then_refused(exists);
}

#[test]
fn a_commitment_of_an_unregistered_partner_is_refused() {
    promised()
        .when(commit("k-9", "fund-1", "lp-z", "1", "2025-03-02"))
        .then_refused(Refusal::UnknownParty { party: id("lp-z") });
}

#[test]
fn capital_of_a_fund_that_is_not_formed_is_refused() {
    let unknown = Refusal::UnknownFund { fund: id("fund-2") };
    for command in [
        commit("k-9", "fund-2", "lp-a", "1", "2025-03-02"),
        contribute("c-9", "fund-2", "lp-a", "1", "2025-03-02"),
        distribute("d-9", "fund-2", "lp-a", "1", "2025-03-02"),
    ] {
        promised().when(command).then_refused(unknown.clone());
    }
}

#[test]
fn capital_before_the_formation_is_refused() {
    let before = Refusal::BeforeFormation {
        fund: id("fund-1"),
        formed_at: at("2025-03-01"),
        at: at("2025-02-28"),
    };
    for command in [
        commit("k-9", "fund-1", "lp-a", "1", "2025-02-28"),
        contribute("c-9", "fund-1", "lp-a", "1", "2025-02-28"),
        distribute("d-9", "fund-1", "lp-a", "1", "2025-02-28"),
    ] {
        funded().when(command).then_refused(before.clone());
    }
}

#[test]
fn capital_that_is_not_above_zero_is_refused() {
    for amount in ["0", "-1"] {
        let refused = Refusal::NotPositive { amount: cny(amount) };
        for command in [
            commit("k-9", "fund-1", "lp-a", amount, "2025-03-06"),
            contribute("c-9", "fund-1", "lp-a", amount, "2025-03-06"),
            distribute("d-9", "fund-1", "lp-a", amount, "2025-03-06"),
        ] {
            funded().when(command).then_refused(refused.clone());
        }
    }
}

#[test]
fn capital_in_another_currency_than_the_funds_is_refused() {
    let refused = Refusal::WrongCurrency { amount: money("1", "USD"), currency: id("CNY") };
    for command in [
        commit("k-9", "fund-1", "lp-a", "1", "2025-03-06"),
        contribute("c-9", "fund-1", "lp-a", "1", "2025-03-06"),
        distribute("d-9", "fund-1", "lp-a", "1", "2025-03-06"),
    ] {
        funded().when(in_dollars(command)).then_refused(refused.clone());
    }
}

#[test]
fn a_fund_is_no_partner_of_its_own() {
    let refused = Refusal::SameParty { party: id("fund-1") };
    for command in [
        commit("k-9", "fund-1", "fund-1", "1", "2025-03-06"),
        contribute("c-9", "fund-1", "fund-1", "1", "2025-03-06"),
        distribute("d-9", "fund-1", "fund-1", "1", "2025-03-06"),
    ] {
        funded().when(command).then_refused(refused.clone());
    }
}

#[test]
fn a_contribution_may_use_up_the_commitment() {
    accepts(promised(), &contribute("c-1", "fund-1", "lp-a", "100", "2025-03-02"));
}

#[test]
fn a_contribution_is_not_received_again_with_other_content() {
    funded()
        .when(contribute("c-1", "fund-1", "lp-a", "80", "2025-03-06"))
        .then_refused(Refusal::ContributionExists { contribution: id("c-1") });
}

#[test]
fn a_contribution_of_an_unregistered_partner_is_refused() {
    promised()
        .when(contribute("c-1", "fund-1", "lp-z", "1", "2025-03-02"))
        .then_refused(Refusal::UnknownParty { party: id("lp-z") });
}

#[test]
fn without_a_commitment_by_then_nothing_is_paid_in_or_out() {
    let none = |lp, day| Refusal::NoCommitment { fund: id("fund-1"), lp: id(lp), at: at(day) };
    let story = funded();
    story
        .when(contribute("c-9", "fund-1", "gp", "1", "2025-03-06"))
        .then_refused(none("gp", "2025-03-06"));
    story
        .when(distribute("d-9", "fund-1", "gp", "1", "2025-03-06"))
        .then_refused(none("gp", "2025-03-06"));
    story
        .when(contribute("c-9", "fund-1", "lp-a", "1", "2025-03-01"))
        .then_refused(none("lp-a", "2025-03-01"));
    story
        .when(distribute("d-9", "fund-1", "lp-a", "1", "2025-03-01"))
        .then_refused(none("lp-a", "2025-03-01"));
}

#[test]
fn a_contribution_above_what_is_left_of_the_commitment_is_refused() {
    funded().when(contribute("c-2", "fund-1", "lp-a", "20.01", "2025-03-06")).then_refused(
        Refusal::AboveCommitment {
            fund: id("fund-1"),
            lp: id("lp-a"),
            committed: cny("100"),
            contributed: cny("80"),
            asked: cny("20.01"),
            at: at("2025-03-06"),
        },
    );
}

#[test]
fn one_partners_commitment_does_not_cover_anothers_contribution() {
    promised().when(contribute("c-2", "fund-1", "lp-b", "51", "2025-03-06")).then_refused(
        Refusal::AboveCommitment {
            fund: id("fund-1"),
            lp: id("lp-b"),
            committed: cny("50"),
            contributed: cny("0"),
            asked: cny("51"),
            at: at("2025-03-06"),
        },
    );
}

#[test]
fn a_later_commitment_does_not_cover_an_earlier_contribution() {
    let story = promised().after([commit("k-3", "fund-1", "lp-a", "100", "2025-03-20")]);
    let above = Refusal::AboveCommitment {
        fund: id("fund-1"),
        lp: id("lp-a"),
        committed: cny("100"),
        contributed: cny("0"),
        asked: cny("150"),
        at: at("2025-03-19"),
    };
    story.when(contribute("c-1", "fund-1", "lp-a", "150", "2025-03-19")).then_refused(above);
    accepts(story, &contribute("c-1", "fund-1", "lp-a", "150", "2025-03-20"));
}

#[test]
fn a_back_dated_contribution_may_not_take_what_was_paid_in_since() {
    let story = promised().after([
        contribute("c-1", "fund-1", "lp-a", "90", "2025-03-10"),
        commit("k-3", "fund-1", "lp-a", "100", "2025-03-20"),
    ]);
    story.when(contribute("c-2", "fund-1", "lp-a", "11", "2025-03-05")).then_refused(
        Refusal::AboveCommitment {
            fund: id("fund-1"),
            lp: id("lp-a"),
            committed: cny("100"),
            contributed: cny("90"),
            asked: cny("11"),
            at: at("2025-03-10"),
        },
    );
    accepts(story, &contribute("c-2", "fund-1", "lp-a", "10", "2025-03-05"));
}

#[test]
fn at_one_instant_commitments_count_before_contributions() {
    let story = blank().after([
        form("fund-1", "2025-03-01"),
        commit("k-1", "fund-1", "lp-a", "20", "2025-03-02"),
        commit("k-2", "fund-1", "lp-a", "100", "2025-03-10"),
        contribute("c-1", "fund-1", "lp-a", "120", "2025-03-10"),
        commit("k-3", "fund-1", "lp-a", "20", "2025-03-10"),
    ]);
    accepts(story, &contribute("c-2", "fund-1", "lp-a", "20", "2025-03-05"));
}
