//! Short ways to tell stories of people: who reviews, who applies, who claims with which evidence.

use loopledger_model::purchase::PaymentRecorded;
use loopledger_model::voucher::*;
use loopledger_model::{Event as AnyEvent, Fact, purchase};
use loopledger_service::Decider;
use loopledger_testkit::{Story, at, cny, fact, id};

use crate::Vouchers;

pub fn person(name: &str, of: &str) -> Person {
    Person { id: id(name), of: id(of) }
}

/// An official of the city.
pub fn official(name: &str) -> Person {
    person(name, "city")
}

pub fn evidence(kind: EvidenceKind, number: Option<&str>) -> Evidence {
    Evidence { kind, sha256: id(&"ab".repeat(32)), size: 1_024, number: number.map(id) }
}

/// Provider A claims on voucher v-1 for the invoice for February.
pub fn claim(name: &str, when: &str) -> SubmitClaim {
    SubmitClaim {
        id: id(name),
        programme: id("cv"),
        voucher: id("v-1"),
        invoice: id("in-1"),
        amount: None,
        card_hours: None,
        usage: Vec::new(),
        items: Vec::new(),
        profile: None,
        payee: None,
        evidence: Vec::new(),
        by: person("clerk-a", "provider-a"),
        at: at(when),
    }
}

pub fn step(subject: Subject, step: ReviewStep, by: Person, when: &str) -> Command {
    Command::Review(Review { subject, step, by, at: at(when) })
}

pub fn of_claim(name: &str, taken: ReviewStep, by: Person, when: &str) -> Command {
    step(Subject::Claim(id(name)), taken, by, when)
}

pub fn approve() -> ReviewStep {
    ReviewStep::Approve { amount: None }
}

pub fn reject() -> ReviewStep {
    let reasons = vec![RejectionReason { code: RejectionCode::Ineligible, note: None }];
    ReviewStep::Reject { reasons }
}

/// Checked, verified by two persons, publicised for five days, approved.
pub fn two_levels(name: &str) -> Vec<Command> {
    vec![
        of_claim(name, ReviewStep::Check {}, official("o-1"), "2025-03-11"),
        of_claim(name, ReviewStep::Verify {}, official("o-1"), "2025-03-12"),
        of_claim(name, ReviewStep::Verify {}, official("o-2"), "2025-03-13"),
        of_claim(name, ReviewStep::Publicise {}, official("o-2"), "2025-03-14"),
        of_claim(name, approve(), official("o-3"), "2025-03-19"),
    ]
}

pub fn reviewed_by_two() -> ReviewRules {
    ReviewRules { levels: 2, publicity_days: 5, ..ReviewRules::default() }
}

pub fn order(name: &str, redemption: &str, amount: &str, when: &str) -> Command {
    Command::OrderPayment(OrderPayment {
        id: id(name),
        redemption: id(redemption),
        amount: cny(amount),
        by: official("treasurer"),
        at: at(when),
    })
}

pub fn paid(position: u64, invoice: &str, amount: &str, when: &str) -> Fact {
    let paid = PaymentRecorded {
        id: id(&format!("pm-{position}")),
        invoice: id(invoice),
        contract: id("k-1"),
        buyer: id("company-c"),
        seller: id("provider-a"),
        amount: cny(amount),
        at: at(when),
        reference: None,
    };
    fact(position, AnyEvent::Purchase(purchase::Event::PaymentRecorded(paid)))
}

/// What a command that is in order comes to, and the story after it.
#[track_caller]
pub fn told(mut story: Story<Vouchers>, command: Command) -> (Vec<Event>, Story<Vouchers>) {
    let decision = story.when(command).0.expect("the command is in order");
    for event in &decision.events {
        Vouchers::evolve(&mut story.state, event);
    }
    (decision.events, story)
}

#[track_caller]
pub fn refusal(story: &Story<Vouchers>, command: Command) -> Refusal {
    story.when(command).0.expect_err("the command is refused")
}

/// The rules of a city's file.
pub fn rules_of(text: &str) -> Rules {
    let file: serde_json::Value = serde_json::from_str(text).expect("a programme's file is JSON");
    let programme = file["programme"].clone();
    serde_json::from_value::<Programme>(programme).expect("a programme").rules
}
