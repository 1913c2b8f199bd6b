//! Money that a buyer paid in advance, and how much of it is still held.
//!
//! Invariant: 0 <= held <= received.

use loopledger_model::{Currency, Money, MoneyError};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advance {
    pub received: Money,
    /// Set against invoices or a penalty, or given back.
    pub spent: Money,
}

impl Advance {
    pub fn none(currency: Currency) -> Self {
        Self { received: Money::zero(currency), spent: Money::zero(currency) }
    }

    pub fn held(&self) -> Result<Money, MoneyError> {
        self.received.checked_sub(self.spent)
    }
}
