//! What a process counts of itself, in the text format that Prometheus scrapes.
//!
//! Invariants: counters only grow while the process lives; no rule reads any of it. Every series
//! belongs to one of the families below.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loopledger_model::Partition;

/// Name, type and meaning of every family.
const FAMILIES: [(&str, &str, &str); 15] = [
    ("loopledger_append_seconds", "histogram", "Time until an append was acknowledged"),
    ("loopledger_commit_bytes_total", "counter", "Bytes of acknowledged commits"),
    ("loopledger_commit_entries_total", "counter", "Commands in acknowledged commits"),
    ("loopledger_commits_total", "counter", "Acknowledged commits"),
    ("loopledger_facts_position", "gauge", "How far a partition knows the other contexts"),
    ("loopledger_loop_searches_cut_total", "counter", "Searches for loops that ran out of steps"),
    ("loopledger_loop_searches_total", "counter", "Searches for loops: one for each flow"),
    ("loopledger_loop_steps_budget", "gauge", "Steps that one search for loops may take"),
    ("loopledger_loop_steps_total", "counter", "Steps that searches for loops have taken"),
    ("loopledger_partition_position", "gauge", "The last commit of a partition"),
    ("loopledger_projected_position", "gauge", "The last commit in the views"),
    ("loopledger_queued_calls", "gauge", "Calls that a partition has not decided yet"),
    ("loopledger_refusals_total", "counter", "Refusals answered, by code"),
    ("loopledger_spans_dropped_total", "counter", "Spans that no collector was told of"),
    ("loopledger_spans_told_total", "counter", "Spans that a collector was told of"),
];

/// Upper bounds of an append's time, in microseconds and as they are written.
const BOUNDS: [(u64, &str); 9] = [
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (100_000, "0.1"),
    (500_000, "0.5"),
    (2_500_000, "2.5"),
];

/// One figure that others may read at any time.
#[derive(Debug, Clone, Default)]
pub struct Figure(Arc<AtomicU64>);

impl Figure {
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long things took.
#[derive(Debug, Clone, Default)]
pub struct Durations(Arc<Spread>);

#[derive(Debug, Default)]
struct Spread {
    /// Those up to each bound and above the one before; the last are above all of them.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_micros: AtomicU64,
}

impl Durations {
    pub fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().take_while(|(bound, _)| micros > *bound).count();
        self.0.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

#[derive(Debug, Clone)]
enum Series {
    Figure(Figure),
    Durations(Durations),
}

/// By family, then by labels as they are written.
type Known = BTreeMap<(&'static str, String), Series>;

static KNOWN: Mutex<Known> = Mutex::new(BTreeMap::new());

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The figure of this family and these labels, the same one for whoever asks.
pub fn figure(family: &'static str, labels: &[(&str, &str)]) -> Figure {
    let series = Series::Figure(Figure::default());
    match known().entry((family, written(labels))).or_insert(series) {
        Series::Figure(figure) => figure.clone(),
        Series::Durations(_) => panic!("{family} is a family of durations"),
    }
}

/// The same for durations.
pub fn durations(family: &'static str, labels: &[(&str, &str)]) -> Durations {
    let series = Series::Durations(Durations::default());
    match known().entry((family, written(labels))).or_insert(series) {
        Series::Durations(durations) => durations.clone(),
        Series::Figure(_) => panic!("{family} is no family of durations"),
    }
}

fn written(labels: &[(&str, &str)]) -> String {
    let escaped =
        |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    labels.collect::<Vec<_>>().join(",")
}

/// All that is known, as it is scraped.
pub fn text() -> String {
    let known = known().clone();
    let mut text = String::new();
    for (family, of, meaning) in FAMILIES {
        let mut of_it = known.iter().filter(|((name, _), _)| *name == family).peekable();
        if of_it.peek().is_some() {
            let _ = writeln!(text, "# HELP {family} {meaning}\n# TYPE {family} {of}");
        }
        for ((_, labels), series) in of_it {
            // Writing to a String cannot fail.
            let _ = match series {
                Series::Figure(figure) => {
                    writeln!(text, "{family}{} {}", braced(labels), figure.get())
                }
                Series::Durations(durations) => write_spread(&mut text, family, labels, durations),
            };
        }
    }
    text
}

fn braced(labels: &str) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{labels}}}") }
}

fn write_spread(
    text: &mut String,
    family: &str,
    labels: &str,
    Durations(spread): &Durations,
) -> fmt::Result {
    let comma = if labels.is_empty() { "" } else { "," };
    let mut count = 0;
    let bounds = BOUNDS.iter().map(|(_, bound)| *bound).chain(["+Inf"]);
    for (bucket, bound) in spread.buckets.iter().zip(bounds) {
        count += bucket.load(Ordering::Relaxed);
        writeln!(text, "{family}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}")?;
    }
    let micros = spread.sum_micros.load(Ordering::Relaxed);
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    writeln!(text, "{family}_sum{} {seconds}.{micros:06}", braced(labels))?;
    writeln!(text, "{family}_count{} {count}", braced(labels))
}

/// What one partition's shell counts.
#[derive(Debug)]
pub(crate) struct PartitionFigures {
    pub queued: Figure,
    pub position: Figure,
    pub facts: Figure,
    appends: Durations,
    commits: Figure,
    entries: Figure,
    bytes: Figure,
}

impl PartitionFigures {
    pub fn of(partition: Partition) -> Self {
        let partition = partition.to_string();
        let labels = [("partition", partition.as_str())];
        Self {
            queued: figure("loopledger_queued_calls", &labels),
            position: figure("loopledger_partition_position", &labels),
            facts: figure("loopledger_facts_position", &labels),
            appends: durations("loopledger_append_seconds", &labels),
            commits: figure("loopledger_commits_total", &labels),
            entries: figure("loopledger_commit_entries_total", &labels),
            bytes: figure("loopledger_commit_bytes_total", &labels),
        }
    }

    pub fn stored(&self, took: Duration, entries: usize, bytes: usize) {
        self.appends.observe(took);
        self.commits.add(1);
        self.entries.add(entries as u64);
        self.bytes.add(bytes as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_the_same_for_everybody_and_is_told_with_its_family() {
        let labels = [("context", "test"), ("code", "a\"b")];
        figure("loopledger_refusals_total", &labels).add(2);
        figure("loopledger_refusals_total", &labels).add(1);
        let text = text();
        let line = "loopledger_refusals_total{context=\"test\",code=\"a\\\"b\"} 3\n";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("# TYPE loopledger_refusals_total counter\n"), "{text}");
    }

    #[test]
    fn durations_are_counted_up_to_each_bound() {
        let appends = durations("loopledger_append_seconds", &[("partition", "test.0")]);
        for micros in [500, 501, 3_000_000] {
            appends.observe(Duration::from_micros(micros));
        }
        let text = text();
        for line in [
            "loopledger_append_seconds_bucket{partition=\"test.0\",le=\"0.0005\"} 1\n",
            "loopledger_append_seconds_bucket{partition=\"test.0\",le=\"0.001\"} 2\n",
            "loopledger_append_seconds_bucket{partition=\"test.0\",le=\"2.5\"} 2\n",
            "loopledger_append_seconds_bucket{partition=\"test.0\",le=\"+Inf\"} 3\n",
            "loopledger_append_seconds_sum{partition=\"test.0\"} 3.001001\n",
            "loopledger_append_seconds_count{partition=\"test.0\"} 3\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }

    #[test]
    fn bounds_are_written_as_they_are_counted() {
        for (micros, text) in BOUNDS {
            let (whole, fraction) = text.split_once('.').expect("a fraction");
            let written = format!("{whole}{fraction:0<6}").parse();
            assert_eq!(written, Ok(micros));
        }
    }
}
