//! Every programme in `tests/programmes` pays what its city says it pays: a file is all that a city needs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use loopledger_model::voucher::{Funded, Item, Profile, Programme, RuleName, Step};
use loopledger_model::{CardHours, Currency, Money, Period};
use loopledger_voucher::{Bases, Counted, Figures, payable, split};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct City {
    place: String,
    source: String,
    note: String,
    programme: Value,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// What the case changes of the programme.
    #[serde(default)]
    patch: Option<Value>,
    /// Of one holder in one year, in this order.
    claims: Vec<Claim>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    contract: String,
    service: Period,
    #[serde(default)]
    profile: Profile,
    invoiced: Option<Decimal>,
    contract_amount: Option<Decimal>,
    settled: Option<Decimal>,
    used: Option<Decimal>,
    card_hours: Option<CardHours>,
    #[serde(default)]
    items: Vec<Item>,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    amount: Decimal,
    own_share: Option<String>,
    /// What the amount is after some of the rules.
    #[serde(default)]
    after: BTreeMap<RuleName, String>,
    funding: Option<Vec<Funded>>,
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/programmes");
    let entries = std::fs::read_dir(folder).expect("the folder of programmes is there");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

fn city(path: &Path) -> City {
    let text = std::fs::read_to_string(path).expect("a programme's file can be read");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (name, value) in patch {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

fn programme(city: &City, case: &Case) -> Programme {
    let mut text = city.programme.clone();
    case.patch.iter().for_each(|patch| merge(&mut text, patch));
    let read = serde_json::from_value(text);
    read.unwrap_or_else(|error| panic!("{}, {}: {error}", city.place, case.name))
}

/// What has been counted so far in a case.
struct Year {
    redeemed: Money,
    by_contract: BTreeMap<String, (Money, Decimal)>,
}

impl Year {
    fn counted(&self, contract: &str, currency: Currency) -> Counted {
        let nothing = (Money::zero(currency), Decimal::ZERO);
        let (on_contract, hours) = self.by_contract.get(contract).copied().unwrap_or(nothing);
        Counted {
            card_hours_on_contract: hours,
            on_contract: Some(on_contract),
            in_holder_year: Some(self.redeemed),
            ..Counted::default()
        }
    }

    fn enter(&mut self, claim: &Claim, amount: Money) {
        self.redeemed = self.redeemed.checked_add(amount).expect("it adds up");
        let nothing = (Money::zero(amount.currency()), Decimal::ZERO);
        let (on_contract, hours) =
            self.by_contract.entry(claim.contract.clone()).or_insert(nothing);
        *on_contract = on_contract.checked_add(amount).expect("it adds up");
        *hours += claim.card_hours.map_or(Decimal::ZERO, CardHours::value);
    }
}

fn assert_trace_adds_up(trace: &[Step], amount: Money) {
    for pair in trace.windows(2) {
        assert_eq!(pair[0].after, pair[1].before, "{trace:?}");
    }
    let last = trace.last().expect("every amount has a trace");
    let last: Decimal = last.after.parse().expect("the last amount is a decimal");
    assert_eq!(last, amount.amount(), "{trace:?}");
}

#[test]
fn every_city_pays_what_it_says() {
    for path in files() {
        let city = city(&path);
        assert!(city.source.starts_with("http") && !city.note.is_empty(), "{}", city.place);
        assert!(!city.cases.is_empty(), "{} has a case", city.place);
        for case in &city.cases {
            let Programme { currency, rules, funding, .. } = programme(&city, case);
            let mut year = Year { redeemed: Money::zero(currency), by_contract: BTreeMap::new() };
            for claim in &case.claims {
                let figures = Figures {
                    currency,
                    profile: &claim.profile,
                    bases: Bases {
                        invoiced: claim.invoiced,
                        contract: claim.contract_amount,
                        settled: claim.settled,
                        used: claim.used,
                    },
                    items: &claim.items,
                    card_hours: claim.card_hours,
                    service: claim.service,
                    counted: year.counted(&claim.contract, currency),
                    asked: None,
                    is_traced: true,
                };
                let found = payable(&rules, &figures).expect("the case has what the rules need");
                let Expected { amount, own_share, after, funding: expected } = &claim.expect;
                let name = format!("{}, {}: {:#?}", city.place, case.name, found.trace);
                assert_eq!(found.amount.amount(), *amount, "{name}");
                assert!(own_share.as_ref().is_none_or(|own| *own == found.own_share), "{name}");
                for (rule, after) in after {
                    let step = found.trace.iter().find(|step| step.rule == *rule);
                    assert_eq!(step.map(|step| &step.after), Some(after), "{rule} of {name}");
                }
                if let Some(expected) = expected {
                    assert_eq!(split(found.amount, &funding), *expected, "{name}");
                }
                assert_trace_adds_up(&found.trace, found.amount);
                year.enter(claim, found.amount);
            }
        }
    }
}

#[test]
fn the_cities_that_the_rules_were_drawn_from_are_all_here() {
    let names: Vec<_> = files().iter().map(|path| city(path).place).collect();
    for place in ["Beijing", "Hangzhou", "Henan", "Korea", "Nanning", "Shenzhen"] {
        assert!(names.iter().any(|name| name == place), "{place} is missing");
    }
}

#[test]
fn a_programme_that_says_something_unknown_is_not_read() {
    let city = city(&files()[0]);
    for patch in [r#"{"rules":{"amount":{"cap_contracts":null}}}"#, r#"{"budgett":"1"}"#] {
        let mut text = city.programme.clone();
        merge(&mut text, &serde_json::from_str(patch).expect("JSON"));
        assert!(serde_json::from_value::<Programme>(text).is_err(), "{patch}");
    }
}
