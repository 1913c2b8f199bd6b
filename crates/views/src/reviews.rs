//! Answer: who took which step in the review of applications and claims, under which version of the rules.
//!
//! Invariant: a step is told as it is on record; whether a person may have taken it was the decider's to say.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::voucher::{
    Event, EvidenceKind, Person, ReviewStage, ReviewStep, Reviewed, Subject,
};
use loopledger_model::{FactId, PartyId, PersonId, Position, ProgrammeId};
use schemars::JsonSchema;
use serde::Serialize;

use crate::as_of::As;
use crate::error::Error;
use crate::figures;
use crate::reader::see_everything;
use crate::rows::VoucherFact;
use crate::table::select;
use crate::views::Views;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReviewQuery {
    pub programme: Option<ProgrammeId>,
    /// An application or a claim.
    pub subject: Option<String>,
    /// On whose behalf it was submitted.
    pub applicant: Option<PartyId>,
    /// For whose service it claims.
    pub provider: Option<PartyId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reviews {
    pub position: Position,
    /// In the order in which they were recorded.
    pub reviews: Vec<ReviewTold>,
}

/// `applicant` is on whose behalf it was submitted; `by_applicant` whether the person acts for it. `before` are the steps that
/// the same person had taken in the same review. A step that the rules took by themselves is `automatic`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReviewTold {
    /// `application` or `claim`.
    pub kind: &'static str,
    pub subject: String,
    pub programme: ProgrammeId,
    pub version: u32,
    pub step: &'static str,
    pub by: PersonId,
    pub of: PartyId,
    pub at: Timestamp,
    pub stage: &'static str,
    /// Until when what the stage waits for may come.
    pub until: Option<Timestamp>,
    pub automatic: bool,
    pub applicant: Option<PartyId>,
    pub by_applicant: bool,
    /// For whose service a claim is.
    pub provider: Option<PartyId>,
    pub before: Vec<&'static str>,
    /// What an approval is for.
    pub amount: Option<String>,
    /// The question, the reason or the reasons that the step states.
    pub note: Option<String>,
    /// Evidence that the programme asks for and that was not there yet.
    pub missing: Vec<EvidenceKind>,
    pub event: FactId,
}

impl Views {
    pub async fn reviews(&self, query: &ReviewQuery, seen: As) -> Result<Reviews, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        if query.applicant.is_some() {
            // Who applied stands within the facts only.
            see_everything(&transaction).await?;
        }
        let seen = seen.in_rows();
        let condition = format!("{} AND ($3::TEXT IS NULL OR programme = $3)", As::CONDITION);
        let programme = query.programme.as_ref().map(ProgrammeId::as_str);
        let facts: Vec<VoucherFact> =
            select(&transaction, &condition, &[&seen.of, &seen.known, &programme]).await?;
        let mut reviews = told(facts.iter().map(|fact| (fact.stamp.fact(), &fact.event)));
        let is =
            |wanted: &Option<PartyId>, has: &Option<PartyId>| wanted.is_none() || wanted == has;
        reviews.retain(|told| query.subject.as_ref().is_none_or(|id| told.subject == *id));
        reviews.retain(|told| is(&query.applicant, &told.applicant));
        reviews.retain(|told| is(&query.provider, &told.provider));
        Ok(Reviews { position, reviews })
    }
}

/// On whose behalf something was submitted, and for whose service.
type Sides<'a> = (&'a PartyId, Option<&'a PartyId>);

/// Of facts in the order in which they were recorded.
fn told<'a>(facts: impl Iterator<Item = (FactId, &'a Event)>) -> Vec<ReviewTold> {
    let mut sides: BTreeMap<Subject, Sides<'_>> = BTreeMap::new();
    let mut taken: BTreeMap<(Subject, Person), Vec<&'static str>> = BTreeMap::new();
    let mut told = Vec::new();
    for (fact, event) in facts {
        match event {
            Event::ApplicationSubmitted(of) => {
                let application = &of.application;
                let subject = Subject::Application(application.id.clone());
                sides.insert(subject, (&application.applicant, None));
            }
            Event::ClaimSubmitted(of) => {
                let subject = Subject::Claim(of.claim.id.clone());
                sides.insert(subject, (&of.claim.by.of, Some(&of.provider)));
            }
            Event::Reviewed(of) => {
                let taken = taken.entry((of.subject.clone(), of.by.clone())).or_default();
                told.push(step(fact, of, sides.get(&of.subject), taken.clone()));
                taken.push(of.step.name());
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
            | Event::PaymentOrdered(_)
            | Event::PaymentFailed(_)
            | Event::ClawbackOpened(_)
            | Event::ClawbackAssessed(_)
            | Event::ClawbackRecovered(_)
            | Event::ClawbackWrittenOff(_) => {}
        }
    }
    told
}

fn step(
    event: FactId,
    of: &Reviewed,
    sides: Option<&Sides<'_>>,
    before: Vec<&'static str>,
) -> ReviewTold {
    let (kind, subject) = match &of.subject {
        Subject::Application(id) => ("application", id.to_string()),
        Subject::Claim(id) => ("claim", id.to_string()),
    };
    let applicant = sides.map(|(applicant, _)| *applicant);
    ReviewTold {
        kind,
        subject,
        programme: of.programme.clone(),
        version: of.version,
        step: of.step.name(),
        by: of.by.id.clone(),
        of: of.by.of.clone(),
        at: of.at,
        stage: of.stage.name(),
        until: until(of.stage),
        automatic: of.automatic,
        applicant: applicant.cloned(),
        by_applicant: applicant == Some(&of.by.of),
        provider: sides.and_then(|(_, provider)| provider.cloned()),
        before,
        amount: of.amount.map(|amount| figures::amount(amount.amount(), amount.currency())),
        note: note(&of.step),
        missing: of.missing.clone(),
        event,
    }
}

fn until(stage: ReviewStage) -> Option<Timestamp> {
    match stage {
        ReviewStage::Publicised { until } => Some(until),
        ReviewStage::Rejected { appeal_until } => Some(appeal_until),
        ReviewStage::Submitted
        | ReviewStage::UnderReview { .. }
        | ReviewStage::InformationRequested
        | ReviewStage::Approved
        | ReviewStage::Withdrawn
        | ReviewStage::Closed => None,
    }
}

fn note(step: &ReviewStep) -> Option<String> {
    match step {
        ReviewStep::RequestInformation { question } => Some(question.to_string()),
        ReviewStep::Object { reason } | ReviewStep::Appeal { reason } => Some(reason.to_string()),
        ReviewStep::Reject { reasons } => {
            let told = reasons.iter().map(|reason| match &reason.note {
                Some(note) => format!("{}: {note}", reason.code),
                None => reason.code.to_string(),
            });
            Some(told.collect::<Vec<_>>().join("; "))
        }
        ReviewStep::Check {}
        | ReviewStep::Supply { .. }
        | ReviewStep::Verify {}
        | ReviewStep::Publicise {}
        | ReviewStep::Approve { .. }
        | ReviewStep::Withdraw {}
        | ReviewStep::Close {} => None,
    }
}
