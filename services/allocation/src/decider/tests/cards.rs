//! A pool's stages, its cards one by one and by number, where they come from and what they draw.

use super::*;

fn stage(stage: Stage, when: &str) -> StageReached {
    StageReached { pool: id("p"), stage, at: at(when), source: Some(id("permit 12")) }
}

fn place(pool: &str, serial: &str, when: &str) -> Command {
    let (pool, serial) = (id(pool), id(serial));
    Command::PlaceCard(PlaceCard { pool, serial, at: at(when), owner: None })
}

fn set(serial: &str, state: CardState, when: &str) -> Command {
    let (pool, serial) = (id("p"), id(serial));
    Command::ChangeCard(ChangeCard { pool, serial, state, at: at(when), reason: None })
}

fn count(state: CardState, cards: u32, when: &str) -> Command {
    Command::CountCards(CountCards { pool: id("p"), state, cards, at: at(when) })
}

fn provenance(supplier: &str) -> Provenance {
    Provenance {
        pool: id("p"),
        serial: None,
        at: at("2025-01-02"),
        supplier: id(supplier),
        document: Some(id("CD-2024-17")),
        source: id("customs"),
    }
}

fn reading(name: &str, from: &str, to: &str, kwh: &str) -> ElectricityReading {
    ElectricityReading {
        id: id(name),
        pool: id("p"),
        window: period(from, to),
        kwh: id(kwh),
        source: id("meter 4"),
        evidence: None,
    }
}

fn read(name: &str, from: &str, to: &str, kwh: &str) -> Command {
    Command::ReadElectricity(reading(name, from, to, kwh))
}

fn with_card() -> Story<Allocation> {
    with_pool().after([place("p", "sn-1", "2025-01-10")])
}

#[test]
fn a_project_has_one_stage_an_instant_and_any_after_another() {
    let trial = stage(Stage::Trial, "2025-02-01");
    let command = Command::RecordStage(trial.clone());
    with_pool().when(command.clone()).then([Event::StageReached(trial)]);
    let story = with_pool().after([command.clone()]);
    story.when(command).then_nothing();
    let exists = Refusal::StageExists { pool: id("p"), at: at("2025-02-01"), stage: Stage::Trial };
    story
        .when(Command::RecordStage(stage(Stage::Operating, "2025-02-01")))
        .then_refused(exists.clone());
    let other_source = StageReached { source: None, ..stage(Stage::Trial, "2025-02-01") };
    story.when(Command::RecordStage(other_source)).then_refused(exists);
    story.when(Command::RecordStage(stage(Stage::Building, "2025-03-01"))).0.expect("any order");
}

#[test]
fn what_is_told_of_a_pool_is_told_after_it_was_registered() {
    let commands = [
        Command::RecordStage(stage(Stage::Approved, "2024-12-01")),
        place("p", "sn-1", "2024-12-01"),
        set("sn-1", CardState::Lit, "2024-12-01"),
        count(CardState::Lit, 1, "2024-12-01"),
        Command::RecordProvenance(Provenance { at: at("2024-12-01"), ..provenance("S") }),
        read("r", "2024-12-01", "2025-02-01", "1"),
    ];
    for command in commands {
        let (pool, registered_at) = (id("p"), at("2025-01-01"));
        let before = Refusal::BeforePool { pool, registered_at, at: at("2024-12-01") };
        with_pool().when(command).then_refused(before);
    }
}

#[test]
fn a_card_is_placed_once_and_again_after_it_left() {
    let story = with_card();
    story.when(place("p", "sn-1", "2025-01-10")).then_nothing();
    let since = at("2025-01-10");
    let there = Refusal::CardIsThere { pool: id("p"), serial: id("sn-1"), since };
    story.when(place("p", "sn-1", "2025-02-01")).then_refused(there.clone());
    let (pool, serial, owner) = (id("p"), id("sn-1"), Some(id("C")));
    let owned = Command::PlaceCard(PlaceCard { pool, serial, at: since, owner });
    story.when(owned).then_refused(there);
    let (pool, serial, state) = (id("p"), id("sn-1"), CardState::Racked);
    let later = Refusal::CardSeenLater { pool, serial, at: at("2025-01-05"), later: since, state };
    story.when(place("p", "sn-1", "2025-01-05")).then_refused(later);
    let story = story.after([set("sn-1", CardState::Moved, "2025-03-01")]);
    story.when(place("p", "sn-1", "2025-04-01")).0.expect("it came back");
    let moved = CardState::Moved;
    let (pool, serial) = (id("p"), id("sn-1"));
    let exists = Refusal::CardStateExists { pool, serial, at: at("2025-03-01"), state: moved };
    story.when(place("p", "sn-1", "2025-03-01")).then_refused(exists);
}

#[test]
fn a_card_of_two_pools_is_recorded_of_both() {
    let other = Command::RegisterPool(Pool { id: id("q"), ..pool() });
    let story = with_card().after([other]);
    story.when(place("q", "sn-1", "2025-01-20")).then([Event::CardPlaced(PlaceCard {
        pool: id("q"),
        serial: id("sn-1"),
        at: at("2025-01-20"),
        owner: None,
    })]);
}

#[test]
fn a_card_changes_while_it_is_there() {
    let story = with_card().after([set("sn-1", CardState::Lit, "2025-01-12")]);
    story.when(set("sn-1", CardState::Lit, "2025-01-12")).then_nothing();
    let state_at = |when, state| {
        let (pool, serial) = (id("p"), id("sn-1"));
        Refusal::CardStateExists { pool, serial, at: at(when), state }
    };
    let lit = state_at("2025-01-12", CardState::Lit);
    story.when(set("sn-1", CardState::Failed, "2025-01-12")).then_refused(lit);
    let racked = state_at("2025-01-10", CardState::Racked);
    story.when(set("sn-1", CardState::Lit, "2025-01-10")).then_refused(racked);
    let missing = |serial: &str, when| {
        let (pool, serial) = (id("p"), id(serial));
        Refusal::CardNotThere { pool, serial, at: at(when) }
    };
    story
        .when(set("sn-1", CardState::Lit, "2025-01-09"))
        .then_refused(missing("sn-1", "2025-01-09"));
    story
        .when(set("sn-2", CardState::Lit, "2025-01-12"))
        .then_refused(missing("sn-2", "2025-01-12"));
    let story = story.after([set("sn-1", CardState::Retired, "2025-02-01")]);
    story
        .when(set("sn-1", CardState::Lit, "2025-02-02"))
        .then_refused(missing("sn-1", "2025-02-02"));
}

#[test]
fn a_card_does_not_leave_before_it_was_last_seen() {
    let (pool, serial, state) = (id("p"), id("sn-1"), CardState::Failed);
    let (when, later) = (at("2025-01-20"), at("2025-02-01"));
    with_card()
        .after([set("sn-1", CardState::Failed, "2025-02-01")])
        .when(set("sn-1", CardState::Moved, "2025-01-20"))
        .then_refused(Refusal::CardSeenLater { pool, serial, at: when, later, state });
}

#[test]
fn cards_are_counted_once_an_instant_and_state_and_are_installed() {
    let story = with_pool().after([count(CardState::Drained, 7, "2025-02-01")]);
    story.when(count(CardState::Drained, 7, "2025-02-01")).then_nothing();
    let (pool, when, state) = (id("p"), at("2025-02-01"), CardState::Drained);
    let exists = Refusal::CountExists { pool, at: when, state, cards: 7 };
    story.when(count(CardState::Drained, 8, "2025-02-01")).then_refused(exists);
    let (pool, state) = (id("p"), CardState::Failed);
    let above = Refusal::CountAboveInstalled { pool, at: when, installed: 100, state, cards: 101 };
    story.when(count(CardState::Failed, 101, "2025-02-01")).then_refused(above);
    story.when(count(CardState::Moved, 101, "2025-02-01")).0.expect("they are no longer there");
}

#[test]
fn a_source_says_once_where_cards_come_from() {
    let story = with_pool().after([Command::RecordProvenance(provenance("S"))]);
    story.when(Command::RecordProvenance(provenance("S"))).then_nothing();
    let (pool, when) = (id("p"), at("2025-01-02"));
    let exists = Refusal::ProvenanceExists { pool, at: when, said_by: id("customs") };
    story.when(Command::RecordProvenance(provenance("T"))).then_refused(exists);
    let other = Provenance { source: id("auditor"), ..provenance("T") };
    let told = Event::ProvenanceRecorded(other.clone());
    story.when(Command::RecordProvenance(other)).then([told]);
}

#[test]
fn a_meter_is_read_once_for_a_time() {
    let story = with_pool().after([read("r", "2025-02-01", "2025-03-01", "1000")]);
    story.when(read("r", "2025-02-01", "2025-03-01", "1000")).then_nothing();
    let exists = Refusal::ReadingExists { reading: id("r") };
    story.when(read("r", "2025-02-01", "2025-03-01", "1001")).then_refused(exists);
    let window = period("2025-02-01", "2025-03-01");
    let overlaps = Refusal::ReadingOverlaps { reading: id("r"), meter: id("meter 4"), window };
    story.when(read("s", "2025-02-28", "2025-03-02", "1")).then_refused(overlaps);
    let next = reading("s", "2025-03-01", "2025-04-01", "0");
    story.when(Command::ReadElectricity(next.clone())).then([Event::ElectricityRead(next)]);
    let beside = ElectricityReading {
        source: id("meter 5"),
        ..reading("s", "2025-02-01", "2025-03-01", "5")
    };
    story.when(Command::ReadElectricity(beside)).0.expect("another meter");
}
