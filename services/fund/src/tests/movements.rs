//! Investments, stakes and transfers: who may move what, apart from whether a fund can pay.

use loopledger_model::fund::Refusal;
use loopledger_testkit::{at, cny, id, money};

use super::*;

#[test]
fn any_registered_party_may_invest_without_a_fund() {
    accepts(blank(), &invest("i-1", "lp-a", "company-c", "1000", "2025-03-01"));
}

#[test]
fn an_investment_is_not_funded_again_with_other_content() {
    let story = funded().after([invest("i-1", "fund-1", "company-c", "10", "2025-03-06")]);
    story
        .when(invest("i-1", "fund-1", "company-d", "10", "2025-03-06"))
        .then_refused(Refusal::InvestmentExists { investment: id("i-1") });
}

#[test]
fn an_investment_of_or_in_an_unregistered_party_is_refused() {
    for (investor, company) in [("nobody", "company-c"), ("lp-a", "nobody")] {
        blank()
            .when(invest("i-1", investor, company, "1", "2025-03-01"))
            .then_refused(Refusal::UnknownParty { party: id("nobody") });
    }
}

#[test]
fn nothing_moves_from_or_to_a_fund_before_its_formation() {
    let before = Refusal::BeforeFormation {
        fund: id("fund-1"),
        formed_at: at("2025-03-01"),
        at: at("2025-02-28"),
    };
    for command in [
        invest("i-1", "fund-1", "company-c", "1", "2025-02-28"),
        invest("i-1", "lp-a", "fund-1", "1", "2025-02-28"),
        transfer("t-1", "fund-1", "lp-a", "1", "2025-02-28"),
        transfer("t-1", "lp-a", "fund-1", "1", "2025-02-28"),
    ] {
        funded().when(command).then_refused(before.clone());
    }
}

#[test]
fn an_investment_or_transfer_that_is_not_above_zero_is_refused() {
    let refused = Refusal::NotPositive { amount: cny("0") };
    for command in [
        invest("i-1", "lp-a", "company-c", "0", "2025-03-01"),
        transfer("t-1", "lp-a", "company-c", "0", "2025-03-01"),
    ] {
        blank().when(command).then_refused(refused.clone());
    }
}

#[test]
fn a_fund_invests_in_its_own_currency_only() {
    let dollars = in_dollars(invest("i-1", "fund-1", "company-c", "1", "2025-03-06"));
    funded()
        .when(dollars)
        .then_refused(Refusal::WrongCurrency { amount: money("1", "USD"), currency: id("CNY") });
    let anyone = in_dollars(invest("i-1", "lp-a", "company-c", "1", "2025-03-06"));
    accepts(funded(), &anyone);
}

#[test]
fn money_from_a_party_to_itself_is_refused() {
    let refused = Refusal::SameParty { party: id("lp-a") };
    for command in [
        invest("i-1", "lp-a", "lp-a", "1", "2025-03-01"),
        transfer("t-1", "lp-a", "lp-a", "1", "2025-03-01"),
    ] {
        blank().when(command).then_refused(refused.clone());
    }
}

#[test]
fn stakes_in_a_company_may_add_up_to_all_of_it() {
    let story = accepts(blank(), &buy("i-1", "lp-a", "company-c", "66.6"));
    let story = accepts(story, &buy("i-2", "lp-b", "company-c", "33.4"));
    accepts(story, &buy("i-3", "lp-b", "company-d", "100"));
}

#[test]
fn stakes_in_a_company_above_all_of_it_are_refused() {
    let story = blank().after([
        buy("i-1", "lp-a", "company-c", "60"),
        buy("i-2", "lp-b", "company-c", "39.999999999"),
    ]);
    story.when(buy("i-3", "gp", "company-c", "0.000000002")).then_refused(Refusal::AboveWhole {
        company: id("company-c"),
        held: id("99.999999999"),
        asked: id("0.000000002"),
    });
    accepts(story, &buy("i-3", "gp", "company-c", "0.000000001"));
}

#[test]
fn an_investment_without_a_stake_takes_no_part_of_the_company() {
    let story = blank().after([buy("i-1", "lp-a", "company-c", "100")]);
    accepts(story, &invest("i-2", "lp-b", "company-c", "5", "2025-03-11"));
}

#[test]
fn a_transfer_between_registered_parties_is_recorded() {
    accepts(blank(), &transfer("t-1", "company-c", "company-d", "7", "2025-03-01"));
}

#[test]
fn a_transfer_is_not_recorded_again_with_other_content() {
    let story = blank().after([transfer("t-1", "company-c", "company-d", "7", "2025-03-01")]);
    story
        .when(transfer("t-1", "company-d", "company-c", "7", "2025-03-01"))
        .then_refused(Refusal::TransferExists { transfer: id("t-1") });
}

#[test]
fn a_transfer_from_or_to_an_unregistered_party_is_refused() {
    for (from, to) in [("nobody", "lp-a"), ("lp-a", "nobody")] {
        blank()
            .when(transfer("t-1", from, to, "1", "2025-03-01"))
            .then_refused(Refusal::UnknownParty { party: id("nobody") });
    }
}

#[test]
fn a_distribution_is_not_paid_again_with_other_content() {
    let story = accepts(funded(), &distribute("d-1", "fund-1", "lp-b", "30", "2025-03-06"));
    story
        .when(distribute("d-1", "fund-1", "lp-a", "30", "2025-03-06"))
        .then_refused(Refusal::DistributionExists { distribution: id("d-1") });
}
