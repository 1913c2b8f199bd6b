//! What is held: follow-ons, parts that are sold, income, losses, valuations, and what may be put to work again.

use loopledger_model::fund::{InvestmentExited, InvestmentValued, Refusal};
use loopledger_testkit::{at, cny, id};

use super::*;

/// fund-1 put 50 into company-c on 10 March, for 30 % of it.
fn invested() -> Story<FundDecider> {
    funded().after([bought("i-1", "company-c", "50", "30", "2025-03-10")])
}

fn bought(name: &str, company: &str, amount: &str, stake: &str, day: &str) -> Command {
    let Command::Invest(plain) = invest(name, "fund-1", company, amount, day) else {
        panic!("an investment")
    };
    Command::Invest(Investment { stake_percent: Some(id(stake)), ..plain })
}

fn follow_on(name: &str, first: &str, company: &str, day: &str) -> Command {
    let Command::Invest(plain) = invest(name, "fund-1", company, "5", day) else {
        panic!("an investment")
    };
    Command::Invest(Investment { follows: Some(id(first)), ..plain })
}

/// company-d pays for a part of i-1.
fn sold(name: &str, cost: &str, proceeds: &str, day: &str) -> ExitInvestment {
    ExitInvestment {
        id: id(name),
        investment: id("i-1"),
        payer: id("company-d"),
        cost: cny(cost),
        proceeds: cny(proceeds),
        stake_percent: None,
        at: at(day),
    }
}

fn exited(exit: &ExitInvestment) -> Event {
    let (investor, company) = (id("fund-1"), id("company-c"));
    Event::InvestmentExited(InvestmentExited { exit: exit.clone(), investor, company })
}

fn valued(name: &str, amount: &str, as_of: &str, restates: Option<&str>) -> ValueInvestment {
    ValueInvestment {
        id: id(name),
        investment: id("i-1"),
        as_of: at(as_of),
        amount: cny(amount),
        at: at(as_of),
        restates: restates.map(id),
    }
}

fn cash(story: &Story<FundDecider>) -> loopledger_model::Money {
    story.state.funds[&id("fund-1")].cash.left().expect("countable")
}

#[test]
fn a_follow_on_adds_to_an_investment_of_the_same_investor_in_the_same_company() {
    accepts(invested(), &follow_on("i-2", "i-1", "company-c", "2025-03-11"));
    invested()
        .when(follow_on("i-2", "i-9", "company-c", "2025-03-11"))
        .then_refused(Refusal::UnknownInvestment { investment: id("i-9") });
    invested()
        .when(follow_on("i-2", "i-1", "company-d", "2025-03-11"))
        .then_refused(Refusal::FollowsOther { investment: id("i-2"), follows: id("i-1") });
    invested().when(follow_on("i-2", "i-1", "company-c", "2025-03-09")).then_refused(
        Refusal::BeforeInvestment {
            investment: id("i-1"),
            funded_at: at("2025-03-10"),
            at: at("2025-03-09"),
        },
    );
}

#[test]
fn a_part_is_sold_and_the_rest_later() {
    let first = sold("x-1", "20", "45", "2025-04-01");
    let story = invested();
    story.when(Command::ExitInvestment(first.clone())).then([exited(&first)]);
    let story = story.after([Command::ExitInvestment(first.clone())]);
    assert_eq!(cash(&story), cny("75"));
    story.when(Command::ExitInvestment(first)).then_nothing();
    let other = sold("x-1", "20", "44", "2025-04-01");
    story
        .when(Command::ExitInvestment(other))
        .then_refused(Refusal::ExitExists { exit: id("x-1") });
    let above = sold("x-2", "30.01", "1", "2025-05-01");
    story.when(Command::ExitInvestment(above)).then_refused(Refusal::AboveCost {
        investment: id("i-1"),
        left: cny("30"),
        asked: cny("30.01"),
        at: at("2025-05-01"),
    });
    // Earlier than the first part was sold, there is still too little for both.
    let early = sold("x-2", "31", "1", "2025-03-20");
    story.when(Command::ExitInvestment(early)).then_refused(Refusal::AboveCost {
        investment: id("i-1"),
        left: cny("30"),
        asked: cny("31"),
        at: at("2025-04-01"),
    });
    let rest = sold("x-2", "30", "0", "2025-05-01");
    story.when(Command::ExitInvestment(rest.clone())).then([exited(&rest)]);
    assert_eq!(cash(&story.after([Command::ExitInvestment(rest)])), cny("75"));
}

#[test]
fn income_gives_nothing_up() {
    let income = sold("x-1", "0", "3", "2025-04-01");
    let story = invested().after([Command::ExitInvestment(income)]);
    assert_eq!(cash(&story), cny("33"));
    assert_eq!(story.state.holdings[&id("i-1")].cost.left(), Ok(cny("50")));
}

#[test]
fn an_exit_says_what_is_given_up_or_paid_in_the_currency_of_the_investment() {
    let refused = |exit: ExitInvestment, refusal: Refusal| {
        invested().when(Command::ExitInvestment(exit)).then_refused(refusal);
    };
    let plain = || sold("x-1", "20", "45", "2025-04-01");
    refused(
        ExitInvestment { payer: id("nobody"), ..plain() },
        Refusal::UnknownParty { party: id("nobody") },
    );
    refused(
        ExitInvestment { investment: id("i-9"), ..plain() },
        Refusal::UnknownInvestment { investment: id("i-9") },
    );
    refused(sold("x-1", "0", "0", "2025-04-01"), Refusal::EmptyExit { exit: id("x-1") });
    refused(sold("x-1", "-1", "5", "2025-04-01"), Refusal::BelowZero { amount: cny("-1") });
    refused(
        ExitInvestment { payer: id("fund-1"), ..plain() },
        Refusal::SameParty { party: id("fund-1") },
    );
    let dollars = in_dollars(Command::ExitInvestment(plain()));
    invested().when(dollars).then_refused(Refusal::OtherCurrency {
        investment: id("i-1"),
        amount: loopledger_testkit::money("20", "USD"),
        currency: id("CNY"),
    });
}

#[test]
fn a_fund_that_buys_a_part_from_another_has_the_cash_for_it() {
    let story = invested().after([form("fund-2", "2025-03-01")]);
    let asked = ExitInvestment { payer: id("fund-2"), ..sold("x-1", "20", "45", "2025-04-01") };
    story.when(Command::ExitInvestment(asked)).then_refused(Refusal::AboveCash {
        fund: id("fund-2"),
        cash: cny("0"),
        asked: cny("45"),
        at: at("2025-04-01"),
    });
}

/// F12.
#[test]
fn the_part_of_a_company_that_is_given_up_is_free_from_then_on() {
    let give_up = |stake: &str| ExitInvestment {
        stake_percent: Some(id(stake)),
        ..sold("x-1", "20", "45", "2025-04-01")
    };
    invested().when(Command::ExitInvestment(give_up("30.5"))).then_refused(Refusal::AboveStake {
        investment: id("i-1"),
        asked: id("30.5"),
        at: at("2025-04-01"),
    });
    let story = invested().after([Command::ExitInvestment(give_up("10"))]);
    let early = bought("i-2", "company-c", "1", "80", "2025-03-20");
    story.when(early).then_refused(Refusal::AboveWhole {
        company: id("company-c"),
        held: id("30"),
        asked: id("80"),
    });
    accepts(story, &bought("i-2", "company-c", "1", "80", "2025-04-01"));
}

/// F14.
#[test]
fn a_valuation_writes_down_or_off_and_moves_no_cash() {
    let down = valued("va-1", "10", "2025-06-30", None);
    let story = invested();
    let made = |of: &ValueInvestment| {
        let (valuation, investor) = (of.clone(), id("fund-1"));
        Event::InvestmentValued(InvestmentValued { valuation, investor })
    };
    story.when(Command::ValueInvestment(down.clone())).then([made(&down)]);
    let story = story.after([Command::ValueInvestment(down.clone())]);
    story.when(Command::ValueInvestment(down)).then_nothing();
    assert_eq!(cash(&story), cny("30"));
    let off = valued("va-2", "0", "2025-06-30", Some("va-1"));
    story.when(Command::ValueInvestment(off.clone())).then([made(&off)]);
    story
        .when(Command::ValueInvestment(valued("va-1", "0", "2025-06-30", None)))
        .then_refused(Refusal::ValuationExists { valuation: id("va-1") });
    let unsaid = valued("va-2", "0", "2025-06-30", None);
    story.when(Command::ValueInvestment(unsaid)).then_refused(Refusal::ValuationStands {
        investment: id("i-1"),
        as_of: at("2025-06-30"),
        stands: Some(id("va-1")),
    });
    let early = ValueInvestment { at: at("2025-06-29"), ..valued("va-2", "1", "2025-06-30", None) };
    story.when(Command::ValueInvestment(early)).then_refused(Refusal::ValuedBeforeItsDate {
        as_of: at("2025-06-30"),
        at: at("2025-06-29"),
    });
}

/// F5.
#[test]
fn what_came_back_is_put_to_work_again_up_to_the_cap() {
    let capped = SetTerms { recycling_percent: Some(id("10")), ..terms() };
    let story = funded().after([
        Command::SetTerms(capped),
        invest("i-1", "fund-1", "company-c", "80", "2025-03-10"),
        Command::ExitInvestment(sold("x-1", "80", "100", "2025-04-01")),
    ]);
    // 150 are committed, so 15 may go out again.
    let above = invest("i-2", "fund-1", "company-c", "15.01", "2025-04-02");
    story.when(above).then_refused(above_recycling("15.01"));
    let story = accepts(story, &invest("i-2", "fund-1", "company-c", "15", "2025-04-02"));
    // What another fund is promised is put to work as well.
    let story = story.after([
        form("fund-2", "2025-04-01"),
        commit("k-9", "fund-2", "fund-1", "9", "2025-04-01"),
    ]);
    let into_a_fund = contribute("c-9", "fund-2", "fund-1", "1", "2025-04-01");
    story.when(into_a_fund).then_refused(above_recycling("16"));
}

#[test]
fn a_direct_investment_of_no_fund_is_sold_and_valued_like_a_funds() {
    let story = blank().after([invest("i-1", "lp-a", "company-c", "50", "2025-03-10")]);
    let exit = sold("x-1", "50", "60", "2025-04-01");
    let (investor, company) = (id("lp-a"), id("company-c"));
    let made = InvestmentExited { exit: exit.clone(), investor, company };
    story.when(Command::ExitInvestment(exit)).then([Event::InvestmentExited(made)]);
    let valuation = valued("va-1", "70", "2025-03-31", None);
    let made = InvestmentValued { valuation: valuation.clone(), investor: id("lp-a") };
    story.when(Command::ValueInvestment(valuation)).then([Event::InvestmentValued(made)]);
}
