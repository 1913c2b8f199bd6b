//! What buyers are charged for compute, as a FOCUS 1.2 cost and usage table.
//!
//! Invariants: a row is one invoice, one voucher redeemed against an invoice, one credit of it, one refund or one part
//! of a voucher given back; the billed costs of an invoice's rows come to what its buyer bears. A
//! unit price times its quantity is its cost, exactly.
//! Columns and their rules are those of the specification's `specification/columns`.

use std::collections::BTreeMap;
use std::fmt::Display;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use loopledger_model::allocation::{self, UsageMetered};
use loopledger_model::purchase::{
    self, Contract, ContractTerminated, ContractUnit, CreditGranted, InvoiceIssued,
};
use loopledger_model::registry::{self, PriceUnit, ReferencePrice};
use loopledger_model::voucher::{self, ClawbackRecovered, VoucherRedeemed};
use loopledger_model::{
    CardHours, ContractId, Event, Fact, FactId, InvoiceId, Money, PartyId, Period, Text,
};
use rust_decimal::Decimal;
use serde_json::json;

use crate::lists::csv_line;

/// In the order of the file; those that start with `x_` are this ledger's own.
pub const COLUMNS: [&str; 36] = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
    "Tags",
    "x_ContractId",
    "x_DeclaredPFlops",
    "x_FactId",
    "x_MeteredCardHours",
    "x_Precision",
    "x_Sparsity",
    "x_VoucherId",
];

/// The facts that charges are made of.
#[derive(Default)]
pub struct Charges {
    names: BTreeMap<PartyId, Text>,
    contracts: BTreeMap<ContractId, Contract>,
    invoices: BTreeMap<InvoiceId, InvoiceIssued>,
    prices: Vec<ReferencePrice>,
    usage: BTreeMap<ContractId, Vec<(Period, CardHours)>>,
    charges: Vec<(FactId, Charge)>,
}
use super::seconds;

enum Charge {
    Invoice(InvoiceIssued),
    Redeemed(VoucherRedeemed),
    Refunded(ContractTerminated, Money),
    GivenBack(ClawbackRecovered),
    Credited(CreditGranted),
}

impl Charges {
    pub fn take(&mut self, fact: &Fact) -> anyhow::Result<()> {
        let charge = match &fact.event {
            Event::Registry(registry::Event::PartyRegistered(party)) => {
                self.names.insert(party.id.clone(), party.name.clone());
                return Ok(());
            }
            Event::Registry(registry::Event::PriceObserved(price)) => {
                self.prices.push(price.clone());
                return Ok(());
            }
            Event::Allocation(allocation::Event::UsageMetered(usage)) => {
                let UsageMetered { contract, window, card_hours, .. } = usage;
                self.usage.entry(contract.clone()).or_default().push((*window, *card_hours));
                return Ok(());
            }
            Event::Purchase(purchase::Event::ContractSigned(contract)) => {
                self.contracts.insert(contract.id.clone(), contract.clone());
                return Ok(());
            }
            Event::Purchase(purchase::Event::InvoiceIssued(invoice)) => {
                self.invoices.insert(invoice.id.clone(), invoice.clone());
                Charge::Invoice(invoice.clone())
            }
            Event::Purchase(purchase::Event::ContractTerminated(end)) => match end.refund {
                Some(refund) => Charge::Refunded(end.clone(), refund),
                None => return Ok(()),
            },
            Event::Purchase(purchase::Event::CreditGranted(granted)) => {
                Charge::Credited(granted.clone())
            }
            Event::Voucher(voucher::Event::VoucherRedeemed(redeemed)) => {
                Charge::Redeemed(redeemed.clone())
            }
            Event::Voucher(voucher::Event::ClawbackRecovered(paid)) => {
                Charge::GivenBack(paid.clone())
            }
            Event::Registry(_)
            | Event::Allocation(_)
            | Event::Purchase(_)
            | Event::Voucher(_)
            | Event::Fund(_) => return Ok(()),
        };
        self.charges.push((fact.id, charge));
        Ok(())
    }

    /// The table, its rows in the order in which their facts were recorded.
    pub fn table(&self) -> anyhow::Result<String> {
        let mut text = csv_line(COLUMNS);
        for (fact, charge) in &self.charges {
            let row = match charge {
                Charge::Invoice(invoice) => Some(self.invoiced(invoice)?),
                Charge::Redeemed(redeemed) => Some(self.redeemed(redeemed)?),
                Charge::Refunded(end, refund) => Some(self.refunded(end, *refund)?),
                Charge::GivenBack(paid) => self.given_back(paid)?,
                Charge::Credited(granted) => Some(self.credited(granted)?),
            };
            if let Some(mut row) = row {
                row.0.insert("x_FactId", fact.to_string());
                text += &row.line();
            }
        }
        Ok(text)
    }

    fn invoiced(&self, invoice: &InvoiceIssued) -> anyhow::Result<Row> {
        let contract = self.contract(&invoice.contract)?;
        let price = contract.price_at(invoice.service.from()).value();
        let quantity = invoice.quantity.value();
        let mut row = self.row(contract, invoice.amount, (invoice.service, invoice.service));
        row.category("Usage", "Usage-Based", "compute");
        row.set("InvoiceId", &invoice.id);
        row.set("PricingCategory", "Standard");
        for (amount, of) in
            [("PricingQuantity", "PricingUnit"), ("ConsumedQuantity", "ConsumedUnit")]
        {
            row.set(amount, quantity);
            row.set(of, unit(contract.unit));
        }
        row.set("ContractedUnitPrice", price);
        row.set("ContractedCost", cost(price, quantity)?);
        if let Some(listed) = self.listed(contract) {
            row.set("ListUnitPrice", listed);
            row.set("ListCost", cost(listed, quantity)?);
        }
        row.set("x_MeteredCardHours", self.metered(invoice)?);
        Ok(row)
    }

    fn redeemed(&self, redeemed: &VoucherRedeemed) -> anyhow::Result<Row> {
        let credit = redeemed.amount.amount();
        let mut row =
            self.credit(&redeemed.contract, &redeemed.invoice, redeemed.amount, -credit)?;
        row.category("Credit", "One-Time", "compute voucher redeemed");
        row.set("x_VoucherId", &redeemed.voucher);
        Ok(row)
    }

    /// What a buyer gave back of a voucher; what its provider did is no charge of the buyer's.
    fn given_back(&self, paid: &ClawbackRecovered) -> anyhow::Result<Option<Row>> {
        if self.contract(&paid.contract)?.buyer != paid.payee {
            return Ok(None);
        }
        let amount = paid.amount;
        let mut row = self.credit(&paid.contract, &paid.invoice, amount, amount.amount())?;
        row.category("Credit", "One-Time", "compute voucher given back");
        row.set("ChargeClass", "Correction");
        Ok(Some(row))
    }

    /// What the seller gave up of an invoice.
    fn credited(&self, granted: &CreditGranted) -> anyhow::Result<Row> {
        let CreditGranted { credit, contract } = granted;
        let mut row =
            self.credit(contract, &credit.invoice, credit.amount, -credit.amount.amount())?;
        row.category("Adjustment", "One-Time", "credit of the seller's");
        row.set("ChargeClass", "Correction");
        Ok(row)
    }

    fn credit(
        &self,
        contract: &ContractId,
        invoice: &InvoiceId,
        of: Money,
        amount: Decimal,
    ) -> anyhow::Result<Row> {
        let invoice =
            self.invoices.get(invoice).with_context(|| format!("no invoice {invoice}"))?;
        let periods = (invoice.service, invoice.service);
        let mut row = self.row(self.contract(contract)?, of, periods);
        row.costs(amount);
        row.set("InvoiceId", &invoice.id);
        Ok(row)
    }

    fn refunded(&self, end: &ContractTerminated, refund: Money) -> anyhow::Result<Row> {
        let contract = self.contract(&end.contract)?;
        let mut row = self.row(contract, refund, (month(end.at)?, day(end.at)?));
        row.costs(-refund.amount());
        row.category("Adjustment", "One-Time", "refund at the end of the contract");
        row.set("ChargeClass", "Correction");
        Ok(row)
    }

    /// What every row says; `billed` in all four costs, until it is said otherwise.
    fn row(&self, contract: &Contract, billed: Money, (billing, charge): (Period, Period)) -> Row {
        let mut row = Row(BTreeMap::new());
        row.costs(billed.amount());
        row.set("BillingCurrency", billed.currency());
        row.set("BillingAccountId", &contract.buyer);
        row.set("BillingAccountName", self.name(&contract.buyer));
        for provider in ["InvoiceIssuerName", "ProviderName", "PublisherName"] {
            row.set(provider, self.name(&contract.seller));
        }
        for (start, end, period) in [
            ("BillingPeriodStart", "BillingPeriodEnd", billing),
            ("ChargePeriodStart", "ChargePeriodEnd", charge),
        ] {
            row.set(start, seconds(period.from()));
            row.set(end, seconds(period.to()));
        }
        row.set("ServiceCategory", "Compute");
        let cards = contract.model.as_ref().map(|model| format!("AI compute on {model}"));
        row.set("ServiceName", cards.unwrap_or_else(|| "AI compute".to_owned()));
        row.set("Tags", json!({ "contract": contract.id, "seller": contract.seller }));
        row.set("x_ContractId", &contract.id);
        if let Some(declared) = contract.declared_p {
            row.set("x_DeclaredPFlops", declared);
        }
        if let Some(basis) = contract.basis {
            row.set("x_Precision", basis.precision);
            row.set("x_Sparsity", basis.sparsity);
        }
        row
    }

    fn name<'a>(&'a self, party: &'a PartyId) -> &'a str {
        self.names.get(party).map_or(party.as_str(), Text::as_str)
    }

    fn contract(&self, id: &ContractId) -> anyhow::Result<&Contract> {
        self.contracts.get(id).with_context(|| format!("no contract {id}"))
    }

    /// The latest reference price of the contract's model, unit and currency by its signing.
    fn listed(&self, contract: &Contract) -> Option<Decimal> {
        let unit = match contract.unit {
            ContractUnit::PMonth => PriceUnit::PMonth,
            ContractUnit::CardHour => PriceUnit::CardHour,
        };
        let fits = |price: &&ReferencePrice| {
            Some(&price.model) == contract.model.as_ref()
                && (price.unit, price.currency) == (unit, contract.currency)
                && price.at <= contract.at
        };
        let latest = self.prices.iter().filter(fits).max_by_key(|price| price.at);
        latest.map(|price| price.price.value())
    }

    /// Metered in windows that lie within the invoice's service; unknown where there are none.
    fn metered(&self, invoice: &InvoiceIssued) -> anyhow::Result<String> {
        let windows = self.usage.get(&invoice.contract).into_iter().flatten();
        let within = windows.filter(|(window, _)| invoice.service.encloses(window));
        let sum = within
            .map(|(_, hours)| hours.billionths())
            .try_fold(None, |sum: Option<i128>, hours| {
                sum.unwrap_or_default().checked_add(hours).map(Some)
            });
        let sum: Option<i128> = sum.context("metered card-hours are beyond counting")?;
        Ok(sum.map_or_else(String::new, |sum| CardHours::of_billionths(sum).to_string()))
    }
}

/// A row's cells by column; what is absent is null.
struct Row(BTreeMap<&'static str, String>);

impl Row {
    fn set(&mut self, column: &'static str, value: impl Display) {
        self.0.insert(column, format!("{value}"));
    }

    fn costs(&mut self, amount: Decimal) {
        for cost in ["BilledCost", "EffectiveCost", "ContractedCost", "ListCost"] {
            self.set(cost, amount);
        }
    }

    fn category(&mut self, category: &str, frequency: &str, description: &str) {
        self.set("ChargeCategory", category);
        self.set("ChargeFrequency", frequency);
        self.set("ChargeDescription", description);
    }

    fn line(&self) -> String {
        csv_line(COLUMNS.iter().map(|column| self.0.get(column).map_or("", String::as_str)))
    }
}

const fn unit(unit: ContractUnit) -> &'static str {
    match unit {
        ContractUnit::PMonth => "P-Months",
        ContractUnit::CardHour => "GPU-Hours",
    }
}

fn cost(price: Decimal, quantity: Decimal) -> anyhow::Result<Decimal> {
    let cost = price.checked_mul(quantity).context("a cost is beyond counting")?;
    Ok(cost.normalize())
}

fn day(at: Timestamp) -> anyhow::Result<Period> {
    let start = at.to_zoned(TimeZone::UTC).start_of_day()?;
    Ok(Period::new(start.timestamp(), start.checked_add(1.day())?.timestamp())?)
}

fn month(at: Timestamp) -> anyhow::Result<Period> {
    let start = at.to_zoned(TimeZone::UTC).first_of_month()?.start_of_day()?;
    Ok(Period::new(start.timestamp(), start.checked_add(1.month())?.timestamp())?)
}
