//! Findings about contracts on paper: those that name and get nothing, and those that ended without
//! execution after vouchers had been locked to them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use loopledger_loops::BigRational;
use loopledger_model::{ContractId, FactId};
use num_traits::Zero;
use rust_decimal::Decimal;
use tokio_postgres::Transaction;

use super::Finding;
use super::rules::{Rule, RuleSet};
use crate::as_of::As;
use crate::error::Error;
use crate::figures;
use crate::rows::{Contract, Flow, Invoice, MoveKind, Order, Termination, VoucherMove};
use crate::spans::asked;
use crate::table::{cell, select};
use crate::worth::worth;

const HOURS_PER_DAY: i64 = 24;
/// Model, delivery, order, payment.
const TRAITS: usize = 4;

#[derive(Default)]
pub(super) struct Contracts {
    /// Those that name neither model nor cards, and those that back one of them.
    pub(super) contracts: Vec<Contract>,
    /// Contracts that were given cards, or had deliveries accepted.
    pub(super) delivered: BTreeSet<ContractId>,
    pub(super) orders: Vec<Order>,
    pub(super) invoices: Vec<Invoice>,
    /// For their invoices, by buyers or for vouchers.
    pub(super) payments: Vec<Flow>,
    pub(super) terminations: Vec<Termination>,
    /// When it is asked.
    pub(super) until: Option<Timestamp>,
}

impl Contracts {
    pub(super) async fn load(
        transaction: &Transaction<'_>,
        seen: As,
        until: Timestamp,
    ) -> Result<Self, Error> {
        let times = [&seen.of as _, &seen.known as _];
        let told = As::CONDITION;
        let delivered = format!(
            "SELECT contract FROM allocations WHERE {told} \
             UNION SELECT contract FROM deliveries WHERE {told}"
        );
        let delivered = asked(&delivered, transaction.query(&delivered, &times)).await?;
        let delivered = delivered.iter().map(|row| cell(row, 0, "allocations", "contract"));
        let delivered: BTreeSet<ContractId> = delivered.collect::<Result<_, _>>()?;
        let hiding =
            format!("{told} AND (model IS NULL OR id IN (SELECT backing_contract FROM contracts))");
        let contracts: Vec<Contract> = select(transaction, &hiding, &times).await?;
        let bare = contracts.iter().filter(|row| row.model.is_none() && row.cards.is_none());
        let bare = bare.filter(|row| !delivered.contains(&row.id));
        let ids: Vec<&str> = bare.map(|row| row.id.as_str()).collect();
        let of_them = format!("{told} AND contract = ANY ($3)");
        let times = [&seen.of as _, &seen.known as _, &ids as _];
        let paid = format!("{of_them} AND kind IN ('compute_payment', 'voucher_payment')");
        Ok(Self {
            orders: select(transaction, &of_them, &times).await?,
            invoices: select(transaction, &of_them, &times).await?,
            payments: select(transaction, &paid, &times).await?,
            terminations: select(transaction, &of_them, &times).await?,
            until: Some(until),
            contracts,
            delivered,
        })
    }

    pub(super) fn findings(&self, rules: &RuleSet) -> Vec<Finding> {
        let Some(until) = self.until else { return Vec::new() };
        let by_id: BTreeMap<&ContractId, &Contract> =
            self.contracts.iter().map(|contract| (&contract.id, contract)).collect();
        let ends: BTreeMap<&ContractId, &Termination> =
            self.terminations.iter().map(|end| (&end.contract, end)).collect();
        let mut orders: BTreeMap<&ContractId, Vec<FactId>> = BTreeMap::new();
        let mut ordered: BTreeMap<&ContractId, BigRational> = BTreeMap::new();
        for order in &self.orders {
            orders.entry(&order.contract).or_default().push(order.stamp.fact());
            let sum = ordered.entry(&order.contract).or_insert_with(BigRational::zero);
            *sum += figures::exact(order.quantity.value());
        }
        for invoice in &self.invoices {
            orders.entry(&invoice.contract).or_default().push(invoice.stamp.fact());
        }
        let mut payments: BTreeMap<&ContractId, Vec<FactId>> = BTreeMap::new();
        for paid in &self.payments {
            if let Some(contract) = &paid.contract {
                payments.entry(contract).or_default().push(paid.stamp.fact());
            }
        }
        let bare = self.contracts.iter().filter(|contract| {
            chain(contract, &by_id).all(|one| {
                one.model.is_none() && one.cards.is_none() && !self.delivered.contains(&one.id)
            })
        });
        let nothing = BigRational::zero();
        let papers = bare.map(|contract| Paper {
            contract,
            worth: worth(contract, ordered.get(&contract.id).unwrap_or(&nothing)),
            end: ends.get(&contract.id).copied(),
            orders: orders.get(&contract.id).map_or(&[], Vec::as_slice),
            payments: payments.get(&contract.id).map_or(&[], Vec::as_slice),
        });
        papers.filter_map(|paper| paper.finding(until, rules)).collect()
    }
}

/// A contract and those that back it.
fn chain<'a>(
    contract: &'a Contract,
    by_id: &BTreeMap<&ContractId, &'a Contract>,
) -> impl Iterator<Item = &'a Contract> {
    let backing = |one: &&'a Contract| by_id.get(one.backing_contract.as_ref()?).copied();
    // A contract backs only what is signed later, so a chain ends.
    std::iter::successors(Some(contract), backing)
}

/// A contract without model and delivery.
struct Paper<'a> {
    contract: &'a Contract,
    worth: BigRational,
    end: Option<&'a Termination>,
    orders: &'a [FactId],
    payments: &'a [FactId],
}

impl Paper<'_> {
    fn finding(&self, until: Timestamp, rules: &RuleSet) -> Option<Finding> {
        let Contract { id, buyer, seller, currency, .. } = self.contract;
        let given = SignedDuration::from_hours(i64::from(rules.paper_days) * HOURS_PER_DAY);
        let due = self.contract.from_at.checked_add(given).unwrap_or(Timestamp::MAX);
        let at = self.end.map_or(due, |end| end.stamp.at.min(due));
        let absent = [true, true, self.orders.is_empty(), self.payments.is_empty()];
        let score = absent.into_iter().filter(|absent| *absent).count();
        if at > until || score < rules.paper_score {
            return None;
        }
        let facts = [self.contract.stamp.fact()].into_iter();
        let facts = facts.chain(self.end.map(|end| end.stamp.fact()));
        let facts = facts.chain(self.orders.iter().chain(self.payments).copied());
        let names = ["model", "delivery", "order", "payment"];
        let named = names.into_iter().zip(absent);
        let named = named.filter_map(|(name, absent)| absent.then_some(name));
        let absent = named.collect::<Vec<_>>().join(", ");
        let text = format!(
            "contract {id} of {buyer} with {seller} has no {absent} on record: {score} of {TRAITS}"
        );
        let finding = Finding::of(Rule::ContractWithoutModelAndDelivery, id, at, facts)
            .between([buyer, seller])
            .worth(figures::rounded(&self.worth, *currency), *currency)
            .figure("numerator", score)
            .figure("denominator", TRAITS)
            .figure("threshold", rules.paper_score)
            .figure("absent", absent)
            .saying(text);
        Some(finding)
    }
}

#[derive(Default)]
pub(super) struct NeverExecuted {
    /// Those without execution.
    pub(super) terminations: Vec<Termination>,
    pub(super) contracts: Vec<Contract>,
    /// Locks to those contracts, and what was released of their vouchers.
    pub(super) moves: Vec<VoucherMove>,
}

impl NeverExecuted {
    pub(super) async fn load(transaction: &Transaction<'_>, seen: As) -> Result<Self, Error> {
        let times = [&seen.of as _, &seen.known as _];
        let told = As::CONDITION;
        let ended = format!("{told} AND reason = 'never_executed'");
        let terminations: Vec<Termination> = select(transaction, &ended, &times).await?;
        let ids: Vec<&str> = terminations.iter().map(|end| end.contract.as_str()).collect();
        let times = [&seen.of as _, &seen.known as _, &ids as _];
        let moves = format!(
            "{told} AND ((kind = 'locked' AND contract = ANY ($3)) OR (kind = 'released' \
             AND voucher IN (SELECT voucher FROM voucher_moves WHERE contract = ANY ($3))))"
        );
        let signed = format!("{told} AND id = ANY ($3)");
        Ok(Self {
            contracts: select(transaction, &signed, &times).await?,
            moves: select(transaction, &moves, &times).await?,
            terminations,
        })
    }

    pub(super) fn findings(&self, rules: &RuleSet) -> Vec<Finding> {
        let signed: BTreeMap<&ContractId, FactId> =
            self.contracts.iter().map(|row| (&row.id, row.stamp.fact())).collect();
        let found = |end: &Termination| {
            let of_contract = |row: &&VoucherMove| {
                row.kind == MoveKind::Locked
                    && row.contract.as_ref() == Some(&end.contract)
                    && row.stamp.at <= end.stamp.at
            };
            let locks: Vec<&VoucherMove> = self.moves.iter().filter(of_contract).collect();
            let of_locks = |row: &&VoucherMove| {
                row.kind == MoveKind::Released && locks.iter().any(|lock| lock.lock == row.lock)
            };
            let releases: Vec<&VoucherMove> = self.moves.iter().filter(of_locks).collect();
            after_vouchers(end, signed.get(&end.contract).copied(), &locks, &releases, rules)
        };
        self.terminations.iter().filter_map(found).collect()
    }
}

fn after_vouchers(
    end: &Termination,
    signed: Option<FactId>,
    locks: &[&VoucherMove],
    releases: &[&VoucherMove],
    rules: &RuleSet,
) -> Option<Finding> {
    let currency = locks.first()?.currency;
    let sum = |moves: &[&VoucherMove]| moves.iter().map(|row| row.amount).sum::<Decimal>();
    let (locked, released) = (sum(locks), sum(releases));
    if locked <= rules.voucher_amount {
        return None;
    }
    let kept = figures::amount(locked - released, currency);
    let [locked, released] = [locked, released].map(|sum| figures::amount(sum, currency));
    let Termination { contract, buyer, seller, .. } = end;
    let text = format!(
        "contract {contract} of {buyer} with {seller} ended without execution after {locked} \
         {currency} of vouchers had been locked to it; {released} {currency} were released again"
    );
    let moves = locks.iter().chain(releases).map(|row| row.stamp.fact());
    let facts = moves.chain(signed).chain([end.stamp.fact()]);
    let finding = Finding::of(Rule::NeverExecutedAfterVoucher, contract, end.stamp.at, facts)
        .between([buyer, seller])
        .worth(locked.clone(), currency)
        .figure("numerator", kept)
        .figure("denominator", locked)
        .figure("released", released)
        .figure("threshold", rules.voucher_amount)
        .saying(text);
    Some(finding)
}
