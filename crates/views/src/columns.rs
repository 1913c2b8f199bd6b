//! How each type of the published language stands in a column.
//!
//! Invariant: what is written is read back as the same value.

use jiff::Timestamp;
use loopledger_model::allocation::{CardSerial, CardState, ReservationEnding, Stage};
use loopledger_model::fund::{self, RecognitionKind};
use loopledger_model::purchase::{
    AdvanceKind, ContractKind, ContractSide, ContractUnit, CreditReason, DisputeOutcome, Rating,
    RefundOf, TerminationReason, Terms,
};
use loopledger_model::registry::{ControlStatus, PartyKind, PriceUnit};
use loopledger_model::voucher::{Affiliation, Event};
use loopledger_model::{
    AdvanceUseId, AllocationId, CardHours, CardModel, ContractId, Country, CreditId, Currency,
    DeliveryId, DisputeId, FromJson as _, InvoiceId, KilowattHours, Lei, LockId, NavId, OrderId,
    OversellFactor, PFlops, PartyId, PaymentId, Percent, PersonId, PoolId, Precision, Price,
    ProgrammeId, Quantity, Ratio, ReadingId, RecognitionId, RedemptionId, RefundId, ReservationId,
    RoundingMode, SettlementId, Sparsity, Text, UsageId, Uscc, VoucherId, Watts, WorkloadClass,
};
use rust_decimal::Decimal;
use tokio_postgres::types::{FromSql, ToSql, Type};

use crate::cell::Cell;
use crate::flow_kind::FlowKind;
use crate::rows::MoveKind;

/// A value that one column holds.
pub(crate) trait Column: Sized {
    const TYPE: Type;
    type Sql<'a>: Cell + ToSql + FromSql<'a> + Sync
    where
        Self: 'a;

    fn sql(&self) -> Self::Sql<'_>;

    /// `Err` is what was found where this version has no such value.
    fn read(found: Self::Sql<'_>) -> Result<Self, String>;
}

/// The instant as rows keep it: to the microsecond, and from the first year, before which the ways
/// of writing instants part, to the last whole second that a timestamp can name.
pub fn micros(at: Timestamp) -> Timestamp {
    const FIRST: i64 = -62_135_596_800_000_000;
    const LAST: i64 = 253_402_207_200_000_000;
    Timestamp::from_microsecond(at.as_microsecond().clamp(FIRST, LAST))
        .expect("every microsecond from the first year to the last second is an instant")
}

macro_rules! as_they_are {
    ($($type:ty: $sql:ident),* $(,)?) => {$(
        impl Column for $type {
            const TYPE: Type = Type::$sql;
            type Sql<'a> = $type;

            fn sql(&self) -> $type {
                *self
            }

            fn read(found: $type) -> Result<Self, String> {
                Ok(found)
            }
        }
    )*};
}

as_they_are!(bool: BOOL, i32: INT4, i64: INT8, Decimal: NUMERIC, Timestamp: TIMESTAMPTZ);

macro_rules! as_integers {
    ($($type:ty),*) => {$(
        impl Column for $type {
            const TYPE: Type = Type::INT8;
            type Sql<'a> = i64;

            fn sql(&self) -> i64 {
                i64::try_from(*self).expect("positions and numbers of cards stay below 2^63")
            }

            fn read(found: i64) -> Result<Self, String> {
                Self::try_from(found).map_err(|_| found.to_string())
            }
        }
    )*};
}

as_integers!(u32, u64);

macro_rules! as_numbers {
    ($($type:ty),* $(,)?) => {$(
        impl Column for $type {
            const TYPE: Type = Type::NUMERIC;
            type Sql<'a> = Decimal;

            fn sql(&self) -> Decimal {
                self.value()
            }

            fn read(found: Decimal) -> Result<Self, String> {
                Self::new(found).map_err(|_| found.to_string())
            }
        }
    )*};
}

as_numbers!(
    CardHours,
    KilowattHours,
    OversellFactor,
    PFlops,
    Percent,
    Price,
    Quantity,
    Ratio,
    Watts
);

macro_rules! as_text {
    ($($type:ty),* $(,)?) => {$(
        impl Column for $type {
            const TYPE: Type = Type::TEXT;
            type Sql<'a> = &'a str;

            fn sql(&self) -> &str {
                self.as_str()
            }

            fn read(found: &str) -> Result<Self, String> {
                found.parse().map_err(|_| found.to_owned())
            }
        }
    )*};
}

as_text!(
    AdvanceUseId,
    AllocationId,
    CardModel,
    CardSerial,
    ContractId,
    CreditId,
    Currency,
    DeliveryId,
    DisputeId,
    InvoiceId,
    LockId,
    NavId,
    OrderId,
    PaymentId,
    PersonId,
    ReadingId,
    ReservationId,
    RecognitionId,
    RefundId,
    PartyId,
    PoolId,
    ProgrammeId,
    RedemptionId,
    SettlementId,
    String,
    Text,
    UsageId,
    VoucherId,
);

macro_rules! as_names {
    ($($type:ty),* $(,)?) => {$(
        impl Column for $type {
            const TYPE: Type = Type::TEXT;
            type Sql<'a> = &'a str;

            fn sql(&self) -> &str {
                self.name()
            }

            fn read(found: &str) -> Result<Self, String> {
                found.parse().map_err(|_| found.to_owned())
            }
        }
    )*};
}

as_names!(
    AdvanceKind,
    Affiliation,
    CardState,
    ContractKind,
    ContractSide,
    ControlStatus,
    ReservationEnding,
    Stage,
    WorkloadClass,
    ContractUnit,
    CreditReason,
    DisputeOutcome,
    FlowKind,
    MoveKind,
    PartyKind,
    Precision,
    PriceUnit,
    Rating,
    RecognitionKind,
    RefundOf,
    Sparsity,
    TerminationReason
);

macro_rules! as_written {
    ($($type:ty),* $(,)?) => {$(
        impl Column for $type {
            const TYPE: Type = Type::TEXT;
            type Sql<'a> = String;

            fn sql(&self) -> String {
                self.to_string()
            }

            fn read(found: String) -> Result<Self, String> {
                found.parse().map_err(|_| found)
            }
        }
    )*};
}

as_written!(Country, Lei, Uscc);

impl Column for RoundingMode {
    const TYPE: Type = Type::TEXT;
    type Sql<'a> = &'a str;

    fn sql(&self) -> &str {
        match self {
            Self::Truncate => "truncate",
            Self::HalfUp => "half_up",
            Self::HalfEven => "half_even",
        }
    }

    fn read(found: &str) -> Result<Self, String> {
        [Self::Truncate, Self::HalfUp, Self::HalfEven]
            .into_iter()
            .find(|mode| mode.sql() == found)
            .ok_or_else(|| found.to_owned())
    }
}

macro_rules! as_json {
    ($($type:ty, read by $read:expr;)*) => {$(
        impl Column for $type {
            const TYPE: Type = Type::TEXT;
            type Sql<'a> = String;

            fn sql(&self) -> String {
                serde_json::to_string(self).expect("what is in an event is JSON")
            }

            fn read(found: String) -> Result<Self, String> {
                $read(&found).map_err(|_| found)
            }
        }
    )*};
}

as_json! {
    Event, read by Event::from_json;
    fund::Event, read by fund::Event::from_json;
    Box<Terms>, read by serde_json::from_str;
}

impl Column for Vec<u8> {
    const TYPE: Type = Type::BYTEA;
    type Sql<'a> = &'a [u8];

    fn sql(&self) -> &[u8] {
        self
    }

    fn read(found: &[u8]) -> Result<Self, String> {
        Ok(found.to_owned())
    }
}

impl<T: Column> Column for Option<T> {
    const TYPE: Type = T::TYPE;
    type Sql<'a>
        = Option<T::Sql<'a>>
    where
        T: 'a;

    fn sql(&self) -> Option<T::Sql<'_>> {
        self.as_ref().map(T::sql)
    }

    fn read(found: Option<T::Sql<'_>>) -> Result<Self, String> {
        found.map(T::read).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loopledger_testkit::at;

    #[test]
    fn an_instant_is_cut_to_its_microsecond_and_to_the_years_that_can_be_written() {
        assert_eq!(micros(at("2025-03-01T00:00:00.123456789Z")), at("2025-03-01T00:00:00.123456Z"));
        assert_eq!(micros(Timestamp::MIN), at("0001-01-01"));
        assert_eq!(micros(at("0001-01-01")), at("0001-01-01"));
        assert_eq!(micros(Timestamp::MAX), at("9999-12-30T22:00:00Z"));
    }
}
