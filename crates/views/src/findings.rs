//! Answer: findings, each raised by a versioned rule from facts that it names.
//!
//! Invariant: a finding says what is recorded and which figure is above which; it never says why.
//! Findings are worked out on reading, so *as of* and *as known* are those of the facts.

mod cards;
mod contracts;
mod loops;
mod pools;
mod prices;
mod rules;
mod suppliers;
mod twice;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_model::{Currency, FactId, PartyId, Position};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_postgres::Transaction;

use crate::as_of::As;
use crate::error::Error;
use crate::spans::asked;
use crate::table::cell;
use crate::views::Views;

pub(crate) use rules::{RULES, RuleSet};
pub use rules::{Rule, RuleBook, RuleTold};

/// Which findings are asked for; all where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingQuery {
    pub rule: Option<Rule>,
    /// Among the finding's parties.
    pub party: Option<PartyId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Findings {
    pub position: Position,
    pub rule_set: u32,
    /// By rule, then by effective time, then by subject.
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    pub rule: Rule,
    pub version: u32,
    /// The loop, pool, contract, party or piece of evidence that it is about.
    pub subject: String,
    pub parties: Vec<String>,
    /// From when on it holds.
    pub at: Timestamp,
    pub amount: Option<String>,
    pub currency: Option<Currency>,
    /// `numerator`, `denominator` and what else the rule compares.
    pub figures: BTreeMap<String, String>,
    /// What it rests on, in the order in which it was recorded.
    pub facts: Vec<FactId>,
    pub text: String,
}

impl Finding {
    /// Without amount.
    #[expect(clippy::needless_pass_by_value, reason = "a finding reads better without `&`")]
    fn of(
        rule: Rule,
        subject: impl ToString,
        at: Timestamp,
        facts: impl IntoIterator<Item = FactId>,
    ) -> Self {
        let facts: BTreeSet<FactId> = facts.into_iter().collect();
        Self {
            rule,
            version: rule.version(),
            subject: subject.to_string(),
            parties: Vec::new(),
            at,
            amount: None,
            currency: None,
            figures: BTreeMap::new(),
            facts: facts.into_iter().collect(),
            text: String::new(),
        }
    }

    /// Each party once, in the order in which they are first named.
    fn between<P: ToString>(mut self, parties: impl IntoIterator<Item = P>) -> Self {
        for party in parties {
            let party = party.to_string();
            if !self.parties.contains(&party) {
                self.parties.push(party);
            }
        }
        self
    }

    fn worth(mut self, amount: impl Into<String>, currency: Currency) -> Self {
        (self.amount, self.currency) = (Some(amount.into()), Some(currency));
        self
    }

    #[expect(clippy::needless_pass_by_value, reason = "a finding reads better without `&`")]
    fn figure(mut self, name: &str, figure: impl ToString) -> Self {
        self.figures.insert(name.to_owned(), figure.to_string());
        self
    }

    fn saying(mut self, text: String) -> Self {
        self.text = text;
        self
    }
}

/// The rows that rules look at; what no wanted rule looks at stays empty.
#[derive(Default)]
struct Evidence {
    loops: loops::Loops,
    pools: pools::Pools,
    contracts: contracts::Contracts,
    ended: contracts::NeverExecuted,
    prices: prices::Prices,
    suppliers: suppliers::Suppliers,
    twice: twice::Twice,
    serials: cards::Serials,
    workloads: cards::Workloads,
    energy: cards::Energy,
}

impl Evidence {
    async fn load(
        transaction: &Transaction<'_>,
        rule: Option<Rule>,
        seen: As,
    ) -> Result<Self, Error> {
        let seen = seen.in_rows();
        let wanted = |rules: &[Rule]| rule.is_none_or(|rule| rules.contains(&rule));
        let mut evidence = Self::default();
        if wanted(&[Rule::LoopRatioAboveThreshold, Rule::VoucherInsideLoop]) {
            evidence.loops = loops::Loops::load(transaction, seen).await?;
        }
        if wanted(&[Rule::OversoldPool, Rule::SoldButDark]) {
            evidence.pools = pools::Pools::load(transaction, seen).await?;
        }
        if wanted(&[Rule::ContractWithoutModelAndDelivery]) {
            let until = asked_at(transaction, seen).await?;
            evidence.contracts = contracts::Contracts::load(transaction, seen, until).await?;
        }
        if wanted(&[Rule::NeverExecutedAfterVoucher]) {
            evidence.ended = contracts::NeverExecuted::load(transaction, seen).await?;
        }
        if wanted(&[Rule::PriceOutsideReference]) {
            evidence.prices = prices::Prices::load(transaction, seen).await?;
        }
        if wanted(&[Rule::SoleSupplierShare]) {
            evidence.suppliers = suppliers::Suppliers::load(transaction, seen).await?;
        }
        if wanted(&[Rule::EvidenceUsedTwice]) {
            evidence.twice = twice::Twice::load(transaction, seen).await?;
        }
        if wanted(&[Rule::SerialInTwoPools]) {
            evidence.serials = cards::Serials::load(transaction, seen).await?;
        }
        if wanted(&[Rule::WorkloadBeyondCapability]) {
            evidence.workloads = cards::Workloads::load(transaction, seen).await?;
        }
        if wanted(&[Rule::EnergyOutsideBounds]) {
            evidence.energy = cards::Energy::load(transaction, seen).await?;
        }
        Ok(evidence)
    }

    fn findings(self, query: &FindingQuery) -> Result<Vec<Finding>, Error> {
        let mut found = self.loops.findings(&RULES)?;
        found.extend(self.pools.findings(&RULES));
        found.extend(self.contracts.findings(&RULES));
        found.extend(self.ended.findings(&RULES));
        found.extend(self.prices.findings(&RULES));
        found.extend(self.suppliers.findings(&RULES));
        found.extend(self.twice.findings(&RULES));
        found.extend(self.serials.findings(&RULES));
        found.extend(self.workloads.findings(&RULES));
        found.extend(self.energy.findings(&RULES));
        found.retain(|finding| query.wants(finding));
        found.sort_by(|a, b| {
            let key = |of: &Finding| (of.rule, of.at);
            key(a)
                .cmp(&key(b))
                .then_with(|| a.subject.cmp(&b.subject))
                .then_with(|| a.facts.cmp(&b.facts))
        });
        Ok(found)
    }
}

impl FindingQuery {
    fn wants(&self, finding: &Finding) -> bool {
        let names = |party: &PartyId| finding.parties.iter().any(|id| id == party.as_str());
        self.rule.is_none_or(|rule| finding.rule == rule) && self.party.as_ref().is_none_or(names)
    }
}

/// The time that a question is asked for: its own, or that of the last record that it may know.
async fn asked_at(transaction: &Transaction<'_>, seen: As) -> Result<Timestamp, Error> {
    if let Some(of) = seen.of {
        return Ok(of);
    }
    let last = "SELECT recorded_at FROM commits ORDER BY position DESC LIMIT 1";
    let Some(row) = asked(last, transaction.query_opt(last, &[])).await? else {
        return Ok(Timestamp::MIN);
    };
    let last: String = cell(&row, 0, "commits", "recorded_at")?;
    let last: Timestamp = last.parse().map_err(|_| Error::Misread {
        table: "commits",
        column: "recorded_at",
        found: last.clone(),
    })?;
    Ok(seen.known.map_or(last, |known| last.min(known)))
}

impl Views {
    pub async fn findings(&self, query: &FindingQuery, seen: As) -> Result<Findings, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let evidence = Evidence::load(&transaction, query.rule, seen).await?;
        drop(transaction);
        drop(connection);
        let query = query.clone();
        let work = move || {
            let findings = evidence.findings(&query)?;
            Ok(Findings { position, rule_set: RULES.version, findings })
        };
        let found = tokio::task::spawn_blocking(work).await;
        found.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
    }
}

#[cfg(test)]
pub(crate) mod tests;
