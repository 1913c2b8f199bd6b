//! Locking parts of vouchers to contracts and releasing them.

use loopledger_model::purchase::{Contract, TerminationReason};
use loopledger_model::voucher::{
    Command, Conditions, Ending, Event, LockReleased, LockVoucher, Refusal, Tier, VoucherLocked,
};
use loopledger_testkit::{Story, at, cny, id, money};

use super::world::*;
use crate::Vouchers;

/// A lock of v-1 to k-1.
fn lock_1(name: &str, amount: &str, when: &str) -> Command {
    lock(name, "v-1", "k-1", amount, when)
}

#[track_caller]
fn assert_locked(story: &Story<Vouchers>, command: Command) {
    story.when(command).0.expect("the lock is in order");
}

#[test]
fn a_part_of_a_voucher_is_locked_to_a_contract() {
    let outcome = issued(programme()).when(lock_1("l-1", "60", "2025-01-25"));
    let decision = outcome.0.expect("the lock is in order");
    let locked = VoucherLocked {
        id: id("l-1"),
        voucher: id("v-1"),
        programme: id("cv"),
        contract: id("k-1"),
        provider: id("provider-a"),
        amount: cny("60"),
        at: at("2025-01-25"),
        gate: None,
    };
    assert_eq!(decision.events, [Event::VoucherLocked(locked)]);
    assert_eq!(decision.rests_on, [named(11)], "the contract");
    assert_balances(&locked_story(), "v-1", "40", "60");
}

fn locked_story() -> Story<Vouchers> {
    locked(programme())
}

#[test]
fn the_same_lock_twice_is_nothing_whatever_became_of_it() {
    let again = || lock_1("l-1", "60", "2025-01-25");
    locked_story().when(again()).then_nothing();
    redeemed(programme()).when(again()).then_nothing();
    locked_story().after([release("l-1", "2025-02-01")]).when(again()).then_nothing();
    let ended = locked_story().after([end("v-1", Ending::Revoked, "2025-02-01")]);
    ended.when(again()).then_nothing();
}

#[test]
fn another_lock_of_the_same_name_is_refused() {
    let story = locked_story().after([issue("v-2", "company-c", "100", "2025-01-20")]);
    for other in [
        lock_1("l-1", "61", "2025-01-25"),
        lock_1("l-1", "60", "2025-01-26"),
        lock("l-1", "v-2", "k-1", "60", "2025-01-25"),
        lock("l-1", "v-1", "k-2", "60", "2025-01-25"),
    ] {
        story.when(other).then_refused(Refusal::LockExists { lock: id("l-1") });
    }
}

#[test]
fn an_amount_that_is_not_above_zero_is_refused() {
    let refusal = Refusal::NotPositive { amount: cny("0") };
    issued(programme()).when(lock_1("l-1", "0", "2025-01-25")).then_refused(refusal);
}

#[test]
fn an_amount_in_another_currency_is_refused() {
    let amount = money("1", "KRW");
    let won = Command::LockVoucher(LockVoucher {
        id: id("l-1"),
        voucher: id("v-1"),
        contract: id("k-1"),
        amount,
        at: at("2025-01-25"),
    });
    let refusal = Refusal::WrongCurrency { amount, currency: id("CNY") };
    issued(programme()).when(won).then_refused(refusal);
}

#[test]
fn an_unknown_voucher_is_not_locked() {
    let refusal = Refusal::UnknownVoucher { voucher: id("v-1") };
    opened(programme()).when(lock_1("l-1", "60", "2025-01-25")).then_refused(refusal);
}

#[test]
fn a_voucher_is_locked_from_the_instant_of_its_issue() {
    let story = issued(programme());
    assert_locked(&story, lock_1("l-1", "60", "2025-01-20"));
    let refusal = Refusal::BeforeIssue {
        voucher: id("v-1"),
        issued_at: at("2025-01-20"),
        at: at("2025-01-19"),
    };
    story.when(lock_1("l-1", "60", "2025-01-19")).then_refused(refusal);
}

#[test]
fn a_voucher_that_ended_is_not_locked_even_for_a_time_before_its_end() {
    let story = issued(programme()).after([end("v-1", Ending::Revoked, "2025-03-01")]);
    let (ending, ended_at) = (Ending::Revoked, at("2025-03-01"));
    let refusal = Refusal::VoucherEnded { voucher: id("v-1"), ending, ended_at };
    story.when(lock_1("l-1", "60", "2025-02-01")).then_refused(refusal);
}

#[test]
fn a_voucher_is_locked_up_to_the_instant_at_which_it_expires() {
    let story = issued(ruled(|rules| rules.validity_days = Some(10)));
    assert_locked(&story, lock_1("l-1", "60", "2025-01-30"));
    let refusal = Refusal::OutOfDate { voucher: id("v-1"), expires_at: at("2025-01-30") };
    story.when(lock_1("l-1", "60", "2025-01-30T00:00:01Z")).then_refused(refusal);
}

#[test]
fn an_unknown_contract_is_refused() {
    let refusal = Refusal::UnknownContract { contract: id("k-9") };
    let unknown = lock("l-1", "v-1", "k-9", "60", "2025-01-25");
    issued(programme()).when(unknown).then_refused(refusal);
}

#[test]
fn a_contract_is_locked_to_from_the_instant_it_is_signed() {
    let story = opened(programme()).after([issue("v-1", "company-c", "100", "2025-01-05")]);
    assert_locked(&story, lock_1("l-1", "60", "2025-01-10"));
    let refusal = Refusal::BeforeSigning {
        contract: id("k-1"),
        signed_at: at("2025-01-10"),
        at: at("2025-01-09"),
    };
    story.when(lock_1("l-1", "60", "2025-01-09")).then_refused(refusal);
}

#[test]
fn a_contract_is_locked_to_until_it_ends() {
    let end = terminated(31, &k1(), "2025-03-01", TerminationReason::EndedEarly);
    let story = issued(programme()).knowing([end]);
    assert_locked(&story, lock_1("l-1", "60", "2025-02-28T23:59:59Z"));
    let refusal = Refusal::ContractEnded { contract: id("k-1"), ended_at: at("2025-03-01") };
    story.when(lock_1("l-1", "60", "2025-03-01")).then_refused(refusal);
}

#[test]
fn a_contract_that_was_never_executed_is_never_locked_to() {
    let never = terminated(31, &k1(), "2025-03-01", TerminationReason::NeverExecuted);
    let refusal = Refusal::ContractEnded { contract: id("k-1"), ended_at: at("2025-03-01") };
    let story = issued(programme()).knowing([never]);
    story.when(lock_1("l-1", "60", "2025-01-25")).then_refused(refusal);
}

#[test]
fn another_buyers_contract_is_refused() {
    let refusal = Refusal::NotTheHolder {
        voucher: id("v-1"),
        holder: id("company-c"),
        contract: id("k-2"),
        buyer: id("company-d"),
    };
    let of_d = lock("l-1", "v-1", "k-2", "60", "2025-01-25");
    issued(programme()).when(of_d).then_refused(refusal);
}

#[test]
fn a_contract_in_another_currency_is_refused() {
    let in_won = Contract { currency: id("KRW"), ..contract("k-3", "company-c", "provider-a") };
    let refusal = Refusal::ContractInOtherCurrency {
        contract: id("k-3"),
        priced_in: id("KRW"),
        currency: id("CNY"),
    };
    let story = issued(programme()).knowing([signed(31, in_won)]);
    story.when(lock("l-1", "v-1", "k-3", "60", "2025-01-25")).then_refused(refusal);
}

#[test]
fn the_seller_is_admitted_from_the_start_of_its_admission_up_to_its_end() {
    let story = loopledger_testkit::given::<Vouchers>([]).knowing(facts()).after([
        define(programme()),
        admit("provider-a", "2025-01-22", Some("2025-01-25")),
        issue("v-1", "company-c", "100", "2025-01-20"),
    ]);
    assert_locked(&story, lock_1("l-1", "60", "2025-01-22"));
    for outside in ["2025-01-21", "2025-01-25"] {
        let refusal = Refusal::NotAdmitted {
            programme: id("cv"),
            provider: id("provider-a"),
            at: at(outside),
        };
        story.when(lock_1("l-1", "60", outside)).then_refused(refusal);
    }
}

#[test]
fn all_vouchers_of_a_programme_together_lock_no_more_than_its_share_of_a_contract() {
    let story = opened(programme()).after([
        issue("v-1", "company-c", "200", "2025-01-20"),
        issue("v-2", "company-c", "200", "2025-01-20"),
        lock_1("l-1", "200", "2025-01-25"),
    ]);
    assert_locked(&story, lock("l-2", "v-2", "k-1", "100", "2025-01-25"));
    let above = |taken: &str, asked: &str| Refusal::AboveContractShare {
        contract: id("k-1"),
        limit: cny("300"),
        taken: cny(taken),
        asked: cny(asked),
    };
    let too_much = lock("l-2", "v-2", "k-1", "100.01", "2025-01-25");
    story.when(too_much).then_refused(above("200", "100.01"));
    let story = story
        .after([redeem("r-1", "v-1", "in-1", "60", "2025-03-10"), release("l-1", "2025-03-11")]);
    assert_locked(&story, lock("l-2", "v-2", "k-1", "200", "2025-03-12"));
    let story = story.after([lock_1("l-3", "100", "2025-03-12")]);
    let too_much = lock("l-2", "v-2", "k-1", "140.01", "2025-03-12");
    story.when(too_much).then_refused(above("160", "140.01"));
}

#[test]
fn of_a_user_nothing_is_known_of_as_much_is_locked_as_the_highest_tier_may_pay() {
    let tiered = ruled(|rules| {
        let when = Conditions { start_up: Some(true), ..Conditions::default() };
        rules.amount.tiers = vec![Tier { when, ratio: "0.6".parse().expect("a ratio") }];
    });
    let small =
        Contract { price_per_unit: id("1"), quantity: Some(id("100")), id: id("k-3"), ..k1() };
    let unknown = issued(tiered).knowing([signed(31, small)]);
    assert_locked(&unknown, lock("l-1", "v-1", "k-3", "60", "2025-01-25"));
    let (contract, limit) = (id("k-3"), cny("60"));
    let above = Refusal::AboveContractShare { contract, limit, taken: cny("0"), asked: cny("61") };
    unknown.when(lock("l-1", "v-1", "k-3", "61", "2025-01-25")).then_refused(above);
}

#[test]
fn the_share_of_a_contract_is_rounded_once_and_as_the_programme_says() {
    let fine = Contract { price_per_unit: id("0.1055"), quantity: Some(id("7")), ..k1() };
    let fine = Contract { id: id("k-3"), ..fine };
    for (digits, mode, limit) in [
        (2, loopledger_model::RoundingMode::Truncate, "0.22"),
        (1, loopledger_model::RoundingMode::HalfUp, "0.2"),
        (9, loopledger_model::RoundingMode::HalfUp, "0.22"),
    ] {
        let rounding = loopledger_model::Rounding { digits, mode };
        let story = issued(ruled(|rules| rules.rounding = rounding));
        let story = story.knowing([signed(31, fine.clone())]);
        let refusal = Refusal::AboveContractShare {
            contract: id("k-3"),
            limit: cny(limit),
            taken: cny("0"),
            asked: cny("1"),
        };
        story.when(lock("l-1", "v-1", "k-3", "1", "2025-01-25")).then_refused(refusal);
    }
}

#[test]
fn a_contract_beyond_what_the_ledger_counts_is_refused() {
    let most = "999999999999999";
    let vast = Contract { price_per_unit: id(most), quantity: Some(id(most)), ..k1() };
    let vast = Contract { id: id("k-3"), ..vast };
    let story = issued(programme()).knowing([signed(31, vast)]);
    let outcome = story.when(lock("l-1", "v-1", "k-3", "1", "2025-01-25")).0;
    assert!(matches!(outcome, Err(Refusal::BeyondBounds { .. })), "{outcome:?}");
}

#[test]
fn a_lock_above_the_free_amount_is_refused() {
    let story = locked_story();
    assert_locked(&story, lock_1("l-2", "40", "2025-01-26"));
    let (voucher, free) = (id("v-1"), cny("40"));
    let refusal = Refusal::AboveFree { voucher, free, asked: cny("40.01") };
    story.when(lock_1("l-2", "40.01", "2025-01-26")).then_refused(refusal);
}

#[test]
fn a_released_lock_frees_what_was_left_of_it() {
    let event = LockReleased {
        lock: id("l-1"),
        voucher: id("v-1"),
        programme: id("cv"),
        amount: cny("20"),
        at: at("2025-03-11"),
    };
    let story = redeemed(programme());
    story.when(release("l-1", "2025-03-11")).then([Event::LockReleased(event)]);
    assert_balances(&story.after([release("l-1", "2025-03-11")]), "v-1", "60", "0");
}

#[test]
fn a_lock_is_released_once() {
    let story = locked_story().after([release("l-1", "2025-02-01")]);
    story.when(release("l-1", "2025-02-01")).then_nothing();
    story.when(release("l-1", "2025-02-02")).then_refused(Refusal::LockGone { lock: id("l-1") });
}

#[test]
fn a_lock_that_is_used_up_is_not_released() {
    let used_up = locked_story().after([redeem("r-1", "v-1", "in-1", "60", "2025-03-10")]);
    used_up.when(release("l-1", "2025-03-11")).then_refused(Refusal::LockGone { lock: id("l-1") });
}

#[test]
fn a_lock_that_ended_with_its_voucher_is_not_released() {
    let ended = locked_story().after([end("v-1", Ending::Revoked, "2025-02-01")]);
    ended.when(release("l-1", "2025-02-01")).then_refused(Refusal::LockGone { lock: id("l-1") });
}

#[test]
fn an_unknown_lock_is_not_released() {
    let refusal = Refusal::UnknownLock { lock: id("l-9") };
    locked_story().when(release("l-9", "2025-02-01")).then_refused(refusal);
}

#[test]
fn a_lock_is_not_released_before_it_was_made() {
    let refusal =
        Refusal::BeforeLock { lock: id("l-1"), locked_at: at("2025-01-25"), at: at("2025-01-24") };
    locked_story().when(release("l-1", "2025-01-24")).then_refused(refusal);
    assert!(locked_story().when(release("l-1", "2025-01-25")).0.is_ok());
}

#[test]
fn a_lock_of_a_voucher_that_ran_out_can_still_be_released() {
    let story = locked(ruled(|rules| rules.validity_days = Some(10)));
    assert!(story.when(release("l-1", "2025-06-01")).0.is_ok());
}
