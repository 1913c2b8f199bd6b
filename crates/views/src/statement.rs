//! Answer: a provider's claims of a period, what was cut, paid and is open, and what was claimed back.

use std::collections::BTreeMap;

use loopledger_model::{Currency, PartyId, Period, Position};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::as_of::As;
use crate::claims::{Claim, ClaimQuery};
use crate::error::Error;
use crate::figures;
use crate::views::Views;

/// The claims that were made in the period, with what had become of them by the date that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Statement {
    pub position: Position,
    pub provider: PartyId,
    pub from: jiff::Timestamp,
    pub to: jiff::Timestamp,
    pub totals: Vec<StatementTotal>,
    pub claims: Vec<Claim>,
}

/// Of the claims in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatementTotal {
    pub currency: Currency,
    pub claims: usize,
    pub payable: String,
    pub approved: String,
    pub paid: String,
    pub open: String,
    pub recovered: String,
}

impl Views {
    pub async fn statement(
        &self,
        provider: &PartyId,
        period: Period,
        seen: As,
    ) -> Result<Statement, Error> {
        let query = ClaimQuery { provider: Some(provider.clone()), ..ClaimQuery::default() };
        let mut answer = self.claims(&query, seen).await?;
        let (from, to) = (period.from(), period.to());
        answer.claims.retain(|claim| claim.at >= from && claim.at < to);
        Ok(Statement {
            position: answer.position,
            provider: provider.clone(),
            from,
            to,
            totals: totals(&answer.claims),
            claims: answer.claims,
        })
    }
}

fn totals(claims: &[Claim]) -> Vec<StatementTotal> {
    let mut sums: BTreeMap<String, (Currency, usize, [Decimal; 5])> = BTreeMap::new();
    for claim in claims {
        let sum = sums.entry(claim.currency.to_string());
        let (_, count, sums) = sum.or_insert((claim.currency, 0, [Decimal::ZERO; 5]));
        let figures = [&claim.payable, &claim.approved, &claim.paid, &claim.open, &claim.recovered];
        *count += 1;
        for (sum, figure) in sums.iter_mut().zip(figures) {
            *sum += figure.parse::<Decimal>().expect("a figure of ours is a decimal");
        }
    }
    let total = |(currency, claims, sums): (Currency, usize, [Decimal; 5])| {
        let [payable, approved, paid, open, recovered] =
            sums.map(|sum| figures::amount(sum, currency));
        StatementTotal { currency, claims, payable, approved, paid, open, recovered }
    };
    sums.into_values().map(total).collect()
}
