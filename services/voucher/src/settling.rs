//! Paying redemptions: what was ordered, what arrived and what failed, up to what was redeemed.
//!
//! Invariant: what is paid of a redemption and what is ordered for it never come to more than it.

use jiff::Timestamp;
use loopledger_model::voucher::{
    Event, FailPayment, OrderPayment, PaymentFailed, PaymentOrdered, RedemptionSettled, Refusal,
    SettleRedemption, SettlementMode,
};
use loopledger_model::{Money, RedemptionId};
use loopledger_service::Decision;
use serde::{Deserialize, Serialize};

use crate::decider::{Answer, positive, there_already};
use crate::funding::split_within;
use crate::review::is_impartial;
use crate::state::{Redeemed, State};

/// An ordered payment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) asked: OrderPayment,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Open,
    Paid,
    Failed(FailPayment),
}

impl Order {
    fn state(&self) -> &'static str {
        match self.outcome {
            Outcome::Open => "ordered",
            Outcome::Paid => "paid",
            Outcome::Failed(_) => "failed",
        }
    }
}

pub(crate) fn order(state: &State, asked: &OrderPayment) -> Answer {
    let exists = || Refusal::OrderExists { settlement: asked.id.clone() };
    if let Some(order) = state.order(&asked.id) {
        return there_already(order.asked == *asked, exists());
    }
    if state.settlement(&asked.id).is_some() {
        return Err(Refusal::SettlementExists { settlement: asked.id.clone() });
    }
    positive(asked.amount)?;
    let redeemed = state.redeemed(&asked.redemption)?;
    is_due(&redeemed, &asked.redemption, asked.amount, asked.at)?;
    let (payee, holder) = (redeemed.payee(), &redeemed.voucher.holder);
    is_impartial(&asked.by, &[payee, holder, &redeemed.invoice.provider])?;
    let ordered = state.ordered_for(&asked.redemption, redeemed.account.nothing());
    fits(&redeemed, &asked.redemption, ordered, asked.amount)?;
    Ok(Decision::from(Event::PaymentOrdered(PaymentOrdered {
        id: asked.id.clone(),
        redemption: asked.redemption.clone(),
        programme: redeemed.voucher.programme.clone(),
        payee: payee.clone(),
        amount: asked.amount,
        by: asked.by.clone(),
        at: asked.at,
    })))
}

/// In the programme's currency, not before the redemption, and where money is paid at all.
fn is_due(
    redeemed: &Redeemed<'_>,
    id: &RedemptionId,
    amount: Money,
    at: Timestamp,
) -> Result<(), Refusal> {
    redeemed.account.in_its_currency(amount)?;
    let redeemed_at = redeemed.redemption.at;
    if at < redeemed_at {
        return Err(Refusal::BeforeRedemption { redemption: id.clone(), redeemed_at, at });
    }
    let rules = redeemed.account.rules(redeemed.voucher.version);
    if rules.settlement.mode == SettlementMode::InKind {
        return Err(Refusal::PaidInKind { programme: redeemed.voucher.programme.clone() });
    }
    Ok(())
}

/// Within what is redeemed and neither paid nor on its way.
fn fits(
    redeemed: &Redeemed<'_>,
    id: &RedemptionId,
    ordered: Money,
    asked: Money,
) -> Result<(), Refusal> {
    let (amount, paid) = (redeemed.redemption.amount, redeemed.redemption.paid);
    let paid = paid.checked_add(ordered)?;
    if asked.exceeds(amount.checked_sub(paid)?)? {
        return Err(Refusal::AboveRedemption {
            redemption: id.clone(),
            redeemed: amount,
            paid,
            asked,
        });
    }
    Ok(())
}

pub(crate) fn fail(state: &State, asked: &FailPayment) -> Answer {
    let settlement = || asked.id.clone();
    let unknown = || Refusal::NotOrdered { settlement: settlement() };
    let order = state.order(&asked.id).ok_or_else(unknown)?;
    match &order.outcome {
        Outcome::Open => {}
        Outcome::Failed(failed) if failed == asked => return Ok(Decision::nothing()),
        Outcome::Failed(_) | Outcome::Paid => {
            let state = order.state().to_owned();
            return Err(Refusal::OrderDone { settlement: settlement(), state });
        }
    }
    is_after(order, asked.at)?;
    let redeemed = state.redeemed(&order.asked.redemption)?;
    Ok(Decision::from(Event::PaymentFailed(PaymentFailed {
        id: settlement(),
        redemption: order.asked.redemption.clone(),
        programme: redeemed.voucher.programme.clone(),
        amount: order.asked.amount,
        reason: asked.reason.clone(),
        at: asked.at,
    })))
}

fn is_after(order: &Order, at: Timestamp) -> Result<(), Refusal> {
    let ordered_at = order.asked.at;
    if at < ordered_at {
        let settlement = order.asked.id.clone();
        return Err(Refusal::BeforeOrder { settlement, ordered_at, at });
    }
    Ok(())
}

pub(crate) fn settle(state: &State, asked: &SettleRedemption) -> Answer {
    if let Some(settlement) = state.settlement(&asked.id) {
        let exists = Refusal::SettlementExists { settlement: asked.id.clone() };
        return there_already(settlement == asked, exists);
    }
    positive(asked.amount)?;
    let redeemed = state.redeemed(&asked.redemption)?;
    let (redemption, account) = (redeemed.redemption, redeemed.account);
    is_due(&redeemed, &asked.redemption, asked.amount, asked.at)?;
    is_as_ordered(state, &redeemed, asked)?;
    fits(&redeemed, &asked.redemption, account.nothing(), asked.amount)?;
    let terms = account.terms();
    let room: Vec<Money> = redemption.unpaid.iter().map(|part| part.amount).collect();
    Ok(Decision::from(Event::RedemptionSettled(RedemptionSettled {
        id: asked.id.clone(),
        redemption: asked.redemption.clone(),
        voucher: redemption.voucher.clone(),
        programme: terms.id.clone(),
        issuer: terms.issuer.clone(),
        holder: redeemed.voucher.holder.clone(),
        provider: redeemed.invoice.provider.clone(),
        contract: redeemed.invoice.contract.clone(),
        invoice: redemption.invoice.clone(),
        amount: asked.amount,
        at: asked.at,
        reference: asked.reference.clone(),
        payee: redemption.payee.clone(),
        funding: split_within(asked.amount, &terms.funding, &room),
    })))
}

/// Where claims are reviewed a payment is ordered before it is made.
fn is_as_ordered(
    state: &State,
    redeemed: &Redeemed<'_>,
    asked: &SettleRedemption,
) -> Result<(), Refusal> {
    let rules = redeemed.account.rules(redeemed.voucher.version);
    let settlement = || asked.id.clone();
    let Some(order) = state.order(&asked.id) else {
        if rules.claim_review.is_some() {
            return Err(Refusal::NotOrdered { settlement: settlement() });
        }
        // What is on its way is spoken for.
        let ordered = state.ordered_for(&asked.redemption, redeemed.account.nothing());
        return fits(redeemed, &asked.redemption, ordered, asked.amount);
    };
    if order.outcome != Outcome::Open {
        let state = order.state().to_owned();
        return Err(Refusal::OrderDone { settlement: settlement(), state });
    }
    is_after(order, asked.at)?;
    let ordered = &order.asked;
    if ordered.amount != asked.amount || ordered.redemption != asked.redemption {
        let (ordered, amount) = (ordered.amount, asked.amount);
        return Err(Refusal::OtherThanOrdered { settlement: settlement(), ordered, amount });
    }
    Ok(())
}
