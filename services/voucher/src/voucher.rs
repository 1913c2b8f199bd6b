//! One voucher: what of its face is free and what is locked to which contract; while it lives, the
//! rest was redeemed.
//!
//! Invariants: face >= free + left on its locks, and nothing is below zero. Locks stand oldest
//! first, and what is left on one goes exactly once: it is used up, released or ends with the
//! voucher.

use jiff::Timestamp;
use loopledger_model::voucher::{Ending, Funded, Profile, Refusal, VoucherIssued, VoucherLocked};
use loopledger_model::{ContractId, LockId, Money, PartyId, ProgrammeId, VoucherId};
use serde::{Deserialize, Serialize};

use crate::state::{less, plus, take_from};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Voucher {
    pub(crate) programme: ProgrammeId,
    pub(crate) holder: PartyId,
    pub(crate) face: Money,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    /// Whose rules it lives under.
    pub(crate) version: u32,
    pub(crate) stage: Stage,
    locks: Box<[Lock]>,
    /// Few programmes' vouchers have any of it, and there are many vouchers.
    rare: Option<Box<Rare>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Rare {
    profile: Option<Profile>,
    /// What each source bears of what is not redeemed; empty where there is one source.
    borne: Box<[Funded]>,
    /// The start of the budget's period that it was issued from.
    period: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Stage {
    Live { free: Money },
    Ended { ending: Ending, at: Timestamp },
}

/// A part of a voucher that is kept for one contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lock {
    pub(crate) id: LockId,
    pub(crate) contract: ContractId,
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
    pub(crate) hold: Hold,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Hold {
    /// What is left is above zero.
    Open { left: Money },
    /// What was left is free again.
    Released { at: Timestamp },
    /// Used up, or ended with the voucher.
    Gone,
}

impl Lock {
    fn left(&self) -> Option<Money> {
        match self.hold {
            Hold::Open { left } => Some(left),
            Hold::Released { .. } | Hold::Gone => None,
        }
    }

    fn close(&mut self, hold: Hold) -> Money {
        let left = self.left().expect("only an open lock is released or ended");
        self.hold = hold;
        left
    }
}

impl Voucher {
    /// The ids are those of `issued`, as the state keeps them.
    pub(crate) fn of(
        issued: &VoucherIssued,
        programme: ProgrammeId,
        holder: PartyId,
        period: Option<Timestamp>,
    ) -> Self {
        let (profile, borne) = (issued.profile.clone(), issued.funding.clone().into());
        let rare = Rare { profile, borne, period };
        Self {
            programme,
            holder,
            face: issued.amount,
            issued_at: issued.at,
            expires_at: issued.expires_at,
            version: issued.version,
            stage: Stage::Live { free: issued.amount },
            locks: Box::default(),
            rare: (rare != Rare::default()).then(|| Box::new(rare)),
        }
    }

    pub(crate) fn free(&self) -> Money {
        match self.stage {
            Stage::Live { free } => free,
            Stage::Ended { .. } => self.nothing(),
        }
    }

    pub(crate) fn locked(&self) -> Money {
        self.locks.iter().filter_map(Lock::left).fold(self.nothing(), plus)
    }

    fn nothing(&self) -> Money {
        Money::zero(self.face.currency())
    }

    pub(crate) fn lock(&self, id: &LockId) -> Option<&Lock> {
        self.locks.iter().find(|lock| lock.id == *id)
    }

    /// What is left at an instant on each of the locks to a contract, oldest first.
    pub(crate) fn left_on(
        &self,
        contract: &ContractId,
        at: Timestamp,
    ) -> impl Iterator<Item = (&LockId, Money)> {
        let made = self.locks.iter().take_while(move |lock| lock.at <= at);
        let to_contract = made.filter(|lock| lock.contract == *contract);
        to_contract.filter_map(|lock| Some((&lock.id, lock.left()?)))
    }

    /// Whether it was issued by then and has not ended.
    pub(crate) fn is_live(&self, id: &VoucherId, at: Timestamp) -> Result<(), Refusal> {
        let (voucher, issued_at) = (id.clone(), self.issued_at);
        if at < issued_at {
            return Err(Refusal::BeforeIssue { voucher, issued_at, at });
        }
        match self.stage {
            Stage::Live { .. } => Ok(()),
            Stage::Ended { ending, at: ended_at } => {
                Err(Refusal::VoucherEnded { voucher, ending, ended_at })
            }
        }
    }

    /// Whether it can be locked or redeemed then.
    pub(crate) fn is_usable(&self, id: &VoucherId, at: Timestamp) -> Result<(), Refusal> {
        self.is_live(id, at)?;
        let passed = self.expires_at.filter(|expires_at| at > *expires_at);
        passed.map_or(Ok(()), |expires_at| {
            Err(Refusal::OutOfDate { voucher: id.clone(), expires_at })
        })
    }

    pub(crate) fn stated_profile(&self) -> Option<&Profile> {
        self.rare.as_ref()?.profile.as_ref()
    }

    pub(crate) fn profile(&self) -> Profile {
        self.stated_profile().cloned().unwrap_or_default()
    }

    /// What each source bears of what is not redeemed; nothing where there is one source.
    pub(crate) fn borne(&self) -> &[Funded] {
        self.rare.as_ref().map_or(&[], |rare| &rare.borne)
    }

    /// Each source's part of what is redeemed, or ends, is borne no more.
    pub(crate) fn unburden(&mut self, funding: &[Funded]) {
        if let Some(rare) = &mut self.rare {
            take_from(&mut rare.borne, funding);
        }
    }

    /// The start of the budget's period that it was issued from.
    pub(crate) fn period(&self) -> Option<Timestamp> {
        self.rare.as_ref()?.period
    }

    /// Whether the buyer of a contract is who holds it.
    pub(crate) fn is_held_by(
        &self,
        buyer: &PartyId,
        id: &VoucherId,
        contract: &ContractId,
    ) -> Result<(), Refusal> {
        if self.holder == *buyer {
            return Ok(());
        }
        Err(Refusal::NotTheHolder {
            voucher: id.clone(),
            holder: self.holder.clone(),
            contract: contract.clone(),
            buyer: buyer.clone(),
        })
    }

    pub(crate) fn keep(&mut self, locked: &VoucherLocked, contract: ContractId) {
        *self.free_mut() = less(self.free(), locked.amount);
        let lock = Lock {
            id: locked.id.clone(),
            contract,
            amount: locked.amount,
            at: locked.at,
            hold: Hold::Open { left: locked.amount },
        };
        let place = self.locks.partition_point(|older| older.at <= lock.at);
        let mut locks = std::mem::take(&mut self.locks).into_vec();
        locks.insert(place, lock);
        self.locks = locks.into_boxed_slice();
    }

    /// What was left on the lock, and the contract that it was kept for.
    pub(crate) fn release(&mut self, id: &LockId, at: Timestamp) -> (Money, ContractId) {
        let lock = self.lock_mut(id);
        let (left, contract) = (lock.close(Hold::Released { at }), lock.contract.clone());
        *self.free_mut() = plus(self.free(), left);
        (left, contract)
    }

    pub(crate) fn redeem(&mut self, id: &LockId, amount: Money) {
        let lock = self.lock_mut(id);
        let left = less(lock.left().expect("only an open lock is redeemed"), amount);
        lock.hold = if left.is_zero() { Hold::Gone } else { Hold::Open { left } };
    }

    /// What was left on the locks, each with the contract that it was kept for.
    pub(crate) fn end(&mut self, ending: Ending, at: Timestamp) -> Vec<(Money, ContractId)> {
        let stage = std::mem::replace(&mut self.stage, Stage::Ended { ending, at });
        assert!(matches!(stage, Stage::Live { .. }), "a voucher ends once");
        let open = self.locks.iter_mut().filter(|lock| lock.left().is_some());
        open.map(|lock| (lock.close(Hold::Gone), lock.contract.clone())).collect()
    }

    fn free_mut(&mut self) -> &mut Money {
        match &mut self.stage {
            Stage::Live { free } => free,
            Stage::Ended { ending, at } => panic!("the voucher is {ending} since {at}"),
        }
    }

    fn lock_mut(&mut self, id: &LockId) -> &mut Lock {
        let lock = self.locks.iter_mut().find(|lock| lock.id == *id);
        lock.expect("a recorded lock stays with its voucher")
    }
}
