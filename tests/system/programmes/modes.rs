//! A bundle for each of the six settlement modes, four of them by a city's own file.

use serde_json::json;

use super::bundle::{Bundle, SHA, evidence};

/// M1: deducted on the bill; 30 % of 20 m of domestic compute, then what the cap of 8 m leaves of the foreign.
pub fn hangzhou() -> Bundle {
    Bundle::of_city(
        "hangzhou",
        "admissions
programme,provider,from
hangzhou-2025,provider-a,2025-01-01

contracts
id,buyer,seller,currency,price_per_unit,unit,quantity,signed_at,from,to
hz-k1,firm-c,provider-a,CNY,1,card_hour,40000000,2025-01-02,2025-02-01,2025-12-01
hz-k2,firm-c,provider-a,CNY,1,card_hour,20000000,2025-01-02,2025-02-01,2025-12-01

invoices
id,contract,from,to,quantity,amount,at
hz-i1,hz-k1,2025-02-01,2025-03-01,20000000,20000000,2025-03-01
hz-i2,hz-k2,2025-02-01,2025-03-01,20000000,20000000,2025-03-01

vouchers
id,programme,holder,amount,at
hz-v1,hangzhou-2025,firm-c,8000000,2025-01-05

locks
id,voucher,contract,amount,at
hz-l1,hz-v1,hz-k1,6000000,2025-01-06
hz-l2,hz-v1,hz-k2,2000000,2025-01-06

claims
id,programme,voucher,invoice,by,of,at,compute_origin
hz-c1,hangzhou-2025,hz-v1,hz-i1,a-1,provider-a,2025-03-02,domestic
hz-c2,hangzhou-2025,hz-v1,hz-i2,a-1,provider-a,2025-03-03,foreign

settlements
id,redemption,amount,at
hz-s1,hz-c1,6000000,2025-03-10
hz-s2,hz-c2,2000000,2025-03-10",
    )
}

/// M2: the firm pays, then redeems; 20 % of 12 m, capped at 2 m.
pub fn beijing() -> Bundle {
    let text = "admissions
programme,provider,from
beijing-2023,provider-a,2024-01-01

contracts
id,buyer,seller,currency,price_per_unit,unit,quantity,signed_at,from,to
bj-k1,firm-c,provider-a,CNY,1,card_hour,12000000,2025-01-02,2025-02-01,2026-02-01

applications
id,programme,applicant,amount,by,of,at
bj-a1,beijing-2023,firm-c,2000000,c-1,firm-c,2025-01-03

application_reviews
application,step,by,of,at
bj-a1,check,o-1,beijing-beit,2025-01-04
bj-a1,supply,c-1,firm-c,2025-01-05
bj-a1,verify,o-1,beijing-beit,2025-01-06
bj-a1,approve,o-2,beijing-beit,2025-01-07

vouchers
id,programme,holder,amount,at,application
bj-v1,beijing-2023,firm-c,2000000,2025-01-08,bj-a1

locks
id,voucher,contract,amount,at
bj-l1,bj-v1,bj-k1,2000000,2025-01-09

invoices
id,contract,from,to,quantity,amount,at
bj-i1,bj-k1,2025-02-01,2025-03-01,12000000,12000000,2025-03-01

claims
id,programme,voucher,invoice,by,of,at
bj-c1,beijing-2023,bj-v1,bj-i1,c-1,firm-c,2025-03-02

claim_reviews
claim,step,by,of,at
bj-c1,check,o-1,beijing-beit,2025-03-03
bj-c1,verify,o-1,beijing-beit,2025-03-04
bj-c1,approve,o-2,beijing-beit,2025-03-05

payment_orders
id,redemption,amount,by,of,at
bj-p1,bj-c1,2000000,o-3,beijing-beit,2025-03-06
bj-p2,bj-c1,2000000,o-3,beijing-beit,2025-03-08

payment_failures
payment,reason,at
bj-p1,the account is closed,2025-03-07

settlements
id,redemption,amount,at
bj-p2,bj-c1,2000000,2025-03-09

";
    let evidence = format!(
        "evidence\napplication,claim,supplied_at,kind,sha256,size,number\n\
         bj-a1,,2025-01-05,contract,{SHA},10,\n\
         ,bj-c1,,provider_invoice,{SHA},10,bj-fp-1\n\
         ,bj-c1,,delivery_certificate,{SHA},10,\n"
    );
    Bundle::of_city("beijing", &(text.to_owned() + &evidence))
}

/// M3: no voucher is issued; 30 % of 200,000 settled, for 305 of 729 days, cut twice.
pub fn nanning(number: &str) -> Bundle {
    let text = "admissions
programme,provider,from
nanning-2025,provider-a,2024-01-01

contracts
id,buyer,seller,currency,price_per_unit,unit,quantity,signed_at,from,to
nn-k1,firm-c,provider-a,CNY,1,card_hour,200000,2024-12-20,2025-01-01,2026-12-31

invoices
id,contract,from,to,quantity,amount,at
nn-i1,nn-k1,2025-01-01,2026-12-31,200000,200000,2025-01-05

payments
id,invoice,amount,at
nn-m1,nn-i1,200000,2025-01-06

claims
id,programme,voucher,invoice,by,of,at
nn-c1,nanning-2025,nn-v1,nn-i1,c-1,firm-c,2026-01-10

claim_reviews
claim,step,by,of,at
nn-c1,check,o-1,nanning-data-bureau,2026-01-11
nn-c1,verify,o-1,nanning-data-bureau,2026-01-12
nn-c1,verify,o-2,nanning-data-bureau,2026-01-13
nn-c1,publicise,o-2,nanning-data-bureau,2026-01-14
nn-c1,approve,o-3,nanning-data-bureau,2026-01-19

payment_orders
id,redemption,amount,by,of,at
nn-p1,nn-c1,25102,o-4,nanning-data-bureau,2026-01-20

settlements
id,redemption,amount,at
nn-p1,nn-c1,25102,2026-01-21

";
    let pieces = [
        ("contract", ""),
        ("provider_invoice", number),
        ("payment_proof", "nn-bank-1"),
        ("usage_record", ""),
        ("non_affiliation_statement", ""),
        ("no_duplicate_statement", ""),
    ];
    Bundle::of_city("nanning", &(text.to_owned() + &evidence("nn-c1", &pieces)))
}

/// M4: hours in kind; a young founder's small firm bears half of 10 % of 20,000 hours at 5,000.
pub fn korea() -> Bundle {
    Bundle::of_city(
        "korea",
        "admissions
programme,provider,from
korea-2026,provider-a,2026-01-01

contracts
id,buyer,seller,currency,price_per_unit,unit,quantity,signed_at,from,to
kr-k1,firm-d,provider-a,KRW,5000,card_hour,22000,2026-01-02,2026-02-01,2026-12-01

vouchers
id,programme,holder,amount,at
kr-v1,korea-2026,firm-d,95000000,2026-01-05

invoices
id,contract,from,to,quantity,amount,at
kr-i1,kr-k1,2026-02-01,2026-03-01,20000,100000000,2026-03-01

locks
id,voucher,contract,amount,at
kr-l1,kr-v1,kr-k1,95000000,2026-01-06

claims
id,programme,voucher,invoice,by,of,at,applicant_kind,young_founder
kr-c1,korea-2026,kr-v1,kr-i1,a-1,provider-a,2026-03-02,sme,true",
    )
}

/// M5: credits in two halves, the second after a report.
pub fn credits() -> Bundle {
    let rules = json!({
        "id": "credits", "issuer": "office", "name": "Credits", "currency": "EUR",
        "budget": {"amount": "1000", "currency": "EUR"},
        "at": "2025-01-01T00:00:00Z", "closes": "2025-12-31T00:00:00Z",
        "rules": {
            "ratio": "1", "affiliation": "allow", "metering_required": false,
            "rounding": {"digits": 2, "mode": "truncate"},
            "settlement": {"mode": "credits", "tranches": [
                {"share": "0.5"}, {"share": "0.5", "after": "project_report"}]},
            "application_review": {"levels": 1}
        }
    });
    let text = "admissions
programme,provider,from
credits,provider-a,2025-01-01

contracts
id,buyer,seller,currency,price_per_unit,unit,quantity,signed_at,from,to
cr-k1,firm-c,provider-a,EUR,1,card_hour,100,2025-01-02,2025-01-10,2025-12-01

applications
id,programme,applicant,amount,by,of,at
cr-a1,credits,firm-c,100,c-1,firm-c,2025-01-03

application_reviews
application,step,by,of,at,amount,note
cr-a1,check,o-1,office,2025-01-04,,
cr-a1,request_information,o-1,office,2025-01-04,,which model?
cr-a1,supply,c-1,firm-c,2025-01-05,,
cr-a1,verify,o-1,office,2025-01-06,,
cr-a1,approve,o-2,office,2025-01-07,80,
cr-a1,supply,c-1,firm-c,2025-03-01,,

vouchers
id,programme,holder,amount,at,application,tranche
cr-v1,credits,firm-c,40,2025-01-08,cr-a1,1
cr-v2,credits,firm-c,40,2025-03-02,cr-a1,2

locks
id,voucher,contract,amount,at
cr-l1,cr-v1,cr-k1,40,2025-01-09
cr-l2,cr-v2,cr-k1,15,2025-03-03
cr-l3,cr-v2,cr-k1,5,2025-03-03

releases
lock,at
cr-l3,2025-03-04

voucher_ends
voucher,ending,at
cr-v2,revoked,2025-05-01

invoices
id,contract,from,to,quantity,amount,at
cr-i1,cr-k1,2025-01-10,2025-02-01,30,30,2025-02-02

redemptions
id,voucher,invoice,amount,at
cr-r1,cr-v1,cr-i1,30,2025-02-03

settlements
id,redemption,amount,at
cr-s1,cr-r1,30,2025-02-04

";
    let evidence = format!(
        "evidence\napplication,supplied_at,kind,sha256,size\n\
         cr-a1,2025-01-05,card_list,{SHA},10\ncr-a1,2025-03-01,project_report,{SHA},10\n"
    );
    Bundle::of(&(text.to_owned() + &evidence)).ruled_by("credits.json", &rules.to_string())
}

/// M6: a target letter pays the provider 30 % of what was invoiced; a third of that is claimed back with interest.
pub fn letter() -> Bundle {
    let rules = json!({
        "id": "letter", "issuer": "office", "name": "Target letter", "currency": "CNY",
        "budget": {"amount": "1000", "currency": "CNY"},
        "at": "2024-01-01T00:00:00Z", "closes": "2025-12-31T00:00:00Z",
        "rules": {
            "ratio": "0.3", "affiliation": "allow", "metering_required": false,
            "rounding": {"digits": 2, "mode": "truncate"},
            "eligibility": {"provider": {"p_min": "100"}},
            "settlement": {"mode": "target_letter", "payee": "either_not_both"},
            "claim_review": {"evidence": ["electricity_record"], "levels": 2, "appeal_days": 5},
            "clawback": {"triggers": ["contract_terminated"], "interest": "10", "ban_years": 2}
        }
    });
    let text = "admission_applications
programme,provider,at,p
letter,provider-a,2024-01-02,120

admissions
programme,provider,from,p
letter,provider-a,2024-01-03,120

admission_changes
programme,provider,change,by,of,at,reason
letter,provider-a,suspended,o-1,office,2025-02-01,late reports

contracts
id,buyer,seller,currency,price_per_unit,unit,quantity,signed_at,from,to
lt-k1,firm-c,provider-a,CNY,1,card_hour,200,2024-01-04,2024-01-05,2024-12-01

invoices
id,contract,from,to,quantity,amount,at
lt-i1,lt-k1,2024-01-05,2024-02-01,200,200,2024-02-02

claims
id,programme,voucher,invoice,payee,by,of,at
lt-c1,letter,lt-v1,lt-i1,provider,a-1,provider-a,2024-02-03

claim_reviews
claim,step,by,of,at,reasons,note
lt-c1,check,o-1,office,2024-02-04,,
lt-c1,reject,o-1,office,2024-02-05,evidence_false; other: the record is of another hall,
lt-c1,appeal,a-1,provider-a,2024-02-06,,it is the right hall
lt-c1,verify,o-1,office,2024-02-07,,
lt-c1,verify,o-2,office,2024-02-08,,
lt-c1,approve,o-3,office,2024-02-09,,

payment_orders
id,redemption,amount,by,of,at
lt-p1,lt-c1,60,o-3,office,2024-02-10

settlements
id,redemption,amount,at
lt-p1,lt-c1,60,2024-02-10

clawbacks
id,redemption,trigger,by,of,at
lt-b1,lt-c1,contract_terminated,o-1,office,2025-02-01

clawback_assessments
clawback,principal,by,of,at
lt-b1,20,o-2,office,2025-02-09

recoveries
id,clawback,amount,at,reference
lt-r1,lt-b1,15,2025-03-01,bank-7

write_offs
clawback,reason,by,of,at
lt-b1,the provider is wound up,o-2,office,2025-06-01

";
    let text = text.to_owned() + &evidence("lt-c1", &[("electricity_record", "")]);
    Bundle::of(&text).ruled_by("letter.json", &rules.to_string())
}
