//! Answer: who stands behind a party, by how much, in which way and on which facts.
//!
//! Invariant: an owner is listed where the greater of its two shares reaches the threshold; both
//! shares are told, with the way that counts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_loops::{Owner, Stake, decimal, half};
use loopledger_model::{FactId, PartyId, Percent, Position};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::as_of::As;
use crate::columns::micros;
use crate::error::Error;
use crate::figures::{exact, whole};
use crate::register::{Held, Register, StakeBasis, Standing, ownership};
use crate::views::Views;

const DIGITS: u32 = 6;

/// Whose owners are asked for, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerQuery {
    pub party: PartyId,
    /// The instant at which stakes have to be in force.
    pub at: Timestamp,
    /// The share from which on an owner is listed.
    pub threshold: Percent,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owners {
    pub position: Position,
    pub party: PartyId,
    pub at: Timestamp,
    /// Share of 1 from which on an owner is listed.
    pub threshold: String,
    /// Share of 1 from which on holders control, itself included.
    pub control_threshold: String,
    /// Who controls the party in the end; absent where nobody does.
    pub controller: Option<String>,
    /// The largest share first, then by id.
    pub owners: Vec<BeneficialOwner>,
}

/// An owner and its share of the party, a fraction of 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BeneficialOwner {
    pub owner: String,
    /// The greater of the two below.
    pub share: String,
    pub way: Way,
    /// The products of all chains together, round trips through cross-holdings included; absent
    /// where stakes circle in full.
    pub economic_share: Option<String>,
    /// What it and those that it controls hold of the party themselves.
    pub cascade_share: String,
    /// Whether the cascade share is control.
    pub controls: bool,
    /// Nobody is known to hold or manage this owner.
    pub ultimate: bool,
    /// The chain with the greatest product, or the stakes of the cascade.
    pub path: Vec<Holding>,
    pub positions: Vec<Position>,
}

/// Which share of an owner counts; the economic one where they are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    Economic,
    Cascade,
}

/// A stake on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holding {
    pub owner: String,
    pub owned: String,
    pub share: String,
    pub basis: StakeBasis,
    pub events: Vec<FactId>,
}

impl Views {
    pub async fn owners(&self, query: &OwnerQuery, seen: As) -> Result<Owners, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let register = Register::load(&transaction, seen).await?;
        drop(transaction);
        drop(connection);
        let query = query.clone();
        let look_through = move || told(position, &query, &register.at(micros(query.at)));
        let found = tokio::task::spawn_blocking(look_through).await;
        Ok(found.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic())))
    }
}

pub(crate) fn told(position: Position, query: &OwnerQuery, standing: &Standing) -> Owners {
    let economic = ownership(&standing.economic);
    let control = ownership(&standing.control);
    let threshold = exact(query.threshold.value()) / whole(100);
    let party = query.party.as_str();
    let mut owners = economic.owners(&control, party, &half());
    owners.retain(|owner| *owner.share() >= threshold);
    owners.sort_by(|a, b| b.share().cmp(a.share()).then_with(|| a.owner.cmp(&b.owner)));
    let controller = control.ultimate_controller(party, &half());
    let held: BTreeSet<&str> = standing
        .economic
        .keys()
        .chain(standing.control.keys())
        .map(|(_, owned)| owned.as_str())
        .collect();
    let told = |owner: &Owner| beneficial(owner, standing, !held.contains(owner.owner.as_str()));
    Owners {
        position,
        party: query.party.clone(),
        at: micros(query.at),
        threshold: decimal(&threshold, DIGITS),
        control_threshold: decimal(&half(), DIGITS),
        controller: (controller != party).then(|| controller.to_owned()),
        owners: owners.iter().map(told).collect(),
    }
}

fn beneficial(owner: &Owner, standing: &Standing, ultimate: bool) -> BeneficialOwner {
    let economic = owner.economic.as_ref().ok();
    let by_chains = economic.is_some_and(|economic| *economic >= owner.cascade);
    let (way, stakes, of) = if by_chains {
        (Way::Economic, &owner.chain, &standing.economic)
    } else {
        (Way::Cascade, &owner.through, &standing.control)
    };
    let path: Vec<Holding> = stakes.iter().filter_map(|stake| holding(stake, of)).collect();
    let events = path.iter().flat_map(|holding| &holding.events);
    let positions: BTreeSet<Position> = events.map(|event| event.position).collect();
    BeneficialOwner {
        owner: owner.owner.clone(),
        share: decimal(owner.share(), DIGITS),
        way,
        economic_share: economic.map(|share| decimal(share, DIGITS)),
        cascade_share: decimal(&owner.cascade, DIGITS),
        controls: owner.controls,
        ultimate,
        path,
        positions: positions.into_iter().collect(),
    }
}

fn holding(stake: &Stake, of: &BTreeMap<(PartyId, PartyId), Held>) -> Option<Holding> {
    let Stake { owner, owned, share } = stake;
    let held = of.get(&(owner.parse().ok()?, owned.parse().ok()?))?;
    Some(Holding {
        owner: owner.clone(),
        owned: owned.clone(),
        share: decimal(share, DIGITS),
        basis: held.basis,
        events: held.events.clone(),
    })
}
