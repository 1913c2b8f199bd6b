//! Whatever is asked in whatever order: the books always add up, checked against plain sums over
//! all events and a calendar that is filled in day by day.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::purchase::Refusal;
use loopledger_model::{ContractId, InvoiceId, PFlops, PartyId, Period, Quantity};
use loopledger_service::Decider;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::state::State;

const DAYS: u32 = 20;

fn day(number: u32) -> Timestamp {
    Timestamp::from_second(1_740_787_200 + i64::from(number) * 86_400).expect("in range")
}

fn days() -> impl Strategy<Value = Period> {
    (0..DAYS, 1..12u32).prop_map(|(from, length)| {
        Period::new(day(from), day((from + length).min(DAYS))).expect("at least a day")
    })
}

/// Names come from a small stock, so that commands meet each other's things.
fn named<T: std::str::FromStr<Err: std::fmt::Debug> + std::fmt::Debug>(
    kind: &'static str,
    stock: u32,
) -> impl Strategy<Value = T> {
    (0..stock).prop_map(move |number| id(&format!("{kind}-{number}")))
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug> + std::fmt::Debug>(
    most: u32,
) -> impl Strategy<Value = T> {
    (1..=most).prop_map(|number| id(&number.to_string()))
}

fn party() -> impl Strategy<Value = PartyId> {
    prop::sample::select(vec!["provider", "reseller", "buyer"]).prop_map(id)
}

fn any_contract() -> impl Strategy<Value = Contract> {
    let parties = (party(), party());
    let p = prop::option::weighted(0.8, number(70));
    let basis = prop_oneof![9 => Just(Some(DENSE)), 1 => Just(Some(SPARSE)), 1 => Just(None)];
    let backing = prop::option::weighted(0.7, named("k", 4));
    (named("k", 8), parties, number(50), p, basis, days(), backing).prop_map(
        |(id, (buyer, seller), quantity, declared_p, basis, term, backing_contract)| {
            let plain = contract("k", "buyer", "provider");
            let terms = Contract { declared_p, basis, term, backing_contract, ..plain };
            Contract { id, buyer, seller, quantity, price_per_unit: self::id("3"), ..terms }
        },
    )
}

fn any_invoice() -> impl Strategy<Value = IssueInvoice> {
    (named("in", 8), named("k", 4), days(), number::<Quantity>(30), 1..60u32).prop_map(
        |(id, contract, service, quantity, amount)| {
            let (amount, at) = (cny(&amount.to_string()), day(DAYS));
            IssueInvoice { id, contract, service, quantity, amount, at }
        },
    )
}

fn any_payment() -> impl Strategy<Value = RecordPayment> {
    (named("pm", 20), named("in", 8), 1..25u32).prop_map(|(id, invoice, amount)| {
        let (amount, at) = (cny(&amount.to_string()), day(DAYS));
        RecordPayment { id, invoice, amount, at, reference: None }
    })
}

fn any_termination() -> impl Strategy<Value = TerminateContract> {
    let reason = prop::sample::select(vec![
        TerminationReason::EndedEarly,
        TerminationReason::NeverExecuted,
        TerminationReason::Breach,
    ]);
    let refund = prop::option::of((1..60u32).prop_map(|amount| cny(&amount.to_string())));
    (named("k", 8), 0..DAYS, reason, refund).prop_map(|(contract, at, reason, refund)| {
        TerminateContract { contract, at: day(at), reason, refund }
    })
}

fn any_announcement() -> impl Strategy<Value = AnnounceContract> {
    (named("k", 8), party(), party(), 1..60u32).prop_map(|(contract, buyer, seller, amount)| {
        AnnounceContract { contract, buyer, seller, ..announced("k", &amount.to_string()) }
    })
}

fn any_delivery() -> impl Strategy<Value = AcceptDelivery> {
    (named("dl", 8), named("k", 4), days(), number::<Quantity>(30)).prop_map(
        |(id, contract, service, quantity)| AcceptDelivery {
            id,
            contract,
            service,
            quantity,
            ..delivered("dl", "1")
        },
    )
}

/// The reseller bought 100 P for all days, of which most contracts that follow sell on a part, and
/// was invoiced for some of them.
fn commands() -> impl Strategy<Value = Vec<Command>> {
    let all_days = Period::new(day(0), day(DAYS)).expect("a period");
    let first = IssueInvoice {
        id: id("in-0"),
        contract: id("k-0"),
        service: all_days,
        quantity: id("40"),
        amount: cny("100"),
        at: day(DAYS),
    };
    let bought = Contract {
        term: all_days,
        quantity: id("100"),
        price_per_unit: id("3"),
        ..declaring("100", contract("k-0", "reseller", "provider"))
    };
    let resale = any_contract().prop_map(|contract| Contract {
        seller: id("reseller"),
        buyer: id("buyer"),
        backing_contract: Some(id("k-0")),
        ..contract
    });
    let command = prop_oneof![
        3 => resale.prop_map(Command::SignContract),
        2 => any_contract().prop_map(Command::SignContract),
        4 => any_invoice().prop_map(Command::IssueInvoice),
        5 => any_payment().prop_map(Command::RecordPayment),
        1 => any_termination().prop_map(Command::TerminateContract),
        2 => any_announcement().prop_map(Command::AnnounceContract),
        3 => any_delivery().prop_map(Command::AcceptDelivery),
    ];
    prop::collection::vec(command, 0..80).prop_map(move |rest| {
        let mut all = vec![sign(bought.clone()), Command::IssueInvoice(first.clone())];
        all.extend(rest);
        all
    })
}

/// Plain sums over all events.
#[derive(Default)]
struct Books {
    contracts: BTreeMap<ContractId, Contract>,
    ends: BTreeMap<ContractId, ContractTerminated>,
    quantities: BTreeMap<ContractId, Decimal>,
    invoices: BTreeMap<InvoiceId, InvoiceIssued>,
    paid_on_invoices: BTreeMap<InvoiceId, Decimal>,
    paid_on_contracts: BTreeMap<ContractId, Decimal>,
    announced: BTreeMap<ContractId, AnnounceContract>,
    deliveries: Vec<DeliveryAccepted>,
}

impl Books {
    fn of(events: &[Event]) -> Self {
        let mut books = Self::default();
        for event in events {
            books.enter(event.clone());
        }
        books
    }

    fn enter(&mut self, event: Event) {
        match event {
            Event::ContractSigned(it) => drop(self.contracts.insert(it.id.clone(), it)),
            Event::InvoiceIssued(it) => {
                *self.quantities.entry(it.contract.clone()).or_default() += it.quantity.value();
                self.invoices.insert(it.id.clone(), it);
            }
            Event::PaymentRecorded(it) => {
                *self.paid_on_contracts.entry(it.contract).or_default() += it.amount.amount();
                *self.paid_on_invoices.entry(it.invoice).or_default() += it.amount.amount();
            }
            Event::ContractTerminated(it) => drop(self.ends.insert(it.contract.clone(), it)),
            Event::ContractAnnounced(it) => drop(self.announced.insert(it.contract.clone(), it)),
            Event::DeliveryAccepted(it) => self.deliveries.push(it),
        }
    }

    /// What the contracts backed by this one declare on a day, of those that run on that day.
    fn sold_on(&self, backing: &Contract, today: Timestamp) -> Decimal {
        let backed = self.contracts.values().filter(|contract| {
            contract.backing_contract.as_ref() == Some(&backing.id)
                && contract.term.contains(today)
                && self.ends.get(&contract.id).is_none_or(|end| today < end.at)
        });
        backed.filter_map(|contract| contract.declared_p).map(PFlops::value).sum()
    }

    /// The first day on which more is sold on of some contract than it declares.
    fn first_oversold(&self) -> Option<Timestamp> {
        (0..DAYS).map(day).find(|today| {
            self.contracts.values().any(|backing| {
                backing.declared_p.is_some_and(|p| self.sold_on(backing, *today) > p.value())
            })
        })
    }

    fn overinvoiced(&self) -> bool {
        let quantity = |contract| self.contracts[contract].quantity.value();
        self.quantities.iter().any(|(contract, invoiced)| *invoiced > quantity(contract))
            || self.invoices.values().any(|invoice| {
                let price = self.contracts[&invoice.contract].price_per_unit.value();
                invoice.amount.amount() > invoice.quantity.value() * price
            })
    }

    fn overpaid(&self) -> bool {
        let invoiced = |invoice| self.invoices[invoice].amount.amount();
        self.paid_on_invoices.iter().any(|(invoice, paid)| *paid > invoiced(invoice))
    }

    fn overrefunded(&self) -> bool {
        self.ends.values().any(|end| {
            let paid = self.paid_on_contracts.get(&end.contract).copied().unwrap_or_default();
            end.refund.is_some_and(|refund| refund.amount() > paid)
        })
    }

    fn delivered(&self, contract: &ContractId) -> Decimal {
        let of = self.deliveries.iter().filter(|delivery| delivery.contract == *contract);
        of.map(|delivery| delivery.quantity.value()).sum()
    }

    /// More than was bought, outside its term, or of what never was executed.
    fn overdelivered(&self) -> bool {
        self.contracts
            .values()
            .any(|contract| self.delivered(&contract.id) > contract.quantity.value())
            || self.deliveries.iter().any(|delivery| {
                let end = self.ends.get(&delivery.contract);
                !self.contracts[&delivery.contract].term.encloses(&delivery.service)
                    || end.is_some_and(|end| end.reason == TerminationReason::NeverExecuted)
            })
    }

    /// Signed between others than it was announced between.
    fn signed_by_others(&self) -> bool {
        self.announced.values().any(|said| {
            let signed = self.contracts.get(&said.contract);
            signed.is_some_and(|it| (&it.buyer, &it.seller) != (&said.buyer, &said.seller))
        })
    }

    fn invoiced_unserved(&self) -> bool {
        self.invoices.values().any(|invoice| {
            let contract = &self.contracts[&invoice.contract];
            let end = self.ends.get(&invoice.contract);
            !contract.term.encloses(&invoice.service)
                || end.is_some_and(|end| end.reason == TerminationReason::NeverExecuted)
        })
    }
}

/// A refusal for going beyond something is right only if plain sums, with the command's event in
/// them, do go beyond.
fn check_refusal(refusal: &Refusal, events: &[Event], command: &Command) {
    let mut books = Books::of(events);
    let event = |contract: &ContractId| {
        let contract = &books.contracts[contract];
        event(command, contract.buyer.as_str(), contract.seller.as_str())
    };
    if let (Refusal::AboveBackingCapacity { at, .. }, Command::SignContract(it)) =
        (refusal, command)
    {
        books.enter(Event::ContractSigned(it.clone()));
        assert_eq!(books.first_oversold(), Some(*at));
    } else if let (
        Refusal::AboveQuantity { .. } | Refusal::AbovePrice { .. },
        Command::IssueInvoice(it),
    ) = (refusal, command)
    {
        books.enter(event(&it.contract));
        assert!(books.overinvoiced());
    } else if let (Refusal::AboveInvoice { .. }, Command::RecordPayment(it)) = (refusal, command) {
        books.enter(event(&books.invoices[&it.invoice].contract));
        assert!(books.overpaid());
    } else if let (Refusal::AboveDelivery { .. }, Command::AcceptDelivery(it)) = (refusal, command)
    {
        books.enter(event(&it.contract));
        assert!(books.overdelivered());
    } else if let (Refusal::AbovePaid { .. }, Command::TerminateContract(it)) = (refusal, command) {
        books.enter(event(&it.contract));
        assert!(books.overrefunded());
    }
}

/// Runs the commands and returns the accepted ones with the events they made.
fn run(story: &mut Story<Purchase>, commands: Vec<Command>) -> (Vec<Command>, Vec<Event>) {
    let (mut accepted, mut events) = (Vec::new(), Vec::new());
    for command in commands {
        match Purchase::decide(&story.state, &story.facts, &command) {
            Err(refusal) => check_refusal(&refusal, &events, &command),
            Ok(decision) => {
                for event in decision.events {
                    Purchase::evolve(&mut story.state, &event);
                    events.push(event);
                }
                assert_eq!(Books::of(&events).first_oversold(), None);
                accepted.push(command);
            }
        }
    }
    (accepted, events)
}

proptest! {
    #[test]
    fn nothing_goes_beyond_what_it_rests_on(commands in commands()) {
        let mut story = blank();
        let (_, events) = run(&mut story, commands);
        let books = Books::of(&events);
        prop_assert_eq!(books.first_oversold(), None);
        prop_assert!(!books.overinvoiced());
        prop_assert!(!books.overpaid());
        prop_assert!(!books.overrefunded());
        prop_assert!(!books.invoiced_unserved());
        prop_assert!(!books.overdelivered());
        prop_assert!(!books.signed_by_others());
    }

    #[test]
    fn running_totals_are_the_sums_of_all_events(commands in commands()) {
        let mut story = blank();
        let (_, events) = run(&mut story, commands);
        let books = Books::of(&events);
        for contract in books.contracts.keys() {
            let signed = story.state.signed(contract).expect("it was signed");
            let quantity = books.quantities.get(contract).copied().unwrap_or_default();
            prop_assert_eq!(signed.invoiced, quantity);
            let paid = books.paid_on_contracts.get(contract).copied().unwrap_or_default();
            prop_assert_eq!(signed.paid.amount(), paid);
            let invoices = books.invoices.values().filter(|invoice| invoice.contract == *contract);
            prop_assert_eq!(signed.invoices as usize, invoices.count());
            prop_assert_eq!(signed.delivered, books.delivered(contract));
        }
    }

    #[test]
    fn folding_from_scratch_gives_the_state_reached_step_by_step(commands in commands()) {
        let mut story = blank();
        let (_, events) = run(&mut story, commands);
        let mut folded = State::default();
        events.iter().for_each(|event| Purchase::evolve(&mut folded, event));
        prop_assert_eq!(folded, story.state);
    }

    #[test]
    fn an_accepted_command_that_comes_again_is_nothing(commands in commands()) {
        let mut story = blank();
        let (accepted, _) = run(&mut story, commands);
        for command in accepted {
            story.when(command).then_nothing();
        }
    }

    #[test]
    fn partitions_decide_as_the_whole_does(commands in commands(), count in 2..5_u32) {
        loopledger_testkit::decided_apart_as_together::<Purchase>(count, &blank().facts, commands);
    }
}
