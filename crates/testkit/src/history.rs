//! A history of any length, the same for the same seed, appended to a journal without asking the
//! services: mostly metering, then payments for compute, vouchers and capital.
//!
//! Invariants: every commit is one that the services could have written: its facts agree with those
//! before it, and it links to the commit before it in its partition. Money does go round: some
//! providers put capital into funds that invest in their own customers.

use std::fmt::Debug;
use std::str::FromStr;

use bytes::Bytes;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use loopledger_journal::{AppendError, CommitId, Filter, Head, Journal, NewCommit, ReadError};
use loopledger_model::allocation::{Allocation, Pool, UsageMetered};
use loopledger_model::fund::{Commitment, Contribution, Fund, Investment};
use loopledger_model::purchase::{Contract, ContractUnit, InvoiceIssued, PaymentRecorded};
use loopledger_model::registry::{CardSpec, Party, PartyKind};
use loopledger_model::voucher::{
    Admission, Affiliation, Programme, RedemptionSettled, Rules, SettlementRules, TakenFrom,
    VoucherIssued, VoucherLocked, VoucherRedeemed,
};
use loopledger_model::{
    Basis, Body, Context, Digest, Entry, Money, Partition, PartyId, Period, Position, Precision,
    Rounding, RoundingMode, Sparsity, allocation, fund, purchase, registry, voucher,
};
use serde::Serialize;

use crate::{at, cny, id};

/// What a history is made of.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub seed: u64,
    /// Events of one commit, which come from as many commands.
    pub per_commit: u64,
    pub providers: u64,
    pub funds: u64,
    pub companies: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self { seed: 1, per_commit: 200, providers: 40, funds: 20, companies: 400 }
    }
}

/// A history on its way. What it has appended is all that its journal holds.
pub struct History {
    shape: Shape,
    draw: Draw,
    heads: Vec<(Context, Head)>,
    /// Commits that the journal held before.
    stored: u64,
    recorded_at: Timestamp,
    commits: u64,
    events: u64,
    counts: Counts,
}

/// How many of each there are; they are named by number.
#[derive(Default)]
struct Counts {
    usages: u64,
    invoices: u64,
    investments: u64,
    vouchers: u64,
}

const PROGRAMME: &str = "cv";
/// Each redemption takes such a part of its voucher.
const PARTS: u64 = 10;
/// Of a hundred commits, so many are of each context.
const METERING: u64 = 80;
const PURCHASES: u64 = 12;
const VOUCHERS: u64 = 6;

impl History {
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            draw: Draw(shape.seed),
            heads: Context::ALL.map(|context| (context, Head::none())).to_vec(),
            stored: 0,
            recorded_at: at("2025-01-05"),
            commits: 0,
            events: 0,
            counts: Counts::default(),
        }
    }

    /// How many there are so far.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Goes on where the journal ends, which holds what a history of this shape has appended.
    pub async fn resume(shape: Shape, journal: &impl Journal) -> Result<Self, ReadError> {
        let mut history = Self::new(shape);
        history.stored = journal.last(&Filter::all()).await?;
        while history.commits < history.stored {
            history.step(journal).await.expect("nothing is appended that is stored already");
        }
        for (context, head) in &mut history.heads {
            let of = Filter::partition(Partition::first(*context));
            let last = journal.last(&of).await?;
            if last > 0
                && let Some(commit) = journal.read(&of, last).next().await
            {
                *head = commit?.head();
            }
        }
        Ok(history)
    }

    /// Appends at least so many events and answers the last position.
    pub async fn append(
        &mut self,
        journal: &impl Journal,
        events: u64,
    ) -> Result<Position, AppendError> {
        let wanted = self.events + events;
        while self.events < wanted {
            self.step(journal).await?;
        }
        Ok(self.heads.iter().map(|(_, head)| head.position).max().unwrap_or_default())
    }

    /// The next commit, or those that everything rests on.
    async fn step(&mut self, journal: &impl Journal) -> Result<(), AppendError> {
        if self.commits == 0 {
            return self.found(journal).await;
        }
        let kind = self.draw.below(100);
        if kind < METERING {
            let usages = self.many(Self::usage);
            self.commit(journal, Context::Allocation, usages).await
        } else if kind < METERING + PURCHASES {
            let bought = self.many(Self::purchase).into_iter().flatten().collect();
            self.commit(journal, Context::Purchase, bought).await
        } else if kind < METERING + PURCHASES + VOUCHERS {
            let moves = self.vouchers();
            self.commit(journal, Context::Voucher, moves).await
        } else {
            let invested = self.many(Self::capital).into_iter().flatten().collect();
            self.commit(journal, Context::Fund, invested).await
        }
    }

    /// As many as a commit holds.
    fn many<E>(&mut self, mut make: impl FnMut(&mut Self) -> E) -> Vec<E> {
        (0..self.shape.per_commit).map(|_| make(self)).collect()
    }

    async fn commit<E: Serialize>(
        &mut self,
        journal: &impl Journal,
        context: Context,
        events: Vec<E>,
    ) -> Result<(), AppendError> {
        self.recorded_at += SignedDuration::from_secs(60);
        self.events += events.len() as u64;
        self.commits += 1;
        let commit = self.commits;
        if commit <= self.stored {
            return Ok(());
        }
        let entry = |(number, event)| Entry::<E, ()> {
            command: id(&format!("generated:{context}:{commit}-{number}")),
            digest: Digest(u128::from(commit << 16 | number).to_be_bytes()),
            by: id("generator"),
            rests_on: Vec::new(),
            events: vec![event],
            refused: None,
        };
        let entries = (0..).zip(events).map(entry).collect();
        let body = serde_json::to_vec(&Body { facts_at: commit - 1, entries });
        let commit = NewCommit {
            id: CommitId::new(),
            recorded_at: self.recorded_at,
            by: "generator@testkit".to_owned(),
            traceparent: None,
            body: Bytes::from(body.expect("events can be written")),
        };
        let (_, head) = &mut self.heads[context as usize];
        *head = journal.append(Partition::first(context), *head, commit).await?;
        Ok(())
    }

    /// Everybody, and what everything later rests on.
    async fn found(&mut self, journal: &impl Journal) -> Result<(), AppendError> {
        let Shape { providers, funds, companies, .. } = self.shape;
        let registry = self.registry();
        self.commit(journal, Context::Registry, registry).await?;
        let capital = (0..funds).map(formed).chain((0..providers).map(|n| committed(n, funds)));
        self.commit(journal, Context::Fund, capital.collect()).await?;
        let contracts = (0..companies).map(|n| signed(n, providers)).collect();
        self.commit(journal, Context::Purchase, contracts).await?;
        let programme = std::iter::once(defined()).chain((0..providers).map(admitted)).collect();
        self.commit(journal, Context::Voucher, programme).await?;
        let pools = (0..providers).map(pool).chain((0..companies).map(|n| given(n, providers)));
        self.commit(journal, Context::Allocation, pools.collect()).await
    }

    fn registry(&self) -> Vec<registry::Event> {
        let Shape { providers, funds, companies, .. } = self.shape;
        let kinds = [
            ("provider", PartyKind::Provider, providers),
            ("fund", PartyKind::Fund, funds),
            ("company", PartyKind::Company, companies),
            ("city", PartyKind::Government, 1),
            ("manager", PartyKind::Other, 1),
        ];
        let mut events = vec![registry::Event::CardSpecPublished(CardSpec {
            model: id("H200"),
            basis: basis(),
            p_per_card: id("0.989"),
            tdp_w: None,
            at: at("2024-01-01"),
            source: None,
        })];
        for (kind, party, count) in kinds {
            events.extend((0..count).map(|n| {
                registry::Event::PartyRegistered(Party {
                    id: named(kind, n),
                    at: at("2024-01-01"),
                    name: named(kind, n),
                    kind: party,
                    country: None,
                    uscc: None,
                    lei: None,
                })
            }));
        }
        events
    }

    /// An hour of an allocation, hour after hour.
    fn usage(&mut self) -> allocation::Event {
        let (n, companies) = (self.counts.usages, self.shape.companies);
        self.counts.usages += 1;
        let (company, hour) = (n % companies, n / companies);
        let from = after(at("2025-01-01"), hour);
        allocation::Event::UsageMetered(UsageMetered {
            id: named("us", n),
            allocation: named("al", company),
            pool: named("pool", company % self.shape.providers),
            contract: named("k", company),
            window: Period::new(from, after(from, 1)).expect("an hour"),
            card_hours: id(&format!("{}.{:02}", self.draw.below(64), self.draw.below(100))),
            source: id("slurm"),
            evidence: None,
            class: None,
        })
    }

    /// An invoice and its payment.
    fn purchase(&mut self) -> [purchase::Event; 2] {
        let n = self.counts.invoices;
        self.counts.invoices += 1;
        let company = self.draw.below(self.shape.companies);
        let (buyer, seller) = (named("company", company), seller_of(company, self.shape.providers));
        let day = self.lately();
        let amount = self.amount(1_000);
        let invoice = InvoiceIssued {
            id: named("in", n),
            contract: named("k", company),
            buyer,
            seller,
            service: Period::new(at("2025-01-01"), day).expect("a period"),
            quantity: id("1"),
            amount,
            at: day,
        };
        let payment = PaymentRecorded {
            id: named("pm", n),
            invoice: invoice.id.clone(),
            contract: invoice.contract.clone(),
            buyer: invoice.buyer.clone(),
            seller: invoice.seller.clone(),
            amount,
            at: after(day, 12),
            reference: None,
        };
        [purchase::Event::InvoiceIssued(invoice), purchase::Event::PaymentRecorded(payment)]
    }

    /// A contribution to a fund, and what it invests of it.
    fn capital(&mut self) -> [fund::Event; 2] {
        let n = self.counts.investments;
        self.counts.investments += 1;
        let Shape { providers, funds, companies, .. } = self.shape;
        let provider = self.draw.below(providers);
        let fund = provider % funds;
        // A fund invests in a few companies again and again.
        let company = (fund + funds * self.draw.below(5)) % companies;
        let day = self.lately();
        let contributed = Contribution {
            id: named("ct", n),
            fund: named("fund", fund),
            lp: named("provider", provider),
            amount: self.amount(100_000),
            at: day,
            call: None,
        };
        let invested = Investment {
            id: named("iv", n),
            investor: named("fund", fund),
            company: named("company", company),
            amount: contributed.amount,
            stake_percent: None,
            at: after(day, 1),
            follows: None,
        };
        [fund::Event::ContributionReceived(contributed), fund::Event::InvestmentFunded(invested)]
    }

    /// Vouchers from their issue to the last payment for what was redeemed of them.
    fn vouchers(&mut self) -> Vec<voucher::Event> {
        let mut events = Vec::new();
        while (events.len() as u64) < self.shape.per_commit {
            let n = self.counts.vouchers;
            self.counts.vouchers += 1;
            let company = self.draw.below(self.shape.companies);
            let part = self.amount(100);
            let places = (0..PARTS).map(|_| part.amount());
            let face = Money::new(places.sum(), part.currency()).expect("a sum of amounts");
            let day = self.lately();
            events.extend(self.voucher(n, company, (face, part), day));
        }
        events
    }

    fn voucher(
        &self,
        n: u64,
        company: u64,
        (face, part): (Money, Money),
        day: Timestamp,
    ) -> Vec<voucher::Event> {
        let provider = || seller_of(company, self.shape.providers);
        let issued = VoucherIssued {
            id: named("v", n),
            programme: id(PROGRAMME),
            holder: named("company", company),
            amount: face,
            at: day,
            expires_at: None,
            version: 1,
            application: None,
            tranche: None,
            profile: None,
            funding: Vec::new(),
        };
        let locked = VoucherLocked {
            id: named("lk", n),
            voucher: named("v", n),
            programme: id(PROGRAMME),
            contract: named("k", company),
            provider: provider(),
            amount: face,
            at: day,
            gate: None,
        };
        let redeemed = |number: u64| VoucherRedeemed {
            id: id(&format!("rd-{n}-{number}")),
            voucher: named("v", n),
            programme: id(PROGRAMME),
            holder: named("company", company),
            provider: provider(),
            contract: named("k", company),
            invoice: named("in", n),
            amount: part,
            taken_from: vec![TakenFrom { lock: named("lk", n), amount: part }],
            at: after(day, number),
            payee: None,
            version: 1,
            trace: Vec::new(),
            gate: None,
            usage: Vec::new(),
            funding: Vec::new(),
        };
        let settled = |number: u64| RedemptionSettled {
            id: id(&format!("st-{n}-{number}")),
            redemption: id(&format!("rd-{n}-{number}")),
            voucher: named("v", n),
            programme: id(PROGRAMME),
            issuer: named("city", 0),
            holder: named("company", company),
            provider: provider(),
            contract: named("k", company),
            invoice: named("in", n),
            amount: part,
            at: after(day, number + 24),
            reference: None,
            payee: None,
            funding: Vec::new(),
        };
        let used = (0..PARTS).flat_map(|number| {
            let redeemed = voucher::Event::VoucherRedeemed(redeemed(number));
            [redeemed, voucher::Event::RedemptionSettled(settled(number))]
        });
        [voucher::Event::VoucherIssued(issued), voucher::Event::VoucherLocked(locked)]
            .into_iter()
            .chain(used)
            .collect()
    }

    /// When something began that is recorded today: up to three days ago, two at least.
    fn lately(&mut self) -> Timestamp {
        const HOUR: u64 = 60 * 60;
        let ago = 2 * 24 * HOUR + self.draw.below(24 * HOUR);
        self.recorded_at - SignedDuration::from_secs(ago.cast_signed())
    }

    fn amount(&mut self, up_to: u64) -> Money {
        cny(&format!("{}.{:02}", 1 + self.draw.below(up_to), self.draw.below(100)))
    }
}

/// `company-7`.
fn named<T: FromStr<Err: Debug>>(kind: &str, number: u64) -> T {
    id(&format!("{kind}-{number}"))
}

fn after(instant: Timestamp, hours: u64) -> Timestamp {
    instant
        + SignedDuration::from_hours(i64::try_from(hours).expect("a history of sensible length"))
}

/// Whom a company buys from.
fn seller_of(company: u64, providers: u64) -> PartyId {
    named("provider", company % providers)
}

fn basis() -> Basis {
    Basis { precision: Precision::Bf16, sparsity: Sparsity::Dense }
}

fn term() -> Period {
    Period::new(at("2025-01-01"), at("2100-01-01")).expect("a period")
}

fn formed(number: u64) -> fund::Event {
    let (fund, manager) = (named("fund", number), named("manager", 0));
    let at = at("2024-06-01");
    fund::Event::FundFormed(Fund { id: fund, manager, currency: id("CNY"), at })
}

fn committed(provider: u64, funds: u64) -> fund::Event {
    fund::Event::CommitmentMade(Commitment {
        id: named("cm", provider),
        fund: named("fund", provider % funds),
        lp: named("provider", provider),
        amount: cny("1000000000000"),
        at: at("2024-06-01"),
        priority_supplier: provider.is_multiple_of(2),
    })
}

fn signed(company: u64, providers: u64) -> purchase::Event {
    purchase::Event::ContractSigned(Contract {
        id: named("k", company),
        buyer: named("company", company),
        seller: seller_of(company, providers),
        currency: id("CNY"),
        kind: None,
        price_per_unit: id("18"),
        unit: ContractUnit::CardHour,
        quantity: Some(id("1000000000")),
        declared_p: Some(id("60")),
        rating: None,
        basis: Some(basis()),
        model: None,
        cards: None,
        at: at("2024-12-01"),
        term: term(),
        backing_contract: None,
        terms: Box::default(),
    })
}

fn defined() -> voucher::Event {
    voucher::Event::ProgrammeDefined(Box::new(Programme {
        id: id(PROGRAMME),
        version: 1,
        issuer: named("city", 0),
        name: id("City compute vouchers"),
        currency: id("CNY"),
        budget: cny("1000000000000"),
        budgets: Vec::new(),
        funding: Vec::new(),
        at: at("2025-01-01"),
        closes: at("2100-01-01"),
        rules: Rules {
            ratio: id("0.3"),
            cap_voucher: None,
            cap_holder_year: None,
            validity_days: None,
            affiliation: Affiliation::Allow,
            affiliation_percent: None,
            funding_link_months: None,
            metering_required: false,
            rounding: Rounding { digits: 2, mode: RoundingMode::Truncate },
            amount: Box::default(),
            eligibility: Box::default(),
            settlement: SettlementRules::default(),
            application_review: None,
            claim_review: None,
            waiver: None,
            clawback: None,
        },
    }))
}

fn admitted(provider: u64) -> voucher::Event {
    voucher::Event::ProviderAdmitted(Admission {
        programme: id(PROGRAMME),
        provider: named("provider", provider),
        at: at("2025-01-01"),
        to: None,
        qualification: None,
    })
}

fn pool(provider: u64) -> allocation::Event {
    allocation::Event::PoolRegistered(Pool {
        id: named("pool", provider),
        operator: named("provider", provider),
        site: id("Nanning"),
        model: id("H200"),
        cards: 4096,
        lit: 2048,
        at: at("2024-12-01"),
    })
}

fn given(company: u64, providers: u64) -> allocation::Event {
    allocation::Event::CardsAllocated(Allocation {
        id: named("al", company),
        pool: named("pool", company % providers),
        contract: named("k", company),
        cards: 64,
        period: term(),
        class: None,
    })
}

/// Numbers that look random and are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[cfg(test)]
mod tests;
