//! Setting a programme up: its versions and stages, and the providers that it admits.

use loopledger_model::registry::PartyKind;
use loopledger_model::voucher::{
    Admission, AdmissionApplication, AdmissionChange, ChangeAdmission, ChangeProgramme, Event,
    Programme, ProgrammeChanged, ProgrammeStage, ProviderGate, Qualification, Refusal,
};
use loopledger_model::{FactId, Money, Text};
use loopledger_service::Decision;

use crate::checking;
use crate::decider::{Answer, positive, there_already};
use crate::facts::Facts;
use crate::programme::Account;
use crate::review::is_impartial;
use crate::state::State;

pub(crate) fn define(state: &State, facts: &Facts, programme: &Programme) -> Answer {
    let id = &programme.id;
    if let Some(account) = state.programme(id) {
        let same = account.version(programme.version) == Some(programme);
        return there_already(same, Refusal::ProgrammeExists { programme: id.clone() });
    }
    if programme.version != 1 {
        let (programme, version) = (id.clone(), programme.version);
        return Err(Refusal::WrongVersion { programme, next: 1, version });
    }
    let issuer = is_sound(facts, programme)?;
    Ok(Decision::from(Event::ProgrammeDefined(Box::new(programme.clone()))).resting_on([issuer]))
}

/// Issued by government, with dates, limits and rules that fit together.
fn is_sound(facts: &Facts, programme: &Programme) -> Result<FactId, Refusal> {
    let id = &programme.id;
    let issuer = facts.party(&programme.issuer)?;
    if issuer.kind != PartyKind::Government {
        return Err(Refusal::NotGovernment { party: programme.issuer.clone() });
    }
    let (opens, closes) = (programme.at, programme.closes);
    if closes < opens {
        return Err(Refusal::ClosesBeforeOpening { programme: id.clone(), opens, closes });
    }
    let limits: Vec<Money> = checking::limits(programme).collect();
    limits.iter().copied().try_for_each(positive)?;
    let currency = programme.currency;
    if let Some(amount) = limits.into_iter().find(|limit| limit.currency() != currency) {
        return Err(Refusal::WrongCurrency { amount, currency });
    }
    checking::agree(programme)?;
    Ok(issuer.fact)
}

/// A first version, or the next of a programme that is there.
pub(crate) fn draft(state: &State, facts: &Facts, programme: &Programme) -> Answer {
    let (id, version) = (&programme.id, programme.version);
    let account = state.programme(id);
    if let Some(known) = account.and_then(|account| account.version(version)) {
        let exists = Refusal::VersionExists { programme: id.clone(), version };
        return there_already(known == programme, exists);
    }
    let next = account.map_or(1, |account| account.latest() + 1);
    if version != next {
        return Err(Refusal::WrongVersion { programme: id.clone(), next, version });
    }
    if let Some(terms) = account.map(Account::terms) {
        let kept = [
            (terms.issuer == programme.issuer, "issuer"),
            (terms.currency == programme.currency, "currency"),
            (terms.funding == programme.funding, "sources of funding"),
        ];
        if let Some((_, what)) = kept.into_iter().find(|(kept, _)| !kept) {
            let (programme, what) = (id.clone(), what.to_owned());
            return Err(Refusal::NotKept { programme, version, what });
        }
    }
    let issuer = is_sound(facts, programme)?;
    Ok(Decision::from(Event::ProgrammeDrafted(Box::new(programme.clone()))).resting_on([issuer]))
}

pub(crate) fn change(state: &State, asked: &ChangeProgramme) -> Answer {
    let account = state.programme_of(&asked.programme)?;
    let is_it = |made: &&ProgrammeChanged| {
        (made.version, made.to, &made.by, made.at) == (asked.version, asked.to, &asked.by, asked.at)
    };
    if account.changes.iter().any(|made| is_it(&made)) {
        return Ok(Decision::nothing());
    }
    if let Some(changed_at) = account.changes.last().map(|made| made.at)
        && asked.at < changed_at
    {
        let programme = asked.programme.clone();
        return Err(Refusal::BeforeLastChange { programme, changed_at, at: asked.at });
    }
    let to = next_stage(state, account, asked)?;
    Ok(Decision::from(Event::ProgrammeChanged(ProgrammeChanged {
        programme: asked.programme.clone(),
        version: asked.version,
        from: account.stage,
        to,
        by: asked.by.clone(),
        at: asked.at,
    })))
}

fn next_stage(
    state: &State,
    account: &Account,
    asked: &ChangeProgramme,
) -> Result<ProgrammeStage, Refusal> {
    use ProgrammeStage::{Closed, Drafted, Open, Published, Settled, Suspended};
    let (programme, version) = (|| asked.programme.clone(), asked.version);
    let terms = account.version(version);
    let unknown = || Refusal::UnknownVersion { programme: programme(), version };
    let terms = terms.ok_or_else(unknown)?;
    let current = account.terms().version;
    match (account.stage, asked.to) {
        (Drafted, Published) => return Ok(Published),
        (stage @ (Published | Open | Suspended), Published) if version == current + 1 => {
            let below = |(committed, budget)| Refusal::BelowCommitted {
                programme: programme(),
                version,
                committed,
                budget,
            };
            return account.budget.is_covered_by(terms).map(|()| stage).map_err(below);
        }
        _ => {}
    }
    if version != current {
        return Err(Refusal::WrongVersion { programme: programme(), next: current, version });
    }
    match (account.stage, asked.to) {
        (Published | Suspended, Open)
        | (Open, Suspended)
        | (Published | Open | Suspended, Closed) => Ok(asked.to),
        (Closed, Settled) => {
            let (vouchers, claims) = state.not_done(&asked.programme);
            if vouchers > 0 || claims > 0 {
                return Err(Refusal::Unsettled { programme: programme(), vouchers, claims });
            }
            Ok(Settled)
        }
        (stage, to) => Err(Refusal::WrongStage { programme: programme(), stage, to }),
    }
}

pub(crate) fn apply_for_admission(
    state: &State,
    facts: &Facts,
    asked: &AdmissionApplication,
) -> Answer {
    let account = state.programme_of(&asked.programme)?;
    if let Some(known) = account.admissions.application(&asked.provider) {
        let (programme, provider) = (asked.programme.clone(), asked.provider.clone());
        let exists = Refusal::AdmissionAppliedFor { programme, provider };
        return there_already(known == asked, exists);
    }
    let party = facts.party(&asked.provider)?;
    account.lets(&asked.provider, asked.at)?;
    Ok(Decision::from(Event::AdmissionAppliedFor(asked.clone())).resting_on([party.fact]))
}

pub(crate) fn admit(state: &State, facts: &Facts, admission: &Admission) -> Answer {
    let Admission { programme, provider, at, to, qualification } = admission;
    let account = state.programme(programme);
    if let Some(known) = account.and_then(|account| account.admissions.admission(provider, *at)) {
        let (programme, provider) = (programme.clone(), provider.clone());
        let exists = Refusal::AdmissionExists { programme, provider, at: *at };
        return there_already(known == *to, exists);
    }
    let party = facts.party(provider)?;
    if let Some(to) = to.filter(|to| to <= at) {
        return Err(Refusal::EmptyAdmission { at: *at, to });
    }
    let unknown = || Refusal::UnknownProgramme { programme: programme.clone() };
    let account = account.ok_or_else(unknown)?;
    if let Some(change) = account.admissions.last_change(provider)
        && change.change == AdmissionChange::Removed
    {
        return Err(Refusal::WrongAdmissionState {
            programme: programme.clone(),
            provider: provider.clone(),
            state: change.change.to_string(),
            change: AdmissionChange::Reinstated,
        });
    }
    let applied = account.admissions.application(provider);
    let stated = qualification.as_ref();
    let stated = stated.or_else(|| applied.and_then(|applied| applied.qualification.as_ref()));
    let gate = &account.terms().rules.eligibility.provider;
    if let Some(gate) = fails(gate, stated.unwrap_or(&Qualification::default())) {
        let (programme, provider) = (programme.clone(), provider.clone());
        return Err(Refusal::BelowProviderGate { programme, provider, gate });
    }
    Ok(Decision::from(Event::ProviderAdmitted(admission.clone())).resting_on([party.fact]))
}

/// What of a programme's gate a provider does not pass.
fn fails(gate: &ProviderGate, stated: &Qualification) -> Option<String> {
    let p = gate.p_min.map(|least| stated.p.is_some_and(|p| p >= least));
    let racks = gate.racks_min.map(|least| stated.racks.is_some_and(|racks| racks >= least));
    let sizes: Vec<bool> = [p, racks].into_iter().flatten().collect();
    if !sizes.is_empty() && !sizes.contains(&true) {
        let p = gate.p_min.map(|least| format!("{least} P"));
        let racks = gate.racks_min.map(|least| format!("{least} racks"));
        let least: Vec<String> = [p, racks].into_iter().flatten().collect();
        return Some(format!("at least {}", least.join(" or ")));
    }
    if gate.connected && !stated.connected {
        return Some("a connection to the platform".to_owned());
    }
    let there = |region| gate.regions.contains(region);
    if !gate.regions.is_empty() && !stated.region.as_ref().is_some_and(there) {
        let regions: Vec<&str> = gate.regions.iter().map(Text::as_str).collect();
        return Some(format!("a place in {}", regions.join(" or ")));
    }
    None
}

pub(crate) fn change_admission(state: &State, asked: &ChangeAdmission) -> Answer {
    let account = state.programme_of(&asked.programme)?;
    let ids = || (asked.programme.clone(), asked.provider.clone());
    let admissions = &account.admissions;
    if !admissions.was_ever_admitted(&asked.provider) {
        let (programme, provider) = ids();
        return Err(Refusal::NeverAdmitted { programme, provider });
    }
    if admissions.change_at(&asked.provider, asked.at) == Some(asked) {
        return Ok(Decision::nothing());
    }
    is_impartial(&asked.by, &[&asked.provider])?;
    let last = admissions.last_change(&asked.provider);
    if let Some(last) = last.filter(|last| asked.at <= last.at) {
        let programme = asked.programme.clone();
        return Err(Refusal::BeforeLastChange { programme, changed_at: last.at, at: asked.at });
    }
    let standing = last.map_or(AdmissionChange::Reinstated, |last| last.change);
    match (standing, asked.change) {
        (AdmissionChange::Reinstated, AdmissionChange::Suspended | AdmissionChange::Removed)
        | (AdmissionChange::Suspended, AdmissionChange::Reinstated | AdmissionChange::Removed) => {}
        (standing, change) => {
            let (programme, provider) = ids();
            let state = standing.to_string();
            return Err(Refusal::WrongAdmissionState { programme, provider, state, change });
        }
    }
    Ok(Decision::from(Event::AdmissionChanged(asked.clone())))
}
