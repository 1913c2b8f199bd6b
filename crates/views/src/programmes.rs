//! Answer: one programme with its versions, its budget by period and by source, and its applications and claims.
//!
//! Invariant: remaining = authorised less what was issued and has not come back, of the whole and of each part.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_loops::{BigRational, decimal};
use loopledger_model::voucher::{
    Event, Funded, Programme, ProgrammeStage, Rules, Subject, VoucherEnded,
};
use loopledger_model::{
    ApplicationId, Currency, PartyId, Period, Position, ProgrammeId, Text, VoucherId,
};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::as_of::As;
use crate::claims;
use crate::error::Error;
use crate::figures;
use crate::rows::VoucherFact;
use crate::table::select;
use crate::views::Views;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProgrammeAnswer {
    pub position: Position,
    pub programme: ProgrammeId,
    pub name: Text,
    pub issuer: PartyId,
    pub currency: Currency,
    pub stage: ProgrammeStage,
    pub versions: Vec<Version>,
    pub totals: Figures,
    /// Of vouchers that were issued in the period.
    pub periods: Vec<PeriodBudget>,
    pub sources: Vec<SourceBudget>,
    pub applications: BTreeMap<String, Tally>,
    pub claims: BTreeMap<String, Tally>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Version {
    pub version: u32,
    pub drafted_at: Timestamp,
    pub published_at: Option<Timestamp>,
    pub closes_at: Timestamp,
    pub rules: Rules,
}

/// `locked` is absent of a source: what is locked is borne by sources only once it is redeemed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Figures {
    pub authorised: Option<String>,
    pub issued: String,
    pub locked: Option<String>,
    pub redeemed: String,
    pub paid: String,
    pub expired: String,
    pub revoked: String,
    pub surrendered: String,
    pub clawed_back: String,
    pub remaining: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PeriodBudget {
    pub period: Period,
    #[serde(flatten)]
    pub figures: Figures,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SourceBudget {
    pub source: PartyId,
    pub parts: Option<u32>,
    #[serde(flatten)]
    pub figures: Figures,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tally {
    pub count: usize,
    pub amount: String,
}

impl Views {
    /// Nothing where no such programme was known then.
    pub async fn programme(
        &self,
        programme: &ProgrammeId,
        seen: As,
    ) -> Result<Option<ProgrammeAnswer>, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let seen = seen.in_rows();
        let condition = format!("{} AND programme = $3", As::CONDITION);
        let facts: Vec<VoucherFact> =
            select(&transaction, &condition, &[&seen.of, &seen.known, &programme.as_str()]).await?;
        let events: Vec<&Event> = facts.iter().map(|fact| &fact.event).collect();
        Ok(told(position, &events))
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    issued: Decimal,
    locked: Decimal,
    redeemed: Decimal,
    paid: Decimal,
    expired: Decimal,
    revoked: Decimal,
    surrendered: Decimal,
    clawed_back: Decimal,
}

#[derive(Debug, Clone, Copy)]
enum Figure {
    Issued,
    Locked,
    Redeemed,
    Paid,
    Ended(loopledger_model::voucher::Ending),
    ClawedBack,
}

impl Sums {
    fn add(&mut self, figure: Figure, amount: Decimal) {
        use loopledger_model::voucher::Ending;
        *match figure {
            Figure::Issued => &mut self.issued,
            Figure::Locked => &mut self.locked,
            Figure::Redeemed => &mut self.redeemed,
            Figure::Paid => &mut self.paid,
            Figure::Ended(Ending::Expired) => &mut self.expired,
            Figure::Ended(Ending::Revoked) => &mut self.revoked,
            Figure::Ended(Ending::Surrendered) => &mut self.surrendered,
            Figure::ClawedBack => &mut self.clawed_back,
        } += amount;
    }

    fn figures(&self, authorised: Option<&BigRational>, currency: Currency) -> Figures {
        let money = |amount| figures::amount(amount, currency);
        let exact = |amount: &BigRational| decimal(amount, currency.exponent());
        let out = self.issued - self.expired - self.revoked - self.surrendered;
        Figures {
            authorised: authorised.map(exact),
            issued: money(self.issued),
            locked: Some(money(self.locked)),
            redeemed: money(self.redeemed),
            paid: money(self.paid),
            expired: money(self.expired),
            revoked: money(self.revoked),
            surrendered: money(self.surrendered),
            clawed_back: money(self.clawed_back),
            remaining: authorised.map(|all| exact(&(all - figures::exact(out)))),
        }
    }
}

/// Sums of the whole, of vouchers and of sources, and where applications stand.
#[derive(Default)]
struct Book {
    all: Sums,
    vouchers: BTreeMap<VoucherId, (Timestamp, Sums)>,
    sources: BTreeMap<PartyId, Sums>,
    redemptions: BTreeMap<loopledger_model::RedemptionId, VoucherId>,
    applications: BTreeMap<ApplicationId, (&'static str, Decimal)>,
}

impl Book {
    fn add(&mut self, voucher: &VoucherId, figure: Figure, amount: Decimal) {
        self.all.add(figure, amount);
        if let Some((_, sums)) = self.vouchers.get_mut(voucher) {
            sums.add(figure, amount);
        }
    }

    /// What a programme with one source does not split is borne by its issuer.
    fn borne(&mut self, issuer: &PartyId, figure: Figure, amount: Decimal, funding: &[Funded]) {
        if funding.is_empty() {
            self.sources.entry(issuer.clone()).or_default().add(figure, amount);
        }
        for part in funding {
            let sums = self.sources.entry(part.source.clone()).or_default();
            sums.add(figure, part.amount.amount());
        }
    }

    fn take(&mut self, issuer: &PartyId, event: &Event) {
        match event {
            Event::VoucherIssued(of) => {
                self.vouchers.insert(of.id.clone(), (of.at, Sums::default()));
                self.add(&of.id, Figure::Issued, of.amount.amount());
                self.borne(issuer, Figure::Issued, of.amount.amount(), &of.funding);
            }
            Event::VoucherLocked(of) => self.add(&of.voucher, Figure::Locked, of.amount.amount()),
            Event::LockReleased(of) => self.add(&of.voucher, Figure::Locked, -of.amount.amount()),
            Event::VoucherRedeemed(of) => {
                let amount = of.amount.amount();
                self.redemptions.insert(of.id.clone(), of.voucher.clone());
                self.add(&of.voucher, Figure::Locked, -amount);
                self.add(&of.voucher, Figure::Redeemed, amount);
                self.borne(issuer, Figure::Redeemed, amount, &of.funding);
            }
            Event::RedemptionSettled(of) => {
                self.add(&of.voucher, Figure::Paid, of.amount.amount());
                self.borne(issuer, Figure::Paid, of.amount.amount(), &of.funding);
            }
            Event::VoucherEnded(of) => self.end(issuer, of),
            Event::ClawbackRecovered(of) => {
                let amount = of.amount.amount();
                if let Some(voucher) = self.redemptions.get(&of.redemption).cloned() {
                    self.add(&voucher, Figure::ClawedBack, amount);
                }
                self.borne(issuer, Figure::ClawedBack, amount, &of.funding);
            }
            Event::ApplicationSubmitted(of) => {
                let asked = &of.application;
                let submitted = ("submitted", asked.amount.amount());
                self.applications.insert(asked.id.clone(), submitted);
            }
            Event::Reviewed(of) => {
                if let Subject::Application(id) = &of.subject
                    && let Some((stage, amount)) = self.applications.get_mut(id)
                {
                    *stage = of.stage.name();
                    *amount = of.amount.map_or(*amount, loopledger_model::Money::amount);
                }
            }
            Event::ProgrammeDefined(_)
            | Event::ProviderAdmitted(_)
            | Event::ProgrammeDrafted(_)
            | Event::ProgrammeChanged(_)
            | Event::AdmissionAppliedFor(_)
            | Event::AdmissionChanged(_)
            | Event::WaiverApproved(_)
            | Event::ClaimSubmitted(_)
            | Event::PaymentOrdered(_)
            | Event::PaymentFailed(_)
            | Event::ClawbackOpened(_)
            | Event::ClawbackAssessed(_)
            | Event::ClawbackWrittenOff(_) => {}
        }
    }

    fn end(&mut self, issuer: &PartyId, of: &VoucherEnded) {
        let (figure, locked) = (Figure::Ended(of.ending), of.locked.amount());
        let amount = of.free.amount() + locked;
        self.add(&of.voucher, Figure::Locked, -locked);
        self.add(&of.voucher, figure, amount);
        self.borne(issuer, figure, amount, &of.funding);
    }
}

pub(crate) fn told(position: Position, events: &[&Event]) -> Option<ProgrammeAnswer> {
    let (mut versions, mut drafts, mut stage) = (Vec::new(), Vec::new(), ProgrammeStage::Drafted);
    for event in events {
        match event {
            Event::ProgrammeDefined(programme) => {
                versions.push(version(programme, Some(programme.at)));
                drafts.push(&**programme);
                stage = ProgrammeStage::Open;
            }
            Event::ProgrammeDrafted(programme) => {
                versions.push(version(programme, None));
                drafts.push(&**programme);
            }
            Event::ProgrammeChanged(change) => {
                stage = change.to;
                let of = versions.iter_mut().find(|version| version.version == change.version);
                if let Some(version) = of
                    && version.published_at.is_none()
                {
                    version.published_at = Some(change.at);
                }
            }
            Event::ProviderAdmitted(_)
            | Event::VoucherIssued(_)
            | Event::VoucherLocked(_)
            | Event::LockReleased(_)
            | Event::VoucherRedeemed(_)
            | Event::RedemptionSettled(_)
            | Event::VoucherEnded(_)
            | Event::AdmissionAppliedFor(_)
            | Event::AdmissionChanged(_)
            | Event::WaiverApproved(_)
            | Event::ApplicationSubmitted(_)
            | Event::ClaimSubmitted(_)
            | Event::Reviewed(_)
            | Event::PaymentOrdered(_)
            | Event::PaymentFailed(_)
            | Event::ClawbackOpened(_)
            | Event::ClawbackAssessed(_)
            | Event::ClawbackRecovered(_)
            | Event::ClawbackWrittenOff(_) => {}
        }
    }
    let published = |programme: &&&Programme| {
        let named = |version: &Version| {
            version.version == programme.version && version.published_at.is_some()
        };
        versions.iter().any(named)
    };
    let terms: &Programme = drafts.iter().rev().find(published).or(drafts.first()).copied()?;
    let mut book = Book::default();
    events.iter().for_each(|event| book.take(&terms.issuer, event));
    Some(ProgrammeAnswer {
        position,
        programme: terms.id.clone(),
        name: terms.name.clone(),
        issuer: terms.issuer.clone(),
        currency: terms.currency,
        stage,
        totals: book.all.figures(Some(&figures::exact(terms.budget.amount())), terms.currency),
        periods: periods(terms, &book),
        sources: sources(terms, &book),
        applications: tallies(terms.currency, book.applications.into_values()),
        claims: claims_by_stage(terms.currency, events),
        versions,
    })
}

fn version(programme: &Programme, published_at: Option<Timestamp>) -> Version {
    Version {
        version: programme.version,
        drafted_at: programme.at,
        published_at,
        closes_at: programme.closes,
        rules: programme.rules.clone(),
    }
}

fn periods(terms: &Programme, book: &Book) -> Vec<PeriodBudget> {
    let told = |budget: &loopledger_model::voucher::BudgetPeriod| {
        let mut all = Sums::default();
        for (at, sums) in book.vouchers.values() {
            if *at >= budget.period.from() && *at < budget.period.to() {
                all.merge(sums);
            }
        }
        let authorised = figures::exact(budget.amount.amount());
        let figures = all.figures(Some(&authorised), terms.currency);
        PeriodBudget { period: budget.period, figures }
    };
    terms.budgets.iter().map(told).collect()
}

impl Sums {
    fn merge(&mut self, other: &Self) {
        self.issued += other.issued;
        self.locked += other.locked;
        self.redeemed += other.redeemed;
        self.paid += other.paid;
        self.expired += other.expired;
        self.revoked += other.revoked;
        self.surrendered += other.surrendered;
        self.clawed_back += other.clawed_back;
    }
}

fn sources(terms: &Programme, book: &Book) -> Vec<SourceBudget> {
    let all: u64 = terms.funding.iter().map(|source| u64::from(source.parts)).sum();
    let mut told = Vec::new();
    for (source, sums) in &book.sources {
        let parts = terms.funding.iter().find(|part| part.party == *source).map(|part| part.parts);
        let budget = figures::exact(terms.budget.amount());
        let authorised = match parts {
            Some(parts) if all > 0 => Some(budget * figures::whole(parts) / figures::whole(all)),
            None if all == 0 && *source == terms.issuer => Some(budget),
            _ => None,
        };
        let mut figures = sums.figures(authorised.as_ref(), terms.currency);
        figures.locked = None;
        told.push(SourceBudget { source: source.clone(), parts, figures });
    }
    told
}

fn claims_by_stage(currency: Currency, events: &[&Event]) -> BTreeMap<String, Tally> {
    let claims = claims::told(events.iter().copied());
    let tallied = claims.into_iter().map(|claim| {
        let amount = claim.payable.parse().expect("a figure of ours is a decimal");
        (claim.stage, amount)
    });
    tallies(currency, tallied)
}

fn tallies(
    currency: Currency,
    all: impl Iterator<Item = (&'static str, Decimal)>,
) -> BTreeMap<String, Tally> {
    let mut sums: BTreeMap<&str, (usize, Decimal)> = BTreeMap::new();
    for (stage, amount) in all {
        let (count, sum) = sums.entry(stage).or_default();
        *count += 1;
        *sum += amount;
    }
    let tally = |(stage, (count, sum)): (&str, (usize, Decimal))| {
        (stage.to_owned(), Tally { count, amount: figures::amount(sum, currency) })
    };
    sums.into_iter().map(tally).collect()
}
