//! Answers: a fund's capital, what came of it and what it returned; one partner's account with it.
//!
//! Invariants: DPI = distributed / contributed, RVPI = NAV / contributed, TVPI = DPI + RVPI, all
//! absent where nothing was contributed, the last two where no NAV is known. A valuation is in no
//! figure of cash. A rate of return is told only where there is exactly one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::fund::{RecognitionKind, SetTerms};
use loopledger_model::{
    Currency, FactId, InvestmentId, NavId, PartyId, PaymentId, Percent, Period, Position,
    RecognitionId,
};
use num_traits::{One, ToPrimitive, Zero};
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
use crate::rows::{Flow, Fund, FundFact, Nav, Recognition};
use crate::spans::asked;
use crate::table::select;
use crate::views::Views;

mod account;
mod entries;
mod running;

pub use account::{AccountEntry, CapitalAccount, LpAccount, PartOfNav};
pub use entries::{CallBorne, EntryKind, FundCall};
use entries::{Entered, Standing, Told};
pub use running::{Costs, FundFee, LineTold, NavStep, ValueTold, WithoutLine};
use running::{Running, nav_steps};

/// Amounts are in the fund's currency. `cash` is all that it received less all that it paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FundReport {
    pub position: Position,
    pub fund: PartyId,
    pub manager: PartyId,
    pub currency: Currency,
    pub formed_at: Timestamp,
    pub committed: String,
    /// Less what went back as excess, with what was recalled.
    pub contributed: String,
    /// What was promised and is not paid in, with what was distributed as recallable.
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
    /// In the order in which they were made.
    pub calls: Vec<FundCall>,
    /// Those that hold.
    pub terms: Option<SetTerms>,
    /// In the order in which they accrued.
    pub fees: Vec<FundFee>,
    pub costs: Costs,
    /// Where the fund drew on a line.
    pub line: Option<LineTold>,
    /// From each NAV to the next, by date.
    pub nav_steps: Vec<NavStep>,
    pub dissolved_at: Option<Timestamp>,
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
    /// Undetermined where a commitment came or went: what partners pay each other is not known.
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
    /// The investment that it adds to.
    pub follows: Option<InvestmentId>,
    /// What is not given up of its cost.
    pub cost_left: String,
    /// Absent where none was stated or none is left.
    pub stake_left_percent: Option<Percent>,
    /// What it brought, income included.
    pub proceeds: String,
    /// The latest date's, as it was last stated: below its cost it is written down, at nothing written off.
    pub value: Option<ValueTold>,
    pub event: FactId,
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
    /// Of its partners, in the order of time.
    entries: Vec<Entered>,
    calls: Vec<FundCall>,
    terms: Option<SetTerms>,
    running: Running,
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
        let facts: Vec<FundFact> = select(transaction, &of_fund, &parameters).await?;
        let navs = select(transaction, &of_fund, &parameters).await?;
        let mut recognitions: Vec<Recognition> = select(transaction, &of_fund, &parameters).await?;
        recognitions.sort_by_key(|made| made.stamp.at);
        let moved = with("(from_party = $3 OR to_party = $3)");
        let mut flows: Vec<Flow> = select(transaction, &moved, &parameters).await?;
        flows.retain(|flow| flow.currency == fund.currency);
        flows.sort_by_key(|flow| flow.stamp.at);
        let Told { entries, calls, terms, running } = Told::of(facts, fund.currency);
        Ok(Some(Self { fund, entries, calls, terms, running, flows, navs, recognitions }))
    }

    fn paid_in(&self) -> impl Iterator<Item = &Flow> {
        let paid_in =
            |flow: &&Flow| flow.kind == FlowKind::Contribution && flow.to_party == self.fund.id;
        self.flows.iter().filter(paid_in)
    }

    /// Into companies, and into other funds as their partner.
    fn put_on(&self) -> impl Iterator<Item = &Flow> {
        let put_on = |flow: &&Flow| {
            flow.from_party == self.fund.id
                && matches!(flow.kind, FlowKind::Investment | FlowKind::Contribution)
        };
        self.flows.iter().filter(put_on)
    }

    fn report(&self, position: Position) -> FundReport {
        let currency = self.fund.currency;
        let told = |sum: &BigRational| figures::rounded(sum, currency);
        let all = Standing::of(&self.entries);
        let Standing { committed, contributed, distributed, unfunded, .. } = all.clone();
        let received = sum(self.flows.iter().filter(|flow| flow.to_party == self.fund.id));
        let paid = sum(self.flows.iter().filter(|flow| flow.from_party == self.fund.id));
        let mut navs = self.latest_navs();
        let nav = navs.pop();
        let residual = nav.map(|nav| exact(nav.amount));
        let dpi = figures::ratio(&distributed, &contributed);
        let rvpi = residual.as_ref().and_then(|nav| figures::ratio(nav, &contributed));
        let returned = residual.as_ref().map(|nav| nav + &distributed);
        let mut dated = self.dated(|_| true);
        let irr_with_nav = nav.map(|nav| {
            let mut dated = dated.clone();
            enter(&mut dated, nav.as_of_at, nav.amount, currency);
            irr(&dated)
        });
        let line = self.running.line(&all, &dated, nav, currency);
        dated.retain(|_, amount| *amount != 0);
        FundReport {
            position,
            fund: self.fund.id.clone(),
            manager: self.fund.manager.clone(),
            currency,
            formed_at: self.fund.stamp.at,
            committed: told(&committed),
            unfunded: told(&unfunded),
            invested: told(&sum(self.put_on())),
            cash: told(&(received - paid)),
            nav: nav.map(|nav| nav_told(nav, currency)),
            restated: navs.into_iter().map(|nav| nav_told(nav, currency)).collect(),
            dpi,
            rvpi,
            tvpi: returned.and_then(|all| figures::ratio(&all, &contributed)),
            irr: irr(&dated),
            irr_with_nav,
            reinvestment: None,
            partners: self.partners(),
            calls: self.calls.clone(),
            terms: self.terms.clone(),
            fees: self.running.fees(currency),
            costs: self.running.told(|_| true, &BigRational::one(), currency),
            line,
            nav_steps: nav_steps(&self.navs, &self.entries, self.fund.stamp.at, currency),
            dissolved_at: self.running.dissolved_at,
            investments: self
                .put_on()
                .map(|flow| self.running.investment(flow, currency))
                .collect(),
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
        let partners: Vec<&str> = self.entries.iter().map(|entry| entry.lp.as_str()).collect();
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
        for entry in self.entries.iter().filter(|entry| of(&entry.lp)) {
            if let Some(amount) = entry.cash() {
                enter(&mut dated, entry.at, amount, self.fund.currency);
            }
        }
        dated
    }

    fn partners(&self) -> Vec<FundPartner> {
        let mut known: BTreeMap<&PartyId, Vec<&Entered>> = BTreeMap::new();
        for entry in &self.entries {
            known.entry(&entry.lp).or_default().push(entry);
        }
        let currency = self.fund.currency;
        let told = |sum: &BigRational| figures::rounded(sum, currency);
        let partner = |(lp, entries): (&PartyId, Vec<&Entered>)| {
            let Standing { committed, contributed, distributed, unfunded, priority_supplier } =
                Standing::of(entries.iter().copied());
            let handed_over = entries.iter().any(|entry| entry.kind.is_handed_over());
            FundPartner {
                lp: lp.clone(),
                committed: told(&committed),
                unfunded: told(&unfunded),
                dpi: figures::ratio(&distributed, &contributed),
                irr: if handed_over {
                    Irr::undetermined()
                } else {
                    irr(&self.dated(|party| party == lp))
                },
                priority_supplier,
                contributed: told(&contributed),
                distributed: told(&distributed),
            }
        };
        known.into_iter().map(partner).collect()
    }
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
