//! More than the lit cards are sold only where somebody permitted it.

use super::*;

fn permission(factor: &str, from: &str, to: &str) -> Oversell {
    Oversell {
        pool: id("p"),
        factor: id(factor),
        period: period(from, to),
        at: at("2025-01-05"),
        by: id("staff-7"),
        of: id("A"),
    }
}

fn permit(factor: &str, from: &str, to: &str) -> Command {
    Command::PermitOversell(permission(factor, from, to))
}

fn permitted() -> Story<Allocation> {
    with_pool().after([permit("1.25", "2025-03-01", "2025-04-01")])
}

#[test]
fn more_than_is_lit_is_given_only_while_a_permission_is_on_record() {
    permitted().when(give("a", 100, "2025-03-01", "2025-04-01")).0.expect("80 by 1.25");
    let above = Refusal::AbovePermitted {
        pool: id("p"),
        at: at("2025-03-01"),
        lit: 80,
        may: 100,
        allocated: 0,
        asked: 101,
    };
    permitted().when(give("a", 101, "2025-03-01", "2025-04-01")).then_refused(above);
    for (from, to, short) in
        [("2025-02-28", "2025-04-01", "2025-02-28"), ("2025-03-01", "2025-04-02", "2025-04-01")]
    {
        permitted().when(give("a", 100, from, to)).then_refused(Refusal::AboveLit {
            pool: id("p"),
            at: at(short),
            lit: 80,
            allocated: 0,
            asked: 100,
        });
    }
}

#[test]
fn what_may_be_sold_follows_what_is_lit() {
    let story = permitted().after([change("2025-03-10", None, Some(40))]);
    let above = Refusal::AbovePermitted {
        pool: id("p"),
        at: at("2025-03-10"),
        lit: 40,
        may: 50,
        allocated: 0,
        asked: 51,
    };
    story.when(give("a", 51, "2025-03-01", "2025-04-01")).then_refused(above);
    story.when(give("a", 50, "2025-03-01", "2025-04-01")).0.expect("40 by 1.25");
}

#[test]
fn a_permission_rests_on_the_party_that_gives_it() {
    let asked = permission("1.25", "2025-03-01", "2025-04-01");
    let command = Command::PermitOversell(asked.clone());
    assert_eq!(rests_on(&with_pool(), command.clone()), [OPERATOR]);
    with_pool().when(command).then([Event::OversellPermitted(asked.clone())]);
    let nobody = Command::PermitOversell(Oversell { of: id("X"), ..asked });
    with_pool().when(nobody).then_refused(Refusal::UnknownParty { party: id("X") });
}

#[test]
fn a_time_has_one_permission() {
    permitted().when(permit("1.25", "2025-03-01", "2025-04-01")).then_nothing();
    let exists = Refusal::OversellExists {
        pool: id("p"),
        factor: id("1.25"),
        period: period("2025-03-01", "2025-04-01"),
    };
    for (from, to) in [("2025-03-31", "2025-05-01"), ("2025-02-01", "2025-03-02")] {
        permitted().when(permit("2", from, to)).then_refused(exists.clone());
    }
    permitted().when(permit("2", "2025-04-01", "2025-05-01")).0.expect("it only touches");
}

#[test]
fn a_permission_for_a_pool_that_is_not_there_yet_is_refused() {
    story()
        .when(permit("2", "2025-04-01", "2025-05-01"))
        .then_refused(Refusal::UnknownPool { pool: id("p") });
    with_pool().when(permit("2", "2024-04-01", "2025-05-01")).then_refused(Refusal::BeforePool {
        pool: id("p"),
        registered_at: at("2025-01-01"),
        at: at("2024-04-01"),
    });
}
