//! Party reports and beneficial owners as text for people.

use std::fmt::Write as _;

use loopledger_exports::figures::{day, grouped, or_unknown, percent};
use loopledger_views::{BeneficialOwner, Owners, Parties, PartyReport, Ratio, StakeBasis, Way};

use super::{table, with_position};

fn share(ratio: &Ratio) -> String {
    or_unknown(ratio.ratio.as_deref(), percent)
}

/// One line per party and currency.
pub fn parties(answer: &Parties) -> String {
    let headings = [
        "party",
        "",
        ">capital out",
        ">back, at least",
        ">fifo",
        ">pro rata",
        ">at most",
        ">of capital",
        ">compute revenue",
        ">of revenue",
        ">vouchers in loops",
        ">open",
    ];
    let rows = answer.parties.iter().map(|report| {
        vec![
            report.party.to_string(),
            report.currency.to_string(),
            grouped(&report.capital_out),
            grouped(&report.returned.lower),
            grouped(&report.returned.fifo),
            grouped(&report.returned.pro_rata),
            grouped(&report.returned.upper),
            share(&report.returned_of_capital.pro_rata),
            grouped(&report.compute_revenue),
            share(&report.returned_of_revenue.pro_rata),
            share(&report.voucher_exposure),
            report.open_loops.len().to_string(),
        ]
    });
    let (count, position) = (answer.parties.len(), answer.position);
    with_position(&table(&headings, rows), ["report", "reports"], count, position)
}

/// Everything about one party.
pub fn party(answer: &Parties) -> String {
    let mut text = String::new();
    for report in &answer.parties {
        write_report(&mut text, report);
    }
    let (count, position) = (answer.parties.len(), answer.position);
    let what = if count == 1 { "report" } else { "reports" };
    format!("{text}{count} {what}, position {position}")
}

// Writing to a String cannot fail.
fn write_report(text: &mut String, report: &PartyReport) {
    let PartyReport { party, currency, returned, .. } = report;
    let _ = writeln!(text, "{party} in {currency}");
    let _ = writeln!(text, "   {:<22} {:>20}", "capital out", grouped(&report.capital_out));
    let back = [
        ("back, at least", &returned.lower, &report.returned_of_capital.lower),
        ("first in, first out", &returned.fifo, &report.returned_of_capital.fifo),
        ("pro rata", &returned.pro_rata, &report.returned_of_capital.pro_rata),
        ("at most", &returned.upper, &report.returned_of_capital.upper),
    ];
    for (name, amount, of) in back {
        let _ = writeln!(text, "   {name:<22} {:>20}   {} of it", grouped(amount), share(of));
    }
    let revenue = share(&report.returned_of_revenue.pro_rata);
    let figures = [
        ("compute revenue", &report.compute_revenue, format!("{revenue} of it back, pro rata")),
        (
            "voucher revenue",
            &report.voucher_revenue,
            format!("{} of it inside loops", share(&report.voucher_exposure)),
        ),
    ];
    for (name, amount, remark) in figures {
        let _ = writeln!(text, "   {name:<22} {:>20}   {remark}", grouped(amount));
    }
    let days = or_unknown(report.dwell_days.as_deref(), |days| format!("{days} days"));
    let _ = writeln!(text, "   {:<22} {days:>20}", "away, on average");
    write_lists(text, report);
    text.push('\n');
}

fn write_lists(text: &mut String, report: &PartyReport) {
    for parties in &report.loops {
        let around: Vec<&str> = parties.iter().chain(parties.first()).map(String::as_str).collect();
        let _ = writeln!(text, "   loop found    {}", around.join(" → "));
    }
    for open in &report.open_loops {
        let first = open.path.first().map(|step| step.from.as_str());
        let way: Vec<&str> =
            first.into_iter().chain(open.path.iter().map(|step| step.to.as_str())).collect();
        let _ = writeln!(text, "   open loop     {}: a customer, nothing back", way.join(" → "));
    }
    for customer in &report.customers {
        let (paid, of) = (grouped(&customer.paid), share(&customer.share_of_spend));
        let _ = writeln!(
            text,
            "   customer      {} paid {paid}, {of} of its compute spend",
            customer.company
        );
    }
    for promise in &report.promises {
        let state = promise.ended.as_deref().map_or("signed", |ended| ended);
        let closes = if promise.would_close { ", would close a loop" } else { "" };
        let _ = writeln!(
            text,
            "   promised      {} by {} ({}, {}): {} unpaid{closes}",
            promise.contract,
            promise.buyer,
            state.replace('_', " "),
            day(promise.signed_at),
            grouped(&promise.unpaid)
        );
    }
}

pub fn owners(answer: &Owners) -> String {
    let headings = ["owner", ">share", "way", ">economic", ">cascade", "controls", "path"];
    let rows = answer.owners.iter().map(|owner| {
        vec![
            owner.owner.clone(),
            percent(&owner.share),
            match owner.way {
                Way::Economic => "economic".to_owned(),
                Way::Cascade => "cascade".to_owned(),
            },
            or_unknown(owner.economic_share.as_deref(), percent),
            percent(&owner.cascade_share),
            if owner.controls { "yes" } else { "no" }.to_owned(),
            path(owner),
        ]
    });
    let controller = answer.controller.as_deref().map_or_else(
        || format!("nobody is known to control {}", answer.party),
        |controller| format!("{} is controlled by {controller}", answer.party),
    );
    let (count, position) = (answer.owners.len(), answer.position);
    let table = table(&headings, rows);
    let told = with_position(&table, ["beneficial owner", "beneficial owners"], count, position);
    format!("{told}\n{controller}, on {}", day(answer.at))
}

fn path(owner: &BeneficialOwner) -> String {
    let stake = |holding: &loopledger_views::Holding| {
        let basis = match holding.basis {
            StakeBasis::Filing => "",
            StakeBasis::Investment => ", invested",
            StakeBasis::Commitment => ", committed",
            StakeBasis::Manager => ", manages",
        };
        let (owner, owned) = (&holding.owner, &holding.owned);
        format!("{owner} → {owned} ({}{basis})", percent(&holding.share))
    };
    owner.path.iter().map(stake).collect::<Vec<_>>().join("; ")
}
