//! The timer of vouchers: nothing ends before its day, everything overdue does, by a recorded fact.

use std::process::{Command, Stdio};
use std::time::Duration;

use loopledger_servers::Description;
use serde_json::json;

use crate::program::{Ledger, Up, build, built, folder_of, poll_until};

const BUNDLE: &[(&str, &str)] = &[
    (
        "parties.csv",
        "id,name,kind\noffice,Office,government\nprovider-a,Provider A,provider\nfirm-c,Firm C,company\n",
    ),
    (
        "programmes.csv",
        "id,issuer,name,currency,budget,opens,closes,ratio,affiliation,validity_days\n\
         short,office,Short vouchers,CNY,1000,2025-01-01,2025-12-31,1,allow,30\n",
    ),
    ("admissions.csv", "programme,provider,from\nshort,provider-a,2025-01-01\n"),
    (
        "contracts.csv",
        "id,buyer,seller,currency,price_per_unit,unit,quantity,signed_at,from,to\n\
         k-1,firm-c,provider-a,CNY,1,card_hour,1000,2025-01-02,2025-01-02,2025-12-31\n",
    ),
    (
        "vouchers.csv",
        "id,programme,holder,amount,at\nv-1,short,firm-c,100,2025-01-05\nv-2,short,firm-c,50,2025-03-05\n",
    ),
    ("locks.csv", "id,voucher,contract,amount,at\nl-1,v-1,k-1,40,2025-01-06\n"),
];

#[test]
fn an_overdue_voucher_expires_once_by_command_and_by_itself_while_the_ledger_runs() {
    let mut ledger = Ledger::new();
    let folder = folder_of(BUNDLE.iter().copied());
    ledger.import(folder.path()).succeeded();
    let early = ledger.query(&["expire", "--at", "2025-02-04"]);
    let nothing = json!({
        "position": 0, "vouchers": 0, "amounts": [], "refused": [],
        "reservations": 0, "refused_reservations": [],
    });
    assert_eq!(early, nothing);
    let due = ledger.query(&["expire", "--at", "2025-02-05"]);
    let amounts = json!([{ "amount": "100.00", "currency": "CNY" }]);
    assert_eq!((&due["vouchers"], &due["amounts"]), (&json!(1), &amounts));
    let told = ledger.run(&["expire", "--at", "2025-02-05"]);
    assert_eq!(told.stdout.trim(), "no voucher expired");
    let vouchers = ledger.query(&["vouchers"]);
    let programme = &vouchers["programmes"][0];
    assert_eq!(
        json!([programme["expired"], programme["locked"], programme["remaining"]]),
        json!(["100.00", "0.00", "950.00"])
    );
    ledger.environment.push(("LOOPLEDGER_EXPIRE_EVERY", "1".to_owned()));
    let _up = Up::start(&ledger);
    poll_until(Duration::from_millis(50), "v-2, overdue since April 2025, has expired", || {
        ledger.query(&["vouchers"])["vouchers"][1]["status"] == "expired"
    });
    assert_eq!(ledger.query(&["vouchers"])["programmes"][0]["expired"], "150.00");
}

#[test]
fn a_gateway_that_is_a_process_of_its_own_ends_what_is_overdue_too() {
    let ledger = Ledger::new();
    ledger.import(folder_of(BUNDLE.iter().copied()).path()).succeeded();
    let _up = Up::start(&ledger);
    let servers = Description::read(&ledger.data()).expect("it can be read").expect("it is there");
    build(&["-p", "loopledger-gateway", "--bin", "loopledger-gateway"]);
    let mut gateway = Command::new(built("loopledger-gateway"));
    gateway
        .env("NATS_URL", servers.nats_url)
        .env("DATABASE_URL", servers.database_url)
        .env("HTTP_ADDR", "127.0.0.1:0")
        .env("EXPIRE_EVERY", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _gateway = Up { process: gateway.spawn().expect("the gateway starts") };
    poll_until(Duration::from_millis(50), "both vouchers have expired", || {
        ledger.query(&["vouchers"])["programmes"][0]["expired"] == "150.00"
    });
}
