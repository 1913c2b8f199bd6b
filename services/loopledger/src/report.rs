//! The loop report for people: what was found, what each figure means, and the facts behind it.

use std::fmt::Write as _;

use loopledger_exports::figures::{day, grouped, percent};
use loopledger_exports::reading::{MEANING, READING};
use loopledger_views::{LoopFound, Loops};

pub fn loop_report(found: &Loops) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = match found.loops.len() {
        0 => writeln!(text, "No loops found (position {}).", found.position),
        1 => writeln!(text, "1 loop found (position {}).", found.position),
        many => writeln!(text, "{many} loops found (position {}).", found.position),
    };
    text.push_str(MEANING);
    for (number, found) in (1..).zip(&found.loops) {
        write_loop(&mut text, number, found);
    }
    if !found.loops.is_empty() {
        text.push_str("\nHow much came back has no single answer, since money is fungible:\n");
        for (figure, meaning) in READING {
            let _ = writeln!(text, "  {figure:<19}  {meaning}");
        }
    }
    text
}

fn write_loop(text: &mut String, number: usize, found: &LoopFound) {
    let LoopFound { parties, kind, currency, .. } = found;
    let around = parties.iter().chain(parties.first()).map(String::as_str);
    let around: Vec<&str> = around.collect();
    let _ = writeln!(text, "\n{number}. {}   ({})", around.join(" → "), kind.replace('_', " "));
    let share = percent(&found.ratio_pro_rata);
    let figures = [
        ("capital out", &found.capital_out, String::new()),
        ("back, at least", &found.returned_lower, String::new()),
        ("first in, first out", &found.returned_fifo, String::new()),
        ("pro rata", &found.returned_pro_rata, format!("   {share} of the capital")),
        ("at most", &found.returned_upper, String::new()),
        ("vouchers inside", &found.voucher_amount, "   public money".to_owned()),
    ];
    for (name, amount, remark) in figures {
        let _ = writeln!(text, "   {name:<20} {:>18} {currency}{remark}", grouped(amount));
    }
    let (first, closed) = (day(found.first_capital_at), day(found.closed_at));
    let (last, lag) = (day(found.last_return_at), found.lag_days);
    let _ = writeln!(
        text,
        "   first capital {first}, closed {closed} ({lag} days later), last return {last}"
    );
    let width = |of: fn(&loopledger_views::Leg) -> usize| {
        found.legs.iter().map(of).max().unwrap_or_default()
    };
    let way = width(|leg| leg.from.chars().count() + leg.to.chars().count() + 3);
    let kinds = width(|leg| leg.kind.chars().count());
    for leg in &found.legs {
        let from_to = format!("{} → {}", leg.from, leg.to);
        let (at, amount) = (day(leg.at), grouped(&leg.amount));
        let kind = leg.kind.replace('_', " ");
        let _ = writeln!(
            text,
            "     {at}  {from_to:<way$}  {kind:<kinds$}  {amount:>16}  fact {}",
            leg.event
        );
    }
}
