//! Settling redemptions.

use loopledger_model::voucher::{
    Command, Ending, Event, RedemptionSettled, Refusal, SettleRedemption,
};
use loopledger_testkit::{at, cny, id, money};

use super::world::*;

#[test]
fn a_settlement_names_who_paid_whom_for_what() {
    let settled = RedemptionSettled {
        id: id("s-1"),
        redemption: id("r-1"),
        voucher: id("v-1"),
        programme: id("cv"),
        issuer: id("city"),
        holder: id("company-c"),
        provider: id("provider-a"),
        contract: id("k-1"),
        invoice: id("in-1"),
        amount: cny("40"),
        at: at("2025-04-01"),
        reference: Some(id("treasury-0001")),
        payee: None,
        funding: Vec::new(),
    };
    let asked = Command::SettleRedemption(SettleRedemption {
        id: id("s-1"),
        redemption: id("r-1"),
        amount: cny("40"),
        at: at("2025-04-01"),
        reference: Some(id("treasury-0001")),
    });
    let story = redeemed(programme());
    story.when(asked.clone()).then([Event::RedemptionSettled(settled)]);
    story.after([asked.clone()]).when(asked).then_nothing();
}

#[test]
fn another_settlement_of_the_same_name_is_refused() {
    let story = redeemed(programme()).after([
        redeem("r-2", "v-1", "in-2", "20", "2025-04-10"),
        settle("s-1", "r-1", "20", "2025-04-15"),
    ]);
    let referenced = Command::SettleRedemption(SettleRedemption {
        id: id("s-1"),
        redemption: id("r-1"),
        amount: cny("20"),
        at: at("2025-04-15"),
        reference: Some(id("treasury-0001")),
    });
    for other in [
        settle("s-1", "r-1", "19", "2025-04-15"),
        settle("s-1", "r-1", "20", "2025-04-16"),
        settle("s-1", "r-2", "20", "2025-04-15"),
        referenced,
    ] {
        story.when(other).then_refused(Refusal::SettlementExists { settlement: id("s-1") });
    }
}

#[test]
fn an_amount_that_is_not_above_zero_is_refused() {
    let refusal = Refusal::NotPositive { amount: cny("0") };
    redeemed(programme()).when(settle("s-1", "r-1", "0", "2025-04-01")).then_refused(refusal);
}

#[test]
fn an_amount_in_another_currency_is_refused() {
    let amount = money("5", "USD");
    let dollars = Command::SettleRedemption(SettleRedemption {
        id: id("s-1"),
        redemption: id("r-1"),
        amount,
        at: at("2025-04-01"),
        reference: None,
    });
    let refusal = Refusal::WrongCurrency { amount, currency: id("CNY") };
    redeemed(programme()).when(dollars).then_refused(refusal);
}

#[test]
fn an_unknown_redemption_is_not_settled() {
    let refusal = Refusal::UnknownRedemption { redemption: id("r-9") };
    redeemed(programme()).when(settle("s-1", "r-9", "40", "2025-04-01")).then_refused(refusal);
}

#[test]
fn a_redemption_is_settled_from_the_instant_it_was_made() {
    let story = redeemed(programme());
    assert!(story.when(settle("s-1", "r-1", "40", "2025-03-10")).0.is_ok());
    let refusal = Refusal::BeforeRedemption {
        redemption: id("r-1"),
        redeemed_at: at("2025-03-10"),
        at: at("2025-03-09"),
    };
    story.when(settle("s-1", "r-1", "40", "2025-03-09")).then_refused(refusal);
}

#[test]
fn a_redemption_is_settled_in_parts_but_not_beyond_its_amount() {
    let story = redeemed(programme()).after([settle("s-1", "r-1", "25", "2025-04-01")]);
    assert!(story.when(settle("s-2", "r-1", "15", "2025-04-02")).0.is_ok());
    let refusal = Refusal::AboveRedemption {
        redemption: id("r-1"),
        redeemed: cny("40"),
        paid: cny("25"),
        asked: cny("15.01"),
    };
    story.when(settle("s-2", "r-1", "15.01", "2025-04-02")).then_refused(refusal);
}

#[test]
fn what_was_redeemed_is_settled_even_after_the_voucher_ended() {
    let story = redeemed(programme()).after([end("v-1", Ending::Revoked, "2025-03-20")]);
    assert!(story.when(settle("s-1", "r-1", "40", "2025-04-01")).0.is_ok());
}
