//! Whether the rules of a programme's version fit together, before anybody relies on them.

use loopledger_model::voucher::{Base, PayeeRule, Programme, Refusal, ReviewRules, SettlementMode};
use loopledger_model::{Money, PartyId, PersonId};
use rust_decimal::Decimal;

/// Every limit that a version states.
pub(crate) fn limits(programme: &Programme) -> impl Iterator<Item = Money> + '_ {
    let rules = &programme.rules;
    let small =
        |review: &Option<ReviewRules>| review.as_ref().and_then(|review| review.auto_approve_below);
    let stated = [
        Some(programme.budget),
        rules.cap_voucher,
        rules.cap_holder_year,
        rules.amount.cap_contract,
        small(&rules.application_review),
        small(&rules.claim_review),
    ];
    let periods = programme.budgets.iter().map(|budget| budget.amount);
    stated.into_iter().flatten().chain(periods)
}

/// Refuses the first two that contradict each other.
pub(crate) fn agree(programme: &Programme) -> Result<(), Refusal> {
    let found = contradiction(programme);
    found.map_or(Ok(()), |reason| Err(Refusal::ContradictoryRules { reason: reason.to_owned() }))
}

fn contradiction(programme: &Programme) -> Option<&'static str> {
    budgets(programme).or_else(|| money(programme)).or_else(|| people(programme))
}

fn budgets(programme: &Programme) -> Option<&'static str> {
    let budgets = &programme.budgets;
    let mut pairs = budgets.iter().enumerate().flat_map(|(place, budget)| {
        budgets[place + 1..].iter().map(move |other| (budget.period, other.period))
    });
    if pairs.any(|(one, other)| one.overlaps(&other)) {
        return Some("two budget periods overlap");
    }
    let sum = budgets.iter().map(|budget| budget.amount.minor_units()).sum::<i128>();
    if sum > programme.budget.minor_units() {
        return Some("the budgets of the periods come to more than the budget");
    }
    let funding = &programme.funding;
    let names = |party: &PartyId| funding.iter().filter(|source| source.party == *party).count();
    if funding.iter().any(|source| source.parts == 0 || names(&source.party) > 1) {
        return Some("each source of funding has to be named once, with at least one part");
    }
    None
}

fn money(programme: &Programme) -> Option<&'static str> {
    let rules = &programme.rules;
    let (amount, settlement) = (&rules.amount, &rules.settlement);
    if amount.base == Base::List && amount.list_price.is_none() {
        return Some("a share of the list price needs a list price");
    }
    if amount.base == Base::Contract && !rules.eligibility.one_claim_per_contract {
        return Some("a share of a contract can be claimed once: say one_claim_per_contract");
    }
    if settlement.payee == PayeeRule::EitherNotBoth
        && settlement.mode != SettlementMode::TargetLetter
    {
        return Some("either side can be paid by a target letter alone");
    }
    let firm = matches!(settlement.mode, SettlementMode::FirmRedeems);
    if firm && settlement.payee != PayeeRule::Firm {
        return Some("where the firm redeems, the firm is paid");
    }
    let shares = settlement.tranches.iter().map(|tranche| tranche.share.value());
    if !settlement.tranches.is_empty() {
        if rules.application_review.is_none() {
            return Some("tranches are of an application: say application_review");
        }
        if shares.sum::<Decimal>() != Decimal::ONE {
            return Some("the shares of the tranches have to come to 1");
        }
    }
    if settlement.mode.claims_issue() && rules.application_review.is_some() {
        return Some("where the claim makes the voucher there is no application");
    }
    None
}

fn people(programme: &Programme) -> Option<&'static str> {
    let rule = programme.rules.waiver.as_ref()?;
    let most = u32::try_from(rule.approvers.len()).unwrap_or(u32::MAX);
    if rule.needed == 0 || rule.needed > most {
        return Some("a waiver needs at least one approver and no more than there are");
    }
    let names =
        |person: &PersonId| rule.approvers.iter().filter(|approver| *approver == person).count();
    if rule.approvers.iter().any(|person| names(person) > 1) {
        return Some("each approver of waivers has to be named once");
    }
    None
}
