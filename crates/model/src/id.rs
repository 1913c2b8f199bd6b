//! Identifiers: the caller's own names for things, checked once where they enter.
//!
//! Invariant: every id matches `[A-Za-z0-9._:-]{1,64}`, so it can stand in a subject, a URL or a file as it is.

use std::fmt;
use std::str::FromStr;

use arcstr::ArcStr;

/// The longest id, in characters.
pub const MAX_ID_LENGTH: usize = 64;
/// The longest command id: room for an id and for what it was derived from.
pub const MAX_COMMAND_ID_LENGTH: usize = 128;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no {what}: write 1 to {longest} characters of letters, digits, dot, underscore, \
     colon and hyphen"
)]
pub struct NotAnId {
    pub what: &'static str,
    pub text: String,
    pub longest: usize,
}

fn check(what: &'static str, text: &str, longest: usize) -> Result<(), NotAnId> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b':' | b'-');
    if text.is_empty() || text.len() > longest || !text.bytes().all(allowed) {
        let text = text.chars().take(80).collect();
        return Err(NotAnId { what, text, longest });
    }
    Ok(())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $longest:expr, $pattern:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ArcStr);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                check($what, text, $longest)?;
                Ok(Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        $crate::text::serde_as_text!($name, stringify!($name), $pattern, as_str);
    )*};
}

ids! {
    /// A legal entity: government body, provider, fund, company or other. A fund is a party too.
    PartyId, "party id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    ProgrammeId, "programme id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    VoucherId, "voucher id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    LockId, "lock id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    RedemptionId, "redemption id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    SettlementId, "settlement id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    ApplicationId, "application id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    ClawbackId, "clawback id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    RecoveryId, "recovery id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    /// Somebody who reviews, approves or asks: never a name, a staff number or an account.
    PersonId, "person id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    CommitmentId, "commitment id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    CommitmentChangeId, "id of a commitment's change", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    CommitmentTransferId, "id of a commitment's transfer", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    CallId, "call id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    ExcessReturnId, "id of a returned excess", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    RecallId, "recall id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    FeeId, "fee id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    FeePaymentId, "id of a fee's payment", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    FeeReductionId, "id of a fee's reduction", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    ExpenseId, "expense id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    CarryId, "id of carry", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    LineDrawId, "id of a line's draw", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    LinePaymentId, "id of a line's payment", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    ExitId, "exit id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    ValuationId, "valuation id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    ContributionId, "contribution id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    InvestmentId, "investment id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    DistributionId, "distribution id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    RecognitionId, "recognition id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    NavId, "NAV id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    TransferId, "transfer id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    ContractId, "contract id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    InvoiceId, "invoice id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    DeliveryId, "delivery id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    OrderId, "order id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    AdvanceUseId, "advance use id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    RefundId, "refund id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    CreditId, "credit id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    DisputeId, "dispute id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    PaymentId, "payment id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    PoolId, "pool id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    AllocationId, "allocation id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    ReservationId, "reservation id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    /// Of electricity.
    ReadingId, "reading id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    UsageId, "usage id", MAX_ID_LENGTH, "^[A-Za-z0-9._:-]{1,64}$";
    /// What makes a command the same command when it is sent again.
    CommandId, "command id", MAX_COMMAND_ID_LENGTH, "^[A-Za-z0-9._:-]{1,128}$";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_the_callers_spelling() {
        let id: PartyId = "Provider-A:1.2_3".parse().expect("valid");
        assert_eq!(id.to_string(), "Provider-A:1.2_3");
    }

    #[test]
    fn an_empty_long_or_odd_id_is_refused() {
        let long = "x".repeat(MAX_ID_LENGTH + 1);
        for text in ["", "a b", "a/b", "é", "a,b", long.as_str()] {
            assert!(text.parse::<PartyId>().is_err(), "{text}");
        }
        assert!("x".repeat(MAX_ID_LENGTH).parse::<PartyId>().is_ok());
        assert!(long.parse::<CommandId>().is_ok());
    }
}
