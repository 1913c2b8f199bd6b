//! The files of a bundle: their columns, what makes a row unique, and how it becomes a command.
//!
//! Invariant: rows of one date take effect in the order of this table.

mod allocation;
mod claim;
mod fund;
mod fund_running;
mod fund_terms;
mod programme;
mod purchase;
mod registry;
mod review;
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
    /// Absent where the row is a part of the command of another row.
    pub command: Option<ContextCommand>,
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
        Self { stage: Stage::Undated, at: Timestamp::UNIX_EPOCH, command: Some(command.into()) }
    }

    fn definition(at: Timestamp, command: impl Into<ContextCommand>) -> Self {
        Self { stage: Stage::Definition, at, command: Some(command.into()) }
    }

    fn dated(at: Timestamp, command: impl Into<ContextCommand>) -> Self {
        Self { stage: Stage::Dated, at, command: Some(command.into()) }
    }

    fn part() -> Self {
        Self { stage: Stage::Undated, at: Timestamp::UNIX_EPOCH, command: None }
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
            "recoveries" => "recovery",
            "deliveries" => "delivery",
            "capabilities" => "capability",
            stem => stem.strip_suffix('s').unwrap_or(stem),
        }
    }

    /// What else one of its rows is called: a claim is the redemption that it becomes.
    pub fn other_thing(&self) -> Option<&'static str> {
        (self.stem() == "claims").then_some("redemption")
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
    "capabilities.csv": "model, workloads, from, source",
        key "model, from, source", parent "", by "", registry::capability;
    "controls.csv": "model, destination, status, date, source",
        key "model, destination, date, source", parent "", by "", registry::control;
    "programmes.csv": "id, @issuer, name, currency, budget, opens, closes, ratio, cap_voucher?, \
        cap_holder_year?, validity_days?, affiliation, affiliation_percent?, funding_link_months?, \
        metering_required?, rounding_digits?, rounding_mode?, file?, drafted?",
        key "id", parent "", by "issuer", programme::programme;
    "programme_versions.csv": "programme, version, file, at",
        key "programme, version", parent "programme", by "issuer", programme::version;
    "programme_changes.csv": "programme, version?, to, by, @of, at",
        key "programme, version, to, at", parent "programme", by "of", programme::change;
    "admission_applications.csv": "programme, @provider, at, p?, racks?, connected?, region?",
        key "programme, provider, at", parent "programme", by "provider",
        programme::admission_application;
    "admissions.csv": "programme, @provider, from, to?, p?, racks?, connected?, region?",
        key "programme, provider, from", parent "programme", by "issuer", programme::admission;
    "admission_changes.csv": "programme, @provider, change, by, @of, at, reason?",
        key "programme, provider, change, at", parent "programme", by "of",
        programme::admission_change;
    "funds.csv": "@id, @manager, currency, formed_at",
        key "id", parent "", by "manager", fund::fund;
    "commitments.csv": "id, fund, @lp, amount, at, priority_supplier?",
        key "id", parent "fund", by "lp", fund::commitment;
    "fund_terms.csv": "fund, version, at, investment_ends, exit_ends, extension_ends?, \
        investment_fee_percent?, investment_fee_basis?, exit_fee_percent?, exit_fee_basis?, \
        extension_fee_percent?, extension_fee_basis?, recycling_percent?, preferred_percent?, \
        catch_up_percent?, carry_percent?",
        key "fund, version", parent "fund", by "manager", fund_terms::terms;
    "commitment_changes.csv": "id, fund, @lp, change, amount, at",
        key "id", parent "fund", by "lp", fund_terms::change;
    "commitment_transfers.csv": "id, fund, @from, @to, amount, at, priority_supplier?",
        key "id", parent "fund", by "from", fund_terms::handed_over;
    "calls.csv": "id, fund, investment?, follow_on?, fee?, expense?, organisation_cost?, \
        excused?, at, due",
        key "id", parent "fund", by "manager", fund_terms::call;
    "contributions.csv": "id, fund, @lp, amount, at, call?",
        key "id", parent "fund", by "lp", fund::contribution;
    "defaults.csv": "fund, call, @lp, at",
        key "call, lp", parent "fund", by "manager", fund_terms::default;
    "default_cures.csv": "fund, call, @lp, at",
        key "call, lp", parent "fund", by "manager", fund_terms::cure;
    "line_draws.csv": "id, fund, @lender, amount, at",
        key "id", parent "fund", by "fund", fund_running::draw;
    "investments.csv": "id, @investor, @company, amount, currency, stake_percent?, at, \
        follows?",
        key "id", parent "", by "investor", fund::investment;
    "exits.csv": "id, investment, @payer, cost, proceeds, currency, stake_percent?, at",
        key "id", parent "", by "payer", fund_running::exit;
    "distributions.csv": "id, fund, @lp, amount, at, kind?",
        key "id", parent "fund", by "fund", fund::distribution;
    "recalls.csv": "id, fund, @lp, distribution, amount, at",
        key "id", parent "fund", by "lp", fund_terms::recall;
    "excess_returns.csv": "id, fund, call, @lp, amount, at",
        key "id", parent "fund", by "fund", fund_terms::excess;
    "valuations.csv": "id, investment, as_of, amount, currency, at, restates?",
        key "id", parent "", by "", fund_running::valuation;
    "fees.csv": "id, fund, from, to, at",
        key "id", parent "fund", by "manager", fund_running::fee;
    "fee_payments.csv": "id, fund, fee, @payee, amount, at",
        key "id", parent "fund", by "fund", fund_running::fee_payment;
    "fee_reductions.csv": "id, fund, fee, reduction, amount, at, note?",
        key "id", parent "fund", by "manager", fund_running::fee_reduction;
    "expenses.csv": "id, fund, @payee, amount, at, purpose, related_party?",
        key "id", parent "fund", by "fund", fund_running::expense;
    "carry.csv": "id, fund, @payee, amount, at",
        key "id", parent "fund", by "fund", fund_running::carry;
    "line_payments.csv": "id, fund, @lender, part, amount, at",
        key "id", parent "fund", by "fund", fund_running::line_payment;
    "dissolutions.csv": "fund, at",
        key "fund", parent "fund", by "manager", fund_running::dissolution;
    "navs.csv": "id, fund, as_of, amount, at, restates?",
        key "id", parent "fund", by "manager", fund::nav;
    "recognitions.csv": "id, fund, kind, @company, amount, at, payment?",
        key "id", parent "fund", by "manager", fund::recognition;
    "pools.csv": "id, @operator, site, model, cards, lit, at",
        key "id", parent "", by "operator", allocation::pool;
    "pool_changes.csv": "pool, at, cards?, lit?",
        key "pool, at", parent "pool", by "operator", allocation::pool_change;
    "oversells.csv": "pool, factor, from, to, at, by, @of",
        key "pool, from", parent "pool", by "of", allocation::oversell;
    "pool_stages.csv": "pool, stage, at, source?",
        key "pool, at", parent "pool", by "operator", allocation::stage;
    "cards.csv": "pool, serial, at, @owner?",
        key "pool, serial, at", parent "pool", by "operator", allocation::card;
    "card_changes.csv": "pool, serial, state, at, reason?",
        key "pool, serial, at", parent "pool", by "operator", allocation::card_change;
    "card_counts.csv": "pool, state, cards, at",
        key "pool, state, at", parent "pool", by "operator", allocation::card_count;
    "provenances.csv": "pool, serial?, at, supplier, document?, source",
        key "pool, serial, at, source", parent "pool", by "operator", allocation::provenance;
    "announcements.csv": "contract, @buyer, @seller, amount, currency, at, source",
        key "contract", parent "", by "seller", purchase::announcement;
    "contracts.csv": "id, @buyer, @seller, currency, price_per_unit, unit, quantity?, declared_p?, \
        precision?, sparsity?, model?, cards?, signed_at, from, to, backing_contract?, kind?, \
        rating?, minimum?, prepayment_percent?, deposit?, sla_availability?, sla_deliver_by?, \
        sla_credit_percent?, penalty_buyer_percent?, penalty_seller_percent?",
        key "id", parent "", by "seller", purchase::contract;
    "price_steps.csv": "contract, from, price_per_unit",
        key "contract, from", parent "contract", by "", purchase::price_step;
    "refund_steps.csv": "contract, from, percent",
        key "contract, from", parent "contract", by "", purchase::refund_step;
    "applications.csv": "id, programme, @applicant, amount, by, @of, at, applicant_kind?, \
        start_up?, young_founder?, compute_origin?, filed_model?, purpose?",
        key "id", parent "programme", by "of", claim::application;
    "application_reviews.csv": "application, step, by, @of, at, amount?, reasons?, note?",
        key "application, step, by, at", parent "application", by "of", review::application;
    "vouchers.csv": "id, programme, @holder, amount, at, application?, tranche?",
        key "id", parent "programme", by "issuer", voucher::voucher;
    "allocation_ends.csv": "allocation, at",
        key "allocation", parent "allocation", by "operator", allocation::end;
    "reservation_ends.csv": "reservation, ending, at",
        key "reservation", parent "reservation", by "operator", allocation::reservation_end;
    "reservations.csv": "id, pool, cards, from, to, at, held_until, contract?, class?",
        key "id", parent "pool", by "operator", allocation::reservation;
    "reservation_confirmations.csv": "reservation, allocation, contract, at",
        key "reservation", parent "reservation", by "operator", allocation::confirmation;
    "allocations.csv": "id, pool, contract, cards, from, to, class?",
        key "id", parent "pool", by "operator", allocation::allocation;
    "usage.csv": "id, allocation, from, to, card_hours, source, class?",
        key "id", parent "allocation", by "operator", allocation::usage;
    "electricity.csv": "id, pool, from, to, kwh, source",
        key "id", parent "pool", by "operator", allocation::electricity;
    "orders.csv": "id, contract, from, to, quantity, at",
        key "id", parent "contract", by "buyer", purchase::order;
    "deliveries.csv": "id, contract, from, to, quantity, certificate, at",
        key "id", parent "contract", by "buyer", purchase::delivery;
    "invoices.csv": "id, contract, from, to, quantity, amount, at",
        key "id", parent "contract", by "seller", purchase::invoice;
    "credits.csv": "id, invoice, amount, reason, availability?, at",
        key "id", parent "invoice", by "invoice.seller", purchase::credit;
    "disputes.csv": "id, invoice, amount, reason, at",
        key "id", parent "invoice", by "invoice.buyer", purchase::dispute;
    "dispute_ends.csv": "dispute, outcome, at",
        key "dispute", parent "dispute", by "", purchase::resolution;
    "waivers.csv": "programme, contract, by, @of, reason, at",
        key "programme, contract, by", parent "programme", by "of", programme::waiver;
    "locks.csv": "id, voucher, contract, amount, at",
        key "id", parent "voucher", by "holder", voucher::lock;
    "advances.csv": "id, contract, kind, amount, at, reference?",
        key "id", parent "contract", by "buyer", purchase::advance;
    "payments.csv": "id, invoice, amount, at, reference?",
        key "id", parent "invoice", by "buyer", purchase::payment;
    "advance_uses.csv": "id, contract, kind, invoice?, amount, at",
        key "id", parent "contract", by "seller", purchase::advance_use;
    "claims.csv": "id, programme, voucher, invoice, amount?, card_hours?, usage?, storage?, \
        network?, security?, other?, payee?, by, @of, at, applicant_kind?, start_up?, \
        young_founder?, compute_origin?, filed_model?, purpose?",
        key "id", parent "programme", by "of", claim::claim;
    "claim_reviews.csv": "claim, step, by, @of, at, amount?, reasons?, note?",
        key "claim, step, by, at", parent "claim", by "of", review::claim;
    "redemptions.csv": "id, voucher, invoice, amount, at",
        key "id", parent "voucher", by "invoice.seller", voucher::redemption;
    "payment_orders.csv": "id, redemption, amount, by, @of, at",
        key "id", parent "redemption", by "of", claim::payment_order;
    "payment_failures.csv": "payment, reason, at",
        key "payment", parent "payment_order", by "", claim::payment_failure;
    "settlements.csv": "id, redemption, amount, at, reference?",
        key "id", parent "redemption", by "issuer", voucher::settlement;
    "terminations.csv": "contract, at, reason, refund?, side?, penalty?",
        key "contract", parent "contract", by "", purchase::termination;
    "refunds.csv": "id, contract, of, amount, at, reference?",
        key "id", parent "contract", by "seller", purchase::refund;
    "clawbacks.csv": "id, redemption, trigger, by, @of, at",
        key "id", parent "redemption", by "of", claim::clawback;
    "clawback_assessments.csv": "clawback, principal, by, @of, at",
        key "clawback", parent "clawback", by "of", claim::assessment;
    "recoveries.csv": "id, clawback, amount, at, reference?",
        key "id", parent "clawback", by "", claim::recovery;
    "write_offs.csv": "clawback, reason, by, @of, at",
        key "clawback", parent "clawback", by "of", claim::write_off;
    "releases.csv": "lock, at",
        key "lock", parent "lock", by "holder", voucher::release;
    "voucher_ends.csv": "voucher, ending, at",
        key "voucher", parent "voucher", by "", voucher::end;
    "transfers.csv": "id, @from, @to, amount, currency, at, purpose",
        key "id", parent "", by "from", fund::transfer;
    "evidence.csv": "application?, claim?, supplied_at?, kind, sha256, size, number?",
        key "application, claim, supplied_at, kind, sha256", parent "", by "", review::evidence;
};

/// A struct of cells: all are read, so that everything that is wrong is told, then put together.
macro_rules! whole {
    ($($name:ident)::+ { $($field:ident: $cell:expr),* $(,)? }) => {{
        $(let $field = $cell;)*
        Some($($name)::+ { $($field: $field?),* })
    }};
}
use whole;
