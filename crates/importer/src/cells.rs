//! The cells of one row, read one by one; whatever is wrong with any of them is told.
//!
//! Invariant: what comes back as `None` was told as a problem, of this row or of the row that it
//! refers to.

use std::collections::BTreeSet;
use std::fmt::Display;

use jiff::Timestamp;
use loopledger_model::allocation::{CardSerial, CardState, ReservationEnding, Stage};
use loopledger_model::fund::{
    ChangeKind, DistributionKind, FeeBasis, LinePart, RecognitionKind, Reduction,
};
use loopledger_model::purchase::{
    AdvanceKind, ContractKind, ContractSide, ContractUnit, CreditReason, DisputeOutcome, Rating,
    RefundOf, TerminationReason,
};
use loopledger_model::registry::{ControlStatus, PartyKind, PriceUnit};
use loopledger_model::voucher::{
    AdmissionChange, Affiliation, ApplicantKind, ClawbackTrigger, ComputeOrigin, Ending,
    EvidenceKind, Person, ProgrammeStage, Purpose, Side,
};
use loopledger_model::{
    AdvanceUseId, AllocationId, ApplicationId, CallId, CardHours, CardModel, CarryId, ClawbackId,
    CommitmentChangeId, CommitmentId, CommitmentTransferId, ContractId, ContributionId, Country,
    CreditId, Currency, DeliveryId, DisputeId, DistributionId, ExcessReturnId, ExitId, ExpenseId,
    FeeId, FeePaymentId, FeeReductionId, InvestmentId, InvoiceId, KilowattHours, Lei, LineDrawId,
    LinePaymentId, LockId, Money, NavId, OrderId, OversellFactor, PFlops, PartyId, PaymentId,
    Percent, Period, PersonId, PoolId, Portion, Precision, Price, ProgrammeId, Quantity, Ratio,
    ReadingId, RecallId, RecognitionId, RecoveryId, RedemptionId, RefundId, ReservationId,
    RoundingMode, SettlementId, Sha256, Sparsity, Text, TransferId, UsageId, Uscc, ValuationId,
    VoucherId, Watts, WorkloadClass, parse_instant, parse_plain,
};

use super::bundle::Sheet;
use super::files::Column;
use super::known::{CurrencyOf, Known};
use super::problem::{Problem, Problems};
use super::rfc4180::Record;

/// What a cell can hold. The error says what is wrong and what to write.
pub(super) trait Cell: Sized {
    fn read(text: &str) -> Result<Self, String>;
}

macro_rules! cells {
    ($($type:ty),* $(,)?) => {$(
        impl Cell for $type {
            fn read(text: &str) -> Result<Self, String> {
                text.parse().map_err(|error| said(&error))
            }
        }
    )*};
}

cells!(
    AdvanceUseId,
    CreditId,
    DisputeId,
    OrderId,
    RefundId,
    AllocationId,
    ApplicationId,
    CallId,
    ClawbackId,
    CommitmentChangeId,
    CommitmentTransferId,
    ExcessReturnId,
    RecallId,
    CarryId,
    ExitId,
    ExpenseId,
    FeeId,
    FeePaymentId,
    FeeReductionId,
    LineDrawId,
    LinePaymentId,
    ValuationId,
    LinePart,
    Reduction,
    ChangeKind,
    DistributionKind,
    FeeBasis,
    CommitmentId,
    ContractId,
    ContributionId,
    DistributionId,
    InvestmentId,
    DeliveryId,
    InvoiceId,
    LockId,
    NavId,
    PartyId,
    PaymentId,
    RecognitionId,
    RecognitionKind,
    PersonId,
    PoolId,
    ProgrammeId,
    RecoveryId,
    RedemptionId,
    SettlementId,
    TransferId,
    UsageId,
    VoucherId,
    CardModel,
    CardSerial,
    CardState,
    ControlStatus,
    KilowattHours,
    OversellFactor,
    ReadingId,
    ReservationEnding,
    ReservationId,
    Stage,
    WorkloadClass,
    Country,
    Currency,
    Lei,
    Text,
    Uscc,
    AdmissionChange,
    AdvanceKind,
    Affiliation,
    ApplicantKind,
    ClawbackTrigger,
    ComputeOrigin,
    ContractKind,
    ContractSide,
    ContractUnit,
    CreditReason,
    DisputeOutcome,
    Ending,
    EvidenceKind,
    PartyKind,
    Precision,
    PriceUnit,
    ProgrammeStage,
    Purpose,
    Rating,
    RefundOf,
    Sha256,
    Side,
    Sparsity,
    TerminationReason,
    CardHours,
    PFlops,
    Percent,
    Portion,
    Price,
    Quantity,
    Ratio,
    Watts,
);

fn said(error: &dyn Display) -> String {
    error.to_string()
}

impl Cell for Timestamp {
    fn read(text: &str) -> Result<Self, String> {
        parse_instant(text).map_err(|error| said(&error))
    }
}

/// Apart by blanks, each once.
impl Cell for BTreeSet<WorkloadClass> {
    fn read(text: &str) -> Result<Self, String> {
        let words = text.split(' ').map(WorkloadClass::read);
        let mut classes = Self::new();
        for class in words {
            if !classes.insert(class?) {
                return Err(format!("`{text}` names a class twice: name it once"));
            }
        }
        Ok(classes)
    }
}

macro_rules! whole_numbers {
    ($($type:ty),*) => {$(
        impl Cell for $type {
            fn read(text: &str) -> Result<Self, String> {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|_| digits).ok_or_else(|| {
                    let text: String = text.chars().take(40).collect();
                    format!("`{text}` is no whole number: write digits only, at most {}", Self::MAX)
                })
            }
        }
    )*};
}

whole_numbers!(u32, u64);

impl Cell for bool {
    fn read(text: &str) -> Result<Self, String> {
        named(text, &[("true", true), ("false", false)])
    }
}

impl Cell for RoundingMode {
    fn read(text: &str) -> Result<Self, String> {
        let (truncate, half_up, half_even) = (Self::Truncate, Self::HalfUp, Self::HalfEven);
        named(text, &[("truncate", truncate), ("half_up", half_up), ("half_even", half_even)])
    }
}

pub(super) fn named<T: Copy>(text: &str, names: &[(&str, T)]) -> Result<T, String> {
    names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let text: String = text.chars().take(40).collect();
        let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
        format!("`{text}` is not known here: write one of {}", names.join(" "))
    })
}

/// The cells of one row.
pub(super) struct Cells<'a> {
    pub sheet: &'a Sheet<'a>,
    pub record: &'a Record<'a>,
    pub known: &'a Known<'a>,
    pub problems: &'a mut Problems,
}

impl<'a> Cells<'a> {
    /// Tells what is wrong with a cell; the answer is what a reader of it has then.
    pub fn wrong<T>(&mut self, column: &str, reason: impl Into<String>) -> Option<T> {
        self.problems.add(Problem {
            file: self.sheet.file.name.to_owned(),
            line: Some(self.record.line),
            column: Some(column.to_owned()),
            reason: reason.into(),
        });
        None
    }

    pub fn is_blank(&self, column: &str) -> bool {
        self.text(column).trim().is_empty()
    }

    pub fn one<T: Cell>(&mut self, column: &str) -> Option<T> {
        if self.is_blank(column) {
            return self.wrong(column, "is blank: it has to be given");
        }
        let text = self.text(column);
        match T::read(text) {
            Err(reason) => self.wrong(column, reason),
            Ok(_) if self.names_party(column) && !self.known.has_party(text) => {
                let reason = format!(
                    "no party `{text}` is in parties.csv or in the ledger: add it to parties.csv"
                );
                self.wrong(column, reason)
            }
            Ok(value) => Some(value),
        }
    }

    /// A blank cell, or one of a column that the file leaves out, is absent.
    pub fn maybe<T: Cell>(&mut self, column: &str) -> Option<Option<T>> {
        if self.is_blank(column) { Some(None) } else { self.one(column).map(Some) }
    }

    /// The currency of the row: its own, or that of what it belongs to, here or in the ledger.
    pub fn currency(&mut self) -> Option<Currency> {
        match self.known.currency(self.sheet, self.record) {
            CurrencyOf::Row => self.one("currency"),
            CurrencyOf::Known(currency) => Some(currency),
            CurrencyOf::ToldElsewhere => None,
            CurrencyOf::Unknown { column, file, id } => {
                let reason = format!(
                    "no {column} `{id}` is in {file} or in the ledger, \
                     so the currency is not known: add it to {file}"
                );
                self.wrong(column, reason)
            }
        }
    }

    /// Without a currency, of which was told already, only the form of the amount is looked at.
    pub fn money(&mut self, column: &str, currency: Option<Currency>) -> Option<Money> {
        if self.is_blank(column) {
            return self.wrong(column, "is blank: it has to be given");
        }
        let text = self.text(column);
        let money = match currency {
            Some(currency) => Money::parse(text, currency).map(Some).map_err(|error| said(&error)),
            None => parse_plain(text).map(|_| None).map_err(|error| said(&error)),
        };
        money.unwrap_or_else(|reason| self.wrong(column, reason))
    }

    pub fn maybe_money(
        &mut self,
        column: &str,
        currency: Option<Currency>,
    ) -> Option<Option<Money>> {
        if self.is_blank(column) { Some(None) } else { self.money(column, currency).map(Some) }
    }

    /// The columns `from` and `to`.
    pub fn period(&mut self) -> Option<Period> {
        let (from, to) = (self.one("from"), self.one("to"));
        Period::new(from?, to?).map_or_else(|error| self.wrong("to", said(&error)), Some)
    }

    /// The column `to` where it may be left open.
    pub fn maybe_end(&mut self, from: Option<Timestamp>) -> Option<Option<Timestamp>> {
        let Some(to) = self.maybe("to")? else { return Some(None) };
        let period = Period::new(from?, to);
        period.map_or_else(|error| self.wrong("to", said(&error)), |period| Some(Some(period.to())))
    }

    /// The columns `by` and `of`: somebody, and the party that they act for.
    pub fn person(&mut self) -> Option<Person> {
        let (id, of) = (self.one("by"), self.one("of"));
        Some(Person { id: id?, of: of? })
    }

    /// Several names in one cell, apart by spaces; a blank cell has none.
    pub fn several<T: Cell>(&mut self, column: &str) -> Option<Vec<T>> {
        let names = self.text(column).split_ascii_whitespace();
        let read: Result<Vec<_>, _> = names.map(T::read).collect();
        read.map_or_else(|reason| self.wrong(column, reason), Some)
    }

    pub fn text(&self, column: &str) -> &'a str {
        self.sheet.cell(self.record, column)
    }

    fn names_party(&self, column: &str) -> bool {
        self.sheet.columns().any(|Column { name, names_party, .. }| names_party && name == column)
    }
}
