//! Flows written down as lines of text, for tests to read like a bank statement.

use loopledger_loops::{Bounds, Flow, FlowId, Graph, Kind, Loop, Recorded};

pub const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

/// A graph and its flows, from lines of `date from to kind amount`, recorded in the order of the
/// lines. A voucher payment is followed by the buyer. Amounts are in cents of CNY.
pub fn read(text: &str) -> (Graph, Vec<Flow>) {
    let mut graph = Graph::new(Bounds::default());
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let flows = lines.zip(1..).map(|(line, number)| flow(&mut graph, line, number)).collect();
    (graph, flows)
}

pub fn graph(text: &str) -> Graph {
    let (mut graph, flows) = read(text);
    graph.extend(flows).unwrap();
    graph
}

fn flow(graph: &mut Graph, line: &str, number: u64) -> Flow {
    let words: Vec<&str> = line.split_whitespace().collect();
    let kind = match words[3] {
        "contribution" => Kind::Contribution,
        "investment" => Kind::Investment,
        "distribution" => Kind::Distribution,
        "compute_payment" => Kind::ComputePayment,
        "voucher_payment" => Kind::VoucherPayment { buyer: Some(graph.party(words[5])) },
        "refund" => Kind::Refund,
        "transfer" => Kind::Transfer,
        other => panic!("`{other}` is no kind of flow"),
    };
    Flow {
        id: FlowId(number),
        from: graph.party(words[1]),
        to: graph.party(words[2]),
        kind,
        amount: words[4].replace('_', "").parse().unwrap(),
        currency: graph.currency("CNY"),
        at: day(words[0]) * DAY_US,
        recorded: Recorded { position: number, index: 0 },
    }
}

/// Days since the Unix epoch of a date from March 1600 on, by counting years from the March that
/// they start in.
pub fn day(date: &str) -> i64 {
    let parts: Vec<i64> = date.split('-').map(|part| part.parse().unwrap()).collect();
    let (year, month) =
        if parts[1] > 2 { (parts[0], parts[1] - 3) } else { (parts[0] - 1, parts[1] + 9) };
    let days_before_month = (153 * month + 2) / 5;
    365 * year + year / 4 - year / 100 + year / 400 + days_before_month + parts[2] - 1 - 719_468
}

pub fn parties(graph: &Graph, found: &Loop) -> String {
    let ids: Vec<&str> = found.cycle.parties.iter().map(|party| graph.party_id(*party)).collect();
    ids.join(" ")
}

/// A loop's record in two lines: what it is, then lower <= fifo, pro rata <= upper.
pub fn told(graph: &Graph, found: &Loop) -> String {
    let legs: Vec<String> = found.legs.iter().map(|flow| flow.id.0.to_string()).collect();
    let amounts = &found.amounts;
    format!(
        "{} ({}), {} days, flows {}, voucher {}\n  out {}: {} <= {} {} <= {}, ratio {}\n",
        parties(graph, found),
        found.kind,
        found.standing().lag_days(),
        legs.join(" "),
        found.voucher_amount,
        amounts.capital_out,
        amounts.returned_lower,
        amounts.returned_fifo,
        amounts.returned_pro_rata.decimal(1, 2),
        amounts.returned_upper,
        found.ratio_pro_rata(6),
    )
}

pub fn all_told(graph: &Graph) -> String {
    graph.loops().map(|found| told(graph, &found)).collect()
}
