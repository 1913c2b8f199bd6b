//! The maximum flow against the minimum cut, which a small network lets one look for everywhere.

#![expect(clippy::unwrap_used, reason = "a test fails where its example is wrong")]

use proptest::prelude::*;

use super::*;

fn network(nodes: usize, arcs: &[(usize, usize, i128)]) -> Network {
    let mut network = Network::default();
    for _ in 0..nodes {
        network.node();
    }
    for &(from, to, capacity) in arcs {
        network.arc(from, to, capacity);
    }
    network
}

fn least_cut(nodes: usize, arcs: &[(usize, usize, i128)]) -> i128 {
    let sink = nodes - 1;
    let cuts = (0..1_usize << nodes).filter(|cut| cut & 1 == 1 && cut >> sink & 1 == 0);
    let crosses = |cut: usize, from: usize, to: usize| cut >> from & 1 == 1 && cut >> to & 1 == 0;
    let cost = |cut: usize| -> i128 {
        arcs.iter().filter(|arc| crosses(cut, arc.0, arc.1)).map(|arc| arc.2).sum()
    };
    cuts.map(cost).min().unwrap()
}

#[test]
fn a_flow_that_took_a_wrong_turn_is_led_back() {
    let arcs = [(0, 1, 1), (0, 2, 1), (1, 3, 1), (1, 4, 1), (2, 3, 1), (3, 5, 1), (4, 5, 1)];
    assert_eq!(network(6, &arcs).max_flow(0, 5), 2);
}

#[test]
fn without_a_way_nothing_flows() {
    assert_eq!(network(3, &[(0, 1, 5)]).max_flow(0, 2), 0);
}

#[test]
fn a_long_chain_needs_no_deep_stack() {
    let arcs: Vec<_> = (0..200_000).map(|node| (node, node + 1, 7)).collect();
    assert_eq!(network(200_001, &arcs).max_flow(0, 200_000), 7);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_maximum_flow_is_the_minimum_cut(
        arcs in proptest::collection::vec((0..7_usize, 0..7_usize, 0..9_i128), 0..25)
    ) {
        let arcs: Vec<_> = arcs.into_iter().filter(|(from, to, _)| from != to).collect();
        prop_assert_eq!(network(7, &arcs).max_flow(0, 6), least_cut(7, &arcs));
    }
}
