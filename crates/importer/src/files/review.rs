//! Rows of voucher: the steps of reviews, and the evidence that is laid before reviewers.
//!
//! Invariant: every row of evidence belongs to one submission or one `supply` step of the bundle.

use jiff::Timestamp;
use loopledger_model::voucher::{
    Command, Evidence, RejectionCode, RejectionReason, Review, ReviewStep, Subject,
};
use loopledger_model::{Text, parse_instant};

use crate::cells::{Cell, named};
use crate::problem::Problems;

use super::{Cells, Draft, whole};

/// The steps as they are written in a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Check,
    RequestInformation,
    Supply,
    Verify,
    Publicise,
    Object,
    Approve,
    Reject,
    Withdraw,
    Appeal,
    Close,
}

impl Cell for Taken {
    fn read(text: &str) -> Result<Self, String> {
        named(
            text,
            &[
                ("check", Self::Check),
                ("request_information", Self::RequestInformation),
                ("supply", Self::Supply),
                ("verify", Self::Verify),
                ("publicise", Self::Publicise),
                ("object", Self::Object),
                ("approve", Self::Approve),
                ("reject", Self::Reject),
                ("withdraw", Self::Withdraw),
                ("appeal", Self::Appeal),
                ("close", Self::Close),
            ],
        )
    }
}

impl Taken {
    /// The columns beside the usual ones that mean something to it.
    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::RequestInformation | Self::Object | Self::Appeal => &["note"],
            Self::Approve => &["amount"],
            Self::Reject => &["reasons"],
            Self::Check
            | Self::Supply
            | Self::Verify
            | Self::Publicise
            | Self::Withdraw
            | Self::Close => &[],
        }
    }
}

pub(super) fn application(row: &mut Cells<'_>) -> Option<Draft> {
    let subject = row.one("application").map(Subject::Application);
    review(row, "application", subject)
}

pub(super) fn claim(row: &mut Cells<'_>) -> Option<Draft> {
    let subject = row.one("claim").map(Subject::Claim);
    review(row, "claim", subject)
}

fn review(row: &mut Cells<'_>, of: &'static str, subject: Option<Subject>) -> Option<Draft> {
    let at = row.one("at");
    let (step, by) = (step(row, of, at), row.person());
    let review = Review { subject: subject?, step: step?, by: by?, at: at? };
    Some(Draft::dated(review.at, Command::Review(review)))
}

fn step(row: &mut Cells<'_>, of: &'static str, at: Option<Timestamp>) -> Option<ReviewStep> {
    let taken: Taken = row.one("step")?;
    for column in ["amount", "reasons", "note"] {
        if !taken.columns().contains(&column) && !row.is_blank(column) {
            let step = row.text("step");
            return row.wrong(column, format!("means nothing to `{step}`: leave it blank"));
        }
    }
    Some(match taken {
        Taken::Check => ReviewStep::Check {},
        Taken::RequestInformation => ReviewStep::RequestInformation { question: row.one("note")? },
        Taken::Supply => ReviewStep::Supply { evidence: evidence_of(row, of, of, Some(at?))? },
        Taken::Verify => ReviewStep::Verify {},
        Taken::Publicise => ReviewStep::Publicise {},
        Taken::Object => ReviewStep::Object { reason: row.one("note")? },
        Taken::Approve => ReviewStep::Approve { amount: amount(row)? },
        Taken::Reject => ReviewStep::Reject { reasons: reasons(row)? },
        Taken::Withdraw => ReviewStep::Withdraw {},
        Taken::Appeal => ReviewStep::Appeal { reason: row.one("note")? },
        Taken::Close => ReviewStep::Close {},
    })
}

fn amount(row: &mut Cells<'_>) -> Option<Option<loopledger_model::Money>> {
    let currency = if row.is_blank("amount") { None } else { row.currency() };
    row.maybe_money("amount", currency)
}

/// Reasons apart by semicolons, each a code with a note of its own, if any, as in
/// `ineligible; other: not lit`.
fn reasons(row: &mut Cells<'_>) -> Option<Vec<RejectionReason>> {
    let stated = row.text("reasons").split(';').map(str::trim).filter(|part| !part.is_empty());
    let read = |part: &str| {
        let (code, note) = part.split_once(':').map_or((part, None), |(code, note)| {
            let note = Some(note.trim()).filter(|note| !note.is_empty());
            (code.trim(), note)
        });
        let code: RejectionCode =
            code.parse().map_err(|error: loopledger_model::NotAName| error.to_string())?;
        let note = note.map(Text::read).transpose()?;
        Ok(RejectionReason { code, note })
    };
    let all: Result<Vec<_>, String> = stated.map(read).collect();
    all.map_or_else(|reason| row.wrong("reasons", reason), Some)
}

/// The evidence that the bundle has for the row's application or claim: laid with its submission,
/// or supplied then. What of it cannot be read is told where it stands.
pub(super) fn evidence_of(
    row: &Cells<'_>,
    subject: &'static str,
    column: &str,
    supplied_at: Option<Timestamp>,
) -> Option<Vec<Evidence>> {
    let mut found = Vec::new();
    for (sheet, record) in row.known.evidence(subject, row.text(column)) {
        let mut told_there = Problems::default();
        let mut cells = Cells { sheet, record, known: row.known, problems: &mut told_there };
        if cells.maybe("supplied_at")? == supplied_at {
            let piece = piece(&mut cells)?;
            if !found.contains(&piece) {
                found.push(piece);
            }
        }
    }
    Some(found)
}

fn piece(row: &mut Cells<'_>) -> Option<Evidence> {
    whole!(Evidence {
        kind: row.one("kind"),
        sha256: row.one("sha256"),
        size: row.one("size"),
        number: row.maybe("number"),
    })
}

/// A part of the submission or of the `supply` step that it names.
pub(super) fn evidence(row: &mut Cells<'_>) -> Option<Draft> {
    let piece = piece(row);
    let supplied_at: Option<Option<Timestamp>> = row.maybe("supplied_at");
    let subject = match (row.is_blank("application"), row.is_blank("claim")) {
        (false, true) => "application",
        (true, false) => "claim",
        (true, true) => return row.wrong("claim", "is blank as application is: give one of them"),
        (false, false) => {
            return row.wrong("claim", "is given as application is: give one of them");
        }
    };
    let id = row.text(subject);
    match supplied_at? {
        None if !row.known.has(subject, id) => {
            let reason = format!("`{id}` is not in {subject}s.csv: add it there");
            row.wrong(subject, reason)
        }
        Some(at) if !is_supplied(row, subject, id, at) => {
            let reason = format!("{subject}_reviews.csv has no step `supply` of `{id}` then");
            row.wrong("supplied_at", reason)
        }
        None | Some(_) => {
            piece?;
            Some(Draft::part())
        }
    }
}

fn is_supplied(row: &Cells<'_>, subject: &'static str, id: &str, at: Timestamp) -> bool {
    row.known.reviews(subject, id).iter().any(|(sheet, record)| {
        sheet.cell(record, "step") == "supply"
            && parse_instant(sheet.cell(record, "at")).is_ok_and(|then| then == at)
    })
}
