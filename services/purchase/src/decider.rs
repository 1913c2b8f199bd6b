//! The rules of purchase: what each command needs, and the first reason to refuse it.
//!
//! Invariant: what exists with the same content is nothing to do, whatever has happened since.

use loopledger_model::purchase::{Command, Event, Refusal};
use loopledger_model::{
    Context, Currency, Fact, InvoiceId, Money, Rounding, RoundingMode, registry,
};
use loopledger_service::{Decider, Decision, Service};

use crate::state::{Parties, State};
use crate::{crediting, ending, invoicing, settling, signing};

/// The context purchase.
pub enum Purchase {}

pub static SERVICE: Service = Service::of::<Purchase>();

pub(crate) type Answer = Result<Decision<Event>, Refusal>;

impl Decider for Purchase {
    const CONTEXT: Context = Context::Purchase;
    const READS: &'static [Context] = &[Context::Registry];
    const STATE_FORMAT: u32 = 3;

    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type State = State;
    type Facts = Parties;

    fn decide(state: &State, parties: &Parties, command: &Command) -> Answer {
        match command {
            Command::SignContract(contract) => signing::sign(state, parties, contract),
            Command::AnnounceContract(announced) => signing::announce(state, parties, announced),
            Command::PlaceOrder(order) => invoicing::order(state, order),
            Command::AcceptDelivery(delivery) => invoicing::accept(state, delivery),
            Command::IssueInvoice(invoice) => invoicing::issue(state, invoice),
            Command::RecordPayment(payment) => settling::pay(state, payment),
            Command::RecordAdvance(advance) => settling::receive(state, advance),
            Command::ApplyAdvance(used) => settling::apply(state, used),
            Command::RecordRefund(refund) => settling::refund(state, refund),
            Command::GrantCredit(credit) => crediting::credit(state, credit),
            Command::DisputeInvoice(dispute) => crediting::dispute(state, dispute),
            Command::ResolveDispute(resolution) => crediting::resolve(state, resolution),
            Command::TerminateContract(termination) => ending::terminate(state, termination),
        }
    }

    fn look_ahead(state: &State, _parties: &Parties, commands: &[&Command]) {
        state.look_at_invoices(commands.iter().copied().filter_map(paid));
    }

    fn evolve(state: &mut State, event: &Event) {
        state.apply(event);
    }

    fn learn(parties: &mut Parties, fact: &Fact) {
        use loopledger_model::Event::Registry;
        if let Registry(registry::Event::PartyRegistered(party)) = &fact.event {
            parties.0.get_or_insert_with(party.id.clone(), || fact.id);
        }
    }
}

fn paid(command: &Command) -> Option<&InvoiceId> {
    if let Command::RecordPayment(payment) = command { Some(&payment.invoice) } else { None }
}

/// What a command comes to whose thing is known already.
pub(crate) fn known(same: bool, exists: Refusal) -> Answer {
    if same { Ok(Decision::nothing()) } else { Err(exists) }
}

pub(crate) fn positive(amount: Money) -> Result<(), Refusal> {
    if amount.is_positive() { Ok(()) } else { Err(Refusal::NotPositive { amount }) }
}

/// Prices and percentages come to whole minor units, halves upwards.
pub(crate) const fn rounding(currency: Currency) -> Rounding {
    Rounding { digits: currency.exponent(), mode: RoundingMode::HalfUp }
}
