//! What a regulator asks, of the store as it was filled or rebuilt: one asker, one question after the other.
//!
//! Invariant: an answer counts only if it has something in it.

use std::fmt::Write as _;
use std::future::Future;
use std::time::{Duration, Instant};

use loopledger_model::Period;
use loopledger_testkit::history::Shape;
use loopledger_testkit::{at, id};
use loopledger_views::{As, Error, FlowKind, FlowQuery, LoopPart, LoopQuery, Schema, Views};

use super::{Plan, Store, percentile};

const WARM_UP: u32 = 5;

pub async fn measure(plan: &Plan, store: &Store) -> anyhow::Result<String> {
    let views = &Views::new(&store.deps.database, Schema::default(), 2);
    let mut report = format!(
        "\n## A regulator's queries on {} events\n\n\
         One asker, after {WARM_UP} questions that do not count, the asked party, pool and week another each time.\n\n\
         | query | asked | rows of an answer | p50 ms | p99 ms | longest ms |\n|---|---:|---:|---:|---:|---:|\n",
        store.history.events(),
    );
    let Shape { providers, companies, .. } = Shape::default();
    let (companies, providers) = (companies as u32, providers as u32);
    let flows =
        |query: FlowQuery| async move { Ok(views.flows(&query, As::default()).await?.flows.len()) };
    let loops =
        |query: LoopQuery| async move { Ok(views.loops(&query, As::default()).await?.loops.len()) };
    let asked = plan.queries;
    let line = ask("flows of a company", asked, |n| {
        flows(FlowQuery {
            party: Some(id(&format!("company-{}", n % companies))),
            ..Default::default()
        })
    });
    report += &line.await?;
    let line = ask("voucher payments of a week to a provider", asked, |n| {
        let week = week(n);
        flows(FlowQuery {
            party: Some(id(&format!("provider-{}", n % providers))),
            kind: Some(FlowKind::VoucherPayment),
            from: Some(week.from()),
            to: Some(week.to()),
            part: None,
        })
    });
    report += &line.await?;
    let figures = || LoopQuery { without_flows: true, ..Default::default() };
    report += &ask("figures of all loops", asked, |_| loops(figures())).await?;
    report +=
        &ask("all loops with all their flows", asked / 5, |_| loops(LoopQuery::default())).await?;
    let line = ask("the first 10 loops", asked, |_| {
        let part = Some(LoopPart { most: 10, from: None });
        loops(LoopQuery { part, ..Default::default() })
    });
    report += &line.await?;
    let line = ask("loops of a provider", asked, |n| {
        loops(LoopQuery {
            party: Some(id(&format!("provider-{}", n % providers))),
            ..Default::default()
        })
    });
    report += &line.await?;
    let line = ask("utilization of a pool, a week", asked, |n| async move {
        let pool = id(&format!("pool-{}", n % providers));
        Ok(views.utilization(Some(&pool), week(n), As::default()).await?.pools.len())
    });
    report += &line.await?;
    let line = ask("utilization of all pools, a week", asked / 5, |n| async move {
        Ok(views.utilization(None, week(n), As::default()).await?.pools.len())
    });
    report += &line.await?;
    Ok(report)
}

/// One of ten weeks that begin with the history.
fn week(n: u32) -> Period {
    let day = |day: u32| at(&format!("2025-01-{day:02}"));
    Period::new(day(2 + n % 10), day(9 + n % 10)).expect("a week")
}

async fn ask<F: Future<Output = Result<usize, Error>>>(
    what: &str,
    times: u32,
    mut question: impl FnMut(u32) -> F,
) -> anyhow::Result<String> {
    eprintln!("queries: {what}");
    let (mut took, mut rows): (Vec<Duration>, usize) = (Vec::new(), 0);
    for n in 0..WARM_UP + times {
        let start = Instant::now();
        let found = question(n).await?;
        if n >= WARM_UP {
            took.push(start.elapsed());
            rows += found;
        }
    }
    anyhow::ensure!(rows > 0, "{what}: nothing was found");
    took.sort();
    let mut line = String::new();
    let [middle, most, longest] = [50, 99, 100].map(|percent| percentile(&took, percent));
    let each = rows / took.len();
    writeln!(
        line,
        "| {what} | {} | {each} | {middle:.2} | {most:.2} | {longest:.2} |",
        took.len()
    )?;
    Ok(line)
}
