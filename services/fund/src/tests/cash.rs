//! A fund's cash: never below zero at any instant, in whatever order facts arrive.

use loopledger_model::fund::Refusal;
use loopledger_testkit::{at, cny, id, money};

use super::*;

fn short(fund: &str, cash: &str, asked: &str, day: &str) -> Refusal {
    Refusal::AboveCash { fund: id(fund), cash: cny(cash), asked: cny(asked), at: at(day) }
}

#[track_caller]
fn assert_cash(story: &Story<FundDecider>, fund: &str, expected: &str) {
    let cash = story.state.funds[&id(fund)].cash.left().expect("countable");
    assert_eq!(cash, cny(expected));
}

#[test]
fn a_fund_pays_out_what_it_holds_and_no_more() {
    for (all, more) in [
        (
            invest("x-1", "fund-1", "company-c", "80", "2025-03-05"),
            invest("x-1", "fund-1", "company-c", "80.01", "2025-03-05"),
        ),
        (
            distribute("x-1", "fund-1", "lp-b", "80", "2025-03-05"),
            distribute("x-1", "fund-1", "lp-b", "80.01", "2025-03-05"),
        ),
        (
            transfer("x-1", "fund-1", "gp", "80", "2025-03-05"),
            transfer("x-1", "fund-1", "gp", "80.01", "2025-03-05"),
        ),
    ] {
        funded().when(more).then_refused(short("fund-1", "80", "80.01", "2025-03-05"));
        assert_cash(&accepts(funded(), &all), "fund-1", "0");
    }
}

#[test]
fn money_that_comes_later_pays_for_nothing_earlier() {
    funded().when(invest("i-1", "fund-1", "company-c", "1", "2025-03-04")).then_refused(short(
        "fund-1",
        "0",
        "1",
        "2025-03-04",
    ));
}

#[test]
fn a_back_dated_outflow_may_not_leave_a_later_instant_short() {
    let story = funded().after([
        invest("i-1", "fund-1", "company-c", "70", "2025-03-10"),
        contribute("c-2", "fund-1", "lp-b", "50", "2025-03-20"),
    ]);
    story.when(distribute("d-1", "fund-1", "lp-a", "11", "2025-03-07")).then_refused(short(
        "fund-1",
        "10",
        "11",
        "2025-03-10",
    ));
    accepts(story, &distribute("d-1", "fund-1", "lp-a", "10", "2025-03-07"));
}

#[test]
fn the_first_instant_that_would_be_short_is_named() {
    let story = funded().after([
        invest("i-1", "fund-1", "company-c", "30", "2025-03-10"),
        invest("i-2", "fund-1", "company-c", "30", "2025-03-20"),
        invest("i-3", "fund-1", "company-c", "10", "2025-03-30"),
    ]);
    let asked = |amount| invest("i-4", "fund-1", "company-d", amount, "2025-03-07");
    story.when(asked("90")).then_refused(short("fund-1", "80", "90", "2025-03-07"));
    story.when(asked("60")).then_refused(short("fund-1", "50", "60", "2025-03-10"));
    story.when(asked("25")).then_refused(short("fund-1", "20", "25", "2025-03-20"));
    story.when(asked("15")).then_refused(short("fund-1", "10", "15", "2025-03-30"));
}

#[test]
fn a_back_dated_inflow_pays_for_what_comes_after_it() {
    let story = funded().after([transfer("t-1", "company-c", "fund-1", "40", "2025-03-03")]);
    let story = accepts(story, &invest("i-1", "fund-1", "company-c", "40", "2025-03-04"));
    assert_cash(&story, "fund-1", "80");
}

#[test]
fn at_one_instant_money_moves_in_the_order_in_which_it_was_recorded() {
    let story = funded().after([
        invest("i-1", "fund-1", "company-c", "80", "2025-03-10"),
        contribute("c-2", "fund-1", "lp-b", "50", "2025-03-10"),
    ]);
    story.when(distribute("d-1", "fund-1", "lp-a", "1", "2025-03-07")).then_refused(short(
        "fund-1",
        "0",
        "1",
        "2025-03-10",
    ));
    accepts(story, &distribute("d-1", "fund-1", "lp-a", "50", "2025-03-10"));
}

#[test]
fn an_investment_in_a_fund_is_money_of_that_fund() {
    let story = accepts(funded(), &invest("i-1", "lp-b", "fund-1", "5", "2025-03-06"));
    assert_cash(&story, "fund-1", "85");
}

#[test]
fn transfers_in_another_currency_do_not_count_in_a_funds_cash() {
    let paid = in_dollars(transfer("t-1", "fund-1", "gp", "500", "2025-03-06"));
    let got = in_dollars(transfer("t-2", "gp", "fund-1", "500", "2025-03-06"));
    let story = accepts(accepts(funded(), &paid), &got);
    assert_cash(&story, "fund-1", "80");
}

#[test]
fn a_party_that_is_not_formed_here_has_no_cash_that_could_run_out() {
    let story = accepts(blank(), &invest("i-1", "fund-2", "company-c", "1000", "2025-03-06"));
    accepts(story, &transfer("t-1", "fund-2", "gp", "1000", "2025-03-06"));
}

/// fund-1 holds 80 and promised 60 to fund-2.
fn fund_of_funds() -> Story<FundDecider> {
    funded().after([
        form("fund-2", "2025-03-06"),
        commit("k-3", "fund-2", "fund-1", "60", "2025-03-06"),
    ])
}

#[test]
fn a_fund_pays_its_contributions_from_its_cash() {
    let paid = contribute("c-9", "fund-2", "fund-1", "60", "2025-03-08");
    let story = accepts(fund_of_funds(), &paid);
    assert_cash(&story, "fund-1", "20");
    assert_cash(&story, "fund-2", "60");
    let spent = fund_of_funds().after([invest("i-1", "fund-1", "company-c", "30", "2025-03-09")]);
    spent.when(paid).then_refused(short("fund-1", "50", "60", "2025-03-09"));
}

#[test]
fn a_distribution_to_a_fund_is_money_of_that_fund() {
    let story = fund_of_funds().after([
        contribute("c-9", "fund-2", "fund-1", "60", "2025-03-08"),
        distribute("d-1", "fund-2", "fund-1", "45", "2025-03-12"),
    ]);
    assert_cash(&story, "fund-1", "65");
    assert_cash(&story, "fund-2", "15");
    accepts(story, &invest("i-1", "fund-1", "company-c", "65", "2025-03-12"));
}

#[test]
fn a_fund_cannot_pay_a_contribution_in_a_currency_that_it_does_not_hold() {
    let story = funded().after([
        form_in("USD", "fund-us", "2025-03-06"),
        in_dollars(commit("k-3", "fund-us", "fund-1", "60", "2025-03-06")),
    ]);
    story
        .when(in_dollars(contribute("c-9", "fund-us", "fund-1", "1", "2025-03-08")))
        .then_refused(Refusal::WrongCurrency { amount: money("1", "USD"), currency: id("CNY") });
}

#[test]
fn a_fund_neither_pays_in_nor_is_paid_before_it_was_formed() {
    let before = Refusal::BeforeFormation {
        fund: id("fund-2"),
        formed_at: at("2025-03-06"),
        at: at("2025-03-05"),
    };
    let story = fund_of_funds().after([commit("k-4", "fund-1", "fund-2", "9", "2025-03-02")]);
    for command in [
        contribute("c-9", "fund-1", "fund-2", "1", "2025-03-05"),
        distribute("d-9", "fund-1", "fund-2", "1", "2025-03-05"),
    ] {
        story.when(command).then_refused(before.clone());
    }
}
