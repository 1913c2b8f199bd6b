//! A loop that is gone on with, however its flows came in, stands as its record says.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{Cycle, Flow, FlowId, Graph, Kind, Recorded};

const PARTIES: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Debug, Clone)]
enum Change {
    /// From, to, kind, amount, and how long before the latest it took effect.
    Flow(usize, usize, Kind, i128, i64),
    /// The flow of this number, counted back from the last one, is taken out.
    Void(usize),
    /// The loops are asked for.
    Ask,
}

fn change() -> impl Strategy<Value = Change> {
    let kind = prop_oneof![
        1 => Just(Kind::Contribution),
        1 => Just(Kind::Investment),
        3 => Just(Kind::ComputePayment),
        1 => Just(Kind::Transfer),
    ];
    let back = prop_oneof![4 => 0..3_i64, 1 => 0..60_i64];
    let flow = (0..PARTIES.len(), 0..PARTIES.len(), kind, 1..90_i128, back)
        .prop_map(|(from, to, kind, amount, back)| Change::Flow(from, to, kind, amount, back));
    prop_oneof![
        20 => flow,
        1 => (0..9_usize).prop_map(Change::Void),
        4 => Just(Change::Ask),
    ]
}

proptest! {
    #[test]
    fn a_loop_gone_on_with_stands_as_one_worked_out_anew(
        changes in proptest::collection::vec(change(), 0..150)
    ) {
        let mut graph = Graph::default();
        let parties = PARTIES.map(|party| graph.party(party));
        let currency = graph.currency("CNY");
        let mut trails: BTreeMap<Cycle, Trail> = BTreeMap::new();
        for (change, number) in changes.into_iter().chain([Change::Ask]).zip(0..) {
            match change {
                Change::Flow(from, to, kind, amount, back) => {
                    let flow = Flow {
                        id: FlowId(number),
                        from: parties[from],
                        to: parties[to],
                        kind,
                        amount,
                        currency,
                        at: number.cast_signed() - back,
                        recorded: Recorded { position: number, index: 0 },
                    };
                    graph.add(flow).expect("a flow of its own");
                }
                Change::Void(back) => {
                    let recorded = graph.flows().iter().rev().nth(back).map(|flow| flow.recorded);
                    recorded.map(|recorded| graph.void(recorded));
                }
                Change::Ask => {
                    for record in graph.loops() {
                        let trail = trails.entry(record.cycle.clone()).or_default();
                        let standing = graph.standing_of(&record.cycle, trail);
                        prop_assert_eq!(standing, Some(record.standing()));
                    }
                }
            }
        }
    }

    #[test]
    fn marks_are_few_and_the_nearest_is_near(flows in 40..400_u64) {
        let mut graph = Graph::default();
        let [a, c] = ["a", "c"].map(|party| graph.party(party));
        let currency = graph.currency("CNY");
        let mut trail = Trail::default();
        for number in 0..flows {
            let (from, to, kind) = if number % 2 == 0 {
                (a, c, Kind::Investment)
            } else {
                (c, a, Kind::ComputePayment)
            };
            let (at, recorded) = (number.cast_signed(), Recorded { position: number, index: 0 });
            let flow = Flow { id: FlowId(number), from, to, kind, amount: 7, currency, at, recorded };
            graph.add(flow).expect("a flow of its own");
            for cycle in graph.cycles() {
                graph.standing_of(&cycle, &mut trail).expect("it closes");
            }
        }
        let taken = |mark: &Mark| mark.places.iter().sum::<usize>() as u64;
        prop_assert!(trail.marks.len() <= 20, "{}", trail.marks.len());
        let last = trail.marks.last().map(taken);
        prop_assert!(last.is_some_and(|taken| taken + 8 >= flows), "{:?} of {}", last, flows);
    }
}
