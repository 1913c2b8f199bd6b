//! What a programme pays for a claim: the rules of its version, one after the other, each leaving a step in the trace.
//!
//! Invariants: the arithmetic is exact, and only the programme's own rounding rounds; no step but the own share's
//! discount raises the amount; the trace alone shows how the amount came about.

use loopledger_model::voucher::{
    Base, Conditions, Item, Profile, Rounds, RuleName, Rules, Step, Tier,
};
use loopledger_model::{CardHours, Currency, Money, MoneyError, Period};
use rust_decimal::Decimal;

mod days;
mod exact;

pub(crate) use self::days::days;
pub(crate) use self::exact::Exact;

/// What a claim is about.
#[derive(Debug, Clone)]
pub struct Figures<'a> {
    pub currency: Currency,
    pub profile: &'a Profile,
    pub bases: Bases,
    /// What parts of the invoice are for.
    pub items: &'a [Item],
    pub card_hours: Option<CardHours>,
    pub service: Period,
    pub counted: Counted,
    pub asked: Option<Money>,
    /// Whether anybody reads the trace.
    pub is_traced: bool,
}

/// In the currency's major unit; what is not known or does not apply is absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bases {
    pub invoiced: Option<Decimal>,
    pub contract: Option<Decimal>,
    pub settled: Option<Decimal>,
    pub used: Option<Decimal>,
}

/// What was counted before; absent where a limit does not apply to the claim.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    pub card_hours_on_contract: Decimal,
    pub on_contract: Option<Money>,
    /// Of what `cap_counts` says.
    pub in_holder_year: Option<Money>,
    pub on_invoice: Option<Money>,
    /// What is locked or, where the claim makes the voucher, left of the budget.
    pub available: Option<Money>,
    /// Whether the claim makes the voucher, so that the cap of a voucher holds for it.
    pub issues: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payable {
    pub amount: Money,
    /// The base less the amount: a decimal, or a fraction as in `1/3`. It and the trace are empty where nobody reads
    /// the trace.
    pub own_share: String,
    pub trace: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPayable {
    #[error("the programme pays a share of what is {base}, which is not known of this claim")]
    NoBase { base: Base },
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// The tier of a profile, counted from 1, and its ratio.
pub(crate) fn ratio(rules: &Rules, profile: &Profile) -> (Option<usize>, Decimal) {
    let tier = first_fit(&rules.amount.tiers, profile);
    tier.map_or((None, rules.ratio.value()), |(place, tier)| (Some(place), tier.ratio.value()))
}

fn first_fit<'a>(tiers: &'a [Tier], profile: &Profile) -> Option<(usize, &'a Tier)> {
    (1..).zip(tiers).find(|(_, tier)| fits(&tier.when, profile))
}

fn fits(when: &Conditions, profile: &Profile) -> bool {
    let Conditions { applicant, start_up, young_founder, compute_origin, filed_model, purpose } =
        when;
    applicant.is_none_or(|kind| kind == profile.applicant)
        && start_up.is_none_or(|is| is == profile.start_up)
        && young_founder.is_none_or(|is| is == profile.young_founder)
        && compute_origin.is_none_or(|origin| Some(origin) == profile.compute_origin)
        && filed_model.is_none_or(|is| is == profile.filed_model)
        && purpose.is_none_or(|purpose| Some(purpose) == profile.purpose)
}

/// Works the amount out.
pub fn payable(rules: &Rules, figures: &Figures<'_>) -> Result<Payable, NotPayable> {
    let base = base(rules, figures)?;
    let mut work = Work { amount: base.clone(), trace: Vec::new(), rules, figures };
    work.step(RuleName::Base, base, || [("base", rules.amount.base.to_string())]);
    work.excluded_items();
    work.cap_card_hours();
    work.pro_rata();
    let whole = work.amount.clone();
    work.ratio();
    work.own_share_discount(&whole);
    work.rounding(RuleName::Rounding);
    work.caps();
    if let Some(asked) = figures.asked {
        work.limit(RuleName::Asked, asked.amount(), Decimal::ZERO, None);
    }
    let amount = work
        .amount
        .decimal()
        .ok_or(MoneyError::TooLarge { amount: Decimal::MAX, currency: figures.currency })?;
    let amount = Money::new(amount, figures.currency)?;
    let own_share = || whole.less(&Exact::of(amount.amount())).to_string();
    let own_share = if figures.is_traced { own_share() } else { String::new() };
    Ok(Payable { amount, own_share, trace: work.trace })
}

fn base(rules: &Rules, figures: &Figures<'_>) -> Result<Exact, NotPayable> {
    let base = rules.amount.base;
    let bases = &figures.bases;
    let known = match base {
        Base::Invoiced => bases.invoiced,
        Base::Contract => bases.contract,
        Base::Settled => bases.settled,
        Base::Used => bases.used,
        Base::List => {
            let priced = figures.card_hours.zip(rules.amount.list_price);
            let priced = priced
                .map(|(hours, price)| Exact::of(hours.value()).times(&Exact::of(price.value())));
            return priced.ok_or(NotPayable::NoBase { base });
        }
    };
    known.map(Exact::of).ok_or(NotPayable::NoBase { base })
}

/// An amount on its way through the rules.
struct Work<'a> {
    amount: Exact,
    trace: Vec<Step>,
    rules: &'a Rules,
    figures: &'a Figures<'a>,
}

impl Work<'_> {
    fn step<const N: usize>(
        &mut self,
        rule: RuleName,
        after: Exact,
        inputs: impl FnOnce() -> [(&'static str, String); N],
    ) {
        if self.figures.is_traced {
            let inputs = inputs().into_iter().map(|(name, value)| (name.to_owned(), value));
            let (before, cut) = (self.amount.to_string(), self.amount.less(&after).to_string());
            let (inputs, after) = (inputs.collect(), after.to_string());
            self.trace.push(Step { rule, inputs, before, after, cut });
        }
        self.amount = after;
    }

    fn excluded_items(&mut self) {
        let excluded = &self.rules.amount.excluded_items;
        if excluded.is_empty() {
            return;
        }
        let items = self.figures.items.iter().filter(|item| excluded.contains(&item.kind));
        let sum = items.fold(Exact::zero(), |sum, item| sum.plus(&Exact::of(item.amount.amount())));
        let after = self.amount.less(&sum).or_zero();
        self.step(RuleName::ExcludedItems, after, || [("excluded", sum.to_string())]);
    }

    fn cap_card_hours(&mut self) {
        let Some((cap, hours)) = self.rules.amount.cap_card_hours.zip(self.figures.card_hours)
        else {
            return;
        };
        let counted = self.figures.counted.card_hours_on_contract;
        let room = Exact::of(cap.value()).less(&Exact::of(counted)).or_zero();
        let claimed = Exact::of(hours.value());
        let after = if claimed <= room {
            self.amount.clone()
        } else {
            self.amount.times(&room).over(&claimed)
        };
        let inputs = || {
            [
                ("cap", cap.to_string()),
                ("counted", counted.to_string()),
                ("claimed", hours.to_string()),
            ]
        };
        self.step(RuleName::CapCardHours, after, inputs);
    }

    fn pro_rata(&mut self) {
        let Some(rule) = self.rules.amount.pro_rata else { return };
        let service = self.figures.service;
        let all = days(service, rule.day_count);
        let within = service.intersection(&rule.window);
        let within = within.map_or(0, |within| days(within, rule.day_count));
        let after = self.amount.times(&Exact::of(within.into())).over(&Exact::of(all.into()));
        let inputs = || {
            [
                ("days", within.to_string()),
                ("of", all.to_string()),
                ("day_count", rule.day_count.to_string()),
            ]
        };
        self.step(RuleName::ProRata, after, inputs);
        match self.rules.amount.rounds {
            Rounds::EachStep => self.rounding(RuleName::ProRataRounding),
            Rounds::Result => {}
        }
    }

    fn ratio(&mut self) {
        let (tier, ratio) = ratio(self.rules, self.figures.profile);
        let after = self.amount.times(&Exact::of(ratio));
        let tier = || tier.map_or_else(|| "none".to_owned(), |tier| tier.to_string());
        self.step(RuleName::Ratio, after, || [("ratio", ratio.to_string()), ("tier", tier())]);
    }

    fn own_share_discount(&mut self, whole: &Exact) {
        let discounts = &self.rules.amount.own_share_discounts;
        let Some((tier, discount)) = first_fit(discounts, self.figures.profile) else { return };
        let own_share = whole.less(&self.amount);
        let off = own_share.times(&Exact::of(discount.ratio.value()));
        let inputs = || {
            [
                ("own_share", own_share.to_string()),
                ("ratio", discount.ratio.to_string()),
                ("tier", tier.to_string()),
            ]
        };
        self.step(RuleName::OwnShareDiscount, self.amount.plus(&off), inputs);
    }

    fn rounding(&mut self, rule: RuleName) {
        let (rounding, unit) = (self.rules.rounding, self.rules.amount.rounding_unit);
        let currency = self.figures.currency;
        let after = self.amount.rounded(rounding, unit, currency.exponent());
        let inputs = || {
            [
                ("unit", unit.to_string()),
                ("digits", rounding.digits.to_string()),
                ("mode", format!("{:?}", rounding.mode).to_lowercase()),
            ]
        };
        self.step(rule, after, inputs);
    }

    fn caps(&mut self) {
        let (amounts, counted) = (&self.rules.amount, &self.figures.counted);
        if let Some((cap, on_contract)) = amounts.cap_contract.zip(counted.on_contract) {
            self.limit(RuleName::CapContract, cap.amount(), on_contract.amount(), None);
        }
        if let Some(cap) = self.rules.cap_voucher.filter(|_| counted.issues) {
            self.limit(RuleName::CapVoucher, cap.amount(), Decimal::ZERO, None);
        }
        if let Some(on_invoice) = counted.on_invoice.filter(|taken| !taken.is_zero()) {
            let taken = Exact::of(on_invoice.amount());
            let after = self.amount.less(&taken).or_zero();
            let counted = || [("counted", on_invoice.amount().to_string())];
            self.step(RuleName::InvoiceShare, after, counted);
        }
        if let Some((cap, in_year)) = self.rules.cap_holder_year.zip(counted.in_holder_year) {
            let counts = Some(("counts", amounts.cap_counts.to_string()));
            self.limit(RuleName::CapHolderYear, cap.amount(), in_year.amount(), counts);
        }
        if let Some(available) = counted.available {
            self.limit(RuleName::Available, available.amount(), Decimal::ZERO, None);
        }
    }

    /// At most a cap, less what was counted towards it.
    fn limit(
        &mut self,
        rule: RuleName,
        cap: Decimal,
        counted: Decimal,
        further: Option<(&'static str, String)>,
    ) {
        let room = Exact::of(cap).less(&Exact::of(counted)).or_zero();
        let after = if self.amount <= room { self.amount.clone() } else { room };
        self.step(rule, after, || [("cap", cap.to_string())]);
        if let Some(step) = self.trace.last_mut() {
            let counted = (!counted.is_zero()).then(|| ("counted", counted.to_string()));
            let inputs = further.into_iter().chain(counted);
            step.inputs.extend(inputs.map(|(name, value)| (name.to_owned(), value)));
        }
    }
}

#[cfg(test)]
mod tests;
