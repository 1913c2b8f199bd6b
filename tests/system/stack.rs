//! The local stack: one at a time on a folder, stopped cleanly, found by other commands, replaced by existing servers.

use serde_json::{Value, json};

use crate::http::Http;
use crate::program::{Ledger, Up, folder_of, processes_on, project, scenario, signal, wait_until};

fn description(ledger: &Ledger) -> Value {
    let text = std::fs::read(ledger.data().join("stack.json")).expect("the stack is described");
    serde_json::from_slice(&text).expect("JSON")
}

/// What the stack's API answers: its status and its JSON.
fn get(ledger: &Ledger, path: &str) -> (String, Value) {
    let reply = Http::of(ledger).get(path);
    (reply.status.to_string(), reply.json())
}

#[test]
fn commands_use_the_stack_that_runs_on_their_folder() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("lp-loop")).succeeded();
    let loops = ledger.query(&["loops"]);
    assert_eq!(loops["loops"].as_array().map(Vec::len), Some(3));

    let (status, body) = get(&ledger, "/v1/loops?party=provider-x");
    assert!(status.contains("200"), "{status}");
    assert_eq!(body["loops"], json!([loops["loops"][1]]));
    for (path, code) in [
        ("/healthz", "200"),
        ("/readyz", "200"),
        ("/v1/flows?kind=transfer", "200"),
        ("/v1/loops?level=group", "200"),
        ("/v1/parties?party=provider-a", "200"),
        ("/v1/owners?party=fund-b&threshold=10", "200"),
        ("/v1/owners", "400"),
        ("/v1/loops?level=nonsense", "400"),
        ("/v1/vouchers?programme=cv-2025", "200"),
        ("/v1/programme?programme=cv-2025&as_of=2025-03-01", "200"),
        ("/v1/programme?programme=cv-1999", "404"),
        ("/v1/programme", "400"),
        ("/v1/claims?provider=provider-a&stage=approved&as_of=2026-01-01", "200"),
        ("/v1/claims?stage=nonsense", "400"),
        ("/v1/statement?provider=provider-a&from=2025-03-01&to=2025-04-01&after=1", "200"),
        ("/v1/statement?provider=provider-a", "400"),
        ("/v1/utilization?from=2025-02-01&to=2025-03-01", "200"),
        ("/v1/utilization?from=2025-02-01&to=2025-03-01&by=day", "200"),
        ("/v1/utilization?from=2025-02-01&to=2025-03-01&by=week", "400"),
        ("/v1/implied?contract=k-1", "200"),
        ("/v1/findings?rule=voucher_inside_loop&party=provider-x", "200"),
        ("/v1/findings/rules", "200"),
        ("/v1/findings?rule=nonsense", "400"),
        ("/v1/loops?after=1", "200"),
        ("/v1/loops?after=1000000&wait=0", "409"),
        ("/v1/loops?after=soon", "400"),
        ("/v1/utilization", "400"),
        ("/v1/loops?currency=nonsense", "400"),
        ("/v1/nothing", "404"),
    ] {
        let (status, body) = get(&ledger, path);
        assert!(status.contains(code), "{path}: {status} {body}");
    }
    let (_, statement) =
        get(&ledger, "/v1/statement?provider=provider-a&from=2025-03-01&to=2025-04-01");
    let period = ["--from", "2025-03-01", "--to", "2025-04-01"];
    let told = ledger.query(&[&["statement", "--provider", "provider-a"], &period[..]].concat());
    assert_eq!(statement, told);
    assert_eq!(
        get(&ledger, "/v1/programme?programme=cv-2025").1,
        ledger.query(&["programme", "cv-2025"])
    );
    assert_eq!(
        get(&ledger, "/v1/claims?stage=paid").1,
        ledger.query(&["claims", "--stage", "paid"])
    );
    a_code_is_signed_here_and_checked_anywhere(&ledger);
    let (_, ready) = get(&ledger, "/readyz");
    assert_eq!(ready["lag"], 0, "{ready}");
    what_is_counted_can_be_scraped_and_drawn(&ledger);
    assert_eq!(up.interrupt(), Some(0));
}

fn what_is_counted_can_be_scraped_and_drawn(ledger: &Ledger) {
    let too_much = "id,voucher,invoice,amount,at\nrd-9,v-d1,in-3,99999999,2025-04-27\n";
    let refused = ledger.import(folder_of([("redemptions.csv", too_much)]).path());
    assert_eq!(refused.code, Some(3), "{}", refused.text());
    let position = ledger.query(&["flows"])["position"].clone();
    let reply = Http::of(ledger).get("/metrics");
    assert_eq!(reply.status, 200);
    let text = reply.body;
    let value = |series: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{series} is not in {text}")).to_owned()
    };
    assert_eq!(value("loopledger_views_lag_commits"), "0");
    assert_eq!(value("loopledger_projected_position"), position.to_string());
    assert_eq!(value("loopledger_queued_calls{partition=\"voucher.0\"}"), "0");
    let appends = value("loopledger_append_seconds_count{partition=\"fund.0\"}");
    assert_eq!(appends, value("loopledger_commits_total{partition=\"fund.0\"}"));
    assert_ne!(appends, "0");
    let flows = ledger.query(&["flows"])["flows"].as_array().map(Vec::len).unwrap_or_default();
    assert_eq!(value("loopledger_loop_searches_total"), flows.to_string());
    assert_eq!(value("loopledger_loop_searches_cut_total"), "0");
    assert_eq!(value("loopledger_loop_steps_budget"), "200000");
    assert_ne!(value("loopledger_loop_steps_total"), "0");
    let refusals = text.lines().filter(|line| line.starts_with("loopledger_refusals_total{"));
    assert_eq!(refusals.map(|line| line.rsplit(' ').next()).collect::<Vec<_>>(), [Some("1")]);

    let drawn = std::fs::read_to_string(project().join("deploy/grafana.json")).expect("a file");
    let drawn: Value = serde_json::from_str(&drawn).expect("JSON");
    let targets = drawn["panels"].as_array().expect("panels").iter();
    for target in targets.flat_map(|panel| panel["targets"].as_array().expect("targets")) {
        let query = target["expr"].as_str().expect("a query");
        let names = query.split(|c: char| !c.is_ascii_lowercase() && c != '_');
        for name in names.filter(|name| name.starts_with("loopledger_")) {
            let is_counted = text.lines().any(|line| line.starts_with(name));
            assert!(is_counted, "{name} of {query} is not in {text}");
        }
    }
}

fn a_code_is_signed_here_and_checked_anywhere(ledger: &Ledger) {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let [private, public] = ["issuer.pem", "issuer.pub.pem"]
        .map(|name| folder.path().join(name).to_str().expect("a readable path").to_owned());
    let printed = ledger.run(&["keys", "new", "--out", &private]).succeeded().stdout;
    std::fs::write(&public, printed).expect("our own folder");
    let signed = ledger.query(&["voucher", "v-c1", "--code", "--key", &private]);
    let code = signed["code"].as_str().expect("a code");
    assert_eq!(signed["stated"]["holder"], "company-c");

    let elsewhere = Ledger::new();
    let check = |code: &str| {
        elsewhere.run(&["voucher", "--check", code, "--public-key", &public, "--json"])
    };
    let answer = check(code).succeeded();
    let checked: Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!((&checked["genuine"], &checked["stated"]), (&json!(true), &signed["stated"]));
    let forged = check(&code.replacen('A', "B", 1));
    assert_eq!(forged.code, Some(3), "{}", forged.text());
    assert!(!elsewhere.data().exists(), "no ledger is needed");
    let drawn = ledger.run(&["voucher", "v-c1", "--code", "--key", &private, "--qr"]).succeeded();
    assert!(
        drawn.stdout.starts_with(code) && drawn.stdout.contains('\u{2588}'),
        "{}",
        drawn.stdout
    );
    let unknown = ledger.run(&["voucher", "nobody", "--code", "--key", &private]);
    assert_eq!(unknown.code, Some(1));
}

#[test]
fn a_second_stack_on_a_folder_says_that_one_is_running() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    let second = ledger.run(&["up"]);
    assert_eq!(second.code, Some(1));
    let pid = up.process.id().to_string();
    assert!(second.stderr.contains("in use") && second.stderr.contains(&pid), "{}", second.stderr);
}

#[test]
fn ctrl_c_stops_the_stack_and_its_servers_and_keeps_what_was_imported() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("lp-loop")).succeeded();
    assert!(processes_on(&ledger.data()).len() > 1, "servers run");
    assert_eq!(up.interrupt(), Some(0));
    let data = ledger.data();
    wait_until("the servers have ended", || processes_on(&data).is_empty());
    assert_eq!(ledger.query(&["loops"])["loops"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_killed_stack_leaves_a_folder_that_the_next_one_recovers() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("lp-loop")).succeeded();
    let before = ledger.everything();
    signal(&up.process, rustix::process::Signal::KILL);
    drop(up);
    assert!(!processes_on(&ledger.data()).is_empty(), "its servers are orphans now");
    let next = Up::start(&ledger);
    assert_eq!(ledger.everything(), before);
    assert_eq!(next.interrupt(), Some(0));
    let data = ledger.data();
    wait_until("no server is left", || processes_on(&data).is_empty());
}

#[test]
fn existing_servers_are_used_when_their_addresses_are_given() {
    let (servers, user) = (Ledger::new(), Ledger::new());
    let up = Up::start(&servers);
    servers.import(&scenario("lp-loop")).succeeded();
    let expected = servers.query(&["loops"]);
    let described = description(&servers);
    let address = |name: &str| described[name].as_str().expect("an address").to_owned();
    let mut command = user.command(&["loops", "--json"]);
    command.env("NATS_URL", address("nats_url")).env("DATABASE_URL", address("database_url"));
    let output = command.output().expect("the program runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    let found: Value = serde_json::from_slice(&output.stdout).expect(&errors);
    assert_eq!(found, expected);
    assert!(!user.data().join("nats").exists(), "no server of its own was set up");
    assert_eq!(up.interrupt(), Some(0));
}
