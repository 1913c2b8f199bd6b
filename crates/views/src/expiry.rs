//! Vouchers that are past their expiry and have not been ended: what a timer has to see to.

use jiff::Timestamp;
use loopledger_model::{Currency, Money, VoucherId};
use rust_decimal::Decimal;

use crate::columns::micros;
use crate::error::Error;
use crate::spans::asked;
use crate::table::cell;
use crate::views::Views;

/// A voucher with something free or locked after its last day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    pub voucher: VoucherId,
    pub expires_at: Timestamp,
    /// Free and locked.
    pub left: Money,
}

const OVERDUE: &str =
    "SELECT id, expires_at, currency, face + moved AS rest FROM vouchers, LATERAL (
        SELECT coalesce(sum(free_change + locked_change), 0) AS moved, \
               coalesce(bool_or(kind IN ('expired', 'revoked', 'surrendered')), FALSE) AS ended
        FROM voucher_moves WHERE voucher = vouchers.id) AS moves
    WHERE expires_at < $1 AND id > $2 AND NOT ended AND face + moved > 0
    ORDER BY id LIMIT $3";

impl Views {
    /// So many of those that were overdue at an instant, in the order of their ids, behind one.
    pub async fn overdue(
        &self,
        at: Timestamp,
        behind: Option<&VoucherId>,
        most: u32,
    ) -> Result<Vec<Overdue>, Error> {
        let mut connection = self.connection().await?;
        let (transaction, _) = self.snapshot(&mut connection).await?;
        let behind = behind.map_or("", VoucherId::as_str);
        let rows =
            asked(OVERDUE, transaction.query(OVERDUE, &[&micros(at), &behind, &i64::from(most)]))
                .await?;
        let read = |row| {
            Ok(Overdue {
                voucher: cell(row, 0, "vouchers", "id")?,
                expires_at: cell(row, 1, "vouchers", "expires_at")?,
                left: money(
                    cell(row, 3, "vouchers", "face")?,
                    cell(row, 2, "vouchers", "currency")?,
                ),
            })
        };
        rows.iter().map(read).collect()
    }
}

fn money(amount: Decimal, currency: Currency) -> Money {
    Money::new(amount, currency).expect("what is left of an amount in a currency is one")
}
