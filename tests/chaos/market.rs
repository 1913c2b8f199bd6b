//! A small market and what its parties ask for: valid, invalid, repeated, and contradicting itself.
//!
//! Invariant: a seed alone determines every request; no answer changes what is asked next.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::random::Random;

/// Commands for one context, sent together.
#[derive(Debug, Clone)]
pub struct Request {
    pub context: &'static str,
    /// Command ids and commands.
    pub commands: Vec<(String, Value)>,
    pub stop_at_refusal: bool,
    /// The connection is cut after it was sent and before it is answered.
    pub cut: bool,
}

const COMPANIES: u64 = 3;
const CONTRACTS: u64 = 6;
/// Things of a kind that one client asks for: few, so that commands meet.
const MOST: u64 = 9;
const MOVERS: [&str; 6] = ["provider-0", "provider-1", "fund", "company-0", "company-1", "lp-0"];
/// What is asked for how often.
const KINDS: [(&str, &str, u64); 17] = [
    ("voucher", "issue_voucher", 18),
    ("voucher", "lock_voucher", 28),
    ("voucher", "redeem_voucher", 18),
    ("voucher", "settle_redemption", 12),
    ("voucher", "release_lock", 4),
    ("voucher", "end_voucher", 2),
    ("purchase", "issue_invoice", 14),
    ("purchase", "record_payment", 12),
    ("purchase", "sign_contract", 2),
    ("purchase", "terminate_contract", 1),
    ("fund", "contribute", 8),
    ("fund", "invest", 8),
    ("fund", "distribute", 3),
    ("fund", "record_transfer", 4),
    ("allocation", "allocate", 10),
    ("allocation", "meter_usage", 10),
    ("allocation", "change_pool", 3),
];

/// Midnight UTC of a day of 2025, the first being 0.
fn day(number: u64) -> String {
    let (mut month, mut left) = (1, number);
    for days in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if left < days {
            break;
        }
        left -= days;
        month += 1;
    }
    format!("2025-{month:02}-{:02}T00:00:00Z", left + 1)
}

fn period(from: u64, to: u64) -> Value {
    json!({ "from": day(from), "to": day(to) })
}

fn money(cents: u64) -> Value {
    json!({ "amount": format!("{}.{:02}", cents / 100, cents % 100), "currency": "CNY" })
}

fn contract(id: &str, buyer: u64, seller: u64) -> Value {
    json!({ "sign_contract": {
        "id": id, "buyer": format!("company-{buyer}"), "seller": format!("provider-{seller}"),
        "currency": "CNY", "price_per_unit": "1000", "unit": "card_hour", "quantity": "300",
        "at": day(0), "term": period(0, 364),
    } })
}

/// What has to be there before anything random can be accepted, in order.
pub fn setting() -> Vec<Request> {
    let party = |id: &str, kind: &str| json!({ "register_party": { "id": id, "at": day(0), "name": id, "kind": kind } });
    let mut parties = vec![party("gov", "government"), party("fund", "fund")];
    for (name, kind, all) in
        [("provider", "provider", 2), ("company", "company", COMPANIES), ("lp", "other", 2)]
    {
        parties.extend((0..all).map(|number| party(&format!("{name}-{number}"), kind)));
    }
    let programme = |id: &str, budget: u64, rules: Value| {
        json!({ "define_programme": {
            "id": id, "issuer": "gov", "name": id, "currency": "CNY", "budget": money(budget),
            "at": day(0), "closes": day(300), "rules": rules,
        } })
    };
    let rounding = json!({ "digits": 2, "mode": "truncate" });
    let free = json!({ "ratio": "0.5", "affiliation": "allow", "metering_required": false, "rounding": rounding });
    let capped = json!({
        "ratio": "0.5", "affiliation": "allow", "metering_required": false, "rounding": rounding,
        "cap_voucher": money(600_000), "cap_holder_year": money(6_000_000), "validity_days": 200,
    });
    let mut programmes =
        vec![programme("open", 30_000_000, free), programme("capped", 12_000_000, capped)];
    for (programme, provider) in [("open", 0), ("open", 1), ("capped", 0), ("capped", 1)] {
        let provider = format!("provider-{provider}");
        programmes.push(json!({ "admit_provider": { "programme": programme, "provider": provider, "at": day(0) } }));
    }
    let mut capital = vec![
        json!({ "form_fund": { "id": "fund", "manager": "provider-0", "currency": "CNY", "at": day(0) } }),
    ];
    capital.extend((0..2).map(|number| {
        json!({ "commit": {
            "id": format!("cm-{number}"), "fund": "fund", "lp": format!("lp-{number}"),
            "amount": money(20_000_000), "at": day(1), "priority_supplier": number == 0,
        } })
    }));
    let contracts = (0..CONTRACTS)
        .map(|number| contract(&format!("ct-{number}"), number % COMPANIES, number / COMPANIES));
    let pools = (0..2).map(|number| {
        json!({ "register_pool": {
            "id": format!("pool-{number}"), "operator": format!("provider-{number}"),
            "site": "east", "model": "H200", "cards": 100, "lit": 60, "at": day(0),
        } })
    });
    let together = |context: &'static str, commands: Vec<Value>| Request {
        context,
        commands: (0..)
            .zip(commands)
            .map(|(number, command)| (format!("setting:{context}:{number}"), command))
            .collect(),
        stop_at_refusal: true,
        cut: false,
    };
    vec![
        together("registry", parties),
        together("voucher", programmes),
        together("fund", capital),
        together("purchase", contracts.collect()),
        together("allocation", pools.collect()),
    ]
}

/// One client's stream of requests.
pub struct Client {
    number: u64,
    random: Random,
    /// How many things of each kind it has asked for.
    made: BTreeMap<&'static str, u64>,
    commands: u64,
    earlier: Vec<(&'static str, String, Value)>,
}

impl Client {
    pub const fn new(number: u64, random: Random) -> Self {
        Self { number, random, made: BTreeMap::new(), commands: 0, earlier: Vec::new() }
    }

    pub fn plan(mut self, requests: usize) -> Vec<Request> {
        (0..requests).map(|_| self.request()).collect()
    }

    fn request(&mut self) -> Request {
        let (context, kind) = self.kind();
        let more = if self.random.percent(40) { self.random.between(1, 12) } else { 0 };
        let mut commands = vec![self.command(context, kind)];
        for _ in 0..more {
            let kind = loop {
                let (of, kind) = self.kind();
                if of == context {
                    break kind;
                }
            };
            let command = self.command(context, kind);
            commands.push(command);
        }
        let stop_at_refusal = self.random.percent(10);
        Request { context, commands, stop_at_refusal, cut: self.random.percent(5) }
    }

    fn kind(&mut self) -> (&'static str, &'static str) {
        let all = KINDS.iter().map(|(_, _, weight)| weight).sum();
        let mut drawn = self.random.between(0, all);
        for (context, kind, weight) in KINDS {
            if drawn < weight {
                return (context, kind);
            }
            drawn -= weight;
        }
        unreachable!("a number below the sum of the weights is within one of them")
    }

    /// A new command, or one that was sent before: as it was, under another id, or changed under its id.
    fn command(&mut self, context: &'static str, kind: &'static str) -> (String, Value) {
        self.commands += 1;
        let id = format!("c{}:{}", self.number, self.commands);
        let earlier: Vec<_> = self.earlier.iter().filter(|(of, ..)| *of == context).collect();
        let again = if earlier.is_empty() { 100 } else { self.random.between(0, 100) };
        if again < 16 {
            let (_, old_id, old) = (*self.random.pick(&earlier)).clone();
            return match again {
                0..8 => (old_id, old),
                8..12 => (id, old),
                _ => (old_id, altered(&old)),
            };
        }
        let command = json!({ kind: self.content(kind) });
        self.earlier.push((context, id.clone(), command.clone()));
        (id, command)
    }

    /// A thing that some client may have made by now; most often a thing of this one.
    fn some(&mut self, what: &'static str) -> (u64, u64) {
        let client = if self.random.percent(85) { self.number } else { self.random.between(0, 4) };
        let made = self.made.get(what).copied().unwrap_or(0);
        (client, self.random.between(0, made.clamp(1, MOST)))
    }

    fn some_like(&mut self, what: &'static str, number: u64) -> (u64, u64) {
        let (client, other) = self.some(what);
        (client, other / COMPANIES * COMPANIES + number % COMPANIES)
    }

    /// The next thing of a kind; in the end the first ones come again, with other content.
    fn next(&mut self, what: &'static str) -> (u64, u64) {
        let made = self.made.entry(what).or_default();
        *made += 1;
        (self.number, (*made - 1) % MOST)
    }

    fn cents(&mut self, most: u64) -> Value {
        let cents = if self.random.percent(3) { 0 } else { self.random.between(1, most) };
        money(cents)
    }

    fn at(&mut self, from: u64, to: u64) -> String {
        day(self.random.between(from, to))
    }

    fn content(&mut self, kind: &str) -> Value {
        let name = |what: &str, (client, number): (u64, u64)| format!("{what}-{client}-{number}");
        match kind {
            "issue_voucher" => {
                let own = self.next("v");
                let programme = if own.1.is_multiple_of(2) { "open" } else { "capped" };
                let holder = format!("company-{}", own.1 % COMPANIES);
                let (amount, at) = (self.cents(700_000), self.at(10, 60));
                json!({ "id": name("v", own), "programme": programme, "holder": holder, "amount": amount, "at": at })
            }
            "lock_voucher" => {
                let own = self.next("l");
                let voucher = self.some("v");
                let other = self.random.between(0, CONTRACTS);
                let half = COMPANIES * self.random.between(0, 2);
                let number =
                    if self.random.percent(90) { voucher.1 % COMPANIES + half } else { other };
                let (amount, at) = (self.cents(300_000), self.at(60, 120));
                json!({ "id": name("l", own), "voucher": name("v", voucher),
                    "contract": format!("ct-{number}"), "amount": amount, "at": at })
            }
            "redeem_voucher" => {
                let own = self.next("r");
                let invoice = self.some("i");
                let voucher = self.some_like("v", invoice.1);
                let (amount, at) = (self.cents(150_000), self.at(150, 200));
                json!({ "id": name("r", own), "voucher": name("v", voucher),
                    "invoice": name("i", invoice), "amount": amount, "at": at })
            }
            "settle_redemption" => {
                let (made, redeemed) = (self.commands, self.some("r"));
                let (amount, at) = (self.cents(100_000), self.at(200, 250));
                json!({ "id": name("s", (self.number, made)), "redemption": name("r", redeemed), "amount": amount, "at": at })
            }
            "release_lock" => json!({ "lock": name("l", self.some("l")), "at": self.at(100, 200) }),
            "end_voucher" => {
                let ending = *self.random.pick(&["expired", "revoked", "surrendered"]);
                json!({ "voucher": name("v", self.some("v")), "ending": ending, "at": self.at(210, 280) })
            }
            _ => self.elsewhere(kind),
        }
    }

    /// The same for the contexts that have no vouchers.
    fn elsewhere(&mut self, kind: &str) -> Value {
        let name = |what: &str, (client, number): (u64, u64)| format!("{what}-{client}-{number}");
        let once = (self.number, self.commands);
        match kind {
            "issue_invoice" => {
                let own = self.next("i");
                let (quantity, at) = (self.random.between(1, 20), self.at(100, 150));
                let amount = self.cents(quantity * 105_000);
                let from = self.random.between(0, 90);
                json!({ "id": name("i", own), "contract": format!("ct-{}", own.1 % CONTRACTS), "service": period(from, from + 10),
                    "quantity": quantity.to_string(), "amount": amount, "at": at })
            }
            "record_payment" => {
                let (invoice, amount, at) =
                    (self.some("i"), self.cents(400_000), self.at(150, 250));
                json!({ "id": name("p", once), "invoice": name("i", invoice), "amount": amount, "at": at })
            }
            "sign_contract" => {
                let id = name("ct", once);
                contract(&id, once.1 % (COMPANIES + 1), once.1 % 2)["sign_contract"].clone()
            }
            "terminate_contract" => {
                let contract = format!("ct-{}", self.random.between(0, CONTRACTS + 3));
                json!({ "contract": contract, "at": self.at(300, 364), "reason": "ended_early",
                    "refund": self.cents(200_000) })
            }
            "contribute" | "distribute" => {
                let lp = format!("lp-{}", self.random.between(0, 3));
                json!({ "id": name("f", once), "fund": "fund", "lp": lp, "amount": self.cents(2_500_000),
                    "at": self.at(1, 200) })
            }
            "invest" => {
                let (investor, company) =
                    (*self.random.pick(&MOVERS), self.random.between(0, COMPANIES));
                json!({ "id": name("n", once), "investor": investor, "company": format!("company-{company}"),
                    "amount": self.cents(1_500_000), "at": self.at(1, 250) })
            }
            "record_transfer" => {
                let (from, to) = (*self.random.pick(&MOVERS), *self.random.pick(&MOVERS));
                json!({ "id": name("t", once), "from": from, "to": to, "amount": self.cents(1_500_000),
                    "at": self.at(1, 250), "purpose": "rent" })
            }
            "allocate" => {
                let own = self.next("a");
                let (from, cards) = given(own);
                json!({ "id": name("a", own), "pool": format!("pool-{}", own.1 % 2),
                    "contract": format!("ct-{}", self.random.between(0, CONTRACTS)), "cards": cards,
                    "period": period(from, from + 20) })
            }
            "meter_usage" => {
                let allocation = self.some("a");
                let (from, cards) = given(allocation);
                let (start, days) = (from + self.random.between(0, 18), self.random.between(1, 4));
                let hours = self.random.between(0, cards * days * 12);
                json!({ "id": name("u", once), "allocation": name("a", allocation), "window": period(start, start + days),
                    "card_hours": hours.to_string(), "source": "meter" })
            }
            "change_pool" => {
                let pool = format!("pool-{}", self.random.between(0, 2));
                json!({ "pool": pool, "at": self.at(1, 300), "lit": self.random.between(30, 110) })
            }
            _ => unreachable!("{kind} is no kind of command"),
        }
    }
}

/// When an allocation begins and how many cards it has, so that a usage can fit it unseen.
const fn given((client, number): (u64, u64)) -> (u64, u64) {
    (10 + (number * 7 + client * 13) % 200, 1 + (number * 3 + client) % 30)
}

/// The same command with something else in it.
fn altered(command: &Value) -> Value {
    let mut other = command.clone();
    let content =
        other.as_object_mut().and_then(|kinds| kinds.values_mut().next()).expect("one kind");
    for (field, value) in
        [("at", json!(day(364))), ("cards", json!(31)), ("card_hours", json!("0.5"))]
    {
        if content.get(field).is_some_and(|old| *old != value) {
            content[field] = value;
            return other;
        }
    }
    unreachable!("every command has a time, cards or card-hours to alter: {command}")
}
