//! Answer: claims with the rules that cut them, and what became of each.
//!
//! Invariant: a redemption that nobody had to claim is told as a claim that was approved at once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::voucher::{
    ClaimSubmitted, ClawbackTrigger, Event, RejectionReason, ReviewStep, Step, Subject,
    VoucherRedeemed,
};
use loopledger_model::{
    ClawbackId, ContractId, Currency, InvoiceId, Money, PartyId, Position, ProgrammeId,
    RedemptionId, SettlementId, Text, VoucherId,
};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::as_of::As;
use crate::error::Error;
use crate::figures;
use crate::rows::VoucherFact;
use crate::table::select;
use crate::views::Views;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimQuery {
    pub programme: Option<ProgrammeId>,
    pub provider: Option<PartyId>,
    pub stage: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    pub position: Position,
    /// In the order in which they were recorded.
    pub claims: Vec<Claim>,
}

/// `base` is what the rules start from; `asked` is absent where the claim leaves the amount to them. `payable` is what
/// the rules come to, or came to when it was approved; `cut` is what was asked, else the base, less that. `open` is
/// what is approved and not paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    pub claim: RedemptionId,
    pub programme: ProgrammeId,
    pub version: u32,
    pub voucher: VoucherId,
    pub contract: ContractId,
    pub invoice: InvoiceId,
    pub holder: PartyId,
    pub provider: PartyId,
    pub payee: PartyId,
    pub currency: Currency,
    pub at: Timestamp,
    pub stage: &'static str,
    pub base: Option<String>,
    pub asked: Option<String>,
    pub payable: String,
    pub cut: Option<String>,
    /// The rules that took something off, with what they looked at.
    pub cuts: Vec<Step>,
    pub approved: String,
    pub paid: String,
    pub open: String,
    pub recovered: String,
    pub reasons: Vec<RejectionReason>,
    pub payments: Vec<Payment>,
    pub clawbacks: Vec<Clawback>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payment {
    pub settlement: SettlementId,
    pub amount: String,
    pub at: Timestamp,
    /// `ordered`, `paid` or `failed`.
    pub status: &'static str,
    pub reference: Option<Text>,
    pub failure: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clawback {
    pub clawback: ClawbackId,
    pub trigger: ClawbackTrigger,
    pub opened_at: Timestamp,
    pub principal: Option<String>,
    pub interest: Option<String>,
    pub recovered: String,
    pub written_off: String,
}

impl Views {
    pub async fn claims(&self, query: &ClaimQuery, seen: As) -> Result<Claims, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let seen = seen.in_rows();
        let condition = format!(
            "{} AND claim IS NOT NULL AND ($3::TEXT IS NULL OR programme = $3) \
             AND ($4::TEXT IS NULL OR claim IN \
             (SELECT claim FROM voucher_facts WHERE provider = $4 AND claim IS NOT NULL))",
            As::CONDITION
        );
        let programme = query.programme.as_ref().map(ProgrammeId::as_str);
        let provider = query.provider.as_ref().map(PartyId::as_str);
        let facts: Vec<VoucherFact> =
            select(&transaction, &condition, &[&seen.of, &seen.known, &programme, &provider])
                .await?;
        let mut claims = told(facts.iter().map(|fact| &fact.event));
        claims.retain(|claim| query.stage.as_ref().is_none_or(|stage| claim.stage == stage));
        Ok(Claims { position, claims })
    }
}

/// A claim on its way through its facts.
struct Case {
    told: Claim,
    approved: Decimal,
    paid: Decimal,
    recovered: Decimal,
}

/// What the facts say of each claim, in the order of their first facts.
pub(crate) fn told<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<Claim> {
    let mut order = Vec::new();
    let mut cases: BTreeMap<RedemptionId, Case> = BTreeMap::new();
    for event in events {
        match event {
            Event::ClaimSubmitted(submitted) => {
                order.push(submitted.claim.id.clone());
                cases.insert(submitted.claim.id.clone(), Case::submitted(submitted));
            }
            Event::VoucherRedeemed(redeemed) => {
                let case = cases.entry(redeemed.id.clone()).or_insert_with(|| {
                    order.push(redeemed.id.clone());
                    Case::redeemed(redeemed)
                });
                case.approve(redeemed);
            }
            event @ (Event::ProgrammeDefined(_)
            | Event::ProviderAdmitted(_)
            | Event::VoucherIssued(_)
            | Event::VoucherLocked(_)
            | Event::LockReleased(_)
            | Event::RedemptionSettled(_)
            | Event::VoucherEnded(_)
            | Event::ProgrammeDrafted(_)
            | Event::ProgrammeChanged(_)
            | Event::AdmissionAppliedFor(_)
            | Event::AdmissionChanged(_)
            | Event::WaiverApproved(_)
            | Event::ApplicationSubmitted(_)
            | Event::Reviewed(_)
            | Event::PaymentOrdered(_)
            | Event::PaymentFailed(_)
            | Event::ClawbackOpened(_)
            | Event::ClawbackAssessed(_)
            | Event::ClawbackRecovered(_)
            | Event::ClawbackWrittenOff(_)) => {
                if let Some(case) = subject(event).and_then(|claim| cases.get_mut(claim)) {
                    case.take(event);
                }
            }
        }
    }
    order.iter().filter_map(|claim| cases.remove(claim)).map(Case::closed).collect()
}

fn subject(event: &Event) -> Option<&RedemptionId> {
    match event {
        Event::Reviewed(reviewed) => match &reviewed.subject {
            Subject::Claim(claim) => Some(claim),
            Subject::Application(_) => None,
        },
        Event::PaymentOrdered(of) => Some(&of.redemption),
        Event::PaymentFailed(of) => Some(&of.redemption),
        Event::RedemptionSettled(of) => Some(&of.redemption),
        Event::ClawbackOpened(of) => Some(&of.redemption),
        Event::ClawbackAssessed(of) => Some(&of.redemption),
        Event::ClawbackRecovered(of) => Some(&of.redemption),
        Event::ClawbackWrittenOff(of) => Some(&of.redemption),
        Event::ProgrammeDefined(_)
        | Event::ProviderAdmitted(_)
        | Event::VoucherIssued(_)
        | Event::VoucherLocked(_)
        | Event::LockReleased(_)
        | Event::VoucherRedeemed(_)
        | Event::VoucherEnded(_)
        | Event::ProgrammeDrafted(_)
        | Event::ProgrammeChanged(_)
        | Event::AdmissionAppliedFor(_)
        | Event::AdmissionChanged(_)
        | Event::WaiverApproved(_)
        | Event::ApplicationSubmitted(_)
        | Event::ClaimSubmitted(_) => None,
    }
}

fn text(money: Money) -> String {
    figures::amount(money.amount(), money.currency())
}

impl Case {
    fn of(told: Claim) -> Self {
        Self { told, approved: Decimal::ZERO, paid: Decimal::ZERO, recovered: Decimal::ZERO }
    }

    fn submitted(submitted: &ClaimSubmitted) -> Self {
        let ClaimSubmitted { claim, amount, .. } = submitted;
        let mut case = Self::of(Claim {
            claim: claim.id.clone(),
            programme: claim.programme.clone(),
            version: submitted.version,
            voucher: claim.voucher.clone(),
            contract: submitted.contract.clone(),
            invoice: claim.invoice.clone(),
            holder: submitted.holder.clone(),
            provider: submitted.provider.clone(),
            payee: submitted.payee.clone(),
            currency: amount.currency(),
            at: claim.at,
            stage: "submitted",
            base: None,
            asked: claim.amount.map(text),
            payable: String::new(),
            cut: None,
            cuts: Vec::new(),
            approved: String::new(),
            paid: String::new(),
            open: String::new(),
            recovered: String::new(),
            reasons: Vec::new(),
            payments: Vec::new(),
            clawbacks: Vec::new(),
        });
        case.worked_out(*amount, &submitted.trace);
        case
    }

    /// A redemption without a claim before it asks for what it is.
    fn redeemed(redeemed: &VoucherRedeemed) -> Self {
        let payee = redeemed.payee.as_ref().unwrap_or(&redeemed.provider);
        Self::of(Claim {
            claim: redeemed.id.clone(),
            programme: redeemed.programme.clone(),
            version: redeemed.version,
            voucher: redeemed.voucher.clone(),
            contract: redeemed.contract.clone(),
            invoice: redeemed.invoice.clone(),
            holder: redeemed.holder.clone(),
            provider: redeemed.provider.clone(),
            payee: payee.clone(),
            currency: redeemed.amount.currency(),
            at: redeemed.at,
            stage: "approved",
            base: None,
            asked: Some(text(redeemed.amount)),
            payable: String::new(),
            cut: None,
            cuts: Vec::new(),
            approved: String::new(),
            paid: String::new(),
            open: String::new(),
            recovered: String::new(),
            reasons: Vec::new(),
            payments: Vec::new(),
            clawbacks: Vec::new(),
        })
    }

    fn worked_out(&mut self, amount: Money, trace: &[Step]) {
        let told = &mut self.told;
        if let Some(first) = trace.first() {
            told.base = Some(first.after.clone());
            told.cuts = trace.iter().filter(|step| step.cut != "0").cloned().collect();
        }
        told.payable = text(amount);
        let asked = told.asked.as_ref().or(told.base.as_ref());
        let asked = asked.and_then(|asked| asked.parse::<Decimal>().ok());
        told.cut = asked.map(|asked| figures::amount(asked - amount.amount(), told.currency));
    }

    fn approve(&mut self, redeemed: &VoucherRedeemed) {
        self.worked_out(redeemed.amount, &redeemed.trace);
        self.approved = redeemed.amount.amount();
        self.told.stage = "approved";
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Reviewed(reviewed) => {
                self.told.stage = reviewed.stage.name();
                match &reviewed.step {
                    ReviewStep::Reject { reasons } => self.told.reasons.clone_from(reasons),
                    ReviewStep::Appeal { .. } => self.told.reasons.clear(),
                    ReviewStep::Check { .. }
                    | ReviewStep::RequestInformation { .. }
                    | ReviewStep::Supply { .. }
                    | ReviewStep::Verify { .. }
                    | ReviewStep::Publicise { .. }
                    | ReviewStep::Object { .. }
                    | ReviewStep::Approve { .. }
                    | ReviewStep::Withdraw { .. }
                    | ReviewStep::Close { .. } => {}
                }
            }
            Event::PaymentOrdered(of) => {
                self.payment(&of.id, of.amount, of.at).status = "ordered";
            }
            Event::PaymentFailed(of) => {
                let payment = self.payment(&of.id, of.amount, of.at);
                payment.status = "failed";
                payment.failure = Some(of.reason.clone());
            }
            Event::RedemptionSettled(of) => {
                self.paid += of.amount.amount();
                let payment = self.payment(&of.id, of.amount, of.at);
                payment.status = "paid";
                payment.reference.clone_from(&of.reference);
            }
            event @ (Event::ProgrammeDefined(_)
            | Event::ProviderAdmitted(_)
            | Event::VoucherIssued(_)
            | Event::VoucherLocked(_)
            | Event::LockReleased(_)
            | Event::VoucherRedeemed(_)
            | Event::VoucherEnded(_)
            | Event::ProgrammeDrafted(_)
            | Event::ProgrammeChanged(_)
            | Event::AdmissionAppliedFor(_)
            | Event::AdmissionChanged(_)
            | Event::WaiverApproved(_)
            | Event::ApplicationSubmitted(_)
            | Event::ClaimSubmitted(_)
            | Event::ClawbackOpened(_)
            | Event::ClawbackAssessed(_)
            | Event::ClawbackRecovered(_)
            | Event::ClawbackWrittenOff(_)) => self.claw_back(event),
        }
    }

    fn payment(&mut self, id: &SettlementId, amount: Money, at: Timestamp) -> &mut Payment {
        let payments = &mut self.told.payments;
        let known = payments.iter().position(|payment| payment.settlement == *id);
        let place = known.unwrap_or_else(|| {
            payments.push(Payment {
                settlement: id.clone(),
                amount: String::new(),
                at,
                status: "ordered",
                reference: None,
                failure: None,
            });
            payments.len() - 1
        });
        let payment = &mut payments[place];
        (payment.amount, payment.at) = (text(amount), at);
        payment
    }

    fn claw_back(&mut self, event: &Event) {
        let currency = self.told.currency;
        let clawbacks = &mut self.told.clawbacks;
        let find = |clawbacks: &mut Vec<Clawback>, id: &ClawbackId| {
            clawbacks.iter().position(|clawback| clawback.clawback == *id)
        };
        match event {
            Event::ClawbackOpened(of) => clawbacks.push(Clawback {
                clawback: of.id.clone(),
                trigger: of.trigger,
                opened_at: of.at,
                principal: None,
                interest: None,
                recovered: figures::amount(Decimal::ZERO, currency),
                written_off: figures::amount(Decimal::ZERO, currency),
            }),
            Event::ClawbackAssessed(of) => {
                if let Some(place) = find(clawbacks, &of.clawback) {
                    clawbacks[place].principal = Some(text(of.principal));
                    clawbacks[place].interest = Some(text(of.interest));
                }
            }
            Event::ClawbackRecovered(of) => {
                self.recovered += of.amount.amount();
                if let Some(place) = find(clawbacks, &of.clawback) {
                    let before: Decimal = clawbacks[place].recovered.parse().unwrap_or_default();
                    clawbacks[place].recovered =
                        figures::amount(before + of.amount.amount(), currency);
                }
            }
            Event::ClawbackWrittenOff(of) => {
                if let Some(place) = find(clawbacks, &of.clawback) {
                    clawbacks[place].written_off = text(of.amount);
                }
            }
            Event::ProgrammeDefined(_)
            | Event::ProviderAdmitted(_)
            | Event::VoucherIssued(_)
            | Event::VoucherLocked(_)
            | Event::LockReleased(_)
            | Event::VoucherRedeemed(_)
            | Event::RedemptionSettled(_)
            | Event::VoucherEnded(_)
            | Event::ProgrammeDrafted(_)
            | Event::ProgrammeChanged(_)
            | Event::AdmissionAppliedFor(_)
            | Event::AdmissionChanged(_)
            | Event::WaiverApproved(_)
            | Event::ApplicationSubmitted(_)
            | Event::ClaimSubmitted(_)
            | Event::Reviewed(_)
            | Event::PaymentOrdered(_)
            | Event::PaymentFailed(_) => {}
        }
    }

    fn closed(self) -> Claim {
        let Self { mut told, approved, paid, recovered } = self;
        let money = |amount| figures::amount(amount, told.currency);
        told.approved = money(approved);
        told.paid = money(paid);
        told.open = money(approved - paid);
        told.recovered = money(recovered);
        let last = told.payments.last().map(|payment| payment.status);
        if told.stage == "approved" {
            told.stage = match last {
                Some(_) if paid == approved => "paid",
                Some("ordered") => "payment_ordered",
                Some("failed") => "payment_failed",
                Some(_) => "partly_paid",
                None => "approved",
            };
        }
        told
    }
}

#[cfg(test)]
mod tests;
