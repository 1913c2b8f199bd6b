//! What holds of allocation after any commands, against calendars that are filled in day by day and
//! hour by hour.

use loopledger_model::Period;
use loopledger_model::allocation::{
    ConfirmReservation, EndReservation, Oversell, Reservation, ReservationEnding,
};
use loopledger_testkit::{Story, at, fact, given, id};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::tests::{contract, party};
use super::*;
use cards::told;
use diary::Diary;

mod cards;
mod diary;

const DAYS: usize = 24;
const HOURS: usize = DAYS * 24;

fn hour(number: usize) -> Timestamp {
    let start = at("2025-01-01").as_second();
    let seconds = 3_600 * i64::try_from(number).expect("small");
    Timestamp::from_second(start + seconds).expect("a timestamp")
}

fn hours(from: usize, to: usize) -> Period {
    Period::new(hour(from), hour(to)).expect("a period")
}

fn days(from: usize, to: usize) -> Period {
    hours(from * 24, to * 24)
}

/// A step of a story, in days or hours from its start; all of it happens to one pool and contract.
#[derive(Debug, Clone)]
enum Step {
    Change {
        day: usize,
        cards: Option<u32>,
        lit: Option<u32>,
    },
    Allocate {
        name: u8,
        cards: u32,
        day: usize,
        length: usize,
    },
    End {
        name: u8,
        day: usize,
    },
    Meter {
        name: u8,
        allocation: u8,
        hour: usize,
        length: usize,
        tenths: u32,
    },
    Reserve {
        name: u8,
        cards: u32,
        day: usize,
        length: usize,
        held: usize,
    },
    Confirm {
        name: u8,
        allocation: u8,
        day: usize,
    },
    Finish {
        name: u8,
        ending: ReservationEnding,
        day: usize,
    },
    Permit {
        quarters: u32,
        day: usize,
        length: usize,
    },
    /// Of cards, stages and electricity, which no rule about capacity looks at.
    Tell(Command),
}

fn step() -> impl Strategy<Value = Step> {
    let totals = (prop::option::of(0_u32..14), prop::option::weighted(0.8, 0_u32..14));
    let change = (0..DAYS, totals).prop_map(|(day, (cards, lit))| Step::Change { day, cards, lit });
    let allocate = (0_u8..12, 0_u32..7, 0..DAYS, 1_usize..DAYS);
    let allocate = allocate.prop_map(|(name, cards, day, length)| {
        let length = length.min(DAYS - day);
        Step::Allocate { name, cards, day, length }
    });
    let end = (0_u8..12, 0..DAYS).prop_map(|(name, day)| Step::End { name, day });
    let meter = (any::<u8>(), 0_u8..12, 0..HOURS, 1_usize..60, 0_u32..900);
    let meter = meter.prop_map(|(name, allocation, hour, length, tenths)| {
        let length = length.min(HOURS - hour);
        Step::Meter { name, allocation, hour, length, tenths }
    });
    let span = || (0..DAYS, 1_usize..DAYS).prop_map(|(day, length)| (day, length.min(DAYS - day)));
    let reserve = (0_u8..12, 0_u32..7, span(), 0..DAYS);
    let reserve = reserve.prop_map(|(name, cards, (day, length), held)| Step::Reserve {
        name,
        cards,
        day,
        length,
        held,
    });
    let confirm = (0_u8..12, 0_u8..16, 0..DAYS).prop_map(|(name, allocation, day)| Step::Confirm {
        name,
        allocation,
        day,
    });
    let ending = prop_oneof![Just(ReservationEnding::Released), Just(ReservationEnding::Expired)];
    let finish = (0_u8..12, ending, 0..DAYS).prop_map(|(name, ending, day)| Step::Finish {
        name,
        ending,
        day,
    });
    let permit = (5_u32..12, span()).prop_map(|(quarters, (day, length))| Step::Permit {
        quarters,
        day,
        length,
    });
    let tell = told().prop_map(Step::Tell);
    prop_oneof![
        6 => tell, 4 => change, 6 => allocate, 2 => end, 8 => meter,
        8 => reserve, 5 => confirm, 5 => finish, 1 => permit,
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 0..120)
}

fn command(step: &Step) -> Command {
    match *step {
        Step::Tell(ref command) => command.clone(),
        Step::Change { day, cards, lit } => {
            Command::ChangePool(ChangePool { pool: id("p"), at: hour(day * 24), cards, lit })
        }
        Step::Allocate { name, cards, day, length } => Command::Allocate(allocation::Allocation {
            id: id(&name.to_string()),
            pool: id("p"),
            contract: id("k"),
            cards,
            period: days(day, day + length),
            class: None,
        }),
        Step::End { name, day } => Command::EndAllocation(EndAllocation {
            allocation: id(&name.to_string()),
            at: hour(day * 24),
        }),
        Step::Meter { name, allocation, hour, length, tenths } => Command::MeterUsage(MeterUsage {
            id: id(&name.to_string()),
            allocation: id(&allocation.to_string()),
            window: hours(hour, hour + length),
            card_hours: id(&Decimal::new(tenths.into(), 1).to_string()),
            source: id("slurm"),
            evidence: None,
            class: None,
        }),
        Step::Reserve { name, cards, day, length, held } => Command::Reserve(Reservation {
            id: id(&name.to_string()),
            pool: id("p"),
            cards,
            period: days(day, day + length),
            at: hour(0),
            held_until: hour(held * 24),
            contract: None,
            class: None,
        }),
        Step::Confirm { name, allocation, day } => {
            Command::ConfirmReservation(ConfirmReservation {
                reservation: id(&name.to_string()),
                allocation: id(&allocation.to_string()),
                contract: id("k"),
                at: hour(day * 24),
            })
        }
        Step::Finish { name, ending, day } => Command::EndReservation(EndReservation {
            reservation: id(&name.to_string()),
            ending,
            at: hour(day * 24),
        }),
        Step::Permit { quarters, day, length } => Command::PermitOversell(Oversell {
            pool: id("p"),
            factor: id(&Decimal::new(i64::from(quarters) * 25, 2).to_string()),
            period: days(day, day + length),
            at: hour(0),
            by: id("staff-7"),
            of: id("A"),
        }),
    }
}

fn registered() -> Pool {
    Pool {
        id: id("p"),
        operator: id("A"),
        site: id("Guizhou 2"),
        model: id("H200"),
        cards: 12,
        lit: 8,
        at: hour(0),
    }
}

fn story() -> Story<Allocation> {
    given::<Allocation>([])
        .knowing([fact(1, party("A")), fact(2, contract("k", days(0, DAYS)))])
        .after([Command::RegisterPool(registered())])
}

type Answer = Result<Decision<Event>, Refusal>;

/// Decides every step that `is_asked`, and hands it over with its answer.
fn run(
    steps: &[Step],
    mut is_asked: impl FnMut(&Step) -> bool,
    mut check: impl FnMut(&Step, &Answer) -> Result<(), TestCaseError>,
) -> Result<(Story<Allocation>, Vec<Event>), TestCaseError> {
    let mut story = story();
    let mut events = vec![Event::PoolRegistered(registered())];
    for step in steps {
        if !is_asked(step) {
            continue;
        }
        let answer = Allocation::decide(&story.state, &story.facts, &command(step));
        check(step, &answer)?;
        for event in answer.into_iter().flat_map(|decision| decision.events) {
            Allocation::evolve(&mut story.state, &event);
            events.push(event);
        }
    }
    Ok((story, events))
}

fn is_new(answer: &Answer) -> bool {
    answer.as_ref().is_ok_and(|decision| !decision.events.is_empty())
}

/// Writes the step down and says whether the answer is what the diary says.
fn compare(diary: &mut Diary, step: &Step, answer: &Answer) -> Result<(), TestCaseError> {
    match *step {
        Step::Change { day, cards, lit } if is_new(answer) => {
            let expected = diary.change(day, cards, lit);
            prop_assert_eq!(answer, &Ok(Decision::from(expected)));
        }
        Step::Change { day, cards, lit } => diary.objects(day, cards, lit, answer)?,
        Step::Allocate { name, cards, day, length } => {
            let above = diary.first_above(cards, day, length);
            if fits(answer, above.as_ref())? {
                diary.allocate(name, cards, (day, length));
            }
        }
        Step::Reserve { name, cards, day, length, .. } => {
            let above = diary.first_above(cards, day, length);
            if fits(answer, above.as_ref())? {
                diary.reserve(name, cards, (day, length));
            }
        }
        Step::Confirm { name, allocation, .. } if diary.2.contains_key(&name) => {
            let above = diary.first_exceeded(name);
            if fits(answer, above.as_ref())? {
                diary.confirm(name, allocation);
            }
        }
        Step::Confirm { .. } => prop_assert!(!is_new(answer), "it is not reserved: {answer:?}"),
        Step::Finish { name, day, .. } if is_new(answer) => diary.give_up(name, day),
        Step::Permit { quarters, day, length } if is_new(answer) => {
            diary.0[day..day + length].iter_mut().for_each(|day| day.quarters = quarters);
        }
        Step::End { name, day } if is_new(answer) => diary.give_back(name, day),
        Step::End { .. }
        | Step::Meter { .. }
        | Step::Finish { .. }
        | Step::Permit { .. }
        | Step::Tell(_) => {}
    }
    Ok(())
}

/// Whether it was accepted; what is refused for want of cards is what the diary says.
fn fits(answer: &Answer, above: Option<&Refusal>) -> Result<bool, TestCaseError> {
    match answer {
        Err(refusal @ (Refusal::AboveLit { .. } | Refusal::AbovePermitted { .. })) => {
            prop_assert_eq!(Some(refusal), above);
        }
        Ok(decision) if !decision.events.is_empty() => {
            prop_assert_eq!(None, above);
            return Ok(true);
        }
        Ok(_) | Err(_) => {}
    }
    Ok(false)
}

/// All usage accepted of one allocation: window and tenths of card-hours, hour by hour.
#[derive(Default)]
struct Log(Vec<(usize, usize, u32)>);

impl Log {
    /// Whether no stretch of hours that holds this window would hold more than its cards have.
    fn has_room(&self, cards: u32, (from, to): (usize, usize), tenths: u32) -> bool {
        let has = |hours: usize| cards * 10 * u32::try_from(hours).expect("small");
        let last = self.0.iter().map(|window| window.1).max().unwrap_or(to).max(to);
        (0..=from).all(|start| {
            (to..=last).all(|end| {
                let within = self.0.iter().filter(|window| start <= window.0 && window.1 <= end);
                within.map(|window| window.2).sum::<u32>() + tenths <= has(end - start)
            })
        })
    }
}

proptest! {
    #[test]
    fn without_darkening_allocated_cards_are_lit_and_lit_ones_installed(steps in steps()) {
        let diary = std::cell::RefCell::new(Diary::new());
        let lights = |step: &Step| match *step {
            Step::Change { day, lit, .. } => diary.borrow_mut().only_lights(day, lit),
            Step::Permit { .. } => false,
            Step::Allocate { .. }
            | Step::End { .. }
            | Step::Meter { .. }
            | Step::Reserve { .. }
            | Step::Confirm { .. }
            | Step::Finish { .. }
            | Step::Tell(_) => true,
        };
        run(&steps, lights, |step, answer| {
            let mut diary = diary.borrow_mut();
            compare(&mut diary, step, answer)?;
            for day in &diary.0 {
                prop_assert!(day.taken() <= day.lit && day.lit <= day.cards, "{day:?}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn without_darkening_no_card_is_sold_more_often_than_is_permitted(steps in steps()) {
        let diary = std::cell::RefCell::new(Diary::new());
        let lights = |step: &Step| {
            let Step::Change { day, lit, .. } = *step else { return true };
            diary.borrow_mut().only_lights(day, lit)
        };
        run(&steps, lights, |step, answer| {
            let mut diary = diary.borrow_mut();
            compare(&mut diary, step, answer)?;
            for day in &diary.0 {
                prop_assert!(day.taken() <= day.may(), "{day:?}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_pool_falls_short_exactly_when_the_diary_says_so(steps in steps()) {
        let mut diary = Diary::new();
        run(&steps, |_| true, |step, answer| {
            compare(&mut diary, step, answer)?;
            for day in &diary.0 {
                prop_assert!(day.lit <= day.cards, "{day:?}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_is_metered_is_at_most_what_was_allocated(steps in steps()) {
        let mut logs: BTreeMap<u8, (u32, usize, Log)> = BTreeMap::new();
        let mut reserved: BTreeMap<u8, (u32, usize)> = BTreeMap::new();
        run(&steps, |_| true, |step, answer| {
            match *step {
                Step::Allocate { name, cards, length, .. } if is_new(answer) => {
                    logs.insert(name, (cards, length * 24, Log::default()));
                }
                Step::Meter { allocation, hour, length, tenths, .. } => {
                    let above = matches!(answer, Err(Refusal::AboveAllocated { .. }));
                    if !above && !is_new(answer) {
                        return Ok(());
                    }
                    let Some((cards, hours, log)) = logs.get_mut(&allocation) else {
                        return Err(TestCaseError::fail("metered without an allocation"));
                    };
                    let fits = log.has_room(*cards, (hour, hour + length), tenths);
                    prop_assert_eq!(fits, !above);
                    if fits {
                        log.0.push((hour, hour + length, tenths));
                    }
                    let metered: u32 = log.0.iter().map(|window| window.2).sum();
                    prop_assert!(metered <= *cards * 10 * u32::try_from(*hours).expect("small"));
                }
                Step::Confirm { name, allocation, .. } if is_new(answer) => {
                    let (cards, length) = reserved[&name];
                    logs.insert(allocation, (cards, length * 24, Log::default()));
                }
                Step::Reserve { name, cards, length, .. } if is_new(answer) => {
                    reserved.insert(name, (cards, length));
                }
                Step::Change { .. }
                | Step::Allocate { .. }
                | Step::End { .. }
                | Step::Reserve { .. }
                | Step::Confirm { .. }
                | Step::Finish { .. }
                | Step::Permit { .. }
                | Step::Tell(_) => {}
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_was_accepted_is_nothing_the_second_time(steps in steps()) {
        let mut accepted = Vec::new();
        let (story, _) = run(&steps, |_| true, |step, answer| {
            accepted.extend(answer.is_ok().then(|| command(step)));
            Ok(())
        })?;
        for command in accepted {
            let again = Allocation::decide(&story.state, &story.facts, &command);
            prop_assert_eq!(again, Ok(Decision::nothing()));
        }
    }

    #[test]
    fn folding_what_was_stored_gives_the_state_that_was_reached(steps in steps()) {
        let (story, events) = run(&steps, |_| true, |_, _| Ok(()))?;
        let stored = serde_json::to_vec(&events).expect("events are JSON");
        let stored: Vec<Event> = serde_json::from_slice(&stored).expect("events are read back");
        prop_assert_eq!(&stored, &events);
        prop_assert_eq!(given::<Allocation>(stored).state, story.state);
    }

    #[test]
    fn partitions_decide_as_the_whole_does(steps in steps(), count in 2..5_u32) {
        let commands = std::iter::once(Command::RegisterPool(registered()));
        let commands = commands.chain(steps.iter().map(command));
        loopledger_testkit::decided_apart_as_together::<Allocation>(count, &story().facts, commands);
    }
}
