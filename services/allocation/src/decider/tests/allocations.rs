//! Who may be given which cards when.

use super::*;

#[test]
fn cards_that_are_lit_and_free_are_allocated_and_rest_on_the_contract() {
    let command = give("a", 80, "2025-03-01", "2025-04-01");
    with_pool().when(command.clone()).then([Event::CardsAllocated(cards(
        "a",
        80,
        "2025-03-01",
        "2025-04-01",
    ))]);
    assert_eq!(rests_on(&with_pool(), command), [SIGNED]);
}

#[test]
fn an_allocation_may_begin_when_another_ends() {
    with_pool()
        .after([give("a", 80, "2025-03-01", "2025-04-01")])
        .when(give("b", 80, "2025-04-01", "2025-05-01"))
        .then([Event::CardsAllocated(cards("b", 80, "2025-04-01", "2025-05-01"))]);
}

#[test]
fn making_the_same_allocation_twice_is_nothing_even_after_its_contract_ended() {
    with_allocation()
        .knowing([fact(4, terminated("k", "2025-03-05"))])
        .when(give("a", 10, "2025-03-01", "2025-03-11"))
        .then_nothing();
}

#[test]
fn an_allocation_with_other_content_is_refused() {
    let made = || cards("a", 10, "2025-03-01", "2025-03-11");
    let others = [
        allocation::Allocation { pool: id("q"), ..made() },
        allocation::Allocation { contract: id("other"), ..made() },
        allocation::Allocation { cards: 11, ..made() },
        allocation::Allocation { period: period("2025-03-01", "2025-03-12"), ..made() },
    ];
    for other in others {
        with_allocation()
            .when(Command::Allocate(other))
            .then_refused(Refusal::AllocationExists { allocation: id("a") });
    }
}

#[test]
fn an_allocation_from_an_unregistered_pool_is_refused() {
    story()
        .when(give("a", 10, "2025-03-01", "2025-03-11"))
        .then_refused(Refusal::UnknownPool { pool: id("p") });
}

#[test]
fn an_allocation_from_before_the_pool_was_registered_is_refused() {
    with_pool().when(give("a", 10, "2024-12-31", "2025-03-11")).then_refused(Refusal::BeforePool {
        pool: id("p"),
        registered_at: at("2025-01-01"),
        at: at("2024-12-31"),
    });
}

#[test]
fn an_allocation_to_a_contract_that_is_not_signed_is_refused() {
    let asked = cards("a", 10, "2025-03-01", "2025-03-11");
    with_pool()
        .when(Command::Allocate(allocation::Allocation { contract: id("x"), ..asked }))
        .then_refused(Refusal::UnknownContract { contract: id("x") });
}

#[test]
fn an_allocation_that_outlasts_an_ended_contract_is_refused() {
    with_pool()
        .knowing([fact(4, terminated("k", "2025-06-01"))])
        .when(give("a", 10, "2025-05-01", "2025-06-02"))
        .then_refused(Refusal::ContractEnded { contract: id("k"), ended_at: at("2025-06-01") });
}

#[test]
fn an_allocation_up_to_the_end_of_its_contract_is_made_and_rests_on_that_end() {
    let story = with_pool().knowing([fact(4, terminated("k", "2025-06-01"))]);
    let command = give("a", 10, "2025-05-01", "2025-06-01");
    story.when(command.clone()).then([Event::CardsAllocated(cards(
        "a",
        10,
        "2025-05-01",
        "2025-06-01",
    ))]);
    assert_eq!(rests_on(&story, command), [SIGNED, ENDED]);
}

#[test]
fn an_allocation_outside_its_contracts_term_is_refused() {
    let story = story().after([Command::RegisterPool(Pool { at: at("2024-06-01"), ..pool() })]);
    for (from, to) in [("2024-12-31", "2025-02-01"), ("2025-12-01", "2026-01-02")] {
        story.when(give("a", 10, from, to)).then_refused(Refusal::OutsideTerm {
            period: period(from, to),
            term: period("2025-01-01", "2026-01-01"),
        });
    }
}

#[test]
fn an_allocation_of_no_cards_is_refused() {
    with_pool().when(give("a", 0, "2025-03-01", "2025-03-11")).then_refused(Refusal::NoCards);
}

#[test]
fn cards_that_are_not_lit_are_not_allocated() {
    let refusal =
        Refusal::AboveLit { pool: id("p"), at: at("2025-03-01"), lit: 80, allocated: 0, asked: 81 };
    with_pool().when(give("a", 81, "2025-03-01", "2025-03-11")).then_refused(refusal);
}

#[test]
fn cards_that_are_allocated_are_not_given_twice_and_the_first_such_instant_is_named() {
    let story = with_pool().after([
        give("a", 50, "2025-04-01", "2025-05-01"),
        give("b", 20, "2025-04-15", "2025-06-01"),
    ]);
    for (asked, when, allocated) in [(31, "2025-04-01", 50), (30, "2025-04-15", 70)] {
        story.when(give("c", asked, "2025-03-01", "2025-06-01")).then_refused(Refusal::AboveLit {
            pool: id("p"),
            at: at(when),
            lit: 80,
            allocated,
            asked,
        });
    }
    story.when(give("c", 10, "2025-03-01", "2025-06-01")).then([Event::CardsAllocated(cards(
        "c",
        10,
        "2025-03-01",
        "2025-06-01",
    ))]);
}

#[test]
fn an_allocation_fits_only_if_enough_cards_stay_lit_all_along() {
    with_pool()
        .after([change("2025-04-01", None, Some(40))])
        .when(give("a", 41, "2025-03-01", "2025-05-01"))
        .then_refused(Refusal::AboveLit {
            pool: id("p"),
            at: at("2025-04-01"),
            lit: 40,
            allocated: 0,
            asked: 41,
        });
}

#[test]
fn a_pool_that_fell_short_gives_no_more_cards() {
    with_allocation()
        .after([change("2025-03-02", None, Some(5))])
        .when(give("b", 1, "2025-03-02", "2025-03-03"))
        .then_refused(Refusal::AboveLit {
            pool: id("p"),
            at: at("2025-03-02"),
            lit: 5,
            allocated: 10,
            asked: 1,
        });
}
