//! Versions and stages of programmes, budgets by period and source, admissions and applications.

use loopledger_model::voucher::*;
use loopledger_testkit::{Story, at, cny, given, id, period};

use super::cases::*;
use super::world::*;
use crate::Vouchers;

fn draft(programme: Programme) -> Command {
    Command::DraftProgramme(programme)
}

fn change(version: u32, to: ProgrammeStage, when: &str) -> Command {
    Command::ChangeProgramme(ChangeProgramme {
        programme: id("cv"),
        version,
        to,
        by: official("o-1"),
        at: at(when),
    })
}

fn drafted() -> Story<Vouchers> {
    given([]).knowing(facts()).after([draft(programme())])
}

fn version_2(change: impl FnOnce(&mut Programme)) -> Programme {
    let mut programme = Programme { version: 2, ..programme() };
    change(&mut programme);
    programme
}

use ProgrammeStage::{Closed, Open, Published, Settled, Suspended};

#[test]
fn a_programme_goes_from_draft_to_settlement() {
    let story = drafted();
    let issue_1 = || issue("v-1", "company-c", "100", "2025-01-20");
    let not_open = |stage| Refusal::ProgrammeNotOpen { programme: id("cv"), stage };
    story.when(issue_1()).then_refused(not_open(ProgrammeStage::Drafted));
    let wrong =
        Refusal::WrongStage { programme: id("cv"), stage: ProgrammeStage::Drafted, to: Open };
    story.when(change(1, Open, "2025-01-01")).then_refused(wrong);
    let story = story.after([change(1, Published, "2025-01-01"), change(1, Open, "2025-01-02")]);
    story.when(change(1, Open, "2025-01-02")).then_nothing();
    let early = Refusal::BeforeLastChange {
        programme: id("cv"),
        changed_at: at("2025-01-02"),
        at: at("2025-01-01"),
    };
    story.when(change(1, Suspended, "2025-01-01")).then_refused(early);
    let story = story.after([admit("provider-a", "2025-01-01", None), issue_1()]);
    let story = story.after([change(1, Suspended, "2025-01-21")]);
    let locked = lock("l-1", "v-1", "k-1", "60", "2025-01-25");
    story.when(locked.clone()).then_refused(not_open(Suspended));
    story.when(issue("v-2", "company-c", "1", "2025-01-22")).then_refused(not_open(Suspended));
    let story =
        story.after([change(1, Open, "2025-01-23"), locked, change(1, Closed, "2025-02-01")]);
    story.when(issue("v-2", "company-c", "1", "2025-02-01")).then_refused(not_open(Closed));
    let unsettled = Refusal::Unsettled { programme: id("cv"), vouchers: 1, claims: 0 };
    story.when(change(1, Settled, "2025-04-01")).then_refused(unsettled);
    let story = story.after([
        redeem("r-1", "v-1", "in-1", "60", "2025-03-10"),
        end("v-1", Ending::Revoked, "2025-03-11"),
        change(1, Settled, "2025-04-01"),
    ]);
    let settled = Refusal::WrongStage { programme: id("cv"), stage: Settled, to: Open };
    story.when(change(1, Open, "2025-04-02")).then_refused(settled);
}

#[test]
fn vouchers_live_under_the_version_that_issued_them() {
    let half = version_2(|next| next.rules.ratio = id("0.5"));
    let story = issued(programme()).after([draft(half.clone())]);
    story.when(draft(half.clone())).then_nothing();
    let other = Programme { budget: cny("2000"), ..half };
    let exists = Refusal::VersionExists { programme: id("cv"), version: 2 };
    story.when(draft(other)).then_refused(exists);
    let story = story.after([
        change(2, Published, "2025-01-21"),
        issue("v-2", "company-c", "100", "2025-01-22"),
        lock("l-1", "v-1", "k-1", "60", "2025-01-25"),
        lock("l-2", "v-2", "k-1", "100", "2025-01-25"),
    ]);
    let above = Refusal::AboveInvoiceShare {
        invoice: id("in-1"),
        limit: cny("60"),
        redeemed: cny("0"),
        asked: cny("60.01"),
    };
    story.when(redeem("r-1", "v-1", "in-1", "60.01", "2025-03-10")).then_refused(above);
    let (events, _) = told(story, redeem("r-2", "v-2", "in-1", "100", "2025-03-10"));
    let [Event::VoucherRedeemed(redeemed)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(redeemed.version, 2);
}

#[test]
fn versions_follow_each_other_and_keep_what_others_rely_on() {
    let story = opened(programme());
    let third = Programme { version: 3, ..programme() };
    let wrong = Refusal::WrongVersion { programme: id("cv"), next: 2, version: 3 };
    story.when(draft(third.clone())).then_refused(wrong);
    let elsewhere = Programme { id: id("cv-9"), version: 2, ..programme() };
    let first = Refusal::WrongVersion { programme: id("cv-9"), next: 1, version: 2 };
    story.when(define(elsewhere)).then_refused(first);
    let source = Source { party: id("city"), parts: 1 };
    let funded = version_2(|next| next.funding = vec![source]);
    let what = "sources of funding".to_owned();
    let kept = Refusal::NotKept { programme: id("cv"), version: 2, what };
    story.when(draft(funded)).then_refused(kept);
    let unknown = Refusal::UnknownVersion { programme: id("cv"), version: 2 };
    story.when(change(2, Published, "2025-01-02")).then_refused(unknown);
    let less = issued(programme()).after([draft(version_2(|next| next.budget = cny("99.99")))]);
    let below = Refusal::BelowCommitted {
        programme: id("cv"),
        version: 2,
        committed: cny("100"),
        budget: cny("99.99"),
    };
    less.when(change(2, Published, "2025-02-01")).then_refused(below);
}

#[test]
fn rules_that_contradict_each_other_are_refused() {
    type Change = fn(&mut Programme);
    let wrong: [(&str, Change); 12] = [
        ("list price", |it| it.rules.amount.base = Base::List),
        ("claimed once", |it| it.rules.amount.base = Base::Contract),
        ("target letter", |it| it.rules.settlement.payee = PayeeRule::EitherNotBoth),
        ("the firm is paid", |it| it.rules.settlement.mode = SettlementMode::FirmRedeems),
        ("application_review", |it| {
            it.rules.settlement.tranches = vec![Tranche { share: id("1"), after: None }];
        }),
        ("come to 1", |it| {
            it.rules.application_review = Some(ReviewRules::default());
            it.rules.settlement.tranches = vec![Tranche { share: id("0.9"), after: None }];
        }),
        ("no application", |it| {
            it.rules.application_review = Some(ReviewRules::default());
            it.rules.settlement.mode = SettlementMode::Reimbursement;
        }),
        ("at least one approver", |it| {
            it.rules.waiver = Some(WaiverRule { approvers: vec![id("a")], needed: 2 });
        }),
        ("named once", |it| {
            let approvers = vec![id("a"), id("a")];
            it.rules.waiver = Some(WaiverRule { approvers, needed: 1 });
        }),
        ("overlap", |it| it.budgets = [year_of("10"), year_of("10")].to_vec()),
        ("more than the budget", |it| it.budgets = vec![year_of("1000.01")]),
        ("at least one part", |it| it.funding = vec![Source { party: id("city"), parts: 0 }]),
    ];
    for (words, change) in wrong {
        let mut programme = programme();
        change(&mut programme);
        let story: Story<Vouchers> = given([]).knowing(facts());
        let found = refusal(&story, define(programme));
        let Refusal::ContradictoryRules { reason } = found else { panic!("{words}: {found}") };
        assert!(reason.contains(words), "{reason}");
    }
}

fn year_of(amount: &str) -> BudgetPeriod {
    BudgetPeriod { period: period("2025-01-01", "2025-07-01"), amount: cny(amount) }
}

#[test]
fn each_period_has_its_own_budget_and_what_ends_goes_back_to_it() {
    let mut terms = programme();
    terms.budgets = vec![year_of("100")];
    let story = opened(terms).after([issue("v-1", "company-c", "60", "2025-01-20")]);
    let above = Refusal::AbovePeriodBudget {
        programme: id("cv"),
        from: at("2025-01-01"),
        to: at("2025-07-01"),
        remaining: cny("40"),
        asked: cny("40.01"),
    };
    story.when(issue("v-2", "company-c", "40.01", "2025-06-30")).then_refused(above);
    let none = Refusal::NoBudgetPeriod { programme: id("cv"), at: at("2025-07-01") };
    story.when(issue("v-2", "company-c", "1", "2025-07-01")).then_refused(none);
    let story = story.after([end("v-1", Ending::Revoked, "2025-02-01")]);
    told(story, issue("v-2", "company-c", "100", "2025-06-30"));
}

#[test]
fn every_source_bears_its_part_to_the_last_cent_of_the_budget() {
    let mut terms = ruled(|rules| rules.ratio = id("1"));
    terms.budget = cny("0.10");
    terms.funding =
        vec![Source { party: id("city"), parts: 1 }, Source { party: id("provider-x"), parts: 1 }];
    let part = |city, other| {
        let funded = |source, amount| Funded { source: id(source), amount: cny(amount) };
        vec![funded("city", city), funded("provider-x", other)]
    };
    let mut story = opened(terms);
    for (name, amount, expected) in [
        ("v-1", "0.03", part("0.02", "0.01")),
        ("v-2", "0.03", part("0.02", "0.01")),
        ("v-3", "0.03", part("0.01", "0.02")),
        ("v-4", "0.01", part("0", "0.01")),
    ] {
        let (events, next) = told(story, issue(name, "company-c", amount, "2025-01-20"));
        let [Event::VoucherIssued(issued)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(issued.funding, expected, "{name}");
        story = next;
    }
    let story = story.after([lock("l-1", "v-1", "k-1", "0.02", "2025-01-25")]);
    let (events, story) = told(story, redeem("r-1", "v-1", "in-1", "0.01", "2025-03-10"));
    let [Event::VoucherRedeemed(redeemed)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(redeemed.funding, part("0.01", "0"));
    let (events, story) = told(story, settle("s-1", "r-1", "0.01", "2025-03-11"));
    let [Event::RedemptionSettled(settled)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(settled.funding, part("0.01", "0"));
    let (events, _) = told(story, end("v-1", Ending::Revoked, "2025-04-01"));
    let [Event::VoucherEnded(ended)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(ended.funding, part("0.01", "0.01"));
}

#[test]
fn the_cap_of_a_year_may_count_what_is_redeemed() {
    let story = locked(ruled(|rules| {
        rules.cap_holder_year = Some(cny("50"));
        rules.amount.cap_counts = CapCounts::Redeemed;
    }));
    let above = Refusal::AboveHolderRedeemed {
        holder: id("company-c"),
        year: 2025,
        cap: cny("50"),
        redeemed: cny("0"),
        asked: cny("50.01"),
    };
    story.when(redeem("r-1", "v-1", "in-1", "50.01", "2025-03-10")).then_refused(above);
    told(story, redeem("r-1", "v-1", "in-1", "50", "2025-03-10"));
}

fn suspend(change: AdmissionChange, when: &str) -> Command {
    Command::ChangeAdmission(ChangeAdmission {
        programme: id("cv"),
        provider: id("provider-a"),
        change,
        by: official("o-1"),
        at: at(when),
        reason: None,
    })
}

#[test]
fn an_admission_is_suspended_reinstated_and_removed() {
    use AdmissionChange::{Reinstated, Removed};
    let nobody: Story<Vouchers> = given([]).knowing(facts()).after([define(programme())]);
    let never = Refusal::NeverAdmitted { programme: id("cv"), provider: id("provider-a") };
    nobody.when(suspend(Removed, "2025-01-02")).then_refused(never);
    let wrong = |state: &str, change| Refusal::WrongAdmissionState {
        programme: id("cv"),
        provider: id("provider-a"),
        state: state.to_owned(),
        change,
    };
    let story = issued(programme());
    story.when(suspend(Reinstated, "2025-01-02")).then_refused(wrong("reinstated", Reinstated));
    let story = story.after([suspend(AdmissionChange::Suspended, "2025-01-24")]);
    story.when(suspend(AdmissionChange::Suspended, "2025-01-24")).then_nothing();
    let early = Refusal::BeforeLastChange {
        programme: id("cv"),
        changed_at: at("2025-01-24"),
        at: at("2025-01-23"),
    };
    story.when(suspend(Reinstated, "2025-01-23")).then_refused(early);
    let lock_on = |when| lock("l-1", "v-1", "k-1", "60", when);
    let out = |when| Refusal::NotAdmitted {
        programme: id("cv"),
        provider: id("provider-a"),
        at: at(when),
    };
    story.when(lock_on("2025-01-25")).then_refused(out("2025-01-25"));
    assert!(story.when(lock_on("2025-01-23")).0.is_ok(), "it was admitted then");
    let story = story.after([suspend(Reinstated, "2025-01-26"), suspend(Removed, "2025-01-28")]);
    assert!(story.when(lock_on("2025-01-27")).0.is_ok());
    story.when(lock_on("2025-01-28")).then_refused(out("2025-01-28"));
    story.when(admit("provider-a", "2025-02-01", None)).then_refused(wrong("removed", Reinstated));
}

#[test]
fn a_provider_shows_what_the_programme_asks_of_providers() {
    let gated = ruled(|rules| {
        rules.eligibility.provider = ProviderGate {
            p_min: Some(id("100")),
            racks_min: Some(1_000),
            connected: true,
            regions: vec![id("Guizhou")],
            ..ProviderGate::default()
        };
    });
    let story: Story<Vouchers> = given([]).knowing(facts()).after([define(gated)]);
    let qualified =
        Qualification { p: None, racks: Some(1_000), connected: true, region: Some(id("Guizhou")) };
    let ask = |qualification| {
        Command::AdmitProvider(Admission {
            programme: id("cv"),
            provider: id("provider-a"),
            at: at("2025-01-01"),
            to: None,
            qualification,
        })
    };
    for (lacking, gate) in [
        (None, "at least 100 P or 1000 racks"),
        (
            Some(Qualification { racks: Some(999), ..qualified.clone() }),
            "at least 100 P or 1000 racks",
        ),
        (
            Some(Qualification { connected: false, ..qualified.clone() }),
            "a connection to the platform",
        ),
        (Some(Qualification { region: None, ..qualified.clone() }), "a place in Guizhou"),
    ] {
        let (programme, provider) = (id("cv"), id("provider-a"));
        let below = Refusal::BelowProviderGate { programme, provider, gate: gate.to_owned() };
        story.when(ask(lacking)).then_refused(below);
    }
    let application = |racks| {
        Command::ApplyForAdmission(AdmissionApplication {
            programme: id("cv"),
            provider: id("provider-a"),
            at: at("2025-01-01"),
            qualification: Some(Qualification { racks, ..qualified.clone() }),
        })
    };
    let story = story.after([application(Some(1_000))]);
    story.when(application(Some(1_000))).then_nothing();
    let again = Refusal::AdmissionAppliedFor { programme: id("cv"), provider: id("provider-a") };
    story.when(application(Some(1_001))).then_refused(again);
    told(story, ask(None));
}

#[test]
fn a_programme_without_a_list_takes_every_provider() {
    let unlisted = ruled(|rules| rules.eligibility.provider.unlisted = true);
    let story: Story<Vouchers> = given([])
        .knowing(facts())
        .after([define(unlisted), issue("v-1", "company-c", "100", "2025-01-20")]);
    told(story, lock("l-1", "v-1", "k-1", "60", "2025-01-25"));
}

fn application(amount: &str) -> Application {
    Application {
        id: id("ap-1"),
        programme: id("cv"),
        applicant: id("company-c"),
        amount: cny(amount),
        profile: Profile::default(),
        evidence: Vec::new(),
        by: person("founder", "company-c"),
        at: at("2025-01-15"),
    }
}

fn issue_for(holder: &str, tranche: Option<u32>) -> IssueVoucher {
    IssueVoucher {
        id: id("v-1"),
        programme: id("cv"),
        holder: id(holder),
        amount: cny("100"),
        at: at("2025-01-20"),
        application: Some(id("ap-1")),
        tranche,
    }
}

#[test]
fn vouchers_are_issued_for_approved_applications() {
    let none = Refusal::NoApplications { programme: id("cv") };
    opened(programme()).when(Command::Apply(application("100"))).then_refused(none);
    let terms = ruled(|rules| {
        rules.application_review =
            Some(ReviewRules { auto_approve_below: Some(cny("50")), ..ReviewRules::default() });
        rules.eligibility.applicants = vec![ApplicantKind::Enterprise];
        rules.eligibility.purposes = vec![Purpose::Training];
    });
    let story = opened(terms.clone());
    let needed = Refusal::ApplicationNeeded { programme: id("cv") };
    story.when(issue("v-1", "company-c", "100", "2025-01-20")).then_refused(needed);
    let unknown = Refusal::UnknownApplication { application: id("ap-1") };
    story.when(Command::IssueVoucher(issue_for("company-c", None))).then_refused(unknown);
    let sme = Profile { applicant: ApplicantKind::Sme, ..Profile::default() };
    let small = Refusal::IneligibleApplicant {
        found: ApplicantKind::Sme,
        allowed: "enterprise".to_owned(),
    };
    let asked = Application { profile: sme, ..application("100") };
    story.when(Command::Apply(asked)).then_refused(small);
    let (found, allowed) = ("no stated purpose".to_owned(), "training".to_owned());
    let purpose = Refusal::IneligiblePurpose { found, allowed };
    story.when(Command::Apply(application("100"))).then_refused(purpose);
    let profile = Profile { purpose: Some(Purpose::Training), ..Profile::default() };
    let asked = Application { profile, ..application("100") };
    let small = Application { id: id("ap-2"), amount: cny("49"), ..asked.clone() };
    let (events, story) = told(story, Command::Apply(small));
    assert!(matches!(&events[..], [_, Event::Reviewed(made)] if made.automatic), "{events:?}");
    let story = story.after([Command::Apply(asked.clone())]);
    story.when(Command::Apply(asked.clone())).then_nothing();
    let exists = Refusal::ApplicationExists { application: id("ap-1") };
    story.when(Command::Apply(Application { amount: cny("99"), ..asked })).then_refused(exists);
    let stage = "submitted".to_owned();
    let early = Refusal::NotApproved { application: id("ap-1"), stage };
    story.when(Command::IssueVoucher(issue_for("company-c", None))).then_refused(early);
    let of = |taken| step(Subject::Application(id("ap-1")), taken, official("o-1"), "2025-01-16");
    let story = story.after([of(ReviewStep::Check {}), of(approve())]);
    let theirs = Refusal::NotTheApplicant {
        application: id("ap-1"),
        applicant: id("company-c"),
        holder: id("company-d"),
    };
    story.when(Command::IssueVoucher(issue_for("company-d", None))).then_refused(theirs);
    let tranche = Refusal::UnknownTranche { application: id("ap-1"), tranche: 1 };
    story.when(Command::IssueVoucher(issue_for("company-c", Some(1)))).then_refused(tranche);
    let story = story.after([define(Programme { id: id("cv-2"), ..terms })]);
    let other = IssueVoucher { programme: id("cv-2"), ..issue_for("company-c", None) };
    let elsewhere = Refusal::ApplicationElsewhere { application: id("ap-1"), programme: id("cv") };
    story.when(Command::IssueVoucher(other)).then_refused(elsewhere);
    let (events, _) = told(story, Command::IssueVoucher(issue_for("company-c", None)));
    let [Event::VoucherIssued(issued)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(issued.profile.as_ref().and_then(|stated| stated.purpose), Some(Purpose::Training));
}
