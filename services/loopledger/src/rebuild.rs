//! Makes all rows of the views anew from the journal and puts them in the live ones' place; and the
//! way back.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use loopledger_exports::figures::grouped;
use loopledger_model::Position;
use loopledger_projector::{Deps, Limits, Loaded, Rebuilt, Step};
use loopledger_views::{Compared, Comparison};
use serde::Serialize;
use tokio::time::Instant;

use crate::commands::print;
use crate::stack::Maintenance;
use crate::tables;

/// Between two lines where there is no terminal.
const LINES_APART: Duration = Duration::from_secs(1);
/// How long an earlier rebuild, which may be dead, may take to let go.
const PATIENCE: Duration = Duration::from_secs(2);
/// As much of a row as is shown.
const ROW_SHOWN: usize = 160;

/// What a rebuild has come to, for programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    /// Where live and rebuilt rows were compared.
    #[serde(flatten)]
    comparison: &'a Comparison,
    same: bool,
    events: u64,
    /// Until the rows could be compared, indexes included.
    took_ms: u64,
    events_per_second: u64,
    /// Where the rebuilt rows took the live ones' place, if they did.
    exchanged_at: Option<Position>,
}

pub async fn rebuild(
    ledger: &Maintenance,
    accept_differences: bool,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let deps = Deps { limits: Limits::REBUILD, patience: PATIENCE, ..ledger.deps().await? };
    let mut display = Display::new();
    let rebuilt = loopledger_projector::rebuild(&deps, accept_differences, &mut |step| {
        display.show(step);
    })
    .await;
    let took = display.finish();
    let rebuilt = rebuilt?;
    let rate = rate(rebuilt.events, took);
    if json {
        let Rebuilt { events, comparison, exchanged_at } = &rebuilt;
        let report = Report {
            comparison,
            same: comparison.differing().next().is_none(),
            events: *events,
            took_ms: millis(took),
            events_per_second: rate,
            exchanged_at: *exchanged_at,
        };
        print(&serde_json::to_string(&report)?)?;
    } else {
        print(&tables::comparison(&rebuilt.comparison))?;
        let (events, rate) = (grouped(&rebuilt.events.to_string()), grouped(&rate.to_string()));
        print(&format!("{events} events in {} ms: {rate} events/s", millis(took)))?;
    }
    eprint!("{}", conclusion(&rebuilt));
    Ok(if rebuilt.exchanged_at.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub async fn rollback(ledger: &Maintenance) -> anyhow::Result<ExitCode> {
    let deps = Deps { patience: PATIENCE, ..ledger.deps().await? };
    let position = loopledger_projector::rollback(&deps).await?;
    print(&format!(
        "the rows that were replaced last are live again, at position {position}; \
         `loopledger rollback` again brings the others back"
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// What the differences are and what became of the rows.
fn conclusion(rebuilt: &Rebuilt) -> String {
    let mut text = String::new();
    for table in rebuilt.comparison.differing() {
        text.push_str(&told(table));
    }
    let differs = !text.is_empty();
    // Writing to a String cannot fail.
    let _ = match rebuilt.exchanged_at {
        Some(position) => writeln!(
            text,
            "the rebuilt rows are live from position {position} on; \
             `loopledger rollback` brings the old ones back"
        ),
        None => writeln!(
            text,
            "the live rows stay as they are; the rebuilt ones are left in the schema \
             loopledger_rebuilt until the next rebuild; `--accept-differences` makes such rows live"
        ),
    };
    if differs { format!("error: live and rebuilt rows differ\n{text}") } else { text }
}

fn told(table: &Compared) -> String {
    let Compared { live, rebuilt, difference } = table;
    let mut text = format!("  {}: {} rows live, {} rebuilt", live.table, live.rows, rebuilt.rows);
    if let Some(difference) = difference {
        let _ = write!(
            text,
            "; they differ first where live has {} and rebuilt {}",
            row(difference.live.as_deref()),
            row(difference.rebuilt.as_deref())
        );
    }
    text.push('\n');
    text
}

fn row(row: Option<&str>) -> String {
    let Some(row) = row else { return "no row".to_owned() };
    let shown: String = row.chars().take(ROW_SHOWN).collect();
    let more = if shown.len() < row.len() { "…" } else { "" };
    format!("`{}{more}`", shown.replace('\t', " | "))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Per second.
fn rate(events: u64, time: Duration) -> u64 {
    events.saturating_mul(1000) / millis(time).max(1)
}

/// A bar on a terminal, elsewhere a line now and then.
struct Display {
    bar: Option<ProgressBar>,
    begun: Instant,
    last_line: Option<Instant>,
    loaded_after: Option<Duration>,
}

impl Display {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}, {eta} left");
            ProgressBar::new(0).with_style(style.expect("the template is well formed"))
        });
        Self { bar, begun: Instant::now(), last_line: None, loaded_after: None }
    }

    fn show(&mut self, step: Step) {
        match step {
            Step::Loading { loaded, until } => self.loading(loaded, until),
            Step::Comparing { position } => {
                self.loaded_after = Some(self.begun.elapsed());
                self.say(&format!("comparing live and rebuilt rows at position {position}"));
            }
            Step::Exchanging => self.say("exchanging live and rebuilt rows"),
        }
    }

    fn loading(&mut self, loaded: Loaded, until: Position) {
        let took = self.begun.elapsed();
        let rate = grouped(&rate(loaded.events, took).to_string());
        let Loaded { position, events } = loaded;
        if let Some(bar) = &self.bar {
            bar.set_length(until);
            bar.set_position(position);
            bar.set_message(format!("rebuilding, {rate} events/s"));
            return;
        }
        let late = self.last_line.is_none_or(|last| last.elapsed() >= LINES_APART);
        if late || position >= until {
            self.last_line = Some(Instant::now());
            let left_ms =
                u128::from(until - position) * took.as_millis() / u128::from(position.max(1));
            let (events, left_s) = (grouped(&events.to_string()), left_ms.div_ceil(1000));
            eprintln!(
                "rebuilding: position {position} of {until}, {events} events, {rate} events/s, \
                 {left_s} s left"
            );
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => eprintln!("{text}"),
        }
    }

    /// How long it took until the rows could be compared.
    fn finish(&self) -> Duration {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.loaded_after.unwrap_or_else(|| self.begun.elapsed())
    }
}
