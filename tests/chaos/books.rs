//! Balances, worked out from the stored events alone, and the rules that they must keep at every position.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::journal::Commit;

/// One voucher, in cents.
#[derive(Debug, Default, Clone)]
struct Voucher {
    programme: String,
    face: i128,
    free: i128,
    locked: i128,
    redeemed: i128,
    ended: i128,
    paid: i128,
}

#[derive(Debug, Default, Clone)]
struct Programme {
    budget: i128,
    issued: i128,
    redeemed: i128,
    locked: i128,
    paid: i128,
    ended: BTreeMap<String, i128>,
}

/// An amount that others use up: what it is, and what is used.
#[derive(Debug, Default, Clone, Copy)]
struct Used {
    whole: i128,
    used: i128,
}

#[derive(Debug, Default)]
struct Pool {
    /// From when on, in days: how many are lit.
    lit: BTreeMap<String, i128>,
    given: Vec<(String, String, i128)>,
}

#[derive(Debug, Default)]
pub struct Books {
    vouchers: BTreeMap<String, Voucher>,
    programmes: BTreeMap<String, Programme>,
    locks: BTreeMap<String, i128>,
    redemptions: BTreeMap<String, Used>,
    /// Quantity.
    contracts: BTreeMap<String, Used>,
    /// What the buyer paid.
    invoices: BTreeMap<String, Used>,
    /// What vouchers paid; half of it at most.
    claims: BTreeMap<String, i128>,
    /// At, order, change, in cents.
    cash: Vec<(String, usize, i128)>,
    partners: BTreeMap<String, Vec<(String, bool, i128)>>,
    pools: BTreeMap<String, Pool>,
    /// Cards, and of each metered window its hours from and to and the card-hours.
    allocations: BTreeMap<String, (i128, Vec<Window>)>,
    flows: Vec<Value>,
    pub findings: Vec<String>,
}

type Window = (i128, i128, i128);

fn text(event: &Value, field: &str) -> String {
    event[field].as_str().unwrap_or_default().to_owned()
}

/// An amount of money in cents, or a bare decimal in hundredths.
fn hundredths(value: &Value) -> i128 {
    let text = value["amount"].as_str().or(value.as_str()).expect("an amount");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let fraction = format!("{fraction:0<2}");
    format!("{whole}{fraction}").parse().expect("an amount with two decimals")
}

fn written(cents: i128) -> String {
    assert!(cents >= 0, "amounts below zero were found before");
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Hours since the year began.
fn hours(at: &str) -> i128 {
    let number = |from: usize, to: usize| at[from..to].parse::<usize>().expect("a time");
    let days = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let day = days[number(5, 7) - 1] + number(8, 10) - 1;
    i128::try_from(day * 24 + number(11, 13)).expect("a year")
}

pub fn fold(commits: &[Commit]) -> Books {
    let mut books = Books::default();
    for commit in commits {
        let events =
            commit.entries().flat_map(|entry| entry["events"].as_array().into_iter().flatten());
        for (index, event) in events.enumerate() {
            let (kind, content) = event
                .as_object()
                .and_then(|kinds| kinds.iter().next())
                .expect("an event has one kind");
            let before = books.findings.len();
            match commit.context() {
                "voucher" => books.voucher(kind, content),
                "purchase" => books.purchase(kind, content),
                "fund" => books.fund(kind, content),
                "allocation" => books.allocation(kind, content),
                _ => {}
            }
            let fact = format!("{}.{index}", commit.position);
            books.flow(kind, content, &fact);
            for finding in &mut books.findings[before..] {
                *finding = format!("{fact} {kind}: {finding}");
            }
        }
    }
    books
}

impl Books {
    fn must(&mut self, holds: bool, what: &str, event: &Value) {
        if !holds {
            self.findings.push(format!("{what}: {event}"));
        }
    }

    fn voucher(&mut self, kind: &str, event: &Value) {
        let amount = event.get("amount").map_or(0, hundredths);
        let (id, name) = (text(event, "id"), text(event, "voucher"));
        let voucher = if kind == "voucher_issued" { id.clone() } else { name };
        if kind == "programme_defined" {
            let programme =
                Programme { budget: hundredths(&event["budget"]), ..Programme::default() };
            let new = self.programmes.insert(id, programme).is_none();
            return self.must(new, "a programme twice", event);
        }
        if kind == "provider_admitted" {
            return;
        }
        let programme = text(event, "programme");
        let mut held = self.vouchers.remove(&voucher).unwrap_or_default();
        let mut account = self.programmes.remove(&programme).unwrap_or_default();
        let known = held.face > 0;
        self.must(known == (kind != "voucher_issued"), "a voucher twice, or none", event);
        match kind {
            "voucher_issued" => {
                held = Voucher { programme: programme.clone(), face: amount, free: amount, ..held };
                account.issued += amount;
            }
            "voucher_locked" => {
                held.free -= amount;
                held.locked += amount;
                account.locked += amount;
                let new = self.locks.insert(id, amount).is_none();
                self.must(new, "a lock twice", event);
                let signed = self.contracts.contains_key(&text(event, "contract"));
                self.must(signed, "a contract that is not signed yet", event);
            }
            "lock_released" => {
                let left = self.locks.insert(text(event, "lock"), 0);
                self.must(left == Some(amount), "a lock with something else left", event);
                held.free += amount;
                held.locked -= amount;
                account.locked -= amount;
            }
            "voucher_redeemed" => {
                self.take(event, amount);
                held.locked -= amount;
                held.redeemed += amount;
                account.locked -= amount;
                account.redeemed += amount;
            }
            "redemption_settled" => {
                let redemption = self.redemptions.entry(text(event, "redemption")).or_default();
                redemption.used += amount;
                let within = redemption.used <= redemption.whole;
                self.must(within, "more paid than was redeemed", event);
                held.paid += amount;
                account.paid += amount;
            }
            _ => {
                let (free, locked) = (hundredths(&event["free"]), hundredths(&event["locked"]));
                let all = free == held.free && locked == held.locked;
                self.must(all, "another rest is ended than there is", event);
                held.free -= free;
                held.locked -= locked;
                held.ended += free + locked;
                account.locked -= locked;
                *account.ended.entry(text(event, "ending")).or_default() += free + locked;
            }
        }
        self.must(amount >= 0 && held.programme == programme, "another programme's", event);
        self.adds_up(&held, &account, event);
        self.vouchers.insert(voucher, held);
        self.programmes.insert(programme, account);
    }

    fn adds_up(&mut self, held: &Voucher, account: &Programme, event: &Value) {
        let Voucher { face, free, locked, redeemed, ended, paid, .. } = held;
        let sums = *face == free + locked + redeemed + ended && paid <= redeemed;
        self.must(sums && *free >= 0 && *locked >= 0, "the voucher does not add up", event);
        let back: i128 = account.ended.values().sum();
        self.must(account.issued - back <= account.budget, "above the budget", event);
    }

    /// What a redemption takes from locks, and of its invoice.
    fn take(&mut self, event: &Value, amount: i128) {
        let mut taken = 0;
        for part in event["taken_from"].as_array().into_iter().flatten() {
            let left = self.locks.entry(text(part, "lock")).or_default();
            *left -= hundredths(&part["amount"]);
            taken += hundredths(&part["amount"]);
            let enough = *left >= 0;
            self.must(enough, "more than was locked", event);
        }
        self.must(taken == amount, "the locks give another amount", event);
        let redemption = Used { whole: amount, used: 0 };
        let new = self.redemptions.insert(text(event, "id"), redemption).is_none();
        self.must(new, "a redemption twice", event);
        let invoice = text(event, "invoice");
        let invoiced = self.invoices.get(&invoice).map_or(0, |invoice| invoice.whole);
        let claimed = self.claims.entry(invoice).or_default();
        *claimed += amount;
        let within = *claimed * 2 <= invoiced;
        self.must(within, "vouchers pay more than half of the invoice", event);
    }

    fn purchase(&mut self, kind: &str, event: &Value) {
        let id = text(event, "id");
        match kind {
            "contract_signed" => {
                let whole = hundredths(&event["quantity"]);
                let new = self.contracts.insert(id, Used { whole, used: 0 }).is_none();
                self.must(new, "a contract twice", event);
            }
            "invoice_issued" => {
                let (quantity, whole) =
                    (hundredths(&event["quantity"]), hundredths(&event["amount"]));
                let contract = self.contracts.entry(text(event, "contract")).or_default();
                contract.used += quantity;
                let within = contract.used <= contract.whole;
                self.must(within, "more invoiced than the contract has", event);
                self.must(whole <= quantity * 1000, "above the price", event);
                let new = self.invoices.insert(id, Used { whole, used: 0 }).is_none();
                self.must(new, "an invoice twice", event);
            }
            "payment_recorded" => {
                let invoice = self.invoices.entry(text(event, "invoice")).or_default();
                invoice.used += hundredths(&event["amount"]);
                let within = invoice.used <= invoice.whole;
                self.must(within, "more paid than was invoiced", event);
            }
            _ => {}
        }
    }

    fn fund(&mut self, kind: &str, event: &Value) {
        let at = text(event, "at");
        let Some(amount) = event.get("amount").map(hundredths) else { return };
        self.must(amount > 0, "no amount", event);
        if kind == "commitment_made" || kind == "contribution_received" {
            let paid_in = kind == "contribution_received";
            let partner = self.partners.entry(text(event, "lp")).or_default();
            partner.push((at.clone(), paid_in, if paid_in { -amount } else { amount }));
            partner.sort();
            let within = never_below_zero(partner.iter().map(|(.., change)| *change));
            self.must(within, "more paid in than was committed", event);
        }
        let (from, to) = ends(kind, event);
        let change = if from == "fund" { -amount } else { amount };
        if from == "fund" || to == "fund" {
            self.cash.push((at, self.cash.len(), change));
            self.cash.sort();
            let enough = never_below_zero(self.cash.iter().map(|(.., change)| *change));
            self.must(enough, "the fund is short", event);
        }
    }

    fn allocation(&mut self, kind: &str, event: &Value) {
        let number = |field: &str| i128::from(event[field].as_u64().unwrap_or_default());
        let period = |field: &str| (text(&event[field], "from"), text(&event[field], "to"));
        match kind {
            "pool_registered" | "pool_changed" => {
                let name = text(event, if kind == "pool_changed" { "pool" } else { "id" });
                self.pools.entry(name).or_default().lit.insert(text(event, "at"), number("lit"));
                self.must(number("lit") <= number("cards"), "more lit than installed", event);
            }
            "cards_allocated" => {
                let ((from, to), cards) = (period("period"), number("cards"));
                let pool = self.pools.entry(text(event, "pool")).or_default();
                pool.given.push((from.clone(), to.clone(), cards));
                let fits = pool.has_lit_what_it_gave(&from, &to);
                self.must(fits, "more allocated than lit", event);
                let new = self.allocations.insert(text(event, "id"), (cards, Vec::new())).is_none();
                self.must(new, "an allocation twice", event);
            }
            "usage_metered" => {
                let (from, to) = period("window");
                let entry = self.allocations.entry(text(event, "allocation")).or_default();
                entry.1.push((hours(&from), hours(&to), hundredths(&event["card_hours"])));
                let fits = can_be(entry.0, &entry.1);
                self.must(fits, "more metered than allocated", event);
            }
            _ => {}
        }
    }

    fn flow(&mut self, kind: &str, event: &Value, fact: &str) {
        let name = match kind {
            "contribution_received" => "contribution",
            "investment_funded" => "investment",
            "distribution_paid" => "distribution",
            "transfer_recorded" => "transfer",
            "payment_recorded" => "compute_payment",
            "redemption_settled" => "voucher_payment",
            "contract_terminated" if event.get("refund").is_some() => "refund",
            _ => return,
        };
        let (from, to) = ends(kind, event);
        let refund = name == "refund";
        let amount = hundredths(&event[if refund { "refund" } else { "amount" }]);
        let id = text(event, if refund { "contract" } else { "id" });
        self.flows.push(json!({
            "id": id, "from": from, "to": to, "kind": name, "amount": written(amount),
            "currency": "CNY", "at": event["at"], "event": fact,
        }));
    }

    /// Every row of the program's answers against these books.
    pub fn compare(&self, vouchers: &Value, flows: &Value, last: u64) -> Vec<String> {
        let mut findings = Vec::new();
        let mut expect = |what: &str, found: &Value, expected: &Value| {
            if found != expected {
                findings.push(format!("{what}: the program says {found}, the journal {expected}"));
            }
        };
        for answer in [vouchers, flows] {
            expect("the position", &answer["position"], &json!(last));
        }
        let mut moved = self.flows.clone();
        moved.sort_by_key(|flow| text(flow, "at"));
        rows("flow", &flows["flows"], &moved, &mut expect);
        let programmes: Vec<Value> = self.programmes.iter().map(programme_row).collect();
        rows("programme", &vouchers["programmes"], &programmes, &mut expect);
        let mut held: Vec<Value> = self.vouchers.iter().map(voucher_row).collect();
        held.sort_by_key(|row| (text(row, "programme"), text(row, "voucher")));
        rows("voucher", &vouchers["vouchers"], &held, &mut expect);
        findings
    }

    pub fn summary(&self) -> String {
        let redeemed = self.vouchers.values().filter(|voucher| voucher.redeemed > 0).count();
        let (vouchers, paid) = (self.vouchers.len(), self.flows.len());
        let given = self.allocations.len();
        format!(
            "{vouchers} vouchers, {redeemed} of them redeemed, {paid} flows, {given} allocations"
        )
    }
}

fn rows(
    what: &str,
    found: &Value,
    expected: &[Value],
    expect: &mut impl FnMut(&str, &Value, &Value),
) {
    let found = found.as_array().expect("rows");
    expect(&format!("how many {what} rows"), &json!(found.len()), &json!(expected.len()));
    for (found, expected) in found.iter().zip(expected) {
        let fields = expected.as_object().expect("a row has fields");
        let same: Value =
            fields.keys().map(|field| (field.clone(), found[field].clone())).collect();
        expect(what, &same, expected);
    }
}

fn programme_row((id, account): (&String, &Programme)) -> Value {
    let ended = |ending: &str| account.ended.get(ending).copied().unwrap_or(0);
    let back: i128 = account.ended.values().sum();
    json!({
        "programme": id, "budget": written(account.budget), "issued": written(account.issued),
        "locked": written(account.locked), "redeemed": written(account.redeemed),
        "paid": written(account.paid), "expired": written(ended("expired")),
        "revoked": written(ended("revoked")), "surrendered": written(ended("surrendered")),
        "remaining": written(account.budget - account.issued + back),
    })
}

fn voucher_row((id, held): (&String, &Voucher)) -> Value {
    json!({
        "voucher": id, "programme": held.programme, "face": written(held.face),
        "locked": written(held.locked), "redeemed": written(held.redeemed),
        "paid": written(held.paid), "free": written(held.free),
    })
}

/// Who paid whom.
fn ends(kind: &str, event: &Value) -> (String, String) {
    let (from, to) = match kind {
        "contribution_received" => ("lp", "fund"),
        "investment_funded" => ("investor", "company"),
        "distribution_paid" => ("fund", "lp"),
        "payment_recorded" => ("buyer", "seller"),
        "redemption_settled" => ("issuer", "provider"),
        "contract_terminated" => ("seller", "buyer"),
        "commitment_made" => ("", ""),
        _ => ("from", "to"),
    };
    (text(event, from), text(event, to))
}

fn never_below_zero(changes: impl Iterator<Item = i128>) -> bool {
    let mut sum = 0;
    let mut changes = changes;
    changes.all(|change| {
        sum += change;
        sum >= 0
    })
}

impl Pool {
    /// At every instant of a period at which anything changes.
    fn has_lit_what_it_gave(&self, from: &String, to: &String) -> bool {
        let starts = self.given.iter().map(|(start, ..)| start);
        let mut instants = self.lit.keys().chain(starts).filter(|at| *at >= from && *at < to);
        instants.all(|at| {
            let lit = self.lit.range(..=at.clone()).next_back().map_or(0, |(_, lit)| *lit);
            let given = self.given.iter().filter(|(start, end, _)| start <= at && at < end);
            given.map(|(.., cards)| *cards).sum::<i128>() <= lit
        })
    }
}

/// Whether so many cards can have been busy so long in these windows (hours, hundredths of card-hours).
fn can_be(cards: i128, windows: &[(i128, i128, i128)]) -> bool {
    windows.iter().all(|(start, ..)| {
        windows.iter().filter(|(_, end, _)| end > start).all(|(_, end, _)| {
            let inside = windows.iter().filter(|(from, to, _)| from >= start && to <= end);
            inside.map(|(.., used)| *used).sum::<i128>() <= cards * (end - start) * 100
        })
    })
}
