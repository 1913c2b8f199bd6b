//! Short ways to write down commands and stories of fund.

mod calls;
mod capital;
mod carry;
mod cash;
mod changes;
mod fees;
mod formation;
mod holdings;
mod lines;
mod movements;
mod navs;
mod precedence;
mod properties;
mod recognitions;

use loopledger_model::fund::{
    CallCapital, CallLine, CallPurpose, ChangeCommitment, ChangeKind, Command, Commitment,
    Contribution, CureDefault, DeclareDefault, Distribution, DistributionKind, DrawLine, Event,
    ExitInvestment, Fund, Investment, PayCarry, PayExpense, PayFee, RecallDistribution,
    RecogniseReinvestment, ReduceFee, Refusal, RepayLine, ReturnExcess, SetTerms, StrikeNav,
    Transfer, TransferCommitment, ValueInvestment,
};
use loopledger_model::registry::{self, Party, PartyKind};
use loopledger_model::{Currency, Fact};
use loopledger_testkit::{Story, at, cny, fact, given, id};

use crate::FundDecider;

const PARTIES: [&str; 8] =
    ["gp", "lp-a", "lp-b", "fund-1", "fund-2", "fund-us", "company-c", "company-d"];

/// The fact that registers a party has the party's place in `PARTIES`, counted from 1, as its
/// position.
fn registered() -> impl Iterator<Item = Fact> {
    (1..).zip(PARTIES).map(|(position, name)| {
        let party = Party {
            id: id(name),
            at: at("2024-01-01"),
            name: id(name),
            kind: PartyKind::Other,
            country: None,
            uscc: None,
            lei: None,
        };
        fact(position, loopledger_model::Event::Registry(registry::Event::PartyRegistered(party)))
    })
}

/// Nothing has happened, but the parties are known.
fn blank() -> Story<FundDecider> {
    given([]).knowing(registered())
}

/// fund-1 was formed on 1 March; lp-a promised it 100, lp-b 50, both on 2 March.
fn promised() -> Story<FundDecider> {
    blank().after([
        form("fund-1", "2025-03-01"),
        commit("k-1", "fund-1", "lp-a", "100", "2025-03-02"),
        commit("k-2", "fund-1", "lp-b", "50", "2025-03-02"),
    ])
}

/// As promised, and lp-a paid in 80 on 5 March.
fn funded() -> Story<FundDecider> {
    promised().after([contribute("c-1", "fund-1", "lp-a", "80", "2025-03-05")])
}

/// The event that an accepted command makes, where the command says all of it.
fn event(command: &Command) -> Event {
    stated(command).expect("the command says all of its event")
}

fn stated(command: &Command) -> Option<Event> {
    Some(match command.clone() {
        Command::FormFund(fund) => Event::FundFormed(fund),
        Command::Commit(commitment) => Event::CommitmentMade(commitment),
        Command::Contribute(contribution) => Event::ContributionReceived(contribution),
        Command::Invest(investment) => Event::InvestmentFunded(investment),
        Command::Distribute(distribution) => Event::DistributionPaid(distribution),
        Command::RecordTransfer(transfer) => Event::TransferRecorded(transfer),
        Command::StrikeNav(nav) => Event::NavStruck(nav),
        Command::RecogniseReinvestment(made) => Event::ReinvestmentRecognised(made),
        Command::ChangeCommitment(change) => Event::CommitmentChanged(change),
        Command::SetTerms(terms) => Event::TermsSet(terms),
        Command::CureDefault(cure) => Event::DefaultCured(cure),
        Command::ReturnExcess(returned) => Event::ExcessReturned(returned),
        Command::RecallDistribution(recall) => Event::DistributionRecalled(recall),
        Command::PayFee(paid) => Event::FeePaid(paid),
        Command::ReduceFee(reduced) => Event::FeeReduced(reduced),
        Command::PayExpense(expense) => Event::ExpensePaid(expense),
        Command::PayCarry(paid) => Event::CarryPaid(paid),
        Command::DrawLine(drawn) => Event::LineDrawn(drawn),
        Command::RepayLine(repaid) => Event::LineRepaid(repaid),
        Command::DissolveFund(end) => Event::FundDissolved(end),
        Command::TransferCommitment(_)
        | Command::CallCapital(_)
        | Command::DeclareDefault(_)
        | Command::ExitInvestment(_)
        | Command::ValueInvestment(_)
        | Command::AccrueFee(_) => return None,
    })
}

/// The command is accepted, and once it is recorded there is nothing left to do.
#[track_caller]
fn accepts(story: Story<FundDecider>, command: &Command) -> Story<FundDecider> {
    story.when(command.clone()).then([event(command)]);
    let story = story.after([command.clone()]);
    story.when(command.clone()).then_nothing();
    story
}

/// The positions of the facts that the decision on a command names.
fn rests_on(story: &Story<FundDecider>, command: Command) -> Vec<u64> {
    let decision = story.when(command).0.expect("the command is accepted");
    decision.rests_on.iter().map(|fact| fact.position).collect()
}

fn form(fund: &str, day: &str) -> Command {
    form_in("CNY", fund, day)
}

fn form_in(currency: &str, fund: &str, day: &str) -> Command {
    let currency: Currency = id(currency);
    Command::FormFund(Fund { id: id(fund), manager: id("gp"), currency, at: at(day) })
}

fn commit(name: &str, fund: &str, lp: &str, amount: &str, day: &str) -> Command {
    Command::Commit(Commitment {
        id: id(name),
        fund: id(fund),
        lp: id(lp),
        amount: cny(amount),
        at: at(day),
        priority_supplier: false,
    })
}

fn contribute(name: &str, fund: &str, lp: &str, amount: &str, day: &str) -> Command {
    let (fund, lp) = (id(fund), id(lp));
    let (amount, at) = (cny(amount), at(day));
    Command::Contribute(Contribution { id: id(name), fund, lp, amount, at, call: None })
}

/// What answers a call of fund-1.
fn answer(name: &str, call: &str, lp: &str, amount: &str, day: &str) -> Command {
    let Command::Contribute(plain) = contribute(name, "fund-1", lp, amount, day) else {
        panic!("a contribution")
    };
    Command::Contribute(Contribution { call: Some(id(call)), ..plain })
}

/// fund-1 calls for an investment, due ten days later.
fn call(name: &str, amount: &str, day: &str) -> CallCapital {
    CallCapital {
        id: id(name),
        fund: id("fund-1"),
        at: at(day),
        due: at(day) + jiff::SignedDuration::from_hours(240),
        lines: vec![CallLine { purpose: CallPurpose::Investment, amount: cny(amount) }],
        excused: Vec::new(),
    }
}

fn change(name: &str, lp: &str, change: ChangeKind, amount: &str, day: &str) -> Command {
    Command::ChangeCommitment(ChangeCommitment {
        id: id(name),
        fund: id("fund-1"),
        lp: id(lp),
        change,
        amount: cny(amount),
        at: at(day),
    })
}

fn hand_over(name: &str, from: &str, to: &str, amount: &str, day: &str) -> TransferCommitment {
    TransferCommitment {
        id: id(name),
        fund: id("fund-1"),
        from: id(from),
        to: id(to),
        amount: cny(amount),
        at: at(day),
        priority_supplier: false,
    }
}

fn recallable(name: &str, lp: &str, amount: &str, day: &str) -> Command {
    let Command::Distribute(plain) = distribute(name, "fund-1", lp, amount, day) else {
        panic!("a distribution")
    };
    Command::Distribute(Distribution { kind: Some(DistributionKind::Recallable), ..plain })
}

fn recall(name: &str, distribution: &str, lp: &str, amount: &str, day: &str) -> Command {
    Command::RecallDistribution(RecallDistribution {
        id: id(name),
        fund: id("fund-1"),
        lp: id(lp),
        distribution: id(distribution),
        amount: cny(amount),
        at: at(day),
    })
}

fn give_back(name: &str, call: &str, lp: &str, amount: &str, day: &str) -> Command {
    Command::ReturnExcess(ReturnExcess {
        id: id(name),
        fund: id("fund-1"),
        call: id(call),
        lp: id(lp),
        amount: cny(amount),
        at: at(day),
    })
}

fn default_of(lp: &str, call: &str, day: &str) -> DeclareDefault {
    DeclareDefault { fund: id("fund-1"), call: id(call), lp: id(lp), at: at(day) }
}

fn cure_of(lp: &str, call: &str, day: &str) -> Command {
    Command::CureDefault(CureDefault {
        fund: id("fund-1"),
        call: id(call),
        lp: id(lp),
        at: at(day),
    })
}

/// The first version of fund-1's terms: invests until 2028, exits until 2031, without fee.
fn terms() -> SetTerms {
    SetTerms {
        fund: id("fund-1"),
        version: 1,
        at: at("2025-03-01"),
        investment_ends: at("2028-03-01"),
        exit_ends: at("2031-03-01"),
        extension_ends: None,
        fees: Vec::new(),
        recycling_percent: None,
        waterfall: None,
    }
}

fn invest(name: &str, investor: &str, company: &str, amount: &str, day: &str) -> Command {
    Command::Invest(Investment {
        id: id(name),
        investor: id(investor),
        company: id(company),
        amount: cny(amount),
        stake_percent: None,
        at: at(day),
        follows: None,
    })
}

fn buy(name: &str, investor: &str, company: &str, stake: &str) -> Command {
    let (investor, company, amount) = (id(investor), id(company), cny("1"));
    let (stake_percent, at) = (Some(id(stake)), at("2025-03-10"));
    let (id, follows) = (id(name), None);
    Command::Invest(Investment { id, investor, company, amount, stake_percent, at, follows })
}

/// 15 may go out again on that day.
fn above_recycling(recycled: &str) -> Refusal {
    let (recycled, allowed, at) = (cny(recycled), cny("15"), at("2025-04-02"));
    Refusal::AboveRecycling { fund: id("fund-1"), recycled, allowed, at }
}

fn distribute(name: &str, fund: &str, lp: &str, amount: &str, day: &str) -> Command {
    let (fund, lp) = (id(fund), id(lp));
    let (amount, at) = (cny(amount), at(day));
    Command::Distribute(Distribution { id: id(name), fund, lp, amount, at, kind: None })
}

fn transfer(name: &str, from: &str, to: &str, amount: &str, day: &str) -> Command {
    Command::RecordTransfer(Transfer {
        id: id(name),
        from: id(from),
        to: id(to),
        amount: cny(amount),
        at: at(day),
        purpose: id("settlement"),
    })
}

/// The same command with its amount in US dollars.
fn in_dollars(command: Command) -> Command {
    let dollars = |amount: loopledger_model::Money| {
        loopledger_model::Money::new(amount.amount(), id("USD")).expect("valid money")
    };
    match command {
        Command::FormFund(fund) => Command::FormFund(Fund { currency: id("USD"), ..fund }),
        Command::Commit(it) => Command::Commit(Commitment { amount: dollars(it.amount), ..it }),
        Command::Contribute(it) => {
            Command::Contribute(Contribution { amount: dollars(it.amount), ..it })
        }
        Command::Invest(it) => Command::Invest(Investment { amount: dollars(it.amount), ..it }),
        Command::Distribute(it) => {
            Command::Distribute(Distribution { amount: dollars(it.amount), ..it })
        }
        Command::RecordTransfer(it) => {
            Command::RecordTransfer(Transfer { amount: dollars(it.amount), ..it })
        }
        Command::StrikeNav(it) => {
            Command::StrikeNav(StrikeNav { amount: dollars(it.amount), ..it })
        }
        Command::RecogniseReinvestment(it) => {
            Command::RecogniseReinvestment(RecogniseReinvestment {
                amount: dollars(it.amount),
                ..it
            })
        }
        Command::ChangeCommitment(it) => {
            Command::ChangeCommitment(ChangeCommitment { amount: dollars(it.amount), ..it })
        }
        Command::TransferCommitment(it) => {
            Command::TransferCommitment(TransferCommitment { amount: dollars(it.amount), ..it })
        }
        Command::CallCapital(mut it) => {
            it.lines.iter_mut().for_each(|line| line.amount = dollars(line.amount));
            Command::CallCapital(it)
        }
        Command::ReturnExcess(it) => {
            Command::ReturnExcess(ReturnExcess { amount: dollars(it.amount), ..it })
        }
        Command::RecallDistribution(it) => {
            Command::RecallDistribution(RecallDistribution { amount: dollars(it.amount), ..it })
        }
        Command::ExitInvestment(it) => Command::ExitInvestment(ExitInvestment {
            cost: dollars(it.cost),
            proceeds: dollars(it.proceeds),
            ..it
        }),
        Command::ValueInvestment(it) => {
            Command::ValueInvestment(ValueInvestment { amount: dollars(it.amount), ..it })
        }
        Command::PayFee(it) => Command::PayFee(PayFee { amount: dollars(it.amount), ..it }),
        Command::ReduceFee(it) => {
            Command::ReduceFee(ReduceFee { amount: dollars(it.amount), ..it })
        }
        Command::PayExpense(it) => {
            Command::PayExpense(PayExpense { amount: dollars(it.amount), ..it })
        }
        Command::PayCarry(it) => Command::PayCarry(PayCarry { amount: dollars(it.amount), ..it }),
        Command::DrawLine(it) => Command::DrawLine(DrawLine { amount: dollars(it.amount), ..it }),
        Command::RepayLine(it) => {
            Command::RepayLine(RepayLine { amount: dollars(it.amount), ..it })
        }
        Command::SetTerms(_)
        | Command::DeclareDefault(_)
        | Command::CureDefault(_)
        | Command::AccrueFee(_)
        | Command::DissolveFund(_) => command,
    }
}
