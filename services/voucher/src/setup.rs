//! Setting a programme up: its definition and the providers that it admits.

use loopledger_model::registry::PartyKind;
use loopledger_model::voucher::{Admission, Event, Programme, Refusal};
use loopledger_service::Decision;

use crate::decider::{Answer, positive, there_already};
use crate::facts::Facts;
use crate::state::State;

pub(crate) fn define(state: &State, facts: &Facts, programme: &Programme) -> Answer {
    let id = &programme.id;
    if let Some(account) = state.programme(id) {
        let exists = Refusal::ProgrammeExists { programme: id.clone() };
        return there_already(account.terms == *programme, exists);
    }
    let issuer = facts.party(&programme.issuer)?;
    if issuer.kind != PartyKind::Government {
        return Err(Refusal::NotGovernment { party: programme.issuer.clone() });
    }
    let (opens, closes) = (programme.at, programme.closes);
    if closes < opens {
        return Err(Refusal::ClosesBeforeOpening { programme: id.clone(), opens, closes });
    }
    let rules = &programme.rules;
    let limits = [Some(programme.budget), rules.cap_voucher, rules.cap_holder_year];
    let limits = limits.into_iter().flatten();
    limits.clone().try_for_each(positive)?;
    let currency = programme.currency;
    if let Some(amount) = limits.clone().find(|limit| limit.currency() != currency) {
        return Err(Refusal::WrongCurrency { amount, currency });
    }
    Ok(Decision::from(Event::ProgrammeDefined(programme.clone())).resting_on([issuer.fact]))
}

pub(crate) fn admit(state: &State, facts: &Facts, admission: &Admission) -> Answer {
    let Admission { programme, provider, at, to } = admission;
    let account = state.programme(programme);
    if let Some(known) = account.and_then(|account| account.admission(provider, *at)) {
        let (programme, provider) = (programme.clone(), provider.clone());
        let exists = Refusal::AdmissionExists { programme, provider, at: *at };
        return there_already(known == *to, exists);
    }
    let party = facts.party(provider)?;
    if let Some(to) = to.filter(|to| to <= at) {
        return Err(Refusal::EmptyAdmission { at: *at, to });
    }
    if account.is_none() {
        return Err(Refusal::UnknownProgramme { programme: programme.clone() });
    }
    Ok(Decision::from(Event::ProviderAdmitted(admission.clone())).resting_on([party.fact]))
}
