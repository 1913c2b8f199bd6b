//! Credits and disputes: what is given up of an invoice, and what is not to be paid of it meanwhile.

use loopledger_model::purchase::Refusal;
use loopledger_testkit::{at, cny, id, money};

use super::*;

/// k-1 promises 99.5 % and delivery by 5 March, or up to 10 % of an invoice; in-1 is for 950.
fn promised() -> Story<Purchase> {
    let sla = Sla {
        availability: Some(id("99.5")),
        deliver_by: Some(at("2025-03-05")),
        credit: id("10"),
    };
    let terms = Terms { sla: Some(sla), ..Terms::default() };
    let contract = with_terms(terms, contract("k-1", "buyer", "provider"));
    blank().after([sign(contract), invoice("in-1", "k-1", "100", "950")])
}

fn granted(credit: GrantCredit) -> Command {
    Command::GrantCredit(credit)
}

fn unavailable(name: &str, measured: &str, amount: &str) -> Command {
    let plain = credit(name, CreditReason::Availability, amount);
    granted(GrantCredit { availability: Some(id(measured)), ..plain })
}

fn correction(name: &str, amount: &str) -> Command {
    granted(credit(name, CreditReason::Correction, amount))
}

#[test]
fn a_credit_lowers_what_is_to_be_paid() {
    let story = accepts(invoiced(), &correction("cr-1", "50"));
    story.when(pay("pm-1", "in-1", "900.01")).then_refused(Refusal::AboveInvoice {
        invoice: id("in-1"),
        invoiced: cny("900"),
        paid: cny("0"),
        asked: cny("900.01"),
    });
    accepts(story, &pay("pm-1", "in-1", "900"));
}

#[test]
fn an_invoice_is_credited_with_all_of_it_and_no_more_paid_or_not() {
    let story = paid().after([correction("cr-1", "500")]);
    story.when(correction("cr-2", "450.01")).then_refused(Refusal::AboveCreditable {
        invoice: id("in-1"),
        invoiced: cny("950"),
        credited: cny("500"),
        asked: cny("450.01"),
    });
    accepts(story, &granted(credit("cr-2", CreditReason::Goodwill, "450")));
}

#[test]
fn a_credit_is_not_granted_again_with_other_content() {
    invoiced()
        .after([correction("cr-1", "50")])
        .when(correction("cr-1", "51"))
        .then_refused(Refusal::CreditExists { credit: id("cr-1") });
}

#[test]
fn a_credit_of_no_invoice_of_nothing_or_in_another_currency_is_refused() {
    signed()
        .when(correction("cr-1", "1"))
        .then_refused(Refusal::UnknownInvoice { invoice: id("in-1") });
    invoiced()
        .when(correction("cr-1", "0"))
        .then_refused(Refusal::NotPositive { amount: cny("0") });
    let plain = credit("cr-1", CreditReason::Goodwill, "1");
    invoiced()
        .when(granted(GrantCredit { amount: money("1", "USD"), ..plain }))
        .then_refused(Refusal::WrongCurrency { amount: money("1", "USD"), currency: id("CNY") });
}

#[test]
fn availability_is_stated_where_it_is_the_reason_and_nowhere_else() {
    let reason = CreditReason::Availability;
    promised()
        .when(granted(credit("cr-1", reason, "1")))
        .then_refused(Refusal::AvailabilityMisplaced { reason });
    let reason = CreditReason::Goodwill;
    let measured = GrantCredit { availability: Some(id("98")), ..credit("cr-1", reason, "1") };
    promised().when(granted(measured)).then_refused(Refusal::AvailabilityMisplaced { reason });
}

#[test]
fn what_was_not_kept_is_credited_up_to_what_was_agreed() {
    let story = accepts(promised(), &unavailable("cr-1", "99.4", "60"));
    let late = |amount| granted(credit("cr-2", CreditReason::LateDelivery, amount));
    story.when(late("35.01")).then_refused(Refusal::AbovePromise {
        invoice: id("in-1"),
        limit: cny("95"),
        credited: cny("60"),
        asked: cny("35.01"),
    });
    let story = accepts(story, &late("35"));
    accepts(story, &correction("cr-3", "855"));
}

#[test]
fn what_was_kept_or_never_promised_is_no_reason_for_a_credit() {
    for measured in ["99.5", "100"] {
        promised()
            .when(unavailable("cr-1", measured, "1"))
            .then_refused(Refusal::PromiseKept { promised: id("99.5"), measured: id(measured) });
    }
    let reason = CreditReason::Availability;
    let nothing = |reason| Refusal::NothingPromised { contract: id("k-1"), reason };
    invoiced().when(unavailable("cr-1", "1", "1")).then_refused(nothing(reason));
    let sla = Sla { availability: None, deliver_by: None, credit: id("10") };
    let terms = Terms { sla: Some(sla), ..Terms::default() };
    let vague = with_terms(terms, contract("k-1", "buyer", "provider"));
    let vague = blank().after([sign(vague), invoice("in-1", "k-1", "100", "950")]);
    vague.when(unavailable("cr-1", "1", "1")).then_refused(nothing(reason));
    let reason = CreditReason::LateDelivery;
    vague.when(granted(credit("cr-1", reason, "1"))).then_refused(nothing(reason));
}

#[test]
fn nothing_in_dispute_is_paid_by_cash_or_by_an_advance() {
    let prepaid = advance("pm-a", AdvanceKind::Prepayment, "950");
    let story = accepts(invoiced().after([prepaid]), &dispute("ds-1", "400"));
    let disputed = |asked| Refusal::InvoiceDisputed {
        invoice: id("in-1"),
        dispute: id("ds-1"),
        disputed: cny("400"),
        payable: cny("550"),
        asked: cny(asked),
    };
    let use_of = |amount| apply("au-1", AdvanceKind::Prepayment, Some("in-1"), amount);
    story.when(pay("pm-1", "in-1", "550.01")).then_refused(disputed("550.01"));
    story.when(use_of("551")).then_refused(disputed("551"));
    let story = accepts(story, &use_of("550"));
    let story = accepts(story, &resolve("ds-1", DisputeOutcome::Dismissed));
    accepts(story, &pay("pm-1", "in-1", "400"));
}

#[test]
fn a_credit_gives_up_what_is_in_dispute_first() {
    let story = invoiced().after([dispute("ds-1", "400"), correction("cr-1", "300")]);
    story.when(pay("pm-1", "in-1", "550.01")).then_refused(Refusal::InvoiceDisputed {
        invoice: id("in-1"),
        dispute: id("ds-1"),
        disputed: cny("100"),
        payable: cny("550"),
        asked: cny("550.01"),
    });
    let story = accepts(story, &correction("cr-2", "150"));
    accepts(story, &pay("pm-1", "in-1", "500"));
}

#[test]
fn an_invoice_is_in_one_dispute_at_a_time() {
    let story = invoiced().after([dispute("ds-1", "400")]);
    story.when(dispute("ds-1", "401")).then_refused(Refusal::DisputeExists { dispute: id("ds-1") });
    story
        .when(dispute("ds-2", "1"))
        .then_refused(Refusal::DisputeOpen { invoice: id("in-1"), dispute: id("ds-1") });
    let story = story.after([resolve("ds-1", DisputeOutcome::Withdrawn)]);
    accepts(story, &dispute("ds-2", "1"));
}

#[test]
fn a_dispute_of_no_invoice_of_nothing_in_another_currency_or_of_more_than_is_owed_is_refused() {
    signed()
        .when(dispute("ds-1", "1"))
        .then_refused(Refusal::UnknownInvoice { invoice: id("in-1") });
    invoiced().when(dispute("ds-1", "0")).then_refused(Refusal::NotPositive { amount: cny("0") });
    let Command::DisputeInvoice(plain) = dispute("ds-1", "1") else { panic!("a dispute") };
    invoiced()
        .when(Command::DisputeInvoice(DisputeInvoice { amount: money("1", "USD"), ..plain }))
        .then_refused(Refusal::WrongCurrency { amount: money("1", "USD"), currency: id("CNY") });
    let story = invoiced().after([correction("cr-1", "50")]);
    story.when(dispute("ds-1", "900.01")).then_refused(Refusal::AboveCreditable {
        invoice: id("in-1"),
        invoiced: cny("950"),
        credited: cny("50"),
        asked: cny("900.01"),
    });
}

#[test]
fn a_dispute_is_resolved_once() {
    invoiced()
        .when(resolve("ds-1", DisputeOutcome::Settled))
        .then_refused(Refusal::UnknownDispute { dispute: id("ds-1") });
    let story = invoiced().after([dispute("ds-1", "400")]);
    let story = accepts(story, &resolve("ds-1", DisputeOutcome::Settled));
    story
        .when(resolve("ds-1", DisputeOutcome::Withdrawn))
        .then_refused(Refusal::DisputeClosed { dispute: id("ds-1") });
}
