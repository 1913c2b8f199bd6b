//! Findings about what a buyer pays to one provider that has also funded it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use loopledger_model::{Currency, FactId, PartyId};
use rust_decimal::Decimal;
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use super::Finding;
use super::rules::{RULES, Rule, RuleSet};
use crate::as_of::As;
use crate::error::Error;
use crate::figures;
use crate::rows::Flow;
use crate::spans::asked;
use crate::table::{cell, select};

/// As many capital legs as a loop may have.
const MOST_STEPS: usize = 4;

#[derive(Default)]
pub(super) struct Suppliers {
    /// Contributions and investments.
    pub(super) capital: Vec<Flow>,
    /// All payments for compute of those buyers that somebody has invested in and that pay enough
    /// to one provider whose capital has reached them.
    pub(super) payments: Vec<Flow>,
}

/// Who put capital into a party, by which facts.
type Funders<'a> = BTreeMap<&'a PartyId, BTreeMap<&'a PartyId, Vec<FactId>>>;

/// Payments of one buyer in one currency, by provider.
type Spending<'a> = BTreeMap<&'a PartyId, Vec<&'a Flow>>;

impl Suppliers {
    pub(super) async fn load(transaction: &Transaction<'_>, seen: As) -> Result<Self, Error> {
        let times = [&seen.of as _, &seen.known as _];
        let seen = As::CONDITION;
        let capital = format!("{seen} AND kind IN ('contribution', 'investment')");
        let capital: Vec<Flow> = select(transaction, &capital, &times).await?;
        let mut buyers = BTreeSet::new();
        let funders = funders(&capital);
        for (buyer, provider) in pairs(transaction, seen, &times).await? {
            if !buyers.contains(&buyer) && way(&funders, &provider, &buyer).is_some() {
                buyers.insert(buyer);
            }
        }
        let buyers: Vec<&str> = buyers.iter().map(PartyId::as_str).collect();
        let payments = format!("{seen} AND kind = 'compute_payment' AND from_party = ANY ($3)");
        let payments = select(transaction, &payments, &[times[0], times[1], &buyers as _]).await?;
        Ok(Self { capital, payments })
    }

    pub(super) fn findings(&self, rules: &RuleSet) -> Vec<Finding> {
        let funders = funders(&self.capital);
        let mut spending: BTreeMap<(&PartyId, Currency), Spending<'_>> = BTreeMap::new();
        for paid in &self.payments {
            let of_buyer = spending.entry((&paid.from_party, paid.currency)).or_default();
            of_buyer.entry(&paid.to_party).or_default().push(paid);
        }
        let of_buyer = |((buyer, currency), spent): (&(&PartyId, Currency), &Spending<'_>)| {
            let all: Decimal = spent.values().flatten().map(|paid| paid.amount).sum();
            let mut found = Vec::new();
            for (provider, paid) in spent {
                let part: Decimal = paid.iter().map(|paid| paid.amount).sum();
                let limit = figures::exact(rules.supplier_share) * figures::exact(all);
                if figures::exact(part) <= limit {
                    continue;
                }
                if let Some(funding) = way(&funders, provider, buyer) {
                    let share = Share { buyer, provider, currency: *currency, part, all };
                    found.push(share.finding(&funding, spent, rules));
                }
            }
            found
        };
        spending.iter().flat_map(of_buyer).collect()
    }
}

fn funders(capital: &[Flow]) -> Funders<'_> {
    let mut funders = Funders::new();
    for flow in capital {
        let of_party = funders.entry(&flow.to_party).or_default();
        of_party.entry(&flow.from_party).or_default().push(flow.stamp.fact());
    }
    funders
}

/// Buyers that somebody has invested in, with each provider that they pay enough in a currency.
async fn pairs(
    transaction: &Transaction<'_>,
    seen: &str,
    times: &[&(dyn ToSql + Sync); 2],
) -> Result<Vec<(PartyId, PartyId)>, Error> {
    let query = format!(
        "SELECT from_party, to_party FROM (
            SELECT from_party, to_party, sum(amount) AS part,
                sum(sum(amount)) OVER (PARTITION BY from_party, currency) AS paid
            FROM flows WHERE {seen} AND kind = 'compute_payment'
            GROUP BY from_party, to_party, currency) AS spent
         WHERE part > $3 * paid AND from_party IN (
            SELECT to_party FROM flows WHERE {seen} AND kind = 'investment')"
    );
    let limit = RULES.supplier_share;
    let rows = asked(&query, transaction.query(&query, &[times[0], times[1], &limit as _])).await?;
    let read = |row| Ok((cell(row, 0, "flows", "from_party")?, cell(row, 1, "flows", "to_party")?));
    rows.iter().map(read).collect()
}

/// The parties from a provider to a buyer along which capital went, and the facts that say so.
struct Way<'a> {
    parties: Vec<&'a PartyId>,
    facts: BTreeSet<FactId>,
}

/// One of the shortest, the first by the parties' ids.
fn way<'a>(funders: &Funders<'a>, from: &'a PartyId, to: &'a PartyId) -> Option<Way<'a>> {
    let mut towards: BTreeMap<&PartyId, &PartyId> = BTreeMap::new();
    let mut open = VecDeque::from([(to, 0)]);
    while let Some((party, steps)) = open.pop_front() {
        if party == from {
            break;
        }
        if steps == MOST_STEPS {
            continue;
        }
        for funder in funders.get(party).into_iter().flat_map(BTreeMap::keys) {
            if *funder != to && !towards.contains_key(funder) {
                towards.insert(funder, party);
                open.push_back((funder, steps + 1));
            }
        }
    }
    let mut way = Way { parties: vec![from], facts: BTreeSet::new() };
    let mut party = from;
    while party != to {
        let next = *towards.get(party)?;
        way.facts.extend(&funders[next][party]);
        way.parties.push(next);
        party = next;
    }
    Some(way)
}

struct Share<'a> {
    buyer: &'a PartyId,
    provider: &'a PartyId,
    currency: Currency,
    part: Decimal,
    all: Decimal,
}

impl Share<'_> {
    fn finding(&self, funding: &Way<'_>, spent: &Spending<'_>, rules: &RuleSet) -> Finding {
        let Self { buyer, provider, currency, part, all } = self;
        let [part_text, all_text] = [part, all].map(|sum| figures::amount(*sum, *currency));
        let ratio = figures::ratio(&figures::exact(*part), &figures::exact(*all));
        let ratio = ratio.unwrap_or_default();
        let last = spent[provider].iter().map(|paid| paid.stamp.at).max();
        let at = last.expect("a share is made of payments");
        let along: Vec<&str> = funding.parties.iter().map(|party| party.as_str()).collect();
        let text = format!(
            "{buyer} paid {part_text} of {all_text} {currency} for compute to {provider}, whose \
             capital has reached it ({}); the share {ratio} is above {}",
            along.join(" > "),
            rules.supplier_share
        );
        let payments = spent.values().flatten().map(|paid| paid.stamp.fact());
        let facts = funding.facts.iter().copied().chain(payments);
        Finding::of(Rule::SoleSupplierShare, buyer, at, facts)
            .between(&funding.parties)
            .worth(part_text.clone(), *currency)
            .figure("numerator", part_text)
            .figure("denominator", all_text)
            .figure("ratio", ratio)
            .figure("threshold", rules.supplier_share)
            .figure("funding_steps", funding.parties.len() - 1)
            .saying(text)
    }
}
