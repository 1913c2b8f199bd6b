//! A caller: a role, and what it speaks for.

use std::collections::BTreeSet;
use std::str::FromStr;

use loopledger_model::{PartyId, ProgrammeId};
use loopledger_views::Reader;
use serde::{Deserialize, Serialize};

use super::rules::Owned;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the ledger: sees and does everything.
    Operator,
    /// Reads everything; each of its requests is on record.
    Regulator,
    ProgrammeOffice,
    Reviewer,
    Provider,
    FundManager,
    Company,
}

impl Role {
    pub const ALL: [Self; 7] = [
        Self::Operator,
        Self::Regulator,
        Self::ProgrammeOffice,
        Self::Reviewer,
        Self::Provider,
        Self::FundManager,
        Self::Company,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Regulator => "regulator",
            Self::ProgrammeOffice => "programme_office",
            Self::Reviewer => "reviewer",
            Self::Provider => "provider",
            Self::FundManager => "fund_manager",
            Self::Company => "company",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role: write {known}", known = Role::ALL.map(Role::name).join(", "))]
pub struct NotARole(String);

impl FromStr for Role {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, NotARole> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| NotARole(text.chars().take(80).collect()))
    }
}

/// As a token's claims name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    #[serde(rename = "sub")]
    pub subject: String,
    pub role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<PartyId>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub programmes: BTreeSet<ProgrammeId>,
    /// Parties that are funds which it manages.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub funds: BTreeSet<PartyId>,
}

impl Caller {
    pub fn operator() -> Self {
        let (subject, role) = ("operator".to_owned(), Role::Operator);
        Self { subject, role, party: None, programmes: BTreeSet::new(), funds: BTreeSet::new() }
    }

    /// Whose rows it may be shown.
    pub(super) fn reader(&self) -> Reader {
        match self.role {
            Role::Operator | Role::Regulator => Reader::Everything,
            Role::ProgrammeOffice
            | Role::Reviewer
            | Role::Provider
            | Role::FundManager
            | Role::Company => Reader::Own {
                parties: self.party.iter().chain(&self.funds).cloned().collect(),
                programmes: self.programmes.iter().cloned().collect(),
            },
        }
    }

    pub fn is(&self, party: &PartyId) -> bool {
        self.party.as_ref() == Some(party) || self.funds.contains(party)
    }

    /// The ids of this kind that the token itself names.
    fn own(&self, of: Owned) -> Vec<&str> {
        match of {
            Owned::Party => self.party.iter().map(PartyId::as_str).collect(),
            Owned::Programme => self.programmes.iter().map(ProgrammeId::as_str).collect(),
            Owned::Fund => self.funds.iter().map(PartyId::as_str).collect(),
            Owned::Pool | Owned::Contract => Vec::new(),
        }
    }

    pub(super) fn has(&self, asked: &str, of: Owned) -> bool {
        self.own(of).contains(&asked)
    }

    /// The one that it has, where it has exactly one.
    pub(super) fn only(&self, of: Owned) -> Option<&str> {
        match self.own(of)[..] {
            [only] => Some(only),
            [] | [_, _, ..] => None,
        }
    }
}
