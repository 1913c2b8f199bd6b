//! Metered usage from schedulers and meters: counted once, however often it is imported, with the file as evidence.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Ledger, Up, project, scenario};

const SACCT: &str = "\
JobIDRaw|Account|Start|End|ElapsedRaw|Suspended|AllocTRES|State
7|team-c|2025-03-02T08:00:00|2025-03-02T10:00:00|7200|00:00:00|gres/gpu=8,gres/gpu:h200=8|COMPLETED
7.batch|team-c|2025-03-02T08:00:00|2025-03-02T10:00:00|7200|00:00:00|gres/gpu=8|COMPLETED
8|team-c|2025-03-02T10:00:00|2025-03-02T11:00:00|3600|00:30:00|gres/gpu=4|CANCELLED by 1000
9|team-c|2025-03-02T11:00:00|Unknown|60|00:00:00|gres/gpu=4|RUNNING
10|others|2025-03-02T08:00:00|2025-03-02T10:00:00|7200|00:00:00|gres/gpu=8|COMPLETED
";
const DCGM: &str = "\
DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu=\"0\",UUID=\"GPU-1\",Hostname=\"n1\"} 0.5 1740960000000
DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu=\"0\",UUID=\"GPU-1\",Hostname=\"n1\"} 0.5 1740960036000
";

fn import(ledger: &Ledger, file: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let file = file.to_str().expect("a readable path");
    let answer =
        ledger.run(&[&["meter", "import", file, "--interval", "30", "--json"], arguments].concat());
    let report = serde_json::from_str(&answer.stdout);
    (answer.code, report.unwrap_or_else(|_| panic!("no JSON: {}", answer.text())))
}

fn outcome(report: &Value) -> [&Value; 3] {
    ["accepted", "unchanged", "refused"].map(|name| &report[name])
}

fn busy(ledger: &Ledger) -> Value {
    let day = ["utilization", "--pool", "pool-a1", "--from", "2025-03-02", "--to", "2025-03-04"];
    ledger.query(&day)["pools"][0]["busy_card_hours"].clone()
}

#[test]
fn a_meters_file_counts_once_however_often_it_is_imported() {
    let ledger = Ledger::new();
    let folder = TempDir::new().expect("a temporary folder");
    let [sacct, dcgm, map, longer] =
        ["sacct.txt", "dcgm.prom", "map.csv", "longer.txt"].map(|name| folder.path().join(name));
    std::fs::write(&sacct, SACCT).expect("our own folder");
    std::fs::write(&dcgm, DCGM).expect("our own folder");
    std::fs::write(&map, "account,allocation\nteam-c,al-3\n").expect("our own folder");
    std::fs::write(&longer, format!("{SACCT}12{}", &SACCT.lines().nth(1).expect("a run")[1..]))
        .expect("our own folder");
    let up = Up::start(&ledger);
    ledger.import(&scenario("lp-loop")).succeeded();
    let before = busy(&ledger);
    let map = map.to_str().expect("a readable path");
    let slurm = ["--format", "sacct", "--map", map, "--zone", "+08:00"];
    let (code, report) = import(&ledger, &sacct, &slurm);
    assert_eq!((code, outcome(&report)), (Some(0), [&json!(2), &json!(0), &json!(0)]), "{report}");
    assert_eq!(
        report["skipped"],
        json!({ "steps": 1, "still_running": 1, "not_mapped": 1 }),
        "{report}"
    );
    assert_eq!(report["evidence"]["size"], json!(SACCT.len()));
    let cards = ["--format", "dcgm-text", "--allocation", "al-3"];
    assert_eq!(outcome(&import(&ledger, &dcgm, &cards).1), [&json!(1), &json!(0), &json!(0)]);
    let after = busy(&ledger);
    assert_ne!(after, before);
    for (file, arguments, unchanged) in [(&sacct, &slurm[..], 2), (&dcgm, &cards[..], 1)] {
        let (code, report) = import(&ledger, file, arguments);
        let same = [&json!(0), &json!(unchanged), &json!(0)];
        assert_eq!((code, outcome(&report)), (Some(0), same), "{report}");
    }
    assert_eq!(busy(&ledger), after, "importing again changes nothing");
    let (_, report) = import(&ledger, &longer, &slurm);
    assert_eq!(outcome(&report), [&json!(1), &json!(2), &json!(0)], "{report}");
    assert_eq!(up.interrupt(), Some(0));
}

#[test]
fn a_run_that_the_rules_refuse_is_told_with_its_line_and_code() {
    let ledger = Ledger::new();
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("sacct.txt");
    let up = Up::start(&ledger);
    ledger.import(&scenario("lp-loop")).succeeded();
    let early = "11|team-c|2024-01-01T00:00:00|2024-01-01T01:00:00|3600||gres/gpu=1|COMPLETED\n";
    std::fs::write(&file, format!("{SACCT}{early}")).expect("our own folder");
    let slurm = ["--format", "sacct", "--allocation", "al-3", "--zone", "+08:00"];
    for accepted in [3, 0] {
        let (code, report) = import(&ledger, &file, &slurm);
        let told = [&json!(accepted), &json!(3 - accepted), &json!(1)];
        assert_eq!((code, outcome(&report)), (Some(3), told), "{report}");
        assert_eq!(report["refusals"][0]["line"], 7);
        assert_eq!(report["refusals"][0]["code"], "outside_allocation");
    }
    let path = file.to_str().expect("a readable path");
    let answer =
        ledger.run(&["meter", "import", path, "--format", "sacct", "--allocation", "al-3"]);
    assert_eq!(answer.code, Some(2), "{}", answer.text());
    assert!(answer.stderr.contains("line 2, column Start"), "{}", answer.stderr);
    assert_eq!(up.interrupt(), Some(0));
}

#[test]
fn the_card_catalogue_is_a_bundle_that_keeps_every_source() {
    let ledger = Ledger::new();
    let catalogue = project().join("schemas/catalogue");
    let up = Up::start(&ledger);
    let told = ledger.import(&catalogue).succeeded().stdout;
    let rows = std::fs::read_to_string(catalogue.join("card_specs.csv")).expect("it is there");
    let count = rows.lines().count() - 1;
    assert!(told.contains(&format!("{count} accepted, 0 unchanged, 0 refused")), "{told}");
    let again = ledger.import(&catalogue).succeeded().stdout;
    assert!(again.contains(&format!("0 accepted, {count} unchanged, 0 refused")), "{again}");
    assert_eq!(up.interrupt(), Some(0));
}
