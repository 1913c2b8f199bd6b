//! What holds of reviewed claims whatever is asked: random histories of people who may and people who may not, held
//! against books that are kept from the recorded events alone.

mod books;

use jiff::{SignedDuration, Timestamp};
use loopledger_model::voucher::*;
use loopledger_model::{Fact, Money};
use loopledger_service::Decider;
use loopledger_testkit::{at, cny, id};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use self::books::Books;
use super::cases::*;
use super::world::*;
use crate::{Facts, State, Vouchers};

/// Programme cv-0 is redeemed by providers on two levels, cv-1 reimburses firms by one claim per contract and two sources.
fn programme_of(number: u8) -> Programme {
    let mut terms = ruled(|rules| {
        rules.cap_holder_year = Some(cny("90"));
        rules.amount.cap_counts = CapCounts::Redeemed;
        rules.clawback = Some(ClawbackRule {
            triggers: vec![ClawbackTrigger::Ineligible],
            interest: Some(id("10")),
            ban_years: 0,
        });
        let rounds = ReviewRules { levels: 2, appeal_days: 3, ..ReviewRules::default() };
        rules.claim_review = Some(rounds);
    });
    terms.id = id(&format!("cv-{number}"));
    terms.budget = cny("150.01");
    terms.funding = [("city", 2), ("province", 1)]
        .map(|(party, parts)| Source { party: id(party), parts })
        .to_vec();
    if number == 1 {
        terms.rules.settlement.mode = SettlementMode::Reimbursement;
        terms.rules.settlement.payee = PayeeRule::Firm;
        terms.rules.metering_required = true;
        terms.rules.claim_review.as_mut().expect("reviewed").publicity_days = 2;
    }
    terms
}

fn known_facts() -> Vec<Fact> {
    let metered = [usage(31, "k-1", february(), "10"), usage(32, "k-2", march(), "100")];
    let more = [
        invoice(24, "in-4", &k1(), february(), "20", cny("150")),
        invoice(25, "in-5", &k1(), march(), "20", cny("99.99")),
    ];
    facts().into_iter().chain(more).chain(metered).collect()
}

fn name(kind: &str, number: u8) -> String {
    format!("{kind}-{number}")
}

fn somebody() -> impl Strategy<Value = Person> {
    let officials = (0..4u8).prop_map(|n| official(&name("o", n)));
    let parties = prop_oneof![Just("company-c"), Just("provider-a"), Just("company-d")];
    prop_oneof![6 => officials, 1 => parties.prop_map(|of| person("x", of))]
}

fn claiming(when: Timestamp) -> impl Strategy<Value = Command> {
    let asked = (0..10u8, 0..2u8, 0..3u8, 1..6u8, prop::option::of(1..9_000i64), 0..4u8);
    (asked, any::<bool>()).prop_map(
        move |((claim, programme, voucher, invoice, cents, number), odd)| {
            let firm = (programme == 1) != (odd && claim == 9);
            let by = match (firm, invoice) {
                (true, 3) => person("f", "company-d"),
                (true, _) => person("f", "company-c"),
                (false, 3) => person("p", "provider-x"),
                (false, _) => person("p", "provider-a"),
            };
            let voucher = if programme == 1 { name("t", claim) } else { name("v", voucher) };
            let amount = cents.map(|cents| {
                Money::new(rust_decimal::Decimal::new(cents, 2), id("CNY")).expect("valid money")
            });
            let numbered = Some(name("fp", number));
            Command::SubmitClaim(SubmitClaim {
                id: id(&name("r", claim)),
                programme: id(&name("cv", programme)),
                voucher: id(&voucher),
                invoice: id(&name("in", invoice)),
                amount,
                card_hours: None,
                usage: Vec::new(),
                items: Vec::new(),
                profile: None,
                payee: None,
                evidence: vec![evidence(EvidenceKind::ProviderInvoice, numbered.as_deref())],
                by,
                at: when,
            })
        },
    )
}

fn reviewing(when: Timestamp) -> impl Strategy<Value = Command> {
    let reason = || id("a reason");
    let steps = prop_oneof![
        6 => Just(ReviewStep::Check {}),
        10 => Just(ReviewStep::Verify {}),
        4 => Just(ReviewStep::Publicise {}),
        8 => Just(approve()),
        1 => Just(reject()),
        1 => Just(ReviewStep::Object { reason: reason() }),
        1 => Just(ReviewStep::Withdraw {}),
        1 => Just(ReviewStep::Appeal { reason: reason() }),
        2 => Just(ReviewStep::Close {}),
        1 => Just(ReviewStep::RequestInformation { question: reason() }),
        1 => Just(ReviewStep::Supply { evidence: Vec::new() }),
    ];
    let at = when;
    (0..10u8, steps, somebody()).prop_map(move |(claim, taken, by)| {
        let by = match taken {
            ReviewStep::Withdraw {} | ReviewStep::Appeal { .. } | ReviewStep::Supply { .. } => {
                let of = if by.id.as_str() == "o-1" { "company-c" } else { "provider-a" };
                person("x", of)
            }
            ReviewStep::Check {}
            | ReviewStep::RequestInformation { .. }
            | ReviewStep::Verify {}
            | ReviewStep::Publicise {}
            | ReviewStep::Object { .. }
            | ReviewStep::Approve { .. }
            | ReviewStep::Reject { .. }
            | ReviewStep::Close {} => by,
        };
        let subject = Subject::Claim(id(&name("r", claim)));
        Command::Review(Review { subject, step: taken, by, at })
    })
}

fn paying(when: Timestamp) -> impl Strategy<Value = Command> {
    let money = (1..6_000i64).prop_map(|cents| {
        Money::new(rust_decimal::Decimal::new(cents, 2), id("CNY")).expect("valid money")
    });
    (0..8u8, 0..10u8, money, somebody(), 0..8u8).prop_map(move |(s, r, amount, by, kind)| {
        let (settlement, redemption, clawback) =
            (id(&name("s", s)), id(&name("r", r)), id(&name("cb", s)));
        let at = when;
        match kind {
            0 | 1 => {
                Command::OrderPayment(OrderPayment { id: settlement, redemption, amount, by, at })
            }
            2 | 3 => Command::SettleRedemption(SettleRedemption {
                id: settlement,
                redemption,
                amount,
                at,
                reference: None,
            }),
            4 => Command::FailPayment(FailPayment { id: settlement, reason: id("lost"), at }),
            5 => {
                let trigger = ClawbackTrigger::Ineligible;
                Command::OpenClawback(OpenClawback { id: clawback, redemption, trigger, by, at })
            }
            6 => Command::AssessClawback(AssessClawback { clawback, principal: amount, by, at }),
            _ => Command::RecordRecovery(RecordRecovery {
                id: id(&name("rc", r)),
                clawback,
                amount,
                at,
                reference: None,
            }),
        }
    })
}

fn holding(when: Timestamp) -> impl Strategy<Value = Command> {
    (0..3u8, 1..6_000i64, any::<u8>()).prop_map(move |(v, cents, kind)| {
        let voucher = id(&name("v", v));
        let amount =
            Money::new(rust_decimal::Decimal::new(cents, 2), id("CNY")).expect("valid money");
        let at = when;
        match kind % 8 {
            0..=2 => Command::LockVoucher(LockVoucher {
                id: id(&name("l", kind)),
                voucher,
                contract: id("k-1"),
                amount,
                at,
            }),
            3 => Command::ReleaseLock(ReleaseLock { lock: id(&name("l", v)), at }),
            4 => Command::EndVoucher(EndVoucher { voucher, ending: Ending::Revoked, at }),
            _ => Command::IssueVoucher(IssueVoucher {
                id: voucher,
                programme: id("cv-0"),
                holder: id("company-c"),
                amount,
                at,
                application: None,
                tranche: None,
            }),
        }
    })
}

/// A claim from its submission to a clawback, of which a few commands are left out.
fn course_of(when: Timestamp) -> impl Strategy<Value = Vec<Command>> {
    let kept = prop::collection::vec(prop::bool::weighted(0.95), 11);
    let cents = (1..3_000i64, 1..3_000i64);
    (claiming(when), cents, 0..10u8, kept).prop_map(move |(claim, (paid, back), n, kept)| {
        let Command::SubmitClaim(asked) = &claim else { panic!("a claim is submitted") };
        let redemption = asked.id.clone();
        let subject = || Subject::Claim(redemption.clone());
        let days = |days: i64| when + SignedDuration::from_hours(days * 24);
        let review = |step, by: &str, day| {
            let (by, at) = (official(by), days(day));
            Command::Review(Review { subject: subject(), step, by, at })
        };
        let money = |cents| {
            Money::new(rust_decimal::Decimal::new(cents, 2), id("CNY")).expect("valid money")
        };
        let (settlement, clawback) = (id(&name("s", n)), id(&name("cb", n)));
        let (by, amount) = (official("o-3"), money(paid));
        let order = OrderPayment {
            id: settlement,
            redemption: redemption.clone(),
            amount,
            by: by.clone(),
            at: days(4),
        };
        let settle = SettleRedemption {
            id: order.id.clone(),
            redemption: redemption.clone(),
            amount,
            at: days(5),
            reference: None,
        };
        let open = OpenClawback {
            id: clawback,
            redemption: redemption.clone(),
            trigger: ClawbackTrigger::Ineligible,
            by: by.clone(),
            at: days(6),
        };
        let clawback = open.id.clone();
        let principal = money(back);
        let recovery = RecordRecovery {
            id: id(&name("rc", n)),
            clawback: clawback.clone(),
            amount: money(back / 2 + 1),
            at: days(8),
            reference: None,
        };
        let publicise = asked.programme.as_str() == "cv-1";
        let publicise = publicise.then(|| review(ReviewStep::Publicise {}, "o-2", 0));
        let steps = [
            Some(claim.clone()),
            Some(review(ReviewStep::Check {}, "o-1", 0)),
            Some(review(ReviewStep::Verify {}, "o-1", 0)),
            Some(review(ReviewStep::Verify {}, "o-2", 0)),
            publicise,
            Some(review(approve(), "o-3", 2)),
            Some(Command::OrderPayment(order)),
            Some(Command::SettleRedemption(settle)),
            Some(Command::OpenClawback(open)),
            Some(Command::AssessClawback(AssessClawback { clawback, principal, by, at: days(7) })),
            Some(Command::RecordRecovery(recovery)),
        ];
        steps.into_iter().zip(kept).filter_map(|(step, kept)| step.filter(|_| kept)).collect()
    })
}

fn one(command: impl Strategy<Value = Command>) -> impl Strategy<Value = Vec<Command>> {
    command.prop_map(|command| vec![command])
}

/// At first mostly vouchers and locks, then claims that mostly go their way, and in between what should not happen.
fn history() -> impl Strategy<Value = Vec<Command>> {
    prop::collection::vec(0..2i64, 60..120).prop_flat_map(|days| {
        let mut day = 0;
        let dated = days.into_iter().enumerate().map(|(place, more)| {
            day += more;
            let when = at("2025-01-20") + SignedDuration::from_hours(day * 18);
            let later = when + SignedDuration::from_hours(24 * 80);
            let [held, whole, apart] = match place {
                0..20 => [12, 1, 1],
                _ => [1, 6, 4],
            };
            prop_oneof![
                held => one(holding(when)),
                whole => course_of(later),
                apart => one(claiming(later)),
                apart => one(reviewing(later)),
                apart => one(paying(later + SignedDuration::from_hours(24 * 10))),
            ]
        });
        dated.collect::<Vec<_>>().prop_map(|parts| parts.concat())
    })
}

struct Course {
    facts: Facts,
    state: State,
    accepted: Vec<Command>,
    events: Vec<Event>,
}

fn run(history: Vec<Command>) -> Course {
    let mut facts = Facts::default();
    known_facts().iter().for_each(|fact| Vouchers::learn(&mut facts, fact));
    let (state, accepted, events) = (State::default(), Vec::new(), Vec::new());
    let mut course = Course { facts, state, accepted, events };
    let admit = |programme: u8, provider: &str| {
        Command::AdmitProvider(Admission {
            programme: id(&name("cv", programme)),
            provider: id(provider),
            at: at("2025-01-01"),
            to: None,
            qualification: None,
        })
    };
    let prelude = [
        define(programme_of(0)),
        define(programme_of(1)),
        admit(0, "provider-a"),
        admit(1, "provider-a"),
        admit(1, "provider-x"),
    ];
    let mut books = Books::default();
    for command in prelude.into_iter().chain(history) {
        let decided = Vouchers::decide(&course.state, &course.facts, &command);
        let Ok(decision) = decided else { continue };
        for event in decision.events {
            Vouchers::evolve(&mut course.state, &event);
            books.enter(&event);
            course.events.push(event);
        }
        course.accepted.push(command);
    }
    course
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_history_of_claims_breaks_what_holds_of_them(history in history()) {
        run(history);
    }

    #[test]
    fn an_accepted_claim_or_review_comes_to_nothing_ever_after(history in history()) {
        let course = run(history);
        for command in &course.accepted {
            let again = Vouchers::decide(&course.state, &course.facts, command);
            let events = again.map(|decision| decision.events);
            prop_assert_eq!(events, Ok(Vec::new()), "{:?}", command);
        }
        let mut folded = State::default();
        course.events.iter().for_each(|event| Vouchers::evolve(&mut folded, event));
        prop_assert_eq!(folded, course.state);
    }
}

#[test]
fn random_histories_reach_approvals_payments_and_clawbacks() {
    let mut runner = TestRunner::deterministic();
    let mut events = Vec::new();
    for _ in 0..60 {
        let tree = history().new_tree(&mut runner).expect("a history can be made");
        events.extend(run(tree.current()).events);
    }
    let count = |is: fn(&Event) -> bool| events.iter().filter(|event| is(event)).count();
    let closed = |event: &Event| matches!(event, Event::Reviewed(made) if !made.stage.is_pending());
    let counts = [
        count(|event| matches!(event, Event::ClaimSubmitted(_))),
        count(|event| matches!(event, Event::VoucherRedeemed(_))),
        count(|event| matches!(event, Event::RedemptionSettled(_))),
        count(|event| matches!(event, Event::ClawbackRecovered(_))),
        events.iter().filter(|event| closed(event)).count(),
    ];
    assert!(counts.iter().all(|count| *count >= 5), "{counts:?}");
}
