//! Calls: shared by commitment, answered, late, in default, cured, given back.

use loopledger_model::fund::{CallShare, CapitalCalled, PartnerDefaulted, Refusal};
use loopledger_testkit::{at, cny, id};

use super::*;

fn made(call: &CallCapital, shares: [(&str, &str); 2]) -> Event {
    let share = |(lp, amount): (&str, &str)| CallShare { lp: id(lp), amount: cny(amount) };
    let shares = shares.into_iter().map(share).collect();
    Event::CapitalCalled(CapitalCalled { call: call.clone(), shares })
}

/// lp-a bears 40 and lp-b 20 of it, due on 20 March.
fn called() -> Story<FundDecider> {
    promised().after([Command::CallCapital(call("ca-1", "60", "2025-03-10"))])
}

#[test]
fn a_call_is_shared_by_commitment_to_the_last_minor_unit() {
    let asked = call("ca-1", "60", "2025-03-10");
    promised()
        .when(Command::CallCapital(asked.clone()))
        .then([made(&asked, [("lp-a", "40"), ("lp-b", "20")])]);
    called().when(Command::CallCapital(asked)).then_nothing();
    // A third of 0.01 and of 0.02: the largest remainder takes the unit that is left.
    let odd = call("ca-1", "0.02", "2025-03-10");
    promised()
        .when(Command::CallCapital(odd.clone()))
        .then([made(&odd, [("lp-a", "0.01"), ("lp-b", "0.01")])]);
    let equal = change("cc-1", "lp-b", ChangeKind::Increase, "50", "2025-03-05");
    let odd = call("ca-1", "0.03", "2025-03-10");
    promised()
        .after([equal])
        .when(Command::CallCapital(odd.clone()))
        .then([made(&odd, [("lp-a", "0.02"), ("lp-b", "0.01")])]);
}

#[test]
fn an_excused_partner_bears_nothing_and_the_manager_takes_the_odd_unit() {
    let asked = CallCapital { excused: vec![id("lp-a")], ..call("ca-1", "50", "2025-03-10") };
    let share = CallShare { lp: id("lp-b"), amount: cny("50") };
    promised()
        .when(Command::CallCapital(asked.clone()))
        .then([Event::CapitalCalled(CapitalCalled { call: asked, shares: vec![share] })]);
    let story = blank().after([
        form("fund-1", "2025-03-01"),
        commit("k-1", "fund-1", "company-c", "10", "2025-03-02"),
        commit("k-2", "fund-1", "gp", "10", "2025-03-02"),
    ]);
    let odd = call("ca-1", "0.03", "2025-03-10");
    story
        .when(Command::CallCapital(odd.clone()))
        .then([made(&odd, [("company-c", "0.01"), ("gp", "0.02")])]);
    let nobody = CallCapital { excused: vec![id("gp"), id("company-c")], ..odd };
    story
        .when(Command::CallCapital(nobody))
        .then_refused(Refusal::NobodyToCall { fund: id("fund-1"), call: id("ca-1") });
}

#[test]
fn a_call_that_is_malformed_is_refused() {
    let plain = || call("ca-9", "60", "2025-03-10");
    let line = |amount| CallLine { purpose: CallPurpose::Fee, amount: cny(amount) };
    let story = called();
    let lines = || Refusal::CallLines { call: id("ca-9") };
    for wrong in [vec![], vec![line("0")], vec![line("1"), line("2")]] {
        let wrong = CallCapital { lines: wrong, ..plain() };
        story.when(Command::CallCapital(wrong)).then_refused(lines());
    }
    let other = call("ca-1", "61", "2025-03-10");
    story.when(Command::CallCapital(other)).then_refused(Refusal::CallExists { call: id("ca-1") });
    let late = CallCapital { due: at("2025-03-09"), ..plain() };
    story.when(Command::CallCapital(late)).then_refused(Refusal::DueBeforeCall {
        call: id("ca-9"),
        at: at("2025-03-10"),
        due: at("2025-03-09"),
    });
    let dollars = in_dollars(Command::CallCapital(plain()));
    let Command::CallCapital(CallCapital { lines, .. }) = &dollars else { panic!("a call") };
    let wrong = Refusal::WrongCurrency { amount: lines[0].amount, currency: id("CNY") };
    story.when(dollars).then_refused(wrong);
}

#[test]
fn nobody_is_called_for_more_than_is_uncalled() {
    called().when(Command::CallCapital(call("ca-2", "91", "2025-03-11"))).then_refused(
        Refusal::AboveUncalled {
            fund: id("fund-1"),
            lp: id("lp-a"),
            uncalled: cny("60"),
            asked: cny("60.67"),
            at: at("2025-03-11"),
        },
    );
}

#[test]
fn after_the_investment_period_only_what_keeps_and_costs_is_called() {
    let ended = SetTerms { investment_ends: at("2025-03-05"), ..terms() };
    let story = promised().after([Command::SetTerms(ended)]);
    let for_a = |purpose| CallCapital {
        lines: vec![CallLine { purpose, amount: cny("3") }],
        ..call("ca-1", "3", "2025-03-10")
    };
    for purpose in [CallPurpose::Investment, CallPurpose::OrganisationCost] {
        let refused = Refusal::AfterInvestmentPeriod {
            fund: id("fund-1"),
            ended_at: at("2025-03-05"),
            purpose,
            at: at("2025-03-10"),
        };
        story.when(Command::CallCapital(for_a(purpose))).then_refused(refused);
    }
    for purpose in [CallPurpose::Fee, CallPurpose::FollowOn, CallPurpose::Expense] {
        let asked = for_a(purpose);
        let event = made(&asked, [("lp-a", "2"), ("lp-b", "1")]);
        story.when(Command::CallCapital(asked)).then([event]);
    }
}

#[test]
fn a_contribution_answers_its_call_and_no_more() {
    let story = accepts(called(), &answer("c-1", "ca-1", "lp-a", "30", "2025-03-15"));
    story.when(answer("c-2", "ca-1", "lp-a", "10.01", "2025-03-15")).then_refused(
        Refusal::AboveCall {
            call: id("ca-1"),
            lp: id("lp-a"),
            share: cny("40"),
            paid: cny("30"),
            asked: cny("10.01"),
        },
    );
    story
        .when(answer("c-2", "ca-9", "lp-a", "1", "2025-03-15"))
        .then_refused(Refusal::UnknownCall { fund: id("fund-1"), call: id("ca-9") });
    story.when(answer("c-2", "ca-1", "lp-a", "1", "2025-03-09")).then_refused(
        Refusal::BeforeCall { call: id("ca-1"), called_at: at("2025-03-10"), at: at("2025-03-09") },
    );
    let other = commit("k-9", "fund-1", "company-c", "1", "2025-03-11");
    story
        .after([other])
        .when(answer("c-2", "ca-1", "company-c", "1", "2025-03-15"))
        .then_refused(Refusal::NotCalled { call: id("ca-1"), lp: id("company-c") });
    // Without a call, what is uncalled is there to be paid in.
    called().when(contribute("c-3", "fund-1", "lp-a", "60.01", "2025-03-15")).then_refused(
        Refusal::AboveCommitment {
            fund: id("fund-1"),
            lp: id("lp-a"),
            committed: cny("100"),
            contributed: cny("40"),
            asked: cny("60.01"),
            at: at("2025-03-15"),
        },
    );
    accepts(called(), &contribute("c-3", "fund-1", "lp-a", "60", "2025-03-15"));
}

#[test]
fn a_partner_that_has_not_paid_after_the_due_date_is_in_default_until_it_has() {
    let story = called().after([answer("c-1", "ca-1", "lp-a", "30", "2025-03-15")]);
    let declared = |day| Command::DeclareDefault(default_of("lp-a", "ca-1", day));
    story.when(declared("2025-03-20")).then_refused(Refusal::NotDue {
        call: id("ca-1"),
        due: at("2025-03-20"),
        at: at("2025-03-20"),
    });
    let default = default_of("lp-a", "ca-1", "2025-03-21");
    let event = PartnerDefaulted { default, unpaid: cny("10") };
    story.when(declared("2025-03-21")).then([Event::PartnerDefaulted(event)]);
    story
        .when(cure_of("lp-a", "ca-1", "2025-03-25"))
        .then_refused(Refusal::NotInDefault { call: id("ca-1"), lp: id("lp-a") });
    let story = story.after([declared("2025-03-21")]);
    story.when(declared("2025-03-21")).then_nothing();
    story
        .when(declared("2025-03-22"))
        .then_refused(Refusal::DefaultExists { call: id("ca-1"), lp: id("lp-a") });
    story.when(cure_of("lp-a", "ca-1", "2025-03-25")).then_refused(Refusal::StillUnpaid {
        call: id("ca-1"),
        lp: id("lp-a"),
        unpaid: cny("10"),
        at: at("2025-03-25"),
    });
    let story = story.after([answer("c-2", "ca-1", "lp-a", "10", "2025-03-24")]);
    let story = accepts(story, &cure_of("lp-a", "ca-1", "2025-03-25"));
    story
        .when(cure_of("lp-a", "ca-1", "2025-03-26"))
        .then_refused(Refusal::CureExists { call: id("ca-1"), lp: id("lp-a") });
    let paid = called().after([answer("c-1", "ca-1", "lp-a", "40", "2025-03-21")]);
    paid.when(declared("2025-03-21")).then_refused(Refusal::PaidInFull {
        call: id("ca-1"),
        lp: id("lp-a"),
        at: at("2025-03-21"),
    });
}

#[test]
fn what_was_called_in_excess_goes_back_and_can_be_called_again() {
    let story = called().after([answer("c-1", "ca-1", "lp-a", "40", "2025-03-15")]);
    let unfunded = |story: &Story<FundDecider>| {
        let partner = &story.state.funds[&id("fund-1")].partners[&id("lp-a")];
        partner.unfunded(at("2025-04-01")).expect("countable")
    };
    assert_eq!(unfunded(&story), cny("60"));
    let back = give_back("x-1", "ca-1", "lp-a", "15", "2025-03-16");
    let story = accepts(story, &back);
    assert_eq!(unfunded(&story), cny("75"));
    story
        .when(give_back("x-1", "ca-1", "lp-a", "14", "2025-03-16"))
        .then_refused(Refusal::ExcessReturnExists { excess_return: id("x-1") });
    story.when(give_back("x-2", "ca-1", "lp-a", "25.01", "2025-03-17")).then_refused(
        Refusal::AbovePaid {
            call: id("ca-1"),
            lp: id("lp-a"),
            paid: cny("25"),
            asked: cny("25.01"),
            at: at("2025-03-17"),
        },
    );
    let story = accepts(story, &contribute("c-9", "fund-1", "lp-a", "75", "2025-03-18"));
    story
        .after([invest("i-1", "fund-1", "company-c", "95", "2025-03-18")])
        .when(give_back("x-2", "ca-1", "lp-a", "6", "2025-03-17"))
        .then_refused(Refusal::AboveCash {
            fund: id("fund-1"),
            cash: cny("5"),
            asked: cny("6"),
            at: at("2025-03-18"),
        });
}

/// F5.
#[test]
fn excess_that_is_at_work_is_given_back_of_what_came_back_up_to_the_cap() {
    let story = called().after([
        Command::SetTerms(SetTerms { recycling_percent: Some(id("10")), ..terms() }),
        answer("c-1", "ca-1", "lp-a", "40", "2025-03-20"),
        invest("i-1", "fund-1", "company-c", "40", "2025-03-21"),
        transfer("t-1", "company-c", "fund-1", "50", "2025-04-01"),
    ]);
    let back = |amount| give_back("er-1", "ca-1", "lp-a", amount, "2025-04-02");
    story.when(back("15.01")).then_refused(above_recycling("15.01"));
    accepts(story, &back("15"));
}
