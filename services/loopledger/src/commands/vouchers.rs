//! What programme offices and providers ask: vouchers, programmes, claims, statements.

use std::process::ExitCode;

use anyhow::Context as _;
use jiff::Timestamp;
use loopledger_gateway::expiry::Expired;
use loopledger_model::{PartyId, ProgrammeId};
use loopledger_service::clock;
use loopledger_views::ClaimQuery;

use super::{UNREADABLE, period, print, query_ledger, seen};
use crate::args::{StackArgs, ViewArgs};
use crate::stack::Stack;
use crate::tables;

/// The ledger's rules said no.
const REFUSED: u8 = 3;

pub(super) async fn vouchers(
    args: &StackArgs,
    programme: Option<ProgrammeId>,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask =
        async |stack: &Stack| Ok(stack.views.vouchers(programme.as_ref(), seen(view.seen)).await?);
    query_ledger(args, view, ask, tables::vouchers).await
}

pub(super) async fn programme(
    args: &StackArgs,
    id: ProgrammeId,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask = async |stack: &Stack| {
        let known = stack.views.programme(&id, seen(view.seen)).await?;
        known.with_context(|| format!("no programme {id} was known then"))
    };
    query_ledger(args, view, ask, tables::programme).await
}

pub(super) async fn claims(
    args: &StackArgs,
    query: ClaimQuery,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask = async |stack: &Stack| Ok(stack.views.claims(&query, seen(view.seen)).await?);
    query_ledger(args, view, ask, tables::claims).await
}

/// Ends what is overdue, and waits until the views show it.
pub(super) async fn expire(
    args: &StackArgs,
    at: Option<Timestamp>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let mut stack = Stack::reach(args).await?;
    let expired = end_overdue(&mut stack, at.unwrap_or_else(clock::now)).await;
    stack.close().await;
    let expired = expired?;
    print(&if json { serde_json::to_string(&expired)? } else { tables::expired(&expired) })?;
    let all = expired.refused.is_empty() && expired.refused_reservations.is_empty();
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

async fn end_overdue(stack: &mut Stack, at: Timestamp) -> anyhow::Result<Expired> {
    stack.fresh_views().await?;
    let timer = stack.timer();
    let expired = stack.guard(timer.expire(at)).await?;
    stack.fresh_views().await?;
    Ok(expired)
}

pub(super) async fn statement(
    args: &StackArgs,
    provider: PartyId,
    (from, to): (Timestamp, Timestamp),
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let Some(period) = period(from, to) else { return Ok(ExitCode::from(UNREADABLE)) };
    let ask =
        async |stack: &Stack| Ok(stack.views.statement(&provider, period, seen(view.seen)).await?);
    query_ledger(args, view, ask, tables::statement).await
}
