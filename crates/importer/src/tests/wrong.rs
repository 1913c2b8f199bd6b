//! Bundles that cannot be read: where it says so, and what it says.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{Bundle, Ledger, full, lp_loop, problems, read_dir, read_knowing, rows, with, without};
use crate::ImportError;
use crate::files::FILES;

#[track_caller]
fn check(name: &str, text: &str, expected: &Expect) {
    expected.assert_eq(&problems(&with(full(), name, text)));
}

#[test]
fn an_unknown_a_doubled_and_a_missing_column_are_named() {
    check(
        "payments.csv",
        "id,invoice,amount,when\npm-1,in-1,7,2024-03-03\n",
        &expect![[r#"
        payments.csv line 1, column when: unknown column `when`: the columns are id, invoice, amount, at, reference (optional)
        payments.csv line 1, column at: column `at` is missing: the columns are id, invoice, amount, at, reference (optional)
    "#]],
    );
    check(
        "payments.csv",
        "id,invoice,amount,at,at\n",
        &expect![[r#"
        payments.csv line 1, column at: column `at` is given twice: give it once
    "#]],
    );
}

#[test]
fn a_file_without_a_header_is_told_its_columns() {
    check(
        "payments.csv",
        "",
        &expect![[r#"
        payments.csv: has no header: the columns are id, invoice, amount, at, reference (optional)
    "#]],
    );
}

#[test]
fn a_file_that_no_bundle_has_is_told_which_there_are() {
    check(
        "payment.csv",
        "id\n",
        &expect![[r#"
            payment.csv: is no file of a bundle: the files are parties.csv, ownership.csv, card_specs.csv, prices.csv, capabilities.csv, controls.csv, programmes.csv, programme_versions.csv, programme_changes.csv, admission_applications.csv, admissions.csv, admission_changes.csv, funds.csv, commitments.csv, fund_terms.csv, commitment_changes.csv, commitment_transfers.csv, calls.csv, contributions.csv, defaults.csv, default_cures.csv, line_draws.csv, investments.csv, exits.csv, distributions.csv, recalls.csv, excess_returns.csv, valuations.csv, fees.csv, fee_payments.csv, fee_reductions.csv, expenses.csv, carry.csv, line_payments.csv, dissolutions.csv, navs.csv, recognitions.csv, pools.csv, pool_changes.csv, oversells.csv, pool_stages.csv, cards.csv, card_changes.csv, card_counts.csv, provenances.csv, announcements.csv, contracts.csv, price_steps.csv, refund_steps.csv, applications.csv, application_reviews.csv, vouchers.csv, allocation_ends.csv, reservation_ends.csv, reservations.csv, reservation_confirmations.csv, allocations.csv, usage.csv, electricity.csv, orders.csv, deliveries.csv, invoices.csv, credits.csv, disputes.csv, dispute_ends.csv, waivers.csv, locks.csv, advances.csv, payments.csv, advance_uses.csv, claims.csv, claim_reviews.csv, redemptions.csv, payment_orders.csv, payment_failures.csv, settlements.csv, terminations.csv, refunds.csv, clawbacks.csv, clawback_assessments.csv, recoveries.csv, write_offs.csv, releases.csv, voucher_ends.csv, transfers.csv, evidence.csv
        "#]],
    );
}

#[test]
fn a_step_of_a_contract_that_the_bundle_lacks_is_named() {
    check(
        "price_steps.csv",
        "contract,from,price_per_unit\nk-9,2024-08-01,9\n",
        &expect![[r#"
            price_steps.csv line 2, column contract: `k-9` is not in contracts.csv: add it there
        "#]],
    );
}

#[test]
fn a_promise_without_what_it_costs_not_to_keep_it_is_named() {
    let mut bundle = full();
    let contracts = bundle.get_mut("contracts.csv").expect("the bundle has contracts");
    *contracts = contracts.replace("2024-02-05,10,30,5", "2024-02-05,,30,5");
    expect![[r#"
        contracts.csv line 2, column sla_credit_percent: is blank while something is promised
    "#]]
    .assert_eq(&problems(&bundle));
}

#[test]
fn a_folder_that_is_missing_or_holds_no_bundle_is_an_error() {
    let dir = tempfile::tempdir().expect("a folder");
    let problem = |dir| {
        let unreadable = read_dir(dir, &Ledger::default()).expect_err("there is no bundle");
        unreadable.problems[0].reason.clone()
    };
    expect!["the folder holds no file of a bundle: the files are parties.csv, ownership.csv, card_specs.csv, prices.csv, capabilities.csv, controls.csv, programmes.csv, programme_versions.csv, programme_changes.csv, admission_applications.csv, admissions.csv, admission_changes.csv, funds.csv, commitments.csv, fund_terms.csv, commitment_changes.csv, commitment_transfers.csv, calls.csv, contributions.csv, defaults.csv, default_cures.csv, line_draws.csv, investments.csv, exits.csv, distributions.csv, recalls.csv, excess_returns.csv, valuations.csv, fees.csv, fee_payments.csv, fee_reductions.csv, expenses.csv, carry.csv, line_payments.csv, dissolutions.csv, navs.csv, recognitions.csv, pools.csv, pool_changes.csv, oversells.csv, pool_stages.csv, cards.csv, card_changes.csv, card_counts.csv, provenances.csv, announcements.csv, contracts.csv, price_steps.csv, refund_steps.csv, applications.csv, application_reviews.csv, vouchers.csv, allocation_ends.csv, reservation_ends.csv, reservations.csv, reservation_confirmations.csv, allocations.csv, usage.csv, electricity.csv, orders.csv, deliveries.csv, invoices.csv, credits.csv, disputes.csv, dispute_ends.csv, waivers.csv, locks.csv, advances.csv, payments.csv, advance_uses.csv, claims.csv, claim_reviews.csv, redemptions.csv, payment_orders.csv, payment_failures.csv, settlements.csv, terminations.csv, refunds.csv, clawbacks.csv, clawback_assessments.csv, recoveries.csv, write_offs.csv, releases.csv, voucher_ends.csv, transfers.csv, evidence.csv"].assert_eq(&problem(dir.path()));
    expect!["the folder cannot be listed: No such file or directory (os error 2)"]
        .assert_eq(&problem(&dir.path().join("absent")));
}

#[test]
fn a_row_with_too_few_or_too_many_cells_is_an_error() {
    let text = "id,invoice,amount,at\npm-1,in-1,7\npm-2,in-1,1,000,2024-03-03\n";
    check(
        "payments.csv",
        text,
        &expect![[r#"
        payments.csv line 2: has 3 cells where the header has 4: quote a cell that holds a comma, and keep the comma of a blank one
        payments.csv line 3: has 5 cells where the header has 4: quote a cell that holds a comma, and keep the comma of a blank one
    "#]],
    );
}

#[test]
fn broken_quotes_and_letters_are_found_on_their_line() {
    check(
        "payments.csv",
        "id,invoice,amount,at\npm-1,in-1,\"7\"0,2024-03-03\n",
        &expect![[r#"
            payments.csv line 2: `0` follows the closing quotation mark of a cell: double a mark that is part of the text
        "#]],
    );
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("parties.csv"), b"id,name,kind\nA,\xB0\xA1,other\n")
        .expect("is written");
    let unreadable = read_dir(dir.path(), &Ledger::default()).expect_err("it is not UTF-8");
    expect!["parties.csv line 2: is not UTF-8: save the file as UTF-8"]
        .assert_eq(&unreadable.problems[0].to_string());
}

#[test]
fn amounts_are_plain_decimals_no_finer_than_their_currency() {
    let text = "id,invoice,amount,at\n\
        pm-1,in-1,\"1,000\",2024-03-03\n\
        pm-2,in-1,NaN,2024-03-03\n\
        pm-3,in-1,1e3,2024-03-03\n\
        pm-4,in-1, 7,2024-03-03\n\
        pm-5,in-1,7.005,2024-03-03\n\
        pm-6,in-1,,2024-03-03\n";
    check(
        "payments.csv",
        text,
        &expect![[r#"
        payments.csv line 2, column amount: `1,000` is no plain decimal: write digits and at most one point, as in 1234.50
        payments.csv line 3, column amount: `NaN` is no plain decimal: write digits and at most one point, as in 1234.50
        payments.csv line 4, column amount: `1e3` is no plain decimal: write digits and at most one point, as in 1234.50
        payments.csv line 5, column amount: ` 7` is no plain decimal: write digits and at most one point, as in 1234.50
        payments.csv line 6, column amount: 7.005 is finer than the minor unit of CNY (2 decimals)
        payments.csv line 7, column amount: is blank: it has to be given
    "#]],
    );
}

#[test]
fn the_currency_of_a_row_decides_how_fine_its_amount_may_be() {
    let text = "id,investor,company,amount,currency,at\n\
        iv-1,B,C,90.5,JPY,2024-01-04\n\
        iv-2,B,C,90.5005,KWD,2024-01-04\n\
        iv-3,B,C,90.500,KWD,2024-01-04\n\
        iv-4,B,C,90.5,RMB,2024-01-04\n";
    check(
        "investments.csv",
        text,
        &expect![[r#"
        investments.csv line 2, column amount: 90.5 is finer than the minor unit of JPY (0 decimals)
        investments.csv line 3, column amount: 90.5005 is finer than the minor unit of KWD (3 decimals)
        investments.csv line 5, column currency: `RMB` is no currency: write its ISO 4217 code, as in CNY
    "#]],
    );
}

#[test]
fn dates_and_periods_are_checked() {
    let text = "id,contract,from,to,quantity,amount,at\n\
        in-1,k-1,2024-02-01,2024-02-01,1,10,2024-03-02\n\
        in-2,k-1,2024-02-01,2024-01-01,1,10,02/03/2024\n\
        in-3,k-1,2024-02-30,2024-03-01,1,10,2024-03-02T00:00:00\n";
    check(
        "invoices.csv",
        text,
        &expect![[r#"
        invoices.csv line 2, column to: a period from 2024-02-01T00:00:00Z to 2024-02-01T00:00:00Z is empty: its end must be later than its start
        invoices.csv line 3, column to: a period from 2024-02-01T00:00:00Z to 2024-01-01T00:00:00Z is empty: its end must be later than its start
        invoices.csv line 3, column at: `02/03/2024` is no date: write 2025-03-01 (which means 00:00:00Z) or a full timestamp with offset, as in 2025-03-01T08:00:00+08:00
        invoices.csv line 4, column from: `2024-02-30` is no date: write 2025-03-01 (which means 00:00:00Z) or a full timestamp with offset, as in 2025-03-01T08:00:00+08:00
        invoices.csv line 4, column at: `2024-03-02T00:00:00` is no date: write 2025-03-01 (which means 00:00:00Z) or a full timestamp with offset, as in 2025-03-01T08:00:00+08:00
    "#]],
    );
    check(
        "ownership.csv",
        "owner,owned,percent,from,to\nA,C,10,2024-01-01,2024-01-01\n",
        &expect![[r#"
            ownership.csv line 2, column to: a period from 2024-01-01T00:00:00Z to 2024-01-01T00:00:00Z is empty: its end must be later than its start
        "#]],
    );
}

#[test]
fn check_digits_words_and_numbers_are_checked() {
    let text = "id,name,kind,country,uscc,lei\n\
        A,A,provider,CN,91350100M000100Y44,5493001KJTIIGC8Y1R13\n\
        B,B,funds,cn,,\n\
        C,,company,,,\n\
        G G,G,government,,,\n\
        G,G,government,,,\n";
    check(
        "parties.csv",
        text,
        &expect![[r#"
        parties.csv line 2, column uscc: `91350100M000100Y44` is no unified social credit code: its check digits should be `3`
        parties.csv line 2, column lei: `5493001KJTIIGC8Y1R13` is no LEI: its check digits should be `12`
        parties.csv line 3, column kind: `funds` is no kind of party: write one of government provider fund company other
        parties.csv line 3, column country: `cn` is no country: write two capital letters (ISO 3166-1), as in CN
        parties.csv line 4, column name: is blank: it has to be given
        parties.csv line 5, column id: `G G` is no party id: write 1 to 64 characters of letters, digits, dot, underscore, colon and hyphen
    "#]],
    );
    check(
        "pools.csv",
        "id,operator,site,model,cards,lit,at\npo-1,A,S,H200,+1,1.5,2024-01-01\n",
        &expect![[r#"
            pools.csv line 2, column cards: `+1` is no whole number: write digits only, at most 4294967295
            pools.csv line 2, column lit: `1.5` is no whole number: write digits only, at most 4294967295
        "#]],
    );
    let text = "id,fund,lp,amount,at,priority_supplier\ncm-1,B,A,1,2024-01-02,yes\n";
    check(
        "commitments.csv",
        text,
        &expect![[r#"
        commitments.csv line 2, column priority_supplier: `yes` is not known here: write one of true false
    "#]],
    );
}

#[test]
fn precision_and_sparsity_come_together_and_p_needs_them() {
    let text = "id,buyer,seller,currency,price_per_unit,unit,quantity,declared_p,precision,sparsity,signed_at,from,to\n\
        k-1,C,A,CNY,10,p_month,12,1,bf16,,2024-01-05,2024-02-01,2025-02-01\n\
        k-2,C,A,CNY,10,p_month,12,1,,dense,2024-01-05,2024-02-01,2025-02-01\n\
        k-3,C,A,CNY,10,p_month,12,1,,,2024-01-05,2024-02-01,2025-02-01\n\
        k-4,C,A,CNY,0,p_year,12,,,,2024-01-05,2024-02-01,2025-02-01\n";
    check(
        "contracts.csv",
        text,
        &expect![[r#"
        contracts.csv line 2, column sparsity: is blank while precision is given: give both
        contracts.csv line 3, column precision: is blank while sparsity is given: give both
        contracts.csv line 4, column declared_p: means nothing by itself: give precision and sparsity too
        contracts.csv line 5, column price_per_unit: 0 is no price: it must be above 0 and below 10^15, with at most 9 decimals
        contracts.csv line 5, column unit: `p_year` is no contract unit: write one of p_month card_hour
    "#]],
    );
}

#[test]
fn a_party_that_nobody_knows_is_named_everywhere_it_is_used() {
    let parties = "id,name,kind\nA,A,provider\nB,B,fund\nG,G,government\n";
    check(
        "parties.csv",
        parties,
        &expect![[r#"
            ownership.csv line 2, column owned: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            line_draws.csv line 2, column lender: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            investments.csv line 2, column company: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            investments.csv line 3, column company: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            exits.csv line 2, column payer: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            line_payments.csv line 2, column lender: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            line_payments.csv line 3, column lender: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            recognitions.csv line 2, column company: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            recognitions.csv line 3, column company: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            announcements.csv line 2, column buyer: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            contracts.csv line 2, column buyer: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            applications.csv line 2, column applicant: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            applications.csv line 2, column of: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            application_reviews.csv line 4, column of: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            vouchers.csv line 2, column holder: no party `C` is in parties.csv or in the ledger: add it to parties.csv
            transfers.csv line 2, column from: no party `C` is in parties.csv or in the ledger: add it to parties.csv
        "#]],
    );
}

#[test]
fn what_gives_a_row_its_currency_has_to_be_known() {
    expect![[r#"
        price_steps.csv line 2, column contract: `k-1` is not in contracts.csv: add it there
        refund_steps.csv line 2, column contract: `k-1` is not in contracts.csv: add it there
        invoices.csv line 2, column contract: no contract `k-1` is in contracts.csv or in the ledger, so the currency is not known: add it to contracts.csv
        advances.csv line 2, column contract: no contract `k-1` is in contracts.csv or in the ledger, so the currency is not known: add it to contracts.csv
        advance_uses.csv line 2, column contract: no contract `k-1` is in contracts.csv or in the ledger, so the currency is not known: add it to contracts.csv
        terminations.csv line 2, column contract: no contract `k-1` is in contracts.csv or in the ledger, so the currency is not known: add it to contracts.csv
        refunds.csv line 2, column contract: no contract `k-1` is in contracts.csv or in the ledger, so the currency is not known: add it to contracts.csv
    "#]].assert_eq(&problems(&without(full(), "contracts.csv")));
    expect![[r#"
        applications.csv line 2, column programme: no programme `p-1` is in programmes.csv or in the ledger, so the currency is not known: add it to programmes.csv
        vouchers.csv line 2, column programme: no programme `p-1` is in programmes.csv or in the ledger, so the currency is not known: add it to programmes.csv
        claims.csv line 2, column programme: no programme `p-1` is in programmes.csv or in the ledger, so the currency is not known: add it to programmes.csv
    "#]].assert_eq(&problems(&without(full(), "programmes.csv")));
    expect![[r#"
        commitments.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        commitment_changes.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        commitment_transfers.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        calls.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        contributions.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        contributions.csv line 3, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        line_draws.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        distributions.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        recalls.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        excess_returns.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        fee_payments.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        fee_reductions.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        fee_reductions.csv line 3, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        expenses.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        carry.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        line_payments.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        line_payments.csv line 3, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        navs.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        navs.csv line 3, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
        recognitions.csv line 2, column fund: no fund `B` is in funds.csv or in the ledger, so the currency is not known: add it to funds.csv
    "#]].assert_eq(&problems(&without(full(), "funds.csv")));
}

#[test]
fn evidence_that_belongs_to_nothing_in_the_bundle_is_named() {
    let sha = "ab".repeat(32);
    let text = format!(
        "application,claim,supplied_at,kind,sha256,size,number\n\
         ,,,contract,{sha},1,\n\
         ap-1,cl-1,,contract,{sha},1,\n\
         ap-9,,,contract,{sha},1,\n\
         ap-1,,2024-01-09,contract,{sha},1,\n\
         ,cl-1,,letter,{sha},-1,\n\
         ,cl-1,,contract,{},1,\n",
        sha.to_uppercase()
    );
    check(
        "evidence.csv",
        &text,
        &expect![[r#"
        evidence.csv line 2, column claim: is blank as application is: give one of them
        evidence.csv line 3, column claim: is given as application is: give one of them
        evidence.csv line 4, column application: `ap-9` is not in applications.csv: add it there
        evidence.csv line 5, column supplied_at: application_reviews.csv has no step `supply` of `ap-1` then
        evidence.csv line 6, column kind: `letter` is no kind of evidence: write one of contract provider_invoice payment_proof delivery_certificate usage_record electricity_record card_list non_affiliation_statement no_duplicate_statement project_report third_party_audit
        evidence.csv line 6, column size: `-1` is no whole number: write digits only, at most 18446744073709551615
        evidence.csv line 7, column sha256: `ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB` is no SHA-256: write 64 hexadecimal digits in lower case
    "#]],
    );
}

#[test]
fn a_step_of_a_review_has_what_it_needs_and_nothing_else() {
    let text = "claim,step,by,of,at,amount,reasons,note\n\
        cl-1,approved,o-1,G,2024-04-01,,,\n\
        cl-1,check,o-1,G,2024-04-02,1,,\n\
        cl-1,object,o-1,G,2024-04-03,,,\n\
        cl-1,reject,o-1,G,2024-04-04,,ineligible; unlit,\n\
        cl-1,approve,o-1,X,2024-04-05,1.005,,\n";
    check(
        "claim_reviews.csv",
        text,
        &expect![[r#"
        claim_reviews.csv line 2, column step: `approved` is not known here: write one of check request_information supply verify publicise object approve reject withdraw appeal close
        claim_reviews.csv line 3, column amount: means nothing to `check`: leave it blank
        claim_reviews.csv line 4, column note: is blank: it has to be given
        claim_reviews.csv line 5, column reasons: `unlit` is no reason for rejection: write one of ineligible evidence_missing evidence_false duplicate related_parties out_of_time budget_exhausted other
        claim_reviews.csv line 6, column amount: 1.005 is finer than the minor unit of CNY (2 decimals)
        claim_reviews.csv line 6, column of: no party `X` is in parties.csv or in the ledger: add it to parties.csv
    "#]],
    );
}

#[test]
fn the_file_of_a_programme_is_in_the_bundle_whole_and_agrees_with_its_row() {
    let header = "id,issuer,name,currency,budget,opens,closes,ratio,affiliation,file\n";
    let row = |ratio: &str, budget: &str, file: &str| {
        format!("p-1,G,Programme,CNY,{budget},2024-07-02,2024-12-31,{ratio},allow,{file}\n")
    };
    let text = |row: String| format!("{header}{row}");
    let first = full()["p-1.v2.json"].replace("\"version\":2", "\"version\":1");
    let city = format!("{{\"place\":\"P\",\"source\":\"S\",\"programme\":{first},\"cases\":[]}}");
    let check = |file: &str, json: &str, row: String, expected: &Expect| {
        let bundle = with(with(full(), file, json), "programmes.csv", &text(row));
        expected.assert_eq(&problems(&bundle));
    };
    check(
        "p.json",
        &first,
        row("0.3", "2000.01", "p.json"),
        &expect![[r#"
        programmes.csv line 2, column budget: `2000.01` is not what `p.json` says: make them agree
        programmes.csv line 2, column ratio: `0.3` is not what `p.json` says: make them agree
    "#]],
    );
    check(
        "p.json",
        &first,
        row("0.4", "2000", "../p.json"),
        &expect![[r#"
        programmes.csv line 2, column file: `../p.json` is outside the bundle: name a file in its folder
    "#]],
    );
    check(
        "p.json",
        &first,
        row("0.4", "2000", "q.json"),
        &expect![[r#"
        programmes.csv line 2, column file: `q.json` cannot be read: No such file or directory (os error 2)
    "#]],
    );
    let unknown = first.replace("\"ratio\"", "\"rate\"");
    check(
        "p.json",
        &unknown,
        row("0.4", "2000", "p.json"),
        &expect![[r#"
        programmes.csv line 2, column file: `p.json` is no programme: unknown field `rate`, expected one of `ratio`, `cap_voucher`, `cap_holder_year`, `validity_days`, `affiliation`, `affiliation_percent`, `funding_link_months`, `metering_required`, `rounding`, `amount`, `eligibility`, `settlement`, `application_review`, `claim_review`, `waiver`, `clawback` at line 1 column 192
    "#]],
    );
    check(
        "p.json",
        &first,
        row("0.4", "2000", "p-1.v2.json"),
        &expect![[r#"
        programmes.csv line 2, column file: `p-1.v2.json` is version 2: a first version is needed here
    "#]],
    );
    for json in [&first, &city] {
        let bundle = with(full(), "p.json", json);
        let named = rows(&with(bundle, "programmes.csv", &text(row("0.4", "2000", "p.json"))));
        let command = |row: &crate::Row| serde_json::to_string(&row.command).expect("JSON");
        let defined = named.iter().find(|row| row.file == "programmes.csv").map(command);
        assert!(defined.is_some_and(|defined| defined.contains("\"levels\":2")), "{json}");
    }
}

#[test]
fn one_id_with_unlike_rows_names_both_lines() {
    let text = "id,invoice,amount,at\n\
        pm-1,in-1,7,2024-03-03\n\
        pm-2,in-1,1,2024-03-03\n\
        pm-1,in-1,7.01,2024-03-03\n";
    check(
        "payments.csv",
        text,
        &expect![[r#"
        payments.csv line 4, column id: `pm-1` is on line 2 already, with other content: leave one of the two lines
    "#]],
    );
    let text = "pool,at,cards\npo-1,2024-02-01,110\npo-1,2024-02-01T00:00:00Z,120\n";
    check(
        "pool_changes.csv",
        text,
        &expect![[r#"
        pool_changes.csv line 3, column pool, at: `po-1, 2024-02-01T00:00:00Z` is on line 2 already, with other content: leave one of the two lines
    "#]],
    );
}

#[test]
fn all_that_is_wrong_is_told_up_to_a_bound() {
    let rows: String = (0..30).map(|row| format!("tr-{row},C,A,x,CNY,y,loan\n")).collect();
    let bundle =
        with(full(), "transfers.csv", &format!("id,from,to,amount,currency,at,purpose\n{rows}"));
    let unreadable = read_knowing(&bundle, &Ledger::default()).expect_err("much is wrong");
    assert_eq!((unreadable.problems.len(), unreadable.count), (20, 60));
    let text = unreadable.to_string();
    assert!(text.ends_with("\n  and 40 more"), "{text}");
    assert_eq!(text.lines().count(), 22);
    assert_eq!(ImportError::from(unreadable).exit_status(), 2);
}

#[test]
fn what_is_wrong_in_one_file_is_not_told_again_of_those_that_refer_to_it() {
    let mut bundle = lp_loop();
    let contracts = bundle.get_mut("contracts.csv").expect("it has contracts");
    *contracts = contracts.replace("k-1,company-c,provider-a,CNY", "k-1,company-c,provider-a,RMB");
    let programmes = bundle.get_mut("programmes.csv").expect("it has a programme");
    *programmes = programmes.replace(",CNY,", ",Cny,");
    let parties = bundle.get_mut("parties.csv").expect("it has parties");
    *parties = parties.replace("Provider A Computing,", "Provider A, Computing,");
    expect![[r#"
        parties.csv line 3: has 7 cells where the header has 6: quote a cell that holds a comma, and keep the comma of a blank one
        programmes.csv line 2, column currency: `Cny` is no currency: write its ISO 4217 code, as in CNY
        contracts.csv line 2, column currency: `RMB` is no currency: write its ISO 4217 code, as in CNY
    "#]].assert_eq(&problems(&bundle));
}

/// The bundle with one cell of the first row of a file replaced.
fn with_cell(file: &str, column: &str, cell: &str) -> Bundle {
    let mut bundle = full();
    let text = bundle.get_mut(file).expect("every file is in it");
    let mut lines: Vec<Vec<String>> =
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let place = lines[0].iter().position(|name| name == column).expect("every column is in it");
    lines[1][place] = format!("\"{}\"", cell.replace('"', "\"\""));
    *text = lines.iter().map(|line| line.join(",") + "\n").collect();
    bundle
}

#[test]
fn every_column_of_every_file_is_read() {
    for file in FILES {
        for column in file.columns() {
            let told = |cell| {
                let bundle = with_cell(file.name, column.name, cell);
                let problems =
                    read_knowing(&bundle, &Ledger::default()).map_err(|told| told.problems);
                let here = |place: &str| place.split(", ").any(|name| name == column.name);
                problems.is_err_and(|problems| {
                    problems.iter().any(|problem| {
                        let column = problem.column.as_deref();
                        problem.file == file.name
                            && problem.line == Some(2)
                            && column.is_some_and(here)
                    })
                })
            };
            assert!(told("\u{7f}"), "{} {}: no cell holds this", file.name, column.name);
            assert!(column.is_optional || told(" "), "{} {}: it is needed", file.name, column.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_a_cell_holds_the_whole_bundle_is_read_or_something_is_told(
        file: prop::sample::Index,
        column: prop::sample::Index,
        cell in prop_oneof![".{0,12}", "[0-9.-]{0,6}", "[A-Za-z]{1,3}-?[0-9]?", "20[0-9]{2}-0[1-9]-[0-3][0-9]"],
    ) {
        let file = file.get(FILES);
        let columns: Vec<_> = file.columns().collect();
        let bundle = with_cell(file.name, column.get(&columns).name, &cell);
        match read_knowing(&bundle, &Ledger::default()) {
            Ok(read) => prop_assert_eq!(read.len(), rows(&full()).len()),
            Err(told) => prop_assert!(told.problems.iter().all(|problem| problem.line >= Some(2))),
        }
    }
}
