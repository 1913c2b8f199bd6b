//! Slurm's `sacct --parsable2`: a job's run on so many cards becomes one usage from its start to its end.
//!
//! Invariants: a run counts once, by cluster, job and start; steps, which repeat their job, never do.
//! Suspended time is taken off once, whether `ElapsedRaw` has it or not.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::cells::{Fault, SECOND, WHOLE, cut, duration, instant, whole};
use super::map::Target;
use super::usage::{Out, Usage, card_hours, identity};

const FIELDS: [&str; 10] = [
    "JobIDRaw",
    "Start",
    "End",
    "ElapsedRaw",
    "AllocTRES",
    "State",
    "Suspended",
    "Cluster",
    "Account",
    "Partition",
];
/// How many of them have to be there.
const REQUIRED: usize = 6;

#[derive(Debug)]
pub struct Sacct {
    zone: Option<Offset>,
    /// How many fields the header has, and where those stand that are read.
    header: Option<(usize, [Option<usize>; FIELDS.len()])>,
}

impl Sacct {
    pub const fn new(zone: Option<Offset>) -> Self {
        Self { zone, header: None }
    }

    pub const fn has_header(&self) -> bool {
        self.header.is_some()
    }

    pub fn line(
        &mut self,
        number: u64,
        text: &str,
        target: &Target,
        out: &mut Out,
    ) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        let Some((width, places)) = self.header else {
            self.header = Some(header(text)?);
            return Ok(());
        };
        let mut cells = [""; FIELDS.len()];
        let mut count = 0;
        for (at, cell) in text.split('|').enumerate() {
            count = at + 1;
            if let Some(field) = places.iter().position(|place| *place == Some(at)) {
                cells[field] = cell;
            }
        }
        if count != width {
            return Err(Fault::line(format!(
                "has {count} fields where the header has {width}: leave out fields that may hold \
                 a bar, such as JobName"
            )));
        }
        self.run(number, cells, target, out)
    }

    fn run(
        &self,
        line: u64,
        cells: [&str; FIELDS.len()],
        target: &Target,
        out: &mut Out,
    ) -> Result<(), Fault> {
        let [job, start, end, elapsed, tres, state, suspended, cluster, account, partition] = cells;
        if job.contains('.') {
            out.skip("steps");
            return Ok(());
        }
        let state = state.split(' ').next().unwrap_or_default();
        if state.is_empty() {
            return Err(Fault::of("State", "is blank: ask sacct for State"));
        }
        if start == "Unknown" || start == "None" {
            out.skip("never_started");
            return Ok(());
        }
        let is_on = ["RUNNING", "PENDING", "SUSPENDED", "COMPLETING", "REQUEUE_HOLD"];
        if end == "Unknown" || is_on.contains(&state) {
            out.skip("still_running");
            return Ok(());
        }
        if whole(job).is_none() {
            let reason = format!("`{}` is no job number: ask sacct for JobIDRaw", cut(job));
            return Err(Fault::of("JobIDRaw", reason));
        }
        let start = instant(start, self.zone).map_err(|reason| Fault::of("Start", reason))?;
        let end = instant(end, self.zone).map_err(|reason| Fault::of("End", reason))?;
        let busy = busy_seconds(start, end, elapsed, suspended)?;
        let cards = cards(tres)?;
        if cards == 0 {
            out.skip("no_cards");
            return Ok(());
        }
        if start == end {
            out.skip("no_time");
            return Ok(());
        }
        let Some(allocation) = target.of([job, account, partition, "", ""]) else {
            out.skip("not_mapped");
            return Ok(());
        };
        let nano = u128::from(cards) * u128::from(WHOLE) * u128::from(busy) * SECOND.unsigned_abs();
        let hours = card_hours(nano).ok_or_else(|| Fault::of("AllocTRES", "is beyond any pool"))?;
        out.usage(Usage {
            line,
            identity: identity(&["sacct", cluster, job, &start.as_second().to_string()]),
            allocation: allocation.clone(),
            from: start,
            to: end,
            card_hours: hours,
            source: "sacct",
        });
        Ok(())
    }
}

fn header(text: &str) -> Result<(usize, [Option<usize>; FIELDS.len()]), Fault> {
    let names: Vec<&str> = text.split('|').collect();
    let mut places = [None; FIELDS.len()];
    for (at, field) in FIELDS.iter().enumerate() {
        let mut found = names.iter().enumerate().filter(|(_, name)| *name == field);
        places[at] = found.next().map(|(place, _)| place);
        if found.next().is_some() {
            return Err(Fault::of(field, "is given twice: ask for it once"));
        }
        if places[at].is_none() && at < REQUIRED {
            let required = FIELDS[..REQUIRED].join(",");
            let reason = format!(
                "is missing from the header: ask with sacct -P --noconvert --format={required}, \
                 and without -n"
            );
            return Err(Fault::of(field, reason));
        }
    }
    Ok((names.len(), places))
}

fn busy_seconds(
    start: Timestamp,
    end: Timestamp,
    elapsed: &str,
    suspended: &str,
) -> Result<u64, Fault> {
    let Ok(span) = u64::try_from(end.as_second() - start.as_second()) else {
        return Err(Fault::of("End", format!("{end} is before the start, {start}")));
    };
    let wrong = |field, text, form| {
        Fault::of(field, format!("`{}` is no duration: sacct writes {form}", cut(text)))
    };
    let elapsed = whole(elapsed).ok_or_else(|| wrong("ElapsedRaw", elapsed, "whole seconds"))?;
    let held = duration(suspended)
        .ok_or_else(|| wrong("Suspended", suspended, "1-02:03:04 or 02:03:04"))?;
    let Some(awake) = span.checked_sub(held) else {
        let reason = format!("{held} seconds are more than the run has, {span}");
        return Err(Fault::of("Suspended", reason));
    };
    if elapsed > span {
        let reason = format!("{elapsed} seconds are more than the run has, {span}");
        return Err(Fault::of("ElapsedRaw", reason));
    }
    Ok(elapsed.min(awake))
}

/// `gres/gpu=8` has the cards of every type; only where it is missing do the types add up.
fn cards(tres: &str) -> Result<u32, Fault> {
    let (mut all, mut typed) = (None, 0_u32);
    for part in tres.split(',').filter(|part| !part.is_empty()) {
        let wrong =
            || Fault::of("AllocTRES", format!("`{}` is no whole number of cards", cut(part)));
        let (name, count) = part.split_once('=').ok_or_else(wrong)?;
        let is_typed = name.starts_with("gres/gpu:");
        if name != "gres/gpu" && !is_typed {
            continue;
        }
        let count = whole(count).and_then(|count| u32::try_from(count).ok()).ok_or_else(wrong)?;
        if is_typed {
            typed = typed.checked_add(count).ok_or_else(wrong)?;
        } else {
            all = Some(count);
        }
    }
    Ok(all.unwrap_or(typed))
}
