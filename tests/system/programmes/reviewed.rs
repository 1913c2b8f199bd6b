//! A year of Shanghai: two versions of its rules, two levels of review, an appeal, a payment that fails and one that is
//! clawed back, a provider that is suspended.

use serde_json::Value;

use super::bundle::{Bundle, SHA};
use crate::program::project;

/// Version 1 pays 30 % of 500,000; version 2, from September on, 20 % of 400,000, and claws back with 3.65 % a year.
const TEXT: &str = "admissions
programme,provider,from
shanghai-2025,provider-a,2025-07-28

admission_changes
programme,provider,change,by,of,at,reason
shanghai-2025,provider-a,suspended,o-1,shanghai-eic,2026-02-01,under inspection

programme_versions
programme,version,file,at
shanghai-2025,2,shanghai-2.json,2025-09-15

programme_changes
programme,version,to,by,of,at
shanghai-2025,2,published,o-1,shanghai-eic,2025-09-20

contracts
id,buyer,seller,currency,price_per_unit,unit,quantity,signed_at,from,to
sh-k1,firm-c,provider-a,CNY,1,card_hour,1000000,2025-08-01,2025-08-01,2026-07-01
sh-k2,firm-d,provider-a,CNY,1,card_hour,1000000,2025-08-01,2025-08-01,2026-07-01

vouchers
id,programme,holder,amount,at
sh-v1,shanghai-2025,firm-c,300000,2025-08-05
sh-v2,shanghai-2025,firm-d,200000,2025-10-01

locks
id,voucher,contract,amount,at
sh-l1,sh-v1,sh-k1,300000,2025-08-06
sh-l2,sh-v2,sh-k2,200000,2025-10-01

invoices
id,contract,from,to,quantity,amount,at
sh-i1,sh-k1,2025-08-10,2025-09-01,500000,500000,2025-09-02
sh-i2,sh-k2,2025-10-02,2025-11-01,400000,400000,2025-11-02

payments
id,invoice,amount,at
sh-m1,sh-i1,500000,2025-09-03
sh-m2,sh-i2,400000,2025-11-03

claims
id,programme,voucher,invoice,by,of,at
sh-c1,shanghai-2025,sh-v1,sh-i1,c-1,firm-c,2025-09-05
sh-c2,shanghai-2025,sh-v2,sh-i2,d-1,firm-d,2025-11-05

claim_reviews
claim,step,by,of,at,reasons,note
sh-c1,check,o-1,shanghai-eic,2025-09-06,,
sh-c1,verify,o-1,shanghai-eic,2025-09-07,,
sh-c1,verify,o-2,shanghai-eic,2025-09-08,,
sh-c1,approve,o-3,shanghai-eic,2025-09-09,,
sh-c2,check,o-1,shanghai-eic,2025-11-06,,
sh-c2,reject,o-1,shanghai-eic,2025-11-07,evidence_missing,
sh-c2,appeal,d-1,firm-d,2025-11-08,,the receipt is attached
sh-c2,verify,o-1,shanghai-eic,2025-11-10,,
sh-c2,verify,o-2,shanghai-eic,2025-11-11,,
sh-c2,publicise,o-2,shanghai-eic,2025-11-12,,
sh-c2,approve,o-3,shanghai-eic,2025-11-18,,

payment_orders
id,redemption,amount,by,of,at
sh-p1,sh-c1,150000,o-3,shanghai-eic,2025-09-10
sh-p2,sh-c2,80000,o-3,shanghai-eic,2025-11-20
sh-p3,sh-c2,80000,o-3,shanghai-eic,2025-11-25

payment_failures
payment,reason,at
sh-p2,the account is closed,2025-11-21

settlements
id,redemption,amount,at,reference
sh-p1,sh-c1,150000,2025-09-11,treasury-1
sh-p3,sh-c2,80000,2025-12-01,treasury-2

clawbacks
id,redemption,trigger,by,of,at
sh-b1,sh-c2,false_evidence,o-4,shanghai-eic,2026-01-05

clawback_assessments
clawback,principal,by,of,at
sh-b1,80000,o-4,shanghai-eic,2026-01-10

recoveries
id,clawback,amount,at,reference
sh-r1,sh-b1,50320,2026-01-20,bank-1
";

pub fn shanghai() -> Bundle {
    let evidence = format!(
        "evidence\nclaim,kind,sha256,size,number\n\
         sh-c1,provider_invoice,{SHA},10,sh-fp-1\nsh-c1,payment_proof,{SHA},10,sh-pp-1\n\
         sh-c2,provider_invoice,{SHA},10,sh-fp-2\nsh-c2,payment_proof,{SHA},10,sh-pp-2\n"
    );
    let mut bundle = Bundle::of_city("shanghai", &format!("{TEXT}\n{evidence}"));
    let first = std::fs::read_to_string(project().join("tests/programmes/shanghai.json"));
    let mut second: Value = serde_json::from_str(&first.expect("it is there")).expect("JSON");
    second["programme"]["version"] = 2.into();
    let rules = &mut second["programme"]["rules"];
    rules["ratio"] = "0.2".into();
    rules["claim_review"]["publicity_days"] = 5.into();
    rules["claim_review"]["appeal_days"] = 30.into();
    rules["clawback"] =
        serde_json::json!({"triggers": ["false_evidence"], "interest": "3.65", "ban_years": 2});
    bundle.files.insert("shanghai-2.json".to_owned(), second.to_string());
    bundle
}

/// Service in a month in which the provider is suspended.
pub const SUSPENDED: [(&str, &str); 3] = [
    ("invoices.csv", "sh-i3,sh-k1,2026-02-02,2026-03-01,1000,1000,2026-03-02\n"),
    ("payments.csv", "sh-m3,sh-i3,1000,2026-03-03\n"),
    ("claims.csv", "sh-c3,shanghai-2025,sh-v1,sh-i3,c-1,firm-c,2026-03-05\n"),
];
