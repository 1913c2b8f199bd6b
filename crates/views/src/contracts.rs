//! Answer: compute contracts: what was signed, what came of it, what was sold on, and how it ended.
//!
//! Invariants: announced, signed, begun, allocated, metered, delivered, invoiced and paid are told apart, each by its own
//! facts; none stands for another. A margin is told only between like units of one currency.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::purchase::{ContractUnit, TerminationReason};
use loopledger_model::{
    CardModel, ContractId, Currency, FactId, PartyId, Position, Precision, Sparsity, Text,
};
use num_traits::Zero;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::{Row, Transaction};

use crate::as_of::As;
use crate::error::Error;
use crate::figures::{self, exact};
use crate::rows::{Announcement, Contract, Termination};
use crate::table::{cell, select};
use crate::views::Views;

/// Which contracts are asked for; all where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContractQuery {
    pub contract: Option<ContractId>,
    /// Its buyer or its seller.
    pub party: Option<PartyId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Contracts {
    pub position: Position,
    /// Of the contracts below, by currency.
    pub totals: Vec<ContractTotals>,
    /// In the order in which they were signed, then by id.
    pub contracts: Vec<ContractState>,
    /// What was made known and is not signed.
    pub unsigned: Vec<Announced>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Announced {
    pub contract: ContractId,
    pub buyer: PartyId,
    pub seller: PartyId,
    pub amount: String,
    pub currency: Currency,
    pub at: Timestamp,
    pub source: Text,
    pub event: FactId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ContractTotals {
    pub currency: Currency,
    pub contracts: usize,
    /// What was made known, whether it was signed or not.
    pub announced: String,
    /// Quantity times price, as signed.
    pub value: String,
    pub invoiced: String,
    /// The buyers' own cash.
    pub paid: String,
    /// What governments paid for the buyers' invoices.
    pub vouchers: String,
    pub refunded: String,
    /// Contracts that ended before their time, by reason.
    pub ended: BTreeMap<String, EndedContracts>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EndedContracts {
    pub contracts: usize,
    pub value: String,
    /// Of the value of all contracts.
    pub share: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ContractState {
    pub contract: ContractId,
    pub buyer: PartyId,
    pub seller: PartyId,
    /// Who has the cards at the end of the chain of backing contracts.
    pub capacity_owner: PartyId,
    pub currency: Currency,
    pub unit: ContractUnit,
    pub quantity: String,
    pub price_per_unit: String,
    pub value: String,
    pub declared_p: Option<String>,
    pub precision: Option<Precision>,
    pub sparsity: Option<Sparsity>,
    pub model: Option<CardModel>,
    pub cards: Option<u32>,
    pub announced: Option<Announced>,
    pub signed_at: Timestamp,
    pub from: Timestamp,
    pub to: Timestamp,
    pub allocated_from: Option<Timestamp>,
    pub metered_from: Option<Timestamp>,
    pub metered_card_hours: String,
    /// The first acceptance of a delivery.
    pub delivered_from: Option<Timestamp>,
    pub delivered_quantity: String,
    pub invoiced_from: Option<Timestamp>,
    pub invoiced_quantity: String,
    pub invoiced: String,
    pub paid_from: Option<Timestamp>,
    pub paid: String,
    pub vouchers: String,
    /// How it ended before its time.
    pub end: Option<ContractEnd>,
    /// Where it sells on what its seller bought.
    pub resale: Option<Resale>,
    /// The contracts that sell it on.
    pub sold_on: Vec<ContractId>,
    /// Its signing.
    pub event: FactId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ContractEnd {
    pub at: Timestamp,
    pub reason: TerminationReason,
    pub refunded: Option<String>,
    pub event: FactId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Resale {
    /// The contracts that it rests on, the nearest first.
    pub backing: Vec<ContractId>,
    /// What the nearest one costs a unit, and what is earned on it; absent between unlike units.
    pub backing_price: Option<String>,
    pub margin_per_unit: Option<String>,
    /// Of the backing price.
    pub margin: Option<String>,
}

impl ContractQuery {
    fn wants(&self, id: &ContractId, sides: [&PartyId; 2]) -> bool {
        self.contract.as_ref().is_none_or(|asked| asked == id)
            && self.party.as_ref().is_none_or(|asked| sides.contains(&asked))
    }
}

impl Views {
    pub async fn contracts(&self, query: &ContractQuery, seen: As) -> Result<Contracts, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let known = Known::load(&transaction, seen).await?;
        let asked = known.asked(query);
        let ids: Vec<&str> = asked.iter().map(|contract| contract.id.as_str()).collect();
        let done = Done::load(&transaction, &ids, seen).await?;
        let mut contracts: Vec<_> = asked.iter().map(|row| known.told(row, &done)).collect();
        contracts
            .sort_by(|a, b| (a.0.signed_at, &a.0.contract).cmp(&(b.0.signed_at, &b.0.contract)));
        let unsigned = known.unsigned(query);
        let totals = totals(&contracts, &unsigned);
        let contracts = contracts.into_iter().map(|(told, _)| told).collect();
        let unsigned = unsigned.into_iter().map(announced).collect();
        Ok(Contracts { position, totals, contracts, unsigned })
    }
}

/// All contracts, since a chain of them may lead anywhere.
struct Known {
    contracts: BTreeMap<ContractId, Contract>,
    announcements: BTreeMap<ContractId, Announcement>,
    ends: BTreeMap<ContractId, Termination>,
    sold_on: BTreeMap<ContractId, BTreeSet<ContractId>>,
}

impl Known {
    async fn load(transaction: &Transaction<'_>, seen: As) -> Result<Self, Error> {
        let times = seen.in_rows();
        let times = [&times.of as _, &times.known as _];
        let rows: Vec<Contract> = select(transaction, As::CONDITION, &times).await?;
        let ends: Vec<Termination> = select(transaction, As::CONDITION, &times).await?;
        let made: Vec<Announcement> = select(transaction, As::CONDITION, &times).await?;
        let mut sold_on: BTreeMap<ContractId, BTreeSet<ContractId>> = BTreeMap::new();
        for row in &rows {
            if let Some(backing) = &row.backing_contract {
                sold_on.entry(backing.clone()).or_default().insert(row.id.clone());
            }
        }
        let contracts = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        let ends = ends.into_iter().map(|end| (end.contract.clone(), end)).collect();
        let announcements = made.into_iter().map(|made| (made.contract.clone(), made)).collect();
        Ok(Self { contracts, announcements, ends, sold_on })
    }

    fn unsigned(&self, query: &ContractQuery) -> Vec<&Announcement> {
        let is_asked = |made: &&Announcement| {
            !self.contracts.contains_key(&made.contract)
                && query.wants(&made.contract, [&made.buyer, &made.seller])
        };
        self.announcements.values().filter(is_asked).collect()
    }

    fn asked(&self, query: &ContractQuery) -> Vec<&Contract> {
        let rows = self.contracts.values();
        rows.filter(|row| query.wants(&row.id, [&row.buyer, &row.seller])).collect()
    }

    /// The contracts that it rests on. One is signed before what it backs, so the chain ends.
    fn backing(&self, row: &Contract) -> Vec<&Contract> {
        let mut chain = Vec::new();
        let mut next = row.backing_contract.as_ref();
        while let Some(backing) = next.and_then(|id| self.contracts.get(id)) {
            chain.push(backing);
            next = backing.backing_contract.as_ref();
        }
        chain
    }

    fn told(&self, row: &Contract, done: &Done) -> (ContractState, Sums) {
        let chain = self.backing(row);
        let sums = done.of(row, self.ends.get(&row.id), self.announcements.get(&row.id));
        let amount = |sum: &BigRational| figures::rounded(sum, row.currency);
        let resale = chain.first().map(|nearest| resale(row, nearest, &chain));
        let told = ContractState {
            contract: row.id.clone(),
            buyer: row.buyer.clone(),
            seller: row.seller.clone(),
            capacity_owner: chain.last().map_or(&row.seller, |last| &last.seller).clone(),
            currency: row.currency,
            unit: row.unit,
            quantity: row.quantity.to_string(),
            price_per_unit: row.price_per_unit.to_string(),
            value: amount(&sums.value),
            declared_p: row.declared_p.map(|p| p.to_string()),
            precision: row.precision,
            sparsity: row.sparsity,
            model: row.model.clone(),
            cards: row.cards,
            announced: self.announcements.get(&row.id).map(announced),
            signed_at: row.stamp.at,
            from: row.from_at,
            to: row.to_at,
            allocated_from: done.allocated.get(&row.id).copied(),
            metered_from: done.metered.get(&row.id).map(|metered| metered.from),
            metered_card_hours: figures::quantity(&sums.metered),
            delivered_from: done.delivered.get(&row.id).map(|delivered| delivered.from),
            delivered_quantity: figures::quantity(&sums.delivered),
            invoiced_from: done.invoiced.get(&row.id).map(|invoiced| invoiced.from),
            invoiced_quantity: figures::quantity(&sums.invoiced_quantity),
            invoiced: amount(&sums.invoiced),
            paid_from: done.paid.get(&row.id).map(|paid| paid.from),
            paid: amount(&sums.paid),
            vouchers: amount(&sums.vouchers),
            end: self.ends.get(&row.id).map(|end| ended(end, row.currency)),
            resale,
            sold_on: self.sold_on.get(&row.id).into_iter().flatten().cloned().collect(),
            event: row.stamp.fact(),
        };
        (told, sums)
    }
}

fn announced(made: &Announcement) -> Announced {
    Announced {
        contract: made.contract.clone(),
        buyer: made.buyer.clone(),
        seller: made.seller.clone(),
        amount: figures::amount(made.amount, made.currency),
        currency: made.currency,
        at: made.stamp.at,
        source: made.source.clone(),
        event: made.stamp.fact(),
    }
}

fn ended(end: &Termination, currency: Currency) -> ContractEnd {
    ContractEnd {
        at: end.stamp.at,
        reason: end.reason,
        refunded: end.refund.map(|refund| figures::amount(refund, currency)),
        event: end.stamp.fact(),
    }
}

fn resale(row: &Contract, nearest: &Contract, chain: &[&Contract]) -> Resale {
    let backing = chain.iter().map(|contract| contract.id.clone()).collect();
    if (row.unit, row.currency) != (nearest.unit, nearest.currency) {
        let (backing_price, margin_per_unit, margin) = (None, None, None);
        return Resale { backing, backing_price, margin_per_unit, margin };
    }
    let price = exact(nearest.price_per_unit.value());
    let earned = exact(row.price_per_unit.value()) - &price;
    Resale {
        backing,
        backing_price: Some(nearest.price_per_unit.to_string()),
        margin_per_unit: Some(figures::quantity(&earned)),
        margin: figures::ratio(&earned, &price),
    }
}

/// What one contract comes to, exactly.
#[derive(Debug, Clone)]
struct Sums {
    announced: BigRational,
    delivered: BigRational,
    value: BigRational,
    metered: BigRational,
    invoiced_quantity: BigRational,
    invoiced: BigRational,
    paid: BigRational,
    vouchers: BigRational,
    refunded: BigRational,
}

/// Sums and first times by contract, of what happened under it.
#[derive(Debug, Default)]
struct Done {
    allocated: BTreeMap<ContractId, Timestamp>,
    metered: BTreeMap<ContractId, Sum>,
    delivered: BTreeMap<ContractId, Sum>,
    invoiced: BTreeMap<ContractId, Sum>,
    invoiced_quantity: BTreeMap<ContractId, Sum>,
    paid: BTreeMap<ContractId, Sum>,
    vouchers: BTreeMap<ContractId, Sum>,
}

#[derive(Debug)]
struct Sum {
    amount: BigRational,
    from: Timestamp,
}

impl Done {
    async fn load(
        transaction: &Transaction<'_>,
        contracts: &[&str],
        seen: As,
    ) -> Result<Self, Error> {
        let sums = async |table: &'static str, sum: &str, first: &str, more: &str| {
            let question = format!(
                "SELECT contract, coalesce(sum({sum}), 0), min({first}) FROM {table} \
                 WHERE {} AND contract = ANY ($3) {more} GROUP BY contract",
                As::CONDITION
            );
            let times = seen.in_rows();
            let rows = transaction.query(&question, &[&times.of, &times.known, &contracts]).await?;
            rows.iter().map(|row| sum_in(row, table)).collect::<Result<BTreeMap<_, _>, Error>>()
        };
        let kind = |kind: &str| format!("AND kind = '{kind}'");
        let allocated = sums("allocations", "cards", "at", "").await?;
        Ok(Self {
            allocated: allocated.into_iter().map(|(id, sum)| (id, sum.from)).collect(),
            metered: sums("usages", "card_hours", "from_at", "").await?,
            delivered: sums("deliveries", "quantity", "at", "").await?,
            invoiced: sums("invoices", "amount", "at", "").await?,
            invoiced_quantity: sums("invoices", "quantity", "at", "").await?,
            paid: sums("flows", "amount", "at", &kind("compute_payment")).await?,
            vouchers: sums("flows", "amount", "at", &kind("voucher_payment")).await?,
        })
    }

    fn of(&self, row: &Contract, end: Option<&Termination>, made: Option<&Announcement>) -> Sums {
        let sum = |sums: &BTreeMap<ContractId, Sum>| {
            sums.get(&row.id).map_or_else(BigRational::zero, |sum| sum.amount.clone())
        };
        Sums {
            announced: made.map_or_else(BigRational::zero, |made| exact(made.amount)),
            delivered: sum(&self.delivered),
            value: exact(row.quantity.value()) * exact(row.price_per_unit.value()),
            metered: sum(&self.metered),
            invoiced_quantity: sum(&self.invoiced_quantity),
            invoiced: sum(&self.invoiced),
            paid: sum(&self.paid),
            vouchers: sum(&self.vouchers),
            refunded: end.and_then(|end| end.refund).map_or_else(BigRational::zero, exact),
        }
    }
}

fn sum_in(row: &Row, table: &'static str) -> Result<(ContractId, Sum), Error> {
    let contract = cell(row, 0, table, "contract")?;
    let amount: Decimal = row.try_get(1)?;
    Ok((contract, Sum { amount: exact(amount), from: row.try_get(2)? }))
}

fn totals(contracts: &[(ContractState, Sums)], unsigned: &[&Announcement]) -> Vec<ContractTotals> {
    let signed = contracts.iter().map(|(told, _)| told.currency);
    let currencies: BTreeSet<Currency> =
        signed.chain(unsigned.iter().map(|made| made.currency)).collect();
    let of = |currency: Currency| {
        let of: Vec<_> = contracts.iter().filter(|(told, _)| told.currency == currency).collect();
        let sum = |part: fn(&Sums) -> &BigRational| -> BigRational {
            of.iter().map(|(_, sums)| part(sums)).sum()
        };
        let amount = |part| figures::rounded(&sum(part), currency);
        let value = sum(|sums| &sums.value);
        let only_said: BigRational = unsigned
            .iter()
            .filter(|made| made.currency == currency)
            .map(|made| exact(made.amount))
            .sum();
        let announced = sum(|sums| &sums.announced) + only_said;
        let mut ended: BTreeMap<String, (usize, BigRational)> = BTreeMap::new();
        for (told, sums) in &of {
            if let Some(end) = &told.end {
                let (count, sum) = ended.entry(end.reason.to_string()).or_default();
                *count += 1;
                *sum += &sums.value;
            }
        }
        let ended = ended.into_iter().map(|(reason, (contracts, sum))| {
            let share = figures::ratio(&sum, &value);
            let value = figures::rounded(&sum, currency);
            (reason, EndedContracts { contracts, value, share })
        });
        ContractTotals {
            currency,
            contracts: of.len(),
            announced: figures::rounded(&announced, currency),
            value: figures::rounded(&value, currency),
            invoiced: amount(|sums| &sums.invoiced),
            paid: amount(|sums| &sums.paid),
            vouchers: amount(|sums| &sums.vouchers),
            refunded: amount(|sums| &sums.refunded),
            ended: ended.collect(),
        }
    };
    currencies.into_iter().map(of).collect()
}
