//! Bundles of further cities, and of a programme that refuses funding links.

use serde_json::json;

use super::bundle::Bundle;

/// provider-a's capital reached firm-c through firm-d; two of three approvers may let that pass. Usage is metered.
pub fn strict(more: &str) -> Bundle {
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

pub const ONE_WAIVER: &str = "waivers
programme,contract,by,of,reason,at
strict,st-k1,w-1,office,a public project,2025-01-08
";

pub const TWO_WAIVERS: &str = "waivers
programme,contract,by,of,reason,at
strict,st-k1,w-1,office,a public project,2025-01-08
strict,st-k1,w-2,office,a public project,2025-01-09
";

pub const METERS: &str = "
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

pub fn henan() -> Bundle {
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

pub fn shenzhen() -> Bundle {
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
pub fn chengdu() -> Bundle {
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
    let words = [
        "chengdu-2023",
        "CNY",
        "2023-01-01",
        "2023-06-01",
        "1400000",
        "400000",
        "applicant_kind=sme",
    ];
    plain("chengdu", words, more)
        .with("claims.csv", ",at,applicant_kind", ",at,card_hours,applicant_kind")
        .with("claims.csv", ",sme", ",1234567.89,sme")
}

pub fn airr() -> Bundle {
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
    plain("uk-airr-gateway", words, more).with("contracts.csv", "GBP,1,", "GBP,2,").with(
        "invoices.csv",
        ",12000,12000,",
        ",12000,24000,",
    )
}
