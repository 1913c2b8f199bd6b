//! Assessing a claim: whether it may be made at all, and what the rules of its version come to.
//!
//! Invariants: the same assessment is made for a dry run, at submission and at approval; dates are always held
//! against the day of the claim, facts are those known when it is assessed.

use jiff::Timestamp;
use loopledger_model::purchase::ContractUnit;
use loopledger_model::voucher::{
    Base, Gate, Item, PayeeRule, Profile, Refusal, Rules, Side, SubmitClaim,
};
use loopledger_model::{CardHours, FactId, InvoiceId, LockId, Money, PartyId, UsageId, VoucherId};
use rust_decimal::Decimal;

use crate::facts::{Contract, Facts, Invoice};
use crate::issuing::days_after;
use crate::payable::{Bases, Counted, Exact, Figures, NotPayable, Payable, payable};
use crate::programme::{Account, year};
use crate::redeeming::{self, sum_of};
use crate::review::acts_for;
use crate::state::State;
use crate::voucher::Voucher;
use crate::{eligible, related};

/// What a claim comes to.
pub(crate) struct Assessed<'a> {
    pub(crate) account: &'a Account,
    pub(crate) version: u32,
    pub(crate) invoice: &'a Invoice,
    pub(crate) contract: &'a Contract,
    /// Absent where the claim makes it.
    pub(crate) voucher: Option<&'a Voucher>,
    pub(crate) profile: Profile,
    pub(crate) payee: PartyId,
    pub(crate) payable: Payable,
    pub(crate) card_hours: Option<CardHours>,
    pub(crate) usage: Vec<UsageId>,
    pub(crate) gate: Option<Gate>,
    pub(crate) rests_on: Vec<FactId>,
}

impl Assessed<'_> {
    pub(crate) fn rules(&self) -> &Rules {
        self.account.rules(self.version)
    }
}

/// Assesses a claim that is new (`limit` is absent), or one that is approved, up to a limit.
pub(crate) fn assess<'a>(
    state: &'a State,
    facts: &'a Facts,
    claim: &SubmitClaim,
    limit: Option<Money>,
) -> Result<Assessed<'a>, Refusal> {
    let account = state.programme_of(&claim.programme)?;
    let is_new = limit.is_none();
    let invoice = facts.invoice(&claim.invoice)?;
    let contract = facts.contract(&invoice.contract)?;
    let voucher = voucher(state, account, claim, is_new)?;
    let version = voucher.map_or(account.terms().version, |voucher| voucher.version);
    let rules = account.rules(version);
    claim.amount.map_or(Ok(()), |asked| account.in_its_currency(asked))?;
    let payee = payee(account, rules, contract, claim)?;
    account.lets(payee, claim.at)?;
    redeeming::is_claimable(contract, invoice, (&invoice.contract, &claim.invoice), claim.at)?;
    is_timely(rules, voucher, invoice, claim)?;
    eligible::contract(rules, &invoice.contract, contract)?;
    // What an application was approved for is not restated by a claim.
    let approved = voucher.and_then(Voucher::stated_profile);
    let profile = approved.or(claim.profile.as_ref()).cloned().unwrap_or_default();
    eligible::profile(rules, &profile)?;
    account.admits_throughout(&contract.seller, invoice.service)?;
    let gate = related::permit(account, version, facts, (&invoice.contract, contract), claim.at)?;
    if is_new {
        is_unclaimed(state, account, rules, facts, (invoice, payee), claim)?;
    }
    let own = !is_new;
    let (metered, usage) = metered(state, facts, rules, (invoice, contract), claim, own)?;
    let is_traced = true;
    let particulars = Particulars::of(claim);
    let subject =
        Subject { facts, account, rules, voucher, contract, invoice, particulars, is_traced };
    let asked = match (limit, claim.amount) {
        (Some(limit), Some(asked)) => Some(limit.min(asked)?),
        (limit, asked) => limit.or(asked),
    };
    let payable = subject.payable(&profile, metered, subject.counted()?, asked)?;
    if !payable.amount.is_positive() {
        return Err(Refusal::NothingPayable { trace: payable.trace });
    }
    subject.own_share_is_paid(payable.amount)?;
    let card_hours = card_hours(contract, invoice, claim.card_hours);
    let mut rests_on = vec![contract.fact];
    rests_on.extend(invoice.facts());
    rests_on.extend(usage.iter().map(|(_, fact)| *fact));
    rests_on.extend(facts.payments(&claim.invoice, claim.at).map(|payment| payment.fact));
    let (usage, payee) = (usage.into_iter().map(|(id, _)| id).collect(), payee.clone());
    Ok(Assessed {
        account,
        version,
        invoice,
        contract,
        voucher,
        profile,
        payee,
        payable,
        card_hours,
        usage,
        gate,
        rests_on,
    })
}

/// The voucher that is claimed on; none where the claim makes it.
fn voucher<'a>(
    state: &'a State,
    account: &Account,
    claim: &SubmitClaim,
    is_new: bool,
) -> Result<Option<&'a Voucher>, Refusal> {
    let id = || claim.voucher.clone();
    if is_new && account.terms().rules.settlement.mode.claims_issue() {
        account.issues(claim.at)?;
        if state.voucher(&claim.voucher).is_some() {
            return Err(Refusal::VoucherExists { voucher: id() });
        }
        let lock: LockId = lock_of(claim);
        if state.lock(&lock).is_some() {
            return Err(Refusal::LockNameTaken { lock });
        }
        return Ok(None);
    }
    account.is_served()?;
    let (voucher, of) = state.issued(&claim.voucher)?;
    if voucher.programme != claim.programme {
        let programme = of.terms().id.clone();
        return Err(Refusal::VoucherElsewhere { voucher: id(), programme });
    }
    voucher.is_usable(&claim.voucher, claim.at)?;
    Ok(Some(voucher))
}

/// The lock of a voucher that a claim makes is named as the voucher.
pub(crate) fn lock_of(claim: &SubmitClaim) -> LockId {
    claim.voucher.as_str().parse().expect("a voucher's id is fit for a lock")
}

fn payee<'a>(
    account: &Account,
    rules: &Rules,
    contract: &'a Contract,
    claim: &SubmitClaim,
) -> Result<&'a PartyId, Refusal> {
    let side = match (rules.settlement.payee, claim.payee) {
        (PayeeRule::Provider, None | Some(Side::Provider))
        | (PayeeRule::EitherNotBoth, Some(Side::Provider)) => Side::Provider,
        (PayeeRule::Firm, None | Some(Side::Firm))
        | (PayeeRule::EitherNotBoth, Some(Side::Firm)) => Side::Firm,
        (PayeeRule::EitherNotBoth, None) => return Err(Refusal::PayeeMissing),
        (PayeeRule::Provider, Some(Side::Firm)) | (PayeeRule::Firm, Some(Side::Provider)) => {
            let payee =
                if rules.settlement.payee == PayeeRule::Firm { Side::Firm } else { Side::Provider };
            return Err(Refusal::OtherPayee { programme: account.terms().id.clone(), payee });
        }
    };
    let payee = match side {
        Side::Provider => &contract.seller,
        Side::Firm => &contract.buyer,
    };
    acts_for(&claim.by, payee)?;
    Ok(payee)
}

/// Within the window for claims, for service in the time of a voucher that was there before.
fn is_timely(
    rules: &Rules,
    voucher: Option<&Voucher>,
    invoice: &Invoice,
    claim: &SubmitClaim,
) -> Result<(), Refusal> {
    if let Some(days) = rules.settlement.claim_window_days {
        let until = days_after(invoice.service.to(), days)?;
        if claim.at > until {
            return Err(Refusal::ClaimTooLate { until, at: claim.at });
        }
    }
    let issues = rules.settlement.mode.claims_issue();
    let Some(voucher) = voucher.filter(|_| !issues) else { return Ok(()) };
    let service = invoice.service;
    let late = voucher.expires_at().is_some_and(|expires_at| service.to() > expires_at);
    if late || service.from() < voucher.issued_at() {
        let voucher = claim.voucher.clone();
        return Err(Refusal::ServiceOutsideValidity { voucher, service });
    }
    Ok(())
}

/// Neither the contract, where one claim is all, nor the invoice or a number supports another claim, and the other
/// side is not paid for the same time.
fn is_unclaimed(
    state: &State,
    account: &Account,
    rules: &Rules,
    facts: &Facts,
    (invoice, payee): (&Invoice, &PartyId),
    claim: &SubmitClaim,
) -> Result<(), Refusal> {
    let made = account.claims_on(&invoice.contract);
    if rules.eligibility.one_claim_per_contract
        && let Some(other) = made.first()
    {
        let (contract, claim) = (invoice.contract.clone(), other.clone());
        return Err(Refusal::ContractClaimed { contract, claim });
    }
    for other in made.iter().filter_map(|id| state.claim(id)) {
        let service = facts.invoice(&other.asked.invoice)?.service;
        if rules.settlement.payee == PayeeRule::EitherNotBoth
            && other.payee != *payee
            && service.overlaps(&invoice.service)
        {
            let (contract, claim) = (invoice.contract.clone(), other.asked.id.clone());
            return Err(Refusal::OtherSidePaid { contract, claim, payee: other.payee.clone() });
        }
    }
    state.is_free(&claim.invoice)?;
    state.are_unused(&claim.evidence, None)
}

/// What was metered of what the claim rests on; `own` usage may be claimed by the invoice already.
#[expect(clippy::type_complexity, reason = "named once, and taken apart at once")]
fn metered(
    state: &State,
    facts: &Facts,
    rules: &Rules,
    (invoice, contract): (&Invoice, &Contract),
    claim: &SubmitClaim,
    own: bool,
) -> Result<(Option<Decimal>, Vec<(UsageId, FactId)>), Refusal> {
    let all: Vec<_> = facts.metered(&invoice.contract, invoice.service).collect();
    for id in &claim.usage {
        if !all.iter().any(|(usage, _)| usage.id == *id) {
            let (usage, contract) = (id.clone(), invoice.contract.clone());
            return Err(Refusal::ForeignUsage { usage, contract });
        }
    }
    let named = |id: &UsageId| claim.usage.is_empty() || claim.usage.contains(id);
    let chosen = all.iter().filter(|(usage, _)| named(&usage.id));
    let hours = chosen.clone().map(|(usage, _)| usage.card_hours);
    let hours = sum_of(hours)?;
    let usage: Vec<_> = chosen.map(|(usage, fact)| (usage.id.clone(), *fact)).collect();
    if !rules.metering_required && claim.usage.is_empty() {
        return Ok(((!usage.is_empty()).then_some(hours), Vec::new()));
    }
    for (id, _) in &usage {
        state.is_unclaimed(id, own.then_some(&claim.invoice))?;
    }
    if usage.is_empty() {
        let (contract, invoice) = (invoice.contract.clone(), claim.invoice.clone());
        return Err(Refusal::NotMetered { contract, invoice });
    }
    if let Some(claimed) = card_hours(contract, invoice, claim.card_hours)
        && claimed.value() > hours
    {
        let metered = CardHours::new(hours).expect("less than a number of card-hours is one");
        return Err(Refusal::AboveMeteredHours { claimed, metered });
    }
    let chosen = all.iter().map(|(usage, _)| *usage).filter(|usage| named(&usage.id));
    facts.are_lit(chosen, |id| state.is_claimed(id))?;
    Ok((Some(hours), usage))
}

/// How many card-hours are claimed, where that can be said.
fn card_hours(
    contract: &Contract,
    invoice: &Invoice,
    claimed: Option<CardHours>,
) -> Option<CardHours> {
    let invoiced = || CardHours::new(invoice.quantity.value()).ok();
    claimed.or_else(|| (contract.unit == ContractUnit::CardHour).then(invoiced).flatten())
}

/// What a claim, or a redemption that nobody reviews, says that its amount depends on.
#[derive(Clone, Copy)]
pub(crate) struct Particulars<'a> {
    pub(crate) voucher: &'a VoucherId,
    pub(crate) invoice: &'a InvoiceId,
    pub(crate) card_hours: Option<CardHours>,
    pub(crate) items: &'a [Item],
    pub(crate) at: Timestamp,
}

impl<'a> Particulars<'a> {
    fn of(claim: &'a SubmitClaim) -> Self {
        let SubmitClaim { voucher, invoice, card_hours, items, at, .. } = claim;
        Self { voucher, invoice, card_hours: *card_hours, items, at: *at }
    }
}

/// A claim with everything that its amount depends on.
struct Subject<'a> {
    facts: &'a Facts,
    account: &'a Account,
    rules: &'a Rules,
    voucher: Option<&'a Voucher>,
    contract: &'a Contract,
    invoice: &'a Invoice,
    particulars: Particulars<'a>,
    is_traced: bool,
}

/// The most that a redemption which nobody reviews can have of an invoice, of which so much is `taken` with it.
pub(crate) fn most<'a>(
    facts: &'a Facts,
    account: &'a Account,
    voucher: &'a Voucher,
    (invoice, contract): (&'a Invoice, &'a Contract),
    particulars: Particulars<'a>,
    taken: Money,
) -> Result<Payable, Refusal> {
    let rules = account.rules(voucher.version);
    let metered = match rules.amount.base {
        Base::Used => {
            let usage = facts.metered(&invoice.contract, invoice.service);
            Some(sum_of(usage.map(|(usage, _)| usage.card_hours))?)
        }
        Base::Invoiced | Base::Contract | Base::Settled | Base::List => None,
    };
    let voucher = Some(voucher);
    let is_traced = !rules.is_plain();
    let subject =
        Subject { facts, account, rules, voucher, contract, invoice, particulars, is_traced };
    let on_contract = Some(account.redeemed_on(&invoice.contract));
    let counted = Counted {
        card_hours_on_contract: account.card_hours_on(&invoice.contract),
        on_contract,
        ..Counted::default()
    };
    let profile = voucher.map(Voucher::profile).unwrap_or_default();
    let found = subject.payable(&profile, metered, counted, None)?;
    subject.own_share_is_paid(taken)?;
    Ok(found)
}

impl Subject<'_> {
    fn payable(
        &self,
        profile: &Profile,
        metered: Option<Decimal>,
        counted: Counted,
        asked: Option<Money>,
    ) -> Result<Payable, Refusal> {
        let figures = Figures {
            currency: self.account.terms().currency,
            profile,
            bases: self.bases(metered)?,
            items: self.particulars.items,
            card_hours: card_hours(self.contract, self.invoice, self.particulars.card_hours),
            service: self.invoice.service,
            counted,
            asked,
            is_traced: self.is_traced,
        };
        payable(self.rules, &figures).map_err(|error| match error {
            NotPayable::NoBase { base } => {
                Refusal::NoBase { base, invoice: self.particulars.invoice.clone() }
            }
            NotPayable::Money(error) => error.into(),
        })
    }

    /// The one that the rules ask for.
    fn bases(&self, metered: Option<Decimal>) -> Result<Bases, Refusal> {
        let mut bases = Bases::default();
        match self.rules.amount.base {
            Base::Invoiced => bases.invoiced = Some(self.invoice.amount.amount()),
            Base::Contract => bases.contract = self.contract.value().decimal(),
            Base::Settled => bases.settled = Some(self.paid()?.amount()),
            Base::Used => bases.used = metered.and_then(|hours| self.cost(hours)),
            Base::List => {}
        }
        Ok(bases)
    }

    /// Of card-hours, where the contract has a price for them.
    fn cost(&self, hours: Decimal) -> Option<Decimal> {
        let price = self.contract.price_at(self.invoice.service.from()).value();
        let by_hour = self.contract.unit == ContractUnit::CardHour;
        by_hour.then(|| Exact::of(hours).times(&Exact::of(price)).decimal()).flatten()
    }

    /// What the buyer had paid of the invoice by the claim.
    fn paid(&self) -> Result<Money, Refusal> {
        let payments = self.facts.payments(self.particulars.invoice, self.particulars.at);
        let amounts = payments.map(|payment| payment.amount);
        Ok(Money::sum(self.invoice.amount.currency(), amounts)?)
    }

    fn counted(&self) -> Result<Counted, Refusal> {
        let (rules, account) = (self.rules, self.account);
        let issues = rules.settlement.mode.claims_issue();
        let (holder, year) = (&self.contract.buyer, year(self.particulars.at));
        let counts = rules.amount.cap_counts;
        let redeemed = counts.redeemed().then(|| account.redeemed_by(holder, year));
        let fresh = issues && self.voucher.is_none();
        let issued = (fresh && counts.issued()).then(|| account.issued_to(holder, year));
        let in_holder_year = match (redeemed, issued) {
            (Some(redeemed), Some(issued)) => {
                Some(if redeemed.exceeds(issued)? { redeemed } else { issued })
            }
            (redeemed, issued) => redeemed.or(issued),
        };
        let locked = self.voucher.map(|voucher| self.left_on(voucher)).transpose()?;
        let available = locked
            .map_or_else(|| account.budget.available(account.terms(), self.particulars.at), Ok)?;
        Ok(Counted {
            card_hours_on_contract: account.card_hours_on(&self.invoice.contract),
            on_contract: Some(account.redeemed_on(&self.invoice.contract)),
            in_holder_year,
            on_invoice: None,
            available: Some(available),
            issues,
        })
    }

    fn left_on(&self, voucher: &Voucher) -> Result<Money, Refusal> {
        let (contract, at) = (&self.invoice.contract, self.particulars.at);
        voucher.is_held_by(&self.contract.buyer, self.particulars.voucher, contract)?;
        let left = voucher.left_on(contract, at).map(|(_, left)| left);
        let left = Money::sum(self.account.terms().currency, left)?;
        if left.is_positive() {
            return Ok(left);
        }
        let (voucher, contract) = (self.particulars.voucher.clone(), contract.clone());
        Err(Refusal::NotLocked { voucher, contract })
    }

    /// Whether the buyer has paid what the voucher does not.
    pub(crate) fn own_share_is_paid(&self, amount: Money) -> Result<(), Refusal> {
        if !self.rules.settlement.own_share_first {
            return Ok(());
        }
        let (share, paid) = (self.invoice.amount.checked_sub(amount)?, self.paid()?);
        if share.exceeds(paid)? {
            return Err(Refusal::OwnShareUnpaid { share, paid });
        }
        Ok(())
    }
}
