//! Orders, advances, refunds, credits and disputes, as they are folded into what is known of contracts and invoices.

use loopledger_model::Money;
use loopledger_model::purchase::{
    ApplyAdvance, DisputeInvoice, DisputeResolved, GrantCredit, PlaceOrder, RecordAdvance,
    RecordRefund, RefundOf, ResolveDispute,
};
use serde::Serialize;

use super::{COUNTED, Disputed, INVOICED, OpenDispute, SIGNED, State};
use crate::fingerprint::Fingerprint;

const OPENED: &str = "a dispute is resolved after it was opened";

/// What a command says that is remembered by a fingerprint only.
pub trait Remembered: Serialize {
    const KIND: &'static str;

    fn id(&self) -> &str;
}

macro_rules! remembered {
    ($($command:ident = $kind:literal),*) => {$(
        impl Remembered for $command {
            const KIND: &'static str = $kind;

            fn id(&self) -> &str {
                self.id.as_str()
            }
        }
    )*};
}

remembered!(
    PlaceOrder = "order",
    ApplyAdvance = "use of an advance",
    RecordRefund = "refund",
    GrantCredit = "credit"
);

fn name<R: Remembered>(command: &R) -> Fingerprint {
    Fingerprint::of(&(R::KIND, command.id()))
}

impl State {
    /// Whether something of this kind and id is recorded, and if so whether it was this.
    pub fn is_told(&self, command: &impl Remembered) -> Option<bool> {
        let content = self.others.get(&name(command))?;
        Some(*content == Fingerprint::of(command))
    }

    fn remember(&mut self, command: &impl Remembered) {
        self.others.insert(name(command), Fingerprint::of(command));
    }

    /// Whether a payment of this advance's id was recorded, and if so whether it was this one.
    pub fn received(&self, advance: &RecordAdvance) -> Option<bool> {
        let content = self.payments.get(&Fingerprint::of(&advance.id))?;
        Some(*content == Fingerprint::of(advance))
    }

    /// Whether a dispute of this id was opened, and if so whether it was this one.
    pub fn opened(&self, dispute: &DisputeInvoice) -> Option<bool> {
        let known = self.disputes.get(&dispute.id)?;
        Some(known.content == Fingerprint::of(dispute))
    }

    /// The dispute that is to be resolved, and where it is already, whether it was like this.
    pub fn resolved(&self, resolution: &ResolveDispute) -> Option<(&Disputed, Option<bool>)> {
        let known = self.disputes.get(&resolution.dispute)?;
        Some((known, known.resolution.map(|content| content == Fingerprint::of(resolution))))
    }

    pub(super) fn order(&mut self, order: &PlaceOrder) {
        let signed = self.contracts.get_mut(&order.contract).expect(SIGNED);
        let ordered = signed.ordered.checked_add(order.quantity.value());
        signed.ordered = ordered.expect(COUNTED);
        self.remember(order);
    }

    pub(super) fn advance(&mut self, advance: &RecordAdvance) {
        let signed = self.contracts.get_mut(&advance.contract).expect(SIGNED);
        add(&mut signed.advance_mut(advance.kind).received, advance.amount);
        self.payments.insert(Fingerprint::of(&advance.id), Fingerprint::of(advance));
    }

    pub(super) fn apply_advance(&mut self, used: &ApplyAdvance) {
        let signed = self.contracts.get_mut(&used.contract).expect(SIGNED);
        add(&mut signed.advance_mut(used.kind).spent, used.amount);
        match &used.invoice {
            Some(invoice) => self.pay_invoice(invoice, used.amount),
            None => add(&mut signed.penalty_settled, used.amount),
        }
        self.remember(used);
    }

    pub(super) fn refund(&mut self, refund: &RecordRefund) {
        let signed = self.contracts.get_mut(&refund.contract).expect(SIGNED);
        let total = match refund.of {
            RefundOf::Invoices => &mut signed.refunded,
            RefundOf::Prepayment => &mut signed.prepayment.spent,
            RefundOf::Deposit => &mut signed.deposit.spent,
        };
        add(total, refund.amount);
        self.remember(refund);
    }

    pub(super) fn credit(&mut self, credit: &GrantCredit) {
        let issued = self.invoices.get_mut(&credit.invoice).expect(INVOICED);
        add(&mut issued.credited, credit.amount);
        if credit.reason.is_promised() {
            add(&mut issued.credited_as_promised, credit.amount);
        }
        if let Some(dispute) = &mut issued.dispute {
            let left = dispute.amount.min(credit.amount);
            let left = left.and_then(|given_up| dispute.amount.checked_sub(given_up));
            dispute.amount = left.expect(COUNTED);
        }
        self.remember(credit);
    }

    pub(super) fn dispute(&mut self, dispute: &DisputeInvoice) {
        let issued = self.invoices.get_mut(&dispute.invoice).expect(INVOICED);
        issued.dispute = Some(OpenDispute { id: dispute.id.clone(), amount: dispute.amount });
        let invoice = dispute.invoice.clone();
        let known = Disputed { invoice, content: Fingerprint::of(dispute), resolution: None };
        self.disputes.insert(dispute.id.clone(), known);
    }

    pub(super) fn resolve(&mut self, resolved: &DisputeResolved) {
        let resolution = &resolved.resolution;
        let known = self.disputes.get_mut(&resolution.dispute).expect(OPENED);
        known.resolution = Some(Fingerprint::of(resolution));
        self.invoices.get_mut(&resolved.invoice).expect(INVOICED).dispute = None;
    }
}

fn add(total: &mut Money, amount: Money) {
    *total = total.checked_add(amount).expect(COUNTED);
}
