//! Answer: compute contracts: what was signed, what came of it, what was sold on, and how it ended.
//!
//! Invariants: announced, signed, ordered, effective, allocated, metered, delivered, invoiced, credited and paid are told
//! apart, each by its own facts; none stands for another. A margin is told only between like units of
//! one currency, and of P only between P of one convention.

mod sums;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::purchase::{
    ContractKind, ContractSide, ContractUnit, Rating, TerminationReason, Terms,
};
use loopledger_model::{
    CardModel, ContractId, Currency, FactId, PartyId, Position, Precision, Quantity, Sparsity, Text,
};
use num_traits::{Signed, Zero};
use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::Transaction;

use crate::as_of::As;
use crate::error::Error;
use crate::figures::{self, exact, whole};
use crate::rows::{Announcement, Contract, Termination};
use crate::table::select;
use crate::views::Views;
use crate::worth::{mean_price, term, worth};

use sums::{Done, Of};

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
    /// Quantity times price, as signed or ordered; where the price steps, spread evenly over the term.
    pub value: String,
    /// Of the value, that of the contracts that took effect.
    pub effective: String,
    pub invoiced: String,
    /// What sellers gave up of it.
    pub credited: String,
    /// The buyers' own cash, advances included.
    pub paid: String,
    /// What is held of advances.
    pub held: String,
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
    pub kind: Option<ContractKind>,
    pub unit: ContractUnit,
    /// Absent of a framework.
    pub quantity: Option<String>,
    pub price_per_unit: String,
    pub value: String,
    pub declared_p: Option<String>,
    pub rating: Option<Rating>,
    pub precision: Option<Precision>,
    pub sparsity: Option<Sparsity>,
    pub model: Option<CardModel>,
    pub cards: Option<u32>,
    /// As agreed; absent where nothing is known to be.
    pub terms: Option<Box<Terms>>,
    pub announced: Option<Announced>,
    pub signed_at: Timestamp,
    pub from: Timestamp,
    pub to: Timestamp,
    /// The start of its term, once that has come; absent where it ended before, or was never executed.
    pub effective_from: Option<Timestamp>,
    pub ordered_from: Option<Timestamp>,
    pub ordered_quantity: String,
    pub allocated_from: Option<Timestamp>,
    pub metered_from: Option<Timestamp>,
    pub metered_card_hours: String,
    /// The first acceptance of a delivery.
    pub delivered_from: Option<Timestamp>,
    pub delivered_quantity: String,
    pub invoiced_from: Option<Timestamp>,
    pub invoiced_quantity: String,
    /// Of the minimum, what is not invoiced.
    pub minimum_missing: Option<String>,
    pub invoiced: String,
    /// What the seller gave up of it.
    pub credited: String,
    /// What is in dispute of it now.
    pub disputed: String,
    pub paid_from: Option<Timestamp>,
    /// The buyer's own cash, advances included.
    pub paid: String,
    pub prepaid: String,
    /// Prepaid, and neither set against invoices nor given back.
    pub prepaid_held: String,
    pub deposited: String,
    pub deposit_held: String,
    /// What went back, at the end too.
    pub refunded: String,
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
    /// With the termination.
    pub refunded: Option<String>,
    /// Who ended it, or broke it.
    pub by: Option<ContractSide>,
    /// What that side owes for it.
    pub penalty: Option<String>,
    /// Of the penalty, what advances were set against.
    pub penalty_settled: Option<String>,
    /// What was to go back of all that was paid, as agreed for then.
    pub refund_due: Option<String>,
    pub event: FactId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Resale {
    /// The contracts that it rests on, the nearest first.
    pub backing: Vec<ContractId>,
    /// What the nearest one costs a unit over the term of this one, and what is earned on it; absent between units of
    /// unlike kinds, currencies, models or conventions of P.
    pub backing_price: Option<String>,
    pub margin_per_unit: Option<String>,
    /// Of the backing price.
    pub margin: Option<String>,
    /// From when on nothing stands behind it: what it rests on ended while it goes on.
    pub unbacked_from: Option<Timestamp>,
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
    seen: As,
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
        Ok(Self { seen, contracts, announcements, ends, sold_on })
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

    /// When it ended before its time; the start of its term where nothing of it was executed.
    fn ended_at(&self, row: &Contract) -> Option<Timestamp> {
        let end = self.ends.get(&row.id)?;
        let never = end.reason == TerminationReason::NeverExecuted;
        Some(if never { row.from_at } else { end.stamp.at })
    }

    fn effective_from(&self, row: &Contract) -> Option<Timestamp> {
        let has_come = self.seen.of.is_none_or(|of| row.from_at <= of);
        let lasted = self.ended_at(row).is_none_or(|end| row.from_at < end);
        (has_come && lasted).then_some(row.from_at)
    }

    fn unbacked_from(&self, row: &Contract, chain: &[&Contract]) -> Option<Timestamp> {
        let first = chain.iter().filter_map(|backing| self.ended_at(backing)).min()?;
        let from = first.max(row.from_at);
        let until = self.ended_at(row).map_or(row.to_at, |end| end.min(row.to_at));
        (from < until).then_some(from)
    }

    fn told(&self, row: &Contract, done: &Done) -> (ContractState, Sums) {
        let chain = self.backing(row);
        let (end, made) = (self.ends.get(&row.id), self.announcements.get(&row.id));
        let of = done.of(&row.id);
        let effective_from = self.effective_from(row);
        let sums = Sums::of(row, &of, end, made);
        let sums = if effective_from.is_some() { sums.in_effect() } else { sums };
        let amount = |sum: &BigRational| figures::rounded(sum, row.currency);
        let minimum = row.terms.as_ref().and_then(|terms| terms.minimum);
        let missing = minimum.map(|minimum| exact(minimum.value()) - of.sum("invoiced_quantity"));
        let told = ContractState {
            contract: row.id.clone(),
            buyer: row.buyer.clone(),
            seller: row.seller.clone(),
            capacity_owner: chain.last().map_or(&row.seller, |last| &last.seller).clone(),
            currency: row.currency,
            kind: row.kind,
            unit: row.unit,
            quantity: row.quantity.map(|quantity: Quantity| quantity.to_string()),
            price_per_unit: row.price_per_unit.to_string(),
            value: amount(&sums.value),
            declared_p: row.declared_p.map(|p| p.to_string()),
            rating: row.rating,
            precision: row.precision,
            sparsity: row.sparsity,
            model: row.model.clone(),
            cards: row.cards,
            terms: row.terms.clone(),
            announced: made.map(announced),
            signed_at: row.stamp.at,
            from: row.from_at,
            to: row.to_at,
            effective_from,
            ordered_from: of.from("ordered"),
            ordered_quantity: figures::quantity(&of.sum("ordered")),
            allocated_from: of.from("allocated"),
            metered_from: of.from("metered"),
            metered_card_hours: figures::quantity(&of.sum("metered")),
            delivered_from: of.from("delivered"),
            delivered_quantity: figures::quantity(&of.sum("delivered")),
            invoiced_from: of.from("invoiced"),
            invoiced_quantity: figures::quantity(&of.sum("invoiced_quantity")),
            minimum_missing: missing.filter(Signed::is_positive).map(|it| figures::quantity(&it)),
            invoiced: amount(&sums.invoiced),
            credited: amount(&sums.credited),
            disputed: amount(&of.sum("disputed")),
            paid_from: of.from("paid"),
            paid: amount(&sums.paid),
            prepaid: amount(&of.sum("prepaid")),
            prepaid_held: amount(&of.held("prepaid")),
            deposited: amount(&of.sum("deposited")),
            deposit_held: amount(&of.held("deposited")),
            refunded: amount(&sums.refunded),
            vouchers: amount(&sums.vouchers),
            end: end.map(|end| ended(row, end, &of)),
            resale: chain.first().map(|nearest| Resale {
                unbacked_from: self.unbacked_from(row, &chain),
                ..resale(row, nearest, &chain)
            }),
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

fn ended(row: &Contract, end: &Termination, of: &Of<'_>) -> ContractEnd {
    let amount = |amount| figures::amount(amount, row.currency);
    let settled = || figures::rounded(&of.sum("penalty_settled"), row.currency);
    let due = row.terms.as_ref().and_then(|terms| terms.refund_at(end.stamp.at));
    let due = due.map(|percent| of.sum("paid") * exact(percent.value()) / whole(100));
    ContractEnd {
        at: end.stamp.at,
        reason: end.reason,
        refunded: end.refund.map(amount),
        by: end.side,
        penalty: end.penalty.map(amount),
        penalty_settled: end.penalty.map(|_| settled()),
        refund_due: due.map(|due| figures::rounded(&due, row.currency)),
        event: end.stamp.fact(),
    }
}

fn resale(row: &Contract, nearest: &Contract, chain: &[&Contract]) -> Resale {
    let backing = chain.iter().map(|contract| contract.id.clone()).collect();
    let unbacked_from = None;
    if !row.counts_like(nearest) {
        let (backing_price, margin_per_unit, margin) = (None, None, None);
        return Resale { backing, backing_price, margin_per_unit, margin, unbacked_from };
    }
    let mean = |of: &Contract| {
        term(row).map_or_else(|| exact(of.price_per_unit.value()), |term| mean_price(of, &term))
    };
    let price = mean(nearest);
    let earned = mean(row) - &price;
    Resale {
        backing,
        backing_price: Some(figures::quantity(&price)),
        margin_per_unit: Some(figures::quantity(&earned)),
        margin: figures::ratio(&earned, &price),
        unbacked_from,
    }
}

/// What of one contract goes into the totals, exactly.
#[derive(Debug, Clone)]
struct Sums {
    announced: BigRational,
    value: BigRational,
    effective: BigRational,
    invoiced: BigRational,
    credited: BigRational,
    paid: BigRational,
    held: BigRational,
    vouchers: BigRational,
    refunded: BigRational,
}

impl Sums {
    fn of(
        row: &Contract,
        of: &Of<'_>,
        end: Option<&Termination>,
        made: Option<&Announcement>,
    ) -> Self {
        let at_end = end.and_then(|end| end.refund).map_or_else(BigRational::zero, exact);
        Self {
            announced: made.map_or_else(BigRational::zero, |made| exact(made.amount)),
            value: worth(row, &of.sum("ordered")),
            effective: BigRational::zero(),
            invoiced: of.sum("invoiced"),
            credited: of.sum("credited"),
            paid: of.sum("paid"),
            held: of.held("prepaid") + of.held("deposited"),
            vouchers: of.sum("vouchers"),
            refunded: of.sum("refunded") + at_end,
        }
    }
}

impl Sums {
    fn in_effect(self) -> Self {
        Self { effective: self.value.clone(), ..self }
    }
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
            effective: amount(|sums| &sums.effective),
            invoiced: amount(|sums| &sums.invoiced),
            credited: amount(|sums| &sums.credited),
            paid: amount(|sums| &sums.paid),
            held: amount(|sums| &sums.held),
            vouchers: amount(|sums| &sums.vouchers),
            refunded: amount(|sums| &sums.refunded),
            ended: ended.collect(),
        }
    };
    currencies.into_iter().map(of).collect()
}
