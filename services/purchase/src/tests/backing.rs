//! Resale: what a reseller sells on is what it bought.

use loopledger_model::purchase::Refusal;
use loopledger_testkit::{at, id, period};
use rust_decimal::Decimal;

use super::*;

/// The reseller bought 200 P for March and April by k-0.
fn bought() -> Story<Purchase> {
    blank().after([sign(declaring("200", contract("k-0", "reseller", "provider")))])
}

fn resale(name: &str, days: (&str, &str)) -> Contract {
    Contract {
        term: period(days.0, days.1),
        backing_contract: Some(id("k-0")),
        ..contract(name, "buyer", "reseller")
    }
}

fn resale_of(p: &str, name: &str, days: (&str, &str)) -> Contract {
    declaring(p, resale(name, days))
}

fn above(sold: i64, asked: &str, day: &str) -> Refusal {
    Refusal::AboveBackingCapacity {
        backing: id("k-0"),
        declared: id("200"),
        sold: Decimal::from(sold),
        asked: id(asked),
        at: at(day),
    }
}

const ALL: (&str, &str) = ("2025-03-01", "2025-05-01");

#[track_caller]
fn signs(story: Story<Purchase>, contract: Contract) -> Story<Purchase> {
    accepts(story, &sign(contract))
}

#[test]
fn a_backing_contract_that_is_not_signed_is_refused() {
    blank()
        .when(sign(resale("k-1", ALL)))
        .then_refused(Refusal::UnknownContract { contract: id("k-0") });
}

#[test]
fn nobody_sells_from_what_another_bought() {
    let stolen = Contract { seller: id("other"), ..resale("k-1", ALL) };
    bought().when(sign(stolen)).then_refused(Refusal::NotTheBackingBuyer {
        backing: id("k-0"),
        buyer: id("reseller"),
        seller: id("other"),
    });
}

#[test]
fn a_term_beyond_the_backing_contracts_is_refused() {
    for days in [("2025-02-28", "2025-05-01"), ("2025-03-01", "2025-05-02")] {
        bought().when(sign(resale("k-1", days))).then_refused(Refusal::OutsideBackingTerm {
            term: period(days.0, days.1),
            backing_term: period(ALL.0, ALL.1),
        });
    }
}

#[test]
fn all_of_the_backing_capacity_may_be_sold_on() {
    let story = signs(bought(), resale_of("150", "k-1", ALL));
    signs(story, resale_of("50", "k-2", ALL));
}

#[test]
fn p_above_the_backing_capacity_is_refused_at_the_first_instant_where_it_does_not_fit() {
    bought().when(sign(resale_of("200.5", "k-1", ALL))).then_refused(above(
        0,
        "200.5",
        "2025-03-01",
    ));
    let story = bought().after([
        sign(resale_of("120", "k-1", ("2025-03-10", "2025-04-01"))),
        sign(resale_of("80", "k-2", ("2025-03-20", "2025-04-10"))),
    ]);
    let asked = |p| sign(resale_of(p, "k-3", ALL));
    story.when(asked("81")).then_refused(above(120, "81", "2025-03-10"));
    story.when(asked("1")).then_refused(above(200, "1", "2025-03-20"));
    let inside = resale_of("130", "k-3", ("2025-04-05", "2025-04-20"));
    story.when(sign(inside)).then_refused(above(80, "130", "2025-04-05"));
}

#[test]
fn capacity_is_free_again_after_a_resale_has_run_out() {
    let story = signs(bought(), resale_of("200", "k-1", ("2025-03-01", "2025-04-01")));
    signs(story, resale_of("200", "k-2", ("2025-04-01", "2025-05-01")));
}

#[test]
fn capacity_is_free_again_after_a_resale_was_terminated() {
    let story = bought().after([
        sign(resale_of("200", "k-1", ALL)),
        terminate("k-1", "2025-03-20", TerminationReason::EndedEarly),
    ]);
    story.when(sign(resale_of("1", "k-2", ("2025-03-19", "2025-04-01")))).then_refused(above(
        200,
        "1",
        "2025-03-19",
    ));
    signs(story, resale_of("200", "k-2", ("2025-03-20", "2025-05-01")));
}

#[test]
fn a_resale_that_ended_before_it_began_takes_no_capacity() {
    let story = bought().after([
        sign(resale_of("200", "k-1", ALL)),
        terminate("k-1", "2025-02-25", TerminationReason::NeverExecuted),
    ]);
    signs(story, resale_of("200", "k-2", ALL));
}

#[test]
fn a_resale_that_was_terminated_after_its_term_took_its_capacity() {
    let story = bought().after([
        sign(resale_of("200", "k-1", ALL)),
        terminate("k-1", "2025-06-01", TerminationReason::Breach),
    ]);
    story.when(sign(resale_of("1", "k-2", ALL))).then_refused(above(200, "1", "2025-03-01"));
}

#[test]
fn p_on_another_basis_than_the_backing_contracts_is_refused() {
    let sparse = Contract { basis: Some(SPARSE), ..resale_of("100", "k-1", ALL) };
    bought().when(sign(sparse)).then_refused(Refusal::UnlikeBases {
        backing: id("k-0"),
        declared: DENSE,
        asked: SPARSE,
    });
}

#[test]
fn where_one_side_declares_no_p_there_is_no_capacity_to_compare() {
    signs(bought(), resale("k-1", ALL));
    let silent = blank().after([sign(contract("k-0", "reseller", "provider"))]);
    let sparse = Contract { basis: Some(SPARSE), ..resale_of("900", "k-1", ALL) };
    signs(signs(silent, sparse), resale_of("900", "k-2", ALL));
}

#[test]
fn nothing_is_sold_on_beyond_the_end_of_the_backing_contract() {
    let story = bought().after([terminate("k-0", "2025-04-01", TerminationReason::Breach)]);
    story
        .when(sign(resale_of("10", "k-1", ("2025-03-01", "2025-04-02"))))
        .then_refused(Refusal::ContractEnded { contract: id("k-0"), ended_at: at("2025-04-01") });
    signs(story, resale_of("10", "k-1", ("2025-03-01", "2025-04-01")));
}

#[test]
fn nothing_is_sold_on_of_a_contract_that_was_never_executed() {
    let story = bought().after([terminate("k-0", "2025-06-01", TerminationReason::NeverExecuted)]);
    story
        .when(sign(resale("k-1", ALL)))
        .then_refused(Refusal::ContractEnded { contract: id("k-0"), ended_at: at("2025-06-01") });
}

#[test]
fn a_contract_cannot_back_itself() {
    let own = Contract { backing_contract: Some(id("k-1")), ..resale("k-1", ALL) };
    bought().when(sign(own)).then_refused(Refusal::UnknownContract { contract: id("k-1") });
}

#[test]
fn a_resale_can_be_sold_on_in_its_turn() {
    let story = signs(bought(), resale_of("100", "k-1", ALL));
    let next = Contract {
        seller: id("buyer"),
        buyer: id("other"),
        backing_contract: Some(id("k-1")),
        ..resale_of("100.1", "k-2", ALL)
    };
    story.when(sign(next.clone())).then_refused(Refusal::AboveBackingCapacity {
        backing: id("k-1"),
        declared: id("100"),
        sold: Decimal::ZERO,
        asked: id("100.1"),
        at: at("2025-03-01"),
    });
    signs(story, Contract { declared_p: Some(id("100")), ..next });
}

#[test]
fn rated_and_measured_p_are_not_compared() {
    let told = |rating, contract| Contract { rating, ..contract };
    let (rated, measured) = (Some(Rating::Rated), Some(Rating::Measured));
    let bought = |rating| {
        let contract = declaring("200", contract("k-0", "reseller", "provider"));
        blank().after([sign(told(rating, contract))])
    };
    for (declared, asked) in [(rated, measured), (rated, None), (None, measured)] {
        let resale = told(asked, resale_of("1", "k-1", ALL));
        let unlike = Refusal::UnlikeRatings { backing: id("k-0"), declared, asked };
        bought(declared).when(sign(resale)).then_refused(unlike);
    }
    for rating in [rated, measured, None] {
        signs(bought(rating), told(rating, resale_of("1", "k-1", ALL)));
    }
}

#[test]
fn cards_of_one_model_are_sold_on_once_at_any_instant() {
    let of = |cards, model: &str, contract| Contract {
        cards: Some(cards),
        model: Some(id(model)),
        ..contract
    };
    let story = blank().after([sign(of(100, "H200", contract("k-0", "reseller", "provider")))]);
    let story = signs(story, of(60, "H200", resale("k-1", ("2025-03-10", "2025-04-01"))));
    story.when(sign(of(41, "H200", resale("k-2", ALL)))).then_refused(Refusal::AboveBackingCards {
        backing: id("k-0"),
        declared: 100,
        sold: Decimal::from(60),
        asked: 41,
        at: at("2025-03-10"),
    });
    let story = signs(story, of(100, "H200", resale("k-2", ("2025-04-01", "2025-05-01"))));
    // Cards of unlike models are no part of each other.
    signs(story, of(500, "B200", resale("k-3", ALL)));
}

#[test]
fn cards_are_free_again_after_a_resale_was_terminated() {
    let with = |cards, contract| Contract { cards: Some(cards), ..contract };
    let story = blank().after([
        sign(with(10, contract("k-0", "reseller", "provider"))),
        sign(with(10, resale("k-1", ALL))),
        terminate("k-1", "2025-03-20", TerminationReason::EndedEarly),
    ]);
    signs(story, with(10, resale("k-2", ("2025-03-20", "2025-05-01"))));
}
