//! What makes a loop, what kind it is, and what is refused, one rule a test.

use expect_test::{Expect, expect};
use loopledger_loops::{Bounds, Cycle, Flow, FlowError, FlowId, Graph, Kind, Loop, Recorded};

use crate::statement::{DAY_US, all_told, day, graph, read, told};

fn check(flows: &str, expected: &Expect) {
    expected.assert_eq(&all_told(&graph(flows)));
}

#[test]
fn a_company_that_pays_its_investor_closes_a_direct_loop() {
    check(
        "2025-01-01 a c investment 100
         2025-01-11 c a compute_payment 80",
        &expect![[r#"
            a c (direct), 10 days, flows 1 2, voucher 0
              out 100: 80 <= 80 80.00 <= 80, ratio 0.800000
        "#]],
    );
}

#[test]
fn a_payment_before_the_capital_closes_nothing() {
    check(
        "2025-01-11 a c investment 100
         2025-01-01 c a compute_payment 80",
        &expect![""],
    );
}

#[test]
fn on_one_day_the_recorded_order_decides() {
    check(
        "2025-01-01 c a compute_payment 80
         2025-01-01 a c investment 100",
        &expect![""],
    );
    check(
        "2025-01-01 a c investment 100
         2025-01-01 c a compute_payment 80",
        &expect![[r#"
            a c (direct), 0 days, flows 1 2, voucher 0
              out 100: 80 <= 80 80.00 <= 80, ratio 0.800000
        "#]],
    );
}

#[test]
fn only_capital_followed_by_compute_makes_a_loop() {
    check(
        "2025-01-01 a c investment 100
         2025-01-02 c a refund 10
         2025-01-02 c a distribution 10
         2025-01-02 c a transfer 10
         2025-01-02 c a investment 10",
        &expect![""],
    );
    check(
        "2025-01-01 a c transfer 100
         2025-01-02 c a compute_payment 10
         2025-01-03 c d compute_payment 10
         2025-01-04 d c investment 10",
        &expect![""],
    );
}

#[test]
fn three_and_four_capital_legs_are_a_fund_of_funds() {
    check(
        "2025-01-01 a f contribution 100
         2025-01-02 f g contribution 100
         2025-01-03 g h contribution 100
         2025-01-04 h c investment 100
         2025-01-05 c a compute_payment 50
         2025-01-06 g c investment 10
         2025-01-07 c a compute_payment 10",
        &expect![[r#"
            a f g h c (fund_of_funds), 4 days, flows 1 2 3 4 5 7, voucher 0
              out 100: 50 <= 60 58.33 <= 60, ratio 0.583333
            a f g c (fund_of_funds), 6 days, flows 1 2 5 6 7, voucher 0
              out 100: 0 <= 0 0.00 <= 0, ratio 0.000000
        "#]],
    );
}

#[test]
fn five_capital_legs_or_four_compute_legs_are_too_far() {
    check(
        "2025-01-01 a f contribution 100
         2025-01-02 f g contribution 100
         2025-01-03 g h contribution 100
         2025-01-04 h i contribution 100
         2025-01-05 i c investment 100
         2025-01-06 c a compute_payment 50",
        &expect![""],
    );
    check(
        "2025-01-01 a c investment 100
         2025-01-02 c r compute_payment 100
         2025-01-03 r s compute_payment 100
         2025-01-04 s t compute_payment 100
         2025-01-05 t a compute_payment 100
         2025-01-06 s a compute_payment 5",
        &expect![[r#"
            a c r s (resale), 5 days, flows 1 2 3 6, voucher 0
              out 100: 0 <= 0 0.00 <= 0, ratio 0.000000
        "#]],
    );
}

#[test]
fn a_cycle_that_closes_in_two_ways_is_one_record_of_resale() {
    check(
        "2025-01-01 a r investment 100
         2025-01-02 r c investment 40
         2025-01-03 r c compute_payment 30
         2025-01-04 c a compute_payment 60",
        &expect![[r#"
            a r c (resale), 3 days, flows 1 2 3 4, voucher 0
              out 100: 60 <= 60 60.00 <= 60, ratio 0.600000
        "#]],
    );
}

#[test]
fn the_earliest_way_round_dates_the_closing() {
    let closed_on = |flows: &str| graph(flows).loops().next().unwrap().closed_at / DAY_US;
    let by_compute = "
        2025-01-01 a r investment 100
        2025-01-02 r c compute_payment 30
        2025-01-03 c a compute_payment 60
        2025-01-04 r c investment 40
        2025-01-05 c a compute_payment 60";
    assert_eq!(closed_on(by_compute), day("2025-01-03"));
    let by_capital = "
        2025-01-01 a r investment 100
        2025-01-02 r c investment 40
        2025-01-03 c a compute_payment 60
        2025-01-04 r c compute_payment 30
        2025-01-05 c a compute_payment 60";
    assert_eq!(closed_on(by_capital), day("2025-01-03"));
}

#[test]
fn a_way_that_does_not_close_lends_no_flows_to_the_record() {
    check(
        "2025-01-01 a r investment 100
         2025-01-02 r c investment 40
         2025-01-04 c a compute_payment 60
         2025-01-05 r c compute_payment 30",
        &expect![[r#"
            a r c (fund), 3 days, flows 1 2 3, voucher 0
              out 100: 40 <= 40 40.00 <= 40, ratio 0.400000
        "#]],
    );
}

#[test]
fn two_parties_that_invest_in_and_buy_from_each_other_are_two_loops() {
    check(
        "2025-01-01 a b investment 100
         2025-01-02 b a investment 100
         2025-01-03 a b compute_payment 10
         2025-01-04 b a compute_payment 20",
        &expect![[r#"
            a b (direct), 3 days, flows 1 4, voucher 0
              out 100: 0 <= 0 0.00 <= 0, ratio 0.000000
            b a (direct), 1 days, flows 2 3, voucher 0
              out 100: 10 <= 10 10.00 <= 10, ratio 0.100000
        "#]],
    );
}

#[test]
fn a_back_dated_fact_closes_the_loop_that_it_completes() {
    let (mut graph, flows) = read(
        "2025-01-01 a f contribution 100
         2025-01-03 c r compute_payment 50
         2025-01-04 r a compute_payment 40
         2025-01-02 f c investment 60",
    );
    for flow in &flows[..3] {
        assert!(graph.add(*flow).unwrap().cycles.is_empty());
    }
    let affected = graph.add(flows[3]).unwrap();
    let parties = ["a", "f", "c", "r"].map(|id| graph.party(id)).to_vec();
    assert_eq!(affected.cycles, [Cycle { parties, currency: graph.currency("CNY") }]);
}

#[test]
fn other_money_through_a_party_on_the_path_changes_the_record() {
    let (mut graph, flows) = read(
        "2025-01-01 a c investment 100
         2025-01-03 c a compute_payment 50
         2025-01-02 x c transfer 300
         2025-01-02 x a transfer 300",
    );
    for flow in &flows[..2] {
        graph.add(*flow).unwrap();
    }
    assert_eq!(graph.add(flows[2]).unwrap().cycles.len(), 1);
    assert_eq!(graph.add(flows[3]).unwrap().cycles, []);
    expect![[r#"
        a c (direct), 2 days, flows 1 2, voucher 0
          out 100: 0 <= 50 12.50 <= 50, ratio 0.125000
    "#]]
    .assert_eq(&all_told(&graph));
}

#[test]
fn a_back_dated_payment_changes_the_amounts_that_it_must() {
    let (mut graph, flows) = read(
        "2025-01-01 a f contribution 100
         2025-01-03 f c investment 100
         2025-01-05 c a compute_payment 80
         2025-01-01 b d investment 100
         2025-01-05 d b compute_payment 60
         2025-01-02 x f transfer 100
         2025-01-04 c v transfer 60
         2025-01-06 c v transfer 20",
    );
    graph.extend(flows[..5].to_vec()).unwrap();
    let figures = |graph: &Graph| -> Vec<String> {
        let second_line = |found: Loop| told(graph, &found).lines().nth(1).unwrap().to_owned();
        graph.loops().map(second_line).collect()
    };
    let undisturbed = "  out 100: 60 <= 60 60.00 <= 60, ratio 0.600000";
    let all_returned = "  out 100: 80 <= 80 80.00 <= 80, ratio 0.800000";
    assert_eq!(figures(&graph), [all_returned, undisturbed]);
    // Other money was in the fund when it invested: the root's is half of the 100, all or none.
    assert_eq!(graph.add(flows[5]).unwrap().cycles.len(), 1);
    let mixed = "  out 100: 0 <= 80 40.00 <= 80, ratio 0.400000";
    assert_eq!(figures(&graph), [mixed, undisturbed]);
    // 60 of them had gone elsewhere before the payment, so 40 of it came from outside.
    assert_eq!(graph.add(flows[6]).unwrap().cycles.len(), 1);
    let spent = "  out 100: 0 <= 40 20.00 <= 40, ratio 0.200000";
    assert_eq!(figures(&graph), [spent, undisturbed]);
    // What leaves after the return has no part in it.
    graph.add(flows[7]).unwrap();
    assert_eq!(figures(&graph), [spent, undisturbed]);
}

#[test]
fn voucher_money_counts_for_the_loops_that_end_with_its_buyer() {
    check(
        "2025-01-01 a c investment 100
         2025-01-02 c a compute_payment 50
         2025-01-03 city a voucher_payment 20 c
         2025-01-04 city a voucher_payment 7 d
         2025-01-05 city b voucher_payment 5 c",
        &expect![[r#"
            a c (direct), 1 days, flows 1 2, voucher 20
              out 100: 50 <= 50 50.00 <= 50, ratio 0.500000
        "#]],
    );
}

#[test]
fn money_that_was_away_for_longer_than_the_window_closes_nothing() {
    let two_years = "
        2023-01-01 a f contribution 100
        2023-01-02 f c investment 100
        2024-12-31 c a compute_payment 50";
    assert_eq!(graph(two_years).loops().count(), 1);
    let longer = two_years.replace("2024-12-31", "2025-01-01");
    assert_eq!(graph(&longer).loops().count(), 0);
    let (mut unbounded, flows) = read(&longer);
    let none = Bounds { window: None, ..Bounds::default() };
    let mut other = Graph::new(none);
    for flow in &flows {
        let [from, to] = [flow.from, flow.to].map(|party| unbounded.party_id(party).to_owned());
        let (from, to) = (other.party(&from), other.party(&to));
        let currency = other.currency("CNY");
        other.add(Flow { from, to, currency, ..*flow }).unwrap();
    }
    assert_eq!(other.loops().count(), 1);
    assert_eq!(unbounded.extend(flows).unwrap().cycles, []);
}

#[test]
fn later_capital_on_the_same_way_can_close_within_the_window() {
    check(
        "2020-01-01 a c investment 100
         2024-01-01 a c investment 100
         2024-02-01 c a compute_payment 50
         2024-03-01 c a compute_payment 50",
        &expect![[r#"
            a c (direct), 1492 days, flows 1 2 3 4, voucher 0
              out 200: 100 <= 100 100.00 <= 100, ratio 0.500000
        "#]],
    );
}

#[test]
fn a_reversal_voids_the_loop_that_lost_its_last_closing() {
    let (mut graph, flows) = read(
        "2025-01-01 a c investment 100
         2025-01-11 c a compute_payment 80
         2025-01-12 c a compute_payment 10",
    );
    graph.extend(flows.clone()).unwrap();
    let affected = graph.void(flows[1].recorded).unwrap();
    assert_eq!((affected.cycles.len(), affected.void.len()), (1, 0));
    expect![[r#"
        a c (direct), 11 days, flows 1 3, voucher 0
          out 100: 10 <= 10 10.00 <= 10, ratio 0.100000
    "#]]
    .assert_eq(&all_told(&graph));
    let affected = graph.void(flows[2].recorded).unwrap();
    assert_eq!((affected.cycles.len(), affected.void.len()), (0, 1));
    assert_eq!(graph.loop_of(&affected.void[0]), None);
    assert_eq!(graph.void(flows[2].recorded), None);
    assert_eq!(graph.loops().count(), 0);
}

#[test]
fn money_in_one_currency_does_not_close_a_loop_in_another() {
    let (mut graph, mut flows) = read(
        "2025-01-01 a c investment 100
         2025-01-02 c a compute_payment 50",
    );
    flows[1].currency = graph.currency("USD");
    assert_eq!(graph.extend(flows).unwrap().cycles, []);
}

#[test]
fn a_flow_to_oneself_moves_nothing() {
    check(
        "2025-01-01 a a investment 100
         2025-01-01 a c investment 100
         2025-01-02 c c transfer 100
         2025-01-02 c c compute_payment 100
         2025-01-03 c a compute_payment 50",
        &expect![[r#"
            a c (direct), 2 days, flows 2 5, voucher 0
              out 100: 50 <= 50 50.00 <= 50, ratio 0.500000
        "#]],
    );
}

#[test]
fn many_payments_on_a_leg_are_still_one_loop() {
    let mut text = String::new();
    for month in 1..=24 {
        let date = format!("20{}-{:02}", 23 + month / 13, (month - 1) % 12 + 1);
        text += &format!("{date}-01 a f contribution 100\n{date}-02 f c investment 90\n");
        text += &format!("{date}-03 c a compute_payment 80\n");
    }
    let graph = graph(&text);
    let found: Vec<_> = graph.loops().collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].legs.len(), 72);
    assert_eq!(found[0].amounts.returned_upper, 24 * 80);
}

/// Every party invests in and buys from every other one, one after the other.
fn everyone_with_everyone(graph: &mut Graph, parties: u64) -> Vec<Flow> {
    let handles: Vec<_> = (0..parties).map(|number| graph.party(&number.to_string())).collect();
    let currency = graph.currency("CNY");
    let pairs = handles.iter().flat_map(|from| handles.iter().map(move |to| (*from, *to)));
    let pairs = pairs.filter(|(from, to)| from != to);
    let kinds = [Kind::Investment, Kind::ComputePayment, Kind::Investment, Kind::ComputePayment];
    let legs = kinds.into_iter().flat_map(|kind| pairs.clone().map(move |pair| (kind, pair)));
    legs.zip(1..)
        .map(|((kind, (from, to)), position)| Flow {
            id: FlowId(position),
            from,
            to,
            kind,
            amount: 1,
            currency,
            at: day("2025-01-01"),
            recorded: Recorded { position, index: 0 },
        })
        .collect()
}

#[test]
fn a_search_that_runs_out_of_steps_is_remembered() {
    let mut narrow = Graph::new(Bounds { steps: 20, ..Bounds::default() });
    let flows = everyone_with_everyone(&mut narrow, 6);
    let mut cut_short = Vec::new();
    for flow in flows.clone() {
        if narrow.add(flow).unwrap().truncated {
            cut_short.push(flow.id);
        }
    }
    let mut wide = Graph::new(Bounds::default());
    everyone_with_everyone(&mut wide, 6);
    assert!(!wide.extend(flows.clone()).unwrap().truncated);
    assert!(wide.truncated().is_empty());
    assert!(!cut_short.is_empty());
    // A search that was cut has spent all that it had, the others less.
    let spent = 20 * cut_short.len() as u64;
    assert!((spent..20 * flows.len() as u64).contains(&narrow.steps()), "{}", narrow.steps());
    assert!(wide.steps() > narrow.steps());
    assert_eq!(narrow.truncated().iter().copied().collect::<Vec<_>>(), cut_short);
    assert!(narrow.cycles().count() < wide.cycles().count());
    assert!(narrow.cycles().all(|cycle| wide.loop_of(&cycle).is_some()));
}

#[test]
fn bounds_limit_the_legs() {
    let mut graph =
        Graph::new(Bounds { capital_legs: 1, compute_legs: 1, steps: 1_000, ..Bounds::default() });
    let flows = everyone_with_everyone(&mut graph, 4);
    graph.extend(flows).unwrap();
    assert_eq!(graph.cycles().count(), 12);
    assert!(graph.cycles().all(|cycle| cycle.parties.len() == 2));
}

#[test]
fn an_amount_out_of_range_is_refused_and_nothing_is_added() {
    let (mut graph, mut flows) = read(
        "2025-01-01 a c investment 100
         2025-01-02 c a compute_payment 50",
    );
    for amount in [0, -1, Flow::MAX_AMOUNT + 1] {
        flows[1].amount = amount;
        let recorded = flows[1].recorded;
        let error = graph.extend(flows.clone()).unwrap_err();
        assert_eq!(error, FlowError::AmountOutOfRange { recorded, amount });
        assert!(graph.flows().is_empty());
    }
}

#[test]
fn a_place_of_recording_is_taken_once() {
    let (mut graph, mut flows) = read(
        "2025-01-01 a c investment 100
         2025-01-02 c a compute_payment 50",
    );
    graph.add(flows[0]).unwrap();
    let recorded = flows[0].recorded;
    assert_eq!(graph.add(flows[0]).unwrap_err(), FlowError::AlreadyAdded { recorded });
    flows[1].recorded = recorded;
    assert_eq!(graph.add(flows[1]).unwrap_err(), FlowError::AlreadyAdded { recorded });
    assert_eq!(graph.flows().len(), 1);
    let mut empty = Graph::new(Bounds::default());
    empty.currency("CNY");
    assert_eq!(empty.extend(flows).unwrap_err(), FlowError::AlreadyAdded { recorded });
    assert!(empty.flows().is_empty());
}

#[test]
fn parties_and_currencies_keep_their_names() {
    let mut graph = Graph::new(Bounds::default());
    let (alpha, beta) = (graph.party("alpha"), graph.party("beta"));
    assert_eq!(graph.party("alpha"), alpha);
    assert_eq!((graph.party_id(alpha), graph.party_id(beta)), ("alpha", "beta"));
    assert_eq!((graph.known_party("beta"), graph.known_party("gamma")), (Some(beta), None));
    let currency = graph.currency("CNY");
    assert_eq!(graph.currency_code(currency), "CNY");
    assert_eq!(graph.currency("CNY"), currency);
}
