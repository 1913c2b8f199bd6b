//! Findings about loops: voucher money inside one, and how much of the capital came back.

use std::collections::BTreeMap;

use loopledger_loops::BigRational;
use loopledger_model::{Currency, PartyId};
use num_traits::Zero;
use rust_decimal::Decimal;
use tokio_postgres::Transaction;

use super::Finding;
use super::rules::{Rule, RuleSet};
use crate::as_of::As;
use crate::error::Error;
use crate::figures;
use crate::flow_kind::FlowKind;
use crate::loops::{LoopFound, LoopQuery, Source};
use crate::rows::Flow;
use crate::table::select;

#[derive(Default)]
pub(super) struct Loops {
    pub(super) source: Option<Source>,
    /// All that was paid for vouchers.
    pub(super) voucher_payments: Vec<Flow>,
}

impl Loops {
    pub(super) async fn load(transaction: &Transaction<'_>, seen: As) -> Result<Self, Error> {
        let paid = format!("{} AND kind = '{}'", As::CONDITION, FlowKind::VoucherPayment);
        Ok(Self {
            source: Some(Source::load(transaction, &LoopQuery::default(), seen).await?),
            voucher_payments: select(transaction, &paid, &[&seen.of, &seen.known]).await?,
        })
    }

    pub(super) fn findings(self, rules: &RuleSet) -> Result<Vec<Finding>, Error> {
        let Some(source) = self.source else { return Ok(Vec::new()) };
        let (loops, _) = source.find(&LoopQuery::default())?;
        let ratios = loops.iter().filter_map(|found| ratio(found, rules));
        let mut to_root: BTreeMap<(&str, Currency), Vec<&Flow>> = BTreeMap::new();
        for paid in &self.voucher_payments {
            to_root.entry((paid.to_party.as_str(), paid.currency)).or_default().push(paid);
        }
        let vouchers = loops.iter().filter_map(|found| {
            let paid = to_root.get(&(found.parties.first()?.as_str(), found.currency))?;
            voucher(found, paid, rules)
        });
        Ok(ratios.chain(vouchers).collect())
    }
}

/// `a > b > a`.
fn round(found: &LoopFound) -> String {
    let around = found.parties.iter().chain(found.parties.first());
    around.map(String::as_str).collect::<Vec<_>>().join(" > ")
}

fn magnitude(amount: &str) -> BigRational {
    amount.parse().map_or_else(|_| BigRational::zero(), figures::exact)
}

fn ratio(found: &LoopFound, rules: &RuleSet) -> Option<Finding> {
    let returned = magnitude(&found.returned_pro_rata);
    let capital = magnitude(&found.capital_out);
    let limit = figures::exact(rules.loop_ratio);
    if returned <= &limit * &capital {
        return None;
    }
    let share = figures::ratio(&returned, &capital)?;
    let (subject, currency) = (round(found), found.currency);
    let text = format!(
        "of {} {currency} of capital, {} {currency} came back pro rata through {subject}; the \
         share {share} is above {}",
        found.capital_out, found.returned_pro_rata, rules.loop_ratio
    );
    let facts = found.legs.iter().map(|leg| leg.event);
    let finding = Finding::of(Rule::LoopRatioAboveThreshold, subject, found.last_return_at, facts)
        .between(&found.parties)
        .worth(found.returned_pro_rata.clone(), currency)
        .figure("numerator", &found.returned_pro_rata)
        .figure("denominator", &found.capital_out)
        .figure("ratio", share)
        .figure("threshold", rules.loop_ratio)
        .saying(text);
    Some(finding)
}

/// `to_root` is what was paid for vouchers to the loop's first party.
fn voucher(found: &LoopFound, to_root: &[&Flow], rules: &RuleSet) -> Option<Finding> {
    let inside = magnitude(&found.voucher_amount);
    if inside <= figures::exact(rules.voucher_amount) {
        return None;
    }
    let (root, last) = (found.parties.first()?, found.parties.last()?);
    let of_last = |paid: &&&Flow| paid.buyer.as_ref().map(PartyId::as_str) == Some(last.as_str());
    let paid: Vec<_> = to_root.iter().filter(of_last).collect();
    let first_paid = paid.iter().map(|paid| paid.stamp.at).min()?;
    let all: Decimal = to_root.iter().map(|paid| paid.amount).sum();
    let all_text = money(all, found.currency);
    let (subject, currency, amount) = (round(found), found.currency, &found.voucher_amount);
    let text = format!(
        "{amount} {currency} of voucher money was paid to {root} for invoices of {last}, inside \
         the loop {subject}; {all_text} {currency} of voucher money was paid to {root} in all"
    );
    let legs = found.legs.iter().map(|leg| leg.event);
    let facts = legs.chain(paid.iter().map(|paid| paid.stamp.fact()));
    let at = found.closed_at.max(first_paid);
    let finding = Finding::of(Rule::VoucherInsideLoop, subject, at, facts)
        .between(&found.parties)
        .worth(amount.clone(), currency)
        .figure("numerator", amount)
        .figure("denominator", all_text)
        .figure("threshold", rules.voucher_amount)
        .saying(text);
    Some(match figures::ratio(&inside, &figures::exact(all)) {
        Some(share) => finding.figure("ratio", share),
        None => finding,
    })
}

fn money(amount: Decimal, currency: Currency) -> String {
    figures::amount(amount, currency)
}
