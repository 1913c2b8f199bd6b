//! Ten needs of a fund's manager in a loop report.

use serde_json::{Value, json};

use super::{Asked, Question, list, of, row};

pub(super) const THE_TEN: [Question; 9] = [
    all_paths_with_their_dates_and_documents,
    the_amount_in_four_ways,
    what_share_of_a_partners_money_came_back,
    prices_against_references_and_priority,
    what_was_metered_against_what_was_paid,
    what_a_company_earned_of_compute_and_from_whom,
    what_went_to_related_parties_and_was_set_against_fees,
    the_guidance_ratio_with_and_without_loops,
    the_quarter_as_it_was_known_with_hashes_and_without_other_partners,
];

/// 1
fn all_paths_with_their_dates_and_documents(asked: &Asked<'_>) {
    let loops = asked.manager.gets("/v1/loops");
    let paths: Vec<&Value> = list(&loops, "loops").iter().map(|found| &found["parties"]).collect();
    let direct = json!(["provider-a", "fund-b", "company-c"]);
    let resold = json!(["provider-a", "fund-b", "company-c", "reseller-r"]);
    assert_eq!(paths, [&direct, &resold]);
    for leg in list(&loops["loops"][0], "legs") {
        let event = leg["event"].as_str().expect("a fact");
        let fact = asked.operator.gets(&format!("/v1/facts/{event}"));
        assert!(fact["commands"][0]["facts"][0]["event"].is_object() && leg["at"].is_string());
    }
}

/// 2
fn the_amount_in_four_ways(asked: &Asked<'_>) {
    let loops = asked.manager.gets("/v1/loops");
    let names = ["returned_lower", "returned_fifo", "returned_pro_rata", "returned_upper"];
    let amounts = of(&loops["loops"][0], &names);
    assert_eq!(amounts, json!(["0.00", "5032440.00", "3522708.00", "5032440.00"]));
}

/// 3
fn what_share_of_a_partners_money_came_back(asked: &Asked<'_>) {
    let loops = asked.manager.gets("/v1/loops");
    let figures = of(&loops["loops"][0], &["capital_out", "ratio_pro_rata"]);
    assert_eq!(figures, json!(["70000000.00", "0.050324"]));
    let reports = asked.operator.gets("/v1/parties?party=provider-a");
    let company = row(&reports["parties"][0], "customers", "company", "company-c");
    assert_eq!(company["share_of_spend"]["ratio"], "0.887174", "5,032,440 of 5,672,440");
    assert_eq!(company["returned_of_paid"]["ratio"], "0.700000", "70 m of the fund's 100 m");
}

/// 4
fn prices_against_references_and_priority(asked: &Asked<'_>) {
    let fund = asked.manager.gets("/v1/fund");
    let partner = row(&fund, "partners", "lp", "provider-a");
    assert_eq!(partner["priority_supplier"], true);
    let findings = asked.operator.gets("/v1/findings?rule=price_outside_reference&party=company-c");
    let told = row(&findings, "findings", "subject", "k-1");
    assert!(told["figures"]["numerator"].is_string(), "{told}");
}

/// 5
fn what_was_metered_against_what_was_paid(asked: &Asked<'_>) {
    let contracts = asked.operator.gets("/v1/contracts?contract=k-1");
    let names = ["metered_card_hours", "invoiced", "paid", "vouchers"];
    let figures = of(&contracts["contracts"][0], &names);
    assert_eq!(figures, json!(["491000", "7189200.00", "5032440.00", "1079380.00"]));
}

/// 6, as far as it is recorded: what a company is paid for compute
fn what_a_company_earned_of_compute_and_from_whom(asked: &Asked<'_>) {
    let reports = asked.operator.gets("/v1/parties?party=reseller-r");
    let report = &reports["parties"][0];
    assert_eq!(report["compute_revenue"], "640000.00");
    let [customer] = list(report, "customers") else { panic!("one customer: {report}") };
    assert_eq!(of(customer, &["company", "paid"]), json!(["company-c", "640000.00"]));
    // They are not of one group, so all of it comes from outside.
    let controller = |party| {
        asked.operator.gets(&format!("/v1/owners?party={party}&as_of=2025-06-01"))["controller"]
            .clone()
    };
    assert_eq!(
        [controller("company-c"), controller("reseller-r")],
        [json!("holding-h"), json!(null)]
    );
}

/// 8
fn what_went_to_related_parties_and_was_set_against_fees(asked: &Asked<'_>) {
    let costs = asked.manager.gets("/v1/fund")["costs"].clone();
    let names = ["fees_accrued", "fees_offset", "expenses", "expenses_to_related_parties"];
    // 2 % of the 500 million that the partners promised, for a year.
    let expected = json!(["10000000.00", "50000.00", "250000.00", "250000.00"]);
    assert_eq!(of(&costs, &names), expected);
    let flows = asked.manager.gets("/v1/flows?party=fund-b&kind=transfer");
    let paid = row(&flows, "flows", "to", "gp-b");
    assert_eq!(of(paid, &["from", "amount"]), json!(["fund-b", "250000.00"]));
}

/// 9
fn the_guidance_ratio_with_and_without_loops(asked: &Asked<'_>) {
    let fund = asked.operator.gets("/v1/fund?fund=guide");
    let names = ["recognised", "recognised_without_loops"];
    assert_eq!(of(&fund["reinvestment"], &names), json!(["7500000.00", "2500000.00"]));
    assert_eq!(asked.manager.get("/v1/fund?fund=guide").status, 404, "it is another's");
}

/// 10
fn the_quarter_as_it_was_known_with_hashes_and_without_other_partners(asked: &Asked<'_>) {
    let quarter = format!("as_of=2025-04-01&as_known={}", asked.earlier);
    let loops = asked.manager.gets(&format!("/v1/loops?{quarter}"));
    assert_eq!(loops["loops"][0]["returned_fifo"], "2516220.00", "one payment by then");
    let report = asked.manager.get(&format!("/v1/reports/loops?{quarter}"));
    assert_eq!(report.status, 200, "{}", report.body);
    assert!(report.body.contains("2,516,220.00"), "{}", report.body);
    assert!(!report.body.contains("30,000,000.00"), "another partner's: {}", report.body);
    let position = loops["loops"][0]["positions"][0].to_string();
    let verified = asked.ledger.query(&["verify", "--position", &position]);
    let hash = verified["asked"][0]["hash"].as_str().expect("a hash").to_owned();
    assert!(report.body.contains(&hash), "{hash}: {}", report.body);
    let same = asked.manager.get(&format!("/v1/reports/loops?party=fund-b&{quarter}"));
    assert_eq!(same.body, report.body);
    for form in ["format=csv", "format=jsonl"] {
        let list = asked.manager.get(&format!("/v1/loops?{quarter}&{form}"));
        assert!(list.body.contains("2516220.00"), "{form}: {}", list.body);
    }
    let whole = asked.operator.get(&format!("/v1/reports/loops?party=fund-b&{quarter}"));
    assert!(whole.body.contains("30,000,000.00"), "the operator sees all: {}", whole.body);
    let log = asked.operator.get(&format!("/v1/exports/ocel?{quarter}"));
    assert!(log.json()["events"].as_array().is_some_and(|events| !events.is_empty()));
    assert_eq!(asked.manager.get("/v1/exports/ocel").status, 403);
}
