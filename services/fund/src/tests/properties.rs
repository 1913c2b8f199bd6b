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

mod carrying;
mod running;

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
        Command::Contribute(Contribution { id: id(&name), fund, lp, amount, at, call: None })
    })
}

fn investment() -> impl Strategy<Value = Command> {
    let percent = (10..60u32).prop_map(|percent| id(&percent.to_string()));
    let stake = prop::option::weighted(0.7, percent);
    (named("i"), party(), party(), up_to(60), stake, when()).prop_map(
        |(name, investor, company, amount, stake_percent, at)| {
            let (id, follows) = (id(&name), None);
            Command::Invest(Investment {
                id,
                investor,
                company,
                amount,
                stake_percent,
                at,
                follows,
            })
        },
    )
}

fn distribution() -> impl Strategy<Value = Command> {
    (named("d"), fund(), lp(), up_to(60), when()).prop_map(|(name, fund, lp, amount, at)| {
        let kind = (amount.minor_units() % 300 == 0).then_some(DistributionKind::Recallable);
        Command::Distribute(Distribution { id: id(&name), fund, lp, amount, at, kind })
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
    let limits = prop::option::of((1..40u32).prop_map(|percent| {
        Command::SetTerms(SetTerms {
            recycling_percent: Some(id(&percent.to_string())),
            ..running::terms_with_all()
        })
    }));
    let command = prop_oneof![
        1 => formation(),
        2 => commitment(),
        6 => contribution(),
        4 => investment(),
        4 => distribution(),
        2 => any_transfer(),
        2 => any_nav(),
        6 => any_capital(),
        8 => running::any(),
        1 => any_recognition(),
    ];
    (limits, prop::collection::vec(command, 0..60)).prop_map(move |(limits, rest)| {
        let mut all = opening.clone();
        all.extend(limits);
        all.extend(rest);
        all
    })
}

fn movement(event: &Event) -> Option<Movement<'_>> {
    match event {
        Event::FundFormed(_)
        | Event::CommitmentMade(_)
        | Event::NavStruck(_)
        | Event::ReinvestmentRecognised(_)
        | Event::CommitmentChanged(_)
        | Event::CommitmentTransferred(_)
        | Event::TermsSet(_)
        | Event::CapitalCalled(_)
        | Event::PartnerDefaulted(_)
        | Event::DefaultCured(_)
        | Event::InvestmentValued(_)
        | Event::FeeAccrued(_)
        | Event::FeeReduced(_)
        | Event::FundDissolved(_) => None,
        Event::InvestmentExited(made) => Some(made.into()),
        Event::FeePaid(paid) => Some(paid.into()),
        Event::ExpensePaid(paid) => Some(paid.into()),
        Event::CarryPaid(paid) => Some(paid.into()),
        Event::LineDrawn(drawn) => Some(drawn.into()),
        Event::LineRepaid(repaid) => Some(repaid.into()),
        Event::ExcessReturned(returned) => Some(returned.into()),
        Event::DistributionRecalled(recall) => Some(recall.into()),
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
    events.iter().filter_map(
        |event| {
            if let Event::FundFormed(fund) = event { Some(fund) } else { None }
        },
    )
}

/// The first instant at which some fund's balance is below zero.
fn first_overdrawn(events: &[Event]) -> Option<Timestamp> {
    let all = formed(events).flat_map(|fund| balances(events, fund));
    all.filter(|(_, balance)| *balance < Decimal::ZERO).map(|(at, _)| at).min()
}

/// The first day on which some partner has paid in more than it promised by the end of that day.
fn first_overpaid(events: &[Event]) -> Option<Timestamp> {
    (0..10)
        .map(day)
        .find(|today| uncalled(events, *today).values().any(|left| *left < Decimal::ZERO))
}

type Sums<'a> = BTreeMap<(&'a PartyId, &'a PartyId), Decimal>;

/// What can still be called of each partner at the end of a day, summed up plainly.
fn uncalled(events: &[Event], today: Timestamp) -> Sums<'_> {
    let mut sums = Sums::new();
    let mut add = |fund, lp, amount: Decimal| *sums.entry((fund, lp)).or_default() += amount;
    for event in events.iter().filter(|event| event.at() <= today) {
        if let Event::CommitmentMade(it) = event {
            add(&it.fund, &it.lp, it.amount.amount());
        } else if let Event::CommitmentChanged(it) = event {
            add(&it.fund, &it.lp, changed(it));
        } else if let Event::CommitmentTransferred(it) = event {
            let moved = it.transfer.amount.amount() - it.contributed.amount();
            let moved = moved + it.recallable.amount();
            add(&it.transfer.fund, &it.transfer.from, -moved);
            add(&it.transfer.fund, &it.transfer.to, moved);
        } else if let Event::CapitalCalled(it) = event {
            for share in &it.shares {
                add(&it.call.fund, &share.lp, -share.amount.amount());
            }
        } else if let Event::ContributionReceived(it) = event
            && it.call.is_none()
        {
            add(&it.fund, &it.lp, -it.amount.amount());
        } else if let Event::ExcessReturned(it) = event {
            add(&it.fund, &it.lp, it.amount.amount());
        } else if let Event::DistributionPaid(it) = event
            && it.kind == Some(DistributionKind::Recallable)
        {
            add(&it.fund, &it.lp, it.amount.amount());
        } else if let Event::DistributionRecalled(it) = event {
            add(&it.fund, &it.lp, -it.amount.amount());
        }
    }
    sums
}

fn changed(change: &ChangeCommitment) -> Decimal {
    match change.change {
        ChangeKind::Increase => change.amount.amount(),
        ChangeKind::Reduce => -change.amount.amount(),
    }
}

/// F1, summed up plainly: commitment, less contributions and recalls, with what is recallable and what went back.
fn unfunded(events: &[Event], today: Timestamp) -> Sums<'_> {
    let mut sums = uncalled(events, today);
    let past = || events.iter().filter(|event| event.at() <= today);
    for event in past() {
        if let Event::CapitalCalled(it) = event {
            for share in &it.shares {
                *sums.entry((&it.call.fund, &share.lp)).or_default() += share.amount.amount();
            }
        }
    }
    for event in past() {
        if let Event::ContributionReceived(it) = event
            && it.call.is_some()
        {
            *sums.entry((&it.fund, &it.lp)).or_default() -= it.amount.amount();
        }
    }
    sums
}

/// Calls, answers, excess, recalls, changes and transfers of fund-1's two partners.
fn any_capital() -> impl Strategy<Value = Command> {
    let partner = || prop_oneof![Just("lp-a"), Just("lp-b"), Just("fund-2")];
    let called = (0..6u32, up_to(60), 0..9u32).prop_map(|(number, amount, when)| {
        let lines = vec![CallLine { purpose: CallPurpose::Fee, amount }];
        let (at, due) = (day(when), day(when + 1));
        let (fund, id) = (id("fund-1"), id(&format!("ca-{number}")));
        Command::CallCapital(CallCapital { id, fund, at, due, lines, excused: Vec::new() })
    });
    let number = || 0..6u32;
    let one = (number(), number(), partner(), partner(), up_to(40), when(), 0..8u32);
    let other = one.prop_map(|(number, of, lp, to, amount, at, which)| {
        let (fund, lp) = (id("fund-1"), id(lp));
        let called = id(&format!("ca-{of}"));
        match which {
            0 => Command::DeclareDefault(DeclareDefault { fund, call: called, lp, at }),
            1 => Command::CureDefault(CureDefault { fund, call: called, lp, at }),
            2 => {
                let id = id(&format!("x-{number}"));
                Command::ReturnExcess(ReturnExcess { id, fund, call: called, lp, amount, at })
            }
            3 => {
                let (id, distribution) = (id(&format!("rc-{number}")), id(&format!("d-{of}")));
                Command::RecallDistribution(RecallDistribution {
                    id,
                    fund,
                    lp,
                    distribution,
                    amount,
                    at,
                })
            }
            4 => {
                let change = if of % 2 == 0 { ChangeKind::Increase } else { ChangeKind::Reduce };
                let id = id(&format!("cc-{number}"));
                Command::ChangeCommitment(ChangeCommitment { id, fund, lp, change, amount, at })
            }
            5 => {
                let (id, to) = (id(&format!("ct-{number}")), id(to));
                let (from, priority_supplier) = (lp, false);
                Command::TransferCommitment(TransferCommitment {
                    id,
                    fund,
                    from,
                    to,
                    amount,
                    at,
                    priority_supplier,
                })
            }
            _ => {
                let (id, call) = (id(&format!("ca-c-{number}-{of}")), Some(called));
                Command::Contribute(Contribution { id, fund, lp, amount, at, call })
            }
        }
    });
    prop_oneof![1 => called, 3 => other]
}

/// What is held of each company at the end of a day.
fn stakes(events: &[Event], today: Timestamp) -> BTreeMap<&PartyId, Decimal> {
    let mut held: BTreeMap<&PartyId, Decimal> = BTreeMap::new();
    for event in events.iter().filter(|event| event.at() <= today) {
        if let Event::InvestmentFunded(Investment { company, stake_percent: Some(stake), .. }) =
            event
        {
            *held.entry(company).or_default() += stake.value();
        } else if let Event::InvestmentExited(made) = event
            && let Some(stake) = made.exit.stake_percent
        {
            *held.entry(&made.company).or_default() -= stake.value();
        }
    }
    held
}

/// F12: whether more than the whole, or less than nothing, of a company is held on some day.
fn above_whole(events: &[Event]) -> bool {
    let within = Decimal::ZERO..=Decimal::ONE_HUNDRED;
    (0..14).map(day).any(|today| stakes(events, today).values().any(|it| !within.contains(it)))
}

/// A refusal for lack of something is right only if plain sums, with the command's event in them,
/// show the lack.
fn check_refusal(refusal: &Refusal, events: &[Event], command: &Command) {
    let Some(event) = stated(command) else { return };
    let with_it: Vec<_> = events.iter().cloned().chain([event]).collect();
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
        for today in (0..12).map(day) {
            let plain = unfunded(&events, today);
            prop_assert!(plain.values().all(|left| *left >= Decimal::ZERO));
            for ((fund, lp), left) in plain {
                let partner = &story.state.funds[fund].partners[lp];
                prop_assert_eq!(partner.unfunded(today).expect("countable").amount(), left);
            }
        }
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

    /// Shares come to the call's total, and nobody's is off its exact part by a minor unit; transfers keep the sum of all
    /// commitments; nobody pays more of a call than its share.
    #[test]
    fn calls_are_shared_exactly_and_transfers_keep_the_sum(commands in commands()) {
        let mut story = blank();
        let (_, events) = run(&mut story, commands);
        for event in &events {
            if let Event::CapitalCalled(made) = event {
                let total: Decimal = made.call.lines.iter().map(|line| line.amount.amount()).sum();
                let shares: Decimal = made.shares.iter().map(|share| share.amount.amount()).sum();
                prop_assert_eq!(total, shares);
                for share in &made.shares {
                    let paid: Decimal = events
                        .iter()
                        .filter_map(|event| {
                            if let Event::ContributionReceived(it) = event { Some(it) } else { None }
                        })
                        .filter(|it| it.call.as_ref() == Some(&made.call.id) && it.lp == share.lp)
                        .map(|it| it.amount.amount())
                        .sum();
                    prop_assert!(paid <= share.amount.amount());
                }
            }
        }
        for account in story.state.funds.values() {
            let fund = &account.fund.id;
            let promised: Decimal = events
                .iter()
                .map(|event| {
                    if let Event::CommitmentMade(it) = event
                        && it.fund == *fund
                    {
                        it.amount.amount()
                    } else if let Event::CommitmentChanged(it) = event
                        && it.fund == *fund
                    {
                        changed(it)
                    } else {
                        Decimal::ZERO
                    }
                })
                .sum();
            let held = account.partners.values().map(|partner| partner.committed.left());
            let held: Decimal = held.map(|left| left.expect("countable").amount()).sum();
            prop_assert_eq!(promised, held);
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
