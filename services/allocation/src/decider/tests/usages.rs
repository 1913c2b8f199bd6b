//! What may have been metered.

use loopledger_model::{Evidence, Sha256};

use super::*;

fn above(window: (&str, &str), allocated: &str, metered: &str, asked: &str) -> Refusal {
    Refusal::AboveAllocated {
        allocation: id("a"),
        window: period(window.0, window.1),
        allocated: id(allocated),
        metered: id(metered),
        asked: id(asked),
    }
}

#[test]
fn usage_is_metered_with_the_pool_and_the_contract_it_belongs_to() {
    let MeterUsage { id: name, allocation, window, card_hours, source, evidence, class } =
        usage("u", "2025-03-01", "2025-03-02", "240");
    with_allocation().when(meter("u", "2025-03-01", "2025-03-02", "240")).then([
        Event::UsageMetered(UsageMetered {
            id: name,
            allocation,
            pool: id("p"),
            contract: id("k"),
            window,
            card_hours,
            source,
            evidence,
            class,
        }),
    ]);
}

#[test]
fn metering_the_same_usage_twice_is_nothing() {
    with_allocation()
        .after([meter("u", "2025-03-01", "2025-03-02", "240")])
        .when(meter("u", "2025-03-01", "2025-03-02", "240.0"))
        .then_nothing();
}

#[test]
fn a_usage_that_is_read_in_another_file_is_the_same_usage() {
    let read_in = |byte| MeterUsage {
        evidence: Some(Evidence { sha256: Sha256([byte; 32]), size: 7 }),
        ..usage("u", "2025-03-01", "2025-03-02", "240")
    };
    let first = with_allocation().after([Command::MeterUsage(read_in(1))]);
    first.when(Command::MeterUsage(read_in(1))).then_nothing();
    first.when(Command::MeterUsage(read_in(2))).then_nothing();
    first.when(meter("u", "2025-03-01", "2025-03-02", "240")).then_nothing();
}

#[test]
fn a_usage_keeps_the_file_in_which_it_was_read() {
    let evidence = Some(Evidence { sha256: Sha256([9; 32]), size: 7 });
    let read = MeterUsage { evidence, ..usage("u", "2025-03-01", "2025-03-02", "240") };
    let made = with_allocation().when(Command::MeterUsage(read)).0.expect("it fits").events;
    assert!(matches!(&made[..], [Event::UsageMetered(metered)] if metered.evidence == evidence));
}

#[test]
fn a_usage_with_other_content_is_refused() {
    let metered = || usage("u", "2025-03-01", "2025-03-02", "200");
    let others = [
        MeterUsage { allocation: id("b"), ..metered() },
        MeterUsage { window: period("2025-03-01", "2025-03-03"), ..metered() },
        MeterUsage { card_hours: id("199"), ..metered() },
        MeterUsage { source: id("dcgm"), ..metered() },
    ];
    for other in others {
        with_allocation()
            .after([Command::MeterUsage(metered())])
            .when(Command::MeterUsage(other))
            .then_refused(Refusal::UsageExists { usage: id("u") });
    }
}

#[test]
fn usage_of_an_allocation_that_is_not_made_is_refused() {
    with_pool()
        .when(meter("u", "2025-03-01", "2025-03-02", "1"))
        .then_refused(Refusal::UnknownAllocation { allocation: id("a") });
}

#[test]
fn usage_outside_its_allocations_period_is_refused() {
    for (from, to) in [("2025-02-28", "2025-03-02"), ("2025-03-10", "2025-03-12")] {
        with_allocation().when(meter("u", from, to, "1")).then_refused(
            Refusal::OutsideAllocation {
                window: period(from, to),
                period: period("2025-03-01", "2025-03-11"),
            },
        );
    }
}

#[test]
fn a_window_holds_no_more_than_its_cards_have_in_it() {
    let day = ("2025-03-01", "2025-03-02");
    let refusal = above(day, "240", "0", "240.000000001");
    with_allocation().when(meter("u", day.0, day.1, "240.000000001")).then_refused(refusal);
}

#[test]
fn windows_that_overlap_hold_together_no_more_than_their_span_has() {
    let story = with_allocation().after([
        meter("u", "2025-03-01", "2025-03-03", "480"),
        meter("v", "2025-03-04", "2025-03-05", "100"),
    ]);
    let both = ("2025-03-02", "2025-03-05");
    let joined = ("2025-03-01", "2025-03-05");
    story
        .when(meter("w", both.0, both.1, "380.5"))
        .then_refused(above(joined, "960", "580", "380.5"));
    assert!(story.when(meter("w", both.0, both.1, "380")).0.is_ok());
}

#[test]
fn windows_that_are_joined_by_a_later_one_count_once() {
    let story = with_allocation().after([
        meter("u", "2025-03-02", "2025-03-03", "200"),
        meter("v", "2025-03-04", "2025-03-05", "200"),
        meter("w", "2025-03-01", "2025-03-06", "600"),
    ]);
    let all = ("2025-03-01", "2025-03-06");
    assert!(story.when(meter("x", "2025-03-02", "2025-03-05", "200")).0.is_ok());
    story
        .when(meter("x", "2025-03-02", "2025-03-05", "200.1"))
        .then_refused(above(all, "1200", "1000", "200.1"));
}

#[test]
fn a_window_that_overlaps_holds_no_more_than_its_cards_have_in_it_either() {
    with_allocation()
        .after([meter("u", "2025-03-01", "2025-03-11", "0")])
        .when(meter("v", "2025-03-01", "2025-03-02", "241"))
        .then_refused(above(("2025-03-01", "2025-03-02"), "240", "0", "241"));
}

#[test]
fn windows_within_a_longer_one_hold_together_no_more_than_their_own_span_has() {
    let story = with_allocation().after([
        meter("u", "2025-03-01", "2025-03-11", "0"),
        meter("v", "2025-03-02", "2025-03-04", "300"),
        meter("w", "2025-03-03", "2025-03-04", "100"),
    ]);
    let day = ("2025-03-03", "2025-03-04");
    story.when(meter("x", day.0, day.1, "140.1")).then_refused(above(day, "240", "100", "140.1"));
    let both = ("2025-03-02", "2025-03-04");
    story.when(meter("x", day.0, day.1, "80.1")).then_refused(above(both, "480", "400", "80.1"));
    story.when(meter("x", both.0, both.1, "80.1")).then_refused(above(both, "480", "400", "80.1"));
    assert!(story.when(meter("x", day.0, day.1, "80")).0.is_ok());
}

#[test]
fn windows_that_only_touch_are_judged_apart() {
    let story = with_allocation().after([
        meter("u", "2025-03-01", "2025-03-02", "0"),
        meter("v", "2025-03-02", "2025-03-03", "240"),
    ]);
    let next = ("2025-03-02", "2025-03-03");
    story.when(meter("w", next.0, next.1, "0.1")).then_refused(above(next, "240", "240", "0.1"));
}

#[test]
fn card_hours_that_are_no_decimal_are_compared_exactly() {
    let second = ("2025-03-01T00:00:00Z", "2025-03-01T00:00:01Z");
    let fits = meter("u", second.0, second.1, "0.002777777");
    let story = with_allocation();
    assert!(story.when(fits).0.is_ok());
    story.when(meter("u", second.0, second.1, "0.002777778")).then_refused(above(
        second,
        "0.002777777",
        "0",
        "0.002777778",
    ));
}

#[test]
fn an_allocation_that_was_watched_and_found_idle_is_metered() {
    assert!(with_allocation().when(meter("u", "2025-03-01", "2025-03-11", "0")).0.is_ok());
}
