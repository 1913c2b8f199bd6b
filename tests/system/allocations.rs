//! Cards that are given back early, that are reserved, that are sold more than once by permission, and that two pools have.

use serde_json::json;

use crate::program::{Ledger, folder_of};

const BUNDLE: &[(&str, &str)] = &[
    ("parties.csv", "id,name,kind\nprovider-a,Provider A,provider\nfirm-c,Firm C,company\n"),
    (
        "pools.csv",
        "id,operator,site,model,cards,lit,at\np-1,provider-a,Nanning,H200,100,100,2025-01-01\n",
    ),
    (
        "contracts.csv",
        "id,buyer,seller,currency,price_per_unit,unit,quantity,signed_at,from,to\n\
         k-1,firm-c,provider-a,CNY,1,card_hour,500000,2025-01-02,2025-01-02,2025-12-31\n",
    ),
    (
        "allocations.csv",
        "id,pool,contract,cards,from,to\n\
         al-1,p-1,k-1,60,2025-03-01,2025-05-01\nal-2,p-1,k-1,100,2025-04-01,2025-05-01\n",
    ),
    ("allocation_ends.csv", "allocation,at\nal-1,2025-04-01\n"),
];

#[test]
fn cards_that_are_given_back_are_given_again_and_counted_until_then() {
    let ledger = Ledger::new();
    let folder = folder_of(BUNDLE.iter().copied());
    ledger.import(folder.path()).succeeded();
    let allocated = |as_of: &[&str]| {
        let asked = ["utilization", "--from", "2025-03-01", "--to", "2025-05-01"];
        let answer = ledger.query(&[&asked[..], as_of].concat());
        answer["pools"][0]["allocated_card_hours"].clone()
    };
    // 60 cards in the 31 days of March, 100 in the 30 of April.
    assert_eq!(allocated(&[]), json!("116640"));
    // Before April it was 60 for both months, as far as anybody had said.
    assert_eq!(allocated(&["--as-of", "2025-03-15"]), json!("87840"));
}

const RESERVED: &[(&str, &str)] = &[
    ("parties.csv", "id,name,kind\nprovider-a,Provider A,provider\nfirm-c,Firm C,company\n"),
    (
        "pools.csv",
        "id,operator,site,model,cards,lit,at\n\
         p-1,provider-a,Nanning,H200,100,80,2025-01-01\n\
         p-2,provider-a,Guiyang,H200,10,10,2025-01-01\n",
    ),
    (
        "pool_stages.csv",
        "pool,stage,at,source\np-1,building,2025-01-01,\np-1,trial,2025-02-01,permit 12\n",
    ),
    (
        "cards.csv",
        "pool,serial,at\np-1,sn-1,2025-01-01\np-1,sn-2,2025-01-01\np-2,sn-1,2025-01-10\n",
    ),
    ("card_changes.csv", "pool,serial,state,at,reason\np-1,sn-2,failed,2025-01-20,XID 79\n"),
    ("card_counts.csv", "pool,state,cards,at\np-1,drained,3,2025-01-20\n"),
    (
        "provenances.csv",
        "pool,at,supplier,document,source\np-1,2025-01-01,Reseller R,CD-17,customs\n",
    ),
    (
        "controls.csv",
        "model,destination,status,date,source\nH200,CN,case_by_case,2025-01-15,notice\n",
    ),
    (
        "oversells.csv",
        "pool,factor,from,to,at,by,of\np-1,1.25,2025-03-01,2025-04-01,2025-01-05,staff-7,provider-a\n",
    ),
    (
        "contracts.csv",
        "id,buyer,seller,currency,price_per_unit,unit,quantity,signed_at,from,to\n\
         k-1,firm-c,provider-a,CNY,1,card_hour,500000,2025-01-02,2025-01-02,2025-12-31\n",
    ),
    (
        "reservations.csv",
        "id,pool,cards,from,to,at,held_until,contract,class\n\
         rs-1,p-1,60,2025-03-01,2025-04-01,2025-01-10,2025-01-20,k-1,inference\n\
         rs-2,p-1,40,2025-03-01,2025-04-01,2025-01-10,2025-01-20,,\n",
    ),
    (
        "reservation_confirmations.csv",
        "reservation,allocation,contract,at\nrs-1,al-1,k-1,2025-01-12\n",
    ),
    ("electricity.csv", "id,pool,from,to,kwh,source\ner-1,p-1,2025-02-01,2025-03-01,100,meter 4\n"),
];

#[test]
fn a_card_in_two_pools_a_use_that_no_source_names_and_electricity_without_cards_are_found() {
    let ledger = Ledger::new();
    let of_cards: &[(&str, &str)] = &[
        (
            "card_specs.csv",
            "model,precision,sparsity,p_per_card,tdp_w,from,source\n\
             H200,bf16,dense,0.989,700,2024-01-01,data sheet\n",
        ),
        (
            "capabilities.csv",
            "model,workloads,from,source\nH200,pre_training,2024-01-01,data sheet\n",
        ),
        (
            "usage.csv",
            "id,allocation,from,to,card_hours,source\n\
             us-1,al-1,2025-03-01,2025-03-02,1440,slurm\n\
             us-2,al-1,2025-03-02T18:00:00Z,2025-03-03T06:00:00Z,720,slurm\n",
        ),
        (
            "electricity.csv",
            "id,pool,from,to,kwh,source\n\
             er-1,p-1,2025-03-01,2025-03-02,100.7,meter 4\n\
             er-2,p-1,2025-03-02,2025-03-03,25.1,meter 4\n\
             er-3,p-1,2025-03-03,2025-03-04,25.2,meter 4\n\
             er-4,p-1,2025-02-01,2025-02-02,5040.1,meter 4\n\
             er-5,p-1,2025-02-02,2025-02-03,5040,meter 4\n",
        ),
    ];
    let of_pools = RESERVED.iter().filter(|(name, _)| *name != "electricity.csv");
    ledger.import(folder_of(of_pools.chain(of_cards).copied()).path()).succeeded();
    let found = |rule: &str| {
        let answer = ledger.query(&["findings", "--rule", rule]);
        answer["findings"].as_array().expect("a list").clone()
    };
    let [twice, beyond] =
        ["serial_in_two_pools", "workload_beyond_capability"].map(|rule| found(rule)[0].clone());
    assert_eq!(
        (&twice["subject"], &twice["figures"]["pools"]),
        (&json!("sn-1"), &json!("p-1 p-2"))
    );
    assert_eq!(
        (&beyond["subject"], &beyond["figures"]["class"]),
        (&json!("al-1"), &json!("inference"))
    );
    // 1,440 card-hours of 0.7 kW draw a tenth when idle, 100.8 kWh; the 360 of each half of the
    // night 25.2. At most 100 cards draw 1,680 kWh a day, three times that with all around them.
    let outside: Vec<_> = found("energy_outside_bounds")
        .iter()
        .map(|row| (row["at"].clone(), row["figures"]["numerator"].clone()))
        .collect();
    let expected = [
        (json!("2025-02-02T00:00:00Z"), json!("5040.1")),
        (json!("2025-03-02T00:00:00Z"), json!("100.7")),
        (json!("2025-03-03T00:00:00Z"), json!("25.1")),
    ];
    assert_eq!(outside, expected);
}

#[test]
fn reservations_are_confirmed_or_expire_and_pools_tell_what_is_known_of_their_cards() {
    let ledger = Ledger::new();
    let folder = folder_of(RESERVED.iter().copied());
    // Of the 80 lit cards 100 may be sold in March.
    ledger.import(folder.path()).succeeded();
    let states = || {
        let answer = ledger.query(&["reservations"]);
        let rows = answer["reservations"].as_array().expect("a list").clone();
        rows.iter()
            .map(|row| row["state"].as_str().expect("a state").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(states(), ["active", "reserved"]);
    let pools = ledger.query(&["pools", "--as-of", "2025-03-02"]);
    let pool = &pools["pools"][0];
    assert_eq!((&pool["allocated"], &pool["reserved"]), (&json!(60), &json!(40)));
    assert_eq!((&pool["stage"], &pool["serials"]["failed"]), (&json!("trial"), &json!(1)));
    assert_eq!(pool["disputed"][0]["pools"], json!(["p-1", "p-2"]));
    assert_eq!(pool["disputed"], pools["pools"][1]["disputed"]);
    assert_eq!(pool["controls"][0]["status"], json!("case_by_case"));
    assert_eq!(pool["oversells"][0]["by"], json!("staff-7"));
    assert_eq!(pool["provenances"][0]["document"], json!("CD-17"));
    assert_eq!(pool["counts"][0]["cards"], json!(3));
    let expired = ledger.query(&["expire", "--at", "2025-02-01"]);
    assert_eq!(expired["reservations"], json!(1));
    assert_eq!(states(), ["active", "expired"]);
    assert_eq!(ledger.query(&["expire", "--at", "2025-02-01"])["reservations"], json!(0));
    assert_eq!(ledger.query(&["pools", "--as-of", "2025-03-02"])["pools"][0]["reserved"], json!(0));
}
