//! What rows of a bundle may refer to because the ledger knows it already.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_model::Currency;

use crate::error::Error;
use crate::reader::see_everything;
use crate::spans::asked;
use crate::table::cell;
use crate::views::Views;

/// A thing that has a currency of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denominated {
    Fund,
    Programme,
    Contract,
    Voucher,
    Invoice,
    Redemption,
}

impl Denominated {
    /// The table, and the condition under which a row of it is such a thing.
    const fn source(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Fund => ("funds", "id", "TRUE"),
            Self::Programme => ("programmes", "id", "TRUE"),
            Self::Contract => ("contracts", "id", "TRUE"),
            Self::Voucher => ("vouchers", "id", "TRUE"),
            Self::Invoice => ("invoices", "id", "TRUE"),
            Self::Redemption => ("voucher_moves", "redemption", "kind = 'redeemed'"),
        }
    }
}

impl Views {
    /// The currencies of those of these things that are recorded.
    pub async fn currencies(
        &self,
        of: Denominated,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Currency>, Error> {
        let (table, id, condition) = of.source();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut connection = self.connection().await?;
        let (transaction, _) = self.snapshot(&mut connection).await?;
        // Whose thing it is, and what may be done with it, is its decider's to say.
        see_everything(&transaction).await?;
        let sql =
            format!("SELECT {id}, currency FROM {table} WHERE {id} = ANY ($1) AND {condition}");
        let rows = asked(&sql, transaction.query(&sql, &[&ids])).await?;
        rows.iter()
            .map(|row| Ok((cell(row, 0, table, id)?, cell(row, 1, table, "currency")?)))
            .collect()
    }
}
