//! Findings about evidence that stands in more than one place: a payment's or settlement's
//! reference, and a meter's reading.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::{AllocationId, ContractId, PartyId, Text};
use rust_decimal::Decimal;
use tokio_postgres::Transaction;

use super::Finding;
use super::rules::{Rule, RuleSet};
use crate::as_of::As;
use crate::error::Error;
use crate::figures::{self, whole};
use crate::rows::{Allocation, Contract, Flow, Stamp, Usage};
use crate::steps::Span;
use crate::table::select;

const HOUR_US: i64 = 3_600_000_000;

#[derive(Default)]
pub(super) struct Twice {
    /// Those with a reference that more than one has.
    pub(super) payments: Vec<Flow>,
    /// Those with a source, window and number of card-hours that more than one has.
    pub(super) usages: Vec<Usage>,
    /// Of those usages.
    pub(super) allocations: Vec<Allocation>,
    pub(super) contracts: Vec<Contract>,
}

impl Twice {
    pub(super) async fn load(transaction: &Transaction<'_>, seen: As) -> Result<Self, Error> {
        let times = [&seen.of as _, &seen.known as _];
        let told = As::CONDITION;
        let paid = format!(
            "{told} AND note IS NOT NULL \
            AND kind IN ('compute_payment', 'voucher_payment')"
        );
        let payments = format!(
            "{paid} AND note IN (SELECT note FROM flows WHERE {paid} GROUP BY note \
             HAVING count(*) > 1)"
        );
        let usages = format!(
            "{told} AND (source, from_at, at, card_hours) IN (
                SELECT source, from_at, at, card_hours FROM usages WHERE {told} AND card_hours > 0
                GROUP BY source, from_at, at, card_hours HAVING count(*) > 1)"
        );
        let payments = select(transaction, &payments, &times).await?;
        let usages: Vec<Usage> = select(transaction, &usages, &times).await?;
        let given: BTreeSet<&str> = usages.iter().map(|row| row.allocation.as_str()).collect();
        let given: Vec<&str> = given.into_iter().collect();
        let allocations: Vec<Allocation> = select(transaction, "id = ANY ($1)", &[&given]).await?;
        let signed: BTreeSet<&str> = allocations.iter().map(|row| row.contract.as_str()).collect();
        let signed: Vec<&str> = signed.into_iter().collect();
        Ok(Self {
            contracts: select(transaction, "id = ANY ($1)", &[&signed]).await?,
            payments,
            usages,
            allocations,
        })
    }

    pub(super) fn findings(&self, rules: &RuleSet) -> Vec<Finding> {
        let mut found = self.references(rules);
        found.extend(self.readings(rules));
        found
    }

    fn references(&self, rules: &RuleSet) -> Vec<Finding> {
        let mut by_reference: BTreeMap<&Text, Vec<&Flow>> = BTreeMap::new();
        for paid in &self.payments {
            if let Some(reference) = &paid.note {
                by_reference.entry(reference).or_default().push(paid);
            }
        }
        let many = by_reference.into_iter().filter(|(_, paid)| paid.len() > rules.evidence_uses);
        many.map(|(reference, paid)| referred(reference, &paid, rules)).collect()
    }

    fn readings(&self, rules: &RuleSet) -> Vec<Finding> {
        let given: BTreeMap<&AllocationId, &Allocation> =
            self.allocations.iter().map(|given| (&given.id, given)).collect();
        let signed: BTreeMap<&ContractId, &Contract> =
            self.contracts.iter().map(|contract| (&contract.id, contract)).collect();
        let mut by_reading: BTreeMap<_, Vec<&Usage>> = BTreeMap::new();
        for usage in &self.usages {
            let full =
                given.get(&usage.allocation).is_some_and(|given| is_full(usage, given.cards));
            if !full && usage.card_hours.value() > Decimal::ZERO {
                let key = (&usage.source, usage.from_at, usage.stamp.at, usage.card_hours);
                by_reading.entry(key).or_default().push(usage);
            }
        }
        let many = by_reading.into_values().filter(|usages| {
            let places: BTreeSet<_> = usages.iter().map(|usage| &usage.allocation).collect();
            places.len() > rules.evidence_uses
        });
        many.map(|usages| {
            let given = usages.iter().filter_map(|usage| given.get(&usage.allocation));
            let contracts = given.filter_map(|given| signed.get(&given.contract));
            let parties: Vec<&PartyId> =
                contracts.flat_map(|contract| [&contract.buyer, &contract.seller]).collect();
            read(&usages, parties, rules)
        })
        .collect()
    }
}

/// Cards that are busy all the time read alike without being the same.
fn is_full(usage: &Usage, cards: u32) -> bool {
    let window = Span::of(usage.from_at, usage.stamp.at).length();
    let all = whole(cards) * BigRational::new(window.into(), HOUR_US.into());
    figures::exact(usage.card_hours.value()) == all
}

/// When evidence was used a second time.
fn second(stamps: impl Iterator<Item = Stamp>) -> Timestamp {
    let mut times: Vec<_> = stamps.map(|stamp| (stamp.at, stamp.fact())).collect();
    times.sort_unstable();
    times.get(1).map_or(Timestamp::MAX, |(at, _)| *at)
}

fn referred(reference: &Text, paid: &[&Flow], rules: &RuleSet) -> Finding {
    let ids: Vec<&str> = paid.iter().map(|paid| paid.id.as_str()).collect();
    let (uses, named) = (paid.len(), ids.join(", "));
    let text = format!("the reference {reference} is on {uses} payments: {named}");
    let parties = paid.iter().flat_map(|paid| {
        [Some(&paid.from_party), Some(&paid.to_party), paid.buyer.as_ref()].into_iter().flatten()
    });
    let at = second(paid.iter().map(|paid| paid.stamp));
    let facts = paid.iter().map(|paid| paid.stamp.fact());
    let finding = Finding::of(Rule::EvidenceUsedTwice, reference, at, facts)
        .between(parties)
        .figure("numerator", uses)
        .figure("denominator", 1)
        .figure("threshold", rules.evidence_uses)
        .figure("evidence", "reference")
        .saying(text);
    let currency = paid[0].currency;
    if paid.iter().all(|paid| paid.currency == currency) {
        let sum: Decimal = paid.iter().map(|paid| paid.amount).sum();
        return finding.worth(figures::amount(sum, currency), currency);
    }
    finding
}

fn read(usages: &[&Usage], parties: Vec<&PartyId>, rules: &RuleSet) -> Finding {
    let Usage { source, from_at, card_hours, stamp, .. } = usages[0];
    let ids: Vec<&str> = usages.iter().map(|usage| usage.id.as_str()).collect();
    let (uses, named, to_at) = (usages.len(), ids.join(", "), stamp.at);
    let text = format!(
        "{card_hours} card-hours from {from_at} to {to_at} by {source} are metered {uses} times: \
         {named}"
    );
    let subject = format!("{source} {from_at} {to_at} {card_hours}");
    let at = second(usages.iter().map(|usage| usage.stamp));
    let facts = usages.iter().map(|usage| usage.stamp.fact());
    Finding::of(Rule::EvidenceUsedTwice, subject, at, facts)
        .between(parties)
        .figure("numerator", uses)
        .figure("denominator", 1)
        .figure("threshold", rules.evidence_uses)
        .figure("card_hours", card_hours)
        .figure("evidence", "reading")
        .saying(text)
}
