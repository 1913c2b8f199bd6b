//! Answers: a fund's capital, what came of it and what it returned; one partner's account with it.
//!
//! Invariants: DPI = distributed / contributed, RVPI = NAV / contributed, TVPI = DPI + RVPI, all
//! absent where nothing was contributed, the last two where no NAV is known. A valuation is in no
//! figure of cash. A rate of return is told only where there is exactly one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::fund::RecognitionKind;
use loopledger_model::{
    Currency, FactId, NavId, PartyId, PaymentId, Percent, Period, Position, RecognitionId,
};
use num_traits::{ToPrimitive, Zero};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::Transaction;

use crate::as_of::As;
use crate::error::Error;
use crate::figures::{self, exact};
use crate::flow_kind::FlowKind;
use crate::irr::{Irr, irr};
use crate::loops::{LoopQuery, Source};
use crate::reader::see_everything;
use crate::rows::{Commitment, Flow, Fund, Nav, Recognition};
use crate::spans::asked;
use crate::table::select;
use crate::views::Views;

/// Amounts are in the fund's currency. `cash` is all that it received less all that it paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FundReport {
    pub position: Position,
    pub fund: PartyId,
    pub manager: PartyId,
    pub currency: Currency,
    pub formed_at: Timestamp,
    pub committed: String,
    pub contributed: String,
    pub unfunded: String,
    /// Put into companies, and into other funds.
    pub invested: String,
    pub distributed: String,
    pub cash: String,
    /// The latest date's, as it was last stated.
    pub nav: Option<NavTold>,
    /// Of the same date, as it was stated before; the first one first.
    pub restated: Vec<NavTold>,
    pub dpi: Option<String>,
    pub rvpi: Option<String>,
    pub tvpi: Option<String>,
    /// The partners' own, of what they paid in and got back.
    pub irr: Irr,
    /// The same with the NAV as if it were paid out at its date; absent without one.
    pub irr_with_nav: Option<Irr>,
    /// Where governments paid in, or something was recognised.
    pub reinvestment: Option<Reinvestment>,
    /// By id.
    pub partners: Vec<FundPartner>,
    /// By date.
    pub investments: Vec<FundInvestment>,
    /// The formation.
    pub event: FactId,
}

/// Recognised investment in the fund's place, of what governments paid in; with the purchases that close a loop of
/// the fund's money and without them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reinvestment {
    pub government_contributed: String,
    pub recognised: String,
    pub ratio: Option<String>,
    pub recognised_without_loops: String,
    pub ratio_without_loops: Option<String>,
    /// By date.
    pub recognitions: Vec<Recognised>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Recognised {
    pub recognition: RecognitionId,
    pub kind: RecognitionKind,
    pub company: PartyId,
    pub amount: String,
    pub at: Timestamp,
    pub payment: Option<PaymentId>,
    /// Its payment is on a loop that runs through the fund.
    pub in_loop: bool,
    pub event: FactId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NavTold {
    pub nav: NavId,
    pub as_of: Timestamp,
    pub amount: String,
    pub struck_at: Timestamp,
    pub event: FactId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FundPartner {
    pub lp: PartyId,
    pub committed: String,
    pub contributed: String,
    pub unfunded: String,
    pub distributed: String,
    pub dpi: Option<String>,
    pub irr: Irr,
    /// A side letter promises that portfolio companies buy from it first.
    pub priority_supplier: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FundInvestment {
    pub investment: String,
    pub into: PartyId,
    pub amount: String,
    pub stake_percent: Option<Percent>,
    pub at: Timestamp,
    pub event: FactId,
}

/// A partner's capital account: what it promised, paid in and got back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LpAccount {
    pub position: Position,
    pub fund: PartyId,
    pub lp: PartyId,
    pub currency: Currency,
    pub committed: String,
    pub unfunded: String,
    pub priority_supplier: bool,
    /// Of the period that is asked for, its end not included.
    pub period: Option<CapitalAccount>,
    pub since_inception: CapitalAccount,
    /// In the order of time.
    pub entries: Vec<AccountEntry>,
}

/// `closing` = `opening` + `contributions` - `distributions`: what was paid in and is not back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CapitalAccount {
    pub from: Timestamp,
    pub to: Option<Timestamp>,
    pub opening: String,
    pub commitments: String,
    pub contributions: String,
    pub distributions: String,
    pub closing: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AccountEntry {
    pub at: Timestamp,
    pub kind: EntryKind,
    pub id: String,
    pub amount: String,
    /// After it.
    pub unfunded: String,
    /// After it: what was paid in and is not back.
    pub balance: String,
    pub event: FactId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    Commitment,
    Contribution,
    Distribution,
}

impl Views {
    /// Nothing where no such fund was known then.
    pub async fn fund(&self, fund: &PartyId, seen: As) -> Result<Option<FundReport>, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let Some(known) = Known::load(&transaction, fund, seen).await? else { return Ok(None) };
        let reinvestment = known.reinvestment(&transaction, seen).await?;
        Ok(Some(FundReport { reinvestment, ..known.report(position) }))
    }

    /// Nothing where the party had promised the fund nothing then.
    pub async fn lp_account(
        &self,
        (fund, lp): (&PartyId, &PartyId),
        period: Option<Period>,
        seen: As,
    ) -> Result<Option<LpAccount>, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        // A partner's share is one of all partners'.
        see_everything(&transaction).await?;
        let known = Known::load(&transaction, fund, seen).await?;
        Ok(known.and_then(|known| known.account(position, lp, period)))
    }
}

/// All that was known of a fund.
struct Known {
    fund: Fund,
    commitments: Vec<Commitment>,
    /// From it or to it, in its currency.
    flows: Vec<Flow>,
    navs: Vec<Nav>,
    recognitions: Vec<Recognition>,
}

impl Known {
    async fn load(
        transaction: &Transaction<'_>,
        fund: &PartyId,
        seen: As,
    ) -> Result<Option<Self>, Error> {
        let (times, id) = (seen.in_rows(), fund.as_str());
        let parameters = [&times.of as _, &times.known as _, &id as _];
        let with = |condition: &str| format!("{} AND {condition}", As::CONDITION);
        let funds: Vec<Fund> = select(transaction, &with("id = $3"), &parameters).await?;
        let Some(fund) = funds.into_iter().next() else { return Ok(None) };
        let of_fund = with("fund = $3");
        let commitments = select(transaction, &of_fund, &parameters).await?;
        let navs = select(transaction, &of_fund, &parameters).await?;
        let mut recognitions: Vec<Recognition> = select(transaction, &of_fund, &parameters).await?;
        recognitions.sort_by_key(|made| made.stamp.at);
        let moved = with("(from_party = $3 OR to_party = $3)");
        let mut flows: Vec<Flow> = select(transaction, &moved, &parameters).await?;
        flows.retain(|flow| flow.currency == fund.currency);
        flows.sort_by_key(|flow| flow.stamp.at);
        Ok(Some(Self { fund, commitments, flows, navs, recognitions }))
    }

    fn paid_in(&self) -> impl Iterator<Item = &Flow> {
        self.of(FlowKind::Contribution).filter(|flow| flow.to_party == self.fund.id)
    }

    fn paid_back(&self) -> impl Iterator<Item = &Flow> {
        self.of(FlowKind::Distribution).filter(|flow| flow.from_party == self.fund.id)
    }

    /// Into companies, and into other funds as their partner.
    fn put_on(&self) -> impl Iterator<Item = &Flow> {
        let put_on = |flow: &&Flow| {
            flow.from_party == self.fund.id
                && matches!(flow.kind, FlowKind::Investment | FlowKind::Contribution)
        };
        self.flows.iter().filter(put_on)
    }

    fn of(&self, kind: FlowKind) -> impl Iterator<Item = &Flow> {
        self.flows.iter().filter(move |flow| flow.kind == kind)
    }

    fn report(&self, position: Position) -> FundReport {
        let currency = self.fund.currency;
        let told = |sum: &BigRational| figures::rounded(sum, currency);
        let committed: BigRational = self.commitments.iter().map(|made| exact(made.amount)).sum();
        let (contributed, distributed) = (sum(self.paid_in()), sum(self.paid_back()));
        let received = sum(self.flows.iter().filter(|flow| flow.to_party == self.fund.id));
        let paid = sum(self.flows.iter().filter(|flow| flow.from_party == self.fund.id));
        let mut navs = self.latest_navs();
        let nav = navs.pop();
        let residual = nav.map(|nav| exact(nav.amount));
        let dpi = figures::ratio(&distributed, &contributed);
        let rvpi = residual.as_ref().and_then(|nav| figures::ratio(nav, &contributed));
        let all = residual.as_ref().map(|nav| nav + &distributed);
        let mut dated = self.dated(|_| true);
        let irr_with_nav = nav.map(|nav| {
            let mut dated = dated.clone();
            enter(&mut dated, nav.as_of_at, nav.amount, currency);
            irr(&dated)
        });
        dated.retain(|_, amount| *amount != 0);
        FundReport {
            position,
            fund: self.fund.id.clone(),
            manager: self.fund.manager.clone(),
            currency,
            formed_at: self.fund.stamp.at,
            committed: told(&committed),
            unfunded: told(&(&committed - &contributed)),
            invested: told(&sum(self.put_on())),
            cash: told(&(received - paid)),
            nav: nav.map(|nav| nav_told(nav, currency)),
            restated: navs.into_iter().map(|nav| nav_told(nav, currency)).collect(),
            dpi,
            rvpi,
            tvpi: all.and_then(|all| figures::ratio(&all, &contributed)),
            irr: irr(&dated),
            irr_with_nav,
            reinvestment: None,
            partners: self.partners(),
            investments: self.put_on().map(|flow| investment(flow, currency)).collect(),
            contributed: told(&contributed),
            distributed: told(&distributed),
            event: self.fund.stamp.fact(),
        }
    }

    async fn reinvestment(
        &self,
        transaction: &Transaction<'_>,
        seen: As,
    ) -> Result<Option<Reinvestment>, Error> {
        let partners: Vec<&str> = self.commitments.iter().map(|made| made.lp.as_str()).collect();
        let question = "SELECT id FROM parties WHERE kind = 'government' AND id = ANY ($1)";
        let rows = asked(question, transaction.query(question, &[&partners])).await?;
        let governments =
            rows.iter().map(|row| row.try_get(0)).collect::<Result<BTreeSet<String>, _>>()?;
        let public = |flow: &&Flow| governments.contains(flow.from_party.as_str());
        let paid_in = sum(self.paid_in().filter(public));
        if paid_in.is_zero() && self.recognitions.is_empty() {
            return Ok(None);
        }
        let returned = self.returned(transaction, seen).await?;
        let currency = self.fund.currency;
        let in_loop = |made: &Recognition| {
            made.payment.as_ref().is_some_and(|payment| returned.contains(payment.as_str()))
        };
        let total = |of: &dyn Fn(&Recognition) -> bool| -> BigRational {
            self.recognitions.iter().filter(|made| of(made)).map(|made| exact(made.amount)).sum()
        };
        let (all, outside) = (total(&|_| true), total(&|made| !in_loop(made)));
        let told = |made: &Recognition| Recognised {
            recognition: made.id.clone(),
            kind: made.kind,
            company: made.company.clone(),
            amount: figures::amount(made.amount, currency),
            at: made.stamp.at,
            payment: made.payment.clone(),
            in_loop: in_loop(made),
            event: made.stamp.fact(),
        };
        Ok(Some(Reinvestment {
            government_contributed: figures::rounded(&paid_in, currency),
            recognised: figures::rounded(&all, currency),
            ratio: figures::ratio(&all, &paid_in),
            recognised_without_loops: figures::rounded(&outside, currency),
            ratio_without_loops: figures::ratio(&outside, &paid_in),
            recognitions: self.recognitions.iter().map(told).collect(),
        }))
    }

    /// The compute payments on the loops that run through the fund, where any was recognised.
    async fn returned(
        &self,
        transaction: &Transaction<'_>,
        seen: As,
    ) -> Result<BTreeSet<String>, Error> {
        let payments: Vec<&str> = self
            .recognitions
            .iter()
            .filter_map(|made| made.payment.as_ref().map(PaymentId::as_str))
            .collect();
        if payments.is_empty() {
            return Ok(BTreeSet::new());
        }
        let query = LoopQuery { party: Some(self.fund.id.clone()), ..LoopQuery::default() };
        let (loops, _) = Source::load(transaction, &query, seen).await?.find(&query)?;
        let legs: BTreeSet<FactId> =
            loops.iter().flat_map(|found| found.legs.iter().map(|leg| leg.event)).collect();
        let paid: Vec<Flow> =
            select(transaction, "kind = 'compute_payment' AND id = ANY ($1)", &[&payments]).await?;
        let on_loop = paid.into_iter().filter(|flow| legs.contains(&flow.stamp.fact()));
        Ok(on_loop.map(|flow| flow.id).collect())
    }

    /// The NAVs of the latest date for which there is one, in the order in which they were struck.
    fn latest_navs(&self) -> Vec<&Nav> {
        let latest = self.navs.iter().map(|nav| nav.as_of_at).max();
        let mut navs: Vec<&Nav> =
            self.navs.iter().filter(|nav| Some(nav.as_of_at) == latest).collect();
        navs.sort_by_key(|nav| nav.stamp.fact());
        navs
    }

    /// What partners paid in, below zero, and got back, by day.
    fn dated(&self, of: impl Fn(&PartyId) -> bool) -> BTreeMap<i64, i128> {
        let mut dated = BTreeMap::new();
        for flow in self.paid_in().filter(|flow| of(&flow.from_party)) {
            enter(&mut dated, flow.stamp.at, -flow.amount, flow.currency);
        }
        for flow in self.paid_back().filter(|flow| of(&flow.to_party)) {
            enter(&mut dated, flow.stamp.at, flow.amount, flow.currency);
        }
        dated
    }

    fn partners(&self) -> Vec<FundPartner> {
        let mut promised: BTreeMap<&PartyId, (BigRational, bool)> = BTreeMap::new();
        for made in &self.commitments {
            let (sum, priority) = promised.entry(&made.lp).or_default();
            *sum += exact(made.amount);
            *priority |= made.priority_supplier;
        }
        let currency = self.fund.currency;
        let told = |sum: &BigRational| figures::rounded(sum, currency);
        let partner = |(lp, (committed, priority_supplier)): (&PartyId, (BigRational, bool))| {
            let contributed = sum(self.paid_in().filter(|flow| flow.from_party == *lp));
            let distributed = sum(self.paid_back().filter(|flow| flow.to_party == *lp));
            FundPartner {
                lp: lp.clone(),
                committed: told(&committed),
                unfunded: told(&(&committed - &contributed)),
                dpi: figures::ratio(&distributed, &contributed),
                irr: irr(&self.dated(|party| party == lp)),
                priority_supplier,
                contributed: told(&contributed),
                distributed: told(&distributed),
            }
        };
        promised.into_iter().map(partner).collect()
    }

    fn account(
        &self,
        position: Position,
        lp: &PartyId,
        period: Option<Period>,
    ) -> Option<LpAccount> {
        let made: Vec<&Commitment> =
            self.commitments.iter().filter(|made| made.lp == *lp).collect();
        if made.is_empty() {
            return None;
        }
        let priority_supplier = made.iter().any(|made| made.priority_supplier);
        let promised = made.iter().map(|made| Entered {
            at: made.stamp.at,
            kind: EntryKind::Commitment,
            event: made.stamp.fact(),
            id: made.id.to_string(),
            amount: exact(made.amount),
        });
        let moved = |flow: &Flow, kind| Entered {
            at: flow.stamp.at,
            kind,
            event: flow.stamp.fact(),
            id: flow.id.clone(),
            amount: exact(flow.amount),
        };
        let paid_in = self.paid_in().filter(|flow| flow.from_party == *lp);
        let paid_back = self.paid_back().filter(|flow| flow.to_party == *lp);
        let mut entered: Vec<Entered> = promised
            .chain(paid_in.map(|flow| moved(flow, EntryKind::Contribution)))
            .chain(paid_back.map(|flow| moved(flow, EntryKind::Distribution)))
            .collect();
        entered.sort_by_key(|entry| (entry.at, entry.event));
        let currency = self.fund.currency;
        let from = self.fund.stamp.at;
        let all = sums(&entered, |_| true);
        Some(LpAccount {
            position,
            fund: self.fund.id.clone(),
            lp: lp.clone(),
            currency,
            committed: figures::rounded(&all.commitments, currency),
            unfunded: figures::rounded(&(&all.commitments - &all.contributions), currency),
            priority_supplier,
            period: period.map(|period| of_period(&entered, period, currency)),
            since_inception: CapitalAccount::of(from, None, &BigRational::zero(), &all, currency),
            entries: entries(&entered, currency),
        })
    }
}

struct Entered {
    at: Timestamp,
    kind: EntryKind,
    event: FactId,
    id: String,
    amount: BigRational,
}

#[derive(Default)]
struct Sums {
    commitments: BigRational,
    contributions: BigRational,
    distributions: BigRational,
}

impl Sums {
    fn add(&mut self, entry: &Entered) {
        *match entry.kind {
            EntryKind::Commitment => &mut self.commitments,
            EntryKind::Contribution => &mut self.contributions,
            EntryKind::Distribution => &mut self.distributions,
        } += &entry.amount;
    }

    fn balance(&self) -> BigRational {
        &self.contributions - &self.distributions
    }
}

fn sums(entered: &[Entered], of: impl Fn(&Entered) -> bool) -> Sums {
    let mut sums = Sums::default();
    entered.iter().filter(|entry| of(entry)).for_each(|entry| sums.add(entry));
    sums
}

fn of_period(entered: &[Entered], period: Period, currency: Currency) -> CapitalAccount {
    let before = sums(entered, |entry| entry.at < period.from());
    let within = sums(entered, |entry| period.contains(entry.at));
    CapitalAccount::of(period.from(), Some(period.to()), &before.balance(), &within, currency)
}

impl CapitalAccount {
    fn of(
        from: Timestamp,
        to: Option<Timestamp>,
        opening: &BigRational,
        within: &Sums,
        currency: Currency,
    ) -> Self {
        let told = |sum: &BigRational| figures::rounded(sum, currency);
        Self {
            from,
            to,
            opening: told(opening),
            commitments: told(&within.commitments),
            contributions: told(&within.contributions),
            distributions: told(&within.distributions),
            closing: told(&(opening + within.balance())),
        }
    }
}

fn entries(entered: &[Entered], currency: Currency) -> Vec<AccountEntry> {
    let mut sums = Sums::default();
    let told = |entry: &Entered| {
        sums.add(entry);
        AccountEntry {
            at: entry.at,
            kind: entry.kind,
            id: entry.id.clone(),
            amount: figures::rounded(&entry.amount, currency),
            unfunded: figures::rounded(&(&sums.commitments - &sums.contributions), currency),
            balance: figures::rounded(&sums.balance(), currency),
            event: entry.event,
        }
    };
    entered.iter().map(told).collect()
}

fn sum<'a>(flows: impl Iterator<Item = &'a Flow>) -> BigRational {
    flows.map(|flow| exact(flow.amount)).sum()
}

/// Adds an amount, in minor units, to its day.
fn enter(dated: &mut BTreeMap<i64, i128>, at: Timestamp, amount: Decimal, currency: Currency) {
    let unit = figures::whole(10_i128.pow(currency.exponent()));
    let minor = (exact(amount) * unit).to_integer().to_i128();
    let day = at.as_second().div_euclid(86_400);
    *dated.entry(day).or_default() += minor.expect("an amount of money is far below any overflow");
}

fn nav_told(nav: &Nav, currency: Currency) -> NavTold {
    NavTold {
        nav: nav.id.clone(),
        as_of: nav.as_of_at,
        amount: figures::amount(nav.amount, currency),
        struck_at: nav.stamp.at,
        event: nav.stamp.fact(),
    }
}

fn investment(flow: &Flow, currency: Currency) -> FundInvestment {
    FundInvestment {
        investment: flow.id.clone(),
        into: flow.to_party.clone(),
        amount: figures::amount(flow.amount, currency),
        stake_percent: flow.stake_percent,
        at: flow.stamp.at,
        event: flow.stamp.fact(),
    }
}
