//! Cards that are given back before their time.

use super::*;

fn ended(when: &str) -> Event {
    Event::AllocationEnded(AllocationEnded {
        allocation: id("a"),
        pool: id("p"),
        contract: id("k"),
        cards: 10,
        at: at(when),
        given_until: at("2025-03-11"),
    })
}

#[test]
fn cards_that_are_given_back_can_be_given_again_from_that_instant_on() {
    let story = with_allocation();
    let all = || give("b", 80, "2025-03-05", "2025-03-11");
    story.when(all()).then_refused(Refusal::AboveLit {
        pool: id("p"),
        at: at("2025-03-05"),
        lit: 80,
        allocated: 10,
        asked: 80,
    });
    story.when(end("a", "2025-03-05")).then([ended("2025-03-05")]);
    let story = story.after([end("a", "2025-03-05"), all()]);
    story.when(give("c", 1, "2025-03-10", "2025-03-11")).then_refused(Refusal::AboveLit {
        pool: id("p"),
        at: at("2025-03-10"),
        lit: 80,
        allocated: 80,
        asked: 1,
    });
}

#[test]
fn an_allocation_ends_once() {
    let story = with_allocation().after([end("a", "2025-03-05")]);
    story.when(end("a", "2025-03-05")).then_nothing();
    let ended_at = at("2025-03-05");
    let already = Refusal::AllocationEnded { allocation: id("a"), ended_at };
    story.when(end("a", "2025-03-06")).then_refused(already);
}

#[test]
fn an_allocation_that_is_not_made_does_not_end() {
    with_pool()
        .when(end("a", "2025-03-05"))
        .then_refused(Refusal::UnknownAllocation { allocation: id("a") });
}

#[test]
fn an_allocation_is_ended_early_only_while_it_runs() {
    for when in ["2025-02-01", "2025-03-01", "2025-03-11", "2025-04-01"] {
        let period = period("2025-03-01", "2025-03-11");
        let not_running = Refusal::NotRunning { allocation: id("a"), period, at: at(when) };
        with_allocation().when(end("a", when)).then_refused(not_running);
    }
}

#[test]
fn an_allocation_does_not_end_before_what_was_metered_of_it() {
    let story = with_allocation().after([meter("u", "2025-03-04", "2025-03-06", "10")]);
    let metered_to = at("2025-03-06");
    let used = |when| Refusal::UsedAfterwards { allocation: id("a"), metered_to, at: at(when) };
    story.when(end("a", "2025-03-05")).then_refused(used("2025-03-05"));
    story.when(end("a", "2025-03-06")).then([ended("2025-03-06")]);
}

#[test]
fn nothing_is_metered_of_cards_that_were_given_back() {
    let story = with_allocation().after([end("a", "2025-03-05")]);
    let outside = Refusal::OutsideAllocation {
        window: period("2025-03-04", "2025-03-06"),
        period: period("2025-03-01", "2025-03-05"),
    };
    story.when(meter("u", "2025-03-04", "2025-03-06", "10")).then_refused(outside);
    story.when(meter("u", "2025-03-04", "2025-03-05", "10")).0.expect("it is within what it had");
}
