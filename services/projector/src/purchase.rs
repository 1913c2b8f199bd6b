//! purchase's facts as rows: announcements, contracts, deliveries, invoices and terminations. Payments and refunds are in
//! flows.

use loopledger_model::Money;
use loopledger_model::purchase::{
    AnnounceContract, Contract as Signed, ContractTerminated, DeliveryAccepted, Event,
    InvoiceIssued,
};
use loopledger_views::micros;
use loopledger_views::rows::{Announcement, Contract, Delivery, Invoice, Rows, Stamp, Termination};

pub(crate) fn project(stamp: Stamp, event: &Event, rows: &mut Rows) {
    match event {
        Event::ContractSigned(contract) => rows.contracts.push(signed(stamp, contract)),
        Event::InvoiceIssued(invoice) => rows.invoices.push(invoiced(stamp, invoice)),
        Event::ContractTerminated(end) => rows.terminations.push(terminated(stamp, end)),
        Event::PaymentRecorded(_) => {}
        Event::ContractAnnounced(made) => rows.announcements.push(announced(stamp, made)),
        Event::DeliveryAccepted(made) => rows.deliveries.push(delivered(stamp, made)),
    }
}

fn signed(stamp: Stamp, contract: &Signed) -> Contract {
    Contract {
        stamp,
        id: contract.id.clone(),
        buyer: contract.buyer.clone(),
        seller: contract.seller.clone(),
        currency: contract.currency,
        price_per_unit: contract.price_per_unit,
        unit: contract.unit,
        quantity: contract.quantity,
        declared_p: contract.declared_p,
        precision: contract.basis.map(|basis| basis.precision),
        sparsity: contract.basis.map(|basis| basis.sparsity),
        model: contract.model.clone(),
        cards: contract.cards,
        from_at: micros(contract.term.from()),
        to_at: micros(contract.term.to()),
        backing_contract: contract.backing_contract.clone(),
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
        currency: end.refund.map(Money::currency),
    }
}
