//! What the voucher context knows of itself: the fold of its own events.
//!
//! Invariants: every recorded amount is counted in its voucher, in its programme's account and on
//! its contract or invoice, or nowhere. Ids that several entries name are kept once. A log that
//! contradicts itself panics.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::hash::Hash;
use std::hint::black_box;
use std::sync::Arc;

use jiff::Timestamp;
use loopledger_model::voucher::{
    Event, Evidence, EvidenceKind, Funded, LockReleased, Programme, ProgrammeStage, RecordRecovery,
    RedeemVoucher, RedemptionSettled, Refusal, SettleRedemption, VoucherEnded, VoucherIssued,
    VoucherLocked, VoucherRedeemed,
};
use loopledger_model::{
    ApplicationId, ClawbackId, ContractId, InvoiceId, LockId, Money, PartyId, ProgrammeId,
    RecoveryId, RedemptionId, SettlementId, Text, UsageId, VoucherId,
};
use loopledger_service::Index;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::applying::Applied;
use crate::claim::Claim;
use crate::clawing::Clawback;
use crate::locks::Lock;
use crate::programme::Account;
use crate::settling::{Order, Outcome};
use crate::voucher::Voucher;

mod reviews;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    programmes: BTreeMap<ProgrammeId, Account>,
    /// Shared, since an index keeps room for as many again, and copies them when it is about to change.
    vouchers: Index<VoucherId, Arc<Voucher>>,
    /// Whose part each lock is.
    locks: Index<LockId, VoucherId>,
    invoices: Index<InvoiceId, Claimed>,
    redemptions: Index<RedemptionId, Arc<Redemption>>,
    settlements: Index<SettlementId, SettleRedemption>,
    applications: Index<ApplicationId, Box<Applied>>,
    /// The application, and its tranche, that a voucher was issued for.
    issued_for: Index<VoucherId, (ApplicationId, Option<u32>)>,
    claims: Index<RedemptionId, Box<Claim>>,
    /// The claims on a voucher that are not decided.
    pending: BTreeMap<VoucherId, BTreeSet<RedemptionId>>,
    /// The claim on an invoice that is not let go.
    claim_of: Index<InvoiceId, RedemptionId>,
    /// The invoice whose claim a number supports.
    numbers: BTreeMap<(EvidenceKind, Text), InvoiceId>,
    /// The invoice whose claim metered usage supports.
    usage: BTreeMap<UsageId, InvoiceId>,
    orders: Index<SettlementId, Order>,
    /// What is ordered for a redemption and neither paid nor failed.
    on_its_way: Index<RedemptionId, Money>,
    clawbacks: Index<ClawbackId, Clawback>,
    /// The principals assessed on a redemption.
    clawed_back: Index<RedemptionId, Money>,
    recoveries: Index<RecoveryId, RecordRecovery>,
}

/// An invoice on which something was redeemed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claimed {
    pub(crate) programme: ProgrammeId,
    pub(crate) contract: ContractId,
    pub(crate) provider: PartyId,
    /// From all vouchers.
    pub(crate) redeemed: Money,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Redemption {
    pub(crate) voucher: VoucherId,
    pub(crate) invoice: InvoiceId,
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
    /// Who is paid, if not the provider.
    pub(crate) payee: Option<PartyId>,
    pub(crate) paid: Money,
    /// When it was paid last.
    pub(crate) paid_at: Option<Timestamp>,
    /// What each source still has to pay; empty where there is one source.
    pub(crate) unpaid: Box<[Funded]>,
}

/// A redemption with what it brought together.
pub(crate) struct Redeemed<'a> {
    pub(crate) redemption: &'a Redemption,
    pub(crate) voucher: &'a Voucher,
    pub(crate) account: &'a Account,
    pub(crate) invoice: &'a Claimed,
}

impl<'a> Redeemed<'a> {
    pub(crate) fn payee(&self) -> &'a PartyId {
        self.redemption.payee.as_ref().unwrap_or(&self.invoice.provider)
    }
}

impl State {
    pub(crate) fn programme(&self, id: &ProgrammeId) -> Option<&Account> {
        self.programmes.get(id)
    }

    pub(crate) fn programme_of(&self, id: &ProgrammeId) -> Result<&Account, Refusal> {
        self.programme(id).ok_or_else(|| Refusal::UnknownProgramme { programme: id.clone() })
    }

    pub(crate) fn voucher(&self, id: &VoucherId) -> Option<&Voucher> {
        self.vouchers.get(id).map(Arc::as_ref)
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

    pub(crate) fn look_at_redemptions(&self, all: &[&RedeemVoucher]) {
        self.redemptions.look_at(all.iter().map(|asked| &asked.id));
        self.invoices.look_at(all.iter().map(|asked| &asked.invoice));
        let vouchers = self.vouchers.look_at(all.iter().map(|asked| &asked.voucher));
        for voucher in vouchers {
            black_box(voucher.locks().map(Lock::left).next());
        }
    }

    pub(crate) fn claimed(&self, invoice: &InvoiceId) -> Option<&Claimed> {
        self.invoices.get(invoice)
    }

    pub(crate) fn redemption(&self, id: &RedemptionId) -> Option<&Redemption> {
        self.redemptions.get(id).map(Arc::as_ref)
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
                let account = Account::of(Programme::clone(terms), ProgrammeStage::Open);
                self.programmes.insert(terms.id.clone(), account);
            }
            Event::ProgrammeDrafted(terms) => match self.programmes.get_mut(&terms.id) {
                Some(account) => account.draft(Programme::clone(terms)),
                None => {
                    let account = Account::of(Programme::clone(terms), ProgrammeStage::Drafted);
                    self.programmes.insert(terms.id.clone(), account);
                }
            },
            Event::ProgrammeChanged(change) => self.account_mut(&change.programme).change(change),
            Event::ProviderAdmitted(admitted) => {
                let admissions = &mut self.account_mut(&admitted.programme).admissions;
                admissions.admit(&admitted.provider, admitted.at, admitted.to);
            }
            Event::AdmissionAppliedFor(asked) => {
                self.account_mut(&asked.programme).admissions.apply(asked);
            }
            Event::AdmissionChanged(change) => {
                self.account_mut(&change.programme).admissions.change(change);
            }
            Event::WaiverApproved(approved) => {
                self.account_mut(&approved.programme).waive(approved);
            }
            Event::VoucherIssued(issued) => self.add(issued),
            Event::VoucherLocked(locked) => self.keep(locked),
            Event::LockReleased(released) => self.release(released),
            Event::VoucherRedeemed(redeemed) => self.redeem(redeemed),
            Event::RedemptionSettled(settled) => self.settle(settled),
            Event::VoucherEnded(ended) => self.end(ended),
            Event::ApplicationSubmitted(submitted) => self.add_application(submitted),
            Event::ClaimSubmitted(submitted) => self.add_claim(submitted),
            Event::Reviewed(reviewed) => self.review(reviewed),
            Event::PaymentOrdered(ordered) => self.order_payment(ordered),
            Event::PaymentFailed(failed) => self.fail_payment(failed),
            Event::ClawbackOpened(opened) => self.open_clawback(opened),
            Event::ClawbackAssessed(assessed) => self.assess_clawback(assessed),
            Event::ClawbackRecovered(recovered) => self.recover(recovered),
            Event::ClawbackWrittenOff(written_off) => self.write_off(written_off),
        }
    }

    fn account_mut(&mut self, programme: &ProgrammeId) -> &mut Account {
        self.programmes.get_mut(programme).expect(DEFINED)
    }

    fn add(&mut self, issued: &VoucherIssued) {
        let programme = shared(&self.programmes, &issued.programme);
        let account = self.programmes.get_mut(&programme).expect(DEFINED);
        let (holder, period) =
            account.issue(&issued.holder, issued.amount, &issued.funding, issued.at);
        let voucher = Voucher::of(issued, programme, holder, period);
        if let Some(application) = &issued.application {
            self.issue_for(application, issued);
        }
        insert_new(&mut self.vouchers, &issued.id, Arc::new(voucher));
    }

    fn keep(&mut self, locked: &VoucherLocked) {
        let owner = self.vouchers.shared(&locked.voucher);
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
        self.count(redeemed);
        let (voucher, _) = self.parts(&redeemed.voucher);
        for taken in &redeemed.taken_from {
            voucher.redeem(&taken.lock, taken.amount);
        }
        voucher.unburden(&redeemed.funding);
        let nothing = Money::zero(redeemed.amount.currency());
        let claimed = self.invoices.get_or_insert_with(redeemed.invoice.clone(), || Claimed {
            programme: shared(&self.programmes, &redeemed.programme),
            contract: redeemed.contract.clone(),
            provider: redeemed.provider.clone(),
            redeemed: nothing,
        });
        claimed.redeemed = plus(claimed.redeemed, redeemed.amount);
        let redemption = Redemption {
            voucher: self.vouchers.shared(&redeemed.voucher),
            invoice: self.invoices.shared(&redeemed.invoice),
            amount: redeemed.amount,
            at: redeemed.at,
            payee: redeemed.payee.clone(),
            paid: nothing,
            paid_at: None,
            unpaid: redeemed.funding.clone().into(),
        };
        insert_new(&mut self.redemptions, &redeemed.id, Arc::new(redemption));
    }

    fn settle(&mut self, settled: &RedemptionSettled) {
        let settlement = SettleRedemption {
            id: settled.id.clone(),
            redemption: self.redemptions.shared(&settled.redemption),
            amount: settled.amount,
            at: settled.at,
            reference: settled.reference.clone(),
        };
        let redemption = self.redemptions.get_mut(&settled.redemption);
        let redemption = Arc::make_mut(redemption.expect("a settled redemption is recorded"));
        redemption.paid = plus(redemption.paid, settled.amount);
        redemption.paid_at = redemption.paid_at.max(Some(settled.at));
        take_from(&mut redemption.unpaid, &settled.funding);
        if self.order(&settled.id).is_some() {
            self.conclude(&settled.id, Outcome::Paid);
        }
        insert_new(&mut self.settlements, &settled.id, settlement);
    }

    fn end(&mut self, ended: &VoucherEnded) {
        let (voucher, account) = self.parts(&ended.voucher);
        let gone = (voucher.free(), voucher.locked());
        assert_eq!(gone, (ended.free, ended.locked), "all of voucher {} ended", ended.voucher);
        account.uncommit(plus(ended.free, ended.locked), &ended.funding, voucher.period());
        voucher.unburden(&ended.funding);
        for (left, contract) in voucher.end(ended.ending, ended.at) {
            account.give_back(&contract, left);
        }
    }

    fn parts(&mut self, voucher: &VoucherId) -> (&mut Voucher, &mut Account) {
        let voucher = self.vouchers.get_mut(voucher).expect("a voucher that changes is issued");
        let account = self.programmes.get_mut(&voucher.programme).expect(DEFINED);
        (Arc::make_mut(voucher), account)
    }
}

const DEFINED: &str = "the programme of a recorded voucher or admission is defined";

/// Takes each source's part away.
pub(crate) fn take_from(parts: &mut [Funded], funding: &[Funded]) {
    for (part, gone) in parts.iter_mut().zip(funding) {
        part.amount = less(part.amount, gone.amount);
    }
}

/// Records what nothing of this name was recorded of.
fn insert_new<K: Eq + Hash + Clone + Display, V: Clone>(map: &mut Index<K, V>, key: &K, value: V) {
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
