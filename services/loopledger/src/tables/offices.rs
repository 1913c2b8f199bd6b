//! Reviews, caps of groups and registered parties as tables.

use loopledger_exports::figures::{day, grouped, or_unknown};
use loopledger_views::{Caps, GroupCap, Registered, RegisteredParty, ReviewTold, Reviews};

use super::{table, with_position};

pub fn reviews(answer: &Reviews) -> String {
    let headings = [
        "",
        "id",
        "programme",
        ">version",
        "step",
        "by",
        "of",
        "at",
        "stage",
        "steps before",
        "says",
    ];
    let row = |told: &ReviewTold| {
        let own = if told.by_applicant { "its applicant " } else { "" };
        let by = if told.automatic { "the rules".to_owned() } else { told.by.to_string() };
        vec![
            told.kind.to_owned(),
            told.subject.clone(),
            told.programme.to_string(),
            told.version.to_string(),
            told.step.replace('_', " "),
            by,
            format!("{own}{}", told.of),
            day(told.at),
            told.stage.replace('_', " "),
            told.before.join(", ").replace('_', " "),
            told.note.clone().unwrap_or_default(),
        ]
    };
    let (count, position) = (answer.reviews.len(), answer.position);
    with_position(
        &table(&headings, answer.reviews.iter().map(row)),
        ["step", "steps"],
        count,
        position,
    )
}

pub fn caps(answer: &Caps) -> String {
    let headings = [
        "programme",
        ">year",
        "group",
        "holders",
        ">issued",
        ">redeemed",
        ">cap",
        "of",
        ">above",
        "",
    ];
    let row = |told: &GroupCap| {
        let holders: Vec<String> = told.holders.iter().map(ToString::to_string).collect();
        vec![
            told.programme.to_string(),
            told.year.to_string(),
            told.group.to_string(),
            holders.join(", "),
            grouped(&told.issued),
            grouped(&told.redeemed),
            grouped(&told.cap),
            told.counts.to_string(),
            grouped(&told.above),
            told.currency.to_string(),
        ]
    };
    let (count, position) = (answer.caps.len(), answer.position);
    with_position(
        &table(&headings, answer.caps.iter().map(row)),
        ["group", "groups"],
        count,
        position,
    )
}

pub fn registered(answer: &Registered) -> String {
    let headings = ["party", "name", "kind", "country", "USCC", "LEI", "from", "fact"];
    let row = |told: &RegisteredParty| {
        let text = |value: Option<String>| or_unknown(value.as_deref(), str::to_owned);
        vec![
            told.party.to_string(),
            told.name.to_string(),
            told.kind.to_string(),
            text(told.country.map(|country| country.to_string())),
            text(told.uscc.as_ref().map(ToString::to_string)),
            text(told.lei.as_ref().map(ToString::to_string)),
            day(told.at),
            told.event.to_string(),
        ]
    };
    let (count, position) = (answer.parties.len(), answer.position);
    with_position(
        &table(&headings, answer.parties.iter().map(row)),
        ["party", "parties"],
        count,
        position,
    )
}
