//! Answer: claims with the rules that cut them, and what became of each.
//!
//! Invariant: a redemption that nobody had to claim is told as a claim that was approved at once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::voucher::{
    ClaimSubmitted, ClawbackOpened, ClawbackRecovered, ClawbackTrigger, Event, PaymentFailed,
    RedemptionSettled, RejectionReason, ReviewStep, Reviewed, Step, Subject, VoucherRedeemed,
};
use loopledger_model::{
    ClawbackId, ContractId, Currency, InvoiceId, Money, PartyId, Position, ProgrammeId,
    RedemptionId, SettlementId, Text, VoucherId,
};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use crate::as_of::As;
use crate::error::Error;
use crate::figures;
use crate::rows::VoucherFact;
use crate::spans::asked;
use crate::table::{cell, limit, select};
use crate::views::Views;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimQuery {
    pub programme: Option<ProgrammeId>,
    pub provider: Option<PartyId>,
    pub stage: Option<String>,
    /// Looked up only where no stage is asked for: at which stage a claim is, all of its facts say.
    pub part: Option<ClaimPart>,
}

/// So many of the claims in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPart {
    pub most: usize,
    /// The first one; nothing is found where that is no claim.
    pub from: Option<RedemptionId>,
}

/// Where a claim can be.
pub const CLAIM_STAGES: [&str; 12] = [
    "submitted",
    "under_review",
    "information_requested",
    "publicised",
    "approved",
    "payment_ordered",
    "payment_failed",
    "partly_paid",
    "paid",
    "rejected",
    "withdrawn",
    "closed",
];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Claims {
    pub position: Position,
    /// In the order in which they were recorded.
    pub claims: Vec<Claim>,
}

/// `base` is what the rules start from; `asked` is absent where the claim leaves the amount to them. `payable` is what
/// the rules come to, or came to when it was approved; `cut` is what was asked, else the base, less that. `open` is
/// what is approved and not paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Payment {
    pub settlement: SettlementId,
    pub amount: String,
    pub at: Timestamp,
    /// `ordered`, `paid` or `failed`.
    pub status: &'static str,
    pub reference: Option<Text>,
    pub failure: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
        let condition = wanted();
        let programme = query.programme.as_ref().map(ProgrammeId::as_str);
        let provider = query.provider.as_ref().map(PartyId::as_str);
        let part = query.part.as_ref().filter(|_| query.stage.is_none());
        let wanted = match part {
            Some(part) => {
                let asked = (&seen, programme, provider);
                Some(part.ids(&transaction, &condition, asked).await?)
            }
            None => None,
        };
        let condition = format!("{condition} AND ($5::TEXT[] IS NULL OR claim = ANY ($5))");
        let parameters: [&(dyn ToSql + Sync); 5] =
            [&seen.of, &seen.known, &programme, &provider, &wanted];
        let facts: Vec<VoucherFact> = select(&transaction, &condition, &parameters).await?;
        let mut claims = told(facts.iter().map(|fact| &fact.event));
        claims.retain(|claim| query.stage.as_ref().is_none_or(|stage| claim.stage == stage));
        Ok(Claims { position, claims })
    }
}

/// The fact that a claim begins with: its submission, or a redemption that nobody had to claim.
const OPENS: &str = "(event LIKE '{\"claim_submitted\"%' OR event LIKE '{\"voucher_redeemed\"%' \
    AND NOT EXISTS (SELECT FROM voucher_facts AS before WHERE before.claim = voucher_facts.claim \
    AND before.event LIKE '{\"claim_submitted\"%'))";

/// Facts of which claims, by the parameters of the query.
pub(crate) fn wanted() -> String {
    format!(
        "{} AND claim IS NOT NULL AND ($3::TEXT IS NULL OR programme = $3) \
         AND ($4::TEXT IS NULL OR claim IN \
         (SELECT claim FROM voucher_facts WHERE provider = $4 AND claim IS NOT NULL))",
        As::CONDITION
    )
}

/// The query of the claims that begin with a fact or behind it.
pub(crate) fn beginnings(condition: &str) -> String {
    format!(
        "SELECT claim FROM voucher_facts WHERE {condition} AND {OPENS} \
         AND ($5::BIGINT IS NULL OR (position, fact_index) >= ($5, $6::INT)) \
         ORDER BY position, fact_index LIMIT $7"
    )
}

impl ClaimPart {
    /// The claims of the part, found by the facts that they begin with, in the order of these.
    async fn ids(
        &self,
        transaction: &Transaction<'_>,
        condition: &str,
        (seen, programme, provider): (&As, Option<&str>, Option<&str>),
    ) -> Result<Vec<String>, Error> {
        let begins =
            format!("SELECT position, fact_index FROM voucher_facts WHERE claim = $1 AND {OPENS}");
        let first = match &self.from {
            Some(claim) => {
                match asked(&begins, transaction.query_opt(&begins, &[&claim.as_str()])).await? {
                    Some(row) => Some((row.get::<_, i64>(0), row.get::<_, i32>(1))),
                    None => return Ok(Vec::new()),
                }
            }
            None => None,
        };
        let (position, index) = (first.map(|(position, _)| position), first.map(|(_, i)| i));
        let query = beginnings(condition);
        let most = limit(Some(self.most));
        let parameters: [&(dyn ToSql + Sync); 7] =
            [&seen.of, &seen.known, &programme, &provider, &position, &index, &most];
        let rows = asked(&query, transaction.query(&query, &parameters)).await?;
        rows.iter().map(|row| cell(row, 0, "voucher_facts", "claim")).collect()
    }
}

/// A claim on its way through its facts.
struct Case {
    told: Claim,
    approved: Decimal,
    paid: Decimal,
    recovered: Decimal,
}

/// The cases by their claims, and the claims in the order of their first facts.
#[derive(Default)]
struct Docket {
    order: Vec<RedemptionId>,
    cases: BTreeMap<RedemptionId, Case>,
}

/// What the facts say of each claim, in the order of their first facts.
pub(crate) fn told<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<Claim> {
    let mut docket = Docket::default();
    events.for_each(|event| docket.take(event));
    let Docket { order, mut cases } = docket;
    order.iter().filter_map(|claim| cases.remove(claim)).map(Case::closed).collect()
}

impl Docket {
    fn open(&mut self, claim: &RedemptionId, first: impl FnOnce() -> Case) -> &mut Case {
        self.cases.entry(claim.clone()).or_insert_with(|| {
            self.order.push(claim.clone());
            first()
        })
    }

    fn of(&mut self, claim: &RedemptionId, change: impl FnOnce(&mut Case)) {
        if let Some(case) = self.cases.get_mut(claim) {
            change(case);
        }
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::ClaimSubmitted(of) => {
                self.open(&of.claim.id, || Case::submitted(of));
            }
            Event::VoucherRedeemed(of) => {
                self.open(&of.id, || Case::redeemed(of)).approve(of);
            }
            Event::Reviewed(of) => {
                if let Subject::Claim(claim) = &of.subject {
                    self.of(claim, |case| case.review(of));
                }
            }
            Event::PaymentOrdered(of) => self.of(&of.redemption, |case| {
                case.payment(&of.id, of.amount, of.at).status = "ordered";
            }),
            Event::PaymentFailed(of) => self.of(&of.redemption, |case| case.fail(of)),
            Event::RedemptionSettled(of) => self.of(&of.redemption, |case| case.pay(of)),
            Event::ClawbackOpened(of) => self.of(&of.redemption, |case| case.claw_back(of)),
            Event::ClawbackAssessed(of) => self.of(&of.redemption, |case| {
                case.clawback(&of.clawback, |clawback| {
                    clawback.principal = Some(text(of.principal));
                    clawback.interest = Some(text(of.interest));
                });
            }),
            Event::ClawbackRecovered(of) => self.of(&of.redemption, |case| case.recover(of)),
            Event::ClawbackWrittenOff(of) => self.of(&of.redemption, |case| {
                case.clawback(&of.clawback, |clawback| clawback.written_off = text(of.amount));
            }),
            Event::ProgrammeDefined(_)
            | Event::ProviderAdmitted(_)
            | Event::VoucherIssued(_)
            | Event::VoucherLocked(_)
            | Event::LockReleased(_)
            | Event::VoucherEnded(_)
            | Event::ProgrammeDrafted(_)
            | Event::ProgrammeChanged(_)
            | Event::AdmissionAppliedFor(_)
            | Event::AdmissionChanged(_)
            | Event::WaiverApproved(_)
            | Event::ApplicationSubmitted(_) => {}
        }
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

    fn review(&mut self, reviewed: &Reviewed) {
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

    fn fail(&mut self, of: &PaymentFailed) {
        let payment = self.payment(&of.id, of.amount, of.at);
        payment.status = "failed";
        payment.failure = Some(of.reason.clone());
    }

    fn pay(&mut self, of: &RedemptionSettled) {
        self.paid += of.amount.amount();
        let payment = self.payment(&of.id, of.amount, of.at);
        payment.status = "paid";
        payment.reference.clone_from(&of.reference);
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

    fn claw_back(&mut self, of: &ClawbackOpened) {
        let nothing = figures::amount(Decimal::ZERO, self.told.currency);
        self.told.clawbacks.push(Clawback {
            clawback: of.id.clone(),
            trigger: of.trigger,
            opened_at: of.at,
            principal: None,
            interest: None,
            recovered: nothing.clone(),
            written_off: nothing,
        });
    }

    fn recover(&mut self, of: &ClawbackRecovered) {
        self.recovered += of.amount.amount();
        let currency = self.told.currency;
        self.clawback(&of.clawback, |clawback| {
            let before: Decimal = clawback.recovered.parse().unwrap_or_default();
            clawback.recovered = figures::amount(before + of.amount.amount(), currency);
        });
    }

    fn clawback(&mut self, id: &ClawbackId, change: impl FnOnce(&mut Clawback)) {
        let known = self.told.clawbacks.iter_mut().find(|clawback| clawback.clawback == *id);
        if let Some(clawback) = known {
            change(clawback);
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
