//! A flow: money that moved from one party to another, and the one order in which all flows stand.
//!
//! Invariant: flows are ordered by effective time, then by where they were recorded. No two flows
//! are recorded at one place, so the order is total, and "later" always means later in it.

use std::fmt;

/// A party's handle, given out by [`Graph::party`](crate::Graph::party).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Party(pub(crate) u32);

/// A currency's handle, given out by [`Graph::currency`](crate::Graph::currency).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Currency(pub(crate) u32);

/// The caller's own handle of a flow; nothing is derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowId(pub u64);

/// Where a fact was recorded: its commit's position and its place in that commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recorded {
    pub position: u64,
    pub index: u32,
}

/// A point in the total order of flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// When it took effect, in microseconds since the Unix epoch.
    pub at: i64,
    pub recorded: Recorded,
}

impl Moment {
    /// Before every flow.
    pub(crate) const MIN: Self =
        Self { at: i64::MIN, recorded: Recorded { position: 0, index: 0 } };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A limited partner to its fund.
    Contribution,
    /// A fund or any party to a company.
    Investment,
    Distribution,
    /// A buyer's own cash to its provider.
    ComputePayment,
    /// Government to a provider, for an invoice of `buyer`'s.
    VoucherPayment {
        buyer: Option<Party>,
    },
    Refund,
    Transfer,
}

impl Kind {
    pub const fn is_capital(self) -> bool {
        matches!(self, Self::Contribution | Self::Investment)
    }

    pub const fn is_compute(self) -> bool {
        matches!(self, Self::ComputePayment)
    }

    /// Which legs of a loop this kind of money can make.
    pub(crate) const fn leg(self) -> Option<Leg> {
        match self {
            Self::Contribution | Self::Investment => Some(Leg::Capital),
            Self::ComputePayment => Some(Leg::Compute),
            Self::Distribution | Self::VoucherPayment { .. } | Self::Refund | Self::Transfer => {
                None
            }
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Contribution => "contribution",
            Self::Investment => "investment",
            Self::Distribution => "distribution",
            Self::ComputePayment => "compute_payment",
            Self::VoucherPayment { .. } => "voucher_payment",
            Self::Refund => "refund",
            Self::Transfer => "transfer",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The two sorts of legs that a loop is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leg {
    Capital,
    Compute,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    pub id: FlowId,
    pub from: Party,
    pub to: Party,
    pub kind: Kind,
    /// Minor units of the currency, from 1 to [`Flow::MAX_AMOUNT`].
    pub amount: i128,
    pub currency: Currency,
    /// When it took effect, in microseconds since the Unix epoch.
    pub at: i64,
    pub recorded: Recorded,
}

impl Flow {
    /// A thousand million flows of this amount still add up without overflow.
    pub const MAX_AMOUNT: i128 = 10_i128.pow(29);

    pub const fn moment(&self) -> Moment {
        Moment { at: self.at, recorded: self.recorded }
    }
}

/// Why a flow cannot be taken into a graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    #[error(
        "flow recorded at {}.{} has amount {amount}: give 1 to {} minor units",
        recorded.position, recorded.index, Flow::MAX_AMOUNT
    )]
    AmountOutOfRange { recorded: Recorded, amount: i128 },
    #[error(
        "a flow recorded at {}.{} is already in the graph: give every flow a place of its own",
        recorded.position, recorded.index
    )]
    AlreadyAdded { recorded: Recorded },
}
