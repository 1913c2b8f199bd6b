//! A generated market: every planted loop is found with its amounts, and nothing else is.
//!
//! `MARKET_FLOWS=1000000` makes the market that large, between a hundredth as many parties.

use std::collections::BTreeMap;

use loopledger_loops::{BigRational, Bounds, Flow, FlowId, Graph, Kind, Recorded};

use crate::market::{Market, MarketFlow};
use crate::statement::DAY_US;

fn graph_of(market: &Market) -> (Graph, Vec<Flow>) {
    let mut graph = Graph::new(Bounds::default());
    for party in 0..market.parties {
        graph.party(&party.to_string());
    }
    let flows = market.flows.iter().zip(1..);
    let flows = flows.map(|(flow, position)| taken(&mut graph, flow, position)).collect();
    (graph, flows)
}

fn taken(graph: &mut Graph, flow: &MarketFlow, position: u64) -> Flow {
    let mut party = |number: u32| graph.party(&number.to_string());
    let kind = match flow.kind {
        "contribution" => Kind::Contribution,
        "investment" => Kind::Investment,
        "distribution" => Kind::Distribution,
        "compute_payment" => Kind::ComputePayment,
        "voucher_payment" => Kind::VoucherPayment { buyer: flow.buyer.map(&mut party) },
        "refund" => Kind::Refund,
        "transfer" => Kind::Transfer,
        other => panic!("`{other}` is no kind of flow"),
    };
    Flow {
        id: FlowId(position),
        from: party(flow.from),
        to: party(flow.to),
        kind,
        amount: flow.amount,
        currency: graph.currency(flow.currency),
        at: flow.day * DAY_US,
        recorded: Recorded { position, index: 0 },
    }
}

#[test]
fn every_planted_loop_is_found_to_the_cent_and_no_look_alike_is() {
    let flows = std::env::var("MARKET_FLOWS").map_or(20_000, |flows| flows.parse().unwrap());
    let parties = u32::try_from(flows / 100).unwrap().max(500);
    let market = Market::generate(7, parties, flows);
    assert!(market.planted.len() > 40 && market.look_alikes > 20);
    let (mut graph, arrived) = graph_of(&market);
    for flow in arrived {
        assert!(!graph.add(flow).unwrap().truncated);
    }
    let mut planted: BTreeMap<Vec<String>, _> = BTreeMap::new();
    for known in &market.planted {
        planted.insert(known.parties.iter().map(u32::to_string).collect(), known);
    }
    assert_eq!(graph.loops().count(), planted.len());
    for found in graph.loops() {
        let ids = found.cycle.parties.iter().map(|party| graph.party_id(*party).to_owned());
        let known = planted[&ids.collect::<Vec<_>>()];
        let amounts = &found.amounts;
        let told = (found.kind.name(), amounts.capital_out, found.voucher_amount);
        assert_eq!(told, (known.kind, known.capital_out, known.voucher), "{known:?}");
        let (share, of) = known.pro_rata;
        let pro_rata = BigRational::new(share.into(), of.into());
        assert_eq!(
            (amounts.returned_lower, amounts.returned_fifo, amounts.returned_upper),
            (known.lower, known.fifo, known.upper),
            "{known:?}"
        );
        assert_eq!(amounts.returned_pro_rata, pro_rata, "{known:?}");
        let days = [found.first_capital_at, found.closed_at, found.last_return_at];
        let known_days = [known.first_capital, known.closed, known.last_return];
        assert_eq!(days, known_days.map(|day| day * DAY_US), "{known:?}");
    }
}
