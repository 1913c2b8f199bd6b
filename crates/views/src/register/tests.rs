//! Which stakes are in force when, and from what they are known.

use expect_test::{Expect, expect};
use loopledger_loops::decimal;
use loopledger_testkit::{at, id};

use super::*;
use crate::flow_kind::FlowKind;
use crate::rows::Stamp;

fn stamp(position: u64, date: &str) -> Stamp {
    Stamp { position, fact_index: 0, at: at(date), recorded_at: at("2025-01-01") }
}

fn filed(position: u64, pair: &str, percent: &str, from: &str, to: Option<&str>) -> rows::Stake {
    let (owner, owned) = pair.split_once('-').expect("a pair");
    let (owner, owned) = (id(owner), id(owned));
    let (stamp, percent) = (stamp(position, from), id(percent));
    rows::Stake { stamp, owner, owned, percent, to_at: to.map(at) }
}

fn committed(position: u64, lp: &str, amount: &str, date: &str) -> rows::Commitment {
    rows::Commitment {
        stamp: stamp(position, date),
        id: id(lp),
        fund: id("fund"),
        lp: id(lp),
        from_lp: None,
        amount: amount.parse().expect("an amount"),
        currency: id("CNY"),
        priority_supplier: false,
    }
}

fn bought(position: u64, pair: &str, percent: &str, date: &str) -> Flow {
    let (investor, company) = pair.split_once('-').expect("a pair");
    Flow {
        stamp: stamp(position, date),
        id: position.to_string(),
        from_party: id(investor),
        to_party: id(company),
        kind: FlowKind::Investment,
        amount: 1.into(),
        currency: id("CNY"),
        contract: None,
        invoice: None,
        buyer: None,
        stake_percent: Some(id(percent)),
        note: None,
    }
}

fn fund(position: u64, manager: &str, date: &str) -> Fund {
    let (stamp, manager) = (stamp(position, date), id(manager));
    Fund { stamp, id: id("fund"), manager, currency: id("CNY") }
}

#[expect(clippy::needless_pass_by_value, reason = "an expectation reads better without `&`")]
fn check(stakes: &BTreeMap<Pair, Held>, expected: Expect) {
    let told = |((owner, owned), held): (&Pair, &Held)| {
        let events: Vec<String> = held.events.iter().map(ToString::to_string).collect();
        let (share, basis) = (decimal(&held.share, 4), held.basis);
        format!("{owner}-{owned} {share} {basis:?} {}\n", events.join(" "))
    };
    expected.assert_eq(&stakes.iter().map(told).collect::<String>());
}

#[test]
fn a_later_filing_replaces_an_earlier_one_until_it_ends() {
    let stakes = vec![
        filed(1, "a-b", "60", "2024-01-01", None),
        filed(2, "a-b", "40", "2024-06-01", Some("2025-01-01")),
    ];
    let register = Register::of(stakes, Vec::new(), Vec::new(), Vec::new());
    check(&register.at(at("2023-12-31")).economic, expect![[""]]);
    check(&register.at(at("2024-05-31")).economic, expect![["a-b 0.6000 Filing 1.0\n"]]);
    check(&register.at(at("2024-12-31")).control, expect![["a-b 0.4000 Filing 2.0\n"]]);
    check(&register.at(at("2025-01-01")).economic, expect![[""]]);
    let changes = ["2024-01-01", "2024-06-01", "2025-01-01"].map(at);
    assert_eq!(register.changes(), changes);
}

#[test]
fn investments_add_up_where_nothing_was_ever_filed() {
    let flows = vec![
        bought(1, "a-b", "12", "2024-01-01"),
        bought(2, "a-b", "5", "2024-02-01"),
        bought(3, "x-b", "70", "2024-01-01"),
        bought(4, "x-b", "70", "2024-01-01"),
    ];
    let stakes = vec![filed(5, "a-b", "30", "2024-03-01", Some("2024-04-01"))];
    let register = Register::of(stakes, Vec::new(), Vec::new(), flows);
    check(
        &register.at(at("2024-02-01")).economic,
        expect![[r#"
            a-b 0.1700 Investment 1.0 2.0
            x-b 1.0000 Investment 3.0 4.0
        "#]],
    );
    check(
        &register.at(at("2024-04-01")).control,
        expect![[r#"
            x-b 1.0000 Investment 3.0 4.0
        "#]],
    );
}

#[test]
fn a_fund_is_its_partners_by_commitment_and_its_managers_by_control() {
    let commitments = vec![
        committed(2, "p", "350", "2024-06-15"),
        committed(3, "q", "100", "2024-06-15"),
        committed(4, "q", "50", "2024-07-01"),
        committed(5, "g", "500", "2024-06-15"),
    ];
    let stakes = vec![filed(6, "g-fund", "1", "2024-06-01", None)];
    let funds = vec![fund(1, "g", "2024-06-01")];
    let register = Register::of(stakes, commitments, funds, Vec::new());
    check(&register.at(at("2024-05-31")).control, expect![[""]]);
    let standing = register.at(at("2024-07-01"));
    check(
        &standing.economic,
        expect![[r#"
            g-fund 0.0100 Filing 6.0
            p-fund 0.6930 Commitment 2.0
            q-fund 0.2970 Commitment 3.0 4.0
        "#]],
    );
    check(&standing.control, expect![["g-fund 1.0000 Manager 1.0\n"]]);
}

#[test]
fn a_commitment_that_went_over_is_its_new_partners() {
    let part = rows::Commitment {
        from_lp: Some(id("p")),
        lp: id("r"),
        ..committed(4, "ct-1", "100", "2024-07-01")
    };
    let whole =
        rows::Commitment { from_lp: Some(id("q")), ..committed(5, "r", "100", "2024-07-02") };
    let less = committed(6, "p", "-50", "2024-07-03");
    let commitments = vec![
        committed(2, "p", "300", "2024-06-15"),
        committed(3, "q", "100", "2024-06-15"),
        part,
        whole,
        less,
    ];
    let register =
        Register::of(Vec::new(), commitments, vec![fund(1, "g", "2024-06-01")], Vec::new());
    check(
        &register.at(at("2024-07-03")).economic,
        expect![[r#"
            p-fund 0.4286 Commitment 2.0 4.0 6.0
            r-fund 0.5714 Commitment 4.0 5.0
        "#]],
    );
}

#[test]
fn filings_that_take_all_of_a_fund_leave_its_partners_nothing() {
    let stakes = vec![filed(1, "x-fund", "100", "2024-06-01", None)];
    let commitments = vec![committed(2, "p", "350", "2024-06-15")];
    let register = Register::of(stakes, commitments, vec![fund(3, "g", "2024-06-01")], Vec::new());
    check(&register.at(at("2025-01-01")).economic, expect![["x-fund 1.0000 Filing 1.0\n"]]);
}
