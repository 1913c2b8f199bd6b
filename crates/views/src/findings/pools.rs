//! Findings about pools: more sold than is installed, and more sold or given than is lit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::{PartyId, PoolId};
use rust_decimal::Decimal;
use tokio_postgres::Transaction;

use super::Finding;
use super::rules::{Rule, RuleSet};
use crate::as_of::As;
use crate::columns::micros;
use crate::error::Error;
use crate::figures;
use crate::holdings::Holdings;
use crate::oversold::{Behind, Excess, Market};
use crate::rows::PoolShortfall;
use crate::steps::Span;
use crate::table::select;

#[derive(Default)]
pub(super) struct Pools {
    pub(super) holdings: Holdings,
    pub(super) shortfalls: Vec<PoolShortfall>,
    /// The last instant that is looked at.
    pub(super) until: Option<Timestamp>,
}

impl Pools {
    pub(super) async fn load(transaction: &Transaction<'_>, seen: As) -> Result<Self, Error> {
        let times = [&seen.of as _, &seen.known as _];
        Ok(Self {
            holdings: Holdings::load_sales(transaction, seen).await?,
            shortfalls: select(transaction, As::CONDITION, &times).await?,
            until: seen.of,
        })
    }

    pub(super) fn findings(&self, rules: &RuleSet) -> Vec<Finding> {
        let mut span = Span::of(Timestamp::MIN, self.until.unwrap_or(Timestamp::MAX));
        let last = micros(Timestamp::MAX).as_microsecond();
        span.to = span.to.saturating_add(1).min(last);
        let market = Market::of(&self.holdings, span);
        let mut found = Vec::new();
        for pool in &self.holdings.pools {
            let installed = market.excess(&pool.id, Behind::Installed);
            let lit = market.excess(&pool.id, Behind::Lit);
            found.extend(installed.and_then(|excess| above(&excess, Behind::Installed, rules)));
            found.extend(lit.and_then(|excess| above(&excess, Behind::Lit, rules)));
        }
        let operators: BTreeMap<&PoolId, &PartyId> =
            self.holdings.pools.iter().map(|pool| (&pool.id, &pool.operator)).collect();
        found.extend(self.shortfalls.iter().map(|row| short(row, operators.get(&row.pool))));
        found
    }
}

fn above(excess: &Excess<'_>, behind: Behind, rules: &RuleSet) -> Option<Finding> {
    let (rule, limit, what) = match behind {
        Behind::Installed => (Rule::OversoldPool, rules.oversold_share, "installed"),
        Behind::Lit => (Rule::SoldButDark, rules.dark_share, "lit"),
    };
    if excess.share.as_ref().is_some_and(|share| *share <= figures::exact(limit)) {
        return None;
    }
    let contracts = &excess.contracts;
    let buyers = contracts.iter().flat_map(|contract| [&contract.seller, &contract.buyer]);
    let pool = excess.pool;
    let finding = Finding::of(rule, &pool.id, excess.at, excess.facts.iter().copied())
        .between([&pool.operator].into_iter().chain(buyers))
        .figure("contracts", contracts.len())
        .figure("threshold", limit);
    let finding = match excess.share.as_ref() {
        Some(share) => finding.figure("ratio", ratio(share)),
        None => finding,
    };
    let mut told = Vec::new();
    let mut finding = finding;
    for (basis, sold, there) in &excess.by_basis {
        let sold = figures::quantity(sold);
        let there = there.as_ref().map(figures::quantity);
        let there_text = there.as_deref().unwrap_or("an unknown number of");
        told.push(format!("{sold} P {basis} are sold and {there_text} P are {what}"));
        let (sold_name, there_name) = match excess.by_basis.as_slice() {
            [_] => ("numerator".to_owned(), "denominator".to_owned()),
            _ => {
                let (precision, sparsity) = (basis.precision, basis.sparsity);
                let name = |side| format!("{side}_{precision}_{sparsity}");
                (name("numerator"), name("denominator"))
            }
        };
        finding = finding.figure(&sold_name, sold);
        if let Some(there) = there {
            finding = finding.figure(&there_name, there);
        }
        if let [_] = excess.by_basis.as_slice() {
            finding = finding.figure("basis", basis);
        }
    }
    let (pool, told) = (&pool.id, told.join(", "));
    Some(finding.saying(format!(
        "of pool {pool}, {told}; what is sold is above {limit} times what is {what}"
    )))
}

fn ratio(share: &BigRational) -> String {
    figures::ratio(share, &figures::exact(Decimal::ONE)).unwrap_or_default()
}

/// Cards that are given but dark: a fact by itself.
fn short(row: &PoolShortfall, operator: Option<&&PartyId>) -> Finding {
    let (pool, lit, allocated) = (&row.pool, row.lit, row.allocated);
    Finding::of(Rule::SoldButDark, pool, row.stamp.at, [row.stamp.fact()])
        .between(operator)
        .figure("numerator", allocated)
        .figure("denominator", lit)
        .figure("basis", "cards")
        .saying(format!("of pool {pool}, {allocated} cards are allocated and {lit} cards are lit"))
}
