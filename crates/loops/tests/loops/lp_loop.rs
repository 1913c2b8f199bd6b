//! The scenario `lp-loop`: two providers, a fund, two companies and a reseller, worked out by hand.
//!
//! Of fund B's 100 million, 70 are provider A's and came in first; 30 are the State fund's. Company
//! C's 40 million all come from B: first in first out they are A's, pro rata 70 % are, and the
//! State's 30 million would cover all that C pays. Company D holds 20 million of B's when X's 10
//! million come: a third is X's pro rata, none first in first out.

use expect_test::expect;
use loopledger_loops::{Graph, Loop};

use crate::statement::{DAY_US, all_told, day, graph, parties, read};

const FLOWS: &str = "
    2024-09-01 provider-a fund-b     contribution    7_000_000_000
    2024-09-01 lp-state   fund-b     contribution    3_000_000_000
    2024-11-15 fund-b     company-c  investment      4_000_000_000
    2025-01-20 fund-b     company-d  investment      2_000_000_000
    2025-02-10 provider-x company-d  investment      1_000_000_000
    2025-03-20 company-c  provider-a compute_payment   251_622_000
    2025-04-15 city       provider-a voucher_payment   107_838_000 company-c
    2025-04-20 company-c  provider-a compute_payment   251_622_000
    2025-04-22 company-d  provider-x compute_payment    99_750_000
    2025-04-24 company-c  reseller-r compute_payment    64_000_000
    2025-04-28 reseller-r provider-a compute_payment   112_000_000
    2025-05-15 city       provider-x voucher_payment    42_750_000 company-d
";

fn found(graph: &Graph, wanted: &str) -> Loop {
    graph.loops().find(|found| parties(graph, found) == wanted).unwrap()
}

#[test]
fn the_scenario_has_its_three_loops() {
    expect![[r#"
        provider-a fund-b company-c (fund), 200 days, flows 1 3 6 8, voucher 107838000
          out 7000000000: 0 <= 503244000 352270800.00 <= 503244000, ratio 0.050324
        provider-a fund-b company-c reseller-r (resale), 239 days, flows 1 3 10 11, voucher 0
          out 7000000000: 0 <= 64000000 44800000.00 <= 64000000, ratio 0.006400
        provider-x company-d (direct), 71 days, flows 5 9, voucher 42750000
          out 1000000000: 0 <= 0 33250000.00 <= 99750000, ratio 0.033250
    "#]]
    .assert_eq(&all_told(&graph(FLOWS)));
}

#[test]
fn each_loop_has_its_dates() {
    let graph = graph(FLOWS);
    let dates = |wanted: &str| {
        let found = found(&graph, wanted);
        [found.first_capital_at, found.closed_at, found.last_return_at]
    };
    let expected = |dates: [&str; 3]| dates.map(|date| day(date) * DAY_US);
    assert_eq!(
        dates("provider-a fund-b company-c"),
        expected(["2024-09-01", "2025-03-20", "2025-04-20"])
    );
    assert_eq!(dates("provider-x company-d"), expected(["2025-02-10", "2025-04-22", "2025-04-22"]));
    assert_eq!(
        dates("provider-a fund-b company-c reseller-r"),
        expected(["2024-09-01", "2025-04-28", "2025-04-28"])
    );
}

#[test]
fn each_flow_names_the_loops_that_it_touches() {
    let (mut graph, flows) = read(FLOWS);
    let mut told = String::new();
    for flow in flows {
        let affected = graph.add(flow).unwrap();
        assert!(!affected.truncated);
        for cycle in affected.cycles {
            let found = graph.loop_of(&cycle).unwrap();
            told += &format!("{}: {}\n", flow.id.0, parties(&graph, &found));
        }
    }
    expect![[r#"
        6: provider-a fund-b company-c
        7: provider-a fund-b company-c
        8: provider-a fund-b company-c
        9: provider-x company-d
        10: provider-a fund-b company-c
        11: provider-a fund-b company-c reseller-r
        12: provider-x company-d
    "#]]
    .assert_eq(&told);
}
