//! Reference prices told in the unit of a contract: what it is held against.
//!
//! Invariants: a contract that names no model is held against the span of all models, never against one of them; P
//! of unlike conventions are never compared; a price counts that was dated at the signing or before, and not for ever.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use loopledger_loops::BigRational;
use loopledger_model::purchase::ContractUnit;
use loopledger_model::registry::PriceUnit;
use loopledger_model::{Basis, CardModel, Currency, FactId, Text};

use crate::figures::{self, whole};
use crate::findings::RuleSet;
use crate::rows::{CardSpec, Contract, ReferencePrice};
use crate::worth::{mean_price, term};

const HOURS_PER_DAY: i64 = 24;
const CARDS_PER_SERVER: u32 = 8;
const MONTHS_PER_YEAR: u32 = 12;

/// One reference price, and what it comes to in the contract's unit.
pub(crate) struct Benchmark<'a> {
    pub(crate) price: BigRational,
    pub(crate) observed: &'a ReferencePrice,
    /// By which cards were told in P.
    pub(crate) spec: Option<&'a CardSpec>,
}

/// A contract's price and the references of its signing.
pub(crate) struct Tested<'a> {
    /// A unit's, on average over the term.
    pub(crate) price: BigRational,
    pub(crate) low: BigRational,
    pub(crate) high: BigRational,
    /// One at least, by model, unit and source.
    pub(crate) references: Vec<Benchmark<'a>>,
}

/// A price is known of a model, in a unit, by a source.
type Series<'a> = BTreeMap<(&'a CardModel, PriceUnit, &'a Text), Vec<&'a ReferencePrice>>;

pub(crate) struct Benchmarks<'a> {
    series: BTreeMap<Currency, Series<'a>>,
    /// In the order of their dates, then of recording.
    specs: BTreeMap<&'a CardModel, Vec<&'a CardSpec>>,
}

/// What a unit costs, on average over the term.
pub(crate) fn price_of(contract: &Contract) -> BigRational {
    let stated = || figures::exact(contract.price_per_unit.value());
    term(contract).map_or_else(stated, |term| mean_price(contract, &term))
}

impl Benchmark<'_> {
    pub(crate) fn facts(&self) -> impl Iterator<Item = FactId> {
        let spec = self.spec.map(|spec| spec.stamp.fact());
        [self.observed.stamp.fact()].into_iter().chain(spec)
    }
}

impl<'a> Benchmarks<'a> {
    pub(crate) fn of(prices: &'a [ReferencePrice], specs: &'a [CardSpec]) -> Self {
        let mut all = Self { series: BTreeMap::new(), specs: BTreeMap::new() };
        let mut prices: Vec<_> = prices.iter().collect();
        prices.sort_by_key(|price| price.stamp.at);
        for price in prices {
            let of_currency = all.series.entry(price.currency).or_default();
            of_currency.entry((&price.model, price.unit, &price.source)).or_default().push(price);
        }
        let mut specs: Vec<_> = specs.iter().collect();
        specs.sort_by_key(|spec| spec.stamp.at);
        for spec in specs {
            all.specs.entry(&spec.model).or_default().push(spec);
        }
        all
    }

    /// Nothing where no reference can be told in the contract's unit.
    pub(crate) fn test(&self, contract: &Contract, rules: &RuleSet) -> Option<Tested<'a>> {
        let references = self.references(contract, rules);
        let low = references.iter().map(|reference| &reference.price).min()?.clone();
        let high = references.iter().map(|reference| &reference.price).max()?.clone();
        Some(Tested { price: price_of(contract), low, high, references })
    }

    /// The latest price of every model, unit and source that can be told in the contract's unit.
    fn references(&self, contract: &Contract, rules: &RuleSet) -> Vec<Benchmark<'a>> {
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
        observed: &'a ReferencePrice,
        rules: &RuleSet,
    ) -> Option<Benchmark<'a>> {
        let price = figures::exact(observed.price.value());
        let (hours, cards) = (whole(rules.hours_per_month), whole(CARDS_PER_SERVER));
        let card_month = match observed.unit {
            PriceUnit::CardHour => price.clone() * &hours,
            PriceUnit::CardMonth => price.clone(),
            PriceUnit::ServerMonth => price.clone() / cards,
            PriceUnit::PMonth => return self.told_in_p(contract, observed, price),
            PriceUnit::PYear => {
                return self.told_in_p(contract, observed, price / whole(MONTHS_PER_YEAR));
            }
            PriceUnit::CoreHour | PriceUnit::MillionTokens => return None,
        };
        let (price, spec) = match contract.unit {
            ContractUnit::CardHour if observed.unit == PriceUnit::CardHour => (price, None),
            ContractUnit::CardHour => (card_month / hours, None),
            ContractUnit::PMonth => {
                let basis = contract.published_basis()?;
                let on_basis = |spec: &&CardSpec| basis_of(spec) == basis;
                let spec = self.specs_of(contract, &observed.model).filter(on_basis).last()?;
                (card_month / figures::exact(spec.p_per_card.value()), Some(spec))
            }
        };
        Some(Benchmark { price, observed, spec })
    }

    /// A price for P and month.
    fn told_in_p(
        &self,
        contract: &Contract,
        observed: &'a ReferencePrice,
        price: BigRational,
    ) -> Option<Benchmark<'a>> {
        let spec = Some(self.only_basis(contract, &observed.model)?);
        (contract.unit == ContractUnit::PMonth).then_some(Benchmark { price, observed, spec })
    }

    /// Those of a model when the contract was signed.
    fn specs_of(
        &self,
        contract: &Contract,
        model: &CardModel,
    ) -> impl Iterator<Item = &'a CardSpec> {
        let signed = contract.stamp.at;
        let specs = self.specs.get(model).into_iter().flatten().copied();
        specs.filter(move |spec| spec.stamp.at <= signed)
    }

    /// A reference price for P does not say on which basis: it counts where the model's P is
    /// published on one only, the contract's.
    fn only_basis(&self, contract: &Contract, model: &CardModel) -> Option<&'a CardSpec> {
        let bases: BTreeSet<Basis> = self.specs_of(contract, model).map(basis_of).collect();
        if bases != BTreeSet::from([contract.published_basis()?]) {
            return None;
        }
        self.specs_of(contract, model).last()
    }
}

fn basis_of(spec: &CardSpec) -> Basis {
    Basis { precision: spec.precision, sparsity: spec.sparsity }
}
