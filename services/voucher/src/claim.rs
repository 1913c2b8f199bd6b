//! A claim as it is kept: what was asked, what it rests on and how far its review is.

use loopledger_model::voucher::{ClaimSubmitted, SubmitClaim};
use loopledger_model::{CardHours, ContractId, Money, PartyId, UsageId};
use serde::{Deserialize, Serialize};

use crate::review::Progress;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) asked: SubmitClaim,
    pub(crate) version: u32,
    pub(crate) contract: ContractId,
    pub(crate) holder: PartyId,
    pub(crate) provider: PartyId,
    pub(crate) payee: PartyId,
    /// What the rules came to when it was submitted.
    pub(crate) amount: Money,
    pub(crate) card_hours: Option<CardHours>,
    pub(crate) usage: Vec<UsageId>,
    pub(crate) progress: Progress,
}

impl Claim {
    pub(crate) fn of(submitted: &ClaimSubmitted) -> Self {
        let asked = submitted.claim.clone();
        let kinds = asked.evidence.iter().map(|item| item.kind).collect();
        Self {
            version: submitted.version,
            contract: submitted.contract.clone(),
            holder: submitted.holder.clone(),
            provider: submitted.provider.clone(),
            payee: submitted.payee.clone(),
            amount: submitted.amount,
            card_hours: submitted.card_hours,
            usage: submitted.usage.clone(),
            progress: Progress::new(asked.at, kinds),
            asked,
        }
    }
}
