//! registry: who the parties are, who owns whom, what a card can do and what compute costs elsewhere.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compute::{Basis, CardModel, WorkloadClass};
use crate::decimal::{PFlops, Percent, Price, Watts};
use crate::id::PartyId;
use crate::legal_id::{Lei, Uscc};
use crate::money::Currency;
use crate::text::{Country, Text, names};

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    Government,
    Provider,
    Fund,
    Company,
    Other,
}

names!(PartyKind, "kind of party": Government = "government", Provider = "provider", Fund = "fund",
    Company = "company", Other = "other");

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Party {
    pub id: PartyId,
    pub at: Timestamp,
    pub name: Text,
    pub kind: PartyKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uscc: Option<Uscc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lei: Option<Lei>,
}

/// From `at` on, `owner` holds `percent` of `owned`, until `to` or until a later stake of the same two parties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stake {
    pub owner: PartyId,
    pub owned: PartyId,
    pub percent: Percent,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// What one card of a model gives on one basis, as one source has it; sources may disagree, and all are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CardSpec {
    pub model: CardModel,
    pub basis: Basis,
    pub p_per_card: PFlops,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tdp_w: Option<Watts>,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Text>,
}

/// What a reference price is the price of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PriceUnit {
    CardHour,
    CardMonth,
    ServerMonth,
    PMonth,
    PYear,
    CoreHour,
    MillionTokens,
}

names!(PriceUnit, "price unit": CardHour = "card_hour", CardMonth = "card_month", ServerMonth = "server_month",
    PMonth = "p_month", PYear = "p_year", CoreHour = "core_hour", MillionTokens = "million_tokens");

/// A reference price that a source stated for a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferencePrice {
    pub model: CardModel,
    pub unit: PriceUnit,
    pub price: Price,
    pub currency: Currency,
    pub at: Timestamp,
    pub source: Text,
}

/// What a card can be used for from `at` on, as a source says; what it leaves out it says the card is not made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    pub model: CardModel,
    pub workloads: BTreeSet<WorkloadClass>,
    pub at: Timestamp,
    pub source: Text,
}

/// How a card's export to a country is controlled.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ControlStatus {
    Unrestricted,
    LicenceRequired,
    CaseByCase,
    PresumptionOfDenial,
    Denied,
}

names!(ControlStatus, "control status": Unrestricted = "unrestricted", LicenceRequired = "licence_required",
    CaseByCase = "case_by_case", PresumptionOfDenial = "presumption_of_denial", Denied = "denied");

/// A control status from `at` on, as a source says. It is shown beside a pool's cards and judges nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlStatement {
    pub model: CardModel,
    pub destination: Country,
    pub status: ControlStatus,
    pub at: Timestamp,
    pub source: Text,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    RegisterParty(Party),
    RecordStake(Stake),
    PublishCardSpec(CardSpec),
    ObservePrice(ReferencePrice),
    StateCapability(Capability),
    StateControl(ControlStatement),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    PartyRegistered(Party),
    StakeRecorded(Stake),
    CardSpecPublished(CardSpec),
    PriceObserved(ReferencePrice),
    CapabilityStated(Capability),
    ControlStated(ControlStatement),
}

impl Event {
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::PartyRegistered(party) => party.at,
            Self::StakeRecorded(stake) => stake.at,
            Self::CardSpecPublished(spec) => spec.at,
            Self::PriceObserved(price) => price.at,
            Self::CapabilityStated(capability) => capability.at,
            Self::ControlStated(control) => control.at,
        }
    }
}

/// Why the registry says no, the first that applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    #[error("party {party} is registered already, with other content")]
    PartyExists { party: PartyId },
    #[error("party {party} is not registered")]
    UnknownParty { party: PartyId },
    #[error("{party} cannot hold a stake in itself")]
    OwnStake { party: PartyId },
    #[error("a stake has to end after it begins ({at} to {to})")]
    EmptyStake { at: Timestamp, to: Timestamp },
    #[error("the stake of {owner} in {owned} from {at} is recorded already, with other content")]
    StakeExists { owner: PartyId, owned: PartyId, at: Timestamp },
    #[error(
        "this source's figures for {model} {basis} from {at} are published already, \
         with other content: {p_per_card} P"
    )]
    CardSpecExists { model: CardModel, basis: Basis, at: Timestamp, p_per_card: PFlops },
    #[error(
        "this source's price of {model} per {unit} on {at} is recorded already: {price} {currency}"
    )]
    PriceExists {
        model: CardModel,
        unit: PriceUnit,
        at: Timestamp,
        price: Price,
        currency: Currency,
    },
    #[error("{said_by} says of {model} from {at} no class of workload: name at least one")]
    NoWorkloads { model: CardModel, at: Timestamp, said_by: Text },
    #[error("{said_by} says from {at} what {model} can be used for already, with other content")]
    CapabilityExists { model: CardModel, at: Timestamp, said_by: Text },
    #[error("{said_by} says of {model} for {destination} from {at} already: {status}")]
    ControlExists {
        model: CardModel,
        destination: Country,
        at: Timestamp,
        status: ControlStatus,
        said_by: Text,
    },
}
