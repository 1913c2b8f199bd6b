//! Short ways to write down commands and stories of fund.

mod capital;
mod cash;
mod formation;
mod movements;
mod navs;
mod precedence;
mod properties;
mod recognitions;

use loopledger_model::fund::{
    Command, Commitment, Contribution, Distribution, Event, Fund, Investment,
    RecogniseReinvestment, StrikeNav, Transfer,
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

/// The event that an accepted command makes.
fn event(command: &Command) -> Event {
    match command.clone() {
        Command::FormFund(fund) => Event::FundFormed(fund),
        Command::Commit(commitment) => Event::CommitmentMade(commitment),
        Command::Contribute(contribution) => Event::ContributionReceived(contribution),
        Command::Invest(investment) => Event::InvestmentFunded(investment),
        Command::Distribute(distribution) => Event::DistributionPaid(distribution),
        Command::RecordTransfer(transfer) => Event::TransferRecorded(transfer),
        Command::StrikeNav(nav) => Event::NavStruck(nav),
        Command::RecogniseReinvestment(made) => Event::ReinvestmentRecognised(made),
    }
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
    Command::Contribute(Contribution { id: id(name), fund, lp, amount: cny(amount), at: at(day) })
}

fn invest(name: &str, investor: &str, company: &str, amount: &str, day: &str) -> Command {
    Command::Invest(Investment {
        id: id(name),
        investor: id(investor),
        company: id(company),
        amount: cny(amount),
        stake_percent: None,
        at: at(day),
    })
}

fn buy(name: &str, investor: &str, company: &str, stake: &str) -> Command {
    let (investor, company, amount) = (id(investor), id(company), cny("1"));
    let (stake_percent, at) = (Some(id(stake)), at("2025-03-10"));
    Command::Invest(Investment { id: id(name), investor, company, amount, stake_percent, at })
}

fn distribute(name: &str, fund: &str, lp: &str, amount: &str, day: &str) -> Command {
    let (fund, lp) = (id(fund), id(lp));
    Command::Distribute(Distribution { id: id(name), fund, lp, amount: cny(amount), at: at(day) })
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
    }
}
