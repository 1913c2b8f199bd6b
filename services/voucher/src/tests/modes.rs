//! Each of the six ways in which subsidies reach compute, from the first command to the last.

use loopledger_model::purchase::{Contract, InvoiceIssued};
use loopledger_model::voucher::*;
use loopledger_model::{Event as AnyEvent, Fact, purchase};
use loopledger_testkit::{at, cny, fact, given, id, period};

use super::cases::*;
use super::world::*;

#[test]
fn m1_the_provider_redeems_what_was_deducted_on_the_bill() {
    let story = locked(ruled(|rules| rules.claim_review = Some(reviewed_by_two())));
    let (events, story) = told(story, Command::SubmitClaim(claim("r-1", "2025-03-10")));
    let [Event::ClaimSubmitted(submitted)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((submitted.amount, submitted.place), (cny("60"), 1), "30 % of 200");
    assert_eq!(submitted.payee, id("provider-a"));
    let story = story.after(two_levels("r-1"));
    assert_balances(&story, "v-1", "40", "0");
    let early = settle("s-1", "r-1", "60", "2025-03-21");
    let not_ordered = Refusal::NotOrdered { settlement: id("s-1") };
    story.when(early.clone()).then_refused(not_ordered);
    let story = story.after([order("s-1", "r-1", "60", "2025-03-20")]);
    let (events, story) = told(story, early.clone());
    let [Event::RedemptionSettled(settled)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((settled.amount, &settled.payee), (cny("60"), &None));
    story.when(early).then_nothing();
}

fn beijing() -> Programme {
    let rules = rules_of(include_str!("../../../../tests/programmes/beijing.json"));
    Programme { budget: cny("100000000"), rules, ..programme() }
}

fn applied(amount: &str, when: &str) -> Command {
    Command::Apply(Application {
        id: id("ap-1"),
        programme: id("cv"),
        applicant: id("company-c"),
        amount: cny(amount),
        profile: Profile::default(),
        evidence: vec![evidence(EvidenceKind::Contract, None)],
        by: person("founder", "company-c"),
        at: at(when),
    })
}

fn of_application(taken: ReviewStep, by: Person, when: &str) -> Command {
    step(Subject::Application(id("ap-1")), taken, by, when)
}

fn granted(when: &str) -> Vec<Command> {
    vec![
        of_application(ReviewStep::Check {}, official("o-1"), when),
        of_application(ReviewStep::Verify {}, official("o-1"), when),
        of_application(approve(), official("o-2"), when),
    ]
}

fn issue_for(voucher: &str, amount: &str, tranche: Option<u32>, when: &str) -> Command {
    Command::IssueVoucher(IssueVoucher {
        id: id(voucher),
        programme: id("cv"),
        holder: id("company-c"),
        amount: cny(amount),
        at: at(when),
        application: Some(id("ap-1")),
        tranche,
    })
}

#[test]
fn m2_the_firm_redeems_after_paying_as_in_beijing() {
    let big = Contract { quantity: Some(id("1200000")), ..k1() };
    let invoiced =
        |position, name| invoice(position, name, &big, february(), "1200000", cny("12000000"));
    let facts = [signed(31, big.clone()), invoiced(32, "in-8"), invoiced(33, "in-9")];
    let story = opened(beijing()).knowing(facts);
    let story = story.after([applied("2000000", "2025-01-15")]).after(granted("2025-01-16"));
    let story = story.after([
        issue_for("v-1", "2000000", None, "2025-01-20"),
        lock("l-1", "v-1", "k-1", "2000000", "2025-01-25"),
    ]);
    let by = person("founder", "company-c");
    let proofs = vec![
        evidence(EvidenceKind::ProviderInvoice, Some("fp-1")),
        evidence(EvidenceKind::DeliveryCertificate, None),
    ];
    let asked =
        SubmitClaim { invoice: id("in-8"), by, evidence: proofs, ..claim("r-1", "2025-03-10") };
    let (events, story) = told(story, Command::SubmitClaim(asked.clone()));
    let [Event::ClaimSubmitted(submitted)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((submitted.amount, &submitted.payee), (cny("2000000"), &id("company-c")));
    let again = SubmitClaim { id: id("r-2"), invoice: id("in-9"), ..asked };
    let claimed = Refusal::ContractClaimed { contract: id("k-1"), claim: id("r-1") };
    story.when(Command::SubmitClaim(again.clone())).then_refused(claimed.clone());
    let story = story.after([
        of_claim("r-1", ReviewStep::Check {}, official("o-1"), "2025-03-11"),
        of_claim("r-1", ReviewStep::Verify {}, official("o-1"), "2025-03-11"),
        of_claim("r-1", approve(), official("o-1"), "2025-03-12"),
        order("s-1", "r-1", "2000000", "2025-03-13"),
    ]);
    let (events, story) = told(story, settle("s-1", "r-1", "2000000", "2025-03-14"));
    let [Event::RedemptionSettled(settled)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(settled.payee, Some(id("company-c")));
    story.when(Command::SubmitClaim(again)).then_refused(claimed);
}

/// What company C settled for two years in advance.
fn nanning() -> Vec<Fact> {
    let term = period("2025-01-01", "2026-12-31");
    let contract = Contract {
        price_per_unit: id("1"),
        quantity: Some(id("200000")),
        at: at("2024-12-20"),
        term,
        ..k1()
    };
    let invoice = InvoiceIssued {
        id: id("in-1"),
        contract: id("k-1"),
        buyer: id("company-c"),
        seller: id("provider-a"),
        service: term,
        quantity: id("200000"),
        amount: cny("200000"),
        at: at("2025-01-05"),
    };
    let invoice = fact(12, AnyEvent::Purchase(purchase::Event::InvoiceIssued(invoice)));
    let known = [signed(11, contract), invoice, paid(13, "in-1", "200000", "2025-01-06")];
    parties().into_iter().chain(known).collect()
}

#[test]
fn m3_a_claim_makes_its_own_voucher_and_leaves_nothing_of_it_as_in_nanning() {
    let rules = rules_of(include_str!("../../../../tests/programmes/nanning.json"));
    let needed = rules.claim_review.clone().expect("claims are reviewed").evidence;
    let terms =
        Programme { budget: cny("50000000"), closes: at("2026-12-31"), rules, ..programme() };
    let story = given([])
        .knowing(nanning())
        .after([define(terms), admit("provider-a", "2024-01-01", None)]);
    let kinds = needed.into_iter().zip(1..);
    let proofs = kinds.map(|(kind, n)| evidence(kind, Some(&format!("n-{n}")))).collect();
    let by = person("founder", "company-c");
    let asked = SubmitClaim { by, evidence: proofs, ..claim("r-1", "2026-01-10") };
    let (events, story) = told(story, Command::SubmitClaim(asked));
    let [Event::VoucherIssued(issued), Event::VoucherLocked(_), Event::ClaimSubmitted(made)] =
        &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!((issued.amount, made.amount), (cny("25102"), cny("25102")));
    let before = made.trace.iter().find(|step| step.rule == RuleName::ProRataRounding);
    assert_eq!(before.map(|step| step.after.as_str()), Some("83676"));
    let story = story.after([
        of_claim("r-1", ReviewStep::Check {}, official("o-1"), "2026-01-11"),
        of_claim("r-1", ReviewStep::Verify {}, official("o-1"), "2026-01-12"),
        of_claim("r-1", ReviewStep::Verify {}, official("o-2"), "2026-01-13"),
        of_claim("r-1", ReviewStep::Publicise {}, official("o-2"), "2026-01-14"),
    ]);
    let less = ReviewStep::Approve { amount: Some(cny("25000")) };
    let (events, story) = told(story, of_claim("r-1", less, official("o-3"), "2026-01-19"));
    let [Event::VoucherRedeemed(redeemed), Event::VoucherEnded(ended), Event::Reviewed(_)] =
        &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!((redeemed.amount, ended.locked), (cny("25000"), cny("102")));
    assert_eq!(redeemed.payee, Some(id("company-c")));
    assert_eq!(
        story
            .state
            .programme(&id("cv"))
            .expect("defined")
            .budget
            .remaining(story.state.programme(&id("cv")).expect("defined").terms(),),
        cny("49975000")
    );
}

#[test]
fn m4_hours_in_kind_are_redeemed_and_never_paid() {
    let story = locked(ruled(|rules| {
        rules.settlement.mode = SettlementMode::InKind;
        rules.ratio = id("1");
        rules.amount.base = Base::List;
        rules.amount.list_price = Some(id("0.5"));
    }));
    let asked = SubmitClaim { card_hours: Some(id("100")), ..claim("r-1", "2025-03-10") };
    let (events, story) = told(story, Command::SubmitClaim(asked));
    let [Event::ClaimSubmitted(_), Event::VoucherRedeemed(redeemed), Event::Reviewed(reviewed)] =
        &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(redeemed.amount, cny("50"));
    assert!(reviewed.automatic);
    let in_kind = Refusal::PaidInKind { programme: id("cv") };
    story.when(settle("s-1", "r-1", "50", "2025-03-20")).then_refused(in_kind.clone());
    story.when(order("s-1", "r-1", "50", "2025-03-20")).then_refused(in_kind);
}

fn in_halves() -> Programme {
    ruled(|rules| {
        rules.settlement.mode = SettlementMode::Credits;
        rules.application_review = Some(ReviewRules { levels: 1, ..ReviewRules::default() });
        rules.settlement.tranches = vec![
            Tranche { share: id("0.5"), after: None },
            Tranche { share: id("0.5"), after: Some(EvidenceKind::ProjectReport) },
        ];
    })
}

#[test]
fn m5_credits_come_in_tranches_the_second_after_a_report() {
    let story = opened(in_halves()).after([applied("100.01", "2025-01-15")]);
    let story = story.after(granted("2025-01-16"));
    let too_much = Refusal::AboveApproved {
        application: id("ap-1"),
        limit: cny("50"),
        issued: cny("0"),
        asked: cny("50.01"),
    };
    story.when(issue_for("v-1", "50.01", Some(1), "2025-01-20")).then_refused(too_much);
    let story = story.after([issue_for("v-1", "50", Some(1), "2025-01-20")]);
    let second = issue_for("v-2", "50.01", Some(2), "2025-04-01");
    let early = Refusal::TrancheTooEarly {
        application: id("ap-1"),
        tranche: 2,
        kind: EvidenceKind::ProjectReport,
    };
    story.when(second.clone()).then_refused(early);
    let report = vec![evidence(EvidenceKind::ProjectReport, None)];
    let supply = ReviewStep::Supply { evidence: report };
    let story = story
        .after([of_application(supply, person("founder", "company-c"), "2025-03-31"), second])
        .after([lock("l-1", "v-1", "k-1", "50", "2025-04-02")]);
    let (_, story) = told(story, redeem("r-1", "v-1", "in-1", "50", "2025-04-03"));
    told(story, settle("s-1", "r-1", "50", "2025-04-04"));
}

#[test]
fn m6_a_target_letter_pays_the_provider_or_the_firm_but_never_both_for_the_same_time() {
    let story = opened(ruled(|rules| {
        rules.settlement.mode = SettlementMode::TargetLetter;
        rules.settlement.payee = PayeeRule::EitherNotBoth;
        rules.claim_review = Some(ReviewRules {
            evidence: vec![EvidenceKind::ElectricityRecord],
            auto_approve_below: Some(cny("1000")),
            ..ReviewRules::default()
        });
    }));
    let story = story.knowing([invoice(41, "in-7", &k1(), february(), "20", cny("200"))]);
    let open = SubmitClaim { voucher: id("t-1"), ..claim("r-1", "2025-03-10") };
    story.when(Command::SubmitClaim(open.clone())).then_refused(Refusal::PayeeMissing);
    let record = vec![evidence(EvidenceKind::ElectricityRecord, None)];
    let asked = SubmitClaim { payee: Some(Side::Provider), evidence: record, ..open };
    let (events, story) = told(story, Command::SubmitClaim(asked.clone()));
    assert_eq!(events.len(), 5, "issued, locked, submitted, redeemed, approved: {events:?}");
    let firms = SubmitClaim {
        id: id("r-2"),
        voucher: id("t-2"),
        invoice: id("in-7"),
        payee: Some(Side::Firm),
        by: person("founder", "company-c"),
        ..asked
    };
    let other_side =
        Refusal::OtherSidePaid { contract: id("k-1"), claim: id("r-1"), payee: id("provider-a") };
    story.when(Command::SubmitClaim(firms.clone())).then_refused(other_side);
    let later = SubmitClaim { invoice: id("in-2"), at: at("2025-04-10"), ..firms };
    let (_, story) = told(story, Command::SubmitClaim(later));
    let story = story.after([order("s-1", "r-1", "60", "2025-04-11")]);
    told(story, settle("s-1", "r-1", "60", "2025-04-12"));
}
