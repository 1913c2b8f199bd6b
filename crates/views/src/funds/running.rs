//! What a fund holds, pays, owes and was said to be worth from date to date, as its facts tell.
//!
//! Invariants: of a fee, amount = paid + waived + offset + due; what a line brought is in no figure of capital; closing =
//! opening + contributed - distributed + profit between two valuations.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::fund::{Event, FeeAccrued, FeeBasis, LinePart, Phase, Reduction};
use loopledger_model::{Currency, FactId, FeeId, InvestmentId, Percent, Period, ValuationId};
use num_traits::Zero;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use super::FundInvestment;
use super::entries::{Entered, Standing};
use crate::figures::{self, exact};
use crate::flow_kind::FlowKind;
use crate::irr::{Irr, irr};
use crate::rows::{Flow, FundFact, Nav};

/// A fee that accrued, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FundFee {
    pub fee: FeeId,
    pub period: Period,
    pub phase: Phase,
    pub basis: FeeBasis,
    /// What the basis came to when the period began.
    pub base: String,
    pub percent_a_year: Percent,
    pub amount: String,
    pub paid: String,
    pub waived: String,
    pub offset: String,
    pub due: String,
    pub event: FactId,
}

/// What running the fund cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Costs {
    pub fees_accrued: String,
    pub fees_waived: String,
    pub fees_offset: String,
    pub fees_paid: String,
    /// With those of related parties.
    pub expenses: String,
    pub expenses_to_related_parties: String,
    pub line_interest: String,
    pub carry: String,
}

/// What the fund borrowed until its partners paid in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LineTold {
    pub drawn: String,
    pub repaid: String,
    pub interest: String,
    pub owed: String,
    pub without_line: WithoutLine,
}

/// The fund's figures as if partners had paid in what was drawn when it was drawn, and got back then what was repaid.
/// Interest stays where it is: what would have been without the line is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WithoutLine {
    pub contributed: String,
    pub dpi: Option<String>,
    /// The NAV with what was owed at its date.
    pub tvpi: Option<String>,
    pub irr: Irr,
    pub irr_with_nav: Option<Irr>,
}

/// A valuation of an investment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ValueTold {
    pub valuation: ValuationId,
    pub as_of: Timestamp,
    pub amount: String,
    pub event: FactId,
}

/// From one NAV to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NavStep {
    /// The formation for the first one.
    pub from: Timestamp,
    pub to: Timestamp,
    pub opening: String,
    /// Less what went back as excess.
    pub contributed: String,
    pub distributed: String,
    /// What is left: what the holdings gained or lost, less fees and expenses.
    pub profit: String,
    pub closing: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CostKind {
    Accrued,
    Waived,
    Offset,
    Paid,
    Expense,
    RelatedExpense,
    Interest,
    Carry,
}

/// What became of an investment.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    pub follows: Option<InvestmentId>,
    pub exits: Vec<Exited>,
    /// In the order in which they were stated.
    pub valued: Vec<ValueTold>,
}

/// The part of the cost and of the stake that was given up, and what it brought.
#[derive(Debug, Clone)]
pub(super) struct Exited {
    cost: Decimal,
    stake_percent: Decimal,
    proceeds: Decimal,
}

/// All that a fund's facts tell of how it is run.
#[derive(Debug, Clone, Default)]
pub(super) struct Running {
    pub held: BTreeMap<String, Held>,
    pub fees: Vec<(FeeAccrued, FactId)>,
    pub costs: Vec<(Timestamp, CostKind, Decimal, Option<FeeId>)>,
    /// What was drawn and, below zero, repaid.
    pub line: Vec<(Timestamp, Decimal)>,
    pub dissolved_at: Option<Timestamp>,
}

impl Running {
    pub(super) fn of(facts: &[FundFact]) -> Self {
        let mut told = Self::default();
        facts.iter().for_each(|fact| told.add(fact));
        told
    }

    fn add(&mut self, fact: &FundFact) {
        let at = fact.stamp.at;
        let mut cost = |kind, amount: Decimal, fee: Option<&FeeId>| {
            self.costs.push((at, kind, amount, fee.cloned()));
        };
        if let Event::InvestmentFunded(it) = &fact.event {
            self.held.entry(it.id.to_string()).or_default().follows.clone_from(&it.follows);
        } else if let Event::InvestmentExited(it) = &fact.event {
            let exit = &it.exit;
            let stake = exit.stake_percent.map_or(Decimal::ZERO, Percent::value);
            let (cost, proceeds) = (exit.cost.amount(), exit.proceeds.amount());
            let held = self.held.entry(exit.investment.to_string()).or_default();
            held.exits.push(Exited { cost, stake_percent: stake, proceeds });
        } else if let Event::InvestmentValued(it) = &fact.event {
            let of = &it.valuation;
            let held = self.held.entry(of.investment.to_string()).or_default();
            held.valued.push(ValueTold {
                valuation: of.id.clone(),
                as_of: of.as_of,
                amount: figures::amount(of.amount.amount(), of.amount.currency()),
                event: fact.stamp.fact(),
            });
        } else if let Event::FeeAccrued(it) = &fact.event {
            cost(CostKind::Accrued, it.amount.amount(), Some(&it.accrual.id));
            self.fees.push((it.clone(), fact.stamp.fact()));
        } else if let Event::FeePaid(it) = &fact.event {
            cost(CostKind::Paid, it.amount.amount(), Some(&it.fee));
        } else if let Event::FeeReduced(it) = &fact.event {
            let kind = match it.reduction {
                Reduction::Waived => CostKind::Waived,
                Reduction::Offset => CostKind::Offset,
            };
            cost(kind, it.amount.amount(), Some(&it.fee));
        } else if let Event::ExpensePaid(it) = &fact.event {
            let kind = if it.related_party { CostKind::RelatedExpense } else { CostKind::Expense };
            cost(kind, it.amount.amount(), None);
        } else if let Event::CarryPaid(it) = &fact.event {
            cost(CostKind::Carry, it.amount.amount(), None);
        } else if let Event::LineDrawn(it) = &fact.event {
            self.line.push((at, it.amount.amount()));
        } else if let Event::LineRepaid(it) = &fact.event {
            match it.part {
                LinePart::Principal => self.line.push((at, -it.amount.amount())),
                LinePart::Interest => cost(CostKind::Interest, it.amount.amount(), None),
            }
        } else if let Event::FundDissolved(it) = &fact.event {
            self.dissolved_at = Some(it.at);
        }
    }

    fn costs(&self, of: impl Fn(Timestamp, CostKind, Option<&FeeId>) -> bool) -> BigRational {
        let of =
            |it: &&(Timestamp, CostKind, Decimal, Option<FeeId>)| of(it.0, it.1, it.3.as_ref());
        self.costs.iter().filter(of).map(|(_, _, amount, _)| exact(*amount)).sum()
    }

    /// Of the times that `within` says, and this part of them.
    pub(super) fn told(
        &self,
        within: impl Fn(Timestamp) -> bool,
        part: &BigRational,
        currency: Currency,
    ) -> Costs {
        let sum = |kinds: &[CostKind]| {
            let sum = self.costs(|at, kind, _| within(at) && kinds.contains(&kind));
            figures::rounded(&(sum * part), currency)
        };
        Costs {
            fees_accrued: sum(&[CostKind::Accrued]),
            fees_waived: sum(&[CostKind::Waived]),
            fees_offset: sum(&[CostKind::Offset]),
            fees_paid: sum(&[CostKind::Paid]),
            expenses: sum(&[CostKind::Expense, CostKind::RelatedExpense]),
            expenses_to_related_parties: sum(&[CostKind::RelatedExpense]),
            line_interest: sum(&[CostKind::Interest]),
            carry: sum(&[CostKind::Carry]),
        }
    }

    /// An investment as it stands, or, in another fund, as it was paid in.
    pub(super) fn investment(&self, flow: &Flow, currency: Currency) -> FundInvestment {
        let held = self.held.get(&flow.id).filter(|_| flow.kind == FlowKind::Investment);
        let exits = held.map(|held| held.exits.as_slice()).unwrap_or_default();
        let sum = |of: fn(&Exited) -> Decimal| -> BigRational {
            exits.iter().map(|exit| exact(of(exit))).sum()
        };
        let cost_left = exact(flow.amount) - sum(|exit| exit.cost);
        let given_up: Decimal = exits.iter().map(|exit| exit.stake_percent).sum();
        let left = |stake: Percent| Percent::new(stake.value() - given_up).ok();
        let value = held.and_then(|held| {
            let latest = held.valued.iter().map(|value| value.as_of).max()?;
            held.valued.iter().rfind(|value| value.as_of == latest).cloned()
        });
        FundInvestment {
            investment: flow.id.clone(),
            into: flow.to_party.clone(),
            amount: figures::amount(flow.amount, currency),
            stake_percent: flow.stake_percent,
            at: flow.stamp.at,
            follows: held.and_then(|held| held.follows.clone()),
            cost_left: figures::rounded(&cost_left, currency),
            stake_left_percent: flow.stake_percent.and_then(left),
            proceeds: figures::rounded(&sum(|exit| exit.proceeds), currency),
            value,
            event: flow.stamp.fact(),
        }
    }

    pub(super) fn fees(&self, currency: Currency) -> Vec<FundFee> {
        let told = |(made, event): &(FeeAccrued, FactId)| {
            let id = &made.accrual.id;
            let sum = |kind| self.costs(|_, of, fee| of == kind && fee == Some(id));
            let (paid, waived) = (sum(CostKind::Paid), sum(CostKind::Waived));
            let (offset, amount) = (sum(CostKind::Offset), exact(made.amount.amount()));
            let due = &amount - &paid - &waived - &offset;
            let told = |sum: &BigRational| figures::rounded(sum, currency);
            FundFee {
                fee: id.clone(),
                period: made.accrual.period,
                phase: made.phase,
                basis: made.basis,
                base: figures::amount(made.base.amount(), currency),
                percent_a_year: made.percent_a_year,
                amount: told(&amount),
                paid: told(&paid),
                waived: told(&waived),
                offset: told(&offset),
                due: told(&due),
                event: *event,
            }
        };
        self.fees.iter().map(told).collect()
    }

    /// What lenders were owed at an instant.
    fn owed_at(&self, at: Timestamp) -> BigRational {
        self.line.iter().filter(|(when, _)| *when <= at).map(|(_, change)| exact(*change)).sum()
    }

    /// Nothing where no line was drawn.
    pub(super) fn line(
        &self,
        all: &Standing,
        dated: &BTreeMap<i64, i128>,
        nav: Option<&Nav>,
        currency: Currency,
    ) -> Option<LineTold> {
        let drawn: BigRational = sum_of(&self.line, |change| change > Decimal::ZERO);
        if drawn.is_zero() {
            return None;
        }
        let repaid = -sum_of(&self.line, |change| change < Decimal::ZERO);
        let owed = &drawn - &repaid;
        let contributed = &all.contributed + &owed;
        let mut dated = dated.clone();
        for (at, change) in &self.line {
            super::enter(&mut dated, *at, -*change, currency);
        }
        let residual = nav.map(|nav| exact(nav.amount) + self.owed_at(nav.as_of_at));
        let irr_with_nav = nav.map(|nav| {
            let mut dated = dated.clone();
            super::enter(&mut dated, nav.as_of_at, nav.amount, currency);
            for (_, change) in self.line.iter().filter(|(at, _)| *at <= nav.as_of_at) {
                super::enter(&mut dated, nav.as_of_at, *change, currency);
            }
            dated.retain(|_, amount| *amount != 0);
            irr(&dated)
        });
        dated.retain(|_, amount| *amount != 0);
        let told = |sum: &BigRational| figures::rounded(sum, currency);
        let interest = self.costs(|_, kind, _| kind == CostKind::Interest);
        let returned = residual.map(|nav| nav + &all.distributed);
        let without_line = WithoutLine {
            contributed: told(&contributed),
            dpi: figures::ratio(&all.distributed, &contributed),
            tvpi: returned.and_then(|returned| figures::ratio(&returned, &contributed)),
            irr: irr(&dated),
            irr_with_nav,
        };
        Some(LineTold {
            drawn: told(&drawn),
            repaid: told(&repaid),
            interest: told(&interest),
            owed: told(&owed),
            without_line,
        })
    }
}

fn sum_of(line: &[(Timestamp, Decimal)], of: impl Fn(Decimal) -> bool) -> BigRational {
    line.iter().filter(|(_, change)| of(*change)).map(|(_, change)| exact(*change)).sum()
}

/// F8: from each valuation that stands to the next, what partners paid and got, and the profit that explains the rest.
pub(super) fn nav_steps(
    navs: &[Nav],
    entries: &[Entered],
    formed_at: Timestamp,
    currency: Currency,
) -> Vec<NavStep> {
    let mut ordered: Vec<&Nav> = navs.iter().collect();
    ordered.sort_by_key(|nav| (nav.as_of_at, nav.stamp.fact()));
    let standing: BTreeMap<Timestamp, Decimal> =
        ordered.into_iter().map(|nav| (nav.as_of_at, nav.amount)).collect();
    let (mut from, mut opening) = (formed_at, BigRational::zero());
    let mut first = true;
    let mut steps = Vec::new();
    for (to, closing) in standing {
        let closing = exact(closing);
        let within = |entry: &&Entered| {
            (first || entry.at > from) && entry.at <= to && !entry.kind.is_handed_over()
        };
        let moved = Standing::of(entries.iter().filter(within));
        let profit = &closing - &opening - &moved.contributed + &moved.distributed;
        let told = |sum: &BigRational| figures::rounded(sum, currency);
        steps.push(NavStep {
            from,
            to,
            opening: told(&opening),
            contributed: told(&moved.contributed),
            distributed: told(&moved.distributed),
            profit: told(&profit),
            closing: told(&closing),
        });
        (from, opening, first) = (to, closing, false);
    }
    steps
}
