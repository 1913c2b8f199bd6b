//! The cost and usage table against the columns and rules of FOCUS 1.2.
//!
//! Source: FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec, `specification/columns/*.md` of version 1.2.

use std::collections::BTreeMap;

use crate::program::Ledger;

type Row = BTreeMap<String, String>;

/// "Feature level: Mandatory", and whether "Allows nulls" says so.
const MANDATORY: [(&str, bool); 22] = [
    ("BilledCost", false),
    ("BillingAccountId", false),
    ("BillingAccountName", true),
    ("BillingCurrency", false),
    ("BillingPeriodEnd", false),
    ("BillingPeriodStart", false),
    ("ChargeCategory", false),
    ("ChargeClass", true),
    ("ChargeDescription", true),
    ("ChargePeriodEnd", false),
    ("ChargePeriodStart", false),
    ("ContractedCost", false),
    ("EffectiveCost", false),
    ("InvoiceIssuerName", false),
    ("ListCost", false),
    ("PricingQuantity", true),
    ("PricingUnit", true),
    ("ProviderName", false),
    ("PublisherName", false),
    ("ServiceCategory", false),
    ("ServiceName", false),
    ("Tags", true),
];

/// The conditional and recommended ones that are told.
const OTHERS: [&str; 7] = [
    "ChargeFrequency",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedUnitPrice",
    "InvoiceId",
    "ListUnitPrice",
    "PricingCategory",
];

const ALLOWED: [(&str, &[&str]); 5] = [
    ("ChargeCategory", &["Usage", "Purchase", "Tax", "Credit", "Adjustment"]),
    ("ChargeClass", &["", "Correction"]),
    ("ChargeFrequency", &["One-Time", "Recurring", "Usage-Based"]),
    ("PricingCategory", &["", "Standard", "Dynamic", "Committed", "Other"]),
    ("ServiceCategory", &["Compute"]),
];

const DECIMALS: [&str; 8] = [
    "BilledCost",
    "ConsumedQuantity",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "ListCost",
    "ListUnitPrice",
    "PricingQuantity",
];

pub fn charges_are_told_as_the_specification_asks(ledger: &Ledger) {
    let told = ledger.run(&["export", "focus"]).succeeded();
    let mut reader = csv::Reader::from_reader(told.stdout.as_bytes());
    let header: Vec<String> =
        reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let known: Vec<&str> = MANDATORY.iter().map(|(name, _)| *name).chain(OTHERS).collect();
    for name in &known {
        assert!(header.iter().any(|column| column == name), "{name}");
    }
    assert!(header.iter().all(|name| name.starts_with("x_") || known.contains(&name.as_str())));
    let rows: Vec<Row> = reader.deserialize().map(|row| row.expect("a row")).collect();
    // Five invoices, three redemptions, one refund.
    assert_eq!(rows.len(), 9, "{}", told.stdout);
    rows.iter().for_each(check_row);

    let billed = |invoice: &str| -> i128 {
        let of_it = rows.iter().filter(|row| row["InvoiceId"] == invoice);
        of_it.map(|row| scaled(&row["BilledCost"])).sum()
    };
    // What the buyer paid itself: pm-1, pm-2 (and what rd-2 left open), pm-3.
    assert_eq!(billed("in-1"), scaled("2516220"));
    assert_eq!(billed("in-2"), scaled("3594600") - scaled("921620"));
    assert_eq!(billed("in-3"), scaled("997500"));
    let metered = rows.iter().find(|row| row["InvoiceId"] == "in-3").expect("its row");
    assert_eq!(metered["x_MeteredCardHours"], "150000");
    assert_eq!(
        (&*metered["ServiceName"], &*metered["PricingUnit"]),
        ("AI compute on 910B", "GPU-Hours")
    );
    let refund = rows.iter().find(|row| row["ChargeCategory"] == "Adjustment").expect("its row");
    assert_eq!(scaled(&refund["BilledCost"]), -scaled("100000"));
    assert_eq!(refund["ChargePeriodStart"], "2025-06-01T00:00:00Z");
    assert_eq!(refund["BillingPeriodEnd"], "2025-07-01T00:00:00Z");
    let earlier = ledger.run(&["export", "focus", "--as-of", "2025-03-10"]).succeeded();
    assert_eq!(earlier.stdout.lines().count(), 2, "{}", earlier.stdout);
}

fn check_row(row: &Row) {
    for (name, may_be_null) in MANDATORY {
        assert!(may_be_null || !row[name].is_empty(), "{name} is null: {row:?}");
    }
    for (name, allowed) in ALLOWED {
        assert!(allowed.contains(&row[name].as_str()), "{name}: {row:?}");
    }
    for name in DECIMALS.iter().filter(|name| !row[**name].is_empty()) {
        scaled(&row[*name]);
    }
    for name in ["BillingPeriod", "ChargePeriod"] {
        let [start, end] = ["Start", "End"].map(|side| &row[&format!("{name}{side}")]);
        let form = |text: &str| text.len() == 20 && text.ends_with('Z') && &text[10..11] == "T";
        assert!(form(start) && form(end) && start < end, "{row:?}");
    }
    let correction = row["ChargeClass"] == "Correction";
    let usage = row["ChargeCategory"] == "Usage";
    if usage && !correction {
        let needed = ["PricingQuantity", "PricingUnit", "PricingCategory", "ConsumedQuantity"];
        assert!(needed.iter().all(|name| !row[*name].is_empty()), "{row:?}");
    }
    for (price, cost) in [("ContractedUnitPrice", "ContractedCost"), ("ListUnitPrice", "ListCost")]
    {
        if row[price].is_empty() {
            assert_eq!(row[cost], row["BilledCost"], "{row:?}");
        } else {
            let product = scaled(&row[price]) * scaled(&row["PricingQuantity"]);
            assert_eq!(product, scaled(&row[cost]) * SCALE, "{row:?}");
        }
    }
    assert_eq!(row["ChargeCategory"] == "Credit", !row["x_VoucherId"].is_empty(), "{row:?}");
    let tags: Option<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(&row["Tags"]).expect("JSON");
    assert!(tags.is_some_and(|tags| tags.contains_key("contract")), "{row:?}");
}

const SCALE: i128 = 1_000_000_000;

/// A decimal in billionths.
#[track_caller]
fn scaled(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= 9 && !whole.is_empty(), "{text}");
    let digits = format!("{whole}{fraction:0<9}");
    digits.parse().unwrap_or_else(|error| panic!("{text} is no decimal: {error}"))
}
