//! Fees as the terms say (F7): by phase and basis, paid, waived, offset; and other expenses.

use loopledger_model::Period;
use loopledger_model::fund::{
    AccrueFee, FeeAccrued, FeeBasis, Phase, PhaseFee, Reduction, Refusal,
};
use loopledger_testkit::{at, cny, id};

use super::*;

/// 2 % of the commitments until 2028, then 1.5 % of what is held until 2031.
fn agreed() -> Story<FundDecider> {
    let fee = |phase, percent: &str, basis| PhaseFee { phase, percent_a_year: id(percent), basis };
    let fees = vec![
        fee(Phase::Investment, "2", FeeBasis::Commitments),
        fee(Phase::Exit, "1.5", FeeBasis::InvestedCost),
    ];
    funded().after([Command::SetTerms(SetTerms { fees, ..terms() })])
}

fn fee(name: &str, from: &str, to: &str) -> AccrueFee {
    let period = Period::new(at(from), at(to)).expect("a period");
    AccrueFee { id: id(name), fund: id("fund-1"), period, at: at(from) }
}

fn accrue(name: &str, from: &str, to: &str) -> Command {
    Command::AccrueFee(fee(name, from, to))
}

fn accrued() -> Story<FundDecider> {
    agreed().after([accrue("f-1", "2025-04-01", "2025-07-01")])
}

fn pay(name: &str, fee: &str, amount: &str, day: &str) -> Command {
    Command::PayFee(PayFee {
        id: id(name),
        fund: id("fund-1"),
        fee: id(fee),
        payee: id("gp"),
        amount: cny(amount),
        at: at(day),
    })
}

fn reduce(name: &str, reduction: Reduction, amount: &str, day: &str) -> Command {
    Command::ReduceFee(ReduceFee {
        id: id(name),
        fund: id("fund-1"),
        fee: id("f-1"),
        reduction,
        amount: cny(amount),
        at: at(day),
        note: None,
    })
}

fn expense(name: &str, payee: &str, related_party: bool) -> Command {
    Command::PayExpense(PayExpense {
        id: id(name),
        fund: id("fund-1"),
        payee: id(payee),
        amount: cny("4"),
        at: at("2025-04-01"),
        purpose: id("audit"),
        related_party,
    })
}

#[test]
fn a_fee_rests_on_commitments_in_the_investment_period() {
    // 150 committed, 2 % a year for 91 of 365 days: 0.7479.. is rounded down.
    let made = FeeAccrued {
        accrual: fee("f-1", "2025-04-01", "2025-07-01"),
        version: 1,
        phase: Phase::Investment,
        basis: FeeBasis::Commitments,
        base: cny("150"),
        percent_a_year: id("2"),
        amount: cny("0.74"),
    };
    let command = accrue("f-1", "2025-04-01", "2025-07-01");
    agreed().when(command.clone()).then([Event::FeeAccrued(made)]);
    accrued().when(command).then_nothing();
    accrued()
        .when(accrue("f-1", "2025-04-01", "2025-06-01"))
        .then_refused(Refusal::FeeExists { fee: id("f-1") });
}

#[test]
fn a_fee_rests_on_the_cost_of_what_is_held_after_the_investment_period() {
    let exit = ExitInvestment {
        id: id("x-1"),
        investment: id("i-1"),
        payer: id("company-d"),
        cost: cny("20"),
        proceeds: cny("1"),
        stake_percent: None,
        at: at("2028-02-01"),
    };
    let story = agreed().after([
        invest("i-1", "fund-1", "company-c", "60", "2025-03-10"),
        Command::ExitInvestment(exit),
    ]);
    let made = FeeAccrued {
        accrual: fee("f-9", "2028-03-01", "2029-03-01"),
        version: 1,
        phase: Phase::Exit,
        basis: FeeBasis::InvestedCost,
        base: cny("40"),
        percent_a_year: id("1.5"),
        amount: cny("0.60"),
    };
    story.when(accrue("f-9", "2028-03-01", "2029-03-01")).then([Event::FeeAccrued(made)]);
}

#[test]
fn a_fee_accrues_once_for_a_day_and_within_one_phase_of_one_version_of_the_terms() {
    let refused = |story: Story<FundDecider>, command: Command, refusal: Refusal| {
        story.when(command).then_refused(refusal);
    };
    let fund = || id("fund-1");
    refused(
        funded(),
        accrue("f-1", "2025-04-01", "2025-07-01"),
        Refusal::NoTerms { fund: fund(), at: at("2025-04-01") },
    );
    refused(
        agreed(),
        accrue("f-1", "2031-03-01", "2031-04-01"),
        Refusal::NoPhase { fund: fund(), at: at("2031-03-01") },
    );
    refused(
        agreed(),
        accrue("f-1", "2028-01-01", "2028-03-02"),
        Refusal::FeeAcrossTerms { fund: fund(), changes_at: at("2028-03-01") },
    );
    let version = SetTerms { version: 2, at: at("2025-05-01"), ..terms() };
    let changed = agreed().after([Command::SetTerms(version)]);
    refused(
        changed,
        accrue("f-1", "2025-04-01", "2025-07-01"),
        Refusal::FeeAcrossTerms { fund: fund(), changes_at: at("2025-05-01") },
    );
    let free = funded().after([Command::SetTerms(terms())]);
    refused(
        free,
        accrue("f-1", "2025-04-01", "2025-07-01"),
        Refusal::NoFee { fund: fund(), phase: Phase::Investment },
    );
    refused(
        accrued(),
        accrue("f-2", "2025-06-30", "2025-08-01"),
        Refusal::FeeOverlaps { fee: id("f-1") },
    );
}

#[test]
fn a_fee_is_paid_waived_and_offset_up_to_what_is_due() {
    let story = accepts(accrued(), &pay("fp-1", "f-1", "0.30", "2025-04-02"));
    let story = accepts(story, &reduce("fr-1", Reduction::Waived, "0.24", "2025-04-03"));
    let story = accepts(story, &reduce("fr-2", Reduction::Offset, "0.10", "2025-04-04"));
    let above = |asked: &str, due: &str, day: &str| Refusal::AboveFee {
        fee: id("f-1"),
        due: cny(due),
        asked: cny(asked),
        at: at(day),
    };
    story.when(pay("fp-2", "f-1", "0.11", "2025-04-05")).then_refused(above(
        "0.11",
        "0.10",
        "2025-04-05",
    ));
    story.when(reduce("fr-3", Reduction::Waived, "0.11", "2025-04-01")).then_refused(above(
        "0.11",
        "0.10",
        "2025-04-04",
    ));
    story.when(pay("fp-2", "f-1", "0.01", "2025-03-31")).then_refused(above(
        "0.01",
        "0",
        "2025-03-31",
    ));
    story
        .when(pay("fp-1", "f-1", "0.31", "2025-04-02"))
        .then_refused(Refusal::FeePaymentExists { payment: id("fp-1") });
    story
        .when(reduce("fr-1", Reduction::Offset, "0.24", "2025-04-03"))
        .then_refused(Refusal::FeeReductionExists { reduction: id("fr-1") });
    story
        .when(pay("fp-2", "f-9", "1", "2025-04-05"))
        .then_refused(Refusal::UnknownFee { fund: id("fund-1"), fee: id("f-9") });
    let cash = story.state.funds[&id("fund-1")].cash.left();
    assert_eq!(cash, Ok(cny("79.70")));
}

#[test]
fn an_expense_that_the_manager_is_paid_says_so() {
    let story = accepts(funded(), &expense("e-1", "lp-b", false));
    let story = accepts(story, &expense("e-2", "gp", true));
    story
        .when(expense("e-3", "gp", false))
        .then_refused(Refusal::RelatedPartyUnsaid { fund: id("fund-1"), payee: id("gp") });
    story
        .when(expense("e-1", "lp-a", false))
        .then_refused(Refusal::ExpenseExists { expense: id("e-1") });
    let poor = promised().when(expense("e-1", "lp-b", false));
    poor.then_refused(Refusal::AboveCash {
        fund: id("fund-1"),
        cash: cny("0"),
        asked: cny("4"),
        at: at("2025-04-01"),
    });
}
