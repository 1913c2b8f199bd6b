//! Issuing vouchers.

use loopledger_model::voucher::{Command, Ending, Event, IssueVoucher, Refusal, VoucherIssued};
use loopledger_testkit::{Story, at, cny, id, money};

use super::world::*;
use crate::Vouchers;

fn to_c(voucher: &str, amount: &str, when: &str) -> Command {
    issue(voucher, "company-c", amount, when)
}

#[track_caller]
fn assert_issued(story: &Story<Vouchers>, command: Command) {
    story.when(command).0.expect("the voucher is in order");
}

#[test]
fn a_voucher_without_a_term_never_expires() {
    let outcome = opened(programme()).when(to_c("v-1", "100", "2025-01-20"));
    let decision = outcome.0.expect("the voucher is in order");
    let issued = VoucherIssued {
        id: id("v-1"),
        programme: id("cv"),
        holder: id("company-c"),
        amount: cny("100"),
        at: at("2025-01-20"),
        expires_at: None,
        version: 1,
        application: None,
        tranche: None,
        profile: None,
        funding: Vec::new(),
    };
    assert_eq!(decision.events, [Event::VoucherIssued(issued)]);
    assert_eq!(decision.rests_on, [named(4)], "the holder's registration");
}

#[test]
fn a_voucher_expires_so_many_days_of_24_hours_later() {
    let story = opened(ruled(|rules| rules.validity_days = Some(90)));
    let decision = story.when(to_c("v-1", "100", "2025-01-20")).0.expect("in order");
    let [Event::VoucherIssued(issued)] = &decision.events[..] else { panic!("one voucher") };
    assert_eq!(issued.expires_at, Some(at("2025-04-20")));
}

#[test]
fn a_term_beyond_all_dates_is_refused() {
    let story = opened(ruled(|rules| rules.validity_days = Some(u32::MAX)));
    let reason = "4294967295 days after 2025-01-20T00:00:00Z are beyond what this ledger dates";
    let refusal = Refusal::BeyondBounds { reason: reason.to_owned() };
    story.when(to_c("v-1", "100", "2025-01-20")).then_refused(refusal);
}

#[test]
fn the_same_voucher_twice_is_nothing() {
    issued(programme()).when(to_c("v-1", "100", "2025-01-20")).then_nothing();
}

#[test]
fn another_voucher_of_the_same_name_is_refused() {
    let story = issued(programme());
    for other in [
        to_c("v-1", "101", "2025-01-20"),
        to_c("v-1", "100", "2025-01-21"),
        issue("v-1", "company-d", "100", "2025-01-20"),
    ] {
        story.when(other).then_refused(Refusal::VoucherExists { voucher: id("v-1") });
    }
}

#[test]
fn an_unknown_holder_is_refused() {
    let refusal = Refusal::UnknownParty { party: id("nobody") };
    opened(programme()).when(issue("v-1", "nobody", "1", "2025-01-20")).then_refused(refusal);
}

#[test]
fn an_unknown_programme_issues_nothing() {
    let story = loopledger_testkit::given::<Vouchers>([]).knowing(facts());
    let refusal = Refusal::UnknownProgramme { programme: id("cv") };
    story.when(to_c("v-1", "100", "2025-01-20")).then_refused(refusal);
}

#[test]
fn an_amount_that_is_not_above_zero_is_refused() {
    for amount in ["0", "-1"] {
        let refusal = Refusal::NotPositive { amount: cny(amount) };
        opened(programme()).when(to_c("v-1", amount, "2025-01-20")).then_refused(refusal);
    }
}

#[test]
fn an_amount_in_another_currency_is_refused() {
    let amount = money("5", "USD");
    let dollars = Command::IssueVoucher(IssueVoucher {
        id: id("v-1"),
        programme: id("cv"),
        holder: id("company-c"),
        amount,
        at: at("2025-01-20"),
        application: None,
        tranche: None,
    });
    let refusal = Refusal::WrongCurrency { amount, currency: id("CNY") };
    opened(programme()).when(dollars).then_refused(refusal);
}

#[test]
fn a_programme_issues_from_the_instant_it_opens_to_the_instant_it_closes() {
    let story = opened(programme());
    assert_issued(&story, to_c("v-1", "1", "2025-01-01"));
    assert_issued(&story, to_c("v-1", "1", "2025-12-31"));
    for outside in ["2024-12-31T23:59:59.999999999Z", "2025-12-31T00:00:00.000000001Z"] {
        let (opens, closes) = (at("2025-01-01"), at("2025-12-31"));
        let refusal = Refusal::NotOpen { programme: id("cv"), opens, closes, at: at(outside) };
        story.when(to_c("v-1", "1", outside)).then_refused(refusal);
    }
}

#[test]
fn a_voucher_above_the_cap_of_one_is_refused() {
    let story = opened(ruled(|rules| rules.cap_voucher = Some(cny("50"))));
    assert_issued(&story, to_c("v-1", "50", "2025-01-20"));
    let refusal = Refusal::AboveVoucherCap { cap: cny("50"), asked: cny("50.01") };
    story.when(to_c("v-1", "50.01", "2025-01-20")).then_refused(refusal);
}

fn capped_by_year() -> Story<Vouchers> {
    let mut programme = ruled(|rules| rules.cap_holder_year = Some(cny("150")));
    programme.closes = at("2026-12-31");
    issued(programme)
}

#[test]
fn a_holder_is_issued_no_more_than_the_cap_of_a_year() {
    let story = capped_by_year();
    assert_issued(&story, to_c("v-2", "50", "2025-12-31"));
    let refusal = Refusal::AboveHolderCap {
        holder: id("company-c"),
        year: 2025,
        cap: cny("150"),
        issued: cny("100"),
        asked: cny("50.01"),
    };
    story.when(to_c("v-2", "50.01", "2025-12-31")).then_refused(refusal);
}

#[test]
fn the_year_of_a_cap_is_the_calendar_year_in_utc() {
    let story = capped_by_year();
    assert_issued(&story, to_c("v-2", "150", "2026-01-01"));
    assert_issued(&story, to_c("v-2", "150", "2025-12-31T22:00:00-02:00"));
    assert!(story.when(to_c("v-2", "150", "2026-01-01T07:59:59+08:00")).0.is_err());
}

#[test]
fn a_cap_of_a_year_counts_each_holder_alone() {
    assert_issued(&capped_by_year(), issue("v-2", "company-d", "150", "2025-02-01"));
}

#[test]
fn a_voucher_that_was_given_back_still_counts_for_the_holders_year() {
    let story = capped_by_year().after([end("v-1", Ending::Surrendered, "2025-02-01")]);
    assert!(story.when(to_c("v-2", "51", "2025-02-02")).0.is_err());
}

#[test]
fn a_voucher_above_what_is_left_of_the_budget_is_refused() {
    let story = issued(programme());
    assert_issued(&story, to_c("v-2", "900", "2025-02-01"));
    let (programme, remaining) = (id("cv"), cny("900"));
    let refusal = Refusal::AboveBudget { programme, remaining, asked: cny("900.01") };
    story.when(to_c("v-2", "900.01", "2025-02-01")).then_refused(refusal);
}

#[test]
fn what_was_redeemed_stays_spent_and_what_ended_can_be_issued_again() {
    let story = redeemed(programme()).after([end("v-1", Ending::Revoked, "2025-04-01")]);
    assert_issued(&story, to_c("v-2", "960", "2025-04-01"));
    let (programme, remaining) = (id("cv"), cny("960"));
    let refusal = Refusal::AboveBudget { programme, remaining, asked: cny("960.01") };
    story.when(to_c("v-2", "960.01", "2025-04-01")).then_refused(refusal);
}

#[test]
fn a_budget_as_large_as_the_ledger_counts_can_be_issued_over_and_over() {
    let most = "999999999999999999";
    let mut programme = programme();
    programme.budget = cny(most);
    let story = opened(programme).after([
        to_c("v-1", most, "2025-01-20"),
        end("v-1", Ending::Revoked, "2025-01-21"),
        to_c("v-2", most, "2025-01-22"),
        end("v-2", Ending::Revoked, "2025-01-23"),
    ]);
    assert_issued(&story, to_c("v-3", most, "2025-01-24"));
}
