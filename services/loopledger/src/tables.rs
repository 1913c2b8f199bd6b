//! Answers as tables for people; `--json` is for programs.

mod voucher;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table, TableComponent};
use loopledger_exports::figures::{day, grouped};
use loopledger_views::{Compared, Comparison, Flows, Loops, VoucherStatus, Vouchers};

mod contracts;
mod funds;
mod offices;
mod parties;
mod pools;
mod supervision;

pub use contracts::{contracts, prices};
pub use funds::{account, fund};
pub use offices::{caps, registered, reviews};
pub use parties::{owners, parties, party};
pub use pools::{pools, reservations};
pub use supervision::{findings, implied, rules, utilization};

pub use voucher::{claims, dry_run, expired, programme, statement};

/// A table; columns whose heading starts with `>` hold figures and are aligned to the right.
fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table
        .load_preset(UTF8_HORIZONTAL_ONLY)
        .remove_style(TableComponent::HorizontalLines)
        .remove_style(TableComponent::MiddleIntersections);
    table.set_header(headings.iter().map(|heading| heading.trim_start_matches('>')));
    table.add_rows(rows);
    for (index, heading) in headings.iter().enumerate() {
        if let (true, Some(column)) = (heading.starts_with('>'), table.column_mut(index)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// The table, how many of `[one, many]` it shows, and the position that it rests on.
fn with_position(table: &Table, [one, many]: [&str; 2], count: usize, position: u64) -> String {
    let what = if count == 1 { one } else { many };
    format!("{table}\n{count} {what}, position {position}")
}

pub fn loops(answer: &Loops) -> String {
    let headings = [
        "loop",
        "kind",
        ">capital out",
        ">at least",
        ">fifo",
        ">pro rata",
        ">at most",
        ">vouchers",
        "",
        "closed",
        ">days",
    ];
    let rows = answer.loops.iter().map(|found| {
        vec![
            found.parties.join(" → "),
            found.kind.replace('_', " "),
            grouped(&found.capital_out),
            grouped(&found.returned_lower),
            grouped(&found.returned_fifo),
            grouped(&found.returned_pro_rata),
            grouped(&found.returned_upper),
            grouped(&found.voucher_amount),
            found.currency.to_string(),
            day(found.closed_at),
            found.lag_days.to_string(),
        ]
    });
    with_position(
        &table(&headings, rows),
        ["loop found", "loops found"],
        answer.loops.len(),
        answer.position,
    )
}

pub fn flows(answer: &Flows) -> String {
    let headings = ["at", "id", "from", "to", "kind", ">amount", "", "fact"];
    let rows = answer.flows.iter().map(|flow| {
        vec![
            day(flow.at),
            flow.id.clone(),
            flow.from.to_string(),
            flow.to.to_string(),
            flow.kind.to_string().replace('_', " "),
            grouped(&flow.amount),
            flow.currency.to_string(),
            flow.event.to_string(),
        ]
    });
    with_position(&table(&headings, rows), ["flow", "flows"], answer.flows.len(), answer.position)
}

pub fn vouchers(answer: &Vouchers) -> String {
    let headings = [
        "programme",
        ">budget",
        ">issued",
        ">locked",
        ">redeemed",
        ">paid",
        ">expired",
        ">revoked",
        ">remaining",
        "",
    ];
    let programmes = answer.programmes.iter().map(|row| {
        vec![
            row.programme.to_string(),
            grouped(&row.budget),
            grouped(&row.issued),
            grouped(&row.locked),
            grouped(&row.redeemed),
            grouped(&row.paid),
            grouped(&row.expired),
            grouped(&row.revoked),
            grouped(&row.remaining),
            row.currency.to_string(),
        ]
    });
    let programmes = table(&headings, programmes);
    let headings = [
        "voucher",
        "programme",
        "holder",
        ">face",
        ">locked",
        ">redeemed",
        ">free",
        "",
        "status",
        "expires",
    ];
    let vouchers = answer.vouchers.iter().map(|row| {
        vec![
            row.voucher.to_string(),
            row.programme.to_string(),
            row.holder.to_string(),
            grouped(&row.face),
            grouped(&row.locked),
            grouped(&row.redeemed),
            grouped(&row.free),
            row.currency.to_string(),
            status(row.status).to_owned(),
            row.expires_at.map_or_else(|| "never".to_owned(), day),
        ]
    });
    let count = answer.vouchers.len();
    let vouchers =
        with_position(&table(&headings, vouchers), ["voucher", "vouchers"], count, answer.position);
    format!("{programmes}\n\n{vouchers}")
}

/// Digests are cut to what tells them apart; a program is given them whole.
pub fn comparison(answer: &Comparison) -> String {
    let headings = ["table", ">live rows", ">rebuilt rows", "live", "rebuilt", ""];
    let cut = |digest: &str| digest.chars().take(16).collect();
    let rows = answer.tables.iter().map(|Compared { live, rebuilt, .. }| {
        vec![
            live.table.clone(),
            grouped(&live.rows.to_string()),
            grouped(&rebuilt.rows.to_string()),
            cut(&live.digest),
            cut(&rebuilt.digest),
            if live == rebuilt { "the same" } else { "different" }.to_owned(),
        ]
    });
    let table = table(&headings, rows);
    with_position(&table, ["table", "tables"], answer.tables.len(), answer.position)
}

const fn status(status: VoucherStatus) -> &'static str {
    match status {
        VoucherStatus::Issued => "issued",
        VoucherStatus::Locked => "locked",
        VoucherStatus::PartiallyRedeemed => "partially redeemed",
        VoucherStatus::Exhausted => "exhausted",
        VoucherStatus::Expired => "expired",
        VoucherStatus::Revoked => "revoked",
        VoucherStatus::Surrendered => "surrendered",
    }
}
