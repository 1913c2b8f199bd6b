//! Payments on order, and what is claimed back.

use loopledger_model::voucher::*;
use loopledger_testkit::{Story, at, cny, id};

use super::cases::*;
use super::world::*;
use crate::Vouchers;

fn approved(change: impl FnOnce(&mut Rules)) -> Story<Vouchers> {
    let story = locked(ruled(|rules| {
        rules.claim_review = Some(reviewed_by_two());
        rules.clawback = Some(ClawbackRule {
            triggers: vec![ClawbackTrigger::NeverExecuted],
            interest: Some(id("3.65")),
            ban_years: 3,
        });
        change(rules);
    }));
    story.after([Command::SubmitClaim(claim("r-1", "2025-03-10"))]).after(two_levels("r-1"))
}

fn fail(name: &str, when: &str) -> Command {
    Command::FailPayment(FailPayment { id: id(name), reason: id("account closed"), at: at(when) })
}

#[test]
fn a_payment_that_failed_is_ordered_again() {
    let story = approved(|_| {}).after([order("s-1", "r-1", "60", "2025-03-20")]);
    story.when(order("s-1", "r-1", "60", "2025-03-20")).then_nothing();
    let exists = Refusal::OrderExists { settlement: id("s-1") };
    story.when(order("s-1", "r-1", "59", "2025-03-20")).then_refused(exists);
    let above = Refusal::AboveRedemption {
        redemption: id("r-1"),
        redeemed: cny("60"),
        paid: cny("60"),
        asked: cny("1"),
    };
    story.when(order("s-2", "r-1", "1", "2025-03-20")).then_refused(above);
    let other =
        Refusal::OtherThanOrdered { settlement: id("s-1"), ordered: cny("60"), amount: cny("59") };
    story.when(settle("s-1", "r-1", "59", "2025-03-21")).then_refused(other);
    let before = Refusal::BeforeOrder {
        settlement: id("s-1"),
        ordered_at: at("2025-03-20"),
        at: at("2025-03-19"),
    };
    story.when(fail("s-1", "2025-03-19")).then_refused(before);
    let story = story.after([fail("s-1", "2025-03-21")]);
    story.when(fail("s-1", "2025-03-21")).then_nothing();
    let done = Refusal::OrderDone { settlement: id("s-1"), state: "failed".to_owned() };
    story.when(settle("s-1", "r-1", "60", "2025-03-22")).then_refused(done.clone());
    story.when(fail("s-1", "2025-03-22")).then_refused(done);
    let unknown = Refusal::NotOrdered { settlement: id("s-9") };
    story.when(fail("s-9", "2025-03-22")).then_refused(unknown);
    let story = story.after([order("s-2", "r-1", "60", "2025-03-22")]);
    told(story, settle("s-2", "r-1", "60", "2025-03-23"));
}

#[test]
fn nobody_orders_a_payment_to_their_own() {
    let own = person("treasurer", "provider-a");
    let asked = Command::OrderPayment(OrderPayment {
        id: id("s-1"),
        redemption: id("r-1"),
        amount: cny("60"),
        by: own.clone(),
        at: at("2025-03-20"),
    });
    let refused = Refusal::OwnCase { person: own, party: id("provider-a") };
    approved(|_| {}).when(asked).then_refused(refused);
}

fn open(name: &str, trigger: ClawbackTrigger, when: &str) -> Command {
    Command::OpenClawback(OpenClawback {
        id: id(name),
        redemption: id("r-1"),
        trigger,
        by: official("auditor"),
        at: at(when),
    })
}

fn assess(name: &str, principal: &str, when: &str) -> Command {
    Command::AssessClawback(AssessClawback {
        clawback: id(name),
        principal: cny(principal),
        by: official("auditor"),
        at: at(when),
    })
}

fn recover(name: &str, amount: &str, when: &str) -> Command {
    Command::RecordRecovery(RecordRecovery {
        id: id(name),
        clawback: id("cb-1"),
        amount: cny(amount),
        at: at(when),
        reference: None,
    })
}

fn write_off(when: &str) -> Command {
    Command::WriteOffClawback(WriteOffClawback {
        clawback: id("cb-1"),
        reason: id("insolvent"),
        by: official("auditor"),
        at: at(when),
    })
}

fn paid_out() -> Story<Vouchers> {
    approved(|_| {})
        .after([order("s-1", "r-1", "60", "2025-03-20"), settle("s-1", "r-1", "60", "2025-04-01")])
}

fn wrong(state: &str) -> Refusal {
    Refusal::WrongClawbackState { clawback: id("cb-1"), state: state.to_owned() }
}

#[test]
fn what_was_paid_is_clawed_back_with_interest_and_a_ban() {
    let never = ClawbackTrigger::NeverExecuted;
    let story = paid_out();
    let none = Refusal::NoClawback { programme: id("cv"), trigger: ClawbackTrigger::Collusion };
    story.when(open("cb-1", ClawbackTrigger::Collusion, "2025-07-01")).then_refused(none);
    let unknown = Refusal::UnknownClawback { clawback: id("cb-1") };
    story.when(assess("cb-1", "50", "2025-07-10")).then_refused(unknown);
    let story = story.after([open("cb-1", never, "2025-07-01")]);
    story.when(open("cb-1", never, "2025-07-01")).then_nothing();
    let exists = Refusal::ClawbackExists { clawback: id("cb-1") };
    story.when(open("cb-1", never, "2025-07-02")).then_refused(exists);
    story.when(recover("rc-1", "1", "2025-07-02")).then_refused(wrong("not assessed"));
    let above = Refusal::AbovePaid { redemption: id("r-1"), paid: cny("60"), asked: cny("60.01") };
    story.when(assess("cb-1", "60.01", "2025-07-10")).then_refused(above);
    let (events, story) = told(story, assess("cb-1", "50", "2025-07-10"));
    let [Event::ClawbackAssessed(assessed)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(assessed.interest, cny("0.50"), "50 x 3.65 % x 100 / 365");
    assert_eq!(assessed.banned_until, Some(at("2028-07-10")));
    story.when(assess("cb-1", "50", "2025-07-10")).then_nothing();
    story.when(assess("cb-1", "49", "2025-07-10")).then_refused(wrong("assessed"));
    let again = Refusal::AbovePaid { redemption: id("r-1"), paid: cny("10"), asked: cny("10.01") };
    let second = story.when(open("cb-2", never, "2025-07-11")).0.expect("a second one").events;
    assert_eq!(second.len(), 1);
    let (_, story) = told(story, open("cb-2", never, "2025-07-11"));
    story.when(assess("cb-2", "10.01", "2025-07-12")).then_refused(again);
    let story = story.after([recover("rc-1", "30", "2025-08-01")]);
    story.when(recover("rc-1", "30", "2025-08-01")).then_nothing();
    let exists = Refusal::RecoveryExists { recovery: id("rc-1") };
    story.when(recover("rc-1", "31", "2025-08-01")).then_refused(exists);
    let owed = Refusal::AboveOwed { clawback: id("cb-1"), owed: cny("20.50"), asked: cny("20.51") };
    story.when(recover("rc-2", "20.51", "2025-08-02")).then_refused(owed);
    let early = Refusal::BeforeClawbackStep {
        clawback: id("cb-1"),
        last: at("2025-08-01"),
        at: at("2025-07-31"),
    };
    story.when(recover("rc-2", "1", "2025-07-31")).then_refused(early);
    let (events, story) = told(story, write_off("2025-09-01"));
    let [Event::ClawbackWrittenOff(gone)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(gone.amount, cny("20.50"));
    story.when(write_off("2025-09-01")).then_nothing();
    story.when(recover("rc-3", "1", "2025-09-02")).then_refused(wrong("written off"));
    let banned = Refusal::Banned { party: id("provider-a"), until: at("2028-07-10") };
    let next = SubmitClaim { invoice: id("in-2"), ..claim("r-2", "2025-04-10") };
    story.when(Command::SubmitClaim(next)).then_refused(banned);
}

#[test]
fn a_programme_without_a_clawback_rule_claims_nothing_back() {
    let story = approved(|rules| rules.clawback = None);
    let trigger = ClawbackTrigger::NeverExecuted;
    let none = Refusal::NoClawback { programme: id("cv"), trigger };
    story.when(open("cb-1", trigger, "2025-07-01")).then_refused(none);
}
