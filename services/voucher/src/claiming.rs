//! Claims from submission to approval: each leaves the trace of its amount, and is redeemed when it is approved.
//!
//! Invariants: an approval pays what the rules come to on that day, never more than at submission; what a claim held
//! is let go exactly once.

use jiff::Timestamp;
use loopledger_model::voucher::{
    ClaimSubmitted, Ending, Event, Funded, Refusal, Review, ReviewRules, ReviewStage, ReviewStep,
    Reviewed, Subject, SubmitClaim, TakenFrom, VoucherEnded, VoucherLocked, VoucherRedeemed,
};
use loopledger_model::{Money, RedemptionId};
use loopledger_service::Decision;

use crate::applying::approved;
use crate::assessing::{Assessed, assess, lock_of};
use crate::claim::Claim;
use crate::decider::{Answer, there_already};
use crate::facts::Facts;
use crate::funding::split_within;
use crate::issuing::{Issue, fresh};
use crate::redeeming::oldest_first;
use crate::review::{Case, Progress};
use crate::state::State;

pub(crate) fn submit(state: &State, facts: &Facts, asked: &SubmitClaim) -> Answer {
    let exists = || Refusal::RedemptionExists { redemption: asked.id.clone() };
    if let Some(claim) = state.claim(&asked.id) {
        return there_already(claim.asked == *asked, exists());
    }
    if state.redemption(&asked.id).is_some() {
        return Err(exists());
    }
    let found = assess(state, facts, asked, None)?;
    let mut events = Vec::new();
    if found.voucher.is_none() {
        events.extend(zero_life_voucher(&found, asked)?);
    }
    let submitted = ClaimSubmitted {
        claim: asked.clone(),
        version: found.version,
        contract: found.invoice.contract.clone(),
        holder: found.contract.buyer.clone(),
        provider: found.contract.seller.clone(),
        payee: found.payee.clone(),
        amount: found.payable.amount,
        trace: found.payable.trace.clone(),
        card_hours: found.card_hours,
        usage: found.usage.clone(),
        gate: found.gate.clone(),
        place: found.account.claims_made + 1,
    };
    let claim = Claim::of(&submitted);
    events.push(Event::ClaimSubmitted(submitted));
    let rests_on = found.rests_on.clone();
    if is_automatic(found.rules().claim_review.as_ref(), &claim)? {
        events.extend(redeem_at_once(&found, &claim)?);
    }
    Ok(Decision::from(events).resting_on(rests_on))
}

/// Whether nobody has to look at it.
fn is_automatic(rules: Option<&ReviewRules>, claim: &Claim) -> Result<bool, Refusal> {
    let Some(rules) = rules else { return Ok(true) };
    let complete = claim.progress.missing(rules).is_empty();
    let small = rules.auto_approve_below.map_or(Ok(false), |most| most.exceeds(claim.amount))?;
    Ok(complete && small)
}

/// The voucher that a claim makes, all of it locked to the claim's contract.
fn zero_life_voucher(found: &Assessed<'_>, asked: &SubmitClaim) -> Result<[Event; 2], Refusal> {
    let issue = Issue {
        id: &asked.voucher,
        programme: &asked.programme,
        holder: &found.contract.buyer,
        amount: found.payable.amount,
        at: asked.at,
    };
    let issued = fresh(found.account, &issue, Some(found.profile.clone()))?;
    let locked = VoucherLocked {
        id: lock_of(asked),
        voucher: asked.voucher.clone(),
        programme: asked.programme.clone(),
        contract: found.invoice.contract.clone(),
        provider: found.contract.seller.clone(),
        amount: found.payable.amount,
        at: asked.at,
        gate: found.gate.clone(),
    };
    Ok([Event::VoucherIssued(issued), Event::VoucherLocked(locked)])
}

/// The redemption and the approval of a claim in the moment in which it is submitted.
fn redeem_at_once(found: &Assessed<'_>, claim: &Claim) -> Result<[Event; 2], Refusal> {
    let amount = found.payable.amount;
    let taken_from = match found.voucher {
        Some(voucher) => {
            oldest_first(voucher, (&claim.asked.voucher, &claim.contract), amount, claim.asked.at)?
        }
        None => vec![TakenFrom { lock: lock_of(&claim.asked), amount }],
    };
    let account = found.account;
    let borne = match found.voucher {
        Some(voucher) => voucher.borne().to_vec(),
        None => account.budget.bear(account.terms(), amount, claim.asked.at)?,
    };
    let sources = &account.terms().funding;
    let room: Vec<Money> = borne.iter().map(|part| part.amount).collect();
    let redeemed = Event::VoucherRedeemed(VoucherRedeemed {
        taken_from,
        funding: split_within(amount, sources, &room),
        ..redemption(found, claim, claim.asked.at)
    });
    let reviewed = Event::Reviewed(Reviewed {
        subject: Subject::Claim(claim.asked.id.clone()),
        programme: claim.asked.programme.clone(),
        version: claim.version,
        step: ReviewStep::Approve { amount: None },
        stage: ReviewStage::Approved,
        missing: Vec::new(),
        amount: Some(amount),
        automatic: true,
        by: claim.asked.by.clone(),
        at: claim.asked.at,
    });
    Ok([redeemed, reviewed])
}

/// A redemption but for what it is taken from.
fn redemption(found: &Assessed<'_>, claim: &Claim, at: Timestamp) -> VoucherRedeemed {
    VoucherRedeemed {
        id: claim.asked.id.clone(),
        voucher: claim.asked.voucher.clone(),
        programme: claim.asked.programme.clone(),
        holder: claim.holder.clone(),
        provider: claim.provider.clone(),
        contract: claim.contract.clone(),
        invoice: claim.asked.invoice.clone(),
        amount: found.payable.amount,
        taken_from: Vec::new(),
        at,
        payee: (claim.payee != claim.provider).then(|| claim.payee.clone()),
        version: claim.version,
        trace: found.payable.trace.clone(),
        gate: found.gate.clone(),
        usage: claim.usage.clone(),
        funding: Vec::new(),
    }
}

/// One step of the review of a claim.
pub(crate) fn review(state: &State, facts: &Facts, id: &RedemptionId, asked: &Review) -> Answer {
    let unknown = || Refusal::UnknownSubject { subject: asked.subject.clone() };
    let claim = state.claim(id).ok_or_else(unknown)?;
    if claim.progress.has_taken(asked) {
        return Ok(Decision::nothing());
    }
    let account = state.programme_of(&claim.asked.programme)?;
    let rules = account.rules(claim.version).claim_review.clone().unwrap_or_default();
    let case = Case {
        subject: &asked.subject,
        rules: &rules,
        progress: &claim.progress,
        applicant: &claim.payee,
        concerned: vec![&claim.payee, &claim.holder, &claim.provider],
    };
    let stage = case.after(asked)?;
    if let ReviewStep::Supply { evidence } = &asked.step {
        state.are_unused(evidence, Some(&claim.asked.invoice))?;
    }
    let (mut events, mut rests_on, mut amount) = (Vec::new(), Vec::new(), None);
    if let Some(limit) = approved(&asked.subject, &asked.step, claim.amount)? {
        let found = assess(state, facts, &claim.asked, Some(limit))?;
        amount = Some(found.payable.amount);
        events.extend(redeem(&found, claim, asked.at)?);
        rests_on.extend(found.rests_on);
    }
    let mut progress: Progress = claim.progress.clone();
    progress.take(asked.clone(), stage);
    events.push(Event::Reviewed(Reviewed {
        subject: asked.subject.clone(),
        programme: claim.asked.programme.clone(),
        version: claim.version,
        step: asked.step.clone(),
        stage,
        missing: progress.missing(&rules),
        amount,
        automatic: false,
        by: asked.by.clone(),
        at: asked.at,
    }));
    if matches!(stage, ReviewStage::Closed | ReviewStage::Withdrawn) {
        let ending =
            if stage == ReviewStage::Closed { Ending::Revoked } else { Ending::Surrendered };
        events.extend(end_of_its_voucher(state, claim, ending, asked.at)?);
    }
    Ok(Decision::from(events).resting_on(rests_on))
}

/// The redemption of what is approved; what a voucher of the claim's own has left over ends with it.
fn redeem(found: &Assessed<'_>, claim: &Claim, at: Timestamp) -> Result<Vec<Event>, Refusal> {
    let amount = found.payable.amount;
    let voucher = found.voucher.expect("a claim that is approved has its voucher");
    let sources = &found.account.terms().funding;
    let room: Vec<Money> = voucher.borne().iter().map(|part| part.amount).collect();
    let funding = split_within(amount, sources, &room);
    let place = (&claim.asked.voucher, &claim.contract);
    let redeemed = VoucherRedeemed {
        taken_from: oldest_first(voucher, place, amount, claim.asked.at)?,
        funding: funding.clone(),
        ..redemption(found, claim, at)
    };
    let mut events = vec![Event::VoucherRedeemed(redeemed)];
    let over = voucher.locked().checked_sub(amount)?;
    if found.rules().settlement.mode.claims_issue() && over.is_positive() {
        let left = |(had, gone): (&Money, &Funded)| {
            Ok(Funded { source: gone.source.clone(), amount: had.checked_sub(gone.amount)? })
        };
        let funding: Result<Vec<_>, Refusal> = room.iter().zip(&funding).map(left).collect();
        events.push(Event::VoucherEnded(VoucherEnded {
            voucher: claim.asked.voucher.clone(),
            programme: claim.asked.programme.clone(),
            ending: Ending::Revoked,
            free: voucher.free(),
            locked: over,
            funding: funding?,
            at,
        }));
    }
    Ok(events)
}

/// A voucher that the claim made ends with it.
fn end_of_its_voucher(
    state: &State,
    claim: &Claim,
    ending: Ending,
    at: Timestamp,
) -> Result<Option<Event>, Refusal> {
    let (voucher, account) = state.issued(&claim.asked.voucher)?;
    if !account.rules(claim.version).settlement.mode.claims_issue() {
        return Ok(None);
    }
    Ok(Some(Event::VoucherEnded(VoucherEnded {
        voucher: claim.asked.voucher.clone(),
        programme: claim.asked.programme.clone(),
        ending,
        free: voucher.free(),
        locked: voucher.locked(),
        funding: voucher.borne().to_vec(),
        at,
    })))
}
