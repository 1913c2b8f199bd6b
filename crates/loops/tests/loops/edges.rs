//! The bare search on the Bitcoin OTC trust network, whose counts are known, and on a made-up
//! network of any size.
//!
//! `NETWORK_EDGES=1000000` makes that network as large: hubs, bursts and parallel edges.

use std::collections::BTreeMap;

use loopledger_loops::{CycleBounds, DatedEdge, count_cycles};

const BITCOIN_OTC: &str = include_str!("../../../../tests/data/bitcoin_otc.csv");
const WEEK: i128 = 7 * 24 * 60 * 60;

fn bitcoin_otc() -> Vec<DatedEdge> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let party = |cell: usize| cells[cell].parse().unwrap();
        DatedEdge { from: party(1), to: party(2), time: cells[4].parse().unwrap() }
    };
    BITCOIN_OTC.lines().skip(1).map(row).collect()
}

#[test]
fn the_counts_of_bitcoin_otc_are_those_that_are_known() {
    let edges = bitcoin_otc();
    assert_eq!(edges.len(), 35_592);
    let six = CycleBounds { window: Some(WEEK), max_hops: Some(6) };
    let by_hops: BTreeMap<_, _> = count_cycles(&edges, &six).unwrap().by_hops().collect();
    assert_eq!(by_hops, [(2, 12_071), (3, 689), (4, 650), (5, 571), (6, 573)].into());
    let any = CycleBounds { window: Some(WEEK), max_hops: None };
    assert_eq!(count_cycles(&edges, &any).unwrap().total(), 16_993);
}

/// Parties of very different standing pay each other over two months, some of them in bursts.
fn network(edges: u32) -> Vec<DatedEdge> {
    let mut random = 1_u64;
    let mut below = |bound: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % bound
    };
    let parties = u64::from(edges) / 8 + 10;
    let mut found = Vec::new();
    while found.len() < edges as usize {
        let mut party = || {
            let scale = below(parties) + 1;
            u32::try_from(below(scale)).unwrap()
        };
        let (from, to) = (party(), party());
        let start = below(60 * 24 * 60 * 60);
        let burst = if below(50) == 0 { below(40) } else { 0 };
        found.extend((0..=burst).map(|place| DatedEdge {
            from,
            to,
            time: i128::from(start + place * 60),
        }));
    }
    found
}

#[test]
fn cutting_the_parties_apart_in_two_gives_the_cycles_of_each_half() {
    let edges = std::env::var("NETWORK_EDGES").map_or(8_000, |edges| edges.parse().unwrap());
    let bounds = CycleBounds { window: Some(WEEK), max_hops: Some(6) };
    let all = network(edges);
    let halves = [0, 1].map(|half| {
        let within = |edge: &&DatedEdge| edge.from % 2 == half && edge.to % 2 == half;
        all.iter().filter(within).copied().collect::<Vec<_>>()
    });
    let counts = halves.each_ref().map(|half| count_cycles(half, &bounds).unwrap().total());
    let together: Vec<_> = halves.concat();
    let counted = count_cycles(&together, &bounds).unwrap();
    assert!(counted.total() > 0);
    assert_eq!(counted.total(), counts.iter().sum());
}
