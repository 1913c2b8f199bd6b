//! The ledger as files of other formats, each read by what it is meant for.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

mod focus;
mod http;
mod ocel;
mod pages;

use crate::program::{Bundle, Ledger, Up, tool};

#[test]
fn what_is_exported_is_what_the_ledger_says() {
    let ledger = Ledger::new();
    // Names and kinds of payment that the bundle itself has none of.
    let bundle = Bundle::lp_loop()
        .append("parties.csv", "Lab:1.a_B,\"Lab <one>, \"\"B\"\"\",company,CN,,")
        .append("terminations.csv", "k-3,2025-06-01,ended_early,100000");
    let transfers = "id,from,to,amount,currency,at,purpose\n\
        tr-1,city,Lab:1.a_B,5000,CNY,2025-06-02,grant\n\
        tr-2,Lab:1.a_B,provider-x,1200,KRW,2025-06-03T10:00:00+09:00,fee\n";
    std::fs::write(bundle.path().join("transfers.csv"), transfers).expect("our own folder");
    let distributions = "id,fund,lp,amount,at\nds-1,fund-b,lp-state,250000.50,2025-06-04\n";
    std::fs::write(bundle.path().join("distributions.csv"), distributions).expect("our own folder");
    let up = Up::start(&ledger);
    ledger.import(bundle.path()).succeeded();
    beancount_accepts_the_journal(&ledger);
    every_list_is_the_same_in_every_format(&ledger);
    a_report_names_facts_that_can_be_checked(&ledger);
    focus::charges_are_told_as_the_specification_asks(&ledger);
    ocel::events_are_a_log_that_keeps_its_own_rules(&ledger);
    pages::the_report_has_pages_with_its_figures(&ledger);
    http::the_api_gives_the_same_bytes(&ledger);
    assert_eq!(up.interrupt(), Some(0));
}

fn beancount_accepts_the_journal(ledger: &Ledger) {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let file = folder.path().join("ledger.beancount");
    let out = file.to_str().expect("a readable path");
    ledger.run(&["export", "beancount", "--out", out]).succeeded();
    let checked =
        Command::new(tool("beancount/bin/bean-check")).arg(out).output().expect("bean-check runs");
    let said = [checked.stdout, checked.stderr].concat();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&said));

    let text = std::fs::read_to_string(&file).expect("the journal");
    let flows = ledger.query(&["flows"]);
    let flows = flows["flows"].as_array().expect("flows");
    assert_eq!(text.matches(" * \"").count(), flows.len());
    for flow in flows {
        let fact = flow["event"].as_str().expect("a fact");
        assert_eq!(text.matches(&format!("  fact: \"{fact}\"\n")).count(), 1, "{fact}");
    }
    let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
    for posting in text.lines().filter(|line| line.starts_with("  ") && !line.contains('"')) {
        let mut words = posting.split_whitespace().skip(1);
        let amount = words.next().expect("an amount").replace('.', "");
        let currency = words.next().expect("a currency");
        *sums.entry(currency).or_default() += amount.parse::<i128>().expect("a figure");
    }
    assert_eq!(sums, BTreeMap::from([("CNY", 0), ("KRW", 0)]));

    // The checker does check: another figure is found.
    let broken = text.replacen("  250000.50 CNY", "  250000.51 CNY", 1);
    assert_ne!(broken, text);
    std::fs::write(&file, broken).expect("our own folder");
    let checked =
        Command::new(tool("beancount/bin/bean-check")).arg(out).output().expect("bean-check runs");
    assert!(!checked.status.success());

    let earlier = ledger.run(&["export", "beancount", "--as-of", "2024-10-01"]).succeeded();
    assert_eq!(earlier.stdout.matches(" * \"").count(), 2, "{}", earlier.stdout);
}

/// The lists of the command line: their command, the member that is the list, and a row at least.
const LISTS: [(&[&str], &str); 15] = [
    (&["loops"], "loops"),
    (&["loops", "--level", "group"], "loops"),
    (&["party", "provider-a"], "parties"),
    (&["parties"], "parties"),
    (&["owners", "fund-b", "--threshold", "1"], "owners"),
    (&["flows"], "flows"),
    (&["utilization", "--from", "2025-03-01", "--to", "2025-03-03", "--by", "day"], "pools"),
    (&["implied"], "contracts"),
    (&["prices"], "contracts"),
    (&["findings"], "findings"),
    (&["findings", "--rules"], "rules"),
    (&["vouchers"], "vouchers"),
    (&["caps"], "caps"),
    (&["register", "--kind", "provider"], "parties"),
    (
        &["statement", "--provider", "provider-a", "--from", "2025-03-01", "--to", "2025-05-01"],
        "claims",
    ),
];

fn every_list_is_the_same_in_every_format(ledger: &Ledger) {
    for (command, list) in LISTS {
        let document = ledger.query(command);
        let rows = document[list].as_array().expect("a list");
        assert!(!rows.is_empty(), "{command:?}");
        let told = |format| ledger.run(&[command, &["--format", format]].concat()).succeeded();
        let lines = told("jsonl");
        let read: Vec<Value> = lines.stdout.lines().map(json).collect();
        assert_eq!(read.len(), rows.len(), "{command:?}");
        for (line, row) in read.iter().zip(rows) {
            let row = row.as_object().expect("a row");
            assert!(row.iter().all(|(name, value)| line[name] == *value), "{command:?}: {line}");
        }
        let table = told("csv");
        let header: Vec<&str> = table.stdout.lines().next().expect("a header").split(',').collect();
        let first = json(lines.stdout.lines().next().expect("a line"));
        assert_eq!(header.len(), first.as_object().expect("an object").len(), "{command:?}");
        if let Some(position) = document["position"].as_u64() {
            assert!(table.stderr.contains(&format!("position {position}\n")), "{}", table.stderr);
        }
    }
    let file = ledger.command(&["flows", "--format", "parquet"]).output().expect("it runs").stdout;
    assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"), "{} bytes", file.len());
    let one = ledger.run(&["programme", "cv-2025", "--format", "csv"]).succeeded();
    assert_eq!(one.stdout.lines().count(), 2, "{}", one.stdout);
    let claims = ledger.run(&["claims", "--format", "csv"]).succeeded();
    assert!(claims.stdout.starts_with("claim,programme,version,"), "{}", claims.stdout);
    assert_eq!(claims.stdout.lines().count(), 4, "{}", claims.stdout);
    let none = ledger.run(&["flows", "--party", "nobody", "--format", "csv"]).succeeded();
    assert_eq!(none.stdout, "id,from,to,kind,amount,currency,at,event\n");
    let both = ledger.run(&["flows", "--json", "--format", "csv"]);
    assert_eq!(both.code, Some(2), "{}", both.stderr);
}

fn a_report_names_facts_that_can_be_checked(ledger: &Ledger) {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let file = folder.path().join("report.html");
    let out = file.to_str().expect("a readable path");
    ledger.run(&["report", "--party", "fund-b", "--out", out]).succeeded();
    let page = std::fs::read_to_string(&file).expect("the report");
    if let Some(keep) = std::env::var_os("KEEP_REPORT") {
        std::fs::copy(&file, keep).expect("a place to keep it");
    }
    for text in ["70,000,000.00", "5,032,440.00", "3,522,708.00", "1,078,380.00", "<svg"] {
        assert!(page.contains(text), "{text}");
    }
    for foreign in ["<script", "http://", "https://", "<link", "<img", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let loops = ledger.query(&["loops", "--party", "fund-b"]);
    let loops = loops["loops"].as_array().expect("loops");
    assert_eq!(page.matches("<article>").count(), loops.len());
    let positions = loops.iter().flat_map(|found| found["positions"].as_array().expect("a list"));
    let positions: Vec<String> = positions.map(ToString::to_string).collect();
    let asked: Vec<&str> = positions.iter().flat_map(|p| ["--position", p]).collect();
    let verified = ledger.query(&[&["verify"], &asked[..]].concat());
    let commits = verified["asked"].as_array().expect("commits");
    assert!(!commits.is_empty() && commits.len() <= positions.len(), "{verified}");
    for commit in commits {
        let hash = commit["hash"].as_str().expect("a hash");
        let row = format!("<td class=\"n\">{}</td><td>", commit["position"]);
        assert!(hash.len() == 64 && page.contains(hash) && page.contains(&row), "{commit}");
    }
    let lab = ledger.run(&["report", "--party", "Lab:1.a_B"]).succeeded().stdout;
    assert!(lab.contains("Lab &lt;one&gt;, &quot;B&quot;") && !lab.contains("<one>"), "{lab}");
    let before = ledger.run(&["report", "--party", "fund-b", "--as-known", "2025-01-01"]);
    assert_eq!(before.code, Some(1), "nothing was recorded before this test ran");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}
