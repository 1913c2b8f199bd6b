//! Contracts as people read them.

use loopledger_exports::figures::{day, grouped, or_unknown, percent};
use loopledger_views::{
    ContractState, ContractTotals, Contracts, PriceReference, PriceTest, PriceTests,
};

use super::{table, with_position};

/// The contracts, and under them what they come to by currency.
pub fn contracts(answer: &Contracts) -> String {
    let headings = [
        "signed",
        "contract",
        "buyer",
        "seller",
        ">units",
        "unit",
        ">price",
        ">value",
        ">metered h",
        ">accepted",
        ">invoiced",
        ">credited",
        ">paid",
        ">held",
        ">vouchers",
        "",
        ">margin",
        "ended",
    ];
    let rows = answer.contracts.iter().map(row);
    let listed = table(&headings, rows);
    let totals: Vec<String> = answer.totals.iter().map(total).collect();
    let count = answer.contracts.len();
    let listed = with_position(&listed, ["contract", "contracts"], count, answer.position);
    let unsigned = answer.unsigned.iter().map(|made| {
        let (amount, currency) = (grouped(&made.amount), made.currency);
        format!(
            "announced and not signed: {} by {} and {}, {amount} {currency} ({}, {})",
            made.contract,
            made.buyer,
            made.seller,
            day(made.at),
            made.source
        )
    });
    std::iter::once(listed).chain(totals).chain(unsigned).collect::<Vec<_>>().join("\n")
}

fn row(contract: &ContractState) -> Vec<String> {
    let margin =
        contract.resale.as_ref().map(|resale| or_unknown(resale.margin.as_deref(), percent));
    let ended = contract.end.as_ref().map(|end| {
        let refunded = end.refunded.as_deref().map(|refund| format!(", {} back", grouped(refund)));
        let reason = end.reason.to_string().replace('_', " ");
        let by = end.by.map(|side| format!(" by the {side}")).unwrap_or_default();
        let penalty = end.penalty.as_deref().map(|owed| format!(", penalty {}", grouped(owed)));
        let (refunded, penalty) = (refunded.unwrap_or_default(), penalty.unwrap_or_default());
        format!("{} {reason}{by}{refunded}{penalty}", day(end.at))
    });
    vec![
        day(contract.signed_at),
        contract.contract.to_string(),
        contract.buyer.to_string(),
        contract.seller.to_string(),
        contract.quantity.as_deref().map(grouped).unwrap_or_default(),
        contract.unit.to_string().replace('_', "-"),
        grouped(&contract.price_per_unit),
        grouped(&contract.value),
        grouped(&contract.metered_card_hours),
        grouped(&contract.delivered_quantity),
        grouped(&contract.invoiced),
        grouped(&contract.credited),
        grouped(&contract.paid),
        held(contract),
        grouped(&contract.vouchers),
        contract.currency.to_string(),
        margin.unwrap_or_default(),
        ended.unwrap_or_default(),
    ]
}

/// Of advances, where there were any.
fn held(contract: &ContractState) -> String {
    let has_none = |sum: &str| sum.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if has_none(&contract.prepaid) && has_none(&contract.deposited) {
        return String::new();
    }
    format!("{} + {}", grouped(&contract.prepaid_held), grouped(&contract.deposit_held))
}

fn total(total: &ContractTotals) -> String {
    let ended = total.ended.iter().map(|(reason, ended)| {
        let (reason, value) = (reason.replace('_', " "), grouped(&ended.value));
        let share = or_unknown(ended.share.as_deref(), percent);
        format!("; {} {reason}: {value} ({share})", ended.contracts)
    });
    format!(
        "{} {} in {} {}, {} announced, {} invoiced, {} credited, {} paid, {} held, {} of vouchers, {} refunded{}",
        grouped(&total.value),
        total.currency,
        total.contracts,
        if total.contracts == 1 { "contract" } else { "contracts" },
        grouped(&total.announced),
        grouped(&total.invoiced),
        grouped(&total.credited),
        grouped(&total.paid),
        grouped(&total.held),
        grouped(&total.vouchers),
        grouped(&total.refunded),
        ended.collect::<String>(),
    )
}

/// Contracts against reference prices: where those span something, so does the discount.
pub fn prices(answer: &PriceTests) -> String {
    let headings = [
        "signed",
        "contract",
        "buyer",
        "seller",
        "model",
        ">price",
        "",
        "a unit",
        ">references",
        ">discount",
        "sources",
    ];
    let rows = answer.contracts.iter().map(price_row);
    let (count, position) = (answer.contracts.len(), answer.position);
    with_position(&table(&headings, rows), ["contract", "contracts"], count, position)
}

fn price_row(test: &PriceTest) -> Vec<String> {
    let span =
        |low: &Option<String>, high: &Option<String>, told: fn(&str) -> String| match (low, high) {
            (Some(low), Some(high)) if low == high => told(low),
            (Some(low), Some(high)) => format!("{} to {}", told(low), told(high)),
            _ => "unknown".to_owned(),
        };
    let source = |reference: &PriceReference| {
        format!("{} {} ({})", reference.model, day(reference.at), reference.source)
    };
    let sources: Vec<String> = test.references.iter().map(source).collect();
    vec![
        day(test.signed_at),
        test.contract.to_string(),
        test.buyer.to_string(),
        test.seller.to_string(),
        test.model.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string),
        grouped(&test.price),
        test.currency.to_string(),
        test.unit.to_string().replace('_', "-"),
        span(&test.reference_low, &test.reference_high, grouped),
        span(&test.discount_low, &test.discount_high, percent),
        test.reason.clone().unwrap_or_else(|| sources.join(", ")),
    ]
}
