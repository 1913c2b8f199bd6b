//! A command that is wrong in every way is refused for the first reason in the list; mended, for
//! the next one.

use loopledger_model::purchase::Refusal;
use loopledger_testkit::{at, cny, id, money, period};
use rust_decimal::Decimal;

use super::*;

/// Each command mends what the one before it was refused for.
#[track_caller]
fn refused_in_turn(story: &Story<Purchase>, steps: Vec<(Command, Refusal)>) {
    for (command, refusal) in steps {
        story.when(command).then_refused(refusal);
    }
}

#[test]
fn signings_are_refused_for_the_first_reason_that_applies() {
    let story = blank().after([
        sign(declaring("200", contract("k-0", "reseller", "provider"))),
        terminate("k-0", "2025-04-01", TerminationReason::Breach),
    ]);
    let all_wrong = Contract {
        declared_p: Some(id("201")),
        term: period("2025-02-01", "2025-05-01"),
        backing_contract: Some(id("k-9")),
        ..contract("k-0", "nobody", "nobody")
    };
    let new = Contract { id: id("k-1"), ..all_wrong.clone() };
    let known = Contract { buyer: id("other"), seller: id("other"), ..new.clone() };
    let traded = Contract { buyer: id("buyer"), ..known.clone() };
    let based = Contract { basis: Some(SPARSE), ..traded.clone() };
    let backed = Contract { backing_contract: Some(id("k-0")), ..based.clone() };
    let bought = Contract { seller: id("reseller"), ..backed.clone() };
    let timely = Contract { term: period("2025-03-01", "2025-05-01"), ..bought.clone() };
    let alike = Contract { basis: Some(DENSE), ..timely.clone() };
    let fitting = Contract { declared_p: Some(id("200")), ..alike.clone() };
    let backing = || id("k-0");
    let steps = vec![
        (all_wrong, Refusal::ContractExists { contract: id("k-0") }),
        (new, Refusal::UnknownParty { party: id("nobody") }),
        (known, Refusal::OwnContract { party: id("other") }),
        (traded, Refusal::BasisMissing),
        (based, Refusal::UnknownContract { contract: id("k-9") }),
        (
            backed,
            Refusal::NotTheBackingBuyer {
                backing: backing(),
                buyer: id("reseller"),
                seller: id("other"),
            },
        ),
        (
            bought,
            Refusal::OutsideBackingTerm {
                term: period("2025-02-01", "2025-05-01"),
                backing_term: period("2025-03-01", "2025-05-01"),
            },
        ),
        (timely, Refusal::UnlikeBases { backing: backing(), declared: DENSE, asked: SPARSE }),
        (
            alike,
            Refusal::AboveBackingCapacity {
                backing: backing(),
                declared: id("200"),
                sold: Decimal::ZERO,
                asked: id("201"),
                at: at("2025-03-01"),
            },
        ),
        (fitting, Refusal::ContractEnded { contract: backing(), ended_at: at("2025-04-01") }),
    ];
    let steps = steps.into_iter().map(|(contract, refusal)| (sign(contract), refusal));
    refused_in_turn(&story, steps.collect());
}

#[test]
fn invoices_are_refused_for_the_first_reason_that_applies() {
    let story = invoiced().after([terminate("k-1", "2025-04-01", TerminationReason::EndedEarly)]);
    let late = ("2025-02-01", "2025-04-02");
    let early = ("2025-02-01", "2025-04-01");
    let asked = |service, name, contract, quantity, amount| {
        let invoice = invoice_for(service, name, contract, quantity, amount);
        let Command::IssueInvoice(invoice) = invoice else { panic!("an invoice") };
        let amount = money(amount, "USD");
        Command::IssueInvoice(IssueInvoice { amount, ..invoice })
    };
    refused_in_turn(
        &story,
        vec![
            (
                asked(late, "in-1", "k-9", "901", "0"),
                Refusal::InvoiceExists { invoice: id("in-1") },
            ),
            (
                asked(late, "in-2", "k-9", "901", "0"),
                Refusal::UnknownContract { contract: id("k-9") },
            ),
            (
                asked(late, "in-2", "k-1", "901", "0"),
                Refusal::ContractEnded { contract: id("k-1"), ended_at: at("2025-04-01") },
            ),
            (
                asked(early, "in-2", "k-1", "901", "0"),
                Refusal::WrongCurrency { amount: money("0", "USD"), currency: id("CNY") },
            ),
            (
                invoice_for(early, "in-2", "k-1", "901", "0"),
                Refusal::NotPositive { amount: cny("0") },
            ),
            (
                invoice_for(early, "in-2", "k-1", "901", "9000"),
                Refusal::OutsideTerm {
                    service: period("2025-02-01", "2025-04-01"),
                    term: period("2025-03-01", "2025-05-01"),
                },
            ),
            (
                invoice("in-2", "k-1", "901", "9000"),
                Refusal::AboveQuantity {
                    quantity: id("1000"),
                    invoiced: Decimal::from(100),
                    asked: id("901"),
                },
            ),
            (
                invoice("in-2", "k-1", "900", "9000"),
                Refusal::AbovePrice { quantity: id("900"), limit: cny("8550"), asked: cny("9000") },
            ),
        ],
    );
}
