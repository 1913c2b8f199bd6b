//! Redeeming vouchers against invoices.

use loopledger_model::purchase::{Contract, TerminationReason};
use loopledger_model::voucher::{
    Command, Ending, Event, RedeemVoucher, Refusal, Rules, TakenFrom, VoucherRedeemed,
};
use loopledger_model::{Fact, Rounding, RoundingMode};
use loopledger_testkit::{Story, at, cny, given, id, money, period};

use super::world::*;
use crate::Vouchers;

/// A redemption of v-1 on the invoice for February.
fn redeem_1(amount: &str, when: &str) -> Command {
    redeem("r-1", "v-1", "in-1", amount, when)
}

#[track_caller]
fn assert_redeemed(story: &Story<Vouchers>, command: Command) {
    story.when(command).0.expect("the redemption is in order");
}

#[test]
fn a_redemption_takes_from_the_lock_on_the_invoices_contract() {
    let outcome = locked(programme()).when(redeem_1("40", "2025-03-10"));
    let decision = outcome.0.expect("the redemption is in order");
    let redeemed_1 = VoucherRedeemed {
        id: id("r-1"),
        voucher: id("v-1"),
        programme: id("cv"),
        holder: id("company-c"),
        provider: id("provider-a"),
        contract: id("k-1"),
        invoice: id("in-1"),
        amount: cny("40"),
        taken_from: vec![TakenFrom { lock: id("l-1"), amount: cny("40") }],
        at: at("2025-03-10"),
        payee: None,
        version: 1,
        trace: Vec::new(),
        gate: None,
        usage: Vec::new(),
        funding: Vec::new(),
    };
    assert_eq!(decision.events, [Event::VoucherRedeemed(redeemed_1)]);
    assert_eq!(decision.rests_on, [named(11), named(21)], "the contract and the invoice");
    assert_balances(&redeemed(programme()), "v-1", "40", "20");
}

#[test]
fn the_oldest_lock_is_used_first() {
    let story = issued(programme()).after([
        lock("l-late", "v-1", "k-1", "30", "2025-02-02"),
        lock("l-early", "v-1", "k-1", "20", "2025-02-01"),
        lock("l-also-late", "v-1", "k-1", "30", "2025-02-02"),
    ]);
    let decision = story.when(redeem_1("55", "2025-03-10")).0.expect("in order");
    let [Event::VoucherRedeemed(made)] = &decision.events[..] else { panic!("one redemption") };
    let taken = [("l-early", "20"), ("l-late", "30"), ("l-also-late", "5")];
    let taken = taken.map(|(lock, amount)| TakenFrom { lock: id(lock), amount: cny(amount) });
    assert_eq!(made.taken_from, taken);
}

#[test]
fn the_same_redemption_twice_is_nothing() {
    redeemed(programme()).when(redeem_1("40", "2025-03-10")).then_nothing();
}

#[test]
fn another_redemption_of_the_same_name_is_refused() {
    let story = redeemed(programme());
    for other in [
        redeem_1("41", "2025-03-10"),
        redeem_1("40", "2025-03-11"),
        redeem("r-1", "v-2", "in-1", "40", "2025-03-10"),
        redeem("r-1", "v-1", "in-2", "40", "2025-03-10"),
    ] {
        story.when(other).then_refused(Refusal::RedemptionExists { redemption: id("r-1") });
    }
}

#[test]
fn an_amount_that_is_not_above_zero_is_refused() {
    let refusal = Refusal::NotPositive { amount: cny("-40") };
    locked(programme()).when(redeem_1("-40", "2025-03-10")).then_refused(refusal);
}

#[test]
fn an_amount_in_another_currency_is_refused() {
    let amount = money("40", "USD");
    let dollars = Command::RedeemVoucher(RedeemVoucher {
        id: id("r-1"),
        voucher: id("v-1"),
        invoice: id("in-1"),
        amount,
        at: at("2025-03-10"),
    });
    let refusal = Refusal::WrongCurrency { amount, currency: id("CNY") };
    locked(programme()).when(dollars).then_refused(refusal);
}

#[test]
fn an_unknown_voucher_is_not_redeemed() {
    let refusal = Refusal::UnknownVoucher { voucher: id("v-1") };
    opened(programme()).when(redeem_1("40", "2025-03-10")).then_refused(refusal);
}

#[test]
fn a_voucher_is_not_redeemed_before_it_was_issued() {
    let refusal = Refusal::BeforeIssue {
        voucher: id("v-1"),
        issued_at: at("2025-01-20"),
        at: at("2025-01-19"),
    };
    locked(programme()).when(redeem_1("40", "2025-01-19")).then_refused(refusal);
}

#[test]
fn a_voucher_that_ended_is_not_redeemed() {
    let story = locked(programme()).after([end("v-1", Ending::Revoked, "2025-03-01")]);
    let (ending, ended_at) = (Ending::Revoked, at("2025-03-01"));
    let refusal = Refusal::VoucherEnded { voucher: id("v-1"), ending, ended_at };
    story.when(redeem_1("40", "2025-03-10")).then_refused(refusal);
}

#[test]
fn a_voucher_is_redeemed_up_to_the_instant_at_which_it_expires() {
    let story = locked(ruled(|rules| rules.validity_days = Some(49)));
    assert_redeemed(&story, redeem_1("40", "2025-03-10"));
    let refusal = Refusal::OutOfDate { voucher: id("v-1"), expires_at: at("2025-03-10") };
    story.when(redeem_1("40", "2025-03-10T00:00:01Z")).then_refused(refusal);
}

#[test]
fn an_unknown_invoice_is_refused() {
    let refusal = Refusal::UnknownInvoice { invoice: id("in-9") };
    let unknown = redeem("r-1", "v-1", "in-9", "40", "2025-03-10");
    locked(programme()).when(unknown).then_refused(refusal);
}

#[test]
fn an_invoice_is_redeemed_from_the_instant_of_its_issue() {
    let story = locked(programme());
    assert_redeemed(&story, redeem_1("40", "2025-03-05"));
    let refusal = Refusal::BeforeInvoice {
        invoice: id("in-1"),
        invoiced_at: at("2025-03-05"),
        at: at("2025-03-04"),
    };
    story.when(redeem_1("40", "2025-03-04")).then_refused(refusal);
}

#[test]
fn an_invoice_of_a_contract_that_nobody_knows_is_refused() {
    let orphan = contract("k-9", "company-c", "provider-a");
    let orphan = invoice(31, "in-9", &orphan, february(), "20", cny("200"));
    let refusal = Refusal::UnknownContract { contract: id("k-9") };
    let story = locked(programme()).knowing([orphan]);
    story.when(redeem("r-1", "v-1", "in-9", "40", "2025-03-10")).then_refused(refusal);
}

#[test]
fn service_before_the_contract_ended_is_redeemed_after_its_end() {
    let end = terminated(31, &k1(), "2025-03-01", TerminationReason::Breach);
    let story = locked(programme()).knowing([end]);
    assert_redeemed(&story, redeem_1("40", "2025-03-10"));
}

#[test]
fn service_that_began_after_the_contract_ended_is_not_redeemed() {
    let end = terminated(31, &k1(), "2025-03-01", TerminationReason::Breach);
    let story = locked(programme()).knowing([end]);
    let refusal = Refusal::ContractEnded { contract: id("k-1"), ended_at: at("2025-03-01") };
    story.when(redeem("r-1", "v-1", "in-2", "40", "2025-04-10")).then_refused(refusal);
}

#[test]
fn nothing_is_redeemed_on_a_contract_that_was_never_executed() {
    let never = terminated(31, &k1(), "2025-06-01", TerminationReason::NeverExecuted);
    let story = locked(programme()).knowing([never]);
    let refusal = Refusal::ContractEnded { contract: id("k-1"), ended_at: at("2025-06-01") };
    story.when(redeem_1("40", "2025-03-10")).then_refused(refusal);
}

#[test]
fn another_buyers_invoice_is_refused() {
    let refusal = Refusal::NotTheHolder {
        voucher: id("v-1"),
        holder: id("company-c"),
        contract: id("k-2"),
        buyer: id("company-d"),
    };
    let of_d = redeem("r-1", "v-1", "in-3", "30", "2025-04-10");
    locked(programme()).when(of_d).then_refused(refusal);
}

#[test]
fn only_what_is_locked_to_the_contract_by_then_is_redeemed() {
    let other = contract("k-3", "company-c", "provider-a");
    let story = issued(programme()).knowing([signed(31, other)]).after([
        lock("l-1", "v-1", "k-3", "50", "2025-01-25"),
        lock("l-2", "v-1", "k-1", "50", "2025-03-11"),
    ]);
    let refusal = Refusal::NotLocked { voucher: id("v-1"), contract: id("k-1") };
    story.when(redeem_1("40", "2025-03-10")).then_refused(refusal);
    assert_redeemed(&story, redeem_1("40", "2025-03-11"));
}

#[test]
fn a_lock_that_is_used_up_locks_nothing() {
    let story = locked(programme()).after([redeem_1("60", "2025-03-10")]);
    let refusal = Refusal::NotLocked { voucher: id("v-1"), contract: id("k-1") };
    story.when(redeem("r-2", "v-1", "in-2", "1", "2025-04-10")).then_refused(refusal);
}

fn admitted_for(admissions: &[(&str, Option<&str>)]) -> Story<Vouchers> {
    let story = given::<Vouchers>([]).knowing(facts()).after([define(programme())]);
    let admissions = admissions.iter().map(|(from, to)| admit("provider-a", from, *to));
    story.after(admissions).after([
        issue("v-1", "company-c", "100", "2025-01-20"),
        lock("l-1", "v-1", "k-1", "60", "2025-01-25"),
    ])
}

#[test]
fn admissions_together_cover_every_day_of_service() {
    let first = ("2025-01-01", Some("2025-02-10"));
    for rest in [
        &[("2025-02-10", Some("2025-03-01"))][..],
        &[("2025-02-05", None)],
        &[("2025-02-01", Some("2025-02-05")), ("2025-02-09", Some("2025-03-15"))],
        &[("2025-01-31", Some("2026-01-01")), ("2025-02-20", Some("2025-02-21"))],
    ] {
        let story = admitted_for(&[&[first], rest].concat());
        assert_redeemed(&story, redeem_1("40", "2025-03-10"));
    }
}

#[test]
fn a_day_of_service_without_admission_is_named() {
    let first = ("2025-01-01", Some("2025-02-10"));
    for (rest, uncovered) in [
        (&[][..], "2025-02-10"),
        (&[("2025-02-11", None)], "2025-02-10"),
        (&[("2025-02-10", Some("2025-02-28"))], "2025-02-28"),
    ] {
        let story = admitted_for(&[&[first], rest].concat());
        let refusal = Refusal::NotAdmitted {
            programme: id("cv"),
            provider: id("provider-a"),
            at: at(uncovered),
        };
        story.when(redeem_1("40", "2025-03-10")).then_refused(refusal);
    }
}

#[test]
fn an_invoice_that_another_programme_paid_from_is_refused() {
    let mut other = programme();
    other.id = id("cv-2");
    let mut in_other = admit("provider-a", "2025-01-01", None);
    if let Command::AdmitProvider(admission) = &mut in_other {
        admission.programme = id("cv-2");
    }
    let mut issue_other = issue("v-2", "company-c", "100", "2025-01-20");
    if let Command::IssueVoucher(asked) = &mut issue_other {
        asked.programme = id("cv-2");
    }
    let story = redeemed(programme()).after([
        define(other),
        in_other,
        issue_other,
        lock("l-2", "v-2", "k-1", "100", "2025-01-25"),
    ]);
    let refusal = Refusal::InvoiceClaimed { invoice: id("in-1"), programme: id("cv") };
    story.when(redeem("r-2", "v-2", "in-1", "1", "2025-03-10")).then_refused(refusal);
    assert_redeemed(&story, redeem("r-2", "v-2", "in-2", "1", "2025-04-10"));
}

#[test]
fn all_vouchers_together_redeem_no_more_than_the_programmes_share_of_an_invoice() {
    let story = redeemed(programme()).after([
        issue("v-2", "company-c", "100", "2025-01-20"),
        lock("l-2", "v-2", "k-1", "100", "2025-01-25"),
    ]);
    assert_redeemed(&story, redeem("r-2", "v-2", "in-1", "20", "2025-03-10"));
    let refusal = Refusal::AboveInvoiceShare {
        invoice: id("in-1"),
        limit: cny("60"),
        redeemed: cny("40"),
        asked: cny("20.01"),
    };
    story.when(redeem("r-2", "v-2", "in-1", "20.01", "2025-03-10")).then_refused(refusal);
}

#[test]
fn the_share_of_an_invoice_is_rounded_as_the_programme_says() {
    for (mode, digits, limit) in [
        (RoundingMode::Truncate, 2, "2.5"),
        (RoundingMode::HalfUp, 2, "2.51"),
        (RoundingMode::HalfEven, 2, "2.50"),
        (RoundingMode::HalfUp, 0, "3"),
    ] {
        let odd = invoice(31, "in-9", &k1(), february(), "1", cny("8.35"));
        let rounding = Rounding { digits, mode };
        let story = locked(ruled(|rules| rules.rounding = rounding)).knowing([odd]);
        let refusal = Refusal::AboveInvoiceShare {
            invoice: id("in-9"),
            limit: cny(limit),
            redeemed: cny("0"),
            asked: cny("10"),
        };
        story.when(redeem("r-1", "v-1", "in-9", "10", "2025-03-10")).then_refused(refusal);
        assert_redeemed(&story, redeem("r-1", "v-1", "in-9", limit, "2025-03-10"));
    }
}

fn must_be_metered(rules: &mut Rules) {
    rules.metering_required = true;
}

#[test]
fn service_that_was_not_metered_is_refused_where_metering_is_required() {
    let elsewhere = [
        usage(31, "k-1", period("2025-01-31", "2025-02-02"), "10"),
        usage(32, "k-1", period("2025-02-27", "2025-03-02"), "10"),
        usage(33, "k-1", march(), "10"),
        usage(34, "k-2", february(), "10"),
    ];
    let story = locked(ruled(must_be_metered)).knowing(elsewhere);
    let refusal = Refusal::NotMetered { contract: id("k-1"), invoice: id("in-1") };
    story.when(redeem_1("40", "2025-03-10")).then_refused(refusal);
}

#[test]
fn a_redemption_rests_on_the_usage_in_its_service_time() {
    let metered = [
        usage(31, "k-1", period("2025-02-01", "2025-02-02"), "3"),
        usage(32, "k-1", march(), "10"),
        usage(33, "k-1", period("2025-02-28", "2025-03-01"), "4"),
        usage(34, "k-1", period("2025-02-28", "2025-03-01"), "0"),
    ];
    let story = locked(ruled(must_be_metered)).knowing(metered);
    let decision = story.when(redeem_1("40", "2025-03-10")).0.expect("in order");
    assert_eq!(decision.rests_on, [11, 21, 31, 33, 34].map(named));
}

/// Company D's voucher v-2 of 100, 60 of it locked to the contract that counts card-hours.
fn counting_hours(metered: impl IntoIterator<Item = Fact>) -> Story<Vouchers> {
    opened(ruled(must_be_metered)).knowing(metered).after([
        issue("v-2", "company-d", "100", "2025-01-20"),
        lock("l-2", "v-2", "k-2", "60", "2025-01-25"),
    ])
}

fn redeem_hours(amount: &str) -> Command {
    redeem("r-1", "v-2", "in-3", amount, "2025-04-10")
}

#[test]
fn as_many_card_hours_are_metered_as_are_invoiced() {
    let halves = [
        usage(31, "k-2", period("2025-03-01", "2025-03-16"), "60.5"),
        usage(32, "k-2", period("2025-03-16", "2025-04-01"), "39.5"),
    ];
    assert_redeemed(&counting_hours(halves), redeem_hours("30"));
}

#[test]
fn more_invoiced_card_hours_than_metered_ones_are_refused() {
    let short = [
        usage(31, "k-2", period("2025-03-01", "2025-03-16"), "60.5"),
        usage(32, "k-2", period("2025-03-16", "2025-04-01"), "39.499999999"),
        usage(33, "k-2", period("2025-03-16", "2025-04-02"), "50"),
    ];
    let refusal = Refusal::AboveMetered {
        invoice: id("in-3"),
        invoiced: id("100"),
        metered: id("99.999999999"),
    };
    counting_hours(short).when(redeem_hours("1")).then_refused(refusal);
}

#[test]
fn unmetered_service_is_redeemed_where_metering_is_not_required() {
    assert_redeemed(&locked(programme()), redeem_1("40", "2025-03-10"));
}

#[test]
fn a_redemption_above_what_is_locked_is_refused() {
    let large =
        Contract { quantity: Some(id("1000")), ..contract("k-3", "company-c", "provider-a") };
    let large_invoice = invoice(32, "in-9", &large, february(), "100", cny("1000"));
    let story = issued(programme()).knowing([signed(31, large), large_invoice]).after([
        lock("l-1", "v-1", "k-3", "60", "2025-01-25"),
        lock("l-2", "v-1", "k-3", "10", "2025-03-20"),
    ]);
    let by = |when: &str, amount: &str| redeem("r-1", "v-1", "in-9", amount, when);
    let above = |locked: &str, asked: &str| Refusal::AboveLocked {
        voucher: id("v-1"),
        contract: id("k-3"),
        locked: cny(locked),
        asked: cny(asked),
    };
    assert_redeemed(&story, by("2025-03-10", "60"));
    story.when(by("2025-03-10", "60.01")).then_refused(above("60", "60.01"));
    story.when(by("2025-03-20", "70.01")).then_refused(above("70", "70.01"));
}
