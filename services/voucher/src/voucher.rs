//! One voucher: what of its face is free and what is locked to which contract; while it lives, the
//! rest was redeemed.
//!
//! Invariants: face >= free + left on its locks, and nothing is below zero.

use jiff::Timestamp;
use loopledger_model::voucher::{Ending, Funded, Profile, Refusal, VoucherIssued, VoucherLocked};
use loopledger_model::{ContractId, LockId, Money, PartyId, ProgrammeId, VoucherId};
use serde::{Deserialize, Serialize};

use crate::locks::{Hold, Lock, Locks};
use crate::packed::{PackedMoney, PackedTime};
use crate::state::{less, plus, take_from};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Voucher {
    pub(crate) programme: ProgrammeId,
    pub(crate) holder: PartyId,
    face: PackedMoney,
    issued_at: PackedTime,
    expires_at: Option<PackedTime>,
    /// Whose rules it lives under.
    pub(crate) version: u32,
    stage: Stage,
    /// There are many vouchers, and most of them have none of it before they are locked.
    beside: Option<Box<Beside>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Beside {
    locks: Locks,
    /// Few programmes' vouchers have any of it.
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
enum Stage {
    Live { free: PackedMoney },
    Ended { ending: Ending, at: PackedTime },
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
        let rare = (rare != Rare::default()).then(|| Box::new(rare));
        Self {
            programme,
            holder,
            face: issued.amount.into(),
            issued_at: issued.at.into(),
            expires_at: issued.expires_at.map(PackedTime::from),
            version: issued.version,
            stage: Stage::Live { free: issued.amount.into() },
            beside: rare.map(|rare| Box::new(Beside { rare: Some(rare), ..Beside::default() })),
        }
    }

    pub(crate) fn face(&self) -> Money {
        self.face.into()
    }

    pub(crate) fn issued_at(&self) -> Timestamp {
        self.issued_at.into()
    }

    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at.map(Timestamp::from)
    }

    /// How and when it ended.
    pub(crate) fn ended(&self) -> Option<(Ending, Timestamp)> {
        match self.stage {
            Stage::Live { .. } => None,
            Stage::Ended { ending, at } => Some((ending, at.into())),
        }
    }

    pub(crate) fn free(&self) -> Money {
        match self.stage {
            Stage::Live { free } => free.into(),
            Stage::Ended { .. } => self.nothing(),
        }
    }

    pub(crate) fn locked(&self) -> Money {
        self.locks().filter_map(Lock::left).fold(self.nothing(), plus)
    }

    fn nothing(&self) -> Money {
        Money::zero(self.face().currency())
    }

    pub(crate) fn lock(&self, id: &LockId) -> Option<&Lock> {
        self.locks().find(|lock| lock.id == *id)
    }

    /// What is left at an instant on each of the locks to a contract, oldest first.
    pub(crate) fn left_on(
        &self,
        contract: &ContractId,
        at: Timestamp,
    ) -> impl Iterator<Item = (&LockId, Money)> {
        let made = self.locks().take_while(move |lock| lock.at() <= at);
        let to_contract = made.filter(|lock| lock.contract == *contract);
        to_contract.filter_map(|lock| Some((&lock.id, lock.left()?)))
    }

    /// Whether it was issued by then and has not ended.
    pub(crate) fn is_live(&self, id: &VoucherId, at: Timestamp) -> Result<(), Refusal> {
        let (voucher, issued_at) = (id.clone(), self.issued_at());
        if at < issued_at {
            return Err(Refusal::BeforeIssue { voucher, issued_at, at });
        }
        self.ended().map_or(Ok(()), |(ending, ended_at)| {
            Err(Refusal::VoucherEnded { voucher, ending, ended_at })
        })
    }

    /// Whether it can be locked or redeemed then.
    pub(crate) fn is_usable(&self, id: &VoucherId, at: Timestamp) -> Result<(), Refusal> {
        self.is_live(id, at)?;
        let passed = self.expires_at().filter(|expires_at| at > *expires_at);
        passed.map_or(Ok(()), |expires_at| {
            Err(Refusal::OutOfDate { voucher: id.clone(), expires_at })
        })
    }

    pub(crate) fn stated_profile(&self) -> Option<&Profile> {
        self.rare()?.profile.as_ref()
    }

    pub(crate) fn profile(&self) -> Profile {
        self.stated_profile().cloned().unwrap_or_default()
    }

    /// What each source bears of what is not redeemed; nothing where there is one source.
    pub(crate) fn borne(&self) -> &[Funded] {
        self.rare().map_or(&[], |rare| &rare.borne)
    }

    /// Each source's part of what is redeemed, or ends, is borne no more.
    pub(crate) fn unburden(&mut self, funding: &[Funded]) {
        let beside = self.beside.as_mut();
        if let Some(rare) = beside.and_then(|beside| beside.rare.as_mut()) {
            take_from(&mut rare.borne, funding);
        }
    }

    /// The start of the budget's period that it was issued from.
    pub(crate) fn period(&self) -> Option<Timestamp> {
        self.rare()?.period
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
        self.set_free(less(self.free(), locked.amount));
        self.beside.get_or_insert_default().locks.add(Lock::of(locked, contract));
    }

    /// What was left on the lock, and the contract that it was kept for.
    pub(crate) fn release(&mut self, id: &LockId, at: Timestamp) -> (Money, ContractId) {
        let lock = self.lock_mut(id);
        let (left, contract) =
            (lock.close(Hold::Released { at: at.into() }), lock.contract.clone());
        self.set_free(plus(self.free(), left));
        (left, contract)
    }

    pub(crate) fn redeem(&mut self, id: &LockId, amount: Money) {
        let lock = self.lock_mut(id);
        lock.leave(less(lock.left().expect("only an open lock is redeemed"), amount));
    }

    /// What was left on the locks, each with the contract that it was kept for.
    pub(crate) fn end(&mut self, ending: Ending, at: Timestamp) -> Vec<(Money, ContractId)> {
        assert!(self.ended().is_none(), "a voucher ends once");
        self.stage = Stage::Ended { ending, at: at.into() };
        let open = self.locks_mut().filter(|lock| lock.left().is_some());
        open.map(|lock| (lock.close(Hold::Gone), lock.contract.clone())).collect()
    }

    pub(crate) fn locks(&self) -> impl Iterator<Item = &Lock> {
        self.beside.iter().flat_map(|beside| beside.locks.iter())
    }

    fn locks_mut(&mut self) -> impl Iterator<Item = &mut Lock> {
        self.beside.iter_mut().flat_map(|beside| beside.locks.iter_mut())
    }

    fn rare(&self) -> Option<&Rare> {
        self.beside.as_ref()?.rare.as_deref()
    }

    fn set_free(&mut self, free: Money) {
        if let Some((ending, at)) = self.ended() {
            panic!("the voucher is {ending} since {at}");
        }
        self.stage = Stage::Live { free: free.into() };
    }

    fn lock_mut(&mut self, id: &LockId) -> &mut Lock {
        let lock = self.locks_mut().find(|lock| lock.id == *id);
        lock.expect("a recorded lock stays with its voucher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voucher_takes_little_room() {
        assert_eq!((size_of::<Voucher>(), size_of::<Beside>()), (72, 64));
    }
}
