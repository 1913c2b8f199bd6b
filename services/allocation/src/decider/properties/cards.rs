//! What holds of cards, stages and electricity after anything was told of them.

use loopledger_model::allocation::{
    CardSerial, CardState, ChangeCard, CountCards, PlaceCard, Provenance, Stage, StageReached,
};

use super::*;

pub fn told() -> impl Strategy<Value = Command> {
    let day = || (0..DAYS).prop_map(|day| hour(day * 24));
    let serial = || prop::sample::select(vec!["sn-1", "sn-2"]).prop_map(id::<CardSerial>);
    let owner = prop::option::of(Just(id("C")));
    let place = (serial(), day(), owner).prop_map(|(serial, at, owner)| {
        Command::PlaceCard(PlaceCard { pool: id("p"), serial, at, owner })
    });
    let states = [CardState::Lit, CardState::Failed, CardState::Moved, CardState::Retired];
    let state = move || prop::sample::select(states.to_vec());
    let set = (serial(), state(), day()).prop_map(|(serial, state, at)| {
        Command::ChangeCard(ChangeCard { pool: id("p"), serial, state, at, reason: None })
    });
    let count = (state(), 0_u32..16, day()).prop_map(|(state, cards, at)| {
        Command::CountCards(CountCards { pool: id("p"), state, cards, at })
    });
    let stage = prop::sample::select(vec![Stage::Trial, Stage::Operating]);
    let stage = (stage, day()).prop_map(|(stage, at)| {
        Command::RecordStage(StageReached { pool: id("p"), stage, at, source: None })
    });
    let supplier = prop::sample::select(vec!["S", "T"]).prop_map(id);
    let provenance = (prop::option::of(serial()), day(), supplier);
    let provenance = provenance.prop_map(|(serial, at, supplier)| {
        let (pool, source) = (id("p"), id("customs"));
        Command::RecordProvenance(Provenance { pool, serial, at, supplier, document: None, source })
    });
    let meter = prop::sample::select(vec!["m", "n"]).prop_map(id);
    let read = (0_u8..12, 0..DAYS, 1..DAYS, meter);
    let read = read.prop_map(|(name, day, length, source)| {
        Command::ReadElectricity(ElectricityReading {
            id: id(&name.to_string()),
            pool: id("p"),
            window: days(day, day + length),
            kwh: id("10"),
            source,
            evidence: None,
        })
    });
    prop_oneof![3 => place, 4 => set, 1 => count, 1 => stage, 1 => provenance, 3 => read]
}

proptest! {
    #[test]
    fn a_card_is_placed_where_it_is_not_and_changes_where_it_is(
        commands in prop::collection::vec(told(), 0..80),
    ) {
        let steps: Vec<Step> = commands.into_iter().map(Step::Tell).collect();
        let (_, events) = run(&steps, |_| true, |_, _| Ok(()))?;
        let mut lives: BTreeMap<CardSerial, Vec<(Timestamp, Option<CardState>)>> = BTreeMap::new();
        for event in events {
            if let Event::CardPlaced(placed) = event {
                lives.entry(placed.serial).or_default().push((placed.at, None));
            } else if let Event::CardChanged(made) = event {
                lives.entry(made.serial).or_default().push((made.at, Some(made.state)));
            }
        }
        for mut life in lives.into_values() {
            life.sort_by_key(|(at, _)| *at);
            prop_assert!(life.is_sorted_by(|earlier, later| earlier.0 < later.0));
            let mut is_there = false;
            for (at, change) in life {
                prop_assert_eq!(is_there, change.is_some(), "at {}", at);
                is_there = change.is_none_or(CardState::is_there);
            }
        }
    }

    #[test]
    fn no_meter_is_read_twice_for_a_time(commands in prop::collection::vec(told(), 0..80)) {
        let steps: Vec<Step> = commands.into_iter().map(Step::Tell).collect();
        let (_, events) = run(&steps, |_| true, |_, _| Ok(()))?;
        let read = |event| {
            let Event::ElectricityRead(reading) = event else { return None };
            Some((reading.source, reading.window))
        };
        let read: Vec<_> = events.into_iter().filter_map(read).collect();
        for (place, (meter, window)) in read.iter().enumerate() {
            for (other, earlier) in &read[..place] {
                prop_assert!(meter != other || !earlier.overlaps(window));
            }
        }
    }
}
