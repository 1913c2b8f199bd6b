//! A voucher's locks: the parts of it that are each kept for one contract.
//!
//! Invariants: they stand oldest first, and what is left on one goes exactly once: it is used up, released or ends
//! with the voucher.

use jiff::Timestamp;
use loopledger_model::voucher::VoucherLocked;
use loopledger_model::{ContractId, LockId, Money};
use serde::{Deserialize, Serialize};

use crate::packed::{PackedMoney, PackedTime};

/// A part of a voucher that is kept for one contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lock {
    pub(crate) id: LockId,
    pub(crate) contract: ContractId,
    amount: PackedMoney,
    at: PackedTime,
    hold: Hold,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Hold {
    /// What is left is above zero.
    Open { left: PackedMoney },
    /// What was left is free again.
    Released { at: PackedTime },
    /// Used up, or ended with the voucher.
    Gone,
}

impl Lock {
    /// The contract's id is that of `locked`, as the state keeps it.
    pub(crate) fn of(locked: &VoucherLocked, contract: ContractId) -> Self {
        let amount = locked.amount.into();
        Self {
            id: locked.id.clone(),
            contract,
            amount,
            at: locked.at.into(),
            hold: Hold::Open { left: amount },
        }
    }

    pub(crate) fn amount(&self) -> Money {
        self.amount.into()
    }

    pub(crate) fn at(&self) -> Timestamp {
        self.at.into()
    }

    /// What is left, while it is open.
    pub(crate) fn left(&self) -> Option<Money> {
        match self.hold {
            Hold::Open { left } => Some(left.into()),
            Hold::Released { .. } | Hold::Gone => None,
        }
    }

    pub(crate) fn released_at(&self) -> Option<Timestamp> {
        match self.hold {
            Hold::Released { at } => Some(at.into()),
            Hold::Open { .. } | Hold::Gone => None,
        }
    }

    pub(crate) fn leave(&mut self, left: Money) {
        self.hold = if left.is_zero() { Hold::Gone } else { Hold::Open { left: left.into() } };
    }

    /// What was left.
    pub(crate) fn close(&mut self, hold: Hold) -> Money {
        let left = self.left().expect("only an open lock is released or ended");
        self.hold = hold;
        left
    }
}

/// Few vouchers have more than one lock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Lock>", into = "Vec<Lock>")]
pub(crate) struct Locks {
    oldest: Option<Lock>,
    #[expect(clippy::box_collection, reason = "a pointer takes less than an empty vector")]
    newer: Option<Box<Vec<Lock>>>,
}

impl Locks {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Lock> {
        self.oldest.iter().chain(self.newer.iter().flat_map(|newer| newer.iter()))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Lock> {
        self.oldest.iter_mut().chain(self.newer.iter_mut().flat_map(|newer| newer.iter_mut()))
    }

    pub(crate) fn add(&mut self, lock: Lock) {
        let mut locks = Vec::from(std::mem::take(self));
        let place = locks.partition_point(|older| older.at() <= lock.at());
        locks.insert(place, lock);
        *self = locks.into();
    }
}

impl From<Vec<Lock>> for Locks {
    fn from(locks: Vec<Lock>) -> Self {
        let mut locks = locks.into_iter();
        let oldest = locks.next();
        let newer: Vec<_> = locks.collect();
        Self { oldest, newer: (!newer.is_empty()).then(|| Box::new(newer)) }
    }
}

impl From<Locks> for Vec<Lock> {
    fn from(locks: Locks) -> Self {
        let newer = locks.newer.into_iter().flat_map(|newer| *newer);
        locks.oldest.into_iter().chain(newer).collect()
    }
}
