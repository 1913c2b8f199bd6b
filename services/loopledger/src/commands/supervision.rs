//! What supervisors ask: where money went, who owns whom, what became of contracts, how cards were used, which cards stand behind P, what the rules find.

use std::process::ExitCode;

use jiff::Timestamp;
use loopledger_model::{ContractId, Currency, PartyId, Percent, PoolId};
use loopledger_service::clock;
use loopledger_views::{
    ByDay, ContractQuery, FindingQuery, FlowQuery, Level, LoopQuery, OwnerQuery, RuleBook,
};

use super::{UNREADABLE, period, print_answer, query_ledger, seen};
use crate::args::{AnswerFormat, By, ContractArgs, StackArgs, ViewArgs};
use crate::stack::Stack;
use crate::tables;

pub(super) async fn utilization(
    args: &StackArgs,
    pool: Option<PoolId>,
    (from, to, by): (Timestamp, Timestamp, Option<By>),
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let Some(period) = period(from, to) else { return Ok(ExitCode::from(UNREADABLE)) };
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
            Some(days) => views.utilization_by_day(pool, days, seen(view.seen)).await?,
            None => views.utilization(pool, period, seen(view.seen)).await?,
        })
    };
    query_ledger(args, view, ask, tables::utilization).await
}

pub(super) async fn pools(
    args: &StackArgs,
    pool: Option<PoolId>,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask = async |stack: &Stack| Ok(stack.views.pools(pool.as_ref(), seen(view.seen)).await?);
    query_ledger(args, view, ask, tables::pools).await
}

pub(super) async fn reservations(
    args: &StackArgs,
    pool: Option<PoolId>,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask =
        async |stack: &Stack| Ok(stack.views.reservations(pool.as_ref(), seen(view.seen)).await?);
    query_ledger(args, view, ask, tables::reservations).await
}

pub(super) async fn implied(
    args: &StackArgs,
    contract: Option<ContractId>,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask =
        async |stack: &Stack| Ok(stack.views.implied(contract.as_ref(), seen(view.seen)).await?);
    query_ledger(args, view, ask, tables::implied).await
}

pub(super) async fn loops(
    args: &StackArgs,
    (party, currency, level): (Option<PartyId>, Option<Currency>, Level),
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    // The table shows none.
    let without_flows = view.form.format() == AnswerFormat::Table;
    let query = LoopQuery { party, currency, level, part: None, without_flows };
    let ask = async |stack: &Stack| Ok(stack.views.loops(&query, seen(view.seen)).await?);
    query_ledger(args, view, ask, tables::loops).await
}

pub(super) async fn flows(
    args: &StackArgs,
    query: FlowQuery,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask = async |stack: &Stack| Ok(stack.views.flows(&query, seen(view.seen)).await?);
    query_ledger(args, view, ask, tables::flows).await
}

pub(super) async fn owners(
    args: &StackArgs,
    party: PartyId,
    threshold: Percent,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let at = view.seen.as_of.unwrap_or_else(clock::now);
    let query = OwnerQuery { party, at, threshold };
    let ask = async |stack: &Stack| Ok(stack.views.owners(&query, seen(view.seen)).await?);
    query_ledger(args, view, ask, tables::owners).await
}

pub(super) async fn contracts(args: &StackArgs, asked: ContractArgs) -> anyhow::Result<ExitCode> {
    let ContractArgs { contract, party, view } = asked;
    let query = ContractQuery { contract, party };
    let ask = async |stack: &Stack| Ok(stack.views.contracts(&query, seen(view.seen)).await?);
    query_ledger(args, view, ask, tables::contracts).await
}

pub(super) async fn prices(args: &StackArgs, asked: ContractArgs) -> anyhow::Result<ExitCode> {
    let ContractArgs { contract, party, view } = asked;
    let query = ContractQuery { contract, party };
    let ask = async |stack: &Stack| Ok(stack.views.price_tests(&query, seen(view.seen)).await?);
    query_ledger(args, view, ask, tables::prices).await
}

pub(super) async fn findings(
    args: &StackArgs,
    query: FindingQuery,
    view: ViewArgs,
) -> anyhow::Result<ExitCode> {
    let ask = async |stack: &Stack| Ok(stack.views.findings(&query, seen(view.seen)).await?);
    query_ledger(args, view, ask, tables::findings).await
}

pub(super) fn rules(view: ViewArgs) -> anyhow::Result<ExitCode> {
    let book = RuleBook::in_force();
    print_answer(&book, view.form.format(), tables::rules)?;
    Ok(ExitCode::SUCCESS)
}
