//! The affiliation gate: company C locks a voucher to its contract with provider A.

use loopledger_model::voucher::{Affiliation, Command, Link, Refusal, Rules};
use loopledger_model::{Event, Fact, Percent, fund, registry};
use loopledger_testkit::{Story, at, cny, fact, id};

use super::world::*;
use crate::Vouchers;

fn stake(position: u64, names: [&str; 2], percent: &str, from: &str, to: Option<&str>) -> Fact {
    let [owner, owned] = names.map(id);
    let (percent, at, to) = (id(percent), at(from), to.map(at));
    let stake = registry::Stake { owner, owned, percent, at, to };
    fact(position, Event::Registry(registry::Event::StakeRecorded(stake)))
}

/// Stakes that have been in force since 2024.
fn stakes<const N: usize>(held: [(&str, &str, &str); N]) -> Vec<Fact> {
    let stake = |(position, (owner, owned, percent))| {
        stake(position, [owner, owned], percent, "2024-01-01", None)
    };
    (100..).zip(held).map(stake).collect()
}

fn contribution(position: u64, lp: &str, fund: &str, when: &str) -> Fact {
    let (amount, at, lp, fund) = (cny("70"), at(when), id(lp), id(fund));
    let paid =
        fund::Contribution { id: id(&format!("ct-{position}")), fund, lp, amount, at, call: None };
    fact(position, Event::Fund(fund::Event::ContributionReceived(paid)))
}

fn investment(position: u64, investor: &str, company: &str, when: &str) -> Fact {
    let paid = fund::Investment {
        id: id(&format!("iv-{position}")),
        investor: id(investor),
        company: id(company),
        amount: cny("40"),
        stake_percent: None,
        at: at(when),
        follows: None,
    };
    fact(position, Event::Fund(fund::Event::InvestmentFunded(paid)))
}

/// Provider A paid into fund B in September 2024; fund B invested in company C in November.
fn through_a_fund() -> [Fact; 2] {
    [
        contribution(101, "provider-a", "fund-b", "2024-09-01"),
        investment(102, "fund-b", "company-c", "2024-11-15"),
    ]
}

fn story(
    change: impl FnOnce(&mut Rules),
    facts: impl IntoIterator<Item = Fact>,
) -> Story<Vouchers> {
    issued(ruled(change)).knowing(facts)
}

fn legal(rules: &mut Rules) {
    rules.affiliation = Affiliation::RefuseLegal;
}

fn look_through(rules: &mut Rules) {
    rules.affiliation = Affiliation::RefuseLookThrough;
}

fn funding_link(rules: &mut Rules) {
    rules.affiliation = Affiliation::RefuseFundingLink;
}

fn lock_on(when: &str) -> Command {
    lock("l-1", "v-1", "k-1", "60", when)
}

#[track_caller]
fn assert_permitted(story: &Story<Vouchers>, when: &str) {
    story.when(lock_on(when)).0.expect("the two are not related");
}

#[track_caller]
fn assert_related(
    story: &Story<Vouchers>,
    when: &str,
    rule: Affiliation,
    path: &[Link],
    percent: Option<&str>,
) {
    story.when(lock_on(when)).then_refused(Refusal::Related {
        rule,
        provider: id("provider-a"),
        buyer: id("company-c"),
        path: path.to_vec(),
        percent: percent.map(id),
    });
}

fn holds(from: &str, to: &str, percent: &str) -> Link {
    let percent: Percent = id(percent);
    Link { from: id(from), to: id(to), percent: Some(percent), amount: None, at: at("2024-01-01") }
}

fn paid(from: &str, to: &str, amount: &str, when: &str) -> Link {
    let amount = Some(cny(amount));
    Link { from: id(from), to: id(to), percent: None, amount, at: at(when) }
}

#[test]
fn a_programme_may_allow_every_relation() {
    let owned = stakes([("provider-a", "company-c", "100")]);
    assert_permitted(&story(|_| {}, owned.into_iter().chain(through_a_fund())), "2025-01-25");
}

#[test]
fn control_of_one_by_the_other_is_refused_in_either_direction() {
    for (owner, owned) in [("provider-a", "company-c"), ("company-c", "provider-a")] {
        let half = story(legal, stakes([(owner, owned, "50")]));
        let path = [holds(owner, owned, "50")];
        assert_related(&half, "2025-01-25", Affiliation::RefuseLegal, &path, None);
        let less = story(legal, stakes([(owner, owned, "49.999999999")]));
        assert_permitted(&less, "2025-01-25");
    }
}

#[test]
fn control_passes_on_whole_through_those_who_are_controlled() {
    let half_of_half = [("provider-a", "holding", "50"), ("holding", "company-c", "50")];
    let path = [holds("provider-a", "holding", "50"), holds("holding", "company-c", "50")];
    let story = story(legal, stakes(half_of_half));
    assert_related(&story, "2025-01-25", Affiliation::RefuseLegal, &path, None);
}

#[test]
fn control_of_both_by_a_third_party_is_refused() {
    let siblings = [("parent", "provider-a", "51"), ("parent", "company-c", "60")];
    let path = [holds("parent", "provider-a", "51"), holds("parent", "company-c", "60")];
    let story = story(legal, stakes(siblings));
    assert_related(&story, "2025-01-25", Affiliation::RefuseLegal, &path, None);
}

#[test]
fn a_programme_may_see_control_in_a_smaller_stake() {
    let third = || stakes([("provider-a", "company-c", "33.3")]);
    let stricter = |rules: &mut Rules| {
        legal(rules);
        rules.affiliation_percent = Some(id("33.3"));
    };
    let path = [holds("provider-a", "company-c", "33.3")];
    let strict = story(stricter, third());
    assert_related(&strict, "2025-01-25", Affiliation::RefuseLegal, &path, None);
    assert_permitted(&story(legal, third()), "2025-01-25");
}

#[test]
fn only_stakes_in_force_at_the_instant_count() {
    let for_a_while = stake(101, ["provider-a", "company-c"], "60", "2025-01-22", None);
    let sold_down = stake(102, ["provider-a", "company-c"], "10", "2025-01-24", Some("2025-01-26"));
    let story = story(legal, [for_a_while, sold_down]);
    assert_permitted(&story, "2025-01-21T23:59:59Z");
    let path = [Link { at: at("2025-01-22"), ..holds("provider-a", "company-c", "60") }];
    for when in ["2025-01-22", "2025-01-23T23:59:59Z"] {
        assert_related(&story, when, Affiliation::RefuseLegal, &path, None);
    }
    for when in ["2025-01-24", "2025-01-26", "2025-01-27"] {
        assert_permitted(&story, when);
    }
}

#[test]
fn a_stake_counts_up_to_its_end() {
    let until = stake(101, ["provider-a", "company-c"], "60", "2024-01-01", Some("2025-01-24"));
    let story = story(legal, [until]);
    let path = [holds("provider-a", "company-c", "60")];
    assert_related(&story, "2025-01-23T23:59:59Z", Affiliation::RefuseLegal, &path, None);
    assert_permitted(&story, "2025-01-24");
}

#[test]
fn a_share_through_any_chain_is_refused_in_either_direction() {
    for [top, below] in [["provider-a", "company-c"], ["company-c", "provider-a"]] {
        let chain = |last| stakes([(top, "holding", "50"), ("holding", below, last)]);
        let quarter = story(look_through, chain("50"));
        let path = [holds(top, "holding", "50"), holds("holding", below, "50")];
        let rule = Affiliation::RefuseLookThrough;
        assert_related(&quarter, "2025-01-25", rule, &path, Some("25"));
        assert_permitted(&story(look_through, chain("49.999999999")), "2025-01-25");
    }
}

#[test]
fn shares_through_several_chains_add_up() {
    let chains = stakes([
        ("provider-a", "company-c", "20"),
        ("provider-a", "holding", "10"),
        ("holding", "company-c", "50"),
        ("stranger", "holding", "90"),
    ]);
    let path = [
        holds("provider-a", "company-c", "20"),
        holds("provider-a", "holding", "10"),
        holds("holding", "company-c", "50"),
    ];
    let story = story(look_through, chains);
    assert_related(&story, "2025-01-25", Affiliation::RefuseLookThrough, &path, Some("25"));
}

#[test]
fn a_share_through_a_cross_holding_is_written_to_nine_decimals() {
    let crossed = stakes([
        ("provider-a", "company-c", "20"),
        ("company-c", "holding", "50"),
        ("holding", "company-c", "50"),
    ]);
    let path = [
        holds("provider-a", "company-c", "20"),
        holds("company-c", "holding", "50"),
        holds("holding", "company-c", "50"),
    ];
    let story = story(look_through, crossed);
    let percent = Some("26.666666667");
    assert_related(&story, "2025-01-25", Affiliation::RefuseLookThrough, &path, percent);
}

#[test]
fn filings_that_add_up_to_more_than_all_count_as_all() {
    let twice = stakes([
        ("provider-a", "left", "100"),
        ("provider-a", "right", "100"),
        ("left", "company-c", "100"),
        ("right", "company-c", "100"),
    ]);
    let outcome = story(look_through, twice).when(lock_on("2025-01-25")).0;
    let Err(Refusal::Related { percent, path, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((percent, path.len()), (Some(id("100")), 4));
}

#[test]
fn filings_that_leave_no_answer_lock_nothing() {
    let circle = stakes([
        ("provider-a", "left", "10"),
        ("left", "right", "100"),
        ("right", "left", "100"),
        ("left", "company-c", "10"),
    ]);
    let outcome = story(look_through, circle).when(lock_on("2025-01-25")).0;
    let Err(Refusal::BeyondBounds { reason }) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("provider-a") && reason.contains("company-c"), "{reason}");
}

#[test]
fn capital_that_reached_the_buyer_through_a_fund_is_refused() {
    let path = [
        paid("provider-a", "fund-b", "70", "2024-09-01"),
        paid("fund-b", "company-c", "40", "2024-11-15"),
    ];
    let story = story(funding_link, through_a_fund());
    assert_related(&story, "2025-01-25", Affiliation::RefuseFundingLink, &path, None);
}

#[test]
fn capital_counts_for_twelve_calendar_months_from_its_first_payment() {
    let story = story(funding_link, through_a_fund());
    assert!(story.when(lock_on("2025-09-01")).0.is_err());
    assert_permitted(&story, "2025-09-01T00:00:00.000000001Z");
}

#[test]
fn a_programme_may_look_back_over_other_months() {
    let lent = || [investment(101, "provider-a", "company-c", "2025-02-28T12:00:00Z")];
    let months = |months| {
        move |rules: &mut Rules| {
            funding_link(rules);
            rules.funding_link_months = Some(months);
        }
    };
    let one = story(months(1), lent());
    assert!(one.when(lock_on("2025-03-28T12:00:00Z")).0.is_err());
    assert!(one.when(lock_on("2025-03-31T12:00:00Z")).0.is_err(), "a month before is 28 February");
    assert_permitted(&one, "2025-03-31T12:00:01Z");
    assert!(story(months(u32::MAX), lent()).when(lock_on("2025-07-01")).0.is_err());
    assert_permitted(&story(months(0), lent()), "2025-07-01");
}

#[test]
fn capital_does_not_flow_backwards_in_time_or_against_its_direction() {
    let too_early = [
        contribution(101, "provider-a", "fund-b", "2024-12-01"),
        investment(102, "fund-b", "company-c", "2024-11-15"),
    ];
    assert_permitted(&story(funding_link, too_early), "2025-01-25");
    let upwards = [investment(101, "company-c", "provider-a", "2024-11-15")];
    assert_permitted(&story(funding_link, upwards), "2025-01-25");
}

#[test]
fn capital_at_one_instant_flows_in_the_order_in_which_it_was_recorded() {
    let same_day = |first, second| {
        [
            contribution(first, "provider-a", "fund-b", "2024-12-01"),
            investment(second, "fund-b", "company-c", "2024-12-01"),
        ]
    };
    assert!(story(funding_link, same_day(101, 102)).when(lock_on("2025-01-25")).0.is_err());
    assert_permitted(&story(funding_link, same_day(102, 101)), "2025-01-25");
}

#[test]
fn capital_that_had_not_arrived_yet_does_not_count() {
    let late = [investment(101, "provider-a", "company-c", "2025-01-25T00:00:01Z")];
    let story = story(funding_link, late);
    assert_permitted(&story, "2025-01-25");
    assert!(story.when(lock_on("2025-01-25T00:00:01Z")).0.is_err());
}

#[test]
fn capital_counts_over_four_payments_and_no_more() {
    let chain = |parties: &[&str]| -> Vec<Fact> {
        let pairs = (101..).zip(parties.windows(2));
        pairs.map(|(position, pair)| investment(position, pair[0], pair[1], "2024-12-01")).collect()
    };
    let four = chain(&["provider-a", "w", "x", "y", "company-c"]);
    assert!(story(funding_link, four).when(lock_on("2025-01-25")).0.is_err());
    let five = chain(&["provider-a", "w", "x", "y", "z", "company-c"]);
    assert_permitted(&story(funding_link, five), "2025-01-25");
}

#[test]
fn the_gate_is_asked_again_when_the_voucher_is_redeemed() {
    let bought = stake(101, ["provider-a", "company-c"], "60", "2025-03-01", None);
    let story = locked(ruled(legal)).knowing([bought]);
    let outcome = story.when(redeem("r-1", "v-1", "in-1", "40", "2025-03-10")).0;
    assert!(matches!(outcome, Err(Refusal::Related { .. })), "{outcome:?}");
}
