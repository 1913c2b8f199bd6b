//! A pool's stages and its cards: one by one where their serial numbers are known, else by number.

use std::fmt;
use std::str::FromStr;

use arcstr::ArcStr;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{PartyId, PoolId};
use crate::text::{Text, names};

/// A card's serial number or UUID, as its maker wrote it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardSerial(ArcStr);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no serial number: write 1 to 64 printable ASCII characters without blanks")]
pub struct NotACardSerial(pub String);

impl CardSerial {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CardSerial {
    type Err = NotACardSerial;

    fn from_str(text: &str) -> Result<Self, NotACardSerial> {
        if !(1..=64).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(NotACardSerial(text.chars().take(80).collect()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for CardSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CardSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::text::serde_as_text!(CardSerial, "CardSerial", "^[!-~]{1,64}$", as_str);

/// How far a pool's project is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Approved,
    Building,
    Trial,
    Operating,
}

names!(Stage, "stage": Approved = "approved", Building = "building", Trial = "trial", Operating = "operating");

/// A stage is what a source says it is, in any order: a trial may be followed by more building.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageReached {
    pub pool: PoolId,
    pub stage: Stage,
    pub at: Timestamp,
    /// The permit, report or notice that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Text>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CardState {
    Racked,
    /// Powered and healthy.
    Lit,
    /// Taken out of use by its operator.
    Drained,
    Failed,
    /// Sent to its maker.
    Rma,
    /// No longer in this pool.
    Moved,
    Retired,
}

names!(CardState, "card state": Racked = "racked", Lit = "lit", Drained = "drained", Failed = "failed", Rma = "rma",
    Moved = "moved", Retired = "retired");

impl CardState {
    /// Whether the card is in the pool.
    pub const fn is_there(self) -> bool {
        match self {
            Self::Racked | Self::Lit | Self::Drained | Self::Failed | Self::Rma => true,
            Self::Moved | Self::Retired => false,
        }
    }
}

/// A card is racked in a pool. That another pool has it too is recorded, and told of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceCard {
    pub pool: PoolId,
    pub serial: CardSerial,
    pub at: Timestamp,
    /// Where it is not the pool's operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PartyId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeCard {
    pub pool: PoolId,
    pub serial: CardSerial,
    pub state: CardState,
    pub at: Timestamp,
    /// An error's number, a ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

/// From `at` on, so many of a pool's cards are in a state, until the next count of that state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountCards {
    pub pool: PoolId,
    pub state: CardState,
    pub cards: u32,
    pub at: Timestamp,
}

/// Where a pool's cards come from, one of them or all, as a source says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    pub pool: PoolId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<CardSerial>,
    pub at: Timestamp,
    pub supplier: Text,
    /// Of an invoice, a customs declaration, a lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Text>,
    pub source: Text,
}
