//! Cards that are given back early: free for others from that instant on, and counted up to it.

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
