//! What belongs to whom: which party or programme a thing is of, as callers of the API are held to it.
//!
//! Invariant: of a thing that is not recorded nobody is told anything.

use crate::error::Error;
use crate::spans::asked;
use crate::views::Views;

/// How a thing that an id names belongs to a party, or to a programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belonging {
    PoolOperator,
    AllocationOperator,
    ReservationOperator,
    ContractSide,
    ContractBuyer,
    ContractSeller,
    InvoiceSeller,
    InvoiceBuyer,
    DisputeBuyer,
    VoucherHolder,
    VoucherProgramme,
    /// Of a claim, or of the redemption that it became.
    ClaimProgramme,
    ApplicationProgramme,
    ClawbackProgramme,
    PaymentProgramme,
    /// Of an investment.
    Investor,
}

impl Belonging {
    /// The rows of thing $1 whose owner is among $2.
    const fn rows(self) -> &'static str {
        match self {
            Self::PoolOperator => "pools WHERE id = $1 AND operator = ANY ($2)",
            Self::AllocationOperator => {
                "pools JOIN allocations ON allocations.pool = pools.id \
                 WHERE allocations.id = $1 AND operator = ANY ($2)"
            }
            Self::ReservationOperator => {
                "pools JOIN reservations ON reservations.pool = pools.id \
                 WHERE reservations.id = $1 AND operator = ANY ($2)"
            }
            Self::ContractSide => {
                "contracts WHERE id = $1 AND (buyer = ANY ($2) OR seller = ANY ($2))"
            }
            Self::ContractBuyer => "contracts WHERE id = $1 AND buyer = ANY ($2)",
            Self::ContractSeller => "contracts WHERE id = $1 AND seller = ANY ($2)",
            Self::InvoiceSeller => "invoices WHERE id = $1 AND seller = ANY ($2)",
            Self::InvoiceBuyer => "invoices WHERE id = $1 AND buyer = ANY ($2)",
            Self::DisputeBuyer => {
                "contracts JOIN disputes ON disputes.contract = contracts.id \
                 WHERE disputes.id = $1 AND buyer = ANY ($2)"
            }
            Self::VoucherHolder => "vouchers WHERE id = $1 AND holder = ANY ($2)",
            Self::VoucherProgramme => "vouchers WHERE id = $1 AND programme = ANY ($2)",
            Self::ClaimProgramme => "voucher_facts WHERE claim = $1 AND programme = ANY ($2)",
            Self::ApplicationProgramme => {
                "voucher_facts WHERE programme = ANY ($2) \
                 AND event::JSONB #>> '{application_submitted,application,id}' = $1"
            }
            Self::ClawbackProgramme => {
                "voucher_facts WHERE programme = ANY ($2) \
                 AND event::JSONB #>> '{clawback_opened,id}' = $1"
            }
            Self::PaymentProgramme => {
                "voucher_facts WHERE programme = ANY ($2) \
                 AND event::JSONB #>> '{payment_ordered,id}' = $1"
            }
            Self::Investor => {
                "flows WHERE kind = 'investment' AND id = $1 AND from_party = ANY ($2)"
            }
        }
    }
}

impl Views {
    /// Whether the thing of this id belongs so to one of the owners.
    pub async fn belongs(&self, how: Belonging, id: &str, owners: &[&str]) -> Result<bool, Error> {
        let mut connection = self.connection().await?;
        let (transaction, _) = self.snapshot(&mut connection).await?;
        let question = format!("SELECT EXISTS (SELECT FROM {})", how.rows());
        let row = asked(&question, transaction.query_one(&question, &[&id, &owners])).await?;
        Ok(row.try_get(0)?)
    }
}
