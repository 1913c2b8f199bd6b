//! Whatever is asked in whatever order: the books always add up, checked against plain sums over
//! all events and a calendar that is filled in day by day.

mod books;

use jiff::Timestamp;
use loopledger_model::purchase::Refusal;
use loopledger_model::{ContractId, Money, Period, Quantity};
use loopledger_service::Decider;
use proptest::prelude::*;

use self::books::Books;
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
    let rating = prop_oneof![9 => Just(None), 1 => Just(Some(Rating::Rated))];
    let cards = prop::option::weighted(0.5, 1..60u32);
    let backing = prop::option::weighted(0.7, named("k", 4));
    let volume = prop::option::weighted(0.8, number(50));
    let claims = (p, basis, rating, cards);
    (named("k", 8), parties, volume, claims, days(), backing, any_terms()).prop_map(
        |(id, (buyer, seller), quantity, claims, term, backing_contract, terms)| {
            let plain = contract("k", "buyer", "provider");
            let (declared_p, basis, rating, cards) = claims;
            let kind = quantity.is_none().then_some(ContractKind::Framework);
            let kind = kind.filter(|_| backing_contract.is_none());
            let quantity = if kind.is_some() { None } else { quantity.or(Some(self::id("7"))) };
            let contract = Contract { declared_p, basis, rating, cards, term, ..plain };
            let contract = Contract { kind, quantity, backing_contract, terms, ..contract };
            Contract { id, buyer, seller, price_per_unit: self::id("3"), ..contract }
        },
    )
}

fn any_terms() -> impl Strategy<Value = Box<Terms>> {
    let step = (1..DAYS, number(5))
        .prop_map(|(from, price_per_unit)| PriceStep { from: day(from), price_per_unit });
    let steps = prop_oneof![2 => Just(Vec::new()), 1 => step.prop_map(|step| vec![step])];
    let sla = Sla { availability: Some(id("99")), deliver_by: Some(day(1)), credit: id("20") };
    let sla = prop::option::of(Just(sla));
    (steps, sla, prop::option::of(number(100))).prop_map(|(price_steps, sla, buyer)| {
        let penalties = Penalties { buyer, seller: Some(id("5")) };
        Box::new(Terms { price_steps, sla, penalties, ..Terms::default() })
    })
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
    let refund = prop::option::of(money(60));
    let side = prop::sample::select(vec![ContractSide::Buyer, ContractSide::Seller]);
    let penalty = prop::option::of((side, money(20)));
    (named("k", 8), 0..DAYS, reason, refund, penalty).prop_map(
        |(contract, at, reason, refund, penalty)| {
            let (by, penalty) = penalty.unzip();
            TerminateContract { contract, at: day(at), reason, refund, by, penalty }
        },
    )
}

fn money(most: u32) -> impl Strategy<Value = Money> {
    (1..most).prop_map(|amount| cny(&amount.to_string()))
}

fn any_order() -> impl Strategy<Value = PlaceOrder> {
    (named("or", 8), named("k", 8), days(), number::<Quantity>(30)).prop_map(
        |(id, contract, service, quantity)| PlaceOrder {
            id,
            contract,
            service,
            quantity,
            at: day(0),
        },
    )
}

fn advance_kind() -> impl Strategy<Value = AdvanceKind> {
    prop::sample::select(vec![AdvanceKind::Prepayment, AdvanceKind::Deposit])
}

fn any_advance() -> impl Strategy<Value = RecordAdvance> {
    (named("pm", 20), named("k", 4), advance_kind(), money(60)).prop_map(
        |(id, contract, kind, amount)| RecordAdvance {
            id,
            contract,
            kind,
            amount,
            at: day(0),
            reference: None,
        },
    )
}

fn any_use() -> impl Strategy<Value = ApplyAdvance> {
    let invoice = prop::option::weighted(0.8, named("in", 8));
    (named("au", 12), named("k", 4), advance_kind(), invoice, money(40)).prop_map(
        |(id, contract, kind, invoice, amount)| ApplyAdvance {
            id,
            contract,
            kind,
            invoice,
            amount,
            at: day(DAYS),
        },
    )
}

fn any_refund() -> impl Strategy<Value = RecordRefund> {
    let of = vec![RefundOf::Invoices, RefundOf::Prepayment, RefundOf::Deposit];
    (named("rf", 12), named("k", 4), prop::sample::select(of), money(40)).prop_map(
        |(id, contract, of, amount)| RecordRefund {
            id,
            contract,
            of,
            amount,
            at: day(DAYS),
            reference: None,
        },
    )
}

fn any_credit() -> impl Strategy<Value = GrantCredit> {
    let reasons = vec![CreditReason::Correction, CreditReason::LateDelivery];
    (named("cr", 12), named("in", 8), prop::sample::select(reasons), money(30)).prop_map(
        |(id, invoice, reason, amount)| {
            let credit = credit("cr", reason, "1");
            GrantCredit { id, invoice, amount, ..credit }
        },
    )
}

fn any_dispute() -> impl Strategy<Value = DisputeInvoice> {
    (named("ds", 6), named("in", 8), money(60)).prop_map(|(id, invoice, amount)| DisputeInvoice {
        id,
        invoice,
        amount,
        reason: self::id("dark"),
        at: day(DAYS),
    })
}

fn any_resolution() -> impl Strategy<Value = ResolveDispute> {
    named("ds", 6).prop_map(|dispute| {
        let outcome = DisputeOutcome::Settled;
        ResolveDispute { dispute, outcome, at: day(DAYS) }
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
        quantity: Some(id("100")),
        price_per_unit: id("3"),
        cards: Some(90),
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
        2 => any_order().prop_map(Command::PlaceOrder),
        3 => any_advance().prop_map(Command::RecordAdvance),
        4 => any_use().prop_map(Command::ApplyAdvance),
        3 => any_refund().prop_map(Command::RecordRefund),
        3 => any_credit().prop_map(Command::GrantCredit),
        2 => any_dispute().prop_map(Command::DisputeInvoice),
        1 => any_resolution().prop_map(Command::ResolveDispute),
    ];
    prop::collection::vec(command, 0..120).prop_map(move |rest| {
        let mut all = vec![sign(bought.clone()), Command::IssueInvoice(first.clone())];
        all.extend(rest);
        all
    })
}

/// A refusal for going beyond something is right only if plain sums, with the command's event in
/// them, do go beyond.
fn check_refusal(refusal: &Refusal, events: &[Event], command: &Command) {
    let mut books = Books::of(events);
    let event = |contract: &ContractId| {
        let contract = &books.contracts[contract];
        event(command, contract.buyer.as_str(), contract.seller.as_str())
    };
    if let (
        Refusal::AboveBackingCapacity { at, .. } | Refusal::AboveBackingCards { at, .. },
        Command::SignContract(it),
    ) = (refusal, command)
    {
        books.enter(Event::ContractSigned(it.clone()));
        let of_cards = matches!(refusal, Refusal::AboveBackingCards { .. });
        let first = if of_cards { books.first_cards_oversold() } else { books.first_p_oversold() };
        assert_eq!(first, Some(*at));
    } else if let (
        Refusal::AboveQuantity { .. } | Refusal::AboveOrders { .. } | Refusal::AbovePrice { .. },
        Command::IssueInvoice(it),
    ) = (refusal, command)
    {
        books.enter(event(&it.contract));
        assert!(books.overinvoiced());
    } else if let (Refusal::AboveInvoice { .. }, Command::RecordPayment(it)) = (refusal, command) {
        let invoiced = books.invoices[&it.invoice].amount.amount();
        let open = invoiced - books.credited(&it.invoice) - books.paid(&it.invoice);
        assert!(it.amount.amount() > open);
    } else if let (Refusal::AboveAdvance { kind, .. }, Command::ApplyAdvance(it)) =
        (refusal, command)
    {
        assert!(it.amount.amount() > books.held(&it.contract, *kind));
    } else if let (Refusal::AboveCreditable { .. }, Command::GrantCredit(it)) = (refusal, command) {
        books.enter(event(&books.invoices[&it.invoice].contract));
        assert!(books.overcredited());
    } else if let (
        Refusal::AboveDelivery { .. } | Refusal::AboveOrders { .. },
        Command::AcceptDelivery(it),
    ) = (refusal, command)
    {
        books.enter(event(&it.contract));
        assert!(books.overdelivered());
    } else if let (Refusal::AbovePaid { .. }, Command::TerminateContract(it)) = (refusal, command) {
        books.enter(event(&it.contract));
        assert!(books.overrefunded());
    } else if let (Refusal::AbovePaid { .. }, Command::RecordRefund(it)) = (refusal, command) {
        books.enter(event(&it.contract));
        assert!(books.overrefunded());
    }
}

/// Nothing that was accepted paid more than was open and out of dispute.
fn check_payment(books: &Books, command: &Command) {
    let paid = match command {
        Command::RecordPayment(it) => Some((&it.invoice, it.amount)),
        Command::ApplyAdvance(it) => it.invoice.as_ref().map(|invoice| (invoice, it.amount)),
        Command::SignContract(_)
        | Command::AnnounceContract(_)
        | Command::PlaceOrder(_)
        | Command::AcceptDelivery(_)
        | Command::IssueInvoice(_)
        | Command::RecordAdvance(_)
        | Command::RecordRefund(_)
        | Command::GrantCredit(_)
        | Command::DisputeInvoice(_)
        | Command::ResolveDispute(_)
        | Command::TerminateContract(_) => None,
    };
    if let Some((invoice, amount)) = paid {
        let open = books.invoices[invoice].amount.amount()
            - books.credited(invoice)
            - books.paid(invoice)
            - books.disputed.get(invoice).copied().unwrap_or_default();
        assert!(amount.amount() <= open, "{command:?}: {open} are open");
    }
}

/// Runs the commands and returns the accepted ones with the events they made.
fn run(story: &mut Story<Purchase>, commands: Vec<Command>) -> (Vec<Command>, Vec<Event>) {
    let (mut accepted, mut events) = (Vec::new(), Vec::new());
    for command in commands {
        match Purchase::decide(&story.state, &story.facts, &command) {
            Err(refusal) => check_refusal(&refusal, &events, &command),
            Ok(decision) => {
                if !decision.events.is_empty() {
                    check_payment(&Books::of(&events), &command);
                }
                for event in decision.events {
                    Purchase::evolve(&mut story.state, &event);
                    events.push(event);
                }
                let books = Books::of(&events);
                assert_eq!([books.first_p_oversold(), books.first_cards_oversold()], [None; 2]);
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
        prop_assert_eq!([books.first_p_oversold(), books.first_cards_oversold()], [None; 2]);
        prop_assert!(!books.overinvoiced());
        prop_assert!(!books.overpaid());
        prop_assert!(!books.overrefunded());
        prop_assert!(!books.invoiced_unserved());
        prop_assert!(!books.overdelivered());
        prop_assert!(!books.signed_by_others());
        prop_assert!(!books.resold_amiss());
        prop_assert!(!books.overcredited());
        prop_assert!(!books.overused());
        prop_assert!(!books.oversettled());
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
            prop_assert_eq!(signed.paid.amount(), books.paid_for_invoices_of(contract));
            for kind in [AdvanceKind::Prepayment, AdvanceKind::Deposit] {
                let held = signed.advance(kind).held().expect("it is countable").amount();
                prop_assert_eq!(held, books.held(contract, kind));
            }
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
