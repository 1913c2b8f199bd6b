//! What purchase says of contracts and invoices after it signed and issued them: orders, price steps, credits,
//! disputes and advances.

use loopledger_model::purchase::{
    self, AdvanceApplied, AdvanceKind, ApplyAdvance, Contract, ContractKind, CreditGranted,
    CreditReason, DisputeInvoice, DisputeOutcome, DisputeResolved, GrantCredit, InvoiceDisputed,
    PlaceOrder, PriceStep, ResolveDispute, Terms,
};
use loopledger_model::voucher::Refusal;
use loopledger_model::{Event, Fact};
use loopledger_testkit::{at, cny, fact, id, period};

use super::world::*;

fn bought(position: u64, event: purchase::Event) -> Fact {
    fact(position, Event::Purchase(event))
}

fn credited(position: u64, amount: &str) -> Fact {
    let credit = GrantCredit {
        id: id(&format!("cr-{position}")),
        invoice: id("in-1"),
        amount: cny(amount),
        reason: CreditReason::Correction,
        availability: None,
        at: at("2025-03-06"),
    };
    bought(position, purchase::Event::CreditGranted(CreditGranted { credit, contract: id("k-1") }))
}

fn disputed(position: u64, when: &str) -> Fact {
    let dispute = DisputeInvoice {
        id: id("ds-1"),
        invoice: id("in-1"),
        amount: cny("1"),
        reason: id("dark"),
        at: at(when),
    };
    let opened = InvoiceDisputed { dispute, contract: id("k-1") };
    bought(position, purchase::Event::InvoiceDisputed(opened))
}

#[test]
fn nothing_is_redeemed_of_an_invoice_while_it_is_in_dispute() {
    let story = locked(programme()).knowing([disputed(31, "2025-03-08")]);
    let asked = || redeem("r-1", "v-1", "in-1", "40", "2025-03-10");
    let refusal = Refusal::InvoiceDisputed { invoice: id("in-1"), dispute: id("ds-1") };
    story.when(asked()).then_refused(refusal);
    let before = redeem("r-1", "v-1", "in-1", "40", "2025-03-07");
    story.when(before).0.expect("it was not in dispute then");
    let resolution = ResolveDispute {
        dispute: id("ds-1"),
        outcome: DisputeOutcome::Withdrawn,
        at: at("2025-03-09"),
    };
    let resolved = DisputeResolved { resolution, invoice: id("in-1"), contract: id("k-1") };
    let resolved = bought(32, purchase::Event::DisputeResolved(resolved));
    story.knowing([resolved]).when(asked()).0.expect("nobody disputes it any more");
}

#[test]
fn what_was_credited_is_not_subsidised() {
    let story = locked(programme()).knowing([credited(31, "80"), credited(32, "20")]);
    let refusal = Refusal::AboveInvoiceShare {
        invoice: id("in-1"),
        limit: cny("30"),
        redeemed: cny("0"),
        asked: cny("30.01"),
    };
    story.when(redeem("r-1", "v-1", "in-1", "30.01", "2025-03-10")).then_refused(refusal);
    let decision = story.when(redeem("r-1", "v-1", "in-1", "30", "2025-03-10"));
    let rests_on = decision.0.expect("it is in order").rests_on;
    assert_eq!(rests_on, [named(11), named(21), named(31), named(32)]);
}

#[test]
fn an_advance_that_is_set_against_an_invoice_is_the_buyers_own_share() {
    let rules = ruled(|rules| rules.settlement.own_share_first = true);
    let applied = |position, amount| {
        let use_of = ApplyAdvance {
            id: id(&format!("au-{position}")),
            contract: id("k-1"),
            kind: AdvanceKind::Prepayment,
            invoice: Some(id("in-1")),
            amount: cny(amount),
            at: at("2025-03-06"),
        };
        let (buyer, seller) = (id("company-c"), id("provider-a"));
        bought(position, purchase::Event::AdvanceApplied(AdvanceApplied { use_of, buyer, seller }))
    };
    let asked = || redeem("r-1", "v-1", "in-1", "40", "2025-03-10");
    let story = locked(rules).knowing([applied(31, "100")]);
    let refusal = Refusal::OwnShareUnpaid { share: cny("160"), paid: cny("100") };
    story.when(asked()).then_refused(refusal);
    story.knowing([applied(32, "60")]).when(asked()).0.expect("the own share is paid");
}

#[test]
fn a_framework_is_worth_what_was_ordered_of_it() {
    let kind = Some(ContractKind::Framework);
    let framework = Contract { id: id("k-3"), kind, quantity: None, ..k1() };
    let order = |position| {
        let order = PlaceOrder {
            id: id(&format!("or-{position}")),
            contract: id("k-3"),
            service: february(),
            quantity: id("5"),
            at: at("2025-01-12"),
        };
        bought(position, purchase::Event::OrderPlaced(order))
    };
    let share = |limit| Refusal::AboveContractShare {
        contract: id("k-3"),
        limit: cny(limit),
        taken: cny("0"),
        asked: cny("31"),
    };
    let asked = || lock("l-1", "v-1", "k-3", "31", "2025-01-25");
    let story = issued(programme()).knowing([signed(31, framework)]);
    story.when(asked()).then_refused(share("0"));
    let story = story.knowing([order(32), order(33)]);
    story.when(asked()).then_refused(share("30"));
}

#[test]
fn a_contract_whose_price_steps_is_worth_its_prices_by_the_time_that_they_hold() {
    let step = PriceStep { from: at("2025-02-05"), price_per_unit: id("20") };
    let terms = Terms { price_steps: vec![step], ..Terms::default() };
    let stepping = Contract {
        id: id("k-3"),
        quantity: Some(id("10")),
        term: period("2025-02-01", "2025-02-11"),
        terms: Box::new(terms),
        ..k1()
    };
    let story = issued(programme()).knowing([signed(31, stepping)]);
    // Four days at 10 and six at 20 are 16 on average.
    story.when(lock("l-1", "v-1", "k-3", "48.01", "2025-01-25")).then_refused(
        Refusal::AboveContractShare {
            contract: id("k-3"),
            limit: cny("48"),
            taken: cny("0"),
            asked: cny("48.01"),
        },
    );
}
