//! Findings about prices: a contract's unit price against the reference prices of its signing.
//!
//! Invariant: a contract that names no model is held against the span of all models, never against
//! one of them; P of unlike bases are never compared.

use loopledger_loops::BigRational;
use loopledger_model::CardModel;
use num_traits::One;
use rust_decimal::Decimal;
use tokio_postgres::Transaction;

use super::Finding;
use super::rules::{Rule, RuleSet};
use crate::as_of::As;
use crate::benchmarks::{Benchmark, Benchmarks, Tested};
use crate::error::Error;
use crate::figures;
use crate::rows::{CardSpec, Contract, ReferencePrice};
use crate::table::select;

#[derive(Default)]
pub(super) struct Prices {
    pub(super) contracts: Vec<Contract>,
    pub(super) prices: Vec<ReferencePrice>,
    pub(super) specs: Vec<CardSpec>,
}

impl Prices {
    pub(super) async fn load(transaction: &Transaction<'_>, seen: As) -> Result<Self, Error> {
        let times = [&seen.of as _, &seen.known as _];
        Ok(Self {
            contracts: select(transaction, As::CONDITION, &times).await?,
            prices: select(transaction, As::CONDITION, &times).await?,
            specs: select(transaction, As::CONDITION, &times).await?,
        })
    }

    pub(super) fn findings(&self, rules: &RuleSet) -> Vec<Finding> {
        let benchmarks = Benchmarks::of(&self.prices, &self.specs);
        let contracts = self.contracts.iter();
        contracts.filter_map(|contract| outside(contract, &benchmarks, rules)).collect()
    }
}

fn outside(contract: &Contract, benchmarks: &Benchmarks<'_>, rules: &RuleSet) -> Option<Finding> {
    let Tested { price, low, high, references } = &benchmarks.test(contract, rules)?;
    let (one, tolerance) = (BigRational::one(), figures::exact(rules.price_tolerance));
    let (bound, limit, side) = if *price < low * (&one - &tolerance) {
        (low, Decimal::ONE - rules.price_tolerance, "below")
    } else if *price > high * (&one + &tolerance) {
        (high, Decimal::ONE + rules.price_tolerance, "above")
    } else {
        return None;
    };
    let Contract { id, buyer, seller, currency, unit, model, .. } = contract;
    let [low, high, bound_text] = [low, high, bound].map(figures::quantity);
    let price_text = figures::quantity(price);
    let ratio = figures::ratio(price, bound)?;
    let model = model.as_ref().map_or("unknown", CardModel::as_str);
    let text = format!(
        "the price of contract {id}, {price_text} {currency} per {unit}, is {side} what the \
         reference prices of its signing span, {low} to {high} (model {model}), by more than {}",
        rules.price_tolerance
    );
    let facts = references.iter().flat_map(Benchmark::facts);
    let facts = facts.chain([contract.stamp.fact()]);
    let finding = Finding::of(Rule::PriceOutsideReference, id, contract.stamp.at, facts)
        .between([buyer, seller])
        .worth(price_text.clone(), *currency)
        .figure("numerator", price_text)
        .figure("denominator", bound_text)
        .figure("ratio", ratio)
        .figure("threshold", limit)
        .figure("reference_low", low)
        .figure("reference_high", high)
        .figure("references", references.len())
        .figure("model", model)
        .figure("unit", unit)
        .figure("side", side)
        .saying(text);
    Some(finding)
}
