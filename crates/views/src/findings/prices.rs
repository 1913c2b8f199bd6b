//! Findings about prices: a contract's unit price against the reference prices of its signing.
//!
//! Invariant: a contract that names no model is held against the span of all models, never against
//! one of them; P of unlike bases are never compared.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use loopledger_loops::BigRational;
use loopledger_model::purchase::ContractUnit;
use loopledger_model::registry::PriceUnit;
use loopledger_model::{Basis, CardModel, Currency, FactId, Text};
use num_traits::One;
use rust_decimal::Decimal;
use tokio_postgres::Transaction;

use super::Finding;
use super::rules::{Rule, RuleSet};
use crate::as_of::As;
use crate::error::Error;
use crate::figures::{self, whole};
use crate::rows::{CardSpec, Contract, ReferencePrice};
use crate::table::select;
use crate::worth::{mean_price, term};

const HOURS_PER_DAY: i64 = 24;
const CARDS_PER_SERVER: u32 = 8;
const MONTHS_PER_YEAR: u32 = 12;

#[derive(Default)]
pub(super) struct Prices {
    pub(super) contracts: Vec<Contract>,
    pub(super) prices: Vec<ReferencePrice>,
    pub(super) specs: Vec<CardSpec>,
}

/// One reference price in the contract's unit.
struct Reference {
    price: BigRational,
    facts: Vec<FactId>,
}

/// A price is known of a model, in a unit, by a source.
type Series<'a> = BTreeMap<(&'a CardModel, PriceUnit, &'a Text), Vec<&'a ReferencePrice>>;

struct Market<'a> {
    series: BTreeMap<Currency, Series<'a>>,
    /// In the order of their dates, then of recording.
    specs: BTreeMap<&'a CardModel, Vec<&'a CardSpec>>,
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
        let mut market = Market { series: BTreeMap::new(), specs: BTreeMap::new() };
        let mut prices: Vec<_> = self.prices.iter().collect();
        prices.sort_by_key(|price| price.stamp.at);
        for price in prices {
            let of_currency = market.series.entry(price.currency).or_default();
            of_currency.entry((&price.model, price.unit, &price.source)).or_default().push(price);
        }
        let mut specs: Vec<_> = self.specs.iter().collect();
        specs.sort_by_key(|spec| spec.stamp.at);
        for spec in specs {
            market.specs.entry(&spec.model).or_default().push(spec);
        }
        let contracts = self.contracts.iter();
        contracts.filter_map(|contract| outside(contract, &market, rules)).collect()
    }
}

fn outside(contract: &Contract, market: &Market<'_>, rules: &RuleSet) -> Option<Finding> {
    let references = market.references(contract, rules);
    let low = references.iter().map(|reference| &reference.price).min()?;
    let high = references.iter().map(|reference| &reference.price).max()?;
    let price = term(contract).map_or_else(
        || figures::exact(contract.price_per_unit.value()),
        |term| mean_price(contract, &term),
    );
    let (one, tolerance) = (BigRational::one(), figures::exact(rules.price_tolerance));
    let (bound, limit, side) = if price < low * (&one - &tolerance) {
        (low, Decimal::ONE - rules.price_tolerance, "below")
    } else if price > high * (&one + &tolerance) {
        (high, Decimal::ONE + rules.price_tolerance, "above")
    } else {
        return None;
    };
    let Contract { id, buyer, seller, currency, unit, model, .. } = contract;
    let [low, high, bound_text] = [low, high, bound].map(figures::quantity);
    let price_text = figures::quantity(&price);
    let ratio = figures::ratio(&price, bound)?;
    let model = model.as_ref().map_or("unknown", CardModel::as_str);
    let text = format!(
        "the price of contract {id}, {price_text} {currency} per {unit}, is {side} what the \
         reference prices of its signing span, {low} to {high} (model {model}), by more than {}",
        rules.price_tolerance
    );
    let facts = references.iter().flat_map(|reference| reference.facts.iter().copied());
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

impl Market<'_> {
    /// The latest price of every model, unit and source that can be told in the contract's unit.
    fn references(&self, contract: &Contract, rules: &RuleSet) -> Vec<Reference> {
        let age = SignedDuration::from_hours(i64::from(rules.reference_days) * HOURS_PER_DAY);
        let signed = contract.stamp.at;
        let of_currency = self.series.get(&contract.currency).into_iter().flatten();
        let like = of_currency
            .filter(|((model, ..), _)| contract.model.as_ref().is_none_or(|named| named == *model));
        like.filter_map(|(_, prices)| {
            let known = prices.partition_point(|price| price.stamp.at <= signed);
            let latest = prices[..known].last()?;
            let fresh = signed.duration_since(latest.stamp.at) <= age;
            if fresh { self.told(contract, latest, rules) } else { None }
        })
        .collect()
    }

    fn told(
        &self,
        contract: &Contract,
        reference: &ReferencePrice,
        rules: &RuleSet,
    ) -> Option<Reference> {
        let price = figures::exact(reference.price.value());
        let (hours, cards) = (whole(rules.hours_per_month), whole(CARDS_PER_SERVER));
        let mut facts = vec![reference.stamp.fact()];
        let card_month = match reference.unit {
            PriceUnit::CardHour => price.clone() * &hours,
            PriceUnit::CardMonth => price.clone(),
            PriceUnit::ServerMonth => price.clone() / cards,
            PriceUnit::PMonth => return self.told_in_p(contract, reference, price),
            PriceUnit::PYear => {
                return self.told_in_p(contract, reference, price / whole(MONTHS_PER_YEAR));
            }
            PriceUnit::CoreHour | PriceUnit::MillionTokens => return None,
        };
        let price = match contract.unit {
            ContractUnit::CardHour if reference.unit == PriceUnit::CardHour => price,
            ContractUnit::CardHour => card_month / hours,
            ContractUnit::PMonth => {
                let basis = contract.published_basis()?;
                let on_basis = |spec: &&&CardSpec| basis_of(spec) == basis;
                let spec = self.specs_of(contract, &reference.model).filter(on_basis).last()?;
                facts.push(spec.stamp.fact());
                card_month / figures::exact(spec.p_per_card.value())
            }
        };
        Some(Reference { price, facts })
    }

    /// A price for P and month.
    fn told_in_p(
        &self,
        contract: &Contract,
        reference: &ReferencePrice,
        price: BigRational,
    ) -> Option<Reference> {
        let spec = self.only_basis(contract, &reference.model)?;
        let facts = vec![reference.stamp.fact(), spec.stamp.fact()];
        (contract.unit == ContractUnit::PMonth).then_some(Reference { price, facts })
    }

    /// Those of a model when the contract was signed.
    fn specs_of<'m>(
        &'m self,
        contract: &'m Contract,
        model: &CardModel,
    ) -> impl Iterator<Item = &'m &'m CardSpec> {
        let specs = self.specs.get(model).into_iter().flatten();
        specs.filter(|spec| spec.stamp.at <= contract.stamp.at)
    }

    /// A reference price for P does not say on which basis: it counts where the model's P is
    /// published on one only, the contract's.
    fn only_basis(&self, contract: &Contract, model: &CardModel) -> Option<&CardSpec> {
        let bases: BTreeSet<Basis> =
            self.specs_of(contract, model).map(|spec| basis_of(spec)).collect();
        if bases != BTreeSet::from([contract.published_basis()?]) {
            return None;
        }
        let known = |spec: &&CardSpec| spec.stamp.at <= contract.stamp.at;
        self.specs.get(model)?.iter().copied().rfind(known)
    }
}

fn basis_of(spec: &CardSpec) -> Basis {
    Basis { precision: spec.precision, sparsity: spec.sparsity }
}
