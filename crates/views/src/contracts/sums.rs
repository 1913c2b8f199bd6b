//! Sums and first times by contract, of what happened under it.
//!
//! Invariant: each table is asked once, by an index.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::ContractId;
use num_traits::Zero;
use rust_decimal::Decimal;
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use crate::as_of::As;
use crate::error::Error;
use crate::figures::exact;
use crate::holdings::GIVEN;
use crate::spans::asked;
use crate::table::cell;

/// What is summed of a table's rows: a name, the column, when it is from, and which rows count.
type Summed = (&'static str, &'static str, &'static str, &'static str);

const ASKED: &[(&str, &[Summed])] = &[
    ("orders", &[("ordered", "quantity", "at", "TRUE")]),
    ("allocations", &[("allocated", "cards", "at", "TRUE")]),
    ("usages", &[("metered", "card_hours", "from_at", "TRUE")]),
    ("deliveries", &[("delivered", "quantity", "at", "TRUE")]),
    (
        "invoices",
        &[("invoiced", "amount", "at", "TRUE"), ("invoiced_quantity", "quantity", "at", "TRUE")],
    ),
    (
        "flows",
        &[
            ("paid", "amount", "at", "kind = 'compute_payment'"),
            ("vouchers", "amount", "at", "kind = 'voucher_payment'"),
        ],
    ),
    (
        "advances",
        &[
            ("prepaid", "amount", "at", "kind = 'prepayment'"),
            ("deposited", "amount", "at", "kind = 'deposit'"),
        ],
    ),
    (
        "advance_uses",
        &[
            ("prepaid_used", "amount", "at", "kind = 'prepayment'"),
            ("deposited_used", "amount", "at", "kind = 'deposit'"),
            ("penalty_settled", "amount", "at", "invoice IS NULL"),
        ],
    ),
    (
        "refunds",
        &[
            ("refunded", "amount", "at", "TRUE"),
            ("prepaid_back", "amount", "at", "source = 'prepayment'"),
            ("deposited_back", "amount", "at", "source = 'deposit'"),
        ],
    ),
    ("credits", &[("credited", "amount", "at", "TRUE")]),
    ("disputes", &[("disputed", "amount", "at", OPEN)]),
];
const OPEN: &str = "id NOT IN (SELECT dispute FROM dispute_ends \
    WHERE ($1::TIMESTAMPTZ IS NULL OR at <= $1) AND ($2::TIMESTAMPTZ IS NULL OR recorded_at <= $2))";

/// The table's rows with their contract, which usage has from its allocation.
fn by_contract(table: &str) -> String {
    match table {
        "usages" => format!("{table} JOIN {GIVEN} USING (allocation)"),
        _ => table.to_owned(),
    }
}

#[derive(Debug, Default)]
pub(super) struct Done(BTreeMap<ContractId, BTreeMap<&'static str, Sum>>);

#[derive(Debug)]
struct Sum {
    amount: BigRational,
    from: Timestamp,
}

/// What happened under one contract.
#[derive(Debug)]
pub(super) struct Of<'a>(Option<&'a BTreeMap<&'static str, Sum>>);

impl Done {
    pub(super) async fn load(
        transaction: &Transaction<'_>,
        contracts: &[&str],
        seen: As,
    ) -> Result<Self, Error> {
        let mut done = Self::default();
        let times = seen.in_rows();
        for (table, summed) in ASKED {
            let columns = summed.iter().map(|(_, column, first, of)| {
                format!("sum({column}) FILTER (WHERE {of}), min({first}) FILTER (WHERE {of})")
            });
            let columns = columns.collect::<Vec<_>>().join(", ");
            let question = format!(
                "SELECT contract, {columns} FROM {} WHERE {} AND contract = ANY ($3) GROUP BY contract",
                by_contract(table),
                As::CONDITION,
            );
            let parameters: [&(dyn ToSql + Sync); 3] = [&times.of, &times.known, &contracts];
            for row in asked(&question, transaction.query(&question, &parameters)).await? {
                let sums = done.0.entry(cell(&row, 0, table, "contract")?).or_default();
                for (place, (name, ..)) in summed.iter().enumerate() {
                    let amount: Option<Decimal> = row.try_get(1 + 2 * place)?;
                    let from: Option<Timestamp> = row.try_get(2 + 2 * place)?;
                    if let Some((amount, from)) = amount.zip(from) {
                        sums.insert(name, Sum { amount: exact(amount), from });
                    }
                }
            }
        }
        Ok(done)
    }

    pub(super) fn of(&self, contract: &ContractId) -> Of<'_> {
        Of(self.0.get(contract))
    }
}

impl Of<'_> {
    pub(super) fn sum(&self, name: &str) -> BigRational {
        self.get(name).map_or_else(BigRational::zero, |sum| sum.amount.clone())
    }

    /// When the first of it was.
    pub(super) fn from(&self, name: &str) -> Option<Timestamp> {
        self.get(name).map(|sum| sum.from)
    }

    /// Of an advance, what was neither used nor given back.
    pub(super) fn held(&self, name: &str) -> BigRational {
        self.sum(name) - self.sum(&format!("{name}_used")) - self.sum(&format!("{name}_back"))
    }

    fn get(&self, name: &str) -> Option<&Sum> {
        debug_assert!(
            ASKED.iter().any(|(_, summed)| summed.iter().any(|(known, ..)| *known == name)),
            "nothing is called {name}"
        );
        self.0?.get(name)
    }
}
