//! The manager's share of profit (F6), held against tiers that are filled day by day.

use loopledger_model::fund::Waterfall;

use super::*;

/// Cents that partners had paid in and got back by an instant, and the carry by then.
fn sums(events: &[Event], at: Timestamp) -> [i128; 3] {
    let mut sums = [0; 3];
    for event in events {
        let (place, amount, when) = if let Event::ContributionReceived(paid) = event {
            (0, paid.amount, paid.at)
        } else if let Event::DistributionPaid(got) = event {
            (1, got.amount, got.at)
        } else if let Event::CarryPaid(carry) = event {
            (2, carry.amount, carry.at)
        } else {
            continue;
        };
        if when <= at {
            sums[place] += amount.minor_units();
        }
    }
    sums
}

/// Whether partners had their capital and 8 % a year on it first, and the manager no more than the catch-up gives of what
/// is beyond and a fifth of all profit.
fn is_in_order(events: &[Event], catch_up: i128, at: Timestamp) -> bool {
    let [contributed, distributed, carry] = sums(events, at);
    let gain = distributed - contributed;
    let mut preferred = 0;
    for today in (0..).map(day).take_while(|today| *today < at) {
        let [contributed, distributed, _] = sums(events, today);
        preferred += (contributed - distributed).max(0) * 8;
    }
    // In parts of a cent: 8 of 100 in 365 days.
    let parts = 36_500;
    let beyond = gain * parts - preferred;
    beyond >= 0
        && 100 * carry * parts <= catch_up * (beyond + carry * parts)
        && 100 * carry <= 20 * (gain + carry)
}

fn movements() -> impl Strategy<Value = Vec<Command>> {
    let kinds = prop::sample::select(vec!["paid in", "profit", "back", "back", "carry", "carry"]);
    let one = (kinds, 1..=100_u32, 0..90_u32);
    prop::collection::vec(one, 1..30).prop_map(|drawn| {
        let movement = |(number, (kind, units, when)): (usize, (&str, u32, u32))| {
            let (name, fund, lp, at) = (format!("m-{number}"), id("fund-1"), id("lp-a"), day(when));
            match kind {
                "paid in" => {
                    let (id, amount) = (id(&name), amount(units));
                    Command::Contribute(Contribution { id, fund, lp, amount, at, call: None })
                }
                "profit" => {
                    let (id, from, amount) = (id(&name), "company-c".parse(), amount(units * 2));
                    let (from, purpose) = (from.expect("an id"), "sale".parse().expect("a text"));
                    Command::RecordTransfer(Transfer { id, from, to: fund, amount, at, purpose })
                }
                "back" => {
                    let (id, amount) = (id(&name), amount(units));
                    Command::Distribute(Distribution { id, fund, lp, amount, at, kind: None })
                }
                _ => Command::PayCarry(PayCarry {
                    id: id(&name),
                    fund,
                    payee: id("gp"),
                    amount: amount(units.div_ceil(8)),
                    at,
                }),
            }
        };
        drawn.into_iter().enumerate().map(movement).collect()
    })
}

proptest! {
    #[test]
    fn carry_is_paid_when_the_tiers_before_it_are_filled_and_only_then(
        movements in movements(),
        catch_up in prop::sample::select(vec![20_u8, 50, 100]),
    ) {
        let waterfall = Waterfall {
            preferred_percent_a_year: Some(id("8")),
            catch_up_percent: (catch_up > 20).then(|| id(&catch_up.to_string())),
            carry_percent: id("20"),
        };
        let mut story = blank().after([
            form("fund-1", "2025-03-01"),
            commit("k-1", "fund-1", "lp-a", "100000", "2025-03-01"),
            Command::SetTerms(SetTerms { waterfall: Some(waterfall), ..terms() }),
        ]);
        let catch_up = i128::from(catch_up);
        let mut events: Vec<Event> = Vec::new();
        for command in movements {
            let decided = FundDecider::decide(&story.state, &story.facts, &command);
            if let (Command::PayCarry(carry), Err(Refusal::CarryTooEarly { at, .. })) =
                (&command, &decided)
            {
                events.push(Event::CarryPaid(carry.clone()));
                prop_assert!(!is_in_order(&events, catch_up, *at), "{carry:?} after {events:?}");
                events.pop();
            }
            let Ok(decision) = decided else { continue };
            for event in decision.events {
                FundDecider::evolve(&mut story.state, &event);
                events.push(event);
            }
            let Command::PayCarry(paid) = &command else { continue };
            let carried =
                |event: &Event| if let Event::CarryPaid(carry) = event { Some(carry.at) } else { None };
            let carries = events.iter().filter_map(carried).filter(|at| *at >= paid.at);
            for at in carries {
                prop_assert!(is_in_order(&events, catch_up, at), "at {at} after {events:?}");
            }
        }
    }
}
