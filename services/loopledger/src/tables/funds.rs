//! Funds and capital accounts as people read them.

use loopledger_exports::figures::{day, grouped, or_unknown, percent};
use loopledger_views::{CapitalAccount, Costs, EntryKind, FundReport, Irr, IrrStatus, LpAccount};

use super::table;

pub fn fund(answer: &FundReport) -> String {
    let headings = [
        "partner",
        ">committed",
        ">paid in",
        ">unfunded",
        ">paid back",
        ">DPI",
        ">IRR",
        "priority",
    ];
    let partners = answer.partners.iter().map(|partner| {
        vec![
            partner.lp.to_string(),
            grouped(&partner.committed),
            grouped(&partner.contributed),
            grouped(&partner.unfunded),
            grouped(&partner.distributed),
            multiple(partner.dpi.as_ref()),
            rate(&partner.irr),
            if partner.priority_supplier { "supplier" } else { "" }.to_owned(),
        ]
    });
    let all = vec![
        "all".to_owned(),
        grouped(&answer.committed),
        grouped(&answer.contributed),
        grouped(&answer.unfunded),
        grouped(&answer.distributed),
        multiple(answer.dpi.as_ref()),
        rate(&answer.irr),
        String::new(),
    ];
    let partners = table(&headings, partners.chain([all]));
    let investments = answer.investments.iter().map(|made| {
        vec![
            day(made.at),
            made.investment.clone(),
            made.into.to_string(),
            grouped(&made.amount),
            made.stake_percent.map_or_else(String::new, |stake| format!("{stake} %")),
            grouped(&made.cost_left),
            grouped(&made.proceeds),
            or_unknown(made.value.as_ref().map(|value| value.amount.as_str()), grouped),
            made.event.to_string(),
        ]
    });
    let columns = [
        "at",
        "investment",
        "into",
        ">amount",
        ">stake",
        ">cost left",
        ">brought",
        ">value",
        "fact",
    ];
    let investments = table(&columns, investments);
    format!(
        "{}, managed by {}, formed {}\n\n{partners}\n\n{investments}\n\n{}\n{} {} invested, {} in cash; \
         position {}",
        answer.fund,
        answer.manager,
        day(answer.formed_at),
        worth(answer) + &reinvested(answer) + &costs(&answer.costs) + &borrowed(answer),
        grouped(&answer.invested),
        answer.currency,
        grouped(&answer.cash),
        answer.position,
    )
}

fn reinvested(answer: &FundReport) -> String {
    let Some(told) = &answer.reinvestment else { return String::new() };
    format!(
        "\nreinvested {} of {} that governments paid in ({}); without loop purchases {} ({})",
        grouped(&told.recognised),
        grouped(&told.government_contributed),
        multiple(told.ratio.as_ref()),
        grouped(&told.recognised_without_loops),
        multiple(told.ratio_without_loops.as_ref()),
    )
}

fn costs(told: &Costs) -> String {
    format!(
        "\nfees {} accrued, {} paid; expenses {}, {} of it to related parties; carry {}",
        grouped(&told.fees_accrued),
        grouped(&told.fees_paid),
        grouped(&told.expenses),
        grouped(&told.expenses_to_related_parties),
        grouped(&told.carry),
    )
}

fn borrowed(answer: &FundReport) -> String {
    let Some(line) = &answer.line else { return String::new() };
    format!(
        "\ndrawn on a line {}, repaid {}, interest {}; without it DPI {}, IRR {}",
        grouped(&line.drawn),
        grouped(&line.repaid),
        grouped(&line.interest),
        multiple(line.without_line.dpi.as_ref()),
        rate(&line.without_line.irr),
    )
}

fn worth(answer: &FundReport) -> String {
    let Some(nav) = &answer.nav else { return "no NAV is struck".to_owned() };
    let before: Vec<String> = answer.restated.iter().map(|nav| grouped(&nav.amount)).collect();
    let restated =
        if before.is_empty() { String::new() } else { format!(", before {}", before.join(", ")) };
    format!(
        "NAV {} of {} (struck {}{restated}): RVPI {}, TVPI {}, IRR with it {}",
        grouped(&nav.amount),
        day(nav.as_of),
        day(nav.struck_at),
        multiple(answer.rvpi.as_ref()),
        multiple(answer.tvpi.as_ref()),
        answer.irr_with_nav.as_ref().map_or_else(String::new, rate),
    )
}

fn multiple(ratio: Option<&String>) -> String {
    or_unknown(ratio.map(String::as_str), str::to_owned)
}

fn rate(irr: &Irr) -> String {
    match (&irr.rate, irr.status) {
        (Some(rate), _) => percent(rate),
        (None, IrrStatus::None) => "none".to_owned(),
        (None, IrrStatus::Many) => format!("{} rates", irr.rates.len()),
        (None, IrrStatus::One | IrrStatus::Undetermined) => "undetermined".to_owned(),
    }
}

pub fn account(answer: &LpAccount) -> String {
    let headings =
        ["", ">opening", ">committed", ">paid in", ">paid back", ">closing", ">part of NAV", ""];
    let sums = |name: String, account: &CapitalAccount| {
        vec![
            name,
            grouped(&account.opening),
            grouped(&account.commitments),
            grouped(&account.contributions),
            grouped(&account.distributions),
            grouped(&account.closing),
            account.nav.as_ref().map_or_else(String::new, |nav| grouped(&nav.amount)),
            answer.currency.to_string(),
        ]
    };
    let period = answer.period.as_ref().map(|account| {
        let to = account.to.map_or_else(String::new, day);
        sums(format!("{} to {to}", day(account.from)), account)
    });
    let all = sums("since inception".to_owned(), &answer.since_inception);
    let summed = table(&headings, period.into_iter().chain([all]));
    let entries = answer.entries.iter().map(|entry| {
        let kind = match entry.kind {
            EntryKind::Commitment => "commitment",
            EntryKind::CommitmentIncrease => "committed more",
            EntryKind::CommitmentReduction => "committed less",
            EntryKind::TransferIn => "came over",
            EntryKind::TransferOut => "went over",
            EntryKind::Contribution => "paid in",
            EntryKind::Recall => "recalled",
            EntryKind::ExcessReturn => "excess back",
            EntryKind::Distribution => "paid back",
        };
        vec![
            day(entry.at),
            kind.to_owned(),
            entry.id.clone(),
            grouped(&entry.amount),
            grouped(&entry.unfunded),
            grouped(&entry.balance),
            entry.event.to_string(),
        ]
    });
    let columns = ["at", "", "id", ">amount", ">unfunded", ">balance", "fact"];
    let entries = table(&columns, entries);
    format!(
        "{} in {}: {} {} committed, {} unfunded\n\n{summed}\n\n{entries}\nposition {}",
        answer.lp,
        answer.fund,
        grouped(&answer.committed),
        answer.currency,
        grouped(&answer.unfunded),
        answer.position,
    )
}
