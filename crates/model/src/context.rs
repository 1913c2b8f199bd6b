//! The contexts of the ledger and where a fact stands in its journal.
//!
//! Invariant: a position is the sequence of a commit in the one ledger stream, so positions of all contexts compare.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One bounded context: it decides its own facts and only reads the others'.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Context {
    Registry,
    Voucher,
    Fund,
    Purchase,
    Allocation,
}

impl Context {
    pub const ALL: [Self; 5] =
        [Self::Registry, Self::Voucher, Self::Fund, Self::Purchase, Self::Allocation];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Voucher => "voucher",
            Self::Fund => "fund",
            Self::Purchase => "purchase",
            Self::Allocation => "allocation",
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Context {
    type Err = UnknownContext;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|context| context.name() == name)
            .ok_or_else(|| UnknownContext(name.to_owned()))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no context of this ledger")]
pub struct UnknownContext(pub String);

/// One journal: a context and one of its partitions. It has one writer at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    pub context: Context,
    pub number: u32,
}

impl Partition {
    /// The only partition of a context that is not split.
    pub const fn first(context: Context) -> Self {
        Self { context, number: 0 }
    }
}

/// `voucher.0`: the tail of its journal subject and of its command subject.
impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.context, self.number)
    }
}

impl FromStr for Partition {
    type Err = UnknownContext;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownContext(text.to_owned());
        let (context, number) = text.split_once('.').ok_or_else(unknown)?;
        Ok(Self { context: context.parse()?, number: number.parse().map_err(|_| unknown())? })
    }
}

/// The sequence of a commit in the ledger stream; 0 stands before the first commit.
pub type Position = u64;

/// The name of one fact: its commit's position and its place in that commit, written `123.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactId {
    pub position: Position,
    pub index: u32,
}

impl fmt::Display for FactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.position, self.index)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no fact: write position.index, as in 123.0")]
pub struct NotAFactId(pub String);

impl FromStr for FactId {
    type Err = NotAFactId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotAFactId(text.to_owned());
        let (position, index) = text.split_once('.').ok_or_else(wrong)?;
        Ok(Self {
            position: position.parse().map_err(|_| wrong())?,
            index: index.parse().map_err(|_| wrong())?,
        })
    }
}

crate::text::serde_as_text!(FactId, "FactId", r"^[0-9]+\.[0-9]+$");
