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

/// Most vouchers have one lock or none, which takes a pointer and what the lock takes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Lock>", into = "Vec<Lock>")]
pub(crate) struct Locks(Option<Box<Made>>);

#[derive(Debug, Clone, PartialEq)]
struct Made {
    oldest: Lock,
    #[expect(clippy::box_collection, reason = "a pointer takes less than a vector that is empty")]
    newer: Option<Box<Vec<Lock>>>,
}

impl Locks {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Lock> {
        let made = self.0.iter();
        made.flat_map(|made| {
            std::iter::once(&made.oldest).chain(made.newer.iter().flat_map(|newer| newer.iter()))
        })
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Lock> {
        let made = self.0.iter_mut();
        made.flat_map(|made| {
            let newer = made.newer.iter_mut().flat_map(|newer| newer.iter_mut());
            std::iter::once(&mut made.oldest).chain(newer)
        })
    }

    pub(crate) fn add(&mut self, lock: Lock) {
        let mut locks = Vec::from(std::mem::take(self));
        let place = locks.partition_point(|older| older.at() <= lock.at());
        locks.insert(place, lock);
        *self = locks.into();
    }
}

impl From<Vec<Lock>> for Locks {
    fn from(mut locks: Vec<Lock>) -> Self {
        if locks.is_empty() {
            return Self(None);
        }
        let oldest = locks.remove(0);
        let newer = (!locks.is_empty()).then(|| Box::new(locks));
        Self(Some(Box::new(Made { oldest, newer })))
    }
}

impl From<Locks> for Vec<Lock> {
    fn from(locks: Locks) -> Self {
        let Some(made) = locks.0 else { return Self::new() };
        let newer = made.newer.into_iter().flat_map(|newer| *newer);
        std::iter::once(made.oldest).chain(newer).collect()
    }
}
