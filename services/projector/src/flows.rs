//! Money that moved, whichever context recorded it.

use loopledger_model::voucher::{ClawbackRecovered, RedemptionSettled};
use loopledger_model::{
    Event, Money, PartyId, Text, allocation, fund, purchase, registry, voucher,
};
use loopledger_views::FlowKind;
use loopledger_views::rows::{Flow, Stamp};

/// The flow that a fact is, if it is one.
pub(crate) fn flow(stamp: Stamp, event: &Event) -> Option<Flow> {
    match event {
        Event::Fund(event) => capital(stamp, event),
        Event::Purchase(event) => bought(stamp, event),
        Event::Voucher(event) => subsidised(stamp, event),
        Event::Registry(
            registry::Event::PartyRegistered(_)
            | registry::Event::StakeRecorded(_)
            | registry::Event::CardSpecPublished(_)
            | registry::Event::PriceObserved(_)
            | registry::Event::CapabilityStated(_)
            | registry::Event::ControlStated(_),
        )
        | Event::Allocation(
            allocation::Event::PoolRegistered(_)
            | allocation::Event::PoolChanged(_)
            | allocation::Event::PoolFellShort(_)
            | allocation::Event::CardsAllocated(_)
            | allocation::Event::AllocationEnded(_)
            | allocation::Event::UsageMetered(_)
            | allocation::Event::OversellPermitted(_)
            | allocation::Event::CardsReserved(_)
            | allocation::Event::ReservationConfirmed(_)
            | allocation::Event::ReservationEnded(_)
            | allocation::Event::StageReached(_)
            | allocation::Event::CardPlaced(_)
            | allocation::Event::CardChanged(_)
            | allocation::Event::CardsCounted(_)
            | allocation::Event::ProvenanceRecorded(_)
            | allocation::Event::ElectricityRead(_),
        ) => None,
    }
}

fn moved(
    stamp: Stamp,
    id: &str,
    kind: FlowKind,
    (from, to): (&PartyId, &PartyId),
    amount: Money,
) -> Flow {
    Flow {
        stamp,
        id: id.to_owned(),
        from_party: from.clone(),
        to_party: to.clone(),
        kind,
        amount: amount.amount(),
        currency: amount.currency(),
        contract: None,
        invoice: None,
        buyer: None,
        stake_percent: None,
        note: None,
    }
}

fn capital(stamp: Stamp, event: &fund::Event) -> Option<Flow> {
    match event {
        fund::Event::ContributionReceived(paid) => {
            let (id, way) = (paid.id.as_str(), (&paid.lp, &paid.fund));
            Some(moved(stamp, id, FlowKind::Contribution, way, paid.amount))
        }
        fund::Event::InvestmentFunded(made) => {
            let (id, way) = (made.id.as_str(), (&made.investor, &made.company));
            let flow = moved(stamp, id, FlowKind::Investment, way, made.amount);
            Some(Flow { stake_percent: made.stake_percent, ..flow })
        }
        fund::Event::DistributionPaid(paid) => {
            let (id, way) = (paid.id.as_str(), (&paid.fund, &paid.lp));
            Some(moved(stamp, id, FlowKind::Distribution, way, paid.amount))
        }
        fund::Event::DistributionRecalled(paid) => {
            let (id, way) = (paid.id.as_str(), (&paid.lp, &paid.fund));
            let flow = moved(stamp, id, FlowKind::Contribution, way, paid.amount);
            Some(Flow { note: noted("recall of", paid.distribution.as_str()), ..flow })
        }
        fund::Event::ExcessReturned(paid) => {
            let (id, way) = (paid.id.as_str(), (&paid.fund, &paid.lp));
            let flow = moved(stamp, id, FlowKind::Transfer, way, paid.amount);
            Some(Flow { note: noted("excess of", paid.call.as_str()), ..flow })
        }
        fund::Event::TransferRecorded(made) => {
            let (id, way) = (made.id.as_str(), (&made.from, &made.to));
            let flow = moved(stamp, id, FlowKind::Transfer, way, made.amount);
            Some(Flow { note: Some(made.purpose.clone()), ..flow })
        }
        fund::Event::InvestmentExited(made) => {
            let (exit, way) = (&made.exit, (&made.exit.payer, &made.investor));
            let flow = moved(stamp, exit.id.as_str(), FlowKind::Transfer, way, exit.proceeds);
            let noted = noted("exit of", exit.investment.as_str());
            exit.proceeds.is_positive().then_some(Flow { note: noted, ..flow })
        }
        fund::Event::FeePaid(_)
        | fund::Event::ExpensePaid(_)
        | fund::Event::CarryPaid(_)
        | fund::Event::LineDrawn(_)
        | fund::Event::LineRepaid(_) => running(stamp, event),
        fund::Event::FundFormed(_)
        | fund::Event::CommitmentMade(_)
        | fund::Event::NavStruck(_)
        | fund::Event::ReinvestmentRecognised(_)
        | fund::Event::CommitmentChanged(_)
        | fund::Event::CommitmentTransferred(_)
        | fund::Event::TermsSet(_)
        | fund::Event::CapitalCalled(_)
        | fund::Event::PartnerDefaulted(_)
        | fund::Event::DefaultCured(_)
        | fund::Event::InvestmentValued(_)
        | fund::Event::FeeAccrued(_)
        | fund::Event::FeeReduced(_)
        | fund::Event::FundDissolved(_) => None,
    }
}

/// What running a fund costs, and what it borrows: nobody's capital.
fn running(stamp: Stamp, event: &fund::Event) -> Option<Flow> {
    let (id, way, amount, note) = if let fund::Event::FeePaid(paid) = event {
        let note = noted("fee", paid.fee.as_str());
        (paid.id.as_str(), (&paid.fund, &paid.payee), paid.amount, note)
    } else if let fund::Event::ExpensePaid(paid) = event {
        let note = Some(paid.purpose.clone());
        (paid.id.as_str(), (&paid.fund, &paid.payee), paid.amount, note)
    } else if let fund::Event::CarryPaid(paid) = event {
        let note = noted("carry of", paid.fund.as_str());
        (paid.id.as_str(), (&paid.fund, &paid.payee), paid.amount, note)
    } else if let fund::Event::LineDrawn(drawn) = event {
        let note = noted("draw of", drawn.fund.as_str());
        (drawn.id.as_str(), (&drawn.lender, &drawn.fund), drawn.amount, note)
    } else if let fund::Event::LineRepaid(paid) = event {
        let note = noted(paid.part.name(), "of a line");
        (paid.id.as_str(), (&paid.fund, &paid.lender), paid.amount, note)
    } else {
        return None;
    };
    Some(Flow { note, ..moved(stamp, id, FlowKind::Transfer, way, amount) })
}

/// What a flow is, where its kind does not say so.
fn noted(what: &str, id: &str) -> Option<Text> {
    let note = format!("{what} {id}").parse();
    Some(note.expect("a few words and an id are a text"))
}

fn bought(stamp: Stamp, event: &purchase::Event) -> Option<Flow> {
    match event {
        purchase::Event::PaymentRecorded(paid) => {
            let (id, way) = (paid.id.as_str(), (&paid.buyer, &paid.seller));
            Some(Flow {
                contract: Some(paid.contract.clone()),
                invoice: Some(paid.invoice.clone()),
                note: paid.reference.clone(),
                ..moved(stamp, id, FlowKind::ComputePayment, way, paid.amount)
            })
        }
        purchase::Event::ContractTerminated(end) => {
            let (id, way) = (end.contract.as_str(), (&end.seller, &end.buyer));
            let flow = moved(stamp, id, FlowKind::Refund, way, end.refund?);
            Some(Flow { contract: Some(end.contract.clone()), ..flow })
        }
        purchase::Event::AdvanceRecorded(purchase::AdvanceRecorded { advance, buyer, seller }) => {
            let (id, way) = (advance.id.as_str(), (buyer, seller));
            Some(Flow {
                contract: Some(advance.contract.clone()),
                note: advance.reference.clone(),
                ..moved(stamp, id, FlowKind::ComputePayment, way, advance.amount)
            })
        }
        purchase::Event::RefundRecorded(purchase::RefundRecorded { refund, buyer, seller }) => {
            let (id, way) = (refund.id.as_str(), (seller, buyer));
            Some(Flow {
                contract: Some(refund.contract.clone()),
                note: refund.reference.clone(),
                ..moved(stamp, id, FlowKind::Refund, way, refund.amount)
            })
        }
        // The money of an advance moved when it was paid.
        purchase::Event::AdvanceApplied(_)
        | purchase::Event::ContractSigned(_)
        | purchase::Event::InvoiceIssued(_)
        | purchase::Event::ContractAnnounced(_)
        | purchase::Event::DeliveryAccepted(_)
        | purchase::Event::OrderPlaced(_)
        | purchase::Event::CreditGranted(_)
        | purchase::Event::InvoiceDisputed(_)
        | purchase::Event::DisputeResolved(_) => None,
    }
}

fn subsidised(stamp: Stamp, event: &voucher::Event) -> Option<Flow> {
    match event {
        voucher::Event::RedemptionSettled(paid) => Some(settled(stamp, paid)),
        voucher::Event::ClawbackRecovered(paid) => Some(recovered(stamp, paid)),
        voucher::Event::ProgrammeDefined(_)
        | voucher::Event::ProviderAdmitted(_)
        | voucher::Event::VoucherIssued(_)
        | voucher::Event::VoucherLocked(_)
        | voucher::Event::LockReleased(_)
        | voucher::Event::VoucherRedeemed(_)
        | voucher::Event::VoucherEnded(_)
        | voucher::Event::ProgrammeDrafted(_)
        | voucher::Event::ProgrammeChanged(_)
        | voucher::Event::AdmissionAppliedFor(_)
        | voucher::Event::AdmissionChanged(_)
        | voucher::Event::WaiverApproved(_)
        | voucher::Event::ApplicationSubmitted(_)
        | voucher::Event::ClaimSubmitted(_)
        | voucher::Event::Reviewed(_)
        | voucher::Event::PaymentOrdered(_)
        | voucher::Event::PaymentFailed(_)
        | voucher::Event::ClawbackOpened(_)
        | voucher::Event::ClawbackAssessed(_)
        | voucher::Event::ClawbackWrittenOff(_) => None,
    }
}

/// Clawed back, with its interest.
fn recovered(stamp: Stamp, paid: &ClawbackRecovered) -> Flow {
    let (id, way) = (paid.id.as_str(), (&paid.payee, &paid.issuer));
    Flow {
        contract: Some(paid.contract.clone()),
        invoice: Some(paid.invoice.clone()),
        note: paid.reference.clone(),
        ..moved(stamp, id, FlowKind::Refund, way, paid.amount)
    }
}

fn settled(stamp: Stamp, paid: &RedemptionSettled) -> Flow {
    let payee = paid.payee.as_ref().unwrap_or(&paid.provider);
    let (id, way) = (paid.id.as_str(), (&paid.issuer, payee));
    Flow {
        contract: Some(paid.contract.clone()),
        invoice: Some(paid.invoice.clone()),
        buyer: Some(paid.holder.clone()),
        note: paid.reference.clone(),
        ..moved(stamp, id, FlowKind::VoucherPayment, way, paid.amount)
    }
}
