//! What the voucher context knows of itself: the fold of its own events.
//!
//! Invariants: every recorded amount is counted in its voucher, in its programme's account and on
//! its contract or invoice, or nowhere. Ids that several entries name are kept once. A log that
//! contradicts itself panics.

use std::collections::BTreeMap;
use std::fmt::Display;

use jiff::Timestamp;
use loopledger_model::voucher::{
    Event, LockReleased, RedemptionSettled, Refusal, SettleRedemption, VoucherEnded, VoucherIssued,
    VoucherLocked, VoucherRedeemed,
};
use loopledger_model::{
    ContractId, InvoiceId, LockId, Money, PartyId, ProgrammeId, RedemptionId, SettlementId,
    VoucherId,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::programme::Account;
use crate::voucher::{Lock, Voucher};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    programmes: BTreeMap<ProgrammeId, Account>,
    /// Boxed, since the nodes of a map that grows at its end stay half empty.
    vouchers: BTreeMap<VoucherId, Box<Voucher>>,
    /// Whose part each lock is.
    locks: BTreeMap<LockId, VoucherId>,
    invoices: BTreeMap<InvoiceId, Claimed>,
    redemptions: BTreeMap<RedemptionId, Redemption>,
    settlements: BTreeMap<SettlementId, SettleRedemption>,
}

/// An invoice on which something was redeemed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claimed {
    pub(crate) programme: ProgrammeId,
    pub(crate) contract: ContractId,
    pub(crate) provider: PartyId,
    /// From all vouchers.
    pub(crate) redeemed: Money,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Redemption {
    pub(crate) voucher: VoucherId,
    pub(crate) invoice: InvoiceId,
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
    pub(crate) paid: Money,
}

/// A redemption with what it brought together.
pub(crate) struct Redeemed<'a> {
    pub(crate) redemption: &'a Redemption,
    pub(crate) voucher: &'a Voucher,
    pub(crate) account: &'a Account,
    pub(crate) invoice: &'a Claimed,
}

impl State {
    pub(crate) fn programme(&self, id: &ProgrammeId) -> Option<&Account> {
        self.programmes.get(id)
    }

    pub(crate) fn voucher(&self, id: &VoucherId) -> Option<&Voucher> {
        self.vouchers.get(id).map(Box::as_ref)
    }

    /// A voucher and its programme.
    pub(crate) fn issued(&self, id: &VoucherId) -> Result<(&Voucher, &Account), Refusal> {
        let unknown = || Refusal::UnknownVoucher { voucher: id.clone() };
        let voucher = self.voucher(id).ok_or_else(unknown)?;
        Ok((voucher, self.account(&voucher.programme)))
    }

    fn account(&self, programme: &ProgrammeId) -> &Account {
        self.programme(programme).expect(DEFINED)
    }

    /// A lock, and the voucher that it is a part of.
    pub(crate) fn lock(&self, id: &LockId) -> Option<(&Lock, &VoucherId)> {
        let voucher = self.locks.get(id)?;
        Some((self.vouchers.get(voucher)?.lock(id)?, voucher))
    }

    pub(crate) fn claimed(&self, invoice: &InvoiceId) -> Option<&Claimed> {
        self.invoices.get(invoice)
    }

    pub(crate) fn redemption(&self, id: &RedemptionId) -> Option<&Redemption> {
        self.redemptions.get(id)
    }

    pub(crate) fn redeemed(&self, id: &RedemptionId) -> Result<Redeemed<'_>, Refusal> {
        let unknown = || Refusal::UnknownRedemption { redemption: id.clone() };
        let redemption = self.redemption(id).ok_or_else(unknown)?;
        let (voucher, account) = self.issued(&redemption.voucher)?;
        let invoice = self.claimed(&redemption.invoice).expect("a redemption claims its invoice");
        Ok(Redeemed { redemption, voucher, account, invoice })
    }

    pub(crate) fn settlement(&self, id: &SettlementId) -> Option<&SettleRedemption> {
        self.settlements.get(id)
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::ProgrammeDefined(terms) => {
                insert_new(&mut self.programmes, &terms.id, Account::of(terms.clone()));
            }
            Event::ProviderAdmitted(admission) => {
                self.programmes.get_mut(&admission.programme).expect(DEFINED).admit(admission);
            }
            Event::VoucherIssued(issued) => self.add(issued),
            Event::VoucherLocked(locked) => self.keep(locked),
            Event::LockReleased(released) => self.release(released),
            Event::VoucherRedeemed(redeemed) => self.redeem(redeemed),
            Event::RedemptionSettled(settled) => self.settle(settled),
            Event::VoucherEnded(ended) => self.end(ended),
        }
    }

    fn add(&mut self, issued: &VoucherIssued) {
        let programme = shared(&self.programmes, &issued.programme);
        let account = self.programmes.get_mut(&programme).expect(DEFINED);
        let holder = account.issue(&issued.holder, issued.amount, issued.at);
        let voucher = Voucher::of(issued, programme, holder);
        insert_new(&mut self.vouchers, &issued.id, Box::new(voucher));
    }

    fn keep(&mut self, locked: &VoucherLocked) {
        let owner = shared(&self.vouchers, &locked.voucher);
        insert_new(&mut self.locks, &locked.id, owner);
        let (voucher, account) = self.parts(&locked.voucher);
        let contract = account.take(&locked.contract, locked.amount);
        voucher.keep(locked, contract);
    }

    fn release(&mut self, released: &LockReleased) {
        let (voucher, account) = self.parts(&released.voucher);
        let (left, contract) = voucher.release(&released.lock, released.at);
        assert_eq!(left, released.amount, "what lock {} had left was released", released.lock);
        account.give_back(&contract, left);
    }

    fn redeem(&mut self, redeemed: &VoucherRedeemed) {
        let (voucher, _) = self.parts(&redeemed.voucher);
        for taken in &redeemed.taken_from {
            voucher.redeem(&taken.lock, taken.amount);
        }
        let nothing = Money::zero(redeemed.amount.currency());
        let claimed = self.invoices.entry(redeemed.invoice.clone()).or_insert_with(|| Claimed {
            programme: shared(&self.programmes, &redeemed.programme),
            contract: redeemed.contract.clone(),
            provider: redeemed.provider.clone(),
            redeemed: nothing,
        });
        claimed.redeemed = plus(claimed.redeemed, redeemed.amount);
        let redemption = Redemption {
            voucher: shared(&self.vouchers, &redeemed.voucher),
            invoice: shared(&self.invoices, &redeemed.invoice),
            amount: redeemed.amount,
            at: redeemed.at,
            paid: nothing,
        };
        insert_new(&mut self.redemptions, &redeemed.id, redemption);
    }

    fn settle(&mut self, settled: &RedemptionSettled) {
        let settlement = SettleRedemption {
            id: settled.id.clone(),
            redemption: shared(&self.redemptions, &settled.redemption),
            amount: settled.amount,
            at: settled.at,
            reference: settled.reference.clone(),
        };
        let redemption = self.redemptions.get_mut(&settled.redemption);
        let redemption = redemption.expect("a settled redemption is recorded");
        redemption.paid = plus(redemption.paid, settled.amount);
        insert_new(&mut self.settlements, &settled.id, settlement);
    }

    fn end(&mut self, ended: &VoucherEnded) {
        let (voucher, account) = self.parts(&ended.voucher);
        let gone = (voucher.free(), voucher.locked());
        assert_eq!(gone, (ended.free, ended.locked), "all of voucher {} ended", ended.voucher);
        account.uncommit(plus(ended.free, ended.locked));
        for (left, contract) in voucher.end(ended.ending, ended.at) {
            account.give_back(&contract, left);
        }
    }

    fn parts(&mut self, voucher: &VoucherId) -> (&mut Voucher, &mut Account) {
        let voucher = self.vouchers.get_mut(voucher).expect("a voucher that changes is issued");
        let account = self.programmes.get_mut(&voucher.programme).expect(DEFINED);
        (voucher, account)
    }
}

const DEFINED: &str = "the programme of a recorded voucher or admission is defined";

fn insert_new<K: Ord + Clone + Display, V>(map: &mut BTreeMap<K, V>, key: &K, value: V) {
    assert!(map.insert(key.clone(), value).is_none(), "{key} is recorded twice");
}

/// The key as a map holds it already, so that equal ids share one allocation.
pub(crate) fn shared<K: Ord + Clone, V>(map: &BTreeMap<K, V>, key: &K) -> K {
    map.get_key_value(key).map_or(key, |(known, _)| known).clone()
}

pub(crate) fn plus(left: Money, right: Money) -> Money {
    left.checked_add(right).expect("recorded amounts of one programme add up")
}

/// Never below zero, or the log contradicts itself.
pub(crate) fn less(whole: Money, part: Money) -> Money {
    let rest = whole.checked_sub(part).expect("recorded amounts of one programme subtract");
    assert!(rest.amount() >= Decimal::ZERO, "{part} cannot be taken from {whole}");
    rest
}
