//! The published language of the ledger: what every context, reader and auditor agrees on. No I/O, no clock.
//!
//! Invariant: nothing here rounds, truncates or loses a digit unless its name says so.

pub mod allocation;
mod command;
mod commit;
mod compute;
mod context;
mod decimal;
mod evidence;
mod from_json;
pub mod fund;
pub mod hex;
mod id;
mod legal_id;
mod money;
pub mod purchase;
pub mod registry;
mod routing;
mod text;
mod time;
mod told;
pub mod voucher;

pub use command::ContextCommand;
pub use commit::{BODY_TYPE, Body, Digest, Entry, Event, Fact, Recorded, Unreadable, facts};
pub use compute::{
    Basis, CardModel, Compute, ComputeError, NotACardModel, Precision, Sparsity, WorkloadClass,
};
pub use context::{Context, FactId, NotAFactId, Partition, Position, UnknownContext};
pub use decimal::{
    CardHours, KilowattHours, NotADecimal, OversellFactor, PFlops, Percent, Portion, Price,
    Quantity, Ratio, Watts, parse_plain,
};
pub use evidence::{Evidence, NotASha256, Sha256};
pub use from_json::FromJson;
pub use id::{
    AdvanceUseId, AllocationId, ApplicationId, CallId, CarryId, ClawbackId, CommandId,
    CommitmentChangeId, CommitmentId, CommitmentTransferId, ContractId, ContributionId, CreditId,
    DeliveryId, DisputeId, DistributionId, ExcessReturnId, ExitId, ExpenseId, FeeId, FeePaymentId,
    FeeReductionId, InvestmentId, InvoiceId, LineDrawId, LinePaymentId, LockId,
    MAX_COMMAND_ID_LENGTH, MAX_ID_LENGTH, NavId, NotAnId, OrderId, PartyId, PaymentId, PersonId,
    PoolId, ProgrammeId, ReadingId, RecallId, RecognitionId, RecoveryId, RedemptionId, RefundId,
    ReservationId, SettlementId, TransferId, UsageId, ValuationId, VoucherId,
};
pub use legal_id::{Lei, NotALegalId, Uscc};
pub use money::{Currency, Money, MoneyError, NotACurrency, Rounding, RoundingMode};
pub use routing::{
    Apart, MAX_PARTITIONS, NotPartitions, OtherCount, Partitions, Routed, StatedPartitions,
    partition_key,
};
pub use text::{Country, NotACountry, NotAName, NotText, Text};
pub use time::{EmptyPeriod, NotADate, Period, parse_instant};
