//! Meters that write CSV: samples of a range query, and card-hours.

use std::borrow::Cow;

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::cells::{Fault, HOUR, Reading, SECOND, cut, instant, share};
use super::map::Target;
use super::series::{Cards, Metric, Sample};
use super::usage::{Out, Usage, card_hours, identity};
use loopledger_importer::rfc4180::records;

/// Where a header has the columns that are read; a column may go by several names.
#[derive(Debug)]
struct Header<const N: usize> {
    width: usize,
    places: [Option<usize>; N],
}

type Names = (&'static [&'static str], bool);

impl<const N: usize> Header<N> {
    fn read(cells: &[Cow<'_, str>], columns: &[Names; N]) -> Result<Self, Fault> {
        let mut places = [None; N];
        for (place, (names, required)) in places.iter_mut().zip(columns) {
            let found = |cell: &Cow<'_, str>| names.contains(&cell.as_ref());
            *place = cells.iter().position(found);
            if cells.iter().filter(|cell| found(cell)).count() > 1 {
                return Err(Fault::of(names[0], "is given twice: give it once"));
            }
            if place.is_none() && *required {
                let reason =
                    format!("is missing from the header: name a column {}", names.join(" or "));
                return Err(Fault::of(names[0], reason));
            }
        }
        Ok(Self { width: cells.len(), places })
    }

    fn cells<'a>(&self, cells: &'a [Cow<'_, str>]) -> Result<[&'a str; N], Fault> {
        if cells.len() != self.width {
            let (has, wants) = (cells.len(), self.width);
            return Err(Fault::line(format!("has {has} cells where the header has {wants}")));
        }
        Ok(self.places.map(|place| place.map_or("", |place| cells[place].as_ref())))
    }
}

/// The cells of one line; a cell does not go on on the next one.
fn split(text: &str) -> Result<Option<Vec<Cow<'_, str>>>, Fault> {
    if !text.contains('"') && !text.contains('\r') {
        let cells = (!text.is_empty()).then(|| text.split(',').map(Cow::Borrowed).collect());
        return Ok(cells);
    }
    let records = records(text).map_err(|wrong| Fault::line(wrong.reason.to_string()))?;
    Ok(records.into_iter().next().map(|record| record.cells))
}

/// A range query's samples, one a line.
#[derive(Debug)]
pub struct Range {
    pub cards: Cards,
    zone: Option<Offset>,
    header: Option<Header<6>>,
}

const RANGE: [Names; 6] = [
    (&["time", "timestamp"], true),
    (&["metric", "__name__"], true),
    (&["value"], true),
    (&["UUID", "uuid"], true),
    (&["Hostname", "hostname"], false),
    (&["GPU_I_ID"], false),
];

impl Range {
    pub const fn new(cards: Cards, zone: Option<Offset>) -> Self {
        Self { cards, zone, header: None }
    }

    pub fn again(self) -> Self {
        Self::new(self.cards.again(), self.zone)
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
        let Some(cells) = split(text)? else { return Ok(()) };
        let Some(header) = &self.header else {
            self.header = Some(Header::read(&cells, &RANGE)?);
            return Ok(());
        };
        let [at, metric, value, card, host, instance] = header.cells(&cells)?;
        let Some(metric) = Metric::named(metric) else {
            return Ok(());
        };
        let at = instant(at, self.zone).map_err(|reason| Fault::of("time", reason))?;
        let sample = Sample { metric, card, host, instance, at: Some(at), value };
        self.cards.sample(number, &sample, target, out)
    }
}

/// A meter of whole card-hours: how busy a card was in an hour.
#[derive(Debug)]
pub struct CardHourTable {
    zone: Option<Offset>,
    header: Option<Header<5>>,
}

const CARD_HOURS: [Names; 5] = [
    (&["serial"], true),
    (&["hour"], true),
    (&["util"], true),
    (&["provider"], false),
    (&["state"], false),
];

impl CardHourTable {
    pub const fn new(zone: Option<Offset>) -> Self {
        Self { zone, header: None }
    }

    pub const fn has_header(&self) -> bool {
        self.header.is_some()
    }

    pub fn line(
        &mut self,
        line: u64,
        text: &str,
        target: &Target,
        out: &mut Out,
    ) -> Result<(), Fault> {
        let Some(cells) = split(text)? else { return Ok(()) };
        let Some(header) = &self.header else {
            self.header = Some(Header::read(&cells, &CARD_HOURS)?);
            return Ok(());
        };
        let [serial, hour, util, provider, state] = header.cells(&cells)?;
        if serial.is_empty() {
            return Err(Fault::of("serial", "is blank: name the card"));
        }
        let from = self.hour(hour)?;
        let to = from.checked_add(SignedDuration::from_hours(1));
        let to = to.map_err(|_| Fault::of("hour", "is beyond what this ledger counts"))?;
        let util = share(util, 0).map_err(|reason| Fault::of("util", reason))?;
        let Reading::Share(util) = util else {
            out.skip("no_value");
            return Ok(());
        };
        if state.eq_ignore_ascii_case("unknown") {
            out.skip("unknown");
            return Ok(());
        }
        let Some(allocation) = target.of(["", "", "", "", serial]) else {
            out.skip("not_mapped");
            return Ok(());
        };
        let busy = card_hours(u128::from(util) * HOUR.unsigned_abs());
        out.usage(Usage {
            line,
            identity: identity(&["card-hours", provider, serial, &from.as_second().to_string()]),
            allocation: allocation.clone(),
            from,
            to,
            card_hours: busy.expect("one card has one card-hour an hour"),
            source: "card-hours",
        });
        Ok(())
    }

    /// The start of a whole hour, in the zone that was named.
    fn hour(&self, text: &str) -> Result<Timestamp, Fault> {
        let at = instant(text, self.zone).map_err(|reason| Fault::of("hour", reason))?;
        let offset = self.zone.map_or(0, |zone| i128::from(zone.seconds()));
        if (at.as_nanosecond() + offset * SECOND).rem_euclid(HOUR) != 0 {
            let reason = format!("`{}` is not the start of an hour", cut(text));
            return Err(Fault::of("hour", reason));
        }
        Ok(at)
    }
}
