//! A whole number that changes over time: zero at first, then stepping at instants.
//!
//! Invariants: blocks are never empty and hold at most `BLOCK` steps, in time order within and
//! among them, at most one step an instant and none of zero, so what came and went leaves nothing
//! behind; each knows the sum of its steps and the lowest point that they reach. A question passes over whole blocks and looks into two at most, so its cost grows with
//! the number of steps divided by `BLOCK`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The most steps of a block: near the square root of the steps of a very busy calendar.
const BLOCK: usize = 512;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Block {
    steps: Vec<Step>,
    sum: i64,
    /// The lowest of the sums of the first step, the first two, and so on.
    lowest: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    at: Timestamp,
    change: i64,
}

impl Calendar {
    /// From `at` on, the number is higher by `change`, or lower where that is negative.
    pub fn shift(&mut self, at: Timestamp, change: i64) {
        if change == 0 {
            return;
        }
        let after = self.blocks.partition_point(|block| block.first() <= at);
        let number = after.saturating_sub(1);
        let Some(block) = self.blocks.get_mut(number) else {
            self.blocks.push(Block::of(vec![Step { at, change }]));
            return;
        };
        block.shift(at, change);
        if block.steps.is_empty() {
            self.blocks.remove(number);
        } else if block.steps.len() > BLOCK {
            let later = block.split();
            self.blocks.insert(number + 1, later);
        }
    }

    /// The first instant of [`from`, `until`), or of all time from `from` on, at which the number
    /// is below `least`, and the number then. `until` is later than `from`.
    pub fn first_below(
        &self,
        from: Timestamp,
        until: Option<Timestamp>,
        least: i64,
    ) -> Option<(Timestamp, i64)> {
        let number = self.blocks.partition_point(|block| block.last() <= from);
        let (passed, ahead) = self.blocks.split_at(number);
        let mut level: i64 = passed.iter().map(|block| block.sum).sum();
        let current = ahead.first().map_or(&[][..], |block| &block.steps);
        let (past, future) = current.split_at(current.partition_point(|step| step.at <= from));
        level += sum(past);
        if level < least {
            return Some((from, level));
        }
        let later = ahead.get(1..).unwrap_or_default();
        first_step_below(&mut level, future, least)
            .or_else(|| first_block_below(&mut level, later, until, least))
            .filter(|(at, _)| until.is_none_or(|until| *at < until))
    }
}

/// Looks through steps that follow `level`, and leaves it where they end.
fn first_step_below(level: &mut i64, steps: &[Step], least: i64) -> Option<(Timestamp, i64)> {
    steps.iter().find_map(|step| {
        *level += step.change;
        (*level < least).then_some((step.at, *level))
    })
}

fn first_block_below(
    level: &mut i64,
    blocks: &[Block],
    until: Option<Timestamp>,
    least: i64,
) -> Option<(Timestamp, i64)> {
    let in_time = |block: &&Block| until.is_none_or(|until| block.first() < until);
    let low = blocks.iter().take_while(in_time).find(|block| {
        let is_low = *level + block.lowest < least;
        if !is_low {
            *level += block.sum;
        }
        is_low
    })?;
    first_step_below(level, &low.steps, least)
}

fn sum(steps: &[Step]) -> i64 {
    steps.iter().map(|step| step.change).sum()
}

impl Block {
    fn of(steps: Vec<Step>) -> Self {
        let mut block = Self { steps, sum: 0, lowest: 0 };
        block.sum_up();
        block
    }

    fn sum_up(&mut self) {
        let mut level = 0;
        let levels = self.steps.iter().map(|step| {
            level += step.change;
            level
        });
        self.lowest = levels.min().expect("a block is never empty");
        self.sum = level;
    }

    fn first(&self) -> Timestamp {
        self.steps.first().expect("a block is never empty").at
    }

    fn last(&self) -> Timestamp {
        self.steps.last().expect("a block is never empty").at
    }

    fn shift(&mut self, at: Timestamp, change: i64) {
        match self.steps.binary_search_by_key(&at, |step| step.at) {
            Ok(place) if self.steps[place].change == -change => {
                self.steps.remove(place);
            }
            Ok(place) => self.steps[place].change += change,
            Err(place) => self.steps.insert(place, Step { at, change }),
        }
        if !self.steps.is_empty() {
            self.sum_up();
        }
    }

    /// Keeps the earlier half and gives the later one.
    fn split(&mut self) -> Self {
        let later = self.steps.split_off(self.steps.len() / 2);
        self.sum_up();
        Self::of(later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn second(number: usize) -> Timestamp {
        Timestamp::from_second(i64::try_from(number).expect("small")).expect("a timestamp")
    }

    /// The same number, second by second.
    struct Plain(Vec<i64>);

    impl Plain {
        fn shift(&mut self, at: usize, change: i64) {
            self.0[at..].iter_mut().for_each(|level| *level += change);
        }

        fn first_below(&self, from: usize, until: usize, least: i64) -> Option<(Timestamp, i64)> {
            let found = (from..until).find(|&number| self.0[number] < least)?;
            Some((second(found), self.0[found]))
        }
    }

    const SECONDS: usize = 3_000;

    fn agree(calendar: &Calendar, plain: &Plain, from: usize, seconds: usize, least: i64) {
        let until = (from + seconds).min(SECONDS);
        let found = calendar.first_below(second(from), Some(second(until)), least);
        assert_eq!(found, plain.first_below(from, until, least), "{from} to {until}");
        let found = calendar.first_below(second(from), None, least);
        assert_eq!(found, plain.first_below(from, SECONDS, least), "from {from}");
    }

    #[test]
    fn an_empty_calendar_is_at_zero_for_ever() {
        let calendar = Calendar::default();
        assert_eq!(calendar.first_below(second(5), None, 0), None);
        assert_eq!(calendar.first_below(second(5), None, 1), Some((second(5), 0)));
    }

    #[test]
    fn the_end_of_a_stretch_does_not_belong_to_it() {
        let mut calendar = Calendar::default();
        calendar.shift(second(10), -1);
        assert_eq!(calendar.first_below(second(0), Some(second(10)), 0), None);
        assert_eq!(calendar.first_below(second(0), Some(second(11)), 0), Some((second(10), -1)));
    }

    #[test]
    fn blocks_stay_small_ordered_and_summed_up() {
        let mut calendar = Calendar::default();
        for number in (0..2 * SECONDS).map(|number| number * 1_009 % SECONDS) {
            calendar.shift(second(number), if number % 2 == 0 { 3 } else { -2 });
        }
        assert!(calendar.blocks.len() > 4);
        let steps: Vec<Step> = calendar.blocks.iter().flat_map(|b| b.steps.clone()).collect();
        assert_eq!(steps.len(), SECONDS);
        assert!(steps.is_sorted_by(|earlier, later| earlier.at < later.at));
        for block in calendar.blocks {
            assert!((1..=BLOCK).contains(&block.steps.len()));
            assert_eq!(Block::of(block.steps.clone()), block);
        }
    }

    #[test]
    fn what_came_and_went_leaves_nothing_behind() {
        let mut calendar = Calendar::default();
        for change in [1, -1] {
            for number in 0..SECONDS {
                calendar.shift(second(number), change);
            }
        }
        assert_eq!(calendar, Calendar::default());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_calendar_of_many_blocks_agrees_with_a_plain_list(
            shifts in prop::collection::vec((0..SECONDS, -20_i64..=20), 0..2_500),
            questions in prop::collection::vec((0..SECONDS, 1..SECONDS, -300_i64..300), 40),
        ) {
            let (mut calendar, mut plain) = (Calendar::default(), Plain(vec![0; SECONDS]));
            for (at, change) in shifts {
                calendar.shift(second(at), change);
                plain.shift(at, change);
            }
            for (from, seconds, least) in questions {
                agree(&calendar, &plain, from, seconds, least);
            }
        }

        #[test]
        fn a_calendar_of_few_steps_agrees_with_a_plain_list(
            shifts in prop::collection::vec((0..30_usize, -3_i64..=3), 0..12),
            questions in prop::collection::vec((0..32_usize, 1..32_usize, -4_i64..4), 40),
        ) {
            let (mut calendar, mut plain) = (Calendar::default(), Plain(vec![0; SECONDS]));
            for (at, change) in shifts {
                calendar.shift(second(at), change);
                plain.shift(at, change);
            }
            for (from, seconds, least) in questions {
                agree(&calendar, &plain, from, seconds, least);
            }
        }
    }
}
