//! The one way in which applications and claims are reviewed: who may take which step when.
//!
//! Invariants: who reviews acts for no party to the case; each level is another person; nothing is approved before
//! its levels, its evidence and its publicity are there; a rejection that can be appealed keeps its place.

use jiff::Timestamp;
use loopledger_model::voucher::{
    EvidenceKind, Person, Refusal, Review, ReviewRules, ReviewStage, ReviewStep, Subject,
};
use loopledger_model::{PartyId, PersonId};
use serde::{Deserialize, Serialize};

use crate::issuing::days_after;

/// How far a review is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) stage: ReviewStage,
    /// Who verified it, level by level.
    verifiers: Vec<PersonId>,
    /// The kinds of evidence that are there.
    evidence: Vec<EvidenceKind>,
    /// Every step taken, in order.
    steps: Vec<Review>,
    submitted_at: Timestamp,
}

impl Progress {
    pub(crate) fn new(submitted_at: Timestamp, evidence: Vec<EvidenceKind>) -> Self {
        let stage = ReviewStage::Submitted;
        Self { stage, verifiers: Vec::new(), evidence, steps: Vec::new(), submitted_at }
    }

    pub(crate) fn has_taken(&self, step: &Review) -> bool {
        self.steps.contains(step)
    }

    pub(crate) fn has(&self, kind: EvidenceKind) -> bool {
        self.evidence.contains(&kind)
    }

    pub(crate) fn missing(&self, rules: &ReviewRules) -> Vec<EvidenceKind> {
        let asked = rules.evidence.iter().copied();
        asked.filter(|kind| !self.evidence.contains(kind)).collect()
    }

    fn verified(&self) -> u32 {
        u32::try_from(self.verifiers.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn take(&mut self, step: Review, stage: ReviewStage) {
        match &step.step {
            ReviewStep::Verify {} => self.verifiers.push(step.by.id.clone()),
            ReviewStep::Object { .. } | ReviewStep::Appeal { .. } => self.verifiers.clear(),
            ReviewStep::Supply { evidence } => {
                self.evidence.extend(evidence.iter().map(|item| item.kind));
            }
            ReviewStep::Check {}
            | ReviewStep::RequestInformation { .. }
            | ReviewStep::Publicise {}
            | ReviewStep::Approve { .. }
            | ReviewStep::Reject { .. }
            | ReviewStep::Withdraw {}
            | ReviewStep::Close {} => {}
        }
        self.stage = stage;
        self.steps.push(step);
    }
}

/// What a review is held to.
pub(crate) struct Case<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) rules: &'a ReviewRules,
    pub(crate) progress: &'a Progress,
    /// Whose case it is.
    pub(crate) applicant: &'a PartyId,
    /// Everybody whom it concerns: none of them reviews it.
    pub(crate) concerned: Vec<&'a PartyId>,
}

impl Case<'_> {
    /// The stage that a step leads to.
    pub(crate) fn after(&self, review: &Review) -> Result<ReviewStage, Refusal> {
        let steps = &self.progress.steps;
        let last = steps.last().map_or(self.progress.submitted_at, |step| step.at);
        if review.at < last {
            return Err(Refusal::BeforeLastStep { subject: self.id(), last, at: review.at });
        }
        self.may(review)?;
        self.stage_after(review)
    }

    fn id(&self) -> Subject {
        self.subject.clone()
    }

    fn may(&self, review: &Review) -> Result<(), Refusal> {
        match review.step {
            ReviewStep::Object { .. } => Ok(()),
            ReviewStep::Supply { .. } | ReviewStep::Withdraw {} | ReviewStep::Appeal { .. } => {
                acts_for(&review.by, self.applicant)
            }
            ReviewStep::Check {}
            | ReviewStep::RequestInformation { .. }
            | ReviewStep::Verify {}
            | ReviewStep::Publicise {}
            | ReviewStep::Approve { .. }
            | ReviewStep::Reject { .. }
            | ReviewStep::Close {} => is_impartial(&review.by, &self.concerned),
        }
    }

    fn stage_after(&self, review: &Review) -> Result<ReviewStage, Refusal> {
        let (stage, at) = (self.progress.stage, review.at);
        let verified = self.progress.verified();
        match (&review.step, stage) {
            (ReviewStep::Check {}, ReviewStage::Submitted)
            | (ReviewStep::Supply { .. }, ReviewStage::InformationRequested) => {
                Ok(ReviewStage::UnderReview { verified })
            }
            (
                ReviewStep::Supply { .. },
                ReviewStage::Submitted | ReviewStage::UnderReview { .. } | ReviewStage::Approved,
            ) => Ok(stage),
            (ReviewStep::RequestInformation { .. }, ReviewStage::UnderReview { .. }) => {
                Ok(ReviewStage::InformationRequested)
            }
            (ReviewStep::Verify {}, ReviewStage::UnderReview { .. }) => self.verify(&review.by),
            (ReviewStep::Publicise {}, ReviewStage::UnderReview { .. }) => self.publicise(at),
            (ReviewStep::Object { .. }, ReviewStage::Publicised { until }) if at < until => {
                Ok(ReviewStage::UnderReview { verified: 0 })
            }
            (ReviewStep::Approve { .. }, ReviewStage::UnderReview { .. }) => {
                let days = self.rules.publicity_days;
                if days > 0 {
                    return Err(Refusal::NotPublicised { subject: self.id(), days });
                }
                self.is_verified()?;
                Ok(ReviewStage::Approved)
            }
            (ReviewStep::Approve { .. }, ReviewStage::Publicised { until }) => {
                if at < until {
                    return Err(Refusal::StillPublicised { subject: self.id(), until });
                }
                Ok(ReviewStage::Approved)
            }
            (
                ReviewStep::Reject { reasons },
                ReviewStage::UnderReview { .. }
                | ReviewStage::InformationRequested
                | ReviewStage::Publicised { .. },
            ) => self.reject(reasons.is_empty(), at),
            (ReviewStep::Withdraw {}, _) if stage.is_pending() => Ok(ReviewStage::Withdrawn),
            (ReviewStep::Appeal { .. }, ReviewStage::Rejected { appeal_until: until }) => {
                if at > until {
                    return Err(Refusal::AppealTooLate { subject: self.id(), until });
                }
                Ok(ReviewStage::UnderReview { verified: 0 })
            }
            (ReviewStep::Close {}, ReviewStage::Rejected { appeal_until: until }) => {
                if at <= until {
                    return Err(Refusal::StillAppealable { subject: self.id(), until });
                }
                Ok(ReviewStage::Closed)
            }
            (step, _) => Err(Refusal::WrongReviewStage {
                subject: self.id(),
                stage: stage.name().to_owned(),
                step: step.name().to_owned(),
            }),
        }
    }

    fn verify(&self, by: &Person) -> Result<ReviewStage, Refusal> {
        let (verified, levels) = (self.progress.verified(), self.rules.levels);
        if verified >= levels {
            return Err(Refusal::AllVerified { subject: self.id(), levels });
        }
        self.is_complete()?;
        if self.progress.verifiers.contains(&by.id) {
            return Err(Refusal::SamePerson { subject: self.id(), person: by.clone() });
        }
        Ok(ReviewStage::UnderReview { verified: verified + 1 })
    }

    fn publicise(&self, at: Timestamp) -> Result<ReviewStage, Refusal> {
        let days = self.rules.publicity_days;
        if days == 0 {
            return Err(Refusal::NoPublicity { subject: self.id() });
        }
        self.is_verified()?;
        Ok(ReviewStage::Publicised { until: days_after(at, days)? })
    }

    fn reject(&self, without_reason: bool, at: Timestamp) -> Result<ReviewStage, Refusal> {
        if without_reason {
            return Err(Refusal::NoReason);
        }
        if self.rules.appeal_days == 0 {
            return Ok(ReviewStage::Closed);
        }
        Ok(ReviewStage::Rejected { appeal_until: days_after(at, self.rules.appeal_days)? })
    }

    fn is_complete(&self) -> Result<(), Refusal> {
        let missing = self.progress.missing(self.rules);
        if missing.is_empty() {
            return Ok(());
        }
        Err(Refusal::EvidenceMissing { subject: self.id(), missing })
    }

    fn is_verified(&self) -> Result<(), Refusal> {
        self.is_complete()?;
        let (verified, levels) = (self.progress.verified(), self.rules.levels);
        if verified >= levels {
            return Ok(());
        }
        Err(Refusal::NotVerified { subject: self.id(), verified, levels })
    }
}

pub(crate) fn acts_for(person: &Person, party: &PartyId) -> Result<(), Refusal> {
    if person.of == *party {
        return Ok(());
    }
    Err(Refusal::NotForParty { person: person.clone(), party: party.clone() })
}

/// A person who acts for one of these, or is one of them, does not decide.
pub(crate) fn is_impartial(person: &Person, concerned: &[&PartyId]) -> Result<(), Refusal> {
    let own = |party: &&&PartyId| person.of == ***party || person.id.as_str() == party.as_str();
    concerned.iter().find(own).map_or(Ok(()), |party| {
        Err(Refusal::OwnCase { person: person.clone(), party: (*party).clone() })
    })
}
