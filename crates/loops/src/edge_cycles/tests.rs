//! Small graphs against trying every sequence of edges, the rules one by one, and graphs in which a
//! search without foresight would not end.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn edges(list: &[(u32, u32, i128)]) -> Vec<DatedEdge> {
    list.iter().map(|&(from, to, time)| DatedEdge { from, to, time }).collect()
}

fn counted(edges: &[DatedEdge], bounds: &CycleBounds) -> BTreeMap<usize, u128> {
    let counts = count_cycles(edges, bounds).expect("few edges");
    assert_eq!(counts.total(), counts.by_hops().map(|(_, cycles)| cycles).sum());
    counts.by_hops().collect()
}

fn listed(edges: &[DatedEdge], bounds: &CycleBounds) -> Vec<Vec<usize>> {
    let mut listed = Vec::new();
    let tell = &mut |cycle: &[usize]| {
        listed.push(cycle.to_vec());
        ControlFlow::Continue(())
    };
    each_cycle(edges, bounds, tell).expect("few edges");
    listed.sort_unstable();
    listed
}

/// Every cycle by trying every sequence.
fn by_trying(edges: &[DatedEdge], bounds: &CycleBounds) -> Vec<Vec<usize>> {
    fn extend(
        edges: &[DatedEdge],
        bounds: &CycleBounds,
        walk: &mut Vec<usize>,
        found: &mut Vec<Vec<usize>>,
    ) {
        let (first, last) = (edges[walk[0]], edges[walk[walk.len() - 1]]);
        if last.to == first.from {
            found.push(walk.clone());
            return;
        }
        for (place, next) in edges.iter().enumerate() {
            let before = walk[walk.len() - 1];
            let follows = (next.time, place) > (last.time, before) && next.from == last.to;
            let fits = bounds.window.is_none_or(|window| next.time - first.time <= window)
                && bounds.max_hops.is_none_or(|most| walk.len() < most);
            let visited = walk.iter().any(|edge| edges[*edge].to == next.to);
            if follows && fits && !visited && next.from != next.to {
                walk.push(place);
                extend(edges, bounds, walk, found);
                walk.pop();
            }
        }
    }
    let mut found = Vec::new();
    for (place, edge) in edges.iter().enumerate() {
        if edge.from != edge.to && bounds.max_hops != Some(0) {
            extend(edges, bounds, &mut vec![place], &mut found);
        }
    }
    found.sort_unstable();
    found
}

const ALL: CycleBounds = CycleBounds { window: None, max_hops: None };

#[test]
fn parallel_edges_are_cycles_of_their_own() {
    let edges = edges(&[(0, 1, 1), (0, 1, 2), (1, 0, 3), (1, 0, 4), (0, 1, 5)]);
    assert_eq!(counted(&edges, &ALL), [(2, 6)].into());
    assert_eq!(
        listed(&edges, &ALL),
        [[0, 2], [0, 3], [1, 2], [1, 3], [2, 4], [3, 4]].map(|cycle| cycle.to_vec())
    );
}

#[test]
fn at_one_time_the_order_of_the_list_decides() {
    assert_eq!(counted(&edges(&[(0, 1, 7), (1, 0, 7)]), &ALL), [(2, 1)].into());
    assert_eq!(counted(&edges(&[(0, 1, 8), (1, 0, 7)]), &ALL), [(2, 1)].into());
    assert_eq!(listed(&edges(&[(0, 1, 8), (1, 0, 7)]), &ALL), [[1, 0]]);
}

#[test]
fn the_window_includes_its_end() {
    let edges = edges(&[(0, 1, -5), (1, 2, 0), (2, 0, 5)]);
    let within = |window| CycleBounds { window: Some(window), max_hops: None };
    assert_eq!(counted(&edges, &within(10)), [(3, 1)].into());
    assert_eq!(counted(&edges, &within(9)), [].into());
    assert_eq!(counted(&edges[..0], &within(0)), [].into());
}

#[test]
fn times_at_the_ends_of_the_range_do_not_overflow() {
    let edges = edges(&[(0, 1, i128::MIN), (1, 0, i128::MAX), (1, 0, i128::MIN)]);
    let within = |window| CycleBounds { window: Some(window), max_hops: None };
    assert_eq!(listed(&edges, &within(i128::MAX)), [[0, 2]]);
    assert_eq!(counted(&edges, &ALL), [(2, 2)].into());
}

#[test]
fn an_edge_to_oneself_is_no_cycle() {
    assert_eq!(
        counted(&edges(&[(0, 0, 1), (0, 1, 2), (1, 1, 3), (1, 0, 4)]), &ALL),
        [(2, 1)].into()
    );
}

#[test]
fn no_party_is_passed_twice() {
    let figure_eight = edges(&[(0, 1, 1), (1, 2, 2), (2, 1, 3), (1, 0, 4)]);
    assert_eq!(listed(&figure_eight, &ALL), [[0, 3], [1, 2]]);
}

#[test]
fn whoever_is_told_may_end_the_search() {
    let edges = edges(&[(0, 1, 1), (0, 1, 2), (1, 0, 3), (1, 0, 4)]);
    let mut told = 0;
    let tell = &mut |_: &[usize]| {
        told += 1;
        if told == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    each_cycle(&edges, &ALL, tell).expect("few edges");
    assert_eq!(told, 2);
}

/// `width` parties a layer, every one with every one of the next layer, one layer after the other.
fn layers(first: u32, width: u32, depth: u32, start: i128) -> Vec<DatedEdge> {
    let party = move |layer: u32, place: u32| first + layer * width + place;
    let pairs = move |layer: u32| {
        (0..width).flat_map(move |from| (0..width).map(move |to| (layer, from, to)))
    };
    (0..depth - 1)
        .flat_map(pairs)
        .map(|(layer, from, to)| DatedEdge {
            from: party(layer, from),
            to: party(layer + 1, to),
            time: start + i128::from(layer),
        })
        .collect()
}

#[test]
fn a_maze_behind_a_party_that_is_passed_already_is_no_way() {
    // All money goes through 1, which leads into a maze and out of it again.
    let (width, depth, roots) = (4, 4, 30_u32);
    let mut edges: Vec<_> =
        (0..roots).map(|root| DatedEdge { from: 100 + root, to: 1, time: 0 }).collect();
    edges.extend((0..width).map(|to| DatedEdge { from: 1, to: 10 + to, time: 1 }));
    edges.extend(layers(10, width, depth, 2));
    let end = 10 + width * (depth - 1);
    edges.extend((0..width).map(|from| DatedEdge { from: end + from, to: 1, time: 40 }));
    edges.extend((0..roots).map(|root| DatedEdge { from: 1, to: 100 + root, time: 50 }));
    let through_the_maze = u128::from(width).pow(depth);
    let expected = [(2, u128::from(roots)), (depth as usize + 1, through_the_maze)];
    assert_eq!(counted(&edges, &ALL), expected.into());
    assert_eq!(Walk::impatient(&edges, &ALL), expected.into());
}

#[test]
fn a_maze_that_the_root_cannot_reach_is_left_soon() {
    // The ring keeps all parties within reach of each other, though not in time.
    let (width, depth) = (4, 60);
    let mut edges = layers(10, width, depth, 100);
    let end = 10 + width * (depth - 1);
    edges.push(DatedEdge { from: end, to: 0, time: 200 });
    edges.push(DatedEdge { from: 0, to: 1, time: 199 });
    edges.push(DatedEdge { from: 1, to: 10, time: 201 });
    edges.push(DatedEdge { from: 1, to: 0, time: 202 });
    assert_eq!(counted(&edges, &ALL), [(2, 1)].into());
}

#[test]
fn more_cycles_than_a_number_holds_are_an_error() {
    let mut edges = Vec::new();
    for hop in 0..8 {
        let edge = DatedEdge { from: hop, to: (hop + 1) % 8, time: hop.into() };
        edges.extend(std::iter::repeat_n(edge, 1_000));
    }
    assert_eq!(count_cycles(&edges, &ALL), Err(CyclesError::TooManyCycles));
    assert_eq!(counted(&edges[..7_000], &ALL), [].into());
    let seven = CycleBounds { max_hops: Some(7), ..ALL };
    assert_eq!(counted(&edges, &seven), [].into());
}

fn any_edges(parties: u32, most: usize) -> impl Strategy<Value = Vec<DatedEdge>> {
    let edge = (0..parties, 0..parties, 0..12_i128);
    prop::collection::vec(edge, 0..=most).prop_map(|list| edges(&list))
}

fn any_bounds() -> impl Strategy<Value = CycleBounds> {
    (prop::option::of(0..12_i128), prop::option::of(2..=7_usize))
        .prop_map(|(window, max_hops)| CycleBounds { window, max_hops })
}

fn lengths(cycles: &[Vec<usize>]) -> BTreeMap<usize, u128> {
    let mut lengths = BTreeMap::new();
    for cycle in cycles {
        *lengths.entry(cycle.len()).or_default() += 1;
    }
    lengths
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_search_finds_what_trying_everything_finds(
        edges in any_edges(6, 28),
        bounds in any_bounds(),
    ) {
        let expected = by_trying(&edges, &bounds);
        prop_assert_eq!(counted(&edges, &bounds), lengths(&expected));
        prop_assert_eq!(listed(&edges, &bounds), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Enough edges for tables of what can be reached.
    #[test]
    fn a_crowded_graph_lacks_no_cycle(edges in any_edges(9, 64), bounds in any_bounds()) {
        let counts = Walk::impatient(&edges, &bounds);
        prop_assert_eq!(&counts, &lengths(&by_trying(&edges, &bounds)));
        prop_assert_eq!(counted(&edges, &bounds), counts);
    }
}

impl Walk<'_, '_> {
    /// The counts of a walk that asks what can be reached after every other step.
    fn impatient(edges: &[DatedEdge], bounds: &CycleBounds) -> BTreeMap<usize, u128> {
        let timeline = Timeline::of(edges);
        let mut walk = Walk::new(&timeline, bounds, None);
        walk.least_patience = 2;
        walk.run().expect("few edges").by_hops().collect()
    }
}
