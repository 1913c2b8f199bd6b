//! What the registry answers, command by command.

use loopledger_model::registry::{
    Capability, CardSpec, Command, ControlStatement, ControlStatus, Event, Party, PartyKind,
    PriceUnit, ReferencePrice, Refusal, Stake,
};
use loopledger_model::{Basis, Precision, Sparsity};
use loopledger_testkit::{at, given, id};

use super::*;

const DENSE: Basis = Basis { precision: Precision::Bf16, sparsity: Sparsity::Dense };

fn party(name: &str) -> Party {
    Party {
        id: id(name),
        at: at("2025-01-01"),
        name: id(name),
        kind: PartyKind::Company,
        country: Some(id("CN")),
        uscc: Some(id("91350100M000100Y43")),
        lei: Some(id("5493001KJTIIGC8Y1R12")),
    }
}

fn stake(owner: &str, owned: &str, percent: &str) -> Stake {
    Stake {
        owner: id(owner),
        owned: id(owned),
        percent: id(percent),
        at: at("2025-02-01"),
        to: None,
    }
}

fn h200(source: Option<&str>, p_per_card: &str) -> CardSpec {
    CardSpec {
        model: id("H200"),
        basis: DENSE,
        p_per_card: id(p_per_card),
        tdp_w: Some(id("700")),
        at: at("2024-11-18"),
        source: source.map(id),
    }
}

fn quote(source: &str, price: &str) -> ReferencePrice {
    ReferencePrice {
        model: id("H200"),
        unit: PriceUnit::CardHour,
        price: id(price),
        currency: id("CNY"),
        at: at("2025-03-01"),
        source: id(source),
    }
}

fn two_parties() -> [Event; 2] {
    [Event::PartyRegistered(party("A")), Event::PartyRegistered(party("C"))]
}

#[test]
fn a_party_is_registered_as_it_is_stated() {
    given::<Registry>([])
        .when(Command::RegisterParty(party("A")))
        .then([Event::PartyRegistered(party("A"))]);
}

#[test]
fn registering_the_same_party_twice_is_nothing() {
    given::<Registry>(two_parties()).when(Command::RegisterParty(party("A"))).then_nothing();
}

#[test]
fn a_party_with_any_other_content_is_refused() {
    let others = [
        Party { at: at("2025-01-02"), ..party("A") },
        Party { name: id("A Ltd"), ..party("A") },
        Party { kind: PartyKind::Fund, ..party("A") },
        Party { country: None, ..party("A") },
        Party { uscc: None, ..party("A") },
        Party { lei: None, ..party("A") },
    ];
    for other in others {
        given::<Registry>(two_parties())
            .when(Command::RegisterParty(other))
            .then_refused(Refusal::PartyExists { party: id("A") });
    }
}

#[test]
fn a_stake_between_registered_parties_is_recorded() {
    given::<Registry>(two_parties())
        .when(Command::RecordStake(stake("A", "C", "51")))
        .then([Event::StakeRecorded(stake("A", "C", "51"))]);
}

#[test]
fn a_stake_may_end_and_may_be_recorded_anew_from_a_later_day() {
    let first = Stake { to: Some(at("2025-03-01")), ..stake("A", "C", "51") };
    let later = Stake { at: at("2025-03-01"), ..stake("A", "C", "30") };
    given::<Registry>(two_parties())
        .after([Command::RecordStake(first)])
        .when(Command::RecordStake(later.clone()))
        .then([Event::StakeRecorded(later)]);
}

#[test]
fn stakes_above_a_hundred_percent_are_recorded_as_filed() {
    given::<Registry>(two_parties())
        .after([Command::RegisterParty(party("B")), Command::RecordStake(stake("A", "C", "80"))])
        .when(Command::RecordStake(stake("B", "C", "40")))
        .then([Event::StakeRecorded(stake("B", "C", "40"))]);
}

#[test]
fn two_parties_may_own_each_other() {
    given::<Registry>(two_parties())
        .after([Command::RecordStake(stake("A", "C", "20"))])
        .when(Command::RecordStake(stake("C", "A", "20")))
        .then([Event::StakeRecorded(stake("C", "A", "20"))]);
}

#[test]
fn recording_the_same_stake_twice_is_nothing() {
    given::<Registry>(two_parties())
        .after([Command::RecordStake(stake("A", "C", "51"))])
        .when(Command::RecordStake(stake("A", "C", "51.00")))
        .then_nothing();
}

#[test]
fn a_stake_of_or_in_an_unregistered_party_is_refused() {
    let story = given::<Registry>(two_parties());
    for (owner, owned) in [("X", "C"), ("A", "X"), ("X", "X"), ("X", "Y")] {
        story
            .when(Command::RecordStake(stake(owner, owned, "10")))
            .then_refused(Refusal::UnknownParty { party: id("X") });
    }
}

#[test]
fn a_stake_of_a_party_in_itself_is_refused() {
    given::<Registry>(two_parties())
        .when(Command::RecordStake(stake("A", "A", "10")))
        .then_refused(Refusal::OwnStake { party: id("A") });
}

#[test]
fn a_stake_that_does_not_end_after_it_begins_is_refused() {
    for to in ["2025-02-01", "2025-01-31"] {
        given::<Registry>(two_parties())
            .when(Command::RecordStake(Stake { to: Some(at(to)), ..stake("A", "C", "10") }))
            .then_refused(Refusal::EmptyStake { at: at("2025-02-01"), to: at(to) });
    }
}

#[test]
fn a_stake_with_other_content_is_refused() {
    let ending = Stake { to: Some(at("2025-03-01")), ..stake("A", "C", "51") };
    for other in [stake("A", "C", "52"), ending] {
        given::<Registry>(two_parties())
            .after([Command::RecordStake(stake("A", "C", "51"))])
            .when(Command::RecordStake(other))
            .then_refused(Refusal::StakeExists {
                owner: id("A"),
                owned: id("C"),
                at: at("2025-02-01"),
            });
    }
}

#[test]
fn sources_that_disagree_about_a_card_are_all_kept() {
    let sparse = Basis { sparsity: Sparsity::Sparse, ..DENSE };
    let figures = [
        h200(None, "1"),
        h200(Some("data sheet"), "0.989"),
        h200(Some("bench"), "0.7"),
        CardSpec { basis: sparse, ..h200(Some("data sheet"), "1.979") },
        CardSpec { at: at("2025-11-18"), ..h200(Some("data sheet"), "0.99") },
    ];
    let story = given::<Registry>([]).after(figures.clone().map(Command::PublishCardSpec));
    for figure in figures {
        story.when(Command::PublishCardSpec(figure)).then_nothing();
    }
}

#[test]
fn a_source_states_one_figure_for_a_card_a_basis_and_a_day() {
    let without_tdp = CardSpec { tdp_w: None, ..h200(Some("data sheet"), "0.989") };
    for other in [h200(Some("data sheet"), "1.979"), without_tdp] {
        given::<Registry>([Event::CardSpecPublished(h200(Some("data sheet"), "0.989"))])
            .when(Command::PublishCardSpec(other))
            .then_refused(Refusal::CardSpecExists {
                model: id("H200"),
                basis: DENSE,
                at: at("2024-11-18"),
                p_per_card: id("0.989"),
            });
    }
}

#[test]
fn prices_of_several_sources_units_and_days_are_all_kept() {
    let prices = [
        quote("exchange", "18.5"),
        quote("broker", "19"),
        ReferencePrice { unit: PriceUnit::CardMonth, ..quote("exchange", "9000") },
        ReferencePrice { at: at("2025-04-01"), ..quote("exchange", "17") },
    ];
    let story = given::<Registry>([]).after(prices.clone().map(Command::ObservePrice));
    for price in prices {
        story.when(Command::ObservePrice(price)).then_nothing();
    }
}

#[test]
fn a_source_states_one_price_for_a_card_a_unit_and_a_day() {
    let in_dollars = ReferencePrice { currency: id("USD"), ..quote("exchange", "18.5") };
    for other in [quote("exchange", "18.6"), in_dollars] {
        given::<Registry>([Event::PriceObserved(quote("exchange", "18.5"))])
            .when(Command::ObservePrice(other))
            .then_refused(Refusal::PriceExists {
                model: id("H200"),
                unit: PriceUnit::CardHour,
                at: at("2025-03-01"),
                price: id("18.5"),
                currency: id("CNY"),
            });
    }
}

fn capability(source: &str, workloads: &[WorkloadClass]) -> Capability {
    Capability {
        model: id("L40S"),
        workloads: workloads.iter().copied().collect(),
        at: at("2025-03-01"),
        source: id(source),
    }
}

#[test]
fn a_source_says_once_what_a_card_can_be_used_for_and_another_says_something_else() {
    let only = capability("data sheet", &[WorkloadClass::Inference]);
    let more = capability("lab", &[WorkloadClass::Inference, WorkloadClass::FineTuning]);
    let story = given::<Registry>([]);
    story
        .when(Command::StateCapability(only.clone()))
        .then([Event::CapabilityStated(only.clone())]);
    let story = story.after([only.clone(), more.clone()].map(Command::StateCapability));
    for said in [only, more] {
        story.when(Command::StateCapability(said)).then_nothing();
    }
    let other = capability("data sheet", &[WorkloadClass::PreTraining]);
    let (model, when, said_by) = (id("L40S"), at("2025-03-01"), id("data sheet"));
    let exists = Refusal::CapabilityExists { model, at: when, said_by };
    story.when(Command::StateCapability(other)).then_refused(exists);
}

#[test]
fn a_capability_without_a_class_of_workload_is_refused() {
    let (model, when, said_by) = (id("L40S"), at("2025-03-01"), id("lab"));
    given::<Registry>([])
        .when(Command::StateCapability(capability("lab", &[])))
        .then_refused(Refusal::NoWorkloads { model, at: when, said_by });
}

#[test]
fn a_source_states_one_control_for_a_card_a_destination_and_a_day() {
    let control = |destination: &str, status| ControlStatement {
        model: id("H200"),
        destination: id(destination),
        status,
        at: at("2026-01-15"),
        source: id("notice"),
    };
    let controls =
        [control("CN", ControlStatus::CaseByCase), control("DE", ControlStatus::Unrestricted)];
    let story = given::<Registry>([]).after(controls.clone().map(Command::StateControl));
    for stated in controls {
        story.when(Command::StateControl(stated)).then_nothing();
    }
    let denied = Command::StateControl(control("CN", ControlStatus::Denied));
    story.when(denied).then_refused(Refusal::ControlExists {
        model: id("H200"),
        destination: id("CN"),
        at: at("2026-01-15"),
        status: ControlStatus::CaseByCase,
        said_by: id("notice"),
    });
}

#[test]
#[should_panic(expected = "records twice")]
fn a_journal_that_registers_a_party_twice_stops_the_registry() {
    given::<Registry>([Event::PartyRegistered(party("A")), Event::PartyRegistered(party("A"))]);
}
