//! What of a programme's budget is committed: as a whole, by period and by source.
//!
//! Invariants: what is committed is never above the budget, nor above a period's, nor above what a source bears of
//! either; the parts of the sources come to the whole.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::Money;
use loopledger_model::voucher::{BudgetPeriod, Funded, Programme, Refusal};
use serde::{Deserialize, Serialize};

use crate::funding::{split, split_within};
use crate::state::{less, plus};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Budget {
    /// All faces issued, less what expired, was revoked or was surrendered.
    committed: Money,
    /// By the start of a period (none where there are no periods), by source in their order; a programme with
    /// neither keeps nothing here.
    parts: BTreeMap<Option<Timestamp>, Vec<Money>>,
}

/// The period that an instant falls in, where there are periods.
fn period(terms: &Programme, at: Timestamp) -> Result<Option<&BudgetPeriod>, Refusal> {
    if terms.budgets.is_empty() {
        return Ok(None);
    }
    let period = terms.budgets.iter().find(|budget| budget.period.contains(at));
    let none = || Refusal::NoBudgetPeriod { programme: terms.id.clone(), at };
    period.map(Some).ok_or_else(none)
}

impl Budget {
    pub(crate) fn of(terms: &Programme) -> Self {
        Self { committed: Money::zero(terms.currency), parts: BTreeMap::new() }
    }

    /// What is left of the whole budget.
    pub(crate) fn remaining(&self, terms: &Programme) -> Money {
        less(terms.budget, self.committed)
    }

    /// What can be issued at an instant.
    pub(crate) fn available(&self, terms: &Programme, at: Timestamp) -> Result<Money, Refusal> {
        let remaining = self.remaining(terms);
        let Some(period) = period(terms, at)? else { return Ok(remaining) };
        Ok(remaining.min(self.remaining_of(terms, period))?)
    }

    fn remaining_of(&self, terms: &Programme, period: &BudgetPeriod) -> Money {
        let parts = self.parts.get(&Some(period.period.from()));
        let nothing = Money::zero(terms.currency);
        less(period.amount, parts.into_iter().flatten().copied().fold(nothing, plus))
    }

    /// Whether an amount fits, and what each source bears of it.
    pub(crate) fn bear(
        &self,
        terms: &Programme,
        asked: Money,
        at: Timestamp,
    ) -> Result<Vec<Funded>, Refusal> {
        let remaining = self.remaining(terms);
        let programme = terms.id.clone();
        if asked.exceeds(remaining)? {
            return Err(Refusal::AboveBudget { programme, remaining, asked });
        }
        let period = period(terms, at)?;
        if let Some(period) = period {
            let remaining = self.remaining_of(terms, period);
            if asked.exceeds(remaining)? {
                let (from, to) = (period.period.from(), period.period.to());
                return Err(Refusal::AbovePeriodBudget { programme, from, to, remaining, asked });
            }
        }
        let budget = period.map_or(terms.budget, |period| period.amount);
        let key = period.map(|period| period.period.from());
        Ok(split_within(asked, &terms.funding, &self.room(terms, key, budget)))
    }

    /// What each source has left of a budget.
    fn room(&self, terms: &Programme, key: Option<Timestamp>, budget: Money) -> Vec<Money> {
        let whole = split(budget, &terms.funding).into_iter().map(|part| part.amount);
        let none = Vec::new();
        let taken = self.parts.get(&key).unwrap_or(&none).iter().copied();
        let nothing = std::iter::repeat(Money::zero(budget.currency()));
        whole.zip(taken.chain(nothing)).map(|(whole, taken)| less(whole, taken)).collect()
    }

    /// Whether another version's budget covers what is committed, as a whole, by period and by source.
    pub(crate) fn is_covered_by(&self, terms: &Programme) -> Result<(), (Money, Money)> {
        let covers = |budget: Money, taken: Money| {
            let short = taken.minor_units() > budget.minor_units();
            if short { Err((taken, budget)) } else { Ok(()) }
        };
        covers(terms.budget, self.committed)?;
        for (key, parts) in &self.parts {
            let period = |start| terms.budgets.iter().find(|budget| budget.period.from() == start);
            let nothing = Money::zero(terms.currency);
            let budget = match key {
                None if terms.budgets.is_empty() => terms.budget,
                None => nothing,
                Some(start) => period(*start).map_or(nothing, |period| period.amount),
            };
            let taken = parts.iter().copied().fold(nothing, plus);
            covers(budget, taken)?;
            let borne = split(budget, &terms.funding).into_iter().map(|part| part.amount);
            borne.zip(parts).try_for_each(|(borne, taken)| covers(borne, *taken))?;
        }
        Ok(())
    }

    /// The start of the period that the commitment counts in.
    pub(crate) fn commit(
        &mut self,
        terms: &Programme,
        amount: Money,
        funding: &[Funded],
        at: Timestamp,
    ) -> Option<Timestamp> {
        self.committed = plus(self.committed, amount);
        let key = period(terms, at).expect("a recorded voucher has a budget");
        let key = key.map(|period| period.period.from());
        if key.is_some() || !funding.is_empty() {
            for (part, more) in self.parts_of(terms, key).iter_mut().zip(amounts(amount, funding)) {
                *part = plus(*part, more);
            }
        }
        key
    }

    /// What ended unredeemed can be issued again.
    pub(crate) fn uncommit(
        &mut self,
        terms: &Programme,
        amount: Money,
        funding: &[Funded],
        key: Option<Timestamp>,
    ) {
        self.committed = less(self.committed, amount);
        if key.is_some() || !funding.is_empty() {
            for (part, gone) in self.parts_of(terms, key).iter_mut().zip(amounts(amount, funding)) {
                *part = less(*part, gone);
            }
        }
    }

    fn parts_of(&mut self, terms: &Programme, key: Option<Timestamp>) -> &mut Vec<Money> {
        let nothing = Money::zero(terms.currency);
        self.parts.entry(key).or_insert_with(|| vec![nothing; terms.funding.len().max(1)])
    }
}

/// By source, or the whole where there are none.
fn amounts(amount: Money, funding: &[Funded]) -> Vec<Money> {
    if funding.is_empty() {
        return vec![amount];
    }
    funding.iter().map(|part| part.amount).collect()
}
