//! What a fund borrows (F4: it is cash, and nobody's capital), and its end.

use loopledger_model::fund::{DissolveFund, LinePart, Refusal};
use loopledger_testkit::{at, cny, id};

use super::*;

fn draw(name: &str, amount: &str, day: &str) -> Command {
    Command::DrawLine(DrawLine {
        id: id(name),
        fund: id("fund-1"),
        lender: id("company-d"),
        amount: cny(amount),
        at: at(day),
    })
}

fn repay(name: &str, part: LinePart, amount: &str, day: &str) -> Command {
    Command::RepayLine(RepayLine {
        id: id(name),
        fund: id("fund-1"),
        lender: id("company-d"),
        part,
        amount: cny(amount),
        at: at(day),
    })
}

fn dissolve(day: &str) -> Command {
    Command::DissolveFund(DissolveFund { fund: id("fund-1"), at: at(day) })
}

#[test]
fn a_drawn_line_covers_what_is_invested_before_capital_is_paid_in() {
    let buy = invest("i-1", "fund-1", "company-c", "30", "2025-03-10");
    promised().when(buy.clone()).then_refused(Refusal::AboveCash {
        fund: id("fund-1"),
        cash: cny("0"),
        asked: cny("30"),
        at: at("2025-03-10"),
    });
    let story = accepts(promised(), &draw("ld-1", "30", "2025-03-09"));
    let story = accepts(story, &buy);
    let account = &story.state.funds[&id("fund-1")];
    assert_eq!(account.contributed_at(at("2025-03-10")), Ok(cny("0")));
    let story = story.after([contribute("c-1", "fund-1", "lp-a", "40", "2025-04-01")]);
    let story = accepts(story, &repay("lr-1", LinePart::Interest, "1", "2025-04-02"));
    accepts(story, &repay("lr-2", LinePart::Principal, "30", "2025-04-02"));
}

/// F5.
#[test]
fn a_line_that_is_at_work_is_repaid_of_what_came_back_up_to_the_cap() {
    let story = promised().after([
        Command::SetTerms(SetTerms { recycling_percent: Some(id("10")), ..terms() }),
        draw("ld-1", "30", "2025-03-09"),
        invest("i-1", "fund-1", "company-c", "30", "2025-03-10"),
        transfer("t-1", "company-c", "fund-1", "40", "2025-04-01"),
    ]);
    // 150 are committed, so 15 of what came back may be at work.
    let asked = repay("lr-1", LinePart::Principal, "15.01", "2025-04-02");
    story.when(asked).then_refused(above_recycling("15.01"));
    let story = accepts(story, &repay("lr-1", LinePart::Principal, "15", "2025-04-02"));
    // What is put to work earlier counts then, too.
    let earlier = invest("i-2", "fund-1", "company-c", "0.01", "2025-04-01");
    story.when(earlier).then_refused(above_recycling("15.01"));
    let story = story.after([contribute("c-1", "fund-1", "lp-a", "15", "2025-04-03")]);
    accepts(story, &repay("lr-2", LinePart::Principal, "15", "2025-04-03"));
}

#[test]
fn no_more_is_repaid_than_is_owed() {
    let story = funded().after([draw("ld-1", "30", "2025-03-09")]);
    let above = |owed: &str, day: &str| Refusal::AboveLine {
        fund: id("fund-1"),
        lender: id("company-d"),
        owed: cny(owed),
        asked: cny("31"),
        at: at(day),
    };
    let asked = |day: &str| repay("lr-1", LinePart::Principal, "31", day);
    story.when(asked("2025-03-10")).then_refused(above("30", "2025-03-10"));
    story.when(asked("2025-03-08")).then_refused(above("0", "2025-03-08"));
    funded().when(asked("2025-03-10")).then_refused(above("0", "2025-03-10"));
    let story = story.after([repay("lr-1", LinePart::Principal, "30", "2025-03-10")]);
    story
        .when(asked("2025-03-10"))
        .then_refused(Refusal::LinePaymentExists { payment: id("lr-1") });
    story
        .when(draw("ld-1", "31", "2025-03-09"))
        .then_refused(Refusal::LineDrawExists { draw: id("ld-1") });
}

#[test]
fn a_fund_is_dissolved_once_it_holds_owes_and_has_nothing() {
    let story = funded();
    story.when(dissolve("2025-03-04")).then_refused(Refusal::DissolvedTooEarly {
        fund: id("fund-1"),
        moved_at: at("2025-03-05"),
        at: at("2025-03-04"),
    });
    story
        .when(dissolve("2030-01-01"))
        .then_refused(Refusal::CashLeft { fund: id("fund-1"), cash: cny("80") });
    let story = story.after([
        draw("ld-1", "30", "2025-03-09"),
        invest("i-1", "fund-1", "company-c", "110", "2025-03-10"),
    ]);
    story.when(dissolve("2030-01-01")).then_refused(Refusal::LineOwed {
        fund: id("fund-1"),
        lender: id("company-d"),
        owed: cny("30"),
    });
    let story = story.after([
        transfer("t-1", "company-c", "fund-1", "30", "2025-03-11"),
        repay("lr-1", LinePart::Principal, "30", "2025-03-11"),
    ]);
    story.when(dissolve("2030-01-01")).then_refused(Refusal::HoldingLeft {
        fund: id("fund-1"),
        investment: id("i-1"),
        cost: cny("110"),
    });
    let written_off = Command::ValueInvestment(ValueInvestment {
        id: id("va-1"),
        investment: id("i-1"),
        as_of: at("2029-12-31"),
        amount: cny("0"),
        at: at("2029-12-31"),
        restates: None,
    });
    accepts(story.after([written_off]), &dissolve("2030-01-01"));
}

#[test]
fn the_books_of_a_dissolved_fund_are_closed() {
    let story = promised().after([dissolve("2030-01-01")]);
    let closed = |day: &str| Refusal::FundDissolved {
        fund: id("fund-1"),
        dissolved_at: at("2030-01-01"),
        at: at(day),
    };
    // Money that comes late, too: there would be something left.
    let late = contribute("c-1", "fund-1", "lp-a", "1", "2025-04-01");
    story.when(late).then_refused(closed("2025-04-01"));
    story
        .when(commit("k-9", "fund-1", "lp-a", "1", "2030-01-02"))
        .then_refused(closed("2030-01-02"));
    story.when(dissolve("2030-01-02")).then_refused(closed("2030-01-02"));
}
