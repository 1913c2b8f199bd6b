//! Defining programmes and admitting providers.

use loopledger_model::voucher::{Admission, Event, Refusal};
use loopledger_model::{Money, registry::PartyKind};
use loopledger_testkit::{at, cny, given, id, money};

use super::world::*;
use crate::Vouchers;

fn world() -> loopledger_testkit::Story<Vouchers> {
    given([]).knowing(facts())
}

#[test]
fn a_government_body_defines_a_programme() {
    world().when(define(programme())).then([Event::ProgrammeDefined(Box::new(programme()))]);
}

#[test]
fn a_programme_rests_on_its_issuers_registration() {
    let decision = world().when(define(programme())).0.expect("the programme is in order");
    assert_eq!(decision.rests_on, [named(1)]);
}

#[test]
fn the_same_programme_twice_is_nothing() {
    opened(programme()).when(define(programme())).then_nothing();
}

#[test]
fn another_programme_of_the_same_name_is_refused() {
    let other = ruled(|rules| rules.ratio = id("0.4"));
    let exists = Refusal::ProgrammeExists { programme: id("cv") };
    opened(programme()).when(define(other)).then_refused(exists);
}

#[test]
fn a_programme_of_an_unknown_issuer_is_refused() {
    let unknown = Refusal::UnknownParty { party: id("city") };
    given::<Vouchers>([]).when(define(programme())).then_refused(unknown);
}

#[test]
fn only_government_issues_vouchers() {
    let mut of_a_provider = programme();
    of_a_provider.issuer = id("provider-a");
    let refusal = Refusal::NotGovernment { party: id("provider-a") };
    world().when(define(of_a_provider)).then_refused(refusal);
}

#[test]
fn a_programme_may_close_the_instant_it_opens_but_not_before() {
    let mut brief = programme();
    brief.closes = brief.at;
    world().when(define(brief.clone())).then([Event::ProgrammeDefined(Box::new(brief.clone()))]);
    brief.closes = at("2024-12-31");
    let (opens, closes) = (brief.at, brief.closes);
    let refusal = Refusal::ClosesBeforeOpening { programme: id("cv"), opens, closes };
    world().when(define(brief)).then_refused(refusal);
}

#[test]
fn a_budget_and_every_cap_are_above_zero() {
    let mut without_budget = programme();
    without_budget.budget = cny("0");
    let per_voucher = ruled(|rules| rules.cap_voucher = Some(cny("0")));
    let per_year = ruled(|rules| rules.cap_holder_year = Some(cny("0")));
    for programme in [without_budget, per_voucher, per_year] {
        let refusal = Refusal::NotPositive { amount: cny("0") };
        world().when(define(programme)).then_refused(refusal);
    }
}

#[test]
fn a_budget_and_every_cap_are_in_the_programmes_currency() {
    let dollars: Money = money("5", "USD");
    let mut budget = programme();
    budget.budget = dollars;
    let per_voucher = ruled(|rules| rules.cap_voucher = Some(dollars));
    let per_year = ruled(|rules| rules.cap_holder_year = Some(dollars));
    for programme in [budget, per_voucher, per_year] {
        let refusal = Refusal::WrongCurrency { amount: dollars, currency: id("CNY") };
        world().when(define(programme)).then_refused(refusal);
    }
}

#[test]
fn a_provider_is_admitted_for_good_or_for_a_while() {
    let story = world().after([define(programme())]);
    for to in [None, Some("2025-06-01")] {
        let admission = Admission {
            programme: id("cv"),
            provider: id("provider-a"),
            at: at("2025-01-01"),
            to: to.map(at),
            qualification: None,
        };
        let outcome = story.when(admit("provider-a", "2025-01-01", to));
        let decision = outcome.0.expect("the admission is in order");
        assert_eq!(decision.events, [Event::ProviderAdmitted(admission)]);
        assert_eq!(decision.rests_on, [named(2)]);
    }
}

#[test]
fn the_same_admission_twice_is_nothing() {
    opened(programme()).when(admit("provider-a", "2025-01-01", None)).then_nothing();
}

#[test]
fn an_admission_from_the_same_instant_with_another_end_is_refused() {
    let exists = Refusal::AdmissionExists {
        programme: id("cv"),
        provider: id("provider-a"),
        at: at("2025-01-01"),
    };
    let other = admit("provider-a", "2025-01-01", Some("2025-06-01"));
    opened(programme()).when(other).then_refused(exists);
}

#[test]
fn an_unknown_provider_is_not_admitted() {
    let refusal = Refusal::UnknownParty { party: id("nobody") };
    opened(programme()).when(admit("nobody", "2025-01-01", None)).then_refused(refusal);
}

#[test]
fn an_admission_ends_after_it_begins() {
    let empty = admit("provider-a", "2025-02-01", Some("2025-02-01"));
    let refusal = Refusal::EmptyAdmission { at: at("2025-02-01"), to: at("2025-02-01") };
    opened(programme()).when(empty).then_refused(refusal);
}

#[test]
fn an_unknown_programme_admits_nobody() {
    let refusal = Refusal::UnknownProgramme { programme: id("cv") };
    world().when(admit("provider-a", "2025-01-01", None)).then_refused(refusal);
}

#[test]
fn any_registered_party_can_be_admitted() {
    let story = opened(programme()).knowing([party(6, "reseller", PartyKind::Other)]);
    assert!(story.when(admit("reseller", "2025-01-01", None)).0.is_ok());
}
