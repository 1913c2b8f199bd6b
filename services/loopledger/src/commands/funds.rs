//! What fund managers and their partners ask.

use std::process::ExitCode;

use anyhow::Context as _;
use jiff::Timestamp;
use loopledger_model::{PartyId, Period};

use super::{UNREADABLE, query_ledger, seen};
use crate::args::{StackArgs, ViewArgs};
use crate::stack::Stack;
use crate::tables;

pub(super) async fn fund(
    args: &StackArgs,
    fund: PartyId,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask = async |stack: &Stack| {
        let known = stack.views.fund(&fund, seen(view.seen)).await?;
        known.with_context(|| format!("no fund {fund} was known then"))
    };
    query_ledger(args, view, ask, tables::fund).await
}

pub(super) async fn account(
    args: &StackArgs,
    (fund, lp): (PartyId, PartyId),
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let period = from.zip(to).map(|(from, to)| Period::new(from, to)).transpose();
    let period = match period {
        Ok(period) => period,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(ExitCode::from(UNREADABLE));
        }
    };
    let ask = async |stack: &Stack| {
        let known = stack.views.lp_account((&fund, &lp), period, seen(view.seen)).await?;
        known.with_context(|| format!("{lp} had no commitment to a fund {fund} then"))
    };
    query_ledger(args, view, ask, tables::account).await
}
