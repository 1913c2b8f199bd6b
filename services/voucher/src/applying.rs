//! Applications: how they are submitted and decided, and what an approved one entitles to.
//!
//! Invariant: what is issued for an application is never above what was approved, nor above the tranches that are due.

use std::collections::BTreeMap;

use loopledger_model::voucher::{
    Application, ApplicationSubmitted, Event, IssueVoucher, Profile, Refusal, Review, ReviewStage,
    ReviewStep, Reviewed, RoundingUnit, Subject,
};
use loopledger_model::{ApplicationId, Money, Rounding, RoundingMode};
use loopledger_service::Decision;
use serde::{Deserialize, Serialize};

use crate::decider::{Answer, positive, there_already};
use crate::eligible;
use crate::facts::Facts;
use crate::payable::Exact;
use crate::programme::Account;
use crate::review::{Case, Progress, acts_for};
use crate::state::State;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Applied {
    pub(crate) asked: Application,
    pub(crate) version: u32,
    pub(crate) progress: Progress,
    pub(crate) approved: Option<Money>,
    /// By tranche; 0 where there are none.
    pub(crate) issued: BTreeMap<u32, Money>,
}

impl Applied {
    pub(crate) fn of(submitted: &ApplicationSubmitted) -> Self {
        let asked = submitted.application.clone();
        let kinds = asked.evidence.iter().map(|item| item.kind).collect();
        let progress = Progress::new(asked.at, kinds);
        let (approved, issued) = (None, BTreeMap::new());
        Self { asked, version: submitted.version, progress, approved, issued }
    }
}

pub(crate) fn apply(state: &State, facts: &Facts, asked: &Application) -> Answer {
    if let Some(known) = state.application(&asked.id) {
        let exists = Refusal::ApplicationExists { application: asked.id.clone() };
        return there_already(known.asked == *asked, exists);
    }
    let applicant = facts.party(&asked.applicant)?;
    let account = state.programme_of(&asked.programme)?;
    let terms = account.terms();
    let none = || Refusal::NoApplications { programme: asked.programme.clone() };
    let rules = terms.rules.application_review.as_ref().ok_or_else(none)?;
    positive(asked.amount)?;
    account.in_its_currency(asked.amount)?;
    account.issues(asked.at)?;
    acts_for(&asked.by, &asked.applicant)?;
    account.lets(&asked.applicant, asked.at)?;
    eligible::profile(&terms.rules, &asked.profile)?;
    let submitted = ApplicationSubmitted {
        application: asked.clone(),
        version: terms.version,
        place: account.applications_made + 1,
    };
    let complete = Applied::of(&submitted).progress.missing(rules).is_empty();
    let small = rules.auto_approve_below.map_or(Ok(false), |most| most.exceeds(asked.amount))?;
    let mut events = vec![Event::ApplicationSubmitted(submitted)];
    if small && complete {
        events.push(Event::Reviewed(Reviewed {
            subject: Subject::Application(asked.id.clone()),
            programme: asked.programme.clone(),
            version: terms.version,
            step: ReviewStep::Approve { amount: None },
            stage: ReviewStage::Approved,
            missing: Vec::new(),
            amount: Some(asked.amount),
            automatic: true,
            by: asked.by.clone(),
            at: asked.at,
        }));
    }
    Ok(Decision::from(events).resting_on([applicant.fact]))
}

/// One step of the review of an application.
pub(crate) fn review(state: &State, id: &ApplicationId, asked: &Review) -> Answer {
    let unknown = || Refusal::UnknownSubject { subject: asked.subject.clone() };
    let applied = state.application(id).ok_or_else(unknown)?;
    if applied.progress.has_taken(asked) {
        return Ok(Decision::nothing());
    }
    let account = state.programme_of(&applied.asked.programme)?;
    let rules = account.rules(applied.version).application_review.clone().unwrap_or_default();
    let applicant = &applied.asked.applicant;
    let case = Case {
        subject: &asked.subject,
        rules: &rules,
        progress: &applied.progress,
        applicant,
        concerned: vec![applicant],
    };
    let stage = case.after(asked)?;
    let amount = approved(&asked.subject, &asked.step, applied.asked.amount)?;
    let mut progress = applied.progress.clone();
    progress.take(asked.clone(), stage);
    Ok(Decision::from(Event::Reviewed(Reviewed {
        subject: asked.subject.clone(),
        programme: applied.asked.programme.clone(),
        version: applied.version,
        step: asked.step.clone(),
        stage,
        missing: progress.missing(&rules),
        amount,
        automatic: false,
        by: asked.by.clone(),
        at: asked.at,
    })))
}

/// What an approval is for: what it says, or all.
pub(crate) fn approved(
    subject: &Subject,
    step: &ReviewStep,
    limit: Money,
) -> Result<Option<Money>, Refusal> {
    let ReviewStep::Approve { amount } = step else { return Ok(None) };
    let Some(amount) = *amount else { return Ok(Some(limit)) };
    positive(amount)?;
    if amount.exceeds(limit)? {
        return Err(Refusal::AboveAsked { subject: subject.clone(), limit, amount });
    }
    Ok(Some(amount))
}

/// The profile of who is issued a voucher, if what was approved covers it.
pub(crate) fn entitles(
    state: &State,
    account: &Account,
    asked: &IssueVoucher,
) -> Result<Option<Profile>, Refusal> {
    let terms = account.terms();
    let Some(id) = &asked.application else {
        if terms.rules.application_review.is_some() {
            return Err(Refusal::ApplicationNeeded { programme: terms.id.clone() });
        }
        return Ok(None);
    };
    let application = || id.clone();
    let unknown = || Refusal::UnknownApplication { application: application() };
    let applied = state.application(id).ok_or_else(unknown)?;
    if applied.asked.programme != asked.programme {
        let programme = applied.asked.programme.clone();
        return Err(Refusal::ApplicationElsewhere { application: application(), programme });
    }
    if applied.asked.applicant != asked.holder {
        let (applicant, holder) = (applied.asked.applicant.clone(), asked.holder.clone());
        let application = application();
        return Err(Refusal::NotTheApplicant { application, applicant, holder });
    }
    let stage = || applied.progress.stage.name().to_owned();
    let refused = || Refusal::NotApproved { application: application(), stage: stage() };
    let approved = applied.approved.ok_or_else(refused)?;
    let limit = due(account, applied, approved, asked.tranche)?;
    let tranche = asked.tranche.unwrap_or(0);
    let issued = applied.issued.get(&tranche).copied();
    let issued = issued.unwrap_or_else(|| account.nothing());
    if asked.amount.exceeds(limit.checked_sub(issued)?)? {
        let asked = asked.amount;
        return Err(Refusal::AboveApproved { application: application(), limit, issued, asked });
    }
    Ok(Some(applied.asked.profile.clone()))
}

/// What of an approved amount a tranche is: a share of it, rounded down; the last is what the others leave.
fn due(
    account: &Account,
    applied: &Applied,
    approved: Money,
    tranche: Option<u32>,
) -> Result<Money, Refusal> {
    let tranches = &account.rules(applied.version).settlement.tranches;
    if tranches.is_empty() && tranche.is_none() {
        return Ok(approved);
    }
    let application = || applied.asked.id.clone();
    let number = tranche.unwrap_or(0);
    let unknown = || Refusal::UnknownTranche { application: application(), tranche: number };
    let place = (number as usize).checked_sub(1).ok_or_else(unknown)?;
    let asked = tranches.get(place).ok_or_else(unknown)?;
    if let Some(kind) = asked.after.filter(|kind| !applied.progress.has(*kind)) {
        let application = application();
        return Err(Refusal::TrancheTooEarly { application, tranche: number, kind });
    }
    let share = |place: usize| {
        let ratio = Exact::of(tranches[place].share.value());
        let whole = Exact::of(approved.amount()).times(&ratio);
        let down = RoundingMode::Truncate;
        let digits = approved.currency().exponent();
        let rounding = Rounding { digits, mode: down };
        let share = whole.rounded(rounding, RoundingUnit::One, digits).decimal();
        Money::new(share.unwrap_or_default(), approved.currency())
    };
    if place + 1 < tranches.len() {
        return Ok(share(place)?);
    }
    let others =
        (0..place).try_fold(account.nothing(), |sum, place| sum.checked_add(share(place)?));
    Ok(approved.checked_sub(others?)?)
}
