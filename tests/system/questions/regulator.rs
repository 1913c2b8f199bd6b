//! Twenty questions of regulators and auditors.

use serde_json::{Value, json};

use super::{Asked, Question, list, of, row};
use crate::program::folder_of;
use crate::programmes::reviewed;

pub(super) const THE_TWENTY: [Question; 19] = [
    which_vouchers_paid_a_provider_linked_to_the_buyer,
    what_became_of_a_budget_as_of_one_date_and_as_known_at_another,
    what_was_used_in_more_than_one_claim,
    which_groups_are_above_a_years_cap,
    which_claims_have_less_metered_than_claimed,
    who_has_sold_more_p_than_there_is,
    which_contracts_state_p_alone_and_how_many_cards_that_is,
    how_many_cards_were_lit_given_and_busy_in_a_month,
    which_cards_two_providers_say_they_have,
    what_ended_after_a_voucher_and_what_came_back,
    whether_a_provider_worked_while_it_was_suspended,
    how_prices_compare,
    all_loops_of_a_provider_and_their_share_of_its_revenue,
    how_much_public_money_is_inside_loops,
    how_long_capital_stayed_out_and_when_it_came_back,
    how_deep_resale_goes_and_what_each_layer_keeps,
    who_approved_what_under_which_version,
    what_of_a_guidance_funds_reinvestment_went_round_a_loop,
    prove_this_figure,
];

/// 1
fn which_vouchers_paid_a_provider_linked_to_the_buyer(asked: &Asked<'_>) {
    let regulator = &asked.regulator;
    let loops = regulator.gets("/v1/loops?party=provider-a");
    let claims = regulator.gets("/v1/claims?programme=cv-2025");
    let found = &loops["loops"][0];
    assert_eq!(found["parties"], json!(["provider-a", "fund-b", "company-c"]), "the path");
    let paid = list(found, "voucher_events").iter().map(|event| {
        let fact = regulator.gets(&format!("/v1/facts/{}", event.as_str().expect("a fact")));
        let settled = &fact["commands"][0]["facts"][0]["event"]["redemption_settled"];
        let claim = row(&claims, "claims", "claim", settled["redemption"].as_str().expect("an id"));
        of(claim, &["voucher", "contract", "provider", "holder"])
    });
    let told = json!(["v-c1", "k-1", "provider-a", "company-c"]);
    assert_eq!(paid.collect::<Vec<_>>(), [told.clone(), told]);
}

/// 2
fn what_became_of_a_budget_as_of_one_date_and_as_known_at_another(asked: &Asked<'_>) {
    let figures = |query: &str| {
        let programme = asked.regulator.gets(&format!("/v1/programme?programme=cv-2025{query}"));
        let names =
            ["authorised", "issued", "locked", "redeemed", "paid", "expired", "clawed_back"];
        let source = of(&programme["sources"][0], &["source", "issued", "paid"]);
        (of(&programme["totals"], &names), source)
    };
    let (then, _) = figures("&as_of=2025-03-01");
    let all = ["50000000.00", "3200000.00", "2427500.00", "0.00", "0.00", "0.00", "0.00"];
    assert_eq!(then, json!(all));
    let (now, source) = figures("");
    let all =
        ["50000000.00", "3200000.00", "100000.00", "2427500.00", "1506880.00", "0.00", "0.00"];
    assert_eq!((now, source), (json!(all), json!(["city", "3200000.00", "1506880.00"])));
    let (known, _) = figures(&format!("&as_known={}", asked.earlier));
    assert_eq!(known[4], "1505880.00", "the last settlement was not known then");
}

/// 3
fn what_was_used_in_more_than_one_claim(asked: &Asked<'_>) {
    let findings = asked.regulator.gets("/v1/findings?rule=evidence_used_twice");
    let told = list(&findings, "findings");
    assert_eq!(told.len(), 1, "{findings}");
    assert_eq!(list(&told[0], "facts").len(), 2, "{findings}");
    assert!(told[0]["text"].to_string().contains("treasury-0001"), "{findings}");
    // What the rules look at themselves cannot be used twice.
    let again = json!({
        "id": "sh-again", "programme": "shanghai-2025", "voucher": "sh-v1", "invoice": "sh-i1",
        "by": { "id": "c-1", "of": "firm-c" }, "at": "2025-12-05T00:00:00Z",
    });
    let refused = asked.operator.give("/v1/claims", "q3", &again);
    assert_eq!(refused.problem(), "invoice_has_claim", "{}", refused.body);
}

/// 4
fn which_groups_are_above_a_years_cap(asked: &Asked<'_>) {
    let caps = asked.regulator.gets("/v1/caps?programme=cv-2025");
    let names = ["year", "group", "holders", "issued", "redeemed", "cap", "counts", "above"];
    assert_eq!(
        list(&caps, "caps").iter().map(|cap| of(cap, &names)).collect::<Vec<_>>(),
        [json!([
            2025,
            "holding-h",
            ["company-c", "company-d"],
            "3200000.00",
            "2427500.00",
            "2000000.00",
            "issued",
            "1200000.00",
        ])]
    );
}

/// 5
fn which_claims_have_less_metered_than_claimed(asked: &Asked<'_>) {
    let contracts = asked.regulator.gets("/v1/contracts");
    let figure = |contract: &Value, name: &str| -> u64 {
        let text = contract[name].as_str().unwrap_or("0");
        text.split('.').next().and_then(|whole| whole.parse().ok()).expect("a figure")
    };
    let with_vouchers = list(&contracts, "contracts")
        .iter()
        .filter(|contract| contract["unit"] == "card_hour" && contract["vouchers"] != "0.00");
    let short = with_vouchers.filter(|contract| {
        figure(contract, "metered_card_hours") < figure(contract, "invoiced_quantity")
    });
    let short: Vec<&Value> = short.map(|contract| &contract["contract"]).collect();
    assert_eq!(short, ["sh-k1", "sh-k2"], "Shanghai's version asks for no metering");
}

/// 6
fn who_has_sold_more_p_than_there_is(asked: &Asked<'_>) {
    let findings = asked.regulator.gets("/v1/findings?rule=oversold_pool");
    let told = row(&findings, "findings", "subject", "pz");
    let figures = of(&told["figures"], &["numerator", "denominator"]);
    assert_eq!(figures, json!(["650", "500"]));
    let march = "/v1/utilization?from=2025-03-01&to=2025-04-01";
    let pools = asked.regulator.gets(march);
    let pool = row(&pools, "pools", "pool", "pz");
    assert_eq!(of(pool, &["sold_p", "physical_p", "oversold"]), json!(["650", "500", true]));
    assert!(!list(pool, "by_basis").is_empty(), "by convention: {pool}");
}

/// 7
fn which_contracts_state_p_alone_and_how_many_cards_that_is(asked: &Asked<'_>) {
    let implied = asked.regulator.gets("/v1/implied");
    let told = row(&implied, "contracts", "contract", "k-1");
    assert_eq!(of(told, &["declared_p", "model"]), json!(["600", null]));
    let cards = row(told, "implied", "model", "H200");
    assert_eq!(cards["cards"], "606.673407", "600 P of 0.989 each: {cards}");
    assert!(
        list(&implied, "contracts").iter().all(|told| told["contract"] != "k-2"),
        "it names 910B"
    );
}

/// 8
fn how_many_cards_were_lit_given_and_busy_in_a_month(asked: &Asked<'_>) {
    let pools =
        asked.regulator.gets("/v1/utilization?pool=pz&from=2025-03-01&to=2025-04-01&by=day");
    let pool = &pools["pools"][0];
    let rates = of(pool, &["lighting_rate", "allocation_rate", "busy_rate", "coverage"]);
    assert_eq!(rates, json!(["0.499355", "1.001292", "0.269165", "0.645161"]));
    assert_eq!(list(pool, "days").len(), 31);
}

/// 9
fn which_cards_two_providers_say_they_have(asked: &Asked<'_>) {
    let findings = asked.regulator.gets("/v1/findings?rule=serial_in_two_pools");
    let [found] = list(&findings, "findings") else { panic!("one card: {findings}") };
    let told = of(found, &["subject", "parties", "at"]);
    assert_eq!(told, json!(["sn-7", ["provider-a", "provider-x"], "2025-02-01T00:00:00Z"]));
    assert_eq!(found["figures"]["pools"], "pool-a1 pool-x1");
    for fact in list(found, "facts") {
        let fact = asked.regulator.gets(&format!("/v1/facts/{}", fact.as_str().expect("a fact")));
        assert_eq!(fact["partition"], "allocation.0");
    }
    let before = asked.regulator.gets("/v1/findings?rule=serial_in_two_pools&as_of=2025-01-31");
    assert_eq!(before["findings"], json!([]), "one pool had it then");
    let pools = asked.regulator.gets("/v1/pools?pool=pool-a1");
    let disputed = &row(&pools, "pools", "pool", "pool-a1")["disputed"][0];
    assert_eq!(of(disputed, &["serial", "pools"]), json!(["sn-7", ["pool-a1", "pool-x1"]]));
    let own = asked.provider.gets("/v1/pools?pool=pool-a1");
    assert_eq!(own["pools"][0]["disputed"], json!([]), "another one's cards are not shown to it");
}

/// 10
fn what_ended_after_a_voucher_and_what_came_back(asked: &Asked<'_>) {
    let regulator = &asked.regulator;
    let findings = regulator.gets("/v1/findings?rule=never_executed_after_voucher");
    assert_eq!(row(&findings, "findings", "subject", "k-5")["amount"], "100000.00");
    let contracts = regulator.gets("/v1/contracts?contract=k-3");
    let end = &contracts["contracts"][0]["end"];
    assert_eq!(of(end, &["reason", "refunded"]), json!(["ended_early", "100000.00"]));
    let claims = regulator.gets("/v1/claims?programme=shanghai-2025");
    let clawed = row(&claims, "claims", "claim", "sh-c2");
    assert_eq!(of(clawed, &["paid", "recovered"]), json!(["80000.00", "50320.00"]));
}

/// 11
fn whether_a_provider_worked_while_it_was_suspended(asked: &Asked<'_>) {
    let files = reviewed::SUSPENDED.map(|(file, row)| {
        let header = match file {
            "invoices.csv" => "id,contract,from,to,quantity,amount,at\n",
            "payments.csv" => "id,invoice,amount,at\n",
            _ => "id,programme,voucher,invoice,by,of,at\n",
        };
        (file, format!("{header}{row}"))
    });
    let refused = asked.ledger.import(folder_of(files).path());
    assert_eq!(refused.code, Some(3), "{}", refused.text());
    let said = "claims.csv line 2: refused (not_admitted)";
    assert!(refused.text().contains(said), "{}", refused.text());
}

/// 12
fn how_prices_compare(asked: &Asked<'_>) {
    let findings = asked.regulator.gets("/v1/findings?rule=price_outside_reference");
    assert!(row(&findings, "findings", "subject", "k-1")["figures"]["denominator"].is_string());
    let tests = asked.regulator.gets("/v1/prices?party=provider-a");
    let interval = ["model", "reference_low", "reference_high", "discount_low", "discount_high"];
    // 18 an hour are 18 x 730 / 0.989 for a P and month.
    assert_eq!(
        of(row(&tests, "contracts", "contract", "k-1"), &interval),
        json!([null, "13286.147624", "13286.147624", "0.549079", "0.549079"])
    );
    let contracts = asked.regulator.gets("/v1/contracts?party=provider-a");
    let sold = list(&contracts, "contracts")
        .iter()
        .filter(|told| told["seller"] == "provider-a" && told["unit"] == "p_month");
    let prices: Vec<Value> = sold.map(|told| of(told, &["buyer", "price_per_unit"])).collect();
    let expected = [("company-c", "5991"), ("reseller-r", "5600"), ("company-d", "5991")];
    assert_eq!(prices, expected.map(|(buyer, price)| json!([buyer, price])));
}

/// 13
fn all_loops_of_a_provider_and_their_share_of_its_revenue(asked: &Asked<'_>) {
    let loops = asked.regulator.gets("/v1/loops?party=provider-a");
    let figures = ["returned_lower", "returned_fifo", "returned_pro_rata", "returned_upper"];
    let told: Vec<Value> = list(&loops, "loops").iter().map(|found| of(found, &figures)).collect();
    assert_eq!(
        told,
        [
            json!(["0.00", "5032440.00", "3522708.00", "5032440.00"]),
            json!(["0.00", "640000.00", "448000.00", "640000.00"]),
        ]
    );
    let reports = asked.regulator.gets("/v1/parties?party=provider-a");
    let of_revenue = &reports["parties"][0]["returned_of_revenue"];
    assert!(of_revenue.to_string().contains("3970708.00"), "{of_revenue}");
}

/// 14
fn how_much_public_money_is_inside_loops(asked: &Asked<'_>) {
    let reports = asked.regulator.gets("/v1/parties?party=provider-a");
    let exposure = of(&reports["parties"][0]["voucher_exposure"], &["numerator", "denominator"]);
    assert_eq!(exposure, json!(["1079380.00", "1079380.00"]), "Shanghai paid the buyers");
}

/// 15
fn how_long_capital_stayed_out_and_when_it_came_back(asked: &Asked<'_>) {
    let loops = asked.regulator.gets("/v1/loops?party=provider-a");
    let found = &loops["loops"][0];
    assert_eq!(of(found, &["lag_days", "closed_at"]), json!([200, "2025-03-20T00:00:00Z"]));
    assert!(found["dwell_days"].is_string(), "{found}");
    let back = list(found, "legs").iter().filter(|leg| leg["kind"] == "compute_payment");
    let days: Vec<&Value> = back.map(|leg| &leg["at"]).collect();
    assert_eq!(
        days,
        ["2025-03-20T00:00:00Z", "2025-04-20T00:00:00Z"],
        "a cluster would be seen here"
    );
}

/// 16
fn how_deep_resale_goes_and_what_each_layer_keeps(asked: &Asked<'_>) {
    let contracts = asked.regulator.gets("/v1/contracts?contract=k-4");
    let told = &contracts["contracts"][0];
    assert_eq!(told["capacity_owner"], "provider-a");
    let margin = of(&told["resale"], &["backing", "margin_per_unit", "margin"]);
    assert_eq!(margin, json!([["k-3"], "800", "0.142857"]));
    let loops = asked.regulator.gets("/v1/loops?party=reseller-r");
    assert_eq!(loops["loops"][0]["kind"], "resale");
}

/// 17
fn who_approved_what_under_which_version(asked: &Asked<'_>) {
    let reviews = asked.regulator.gets("/v1/reviews?programme=shanghai-2025");
    let approvals = list(&reviews, "reviews").iter().filter(|step| step["step"] == "approve");
    let names = ["subject", "by", "of", "version", "before", "by_applicant", "amount"];
    let approvals: Vec<Value> = approvals.map(|step| of(step, &names)).collect();
    assert_eq!(
        approvals,
        [
            json!(["sh-c1", "o-3", "shanghai-eic", 1, [], false, "150000.00"]),
            json!(["sh-c2", "o-3", "shanghai-eic", 2, [], false, "80000.00"]),
        ],
        "whoever approved had taken no step before, and was of no side"
    );
    let second = list(&reviews, "reviews").iter().filter(|step| step["subject"] == "sh-c2");
    let steps: Vec<Value> = second.map(|step| of(step, &["step", "by"])).collect();
    assert_eq!(steps.first(), Some(&json!(["check", "o-1"])));
    assert_eq!(steps.get(2), Some(&json!(["appeal", "d-1"])));
    let programme = asked.regulator.gets("/v1/programme?programme=shanghai-2025");
    assert_eq!(list(&programme, "versions").len(), 2);
}

/// 19
fn what_of_a_guidance_funds_reinvestment_went_round_a_loop(asked: &Asked<'_>) {
    let fund = asked.regulator.gets("/v1/fund?fund=guide");
    let names = ["ratio", "ratio_without_loops"];
    assert_eq!(of(&fund["reinvestment"], &names), json!(["1.250000", "0.416667"]));
}

/// 20
fn prove_this_figure(asked: &Asked<'_>) {
    let loops = asked.regulator.gets("/v1/loops?party=provider-a");
    for position in list(&loops["loops"][0], "positions") {
        let fact = asked.regulator.gets(&format!("/v1/facts/{position}"));
        let verified = asked.ledger.query(&["verify", "--position", &position.to_string()]);
        assert_eq!(verified["asked"][0]["hash"], fact["hash"]);
    }
    let rebuilt = asked.ledger.query(&["rebuild"]);
    assert_eq!(rebuilt["same"], true, "a replay has the same rows: {rebuilt}");
    let again = asked.regulator.gets("/v1/loops?party=provider-a");
    assert_eq!(again["loops"], loops["loops"]);
}
