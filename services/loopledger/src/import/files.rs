//! The files of a bundle: their columns, what makes a row unique, and how it becomes a command.
//!
//! Invariant: rows of one date take effect in the order of this table.

mod allocation;
mod fund;
mod purchase;
mod registry;
mod voucher;

use jiff::Timestamp;

use super::ContextCommand;
use super::cells::Cells;

/// One kind of file.
pub(super) struct File {
    pub name: &'static str,
    /// In their usual order. `?` ends an optional one, `@` begins one that names a party.
    columns: &'static str,
    /// The columns that no two rows share.
    pub key: &'static str,
    /// The column that names the row of another file to which a row belongs, and which has its
    /// currency and parties.
    pub parent: &'static str,
    /// The column that names the acting party, here or in a parent; `invoice.seller` begins at
    /// another parent.
    pub by: &'static str,
    pub read: fn(&mut Cells<'_>) -> Option<Draft>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub name: &'static str,
    pub is_optional: bool,
    pub names_party: bool,
}

/// A row as a command that has no id yet.
pub(super) struct Draft {
    pub stage: Stage,
    pub at: Timestamp,
    pub command: ContextCommand,
}

/// Rows without a date come first, then the definitions that dated rows refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Undated,
    Definition,
    Dated,
}

impl Draft {
    fn undated(command: impl Into<ContextCommand>) -> Self {
        Self { stage: Stage::Undated, at: Timestamp::UNIX_EPOCH, command: command.into() }
    }

    fn definition(at: Timestamp, command: impl Into<ContextCommand>) -> Self {
        Self { stage: Stage::Definition, at, command: command.into() }
    }

    fn dated(at: Timestamp, command: impl Into<ContextCommand>) -> Self {
        Self { stage: Stage::Dated, at, command: command.into() }
    }
}

impl File {
    pub fn columns(&self) -> impl Iterator<Item = Column> {
        self.columns.split(", ").map(|written| {
            let name = written.trim_start_matches('@').trim_end_matches('?');
            let (is_optional, names_party) = (written.ends_with('?'), written.starts_with('@'));
            Column { name, is_optional, names_party }
        })
    }

    /// The columns as a person may write them into the header.
    pub fn header(&self) -> String {
        self.columns.replace('@', "").replace('?', " (optional)")
    }

    pub fn stem(&self) -> &'static str {
        self.name.trim_end_matches(".csv")
    }

    /// What one of its rows is called where others refer to it: `voucher` for vouchers.csv.
    pub fn thing(&self) -> &'static str {
        match self.stem() {
            "parties" => "party",
            stem => stem.strip_suffix('s').unwrap_or(stem),
        }
    }
}

macro_rules! files {
    ($(
        $name:literal: $columns:literal,
        key $key:literal, parent $parent:literal, by $by:literal, $read:path;
    )*) => {
        &[$(File {
            name: $name, columns: $columns, key: $key, parent: $parent, by: $by, read: $read,
        }),*]
    };
}

pub(super) static FILES: &[File] = files! {
    "parties.csv": "id, name, kind, country?, uscc?, lei?",
        key "id", parent "", by "", registry::party;
    "ownership.csv": "@owner, @owned, percent, from, to?",
        key "owner, owned, from", parent "", by "", registry::stake;
    "card_specs.csv": "model, precision, sparsity, p_per_card, tdp_w?, from?, source?",
        key "model, precision, sparsity, from, source", parent "", by "", registry::card_spec;
    "prices.csv": "model, unit, price, currency, date, source",
        key "model, unit, date, source", parent "", by "", registry::price;
    "programmes.csv": "id, @issuer, name, currency, budget, opens, closes, ratio, cap_voucher?, \
        cap_holder_year?, validity_days?, affiliation, affiliation_percent?, funding_link_months?, \
        metering_required?, rounding_digits?, rounding_mode?",
        key "id", parent "", by "issuer", voucher::programme;
    "admissions.csv": "programme, @provider, from, to?",
        key "programme, provider, from", parent "programme", by "issuer", voucher::admission;
    "funds.csv": "@id, @manager, currency, formed_at",
        key "id", parent "", by "manager", fund::fund;
    "commitments.csv": "id, fund, @lp, amount, at, priority_supplier?",
        key "id", parent "fund", by "lp", fund::commitment;
    "contributions.csv": "id, fund, @lp, amount, at",
        key "id", parent "fund", by "lp", fund::contribution;
    "investments.csv": "id, @investor, @company, amount, currency, stake_percent?, at",
        key "id", parent "", by "investor", fund::investment;
    "distributions.csv": "id, fund, @lp, amount, at",
        key "id", parent "fund", by "fund", fund::distribution;
    "pools.csv": "id, @operator, site, model, cards, lit, at",
        key "id", parent "", by "operator", allocation::pool;
    "pool_changes.csv": "pool, at, cards?, lit?",
        key "pool, at", parent "pool", by "operator", allocation::pool_change;
    "contracts.csv": "id, @buyer, @seller, currency, price_per_unit, unit, quantity, declared_p?, \
        precision?, sparsity?, model?, cards?, signed_at, from, to, backing_contract?",
        key "id", parent "", by "seller", purchase::contract;
    "vouchers.csv": "id, programme, @holder, amount, at",
        key "id", parent "programme", by "issuer", voucher::voucher;
    "allocations.csv": "id, pool, contract, cards, from, to",
        key "id", parent "pool", by "operator", allocation::allocation;
    "usage.csv": "id, allocation, from, to, card_hours, source",
        key "id", parent "allocation", by "operator", allocation::usage;
    "invoices.csv": "id, contract, from, to, quantity, amount, at",
        key "id", parent "contract", by "seller", purchase::invoice;
    "locks.csv": "id, voucher, contract, amount, at",
        key "id", parent "voucher", by "holder", voucher::lock;
    "payments.csv": "id, invoice, amount, at, reference?",
        key "id", parent "invoice", by "buyer", purchase::payment;
    "redemptions.csv": "id, voucher, invoice, amount, at",
        key "id", parent "voucher", by "invoice.seller", voucher::redemption;
    "settlements.csv": "id, redemption, amount, at, reference?",
        key "id", parent "redemption", by "issuer", voucher::settlement;
    "terminations.csv": "contract, at, reason, refund?",
        key "contract", parent "contract", by "", purchase::termination;
    "transfers.csv": "id, @from, @to, amount, currency, at, purpose",
        key "id", parent "", by "from", fund::transfer;
};

/// A struct of cells: all are read, so that everything that is wrong is told, then put together.
macro_rules! whole {
    ($($name:ident)::+ { $($field:ident: $cell:expr),* $(,)? }) => {{
        $(let $field = $cell;)*
        Some($($name)::+ { $($field: $field?),* })
    }};
}
use whole;
