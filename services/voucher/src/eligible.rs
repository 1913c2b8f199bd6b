//! What a programme takes: which applicants, which purposes and which contracts.

use loopledger_model::ContractId;
use loopledger_model::voucher::DayCount;
use loopledger_model::voucher::{Profile, Refusal, Rules};

use crate::facts::Contract;
use crate::payable::days;

/// Signed in the programme's time, for no longer than it allows, at a precision that it takes.
pub(crate) fn contract(rules: &Rules, id: &ContractId, contract: &Contract) -> Result<(), Refusal> {
    let rules = &rules.eligibility;
    let (id, signed_at) = (id.clone(), contract.signed_at);
    let early = rules.signed_from.is_some_and(|from| signed_at < from);
    if early || rules.signed_until.is_some_and(|until| signed_at > until) {
        return Err(Refusal::SignedOutOfTime { contract: id, signed_at });
    }
    let length = days(contract.term, DayCount::Difference);
    if let Some(most) = rules.term_days_max.filter(|most| length > i64::from(*most)) {
        return Err(Refusal::TermTooLong { contract: id, days: length, most });
    }
    let stated = contract.precision.is_some_and(|stated| rules.precisions.contains(&stated));
    if !rules.precisions.is_empty() && !stated {
        return Err(Refusal::WrongPrecision { contract: id });
    }
    Ok(())
}

pub(crate) fn profile(rules: &Rules, profile: &Profile) -> Result<(), Refusal> {
    let rules = &rules.eligibility;
    let found = profile.applicant;
    if !rules.applicants.is_empty() && !rules.applicants.contains(&found) {
        let allowed: Vec<_> = rules.applicants.iter().map(|kind| kind.name()).collect();
        return Err(Refusal::IneligibleApplicant { found, allowed: allowed.join(", ") });
    }
    let stated = profile.purpose.is_some_and(|stated| rules.purposes.contains(&stated));
    if !rules.purposes.is_empty() && !stated {
        let allowed: Vec<_> = rules.purposes.iter().map(|purpose| purpose.name()).collect();
        let found = profile.purpose.map_or("no stated purpose", |purpose| purpose.name());
        let (found, allowed) = (found.to_owned(), allowed.join(", "));
        return Err(Refusal::IneligiblePurpose { found, allowed });
    }
    Ok(())
}
