//! Every fact of the voucher context as one row: its programme, and the claim and provider that it is about.
//!
//! Invariant: no fact of the context is left out.

use loopledger_model::voucher::{Event, Subject};
use loopledger_model::{PartyId, ProgrammeId, RedemptionId};
use loopledger_views::rows::{Stamp, VoucherFact};

pub(crate) fn of(stamp: Stamp, event: Event) -> VoucherFact {
    let (programme, claim, provider) = about(&event);
    let (programme, claim, provider) = (programme.clone(), claim.cloned(), provider.cloned());
    VoucherFact { stamp, programme, claim, provider, event }
}

type About<'a> = (&'a ProgrammeId, Option<&'a RedemptionId>, Option<&'a PartyId>);

fn about(event: &Event) -> About<'_> {
    match event {
        Event::ProgrammeDefined(of) | Event::ProgrammeDrafted(of) => (&of.id, None, None),
        Event::ProgrammeChanged(of) => (&of.programme, None, None),
        Event::ProviderAdmitted(of) => (&of.programme, None, Some(&of.provider)),
        Event::AdmissionAppliedFor(of) => (&of.programme, None, Some(&of.provider)),
        Event::AdmissionChanged(of) => (&of.programme, None, Some(&of.provider)),
        Event::WaiverApproved(of) => (&of.programme, None, None),
        Event::ApplicationSubmitted(of) => (&of.application.programme, None, None),
        Event::VoucherIssued(of) => (&of.programme, None, None),
        Event::VoucherLocked(of) => (&of.programme, None, Some(&of.provider)),
        Event::LockReleased(of) => (&of.programme, None, None),
        Event::VoucherEnded(of) => (&of.programme, None, None),
        Event::VoucherRedeemed(of) => (&of.programme, Some(&of.id), Some(&of.provider)),
        Event::RedemptionSettled(of) => (&of.programme, Some(&of.redemption), Some(&of.provider)),
        Event::ClaimSubmitted(of) => (&of.claim.programme, Some(&of.claim.id), Some(&of.provider)),
        Event::Reviewed(of) => match &of.subject {
            Subject::Application(_) => (&of.programme, None, None),
            Subject::Claim(claim) => (&of.programme, Some(claim), None),
        },
        Event::PaymentOrdered(of) => (&of.programme, Some(&of.redemption), None),
        Event::PaymentFailed(of) => (&of.programme, Some(&of.redemption), None),
        Event::ClawbackOpened(of) => (&of.programme, Some(&of.redemption), None),
        Event::ClawbackAssessed(of) => (&of.programme, Some(&of.redemption), None),
        Event::ClawbackRecovered(of) => (&of.programme, Some(&of.redemption), None),
        Event::ClawbackWrittenOff(of) => (&of.programme, Some(&of.redemption), None),
    }
}
