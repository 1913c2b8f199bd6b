//! A plain-text journal for beancount: every payment in the books of both of its parties.
//!
//! Invariants: in every transaction the postings of each party come to zero, so all books balance in
//! every currency; an account's name is that of one party; the journal asserts what every party's
//! cash comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use anyhow::Context as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use loopledger_model::{Currency, PartyId};
use loopledger_views::{FlowKind, Flows, MoneyFlow};
use rust_decimal::Decimal;
use sha2::{Digest as _, Sha256};

/// The journal of all flows, in the order of time.
pub fn journal(flows: &Flows) -> anyhow::Result<String> {
    let currencies: BTreeSet<Currency> = flows.flows.iter().map(|flow| flow.currency).collect();
    let mut text = String::new();
    writeln!(text, "; loopledger: {} payments, position {}", flows.flows.len(), flows.position)?;
    writeln!(text, "option \"title\" \"loopledger\"")?;
    for currency in currencies {
        writeln!(text, "option \"operating_currency\" \"{currency}\"")?;
    }
    let entries = flows.flows.iter().map(Entry::of).collect::<anyhow::Result<Vec<_>>>()?;
    write_openings(&mut text, &entries)?;
    for entry in &entries {
        write!(text, "\n{entry}")?;
    }
    write_balances(&mut text, &entries)?;
    Ok(text)
}

/// One account of one party's books.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Account {
    root: &'static str,
    party: PartyId,
    what: &'static str,
    other: Option<PartyId>,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.root, component(&self.party), self.what)?;
        self.other.iter().try_for_each(|other| write!(f, ":{}", component(other)))
    }
}

/// A party as part of an account's name. Ids of small letters, digits and hyphens are only given a
/// capital; all others are followed by a digest in capitals, so no two ids come to the same.
fn component(party: &PartyId) -> String {
    let id = party.as_str();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let (first, rest) = id.split_at(1);
    if id.chars().all(plain) && first != "-" {
        return first.to_ascii_uppercase() + rest;
    }
    let readable = id.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let digest = Sha256::digest(id.as_bytes());
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02X}")).collect();
    let (first, rest) = readable.split_at(1);
    let first = if first == "-" { "X-".to_owned() } else { first.to_ascii_uppercase() };
    format!("{first}{rest}-X{digest}")
}

struct Entry<'a> {
    flow: &'a MoneyFlow,
    day: Date,
    amount: Decimal,
}

impl<'a> Entry<'a> {
    fn of(flow: &'a MoneyFlow) -> anyhow::Result<Self> {
        let amount = flow.amount.parse();
        let amount = amount.with_context(|| format!("the amount of fact {}", flow.event))?;
        Ok(Self { flow, day: day(flow.at), amount })
    }

    /// What each account gets; of each party two, which come to zero.
    fn postings(&self) -> [(Account, Decimal); 4] {
        let MoneyFlow { from, to, .. } = self.flow;
        let ((paid_root, paid), (got_root, got)) = match self.flow.kind {
            FlowKind::Contribution => (("Assets", "Commitments"), ("Equity", "Partners")),
            FlowKind::Investment => (("Assets", "Investments"), ("Equity", "Investors")),
            FlowKind::Distribution => (("Equity", "Distributions"), ("Income", "Distributions")),
            FlowKind::ComputePayment => (("Expenses", "Compute"), ("Income", "Compute")),
            FlowKind::VoucherPayment => (("Expenses", "Vouchers"), ("Income", "Vouchers")),
            FlowKind::Refund => (("Expenses", "Refunds"), ("Income", "Refunds")),
            FlowKind::Transfer => (("Expenses", "Transfers"), ("Income", "Transfers")),
        };
        let account = |root, party: &PartyId, what, other: Option<&PartyId>| Account {
            root,
            party: party.clone(),
            what,
            other: other.cloned(),
        };
        [
            (account("Assets", from, "Cash", None), -self.amount),
            (account(paid_root, from, paid, Some(to)), self.amount),
            (account("Assets", to, "Cash", None), self.amount),
            (account(got_root, to, got, Some(from)), -self.amount),
        ]
    }
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MoneyFlow { id, from, to, kind, currency, at, event, .. } = self.flow;
        let what = kind.name().replace('_', " ");
        writeln!(f, "{} * \"{from}\" \"{what} {id} to {to}\"", self.day)?;
        for (name, value) in [("fact", event.to_string()), ("at", at.to_string())] {
            writeln!(f, "  {name}: \"{value}\"")?;
        }
        writeln!(f, "  flow: \"{id}\"\n  kind: \"{kind}\"")?;
        for (account, amount) in self.postings() {
            writeln!(f, "  {account}  {amount} {currency}")?;
        }
        Ok(())
    }
}

/// Every account from the first day that it is used on, with the ids that its name stands for.
fn write_openings(text: &mut String, entries: &[Entry<'_>]) -> fmt::Result {
    let mut first: BTreeMap<Account, (Date, BTreeSet<Currency>)> = BTreeMap::new();
    for entry in entries {
        for (account, _) in entry.postings() {
            let (day, currencies) =
                first.entry(account).or_insert_with(|| (entry.day, BTreeSet::new()));
            *day = entry.day.min(*day);
            currencies.insert(entry.flow.currency);
        }
    }
    for (account, (day, currencies)) in first {
        let currencies: Vec<&str> = currencies.iter().map(Currency::as_str).collect();
        writeln!(text, "\n{day} open {account} {}", currencies.join(","))?;
        writeln!(text, "  party: \"{}\"", account.party)?;
        if let Some(other) = account.other {
            writeln!(text, "  other: \"{other}\"")?;
        }
    }
    Ok(())
}

/// Asserted on the day after the last payment: beancount looks at the start of a day.
fn write_balances(text: &mut String, entries: &[Entry<'_>]) -> anyhow::Result<()> {
    let Some(last) = entries.iter().map(|entry| entry.day).max() else { return Ok(()) };
    let day = last.checked_add(1.day()).context("the last payment is on the last day of time")?;
    let mut cash: BTreeMap<(PartyId, Currency), Decimal> = BTreeMap::new();
    for entry in entries {
        for (party, amount) in [(&entry.flow.from, -entry.amount), (&entry.flow.to, entry.amount)] {
            let sum = cash.entry((party.clone(), entry.flow.currency)).or_default();
            *sum = sum.checked_add(amount).context("a party's cash is beyond what is counted")?;
        }
    }
    writeln!(text)?;
    for ((party, currency), amount) in cash {
        writeln!(text, "{day} balance Assets:{}:Cash  {amount} {currency}", component(&party))?;
    }
    Ok(())
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    fn flow(kind: FlowKind, from: &str, to: &str, amount: &str) -> MoneyFlow {
        MoneyFlow {
            id: "f-1".to_owned(),
            from: from.parse().expect("an id"),
            to: to.parse().expect("an id"),
            kind,
            amount: amount.to_owned(),
            currency: "CNY".parse().expect("a currency"),
            at: "2025-03-20T01:00:00Z".parse().expect("an instant"),
            event: "18.2".parse().expect("a fact"),
        }
    }

    #[test]
    fn a_payment_stands_in_the_books_of_both_parties() {
        let flows = vec![flow(FlowKind::ComputePayment, "company-c", "Prov:1", "2516220.00")];
        let text = journal(&Flows { position: 27, flows }).expect("a journal");
        expect![[r#"
            ; loopledger: 1 payments, position 27
            option "title" "loopledger"
            option "operating_currency" "CNY"

            2025-03-20 open Assets:Prov-1-X8A3D80B8F5B94506:Cash CNY
              party: "Prov:1"

            2025-03-20 open Assets:Company-c:Cash CNY
              party: "company-c"

            2025-03-20 open Expenses:Company-c:Compute:Prov-1-X8A3D80B8F5B94506 CNY
              party: "company-c"
              other: "Prov:1"

            2025-03-20 open Income:Prov-1-X8A3D80B8F5B94506:Compute:Company-c CNY
              party: "Prov:1"
              other: "company-c"

            2025-03-20 * "company-c" "compute payment f-1 to Prov:1"
              fact: "18.2"
              at: "2025-03-20T01:00:00Z"
              flow: "f-1"
              kind: "compute_payment"
              Assets:Company-c:Cash  -2516220.00 CNY
              Expenses:Company-c:Compute:Prov-1-X8A3D80B8F5B94506  2516220.00 CNY
              Assets:Prov-1-X8A3D80B8F5B94506:Cash  2516220.00 CNY
              Income:Prov-1-X8A3D80B8F5B94506:Compute:Company-c  -2516220.00 CNY

            2025-03-21 balance Assets:Prov-1-X8A3D80B8F5B94506:Cash  2516220.00 CNY
            2025-03-21 balance Assets:Company-c:Cash  -2516220.00 CNY
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn a_ledger_without_payments_is_an_empty_journal() {
        let text = journal(&Flows { position: 0, flows: Vec::new() }).expect("a journal");
        assert!(!text.contains("open") && !text.contains("balance"), "{text}");
    }

    #[test]
    fn whatever_the_kind_each_partys_postings_come_to_zero() {
        for kind in FlowKind::ALL {
            let flow = flow(kind, "a", "b", "1.50");
            let mut sums: BTreeMap<PartyId, Decimal> = BTreeMap::new();
            for (account, amount) in Entry::of(&flow).expect("an entry").postings() {
                *sums.entry(account.party).or_default() += amount;
            }
            assert!(sums.len() == 2 && sums.values().all(Decimal::is_zero), "{kind}: {sums:?}");
        }
    }

    proptest! {
        #[test]
        fn no_two_parties_share_an_account(
            left in "[A-Ba-b0-1._:-]{1,4}", right in "[A-Ba-b0-1._:-]{1,4}",
        ) {
            let [left, right]: [PartyId; 2] = [left, right].map(|id| id.parse().expect("an id"));
            let names = [&left, &right].map(component);
            prop_assert_eq!(names[0] == names[1], left == right);
            let first = |name: &String| name.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit());
            prop_assert!(names.iter().all(first), "{:?}", names);
        }
    }
}
