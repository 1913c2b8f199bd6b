//! A command that is wrong in every way is refused for the first reason in the list; mended, for
//! the next one.

use loopledger_model::fund::Refusal;
use loopledger_testkit::{at, cny, id, money};

use super::*;

/// Each command mends what the one before it was refused for.
#[track_caller]
fn refused_in_turn(story: &Story<FundDecider>, steps: Vec<(Command, Refusal)>) {
    for (command, refusal) in steps {
        story.when(command).then_refused(refusal);
    }
}

#[test]
fn contributions_are_refused_for_the_first_reason_that_applies() {
    let story = funded();
    let paid = |name, fund, lp, amount, day| contribute(name, fund, lp, amount, day);
    let dollars = in_dollars(paid("c-9", "fund-1", "fund-1", "90", "2025-03-01"));
    refused_in_turn(
        &story,
        vec![
            (
                paid("c-1", "fund-2", "nobody", "0", "2025-02-01"),
                Refusal::ContributionExists { contribution: id("c-1") },
            ),
            (
                paid("c-9", "fund-2", "nobody", "0", "2025-02-01"),
                Refusal::UnknownParty { party: id("nobody") },
            ),
            (
                paid("c-9", "fund-2", "fund-1", "0", "2025-02-01"),
                Refusal::UnknownFund { fund: id("fund-2") },
            ),
            (
                in_dollars(paid("c-9", "fund-1", "fund-1", "0", "2025-02-01")),
                Refusal::BeforeFormation {
                    fund: id("fund-1"),
                    formed_at: at("2025-03-01"),
                    at: at("2025-02-01"),
                },
            ),
            (
                in_dollars(paid("c-9", "fund-1", "fund-1", "0", "2025-03-01")),
                Refusal::NotPositive { amount: money("0", "USD") },
            ),
            (dollars, Refusal::WrongCurrency { amount: money("90", "USD"), currency: id("CNY") }),
            (
                paid("c-9", "fund-1", "fund-1", "90", "2025-03-01"),
                Refusal::SameParty { party: id("fund-1") },
            ),
            (
                paid("c-9", "fund-1", "lp-a", "90", "2025-03-01"),
                Refusal::NoCommitment { fund: id("fund-1"), lp: id("lp-a"), at: at("2025-03-01") },
            ),
            (
                paid("c-9", "fund-1", "lp-a", "90", "2025-03-06"),
                Refusal::AboveCommitment {
                    fund: id("fund-1"),
                    lp: id("lp-a"),
                    committed: cny("100"),
                    contributed: cny("80"),
                    asked: cny("90"),
                    at: at("2025-03-06"),
                },
            ),
        ],
    );
}

#[test]
fn a_fund_that_lacks_both_commitment_and_cash_is_refused_for_the_commitment() {
    let story = funded().after([
        form("fund-2", "2025-03-06"),
        commit("k-3", "fund-2", "fund-1", "90", "2025-03-06"),
    ]);
    let asked = |amount| contribute("c-9", "fund-2", "fund-1", amount, "2025-03-08");
    refused_in_turn(
        &story,
        vec![
            (
                asked("91"),
                Refusal::AboveCommitment {
                    fund: id("fund-2"),
                    lp: id("fund-1"),
                    committed: cny("90"),
                    contributed: cny("0"),
                    asked: cny("91"),
                    at: at("2025-03-08"),
                },
            ),
            (
                asked("90"),
                Refusal::AboveCash {
                    fund: id("fund-1"),
                    cash: cny("80"),
                    asked: cny("90"),
                    at: at("2025-03-08"),
                },
            ),
        ],
    );
}

#[test]
fn investments_are_refused_for_the_first_reason_that_applies() {
    let story = funded().after([buy("i-1", "lp-a", "company-c", "100")]);
    let asked = |name, company, amount, day| {
        let Command::Invest(plain) = invest(name, "fund-1", company, amount, day) else {
            panic!("an investment")
        };
        Command::Invest(Investment { stake_percent: Some(id("1")), ..plain })
    };
    refused_in_turn(
        &story,
        vec![
            (
                asked("i-1", "nobody", "0", "2025-02-01"),
                Refusal::InvestmentExists { investment: id("i-1") },
            ),
            (
                asked("i-2", "nobody", "0", "2025-02-01"),
                Refusal::UnknownParty { party: id("nobody") },
            ),
            (
                in_dollars(asked("i-2", "fund-1", "0", "2025-02-01")),
                Refusal::BeforeFormation {
                    fund: id("fund-1"),
                    formed_at: at("2025-03-01"),
                    at: at("2025-02-01"),
                },
            ),
            (
                in_dollars(asked("i-2", "fund-1", "0", "2025-03-06")),
                Refusal::NotPositive { amount: money("0", "USD") },
            ),
            (
                in_dollars(asked("i-2", "fund-1", "81", "2025-03-06")),
                Refusal::WrongCurrency { amount: money("81", "USD"), currency: id("CNY") },
            ),
            (
                asked("i-2", "fund-1", "81", "2025-03-06"),
                Refusal::SameParty { party: id("fund-1") },
            ),
            (
                asked("i-2", "company-c", "81", "2025-03-06"),
                Refusal::AboveCash {
                    fund: id("fund-1"),
                    cash: cny("80"),
                    asked: cny("81"),
                    at: at("2025-03-06"),
                },
            ),
            (
                asked("i-2", "company-c", "80", "2025-03-06"),
                Refusal::AboveWhole { company: id("company-c"), held: id("100"), asked: id("1") },
            ),
        ],
    );
}
