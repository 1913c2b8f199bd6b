//! What holds whatever is asked: random histories, sensible and not, checked against books that are
//! kept from the recorded events alone.

mod books;

use jiff::{SignedDuration, Timestamp};
use loopledger_model::purchase::Contract;
use loopledger_model::voucher::{
    Admission, Command, EndVoucher, Ending, Event, IssueVoucher, LockVoucher, Programme,
    RedeemVoucher, ReleaseLock, Rules, SettleRedemption,
};
use loopledger_model::{Fact, Money, PartyId, ProgrammeId};
use loopledger_service::Decider;
use loopledger_testkit::{at, cny, decided_apart_as_together, id, period};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;

use self::books::Books;
use super::world::*;
use crate::{Facts, State, Vouchers};

/// Programme 0 asks for metering, caps vouchers and years, and lets vouchers expire; programme 1
/// does none of it.
fn programme_of(number: u8) -> Programme {
    let strict = Rules {
        cap_voucher: Some(cny("90")),
        cap_holder_year: Some(cny("110")),
        validity_days: Some(120),
        metering_required: true,
        ..programme().rules
    };
    let budget = cny("170");
    match number {
        0 => Programme { id: id("cv-0"), budget, rules: strict, ..programme() },
        _ => Programme { id: id("cv-1"), budget, ..programme() },
    }
}

/// Contract k-1 is small here, so that vouchers can reach its share of 105.
fn known_facts() -> Vec<Fact> {
    let small = Contract { quantity: Some(id("35")), ..k1() };
    let contracts = [signed(11, small), signed(12, k2())];
    let invoices = [
        invoice(21, "in-1", &k1(), february(), "20", cny("200")),
        invoice(22, "in-2", &k1(), march(), "20", cny("200")),
        invoice(23, "in-3", &k2(), march(), "100", cny("100")),
    ];
    let metered = [
        usage(31, "k-1", february(), "10"),
        usage(32, "k-2", period("2025-03-01", "2025-03-16"), "50"),
        usage(33, "k-2", period("2025-03-16", "2025-04-01"), "50"),
    ];
    parties().into_iter().chain(contracts).chain(invoices).chain(metered).collect()
}

fn name(kind: &str, number: u8) -> String {
    format!("{kind}-{number}")
}

/// Vouchers with even numbers go to company C, odd ones to company D, unless something is amiss.
fn of_voucher(voucher: u8, even: &'static str, odd: &'static str) -> BoxedStrategy<&'static str> {
    let proper = if voucher.is_multiple_of(2) { even } else { odd };
    prop_oneof![12 => Just(proper), 1 => Just(even), 1 => Just(odd), 1 => Just("none")].boxed()
}

/// From one cent to so many, and now and then nothing or less.
fn up_to(cents: i64) -> impl Strategy<Value = Money> {
    let cents = prop_oneof![12 => 1..=cents, 2 => Just(cents), 1 => -100..1i64];
    cents.prop_map(|cents| Money::new(Decimal::new(cents, 2), id("CNY")).expect("valid money"))
}

fn admission(programme: ProgrammeId, provider: PartyId, to: Option<Timestamp>) -> Admission {
    Admission { programme, provider, at: at("2025-01-01"), to, qualification: None }
}

fn setting_up() -> impl Strategy<Value = Command> {
    let define = (0..2u8).prop_map(|p| Command::DefineProgramme(programme_of(p)));
    let provider = prop_oneof![Just("provider-a"), Just("provider-x")];
    let admit = (0..2u8, provider, any::<bool>()).prop_map(|(p, provider, ends)| {
        let to = ends.then(|| at("2025-06-01"));
        let (programme, provider) = (id(&name("cv", p)), id(provider));
        Command::AdmitProvider(admission(programme, provider, to))
    });
    prop_oneof![define, admit]
}

fn issuing(when: Timestamp) -> impl Strategy<Value = Command> {
    let holder = |v| (Just(v), of_voucher(v, "company-c", "company-d"));
    let asked = (0..5u8).prop_flat_map(holder);
    (asked, 0..2u8, up_to(9_500)).prop_map(move |((v, holder), p, amount)| {
        let (programme, holder) = (id(&name("cv", p)), id(holder));
        let (id, application, tranche) = (id(&name("v", v)), None, None);
        let at = when;
        Command::IssueVoucher(IssueVoucher {
            id,
            programme,
            holder,
            amount,
            at,
            application,
            tranche,
        })
    })
}

fn locking(when: Timestamp) -> impl Strategy<Value = Command> {
    let contract = |v| (Just(v), of_voucher(v, "k-1", "k-2"));
    let asked = (0..6u8).prop_flat_map(contract);
    (0..20u8, asked, up_to(5_000)).prop_map(move |(l, (v, contract), amount)| {
        let (voucher, contract) = (id(&name("v", v)), id(contract));
        let id = id(&name("l", l));
        Command::LockVoucher(LockVoucher { id, voucher, contract, amount, at: when })
    })
}

fn redeeming(when: Timestamp) -> impl Strategy<Value = Command> {
    let invoice = |v| (Just(v), prop_oneof![of_voucher(v, "in-1", "in-3"), Just("in-2")]);
    let asked = (0..6u8).prop_flat_map(invoice);
    (0..12u8, asked, up_to(3_000)).prop_map(move |(r, (v, invoice), amount)| {
        let (voucher, invoice) = (id(&name("v", v)), id(invoice));
        let id = id(&name("r", r));
        Command::RedeemVoucher(RedeemVoucher { id, voucher, invoice, amount, at: when })
    })
}

fn settling(when: Timestamp) -> impl Strategy<Value = Command> {
    (0..12u8, 0..12u8, up_to(1_500)).prop_map(move |(s, r, amount)| {
        let (redemption, at) = (id(&name("r", r)), when);
        let id = id(&name("s", s));
        Command::SettleRedemption(SettleRedemption { id, redemption, amount, at, reference: None })
    })
}

fn finishing(when: Timestamp) -> impl Strategy<Value = Command> {
    let release = (0..20u8)
        .prop_map(move |l| Command::ReleaseLock(ReleaseLock { lock: id(&name("l", l)), at: when }));
    let ending =
        prop_oneof![Just(Ending::Expired), Just(Ending::Revoked), Just(Ending::Surrendered)];
    let end = (0..6u8, ending).prop_map(move |(v, ending)| {
        Command::EndVoucher(EndVoucher { voucher: id(&name("v", v)), ending, at: when })
    });
    prop_oneof![2 => release, 1 => end]
}

/// Commands whose dates mostly advance: at first mostly vouchers, then locks, then redemptions and
/// settlements.
fn history() -> impl Strategy<Value = Vec<Command>> {
    let step = (0..4i64, prop_oneof![5 => Just(0i64), 1 => 1..40i64]);
    prop::collection::vec(step, 60..160).prop_flat_map(|steps| {
        let mut day = 0;
        let dated = steps.into_iter().enumerate().map(|(place, (days, back))| {
            day += days;
            let when = at("2025-01-12") + SignedDuration::from_hours((day - back) * 24);
            let [issues, locks, redemptions] = match place {
                0..15 => [12, 3, 1],
                15..45 => [2, 12, 3],
                _ => [1, 4, 12],
            };
            prop_oneof![
                1 => setting_up(),
                issues => issuing(when),
                locks => locking(when),
                redemptions => redeeming(when),
                redemptions => settling(when),
                1 => finishing(when),
            ]
        });
        dated.collect::<Vec<_>>()
    })
}

/// What the world looks like before a random history begins.
fn prelude() -> Vec<Command> {
    let admit = |p: u8, provider: &str| {
        let (programme, provider) = (id(&name("cv", p)), id(provider));
        Command::AdmitProvider(admission(programme, provider, None))
    };
    vec![
        Command::DefineProgramme(programme_of(0)),
        Command::DefineProgramme(programme_of(1)),
        admit(0, "provider-a"),
        admit(0, "provider-x"),
        admit(1, "provider-a"),
    ]
}

/// A history as it was decided.
struct Course {
    facts: Facts,
    state: State,
    accepted: Vec<Command>,
    events: Vec<Event>,
}

/// Decides a history; after every event the books have to balance.
fn run(history: Vec<Command>) -> Course {
    let mut facts = Facts::default();
    known_facts().iter().for_each(|fact| Vouchers::learn(&mut facts, fact));
    let (state, accepted, events) = (State::default(), Vec::new(), Vec::new());
    let mut course = Course { facts, state, accepted, events };
    let mut books = Books::default();
    for command in prelude().into_iter().chain(history) {
        let Ok(decision) = Vouchers::decide(&course.state, &course.facts, &command) else {
            continue;
        };
        for event in decision.events {
            Vouchers::evolve(&mut course.state, &event);
            books.enter(&event);
            books.assert_balanced(&course.state);
            course.events.push(event);
        }
        course.accepted.push(command);
    }
    course
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_history_takes_the_books_out_of_balance(history in history()) {
        run(history);
    }

    #[test]
    fn an_accepted_command_comes_to_nothing_ever_after(history in history()) {
        let course = run(history);
        for command in &course.accepted {
            let again = Vouchers::decide(&course.state, &course.facts, command);
            let events = again.map(|decision| decision.events);
            prop_assert_eq!(events, Ok(Vec::new()), "{:?}", command);
        }
    }

    #[test]
    fn folding_all_events_gives_the_state_that_was_reached(history in history()) {
        let course = run(history);
        let mut folded = State::default();
        course.events.iter().for_each(|event| Vouchers::evolve(&mut folded, event));
        prop_assert_eq!(folded, course.state);
    }

    #[test]
    fn partitions_decide_as_the_whole_does(history in history(), count in 2..5_u32) {
        let commands = prelude().into_iter().chain(history);
        decided_apart_as_together::<Vouchers>(count, &run(Vec::new()).facts, commands);
    }
}

#[test]
fn random_histories_reach_what_the_properties_are_about() {
    let mut runner = TestRunner::deterministic();
    let mut events = Vec::new();
    for _ in 0..50 {
        let tree = history().new_tree(&mut runner).expect("a history can be made");
        events.extend(run(tree.current()).events);
    }
    let count = |is: fn(&Event) -> bool| events.iter().filter(|event| is(event)).count();
    let counts = [
        count(|event| matches!(event, Event::VoucherLocked(_))),
        count(|event| matches!(event, Event::LockReleased(_))),
        count(|event| matches!(event, Event::VoucherRedeemed(_))),
        count(|event| matches!(event, Event::VoucherRedeemed(made) if made.taken_from.len() > 1)),
        count(|event| matches!(event, Event::RedemptionSettled(_))),
        count(|event| matches!(event, Event::VoucherEnded(end) if end.locked.is_positive())),
    ];
    assert!(counts.iter().all(|count| *count >= 5), "{counts:?}");
}
