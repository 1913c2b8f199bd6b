//! Programmes, claims and statements as tables.

use std::collections::BTreeMap;

use loopledger_exports::figures::{day, grouped, or_unknown};
use loopledger_gateway::expiry::Expired;
use loopledger_views::{Claim, Claims, Figures, ProgrammeAnswer, Statement, Tally};

use super::{table, with_position};
use crate::commands::claim::{ComesTo, DryRun, Payable};

pub fn programme(answer: &ProgrammeAnswer) -> String {
    let headings = [
        "budget",
        ">authorised",
        ">issued",
        ">locked",
        ">redeemed",
        ">paid",
        ">expired",
        ">revoked",
        ">clawed back",
        ">remaining",
        "",
    ];
    let mut rows = vec![budget("all", &answer.totals, answer)];
    rows.extend(answer.periods.iter().map(|part| {
        let name = format!("{} to {}", day(part.period.from()), day(part.period.to()));
        budget(&name, &part.figures, answer)
    }));
    rows.extend(
        answer
            .sources
            .iter()
            .map(|part| budget(&format!("from {}", part.source), &part.figures, answer)),
    );
    let versions = answer.versions.iter().map(|version| {
        vec![
            version.version.to_string(),
            day(version.drafted_at),
            version.published_at.map_or_else(|| "not yet".to_owned(), day),
            day(version.closes_at),
            version.rules.ratio.to_string(),
            version.rules.affiliation.to_string().replace('_', " "),
            version.rules.settlement.mode.to_string().replace('_', " "),
        ]
    });
    let columns = ["version", "drafted", "published", "closes", ">ratio", "related", "settlement"];
    let versions = table(&columns, versions);
    let stages = format!(
        "{}\n{}",
        tallies("applications", &answer.applications),
        tallies("claims", &answer.claims)
    );
    let (name, stage, position) = (&answer.name, answer.stage, answer.position);
    let budgets = table(&headings, rows);
    format!(
        "{}: {name}, {stage}\n\n{versions}\n\n{budgets}\n\n{stages}\nposition {position}",
        answer.programme
    )
}

fn budget(name: &str, figures: &Figures, answer: &ProgrammeAnswer) -> Vec<String> {
    let known = |figure: &Option<String>| or_unknown(figure.as_deref(), grouped);
    vec![
        name.to_owned(),
        known(&figures.authorised),
        grouped(&figures.issued),
        known(&figures.locked),
        grouped(&figures.redeemed),
        grouped(&figures.paid),
        grouped(&figures.expired),
        grouped(&figures.revoked),
        grouped(&figures.clawed_back),
        known(&figures.remaining),
        answer.currency.to_string(),
    ]
}

fn tallies(of: &str, stages: &BTreeMap<String, Tally>) -> String {
    let told = |(stage, tally): (&String, &Tally)| {
        format!("{} {} ({})", tally.count, stage.replace('_', " "), grouped(&tally.amount))
    };
    let told: Vec<String> = stages.iter().map(told).collect();
    let told = if told.is_empty() { "none".to_owned() } else { told.join(", ") };
    format!("{of}: {told}")
}

pub fn claims(answer: &Claims) -> String {
    listed(&answer.claims, answer.position)
}

pub fn expired(round: &Expired) -> String {
    let amounts: Vec<String> = round
        .amounts
        .iter()
        .map(|sum| format!("{} {}", grouped(&sum.amount().to_string()), sum.currency()))
        .collect();
    let vouchers = if round.vouchers == 1 { "voucher" } else { "vouchers" };
    let mut lines = vec![if round.vouchers == 0 {
        "no voucher expired".to_owned()
    } else {
        format!(
            "{} {vouchers} expired, with {} left on them",
            round.vouchers,
            amounts.join(" and ")
        )
    }];
    lines.extend(
        round
            .refused
            .iter()
            .map(|refused| format!("refused: {} {}", refused.code, refused.message)),
    );
    if round.reservations > 0 {
        let reservations = if round.reservations == 1 { "reservation" } else { "reservations" };
        lines.push(format!("{} {reservations} expired", round.reservations));
    }
    let refused = round.refused_reservations.iter();
    lines.extend(refused.map(|one| format!("refused: {} {}", one.code, one.message)));
    lines.join("\n")
}

pub fn statement(answer: &Statement) -> String {
    let totals: Vec<String> = answer
        .totals
        .iter()
        .map(|total| {
            format!(
                "approved {}, paid {}, open {}, clawed back {} {}",
                grouped(&total.approved),
                grouped(&total.paid),
                grouped(&total.open),
                grouped(&total.recovered),
                total.currency
            )
        })
        .collect();
    let head = format!("{}, {} to {}", answer.provider, day(answer.from), day(answer.to));
    format!("{head}\n{}\n{}", listed(&answer.claims, answer.position), totals.join("\n"))
}

fn listed(claims: &[Claim], position: u64) -> String {
    let headings = [
        "claim",
        "programme",
        "at",
        "payee",
        "stage",
        ">asked",
        ">payable",
        "cut by",
        ">paid",
        ">open",
        "",
        "references",
    ];
    let rows = claims.iter().map(|claim| {
        let cuts: Vec<String> =
            claim.cuts.iter().map(|step| format!("{} {}", step.rule, step.cut)).collect();
        let references: Vec<String> = claim
            .payments
            .iter()
            .filter_map(|paid| Some(paid.reference.as_ref()?.to_string()))
            .collect();
        vec![
            claim.claim.to_string(),
            claim.programme.to_string(),
            day(claim.at),
            claim.payee.to_string(),
            claim.stage.replace('_', " "),
            claim.asked.as_deref().map_or_else(|| "by the rules".to_owned(), grouped),
            grouped(&claim.payable),
            cuts.join(", ").replace('_', " "),
            grouped(&claim.paid),
            grouped(&claim.open),
            claim.currency.to_string(),
            references.join(", "),
        ]
    });
    with_position(&table(&headings, rows), ["claim", "claims"], claims.len(), position)
}

pub fn dry_run(answer: &DryRun) -> String {
    let told = match &answer.comes_to {
        ComesTo::Payable(payable) => rule_by_rule(payable),
        ComesTo::Unchanged => "the claim is there already, and says the same".to_owned(),
        ComesTo::Refused { refusal } => {
            format!("it would be refused ({}): {}", refusal.code, refusal.message)
        }
    };
    format!("{told}\nnothing was recorded; position {}", answer.position)
}

fn rule_by_rule(payable: &Payable) -> String {
    let rows = payable.trace.iter().map(|step| {
        let inputs: Vec<_> =
            step.inputs.iter().map(|(name, input)| format!("{name} {input}")).collect();
        vec![
            step.rule.to_string().replace('_', " "),
            inputs.join(", ").replace('_', " "),
            step.before.clone(),
            step.after.clone(),
            step.cut.clone(),
        ]
    });
    let rules = table(&["rule", "inputs", ">before", ">after", ">cut"], rows);
    let Payable { programme, version, payee, currency, .. } = payable;
    let amount = grouped(&payable.payable);
    let then = if payable.approved_at_once { "at once" } else { "after its review" };
    format!("{rules}\n{amount} {currency} to {payee} {then}, by version {version} of {programme}")
}
