//! The part of the fold that is about applications, claims, payments on order and clawbacks.
//!
//! Invariant: what a claim holds (its place on the contract and the invoice, its numbers, its usage) is let go
//! once, when the claim is withdrawn or closed.

use loopledger_model::voucher::{
    ApplicationSubmitted, AssessClawback, ClaimSubmitted, ClawbackAssessed, ClawbackOpened,
    ClawbackRecovered, ClawbackWrittenOff, FailPayment, OpenClawback, OrderPayment, PaymentFailed,
    PaymentOrdered, Review, ReviewStage, ReviewStep, Reviewed, Subject, WriteOffClawback,
};

use super::*;
use crate::clawing::Assessment;

impl State {
    pub(crate) fn application(&self, id: &ApplicationId) -> Option<&Applied> {
        self.applications.get(id).map(Box::as_ref)
    }

    pub(crate) fn claim(&self, id: &RedemptionId) -> Option<&Claim> {
        self.claims.get(id).map(Box::as_ref)
    }

    pub(crate) fn issued_for(&self, voucher: &VoucherId) -> Option<(&ApplicationId, Option<u32>)> {
        self.issued_for.get(voucher).map(|(application, tranche)| (application, *tranche))
    }

    /// Whether no claim on a voucher, for such a contract, is undecided.
    pub(crate) fn nothing_pends_on(
        &self,
        voucher: &VoucherId,
        concerns: impl Fn(&ContractId) -> bool,
    ) -> Result<(), Refusal> {
        let mut pending = self.pending.get(voucher).into_iter().flatten();
        let found =
            pending.find(|id| self.claim(id).is_some_and(|claim| concerns(&claim.contract)));
        found.map_or(Ok(()), |claim| Err(Refusal::ClaimPending { claim: claim.clone() }))
    }

    /// Whether an invoice supports no claim yet.
    pub(crate) fn has_no_claim(&self, invoice: &InvoiceId) -> Result<(), Refusal> {
        self.claim_of.get(invoice).map_or(Ok(()), |claim| {
            Err(Refusal::InvoiceHasClaim { invoice: invoice.clone(), claim: claim.clone() })
        })
    }

    /// Whether an invoice supports neither a claim nor a redemption.
    pub(crate) fn is_free(&self, invoice: &InvoiceId) -> Result<(), Refusal> {
        self.has_no_claim(invoice)?;
        self.claimed(invoice).map_or(Ok(()), |claimed| {
            let programme = claimed.programme.clone();
            Err(Refusal::InvoiceClaimed { invoice: invoice.clone(), programme })
        })
    }

    /// Whether the numbers of evidence support no other invoice's claim.
    pub(crate) fn are_unused(
        &self,
        evidence: &[Evidence],
        own: Option<&InvoiceId>,
    ) -> Result<(), Refusal> {
        for (kind, number) in numbers(evidence) {
            let key = (kind, number.clone());
            if let Some(invoice) = self.numbers.get(&key).filter(|by| Some(*by) != own) {
                let ((kind, number), invoice) = (key, invoice.clone());
                return Err(Refusal::NumberUsed { kind, number, invoice });
            }
        }
        Ok(())
    }

    /// Whether metered usage supports a claim.
    pub(crate) fn is_claimed(&self, usage: &UsageId) -> bool {
        self.usage.contains_key(usage)
    }

    /// Whether metered usage supports no other invoice's claim.
    pub(crate) fn is_unclaimed(
        &self,
        usage: &UsageId,
        own: Option<&InvoiceId>,
    ) -> Result<(), Refusal> {
        let other = self.usage.get(usage).filter(|by| Some(*by) != own);
        other.map_or(Ok(()), |invoice| {
            Err(Refusal::UsageClaimed { usage: usage.clone(), invoice: invoice.clone() })
        })
    }

    /// How many vouchers still have something free or locked, and how many claims are undecided or unpaid.
    pub(crate) fn not_done(&self, programme: &ProgrammeId) -> (u64, u64) {
        let vouchers = self.vouchers.count(|voucher| {
            voucher.programme == *programme
                && (voucher.free().is_positive() || voucher.locked().is_positive())
        });
        let claims = self.claims.count(|claim| {
            claim.asked.programme == *programme && claim.progress.stage.is_pending()
        });
        (vouchers as u64, claims as u64)
    }

    pub(crate) fn order(&self, id: &SettlementId) -> Option<&Order> {
        self.orders.get(id)
    }

    /// What is on its way for a redemption.
    pub(crate) fn ordered_for(&self, redemption: &RedemptionId, nothing: Money) -> Money {
        self.on_its_way.get(redemption).copied().unwrap_or(nothing)
    }

    pub(crate) fn clawback(&self, id: &ClawbackId) -> Option<&Clawback> {
        self.clawbacks.get(id)
    }

    pub(crate) fn clawback_of(&self, id: &ClawbackId) -> Result<&Clawback, Refusal> {
        let unknown = || Refusal::UnknownClawback { clawback: id.clone() };
        self.clawback(id).ok_or_else(unknown)
    }

    pub(crate) fn recovery(&self, id: &RecoveryId) -> Option<&RecordRecovery> {
        self.recoveries.get(id)
    }

    /// The principals assessed on a redemption.
    pub(crate) fn clawed_back(&self, redemption: &RedemptionId, nothing: Money) -> Money {
        self.clawed_back.get(redemption).copied().unwrap_or(nothing)
    }

    pub(super) fn add_application(&mut self, submitted: &ApplicationSubmitted) {
        let asked = &submitted.application;
        self.account_mut(&asked.programme).applications_made += 1;
        insert_new(&mut self.applications, &asked.id, Box::new(Applied::of(submitted)));
    }

    pub(super) fn issue_for(&mut self, application: &ApplicationId, issued: &VoucherIssued) {
        let applied = self.applications.get_mut(application).expect(SUBMITTED);
        let nothing = Money::zero(issued.amount.currency());
        let sum = applied.issued.entry(issued.tranche.unwrap_or(0)).or_insert(nothing);
        *sum = plus(*sum, issued.amount);
        let of = (application.clone(), issued.tranche);
        insert_new(&mut self.issued_for, &issued.id, of);
    }

    pub(super) fn add_claim(&mut self, submitted: &ClaimSubmitted) {
        let claim = Claim::of(submitted);
        let asked = &claim.asked;
        let account = self.account_mut(&asked.programme);
        account.claims_made += 1;
        account.claim(&claim.contract, &asked.id);
        self.pending.entry(asked.voucher.clone()).or_default().insert(asked.id.clone());
        insert_new(&mut self.claim_of, &asked.invoice, asked.id.clone());
        self.support(&asked.evidence, &asked.invoice);
        self.rest_on(&claim.usage, &asked.invoice);
        insert_new(&mut self.claims, &submitted.claim.id, Box::new(claim));
    }

    fn support(&mut self, evidence: &[Evidence], invoice: &InvoiceId) {
        for (kind, number) in numbers(evidence) {
            self.numbers.insert((kind, number.clone()), invoice.clone());
        }
    }

    fn rest_on(&mut self, usage: &[UsageId], invoice: &InvoiceId) {
        for usage in usage {
            self.usage.insert(usage.clone(), invoice.clone());
        }
    }

    /// Counts a redemption where its programme counts redemptions.
    pub(super) fn count(&mut self, redeemed: &VoucherRedeemed) {
        self.rest_on(&redeemed.usage, &redeemed.invoice);
        let claim = self.claims.get(&redeemed.id);
        let at = claim.map_or(redeemed.at, |claim| claim.asked.at);
        let hours = claim.and_then(|claim| claim.card_hours);
        let is_claim = claim.is_some();
        let account = self.account_mut(&redeemed.programme);
        account.redeem(redeemed.version, &redeemed.holder, redeemed.amount, at);
        account.count_on(redeemed.version, &redeemed.contract, redeemed.amount, hours);
        if !is_claim && account.rules(redeemed.version).eligibility.one_claim_per_contract {
            account.claim(&redeemed.contract, &redeemed.id);
        }
    }

    pub(super) fn review(&mut self, reviewed: &Reviewed) {
        let Reviewed { subject, step, stage, by, at, amount, .. } = reviewed;
        let taken =
            Review { subject: subject.clone(), step: step.clone(), by: by.clone(), at: *at };
        match subject {
            Subject::Application(id) => {
                let applied = self.applications.get_mut(id).expect(SUBMITTED);
                applied.progress.take(taken, *stage);
                if *stage == ReviewStage::Approved && amount.is_some() {
                    applied.approved = *amount;
                }
            }
            Subject::Claim(id) => {
                let claim = self.claims.get_mut(id).expect(SUBMITTED);
                claim.progress.take(taken, *stage);
                let invoice = claim.asked.invoice.clone();
                if let ReviewStep::Supply { evidence } = step {
                    self.support(evidence, &invoice);
                }
                self.decide(id, *stage);
            }
        }
    }

    /// Lets go of what a decided claim held.
    fn decide(&mut self, id: &RedemptionId, stage: ReviewStage) {
        if stage.is_pending() {
            return;
        }
        let claim = self.claims.get(id).expect("a claim that is decided was made");
        let (asked, contract) = (claim.asked.clone(), claim.contract.clone());
        if let Some(pending) = self.pending.get_mut(&asked.voucher) {
            pending.remove(id);
            if pending.is_empty() {
                self.pending.remove(&asked.voucher);
            }
        }
        if stage == ReviewStage::Approved {
            return;
        }
        self.account_mut(&asked.programme).let_go(&contract, id);
        self.claim_of.remove(&asked.invoice);
        self.numbers.retain(|_, invoice| *invoice != asked.invoice);
        self.usage.retain(|_, invoice| *invoice != asked.invoice);
    }

    pub(super) fn order_payment(&mut self, ordered: &PaymentOrdered) {
        let asked = OrderPayment {
            id: ordered.id.clone(),
            redemption: self.redemptions.shared(&ordered.redemption),
            amount: ordered.amount,
            by: ordered.by.clone(),
            at: ordered.at,
        };
        let nothing = Money::zero(asked.amount.currency());
        let sum = self.on_its_way.get_or_insert_with(asked.redemption.clone(), || nothing);
        *sum = plus(*sum, asked.amount);
        insert_new(&mut self.orders, &ordered.id, Order { asked, outcome: Outcome::Open });
    }

    /// An order is paid or has failed.
    pub(super) fn conclude(&mut self, id: &SettlementId, outcome: Outcome) {
        let order = self.orders.get_mut(id).expect("a payment that is made or fails was ordered");
        if order.outcome == Outcome::Open {
            let redemption = &order.asked.redemption;
            let sum = self.on_its_way.get_mut(redemption).expect("an open order is on its way");
            *sum = less(*sum, order.asked.amount);
        }
        order.outcome = outcome;
    }

    pub(super) fn fail_payment(&mut self, failed: &PaymentFailed) {
        let (id, reason, at) = (failed.id.clone(), failed.reason.clone(), failed.at);
        self.conclude(&failed.id, Outcome::Failed(FailPayment { id, reason, at }));
    }

    pub(super) fn open_clawback(&mut self, opened: &ClawbackOpened) {
        let asked = OpenClawback {
            id: opened.id.clone(),
            redemption: self.redemptions.shared(&opened.redemption),
            trigger: opened.trigger,
            by: opened.by.clone(),
            at: opened.at,
        };
        let clawback = Clawback { asked, assessed: None, written_off: None, last: opened.at };
        insert_new(&mut self.clawbacks, &opened.id, clawback);
    }

    pub(super) fn assess_clawback(&mut self, assessed: &ClawbackAssessed) {
        if let Some(until) = assessed.banned_until {
            let banned = &mut self.account_mut(&assessed.programme).banned;
            let known = banned.entry(assessed.payee.clone()).or_insert(until);
            *known = until.max(*known);
        }
        let asked = AssessClawback {
            clawback: assessed.clawback.clone(),
            principal: assessed.principal,
            by: assessed.by.clone(),
            at: assessed.at,
        };
        let recovered = Money::zero(assessed.principal.currency());
        let clawback = self.clawbacks.get_mut(&assessed.clawback).expect(OPENED);
        let of_it = clawback.asked.redemption.clone();
        let sum = self.clawed_back.get_or_insert_with(of_it, || recovered);
        *sum = plus(*sum, assessed.principal);
        clawback.assessed = Some(Assessment { asked, interest: assessed.interest, recovered });
        clawback.last = assessed.at;
    }

    pub(super) fn recover(&mut self, recovered: &ClawbackRecovered) {
        let clawback = self.clawbacks.get_mut(&recovered.clawback).expect(OPENED);
        let assessed = clawback.assessed.as_mut().expect("what is recovered was assessed");
        assessed.recovered = plus(assessed.recovered, recovered.amount);
        clawback.last = recovered.at;
        let asked = RecordRecovery {
            id: recovered.id.clone(),
            clawback: recovered.clawback.clone(),
            amount: recovered.amount,
            at: recovered.at,
            reference: recovered.reference.clone(),
        };
        insert_new(&mut self.recoveries, &recovered.id, asked);
    }

    pub(super) fn write_off(&mut self, written_off: &ClawbackWrittenOff) {
        let clawback = self.clawbacks.get_mut(&written_off.clawback).expect(OPENED);
        clawback.last = written_off.at;
        clawback.written_off = Some(WriteOffClawback {
            clawback: written_off.clawback.clone(),
            reason: written_off.reason.clone(),
            by: written_off.by.clone(),
            at: written_off.at,
        });
    }
}

/// The numbers that support one claim and no other.
fn numbers(evidence: &[Evidence]) -> impl Iterator<Item = (EvidenceKind, &Text)> {
    let once = evidence.iter().filter(|item| item.kind.is_numbered_once());
    once.filter_map(|item| Some((item.kind, item.number.as_ref()?)))
}

const SUBMITTED: &str = "what is reviewed or issued for was submitted";
const OPENED: &str = "a clawback that goes on was opened";
