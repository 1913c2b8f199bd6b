//! Samples of cards, put together to busy card-hours by card and hour.
//!
//! A sample tells of the time since the one before it: the first one, and one after a gap, of none.
//!
//! Invariants: what lies in a gap is unknown, so no usage covers it; a card is metered by its engine
//! activity, and by the coarser utilization only where the file has no engine activity of it.
//! Memory holds one stretch a card.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_model::AllocationId;

use super::cells::{Fault, HOUR, Reading, SECOND, decimal, share};
use super::map::Target;
use super::usage::{Out, Usage, card_hours, identity};

/// So many intervals without a sample are a gap.
const GAP: i128 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    Engine,
    Utilization,
    Energy,
}

impl Metric {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "DCGM_FI_PROF_GR_ENGINE_ACTIVE" => Some(Self::Engine),
            "DCGM_FI_DEV_GPU_UTIL" => Some(Self::Utilization),
            "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" => Some(Self::Energy),
            _ => None,
        }
    }
}

/// One value of one card, as a line has it.
pub struct Sample<'a> {
    pub metric: Metric,
    /// The card's UUID.
    pub card: &'a str,
    pub host: &'a str,
    /// Blank for a whole card.
    pub instance: &'a str,
    /// Absent in a scrape, which says what is now.
    pub at: Option<Timestamp>,
    pub value: &'a str,
}

#[derive(Debug)]
pub struct Cards {
    interval: i128,
    /// When the scrape was that has no times.
    scraped_at: Option<Timestamp>,
    /// Cards of which the file has engine activity.
    engine: BTreeSet<Box<str>>,
    series: BTreeMap<(Box<str>, Metric), Series>,
    energy: BTreeMap<Box<str>, u128>,
    energy_mj: u128,
    pub energy_resets: u64,
}

#[derive(Debug)]
struct Series {
    allocation: AllocationId,
    source: &'static str,
    line: u64,
    last: (i128, u64),
    open: Option<Stretch>,
}

/// A stretch of known time within one hour.
#[derive(Debug)]
struct Stretch {
    from: i128,
    to: i128,
    /// 10^-9 cards times nanoseconds.
    busy: u128,
    /// How many stretches this hour had before.
    index: u32,
}

impl Cards {
    pub fn new(interval_s: u32, scraped_at: Option<Timestamp>) -> Self {
        Self {
            interval: i128::from(interval_s) * SECOND,
            scraped_at,
            engine: BTreeSet::new(),
            series: BTreeMap::new(),
            energy: BTreeMap::new(),
            energy_mj: 0,
            energy_resets: 0,
        }
    }

    /// For a second reading, which knows what cards have engine activity.
    pub fn again(self) -> Self {
        let Self { interval, scraped_at, engine, .. } = self;
        let (series, energy) = (BTreeMap::new(), BTreeMap::new());
        Self { interval, scraped_at, engine, series, energy, energy_mj: 0, energy_resets: 0 }
    }

    pub fn sample(
        &mut self,
        line: u64,
        sample: &Sample<'_>,
        target: &Target,
        out: &mut Out,
    ) -> Result<(), Fault> {
        if sample.card.is_empty() {
            return Err(Fault::of("UUID", "is blank: the exporter has to name the card"));
        }
        if !sample.instance.is_empty() {
            out.skip("shares_of_cards");
            return Ok(());
        }
        let Some(allocation) = target.of(["", "", "", sample.host, sample.card]) else {
            out.skip("not_mapped");
            return Ok(());
        };
        let wrong = |reason| Fault::of("value", reason);
        let (source, reading) = match sample.metric {
            Metric::Energy => return self.count_energy(sample, out),
            Metric::Engine => ("dcgm GR_ENGINE_ACTIVE", share(sample.value, 0).map_err(wrong)?),
            Metric::Utilization => ("dcgm GPU_UTIL", share(sample.value, 2).map_err(wrong)?),
        };
        let Reading::Share(share) = reading else {
            out.skip("no_value");
            return Ok(());
        };
        if sample.metric == Metric::Engine {
            if !self.engine.contains(sample.card) {
                self.engine.insert(sample.card.into());
            }
        } else if self.engine.contains(sample.card) {
            return Ok(());
        }
        let Some(at) = sample.at else {
            return self.scrape(line, sample.card, (allocation, source), share, out);
        };
        let at = at.as_nanosecond();
        let key = (Box::from(sample.card), sample.metric);
        let Some(series) = self.series.get_mut(&key) else {
            let (allocation, last) = (allocation.clone(), (at, share));
            self.series.insert(key, Series { allocation, source, line, last, open: None });
            return Ok(());
        };
        let known = series.last;
        if at < known.0 {
            let reason = "is before an earlier line's of the same card: sort the file by time";
            return Err(Fault::of("time", reason));
        }
        if at == known.0 {
            let reason = "is another one than an earlier line has for the card at this time";
            return if share == known.1 { Ok(()) } else { Err(Fault::of("value", reason)) };
        }
        series.line = line;
        series.last = (at, share);
        if at - known.0 > GAP * self.interval {
            out.skip("gaps");
            return Ok(());
        }
        series.extend(sample.card, known.0, at, share, out);
        Ok(())
    }

    /// One sample by itself stands for one interval up to it.
    fn scrape(
        &mut self,
        line: u64,
        card: &str,
        (allocation, source): (&AllocationId, &'static str),
        share: u64,
        out: &mut Out,
    ) -> Result<(), Fault> {
        let Some(at) = self.scraped_at else {
            let reason =
                "the sample has no time: name the scrape's, as in --at 2025-03-01T08:00:00Z";
            return Err(Fault::of("time", reason));
        };
        let key = (Box::from(card), Metric::Engine);
        if self.series.contains_key(&key) {
            return Err(Fault::line("is the card's second sample without a time"));
        }
        let to = at.as_nanosecond();
        let (allocation, last) = (allocation.clone(), (to, share));
        let mut series = Series { allocation, source, line, last, open: None };
        let from = to - self.interval;
        let stretch = Stretch { from, to, busy: area(share, from, to), index: 0 };
        let name = identity(&["dcgm-scrape", card, &to.to_string()]);
        series.emit(name, &stretch, out);
        self.series.insert(key, series);
        Ok(())
    }

    /// A counter since the machine's start: where it falls, it began at nothing again.
    fn count_energy(&mut self, sample: &Sample<'_>, out: &mut Out) -> Result<(), Fault> {
        if sample.value.eq_ignore_ascii_case("nan") {
            out.skip("no_value");
            return Ok(());
        }
        let now = decimal(sample.value, 0)
            .ok_or_else(|| Fault::of("value", "is no number of millijoules"))?;
        if let Some(before) = self.energy.insert(sample.card.into(), now) {
            let reset = now < before;
            self.energy_resets += u64::from(reset);
            let used = if reset { now } else { now - before };
            self.energy_mj = self.energy_mj.saturating_add(used);
        }
        Ok(())
    }

    /// In millijoules; nothing where the file has no counters.
    pub fn energy(&self) -> Option<String> {
        (!self.energy.is_empty()).then(|| self.energy_mj.to_string())
    }

    /// The file is at its end: what is open is all there is.
    pub fn finish(&mut self, out: &mut Out) {
        for ((card, _), mut series) in std::mem::take(&mut self.series) {
            if let Some(open) = series.open.take() {
                series.close(&card, &open, out);
            }
        }
    }
}

impl Series {
    fn extend(&mut self, card: &str, mut from: i128, to: i128, share: u64, out: &mut Out) {
        while from < to {
            let hour = from.div_euclid(HOUR);
            let end = to.min((hour + 1) * HOUR);
            let busy = area(share, from, end);
            match &mut self.open {
                Some(open) if open.to == from && open.from.div_euclid(HOUR) == hour => {
                    open.to = end;
                    open.busy += busy;
                }
                open => {
                    let closed = open.take();
                    let same = |was: &Stretch| was.from.div_euclid(HOUR) == hour;
                    let index =
                        closed.as_ref().filter(|was| same(was)).map_or(0, |was| was.index + 1);
                    *open = Some(Stretch { from, to: end, busy, index });
                    if let Some(closed) = closed {
                        self.close(card, &closed, out);
                    }
                }
            }
            from = end;
        }
    }

    fn close(&mut self, card: &str, stretch: &Stretch, out: &mut Out) {
        let hour = stretch.from.div_euclid(HOUR).to_string();
        let name = identity(&["dcgm", card, &hour, &stretch.index.to_string()]);
        self.emit(name, stretch, out);
    }

    fn emit(&mut self, identity: String, stretch: &Stretch, out: &mut Out) {
        let at = |nanoseconds| {
            Timestamp::from_nanosecond(nanoseconds).expect("between two times that were read")
        };
        out.usage(Usage {
            line: self.line,
            identity,
            allocation: self.allocation.clone(),
            from: at(stretch.from),
            to: at(stretch.to),
            card_hours: card_hours(stretch.busy).expect("one card has one card-hour an hour"),
            source: self.source,
        });
    }
}

fn area(share: u64, from: i128, to: i128) -> u128 {
    u128::from(share) * (to - from).unsigned_abs()
}
