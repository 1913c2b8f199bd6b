//! How pools are registered and change.

use super::*;

#[test]
fn a_pool_of_a_registered_operator_is_registered_and_rests_on_the_operator() {
    story().when(Command::RegisterPool(pool())).then([Event::PoolRegistered(pool())]);
    assert_eq!(rests_on(&story(), Command::RegisterPool(pool())), [OPERATOR]);
}

#[test]
fn registering_the_same_pool_twice_is_nothing_even_after_it_changed() {
    with_pool().when(Command::RegisterPool(pool())).then_nothing();
    with_pool()
        .after([change("2025-01-01", None, Some(90))])
        .when(Command::RegisterPool(pool()))
        .then_nothing();
}

#[test]
fn a_pool_with_other_content_is_refused() {
    let others = [
        Pool { operator: id("B"), ..pool() },
        Pool { site: id("Guizhou 3"), ..pool() },
        Pool { model: id("H20"), ..pool() },
        Pool { cards: 101, ..pool() },
        Pool { lit: 81, ..pool() },
        Pool { at: at("2025-01-02"), ..pool() },
    ];
    for other in others {
        with_pool()
            .when(Command::RegisterPool(other))
            .then_refused(Refusal::PoolExists { pool: id("p") });
    }
}

#[test]
fn a_pool_of_an_unregistered_operator_is_refused() {
    story()
        .when(Command::RegisterPool(Pool { operator: id("X"), ..pool() }))
        .then_refused(Refusal::UnknownParty { party: id("X") });
}

#[test]
fn every_installed_card_may_be_lit() {
    let full = Pool { lit: 100, ..pool() };
    story().when(Command::RegisterPool(full.clone())).then([Event::PoolRegistered(full)]);
    with_pool().when(change("2025-02-01", Some(80), None)).then([changed("2025-02-01", 80, 80)]);
}

#[test]
fn a_pool_with_more_lit_than_installed_is_refused() {
    story()
        .when(Command::RegisterPool(Pool { lit: 101, ..pool() }))
        .then_refused(Refusal::AboveInstalled { cards: 100, lit: 101 });
}

#[test]
fn what_a_change_leaves_out_is_carried_over_from_the_totals_in_force() {
    let story = with_pool().after([change("2025-02-01", Some(120), Some(110))]);
    story.when(change("2025-01-15", None, Some(90))).then([changed("2025-01-15", 100, 90)]);
    story.when(change("2025-02-15", None, Some(90))).then([changed("2025-02-15", 120, 90)]);
    story.when(change("2025-02-15", Some(200), None)).then([changed("2025-02-15", 200, 110)]);
}

#[test]
fn a_change_at_the_instant_of_the_registration_takes_its_place() {
    with_pool()
        .after([change("2025-01-01", None, Some(20))])
        .when(give("a", 21, "2025-01-01", "2025-01-02"))
        .then_refused(Refusal::AboveLit {
            pool: id("p"),
            at: at("2025-01-01"),
            lit: 20,
            allocated: 0,
            asked: 21,
        });
}

#[test]
fn a_back_dated_change_holds_until_the_next_known_one() {
    let story = with_pool()
        .after([change("2025-03-01", None, Some(80)), change("2025-02-01", None, Some(0))]);
    story.when(give("a", 80, "2025-03-01", "2025-04-01")).then([Event::CardsAllocated(cards(
        "a",
        80,
        "2025-03-01",
        "2025-04-01",
    ))]);
    story.when(give("a", 1, "2025-01-31", "2025-02-02")).then_refused(Refusal::AboveLit {
        pool: id("p"),
        at: at("2025-02-01"),
        lit: 0,
        allocated: 0,
        asked: 1,
    });
}

#[test]
fn the_same_totals_at_the_same_instant_are_nothing() {
    let story = with_pool().after([change("2025-02-01", None, Some(90))]);
    let spellings = [(None, Some(90)), (Some(100), Some(90)), (Some(100), None)];
    for (cards, lit) in spellings {
        story.when(change("2025-02-01", cards, lit)).then_nothing();
    }
}

#[test]
fn other_totals_at_the_same_instant_are_refused() {
    with_pool()
        .after([change("2025-02-01", None, Some(90))])
        .when(change("2025-02-01", None, Some(91)))
        .then_refused(Refusal::ChangeExists {
            pool: id("p"),
            at: at("2025-02-01"),
            cards: 100,
            lit: 90,
        });
}

#[test]
fn a_change_of_an_unregistered_pool_is_refused() {
    story()
        .when(change("2025-02-01", None, Some(90)))
        .then_refused(Refusal::UnknownPool { pool: id("p") });
}

#[test]
fn a_change_before_the_pool_was_registered_is_refused() {
    with_pool().when(change("2024-12-31", None, Some(90))).then_refused(Refusal::BeforePool {
        pool: id("p"),
        registered_at: at("2025-01-01"),
        at: at("2024-12-31"),
    });
}

#[test]
fn a_change_that_states_nothing_is_refused() {
    with_pool()
        .when(change("2025-02-01", None, None))
        .then_refused(Refusal::NothingChanged { pool: id("p") });
}

#[test]
fn a_change_that_would_leave_more_lit_than_installed_is_refused() {
    with_pool()
        .when(change("2025-02-01", None, Some(101)))
        .then_refused(Refusal::AboveInstalled { cards: 100, lit: 101 });
    with_pool()
        .when(change("2025-02-01", Some(79), None))
        .then_refused(Refusal::AboveInstalled { cards: 79, lit: 80 });
}

#[test]
fn cards_that_go_dark_under_an_allocation_are_recorded_with_the_shortage() {
    with_pool()
        .after([
            give("a", 30, "2025-03-01", "2025-05-01"),
            give("b", 30, "2025-04-01", "2025-05-01"),
        ])
        .when(change("2025-02-01", None, Some(40)))
        .then([changed("2025-02-01", 100, 40), short("2025-04-01", 40, 60)]);
}

#[test]
fn a_pool_is_short_only_until_its_next_change() {
    let story = with_pool()
        .after([give("a", 80, "2025-03-01", "2025-05-01"), change("2025-04-01", None, Some(90))]);
    story.when(change("2025-02-01", None, Some(80))).then([changed("2025-02-01", 100, 80)]);
    story
        .when(change("2025-03-31", None, Some(79)))
        .then([changed("2025-03-31", 100, 79), short("2025-03-31", 79, 80)]);
}

#[test]
fn cards_that_go_dark_when_an_allocation_ends_leave_no_shortage() {
    with_pool()
        .after([give("a", 80, "2025-03-01", "2025-05-01")])
        .when(change("2025-05-01", None, Some(0)))
        .then([changed("2025-05-01", 100, 0)]);
}
