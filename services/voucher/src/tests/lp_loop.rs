//! A season of a city's programme: provider A's capital reaches company C through a fund, company C
//! pays provider A with vouchers, company D pays provider X by the card-hour.

use loopledger_model::Fact;
use loopledger_model::purchase::{Contract, ContractUnit, TerminationReason};
use loopledger_model::voucher::{Command, Programme, Refusal, Rules};
use loopledger_testkit::{Story, at, cny, given, id, period};

use super::world::*;
use crate::Vouchers;

fn season() -> Programme {
    let rules = Rules {
        cap_voucher: Some(cny("2000000")),
        cap_holder_year: Some(cny("2000000")),
        validity_days: Some(365),
        metering_required: true,
        ..programme().rules
    };
    Programme { budget: cny("50000000"), rules, ..programme() }
}

fn k_1() -> Contract {
    Contract {
        price_per_unit: id("5991"),
        quantity: Some(id("3600")),
        declared_p: Some(id("600")),
        ..contract("k-1", "company-c", "provider-a")
    }
}

fn k_2() -> Contract {
    Contract {
        unit: ContractUnit::CardHour,
        price_per_unit: id("9.50"),
        quantity: Some(id("600000")),
        at: at("2025-02-15"),
        term: period("2025-03-01", "2025-06-09"),
        ..contract("k-2", "company-d", "provider-x")
    }
}

fn k_5() -> Contract {
    Contract {
        price_per_unit: id("5991"),
        quantity: Some(id("9000")),
        at: at("2025-03-05"),
        term: period("2025-04-01", "2025-10-01"),
        ..contract("k-5", "company-d", "provider-a")
    }
}

fn facts() -> Vec<Fact> {
    let purchases = [
        signed(11, k_1()),
        signed(12, k_2()),
        signed(13, k_5()),
        terminated(14, &k_5(), "2025-03-28", TerminationReason::NeverExecuted),
        invoice(21, "in-1", &k_1(), february(), "600", cny("3594600")),
        invoice(22, "in-2", &k_1(), march(), "600", cny("3594600")),
        invoice(23, "in-3", &k_2(), march(), "150000", cny("1425000")),
        usage(31, "k-1", february(), "240000"),
        usage(32, "k-1", march(), "251000"),
        usage(33, "k-2", march(), "150000"),
    ];
    parties().into_iter().chain(purchases).collect()
}

fn history() -> Vec<Command> {
    vec![
        define(season()),
        admit("provider-a", "2025-01-01", None),
        admit("provider-x", "2025-01-01", None),
        issue("v-c1", "company-c", "2000000", "2025-01-20"),
        lock("lk-1", "v-c1", "k-1", "2000000", "2025-01-25"),
        issue("v-d1", "company-d", "1200000", "2025-02-20"),
        lock("lk-2", "v-d1", "k-2", "427500", "2025-02-25"),
        redeem("rd-1", "v-c1", "in-1", "1078380", "2025-03-25"),
        settle("st-1", "rd-1", "1078380", "2025-04-15"),
        redeem("rd-2", "v-c1", "in-2", "921620", "2025-04-25"),
        redeem("rd-3", "v-d1", "in-3", "427500", "2025-04-26"),
        settle("st-3", "rd-3", "427500", "2025-05-15"),
    ]
}

fn story() -> Story<Vouchers> {
    given([]).knowing(facts()).after(history())
}

#[test]
fn company_cs_voucher_is_redeemed_to_the_last_cent() {
    let story = story();
    assert_balances(&story, "v-c1", "0", "0");
    let redeemed = ["rd-1", "rd-2"].map(|name| story.state.redemption(&id(name)));
    let redeemed = redeemed.map(|redemption| redemption.expect("it was redeemed").amount);
    assert_eq!(redeemed, [cny("1078380"), cny("921620")]);
}

#[test]
fn company_ds_voucher_is_redeemed_as_far_as_it_was_locked() {
    let story = story();
    assert_balances(&story, "v-d1", "772500", "0");
    let redemption = story.state.redemption(&id("rd-3")).expect("it was redeemed");
    assert_eq!((redemption.amount, redemption.paid), (cny("427500"), cny("427500")));
}

#[test]
fn the_season_imported_twice_changes_nothing() {
    let story = story();
    for command in history() {
        story.when(command).then_nothing();
    }
}

#[test]
fn the_budget_keeps_what_was_not_issued() {
    let account = story();
    let account = account.state.programme(&id("cv")).expect("the programme is defined");
    assert_eq!(account.budget.remaining(account.terms()), cny("46800000"));
    assert_eq!(account.issued_to(&id("company-c"), 2025), cny("2000000"));
}

#[test]
fn the_next_cent_of_the_march_invoice_is_beyond_what_is_locked() {
    let refusal = Refusal::NotLocked { voucher: id("v-c1"), contract: id("k-1") };
    story().when(redeem("rd-4", "v-c1", "in-2", "0.01", "2025-04-27")).then_refused(refusal);
}

#[test]
fn the_unpaid_redemption_can_still_be_settled_once() {
    let story = story().after([settle("st-2", "rd-2", "921620", "2025-05-16")]);
    let refusal = Refusal::AboveRedemption {
        redemption: id("rd-2"),
        redeemed: cny("921620"),
        paid: cny("921620"),
        asked: cny("0.01"),
    };
    story.when(settle("st-4", "rd-2", "0.01", "2025-05-17")).then_refused(refusal);
}

#[test]
fn the_contract_that_was_never_executed_takes_no_voucher() {
    let refusal = Refusal::ContractEnded { contract: id("k-5"), ended_at: at("2025-03-28") };
    story().when(lock("lk-3", "v-d1", "k-5", "100000", "2025-03-10")).then_refused(refusal);
}
