//! Answer: what the holders of one group got of a programme in a calendar year, against the cap of one holder.
//!
//! Invariants: the rules hold each holder to the cap; what a group has above it is told and not judged. A holder
//! belongs to the group of its ultimate controller as of the day of each amount.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use loopledger_loops::half;
use loopledger_model::voucher::{CapCounts, Event};
use loopledger_model::{Currency, FactId, Money, PartyId, Position, ProgrammeId, RedemptionId};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::as_of::As;
use crate::error::Error;
use crate::figures;
use crate::reader::see_everything;
use crate::register::{Register, ownership};
use crate::rows::VoucherFact;
use crate::table::select;
use crate::views::Views;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Caps {
    pub position: Position,
    /// By programme, year and group; of programmes whose rules cap a holder's year.
    pub caps: Vec<GroupCap>,
}

/// `issued` are faces in the year of issue, `redeemed` what was redeemed in the year of the claim; `counts` says which of
/// them the cap is of, by the latest version that any of the amounts lives under. `above` is how much that exceeds the cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GroupCap {
    pub programme: ProgrammeId,
    pub year: i16,
    pub group: PartyId,
    pub holders: BTreeSet<PartyId>,
    pub currency: Currency,
    pub issued: String,
    pub redeemed: String,
    pub cap: String,
    pub counts: CapCounts,
    pub above: String,
    pub facts: BTreeSet<FactId>,
}

impl Views {
    pub async fn caps(&self, programme: Option<&ProgrammeId>, seen: As) -> Result<Caps, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        // Who is in one group depends on everybody's holdings.
        see_everything(&transaction).await?;
        let register = Register::load(&transaction, seen).await?;
        let seen = seen.in_rows();
        let condition = format!("{} AND ($3::TEXT IS NULL OR programme = $3)", As::CONDITION);
        let programme = programme.map(ProgrammeId::as_str);
        let facts: Vec<VoucherFact> =
            select(&transaction, &condition, &[&seen.of, &seen.known, &programme]).await?;
        let facts = facts.iter().map(|fact| (fact.stamp.fact(), &fact.event));
        Ok(Caps { position, caps: told(facts, &register) })
    }
}

/// What a version says of a holder's year, if it caps it.
type Cap = Option<(Money, CapCounts)>;

#[derive(Default)]
struct Sums {
    version: u32,
    holders: BTreeSet<PartyId>,
    issued: Decimal,
    redeemed: Decimal,
    facts: BTreeSet<FactId>,
}

/// Groups as far as the facts were read.
struct Groups<'a> {
    register: &'a Register,
    changes: Vec<Timestamp>,
    /// Who controls a party between two changes of stakes.
    controllers: BTreeMap<(usize, PartyId), PartyId>,
    caps: BTreeMap<(ProgrammeId, u32), Cap>,
    claimed: BTreeMap<RedemptionId, Timestamp>,
    sums: BTreeMap<(ProgrammeId, i16, PartyId), Sums>,
}

/// Of facts in the order in which they were recorded.
fn told<'a>(
    facts: impl Iterator<Item = (FactId, &'a Event)>,
    register: &Register,
) -> Vec<GroupCap> {
    let mut groups = Groups {
        register,
        changes: register.changes(),
        controllers: BTreeMap::new(),
        caps: BTreeMap::new(),
        claimed: BTreeMap::new(),
        sums: BTreeMap::new(),
    };
    facts.for_each(|(fact, event)| groups.take(fact, event));
    let Groups { caps, sums, .. } = groups;
    let capped = sums.into_iter().filter_map(|((programme, year, group), sums)| {
        let cap = (*caps.get(&(programme.clone(), sums.version))?)?;
        Some(sums.against(cap, programme, year, group))
    });
    capped.collect()
}

impl Groups<'_> {
    fn take(&mut self, fact: FactId, event: &Event) {
        match event {
            Event::ProgrammeDefined(programme) | Event::ProgrammeDrafted(programme) => {
                let counts = programme.rules.amount.cap_counts;
                let cap = programme.rules.cap_holder_year.map(|cap| (cap, counts));
                self.caps.insert((programme.id.clone(), programme.version), cap);
            }
            Event::VoucherIssued(of) => {
                let sums = self.of(&of.programme, &of.holder, of.at);
                sums.add(of.version, &of.holder, fact);
                sums.issued += of.amount.amount();
            }
            Event::ClaimSubmitted(of) => {
                self.claimed.insert(of.claim.id.clone(), of.claim.at);
            }
            Event::VoucherRedeemed(of) => {
                let at = self.claimed.get(&of.id).copied().unwrap_or(of.at);
                let sums = self.of(&of.programme, &of.holder, at);
                sums.add(of.version, &of.holder, fact);
                sums.redeemed += of.amount.amount();
            }
            Event::ProviderAdmitted(_)
            | Event::VoucherLocked(_)
            | Event::LockReleased(_)
            | Event::RedemptionSettled(_)
            | Event::VoucherEnded(_)
            | Event::ProgrammeChanged(_)
            | Event::AdmissionAppliedFor(_)
            | Event::AdmissionChanged(_)
            | Event::WaiverApproved(_)
            | Event::ApplicationSubmitted(_)
            | Event::Reviewed(_)
            | Event::PaymentOrdered(_)
            | Event::PaymentFailed(_)
            | Event::ClawbackOpened(_)
            | Event::ClawbackAssessed(_)
            | Event::ClawbackRecovered(_)
            | Event::ClawbackWrittenOff(_) => {}
        }
    }

    /// Of the holder's group on that day; years are UTC's.
    fn of(&mut self, programme: &ProgrammeId, holder: &PartyId, at: Timestamp) -> &mut Sums {
        let stretch = self.changes.partition_point(|change| *change <= at);
        let register = self.register;
        let group = self.controllers.entry((stretch, holder.clone())).or_insert_with(|| {
            let control = ownership(&register.at(at).control);
            let controller = control.ultimate_controller(holder.as_str(), &half());
            controller.parse().unwrap_or_else(|_| holder.clone())
        });
        let year = at.to_zoned(TimeZone::UTC).year();
        self.sums.entry((programme.clone(), year, group.clone())).or_default()
    }
}

impl Sums {
    fn add(&mut self, version: u32, holder: &PartyId, fact: FactId) {
        self.version = self.version.max(version);
        self.holders.insert(holder.clone());
        self.facts.insert(fact);
    }

    fn against(
        self,
        (cap, counts): (Money, CapCounts),
        programme: ProgrammeId,
        year: i16,
        group: PartyId,
    ) -> GroupCap {
        let counted = match counts {
            CapCounts::Issued => self.issued,
            CapCounts::Redeemed => self.redeemed,
            CapCounts::Both => self.issued.max(self.redeemed),
        };
        let money = |amount| figures::amount(amount, cap.currency());
        GroupCap {
            programme,
            year,
            group,
            holders: self.holders,
            currency: cap.currency(),
            issued: money(self.issued),
            redeemed: money(self.redeemed),
            cap: money(cap.amount()),
            counts,
            above: money((counted - cap.amount()).max(Decimal::ZERO)),
            facts: self.facts,
        }
    }
}
