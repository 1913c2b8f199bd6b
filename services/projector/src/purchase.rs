//! purchase's facts as rows: announcements, contracts, orders, deliveries, invoices, advances and their uses, refunds,
//! credits, disputes and terminations. What moved of money is in flows too.

use loopledger_model::Money;
use loopledger_model::purchase::{
    AnnounceContract, Contract as Signed, ContractTerminated, DeliveryAccepted, Event,
    InvoiceIssued,
};
use loopledger_views::micros;
use loopledger_views::rows::{
    Advance, AdvanceUse, Announcement, Contract, Credit, Delivery, Dispute, DisputeEnd, Invoice,
    Order, Refund, Rows, Stamp, Termination,
};

pub(crate) fn project(stamp: Stamp, event: &Event, rows: &mut Rows) {
    match event {
        Event::ContractSigned(contract) => rows.contracts.push(signed(stamp, contract)),
        Event::InvoiceIssued(invoice) => rows.invoices.push(invoiced(stamp, invoice)),
        Event::ContractTerminated(end) => rows.terminations.push(terminated(stamp, end)),
        Event::PaymentRecorded(_) => {}
        Event::ContractAnnounced(made) => rows.announcements.push(announced(stamp, made)),
        Event::DeliveryAccepted(made) => rows.deliveries.push(delivered(stamp, made)),
        Event::OrderPlaced(_)
        | Event::AdvanceRecorded(_)
        | Event::AdvanceApplied(_)
        | Event::RefundRecorded(_)
        | Event::CreditGranted(_)
        | Event::InvoiceDisputed(_)
        | Event::DisputeResolved(_) => settled(stamp, event, rows),
    }
}

/// Orders, and what is settled of a contract beside payments of its invoices.
fn settled(stamp: Stamp, event: &Event, rows: &mut Rows) {
    match event {
        Event::OrderPlaced(order) => rows.orders.push(Order {
            stamp,
            id: order.id.clone(),
            contract: order.contract.clone(),
            from_at: micros(order.service.from()),
            to_at: micros(order.service.to()),
            quantity: order.quantity,
        }),
        Event::AdvanceRecorded(recorded) => rows.advances.push(Advance {
            stamp,
            id: recorded.advance.id.clone(),
            contract: recorded.advance.contract.clone(),
            kind: recorded.advance.kind,
            amount: recorded.advance.amount.amount(),
            currency: recorded.advance.amount.currency(),
        }),
        Event::AdvanceApplied(applied) => rows.advance_uses.push(AdvanceUse {
            stamp,
            id: applied.use_of.id.clone(),
            contract: applied.use_of.contract.clone(),
            kind: applied.use_of.kind,
            invoice: applied.use_of.invoice.clone(),
            amount: applied.use_of.amount.amount(),
            currency: applied.use_of.amount.currency(),
        }),
        Event::RefundRecorded(recorded) => rows.refunds.push(Refund {
            stamp,
            id: recorded.refund.id.clone(),
            contract: recorded.refund.contract.clone(),
            source: recorded.refund.of,
            amount: recorded.refund.amount.amount(),
            currency: recorded.refund.amount.currency(),
        }),
        Event::CreditGranted(granted) => rows.credits.push(Credit {
            stamp,
            id: granted.credit.id.clone(),
            invoice: granted.credit.invoice.clone(),
            contract: granted.contract.clone(),
            reason: granted.credit.reason,
            availability: granted.credit.availability,
            amount: granted.credit.amount.amount(),
            currency: granted.credit.amount.currency(),
        }),
        Event::InvoiceDisputed(opened) => rows.disputes.push(Dispute {
            stamp,
            id: opened.dispute.id.clone(),
            invoice: opened.dispute.invoice.clone(),
            contract: opened.contract.clone(),
            amount: opened.dispute.amount.amount(),
            currency: opened.dispute.amount.currency(),
            reason: opened.dispute.reason.clone(),
        }),
        Event::DisputeResolved(resolved) => rows.dispute_ends.push(DisputeEnd {
            stamp,
            dispute: resolved.resolution.dispute.clone(),
            invoice: resolved.invoice.clone(),
            contract: resolved.contract.clone(),
            outcome: resolved.resolution.outcome,
        }),
        Event::ContractSigned(_)
        | Event::ContractAnnounced(_)
        | Event::DeliveryAccepted(_)
        | Event::InvoiceIssued(_)
        | Event::PaymentRecorded(_)
        | Event::ContractTerminated(_) => {}
    }
}

fn signed(stamp: Stamp, contract: &Signed) -> Contract {
    Contract {
        stamp,
        id: contract.id.clone(),
        buyer: contract.buyer.clone(),
        seller: contract.seller.clone(),
        currency: contract.currency,
        kind: contract.kind,
        price_per_unit: contract.price_per_unit,
        unit: contract.unit,
        quantity: contract.quantity,
        declared_p: contract.declared_p,
        rating: contract.rating,
        precision: contract.basis.map(|basis| basis.precision),
        sparsity: contract.basis.map(|basis| basis.sparsity),
        model: contract.model.clone(),
        cards: contract.cards,
        from_at: micros(contract.term.from()),
        to_at: micros(contract.term.to()),
        backing_contract: contract.backing_contract.clone(),
        terms: (!contract.terms.is_silent()).then(|| contract.terms.clone()),
    }
}

fn invoiced(stamp: Stamp, invoice: &InvoiceIssued) -> Invoice {
    Invoice {
        stamp,
        id: invoice.id.clone(),
        contract: invoice.contract.clone(),
        buyer: invoice.buyer.clone(),
        seller: invoice.seller.clone(),
        from_at: micros(invoice.service.from()),
        to_at: micros(invoice.service.to()),
        quantity: invoice.quantity,
        amount: invoice.amount.amount(),
        currency: invoice.amount.currency(),
    }
}

fn announced(stamp: Stamp, made: &AnnounceContract) -> Announcement {
    Announcement {
        stamp,
        contract: made.contract.clone(),
        buyer: made.buyer.clone(),
        seller: made.seller.clone(),
        amount: made.amount.amount(),
        currency: made.amount.currency(),
        source: made.source.clone(),
    }
}

fn delivered(stamp: Stamp, made: &DeliveryAccepted) -> Delivery {
    Delivery {
        stamp,
        id: made.id.clone(),
        contract: made.contract.clone(),
        from_at: micros(made.service.from()),
        to_at: micros(made.service.to()),
        quantity: made.quantity,
        certificate: made.certificate.clone(),
    }
}

fn terminated(stamp: Stamp, end: &ContractTerminated) -> Termination {
    Termination {
        stamp,
        contract: end.contract.clone(),
        buyer: end.buyer.clone(),
        seller: end.seller.clone(),
        reason: end.reason,
        refund: end.refund.map(Money::amount),
        currency: end.refund.or(end.penalty).map(Money::currency),
        side: end.by,
        penalty: end.penalty.map(Money::amount),
    }
}
