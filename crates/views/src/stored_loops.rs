//! Loops as they are stored: without their flows, which are read where a loop is asked for.
//!
//! Invariants: what is written for a loop does not grow with its flows. Read back with its flows, a
//! loop is the one that the graph tells of.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_model::{Currency, FactId, PartyId};
use serde::Serialize;
use tokio_postgres::types::Json;
use tokio_postgres::{GenericClient, Row, Transaction};

use crate::error::Error;
use crate::figures;
use crate::flow_kind::FlowKind;
use crate::loops::{Leg, LoopFound, LoopQuery};
use crate::rows::Flow;
use crate::table::{cell, select};

/// The most loops in one statement.
const CHUNK: usize = 200;

/// A loop without its flows, and which leg carries what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredLoop {
    #[serde(flatten)]
    pub(crate) found: LoopFound,
    /// So many legs, the first ones, can carry capital.
    pub(crate) capital_legs: usize,
    /// The first leg, counted from 0, that can carry compute payments.
    pub(crate) compute_from: usize,
}

/// A loop as its answer: numbers as text, since their decimals mean something.
const SELECT: &str = "
    SELECT to_jsonb(loops) || jsonb_build_object(
        'capital_out', capital_out::TEXT,
        'returned_lower', returned_lower::TEXT,
        'returned_fifo', returned_fifo::TEXT,
        'returned_pro_rata', returned_pro_rata::TEXT,
        'returned_upper', returned_upper::TEXT,
        'ratio_pro_rata', ratio_pro_rata::TEXT,
        'voucher_amount', voucher_amount::TEXT,
        'dwell_days', dwell_days::TEXT,
        'legs', '[]'::JSONB, 'voucher_events', '[]'::JSONB, 'positions', '[]'::JSONB),
        capital_legs, compute_from
    FROM loops
    WHERE ($1::TEXT IS NULL OR parties @> ARRAY[$1]) AND ($2::TEXT IS NULL OR currency = $2)
    ORDER BY returned_upper DESC, parties COLLATE \"C\", currency COLLATE \"C\"";

/// Flows between parties, and voucher payments to some of them for invoices of others.
const FLOWS: &str = "to_party = ANY ($1) AND (from_party = ANY ($1) OR buyer = ANY ($1))";

const UPSERT: &str = "
    INSERT INTO loops
    SELECT * FROM jsonb_to_recordset($1) AS found (
        parties TEXT[], kind TEXT, currency TEXT, capital_out NUMERIC, returned_lower NUMERIC,
        returned_fifo NUMERIC, returned_pro_rata NUMERIC, returned_upper NUMERIC,
        ratio_pro_rata NUMERIC, voucher_amount NUMERIC, first_capital_at TIMESTAMPTZ,
        closed_at TIMESTAMPTZ, last_return_at TIMESTAMPTZ, lag_days BIGINT,
        dwell_days NUMERIC, capital_legs BIGINT, compute_from BIGINT)
    ON CONFLICT (currency, parties) DO UPDATE SET
        kind = excluded.kind, capital_out = excluded.capital_out,
        returned_lower = excluded.returned_lower, returned_fifo = excluded.returned_fifo,
        returned_pro_rata = excluded.returned_pro_rata, returned_upper = excluded.returned_upper,
        ratio_pro_rata = excluded.ratio_pro_rata, voucher_amount = excluded.voucher_amount,
        first_capital_at = excluded.first_capital_at, closed_at = excluded.closed_at,
        last_return_at = excluded.last_return_at, lag_days = excluded.lag_days,
        dwell_days = excluded.dwell_days, capital_legs = excluded.capital_legs,
        compute_from = excluded.compute_from";

/// Puts loops in the place of what is known of them; each is named once.
pub(crate) async fn upsert(
    transaction: &Transaction<'_>,
    loops: &[StoredLoop],
) -> Result<(), tokio_postgres::Error> {
    for found in loops.chunks(CHUNK) {
        transaction.execute(UPSERT, &[&Json(found)]).await?;
    }
    Ok(())
}

/// The loops that are asked for, with their flows.
pub(crate) async fn known(
    transaction: &Transaction<'_>,
    query: &LoopQuery,
) -> Result<Vec<LoopFound>, Error> {
    let party = query.party.as_ref().map(PartyId::as_str);
    let currency = query.currency.map(|currency| currency.to_string());
    let rows = transaction.query(SELECT, &[&party, &currency]).await?;
    let loops: Vec<StoredLoop> = rows.iter().map(StoredLoop::read).collect::<Result<_, _>>()?;
    let corners: BTreeSet<&str> =
        loops.iter().flat_map(|stored| &stored.found.parties).map(String::as_str).collect();
    let corners: Vec<&str> = corners.into_iter().collect();
    let mut flows: Vec<Flow> = select(transaction, FLOWS, &[&corners]).await?;
    flows.sort_by_key(|flow| flow.stamp.at);
    let paid = Paid::of(&flows);
    Ok(loops.into_iter().map(|stored| paid.complete(stored)).collect())
}

/// The currency and the parties of every loop that is stored.
pub(crate) async fn named(
    client: &impl GenericClient,
) -> Result<Vec<(Currency, Vec<String>)>, Error> {
    let rows = client.query("SELECT currency, parties FROM loops", &[]).await?;
    let read = |row: &Row| {
        let parties = row.try_get(1).map_err(|error| misread("parties", &error))?;
        Ok((cell(row, 0, "loops", "currency")?, parties))
    };
    rows.iter().map(read).collect()
}

fn misread(column: &'static str, error: &tokio_postgres::Error) -> Error {
    Error::Misread { table: "loops", column, found: error.to_string() }
}

impl StoredLoop {
    fn read(row: &Row) -> Result<Self, Error> {
        let Json(found) = row.try_get(0).map_err(|error| misread("parties", &error))?;
        let legs = |place, column| -> Result<usize, Error> {
            let legs: u64 = cell(row, place, "loops", column)?;
            Ok(usize::try_from(legs).unwrap_or(usize::MAX))
        };
        let (capital_legs, compute_from) = (legs(1, "capital_legs")?, legs(2, "compute_from")?);
        Ok(Self { found, capital_legs, compute_from })
    }
}

/// Flows by currency and two parties, each list in the order of time.
type ByParties<'a> = BTreeMap<(Currency, &'a str, &'a str), Vec<&'a Flow>>;

/// What makes legs by payer and payee, voucher payments by payee and buyer.
#[derive(Default)]
struct Paid<'a> {
    capital: ByParties<'a>,
    compute: ByParties<'a>,
    vouchers: ByParties<'a>,
}

impl<'a> Paid<'a> {
    /// Of flows in the order of time.
    fn of(flows: &'a [Flow]) -> Self {
        let mut paid = Self::default();
        for flow in flows.iter().filter(|flow| flow.from_party != flow.to_party) {
            let (from, to) = (flow.from_party.as_str(), flow.to_party.as_str());
            let (by_parties, one, other) = match (flow.kind, &flow.buyer) {
                (FlowKind::Contribution | FlowKind::Investment, _) => (&mut paid.capital, from, to),
                (FlowKind::ComputePayment, _) => (&mut paid.compute, from, to),
                (FlowKind::VoucherPayment, Some(buyer)) => (&mut paid.vouchers, to, buyer.as_str()),
                (
                    FlowKind::VoucherPayment
                    | FlowKind::Distribution
                    | FlowKind::Refund
                    | FlowKind::Transfer,
                    _,
                ) => continue,
            };
            by_parties.entry((flow.currency, one, other)).or_default().push(flow);
        }
        paid
    }

    fn complete(&self, stored: StoredLoop) -> LoopFound {
        let StoredLoop { found, capital_legs, compute_from } = stored;
        let between = |by_parties: &ByParties<'a>, one: usize, other: usize| {
            let parties = (found.parties[one].as_str(), found.parties[other].as_str());
            by_parties.get(&(found.currency, parties.0, parties.1)).cloned().unwrap_or_default()
        };
        let last = found.parties.len() - 1;
        let mut legs = Vec::new();
        for leg in 0..=last {
            let next = if leg == last { 0 } else { leg + 1 };
            if leg < capital_legs {
                legs.extend(between(&self.capital, leg, next));
            }
            if leg >= compute_from {
                legs.extend(between(&self.compute, leg, next));
            }
        }
        legs.sort_by_key(|flow| (flow.stamp.at, flow.stamp.fact()));
        let vouchers = between(&self.vouchers, 0, last);
        let mut vouchers: Vec<FactId> = vouchers.iter().map(|flow| flow.stamp.fact()).collect();
        vouchers.sort_unstable();
        found.with_flows(legs.into_iter().map(leg_of).collect(), vouchers)
    }
}

fn leg_of(flow: &Flow) -> Leg {
    Leg {
        from: flow.from_party.to_string(),
        to: flow.to_party.to_string(),
        kind: flow.kind.name().to_owned(),
        amount: figures::amount(flow.amount, flow.currency),
        at: flow.stamp.at,
        event: flow.stamp.fact(),
        from_group: None,
        to_group: None,
    }
}
