//! Programmes end to end: a city's file beside a bundle, imported into real servers, to the amount that is paid.
//!
//! The amounts are those that the cities' files state; each of the six settlement modes is run by one of them or by a
//! programme written here.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Ledger, Up, project};

/// Who acts in every bundle here, beside the issuers.
const PARTIES: &str = "id,name,kind
provider-a,Provider A,provider
firm-c,Firm C,company
firm-d,Firm D,company
";

/// A bundle as it is being written.
struct Bundle {
    files: BTreeMap<String, String>,
}

impl Bundle {
    /// Parts apart by blank lines: a file's name without `.csv`, then its lines.
    fn of(text: &str) -> Self {
        let files = text.trim().split("\n\n").map(|part| {
            let (name, lines) = part.trim().split_once('\n').expect("a name, then lines");
            (format!("{name}.csv"), format!("{lines}\n"))
        });
        let mut files: BTreeMap<_, _> = files.collect();
        files.insert("parties.csv".to_owned(), PARTIES.to_owned());
        Self { files }
    }

    /// Adds a programme: its file, the row that names it, its issuer and its sources as parties.
    fn ruled_by(mut self, file: &str, text: &str) -> Self {
        let read: Value = serde_json::from_str(text).expect("a programme is JSON");
        let programme = read.get("programme").unwrap_or(&read);
        let at = |path: &str| {
            let found = programme.pointer(path).and_then(Value::as_str);
            found.unwrap_or_else(|| panic!("{path} of {file}"))
        };
        let row = format!(
            "{},{},\"{}\",{},{},{},{},{},{},{file}",
            at("/id"),
            at("/issuer"),
            at("/name"),
            at("/currency"),
            at("/budget/amount"),
            at("/at"),
            at("/closes"),
            at("/rules/ratio"),
            at("/rules/affiliation"),
        );
        let header =
            "id,issuer,name,currency,budget,opens,closes,ratio,affiliation,file".to_owned();
        let rows = self.files.entry("programmes.csv".to_owned()).or_insert(header + "\n");
        writeln!(rows, "{row}").expect("text takes text");
        let sources = programme["funding"].as_array().into_iter().flatten();
        let mut bodies: Vec<_> = sources.filter_map(|source| source["party"].as_str()).collect();
        bodies.push(at("/issuer"));
        bodies.sort_unstable();
        bodies.dedup();
        let parties = self.files.get_mut("parties.csv").expect("it was put in");
        for body in bodies {
            writeln!(parties, "{body},{body},government").expect("text takes text");
        }
        self.files.insert(file.to_owned(), text.to_owned());
        self
    }

    /// A city's own file of tests/programmes.
    fn of_city(city: &str, text: &str) -> Self {
        let path = project().join("tests/programmes").join(format!("{city}.json"));
        let programme = std::fs::read_to_string(path).expect("the city has a file");
        Self::of(text).ruled_by(&format!("{city}.json"), &programme)
    }

    fn written(&self) -> TempDir {
        let folder = TempDir::new().expect("a temporary folder");
        for (name, text) in &self.files {
            std::fs::write(folder.path().join(name), text).expect("our own folder");
        }
        folder
    }

    #[track_caller]
    fn imported(&self, ledger: &Ledger) {
        ledger.import(self.written().path()).succeeded();
    }

    /// What the import says where it is refused.
    #[track_caller]
    fn refused(&self, ledger: &Ledger) -> String {
        let answer = ledger.import(self.written().path());
        assert_eq!(answer.code, Some(3), "{}", answer.text());
        answer.text()
    }
}

#[track_caller]
fn assert_figures(ledger: &Ledger, programme: &str, figures: &[(&str, &str)]) {
    let answer = ledger.query(&["vouchers", "--programme", programme]);
    for (field, amount) in figures {
        assert_eq!(answer["programmes"][0][*field], json!(amount), "{field} of {programme}");
    }
}

const SHA: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn evidence(claim: &str, pieces: &[(&str, &str)]) -> String {
    let mut text = String::from("evidence\nclaim,kind,sha256,size,number\n");
    for (kind, number) in pieces {
        writeln!(text, "{claim},{kind},{SHA},1024,{number}").expect("text takes text");
    }
    text
}

/// M1: deducted on the bill; 30 % of 20 m of domestic compute, then what the cap of 8 m leaves of the foreign.
fn hangzhou() -> Bundle {
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
fn beijing() -> Bundle {
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
fn nanning(number: &str) -> Bundle {
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
fn korea() -> Bundle {
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
fn credits() -> Bundle {
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
fn letter() -> Bundle {
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

#[test]
fn each_of_the_six_modes_pays_its_exact_amount_and_importing_it_again_changes_nothing() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    let bundles = [hangzhou(), beijing(), nanning("nn-fp-1"), korea(), credits(), letter()];
    for bundle in &bundles {
        bundle.imported(&ledger);
    }
    let figures = || {
        assert_figures(&ledger, "hangzhou-2025", &[("redeemed", "8000000.00"), ("paid", "8000000.00")]);
        assert_figures(&ledger, "beijing-2023", &[("redeemed", "2000000.00"), ("paid", "2000000.00")]);
        assert_figures(
            &ledger,
            "nanning-2025",
            &[("redeemed", "25102.00"), ("paid", "25102.00"), ("remaining", "49974898.00")],
        );
        assert_figures(&ledger, "korea-2026", &[("redeemed", "95000000"), ("paid", "0")]);
        let credits = [("issued", "80.00"), ("redeemed", "30.00"), ("revoked", "40.00"), ("paid", "30.00")];
        assert_figures(&ledger, "credits", &credits);
        assert_figures(&ledger, "letter", &[("redeemed", "60.00"), ("paid", "60.00")]);
        let refunds = ledger.query(&["flows", "--party", "office", "--kind", "refund"]);
        assert_eq!(refunds["flows"][0]["amount"], "15.00");
    };
    figures();
    let before = ledger.query(&["vouchers"]);
    for bundle in &bundles {
        bundle.imported(&ledger);
    }
    figures();
    assert_eq!(ledger.query(&["vouchers"])["position"], before["position"]);
}

#[track_caller]
fn assert_says(told: &str, words: &[&str]) {
    for word in words {
        assert!(told.contains(word), "{word} in {told}");
    }
}

impl Bundle {
    /// Replaces text that has to be there once.
    #[track_caller]
    fn with(mut self, file: &str, old: &str, new: &str) -> Self {
        let text = self.files.get_mut(file).expect("the file is in it");
        assert_eq!(text.matches(old).count(), 1, "{old} in {file}");
        *text = text.replace(old, new);
        self
    }
}

/// provider-a's capital reached firm-c through firm-d; two of three approvers may let that pass. Usage is metered.
fn strict(more: &str) -> Bundle {
    let rules = json!({
        "id": "strict", "issuer": "office", "name": "Strict", "currency": "CNY",
        "budget": {"amount": "1000", "currency": "CNY"},
        "at": "2025-01-01T00:00:00Z", "closes": "2025-12-31T00:00:00Z",
        "rules": {
            "ratio": "0.3", "affiliation": "refuse_funding_link", "funding_link_months": 12,
            "metering_required": true, "rounding": {"digits": 2, "mode": "truncate"},
            "waiver": {"approvers": ["w-1", "w-2", "w-3"], "needed": 2}
        }
    });
    let text = "admissions
programme,provider,from
strict,provider-a,2025-01-01

investments
id,investor,company,amount,currency,at
st-n1,provider-a,firm-d,500,CNY,2024-06-01
st-n2,firm-d,firm-c,400,CNY,2024-09-01

contracts
id,buyer,seller,currency,price_per_unit,unit,quantity,signed_at,from,to
st-k1,firm-c,provider-a,CNY,1,card_hour,100,2025-01-02,2025-02-01,2025-12-01

invoices
id,contract,from,to,quantity,amount,at
st-i1,st-k1,2025-02-01,2025-03-01,100,100,2025-03-02

vouchers
id,programme,holder,amount,at
st-v1,strict,firm-c,30,2025-01-05

locks
id,voucher,contract,amount,at
st-l1,st-v1,st-k1,30,2025-01-10

claims
id,programme,voucher,invoice,by,of,at
st-c1,strict,st-v1,st-i1,a-1,provider-a,2025-03-03

settlements
id,redemption,amount,at
st-s1,st-c1,30,2025-03-10
";
    Bundle::of(&format!("{text}\n{more}")).ruled_by("strict.json", &rules.to_string())
}

const ONE_WAIVER: &str = "waivers
programme,contract,by,of,reason,at
strict,st-k1,w-1,office,a public project,2025-01-08
";

const TWO_WAIVERS: &str = "waivers
programme,contract,by,of,reason,at
strict,st-k1,w-1,office,a public project,2025-01-08
strict,st-k1,w-2,office,a public project,2025-01-09
";

const METERS: &str = "
pools
id,operator,site,model,cards,lit,at
st-p1,provider-a,Nanning,H200,8,8,2025-01-01

allocations
id,pool,contract,cards,from,to
st-a1,st-p1,st-k1,8,2025-02-01,2025-12-01

usage
id,allocation,from,to,card_hours,source
st-u1,st-a1,2025-02-01,2025-03-01,100,slurm
";

#[test]
fn a_funding_link_is_refused_with_its_path_until_enough_waive_it_and_metering_is_required() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    let told = strict("").refused(&ledger);
    assert_says(&told, &["locks.csv line 2", "related", "provider-a", "firm-c"]);
    let told = strict(ONE_WAIVER).refused(&ledger);
    assert_says(&told, &["locks.csv line 2", "related"]);
    let told = strict(&TWO_WAIVERS.replace("w-2,office", "w-2,firm-d")).refused(&ledger);
    assert_says(&told, &["waivers.csv line 3", "party_to_it", "firm-d"]);
    let told = strict(TWO_WAIVERS).refused(&ledger);
    assert_says(&told, &["claims.csv line 2", "not_metered", "st-k1"]);
    strict(&format!("{TWO_WAIVERS}{METERS}")).imported(&ledger);
    assert_figures(&ledger, "strict", &[("redeemed", "30.00"), ("paid", "30.00")]);
}

#[test]
fn a_reviewer_who_is_concerned_or_reviewed_already_and_a_number_that_is_used_are_refused() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    let own = beijing().with("claim_reviews.csv", "verify,o-1,beijing-beit", "verify,c-9,firm-c");
    assert_says(&own.refused(&ledger), &["claim_reviews.csv line 3", "own_case"]);
    beijing().imported(&ledger);
    assert_says(
        &nanning("bj-fp-1").refused(&ledger),
        &["claims.csv line 2", "number_used", "bj-fp-1", "bj-i1"],
    );
    let twice = nanning("nn-fp-1").with("claim_reviews.csv", "verify,o-2", "verify,o-1");
    assert_says(&twice.refused(&ledger), &["claim_reviews.csv line 4", "same_person"]);
    nanning("nn-fp-1").imported(&ledger);
    assert_figures(&ledger, "nanning-2025", &[("paid", "25102.00")]);
}

/// A city's programme with one contract, one voucher for all that is claimed, one claim.
fn plain(city: &str, words: [&str; 7], more: &str) -> Bundle {
    let [programme, currency, from, to, quantity, face, profile] = words;
    let (header, cells) = profile.split_once('=').unwrap_or(("", ""));
    let (header, cells) = match header {
        "" => (String::new(), String::new()),
        header => (format!(",{header}"), format!(",{cells}")),
    };
    let text = format!(
        "contracts
id,buyer,seller,currency,price_per_unit,unit,quantity,signed_at,from,to
{city}-k1,firm-c,provider-a,{currency},1,card_hour,{quantity},{from},{from},{to}

invoices
id,contract,from,to,quantity,amount,at
{city}-i1,{city}-k1,{from},{to},{quantity},{quantity},{to}

locks
id,voucher,contract,amount,at
{city}-l1,{city}-v1,{city}-k1,{face},{from}

claims
id,programme,voucher,invoice,by,of,at{header}
{city}-c1,{programme},{city}-v1,{city}-i1,a-1,provider-a,{to}{cells}

{more}"
    );
    Bundle::of_city(city, &text)
}

fn henan() -> Bundle {
    let more = "admissions
programme,provider,from,p
henan-2025,provider-a,2025-01-01,100

vouchers
id,programme,holder,amount,at
henan-v1,henan-2025,firm-c,1000000,2025-01-01

settlements
id,redemption,amount,at
henan-s1,henan-c1,1000000,2025-06-01";
    let words = ["henan-2025", "CNY", "2025-01-01", "2025-06-01", "6000000", "1000000", ""];
    plain("henan", words, more)
}

fn shenzhen() -> Bundle {
    let more = "admissions
programme,provider,from
shenzhen-2025,provider-a,2025-01-01

vouchers
id,programme,holder,amount,at
shenzhen-v1,shenzhen-2025,firm-c,10000000,2025-01-01

settlements
id,redemption,amount,at
shenzhen-s1,shenzhen-c1,10000000,2025-06-01";
    let training = "purpose=training";
    let words =
        ["shenzhen-2025", "CNY", "2025-01-01", "2025-06-01", "25000000", "10000000", training];
    plain("shenzhen", words, more)
}

/// Beyond the golden ones: a share of what was metered, and hours in kind.
fn chengdu() -> Bundle {
    let more = "admissions
programme,provider,from
chengdu-2023,provider-a,2023-01-01

pools
id,operator,site,model,cards,lit,at
chengdu-p1,provider-a,Chengdu,H100,400,400,2023-01-01

allocations
id,pool,contract,cards,from,to
chengdu-a1,chengdu-p1,chengdu-k1,400,2023-01-01,2023-06-01

usage
id,allocation,from,to,card_hours,source
chengdu-u1,chengdu-a1,2023-01-01,2023-06-01,1234567.89,slurm

vouchers
id,programme,holder,amount,at
chengdu-v1,chengdu-2023,firm-c,400000,2023-01-01

settlements
id,redemption,amount,at
chengdu-s1,chengdu-c1,370370.36,2023-06-01";
    let words =
        ["chengdu-2023", "CNY", "2023-01-01", "2023-06-01", "1400000", "400000", "applicant_kind=sme"];
    plain("chengdu", words, more)
        .with("claims.csv", ",at,applicant_kind", ",at,card_hours,applicant_kind")
        .with("claims.csv", ",sme", ",1234567.89,sme")
}

fn airr() -> Bundle {
    let more = "applications
id,programme,applicant,amount,by,of,at
airr-a1,airr-gateway,firm-c,20000,c-1,firm-c,2025-01-01

application_reviews
application,step,by,of,at
airr-a1,check,o-1,ukri,2025-01-01
airr-a1,verify,o-1,ukri,2025-01-01
airr-a1,approve,o-1,ukri,2025-01-01

vouchers
id,programme,holder,amount,at,application
uk-airr-gateway-v1,airr-gateway,firm-c,20000,2025-01-01,airr-a1";
    let words = ["airr-gateway", "GBP", "2025-01-01", "2025-04-01", "12000", "20000", ""];
    plain("uk-airr-gateway", words, more)
        .with("contracts.csv", "GBP,1,", "GBP,2,")
        .with("invoices.csv", ",12000,12000,", ",12000,24000,")
}

#[test]
fn a_citys_file_is_all_that_a_further_city_needs() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    for bundle in [henan(), shenzhen(), chengdu(), airr()] {
        bundle.imported(&ledger);
    }
    assert_figures(&ledger, "henan-2025", &[("redeemed", "1000000.00"), ("paid", "1000000.00")]);
    assert_figures(&ledger, "shenzhen-2025", &[("paid", "10000000.00")]);
    assert_figures(&ledger, "chengdu-2023", &[("paid", "370370.36")]);
    assert_figures(&ledger, "airr-gateway", &[("redeemed", "20000.00"), ("paid", "0.00")]);
}

#[test]
fn a_row_that_contradicts_its_programmes_file_is_named_and_nothing_is_imported() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    let wrong = henan().with("programmes.csv", ",0.2,", ",0.3,");
    let answer = ledger.import(wrong.written().path());
    assert_eq!(answer.code, Some(2), "{}", answer.text());
    assert_says(&answer.text(), &["programmes.csv line 2, column ratio", "henan.json"]);
    assert_eq!(ledger.query(&["vouchers"])["programmes"], json!([]));
}
