//! Card pools, implied cards and findings as people read them.

use std::fmt::Write as _;

use loopledger_exports::figures::{day, grouped, or_unknown, percent};
use loopledger_views::{
    Findings, Implied, ImpliedCards, PoolFigures, PoolUtilization, RuleBook, Utilization,
};

use super::{table, with_position};

/// Pools, and under each its days where it was asked for them.
pub fn utilization(answer: &Utilization) -> String {
    let headings = [
        "pool",
        "operator",
        "model",
        ">installed h",
        ">lit h",
        ">allocated h",
        ">busy h",
        ">lit/installed",
        ">allocated/lit",
        ">busy/lit",
        ">coverage",
        ">sold P",
        ">physical P",
        "oversold",
    ];
    let rows = answer.pools.iter().flat_map(rows_of);
    with_position(&table(&headings, rows), ["pool", "pools"], answer.pools.len(), answer.position)
}

fn rows_of(pool: &PoolUtilization) -> Vec<Vec<String>> {
    let head = [pool.pool.to_string(), pool.operator.to_string(), pool.model.to_string()];
    let whole = head.into_iter().chain(cells(&pool.figures)).collect();
    let days = pool.days.iter().flatten().map(|day| {
        let head = [format!("  {}", day.day), String::new(), String::new()];
        head.into_iter().chain(cells(&day.figures)).collect()
    });
    [whole].into_iter().chain(days).collect()
}

fn cells(figures: &PoolFigures) -> [String; 11] {
    let ratio = |ratio: &Option<String>| or_unknown(ratio.as_deref(), percent);
    let figure = |figure: &Option<String>| or_unknown(figure.as_deref(), grouped);
    let oversold = match figures.oversold {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    };
    [
        grouped(&figures.installed_card_hours),
        grouped(&figures.lit_card_hours),
        grouped(&figures.allocated_card_hours),
        grouped(&figures.busy_card_hours),
        ratio(&figures.lighting_rate),
        ratio(&figures.allocation_rate),
        ratio(&figures.busy_rate),
        ratio(&figures.coverage),
        figure(&figures.sold_p),
        figure(&figures.physical_p),
        oversold.to_owned(),
    ]
}

pub fn implied(answer: &Implied) -> String {
    let headings = [
        "contract",
        ">declared P",
        "read as",
        "model",
        ">P/card",
        ">cards",
        ">8-card servers",
        "whole",
        "specification",
        "fact",
    ];
    let mut rows = Vec::new();
    for contract in &answer.contracts {
        let declared = contract.declared_p.as_deref();
        let basis = |sparsity: Option<&str>, remark: &str| {
            let precision = contract.precision.map(|precision| precision.to_string());
            format!("{} {}{remark}", precision.unwrap_or_default(), sparsity.unwrap_or_default())
        };
        let head = |read_as: String| {
            vec![contract.contract.to_string(), or_unknown(declared, grouped), read_as]
        };
        let sparsity = contract.sparsity.map(|sparsity| sparsity.to_string());
        let stated = basis(sparsity.as_deref(), "");
        if let Some(reason) = &contract.reason {
            let mut row = head(stated.trim().to_owned());
            row.extend([format!("none: {reason}")]);
            rows.push(row);
        }
        for cards in &contract.implied {
            rows.push(head(stated.clone()).into_iter().chain(implied_cells(cards)).collect());
        }
        if let Some(other) = &contract.other_reading {
            let read_as = basis(Some(other.sparsity.name()), ", were it so");
            for cards in &other.implied {
                rows.push(head(read_as.clone()).into_iter().chain(implied_cells(cards)).collect());
            }
        }
    }
    let count = answer.contracts.len();
    with_position(&table(&headings, rows), ["contract", "contracts"], count, answer.position)
}

fn implied_cells(cards: &ImpliedCards) -> [String; 7] {
    let whole = match (&cards.whole_servers, cards.whole_cards) {
        (Some(servers), _) => format!("{servers} x {} P", cards.server_p),
        (None, true) => "cards".to_owned(),
        (None, false) => String::new(),
    };
    let source = cards.source.as_ref().map(ToString::to_string).unwrap_or_default();
    [
        cards.model.to_string(),
        cards.p_per_card.clone(),
        grouped(&cards.cards),
        grouped(&cards.servers),
        whole,
        format!("{} {source}", day(cards.from)),
        cards.spec.to_string(),
    ]
}

pub fn findings(answer: &Findings) -> String {
    let mut text = String::new();
    for finding in &answer.findings {
        let facts: Vec<String> = finding.facts.iter().map(ToString::to_string).collect();
        let (rule, version, at) = (finding.rule, finding.version, day(finding.at));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{at}  {rule}, version {version}: {}", finding.subject);
        let _ = writeln!(text, "  {}", finding.text);
        let _ = writeln!(text, "  facts {}\n", facts.join(" "));
    }
    let (count, position) = (answer.findings.len(), answer.position);
    let what = if count == 1 { "finding" } else { "findings" };
    let _ = write!(text, "{count} {what} by rule set {}, position {position}", answer.rule_set);
    text
}

pub fn rules(book: &RuleBook) -> String {
    let mut text = format!("rule set {}\n", book.rule_set);
    for rule in &book.rules {
        let figures = rule.parameters.iter().map(|(name, figure)| format!("{name} {figure}"));
        let figures = figures.collect::<Vec<_>>().join(", ");
        let _ = write!(text, "\n{}, version {}: {figures}\n", rule.rule, rule.version);
        let _ = writeln!(text, "  {}", rule.about);
    }
    text.truncate(text.trim_end().len());
    text
}
