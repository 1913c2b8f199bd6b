//! Cards that are held for somebody: made, confirmed, given up, run out.

use super::*;

/// Ten cards for the first ten days of March, made in January and held until February's end.
fn reservation(name: &str, number: u32) -> Reservation {
    Reservation {
        id: id(name),
        pool: id("p"),
        cards: number,
        period: period("2025-03-01", "2025-03-11"),
        at: at("2025-01-10"),
        held_until: at("2025-02-28"),
        contract: None,
        class: None,
    }
}

fn reserve(name: &str, number: u32) -> Command {
    Command::Reserve(reservation(name, number))
}

fn confirm(name: &str, allocation: &str, when: &str) -> Command {
    Command::ConfirmReservation(ConfirmReservation {
        reservation: id(name),
        allocation: id(allocation),
        contract: id("k"),
        at: at(when),
    })
}

fn finish(name: &str, ending: ReservationEnding, when: &str) -> Command {
    let reservation = id(name);
    Command::EndReservation(EndReservation { reservation, ending, at: at(when) })
}

fn release(name: &str, when: &str) -> Command {
    finish(name, ReservationEnding::Released, when)
}

fn expire(name: &str, when: &str) -> Command {
    finish(name, ReservationEnding::Expired, when)
}

fn with_reservation() -> Story<Allocation> {
    with_pool().after([reserve("r", 10)])
}

fn above(asked: u32, allocated: u64) -> Refusal {
    Refusal::AboveLit { pool: id("p"), at: at("2025-03-01"), lit: 80, allocated, asked }
}

#[test]
fn what_is_reserved_is_neither_reserved_nor_given_again() {
    let story = with_pool();
    story.when(reserve("r", 10)).then([Event::CardsReserved(reservation("r", 10))]);
    let story = with_reservation();
    story.when(reserve("s", 71)).then_refused(above(71, 10));
    story.when(give("a", 71, "2025-03-01", "2025-03-02")).then_refused(above(71, 10));
    story.when(reserve("s", 70)).then([Event::CardsReserved(reservation("s", 70))]);
}

#[test]
fn reserving_the_same_again_is_nothing_and_other_content_is_refused() {
    let story = with_reservation();
    story.when(reserve("r", 10)).then_nothing();
    story.when(reserve("r", 11)).then_refused(Refusal::ReservationExists { reservation: id("r") });
}

#[test]
fn a_reservation_for_a_contract_rests_on_it_and_runs_within_its_term() {
    let asked =
        |contract: &str| Reservation { contract: Some(id(contract)), ..reservation("r", 1) };
    assert_eq!(rests_on(&with_pool(), Command::Reserve(asked("k"))), [SIGNED]);
    let unknown = Refusal::UnknownContract { contract: id("x") };
    with_pool().when(Command::Reserve(asked("x"))).then_refused(unknown);
}

#[test]
fn a_reservation_of_nothing_or_from_nowhere_is_refused() {
    with_pool().when(reserve("r", 0)).then_refused(Refusal::NoCards);
    story().when(reserve("r", 1)).then_refused(Refusal::UnknownPool { pool: id("p") });
}

#[test]
fn a_reservation_is_held_for_a_while_and_not_beyond_its_use() {
    let held = |until: &str| {
        Command::Reserve(Reservation { held_until: at(until), ..reservation("r", 1) })
    };
    let (made, held_until) = (at("2025-01-10"), at("2025-01-10"));
    with_pool().when(held("2025-01-10")).then_refused(Refusal::NotHeld { at: made, held_until });
    let (period, held_until) = (period("2025-03-01", "2025-03-11"), at("2025-03-11"));
    let too_long = Refusal::HeldTooLong { period, held_until };
    with_pool().when(held("2025-03-11")).then_refused(too_long);
}

#[test]
fn a_confirmed_reservation_is_an_allocation_of_the_same_cards() {
    let confirmed = Event::ReservationConfirmed(ReservationConfirmed {
        reservation: id("r"),
        allocation: id("a"),
        pool: id("p"),
        at: at("2025-02-01"),
    });
    let given = Event::CardsAllocated(cards("a", 10, "2025-03-01", "2025-03-11"));
    let story = with_reservation();
    story.when(confirm("r", "a", "2025-02-01")).then([confirmed, given]);
    assert_eq!(rests_on(&story, confirm("r", "a", "2025-02-01")), [SIGNED]);
    let story = story.after([confirm("r", "a", "2025-02-01")]);
    story.when(confirm("r", "a", "2025-02-01")).then_nothing();
    story.when(give("b", 71, "2025-03-01", "2025-03-02")).then_refused(above(71, 10));
    story.when(meter("u", "2025-03-04", "2025-03-06", "10")).0.expect("it has its cards");
}

#[test]
fn a_reservation_becomes_one_allocation() {
    let story = with_reservation().after([confirm("r", "a", "2025-02-01")]);
    let confirmed = || Refusal::ReservationConfirmed {
        reservation: id("r"),
        allocation: id("a"),
        confirmed_at: at("2025-02-01"),
    };
    story.when(confirm("r", "b", "2025-02-01")).then_refused(confirmed());
    story.when(release("r", "2025-02-02")).then_refused(confirmed());
    story.when(expire("r", "2025-02-28")).then_refused(confirmed());
    let other = Command::ConfirmReservation(ConfirmReservation {
        reservation: id("r"),
        allocation: id("a"),
        contract: id("other"),
        at: at("2025-02-01"),
    });
    story.when(other).then_refused(Refusal::AllocationExists { allocation: id("a") });
}

#[test]
fn a_reservation_is_confirmed_under_a_name_that_is_free() {
    with_reservation()
        .after([give("a", 1, "2025-03-01", "2025-03-02")])
        .when(confirm("r", "a", "2025-02-01"))
        .then_refused(Refusal::AllocationExists { allocation: id("a") });
}

#[test]
fn a_reservation_for_a_contract_is_confirmed_for_no_other() {
    let made = Reservation { contract: Some(id("other")), ..reservation("r", 10) };
    with_pool()
        .after([Command::Reserve(made)])
        .when(confirm("r", "a", "2025-02-01"))
        .then_refused(Refusal::ReservedForAnother { reservation: id("r"), contract: id("other") });
}

#[test]
fn a_reservation_whose_cards_went_dark_is_not_confirmed() {
    let story = with_reservation();
    let dark = story.after([change("2025-03-05", None, Some(9))]);
    dark.when(confirm("r", "a", "2025-02-01")).then_refused(Refusal::AboveLit {
        pool: id("p"),
        at: at("2025-03-05"),
        lit: 9,
        allocated: 0,
        asked: 10,
    });
}

#[test]
fn cards_that_go_dark_under_a_reservation_alone_leave_no_shortage() {
    let dark = change("2025-03-05", None, Some(9));
    with_reservation().when(dark).then([changed("2025-03-05", 100, 9)]);
}

#[test]
fn a_reservation_that_is_not_made_becomes_nothing() {
    let unknown = || Refusal::UnknownReservation { reservation: id("r") };
    with_pool().when(confirm("r", "a", "2025-02-01")).then_refused(unknown());
    with_pool().when(release("r", "2025-02-01")).then_refused(unknown());
}

#[test]
fn nothing_becomes_of_a_reservation_before_it_is_made() {
    let (made_at, when) = (at("2025-01-10"), at("2025-01-09"));
    let before = || Refusal::BeforeReservation { reservation: id("r"), made_at, at: when };
    with_reservation().when(confirm("r", "a", "2025-01-09")).then_refused(before());
    with_reservation().when(release("r", "2025-01-09")).then_refused(before());
}

#[test]
fn what_is_given_up_is_free_from_then_on() {
    let ended = |ending, when: &str| {
        Event::ReservationEnded(ReservationEnded {
            reservation: id("r"),
            pool: id("p"),
            cards: 10,
            ending,
            at: at(when),
            period: period("2025-03-01", "2025-03-11"),
        })
    };
    let story = with_reservation();
    let released = ended(ReservationEnding::Released, "2025-02-01");
    story.when(release("r", "2025-02-01")).then([released]);
    let expired = ended(ReservationEnding::Expired, "2025-02-28");
    story.when(expire("r", "2025-02-28")).then([expired]);
    let story = story.after([release("r", "2025-02-01")]);
    story.when(reserve("s", 80)).then([Event::CardsReserved(reservation("s", 80))]);
    story.when(release("r", "2025-02-01")).then_nothing();
    let ended = Refusal::ReservationEnded {
        reservation: id("r"),
        ending: ReservationEnding::Released,
        ended_at: at("2025-02-01"),
    };
    story.when(release("r", "2025-02-02")).then_refused(ended.clone());
    story.when(confirm("r", "a", "2025-02-01")).then_refused(ended);
}

#[test]
fn a_hold_that_ran_out_can_only_expire_and_one_that_did_not_cannot() {
    let held_until = at("2025-02-28");
    let ran_out = |when| Refusal::HoldRanOut { reservation: id("r"), held_until, at: at(when) };
    let story = with_reservation();
    story.when(confirm("r", "a", "2025-02-28")).then_refused(ran_out("2025-02-28"));
    story.when(release("r", "2025-03-01")).then_refused(ran_out("2025-03-01"));
    let when = at("2025-02-27");
    let held = Refusal::StillHeld { reservation: id("r"), held_until, at: when };
    story.when(expire("r", "2025-02-27")).then_refused(held);
}

#[test]
fn a_hold_that_expires_while_its_period_runs_frees_the_rest_of_it() {
    let made = Reservation { held_until: at("2025-03-03"), ..reservation("r", 80) };
    let story = with_pool().after([Command::Reserve(made), expire("r", "2025-03-05")]);
    story.when(give("a", 80, "2025-03-05", "2025-03-11")).0.expect("it is free again");
    let taken =
        Refusal::AboveLit { pool: id("p"), at: at("2025-03-04"), lit: 80, allocated: 80, asked: 1 };
    story.when(give("a", 1, "2025-03-04", "2025-03-06")).then_refused(taken);
}
