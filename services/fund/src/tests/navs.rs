//! Net asset values: struck once for a date, restated by name, and they move nothing.

use loopledger_model::fund::{Refusal, StrikeNav};
use loopledger_testkit::{at, cny, id};

use super::*;

fn nav(name: &str, amount: &str) -> StrikeNav {
    StrikeNav {
        id: id(name),
        fund: id("fund-1"),
        as_of: at("2025-06-30"),
        amount: cny(amount),
        at: at("2025-07-20"),
        restates: None,
    }
}

fn restating(before: &str, name: &str, amount: &str) -> StrikeNav {
    StrikeNav { restates: Some(id(before)), at: at("2025-08-20"), ..nav(name, amount) }
}

fn strike(nav: StrikeNav) -> Command {
    Command::StrikeNav(nav)
}

#[test]
fn a_nav_is_struck_for_each_date_whatever_its_sign() {
    let story = accepts(funded(), &strike(nav("n-1", "75")));
    let earlier = StrikeNav { as_of: at("2025-03-31"), ..nav("n-2", "-5") };
    accepts(story, &strike(earlier));
}

#[test]
fn a_valuation_moves_no_cash() {
    let story = funded().after([strike(nav("n-1", "1000000"))]);
    let refused = story.when(invest("i-1", "fund-1", "company-c", "81", "2025-07-21"));
    refused.then_refused(Refusal::AboveCash {
        fund: id("fund-1"),
        cash: cny("80"),
        asked: cny("81"),
        at: at("2025-07-21"),
    });
}

#[test]
fn a_nav_is_restated_as_often_as_need_be_by_naming_the_one_that_stands() {
    let story = accepts(funded(), &strike(nav("n-1", "75")));
    let story = accepts(story, &strike(restating("n-1", "n-2", "70")));
    let story = accepts(story, &strike(restating("n-2", "n-3", "72")));
    story
        .when(strike(restating("n-1", "n-4", "71")))
        .then_refused(Refusal::NavRestated { nav: id("n-1"), by: id("n-3") });
}

#[test]
fn a_second_nav_of_a_date_that_names_none_is_refused() {
    let story = funded().after([strike(nav("n-1", "75"))]);
    story.when(strike(nav("n-2", "70"))).then_refused(Refusal::NavStruck {
        fund: id("fund-1"),
        as_of: at("2025-06-30"),
        nav: id("n-1"),
    });
}

#[test]
fn another_nav_under_the_same_id_is_refused() {
    let story = funded().after([strike(nav("n-1", "75"))]);
    story.when(strike(nav("n-1", "76"))).then_refused(Refusal::NavExists { nav: id("n-1") });
}

#[test]
fn what_is_restated_is_struck_for_the_same_fund_and_date() {
    let story = funded().after([strike(nav("n-1", "75"))]);
    story
        .when(strike(restating("n-9", "n-2", "70")))
        .then_refused(Refusal::UnknownNav { nav: id("n-9") });
    let other_date = StrikeNav { as_of: at("2025-03-31"), ..restating("n-1", "n-2", "70") };
    story.when(strike(other_date)).then_refused(Refusal::OtherNav {
        nav: id("n-1"),
        fund: id("fund-1"),
        as_of: at("2025-06-30"),
    });
}

#[test]
fn a_nav_of_no_fund_of_another_currency_or_of_no_possible_date_is_refused() {
    let unknown = StrikeNav { fund: id("fund-2"), ..nav("n-1", "75") };
    funded().when(strike(unknown)).then_refused(Refusal::UnknownFund { fund: id("fund-2") });
    let dollars = in_dollars(strike(nav("n-1", "75")));
    let Command::StrikeNav(StrikeNav { amount, .. }) = &dollars else { panic!("a NAV") };
    let wrong = Refusal::WrongCurrency { amount: *amount, currency: id("CNY") };
    funded().when(dollars).then_refused(wrong);
    let before = StrikeNav { as_of: at("2025-02-28"), ..nav("n-1", "75") };
    funded().when(strike(before)).then_refused(Refusal::BeforeFormation {
        fund: id("fund-1"),
        formed_at: at("2025-03-01"),
        at: at("2025-02-28"),
    });
    let early = StrikeNav { at: at("2025-06-29"), ..nav("n-1", "75") };
    funded()
        .when(strike(early))
        .then_refused(Refusal::NavBeforeItsDate { as_of: at("2025-06-30"), at: at("2025-06-29") });
}
