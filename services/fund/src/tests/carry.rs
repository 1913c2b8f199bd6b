//! The manager's share of profit (F6): the tiers before it are filled first, worked out by hand.

use loopledger_model::fund::{Refusal, Waterfall};
use loopledger_testkit::{at, cny, id};

use super::*;

/// lp-a paid in 73,000 on 1 April 2025; 8 % a year come before carry. It is 16 a day, so 5,840 in a year.
fn grown(catch_up: Option<&str>) -> Story<FundDecider> {
    let waterfall = Waterfall {
        preferred_percent_a_year: Some(id("8")),
        catch_up_percent: catch_up.map(id),
        carry_percent: id("20"),
    };
    blank().after([
        form("fund-1", "2025-03-01"),
        commit("k-1", "fund-1", "lp-a", "73000", "2025-03-02"),
        Command::SetTerms(SetTerms { waterfall: Some(waterfall), ..terms() }),
        contribute("c-1", "fund-1", "lp-a", "73000", "2025-04-01"),
        transfer("t-1", "company-c", "fund-1", "50000", "2025-05-01"),
    ])
}

fn carry(name: &str, amount: &str, day: &str) -> Command {
    Command::PayCarry(PayCarry {
        id: id(name),
        fund: id("fund-1"),
        payee: id("gp"),
        amount: cny(amount),
        at: at(day),
    })
}

fn too_early(contributed: &str, distributed: &str, carry: &str, day: &str) -> Refusal {
    Refusal::CarryTooEarly {
        fund: id("fund-1"),
        contributed: cny(contributed),
        distributed: cny(distributed),
        carry: cny(carry),
        at: at(day),
    }
}

fn paid_back(story: Story<FundDecider>, amount: &str) -> Story<FundDecider> {
    story.after([distribute("d-1", "fund-1", "lp-a", amount, "2026-04-01")])
}

#[test]
fn capital_and_preferred_return_come_first() {
    let refused = |back: &str, asked: &str| {
        let refusal = too_early("73000", back, asked, "2026-04-01");
        paid_back(grown(Some("100")), back)
            .when(carry("ca-1", asked, "2026-04-01"))
            .then_refused(refusal);
    };
    refused("72999.99", "0.01");
    refused("73000", "0.01");
    refused("78839.99", "0.01");
    // A full catch-up: a fifth of all profit is a quarter of 5,840.
    refused("78840", "1460.01");
    accepts(paid_back(grown(Some("100")), "78840"), &carry("ca-1", "1460", "2026-04-01"));
}

#[test]
fn without_a_catch_up_the_manager_shares_what_is_beyond_the_preferred_return() {
    let story = paid_back(grown(None), "79840");
    story.when(carry("ca-1", "250.01", "2026-04-01")).then_refused(too_early(
        "73000",
        "79840",
        "250.01",
        "2026-04-01",
    ));
    accepts(story, &carry("ca-1", "250", "2026-04-01"));
}

#[test]
fn half_a_catch_up_goes_on_until_the_share_of_all_profit_is_reached() {
    // Each takes as much until the manager has a fifth of all: 5,840 / 3 = 1,946.66.
    let story = paid_back(grown(Some("50")), "80000");
    story.when(carry("ca-1", "1160.01", "2026-04-01")).then_refused(too_early(
        "73000",
        "80000",
        "1160.01",
        "2026-04-01",
    ));
    let story = accepts(story, &carry("ca-1", "1160", "2026-04-01"));
    // Beyond it, a quarter of what partners gained: 9,000 / 4 = 2,250.
    let story = story.after([distribute("d-2", "fund-1", "lp-a", "2000", "2026-04-01")]);
    story.when(carry("ca-2", "1090.01", "2026-04-02")).then_refused(too_early(
        "73000",
        "82000",
        "2250.01",
        "2026-04-02",
    ));
    accepts(story, &carry("ca-2", "1090", "2026-04-02"));
}

#[test]
fn carry_that_was_paid_later_counts_against_what_is_recorded_late() {
    let story = paid_back(grown(Some("100")), "78840");
    let story = story.after([carry("ca-1", "1460", "2026-04-02")]);
    story.when(carry("ca-2", "0.01", "2026-04-01")).then_refused(too_early(
        "73000",
        "78840",
        "1460.01",
        "2026-04-02",
    ));
}

#[test]
fn carry_needs_terms_that_share_profit() {
    funded()
        .when(carry("ca-1", "1", "2025-04-01"))
        .then_refused(Refusal::NoWaterfall { fund: id("fund-1"), at: at("2025-04-01") });
    let story = paid_back(grown(None), "79840").after([carry("ca-1", "1", "2026-04-01")]);
    story
        .when(carry("ca-1", "2", "2026-04-01"))
        .then_refused(Refusal::CarryExists { carry: id("ca-1") });
}
