//! A pool day by day, as an auditor would write it down.

use super::*;

/// One day of the pool as an auditor would write it down.
#[derive(Debug, Clone, Copy)]
pub struct Day {
    pub cards: u32,
    pub lit: u32,
    pub allocated: u32,
    pub reserved: u32,
    /// Four where overselling is not permitted.
    pub quarters: u32,
    pub has_change: bool,
}

impl Day {
    pub fn may(self) -> u32 {
        self.lit * self.quarters / 4
    }

    pub fn taken(self) -> u32 {
        self.allocated + self.reserved
    }
}

/// The days; the cards and last day of every allocation; the cards, first and last day of every reservation.
pub struct Diary(pub Vec<Day>, BTreeMap<u8, (u32, usize)>, pub BTreeMap<u8, (u32, usize, usize)>);

impl Diary {
    pub fn new() -> Self {
        let Pool { cards, lit, .. } = registered();
        let day = Day { cards, lit, allocated: 0, reserved: 0, quarters: 4, has_change: false };
        Self(vec![day; DAYS], BTreeMap::new(), BTreeMap::new())
    }

    /// From a day to the one before the next change.
    fn stretch(&mut self, day: usize) -> &mut [Day] {
        let next = (day + 1..DAYS).find(|&later| self.0[later].has_change).unwrap_or(DAYS);
        &mut self.0[day..next]
    }

    /// Whether no card goes dark by this change.
    pub fn only_lights(&mut self, day: usize, lit: Option<u32>) -> bool {
        let lit = lit.unwrap_or(self.0[day].lit);
        self.stretch(day).iter().all(|day| day.lit <= lit)
    }

    pub fn change(&mut self, day: usize, cards: Option<u32>, lit: Option<u32>) -> Vec<Event> {
        let cards = cards.unwrap_or(self.0[day].cards);
        let lit = lit.unwrap_or(self.0[day].lit);
        self.0[day].has_change = true;
        for day in self.stretch(day) {
            (day.cards, day.lit) = (cards, lit);
        }
        let place = hour(day * 24);
        let mut events =
            vec![Event::PoolChanged(PoolChanged { pool: id("p"), at: place, cards, lit })];
        let first = self.stretch(day).iter().position(|day| day.allocated > lit);
        events.extend(first.map(|later| {
            Event::PoolFellShort(PoolFellShort {
                pool: id("p"),
                at: hour((day + later) * 24),
                lit,
                allocated: self.0[day + later].allocated.into(),
            })
        }));
        events
    }

    /// A change that made no event is there already, or one of these is wrong with it.
    pub fn objects(
        &self,
        day: usize,
        cards: Option<u32>,
        lit: Option<u32>,
        answer: &Answer,
    ) -> Result<(), TestCaseError> {
        let made = self.0[day];
        let after = (cards.unwrap_or(made.cards), lit.unwrap_or(made.lit));
        let same = after == (made.cards, made.lit);
        let objection = match answer {
            Ok(_) => made.has_change && same,
            Err(Refusal::NothingChanged { .. }) => (cards, lit) == (None, None),
            Err(Refusal::ChangeExists { .. }) => made.has_change && !same,
            Err(Refusal::AboveInstalled { .. }) => !made.has_change && after.1 > after.0,
            Err(_) => false,
        };
        prop_assert!(objection, "{:?} on {:?} of {:?}", answer, after, made);
        Ok(())
    }

    pub fn first_above(&self, asked: u32, day: usize, length: usize) -> Option<Refusal> {
        let full = |&day: &usize| self.0[day].taken() + asked > self.0[day].may();
        let day = (day..day + length).find(full)?;
        Some(self.above(day, asked, self.0[day].taken()))
    }

    pub fn above(&self, day: usize, asked: u32, taken: u32) -> Refusal {
        let (pool, at, Day { lit, .. }) = (id("p"), hour(day * 24), self.0[day]);
        let (may, allocated) = (self.0[day].may(), taken.into());
        if may == lit {
            return Refusal::AboveLit { pool, at, lit, allocated, asked };
        }
        Refusal::AbovePermitted { pool, at, lit, may: may.into(), allocated, asked }
    }

    /// Where a reservation cannot be confirmed, since cards that it holds are not there.
    pub fn first_exceeded(&self, name: u8) -> Option<Refusal> {
        let (cards, from, to) = self.2[&name];
        let day = (from..to).find(|&day| self.0[day].taken() > self.0[day].may())?;
        Some(self.above(day, cards, self.0[day].taken() - cards))
    }

    pub fn reserve(&mut self, name: u8, cards: u32, (day, length): (usize, usize)) {
        self.2.insert(name, (cards, day, day + length));
        for day in &mut self.0[day..day + length] {
            day.reserved += cards;
        }
    }

    /// From a day on; nothing more becomes of it.
    pub fn give_up(&mut self, name: u8, from: usize) {
        let (cards, first, to) = self.2.remove(&name).expect("it is reserved");
        for day in from.max(first)..to {
            self.0[day].reserved -= cards;
        }
    }

    pub fn confirm(&mut self, name: u8, allocation: u8) {
        let (cards, from, to) = self.2[&name];
        self.give_up(name, from);
        self.allocate(allocation, cards, (from, to - from));
    }

    pub fn allocate(&mut self, name: u8, cards: u32, (day, length): (usize, usize)) {
        self.1.insert(name, (cards, day + length));
        for day in &mut self.0[day..day + length] {
            day.allocated += cards;
        }
    }

    pub fn give_back(&mut self, name: u8, from: usize) {
        let (cards, to) = self.1[&name];
        for day in &mut self.0[from..to] {
            day.allocated -= cards;
        }
    }
}
