//! Answer: what each seller of compute gets back of its own capital, by currency.
//!
//! Invariants: money comes back along one path at a time, so first in, first out and pro rata of a
//! party's loops add up; the sums of lower and upper are bounds, and the upper one is never above
//! what went out into the loops or came in from them. Sums are of the loops as they are told, in
//! minor units. A ratio shows its parts, and is absent where its denominator is zero.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_model::{ContractId, Currency, PartyId, Position};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::as_of::As;
use crate::dealings::Dealings;
use crate::error::Error;
use crate::figures::{self, whole};
use crate::loops::{LoopQuery, Source};
use crate::party_report::report;
use crate::views::Views;

/// Which reports are asked for: all sellers of compute where no party is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartyQuery {
    pub party: Option<PartyId>,
    pub currency: Option<Currency>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parties {
    pub position: Position,
    /// By party, then by currency.
    pub parties: Vec<PartyReport>,
}

/// A party's capital and revenue in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartyReport {
    pub party: PartyId,
    pub currency: Currency,
    /// All capital that it paid out.
    pub capital_out: String,
    /// Over the loops that start and end at it.
    pub returned: Returned<String>,
    pub returned_of_capital: Returned<Ratio>,
    pub returned_of_revenue: Returned<Ratio>,
    /// Its buyers' own cash.
    pub compute_revenue: String,
    /// What governments paid it for its buyers' invoices.
    pub voucher_revenue: String,
    /// Voucher money for buyers that end one of its loops, of all voucher money paid to it.
    pub voucher_exposure: Ratio,
    /// Its loops' dwell days, weighted by what came back first in, first out.
    pub dwell_days: Option<String>,
    /// The parties of its loops, largest `returned_upper` first.
    pub loops: Vec<Vec<String>>,
    pub customers: Vec<Customer>,
    pub open_loops: Vec<OpenLoop>,
    pub promises: Vec<Promise>,
    /// Of the money it paid out as capital and received for compute, and of its loops.
    pub positions: Vec<Position>,
}

/// The four figures of what came back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Returned<T> {
    pub lower: T,
    pub fifo: T,
    pub pro_rata: T,
    pub upper: T,
}

impl<T> Returned<T> {
    pub(crate) fn map<U>(&self, told: impl Fn(&T) -> U) -> Returned<U> {
        Returned {
            lower: told(&self.lower),
            fifo: told(&self.fifo),
            pro_rata: told(&self.pro_rata),
            upper: told(&self.upper),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ratio {
    pub numerator: String,
    pub denominator: String,
    /// Absent where the denominator is zero.
    pub ratio: Option<String>,
}

impl Ratio {
    pub(crate) fn of(part: i128, all: i128, currency: Currency) -> Self {
        Self {
            numerator: figures::minor_units(part, currency),
            denominator: figures::minor_units(all, currency),
            ratio: figures::ratio(&whole(part), &whole(all)),
        }
    }
}

/// A company that paid the party for compute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Customer {
    pub company: PartyId,
    /// Its own cash to the party.
    pub paid: String,
    /// Of all its own cash for compute, to whomever.
    pub share_of_spend: Ratio,
    /// Voucher money paid to the party for its invoices.
    pub voucher_paid: String,
    /// Pro rata over the loops that it ends, of what it paid.
    pub returned_of_paid: Ratio,
    /// Its payments for compute, to whomever, and the vouchers'.
    pub positions: Vec<Position>,
}

/// A customer that the party's capital reached and from which nothing has come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenLoop {
    pub company: PartyId,
    /// The fewest payments by which the capital can have reached it, the earliest of them.
    pub path: Vec<CapitalStep>,
    /// Contracts signed with the party and not ended as never executed.
    pub contracts: Vec<ContractId>,
    /// What it paid the party, before the capital reached it.
    pub paid: String,
    pub positions: Vec<Position>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapitalStep {
    pub from: PartyId,
    pub to: PartyId,
    pub amount: String,
    pub at: Timestamp,
    pub event: loopledger_model::FactId,
}

/// A contract that is signed and not paid in full. No money that is only promised is in any loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Promise {
    pub contract: ContractId,
    pub buyer: PartyId,
    pub signed_at: Timestamp,
    /// Price times quantity, as signed or ordered.
    pub value: String,
    pub invoiced: String,
    /// What the seller gave up of it.
    pub credited: String,
    /// The buyer's own cash, advances included.
    pub paid: String,
    pub voucher_paid: String,
    /// What was invoiced, not credited and not paid. A deposit pays nothing until it is set against an invoice, a
    /// prepayment nothing once it was given back.
    pub unpaid_invoices: String,
    /// What is still to come: of the value, or of the invoices where the contract has ended.
    pub unpaid: String,
    /// How the contract ended before its term, if it did.
    pub ended: Option<String>,
    /// The party's capital has reached the buyer: paying would close a loop.
    pub would_close: bool,
    pub positions: Vec<Position>,
}

impl Views {
    pub async fn parties(&self, query: &PartyQuery, seen: As) -> Result<Parties, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let (party, currency) = (query.party.clone(), query.currency);
        let of_loops = LoopQuery { party, currency, ..LoopQuery::default() };
        let source = Source::load(&transaction, &of_loops, seen).await?;
        let dealings = Dealings::load(&transaction, query.party.as_ref(), seen).await?;
        drop(transaction);
        drop(connection);
        let query = query.clone();
        let work = move || {
            let (loops, _) = source.find(&of_loops)?;
            let parties = told(&query, &dealings, &loops);
            Ok(Parties { position, parties })
        };
        let found = tokio::task::spawn_blocking(work).await;
        found.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
    }
}

fn told(
    query: &PartyQuery,
    dealings: &Dealings,
    loops: &[crate::loops::LoopFound],
) -> Vec<PartyReport> {
    let mut by_root: BTreeMap<(&str, Currency), Vec<_>> = BTreeMap::new();
    for found in loops {
        if let Some(root) = found.parties.first() {
            by_root.entry((root, found.currency)).or_default().push(found);
        }
    }
    let accounts = dealings.accounts();
    let wanted: BTreeSet<(&PartyId, Currency)> = accounts
        .iter()
        .filter(|((party, currency), account)| match &query.party {
            Some(asked) => asked == *party,
            None => account.sells(),
        } && query.currency.is_none_or(|asked| asked == *currency))
        .map(|(key, _)| *key)
        .collect();
    let of = |(party, currency): (&PartyId, Currency)| {
        let loops = by_root.get(&(party.as_str(), currency)).map_or(&[][..], Vec::as_slice);
        report(party, currency, loops, &accounts)
    };
    wanted.into_iter().map(of).collect()
}
