//! Claims under review: who may do what when, what a claim holds, and what it lets go.

use loopledger_model::Fact;
use loopledger_model::voucher::*;
use loopledger_testkit::{Story, at, cny, fact, id, period};
use rust_decimal::Decimal;

use super::cases::*;
use super::world::*;
use crate::{Facts, Vouchers};

fn ruled_by(change: impl FnOnce(&mut Rules)) -> Story<Vouchers> {
    locked(ruled(|rules| {
        rules.claim_review = Some(reviewed_by_two());
        change(rules);
    }))
}

fn submitted(change: impl FnOnce(&mut Rules)) -> Story<Vouchers> {
    ruled_by(change).after([Command::SubmitClaim(claim("r-1", "2025-03-10"))])
}

fn subject() -> Subject {
    Subject::Claim(id("r-1"))
}

fn take(taken: ReviewStep, by: &str, when: &str) -> Command {
    of_claim("r-1", taken, official(by), when)
}

fn checked(change: impl FnOnce(&mut Rules)) -> Story<Vouchers> {
    submitted(change).after([take(ReviewStep::Check {}, "o-1", "2025-03-11")])
}

#[test]
fn a_programme_that_reviews_claims_redeems_none_directly() {
    let needed = Refusal::ReviewNeeded { programme: id("cv") };
    ruled_by(|_| {}).when(redeem("r-1", "v-1", "in-1", "10", "2025-03-10")).then_refused(needed);
}

#[test]
fn the_same_claim_twice_is_nothing_and_another_of_its_name_is_refused() {
    let story = submitted(|_| {});
    let same = claim("r-1", "2025-03-10");
    story.when(Command::SubmitClaim(same.clone())).then_nothing();
    let other = SubmitClaim { amount: Some(cny("5")), ..same };
    let exists = Refusal::RedemptionExists { redemption: id("r-1") };
    story.when(Command::SubmitClaim(other)).then_refused(exists);
}

#[test]
fn a_claim_names_its_programmes_voucher_and_who_is_paid_submits_it() {
    let story = ruled_by(|_| {});
    let asked = claim("r-1", "2025-03-10");
    let stranger = SubmitClaim { by: person("x", "provider-x"), ..asked.clone() };
    assert_eq!(
        refusal(&story, Command::SubmitClaim(stranger)),
        Refusal::NotForParty { person: person("x", "provider-x"), party: id("provider-a") }
    );
    let firms = SubmitClaim { payee: Some(Side::Firm), ..asked.clone() };
    let payee = Refusal::OtherPayee { programme: id("cv"), payee: Side::Provider };
    assert_eq!(refusal(&story, Command::SubmitClaim(firms)), payee);
    let elsewhere = SubmitClaim { programme: id("cv-2"), ..asked.clone() };
    let unknown = Refusal::UnknownProgramme { programme: id("cv-2") };
    assert_eq!(refusal(&story, Command::SubmitClaim(elsewhere.clone())), unknown);
    let story = story.after([define(Programme { id: id("cv-2"), ..programme() })]);
    let of_another = Refusal::VoucherElsewhere { voucher: id("v-1"), programme: id("cv") };
    assert_eq!(refusal(&story, Command::SubmitClaim(elsewhere)), of_another);
}

#[test]
fn an_invoice_supports_one_claim_until_that_is_let_go() {
    let story = submitted(|_| {});
    let other = Command::SubmitClaim(claim("r-2", "2025-03-10"));
    let has_one = Refusal::InvoiceHasClaim { invoice: id("in-1"), claim: id("r-1") };
    story.when(other.clone()).then_refused(has_one);
    let withdraw =
        of_claim("r-1", ReviewStep::Withdraw {}, person("c", "provider-a"), "2025-03-11");
    let (events, story) = told(story, withdraw);
    assert_eq!(events.len(), 1, "the voucher was there before and stays");
    assert_balances(&story, "v-1", "40", "60");
    told(story, other);
}

#[test]
fn an_invoices_number_supports_one_claim_across_programmes() {
    let numbered = vec![evidence(EvidenceKind::ProviderInvoice, Some("fp-1"))];
    let asked = SubmitClaim { evidence: numbered, ..claim("r-1", "2025-03-10") };
    let story = ruled_by(|_| {}).after([Command::SubmitClaim(asked.clone())]);
    let second = SubmitClaim { id: id("r-2"), invoice: id("in-2"), at: at("2025-04-10"), ..asked };
    let used = Refusal::NumberUsed {
        kind: EvidenceKind::ProviderInvoice,
        number: id("fp-1"),
        invoice: id("in-1"),
    };
    story.when(Command::SubmitClaim(second)).then_refused(used.clone());
    let second = SubmitClaim { invoice: id("in-2"), ..claim("r-2", "2025-04-10") };
    let story = story.after([Command::SubmitClaim(second)]);
    let evidence = vec![evidence(EvidenceKind::ProviderInvoice, Some("fp-1"))];
    let by = person("clerk-a", "provider-a");
    let supply = of_claim("r-2", ReviewStep::Supply { evidence }, by, "2025-04-11");
    story.when(supply).then_refused(used);
}

#[test]
fn metered_usage_supports_one_invoice() {
    let metered = [usage(31, "k-1", period("2025-02-01", "2025-02-20"), "10")];
    let again = invoice(32, "in-7", &k1(), february(), "20", cny("100"));
    let story = ruled_by(|rules| rules.metering_required = true).knowing(metered).knowing([again]);
    let story = story.after([Command::SubmitClaim(claim("r-1", "2025-03-10"))]);
    let second = SubmitClaim { invoice: id("in-7"), ..claim("r-2", "2025-03-10") };
    let claimed = Refusal::UsageClaimed { usage: id("us-31"), invoice: id("in-1") };
    story.when(Command::SubmitClaim(second)).then_refused(claimed);
    let foreign =
        SubmitClaim { invoice: id("in-2"), usage: vec![id("us-31")], ..claim("r-3", "2025-04-10") };
    let foreign = story.when(Command::SubmitClaim(foreign)).0.expect_err("it is February's");
    assert_eq!(foreign, Refusal::ForeignUsage { usage: id("us-31"), contract: id("k-1") });
}

#[test]
fn card_hours_that_are_claimed_were_metered() {
    let metered = [usage(31, "k-1", february(), "10")];
    let story = ruled_by(|rules| rules.metering_required = true);
    let asked = SubmitClaim { card_hours: Some(id("10.1")), ..claim("r-1", "2025-03-10") };
    let none = Refusal::NotMetered { contract: id("k-1"), invoice: id("in-1") };
    story.when(Command::SubmitClaim(asked.clone())).then_refused(none);
    let story = story.knowing(metered);
    let above = Refusal::AboveMeteredHours { claimed: id("10.1"), metered: id("10") };
    story.when(Command::SubmitClaim(asked.clone())).then_refused(above);
    let exact = SubmitClaim { card_hours: Some(id("10")), ..asked };
    told(story, Command::SubmitClaim(exact));
}

#[test]
fn usage_beyond_the_hours_of_lit_cards_supports_no_claim() {
    let story = ruled_by(|rules| rules.metering_required = true);
    let dark = [pool(31, 1, "2025-01-01"), changed(32, 0, "2025-02-02")];
    let story = story.knowing(dark).knowing([usage(33, "k-1", february(), "24.5")]);
    let asked = Command::SubmitClaim(claim("r-1", "2025-03-10"));
    let (lit, metered) = (Decimal::from(24), Decimal::new(245, 1));
    let above = Refusal::AboveLit { pool: id("pool-1"), window: february(), lit, metered };
    story.when(asked.clone()).then_refused(above);
    told(story.knowing([changed(34, 1, "2025-02-27T23:30:00Z")]), asked);
}

#[test]
fn windows_that_overlap_share_the_hours_of_lit_cards() {
    let story = ruled_by(|rules| rules.metering_required = true);
    let story = story.knowing([pool(31, 1, "2025-01-01")]);
    let day = period("2025-02-01", "2025-02-02");
    let both = [usage(32, "k-1", day, "20"), usage(33, "k-1", day, "20")];
    let (lit, metered) = (Decimal::from(24), Decimal::from(40));
    let above = Refusal::AboveLit { pool: id("pool-1"), window: day, lit, metered };
    let asked = Command::SubmitClaim(claim("r-1", "2025-03-10"));
    story.knowing(both).when(asked).then_refused(above);
}

#[test]
fn what_others_claimed_of_a_pool_takes_from_the_hours_of_its_lit_cards() {
    let mut facts = Facts::default();
    let (first, second) = (contract("k-1", "c", "a"), contract("k-2", "d", "a"));
    let day = period("2025-02-01", "2025-02-02");
    let longer = period("2025-01-31", "2025-02-02");
    for fact in [
        signed(1, first),
        signed(2, second),
        pool(3, 1, "2025-01-01"),
        usage(4, "k-1", day, "20"),
        usage(5, "k-2", longer, "30"),
        usage(6, "k-2", february(), "1"),
    ] {
        facts.learn(&fact);
    }
    let asked: Vec<_> = facts.metered(&id("k-1"), day).map(|(usage, _)| usage).collect();
    let asked = || asked.iter().copied();
    assert_eq!(facts.are_lit(asked(), |_| false), Ok(()));
    assert_eq!(facts.are_lit(asked(), |other| *other == id("us-6")), Ok(()));
    let (lit, metered) = (Decimal::from(48), Decimal::from(50));
    let above = Refusal::AboveLit { pool: id("pool-1"), window: longer, lit, metered };
    assert_eq!(facts.are_lit(asked(), |other| *other == id("us-5")), Err(above));
}

#[test]
fn the_own_share_is_paid_first_where_the_programme_says_so() {
    let story = ruled_by(|rules| rules.settlement.own_share_first = true);
    let asked = Command::SubmitClaim(claim("r-1", "2025-03-10"));
    let unpaid = Refusal::OwnShareUnpaid { share: cny("140"), paid: cny("139.99") };
    let story = story.knowing([paid(31, "in-1", "139.99", "2025-03-09")]);
    story.when(asked.clone()).then_refused(unpaid);
    told(story.knowing([paid(32, "in-1", "0.01", "2025-03-10")]), asked);
}

#[test]
fn a_claim_comes_within_its_window_for_service_within_the_vouchers_time() {
    let story = ruled_by(|rules| rules.settlement.claim_window_days = Some(9));
    told(
        ruled_by(|rules| rules.settlement.claim_window_days = Some(9)),
        Command::SubmitClaim(claim("r-1", "2025-03-10")),
    );
    let late = Refusal::ClaimTooLate { until: at("2025-03-10"), at: at("2025-03-10T00:00:01Z") };
    story.when(Command::SubmitClaim(claim("r-1", "2025-03-10T00:00:01Z"))).then_refused(late);
    let reviewed = ruled(|rules| rules.claim_review = Some(reviewed_by_two()));
    let story = opened(reviewed).after([
        issue("v-1", "company-c", "100", "2025-02-02"),
        lock("l-1", "v-1", "k-1", "60", "2025-02-03"),
    ]);
    let outside = Refusal::ServiceOutsideValidity { voucher: id("v-1"), service: february() };
    story.when(Command::SubmitClaim(claim("r-1", "2025-03-10"))).then_refused(outside);
}

#[test]
fn what_the_base_needs_has_to_be_known() {
    let used = ruled_by(|rules| rules.amount.base = Base::Used);
    let unknown = Refusal::NoBase { base: Base::Used, invoice: id("in-1") };
    used.when(Command::SubmitClaim(claim("r-1", "2025-03-10"))).then_refused(unknown);
    let settled = ruled_by(|rules| rules.amount.base = Base::Settled);
    let nothing = refusal(&settled, Command::SubmitClaim(claim("r-1", "2025-03-10")));
    let Refusal::NothingPayable { trace } = nothing else { panic!("{nothing}") };
    assert_eq!(trace[0].after, "0");
}

#[test]
fn a_provider_is_admitted_on_every_day_of_service() {
    let suspend = |change, when| {
        Command::ChangeAdmission(ChangeAdmission {
            programme: id("cv"),
            provider: id("provider-a"),
            change,
            by: official("o-1"),
            at: at(when),
            reason: None,
        })
    };
    let story = ruled_by(|_| {}).after([
        suspend(AdmissionChange::Suspended, "2025-02-10"),
        suspend(AdmissionChange::Reinstated, "2025-02-11"),
    ]);
    let not_admitted = Refusal::NotAdmitted {
        programme: id("cv"),
        provider: id("provider-a"),
        at: at("2025-02-10"),
    };
    story.when(Command::SubmitClaim(claim("r-1", "2025-03-10"))).then_refused(not_admitted);
    let march = SubmitClaim { invoice: id("in-2"), ..claim("r-2", "2025-04-10") };
    told(story, Command::SubmitClaim(march));
}

#[test]
fn nobody_reviews_their_own_case_and_no_level_twice() {
    let story = submitted(|_| {});
    for party in ["company-c", "provider-a"] {
        let own = person("x", party);
        let check = of_claim("r-1", ReviewStep::Check {}, own.clone(), "2025-03-11");
        story.when(check).then_refused(Refusal::OwnCase { person: own, party: id(party) });
    }
    let story = checked(|_| {}).after([take(ReviewStep::Verify {}, "o-1", "2025-03-12")]);
    let same = Refusal::SamePerson { subject: subject(), person: official("o-1") };
    story.when(take(ReviewStep::Verify {}, "o-1", "2025-03-13")).then_refused(same);
    let story = story.after([take(ReviewStep::Verify {}, "o-2", "2025-03-13")]);
    let all = Refusal::AllVerified { subject: subject(), levels: 2 };
    story.when(take(ReviewStep::Verify {}, "o-3", "2025-03-13")).then_refused(all);
}

#[test]
fn nothing_is_approved_before_its_levels_its_evidence_and_its_publicity() {
    let story = checked(|_| {});
    let publicise = |when| take(ReviewStep::Publicise {}, "o-1", when);
    let levels = Refusal::NotVerified { subject: subject(), verified: 0, levels: 2 };
    story.when(publicise("2025-03-12")).then_refused(levels.clone());
    let public = Refusal::NotPublicised { subject: subject(), days: 5 };
    story.when(take(approve(), "o-1", "2025-03-12")).then_refused(public);
    let quiet = checked(|rules| {
        rules.claim_review = Some(ReviewRules { levels: 2, ..ReviewRules::default() });
    });
    quiet.when(take(approve(), "o-1", "2025-03-12")).then_refused(levels);
    quiet.when(publicise("2025-03-12")).then_refused(Refusal::NoPublicity { subject: subject() });
    let lacking = checked(|rules| {
        rules.claim_review.as_mut().expect("reviewed").evidence = vec![EvidenceKind::PaymentProof];
    });
    let missing = vec![EvidenceKind::PaymentProof];
    let verify = take(ReviewStep::Verify {}, "o-1", "2025-03-12");
    lacking.when(verify).then_refused(Refusal::EvidenceMissing { subject: subject(), missing });
    let story = story.after([
        take(ReviewStep::Verify {}, "o-1", "2025-03-12"),
        take(ReviewStep::Verify {}, "o-2", "2025-03-12"),
        publicise("2025-03-13"),
    ]);
    let still = Refusal::StillPublicised { subject: subject(), until: at("2025-03-18") };
    story.when(take(approve(), "o-3", "2025-03-17T23:59:59Z")).then_refused(still);
    told(story, take(approve(), "o-3", "2025-03-18"));
}

#[test]
fn an_objection_sends_a_claim_back_to_its_first_level() {
    let story = submitted(|_| {});
    let mut steps = two_levels("r-1");
    steps.pop();
    let story = story.after(steps);
    let reason = id("the contract was not executed");
    let objection =
        of_claim("r-1", ReviewStep::Object { reason }, person("y", "company-d"), "2025-03-15");
    let (events, story) = told(story, objection);
    let [Event::Reviewed(reviewed)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(reviewed.stage, ReviewStage::UnderReview { verified: 0 });
    told(story, take(ReviewStep::Verify {}, "o-2", "2025-03-16"));
}

#[test]
fn information_is_requested_and_supplied() {
    let question = || ReviewStep::RequestInformation { question: id("where is the meter's log?") };
    let story = checked(|_| {}).after([take(question(), "o-1", "2025-03-12")]);
    let wrong = Refusal::WrongReviewStage {
        subject: subject(),
        stage: "information_requested".to_owned(),
        step: "verify".to_owned(),
    };
    story.when(take(ReviewStep::Verify {}, "o-1", "2025-03-13")).then_refused(wrong);
    let evidence = vec![evidence(EvidenceKind::UsageRecord, None)];
    let supply = || ReviewStep::Supply { evidence: evidence.clone() };
    let by_city = official("o-1");
    let not_theirs = Refusal::NotForParty { person: by_city.clone(), party: id("provider-a") };
    story.when(of_claim("r-1", supply(), by_city, "2025-03-13")).then_refused(not_theirs);
    let by = person("clerk-a", "provider-a");
    let (_, story) = told(story, of_claim("r-1", supply(), by.clone(), "2025-03-13"));
    story.when(of_claim("r-1", supply(), by, "2025-03-13")).then_nothing();
    let back = take(ReviewStep::Verify {}, "o-1", "2025-03-12");
    let last = at("2025-03-13");
    let before = Refusal::BeforeLastStep { subject: subject(), last, at: at("2025-03-12") };
    story.when(back).then_refused(before);
}

#[test]
fn a_rejection_keeps_its_place_until_the_time_for_appeals_is_over() {
    let appealable = |rules: &mut Rules| {
        rules.claim_review.as_mut().expect("reviewed").appeal_days = 10;
    };
    let story = checked(appealable);
    let no_reason = ReviewStep::Reject { reasons: Vec::new() };
    story.when(take(no_reason, "o-1", "2025-03-12")).then_refused(Refusal::NoReason);
    let story = story.after([take(reject(), "o-1", "2025-03-12")]);
    let until = at("2025-03-22");
    let close = |when| take(ReviewStep::Close {}, "o-1", when);
    let still = Refusal::StillAppealable { subject: subject(), until };
    story.when(close("2025-03-22")).then_refused(still);
    let held = Refusal::InvoiceHasClaim { invoice: id("in-1"), claim: id("r-1") };
    story.when(Command::SubmitClaim(claim("r-2", "2025-03-13"))).then_refused(held);
    let appeal = |when| {
        let reason = id("the log is attached");
        of_claim("r-1", ReviewStep::Appeal { reason }, person("c", "provider-a"), when)
    };
    let late = Refusal::AppealTooLate { subject: subject(), until };
    story.when(appeal("2025-03-22T00:00:01Z")).then_refused(late);
    let (events, _) = told(
        checked(appealable).after([take(reject(), "o-1", "2025-03-12")]),
        appeal("2025-03-22"),
    );
    let [Event::Reviewed(reviewed)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(reviewed.stage, ReviewStage::UnderReview { verified: 0 });
    let (_, story) = told(story, close("2025-03-23"));
    told(story, Command::SubmitClaim(claim("r-2", "2025-03-24")));
}

#[test]
fn what_a_claim_is_about_stays_while_it_is_undecided() {
    let story = submitted(|_| {});
    let pending = Refusal::ClaimPending { claim: id("r-1") };
    story.when(release("l-1", "2025-03-11")).then_refused(pending.clone());
    for ending in [Ending::Revoked, Ending::Surrendered] {
        story.when(end("v-1", ending, "2025-03-11")).then_refused(pending.clone());
    }
}

#[test]
fn a_small_claim_is_approved_by_being_complete() {
    let small = |rules: &mut Rules| {
        let review = rules.claim_review.as_mut().expect("reviewed");
        review.auto_approve_below = Some(cny("60.01"));
        review.evidence = vec![EvidenceKind::UsageRecord];
    };
    let asked = claim("r-1", "2025-03-10");
    let (events, _) = told(ruled_by(small), Command::SubmitClaim(asked.clone()));
    assert_eq!(events.len(), 1, "its evidence is missing");
    let log = vec![evidence(EvidenceKind::UsageRecord, None)];
    let complete = SubmitClaim { evidence: log, ..asked };
    let (events, story) = told(ruled_by(small), Command::SubmitClaim(complete.clone()));
    assert_eq!(events.len(), 3, "{events:?}");
    assert_balances(&story, "v-1", "40", "0");
    story.when(Command::SubmitClaim(complete)).then_nothing();
}

#[test]
fn an_approval_is_for_no_more_than_was_claimed() {
    let mut steps = two_levels("r-1");
    steps.pop();
    let story = submitted(|_| {}).after(steps);
    let amount = Some(cny("60.01"));
    let above = Refusal::AboveAsked { subject: subject(), limit: cny("60"), amount: cny("60.01") };
    story.when(take(ReviewStep::Approve { amount }, "o-3", "2025-03-19")).then_refused(above);
}

#[test]
fn what_was_not_submitted_is_not_reviewed() {
    let story = ruled_by(|_| {});
    let unknown = Refusal::UnknownSubject { subject: subject() };
    story.when(take(ReviewStep::Check {}, "o-1", "2025-03-11")).then_refused(unknown);
    let application = Subject::Application(id("ap-9"));
    let check = step(application.clone(), ReviewStep::Check {}, official("o-1"), "2025-03-11");
    story.when(check).then_refused(Refusal::UnknownSubject { subject: application });
}

#[test]
fn contracts_outside_the_programmes_terms_are_not_locked() {
    let try_lock = |change: fn(&mut EligibilityRules)| {
        let story = issued(ruled(|rules| change(&mut rules.eligibility)));
        story.when(lock("l-1", "v-1", "k-1", "10", "2025-01-25")).0.err()
    };
    let out = Refusal::SignedOutOfTime { contract: id("k-1"), signed_at: at("2025-01-10") };
    assert_eq!(try_lock(|rules| rules.signed_from = Some(at("2025-01-11"))), Some(out.clone()));
    assert_eq!(try_lock(|rules| rules.signed_until = Some(at("2025-01-09"))), Some(out));
    assert_eq!(try_lock(|rules| rules.signed_from = Some(at("2025-01-10"))), None);
    let long = Refusal::TermTooLong { contract: id("k-1"), days: 181, most: 180 };
    assert_eq!(try_lock(|rules| rules.term_days_max = Some(180)), Some(long));
    assert_eq!(try_lock(|rules| rules.term_days_max = Some(181)), None);
    let precision = Refusal::WrongPrecision { contract: id("k-1") };
    let fp16 = |rules: &mut EligibilityRules| rules.precisions = vec![id("fp16")];
    assert_eq!(try_lock(fp16), Some(precision));
}

/// Provider A's capital reached company C.
fn funded() -> Fact {
    let paid = loopledger_model::fund::Investment {
        id: id("iv-1"),
        investor: id("provider-a"),
        company: id("company-c"),
        amount: cny("40"),
        stake_percent: None,
        at: at("2024-11-15"),
        follows: None,
    };
    let event = loopledger_model::fund::Event::InvestmentFunded(paid);
    fact(90, loopledger_model::Event::Fund(event))
}

fn approval(by: Person) -> Command {
    Command::ApproveWaiver(ApproveWaiver {
        programme: id("cv"),
        contract: id("k-1"),
        by,
        reason: id("a pilot"),
        at: at("2025-01-21"),
    })
}

#[test]
fn related_parties_are_let_through_by_enough_approvers_who_are_not_party_to_it() {
    let gated = |waiver| {
        issued(ruled(|rules| {
            rules.affiliation = Affiliation::RefuseFundingLink;
            rules.waiver = waiver;
        }))
    };
    let ask = |story: &Story<Vouchers>| story.when(lock("l-1", "v-1", "k-1", "60", "2025-01-25")).0;
    let none = Refusal::NoWaivers { programme: id("cv") };
    gated(None).when(approval(official("a-1"))).then_refused(none);
    let approvers = vec![id("a-1"), id("a-2"), id("a-3")];
    let story = gated(Some(WaiverRule { approvers, needed: 2 }));
    let nothing = Refusal::NothingToWaive { contract: id("k-1") };
    story.when(approval(official("a-1"))).then_refused(nothing);
    let unwaived = ask(&story).expect("they are not related").events;
    let [Event::VoucherLocked(free)] = &unwaived[..] else { panic!("{unwaived:?}") };
    let gate = free.gate.as_ref().expect("the rule was looked at");
    assert_eq!(gate.facts_to, Some(named(23)), "the last fact of the world");
    let story = story.knowing([funded()]);
    let stranger = Refusal::NotAnApprover { programme: id("cv"), person: official("b-1") };
    story.when(approval(official("b-1"))).then_refused(stranger);
    let partial = person("a-1", "company-c");
    let party = Refusal::PartyToIt { person: partial.clone(), party: id("company-c") };
    story.when(approval(partial)).then_refused(party);
    let story = story.after([approval(official("a-1"))]);
    story.when(approval(official("a-1"))).then_nothing();
    assert!(matches!(ask(&story), Err(Refusal::Related { .. })), "one of two approvers");
    let story = story.after([approval(official("a-3"))]);
    let events = ask(&story).expect("it is waived").events;
    let [Event::VoucherLocked(locked)] = &events[..] else { panic!("{events:?}") };
    let waived_by = vec![id("a-1"), id("a-3")];
    let facts_to = Some(named(90));
    let gate = Gate { rule: Affiliation::RefuseFundingLink, facts_to, waived_by };
    assert_eq!(locked.gate, Some(gate));
}

#[test]
fn a_claim_that_makes_its_voucher_gives_it_a_name_of_its_own() {
    let story = opened(ruled(|rules| rules.settlement.mode = SettlementMode::TargetLetter));
    let story = story.after([
        issue("v-1", "company-c", "100", "2025-01-20"),
        lock("t-1", "v-1", "k-1", "10", "2025-01-25"),
    ]);
    let exists = Refusal::VoucherExists { voucher: id("v-1") };
    story.when(Command::SubmitClaim(claim("r-1", "2025-03-10"))).then_refused(exists);
    let named = SubmitClaim { voucher: id("t-1"), ..claim("r-1", "2025-03-10") };
    let taken = Refusal::LockNameTaken { lock: id("t-1") };
    story.when(Command::SubmitClaim(named)).then_refused(taken);
}
