//! Settling a redemption: the issuer's payments to the provider, up to what was redeemed.

use loopledger_model::voucher::{Event, RedemptionSettled, Refusal, SettleRedemption};
use loopledger_service::Decision;

use crate::decider::{Answer, positive, there_already};
use crate::state::State;

pub(crate) fn settle(state: &State, asked: &SettleRedemption) -> Answer {
    if let Some(settlement) = state.settlement(&asked.id) {
        let exists = Refusal::SettlementExists { settlement: asked.id.clone() };
        return there_already(settlement == asked, exists);
    }
    positive(asked.amount)?;
    let redeemed = state.redeemed(&asked.redemption)?;
    let (redemption, account) = (redeemed.redemption, redeemed.account);
    account.in_its_currency(asked.amount)?;
    if asked.at < redemption.at {
        let (redemption, redeemed_at) = (asked.redemption.clone(), redemption.at);
        return Err(Refusal::BeforeRedemption { redemption, redeemed_at, at: asked.at });
    }
    let (amount, paid) = (redemption.amount, redemption.paid);
    if asked.amount.exceeds(amount.checked_sub(paid)?)? {
        let (redemption, asked) = (asked.redemption.clone(), asked.amount);
        return Err(Refusal::AboveRedemption { redemption, redeemed: amount, paid, asked });
    }
    Ok(Decision::from(Event::RedemptionSettled(RedemptionSettled {
        id: asked.id.clone(),
        redemption: asked.redemption.clone(),
        voucher: redemption.voucher.clone(),
        programme: account.terms.id.clone(),
        issuer: account.terms.issuer.clone(),
        holder: redeemed.voucher.holder.clone(),
        provider: redeemed.invoice.provider.clone(),
        contract: redeemed.invoice.contract.clone(),
        invoice: redemption.invoice.clone(),
        amount: asked.amount,
        at: asked.at,
        reference: asked.reference.clone(),
    })))
}
