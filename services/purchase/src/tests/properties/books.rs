//! Plain sums over all events, and a calendar that is filled in day by day.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::{ContractId, InvoiceId, Money, PFlops, Quantity};
use rust_decimal::Decimal;

use super::super::*;
use super::{DAYS, day};

/// Plain sums over all events.
#[derive(Default)]
pub(super) struct Books {
    pub(super) contracts: BTreeMap<ContractId, Contract>,
    pub(super) ends: BTreeMap<ContractId, ContractTerminated>,
    pub(super) quantities: BTreeMap<ContractId, Decimal>,
    pub(super) invoices: BTreeMap<InvoiceId, InvoiceIssued>,
    pub(super) paid_on_invoices: BTreeMap<InvoiceId, Decimal>,
    pub(super) announced: BTreeMap<ContractId, AnnounceContract>,
    pub(super) deliveries: Vec<DeliveryAccepted>,
    pub(super) ordered: BTreeMap<ContractId, Decimal>,
    pub(super) advances: Vec<RecordAdvance>,
    pub(super) uses: Vec<ApplyAdvance>,
    pub(super) refunds: Vec<RecordRefund>,
    pub(super) credits: Vec<GrantCredit>,
    /// By invoice: what is in dispute and was not credited since.
    pub(super) disputed: BTreeMap<InvoiceId, Decimal>,
}

impl Books {
    pub(super) fn of(events: &[Event]) -> Self {
        let mut books = Self::default();
        for event in events {
            books.enter(event.clone());
        }
        books
    }

    pub(super) fn enter(&mut self, event: Event) {
        match event {
            Event::ContractSigned(it) => drop(self.contracts.insert(it.id.clone(), it)),
            Event::InvoiceIssued(it) => {
                *self.quantities.entry(it.contract.clone()).or_default() += it.quantity.value();
                self.invoices.insert(it.id.clone(), it);
            }
            Event::PaymentRecorded(it) => {
                *self.paid_on_invoices.entry(it.invoice).or_default() += it.amount.amount();
            }
            Event::ContractTerminated(it) => drop(self.ends.insert(it.contract.clone(), it)),
            Event::ContractAnnounced(it) => drop(self.announced.insert(it.contract.clone(), it)),
            Event::DeliveryAccepted(it) => self.deliveries.push(it),
            Event::OrderPlaced(it) => {
                *self.ordered.entry(it.contract).or_default() += it.quantity.value();
            }
            Event::AdvanceRecorded(it) => self.advances.push(it.advance),
            Event::AdvanceApplied(it) => self.uses.push(it.use_of),
            Event::RefundRecorded(it) => self.refunds.push(it.refund),
            Event::CreditGranted(it) => {
                if let Some(left) = self.disputed.get_mut(&it.credit.invoice) {
                    *left = (*left - it.credit.amount.amount()).max(Decimal::ZERO);
                }
                self.credits.push(it.credit);
            }
            Event::InvoiceDisputed(it) => {
                self.disputed.insert(it.dispute.invoice, it.dispute.amount.amount());
            }
            Event::DisputeResolved(it) => drop(self.disputed.remove(&it.invoice)),
        }
    }

    /// What the contracts backed by this one declare on a day, of those that run on that day.
    pub(super) fn sold_on(&self, backing: &Contract, today: Timestamp) -> Decimal {
        let backed = self.backed(backing, today);
        backed.filter_map(|contract| contract.declared_p).map(PFlops::value).sum()
    }

    pub(super) fn cards_sold_on(&self, backing: &Contract, today: Timestamp) -> u32 {
        self.backed(backing, today).filter_map(|contract| contract.cards).sum()
    }

    pub(super) fn backed(
        &self,
        backing: &Contract,
        today: Timestamp,
    ) -> impl Iterator<Item = &Contract> {
        self.contracts.values().filter(move |contract| {
            contract.backing_contract.as_ref() == Some(&backing.id)
                && contract.term.contains(today)
                && self.ends.get(&contract.id).is_none_or(|end| today < end.at)
        })
    }

    /// The first day on which more P is sold on of some contract than it declares.
    pub(super) fn first_p_oversold(&self) -> Option<Timestamp> {
        (0..DAYS).map(day).find(|today| {
            self.contracts.values().any(|backing| {
                let p = backing.declared_p.map(PFlops::value);
                p.is_some_and(|p| self.sold_on(backing, *today) > p)
            })
        })
    }

    /// The same in cards, which may be another day.
    pub(super) fn first_cards_oversold(&self) -> Option<Timestamp> {
        (0..DAYS).map(day).find(|today| {
            self.contracts.values().any(|backing| {
                backing.cards.is_some_and(|cards| self.cards_sold_on(backing, *today) > cards)
            })
        })
    }

    /// A contract that sells on outside the term of what it sells, or in unlike P.
    pub(super) fn resold_amiss(&self) -> bool {
        self.contracts.values().any(|contract| {
            let backing = contract.backing_contract.as_ref().map(|id| &self.contracts[id]);
            backing.is_some_and(|backing| {
                let compared = backing.declared_p.is_some() && contract.declared_p.is_some();
                !backing.term.encloses(&contract.term)
                    || compared
                        && (backing.basis, backing.rating) != (contract.basis, contract.rating)
            })
        })
    }

    /// What a contract is for, or what was ordered of it.
    pub(super) fn volume(&self, contract: &ContractId) -> Decimal {
        let ordered = || self.ordered.get(contract).copied().unwrap_or_default();
        self.contracts[contract].quantity.map_or_else(ordered, Quantity::value)
    }

    pub(super) fn credited(&self, invoice: &InvoiceId) -> Decimal {
        let of = self.credits.iter().filter(|credit| credit.invoice == *invoice);
        of.map(|credit| credit.amount.amount()).sum()
    }

    /// By cash and by advances.
    pub(super) fn paid(&self, invoice: &InvoiceId) -> Decimal {
        let cash = self.paid_on_invoices.get(invoice).copied().unwrap_or_default();
        let uses = self.uses.iter().filter(|used| used.invoice.as_ref() == Some(invoice));
        cash + uses.map(|used| used.amount.amount()).sum::<Decimal>()
    }

    pub(super) fn paid_for_invoices_of(&self, contract: &ContractId) -> Decimal {
        let of = self.invoices.values().filter(|invoice| invoice.contract == *contract);
        of.map(|invoice| self.paid(&invoice.id)).sum()
    }

    pub(super) fn refunded(&self, contract: &ContractId, source: RefundOf) -> Decimal {
        let of = self.refunds.iter().filter(|it| it.contract == *contract && it.of == source);
        of.map(|refund| refund.amount.amount()).sum()
    }

    pub(super) fn overcredited(&self) -> bool {
        self.invoices.values().any(|it| self.credited(&it.id) > it.amount.amount())
    }

    /// What is held of an advance of a contract.
    pub(super) fn held(&self, contract: &ContractId, kind: AdvanceKind) -> Decimal {
        let received =
            self.advances.iter().filter(|it| it.contract == *contract && it.kind == kind);
        let uses = self.uses.iter().filter(|it| it.contract == *contract && it.kind == kind);
        let source = match kind {
            AdvanceKind::Prepayment => RefundOf::Prepayment,
            AdvanceKind::Deposit => RefundOf::Deposit,
        };
        received.map(|it| it.amount.amount()).sum::<Decimal>()
            - uses.map(|it| it.amount.amount()).sum::<Decimal>()
            - self.refunded(contract, source)
    }

    pub(super) fn overused(&self) -> bool {
        let kinds = [AdvanceKind::Prepayment, AdvanceKind::Deposit];
        self.contracts
            .keys()
            .any(|id| kinds.iter().any(|kind| self.held(id, *kind) < Decimal::ZERO))
    }

    /// More is set against a penalty than the buyer owes.
    pub(super) fn oversettled(&self) -> bool {
        self.contracts.keys().any(|contract| {
            let of = |used: &&ApplyAdvance| used.contract == *contract && used.invoice.is_none();
            let settled: Decimal =
                self.uses.iter().filter(of).map(|used| used.amount.amount()).sum();
            let end = self.ends.get(contract).filter(|end| end.by == Some(ContractSide::Buyer));
            let owed = end.and_then(|end| end.penalty).map_or(Decimal::ZERO, Money::amount);
            settled > owed
        })
    }

    pub(super) fn overinvoiced(&self) -> bool {
        self.quantities.iter().any(|(contract, invoiced)| *invoiced > self.volume(contract))
            || self.invoices.values().any(|invoice| {
                let contract = &self.contracts[&invoice.contract];
                let days = (0..DAYS).map(day).filter(|day| invoice.service.contains(*day));
                let limit = |day| invoice.quantity.value() * contract.price_at(day).value();
                days.map(limit).any(|limit| invoice.amount.amount() > limit)
            })
    }

    pub(super) fn overpaid(&self) -> bool {
        self.invoices.values().any(|it| {
            let paid = self.paid(&it.id);
            // Credited after it was paid, it may be paid too much: no payment made it so.
            paid > it.amount.amount()
        })
    }

    pub(super) fn overrefunded(&self) -> bool {
        self.contracts.keys().any(|contract| {
            let at_end = self.ends.get(contract).and_then(|end| end.refund);
            let refunded = self.refunded(contract, RefundOf::Invoices)
                + at_end.map_or(Decimal::ZERO, Money::amount);
            refunded > self.paid_for_invoices_of(contract)
        })
    }

    pub(super) fn delivered(&self, contract: &ContractId) -> Decimal {
        let of = self.deliveries.iter().filter(|delivery| delivery.contract == *contract);
        of.map(|delivery| delivery.quantity.value()).sum()
    }

    /// More than was bought, outside its term, or of what never was executed.
    pub(super) fn overdelivered(&self) -> bool {
        self.contracts
            .values()
            .any(|contract| self.delivered(&contract.id) > self.volume(&contract.id))
            || self.deliveries.iter().any(|delivery| {
                let end = self.ends.get(&delivery.contract);
                !self.contracts[&delivery.contract].term.encloses(&delivery.service)
                    || end.is_some_and(|end| end.reason == TerminationReason::NeverExecuted)
            })
    }

    /// Signed between others than it was announced between.
    pub(super) fn signed_by_others(&self) -> bool {
        self.announced.values().any(|said| {
            let signed = self.contracts.get(&said.contract);
            signed.is_some_and(|it| (&it.buyer, &it.seller) != (&said.buyer, &said.seller))
        })
    }

    pub(super) fn invoiced_unserved(&self) -> bool {
        self.invoices.values().any(|invoice| {
            let contract = &self.contracts[&invoice.contract];
            let end = self.ends.get(&invoice.contract);
            !contract.term.encloses(&invoice.service)
                || end.is_some_and(|end| end.reason == TerminationReason::NeverExecuted)
        })
    }
}
