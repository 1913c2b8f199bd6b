//! The bare search for cycles on the Bitcoin OTC trust network against recursive queries of two databases.
//!
//! Invariant: all sides have the edges in memory, numbered in their order, and give the same known counts; anything
//! else stops the benchmark.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use loopledger_loops::{CycleBounds, DatedEdge, count_cycles};
use tokio::io::AsyncWriteExt as _;
use tokio_postgres::NoTls;

const EDGES: &str = include_str!("../../../tests/data/bitcoin_otc.csv");
const WINDOW: i32 = 7 * 24 * 60 * 60;
const HOPS: i32 = 6;
const COUNTS: [(usize, u128); 5] = [(2, 12_071), (3, 689), (4, 650), (5, 571), (6, 573)];

type Counts = BTreeMap<usize, u128>;

pub async fn measure(database: &str, rounds: usize) -> anyhow::Result<String> {
    eprintln!("search: {rounds} rounds of three sides");
    let edges = edges()?;
    let rounds = rounds.max(3);
    let mut sides = vec![("loopledger, `count_cycles`", own(&edges, rounds * 5)?)];
    sides.push(("PostgreSQL, `WITH RECURSIVE`", postgres(database, &edges, rounds).await?));
    let absent = match duckdb(&edges, rounds).await? {
        Ok(times) => {
            sides.push(("DuckDB, `WITH RECURSIVE`", times));
            String::new()
        }
        Err(why) => format!("\nDuckDB was left out: {why}\n"),
    };
    let mut report = format!(
        "\n## Search: cycles of up to {HOPS} hops within 7 days\n\n\
         {} dated edges of the Bitcoin OTC network; every side counts {} cycles, hop by hop the same. Loading the\n\
         edges and building the databases' index is not counted, sorting them is part of the ledger's search.\n\n\
         | side | median ms | fastest ms | times the ledger's |\n|---|---:|---:|---:|\n",
        edges.len(),
        COUNTS.iter().map(|(_, count)| count).sum::<u128>(),
    );
    let median = |times: &[Duration]| times[times.len() / 2].as_secs_f64() * 1000.0;
    let first = median(&sides[0].1);
    for (side, times) in &sides {
        let (middle, fastest) = (median(times), times[0].as_secs_f64() * 1000.0);
        writeln!(report, "| {side} | {middle:.2} | {fastest:.2} | {:.1} |", middle / first)?;
    }
    Ok(report + &absent)
}

/// In the order of their time, then of the list.
fn edges() -> anyhow::Result<Vec<DatedEdge>> {
    let mut edges = Vec::new();
    for line in EDGES.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let cell = |place: usize| cells.get(place).with_context(|| format!("too short: {line}"));
        let (from, to) = (cell(1)?.parse()?, cell(2)?.parse()?);
        edges.push(DatedEdge { from, to, time: cell(4)?.parse()? });
    }
    edges.sort_by_key(|edge| edge.time);
    Ok(edges)
}

fn check(side: &str, counts: &Counts) -> anyhow::Result<()> {
    anyhow::ensure!(*counts == BTreeMap::from(COUNTS), "{side} counts {counts:?}");
    Ok(())
}

fn own(edges: &[DatedEdge], rounds: usize) -> anyhow::Result<Vec<Duration>> {
    let bounds =
        CycleBounds { window: Some(WINDOW.into()), max_hops: Some(usize::try_from(HOPS)?) };
    let mut times = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        let counts = count_cycles(edges, &bounds)?;
        times.push(start.elapsed());
        check("loopledger", &counts.by_hops().collect())?;
    }
    times.sort();
    Ok(times)
}

async fn postgres(
    database: &str,
    edges: &[DatedEdge],
    rounds: usize,
) -> anyhow::Result<Vec<Duration>> {
    let (client, connection) = tokio_postgres::connect(database, NoTls).await?;
    tokio::spawn(connection);
    let columns = |of: fn(&DatedEdge) -> i128| -> anyhow::Result<Vec<i32>> {
        edges.iter().map(|edge| Ok(i32::try_from(of(edge))?)).collect()
    };
    let (from, to) = (columns(|edge| edge.from.into())?, columns(|edge| edge.to.into())?);
    let times = columns(|edge| edge.time)?;
    client.batch_execute("CREATE TEMP TABLE edges (n INT, src INT, dst INT, time INT)").await?;
    let fill = "INSERT INTO edges SELECT row_number() OVER (), * FROM unnest($1::INT[], $2::INT[], $3::INT[])";
    client.execute(fill, &[&from, &to, &times]).await?;
    client.batch_execute("CREATE INDEX ON edges (src, time); ANALYZE edges").await?;
    let query = query("ARRAY[src, dst]", "parties || dst", "dst <> ALL (parties)");
    let mut times = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        let rows = client.query(&query, &[]).await?;
        times.push(start.elapsed());
        let mut counts = Counts::new();
        for row in rows {
            let (hops, count): (i32, i64) = (row.get(0), row.get(1));
            counts.insert(usize::try_from(hops)?, u128::try_from(count)?);
        }
        check("PostgreSQL", &counts)?;
    }
    times.sort();
    Ok(times)
}

/// The same question for both databases, which write lists differently.
fn query(start: &str, longer: &str, is_new: &str) -> String {
    format!(
        "WITH RECURSIVE walks (start, party, first_time, last_time, last, hops, parties) AS (
             SELECT src, dst, time, time, n, 1, {start} FROM edges WHERE src <> dst
             UNION ALL
             SELECT start, dst, first_time, time, n, hops + 1, {longer}
             FROM walks JOIN edges ON src = party AND time >= last_time
                 AND time <= first_time + {WINDOW} AND n > last
             WHERE hops < {HOPS} AND party <> start AND (dst = start OR {is_new})
         )
         SELECT hops, count(*) FROM walks WHERE party = start GROUP BY hops ORDER BY hops"
    )
}

/// Asked through Python's module, in `bench/.venv` where that is there: `BENCH_PYTHON` names another Python.
async fn duckdb(
    edges: &[DatedEdge],
    rounds: usize,
) -> anyhow::Result<Result<Vec<Duration>, String>> {
    const SCRIPT: &str = "
import sys, tempfile, time
import duckdb
rounds, query = int(sys.argv[1]), sys.argv[2]
with tempfile.NamedTemporaryFile('w', suffix='.csv') as file:
    file.write(sys.stdin.read())
    file.flush()
    database = duckdb.connect()
    database.execute(f\"CREATE TABLE edges AS SELECT n::INT n, src::INT src, dst::INT dst, time::INT \\\"time\\\" FROM read_csv('{file.name}', header=true)\")
for _ in range(rounds):
    start = time.perf_counter_ns()
    counts = database.execute(query).fetchall()
    took = time.perf_counter_ns() - start
    print(took, *(f'{hops}:{count}' for hops, count in counts))
";
    let local = concat!(env!("CARGO_MANIFEST_DIR"), "/.venv/bin/python3");
    let found = if Path::new(local).exists() { local } else { "python3" };
    let python = std::env::var("BENCH_PYTHON").unwrap_or_else(|_| found.to_owned());
    let query = query("[src, dst]", "list_append(parties, dst)", "NOT list_contains(parties, dst)");
    let mut command = tokio::process::Command::new(&python);
    command.args(["-c", SCRIPT, &rounds.to_string(), &query]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ok(Err(format!("{python}: {error}"))),
    };
    let mut list = "n,src,dst,time\n".to_owned();
    for (n, DatedEdge { from, to, time }) in edges.iter().enumerate() {
        writeln!(list, "{n},{from},{to},{time}")?;
    }
    let mut stdin = child.stdin.take().context("no standard input")?;
    // Without the module Python ends before it reads.
    let written = stdin.write_all(list.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await?;
    let said = String::from_utf8(output.stderr)?;
    if said.contains("ModuleNotFoundError") {
        return Ok(Err(format!("{python} has no module duckdb (`BENCH_PYTHON` names another)")));
    }
    anyhow::ensure!(output.status.success(), "DuckDB: {said}");
    written?;
    let mut times = Vec::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let mut words = line.split(' ');
        times.push(Duration::from_nanos(words.next().context("no time")?.parse()?));
        let counts = words.map(|word| {
            let (hops, count) = word.split_once(':').context("no count")?;
            Ok((hops.parse()?, count.parse()?))
        });
        check("DuckDB", &counts.collect::<anyhow::Result<_>>()?)?;
    }
    anyhow::ensure!(times.len() == rounds, "DuckDB answered {} of {rounds} times", times.len());
    times.sort();
    Ok(Ok(times))
}
