//! Whatever is asked in whatever order: the books always add up, checked against plain sums over
//! all events.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::fund::Refusal;
use loopledger_model::{Money, PartyId};
use loopledger_service::Decider;
use proptest::prelude::*;
use rust_decimal::Decimal;

use loopledger_model::fund;

use super::*;
use crate::movement::Movement;
use crate::state::State;

fn day(number: u32) -> Timestamp {
    Timestamp::from_second(1_740_787_200 + i64::from(number) * 86_400).expect("in range")
}

fn amount(units: u32) -> Money {
    cny(&units.to_string())
}

/// Names come from a small stock, so that commands meet each other's things.
fn named(kind: &'static str) -> impl Strategy<Value = String> {
    (0..12u32).prop_map(move |number| format!("{kind}-{number}"))
}

fn fund() -> impl Strategy<Value = PartyId> {
    prop_oneof![3 => Just("fund-1"), 2 => Just("fund-2")].prop_map(id)
}

/// A partner may be a fund.
fn lp() -> impl Strategy<Value = PartyId> {
    prop_oneof![3 => Just("lp-a"), 1 => Just("fund-1"), 2 => Just("fund-2")].prop_map(id)
}

/// An investor may be a fund, and so may what it invests in.
fn party() -> impl Strategy<Value = PartyId> {
    prop::sample::select(vec!["lp-a", "lp-b", "fund-1", "fund-2", "company-c"]).prop_map(id)
}

fn when() -> impl Strategy<Value = Timestamp> {
    (0..10u32).prop_map(day)
}

fn up_to(units: u32) -> impl Strategy<Value = Money> {
    (1..=units).prop_map(amount)
}

fn formation() -> impl Strategy<Value = Command> {
    (fund(), 0..6u32).prop_map(|(fund, number)| {
        let (manager, currency) = (id("gp"), id("CNY"));
        Command::FormFund(Fund { id: fund, manager, currency, at: day(number) })
    })
}

fn commitment() -> impl Strategy<Value = Command> {
    (named("k"), fund(), lp(), up_to(200), when()).prop_map(|(name, fund, lp, amount, at)| {
        let (id, priority_supplier) = (id(&name), false);
        Command::Commit(Commitment { id, fund, lp, amount, at, priority_supplier })
    })
}

fn contribution() -> impl Strategy<Value = Command> {
    (named("c"), fund(), lp(), up_to(90), when()).prop_map(|(name, fund, lp, amount, at)| {
        Command::Contribute(Contribution { id: id(&name), fund, lp, amount, at })
    })
}

fn investment() -> impl Strategy<Value = Command> {
    let percent = (10..60u32).prop_map(|percent| id(&percent.to_string()));
    let stake = prop::option::weighted(0.7, percent);
    (named("i"), party(), party(), up_to(60), stake, when()).prop_map(
        |(name, investor, company, amount, stake_percent, at)| {
            let id = id(&name);
            Command::Invest(Investment { id, investor, company, amount, stake_percent, at })
        },
    )
}

fn distribution() -> impl Strategy<Value = Command> {
    (named("d"), fund(), lp(), up_to(60), when()).prop_map(|(name, fund, lp, amount, at)| {
        Command::Distribute(Distribution { id: id(&name), fund, lp, amount, at })
    })
}

fn any_transfer() -> impl Strategy<Value = Command> {
    (named("t"), party(), party(), up_to(60), when()).prop_map(|(name, from, to, amount, at)| {
        let (id, purpose) = (id(&name), id("settlement"));
        Command::RecordTransfer(Transfer { id, from, to, amount, at, purpose })
    })
}

fn any_recognition() -> impl Strategy<Value = Command> {
    let kind = prop::sample::select(vec![
        fund::RecognitionKind::MovedIn,
        fund::RecognitionKind::LocalPurchase,
    ]);
    let payment = prop::option::of(named("p"));
    (named("r"), fund(), kind, up_to(60), when(), payment).prop_map(
        |(name, fund, kind, amount, at, payment)| {
            let payment = payment.map(|name| id(&name));
            let (id, company) = (id(&name), id("company-c"));
            Command::RecogniseReinvestment(RecogniseReinvestment {
                id,
                fund,
                kind,
                company,
                amount,
                at,
                payment,
            })
        },
    )
}

fn any_nav() -> impl Strategy<Value = Command> {
    let restated = prop::option::weighted(0.6, named("n"));
    (named("n"), fund(), up_to(60), when(), restated).prop_map(
        |(name, fund, amount, as_of, restated)| {
            let restates = restated.map(|name| id(&name));
            Command::StrikeNav(StrikeNav {
                id: id(&name),
                fund,
                as_of,
                amount,
                at: as_of,
                restates,
            })
        },
    )
}

/// Both funds exist in most runs, with something promised to them.
fn commands() -> impl Strategy<Value = Vec<Command>> {
    let opening = vec![
        form("fund-1", "2025-03-01"),
        commit("k-100", "fund-1", "lp-a", "200", "2025-03-01"),
        contribute("c-100", "fund-1", "lp-a", "100", "2025-03-03"),
    ];
    let command = prop_oneof![
        1 => formation(),
        2 => commitment(),
        6 => contribution(),
        4 => investment(),
        4 => distribution(),
        2 => any_transfer(),
        2 => any_nav(),
        1 => any_recognition(),
    ];
    prop::collection::vec(command, 0..60).prop_map(move |rest| {
        let mut all = opening.clone();
        all.extend(rest);
        all
    })
}

fn movement(event: &Event) -> Option<Movement<'_>> {
    match event {
        Event::FundFormed(_)
        | Event::CommitmentMade(_)
        | Event::NavStruck(_)
        | Event::ReinvestmentRecognised(_) => None,
        Event::ContributionReceived(contribution) => Some(contribution.into()),
        Event::InvestmentFunded(investment) => Some(investment.into()),
        Event::DistributionPaid(distribution) => Some(distribution.into()),
        Event::TransferRecorded(transfer) => Some(transfer.into()),
    }
}

/// A fund's balance after each of its movements since its formation, by instant and then as
/// recorded.
fn balances(events: &[Event], fund: &Fund) -> Vec<(Timestamp, Decimal)> {
    let mut changes = Vec::new();
    for movement in events.iter().filter_map(movement).filter(|it| it.at >= fund.at) {
        if *movement.from == fund.id {
            changes.push((movement.at, -movement.amount.amount()));
        }
        if *movement.to == fund.id {
            changes.push((movement.at, movement.amount.amount()));
        }
    }
    changes.sort_by_key(|(at, _)| *at);
    let running = changes.into_iter().scan(Decimal::ZERO, |balance, (at, change)| {
        *balance += change;
        Some((at, *balance))
    });
    running.collect()
}

fn formed(events: &[Event]) -> impl Iterator<Item = &Fund> {
    events.iter().filter_map(|event| match event {
        Event::FundFormed(fund) => Some(fund),
        Event::CommitmentMade(_)
        | Event::ContributionReceived(_)
        | Event::InvestmentFunded(_)
        | Event::DistributionPaid(_)
        | Event::TransferRecorded(_)
        | Event::NavStruck(_)
        | Event::ReinvestmentRecognised(_) => None,
    })
}

/// The first instant at which some fund's balance is below zero.
fn first_overdrawn(events: &[Event]) -> Option<Timestamp> {
    let all = formed(events).flat_map(|fund| balances(events, fund));
    all.filter(|(_, balance)| *balance < Decimal::ZERO).map(|(at, _)| at).min()
}

/// The first day on which some partner has paid in more than it promised by the end of that day.
fn first_overpaid(events: &[Event]) -> Option<Timestamp> {
    (0..10).map(day).find(|today| {
        let mut unfunded: BTreeMap<(&PartyId, &PartyId), Decimal> = BTreeMap::new();
        for event in events.iter().filter(|event| event.at() <= *today) {
            if let Event::CommitmentMade(it) = event {
                *unfunded.entry((&it.fund, &it.lp)).or_default() += it.amount.amount();
            } else if let Event::ContributionReceived(it) = event {
                *unfunded.entry((&it.fund, &it.lp)).or_default() -= it.amount.amount();
            }
        }
        unfunded.values().any(|left| *left < Decimal::ZERO)
    })
}

fn above_whole(events: &[Event]) -> bool {
    let mut held: BTreeMap<&PartyId, Decimal> = BTreeMap::new();
    for event in events {
        if let Event::InvestmentFunded(Investment { company, stake_percent: Some(stake), .. }) =
            event
        {
            *held.entry(company).or_default() += stake.value();
        }
    }
    held.values().any(|held| *held > Decimal::ONE_HUNDRED)
}

/// A refusal for lack of something is right only if plain sums, with the command's event in them,
/// show the lack.
fn check_refusal(refusal: &Refusal, events: &[Event], command: &Command) {
    let with_it: Vec<_> = events.iter().cloned().chain([event(command)]).collect();
    if let Refusal::AboveCash { at, .. } = refusal {
        assert_eq!(first_overdrawn(&with_it), Some(*at));
    } else if let Refusal::AboveCommitment { at, .. } = refusal {
        assert_eq!(first_overpaid(&with_it), Some(*at));
    } else if let Refusal::AboveWhole { .. } = refusal {
        assert!(above_whole(&with_it));
    }
}

/// Runs the commands and returns the accepted ones with the events they made.
fn run(story: &mut Story<FundDecider>, commands: Vec<Command>) -> (Vec<Command>, Vec<Event>) {
    let (mut accepted, mut events) = (Vec::new(), Vec::new());
    for command in commands {
        match FundDecider::decide(&story.state, &story.facts, &command) {
            Err(refusal) => check_refusal(&refusal, &events, &command),
            Ok(decision) => {
                for event in decision.events {
                    FundDecider::evolve(&mut story.state, &event);
                    events.push(event);
                }
                assert_eq!(first_overdrawn(&events), None);
                accepted.push(command);
            }
        }
    }
    (accepted, events)
}

proptest! {
    #[test]
    fn cash_promises_and_stakes_hold_at_every_instant(commands in commands()) {
        let mut story = blank();
        let (_, events) = run(&mut story, commands);
        prop_assert_eq!(first_overdrawn(&events), None);
        prop_assert_eq!(first_overpaid(&events), None);
        prop_assert!(!above_whole(&events));
        for fund in formed(&events) {
            let cash = story.state.funds[&fund.id].cash.left().expect("countable").amount();
            let last = balances(&events, fund).last().map_or(Decimal::ZERO, |(_, last)| *last);
            prop_assert_eq!(cash, last);
        }
    }

    #[test]
    fn folding_from_scratch_gives_the_state_reached_step_by_step(commands in commands()) {
        let mut story = blank();
        let (_, events) = run(&mut story, commands);
        let mut folded = State::default();
        events.iter().for_each(|event| FundDecider::evolve(&mut folded, event));
        prop_assert_eq!(folded, story.state);
    }

    #[test]
    fn an_accepted_command_that_comes_again_is_nothing(commands in commands()) {
        let mut story = blank();
        let (accepted, _) = run(&mut story, commands);
        for command in accepted {
            story.when(command).then_nothing();
        }
    }

    #[test]
    fn partitions_decide_as_the_whole_does(commands in commands(), count in 2..5_u32) {
        loopledger_testkit::decided_apart_as_together::<FundDecider>(count, &blank().facts, commands);
    }

    /// Of each date the NAV that stands is the one that was struck last and that no other restates.
    #[test]
    fn one_nav_of_a_date_stands(commands in commands()) {
        let mut story = blank();
        let (_, events) = run(&mut story, commands);
        let mut standing = BTreeMap::new();
        let mut restated = std::collections::BTreeSet::new();
        for event in &events {
            if let Event::NavStruck(nav) = event {
                let before = standing.insert((nav.fund.clone(), nav.as_of), nav.id.clone());
                prop_assert_eq!(&before, &nav.restates);
                restated.extend(nav.restates.clone());
            }
        }
        for ((fund, as_of), nav) in &standing {
            prop_assert_eq!(story.state.nav_of(fund, *as_of), Some(nav));
            prop_assert!(!restated.contains(nav));
        }
    }

    #[test]
    fn a_fund_counts_a_payment_once(commands in commands()) {
        let mut story = blank();
        let (_, events) = run(&mut story, commands);
        let mut counted = std::collections::BTreeSet::new();
        for event in &events {
            if let Event::ReinvestmentRecognised(made) = event {
                let is_purchase = made.kind == fund::RecognitionKind::LocalPurchase;
                prop_assert_eq!(is_purchase, made.payment.is_some());
                if let Some(payment) = &made.payment {
                    prop_assert!(counted.insert((made.fund.clone(), payment.clone())));
                }
            }
        }
    }
}
