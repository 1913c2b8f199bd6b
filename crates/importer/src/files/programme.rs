//! Rows of voucher: programmes with their versions and stages, admitted providers, waivers.
//!
//! Invariant: where a row names a file with a programme's rules, whatever the row states itself
//! agrees with it.

use std::path::{Component, Path};

use jiff::Timestamp;
use loopledger_model::voucher::{
    Admission, AdmissionApplication, ApproveWaiver, ChangeAdmission, ChangeProgramme, Command,
    Programme, Qualification, Rules, SettlementRules,
};
use loopledger_model::{Currency, Rounding, RoundingMode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Cells, Draft, whole};

/// No programme's rules are longer, in bytes.
const LONGEST: u64 = 1 << 20;

pub(super) fn programme(row: &mut Cells<'_>) -> Option<Draft> {
    let priced_in = row.currency();
    let stated = whole!(Programme {
        id: row.one("id"),
        version: Some(1),
        issuer: row.one("issuer"),
        name: row.one("name"),
        currency: priced_in,
        budget: row.money("budget", priced_in),
        budgets: Some(Vec::new()),
        funding: Some(Vec::new()),
        at: row.one("opens"),
        closes: row.one("closes"),
        rules: rules(row, priced_in),
    });
    let drafted = row.maybe::<bool>("drafted");
    let programme = match file(row)? {
        None => stated?,
        Some(written) => agreeing(row, &stated?, written)?,
    };
    let command = if drafted?.unwrap_or_default() {
        Command::DraftProgramme
    } else {
        Command::DefineProgramme
    };
    Some(Draft::definition(programme.at, command(programme)))
}

fn rules(row: &mut Cells<'_>, currency: Option<Currency>) -> Option<Rules> {
    whole!(Rules {
        ratio: row.one("ratio"),
        cap_voucher: row.maybe_money("cap_voucher", currency),
        cap_holder_year: row.maybe_money("cap_holder_year", currency),
        validity_days: row.maybe("validity_days"),
        affiliation: row.one("affiliation"),
        affiliation_percent: row.maybe("affiliation_percent"),
        funding_link_months: row.maybe("funding_link_months"),
        metering_required: row.maybe("metering_required").map(Option::unwrap_or_default),
        rounding: rounding(row, currency),
        amount: Some(Box::default()),
        eligibility: Some(Box::default()),
        settlement: Some(SettlementRules::default()),
        application_review: Some(None),
        claim_review: Some(None),
        waiver: Some(None),
        clawback: Some(None),
    })
}

fn rounding(row: &mut Cells<'_>, currency: Option<Currency>) -> Option<Rounding> {
    let digits = row.maybe("rounding_digits");
    let mode = row.maybe("rounding_mode");
    let exponent = currency?.exponent();
    Some(Rounding {
        digits: digits?.unwrap_or(exponent),
        mode: mode?.unwrap_or(RoundingMode::Truncate),
    })
}

/// A file of a city: its programme, with whence it comes and examples of what it pays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct City {
    programme: Value,
    #[serde(default, rename = "place")]
    _place: IgnoredAny,
    #[serde(default, rename = "source")]
    _source: IgnoredAny,
    #[serde(default, rename = "note")]
    _note: IgnoredAny,
    #[serde(default, rename = "cases")]
    _cases: IgnoredAny,
}

/// The programme in the file that the column `file` names, if it names one.
fn file(row: &mut Cells<'_>) -> Option<Option<Programme>> {
    if row.is_blank("file") {
        return Some(None);
    }
    let name = row.text("file");
    let path = Path::new(name);
    if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        let reason = format!("`{name}` is outside the bundle: name a file in its folder");
        return row.wrong("file", reason);
    }
    let path = row.known.dir().join(path);
    let text = match std::fs::metadata(&path) {
        Ok(found) if found.len() > LONGEST => {
            return row.wrong("file", format!("`{name}` is longer than {LONGEST} bytes"));
        }
        Ok(_) => std::fs::read_to_string(&path),
        Err(error) => Err(error),
    };
    let text = match text {
        Ok(text) => text,
        Err(error) => return row.wrong("file", format!("`{name}` cannot be read: {error}")),
    };
    match parse(&text) {
        Ok(programme) => Some(Some(programme)),
        Err(error) => row.wrong("file", format!("`{name}` is no programme: {error}")),
    }
}

/// Reads a programme, alone or in a city's file; an error says where, as far as that is known.
fn parse(text: &str) -> Result<Programme, serde_json::Error> {
    let value: Value = serde_json::from_str(text)?;
    if value.get("programme").is_none() {
        return serde_json::from_str(text);
    }
    let City { programme, .. } = serde_json::from_str(text)?;
    serde_json::from_value(programme)
}

/// The written programme, if what the row states is what is written.
fn agreeing(row: &mut Cells<'_>, stated: &Programme, written: Programme) -> Option<Programme> {
    let (ours, theirs) = (&stated.rules, &written.rules);
    let columns = [
        ("id", stated.id == written.id),
        ("file", written.version == 1),
        ("issuer", stated.issuer == written.issuer),
        ("name", stated.name == written.name),
        ("currency", stated.currency == written.currency),
        ("budget", stated.budget == written.budget),
        ("opens", stated.at == written.at),
        ("closes", stated.closes == written.closes),
        ("ratio", ours.ratio == theirs.ratio),
        ("cap_voucher", ours.cap_voucher == theirs.cap_voucher),
        ("cap_holder_year", ours.cap_holder_year == theirs.cap_holder_year),
        ("validity_days", ours.validity_days == theirs.validity_days),
        ("affiliation", ours.affiliation == theirs.affiliation),
        ("affiliation_percent", ours.affiliation_percent == theirs.affiliation_percent),
        ("funding_link_months", ours.funding_link_months == theirs.funding_link_months),
        ("metering_required", ours.metering_required == theirs.metering_required),
        ("rounding_digits", ours.rounding.digits == theirs.rounding.digits),
        ("rounding_mode", ours.rounding.mode == theirs.rounding.mode),
    ];
    let mut agrees = true;
    for (column, same) in columns {
        if !same && !row.is_blank(column) {
            agrees = false;
            let file = row.text("file");
            let reason = if column == "file" {
                format!("`{file}` is version {}: a first version is needed here", written.version)
            } else {
                format!("`{}` is not what `{file}` says: make them agree", row.text(column))
            };
            row.wrong::<()>(column, reason);
        }
    }
    agrees.then_some(written)
}

/// A further version; it takes its place among the rows of the day on which it was drafted.
pub(super) fn version(row: &mut Cells<'_>) -> Option<Draft> {
    let (id, number) = (row.one("programme"), row.one::<u32>("version"));
    let at: Option<Timestamp> = row.one("at");
    if row.is_blank("file") {
        return row.wrong("file", "is blank: it has to be given");
    }
    let written = file(row)??;
    let (id, number) = (id?, number?);
    if written.id != id {
        return row.wrong("programme", format!("the file is of programme `{}`", written.id));
    }
    if written.version != number {
        return row.wrong("version", format!("the file is of version {}", written.version));
    }
    Some(Draft::dated(at?, Command::DraftProgramme(written)))
}

pub(super) fn change(row: &mut Cells<'_>) -> Option<Draft> {
    let change = whole!(ChangeProgramme {
        programme: row.one("programme"),
        version: row.maybe("version").map(|version| version.unwrap_or(1)),
        to: row.one("to"),
        by: row.person(),
        at: row.one("at"),
    })?;
    Some(Draft::dated(change.at, Command::ChangeProgramme(change)))
}

/// What a provider shows of itself; absent where the row says nothing of it.
fn qualification(row: &mut Cells<'_>) -> Option<Option<Qualification>> {
    let stated = whole!(Qualification {
        p: row.maybe("p"),
        racks: row.maybe("racks"),
        connected: row.maybe("connected").map(Option::unwrap_or_default),
        region: row.maybe("region"),
    })?;
    let blank = ["p", "racks", "connected", "region"].iter().all(|column| row.is_blank(column));
    Some((!blank).then_some(stated))
}

pub(super) fn admission_application(row: &mut Cells<'_>) -> Option<Draft> {
    let asked = whole!(AdmissionApplication {
        programme: row.one("programme"),
        provider: row.one("provider"),
        at: row.one("at"),
        qualification: qualification(row),
    })?;
    Some(Draft::dated(asked.at, Command::ApplyForAdmission(asked)))
}

pub(super) fn admission(row: &mut Cells<'_>) -> Option<Draft> {
    let from = row.one("from");
    let admission = whole!(Admission {
        programme: row.one("programme"),
        provider: row.one("provider"),
        at: from,
        to: row.maybe_end(from),
        qualification: qualification(row),
    })?;
    Some(Draft::dated(admission.at, Command::AdmitProvider(admission)))
}

pub(super) fn admission_change(row: &mut Cells<'_>) -> Option<Draft> {
    let change = whole!(ChangeAdmission {
        programme: row.one("programme"),
        provider: row.one("provider"),
        change: row.one("change"),
        by: row.person(),
        at: row.one("at"),
        reason: row.maybe("reason"),
    })?;
    Some(Draft::dated(change.at, Command::ChangeAdmission(change)))
}

pub(super) fn waiver(row: &mut Cells<'_>) -> Option<Draft> {
    let waiver = whole!(ApproveWaiver {
        programme: row.one("programme"),
        contract: row.one("contract"),
        by: row.person(),
        reason: row.one("reason"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(waiver.at, Command::ApproveWaiver(waiver)))
}
