//! What supervisors ask: how cards were used, which cards stand behind P, what the rules find.

use std::process::ExitCode;

use loopledger_model::{ContractId, Period, PoolId};
use loopledger_views::{ByDay, ContractQuery, FindingQuery, PartyQuery, RuleBook};

use super::{UNREADABLE, print, query_ledger, seen};
use crate::args::{By, StackArgs, ViewArgs};
use crate::stack::Stack;
use crate::tables;

pub(super) async fn utilization(
    args: &StackArgs,
    pool: Option<PoolId>,
    (period, by): (Period, Option<By>),
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let days = match by.map(|By::Day| ByDay::new(period)).transpose() {
        Ok(days) => days,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(ExitCode::from(UNREADABLE));
        }
    };
    let ask = async |stack: &Stack| {
        let (views, pool) = (&stack.views, pool.as_ref());
        Ok(match days {
            Some(days) => views.utilization_by_day(pool, days, seen(view)).await?,
            None => views.utilization(pool, period, seen(view)).await?,
        })
    };
    query_ledger(args, view, ask, tables::utilization).await
}

pub(super) async fn implied(
    args: &StackArgs,
    contract: Option<ContractId>,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask = async |stack: &Stack| Ok(stack.views.implied(contract.as_ref(), seen(view)).await?);
    query_ledger(args, view, ask, tables::implied).await
}

/// One party in full, or everybody in a line each.
pub(super) async fn party(
    args: &StackArgs,
    query: PartyQuery,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let shown = if query.party.is_some() { tables::party } else { tables::parties };
    let ask = async |stack: &Stack| Ok(stack.views.parties(&query, seen(view)).await?);
    query_ledger(args, view, ask, shown).await
}

pub(super) async fn contracts(
    args: &StackArgs,
    query: ContractQuery,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask = async |stack: &Stack| Ok(stack.views.contracts(&query, seen(view)).await?);
    query_ledger(args, view, ask, tables::contracts).await
}

pub(super) async fn findings(
    args: &StackArgs,
    query: FindingQuery,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask = async |stack: &Stack| Ok(stack.views.findings(&query, seen(view)).await?);
    query_ledger(args, view, ask, tables::findings).await
}

pub(super) fn rules(view: ViewArgs) -> anyhow::Result<ExitCode> {
    let book = RuleBook::in_force();
    print(&if view.json { serde_json::to_string(&book)? } else { tables::rules(&book) })?;
    Ok(ExitCode::SUCCESS)
}
