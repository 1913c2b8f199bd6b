//! Answer: what contracts cost against the reference prices of their signing.
//!
//! Invariant: a discount is told as an interval, over all references that the contract can be held against; it is
//! one figure only where they agree. Where the model is unknown those are of all models.

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::purchase::ContractUnit;
use loopledger_model::registry::PriceUnit;
use loopledger_model::{CardModel, ContractId, Currency, FactId, PartyId, Position, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::as_of::As;
use crate::benchmarks::{Benchmark, Benchmarks, Tested, price_of};
use crate::contracts::ContractQuery;
use crate::error::Error;
use crate::figures;
use crate::findings::{RULES, RuleSet};
use crate::rows::{CardSpec, Contract, ReferencePrice};
use crate::table::select;
use crate::views::Views;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriceTests {
    pub position: Position,
    /// Whose figures say how long a reference counts, and how hours are told in months.
    pub rule_set: u32,
    /// In the order in which they were signed, then by id.
    pub contracts: Vec<PriceTest>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriceTest {
    pub contract: ContractId,
    pub buyer: PartyId,
    pub seller: PartyId,
    pub signed_at: Timestamp,
    pub currency: Currency,
    pub unit: ContractUnit,
    /// Absent where the contract hides it: then `references` are those of all models.
    pub model: Option<CardModel>,
    /// Of a unit, on average over the term.
    pub price: String,
    pub reference_low: Option<String>,
    pub reference_high: Option<String>,
    /// What the price is below the lowest reference, as a share of that; below zero where it is above.
    pub discount_low: Option<String>,
    /// Likewise of the highest one.
    pub discount_high: Option<String>,
    /// By model, unit and source, the latest of each.
    pub references: Vec<PriceReference>,
    /// Why there are none.
    pub reason: Option<String>,
    /// Its signing.
    pub event: FactId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriceReference {
    pub model: CardModel,
    /// As it was observed, in the contract's currency.
    pub price: String,
    pub unit: PriceUnit,
    pub at: Timestamp,
    pub source: Text,
    pub event: FactId,
    /// The specification by which it is told for P.
    pub spec: Option<FactId>,
    /// In the contract's unit.
    pub told: String,
}

impl Views {
    pub async fn price_tests(&self, query: &ContractQuery, seen: As) -> Result<PriceTests, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let seen = seen.in_rows();
        let times = [&seen.of as _, &seen.known as _];
        let prices: Vec<ReferencePrice> = select(&transaction, As::CONDITION, &times).await?;
        let specs: Vec<CardSpec> = select(&transaction, As::CONDITION, &times).await?;
        let wanted = format!(
            "{} AND ($3::TEXT IS NULL OR id = $3) AND ($4::TEXT IS NULL OR $4 IN (buyer, seller))",
            As::CONDITION
        );
        let contract = query.contract.as_ref().map(ContractId::as_str);
        let party = query.party.as_ref().map(PartyId::as_str);
        let times = [&seen.of as _, &seen.known as _, &contract as _, &party as _];
        let mut contracts: Vec<Contract> = select(&transaction, &wanted, &times).await?;
        contracts.sort_by(|a, b| (a.stamp.at, &a.id).cmp(&(b.stamp.at, &b.id)));
        let benchmarks = Benchmarks::of(&prices, &specs);
        let contracts = contracts.iter().map(|row| tested(row, &benchmarks, &RULES)).collect();
        Ok(PriceTests { position, rule_set: RULES.version, contracts })
    }
}

fn tested(row: &Contract, benchmarks: &Benchmarks<'_>, rules: &RuleSet) -> PriceTest {
    let test = benchmarks.test(row, rules);
    let price = price_of(row);
    let discount = |from: &BigRational| figures::ratio(&(from - &price), from);
    let (low, high) = test.as_ref().map(|Tested { low, high, .. }| (low, high)).unzip();
    PriceTest {
        contract: row.id.clone(),
        buyer: row.buyer.clone(),
        seller: row.seller.clone(),
        signed_at: row.stamp.at,
        currency: row.currency,
        unit: row.unit,
        model: row.model.clone(),
        reference_low: low.map(figures::quantity),
        reference_high: high.map(figures::quantity),
        discount_low: low.and_then(discount),
        discount_high: high.and_then(discount),
        price: figures::quantity(&price),
        reason: test.is_none().then(|| reason(row, rules)),
        references: test.iter().flat_map(|test| test.references.iter().map(told)).collect(),
        event: row.stamp.fact(),
    }
}

fn told(reference: &Benchmark<'_>) -> PriceReference {
    let observed = reference.observed;
    PriceReference {
        model: observed.model.clone(),
        price: observed.price.to_string(),
        unit: observed.unit,
        at: observed.stamp.at,
        source: observed.source.clone(),
        event: observed.stamp.fact(),
        spec: reference.spec.map(|spec| spec.stamp.fact()),
        told: figures::quantity(&reference.price),
    }
}

fn reason(row: &Contract, rules: &RuleSet) -> String {
    if row.unit == ContractUnit::PMonth && row.is_measured() {
        return "the contract's P was measured, that of reference prices is rated; unlike P are \
                not compared"
            .to_owned();
    }
    if row.unit == ContractUnit::PMonth && row.basis().is_none() {
        return "the contract states neither precision nor sparsity, so it is not known what its \
                P are"
            .to_owned();
    }
    let of = row.model.as_ref().map_or("any model", CardModel::as_str);
    format!(
        "no reference price of {of} in {}, of the {} days up to the signing, can be told for a {}",
        row.currency, rules.reference_days, row.unit
    )
}

#[cfg(test)]
mod tests;
