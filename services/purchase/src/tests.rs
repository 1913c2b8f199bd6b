//! Short ways to write down commands and stories of purchase.

mod advancing;
mod announcing;
mod backing;
mod crediting;
mod delivering;
mod ending;
mod invoicing;
mod ordering;
mod paying;
mod precedence;
mod properties;
mod refunding;
mod signing;
mod terms;

use loopledger_model::purchase::{
    AcceptDelivery, AdvanceApplied, AdvanceKind, AdvanceRecorded, AnnounceContract, ApplyAdvance,
    Command, Contract, ContractKind, ContractSide, ContractTerminated, ContractUnit, CreditGranted,
    CreditReason, DeliveryAccepted, DisputeInvoice, DisputeOutcome, DisputeResolved, Event,
    GrantCredit, InvoiceDisputed, InvoiceIssued, IssueInvoice, PaymentRecorded, Penalties,
    PlaceOrder, PriceStep, Rating, RecordAdvance, RecordPayment, RecordRefund, RefundOf,
    RefundRecorded, RefundStep, ResolveDispute, Sla, TerminateContract, TerminationReason, Terms,
};
use loopledger_model::registry::{self, Party, PartyKind};
use loopledger_model::{Basis, Fact, PartyId, Precision, Sparsity};
use loopledger_testkit::{Story, at, cny, fact, given, id, period};

use crate::Purchase;

const PARTIES: [&str; 4] = ["provider", "reseller", "buyer", "other"];

const DENSE: Basis = Basis { precision: Precision::Bf16, sparsity: Sparsity::Dense };
const SPARSE: Basis = Basis { precision: Precision::Bf16, sparsity: Sparsity::Sparse };

/// The fact that registers a party has the party's place in `PARTIES`, counted from 1, as its
/// position.
fn registered() -> impl Iterator<Item = Fact> {
    (1..).zip(PARTIES).map(|(position, name)| {
        let party = Party {
            id: id(name),
            at: at("2024-01-01"),
            name: id(name),
            kind: PartyKind::Other,
            country: None,
            uscc: None,
            lei: None,
        };
        fact(position, loopledger_model::Event::Registry(registry::Event::PartyRegistered(party)))
    })
}

/// Nothing has happened, but the parties are known.
fn blank() -> Story<Purchase> {
    given([]).knowing(registered())
}

/// k-1 is signed: 1,000 units at 9.50 for March and April.
fn signed() -> Story<Purchase> {
    blank().after([sign(contract("k-1", "buyer", "provider"))])
}

/// in-1 is issued on k-1: 100 units of March for 950.
fn invoiced() -> Story<Purchase> {
    signed().after([invoice("in-1", "k-1", "100", "950")])
}

/// pm-1 paid 600 of in-1.
fn paid() -> Story<Purchase> {
    invoiced().after([pay("pm-1", "in-1", "600")])
}

fn contract(name: &str, buyer: &str, seller: &str) -> Contract {
    Contract {
        id: id(name),
        buyer: id(buyer),
        seller: id(seller),
        currency: id("CNY"),
        kind: None,
        price_per_unit: id("9.50"),
        unit: ContractUnit::CardHour,
        quantity: Some(id("1000")),
        declared_p: None,
        rating: None,
        basis: None,
        model: None,
        cards: None,
        at: at("2025-02-20"),
        term: period("2025-03-01", "2025-05-01"),
        backing_contract: None,
        terms: Box::default(),
    }
}

fn declaring(p: &str, contract: Contract) -> Contract {
    Contract { declared_p: Some(id(p)), basis: Some(DENSE), ..contract }
}

fn sign(contract: Contract) -> Command {
    Command::SignContract(contract)
}

/// What was made known of a contract between buyer and provider.
fn announced(contract: &str, amount: &str) -> AnnounceContract {
    AnnounceContract {
        contract: id(contract),
        buyer: id("buyer"),
        seller: id("provider"),
        amount: cny(amount),
        at: at("2025-02-10"),
        source: id("press notice"),
    }
}

/// A delivery of k-1 for service in March.
fn delivered(name: &str, quantity: &str) -> AcceptDelivery {
    AcceptDelivery {
        id: id(name),
        contract: id("k-1"),
        service: period("2025-03-01", "2025-04-01"),
        quantity: id(quantity),
        certificate: id("cert-1"),
        at: at("2025-04-02"),
    }
}

/// k-1 is a framework: it has no volume but what is ordered.
fn framework() -> Contract {
    let plain = contract("k-1", "buyer", "provider");
    Contract { kind: Some(ContractKind::Framework), quantity: None, ..plain }
}

fn with_terms(terms: Terms, contract: Contract) -> Contract {
    Contract { terms: Box::new(terms), ..contract }
}

/// An order from k-1 for service in March.
fn order(name: &str, quantity: &str) -> PlaceOrder {
    PlaceOrder {
        id: id(name),
        contract: id("k-1"),
        service: period("2025-03-01", "2025-04-01"),
        quantity: id(quantity),
        at: at("2025-02-25"),
    }
}

/// Money for k-1 in advance.
fn advance(name: &str, kind: AdvanceKind, amount: &str) -> Command {
    Command::RecordAdvance(RecordAdvance {
        id: id(name),
        contract: id("k-1"),
        kind,
        amount: cny(amount),
        at: at("2025-02-25"),
        reference: None,
    })
}

/// An advance of k-1 is set against an invoice, or against the penalty.
fn apply(name: &str, kind: AdvanceKind, invoice: Option<&str>, amount: &str) -> Command {
    Command::ApplyAdvance(ApplyAdvance {
        id: id(name),
        contract: id("k-1"),
        kind,
        invoice: invoice.map(id),
        amount: cny(amount),
        at: at("2025-04-20"),
    })
}

fn refund(name: &str, of: RefundOf, amount: &str) -> Command {
    Command::RecordRefund(RecordRefund {
        id: id(name),
        contract: id("k-1"),
        of,
        amount: cny(amount),
        at: at("2025-05-20"),
        reference: None,
    })
}

/// A credit of in-1.
fn credit(name: &str, reason: CreditReason, amount: &str) -> GrantCredit {
    GrantCredit {
        id: id(name),
        invoice: id("in-1"),
        amount: cny(amount),
        reason,
        availability: None,
        at: at("2025-04-25"),
    }
}

/// A part of in-1 is in dispute.
fn dispute(name: &str, amount: &str) -> Command {
    Command::DisputeInvoice(DisputeInvoice {
        id: id(name),
        invoice: id("in-1"),
        amount: cny(amount),
        reason: id("half of the cards were dark"),
        at: at("2025-04-10"),
    })
}

fn resolve(name: &str, outcome: DisputeOutcome) -> Command {
    let dispute = id(name);
    Command::ResolveDispute(ResolveDispute { dispute, outcome, at: at("2025-05-01") })
}

/// An invoice for service in March.
fn invoice(name: &str, contract: &str, quantity: &str, amount: &str) -> Command {
    invoice_for(("2025-03-01", "2025-04-01"), name, contract, quantity, amount)
}

fn invoice_for(
    service: (&str, &str),
    name: &str,
    contract: &str,
    quantity: &str,
    amount: &str,
) -> Command {
    Command::IssueInvoice(IssueInvoice {
        id: id(name),
        contract: id(contract),
        service: period(service.0, service.1),
        quantity: id(quantity),
        amount: cny(amount),
        at: at("2025-04-05"),
    })
}

fn pay(name: &str, invoice: &str, amount: &str) -> Command {
    Command::RecordPayment(RecordPayment {
        id: id(name),
        invoice: id(invoice),
        amount: cny(amount),
        at: at("2025-04-20"),
        reference: Some(id("bank-0001")),
    })
}

fn terminate(contract: &str, day: &str, reason: TerminationReason) -> Command {
    Command::TerminateContract(TerminateContract {
        contract: id(contract),
        at: at(day),
        reason,
        refund: None,
        by: None,
        penalty: None,
    })
}

/// A side ends k-1 on 20 March and owes a penalty for it.
fn ended_by(side: ContractSide, penalty: &str) -> Command {
    Command::TerminateContract(TerminateContract {
        contract: id("k-1"),
        at: at("2025-03-20"),
        reason: TerminationReason::EndedEarly,
        refund: None,
        by: Some(side),
        penalty: Some(cny(penalty)),
    })
}

fn refunding(amount: &str, termination: Command) -> Command {
    let Command::TerminateContract(termination) = termination else { panic!("a termination") };
    Command::TerminateContract(TerminateContract { refund: Some(cny(amount)), ..termination })
}

fn ended(end: TerminateContract, buyer: PartyId, seller: PartyId) -> ContractTerminated {
    let TerminateContract { contract, at, reason, refund, by, penalty } = end;
    ContractTerminated { contract, buyer, seller, at, reason, refund, by, penalty }
}

/// The event that an accepted command makes between a buyer and a seller; a payment and a credit are of an
/// invoice of k-1, a dispute is of in-1.
fn event(command: &Command, buyer: &str, seller: &str) -> Event {
    let (buyer, seller) = (id(buyer), id(seller));
    match command.clone() {
        Command::SignContract(contract) => Event::ContractSigned(contract),
        Command::IssueInvoice(IssueInvoice { id, contract, service, quantity, amount, at }) => {
            let issued =
                InvoiceIssued { id, contract, buyer, seller, service, quantity, amount, at };
            Event::InvoiceIssued(issued)
        }
        Command::RecordPayment(RecordPayment { id, invoice, amount, at, reference }) => {
            let contract = self::id("k-1");
            Event::PaymentRecorded(PaymentRecorded {
                id,
                invoice,
                contract,
                buyer,
                seller,
                amount,
                at,
                reference,
            })
        }
        Command::TerminateContract(end) => Event::ContractTerminated(ended(end, buyer, seller)),
        Command::AnnounceContract(announced) => Event::ContractAnnounced(announced),
        Command::AcceptDelivery(AcceptDelivery {
            id,
            contract,
            service,
            quantity,
            certificate,
            at,
        }) => Event::DeliveryAccepted(DeliveryAccepted {
            id,
            contract,
            buyer,
            seller,
            service,
            quantity,
            certificate,
            at,
        }),
        Command::PlaceOrder(order) => Event::OrderPlaced(order),
        Command::RecordAdvance(advance) => {
            Event::AdvanceRecorded(AdvanceRecorded { advance, buyer, seller })
        }
        Command::ApplyAdvance(use_of) => {
            Event::AdvanceApplied(AdvanceApplied { use_of, buyer, seller })
        }
        Command::RecordRefund(refund) => {
            Event::RefundRecorded(RefundRecorded { refund, buyer, seller })
        }
        Command::GrantCredit(credit) => {
            Event::CreditGranted(CreditGranted { credit, contract: id("k-1") })
        }
        Command::DisputeInvoice(dispute) => {
            Event::InvoiceDisputed(InvoiceDisputed { dispute, contract: id("k-1") })
        }
        Command::ResolveDispute(resolution) => Event::DisputeResolved(DisputeResolved {
            resolution,
            invoice: id("in-1"),
            contract: id("k-1"),
        }),
    }
}

/// The command is accepted, and once it is recorded there is nothing left to do.
#[track_caller]
fn accepts(story: Story<Purchase>, command: &Command) -> Story<Purchase> {
    story.when(command.clone()).then([event(command, "buyer", "provider")]);
    let story = story.after([command.clone()]);
    story.when(command.clone()).then_nothing();
    story
}
