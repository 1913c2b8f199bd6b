//! Random small markets: the graph against the enumeration, against itself in other orders of
//! arrival, and its promise to name every loop that a flow changes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use loopledger_loops::{Bounds, Flow, FlowId, Graph, Kind, Loop, LoopKind, Recorded};
use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;

use crate::enumeration::enumerate;

const PARTIES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// A graph that knows the names, so that handles are the same whatever arrives first.
fn graph(bounds: Bounds) -> Graph {
    let mut graph = Graph::new(bounds);
    for party in PARTIES {
        graph.party(party);
    }
    graph.currency("CNY");
    graph.currency("USD");
    graph
}

fn any_flow() -> impl Strategy<Value = Flow> {
    let kind = prop_oneof![
        3 => Just(Kind::Contribution),
        4 => Just(Kind::Investment),
        7 => Just(Kind::ComputePayment),
        1 => Just(Kind::Transfer),
        1 => Just(Kind::Distribution),
        1 => Just(Kind::Refund),
        1 => (0..PARTIES.len()).prop_map(|buyer| {
            Kind::VoucherPayment { buyer: graph(Bounds::default()).known_party(PARTIES[buyer]) }
        }),
    ];
    let currency = prop_oneof![9 => Just("CNY"), 1 => Just("USD")];
    (0..PARTIES.len(), 0..PARTIES.len(), kind, 1..=9_i128, currency, 0..6_i64).prop_map(
        |(from, to, kind, amount, currency, at)| {
            let mut graph = graph(Bounds::default());
            Flow {
                id: FlowId(0),
                from: graph.party(PARTIES[from]),
                to: graph.party(PARTIES[to]),
                kind,
                amount,
                currency: graph.currency(currency),
                at,
                recorded: Recorded { position: 0, index: 0 },
            }
        },
    )
}

/// Flows that are recorded in an order of their own, in an order of arrival that is another one.
fn any_market(flows: RangeInclusive<usize>) -> impl Strategy<Value = Vec<Flow>> {
    proptest::collection::vec(any_flow(), flows)
        .prop_map(|mut flows| {
            for (flow, number) in flows.iter_mut().zip(1..) {
                flow.id = FlowId(number);
                flow.recorded = Recorded { position: number / 3, index: (number % 3) as u32 };
            }
            flows
        })
        .prop_shuffle()
}

fn any_bounds() -> impl Strategy<Value = Bounds> {
    let window = proptest::option::of(0..6_i64);
    (1..=4_usize, 1..=3_usize, window).prop_map(|(capital_legs, compute_legs, window)| Bounds {
        capital_legs,
        compute_legs,
        window,
        ..Bounds::default()
    })
}

fn one_by_one(bounds: Bounds, flows: &[Flow]) -> Graph {
    let mut graph = graph(bounds);
    for flow in flows {
        assert!(!graph.add(*flow).unwrap().truncated);
    }
    graph
}

fn all_at_once(bounds: Bounds, flows: &[Flow]) -> Graph {
    let mut graph = graph(bounds);
    graph.extend(flows.to_vec()).unwrap();
    graph
}

fn whole(amount: i128) -> BigRational {
    BigRational::from_integer(BigInt::from(amount))
}

fn expected_kind(parties: usize, capital_legs: impl Iterator<Item = usize>) -> LoopKind {
    let kinds = capital_legs.map(|capital| match (parties - capital, capital) {
        (1, 1) => LoopKind::Direct,
        (1, 2) => LoopKind::Fund,
        (1, _) => LoopKind::FundOfFunds,
        (_, _) => LoopKind::Resale,
    });
    kinds.max().unwrap()
}

/// The flows of the legs, by trying every leg of every split that closes.
fn expected_legs(found: &Loop, flows: &[Flow], splits: &[usize]) -> Vec<Flow> {
    let parties = &found.cycle.parties;
    let is_leg = |flow: &&Flow| {
        flow.currency == found.cycle.currency
            && (0..parties.len()).any(|leg| {
                let pair = (parties[leg], parties[(leg + 1) % parties.len()]);
                pair == (flow.from, flow.to)
                    && splits.iter().any(|capital| {
                        if leg < *capital { flow.kind.is_capital() } else { flow.kind.is_compute() }
                    })
            })
    };
    let mut legs: Vec<Flow> = flows.iter().filter(is_leg).copied().collect();
    legs.sort_unstable_by_key(Flow::moment);
    legs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_graph_finds_what_trying_everything_finds(
        flows in any_market(1..=26),
        bounds in any_bounds(),
    ) {
        let graph = one_by_one(bounds, &flows);
        let expected = enumerate(&flows, &bounds);
        prop_assert!(graph.cycles().eq(expected.keys().cloned()));
        prop_assert_eq!(graph.loops().count(), expected.len());
        for found in graph.loops() {
            let closings = &expected[&found.cycle];
            let splits: Vec<usize> = closings.capital_legs.iter().copied().collect();
            let parties = found.cycle.parties.len();
            prop_assert_eq!(found.kind, expected_kind(parties, splits.iter().copied()));
            prop_assert_eq!(found.closed_at, closings.first.at);
            prop_assert_eq!(&found.legs, &expected_legs(&found, &flows, &splits));
        }
    }

    #[test]
    fn the_order_of_arrival_makes_no_difference(
        flows in any_market(1..=40),
        bounds in any_bounds(),
    ) {
        let sorted = all_at_once(bounds, &flows);
        let arrived = one_by_one(bounds, &flows);
        let (half, rest) = flows.split_at(flows.len() / 2);
        let mut halves = all_at_once(bounds, rest);
        halves.extend(half.to_vec()).unwrap();
        let records: Vec<Loop> = sorted.loops().collect();
        prop_assert_eq!(&arrived.loops().collect::<Vec<_>>(), &records);
        prop_assert_eq!(&halves.loops().collect::<Vec<_>>(), &records);
    }

    #[test]
    fn what_is_made_void_was_never_there(
        flows in any_market(1..=40),
        bounds in any_bounds(),
        kept in any::<prop::sample::Index>(),
    ) {
        let kept = kept.index(flows.len() + 1);
        let (kept, reversed) = flows.split_at(kept);
        let mut graph = all_at_once(bounds, &flows);
        let mut records: BTreeMap<_, _> =
            graph.loops().map(|found| (found.cycle.clone(), found)).collect();
        for flow in reversed {
            let affected = graph.void(flow.recorded).unwrap();
            for cycle in affected.void {
                prop_assert!(records.remove(&cycle).is_some());
            }
            for cycle in affected.cycles {
                let record = graph.loop_of(&cycle).unwrap();
                records.insert(cycle, record);
            }
            prop_assert!(graph.loops().eq(records.values().cloned()));
        }
        prop_assert!(graph.loops().eq(all_at_once(bounds, kept).loops()));
        for flow in kept {
            graph.void(flow.recorded).unwrap();
        }
        prop_assert_eq!(graph.loops().count(), 0);
    }

    #[test]
    fn a_restored_graph_is_the_one_that_was_searched(
        flows in any_market(1..=40),
        bounds in any_bounds(),
    ) {
        let (before, after) = flows.split_at(flows.len() / 2);
        let mut searched = all_at_once(bounds, before);
        let mut restored = graph(bounds);
        let cycles: Vec<_> = searched.cycles().collect();
        restored.restore(before.to_vec(), cycles, searched.truncated().clone()).unwrap();
        prop_assert!(restored.loops().eq(searched.loops()));
        for flow in after {
            prop_assert_eq!(restored.add(*flow).unwrap(), searched.add(*flow).unwrap());
        }
        prop_assert!(restored.loops().eq(searched.loops()));
    }

    #[test]
    fn a_loop_that_is_not_named_has_not_changed(flows in any_market(1..=40)) {
        let mut graph = graph(Bounds::default());
        let mut records = BTreeMap::new();
        for flow in flows {
            for cycle in graph.add(flow).unwrap().cycles {
                let record = graph.loop_of(&cycle).unwrap();
                records.insert(cycle, record);
            }
            prop_assert!(graph.loops().eq(records.values().cloned()));
        }
    }

    #[test]
    fn the_amounts_of_every_loop_are_in_order(flows in any_market(1..=40)) {
        for Loop { amounts, .. } in all_at_once(Bounds::default(), &flows).loops() {
            let (lower, upper) = (amounts.returned_lower, amounts.returned_upper);
            prop_assert!(0 <= lower && lower <= amounts.returned_fifo);
            prop_assert!(amounts.returned_fifo <= upper && upper <= amounts.capital_out);
            prop_assert!(whole(lower) <= amounts.returned_pro_rata);
            prop_assert!(amounts.returned_pro_rata <= whole(upper));
        }
    }

    #[test]
    fn loops_that_end_in_one_payment_share_it_out_pro_rata(flows in any_market(1..=40)) {
        let mut shared = BTreeMap::new();
        for found in all_at_once(Bounds::default(), &flows).loops() {
            let parties = &found.cycle.parties;
            let last_leg = (*parties.last().unwrap(), parties[0], found.cycle.currency);
            *shared.entry(last_leg).or_insert_with(|| whole(0)) += found.amounts.returned_pro_rata;
        }
        for ((from, to, currency), returned) in shared {
            let payments = flows.iter().filter(|flow| {
                flow.kind.is_compute()
                    && (flow.from, flow.to, flow.currency) == (from, to, currency)
            });
            prop_assert!(returned <= whole(payments.map(|flow| flow.amount).sum()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// Enough flows for the search to prune with its table of what the root's money can reach.
    #[test]
    fn a_crowded_market_lacks_no_loop(flows in any_market(120..=150)) {
        let bounds = Bounds::default();
        let expected = enumerate(&flows, &bounds);
        prop_assert!(all_at_once(bounds, &flows).cycles().eq(expected.keys().cloned()));
        prop_assert!(one_by_one(bounds, &flows).cycles().eq(expected.keys().cloned()));
    }
}
