//! Books kept from the recorded events alone, to check the state and the limits against.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use loopledger_model::voucher::{Ending, Event, Programme, VoucherEnded};
use loopledger_model::{
    ContractId, InvoiceId, LockId, Money, PartyId, ProgrammeId, RedemptionId, VoucherId,
};

use crate::State;

/// Minor units.
type Cents = i128;

#[derive(Default)]
struct Balance {
    face: Cents,
    free: Cents,
    locked: Cents,
    redeemed: Cents,
    ended: BTreeMap<Ending, Cents>,
}

#[derive(Default)]
pub struct Books {
    programmes: BTreeMap<ProgrammeId, Programme>,
    vouchers: BTreeMap<VoucherId, Balance>,
    locks: BTreeMap<LockId, (VoucherId, ContractId, Cents)>,
    /// Faces less what ended.
    committed: BTreeMap<ProgrammeId, Cents>,
    issued: BTreeMap<(ProgrammeId, PartyId, i16), Cents>,
    on_contracts: BTreeMap<(ProgrammeId, ContractId), Cents>,
    on_invoices: BTreeMap<InvoiceId, BTreeMap<ProgrammeId, Cents>>,
    redemptions: BTreeMap<RedemptionId, (Cents, Cents)>,
}

fn year(at: Timestamp) -> i16 {
    at.to_zoned(TimeZone::UTC).year()
}

impl Books {
    fn voucher(&mut self, id: &VoucherId) -> &mut Balance {
        self.vouchers.get_mut(id).expect("the voucher was issued")
    }

    pub fn enter(&mut self, event: &Event) {
        match event {
            Event::ProgrammeDefined(terms) => {
                self.programmes.insert(terms.id.clone(), Programme::clone(terms));
            }
            Event::ProviderAdmitted(_)
            | Event::ProgrammeDrafted(_)
            | Event::ProgrammeChanged(_)
            | Event::AdmissionAppliedFor(_)
            | Event::AdmissionChanged(_)
            | Event::WaiverApproved(_)
            | Event::ApplicationSubmitted(_)
            | Event::ClaimSubmitted(_)
            | Event::Reviewed(_)
            | Event::PaymentOrdered(_)
            | Event::PaymentFailed(_)
            | Event::ClawbackOpened(_)
            | Event::ClawbackAssessed(_)
            | Event::ClawbackRecovered(_)
            | Event::ClawbackWrittenOff(_) => {}
            Event::VoucherIssued(issued) => {
                let face = issued.amount.minor_units();
                let balance = Balance { face, free: face, ..Balance::default() };
                self.vouchers.insert(issued.id.clone(), balance);
                *self.committed.entry(issued.programme.clone()).or_default() += face;
                let key = (issued.programme.clone(), issued.holder.clone(), year(issued.at));
                *self.issued.entry(key).or_default() += face;
            }
            Event::VoucherLocked(locked) => {
                let amount = locked.amount.minor_units();
                let balance = self.voucher(&locked.voucher);
                balance.free -= amount;
                balance.locked += amount;
                let key = (locked.programme.clone(), locked.contract.clone());
                *self.on_contracts.entry(key).or_default() += amount;
                let lock = (locked.voucher.clone(), locked.contract.clone(), amount);
                self.locks.insert(locked.id.clone(), lock);
            }
            Event::LockReleased(released) => {
                let amount = released.amount.minor_units();
                let balance = self.voucher(&released.voucher);
                balance.free += amount;
                balance.locked -= amount;
                self.let_go(&released.programme, &released.lock, amount, true);
            }
            Event::VoucherRedeemed(redeemed) => {
                let amount = redeemed.amount.minor_units();
                let balance = self.voucher(&redeemed.voucher);
                balance.locked -= amount;
                balance.redeemed += amount;
                let taken = redeemed.taken_from.iter().map(|part| part.amount.minor_units());
                assert_eq!(taken.sum::<Cents>(), amount, "the parts add up");
                for part in &redeemed.taken_from {
                    let taken = part.amount.minor_units();
                    self.let_go(&redeemed.programme, &part.lock, taken, false);
                }
                let claims = self.on_invoices.entry(redeemed.invoice.clone()).or_default();
                *claims.entry(redeemed.programme.clone()).or_default() += amount;
                self.redemptions.insert(redeemed.id.clone(), (amount, 0));
            }
            Event::RedemptionSettled(settled) => {
                let redemption = self.redemptions.get_mut(&settled.redemption);
                redemption.expect("it was redeemed").1 += settled.amount.minor_units();
            }
            Event::VoucherEnded(ended) => self.end(ended),
        }
    }

    fn end(&mut self, ended: &VoucherEnded) {
        let (free, locked) = (ended.free.minor_units(), ended.locked.minor_units());
        let balance = self.voucher(&ended.voucher);
        balance.free -= free;
        balance.locked -= locked;
        *balance.ended.entry(ended.ending).or_default() += free + locked;
        assert_eq!((balance.free, balance.locked), (0, 0), "all of it is gone");
        *self.committed.entry(ended.programme.clone()).or_default() -= free + locked;
        let of_it = self.locks.iter().filter(|(_, lock)| lock.0 == ended.voucher);
        let of_it: Vec<_> = of_it.map(|(id, lock)| (id.clone(), lock.2)).collect();
        assert_eq!(of_it.iter().map(|(_, left)| left).sum::<Cents>(), locked);
        for (lock, left) in of_it {
            self.let_go(&ended.programme, &lock, left, true);
        }
    }

    fn let_go(&mut self, programme: &ProgrammeId, lock: &LockId, amount: Cents, freed: bool) {
        let (_, contract, left) = self.locks.get_mut(lock).expect("the lock was made");
        *left -= amount;
        if freed {
            let key = (programme.clone(), contract.clone());
            *self.on_contracts.entry(key).or_default() -= amount;
        }
    }

    pub fn assert_balanced(&self, state: &State) {
        for (id, balance) in &self.vouchers {
            let Balance { face, free, locked, redeemed, ended } = balance;
            let ended: Cents = ended.values().sum();
            assert_eq!(*face, free + locked + redeemed + ended, "{id}");
            let least = [*free, *locked, *redeemed, ended].into_iter().min();
            assert!(least >= Some(0), "{id} has an amount below zero");
            let voucher = state.voucher(id).expect("the voucher is issued");
            let known = (voucher.free().minor_units(), voucher.locked().minor_units());
            assert_eq!(known, (*free, *locked), "{id}");
        }
        assert!(self.locks.values().all(|(_, _, left)| *left >= 0), "a lock is overdrawn");
        self.assert_within_limits();
    }

    fn assert_within_limits(&self) {
        for (programme, committed) in &self.committed {
            let terms = &self.programmes[programme];
            assert!(*committed <= terms.budget.minor_units(), "{programme} is above its budget");
        }
        for ((programme, holder, year), issued) in &self.issued {
            let cap = self.programmes[programme].rules.cap_holder_year.map(Money::minor_units);
            assert!(cap.is_none_or(|cap| *issued <= cap), "{holder} is above its cap of {year}");
        }
        // 30 % of 350 or 1,000 on the contracts, of 200 or 100 on the invoices.
        for ((programme, contract), taken) in &self.on_contracts {
            let limit = if contract.as_str() == "k-1" { 10_500 } else { 30_000 };
            assert!((0..=limit).contains(taken), "{programme} has {taken} on {contract}");
        }
        for (invoice, claims) in &self.on_invoices {
            assert_eq!(claims.len(), 1, "{invoice} is claimed by two programmes");
            let limit = if invoice.as_str() == "in-3" { 3_000 } else { 6_000 };
            assert!(claims.values().all(|redeemed| *redeemed <= limit), "{invoice}");
        }
        for (redemption, (amount, paid)) in &self.redemptions {
            assert!(paid <= amount, "{redemption} is paid twice");
        }
    }
}
