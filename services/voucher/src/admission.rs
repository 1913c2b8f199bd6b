//! Which providers a programme admits, and when.
//!
//! Invariant: a provider is admitted at an instant if an admission holds then and neither a suspension nor its
//! removal does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::PartyId;
use loopledger_model::voucher::{AdmissionApplication, AdmissionChange, ChangeAdmission};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Admissions {
    providers: BTreeMap<PartyId, Provider>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Provider {
    applied: Option<Box<AdmissionApplication>>,
    /// From when until when it is admitted; without an end, for good.
    admitted: BTreeMap<Timestamp, Option<Timestamp>>,
    /// In the order in which they take effect.
    changes: BTreeMap<Timestamp, Box<ChangeAdmission>>,
}

impl Provider {
    fn last_change(&self) -> Option<&ChangeAdmission> {
        self.changes.last_key_value().map(|(_, change)| change.as_ref())
    }

    /// What holds at an instant, and from when on the next change does.
    fn standing(&self, at: Timestamp) -> (Option<AdmissionChange>, Timestamp) {
        let latest = self.changes.range(..=at).next_back().map(|(_, change)| change.change);
        let after = (std::ops::Bound::Excluded(at), std::ops::Bound::Unbounded);
        let stops = |change: &AdmissionChange| *change != AdmissionChange::Reinstated;
        let mut later = self.changes.range(after).filter(|(_, change)| stops(&change.change));
        (latest, later.next().map_or(Timestamp::MAX, |(at, _)| *at))
    }
}

impl Admissions {
    pub(crate) fn application(&self, provider: &PartyId) -> Option<&AdmissionApplication> {
        self.providers.get(provider)?.applied.as_deref()
    }

    /// The recorded end of the admission that begins at this instant.
    pub(crate) fn admission(&self, provider: &PartyId, at: Timestamp) -> Option<Option<Timestamp>> {
        self.providers.get(provider)?.admitted.get(&at).copied()
    }

    pub(crate) fn was_ever_admitted(&self, provider: &PartyId) -> bool {
        self.providers.get(provider).is_some_and(|known| !known.admitted.is_empty())
    }

    pub(crate) fn last_change(&self, provider: &PartyId) -> Option<&ChangeAdmission> {
        self.providers.get(provider)?.last_change()
    }

    pub(crate) fn change_at(&self, provider: &PartyId, at: Timestamp) -> Option<&ChangeAdmission> {
        self.providers.get(provider)?.changes.get(&at).map(AsRef::as_ref)
    }

    /// Until when a provider that is admitted at an instant stays so without a break.
    pub(crate) fn admitted_until(&self, provider: &PartyId, at: Timestamp) -> Option<Timestamp> {
        let known = self.providers.get(provider)?;
        let (standing, changes_at) = known.standing(at);
        if matches!(standing, Some(AdmissionChange::Suspended | AdmissionChange::Removed)) {
            return None;
        }
        let begun = known.admitted.range(..=at);
        let latest = begun.map(|(_, to)| to.unwrap_or(Timestamp::MAX)).max();
        latest.filter(|end| *end > at).map(|end| end.min(changes_at))
    }

    pub(crate) fn apply(&mut self, asked: &AdmissionApplication) {
        let known = self.providers.entry(asked.provider.clone()).or_default();
        known.applied = Some(Box::new(asked.clone()));
    }

    pub(crate) fn admit(&mut self, provider: &PartyId, at: Timestamp, to: Option<Timestamp>) {
        self.providers.entry(provider.clone()).or_default().admitted.insert(at, to);
    }

    pub(crate) fn change(&mut self, change: &ChangeAdmission) {
        let known = self.providers.get_mut(&change.provider);
        let known = known.expect("a provider whose admission changes was admitted");
        known.changes.insert(change.at, Box::new(change.clone()));
    }
}
