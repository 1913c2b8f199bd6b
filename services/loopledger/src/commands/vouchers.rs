//! What programme offices and providers ask: vouchers, programmes, claims, statements.

use std::process::ExitCode;

use anyhow::Context as _;
use loopledger_model::{PartyId, Period, ProgrammeId};
use loopledger_views::ClaimQuery;

use super::{query_ledger, seen};
use crate::args::{StackArgs, ViewArgs};
use crate::stack::Stack;
use crate::tables;

pub(super) async fn vouchers(
    args: &StackArgs,
    programme: Option<ProgrammeId>,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask =
        async |stack: &Stack| Ok(stack.views.vouchers(programme.as_ref(), seen(view)).await?);
    query_ledger(args, view, ask, tables::vouchers).await
}

pub(super) async fn programme(
    args: &StackArgs,
    id: ProgrammeId,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask = async |stack: &Stack| {
        let known = stack.views.programme(&id, seen(view)).await?;
        known.with_context(|| format!("no programme {id} was known then"))
    };
    query_ledger(args, view, ask, tables::programme).await
}

pub(super) async fn claims(
    args: &StackArgs,
    query: ClaimQuery,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask = async |stack: &Stack| Ok(stack.views.claims(&query, seen(view)).await?);
    query_ledger(args, view, ask, tables::claims).await
}

pub(super) async fn statement(
    args: &StackArgs,
    provider: PartyId,
    period: Period,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask =
        async |stack: &Stack| Ok(stack.views.statement(&provider, period, seen(view)).await?);
    query_ledger(args, view, ask, tables::statement).await
}
