//! What holds of the registry after any commands.

use std::collections::BTreeMap;

use loopledger_model::registry::{
    Capability, CardSpec, Command, ControlStatement, ControlStatus, Event, Party, PartyKind,
    PriceUnit, ReferencePrice, Stake,
};
use loopledger_model::{Basis, Precision, Sparsity};
use loopledger_testkit::{Story, at, given, id};
use proptest::prelude::*;

use super::*;

fn party_id() -> impl Strategy<Value = PartyId> {
    prop::sample::select(vec!["A", "B", "C"]).prop_map(id)
}

fn day() -> impl Strategy<Value = Timestamp> {
    prop::sample::select(vec!["2025-01-01", "2025-02-01", "2025-03-01"]).prop_map(at)
}

fn source() -> impl Strategy<Value = Text> {
    prop::sample::select(vec!["exchange", "data sheet"]).prop_map(id)
}

/// Few names, days and values, so that commands often meet what is there already.
fn command() -> impl Strategy<Value = Command> {
    let party = (party_id(), day(), prop::bool::ANY).prop_map(|(party, at, is_fund)| {
        let kind = if is_fund { PartyKind::Fund } else { PartyKind::Company };
        let name = id(party.as_str());
        Party { id: party, at, name, kind, country: None, uscc: None, lei: None }
    });
    let stake = (party_id(), party_id(), 60_u32..63, day(), prop::option::of(day()));
    let stake = stake.prop_map(|(owner, owned, percent, at, to)| Stake {
        owner,
        owned,
        percent: id(&percent.to_string()),
        at,
        to,
    });
    let spec = (1_u32..3, day(), prop::option::of(source())).prop_map(|(p, at, source)| CardSpec {
        model: id("H200"),
        basis: Basis { precision: Precision::Bf16, sparsity: Sparsity::Dense },
        p_per_card: id(&p.to_string()),
        tdp_w: None,
        at,
        source,
    });
    let price = (1_u32..3, day(), source()).prop_map(|(price, at, source)| ReferencePrice {
        model: id("H200"),
        unit: PriceUnit::CardHour,
        price: id(&price.to_string()),
        currency: id("CNY"),
        at,
        source,
    });
    let class = prop_oneof![Just(WorkloadClass::Inference), Just(WorkloadClass::FineTuning)];
    let classes = prop::collection::btree_set(class, 0..3);
    let capability = (classes, day(), source()).prop_map(|(workloads, at, source)| Capability {
        model: id("H200"),
        workloads,
        at,
        source,
    });
    let status = prop_oneof![Just(ControlStatus::Denied), Just(ControlStatus::CaseByCase)];
    let control = (status, day(), source()).prop_map(|(status, at, source)| ControlStatement {
        model: id("H200"),
        destination: id("CN"),
        status,
        at,
        source,
    });
    prop_oneof![
        capability.prop_map(Command::StateCapability),
        control.prop_map(Command::StateControl),
        party.prop_map(Command::RegisterParty),
        stake.prop_map(Command::RecordStake),
        spec.prop_map(Command::PublishCardSpec),
        price.prop_map(Command::ObservePrice),
    ]
}

/// Decides them all; what was accepted, and the events in the order in which they were made.
fn run(story: &mut Story<Registry>, commands: Vec<Command>) -> (Vec<Command>, Vec<Event>) {
    let (mut accepted, mut events) = (Vec::new(), Vec::new());
    for command in commands {
        let Ok(decision) = Registry::decide(&story.state, &story.facts, &command) else { continue };
        for event in decision.events {
            Registry::evolve(&mut story.state, &event);
            events.push(event);
        }
        accepted.push(command);
    }
    (accepted, events)
}

proptest! {
    #[test]
    fn what_was_accepted_is_nothing_the_second_time(
        commands in prop::collection::vec(command(), 0..60)
    ) {
        let mut story = given::<Registry>([]);
        let (accepted, _) = run(&mut story, commands);
        for command in accepted {
            let again = Registry::decide(&story.state, &story.facts, &command);
            prop_assert_eq!(again, Ok(Decision::nothing()));
        }
    }

    #[test]
    fn folding_what_was_stored_gives_the_state_that_was_reached(
        commands in prop::collection::vec(command(), 0..60)
    ) {
        let mut story = given::<Registry>([]);
        let (_, events) = run(&mut story, commands);
        let stored = serde_json::to_vec(&events).expect("events are JSON");
        let stored: Vec<Event> = serde_json::from_slice(&stored).expect("events are read back");
        prop_assert_eq!(&stored, &events);
        prop_assert_eq!(given::<Registry>(stored).state, story.state);
    }

    #[test]
    fn nothing_that_was_recorded_is_lost_or_changed(
        commands in prop::collection::vec(command(), 0..60)
    ) {
        let mut story = given::<Registry>([]);
        let (accepted, events) = run(&mut story, commands);
        let mut stakes = BTreeMap::new();
        for command in accepted {
            if let Command::RecordStake(stake) = command {
                let first = stakes.entry(stake_key(&stake)).or_insert_with(|| stake.clone());
                prop_assert_eq!(&*first, &stake);
                prop_assert!(stake.owner != stake.owned);
            }
        }
        let recorded = events.iter().filter(|event| matches!(event, Event::StakeRecorded(_)));
        prop_assert_eq!(recorded.count(), stakes.len());
        prop_assert_eq!(story.state.stakes.len(), stakes.len());
    }

    #[test]
    fn partitions_decide_as_the_whole_does(
        commands in prop::collection::vec(command(), 0..60), count in 2..5_u32,
    ) {
        loopledger_testkit::decided_apart_as_together::<Registry>(count, &(), commands);
    }
}
