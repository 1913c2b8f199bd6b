//! Loops as they are stored: without their flows, which are read where a loop is asked for.
//!
//! Invariants: what is written for a loop does not grow with its flows. Read back with its flows, a
//! loop is the one that the graph tells of.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use futures::TryStreamExt as _;
use jiff::Timestamp;
use loopledger_model::{Currency, FactId, PartyId};
use rust_decimal::Decimal;
use serde::Serialize;
use tokio_postgres::types::{FromSqlOwned, Json, ToSql};
use tokio_postgres::{GenericClient, Row, Statement, Transaction};

use crate::error::Error;
use crate::figures;
use crate::flow_kind::FlowKind;
use crate::loops::{Leg, LoopFound, LoopQuery};
use crate::spans::asked;
use crate::table::cell;

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
        AND ($3::TEXT[] IS NULL OR
            (-returned_upper, parties COLLATE \"C\", currency COLLATE \"C\") >=
            (SELECT -returned_upper, parties, currency FROM loops
                WHERE parties = $3 AND currency = $4::TEXT
                    AND ($1 IS NULL OR parties @> ARRAY[$1]) AND ($2 IS NULL OR currency = $2)))
    ORDER BY -returned_upper, parties COLLATE \"C\", currency COLLATE \"C\"
    LIMIT $5";

/// What was paid on each of these ways, from one party to another in one currency. All of it is in the index by
/// these parties, so that the flows' rows, which lie where they were recorded, are not looked at. A row for each flow
/// would take twice as long to hand over.
const LEGS: &str = "
    SELECT way, array_agg(position), array_agg(fact_index), kind, array_agg(at), array_agg(amount)
    FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[])
        WITH ORDINALITY AS ways (payer, payee, wanted, way)
    JOIN flows ON from_party = payer AND to_party = payee AND currency = wanted
    WHERE payer <> payee AND kind IN ('contribution', 'investment', 'compute_payment')
    GROUP BY way, kind";

/// What was paid to one party for invoices of another, in one currency.
const VOUCHERS: &str = "
    SELECT way, array_agg(position), array_agg(fact_index)
    FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[])
        WITH ORDINALITY AS ways (payee, invoiced, wanted, way)
    JOIN flows ON to_party = payee AND buyer = invoiced AND currency = wanted
    WHERE kind = 'voucher_payment' AND from_party <> to_party
    GROUP BY way";

pub(crate) const UPSERT: &str = "
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

/// Puts loops in the place of what is known of them, by [`UPSERT`]; each is named once.
pub(crate) async fn upsert(
    transaction: &Transaction<'_>,
    upsert: &Statement,
    loops: &[StoredLoop],
) -> Result<(), tokio_postgres::Error> {
    for found in loops.chunks(CHUNK) {
        asked(UPSERT, transaction.execute(upsert, &[&Json(found)])).await?;
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
    let most = query.part.as_ref().map(|part| i64::try_from(part.most).unwrap_or(i64::MAX));
    let from = query.part.as_ref().and_then(|part| part.from.as_ref());
    let (parties, code) =
        (from.map(|(parties, _)| parties), from.map(|(_, code)| code.to_string()));
    let rows =
        asked(SELECT, transaction.query(SELECT, &[&party, &currency, &parties, &code, &most]))
            .await?;
    let loops: Vec<StoredLoop> = rows.iter().map(StoredLoop::read).collect::<Result<_, _>>()?;
    if query.without_flows {
        return Ok(loops.into_iter().map(|stored| stored.found).collect());
    }
    let paid = Paid::load(transaction, &loops).await?;
    Ok(loops.iter().map(|stored| paid.complete(stored)).collect())
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

    /// From each party to the next one, the last leg back to the first.
    fn legs(&self) -> impl Iterator<Item = Way<'_>> {
        let parties = self.found.parties.iter().map(String::as_str);
        let next = parties.clone().cycle().skip(1);
        parties.zip(next).map(|(from, to)| (self.found.currency, from, to))
    }
}

/// A currency and two parties.
type Way<'a> = (Currency, &'a str, &'a str);

/// Ways, each once, with what is known of them in the same order.
#[derive(Default)]
struct Ways<'a, T> {
    numbers: BTreeMap<Way<'a>, usize>,
    found: Vec<Vec<T>>,
}

impl<'a, T> Ways<'a, T> {
    fn of(ways: impl Iterator<Item = Way<'a>>) -> Self {
        let ways: BTreeSet<Way<'a>> = ways.collect();
        let found = ways.iter().map(|_| Vec::new()).collect();
        Self { numbers: ways.into_iter().zip(0..).collect(), found }
    }

    fn get(&self, way: Way<'_>) -> &[T] {
        self.numbers.get(&way).map_or(&[], |number| &self.found[*number])
    }

    /// Asks what was paid on the ways: rows begin with the way's number, counted from 1, and the facts.
    async fn load(
        &mut self,
        transaction: &Transaction<'_>,
        query: &str,
        read: impl Fn(Way<'_>, Vec<FactId>, &Row) -> Result<Vec<T>, Error>,
    ) -> Result<(), Error> {
        let ways: Vec<Way<'a>> = self.numbers.keys().copied().collect();
        let ones: Vec<&str> = ways.iter().map(|(_, one, _)| *one).collect();
        let others: Vec<&str> = ways.iter().map(|(_, _, other)| *other).collect();
        let currencies: Vec<String> = ways.iter().map(|(code, ..)| code.to_string()).collect();
        let parameters: [&(dyn ToSql + Sync); 3] = [&ones, &others, &currencies];
        let rows = asked(query, transaction.query_raw(query, parameters)).await?;
        let mut rows = pin!(rows);
        while let Some(row) = rows.try_next().await? {
            let way: u64 = cell(&row, 0, "flows", "way")?;
            let place = usize::try_from(way - 1).expect("ways are counted in memory");
            let positions: Vec<i64> = many(&row, 1, "position")?;
            let indexes: Vec<i32> = many(&row, 2, "fact_index")?;
            let facts = positions.into_iter().zip(indexes).map(|(position, index)| FactId {
                position: position.try_into().expect("positions are counted from 1"),
                index: index.try_into().expect("a fact's index is not negative"),
            });
            self.found[place].append(&mut read(ways[place], facts.collect(), &row)?);
        }
        Ok(())
    }
}

/// What makes legs, by payer and payee and in the order of time; voucher payments by payee and buyer in that of
/// their facts.
struct Paid<'a> {
    legs: Ways<'a, (FlowKind, Leg)>,
    vouchers: Ways<'a, FactId>,
}

impl<'a> Paid<'a> {
    /// On the legs of these loops, and for the invoices of their last parties.
    async fn load(transaction: &Transaction<'_>, loops: &'a [StoredLoop]) -> Result<Self, Error> {
        let mut legs = Ways::of(loops.iter().flat_map(StoredLoop::legs));
        legs.load(transaction, LEGS, legs_of).await?;
        for legs in &mut legs.found {
            legs.sort_unstable_by_key(|(_, leg)| (leg.at, leg.event));
        }
        let ends = loops.iter().filter_map(|stored| stored.legs().last());
        let mut vouchers = Ways::of(ends.map(|(currency, last, root)| (currency, root, last)));
        vouchers.load(transaction, VOUCHERS, |_, facts, _| Ok(facts)).await?;
        vouchers.found.iter_mut().for_each(|facts| facts.sort_unstable());
        Ok(Self { legs, vouchers })
    }

    fn complete(&self, stored: &StoredLoop) -> LoopFound {
        let mut legs = Vec::new();
        for (place, way) in stored.legs().enumerate() {
            let carried = |kind: &FlowKind| match kind {
                FlowKind::Contribution | FlowKind::Investment => place < stored.capital_legs,
                FlowKind::ComputePayment => place >= stored.compute_from,
                FlowKind::VoucherPayment
                | FlowKind::Distribution
                | FlowKind::Refund
                | FlowKind::Transfer => false,
            };
            let paid = self.legs.get(way).iter().filter(|(kind, _)| carried(kind));
            legs.extend(paid.map(|(_, leg)| leg.clone()));
        }
        legs.sort_by_key(|leg| (leg.at, leg.event));
        let (currency, last, root) = stored.legs().last().expect("a loop has legs");
        let vouchers = self.vouchers.get((currency, root, last)).to_vec();
        stored.found.clone().with_flows(legs, vouchers)
    }
}

fn legs_of(
    (currency, from, to): Way<'_>,
    facts: Vec<FactId>,
    row: &Row,
) -> Result<Vec<(FlowKind, Leg)>, Error> {
    let kind: FlowKind = cell(row, 3, "flows", "kind")?;
    let (times, amounts): (Vec<Timestamp>, Vec<Decimal>) =
        (many(row, 4, "at")?, many(row, 5, "amount")?);
    let legs = facts.into_iter().zip(times).zip(amounts).map(|((event, at), amount)| {
        let leg = Leg {
            from: from.to_owned(),
            to: to.to_owned(),
            kind: kind.name().to_owned(),
            amount: figures::amount(amount, currency),
            at,
            event,
            from_group: None,
            to_group: None,
        };
        (kind, leg)
    });
    Ok(legs.collect())
}

/// What one column has of all flows of a row.
fn many<T: FromSqlOwned>(row: &Row, place: usize, column: &'static str) -> Result<Vec<T>, Error> {
    row.try_get(place).map_err(|error| {
        let found = error.to_string();
        Error::Misread { table: "flows", column, found }
    })
}
